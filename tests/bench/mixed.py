"""A mixed day: writers and dashboards at the same time. And connections that do nothing, or read slowly."""
import os
import socket
import statistics
import subprocess
import tempfile
import threading
import time

from data import quarter, written_to
from service import say, wrk


def day(service, options):
    heard = {}
    url = f"http://127.0.0.1:{service.port}"

    def write():
        heard["writes"] = service.write(64, options.mixed, written_to(options))

    def read():
        heard["reads"] = wrk("read.lua", url, 16, options.mixed, {"PLUMBLINE_KEY": service.key, "BENCH_PATH": f"/v1/metrics/bookings_share?by=rep&period={quarter(1)}"})

    threads, depths, memory = [threading.Thread(target=work) for work in (write, read)], [], []
    for thread in threads:
        thread.start()
    while any(thread.is_alive() for thread in threads):
        depths.append(service.gauge("plumbline_queue_depth") + service.gauge("plumbline_commit_queue_depth"))
        memory.append(service.resident_kib() / 1024)
        time.sleep(0.5)
    what = f"64 writers and 16 dashboards for {options.mixed} s"
    yield {"what": f"{what}: reads, 99th percentile", "unit": "ms", "ours": heard["reads"]["p99_us"] / 1000, "most": 250}
    yield {"what": f"{what}: writes, 99th percentile", "unit": "ms", "ours": heard["writes"]["p99_us"] / 1000, "most": 100}
    # Half of the time is enough to fill the cache.
    yield {"what": f"{what}: growth of memory in the second half", "unit": "MiB", "ours": max(0, memory[-1] - memory[len(memory) // 2]), "most": 4}
    yield {"what": f"{what}: most that waited", "unit": "requests", "ours": max(depths), "most": 80}


def connect(service, request=b""):
    connection = socket.create_connection(("127.0.0.1", service.port), timeout=30)
    if request:
        connection.sendall(request)
    return connection


def idle(service):
    """KiB of the server for each of a thousand connections that have asked once and keep still."""
    before, request = service.resident_kib(), f"GET /v1/opportunities/d1 HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {service.key}\r\n\r\n".encode()
    kept = []
    for _ in range(1000):
        kept.append(connect(service, request))
        kept[-1].recv(65536)
    time.sleep(0.5)
    each = (service.resident_kib() - before) / len(kept)
    for connection in kept:
        connection.close()
    return each


def slow(service, options):
    """KiB for each of 256 that ask for a large answer and do not read it, and the 99th percentile of what others hear meanwhile, in ms."""
    path = f"/v1/alignment?by=rep&period={quarter(1)}"
    service.request("GET", path)
    before = service.resident_kib()
    kept = [connect(service, f"GET {path} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {service.key}\r\n\r\n".encode()) for _ in range(256)]
    time.sleep(2)
    each = (service.resident_kib() - before) / len(kept)
    others = wrk("read.lua", f"http://127.0.0.1:{service.port}", 4, options.seconds, {"PLUMBLINE_KEY": service.key, "BENCH_PATH": "/v1/opportunities/d1"})
    for connection in kept:
        connection.close()
    return each, others["p99_us"] / 1000


def measure(service, options):
    yield from day(service, options)
    yield {"what": "1,000 idle connections, each", "unit": "KiB", "ours": idle(service), "most": 12}
    each, others = slow(service, options)
    yield {"what": "256 slow readers of a large answer, each", "unit": "KiB", "ours": each, "most": 12}
    yield {"what": "reads of a deal beside them, 99th percentile", "unit": "ms", "ours": others, "most": 50}


def at_rest(service):
    """What it costs to have it: before anything else is measured."""
    times, memory = [], []
    for _ in range(5):
        service.stop()
        times.append(service.start() * 1000)
        time.sleep(1)
        memory.append(service.resident_kib() / 1024)
    say(f"ready after {times} ms")
    yield {"what": "ready after its start, on a migrated database", "unit": "ms", "ours": statistics.median(times), "most": 150}
    yield {"what": "memory at rest", "unit": "MiB", "ours": statistics.median(memory), "most": 24}
    with tempfile.NamedTemporaryFile() as stripped:
        subprocess.run(["strip", "-o", stripped.name, service.binary], check=True)
        yield {"what": "size of the binary, without what debuggers want", "unit": "MiB", "ours": os.path.getsize(stripped.name) / 2**20, "most": 2}
