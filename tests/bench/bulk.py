"""NDJSON over HTTP against COPY of the finished rows into the same tables with the same indexes, and what it does to others meanwhile."""
import json
import os
import statistics
import subprocess
import threading
import time

import floor
from data import deals, ndjson
from service import psql, say, wrk

MOST_COPIED = 1_000_000


def copy_final_rows(service, rounds, deals):
    """COPY of the finished rows of so many opportunities into empty tables like the real ones; seconds, best reference there is."""
    floor.make(service.url)
    folder = "/tmp/plumbline-bench-copy"
    os.makedirs(folder, exist_ok=True)
    for table in floor.TABLES:
        subprocess.run(["psql", "-qX", "-d", service.url, "-c", f"\\copy ({floor.rows(table, deals)}) TO '{folder}/{table}' (FORMAT binary)"], check=True)
    seconds = []
    for _ in range(rounds):
        psql(service.url, "; ".join(f"TRUNCATE floor.{table}" for table in floor.TABLES))
        start = time.monotonic()
        for table in floor.TABLES:
            subprocess.run(["psql", "-qX", "-d", service.url, "-c", f"\\copy floor.{table} FROM '{folder}/{table}' (FORMAT binary)"], check=True)
        seconds.append(time.monotonic() - start)
    floor.drop(service.url)
    for table in floor.TABLES:
        os.unlink(f"{folder}/{table}")
    os.rmdir(folder)
    return statistics.median(seconds)


def load(service, options, accounts):
    """Rates of the tenths, of smaller parts where there are many."""
    rates, chunk = [], min(options.deals // 10, 250_000)
    for first in range(0, options.deals, chunk):
        count = min(chunk, options.deals - first)
        body = ndjson(deals(count, first, accounts))
        start = time.monotonic()
        answer = json.loads(service.request("POST", "/v1/opportunities", body, "application/x-ndjson")[0])
        rates.append(count / (time.monotonic() - start))
        if answer["accepted"] + answer["unchanged"] + answer["stale"] != count:
            raise SystemExit(f"bulk: {answer}")
        say(f"bulk: {first + count} deals, {rates[-1]:.0f}/s, server {service.resident_kib() // 1024} MiB")
    return rates


def beside_others(service, options, accounts):
    """99th percentile of reads of single records while deals are loaded, in ms."""
    body = ndjson(deals(min(options.deals // 10, 100_000), 0, accounts))
    env = {"PLUMBLINE_KEY": service.key, "BENCH_PATH": "/v1/opportunities/d1"}
    stop = threading.Event()

    def again():
        while not stop.is_set():
            service.request("POST", "/v1/opportunities", body, "application/x-ndjson")

    loader = threading.Thread(target=again)
    loader.start()
    heard = wrk("read.lua", f"http://127.0.0.1:{service.port}", 4, options.seconds * 2, env)
    stop.set()
    loader.join()
    return heard["p99_us"] / 1000


def measure(service, options, accounts):
    rates = load(service, options, accounts)
    peak = service.resident_kib(peak=True) / 1024
    psql(service.url, "VACUUM ANALYZE")
    copied = min(options.deals, MOST_COPIED)
    reference = copied / copy_final_rows(service, 3, copied)
    yield {"what": f"bulk NDJSON, {options.deals} deals", "unit": "deals/s", "ours": statistics.median(rates), "reference": "COPY of the finished rows, same tables and indexes",
           "theirs": reference, "ratio": statistics.median(rates) / reference, "least": 0.5}
    yield {"what": f"memory of the server at most, after a load of {len(ndjson(deals(1000, 0, accounts))) * options.deals // 1000 // 2**20} MiB", "unit": "MiB", "ours": peak, "most": 64}
    yield {"what": "reads of a deal beside a load, 99th percentile", "unit": "ms", "ours": beside_others(service, options, accounts), "most": 50}
