"""Reads from a hot standby: nothing they run writes, and they go on while the primary is away."""
import pathlib
import sys
import time

from harness import Case

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))
from cluster import Cluster, Standby  # noqa: E402

READS = ("/v1/alignment?by=rep&period=2026-Q1", "/v1/alignment?by=segment&period=2026-Q1&as_of=2026-02-01T00:00:00Z",
         "/v1/metrics/win_rate?by=team&period=2026-Q1&granularity=month", "/v1/metrics/bookings_share?by=rep&period=2026-Q1")


class HotStandby(Case):
    @classmethod
    def setUpClass(cls):
        cls.cluster = Cluster()
        cls.addClassCleanup(cls.cluster.destroy)
        cls.standby = Standby(cls.cluster)
        cls.addClassCleanup(cls.standby.destroy)

    def fill(self, client):
        for path, body in (("teams/t1", {"name": "North"}), ("reps/r1", {"name": "Ann", "team": "t1", "team_from": "2025-01-01"}),
                           ("accounts/a1", {"name": "Acme", "attributes": {"industry": "healthcare"}}),
                           ("stages/won", {"label": "Won", "outcome": "won"}),
                           ("opportunities/o1", {"stage": "won", "owner": "r1", "account": "a1", "amount": "100.10", "currency": "EUR",
                                                 "created_at": "2026-01-05T00:00:00Z", "closed_at": "2026-02-05T00:00:00Z"})):
            self.assert_ok(client.put(f"/v1/{path}", body))

    def test_reads(self):
        alone = self.serve(database=self.cluster)
        self.fill(alone.client())
        wanted = {path: alone.client().get(path) for path in READS}
        self.standby.catch_up()
        server = self.serve(database=self.cluster, env={"PLUMBLINE_DATABASE_READ_URL": self.standby.url})
        client = server.client()
        for path in READS:
            self.assert_ok(wanted[path])
            answer = client.get(path)
            self.assert_ok(answer)
            self.assertEqual((answer.json()["data_version"], answer.headers["ETag"]),
                             (wanted[path].json()["data_version"], wanted[path].headers["ETag"]), path)
        self.assertEqual(self.cluster.value("SELECT pg_is_in_recovery()"), "f")
        # Writes go to the primary, and lists and objects are read there: one sees one's own writes.
        self.assert_ok(client.put("/v1/reps/r2", {"name": "Bob"}))
        self.assertEqual(self.assert_ok(client.get("/v1/reps/r2"))["name"], "Bob")
        self.standby.catch_up()
        self.assertIn("Bob", client.get(READS[0]).text)

        self.cluster.stop()
        self.addCleanup(self.cluster.start)
        time.sleep(6)  # what is remembered of the key is forgotten by now
        for path in READS:
            self.assert_ok(client.get(path))
        self.assert_problem(client.put("/v1/reps/r2", {"name": "Lost"}), 503, "database_unavailable")
        self.assertNotIn("25006", server.log())


if __name__ == "__main__":
    import unittest
    unittest.main()
