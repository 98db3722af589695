#!/usr/bin/env python3
"""The bill of materials of a release, as CycloneDX 1.5 JSON: what is compiled into the binary, and what is vendored.

    tools/sbom.py OUT.json     writes it
    tools/sbom.py --check      makes it and says what is wrong with it

It is made of Cargo.lock and vendor/npm.lock.toml alone: the same sources give the same bytes. What only tests use is not in it.
"""

import json
import re
import subprocess
import sys
import tomllib
import uuid
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
PRODUCT = "vitrine"
# What the binary is built for; other systems' crates are not in it.
PLATFORM = "x86_64-unknown-linux-gnu"


def cargo_metadata():
    command = ["cargo", "metadata", "--locked", "--format-version", "1", "--filter-platform", PLATFORM]
    return json.loads(subprocess.run(command, cwd=ROOT, check=True, stdout=subprocess.PIPE).stdout)


def checksums():
    """The SHA-256 of every package that comes from a registry."""
    lock = tomllib.loads((ROOT / "Cargo.lock").read_text())
    return {(p["name"], p["version"]): p["checksum"] for p in lock["package"] if "checksum" in p}


def in_the_binary(metadata):
    """Ids of the packages the binary needs to be built, with what each of them needs."""
    nodes = {node["id"]: node for node in metadata["resolve"]["nodes"]}
    start = next(p["id"] for p in metadata["packages"] if p["name"] == PRODUCT)
    needs, left = {}, [start]
    while left:
        package = left.pop()
        if package in needs:
            continue
        wanted = [
            dep["pkg"]
            for dep in nodes[package]["deps"]
            if any(kind["kind"] in (None, "build") for kind in dep["dep_kinds"])
        ]
        needs[package] = sorted(set(wanted) - {package})
        left.extend(needs[package])
    return start, needs


def licence(expression):
    # Older manifests write "MIT/Apache-2.0".
    return [{"expression": expression.replace("/", " OR ")}] if expression else []


def reference(package):
    return f"pkg:cargo/{package['name']}@{package['version']}"


def crate(package, sums):
    component = {
        "type": "library",
        "bom-ref": reference(package),
        "name": package["name"],
        "version": package["version"],
        "purl": reference(package),
        "licenses": licence(package["license"]),
    }
    if package.get("description"):
        component["description"] = " ".join(package["description"].split())
    checksum = sums.get((package["name"], package["version"]))
    if checksum:
        component["hashes"] = [{"alg": "SHA-256", "content": checksum}]
    if package.get("repository"):
        component["externalReferences"] = [{"type": "vcs", "url": package["repository"]}]
    return component


def vendored():
    """Files of other people that are served as they are."""
    lock = tomllib.loads((ROOT / "vendor/npm.lock.toml").read_text())
    for package in lock.get("package", []):
        purl = "pkg:npm/" + package["name"].replace("@", "%40") + "@" + package["version"]
        component = {
            "type": "library",
            "bom-ref": purl,
            "name": package["name"],
            "version": package["version"],
            "purl": purl,
            "licenses": licence(package.get("licence") or package.get("license")),
        }
        yield component


def bill():
    metadata = cargo_metadata()
    packages = {package["id"]: package for package in metadata["packages"]}
    start, needs = in_the_binary(metadata)
    sums = checksums()
    components = [crate(packages[package], sums) for package in needs if package != start]
    components += vendored()
    components.sort(key=lambda component: component["bom-ref"])
    graph = [
        {"ref": reference(packages[package]), "dependsOn": sorted(reference(packages[p]) for p in wanted)}
        for package, wanted in needs.items()
    ]
    graph.sort(key=lambda node: node["ref"])
    body = json.dumps([components, graph], sort_keys=True)
    product = crate(packages[start], sums) | {"type": "application"}
    return {
        "$schema": "http://cyclonedx.org/schema/bom-1.5.schema.json",
        "bomFormat": "CycloneDX",
        "specVersion": "1.5",
        # Told by what is in it, not by when it was made.
        "serialNumber": f"urn:uuid:{uuid.uuid5(uuid.NAMESPACE_URL, body)}",
        "version": 1,
        "metadata": {"component": product, "tools": {"components": [{"type": "application", "name": "tools/sbom.py"}]}},
        "components": components,
        "dependencies": graph,
    }


def faults(made):
    """What would make a reader of the bill stumble."""
    refs = [component["bom-ref"] for component in made["components"]]
    known = set(refs) | {made["metadata"]["component"]["bom-ref"]}
    names = {component["name"] for component in made["components"]}
    if len(refs) != len(set(refs)):
        yield "a component is in it twice"
    for component in made["components"]:
        what = component["bom-ref"]
        if not component["licenses"]:
            yield f"{what} has no licence"
        if not re.fullmatch(r"pkg:(cargo|npm)/[A-Za-z0-9_.%/-]+@[0-9][A-Za-z0-9.+-]*", component["purl"]):
            yield f"{what} is no package address"
        for digest in component.get("hashes", []):
            if not re.fullmatch(r"[0-9a-f]{64}", digest["content"]):
                yield f"{what} has a bad checksum"
    for node in made["dependencies"]:
        for ref in [node["ref"], *node["dependsOn"]]:
            if ref not in known:
                yield f"{ref} is needed and not in it"
    for wanted in ["axum", "libsqlite3-sys", "rustls", "image", "commerce"]:
        if wanted not in names:
            yield f"{wanted} is missing"
    for unwanted in ["proptest", "fantoccini", "libfuzzer-sys"]:
        if unwanted in names:
            yield f"{unwanted} is for tests alone"
    if not re.fullmatch(r"urn:uuid:[0-9a-f-]{36}", made["serialNumber"]):
        yield "the serial number is none"


def main():
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    made = bill()
    wrong = list(faults(made))
    if wrong:
        sys.exit("The bill of materials is not right:\n  " + "\n  ".join(wrong))
    if sys.argv[1] == "--check":
        print(f"{len(made['components'])} components, each with its licence.")
        return
    Path(sys.argv[1]).write_text(json.dumps(made, indent=2, ensure_ascii=False) + "\n")


main()
