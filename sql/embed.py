#!/usr/bin/env python3
"""Turns SQL, presets and the published contract into C: embed.py DIR writes DIR/statements.h, statements.c, embedded.c, presets.c.

statements.h   enum statement: one constant a file of sql/statements, named after it
statements.c   its name and text
embedded.c     migrations, the functions of schema pl with the views of schema reporting, openapi.yaml and the same as JSON, each compressed (see server/embedded.h)
presets.c      the presets of handlers/webhook/presets, one a file, named after it (see handlers/webhook/source.h)

A file is written only when its content changed, so that nothing is compiled for nothing.
"""
import gzip
import hashlib
import json
import pathlib
import re
import sys

import yaml

ROOT = pathlib.Path(__file__).resolve().parent.parent
MADE = "/* Made by sql/embed.py. */\n"
# Code is replaced whole: no table depends on a function or type of schema pl, and no view of schema reporting, whose grants have to survive.
REPLACE = "DROP SCHEMA IF EXISTS pl CASCADE;\nCREATE SCHEMA pl;\n"
# A whole file is one literal: longer than what ISO C promises, not than what gcc and clang take.
LONG = '#pragma GCC diagnostic ignored "-Woverlength-strings"\n'


def literal(text):
    """A C string literal, a line of the text a line of C. Bytes outside printable ASCII are octal: always three digits, so that
    a digit that follows cannot be drawn in. A question mark is escaped against trigraphs."""
    plain = {ord("\\"): "\\\\", ord('"'): '\\"', ord("\t"): "\\t", ord("\r"): "\\r", ord("\n"): "\\n", ord("?"): "\\?"}
    lines = []
    for line in text.encode("utf-8").splitlines(keepends=True):
        lines.append('"' + "".join(plain.get(b) or (chr(b) if 32 <= b < 127 else "\\%03o" % b) for b in line) + '"')
    return "\n\t".join(lines) or '""'


BYTES = ["\\%03o" % b if not 32 <= b < 127 or chr(b) in '"\\?' else chr(b) for b in range(256)]


def packed(name, text):
    """A text as a gzip file in C."""
    content = gzip.compress(text.encode("utf-8"), 9, mtime=0)
    lines = [content[at:at + 4096] for at in range(0, len(content), 4096)]
    return f"static const char {name}[] =\n\t" + "\n\t".join('"' + "".join(map(BYTES.__getitem__, line)) + '"' for line in lines) + ";\n"


def checksum(text):
    return hashlib.sha256(text.encode("utf-8")).hexdigest()


def read(path):
    text = path.read_text(encoding="utf-8")
    if "\0" in text:
        sys.exit(f"{path.relative_to(ROOT)}: holds a NUL")
    return text


def files(folder):
    return sorted((ROOT / "sql" / folder).glob("*.sql"), key=lambda path: path.name)


def statements_h(stems):
    constants = "".join(f"\tSTATEMENT_{stem},\n" for stem in stems)
    return (MADE + "#ifndef PLUMBLINE_STATEMENTS_H\n#define PLUMBLINE_STATEMENTS_H\n\n"
            "enum statement {\n\tSTATEMENT_NONE,\n" + constants + "\tSTATEMENT_COUNT\n};\n\n"
            "struct statement_info {\n\tconst char *name; /* of the file, and of the prepared statement */\n\tconst char *text;\n};\n\n"
            "extern const struct statement_info statement_table[STATEMENT_COUNT];\n\n#endif\n")


def statements_c(paths):
    rows = "".join(f'\t[STATEMENT_{path.stem}] = {{"{path.stem}",\n\t{literal(read(path))}}},\n' for path in paths)
    return (MADE + LONG + '#include "statements.h"\n\nconst struct statement_info statement_table[STATEMENT_COUNT] = {\n'
            '\t[STATEMENT_NONE] = {"none", ""},\n' + rows + "};\n")


def openapi():
    """The contract as it stands and as JSON. Dates and the like stay the strings they look like."""
    class Loader(getattr(yaml, "CSafeLoader", yaml.SafeLoader)):
        pass
    Loader.yaml_implicit_resolvers = {
        first: [(tag, pattern) for tag, pattern in resolvers if tag != "tag:yaml.org,2002:timestamp"]
        for first, resolvers in yaml.SafeLoader.yaml_implicit_resolvers.items()}
    text = read(ROOT / "openapi.yaml")
    return text, json.dumps(yaml.load(text, Loader), ensure_ascii=False, separators=(",", ":")) + "\n"


def embedded_c():
    migrations = [(path.stem, read(path)) for path in files("migrations")]
    functions = REPLACE + "".join(f"-- {path.name}\n{read(path).rstrip()}\n" for path in files("functions") + files("metrics") + files("reporting"))
    contract, contract_json = openapi()
    texts = "".join(packed(f"migration_{n}", text) for n, (_, text) in enumerate(migrations))
    rows = "".join(f'\t{{"{stem}", "{checksum(text)}", {{migration_{n}, sizeof migration_{n} - 1}}}},\n' for n, (stem, text) in enumerate(migrations))
    return (MADE + LONG + '#include "embedded.h"\n\n' + texts +
            "\nconst struct migration embedded_migrations[] = {\n" + rows + "};\n"
            "const size_t embedded_migrations_count = sizeof embedded_migrations / sizeof *embedded_migrations;\n\n"
            + packed("functions", functions) + packed("openapi_yaml", contract) + packed("openapi_json", contract_json) +
            "const struct text embedded_functions = {functions, sizeof functions - 1};\n"
            f'const char *const embedded_functions_checksum = "{checksum(functions)}";\n'
            "const struct text embedded_openapi_yaml = {openapi_yaml, sizeof openapi_yaml - 1};\n"
            "const struct text embedded_openapi_json = {openapi_json, sizeof openapi_json - 1};\n")


def presets_c():
    paths = sorted((ROOT / "handlers" / "webhook" / "presets").glob("*.json"), key=lambda path: path.name)
    texts = [(path.stem, json.dumps(json.loads(read(path)), ensure_ascii=False, separators=(",", ":"))) for path in paths]
    documents = "".join(f"static const char document_{n}[] =\n\t{literal(text)};\n" for n, (_, text) in enumerate(texts))
    rows = "".join(f'\t{{"{stem}", {{document_{n}, sizeof document_{n} - 1}}}},\n' for n, (stem, _) in enumerate(texts))
    return (MADE + LONG + '#include "webhook/source.h"\n\n' + documents + "\nconst struct preset presets[] = {\n" + rows + "};\n"
            "const size_t presets_count = sizeof presets / sizeof *presets;\n")


def write(path, text):
    if not path.exists() or path.read_text(encoding="utf-8") != text:
        path.write_text(text, encoding="utf-8")


def main():
    if len(sys.argv) != 2:
        sys.exit("usage: embed.py DIR")
    target = pathlib.Path(sys.argv[1])
    target.mkdir(parents=True, exist_ok=True)
    paths = files("statements")
    for path in paths:
        if not re.fullmatch(r"[a-z][a-z0-9_]*", path.stem):
            sys.exit(f"{path.relative_to(ROOT)}: the name of a statement is lower case letters, digits and underscores")
    write(target / "statements.h", statements_h([path.stem for path in paths]))
    write(target / "statements.c", statements_c(paths))
    write(target / "embedded.c", embedded_c())
    write(target / "presets.c", presets_c())


if __name__ == "__main__":
    main()
