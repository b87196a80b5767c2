#!/usr/bin/env python3
"""Makes the man page from what the program says of itself: man.py BINARY VERSION >plumbline.1"""
import os
import re
import subprocess
import sys
import time


def said(*command):
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout


def roff(text):
    """Text as roff: backslashes and hyphens as they are, no line taken for a request."""
    escaped = text.replace("\\", "\\e").replace("-", "\\-")
    return "\n".join(f"\\&{line}" if line[:1] in (".", "'") else line for line in escaped.splitlines())


def commands(binary, overview):
    for name in re.findall(r"^  ([a-z][a-z-]*) ", overview.split("\nSettings", 1)[0], re.MULTILINE):
        text = said(binary, name, "--help").split("\nSettings", 1)[0]
        usage, _, rest = text.partition("\n")
        yield f".SS {roff(name)}\n.B {roff(usage.removeprefix('usage: '))}\n"
        summary, _, details = rest.strip().partition("\n\n")
        yield f".PP\n{roff(summary)}\n"
        if details:
            yield f".PP\n.nf\n{roff(details)}\n.fi\n"


def settings(overview):
    rows = re.findall(r"^  (--\S+), (\S+)\n      (.*)$", overview, re.MULTILINE)
    for flag, name, meaning in rows:
        yield f".TP\n.BR {roff(flag)} \", \" {roff(name)}\n{roff(meaning)}\n"


def main():
    binary, version = sys.argv[1:3]
    overview = said(binary, "--help")
    day = time.strftime("%Y-%m-%d", time.gmtime(float(os.environ.get("SOURCE_DATE_EPOCH") or time.time())))
    print(f'''.TH PLUMBLINE 1 {day} "plumbline {version}" "User Commands"
.SH NAME
plumbline \\- holds what a sales team does against the strategy of its company
.SH SYNOPSIS
.B plumbline
.I COMMAND
.RI [ OPTION "...]"
.SH DESCRIPTION
Plumbline takes accounts, deals and activities from a CRM, holds them against a written strategy and answers in numbers,
per rep and per segment: is the sales team executing the strategy, or setting its own? It is one program and a PostgreSQL
database, version 15 or newer; everything goes through a REST API.
.SH COMMANDS''')
    print("".join(commands(binary, overview)), end="")
    print('''.SH SETTINGS
Each is a flag or an environment variable; flags win. A variable with
.B _FILE
added to its name names a file that holds the value.''')
    print("".join(settings(overview)), end="")
    print('''.SH EXIT STATUS
0 done, 1 failed, 2 wrong arguments or settings.
.SH EXAMPLES
.nf
export DATABASE_URL=postgresql://plumbline@localhost/plumbline
plumbline migrate
plumbline key create \\-\\-org default \\-\\-scope ingest,read
plumbline serve \\-\\-listen 0.0.0.0:8080
.fi
.SH SEE ALSO
.BR psql (1),
.BR curl (1)''')


if __name__ == "__main__":
    main()
