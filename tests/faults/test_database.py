"""The database goes away and comes back: refused at once and in the form of every error, then served again without help."""
import contextlib
import pathlib
import subprocess
import sys
import threading
import time

from harness import Case

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))
from cluster import Cluster  # noqa: E402
from load import Load  # noqa: E402

READS = ("/v1/reps/r1", "/v1/reps", "/v1/metrics/win_rate", "/v1/alignment?by=rep")


class DatabaseAway(Case):
    @classmethod
    def setUpClass(cls):
        cls.cluster = Cluster()
        cls.addClassCleanup(cls.cluster.destroy)

    def setUp(self):
        self.cluster.start()
        self.cluster.sql("UPDATE org SET name = name")  # the cluster answers

    def run_server(self, **env):
        return self.serve(database=self.cluster, env=env)

    def put(self, client, id="r1", name="Ann"):
        return client.put(f"/v1/reps/{id}", {"name": name})

    def refused(self, response, seconds, codes=("database_unavailable",)):
        self.assertEqual(response.status, 503, response)
        document = self.assert_problem(response, 503, response.json()["code"])
        self.assertIn(document["code"], codes, response)
        self.assertRegex(response.headers["Retry-After"], r"^[1-9]\d*$")
        self.assertLess(seconds, 1.0, response)

    def timed(self, act):
        started = time.monotonic()
        response = act()
        return response, time.monotonic() - started

    def wait_served(self, act, seconds=10):
        deadline = time.monotonic() + seconds
        while True:
            response = act()
            if response.status == 200:
                return response
            self.assertLess(time.monotonic(), deadline, response)
            time.sleep(0.1)

    def test_stopped_and_started(self):
        server = self.run_server()
        client = server.client()
        self.assert_ok(self.put(client))
        for path in READS:
            self.assert_ok(client.get(path))
        self.cluster.stop()
        self.refused(*self.timed(lambda: self.put(client, name="Lost")))
        for path in READS:
            self.refused(*self.timed(lambda path=path: client.get(path)))
        self.refused(*self.timed(lambda: client.post_ndjson("/v1/reps", [{"id": "r2", "name": "Lost"}])))
        time.sleep(6)  # what is remembered of the key is forgotten by now
        self.refused(*self.timed(lambda: self.put(client, name="Lost")))
        self.refused(*self.timed(lambda: client.get(READS[0])))
        self.assertEqual(server.anonymous().get("/healthz").status, 200)
        self.assertEqual(server.anonymous().get("/readyz").status, 503)
        self.assertEqual(server.admin().get("/healthz").status, 200)
        self.cluster.start()
        self.wait_served(lambda: self.put(client, name="Back"))
        self.wait_served(lambda: server.anonymous().get("/readyz"))
        for path in READS:
            self.assert_ok(client.get(path))
        self.assertEqual(self.assert_ok(client.get("/v1/reps/r1"))["name"], "Back")
        self.assertEqual(client.get("/v1/reps/r2").status, 404)

    def test_many_are_refused_in_time(self):
        server = self.run_server()
        client = server.client()
        self.assert_ok(self.put(client))
        self.cluster.stop()
        answers = []

        def ask(number):
            act = (lambda: self.put(client)) if number % 2 else (lambda: client.get(READS[number % len(READS)]))
            answers.append(self.timed(act))

        threads = [threading.Thread(target=ask, args=(number,)) for number in range(40)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        self.assertEqual(len(answers), 40)
        for response, seconds in answers:
            self.refused(response, seconds)

    def test_started_without_database(self):
        self.cluster.stop()
        server = self.serve(database=self.cluster, wait=False)
        deadline = time.monotonic() + 10
        while True:
            try:
                if server.anonymous().get("/healthz").status == 200:
                    break
            except OSError:
                self.assertLess(time.monotonic(), deadline)
                time.sleep(0.05)
        self.assertEqual(server.anonymous().get("/readyz").status, 503)
        self.cluster.start()
        self.assertTrue(server.wait_ready(20))
        self.assert_ok(self.put(server.client()))

    def test_idle_connections_ended(self):
        server = self.run_server()
        client = server.client()
        self.assert_ok(self.put(client))
        for _ in range(3):
            ended = self.cluster.value("SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity "
                                       "WHERE application_name = 'plumbline'")
            self.assertGreater(int(ended), 0)
            time.sleep(0.2)
            # Found dead before anything was sent: nobody notices.
            self.assert_ok(self.put(client))
            for path in READS:
                self.assert_ok(client.get(path))

    def check_acknowledged(self, load, prefix):
        stored = {row[0]: int(row[1]) for row in self.cluster.sql(
            "SELECT object_id, count(*) FROM event WHERE org_id = 1 AND kind = 'opportunity' "
            f"AND object_id LIKE '{prefix}-%' GROUP BY object_id")}
        self.assertGreater(len(load.acknowledged), 100, "too little was written to prove anything")
        self.assertEqual([name for name in load.acknowledged if stored.get(name) != 1], [])
        self.assertEqual([name for name, count in stored.items() if count != 1], [])
        self.assertEqual(set(load.refused.values()) - {503}, set())

    def test_connections_ended_under_load(self):
        server = self.run_server()
        load = Load(server.port, server.key("ingest"), 64, "terminated")

        def end_connections():
            for _ in range(10):
                time.sleep(0.15)
                self.cluster.sql("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'plumbline'")
            time.sleep(0.5)

        load.run(end_connections)
        self.check_acknowledged(load, "terminated")
        # Served to the end: the last thing every client did was not a failure only.
        self.assert_ok(self.put(server.client()))

    def test_crash_under_load(self):
        server = self.run_server()
        load = Load(server.port, server.key("ingest"), 64, "crashed")

        def crash():
            time.sleep(1)
            self.cluster.crash()
            time.sleep(0.5)
            self.cluster.start()
            time.sleep(2)

        load.run(crash)
        self.assertGreater(len(load.refused), 0, "nobody noticed the crash")
        self.check_acknowledged(load, "crashed")
        self.wait_served(lambda: self.put(server.client()))

    @contextlib.contextmanager
    def locked_organisation(self):
        """Somebody else writes to the default organisation and does not come to an end."""
        with subprocess.Popen(["psql", "-X", "-q", "-d", self.cluster.url], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                              text=True) as session:
            session.stdin.write("BEGIN; SELECT 'locked' FROM org_version WHERE org_id = 1 FOR UPDATE;\n")
            session.stdin.flush()
            while "locked" not in (line := session.stdout.readline()):
                self.assertTrue(line, "psql ended")
            yield
            session.stdin.write("ROLLBACK;\n")
            session.stdin.close()
            session.wait()

    def test_statement_timeout(self):
        server = self.run_server(PLUMBLINE_STATEMENT_TIMEOUT="300")
        client = server.client()
        self.assert_ok(self.put(client, "r9"))
        with self.locked_organisation():
            self.refused(*self.timed(lambda: self.put(client, "r9", "Late")), ("database_timeout",))
            self.assertEqual(self.assert_ok(client.get("/v1/reps/r9"))["name"], "Ann")
        self.assert_ok(self.put(client, "r9", "Now"))
        self.assertEqual(self.assert_ok(client.get("/v1/reps/r9"))["name"], "Now")

    def test_locked_organisation_holds_up_no_other(self):
        server = self.run_server()
        self.assertEqual(server.plumbline("org", "create", "neighbour").returncode, 0)
        client, neighbour = server.client(), server.client(org="neighbour")
        self.assert_ok(self.put(neighbour))
        answers = []
        with self.locked_organisation():
            waiting = threading.Thread(target=lambda: answers.append(self.put(client, "r7", "Patient")))
            waiting.start()
            time.sleep(0.3)
            response, seconds = self.timed(lambda: self.put(neighbour, "r7", "Free"))
            self.assert_ok(response)
            self.assertLess(seconds, 1.0)
            self.assertEqual(answers, [])
        waiting.join()
        self.assert_ok(answers[0])

    def test_without_prepared_statements(self):
        server = self.run_server(PLUMBLINE_PREPARE="off")
        client = server.client()
        self.assert_ok(self.put(client, "r8", "Unnamed"))
        self.assertEqual(self.assert_ok(client.get("/v1/reps/r8"))["name"], "Unnamed")
        self.assert_ok(client.get("/v1/alignment?by=rep"))
        self.cluster.stop()
        self.refused(*self.timed(lambda: self.put(client, "r8")))
        self.cluster.start()
        self.wait_served(lambda: self.put(client, "r8"))



if __name__ == "__main__":
    import unittest
    unittest.main()
