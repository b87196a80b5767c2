"""kill -9 of the server under load: what was acknowledged is there, once; what was not can be sent again."""
import json
import pathlib
import sys
import time

from harness import Case

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))
from load import Load  # noqa: E402

CLIENTS = 256


class Kill(Case):
    def stored(self, server):
        return {row[0]: int(row[1]) for row in server.sql(
            "SELECT object_id, count(*) FROM event WHERE org_id = 1 AND kind = 'opportunity' GROUP BY object_id")}

    def kill_under_load(self, named):
        server = self.serve()
        load = Load(server.port, server.key("ingest"), CLIENTS, "d", named)

        def kill():
            time.sleep(1.5)
            server.kill()

        load.run(kill)
        self.assertEqual(load.refused, {})
        self.assertGreater(len(load.acknowledged), CLIENTS, "too little was written to prove anything")
        unanswered = set(load.sent) - set(load.acknowledged)
        self.assertGreater(len(unanswered), 0, "nothing was under way when the server was killed")
        return server, load, unanswered

    def test_acknowledged_once(self):
        server, load, unanswered = self.kill_under_load(named=True)
        server.start()
        stored = self.stored(server)
        self.assertEqual([name for name in load.acknowledged if stored.get(name) != 1], [])
        self.assertEqual([name for name, count in stored.items() if count != 1 or name not in load.sent], [])
        # Whoever got no answer asks again, and cannot do harm by it.
        client = server.client("ingest")
        outcomes = set()
        for name in sorted(unanswered):
            answer = self.assert_ok(client.post("/v1/opportunities", load.sent[name].decode(), {"Content-Type": "application/json"}))
            self.assertEqual(answer["outcome"], "duplicate" if name in stored else "accepted", name)
            outcomes.add(answer["outcome"])
        self.assertEqual(self.stored(server), {name: 1 for name in load.sent})
        # The log and what follows from it agree.
        self.assertEqual(server.value("SELECT count(*) FROM object WHERE org_id = 1 AND kind = 'opportunity'"), str(len(load.sent)))
        self.assertEqual(server.value("SELECT data_version FROM org_version WHERE org_id = 1"),
                         server.value("SELECT max(seq) FROM event WHERE org_id = 1"))
        self.assertEqual(server.value("SELECT count(DISTINCT seq) FROM event WHERE org_id = 1"), str(len(load.sent)))
        name = max(load.sent)
        self.assertEqual(self.assert_ok(server.client("ingest", "read").get(f"/v1/opportunities/{name}"))["amount"],
                         json.loads(load.sent[name])["amount"])

    def test_acknowledged_once_without_event_ids(self):
        server, load, _ = self.kill_under_load(named=False)
        server.start()
        stored = self.stored(server)
        self.assertEqual([name for name in load.acknowledged if stored.get(name) != 1], [])
        self.assertEqual([name for name, count in stored.items() if count != 1 or name not in load.sent], [])
        ids = {row[0]: row[1] for row in server.sql("SELECT object_id, event_id FROM event WHERE org_id = 1")}
        self.assertEqual([name for name, answer in load.acknowledged.items() if ids[name] != answer["event_id"]], [])


if __name__ == "__main__":
    import unittest
    unittest.main()
