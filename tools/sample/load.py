#!/usr/bin/env python3
"""Loads a folder made by generate.py through the API: load.py FOLDER URL, the key on standard input.

Settings, the strategies that are not published yet, then the kinds in the order of their file names. Loading again changes nothing.
"""
import json
import pathlib
import sys
import time
import urllib.error
import urllib.request


class Api:
    def __init__(self, url, key):
        self.url, self.key = url, key

    def call(self, method, path, body=None, media="application/json"):
        request = urllib.request.Request(self.url + path, body, method=method,
                                         headers={"Authorization": f"Bearer {self.key}", "Content-Type": media})
        try:
            with urllib.request.urlopen(request, timeout=300) as answer:
                return json.load(answer)
        except urllib.error.HTTPError as error:
            sys.exit(f"sample: {method} {path} answered {error.code}: {error.read().decode('utf-8', 'replace')[:2000]}")


def send_kind(api, path):
    kind = path.stem.split("-", 1)[1]
    answer = api.call("POST", f"/v1/{kind}", path.read_bytes(), "application/x-ndjson")
    if answer["rejected"]:
        sys.exit(f"sample: {kind}: {answer['rejected']} rejected: {json.dumps(answer['errors'][:3])}")
    return sum(answer[outcome] for outcome in ("accepted", "stale", "unchanged", "duplicate"))


def publish(api, path, known):
    document = path.read_bytes()
    strategy = known.get(json.loads(document)["name"]) or api.call("POST", "/v1/strategies", document)
    if strategy["status"] != "published":  # a draft may be left from a load that was interrupted
        api.call("POST", f"/v1/strategies/{strategy['id']}/publish")


def main():
    folder, url = pathlib.Path(sys.argv[1]), sys.argv[2]
    api = Api(url, sys.stdin.readline().strip())
    start = time.monotonic()
    known = {strategy["name"]: strategy for strategy in api.call("GET", "/v1/strategies?limit=1000")["data"]}
    api.call("PATCH", "/v1/settings", json.dumps({"reporting_currency": "USD"}).encode(), "application/merge-patch+json")
    for path in sorted(folder.glob("strategy-*.json")):  # first: what follows is then judged once
        publish(api, path, known)
    events = sum(send_kind(api, path) for path in sorted(folder.glob("*.ndjson")))
    print(f"sample: {events:,} events and two strategies in {time.monotonic() - start:.1f} s")


if __name__ == "__main__":
    main()
