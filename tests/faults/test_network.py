"""The way to PostgreSQL: cut, silent, and leading to a standby that takes over; and a process without file descriptors, or with a clock that leaps."""
import os
import pathlib
import resource
import socket
import sys
import threading
import time
import types
import unittest

from harness import Case, is_sanitized

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))
from cluster import Cluster, Standby, directory_of_owner  # noqa: E402
from journal import SECRET, Journal  # noqa: E402

FAKETIME = pathlib.Path("/usr/lib/x86_64-linux-gnu/faketime/libfaketimeMT.so.1")


class Relay:
    """Stands between the service and a cluster, and can stop passing things on without closing anything, as a broken network does."""

    def __init__(self, cluster):
        self.cluster, self.directory = cluster, directory_of_owner()
        self.url = f"postgresql://postgres@/faults?host={self.directory}&port=5432"
        self.open, self.passes, self.lock = [], threading.Event(), threading.Lock()
        self.passes.set()
        self.listener = socket.socket(socket.AF_UNIX)
        self.listener.bind(str(self.directory / ".s.PGSQL.5432"))
        self.listener.listen(128)
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self):
        while True:
            try:
                client, _ = self.listener.accept()
            except OSError:
                return
            server = socket.socket(socket.AF_UNIX)
            try:
                server.connect(f"{self.cluster.socket}/.s.PGSQL.5432")
            except OSError:
                client.close()
                continue
            with self.lock:
                self.open.append((client, server))
            for pair in ((client, server), (server, client)):
                threading.Thread(target=self._pass_on, args=pair, daemon=True).start()

    def _pass_on(self, source, to):
        try:
            while data := source.recv(65536):
                self.passes.wait()
                to.sendall(data)
        except OSError:
            pass
        for end in (source, to):
            try:
                end.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass

    def cut(self):
        with self.lock:
            ended, self.open = self.open, []
        for pair in ended:
            for end in pair:
                try:
                    end.shutdown(socket.SHUT_RDWR)
                except OSError:
                    pass

    def sql(self, query):
        return self.cluster.sql(query)

    def value(self, query):
        return self.cluster.value(query)

    def close(self):
        self.passes.set()
        self.listener.close()
        self.cut()


class OfCluster(Case):
    def setUp(self):
        self.cluster = Cluster()
        self.addCleanup(self.cluster.destroy)

    def with_source(self, server):
        admin = server.client("admin")
        self.assert_ok(admin.put("/v1/sources/crm", {"preset": "generic"}))
        self.assert_status(admin.post("/v1/sources/crm/secrets", {"secret": SECRET}), 201)
        return server

    def eventually(self, act, seconds=60):
        deadline = time.monotonic() + seconds
        while (answer := act()).status != 200:
            self.assertLess(time.monotonic(), deadline, answer)
            time.sleep(0.1)
        return answer


class Network(OfCluster):
    def setUp(self):
        super().setUp()
        self.relay = Relay(self.cluster)
        self.addCleanup(self.relay.close)
        self.server = self.with_source(self.serve(database=self.relay, env={"PLUMBLINE_STATEMENT_TIMEOUT": 2000}))

    def test_connections_cut_under_load(self):
        journal = Journal(self.server, self.server.key("ingest"), "cut")
        for _ in range(6):
            journal.wait(10)
            self.relay.cut()
        journal.finish().check(self, self.cluster)
        self.assertGreater(journal.unanswered + journal.refused, 0, "nobody noticed")

    def test_a_network_that_says_nothing(self):
        client = self.server.client()
        write = lambda name: client.put("/v1/teams/t", {"name": name}, {"Idempotency-Key": name})
        self.assert_ok(write("before"))
        self.relay.passes.clear()
        for ask in (lambda: write("into silence"), lambda: client.get("/v1/teams/t"), lambda: client.get("/v1/alignment?by=rep")):
            answer = ask()
            self.assertEqual(answer.status, 503, answer)
            self.assertIn(answer.json()["code"], ("database_timeout", "database_unavailable"))
            self.assertRegex(answer.headers["Retry-After"], r"^[1-9]\d*$")
        self.assertEqual(self.server.anonymous().get("/healthz").status, 200)
        self.relay.passes.set()
        self.eventually(lambda: write("into silence"))
        self.assertEqual(self.eventually(lambda: client.get("/v1/teams/t")).json()["name"], "into silence")  # another connection than the write's
        self.assertEqual(self.cluster.value("SELECT count(*) FROM event WHERE org_id = 1 AND event_id = 'into silence'"), "1")


class Failover(OfCluster):
    def test_a_standby_takes_over(self):
        """Committed on both before it is acknowledged (synchronous_standby_names): then what was acknowledged is on the one that is left."""
        standby = Standby(self.cluster)
        self.addCleanup(standby.destroy)
        for setting in ("synchronous_standby_names = '*'", "synchronous_commit = remote_apply"):
            self.cluster.sql(f"ALTER SYSTEM SET {setting}")
        self.cluster.sql("SELECT pg_reload_conf()")
        both = types.SimpleNamespace(sql=self.cluster.sql, value=self.cluster.value)
        both.url = f"postgresql://postgres@/faults?host={self.cluster.socket},{standby.directory}&port=5432,5432&target_session_attrs=read-write"
        server = self.with_source(self.serve(database=both))
        journal = Journal(server, server.key("ingest"), "over")
        journal.wait(30)
        before = len(journal.acknowledged)
        self.cluster.kill_postmaster()
        standby.promote()
        journal.wait(30)
        journal.finish().check(self, standby)
        self.assertGreater(len(journal.acknowledged), before)
        self.assertGreater(journal.unanswered + journal.refused, 0)


class Process(Case):
    def test_no_file_descriptors_left(self):
        server = self.serve()
        client = server.client()
        self.assert_ok(client.put("/v1/teams/t", {"name": "before"}))
        used = len(os.listdir(f"/proc/{server.process.pid}/fd"))
        before = resource.prlimit(server.process.pid, resource.RLIMIT_NOFILE, (used + 4, resource.prlimit(server.process.pid, resource.RLIMIT_NOFILE)[1]))
        held = [socket.create_connection(("127.0.0.1", server.port), timeout=5) for _ in range(40)]
        time.sleep(1)
        self.assertIsNone(server.process.poll())
        for connection in held:
            connection.close()
        deadline = time.monotonic() + 30
        while True:
            try:
                if client.put("/v1/teams/t", {"name": "after"}).status == 200:
                    break
            except OSError:
                pass
            self.assertLess(time.monotonic(), deadline)
            time.sleep(0.2)
        resource.prlimit(server.process.pid, resource.RLIMIT_NOFILE, before)
        self.assertEqual(self.assert_ok(client.get("/v1/teams/t"))["name"], "after")

    @unittest.skipUnless(FAKETIME.exists(), "libfaketime is not installed")
    def test_a_clock_that_leaps(self):
        """Forth and back by days: nothing waits for a time that went by, and the last write is the last one."""
        directory = directory_of_owner()
        clock = directory / "clock"
        clock.write_text("+0")
        if is_sanitized():
            self.skipTest("sanitizers and libfaketime take the same calls")
        server = self.serve(env={"LD_PRELOAD": FAKETIME, "FAKETIME_TIMESTAMP_FILE": clock, "FAKETIME_NO_CACHE": 1, "FAKETIME_DONT_FAKE_MONOTONIC": 1})
        client = server.client()
        for number, step in enumerate(("+0", "+3d", "-3d", "+0", "+400d", "+0")):
            clock.write_text(step)
            self.assertEqual(self.assert_ok(client.put("/v1/teams/t", {"name": f"step {number}"}))["outcome"], "accepted", step)
            self.assertEqual(self.assert_ok(client.get("/v1/teams/t"))["name"], f"step {number}", step)
            self.assert_ok(client.get("/v1/alignment?by=team"))
            self.assert_counts(client.post_ndjson("/v1/reps", [{"id": f"r{number}", "name": "R"}]), accepted=1)
        self.assertEqual(server.anonymous().get("/readyz").status, 200)


if __name__ == "__main__":
    unittest.main()
