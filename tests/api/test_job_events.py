"""Server-sent events of a job: what is told, to whom, and when it ends."""
import json
import re
import signal
import socket
import time

from harness import Case


class Stream:
    """An event stream read as it comes."""

    def __init__(self, server, key, job="j1", headers=""):
        self.socket = socket.create_connection(("127.0.0.1", server.port), timeout=20)
        self.socket.sendall(f"GET /v1/jobs/{job}/events HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {key}\r\n{headers}\r\n".encode())
        self.raw = b""

    def read(self, until, seconds=15):
        """Reads until what came satisfies `until`, or to the end; False when neither happened."""
        self.socket.settimeout(seconds)
        deadline = time.monotonic() + seconds
        while not until(self):
            try:
                piece = self.socket.recv(65536)
            except (TimeoutError, socket.timeout):
                return False
            if not piece or time.monotonic() > deadline:
                return not piece
            self.raw += piece
        return True

    @property
    def text(self):
        """The body so far, taken out of its chunks."""
        _, _, rest = self.raw.partition(b"\r\n\r\n")
        body = b""
        while (found := re.match(rb"([0-9a-fA-F]+)\r\n", rest)) and int(found[1], 16):
            size = int(found[1], 16)
            body += rest[found.end():found.end() + size]
            rest = rest[found.end() + size + 2:]
        return body.decode()

    @property
    def events(self):
        events = []
        for block in self.text.split("\n\n")[:-1]:
            fields = dict(line.split(": ", 1) for line in block.splitlines() if ": " in line and not line.startswith(":"))
            if "event" in fields:
                events.append((fields["event"], fields["id"], json.loads(fields["data"])))
        return events

    @property
    def ended(self):
        return self.raw.endswith(b"0\r\n\r\n")


class JobEvents(Case):
    def setUp(self):
        self.server = self.serve(env=self.settings())
        self.key = self.server.key("read", "strategy")
        # Not "queued" or "running" where the service's own runner would take it up: what it is told of is all the same to a watcher.
        self.server.sql("INSERT INTO job (org_id, job_id, kind, object, status, phase, params, chunk, done, total, actor, created_at) "
                        "VALUES (1, 1, 'publish', 'strategy/s1', 'failed', 'accounts', '{}', 1, 0, 100, 'key:x', now())")

    def settings(self):
        return {}

    def set(self, done, status="paused"):
        self.server.sql(f"UPDATE job SET done = {done}, status = '{status}' WHERE org_id = 1 AND job_id = 1")

    def pause(self):
        """A state of the table that no runner looks at, so that the test is the one who moves the job."""
        self.server.sql("ALTER TABLE job DROP CONSTRAINT job_status_check")
        self.set(0)

    def stream(self, **options):
        stream = Stream(self.server, options.pop("key", self.key), **options)
        self.addCleanup(stream.socket.close)
        return stream

    def test_progress_and_end(self):
        self.pause()
        stream = self.stream()
        self.assertTrue(stream.read(lambda s: len(s.events) == 1))
        head = stream.raw.split(b"\r\n\r\n")[0]
        self.assertIn(b"HTTP/1.1 200", head)
        self.assertIn(b"Content-Type: text/event-stream; charset=utf-8", head)
        self.assertIn(b"Cache-Control: no-store", head)
        for done in (40, 90):
            self.set(done)
            self.assertTrue(stream.read(lambda s, n=done: s.events[-1][2]["progress"]["done"] == n))
        self.set(100, "done")
        self.assertTrue(stream.read(lambda s: s.ended))
        self.assertEqual([(name, job["progress"]["done"]) for name, _, job in stream.events], [("progress", 0), ("progress", 40), ("progress", 90), ("done", 100)])
        self.assertEqual(len({name for _, name, _ in stream.events}), 4)
        self.assertEqual(stream.events[-1][2], self.server.client().get("/v1/jobs/j1").json())

    def test_what_has_ended_is_told_once(self):
        for _ in range(2):
            stream = self.stream()
            self.assertTrue(stream.read(lambda s: s.ended))
            self.assertEqual([(name, job["id"]) for name, _, job in stream.events], [("failed", "j1")])

    def test_coming_back(self):
        self.pause()
        first = self.stream()
        self.assertTrue(first.read(lambda s: len(s.events) == 1))
        known = first.events[0][1]
        second = self.stream(headers=f"Last-Event-ID: {known}\r\n")
        strange = self.stream(headers="Last-Event-ID: 77\r\n")
        self.assertTrue(strange.read(lambda s: len(s.events) == 1))
        self.set(50)
        self.assertTrue(second.read(lambda s: s.events != []))
        self.assertEqual([job["progress"]["done"] for _, _, job in second.events], [50])

    def test_who_may(self):
        client = self.server.client()
        self.assert_problem(client.get("/v1/jobs/j2/events"), 404, "not_found")
        self.assert_problem(client.get("/v1/jobs/x/events"), 404, "not_found")
        self.assert_problem(self.server.client("ingest").get("/v1/jobs/j1/events"), 403, "forbidden")
        self.assert_problem(self.server.anonymous().get("/v1/jobs/j1/events"), 401, "unauthorized")
        self.assertEqual(self.server.plumbline("org", "create", "other").returncode, 0)
        self.assert_problem(self.server.client("read", org="other").get("/v1/jobs/j1/events"), 404, "not_found")
        self.assert_problem(client.get("/v1/jobs/j1/events?x=1"), 400, "unknown_parameter")
        self.assertEqual(client.request("HEAD", "/v1/jobs/j1/events").status, 200)

    def test_many_watch_and_nobody_waits(self):
        """More streams than workers, two organisations; others are answered meanwhile."""
        self.pause()
        streams = [self.stream() for _ in range(40)]
        for stream in streams:
            self.assertTrue(stream.read(lambda s: len(s.events) == 1))
        started = time.monotonic()
        for _ in range(20):
            self.assert_status(self.server.client().get("/v1/jobs/j1"), 200)
        self.assertLess(time.monotonic() - started, 10)
        self.set(100, "done")
        for stream in streams:
            self.assertTrue(stream.read(lambda s: s.ended))
            self.assertEqual(stream.events[-1][0], "done")

    def test_a_published_strategy(self):
        """A real job from its queue to its end."""
        client = self.server.client()
        self.server.sql("DELETE FROM job")
        accounts = [{"id": f"a{i}", "name": f"A{i}", "attributes": {"industry": "care"}} for i in range(3000)]
        self.assert_ok(client.post_ndjson("/v1/accounts", accounts))
        body = {"name": "S", "effective_from": "2026-01-01",
                "segments": [{"key": "t", "label": "All", "when": [{"attr": "industry", "exists": True}], "target": {"bookings": 1, "time": 1}}],
                "fit": {"criteria": [{"key": "i", "weight": 1, "attr": "industry", "match": [{"in": ["care"], "score": 1}]}], "min_coverage": 0.5,
                        "tiers": [{"key": "core", "min": 70, "on_strategy": True}, {"key": "outside", "min": 0, "on_strategy": False}]}}
        strategy = client.post("/v1/strategies", body).json()["id"]
        published = self.assert_status(client.post(f"/v1/strategies/{strategy}/publish?async=true"), 202)
        stream = self.stream(job=published.json()["id"])
        self.assertTrue(stream.read(lambda s: s.ended, seconds=60))
        self.assertEqual(stream.events[-1][0], "done")
        self.assertTrue(all(name == "progress" for name, _, _ in stream.events[:-1]))
        self.assertEqual(self.server.client().get(f"/v1/strategies/{strategy}").json()["status"], "published")

    def test_sigterm_ends_it_at_once(self):
        self.pause()
        stream = self.stream()
        self.assertTrue(stream.read(lambda s: len(s.events) == 1))
        started = time.monotonic()
        self.server.process.send_signal(signal.SIGTERM)
        self.assertTrue(stream.read(lambda s: s.ended))
        self.server.process.wait(20)  # a second signal would end it at once
        self.server.stop()
        self.assertLess(time.monotonic() - started, 10)
        self.assertEqual([name for name, _, _ in stream.events], ["progress"])  # nothing is told that did not happen


class Limits(Case):
    set, pause, stream = JobEvents.set, JobEvents.pause, JobEvents.stream
    setUp = JobEvents.setUp

    def settings(self):
        return {"PLUMBLINE_WATCHERS": "2"}

    def test_as_many_as_may(self):
        """One too many is told so; a place that is given up is free again."""
        self.pause()
        streams = [self.stream(), self.stream()]
        for stream in streams:
            self.assertTrue(stream.read(lambda s: len(s.events) == 1))
        refused = self.server.client().get("/v1/jobs/j1/events")
        self.assert_problem(refused, 503, "overloaded")
        self.assertEqual(refused.headers["Retry-After"], "10")
        streams[0].socket.close()
        deadline = time.monotonic() + 40
        while True:
            self.set(int(time.monotonic() * 10) % 100)  # news: only what is sent finds out that nobody is there
            again = self.stream()
            again.read(lambda s: s.events != [] or b" 503 " in s.raw)
            if b" 200 " in again.raw.split(b"\r\n")[0]:
                break
            self.assertLess(time.monotonic(), deadline)
            time.sleep(0.3)
