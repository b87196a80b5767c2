#!/usr/bin/python3
"""The sender's view of webhooks: SENDERS deliveries of 100 HubSpot events at a time, each durable before its answer.

Prints deliveries and events a second, the CPU an event costs, and the time to the answer (median, 90th and 99th percentile, longest), and how many were not answered 200.
HubSpot waits 5 s for an answer, Pipedrive 10 s.
Usage: BUILD=build tests/bench/deliveries.py [--senders 64] [--deliveries 640] [--size 100]
Brings a PostgreSQL of its own, as durable as one in service."""
import argparse
import collections
import json
import os
import queue
import sys
import threading
import time

from own_postgres import ROOT, own_postgres
from service import cpu_of, percentile

sys.path.insert(0, str(ROOT / "tests"))


def run(options):
    from harness import Server
    from harness.hubspot import PUBLIC_URL, SECRET, Day, Sender

    with Server({"PLUMBLINE_PUBLIC_URL": PUBLIC_URL, "PLUMBLINE_GAUGE_INTERVAL": 0, "PLUMBLINE_LOG_LEVEL": "warn"}) as server:
        admin = server.client("admin")
        admin.post("/v1/sources", {"source": "hubspot", "preset": "hubspot"})
        admin.post("/v1/sources/hubspot/secrets", {"secret": SECRET})
        bodies, heard, lock = queue.SimpleQueue(), [], threading.Lock()
        for body in Day(options.deliveries * options.size, odd=0, born=options.born).clean(options.size):
            bodies.put(body)

        def work():
            sender = Sender(server.url)
            while True:
                try:
                    body = bodies.get_nowait()
                except queue.Empty:
                    return sender.close()
                started = time.monotonic()
                status, _, answer = sender.deliver(body)
                with lock:
                    heard.append((status, time.monotonic() - started, json.loads(answer).get("accepted", 0)))

        threads = [threading.Thread(target=work) for _ in range(options.senders)]
        started = time.monotonic()
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        seconds = time.monotonic() - started
        backends = [int(row[0]) for row in server.sql("SELECT pid FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()")]
        cpu = cpu_of([server.process.pid]), cpu_of(backends)
    times = [taken for _, taken, _ in heard]
    print(f"{len(heard)} deliveries of {options.size} events, {options.senders} at a time, in {seconds:.1f} s: "
          f"{len(heard) / seconds:.1f} deliveries/s, {sum(events for _, _, events in heard) / seconds:.0f} events/s")
    print(f"time to the answer: median {percentile(times, 0.5):.3f} s, p90 {percentile(times, 0.9):.3f} s, p99 {percentile(times, 0.99):.3f} s, longest {max(times):.3f} s")
    events = max(1, sum(events for _, _, events in heard))
    print(f"CPU an event: server {cpu[0] / events * 1e6:.0f} µs, PostgreSQL {cpu[1] / events * 1e6:.0f} µs")
    print("answers:", dict(collections.Counter(status for status, _, _ in heard)))


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--senders", type=int, default=64)
    parser.add_argument("--deliveries", type=int, default=640)
    parser.add_argument("--size", type=int, default=100)
    parser.add_argument("--born", type=float, default=0.1, help="share of what happens that is a new deal: the less, the more often each is changed")
    options = parser.parse_args()
    with own_postgres() as url:
        os.environ["PLUMBLINE_TEST_PG"] = url
        run(options)


if __name__ == "__main__":
    main()
