"""What a request is made of, counted, not timed: statements of PostgreSQL and instructions of the server. For the end: it starts both anew, and stops the server."""
import http.client
import itertools
import json
import re
import shutil
import subprocess
import tempfile

from data import written_to
from own_postgres import ROOT
from service import psql, say

REQUESTS = 200


def restart_postgres(service, options):
    """With an eye on every statement, also those inside functions. That slows them: nothing is timed afterwards."""
    psql(service.url, "ALTER SYSTEM SET shared_preload_libraries = 'pg_stat_statements'")
    service.stop()
    for action in ("stop", "start"):
        subprocess.run([str(ROOT / "tools" / "pg.sh"), action, options.postgres], check=True, stdout=subprocess.DEVNULL)
    psql(service.url, "ALTER SYSTEM SET pg_stat_statements.track = 'all'")
    psql(service.url, "SELECT pg_reload_conf()")
    psql(service.url, "CREATE EXTENSION IF NOT EXISTS pg_stat_statements")
    service.start()


def batches(service):
    """Batches so far, and the events in them."""
    return service.gauge("plumbline_commit_batch_events_count"), service.gauge("plumbline_commit_batch_events_sum")


def statements(service, options, connections):
    service.write(connections, 1, written_to(options))  # plans are made
    count, events = batches(service)
    psql(service.url, "SELECT pg_stat_statements_reset()")
    service.write(connections, options.seconds, written_to(options))
    calls = int(psql(service.url, "SELECT sum(calls) FROM pg_stat_statements WHERE dbid = (SELECT oid FROM pg_database WHERE datname = current_database())"))
    more, events_more = batches(service)
    yield {"what": f"events a batch, single writes, {connections} connections", "unit": "events", "ours": (events_more - events) / (more - count)}
    yield {"what": f"statements a batch, those inside functions included, {connections} connections", "unit": "statements", "ours": calls / (more - count)}


def asked(service):
    """What → a function that asks for it once, on a connection that is kept."""
    connection = http.client.HTTPConnection("127.0.0.1", service.port, timeout=60)
    amounts = itertools.count(1000)  # what is sent as it stands is no change

    def deal():
        return json.dumps({"name": "Renewal and extension of the care platform", "account": "a1", "owner": "r1", "stage": "s1", "amount": f"{next(amounts)}.00", "currency": "EUR",
                           "created_at": "2026-03-14T09:30:00Z", "lines": [{"id": "1", "product": "p4", "quantity": 3, "amount": "1200.00"}]})

    def ask(method, path, expected, body=None, **headers):
        connection.request(method, path, body, {"Authorization": f"Bearer {service.key}", **({"Content-Type": "application/json"} if body else {}), **headers})
        answer = connection.getresponse()
        answer.read()
        if answer.status != expected:
            raise SystemExit(f"{method} {path} was answered {answer.status}")
        return answer

    etag = ask("GET", "/v1/opportunities/d1", 200).getheader("ETag")
    return {"a read of a deal": lambda: ask("GET", "/v1/opportunities/d1", 200),
            "a read of it with If-None-Match, 304": lambda: ask("GET", "/v1/opportunities/d1", 304, **{"If-None-Match": etag}),
            "a single write": lambda: ask("PUT", "/v1/opportunities/d1", 200, deal())}


def instructions(service):
    if shutil.which("callgrind_control") is None:
        say("no callgrind: tools/deps.sh --all")
        return
    service.stop()
    with tempfile.TemporaryDirectory() as folder:
        service.start(["valgrind", "--quiet", "--tool=callgrind", f"--callgrind-out-file={folder}/out"])

        def control(what):
            subprocess.run(["callgrind_control", what, str(service.process.pid)], check=True, capture_output=True)

        for number, (what, ask) in enumerate(asked(service).items(), 1):
            for _ in range(REQUESTS // 4):
                ask()
            control("--zero")
            for _ in range(REQUESTS):
                ask()
            control("--dump")
            with open(f"{folder}/out.{number}") as text:
                total = int(re.search(r"^totals: (\d+)", text.read(), re.M).group(1))
            yield {"what": f"instructions of the server for {what}", "unit": "instructions", "ours": total / REQUESTS}
        service.stop()


def measure(service, options):
    restart_postgres(service, options)
    for connections in (1, 64):
        yield from statements(service, options, connections)
    yield from instructions(service)
