#!/usr/bin/env python3
"""The bill of materials of a binary as CycloneDX 1.5: tools/sbom.py BINARY VERSION >sbom.json

Libraries are those the loader maps, with the Debian packages they come from; packages of the pages are those of the lock files. What only
builds the pages has scope "excluded". The same binary on the same system gives the same bytes. Needs dpkg-query, ldd and readelf.
"""
import base64
import json
import os
import pathlib
import re
import subprocess
import sys
import urllib.parse
import uuid

ROOT = pathlib.Path(__file__).resolve().parent.parent
LOCKS = ("web/package-lock.json", "web/reference/package-lock.json")


def tool(*command):
    return subprocess.run([str(part) for part in command], capture_output=True, text=True, check=True).stdout


def packages_of(paths):
    """path → the Debian package it is of. Where /lib leads to /usr/lib, dpkg knows a file by one of its names."""
    names = {path: {path, os.path.realpath(path), os.path.realpath(path).removeprefix("/usr"), f"/usr{path}"} for path in paths}
    # It fails when it does not know one of them, and prints the others.
    said = subprocess.run(["dpkg-query", "-S", *sorted(set().union(*names.values()))], capture_output=True, text=True, check=False).stdout
    known = {name: package for package, name in re.findall(r"^([^:,\s]+)(?::\S+)?: (/\S+)$", said, re.M)}
    owners = {path: next((known[name] for name in sorted(names[path]) if name in known), None) for path in paths}
    strangers = [path for path, package in owners.items() if package is None]
    if strangers:
        raise SystemExit(f"sbom: of no package: {', '.join(strangers)}")
    return owners


def libraries(binary):
    """soname → path of all that is mapped when the binary starts."""
    return dict(re.findall(r"^\s*(\S+) => (/\S+) ", tool("ldd", binary), re.M))


def needed(path):
    return re.findall(r"\(NEEDED\).*\[(\S+)\]", tool("readelf", "-dW", path))


def licences(package):
    """Of the files as a whole, as the package's copyright file names them; none where it is prose."""
    path = pathlib.Path(f"/usr/share/doc/{package}/copyright")
    text = path.read_text(encoding="utf-8", errors="replace") if path.exists() else ""
    found = re.search(r"^Files:\s*\*\s*\n(?:(?!\n\n)(?:.|\n))*?^License:[ \t]*(\S.*)$", text, re.M)
    return [{"license": {"name": found[1].strip()}}] if found else []


def distribution():
    release = dict(re.findall(r'^(\w+)="?([^"\n]*)"?$', pathlib.Path("/etc/os-release").read_text(encoding="utf-8"), re.M))
    return release["ID"], f"{release['ID']}-{release.get('VERSION_ID', 'unstable')}"


def debian_component(package):
    name, version, architecture, source = tool("dpkg-query", "-W", "-f", "${Package}\n${Version}\n${Architecture}\n${source:Package}\n",
                                               package).splitlines()[:4]
    vendor, release = distribution()
    purl = f"pkg:deb/{vendor}/{name}@{urllib.parse.quote(version, safe='.-~:')}?arch={architecture}&distro={release}"
    return {"type": "library", "bom-ref": purl, "name": name, "version": version, "scope": "required", "licenses": licences(package), "purl": purl,
            "properties": [{"name": "debian:source", "value": source}]}


def debian(binary):
    """Components, and what each needs: {ref: refs}; the binary itself is None."""
    paths = libraries(binary)
    packages = packages_of(list(paths.values()))
    owner = {soname: packages[path] for soname, path in paths.items()}
    components = {package: debian_component(package) for package in set(owner.values())}
    needs = {None: set()}
    for soname, path in [(None, binary), *paths.items()]:
        ref = components[owner[soname]]["bom-ref"] if soname else None
        others = {components[owner[other]]["bom-ref"] for other in needed(path) if other in owner}
        needs.setdefault(ref, set()).update(others - {ref})
    return list(components.values()), needs


def npm_component(path, entry, required):
    name = path.rpartition("node_modules/")[2]
    purl = f"pkg:npm/{urllib.parse.quote(name, safe='/')}@{entry['version']}"
    algorithm, _, digest = entry["integrity"].partition("-")
    if algorithm != "sha512":
        raise SystemExit(f"sbom: {name} is locked by {algorithm}")
    return {"type": "library", "bom-ref": purl, "name": name, "version": entry["version"],
            "scope": "required" if required else "excluded",
            "hashes": [{"alg": "SHA-512", "content": base64.b64decode(digest).hex()}],
            "licenses": [{"license": {"id": entry["license"]}}], "purl": purl}


def npm():
    """What the pages depend on is in them; the others of the lock files make them, or are never run."""
    found = {}
    for lock in LOCKS:
        packages = json.loads((ROOT / lock).read_text(encoding="utf-8"))["packages"]
        wanted = {f"node_modules/{name}" for name in packages.pop("")["dependencies"]}
        for path, entry in packages.items():
            component = npm_component(path, entry, path in wanted)
            found[component["bom-ref"]] = component
    return list(found.values())


def document(binary, version):
    root = f"pkg:generic/plumbline@{version}"
    components, needs = debian(binary)
    pages = npm()
    needs[None] |= {component["bom-ref"] for component in pages if component["scope"] == "required"}
    body = {
        "metadata": {"component": {"type": "application", "bom-ref": root, "name": "plumbline", "version": version, "purl": root,
                                   "licenses": [{"license": {"id": "Apache-2.0"}}]}},
        "components": sorted(components + pages, key=lambda component: component["bom-ref"]),
        "dependencies": sorted(({"ref": ref or root, "dependsOn": sorted(others)} for ref, others in needs.items()), key=lambda entry: entry["ref"]),
    }
    serial = uuid.uuid5(uuid.NAMESPACE_URL, json.dumps(body, sort_keys=True))
    return {"$schema": "http://cyclonedx.org/schema/bom-1.5.schema.json", "bomFormat": "CycloneDX", "specVersion": "1.5",
            "serialNumber": f"urn:uuid:{serial}", "version": 1, **body}


def main():
    if len(sys.argv) != 3:
        raise SystemExit("usage: tools/sbom.py BINARY VERSION")
    json.dump(document(pathlib.Path(sys.argv[1]), sys.argv[2]), sys.stdout, indent=1)
    print()


if __name__ == "__main__":
    main()
