"""Three instances behind HAProxy on one PostgreSQL: one dies, all are restarted in turn, and clients notice nothing they have not been told of."""
import pathlib
import sys
import threading
import time
import unittest

from harness import BINARY, Case, Client, Database

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))
from journal import SECRET, Journal  # noqa: E402
from proxy import IS_THERE, Proxy  # noqa: E402

DOCUMENT = {
    "name": "Care", "effective_from": "2025-01-01",
    "segments": [{"key": "care", "label": "Care", "when": [{"attr": "industry", "eq": "care"}], "target": {"bookings": 1, "time": 1}}],
    "fit": {"criteria": [{"key": "industry", "weight": 1, "attr": "industry", "match": [{"eq": "care", "score": 1}]}],
            "tiers": [{"key": "core", "min": 70, "on_strategy": True}, {"key": "outside", "min": 0, "on_strategy": False}]}}


class Reader(threading.Thread):
    """Writes one thing, named, and asks what it adds up to, over and over, through whichever instance it meets: each answer must know of the
    write before it, whatever was kept in memory. failures: everything that was not as if there were one instance that never stops."""

    def __init__(self, url, key):
        super().__init__()
        self.client, self.failures, self.rounds, self.stopping = Client(url, key, timeout=30), [], 0, False
        self.start()

    def step(self):
        name = f"seen{self.rounds}"
        wrote = self.client.put("/v1/teams/seen", {"name": name}, {"Idempotency-Key": name})
        if wrote.status != 200:
            return self.failures.append(f"{name}: {wrote}")
        version = wrote.json()["data_version"]
        path = "/v1/metrics/win_rate?period=2026-Q1"
        answer = self.client.get(path)
        if answer.status != 200 or answer.json()["data_version"] < version:
            return self.failures.append(f"{name}: written as {version}: {answer}")
        again = self.client.get(path, {"If-None-Match": answer.headers["ETag"]})
        if again.status not in (200, 304) or again.status == 304 and again.headers["ETag"] != answer.headers["ETag"]:
            self.failures.append(f"{name}: {again}")
        team = self.client.get("/v1/teams/seen")
        if team.status != 200 or team.json()["name"] != name:
            self.failures.append(f"{name}: {team}")

    def run(self):
        while not self.stopping:
            try:
                self.step()
            except OSError as error:
                self.failures.append(repr(error))
            self.rounds += 1

    def wait(self, more, seconds=120):
        """So many rounds more."""
        wanted, deadline = self.rounds + more, time.monotonic() + seconds
        while self.rounds < wanted and not self.failures:
            if time.monotonic() > deadline:
                raise AssertionError(f"{self.rounds} rounds, {wanted} wanted")
            time.sleep(0.02)

    def finish(self):
        self.stopping = True
        self.join(120)
        return self


@unittest.skipUnless(IS_THERE, "haproxy is not installed")
class Instances(Case):
    def setUp(self):
        database = Database(BINARY)
        self.addCleanup(database.drop)
        self.servers = [self.serve(database=database, same_port=True, env={"PLUMBLINE_DRAIN_DELAY": 2, "PLUMBLINE_TRUSTED_PROXIES": "127.0.0.1"})
                        for _ in range(3)]
        self.database, self.proxy = database, Proxy(self.servers)
        self.addCleanup(self.proxy.close)
        self.key = self.servers[0].key()
        self.client = Client(self.proxy.url, self.key)
        self.assert_ok(self.client.put("/v1/sources/crm", {"preset": "generic"}))
        self.assert_status(self.client.post("/v1/sources/crm/secrets", {"secret": SECRET}), 201)
        self.assert_ok(self.client.post("/v1/reps", [{"id": "r1", "name": "Ann"}]))

    def used(self):
        """How many of the instances have answered something."""
        return sum("route=/v1/" in server.log() for server in self.servers)

    def test_one_is_killed(self):
        journal, reader = Journal(self.proxy, self.key, "j"), Reader(self.proxy.url, self.key)
        for server in self.servers[:2]:
            journal.wait(20)
            reader.wait(2)
            server.kill()
            reader.wait(2)
            server.start()
        journal.wait(20)
        reader.wait(2)
        reader.finish()
        journal.finish()
        journal.check(self, self.database)
        self.assertEqual(reader.failures, [])
        self.assertEqual(self.used(), 3)
        self.assertEqual(self.database.value("SELECT changed FROM pl.rebuild(1)"), "0")

    def test_all_are_restarted_in_turn(self):
        journal, reader = Journal(self.proxy, self.key, "j"), Reader(self.proxy.url, self.key)
        for server in self.servers:
            journal.wait(20)
            server.restart()
            time.sleep(1.5)  # two checks of the proxy, and it is served again
            reader.wait(2)
        reader.finish()
        journal.finish()
        journal.check(self, self.database)
        self.assertEqual((reader.failures, journal.unanswered, journal.refused), ([], 0, 0))

    def test_a_job_outlives_the_instance_that_began_it(self):
        accounts = [{"id": f"a{n}", "name": f"A{n}", "attributes": {"industry": "care" if n % 2 else "bank"}} for n in range(3000)]
        self.assert_ok(self.client.post("/v1/accounts", accounts))
        draft = self.assert_ok(self.client.post("/v1/strategies", DOCUMENT))["id"]
        job = self.assert_status(self.client.post(f"/v1/strategies/{draft}/publish?async=true"), 202).json()["id"]
        for server in self.servers[:2]:
            server.kill()
        deadline = time.monotonic() + 120
        while (state := self.assert_ok(self.client.get(f"/v1/jobs/{job}")))["status"] != "done":
            self.assertLess(time.monotonic(), deadline, state)
            time.sleep(0.1)
        self.assertEqual(self.assert_ok(self.client.get(f"/v1/strategies/{draft}"))["status"], "published")
        self.assertEqual(self.assert_ok(self.client.get("/v1/accounts/a1/fit"))["tier"], "core")


if __name__ == "__main__":
    unittest.main()
