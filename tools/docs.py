#!/usr/bin/python3
"""Writes the parts of the documentation that the code knows better.

    tools/docs.py settings            the table of settings in docs/operations.md, from server/settings.c
    tools/docs.py metrics FILE        docs/metrics.md, from the answer of GET /v1/metrics ("-": standard input)
    tools/docs.py reporting FILE      the tables of views in docs/reporting.md, from what the database says of them: [{view, means, columns}]

With --check nothing is written; the exit code is 1 when something would change.
"""
import json
import pathlib
import re
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent
BEGIN, END = "<!-- {0}: made by tools/docs.py {0} -->", "<!-- end of {0} -->"


def string(row, member):
    """The value of a string member; C joins literals that stand side by side."""
    found = re.search(r"\." + member + r' = ((?:"(?:[^"\\]|\\.)*"\s*)+)', row)
    return "".join(json.loads(part) for part in re.findall(r'"(?:[^"\\]|\\.)*"', found[1])) if found else ""


def settings_table():
    source = (ROOT / "server/settings.c").read_text(encoding="utf-8")
    table = source[source.index("static const struct setting rows[]"):]
    table = table[:table.index("\n};")]
    lines = ["| environment | flag | default | meaning |", "| --- | --- | --- | --- |"]
    for row in re.findall(r"\{\.name = .*?\},?(?=\n|$)", table, re.S):
        env, name, fallback = string(row, "env"), string(row, "name"), string(row, "fallback")
        unit, summary = string(row, "unit"), string(row, "summary").replace("|", "\\|")
        default = f"`{fallback}`" if fallback else "–"
        if unit and unit not in ("bytes",):
            default += f" {unit}"
        lines.append(f"| `{env}` | `--{name}` | {default} | {summary} |")
    return "\n".join(lines)


def put_between(page, what, made, check):
    path = ROOT / page
    text = path.read_text(encoding="utf-8")
    begin = BEGIN.format(what)
    start, end = text.index(begin) + len(begin), text.index(END.format(what))
    return put(path, text[:start] + "\n" + made + "\n" + text[end:], check)


def settings(check):
    return put_between("docs/operations.md", "settings", settings_table(), check)


def cell(value):
    return str(value).replace("|", "\\|").replace("\n", " ")


def written(value):
    if isinstance(value, bool):
        return "yes" if value else "no"
    return ", ".join(map(str, value)) if isinstance(value, list) else value


def metrics_page(dictionary):
    lines = ["# Metrics", "",
             "Made by `make docs` from `GET /v1/metrics`, which is what the service itself says. "
             "The formulas stand in `sql/metrics/`, one file each.", ""]
    for metric in dictionary["data"]:
        lines += [f"## {metric['key']}", "", metric["name"], "", "| | |", "| --- | --- |"]
        for member, value in metric.items():
            if member in ("key", "name") or value is None or value == []:
                continue
            shown = written(value)
            lines.append(f"| {member.replace('_', ' ')} | {cell(shown)} |")
        lines.append("")
    return "\n".join(lines).rstrip() + "\n"


def given(source):
    return json.loads(sys.stdin.read() if source == "-" else pathlib.Path(source).read_text(encoding="utf-8"))


def metrics(check, source):
    return put(ROOT / "docs/metrics.md", metrics_page(given(source)), check)


def reporting(check, source):
    lines = []
    for view in given(source):
        lines += [f"### {view['view']}", f"{view['means']}.", "", "| column | type | meaning |", "| --- | --- | --- |"]
        lines += [f"| `{column['name']}` | {column['type']} | {cell(column['means'])} |" for column in view["columns"]]
        lines.append("")
    return put_between("docs/reporting.md", "reporting", "\n".join(lines).rstrip(), check)


def put(path, text, check):
    if path.exists() and path.read_text(encoding="utf-8") == text:
        return 0
    if check:
        print(f"{path.relative_to(ROOT)} is not what the code says: run make docs", file=sys.stderr)
        return 1
    path.write_text(text, encoding="utf-8")
    return 0


def main(arguments):
    check = "--check" in arguments
    words = [word for word in arguments if word != "--check"]
    if words == ["settings"]:
        return settings(check)
    if len(words) == 2 and words[0] in ("metrics", "reporting"):
        return {"metrics": metrics, "reporting": reporting}[words[0]](check, words[1])
    print(__doc__, file=sys.stderr)
    return 2


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
