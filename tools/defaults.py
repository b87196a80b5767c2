#!/usr/bin/env python3
"""Makes the file of settings for a service from what the program says of itself: defaults.py BINARY >/etc/default/plumbline"""
import re
import subprocess
import sys
import textwrap

HEAD = """\
# Settings of the Plumbline service: NAME=value, a line each. A value with spaces, quotes or any of & ; $ # stands in single quotes.
# What is commented out shows the default. DATABASE_URL is needed; this one is a database named plumbline of the PostgreSQL
# on this machine, entered as its user plumbline without a password:
#DATABASE_URL=postgresql:///plumbline?host=/run/postgresql

# After a change: systemctl restart plumbline
"""


def main():
    told = subprocess.run([sys.argv[1], "--help"], capture_output=True, text=True, check=True).stdout
    print(HEAD, end="")
    for name, meaning in re.findall(r"^  --\S+, (\S+)\n      (.*)$", told, re.MULTILINE):
        if name == "DATABASE_URL":
            continue
        meaning, _, default = meaning.partition("; default ")
        print("\n" + "\n".join(textwrap.wrap(meaning, 120, initial_indent="# ", subsequent_indent="# ", break_on_hyphens=False)))
        print(f"#{name}={default}")


if __name__ == "__main__":
    main()
