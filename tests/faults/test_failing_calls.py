"""Every allocation of a request fails once, and every call to the network: the service answers 503 or goes on, and never falls over.

A request is sent again and again, and each time another of its allocations finds no memory: ours, Jansson's, libpq's, the HTTP library's. What is answered is what is always answered, or 503
with Retry-After; the library may end the connection where it has no memory for the answer. Then the same request is sent until it is answered: nothing is lost, nothing is there twice.
PLUMBLINE_CALLS=whole tries each of them, otherwise one of seventeen."""
import collections
import ctypes
import errno
import gzip
import hashlib
import hmac
import http.client
import json
import mmap
import os
import pathlib
import resource
import sys
import tempfile
import threading
import time
import unittest

from harness import Case, ROOT, is_sanitized
from journal import SECRET

SHIM = ROOT / os.environ.get("BUILD", "build") / "failing_calls.so"
MEMORY, NETWORK = 1, 2
STEP = 1 if os.environ.get("PLUMBLINE_CALLS") == "whole" else 17
STRATEGY = {"name": "Plan", "effective_from": "2026-01-01", "segments": [{"key": "s", "label": "S", "when": [{"attr": "industry", "eq": "x"}], "target": {"bookings": 1}}],
            "fit": {"criteria": [{"key": "i", "weight": 1, "attr": "industry", "match": [{"in": ["x"], "score": 1}]}], "required": [], "disqualify": [], "min_coverage": 0.5,
                    "tiers": [{"key": "core", "min": 50, "on_strategy": True}, {"key": "out", "min": 0, "on_strategy": False}]},
            "products": {}, "messages": [], "opportunistic": {"limit": 0.15, "easy_origins": []}}


class Order(ctypes.Structure):
    _fields_ = [("kind", ctypes.c_uint32), ("at", ctypes.c_uint32), ("count", ctypes.c_uint32), ("failed", ctypes.c_uint32), ("error", ctypes.c_int32), ("by", ctypes.c_char * 236)]


@unittest.skipIf(is_sanitized(), "sanitizers bring an allocator of their own")
class FailingCalls(Case):
    @classmethod
    def setUpClass(cls):
        folder = tempfile.mkdtemp(prefix="plumbline-calls-")
        path = pathlib.Path(folder, "order")
        path.write_bytes(bytes(4096))
        with open(path, "r+b") as file:
            cls.order = Order.from_buffer(mmap.mmap(file.fileno(), 4096))
        # Nothing in the background takes the failures meant for a request, and no answer comes from memory.
        cls.server = cls.start(env={"LD_PRELOAD": str(SHIM), "FAILING_CALLS": str(path), "PLUMBLINE_GAUGE_INTERVAL": 0, "PLUMBLINE_CACHE_MAX": 0, "PLUMBLINE_WORKERS": 1,
                                    "PLUMBLINE_STATEMENT_TIMEOUT": 1000})
        admin = cls.server.client()
        admin.post("/v1/sources", {"source": "crm", "preset": "generic"})
        admin.post("/v1/sources/crm/secrets", {"secret": SECRET})
        admin.post("/v1/stages", [{"id": "open", "label": "Open", "outcome": "open"}, {"id": "won", "label": "Won", "outcome": "won"}])
        for n in range(40):
            admin.put(f"/v1/opportunities/first-{n}", {"name": f"Deal {n}", "stage": "won" if n % 2 else "open", "amount": "10.00", "currency": "EUR", "owner": f"r{n % 3}"})
        cls.pid, cls.key = cls.server.process.pid, cls.server.key()

    def setUp(self):
        self.connection = None
        self.addCleanup(self.close)

    def close(self):
        self.order.kind = 0
        if self.connection is not None:
            self.connection.close()
            self.connection = None

    def send(self, method, path, body=None, headers=None):
        """status, headers, body; None: ended without an answer."""
        if self.connection is None:
            self.connection = http.client.HTTPConnection("127.0.0.1", self.server.port, timeout=30)
        data = json.dumps(body).encode() if isinstance(body, (dict, list)) else body
        try:
            self.connection.request(method, path, data, {"Authorization": f"Bearer {self.key}", "Content-Type": "application/json", **(headers or {})})
            answer = self.connection.getresponse()
            return answer.status, answer.headers, answer.read()
        except (OSError, http.client.HTTPException):
            self.connection.close()
            self.connection = None
            return None

    def arm(self, kind, at, error=0):
        self.order.kind = 0
        self.order.count = self.order.failed = 0
        self.order.at, self.order.error = at, error
        self.order.kind = kind

    def until_answered(self, request, good):
        for _ in range(200):
            said = self.send(*request)
            if said is not None and said[0] != 503:
                self.assertIn(said[0], good, said)
                return said
        self.fail(f"{request[:2]} is never answered")

    def go_through(self, kind, make, good=(200,), error=0, may_end=(), limit=20000):
        """make(n): the nth request, of its own. Returns how many calls failed, and what came of it."""
        outcomes, at = collections.Counter(), 1
        while at < limit:
            request = make(at)
            self.arm(kind, at, error)
            said = self.send(*request)
            self.order.kind = 0
            if not self.order.failed:
                self.assertGreater(outcomes.total(), 0, "nothing ever failed")
                return outcomes
            by = pathlib.Path(self.order.by.decode()).name.split(".so")[0]
            outcomes[(by, said and said[0])] += 1
            if said is None:
                self.assertTrue(kind == NETWORK or by in may_end, f"call {at}, of {by}: ended without an answer")
            else:
                self.assertIn(said[0], (*good, 503), f"call {at}, of {by}: {said}")
            if said is not None and said[0] == 503:
                self.assertIn(json.loads(said[2])["code"], ("overloaded", "database_unavailable", "database_timeout"), said)
                self.assertGreaterEqual(int(said[1]["Retry-After"]), 1)
            self.until_answered(request, good)
            at += STEP
        self.fail(f"{limit} calls, and still one more")

    def check_alive(self):
        self.assertIsNone(self.server.process.poll(), self.server.log()[-4000:])
        self.assertNotIn("out_of_memory", self.server.log())

    def note(self, what, outcomes):
        if STEP == 1:
            shown = ", ".join(f"{by}: {count} × {status or 'ended'}" for (by, status), count in sorted(outcomes.items(), key=str))
            print(f"# {what}: {outcomes.total()} calls failed: {shown}", file=sys.stderr, flush=True)

    def requests(self):
        """name → makes the nth request of it."""
        def delivery(n):
            body = json.dumps([{"object": "account", "id": f"delivered-{n}-{i}", "name": "x", "event_id": f"delivered-{n}-{i}"} for i in range(3)]).encode()
            return "POST", "/v1/webhooks/crm", body, {"X-Hub-Signature-256": "sha256=" + hmac.new(SECRET.encode(), body, hashlib.sha256).hexdigest()}
        lines = "".join(json.dumps({"id": f"line-{n}", "name": "x", "event_id": f"line-{n}"}) + "\n" for n in range(3)).encode()
        return {
            "GET deal": lambda n: ("GET", "/v1/opportunities/first-1"),
            "GET list": lambda n: ("GET", "/v1/opportunities?limit=5"),
            "GET metric": lambda n: ("GET", "/v1/metrics/win_rate?by=rep"),
            "GET alignment, packed": lambda n: ("GET", "/v1/alignment?by=rep", None, {"Accept-Encoding": "gzip"}),
            "GET csv": lambda n: ("GET", "/v1/opportunities?format=csv"),
            "PUT deal": lambda n: ("PUT", f"/v1/opportunities/put-{n}", {"stage": "open", "amount": "1.50", "currency": "EUR", "event_id": f"put-{n}"}),
            "POST accounts": lambda n: ("POST", "/v1/accounts", [{"id": f"posted-{n}-{i}", "name": "x", "event_id": f"posted-{n}-{i}", "attributes": {"industry": "x"}} for i in range(3)]),
            "POST lines": lambda n: ("POST", "/v1/reps", lines, {"Content-Type": "application/x-ndjson"}),
            "POST lines, packed": lambda n: ("POST", "/v1/reps", gzip.compress(lines), {"Content-Type": "application/x-ndjson", "Content-Encoding": "gzip"}),
            "POST csv": lambda n: ("POST", "/v1/accounts", f"id,name,event_id\ncsv-{n},x,csv-{n}\n".encode(), {"Content-Type": "text/csv"}),
            "POST delivery": delivery,
            "POST strategy": lambda n: ("POST", "/v1/strategies", STRATEGY),
            "POST preview": lambda n: ("POST", "/v1/sources/crm/test", {"body": [{"object": "account", "id": "a", "name": "x"}]}),
        }

    def test_memory(self):
        # The HTTP library holds what it knows of a connection and of an answer by itself; without memory for it there is no answer.
        for name, make in self.requests().items():
            with self.subTest(name):
                # An answer that was begun already can only be cut off.
                may_end = ("libmicrohttpd", "libpq") if name == "GET csv" else ("libmicrohttpd",)
                outcomes = self.go_through(MEMORY, make, good=(200, 201), may_end=may_end)
                self.check_alive()
                self.note(name, outcomes)
        for prefix in ("put", "posted", "delivered", "csv"):
            self.assertEqual(self.server.sql(f"SELECT event_id, count(*) FROM event WHERE event_id LIKE '{prefix}-%' GROUP BY 1 HAVING count(*) > 1"), [])
        self.assertIn("memory_short", self.server.log())

    def test_network(self):
        for name in ("GET deal", "PUT deal", "POST delivery", "POST lines", "GET csv"):
            for error in (errno.ECONNRESET, errno.EINTR, errno.ENOBUFS):
                with self.subTest(name, error=errno.errorcode[error]):
                    make = self.requests()[name]
                    outcomes = self.go_through(NETWORK, lambda n: make(f"{errno.errorcode[error]}-{n}"), error=error)
                    self.check_alive()
                    self.note(f"{name}, {errno.errorcode[error]}", outcomes)
        self.assertEqual(self.server.sql("SELECT event_id, count(*) FROM event GROUP BY 1 HAVING count(*) > 1"), [])


class LittleMemory(Case):
    """The kernel gives no more: what there is memory for is answered, the rest is told 503, and when there is some again all is well."""

    ROWS = [{"id": f"{{}}-{n}", "name": "x" * 200, "attributes": {f"k{k}": "y" * 100 for k in range(40)}} for n in range(1500)]

    def storm(self, client, count):
        """So many bodies of seven megabytes at once; the statuses, None for no answer."""
        statuses, lock = collections.Counter(), threading.Lock()

        def send(number):
            body = json.dumps(self.ROWS).replace("{}", f"a{number}").encode()
            try:
                status = client.post("/v1/accounts", body, {"Content-Type": "application/json"}).status
            except (OSError, http.client.HTTPException):
                status = None
            with lock:
                statuses[status] += 1

        threads = [threading.Thread(target=send, args=(n,)) for n in range(count)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        return statuses

    def test_limit(self):
        if is_sanitized():
            self.skipTest("a sanitizer needs terabytes of address space")
        server = self.serve(env={"PLUMBLINE_GAUGE_INTERVAL": 0})
        client, pid = server.client(timeout=120), server.process.pid
        self.assert_ok(client.put("/v1/accounts/a", {"name": "x"}))
        pages = int(pathlib.Path(f"/proc/{pid}/statm").read_text().split()[0])
        _, hard = resource.prlimit(pid, resource.RLIMIT_AS)
        resource.prlimit(pid, resource.RLIMIT_AS, (pages * resource.getpagesize() + 48 * 2**20, hard))
        statuses = self.storm(client, 12)
        self.assertIsNone(server.process.poll(), server.log()[-4000:])
        self.assertLessEqual(set(statuses), {200, 503, None})
        self.assertGreater(statuses[503] + statuses[None], 0, "memory was never short")
        # Nobody gives it more: what it freed is enough to go on with.
        deadline = time.monotonic() + 20
        while (said := client.put("/v1/accounts/b", {"name": "x"})).status == 503 and time.monotonic() < deadline:
            time.sleep(0.1)
        self.assert_ok(said)
        resource.prlimit(pid, resource.RLIMIT_AS, (hard, hard))
        self.assertEqual(self.storm(client, 2), {200: 2})
