"""Answers of a dashboard: the first after a write, the same again, and 304, against a bare libmicrohttpd with a body of that size."""
import atexit
import datetime
import itertools
import statistics
import subprocess
import time
import urllib.error

from data import TODAY, quarter, quarter_start
from service import free_port, median, psql, timed, wrk


QUARTERS = range(1, 9)


def first_answer(service, path):
    """Its ms with nothing in the cache; PostgreSQL's own is warm. What takes longer than a statement may counts as that long."""
    psql(service.url, "UPDATE org_version SET config_version = config_version + 1 WHERE org_id = 1")
    start = time.monotonic()
    try:
        service.request("GET", path)
    except urllib.error.HTTPError as refused:
        if refused.code != 503:
            raise
    return (time.monotonic() - start) * 1000


def plain_sums(service, column, back):
    """Its ms: one SELECT of what bookings_share is made of, straight from the facts."""
    return timed(service.url, f"""
        SELECT {column}, sum(money) FILTER (WHERE closed_class = 'on'), sum(money) FILTER (WHERE closed_class = 'off'), count(*), max(money)
          FROM deal_fact
         WHERE org_id = 1 AND closed_at >= '{quarter_start(back)}' AND closed_at < '{quarter_start(back - 1)}' AND outcome = 'won'
         GROUP BY {column}""")


def first_answers(service, options, by):
    alignment, share, plain = [], [], []
    for back in QUARTERS:
        for _ in range(2):
            alignment.append(first_answer(service, f"/v1/alignment?by={by}&period={quarter(back)}"))
            share.append(first_answer(service, f"/v1/metrics/bookings_share?by={by}&period={quarter(back)}"))
            plain.append(plain_sums(service, f"closed_{by}", back))
    ours, theirs = statistics.median(share), statistics.median(plain)
    what, aim = f"by={by}, one quarter, first answer at {options.deals} deals", 15 if options.deals <= 1000000 else 30
    yield {"what": f"alignment {what}", "unit": "ms", "ours": statistics.median(alignment), "most": aim}
    yield {"what": f"bookings_share {what}", "unit": "ms", "ours": ours, "most": aim}
    yield {"what": f"the same, bookings_share by={by}", "unit": "ms", "ours": ours, "reference": "one SELECT of its sums from the facts",
           "theirs": theirs, "ratio": ours / theirs}


def bare(options, size):
    port = free_port()
    process = subprocess.Popen([options.hello, str(port), str(size)])
    atexit.register(process.kill)
    time.sleep(0.3)
    return f"http://127.0.0.1:{port}"


def measure(service, options):
    for by in ("rep", "segment"):
        yield from first_answers(service, options, by)
    past = TODAY - datetime.timedelta(days=200)
    over = next(back for back in itertools.count(1) if quarter_start(back - 1) <= past)  # by then
    then = [first_answer(service, f"/v1/metrics/bookings_share?by=rep&period={quarter(over)}&as_of={past}") for _ in range(2)]
    yield {"what": f"bookings_share by=rep as of {past}, first answer", "unit": "ms", "ours": statistics.median(then), "most": 3000}
    path = f"/v1/alignment?by=rep&period={quarter(1)}"
    body, headers = service.request("GET", path)
    etag = {name.lower(): value for name, value in headers.items()}["etag"]
    large, small = bare(options, len(body)), bare(options, 1)
    ours, env = f"http://127.0.0.1:{service.port}", {"PLUMBLINE_KEY": service.key, "BENCH_PATH": path}
    cached, conditional, floors, floors_small = [], [], [], []
    for _ in range(options.rounds):
        floors.append(wrk("read.lua", large, 64, options.seconds, {}))
        cached.append(wrk("read.lua", ours, 64, options.seconds, env))
        floors_small.append(wrk("read.lua", small, 64, options.seconds, {}))
        conditional.append(wrk("read.lua", ours, 64, options.seconds, dict(env, BENCH_ETAG=etag)))
    for what, mine, reference in ((f"alignment by=rep again (cached, {len(body)} bytes), 64 connections", cached, floors),
                                  ("the same, If-None-Match → 304, 64 connections", conditional, floors_small)):
        yield {"what": what, "unit": "requests/s", "ours": median(mine, "per_second"), "reference": "bare libmicrohttpd, body of that size", "theirs": median(reference, "per_second"),
               "ratio": median(mine, "per_second") / median(reference, "per_second"), "least": 0.6}
