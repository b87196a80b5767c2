"""The real binary on a database of its own, and the tools that measure it."""
import itertools
import json
import os
import pathlib
import re
import signal
import socket
import statistics
import subprocess
import sys
import time
import urllib.request

HERE = os.path.dirname(os.path.abspath(__file__))


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
        self.binary, self.url, self.seeds = binary, database_url(base, name), itertools.count(1)
        psql(database_url(base, "postgres"), f"DROP DATABASE IF EXISTS {name}")
        psql(database_url(base, "postgres"), f"CREATE DATABASE {name}")
        self.port, self.admin = free_port(), free_port()
        self.env = dict(os.environ, DATABASE_URL=self.url, PLUMBLINE_LISTEN=f"127.0.0.1:{self.port}",
                        PLUMBLINE_ADMIN_LISTEN=f"127.0.0.1:{self.admin}", PLUMBLINE_RATE_LIMIT="0", PLUMBLINE_LOG_LEVEL="warn")
        subprocess.run([binary, "migrate"], env=self.env, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        self.key = subprocess.run([binary, "key", "create", "--org", "default", "--scope", "ingest,read,strategy,admin"], env=self.env,
                                  check=True, capture_output=True, text=True).stdout.strip().splitlines()[-1]
        self.start()

    def start(self, under=()):
        """Seconds from its start until it is ready; under: the program that watches it, with its arguments."""
        began = time.monotonic()
        self.process = subprocess.Popen([*under, self.binary, "serve"], env=self.env, stderr=subprocess.DEVNULL)
        while time.monotonic() < began + 30:
            try:
                urllib.request.urlopen(f"http://127.0.0.1:{self.port}/readyz", timeout=1).read()
                return time.monotonic() - began
            except OSError:
                time.sleep(0.002)
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
        text = pathlib.Path(f"/proc/{self.process.pid}/status").read_text()
        return int(re.search(r"Vm%s:\s+(\d+)" % ("HWM" if peak else "RSS"), text).group(1))

    def cpu_seconds(self):
        """Of the server, and of the backends it has now."""
        pids = psql(self.url, "SELECT pid FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()").split()
        return cpu_of([self.process.pid]), cpu_of(pids)

    def write(self, connections, seconds, ids, bad=0, port=None):
        """Single writes of deals at random among ids, a share of them bad, by wrk; port: of another service that takes the same.
        Never the same stream twice: a deal that is sent as it stands costs less than one that changes."""
        env = {"PLUMBLINE_KEY": self.key, "BENCH_IDS": str(ids), "BENCH_SEED": str(next(self.seeds)), "BENCH_BAD": str(bad)}
        return wrk("write.lua", f"http://127.0.0.1:{port or self.port}", connections, seconds, env)

    def gauge(self, name):
        text = urllib.request.urlopen(f"http://127.0.0.1:{self.admin}/metrics", timeout=10).read().decode()
        return max((float(line.rsplit(" ", 1)[1]) for line in text.splitlines() if line.startswith(name)), default=0.0)

    def stop(self):
        self.process.send_signal(signal.SIGTERM)
        self.process.wait(30)


def cpu_of(pids):
    """Seconds of user and system time: what other work on the machine does not change."""
    total = 0
    for pid in pids:
        try:
            fields = pathlib.Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
        except OSError:
            continue  # it has ended since
        total += int(fields[11]) + int(fields[12])
    return total / os.sysconf("SC_CLK_TCK")


def psql(url, sql):
    done = subprocess.run(["psql", "-qAtX", "-v", "ON_ERROR_STOP=1", "-d", url, "-c", sql], capture_output=True, text=True)
    if done.returncode != 0:
        raise SystemExit(f"psql: {done.stderr.strip()}")
    return done.stdout.strip()


def timed(url, sql):
    """Milliseconds of a statement in a session that has run it before, without compiling it."""
    said = subprocess.run(["psql", "-qAtX", "-v", "ON_ERROR_STOP=1", "-o", "/dev/null", "-d", url, "-c", r"\timing on", "-c", sql, "-c", sql], env=dict(os.environ, PGOPTIONS="-c jit=off"),
                          check=True, capture_output=True, text=True).stdout
    return float(re.findall(r"([\d.]+) ms", said)[-1])


def wrk(script, url, connections, seconds, env):
    out = subprocess.run(["wrk", "-t1", f"-c{connections}", f"-d{seconds}s", "--latency", "-s", os.path.join(HERE, script), url],
                         env=dict(os.environ, **env), capture_output=True, text=True, check=True).stdout
    got = json.loads(re.search(r"^RESULT (.*)$", out, re.M).group(1))
    got["per_second"] = got["requests"] / (got["duration_us"] / 1e6)
    return got


def pgbench(url, script, clients, seconds, ids):
    out = subprocess.run(["pgbench", "-n", "-M", "prepared", "-c", str(clients), "-j", "2" if clients > 1 else "1", "-T", str(seconds),
                          "-D", f"ids={ids}", "-f", os.path.join(HERE, script), "-l", "--log-prefix=/tmp/plumbline-bench", url],
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


def percentile(values, share):
    return sorted(values)[min(len(values) - 1, int(share * len(values)))]


def median(rows, key):
    return statistics.median(row[key] for row in rows)
