"""Answers of a dashboard: the first after a write, the same again, and 304, against a bare libmicrohttpd with a body of that size."""
import atexit
import datetime
import statistics
import subprocess
import time
import urllib.error

from data import TODAY, quarter
from service import free_port, median, psql, wrk


def first_answers(service, path, quarters=8):
    """Median ms with nothing in the cache; PostgreSQL's own is warm. What takes longer than a statement may counts as that long."""
    times = []
    for back in range(1, quarters + 1):
        for _ in range(2):
            psql(service.url, "UPDATE org_version SET config_version = config_version + 1 WHERE org_id = 1")
            start = time.monotonic()
            try:
                service.request("GET", path.format(quarter(back)))
            except urllib.error.HTTPError as refused:
                if refused.code != 503:
                    raise
            times.append(time.monotonic() - start)
    return statistics.median(times) * 1000


def floor(options, size):
    port = free_port()
    process = subprocess.Popen([options.hello, str(port), str(size)])
    atexit.register(process.kill)
    time.sleep(0.3)
    return f"http://127.0.0.1:{port}"


def measure(service, options):
    for by in ("rep", "segment"):
        for name, path in (("alignment", "/v1/alignment?by={}&period={{}}"), ("bookings_share", "/v1/metrics/bookings_share?by={}&period={{}}")):
            yield {"what": f"{name} by={by}, one quarter, first answer at {options.deals} deals", "unit": "ms", "ours": first_answers(service, path.format(by)), "most": 15 if options.deals <= 1000000 else 30}
    past = (TODAY - datetime.timedelta(days=200)).isoformat()
    yield {"what": f"bookings_share by=rep as of {past}, first answer", "unit": "ms", "ours": first_answers(service, f"/v1/metrics/bookings_share?by=rep&period={{}}&as_of={past}", quarters=1), "most": 3000}
    path = f"/v1/alignment?by=rep&period={quarter(1)}"
    body, headers = service.request("GET", path)
    etag = {name.lower(): value for name, value in headers.items()}["etag"]
    large, small = floor(options, len(body)), floor(options, 1)
    ours, env = f"http://127.0.0.1:{service.port}", {"PLUMBLINE_KEY": service.key, "BENCH_PATH": path}
    cached, conditional, floors, floors_small = [], [], [], []
    for _ in range(options.rounds):
        floors.append(wrk("read.lua", large, 64, options.seconds, {}))
        cached.append(wrk("read.lua", ours, 64, options.seconds, env))
        floors_small.append(wrk("read.lua", small, 64, options.seconds, {}))
        conditional.append(wrk("read.lua", ours, 64, options.seconds, dict(env, BENCH_ETAG=etag)))
    for what, mine, bare in ((f"alignment by=rep again (cached, {len(body)} bytes), 64 connections", cached, floors),
                             ("the same, If-None-Match → 304, 64 connections", conditional, floors_small)):
        yield {"what": what, "unit": "requests/s", "ours": median(mine, "per_second"), "reference": "bare libmicrohttpd, body of that size", "theirs": median(bare, "per_second"),
               "ratio": median(mine, "per_second") / median(bare, "per_second"), "least": 0.6}
