"""Single durable writes: the service against pgbench with one upsert a transaction, and against what a team would write instead."""
import contextlib
import os
import shutil
import subprocess
import time
import urllib.request

import floor
from data import written_to
from service import HERE, free_port, median, pgbench, say

CONNECTIONS = (1, 16, 64, 256)
AIMS = {1: 0.6, 64: 2.5}


@contextlib.contextmanager
def running(command):
    """A peer, once it answers."""
    port = free_port()
    process = subprocess.Popen([str(part).replace("PORT", str(port)) for part in command], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        for _ in range(200):
            try:
                request = urllib.request.Request(f"http://127.0.0.1:{port}/v1/opportunities/first", b'{"stage": "s1"}', {"Content-Type": "application/json"}, method="PUT")
                urllib.request.urlopen(request, timeout=1).read()
                break
            except OSError:
                time.sleep(0.05)
        yield port
    finally:
        process.terminate()
        process.wait(10)


def peers(service, out):
    """name → command; only those whose tools are there."""
    found = {}
    if shutil.which("node") and os.path.isdir(os.path.join(HERE, "peer", "node_modules", "fastify")):
        found["Fastify, 2 processes, pg"] = (["node", os.path.join(HERE, "peer", "fastify.mjs"), "PORT", service.url], 5)
    else:
        say("no Fastify: tools/deps.sh --all")
    if shutil.which("go"):
        program = os.path.join(out, "peer")
        built = subprocess.run(["go", "build", "-o", os.path.abspath(program), "peer.go"], cwd=os.path.join(HERE, "peer"), capture_output=True, text=True,
                               env=dict(os.environ, GO111MODULE="off", GOPATH="/usr/share/gocode", GOFLAGS=""))
        if built.returncode == 0:
            found["Go net/http, pgx"] = ([program, "PORT", service.url], 4)
        else:
            say(f"no Go peer: {built.stderr.strip()}")
    else:
        say("no Go: tools/deps.sh --all")
    return found


def against_pgbench(service, options, connections, ids):
    ours, theirs, ready, poisoned = [], [], [], []
    clients = min(connections, 64)
    for _ in range(options.rounds):
        theirs.append(pgbench(service.url, "upsert.sql", clients, options.seconds, ids))
        ours.append(service.write(connections, options.seconds, ids))
        if connections in AIMS:
            ready.append(pgbench(service.url, "ready.sql", clients, options.seconds, ids))
        if connections == 64:
            poisoned.append(service.write(64, options.seconds, ids, bad=0.01))
    yield {"what": f"single durable writes, {connections} connections", "unit": "events/s", "ours": median(ours, "per_second"),
           "reference": f"pgbench, one upsert a transaction, {clients} clients", "theirs": median(theirs, "per_second"),
           "ratio": median(ours, "per_second") / median(theirs, "per_second"), "least": AIMS.get(connections), "errors": sum(r["errors"] for r in ours)}
    yield {"what": f"the same, 99th percentile, {connections} connections", "unit": "ms", "ours": median(ours, "p99_us") / 1000, "reference": "pgbench",
           "theirs": median(theirs, "p99_us") / 1000, "ratio": median(ours, "p99_us") / median(theirs, "p99_us"), "most": 1 if connections == 64 else None}
    if ready:
        yield {"what": f"the same, {connections} connections, beside its rows ready-made", "unit": "events/s", "ours": median(ours, "per_second"),
               "reference": f"pgbench, the four rows of a write in one statement, {clients} clients", "theirs": median(ready, "per_second"),
               "ratio": median(ours, "per_second") / median(ready, "per_second")}
    if poisoned:
        yield {"what": "the same, 64 connections, 1 % refused items", "unit": "events/s", "ours": median(poisoned, "per_second"),
               "reference": "the clean stream", "theirs": median(ours, "per_second"), "ratio": median(poisoned, "per_second") / median(ours, "per_second"), "least": 0.7}


def against_peers(service, options, ids):
    for name, (command, aim) in peers(service, options.out).items():
        with running(command) as port:
            ours, theirs = [], []
            for _ in range(options.rounds):
                theirs.append(service.write(64, options.seconds, ids, port=port))
                ours.append(service.write(64, options.seconds, ids))
        yield {"what": f"single durable writes, 64 connections, beside {name.split(',')[0]}", "unit": "events/s", "ours": median(ours, "per_second"), "reference": f"{name}, one upsert a request",
               "theirs": median(theirs, "per_second"), "ratio": median(ours, "per_second") / median(theirs, "per_second"), "least": aim, "errors": sum(r["errors"] for r in theirs)}


def measure(service, options):
    ids = written_to(options)
    floor.make(service.url)
    floor.fill(service.url, ids)
    for connections in CONNECTIONS:
        yield from against_pgbench(service, options, connections, ids)
    floor.drop(service.url)
    yield from against_peers(service, options, ids)
