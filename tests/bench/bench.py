#!/usr/bin/python3
"""The service against what it stands on, on one machine, in one run, with an aim beside each figure.

Every pair is measured interleaved in rounds; the table gives medians, and ratios of medians of the same run. What is measured how: the modules at_rest … counts.
Usage: bench.py --server BINARY --hello BINARY --postgres DIR --out DIR [--deals N] [--rounds N] [--seconds N] [--mixed N]
DATABASE_URL must name a PostgreSQL of its own: `make bench` starts one. Results: a table, and the same as DIR/bench.json, bench.md and bench.svg.
"""
import argparse
import json
import os

import bulk
import counts
import inside
import mixed
import picture
import reads
import writes
from data import master_data
from service import Service, say


def number(value):
    return "" if value is None else (f"{value:,.0f}" if value >= 100 else f"{value:.2f}")


def aim_of(row):
    """The aim as a text, and whether it is reached; both empty without one."""
    value = row.get("ratio", row["ours"])
    if row.get("least") is not None:
        return f"≥ {row['least']:g}", "yes" if value >= row["least"] else "no"
    if row.get("most") is not None:
        return f"≤ {row['most']:g}", "yes" if value <= row["most"] else "no"
    return "", ""


def cells(table):
    """Rows of texts, the first the names of the columns."""
    rows = [("what", "ours", "reference", "theirs", "ratio", "aim", "reached")]
    for row in table:
        rows.append((row["what"], f"{number(row['ours'])} {row['unit']}", row.get("reference", ""), number(row.get("theirs")),
                     f"{row['ratio']:.2f}" if "ratio" in row else "", *aim_of(row)))
    return rows


def markdown(table):
    head, *rows = cells(table)
    return "".join("| " + " | ".join(cell.replace(" %", "%") for cell in row) + " |\n" for row in (head, ("---",) * len(head), *rows))


def show(table):
    rows = cells(table)
    widths = [max(len(r[i]) for r in rows) for i in range(len(rows[0]))]
    for row in rows:
        print("  ".join(cell.ljust(width) for cell, width in zip(row, widths)).rstrip())


def parse():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--server", required=True)
    parser.add_argument("--hello", required=True)
    parser.add_argument("--out", required=True)
    parser.add_argument("--postgres", required=True, help="folder of the PostgreSQL that DATABASE_URL names")
    parser.add_argument("--deals", type=int, default=1_000_000)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=int, default=4)
    parser.add_argument("--mixed", type=int, default=60, help="seconds of the mixed day")
    return parser.parse_args()


def measure(service, options):
    accounts = max(options.deals // 50, 100)
    yield from mixed.at_rest(service)
    master_data(service, accounts)
    yield from bulk.measure(service, options, accounts)
    yield from reads.measure(service, options)
    yield from writes.measure(service, options)
    yield from mixed.measure(service, options)
    yield from inside.measure(service, options)
    yield {"what": "memory of the server after all this", "unit": "MiB", "ours": service.resident_kib() / 1024}
    yield from counts.measure(service, options)


def main():
    options, table = parse(), []
    os.makedirs(options.out, exist_ok=True)
    service = Service(options.server, os.environ["DATABASE_URL"], "plumbline_bench")
    try:
        for row in measure(service, options):
            table.append(row)
            say(json.dumps(row, ensure_ascii=False))
    finally:
        service.stop()
    with open(os.path.join(options.out, "bench.json"), "w") as out:
        json.dump({"deals": options.deals, "rounds": options.rounds, "seconds": options.seconds, "cpus": os.cpu_count(), "rows": table}, out, indent=1, ensure_ascii=False)
    with open(os.path.join(options.out, "bench.md"), "w") as out:
        out.write(markdown(table))
    with open(os.path.join(options.out, "bench.svg"), "w") as out:
        out.write(picture.svg(f"{options.deals:,} deals on {os.cpu_count()} cores: shares of the aims, logarithmic", table))
    show(table)


if __name__ == "__main__":
    main()
