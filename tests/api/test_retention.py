"""Retention as an administrator sees it: a setting, and some seconds later a shorter log that answers the same."""
import time

from harness import Case


class Retention(Case):
    def setUp(self):
        self.server = self.serve()
        self.client = self.server.client()
        for path, record in (("stages/open", {"label": "Open", "outcome": "open"}), ("stages/won", {"label": "Won", "outcome": "won"}), ("reps/ann", {"name": "Ann"}),
                             ("accounts/a", {"name": "A"})):
            self.assert_ok(self.client.put(f"/v1/{path}?occurred_at=2025-01-01T00:00:00Z", record))
        for day, patch in ((2, {"stage": "open", "owner": "ann", "account": "a", "amount": "10.00", "currency": "EUR"}), (3, {"amount": "20.00"}), (9, {"stage": "won"})):
            self.assert_ok(self.client.patch(f"/v1/opportunities/d?occurred_at=2025-01-0{day}T00:00:00Z", patch))
        # As if it had arrived when it happened: the service takes its own clock, and nobody can tell it another.
        self.server.sql("UPDATE event SET received_at = occurred_at")
        self.server.sql("UPDATE object SET last_received = last_at")

    def eventually(self, condition, seconds=60):
        end = time.monotonic() + seconds
        while not condition():
            self.assertLess(time.monotonic(), end, "nothing happened")
            time.sleep(0.2)

    def operations(self):
        return [event["operation"] for event in self.client.get("/v1/opportunities/d/history").json()["data"]]

    def test_the_log_is_shortened_and_figures_stay(self):
        asked = "/v1/metrics/bookings_share?period=2025-Q1"
        past = "&as_of=2025-01-05T00:00:00Z"
        figures, tag = self.client.get(asked).json(), self.client.get(asked + past).headers["ETag"]
        self.assertEqual(self.operations(), ["patch", "patch", "patch"])
        self.assertIsNone(self.client.get("/v1/settings").json()["log_kept_from"])
        self.assert_ok(self.client.patch("/v1/settings", {"retention_days": 30}))
        self.eventually(lambda: self.operations() == ["base"])
        kept_from = self.client.get("/v1/settings").json()["log_kept_from"]
        base = self.client.get("/v1/opportunities/d/history").json()["data"][0]
        self.assertEqual((base["full"], base["patch"]), (True, {"stage": "won", "owner": "ann", "account": "a", "amount": "20.00", "currency": "EUR"}))
        self.assertEqual(self.client.get(asked).json(), figures)
        for path in (asked + past, asked + "&known_at=2025-01-05T00:00:00Z", "/v1/accounts/a/fit?as_of=2025-01-05", "/v1/alignment?period=2025&as_of=2025-01-05"):
            with self.subTest(path):
                # A tag of before is no reason to answer 304.
                refused = self.client.get(path, headers={"If-None-Match": tag})
                self.assertEqual(refused.status, 400, refused)
                problem = refused.json()["errors"][0]
                self.assertEqual((refused.json()["code"], problem["code"], problem["pointer"]), ("invalid_parameter", "not_kept", "known_at" if "known_at" in path else "as_of"))
                self.assertIn(f"is before {kept_from}, since when the log is kept (retention_days)", problem["message"])
        # At the end of its first week the deal was open, which only a log of then could tell.
        refused = self.client.get(f"/v1/metrics/open_pipeline_share?period=2025-01&granularity=week&as_of={kept_from}")
        self.assertEqual((refused.status, refused.json()["errors"][0]["code"], refused.json()["errors"][0]["pointer"]), (400, "not_kept", "period"), refused)
        late = self.client.patch("/v1/opportunities/d?occurred_at=2025-01-04T00:00:00Z", {"amount": "99.00"})
        self.assertEqual((late.status, late.json()["outcome"]), (200, "stale"))
        self.assertEqual(self.client.get("/v1/opportunities/d").json()["amount"], "20.00")
        self.assertEqual(self.client.get(asked).json()["total"], figures["total"])

    def test_nobody_can_send_a_base(self):
        answer = self.client.post("/v1/opportunities", [{"id": "d", "operation": "base", "doc": {}, "track": []}])
        self.assertEqual((answer.status, answer.json()["rejected"]), (200, 1), answer)
        self.assertEqual(answer.json()["errors"][0]["message"], '"base" is not one of patch, delete, restore, merge')
        self.assertEqual(self.operations(), ["patch", "patch", "patch"])
