#!/usr/bin/python3
"""Hours of mixed load, watched: does anything grow that should not, and do answers stay as quick as they were?

First the mix as fast as it goes (SECONDS of --measure), which is the capacity; then for --seconds as many requests a second as --share of it, each
at a time fixed beforehand, so that what the service holds up counts in full: times to the answer are from that time, not from when a client was free.
The mix, of 25 requests: 16 single writes, 1 delivery of 100 events, 4 questions of a dashboard, 4 reads of a deal. A tenth of the events are new deals, the others change one of
the youngest --deals, so that a deal is changed some ten times and then left alone; dashboards ask about a quarter that is over. So what a request has to do does not grow with what has been written.
Every minute: requests and their times, memory, descriptors and threads of the server, memory of PostgreSQL, dead rows. Every tenth of the time: bloat, by the extension pgstattuple.
Prints a line a tenth, and what of it is flat; exit 1 when something is not. All in soak.json of --out.
Usage: BUILD=build tests/bench/soak.py [--seconds 7200] [--share 0.7] [--deals 100000]"""
import argparse
import asyncio
import collections
import hashlib
import hmac
import itertools
import json
import os
import pathlib
import random
import re
import statistics
import sys
import time

import data
from own_postgres import ROOT, own_postgres
from service import Service, percentile, psql

SECRET = "a1b2c3d4-0000-4000-8000-5e6f7a8b9c0d"
CLIENTS = 48
DELIVERY = 100
CYCLE = ["write"] * 16 + ["delivery"] + ["dashboard"] * 4 + ["deal"] * 4
TABLES = ("event", "object", "deal_fact_of", "open_span")
QUESTIONS = ("/v1/metrics/bookings_share?by=rep&period={}", "/v1/metrics/bookings_share?by=segment&period={}",
             "/v1/metrics/win_rate?by=rep&period={}", "/v1/alignment?by=segment&period={}")


class Mix:
    """Requests of the mix, one after another; same seed, same requests."""

    def __init__(self, deals, key):
        self.deals, self.key, self.random, self.numbers = deals, key, random.Random(4711), itertools.count()
        self.newest, self.tags = deals, {}  # those up to `newest` were sent

    def some(self):
        """One of the youngest; the very last may not have been answered yet."""
        return f"d{self.newest - 1 - self.random.randrange(1000, self.deals)}"

    def change(self):
        pick = self.random
        event = {"id": self.some()}
        roll = pick.random()
        if roll < 0.1:
            event = {"id": f"d{self.newest}", "name": f"New deal {self.newest}", "account": f"a{pick.randrange(self.deals // 50)}", "owner": f"r{pick.randrange(200)}", "stage": "s1"}
            self.newest += 1
        elif roll < 0.2:
            event["stage"] = pick.choice(("s1", "s2", "s3"))
        elif roll < 0.5:
            event["expected_close"] = f"2027-0{pick.randrange(1, 10)}-1{pick.randrange(10)}"
        event["amount"] = f"{pick.randrange(100, 90000)}.{pick.randrange(100):02d}"
        return event

    def next(self):
        """kind, the bytes of a request, and the path whose ETag the answer brings (None: of no use)."""
        number = next(self.numbers)
        kind = CYCLE[number * 7 % len(CYCLE)]
        if kind == "write":
            return kind, self.post("/v1/opportunities", json.dumps({**self.change(), "currency": "EUR"}).encode()), None
        if kind == "delivery":
            body = json.dumps([{"object": "opportunity", **self.change(), "event_id": f"e-{number}-{n}"} for n in range(DELIVERY)]).encode()
            digest = hmac.new(SECRET.encode(), body, hashlib.sha256).hexdigest()
            return kind, self.post("/v1/webhooks/crm", body, f"X-Hub-Signature-256: sha256={digest}\r\n"), None
        path = f"/v1/opportunities/{self.some()}" if kind == "deal" else self.random.choice(QUESTIONS).format(data.quarter(self.random.randrange(2, 8)))
        tag = f"If-None-Match: {self.tags[path]}\r\n" if path in self.tags else ""
        return kind, f"GET {path} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {self.key}\r\n{tag}\r\n".encode(), path if kind == "dashboard" else None

    def post(self, path, body, more=""):
        return (f"POST {path} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {self.key}\r\nContent-Type: application/json\r\n{more}"
                f"Content-Length: {len(body)}\r\n\r\n").encode() + body


class Drive:
    """Clients on connections they keep. rate: requests a second at fixed times; None: as fast as they are answered."""

    def __init__(self, port, mix, rate, seconds):
        self.port, self.mix, self.rate, self.seconds = port, mix, rate, seconds
        self.heard, self.statuses, self.turn = collections.defaultdict(list), collections.Counter(), itertools.count()

    async def answer(self, reader):
        head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
        length = re.search(r"(?i)^content-length: *(\d+)", head, re.M)
        if length:
            await reader.readexactly(int(length.group(1)))
        tag = re.search(r"(?im)^etag: *(\S+)", head)
        return int(head.split(" ", 2)[1]), tag.group(1) if tag else None

    async def client(self, started):
        reader, writer = await asyncio.open_connection("127.0.0.1", self.port, limit=2**24)
        while True:
            due = time.monotonic() if self.rate is None else started + next(self.turn) / self.rate
            if due > started + self.seconds:
                break
            await asyncio.sleep(max(0.0, due - time.monotonic()))
            kind, request, path = self.mix.next()
            writer.write(request)
            status, tag = await self.answer(reader)
            self.heard[kind].append(time.monotonic() - due)
            self.statuses[status] += 1
            if path is not None and tag is not None:
                self.mix.tags[path] = tag
        writer.close()

    async def run(self, watch=None):
        started = time.monotonic()
        clients = [asyncio.create_task(self.client(started)) for _ in range(CLIENTS)]
        if watch is not None:
            clients.append(asyncio.create_task(watch(self, started)))
        await asyncio.gather(*clients)
        return time.monotonic() - started

    def take(self):
        """What was heard since the last time."""
        heard, self.heard = self.heard, collections.defaultdict(list)
        statuses, self.statuses = self.statuses, collections.Counter()
        return heard, statuses


class Watch:
    """Looks once a minute, and at bloat every tenth of the time."""

    def __init__(self, service, seconds):
        self.service, self.seconds, self.minutes, self.bloat = service, seconds, [], []
        self.every = min(60.0, seconds / 20)
        psql(service.url, "CREATE SCHEMA watch; CREATE EXTENSION pgstattuple SCHEMA watch")

    def process(self):
        directory = pathlib.Path("/proc", str(self.service.process.pid))
        status = (directory / "status").read_text()
        return {"rss_kib": self.service.resident_kib(), "threads": int(re.search(r"Threads:\s+(\d+)", status).group(1)),
                "descriptors": len(list((directory / "fd").iterdir()))}

    def database(self):
        pids = psql(self.service.url, "SELECT pid FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()").split()
        anonymous = 0
        for pid in pids:
            try:
                anonymous += int(re.search(r"RssAnon:\s+(\d+)", pathlib.Path("/proc", pid, "status").read_text()).group(1))
            except OSError:
                pass  # it has ended since
        dead, live = psql(self.service.url, "SELECT sum(n_dead_tup), sum(n_live_tup) FROM pg_stat_user_tables WHERE relname = ANY ('{%s}')" % ",".join(TABLES)).split("|")
        return {"backends": len(pids), "backends_anonymous_kib": anonymous, "dead_rows": int(dead), "dead_share": int(dead) / max(1, int(dead) + int(live)), "database_mib": int(psql(self.service.url, "SELECT pg_database_size(current_database()) / 1048576"))}

    def measure_bloat(self):
        found = {}
        for table in TABLES:
            size, free, dead = psql(self.service.url, f"SELECT table_len, approx_free_percent, dead_tuple_percent FROM watch.pgstattuple_approx('{table}')").split("|")
            found[table] = {"mib": int(size) / 1048576, "free_percent": float(free), "dead_percent": float(dead)}
        rows = psql(self.service.url, "SELECT c.relname, i.index_size, i.avg_leaf_density FROM pg_index AS x JOIN pg_class AS c ON c.oid = x.indexrelid JOIN pg_am AS m ON m.oid = c.relam AND m.amname = 'btree', "
                          "watch.pgstatindex(c.oid::regclass) AS i WHERE x.indrelid = ANY ('{%s}'::regclass[])" % ",".join(TABLES))
        for name, size, density in (row.split("|") for row in rows.splitlines()):
            found[name] = {"mib": int(size) / 1048576, "leaf_density": None if density == "NaN" else float(density)}
        return found

    def look(self, drive, at):
        heard, statuses = drive.take()
        times = {kind: {"count": len(values), "p50_ms": percentile(values, 0.5) * 1000, "p99_ms": percentile(values, 0.99) * 1000} for kind, values in heard.items()}
        self.minutes.append({"at": at, "times": times, "statuses": dict(statuses), **self.process(), **self.database()})
        if len(self.minutes) % max(1, round(self.seconds / self.every / 10)) == 0:
            self.bloat.append({"at": at, **self.measure_bloat()})
            print(self.line(self.minutes[-max(1, round(self.seconds / self.every / 10)):]), flush=True)

    def line(self, minutes):
        first = minutes[0]
        times = "  ".join(f"{kind} {statistics.median(m['times'].get(kind, {'p50_ms': 0})['p50_ms'] for m in minutes):.1f}/"
                          f"{statistics.median(m['times'].get(kind, {'p99_ms': 0})['p99_ms'] for m in minutes):.0f} ms" for kind in dict.fromkeys(CYCLE))
        last = minutes[-1]
        return (f"{first['at'] / 60:5.0f} min  {times}  server {last['rss_kib'] / 1024:.0f} MiB, {last['descriptors']} descriptors, {last['threads']} threads; "
                f"backends {last['backends_anonymous_kib'] / 1024:.0f} MiB; database {last['database_mib']} MiB, {last['dead_rows']} dead rows")

    async def __call__(self, drive, started):
        loop = asyncio.get_running_loop()
        for number in itertools.count(1):
            if number * self.every > self.seconds:
                return
            await asyncio.sleep(max(0.0, started + number * self.every - time.monotonic()))
            await loop.run_in_executor(None, self.look, drive, number * self.every)


def flat(name, early, late, limit, unit):
    """A line that says whether the later figure is within limit times the early one."""
    good = late <= limit * early
    print(f"{'flat' if good else 'GROWS'}: {name}: {early:.1f} → {late:.1f} {unit}")
    return good


def quiet(rows, of):
    """The figure of a quiet minute, the 20th percentile: whatever else the machine does can only make it larger."""
    return percentile([of(row) for row in rows], 0.2)


def verdict(minutes):
    """Whether nothing grows: the second fifth of the time against the last; the first fills caches and tables' free room."""
    fifth = max(1, len(minutes) // 5)
    early, late = minutes[fifth:2 * fifth], minutes[-fifth:]
    middle = lambda rows, of: statistics.median(of(row) for row in rows)
    print("second fifth of the time → last fifth: times of quiet minutes, medians of all else")
    good = [flat(f"time to the answer of a {kind}, {name}", quiet(early, lambda m: m["times"][kind][key]), quiet(late, lambda m: m["times"][kind][key]), 1.3, "ms")
            for kind in dict.fromkeys(CYCLE) for name, key in (("median", "p50_ms"), ("99th percentile", "p99_ms"))]
    for name, key, limit, scale, unit in (("memory of the server", "rss_kib", 1.1, 1024, "MiB"), ("descriptors", "descriptors", 1.05, 1, ""), ("threads", "threads", 1.0, 1, ""),
                                          ("memory of the backends", "backends_anonymous_kib", 1.25, 1024, "MiB"), ("dead rows", "dead_share", 2.0, 0.01, "% of all")):
        good.append(flat(name, middle(early, lambda m: m[key] / scale), middle(late, lambda m: m[key] / scale), limit, unit))
    refused = sum(count for m in minutes for status, count in m["statuses"].items() if status >= 400)
    print(f"{'none' if refused == 0 else 'SOME'} refused: {refused} of {sum(sum(m['statuses'].values()) for m in minutes)} answers are 4xx or 5xx")
    return all(good) and refused == 0


def load(service, deals):
    data.master_data(service, deals // 50)
    for first in range(0, deals, 10000):
        service.request("POST", "/v1/opportunities", data.ndjson(data.deals(min(10000, deals - first), first, deals // 50)), "application/x-ndjson")
    service.request("POST", "/v1/sources", {"source": "crm", "preset": "generic"})
    service.request("POST", "/v1/sources/crm/secrets", {"secret": SECRET})
    psql(service.url, "VACUUM ANALYZE")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=int, default=7200)
    parser.add_argument("--measure", type=int, default=120)
    parser.add_argument("--share", type=float, default=0.7)
    parser.add_argument("--deals", type=int, default=100000)
    parser.add_argument("--out", default=str(ROOT / os.environ.get("BUILD", "build") / "bench"))
    options = parser.parse_args()
    with own_postgres() as url:
        service = Service(str(ROOT / os.environ.get("BUILD", "build") / "plumbline"), url, "plumbline_soak")
        try:
            load(service, options.deals)
            mix = Mix(options.deals, service.key)
            drive = Drive(service.port, mix, None, options.measure)
            taken = asyncio.run(drive.run())
            capacity = sum(drive.statuses.values()) / taken
            print(f"capacity: {capacity:.0f} requests/s ({capacity / len(CYCLE) * (CYCLE.count('write') + DELIVERY):.0f} events/s in them), statuses {dict(drive.statuses)}; "
                  f"now {options.share:.0%} of it for {options.seconds} s", flush=True)
            watch = Watch(service, options.seconds)
            asyncio.run(Drive(service.port, mix, capacity * options.share, options.seconds).run(watch))
            good = verdict(watch.minutes)
        finally:
            service.stop()
    os.makedirs(options.out, exist_ok=True)
    with open(os.path.join(options.out, "soak.json"), "w") as out:
        json.dump({"capacity": capacity, "share": options.share, "deals": options.deals, "minutes": watch.minutes, "bloat": watch.bloat, "flat": good}, out, indent=1)
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main())
