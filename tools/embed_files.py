#!/usr/bin/env python3
"""Turns the files that browsers load into C: embed_files.py OUT FOLDER… writes the table of handlers/pages.h to OUT.

A part of the site (the dashboard, the reference in docs, the icon) comes whole from the first folder that has it, that is, has
its index.html. index.html is served at the path of its folder. OUT is written only when something changed, so that nothing is compiled for nothing.
"""
import gzip
import hashlib
import pathlib
import re
import sys

TYPES = {".html": "text/html; charset=utf-8", ".js": "text/javascript; charset=utf-8", ".css": "text/css; charset=utf-8",
         ".svg": "image/svg+xml", ".png": "image/png", ".woff2": "font/woff2", ".json": "application/json", ".txt": "text/plain; charset=utf-8"}
# As bundlers write it: name-hash.ext, below assets.
HASHED = re.compile(r"/assets/.+-[0-9A-Za-z_]{8,}\.[a-z0-9]+")
BYTES = ["\\%03o" % b if not 32 <= b < 127 or chr(b) in '"\\?' else chr(b) for b in range(256)]


def files(folders):
    """URL path → file."""
    found, taken = {}, set()
    for folder in folders:
        parts = set()
        for path in sorted(folder.rglob("*")):
            name = path.relative_to(folder).as_posix()
            part = next((part for part in ("docs", "favicon.svg") if name.split("/")[0] == part), "")
            if not path.is_file() or part in taken or not (path.parent if part == "docs" else folder).joinpath("index.html").exists():
                continue
            if path.suffix not in TYPES or not re.fullmatch(r"[A-Za-z0-9_./-]+", name):
                sys.exit(f"embed_files.py: {path}: a file of this name or type is not served")
            parts.add(part)
            found["/" + re.sub(r"/?index\.html$", "", name)] = path
        taken |= parts
    return found


def literal(content):
    lines = [content[at:at + 4096] for at in range(0, len(content), 4096)]
    return "\n\t".join('"' + "".join(map(BYTES.__getitem__, line)) + '"' for line in lines) or '""'


def text(number, content):
    return f"static const char content_{number}[] =\n\t{literal(content)};\n"


def table(found):
    contents, rows = [], []
    for number, (url, path) in enumerate(sorted(found.items())):
        content = path.read_bytes()
        packed = gzip.compress(content, 9, mtime=0)
        is_gzip = len(packed) < len(content)
        contents.append(text(number, packed if is_gzip else content))
        rows.append(f'\t{{"{url}", "{TYPES[path.suffix]}", "{hashlib.sha256(content).hexdigest()[:32]}", '
                    f'{"true" if HASHED.fullmatch(url) else "false"}, {{content_{number}, sizeof content_{number} - 1}}, {"true" if is_gzip else "false"}}},\n')
    return ('#pragma GCC diagnostic ignored "-Woverlength-strings"\n#include "pages.h"\n\n' + "".join(contents)
            + "\nconst struct page_file page_files[] = {\n" + "".join(rows)
            + "};\nconst size_t page_files_count = sizeof page_files / sizeof *page_files;\n")


def main():
    if len(sys.argv) < 3:
        sys.exit("usage: embed_files.py OUT FOLDER…")
    out, folders = pathlib.Path(sys.argv[1]), [pathlib.Path(name) for name in sys.argv[2:]]
    found = files(folders)
    digest = hashlib.sha256(pathlib.Path(__file__).read_bytes())
    for url, path in sorted(found.items()):
        digest.update(f"{url}\0{hashlib.sha256(path.read_bytes()).hexdigest()}\n".encode())
    head = f"/* Made by tools/embed_files.py of {digest.hexdigest()}. */\n"
    if out.exists():
        with out.open(encoding="ascii") as made:
            if made.readline() == head:
                return
    out.parent.mkdir(parents=True, exist_ok=True)
    out.write_text(head + table(found), encoding="ascii")


if __name__ == "__main__":
    main()
