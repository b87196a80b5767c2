"""PgBouncer in transaction mode: no named statements, no state of sessions, fewer connections than we hold."""
import pathlib
import shutil
import sys
import time
import unittest

from harness import Case

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))
from cluster import Cluster, Pooler  # noqa: E402
from load import Load  # noqa: E402


@unittest.skipUnless(shutil.which("pgbouncer") or pathlib.Path("/usr/sbin/pgbouncer").exists(), "pgbouncer is not installed")
class Pooled(Case):
    @classmethod
    def setUpClass(cls):
        cls.cluster = Cluster()
        cls.addClassCleanup(cls.cluster.destroy)
        cls.pooler = Pooler(cls.cluster, connections=2)
        cls.addClassCleanup(cls.pooler.destroy)

    def use(self, prefix, **env):
        server = self.serve(database=self.pooler, env=env)
        client = server.client()
        load = Load(server.port, server.key("ingest"), 16, prefix)

        def read():
            ends = time.monotonic() + 3
            while time.monotonic() < ends:
                for path in ("/v1/opportunities?limit=1", "/v1/alignment?by=rep", f"/v1/alignment?by=team&period={int(ends) % 100 + 1900}"):
                    self.assert_ok(client.get(path))
                self.assert_ok(client.post("/v1/reps", [{"id": "r1", "name": "Ann"}, {"id": "r2", "name": "Bob"}]))
                self.assert_ok(client.post("/v1/reps?dry_run=true", [{"id": "r3", "name": "Eve"}]))

        load.run(read)
        self.assertEqual(load.refused, {})
        self.assertGreater(len(load.acknowledged), 50)
        stored = self.cluster.value(f"SELECT count(*) FROM event WHERE org_id = 1 AND object_id LIKE '{prefix}-%'")
        self.assertEqual(stored, str(len(load.sent)))
        self.assertEqual(client.get("/v1/reps/r3").status, 404)
        return server

    def test_without_prepared_statements(self):
        server = self.use("off", PLUMBLINE_PREPARE="off", PLUMBLINE_STATEMENT_TIMEOUT="20000")
        self.assertNotIn("prepared_statements_lost", server.log())
        left = self.cluster.sql("SELECT 1 FROM pg_stat_activity WHERE datname = 'faults' AND state LIKE 'idle in transaction%'")
        self.assertEqual(left, [])

    def test_finds_out_by_itself(self):
        server = self.use("on", PLUMBLINE_PREPARE="on")
        self.assertIn("PLUMBLINE_PREPARE=off", server.log())

    def test_migrate_through_it(self):
        done = self.serve(database=self.pooler, env={"PLUMBLINE_PREPARE": "off"}).plumbline("migrate")
        self.assertEqual((done.returncode, done.stdout), (0, "the schema is current\n"), done.stderr)


if __name__ == "__main__":
    unittest.main()
