#!/usr/bin/env python3
"""Prints the SBOM of the server in CycloneDX 1.5: the crates that the program is made of, from `cargo metadata`."""

import json
import subprocess
import sys
import uuid


def run_metadata(target):
    command = ["cargo", "metadata", "--format-version", "1", "--locked", "--filter-platform", target]
    return json.loads(subprocess.run(command, check=True, stdout=subprocess.PIPE).stdout)


def find_reachable(metadata, root):
    """Every crate that the program is linked from: neither tests nor build scripts."""
    nodes = {node["id"]: node for node in metadata["resolve"]["nodes"]}
    edges, waiting = {}, [root]
    while waiting:
        crate = waiting.pop()
        if crate in edges:
            continue
        needed = [
            dependency["pkg"]
            for dependency in nodes[crate]["deps"]
            if any(kind["kind"] is None for kind in dependency["dep_kinds"])
        ]
        edges[crate] = sorted(set(needed))
        waiting.extend(needed)
    return edges


def refer(package):
    """A name without a path of this machine."""
    return f"pkg:cargo/{package['name']}@{package['version']}"


def to_component(package, checksums):
    name, version = package["name"], package["version"]
    component = {
        "type": "library",
        "bom-ref": refer(package),
        "name": name,
        "version": version,
        "purl": refer(package),
    }
    if package.get("license"):
        component["licenses"] = [{"expression": package["license"].replace("/", " OR ")}]
    checksum = checksums.get((name, version))
    if checksum:
        component["hashes"] = [{"alg": "SHA-256", "content": checksum}]
    else:
        component["scope"] = "required"
    return component


def read_checksums(lock):
    checksums, entry = {}, {}
    for line in lock.splitlines():
        if line == "[[package]]":
            entry = {}
        elif " = \"" in line:
            key, value = line.split(" = ", 1)
            entry[key] = value.strip('"')
            if key == "checksum":
                checksums[(entry["name"], entry["version"])] = entry["checksum"]
    return checksums


def main(target, lock_file):
    metadata = run_metadata(target)
    packages = {package["id"]: package for package in metadata["packages"]}
    root = next(package for package in metadata["packages"] if package["name"] == "vestibule-server")
    edges = find_reachable(metadata, root["id"])
    refs = {crate: refer(packages[crate]) for crate in edges}
    with open(lock_file, encoding="utf-8") as file:
        checksums = read_checksums(file.read())
    version = root["version"]
    program = to_component(root, checksums) | {"type": "application", "name": "vestibule", "purl": f"pkg:generic/vestibule@{version}"}
    bom = {
        "bomFormat": "CycloneDX",
        "specVersion": "1.5",
        # The same crates, the same number.
        "serialNumber": f"urn:uuid:{uuid.uuid5(uuid.NAMESPACE_URL, target + ' ' + ' '.join(sorted(refs.values())))}",
        "version": 1,
        "metadata": {"component": program, "properties": [{"name": "target", "value": target}]},
        "components": [to_component(packages[crate], checksums) for crate in sorted(edges) if crate != root["id"]],
        "dependencies": [
            {"ref": refs[crate], "dependsOn": [refs[one] for one in needed]} for crate, needed in sorted(edges.items())
        ],
    }
    json.dump(bom, sys.stdout, indent=1, sort_keys=True)
    print()


if __name__ == "__main__":
    main(*sys.argv[1:3])
