"""Rounds of kill -9 at random moments under load of every kind of write: the server, all of PostgreSQL at once, its postmaster.

PLUMBLINE_KILL_ROUNDS (3) rounds; PLUMBLINE_SEED repeats a run."""
import os
import pathlib
import random
import signal
import sys
import time

from harness import Case

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))
from cluster import Cluster  # noqa: E402
from journal import SECRET, Journal  # noqa: E402

ROUNDS = int(os.environ.get("PLUMBLINE_KILL_ROUNDS") or 3)


class Rounds(Case):
    def setUp(self):
        self.cluster = Cluster()
        self.addCleanup(self.cluster.destroy)
        self.server = self.serve(database=self.cluster)
        admin = self.server.client("admin")
        self.assert_ok(admin.put("/v1/sources/crm", {"preset": "generic"}))
        self.assert_status(admin.post("/v1/sources/crm/secrets", {"secret": SECRET}), 201)
        self.seed = int(os.environ.get("PLUMBLINE_SEED") or time.time())
        self.random = random.Random(self.seed)

    def kill_server(self):
        self.server.kill()
        time.sleep(self.random.uniform(0, 0.3))
        self.server.start()

    def stop_postgres_at_once(self):
        self.cluster.crash()
        time.sleep(self.random.uniform(0, 0.3))
        self.cluster.start()

    def kill_postmaster(self):
        self.cluster.kill_postmaster()
        self.cluster.start()

    def kill_both(self):
        self.cluster.kill_postmaster()
        self.server.kill()
        self.cluster.start()
        self.server.start()

    def test_nothing_acknowledged_is_lost_or_applied_twice(self):
        ways = (self.kill_server, self.stop_postgres_at_once, self.kill_postmaster, self.kill_both)
        began, writes, unanswered, refused, done = time.monotonic(), 0, 0, 0, {way.__name__: 0 for way in ways}
        for number in range(ROUNDS):
            way = ways[number % len(ways)] if number < len(ways) else self.random.choice(ways)
            with self.subTest(round=number, way=way.__name__, seed=self.seed):
                journal = Journal(self.server, self.server.key("ingest"), f"r{number}")
                journal.wait(20)
                time.sleep(self.random.uniform(0, 1))
                way()
                time.sleep(self.random.uniform(0, 0.5))
                journal.finish()
                journal.check(self, self.cluster)
            writes, unanswered, refused = writes + len(journal.acknowledged), unanswered + journal.unanswered, refused + journal.refused
            done[way.__name__] += 1
            print(f"round {number + 1} of {ROUNDS}, {time.monotonic() - began:.0f} s: {done}; {writes} events acknowledged, {unanswered} tries "
                  f"without an answer, {refused} refused; 0 lost, 0 applied twice; seed {self.seed}", flush=True)
        self.assertGreater(unanswered + refused, 0, "nobody noticed")
        self.assertEqual(self.cluster.value("SELECT changed FROM pl.rebuild(1)"), "0", "the state is what the log says")


if __name__ == "__main__":
    import unittest
    unittest.main()
