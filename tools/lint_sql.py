#!/usr/bin/env python3
"""Rules of the schema, read from the text of sql/: prints what breaks them, a line each.

Every statement on a table carries org_id, as often as it names tables: so one schema runs on one PostgreSQL and sharded.
"""
import pathlib
import re

ROOT = pathlib.Path(__file__).resolve().parent.parent
FORBIDDEN = [
    (r"\bCREATE\s+(CONSTRAINT\s+)?TRIGGER\b", "trigger"),
    (r"\bREFERENCES\s+\w+\s*\(", "foreign key"),
    (r"\bDO\s+UPDATE\b[^;]*\b(now|clock_timestamp|statement_timestamp)\s*\(\)", "clock in DO UPDATE"),
    (r"\bCREATE\s+TEMP(ORARY)?\s+TABLE\b", "temporary table (fails on a hot standby)"),
]
# What belongs to no organisation, and the key alone that finds one.
GLOBAL = {"schema_migration", "plumbline_migration", "plumbline_schema"}


def blank(match):
    return re.sub(r"[^\n]", " ", match[0])


def code(text):
    """The text without comments and string literals, line numbers kept."""
    return re.sub(r"--[^\n]*|/\*.*?\*/|'(?:[^']|'')*'", blank, text, flags=re.DOTALL)


def tables():
    names = set()
    for path in (ROOT / "sql" / "migrations").glob("*.sql"):
        names |= set(re.findall(r"(?:CREATE\s+TABLE\s+(?:IF\s+NOT\s+EXISTS\s+)?|CREATE\s+VIEW\s+|\bRENAME\s+TO\s+)(?:public\.)?(\w+)",
                                code(path.read_text()), re.IGNORECASE))
    return names - GLOBAL


def local_names(text):
    """Names that a WITH gives: they hide tables of the same name."""
    return set(re.findall(r"\b(\w+)\s*(?:\([^()]*\)\s*)?AS\s+(?:NOT\s+)?(?:MATERIALIZED\s+)?\(", text, re.IGNORECASE))


def faults_of(path, names):
    text = code(path.read_text(encoding="utf-8"))
    for pattern, what in FORBIDDEN:
        for found in re.finditer(pattern, text, re.IGNORECASE):
            yield text.count("\n", 0, found.start()) + 1, what
    start = 0
    for statement in re.split(r"(;)", text):
        here, start = start, start + len(statement)
        used = [name for name in re.findall(r"\b(?:FROM|JOIN|UPDATE|INTO|USING)\s+(?:ONLY\s+)?(?:public\.)?(\w+)\b(?!\s*\()", statement, re.IGNORECASE)
                if name in names - local_names(statement)]
        used += [name for name in re.findall(r"\bINSERT\s+INTO\s+(?:public\.)?(\w+)\s*\(", statement, re.IGNORECASE) if name in names]
        if re.search(r"\bINSERT\s+INTO\s+\w+\s+SELECT\s+\*\s+FROM\s+(unnest|pl\.)", statement, re.IGNORECASE):
            used = used[1:]  # whole rows: org_id is in them
        if len(re.findall(r"\borg_id\b", statement)) < len(used):
            line = text.count("\n", 0, here + len(statement) - len(statement.lstrip())) + 1
            yield line, f"names {', '.join(used)} but org_id only {len(re.findall(r'org_id', statement))} times"


def main():
    names = tables()
    for folder in ("migrations", "functions", "metrics", "reporting", "statements"):
        for path in sorted((ROOT / "sql" / folder).glob("*.sql")):
            for line, what in faults_of(path, names):
                if folder != "migrations" or "names" not in what:
                    print(f"{path.relative_to(ROOT)}:{line}: {what}")


if __name__ == "__main__":
    main()
