#!/usr/bin/env python3
"""Counts the instructions of hot functions, and compares them with tools/counts.json.

    tools/counts.py            compares; ends with an error where one needs a tenth more or less than it did
    tools/counts.py --renew    writes the new counts: after a change that is meant to be dearer, a cheaper one, or a new compiler

Time depends on the machine and on what else it does; instructions hardly do. They are counted by valgrind (cachegrind) in
the development build, at two numbers of repetitions: the difference is the function, without start and end.
"""

import json
import os
import re
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
BASELINE = ROOT / "tools/counts.json"
# What each is repeated, less and more.
REPEATED = {
    "amounts": (100, 600),
    "category_page": (1, 6),
    "form_body": (100, 600),
    "price_of_a_cart": (20, 120),
    "product_page": (1, 6),
    "search_words": (20, 120),
    "sealed_text": (20, 120),
    "session_cookie": (100, 600),
}
# What allocators, hash seeds and processors may change, and no more.
TOLERANCE = 0.10
# No address is random, and nothing of the surroundings comes in.
SURROUNDINGS = {"PATH": os.environ.get("PATH", ""), "LC_ALL": "C", "GLIBC_TUNABLES": "glibc.cpu.x86_shstk=off"}


def compiler():
    said = subprocess.run(["rustc", "--version"], check=True, stdout=subprocess.PIPE, text=True).stdout
    return said.split(" (")[0]


def build():
    command = ["cargo", "build", "--locked", "-q", "--workspace", "--example", "counts", "--message-format", "json"]
    said = subprocess.run(command, cwd=ROOT, check=True, stdout=subprocess.PIPE, text=True).stdout
    made = [json.loads(line) for line in said.splitlines() if line.startswith("{")]
    return next(m["executable"] for m in made if m.get("executable") and m["target"]["name"] == "counts")


def instructions(program, name, times):
    with tempfile.TemporaryDirectory() as folder:
        command = ["setarch", "-R", "valgrind", "--tool=cachegrind", "--cache-sim=no", f"--cachegrind-out-file={folder}/out"]
        run = subprocess.run(
            [*command, program, name, str(times)], env=SURROUNDINGS, cwd=ROOT, stderr=subprocess.PIPE, text=True
        )
    found = re.search(r"I\s+refs:\s+([\d,]+)", run.stderr)
    if run.returncode != 0 or not found:
        sys.exit(f"counts {name} did not run:\n{run.stderr[-2000:]}")
    return int(found[1].replace(",", ""))


def counts():
    program = build()
    for name, (less, more) in REPEATED.items():
        first, second = (instructions(program, name, times) for times in (less, more))
        yield name, (second - first) // (more - less)


def main():
    renew = sys.argv[1:] == ["--renew"]
    if sys.argv[1:] and not renew:
        sys.exit(__doc__)
    now = dict(counts())
    if renew:
        BASELINE.write_text(json.dumps({"compiler": compiler(), "instructions": now}, indent=2) + "\n")
    known = json.loads(BASELINE.read_text())
    before = known["instructions"]
    wrong = sorted(set(before) ^ set(now))
    for name, count in now.items():
        if name not in before:
            continue
        share = count / before[name] - 1
        bad = abs(share) > TOLERANCE
        wrong += [name] if bad else []
        print(f"{name:16} {count:>12,} instructions, {share:+.1%}{'  <-- not within a tenth' if bad else ''}")
    if known["compiler"] != compiler():
        print(f"The counts known are of {known['compiler']}, these are of {compiler()}.")
        # Another compiler writes other instructions: that is no news about our code.
        return
    if wrong:
        sys.exit("Renew the counts with tools/counts.py --renew if this is meant: " + ", ".join(wrong))


main()
