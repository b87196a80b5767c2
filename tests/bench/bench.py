#!/usr/bin/python3
"""First figures: the service against what it stands on, on one machine, in one run.

Every pair is measured interleaved in rounds; the table gives medians, and ratios of medians of the same run.
  writes   durable single-event PUTs over HTTP (log, state, facts; synchronous commit) against pgbench
           doing one plain upsert a transaction into the same table of the same server
  bulk     NDJSON over HTTP against COPY of the finished rows into the same tables with the same indexes
  reads    GET /v1/alignment?by=rep over a million deals, cached, 304 and uncached, against a bare libmicrohttpd
Usage: bench.py --server BINARY --hello BINARY --out DIR [--deals N] [--rounds N] [--seconds N]
DATABASE_URL must name a PostgreSQL of its own: `make bench` starts one.
"""
import argparse
import atexit
import datetime
import json
import os
import random
import re
import signal
import socket
import statistics
import subprocess
import sys
import time
import urllib.parse
import urllib.request

HERE = os.path.dirname(os.path.abspath(__file__))
CONNECTIONS = (1, 16, 64, 256)
TODAY = datetime.date.today()


def say(text):
    print(text, file=sys.stderr, flush=True)


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


def database_url(base, name):
    head, _, query = base.partition("?")
    scheme, rest = head.split("://", 1)
    return f"{scheme}://{rest.split('/', 1)[0]}/{name}" + (f"?{query}" if query else "")


class Service:
    """The real binary on its own database of the given server."""

    def __init__(self, binary, base, name):
        self.binary, self.url = binary, database_url(base, name)
        psql(database_url(base, "postgres"), f"DROP DATABASE IF EXISTS {name}")
        psql(database_url(base, "postgres"), f"CREATE DATABASE {name}")
        self.port, admin = free_port(), free_port()
        self.env = dict(os.environ, DATABASE_URL=self.url, PLUMBLINE_LISTEN=f"127.0.0.1:{self.port}",
                        PLUMBLINE_ADMIN_LISTEN=f"127.0.0.1:{admin}", PLUMBLINE_RATE_LIMIT="0", PLUMBLINE_LOG_LEVEL="warn")
        subprocess.run([binary, "migrate"], env=self.env, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        self.key = subprocess.run([binary, "key", "create", "--org", "default", "--scope", "ingest,read,strategy,admin"], env=self.env,
                                  check=True, capture_output=True, text=True).stdout.strip().splitlines()[-1]
        self.process = subprocess.Popen([binary, "serve"], env=self.env, stderr=subprocess.DEVNULL)
        for _ in range(200):
            try:
                urllib.request.urlopen(f"http://127.0.0.1:{self.port}/readyz", timeout=1).read()
                return
            except OSError:
                time.sleep(0.05)
        raise SystemExit("the server did not get ready")

    def request(self, method, path, body=None, content_type="application/json", headers=None):
        request = urllib.request.Request(f"http://127.0.0.1:{self.port}{path}", method=method,
                                         data=body if body is None or isinstance(body, bytes) else json.dumps(body).encode())
        request.add_header("Authorization", f"Bearer {self.key}")
        if body is not None:
            request.add_header("Content-Type", content_type)
        for name, value in (headers or {}).items():
            request.add_header(name, value)
        with urllib.request.urlopen(request, timeout=3600) as answer:
            return answer.read(), dict(answer.headers)

    def resident_kib(self, peak=False):
        text = open(f"/proc/{self.process.pid}/status").read()
        return int(re.search(r"Vm%s:\s+(\d+)" % ("HWM" if peak else "RSS"), text).group(1))

    def stop(self):
        self.process.send_signal(signal.SIGTERM)
        self.process.wait(30)


def psql(url, sql):
    done = subprocess.run(["psql", "-qAtX", "-v", "ON_ERROR_STOP=1", "-d", url, "-c", sql], capture_output=True, text=True)
    if done.returncode != 0:
        raise SystemExit(f"psql: {done.stderr.strip()}")
    return done.stdout.strip()


def wrk(script, url, connections, seconds, env):
    out = subprocess.run(["wrk", "-t1", f"-c{connections}", f"-d{seconds}s", "--latency", "-s", os.path.join(HERE, script), url],
                         env=dict(os.environ, **env), capture_output=True, text=True, check=True).stdout
    got = json.loads(re.search(r"^RESULT (.*)$", out, re.M).group(1))
    got["per_second"] = got["requests"] / (got["duration_us"] / 1e6)
    return got


def pgbench(url, clients, seconds, ids):
    out = subprocess.run(["pgbench", "-n", "-M", "prepared", "-c", str(clients), "-j", "2" if clients > 1 else "1", "-T", str(seconds),
                          "-D", f"ids={ids}", "-f", os.path.join(HERE, "upsert.sql"), "-l", "--log-prefix=/tmp/plumbline-bench", url],
                         capture_output=True, text=True, check=True).stdout
    latencies = []
    for name in os.listdir("/tmp"):
        if name.startswith("plumbline-bench."):
            path = os.path.join("/tmp", name)
            latencies += [int(line.split()[2]) for line in open(path)]
            os.unlink(path)
    latencies.sort()
    return {"per_second": float(re.search(r"tps = ([\d.]+)", out).group(1)), "p50_us": latencies[len(latencies) // 2],
            "p99_us": latencies[len(latencies) * 99 // 100], "errors": 0}


STRATEGY = {
    "name": "Benchmark strategy", "effective_from": "2020-01-01",
    "segments": [{"key": f"seg{i}", "label": f"Segment {i}", "when": [{"attr": "industry", "eq": f"industry{i}"}],
                  "target": {"bookings": round(1 / 12, 6) if i else round(1 - 11 * round(1 / 12, 6), 6),
                             "time": round(1 / 12, 6) if i else round(1 - 11 * round(1 / 12, 6), 6)}} for i in range(12)],
    "fit": {"criteria": [{"key": "industry", "weight": 60, "attr": "industry",
                          "match": [{"in": [f"industry{i}" for i in range(5)], "score": 1}]},
                         {"key": "size", "weight": 40, "attr": "employees", "match": [{"gte": 500, "score": 1}]}],
            "required": [], "disqualify": [], "min_coverage": 0.5,
            "tiers": [{"key": "core", "min": 60, "on_strategy": True}, {"key": "outside", "min": 0, "on_strategy": False}]},
    "products": {"family0": 0.5, "family1": 0.3, "family2": 0.2}, "messages": [],
    "opportunistic": {"limit": 0.15, "easy_origins": ["inbound"]}}


def ndjson(rows):
    return "".join(json.dumps(row, separators=(",", ":")) + "\n" for row in rows).encode()


def master_data(service, accounts):
    """200 reps in 10 teams, `accounts` accounts over 12 industries, 41 products in 3 families, 3 stages; the strategy is published."""
    at = "2019-01-01T00:00:00Z"
    service.request("POST", "/v1/teams", ndjson({"id": f"t{i}", "name": f"Team {i}", "occurred_at": at} for i in range(10)), "application/x-ndjson")
    service.request("POST", "/v1/reps", ndjson({"id": f"r{i}", "name": f"Rep {i}", "team": f"t{i % 10}", "occurred_at": at} for i in range(200)),
                    "application/x-ndjson")
    service.request("POST", "/v1/stages", ndjson({"id": f"s{i}", "label": f"Stage {i}", "outcome": outcome, "occurred_at": at}
                                                 for i, outcome in ((1, "open"), (2, "won"), (3, "lost"))), "application/x-ndjson")
    service.request("POST", "/v1/products", ndjson({"id": f"p{i}", "name": f"Product {i}", "family": f"family{i % 3}", "occurred_at": at}
                                                   for i in range(41)), "application/x-ndjson")
    service.request("POST", "/v1/accounts", ndjson({"id": f"a{i}", "name": f"Account {i}", "status": "customer", "occurred_at": at,
                                                    "attributes": {"industry": f"industry{i % 12}", "employees": i % 1000}}
                                                   for i in range(accounts)), "application/x-ndjson")
    identity = json.loads(service.request("POST", "/v1/strategies", STRATEGY)[0])["id"]
    service.request("POST", f"/v1/strategies/{identity}/publish", {})


def deals(count, first, accounts):
    """Deals spread evenly over the last 36 months: 60 % won, 25 % lost, 15 % open; some 600 bytes each."""
    pick = random.Random(first + 7)
    for i in range(first, first + count):
        created = TODAY - datetime.timedelta(days=pick.randrange(30, 1095))
        stage = pick.choices(("s2", "s3", "s1"), (60, 25, 15))[0]
        closed = min(created + datetime.timedelta(days=pick.randrange(10, 90)), TODAY - datetime.timedelta(days=1))
        row = {"id": f"d{i}", "name": f"Renewal and extension of the care platform, site {i}", "account": f"a{pick.randrange(accounts)}",
               "owner": f"r{pick.randrange(200)}", "stage": stage, "amount": f"{pick.randrange(100, 90000)}.{pick.randrange(100):02d}",
               "currency": "EUR", "created_at": f"{created}T09:30:00Z", "expected_close": str(closed), "probability": pick.randrange(10) / 10,
               "origin": pick.choice(("inbound", "outbound", "referral", "partner")), "contacts_external": pick.randrange(5), "value_case": True,
               "lines": [{"id": "1", "product": f"p{pick.randrange(41)}", "quantity": 3, "amount": "1000.00"}],
               "attributes": {"region": "north", "campaign": "autumn", "competitor": "none known", "note": "x" * 60},
               "occurred_at": f"{closed if stage != 's1' else created}T10:00:00Z"}
        if stage != "s1":
            row["closed_at"] = f"{closed}T10:00:00Z"
        yield row


def median(rows, key):
    return statistics.median(row[key] for row in rows)


def bench_writes(service, options, table):
    ids = max(options.deals // 2, 1000)
    for connections in CONNECTIONS:
        ours, theirs, poisoned = [], [], []
        for turn in range(options.rounds):
            env = {"PLUMBLINE_KEY": service.key, "BENCH_IDS": str(ids), "BENCH_SEED": str(turn * 7 + connections)}
            theirs.append(pgbench(service.url, min(connections, 64), options.seconds, ids))
            ours.append(wrk("write.lua", f"http://127.0.0.1:{service.port}", connections, options.seconds, env))
            if connections == 64:
                poisoned.append(wrk("write.lua", f"http://127.0.0.1:{service.port}", 64, options.seconds, dict(env, BENCH_BAD="0.01")))
        table.append({"what": f"single durable writes, {connections} connections", "unit": "events/s", "ours": median(ours, "per_second"),
                      "reference": f"pgbench, one upsert a transaction, {min(connections, 64)} clients", "theirs": median(theirs, "per_second"),
                      "ratio": median(ours, "per_second") / median(theirs, "per_second"), "errors": sum(r["errors"] for r in ours),
                      "ours_p99_ms": median(ours, "p99_us") / 1000, "theirs_p99_ms": median(theirs, "p99_us") / 1000})
        if poisoned:
            table.append({"what": "the same, 64 connections, 1 % refused items", "unit": "events/s", "ours": median(poisoned, "per_second"),
                          "reference": "the clean stream", "theirs": median(ours, "per_second"),
                          "ratio": median(poisoned, "per_second") / median(ours, "per_second"), "ours_p99_ms": median(poisoned, "p99_us") / 1000,
                          "theirs_p99_ms": median(ours, "p99_us") / 1000})
        say(json.dumps(table[-1]))


def copy_final_rows(service, rounds):
    """COPY of the finished rows of the opportunities into empty tables like the real ones; seconds, best reference there is."""
    psql(service.url, "CREATE SCHEMA IF NOT EXISTS floor")
    tables = {"event": "WHERE kind = 'opportunity' AND org_id = 1", "object": "WHERE kind = 'opportunity' AND org_id = 1",
              "deal_fact": "WHERE org_id = 1"}
    folder = "/tmp/plumbline-bench-copy"
    os.makedirs(folder, exist_ok=True)
    for table, where in tables.items():
        psql(service.url, f"DROP TABLE IF EXISTS floor.{table}; CREATE TABLE floor.{table} (LIKE public.{table} INCLUDING ALL)")
        subprocess.run(["psql", "-qX", "-d", service.url, "-c", f"\\copy (SELECT * FROM public.{table} {where}) TO '{folder}/{table}' (FORMAT binary)"],
                       check=True)
    seconds = []
    for _ in range(rounds):
        psql(service.url, "; ".join(f"TRUNCATE floor.{table}" for table in tables))
        start = time.monotonic()
        for table in tables:
            subprocess.run(["psql", "-qX", "-d", service.url, "-c", f"\\copy floor.{table} FROM '{folder}/{table}' (FORMAT binary)"], check=True)
        seconds.append(time.monotonic() - start)
    for table in tables:
        os.unlink(f"{folder}/{table}")
    os.rmdir(folder)
    return statistics.median(seconds)


def bench_bulk(service, options, table, accounts):
    chunk, loaded, rates = options.deals // 10, 0, []
    while loaded < options.deals:
        count = min(chunk, options.deals - loaded)
        body = ndjson(deals(count, loaded, accounts))
        start = time.monotonic()
        answer = json.loads(service.request("POST", "/v1/opportunities", body, "application/x-ndjson")[0])
        rates.append(count / (time.monotonic() - start))
        if answer["accepted"] + answer["unchanged"] + answer["stale"] != count:
            raise SystemExit(f"bulk: {answer}")
        loaded += count
        say(f"bulk: {loaded} deals, {rates[-1]:.0f}/s, server {service.resident_kib() // 1024} MiB")
    psql(service.url, "VACUUM ANALYZE")
    floor = options.deals / copy_final_rows(service, 3)
    table.append({"what": f"bulk NDJSON, {options.deals} deals", "unit": "deals/s", "ours": statistics.median(rates),
                  "reference": "COPY of the finished rows, same tables and indexes", "theirs": floor,
                  "ratio": statistics.median(rates) / floor, "server_peak_mib": service.resident_kib(peak=True) / 1024})


def quarter(back):
    year, index = divmod(TODAY.year * 4 + (TODAY.month - 1) // 3 - back, 4)
    return f"{year}-Q{index + 1}"


def bench_reads(service, options, table):
    uncached = {}
    for by in ("rep", "segment"):
        for what, path in ((f"alignment by={by}, one quarter", f"/v1/alignment?by={by}&period={{}}"),
                           (f"bookings_share by={by}, one quarter", f"/v1/metrics/bookings_share?by={by}&period={{}}")):
            times = []
            for back in range(1, 9):
                for _ in range(2):
                    psql(service.url, "UPDATE org_version SET config_version = config_version + 1 WHERE org_id = 1")
                    start = time.monotonic()
                    service.request("GET", path.format(quarter(back)))
                    times.append(time.monotonic() - start)
            uncached[what] = statistics.median(times) * 1000
            table.append({"what": f"{what}, first answer at {options.deals} deals", "unit": "ms", "ours": uncached[what]})
            say(json.dumps(table[-1]))
    path = f"/v1/alignment?by=rep&period={quarter(1)}"
    body, headers = service.request("GET", path)
    headers = {name.lower(): value for name, value in headers.items()}
    port = free_port()
    hello = subprocess.Popen([options.hello, str(port), str(len(body))])
    hello_small = subprocess.Popen([options.hello, str(port + 1), "1"])
    time.sleep(0.3)
    atexit.register(hello.kill)
    atexit.register(hello_small.kill)
    cached, conditional, floor, floor_small = [], [], [], []
    ours = f"http://127.0.0.1:{service.port}"
    env = {"PLUMBLINE_KEY": service.key, "BENCH_PATH": path}
    for _ in range(options.rounds):
        floor.append(wrk("read.lua", f"http://127.0.0.1:{port}", 64, options.seconds, {}))
        cached.append(wrk("read.lua", ours, 64, options.seconds, env))
        floor_small.append(wrk("read.lua", f"http://127.0.0.1:{port + 1}", 64, options.seconds, {}))
        conditional.append(wrk("read.lua", ours, 64, options.seconds, dict(env, BENCH_ETAG=headers["etag"])))
    hello.terminate()
    hello_small.terminate()
    for what, mine, bare in ((f"alignment by=rep again (cached, {len(body)} bytes), 64 connections", cached, floor),
                             ("the same, If-None-Match → 304, 64 connections", conditional, floor_small)):
        table.append({"what": what, "unit": "requests/s", "ours": median(mine, "per_second"), "reference": "bare libmicrohttpd, body of that size",
                      "theirs": median(bare, "per_second"), "ratio": median(mine, "per_second") / median(bare, "per_second"),
                      "ours_p99_ms": median(mine, "p99_us") / 1000, "theirs_p99_ms": median(bare, "p99_us") / 1000})
        say(json.dumps(table[-1]))


def show(table):
    def number(value):
        return "" if value is None else (f"{value:,.0f}" if value >= 100 else f"{value:.2f}")
    rows = [("what", "ours", "reference", "theirs", "ratio", "p99 ours/theirs ms")]
    for row in table:
        p99 = f"{row['ours_p99_ms']:.1f} / {row['theirs_p99_ms']:.1f}" if "ours_p99_ms" in row else ""
        rows.append((row["what"], f"{number(row['ours'])} {row['unit']}", row.get("reference", ""), number(row.get("theirs")),
                     f"{row['ratio']:.2f}" if "ratio" in row else "", p99))
    widths = [max(len(r[i]) for r in rows) for i in range(6)]
    for row in rows:
        print("  ".join(cell.ljust(width) for cell, width in zip(row, widths)).rstrip())


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--server", required=True)
    parser.add_argument("--hello", required=True)
    parser.add_argument("--out", required=True)
    parser.add_argument("--deals", type=int, default=1_000_000)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=int, default=4)
    options = parser.parse_args()
    table, accounts = [], max(options.deals // 50, 100)
    service = Service(options.server, os.environ["DATABASE_URL"], "plumbline_bench")
    try:
        master_data(service, accounts)
        bench_bulk(service, options, table, accounts)
        bench_reads(service, options, table)
        bench_writes(service, options, table)
        table.append({"what": "memory of the server after all this", "unit": "MiB", "ours": service.resident_kib() / 1024})
    finally:
        service.stop()
    os.makedirs(options.out, exist_ok=True)
    with open(os.path.join(options.out, "bench.json"), "w") as out:
        json.dump({"deals": options.deals, "rounds": options.rounds, "seconds": options.seconds, "cpus": os.cpu_count(), "rows": table}, out, indent=1)
    show(table)


if __name__ == "__main__":
    main()
