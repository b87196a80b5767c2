#!/usr/bin/env python3
"""Writes the sample company as NDJSON, one file a kind, and its strategies: generate.py FOLDER [--today YYYY-MM-DD] [--seed N].

The same day and seed give the same bytes. Every event carries its time, so loading it twice changes nothing.
"""
import argparse
import datetime as dt
import json
import pathlib
import random
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))
from company import strategies  # noqa: E402
from history import DAYS, History  # noqa: E402


def month_start(day):
    return day.replace(day=1)


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=pathlib.Path)
    parser.add_argument("--today", type=dt.date.fromisoformat, default=dt.datetime.now(dt.timezone.utc).date(),
                        help="the day the history ends (default: today, UTC)")
    parser.add_argument("--seed", type=int, default=7)
    options = parser.parse_args()
    history = History(random.Random(options.seed), options.today)
    options.folder.mkdir(parents=True, exist_ok=True)
    for number, (kind, events) in enumerate(history.events.items(), 1):
        events.sort(key=lambda event: (event["occurred_at"], event["id"]))
        text = "".join(json.dumps(event, ensure_ascii=False, separators=(",", ":")) + "\n" for event in events)
        (options.folder / f"{number}-{kind}.ndjson").write_text(text, encoding="utf-8")
    documents = strategies(month_start(options.today - dt.timedelta(days=DAYS)), month_start(options.today - dt.timedelta(days=270)))
    for number, document in enumerate(documents, 1):
        (options.folder / f"strategy-{number}.json").write_text(json.dumps(document, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
