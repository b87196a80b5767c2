"""Metrics of activities, accounts and decisions, the rows behind them, and a rep's brief: over HTTP, on a small history."""
import csv
import io
import unittest

from harness import Case

STRATEGY = {
    "name": "Care first", "effective_from": "2025-01-01",
    "segments": [{"key": "care", "label": "Care", "when": [{"attr": "industry", "eq": "care"}], "target": {"bookings": 0.7, "time": 0.7}},
                 {"key": "bank", "label": "Bank", "when": [{"attr": "industry", "eq": "bank"}], "target": {"bookings": 0.3, "time": 0.3}}],
    "fit": {"criteria": [{"key": "industry", "weight": 1, "attr": "industry", "match": [{"eq": "care", "score": 1}]}],
            "tiers": [{"key": "core", "min": 70, "on_strategy": True}, {"key": "outside", "min": 0, "on_strategy": False}]},
    "messages": [{"key": "uptime", "label": "Never down", "target": 0.6}, {"key": "price", "label": "Lowest price", "target": 0.4}],
    "conduct": {"selling_time_kinds": ["prep"], "proposal_stages": ["offer"], "talk_ratio_band": [0.4, 0.6]},
    "target_coverage": {"min_activities": 2, "window_days": 90, "grace_days": 10}, "potential_attr": "potential",
    "thresholds": [{"metric": "selling_time_share", "by": "kind", "warn": 0.9, "fail": 0.1}, {"metric": "decision_stream", "warn": 0.99, "fail": 0.98},
                   {"metric": "cost_of_sale", "warn": 0.0001, "fail": 1000, "direction": "lower"}]}

CLINICS = [f"clinic{n}" for n in range(8)]
RECORDS = {
    "stages": [{"id": "talk", "label": "Talk", "outcome": "open"}, {"id": "offer", "label": "Offer", "outcome": "open"},
               {"id": "won", "label": "Won", "outcome": "won"}],
    "teams": [{"id": "north", "name": "North"}],
    "reps": [{"id": "ann", "name": "Ann & Co", "team": "north", "cost_per_hour": "80", "cost_currency": "USD"}, {"id": "bob", "name": "Bob", "team": "north"}],
    "accounts": [{"id": name, "name": f"Clinic {n}", "status": "customer", "owner": "ann", "is_target": n < 3,
                  "attributes": {"industry": "care", "potential": 100 * n}} for n, name in enumerate(CLINICS)]
                + [{"id": "bank/1", "name": "Lender", "status": "prospect", "owner": "bob", "attributes": {"industry": "bank"}}],
    "opportunities": [
        {"id": f"d/{n}", "name": f"Deal {n}", "owner": "ann" if n % 2 else "bob", "account": "clinic0" if n % 3 else "bank/1", "amount": str(100 * n), "currency": "USD",
         "stage": stage, "occurred_at": at, **more}
        for n in range(1, 13) for stage, at, more in (("talk", f"2026-02-{n:02d}T10:00:00Z", {"created_at": f"2026-02-{n:02d}T10:00:00Z"}),
                                                     ("offer", f"2026-02-{n:02d}T12:00:00Z", {}), ("won", f"2026-03-{n:02d}T10:00:00Z", {}))],
    "activities": [
        {"id": f"v{n:02d}", "kind": ("call", "discovery", "prep", "meeting")[n % 4], "starts_at": f"2026-02-{n:02d}T11:00:00Z", "rep": "ann",
         "account": "clinic0" if n % 2 else "clinic1", "opportunity": f"d/{n}" if n < 13 else None, "duration_s": 3600, "outcome": "held",
         "messages": ["price"] if n % 4 != 2 else [], "tagging_status": "done", "talk_s": 1800, "customer_talk_s": 1800, "questions": n, "participants_external": 1 + n % 3}
        for n in range(1, 21)]}


class Conduct(Case):
    @classmethod
    def setUpClass(cls):
        cls.server = cls.start()
        cls.client = cls.server.client()
        case = cls("run_")
        for kind, records in RECORDS.items():
            dated = [{"occurred_at": "2025-06-01T00:00:00Z", **record} for record in records]
            case.assert_counts(cls.client.request("POST", f"/v1/{kind}", dated), accepted=len(records))
        draft = case.assert_ok(cls.client.request("POST", "/v1/strategies", STRATEGY))
        case.assert_ok(cls.client.request("POST", f"/v1/strategies/{draft['id']}/publish"))

    def run_(self):
        """Nothing: unittest wants a method for the case that asserts while the class is set up."""

    def ask(self, path, client=None):
        return self.assert_ok((client or self.client).get(path))

    def rows(self, key, query="", client=None):
        found, path = [], f"/v1/metrics/{key}/rows?period=2026-Q1&limit=4{query}"
        while path is not None:
            answer = self.assert_status((client or self.client).get(path), 200)
            found += answer.json()["data"]
            link = answer.headers.get("Link")
            path = link[1:link.index(">")] if link else None
        return found

    def test_rows_in_pages_are_all_rows_once(self):
        for key in ("client_share_on_strategy", "off_strategy_investment", "meeting_share", "effort_per_win", "cost_of_sale", "focus_gap", "target_coverage",
                    "message_adoption", "consultative", "decision_stream", "white_space"):
            with self.subTest(key):
                rows = self.rows(key)
                places = [tuple(str(row.get(name)) for name in ("part", "id", "rep", "account")) for row in rows]
                self.assertEqual(len(set(places)), len(rows))
                self.assertEqual(self.client.get(f"/v1/metrics/{key}/rows?period=2026-Q1&format=ndjson").ndjson(), rows)
                table = list(csv.DictReader(io.StringIO(self.client.get(f"/v1/metrics/{key}/rows?period=2026-Q1&format=csv").text)))
                self.assertEqual([line["id"] for line in table], [row["id"] for row in rows])

    def test_decisions_come_newest_first(self):
        rows = self.rows("decision_stream")
        self.assertEqual([row["id"] for row in rows], [f"d/{n}" for n in range(12, 0, -1)])
        self.assertEqual(self.ask(rows[0]["explain"])["id"], "d/12")  # the link is good although the id is no path segment as it stands
        total = self.ask("/v1/metrics/decision_stream?period=2026-Q1")["total"]
        self.assertEqual((total["numerator"], total["denominator"], total["status"]), (8, 12, "fail"))
        self.assertEqual(total["ci"], [0.390622, 0.86188])
        own = self.rows("decision_stream", client=self.server.client("read", read_scope="self", rep="ann"))
        self.assertEqual({row["rep"] for row in own}, {"ann"})

    def test_white_space_is_sorted_by_potential(self):
        self.assertEqual([row["id"] for row in self.rows("white_space")], [f"clinic{n}" for n in range(7, 1, -1)])
        total = self.ask("/v1/metrics/white_space?period=2026-Q1&by=rep")
        self.assertEqual((total["unit"], total["total"]["value"], total["total"]["forms"]["share"]["denominator"]), ("count", 6, 8))
        bob = self.server.client("read", read_scope="self", rep="bob")
        self.assertEqual(self.rows("white_space", client=bob), [])

    def test_coverage_as_asked(self):
        total = self.ask("/v1/metrics/target_coverage?period=2026-Q1")
        self.assertEqual((total["total"]["parts"]["green"], total["total"]["parts"]["red"], total["params"]["k"], total["params"]["grace_days"]), (2, 1, 2, 10))
        more = self.ask("/v1/metrics/target_coverage?period=2026-Q1&k=11&grace_days=0&window_days=80")
        self.assertEqual((more["total"]["parts"]["green"], more["params"]["k"], more["params"]["window_days"]), (0, 11, 80))
        self.assertEqual({row["id"]: row["state"] for row in self.rows("target_coverage", "&k=11")}, {"clinic0": "yellow", "clinic1": "yellow", "clinic2": "red"})

    def test_conduct(self):
        forms = self.ask("/v1/metrics/consultative?period=2026-Q1")["total"]["forms"]
        self.assertEqual((forms["discovery_first"]["value"], forms["talk_ratio"]["value"], forms["in_band"]["n"]), (0.25, 0.5, 15))
        by_class = self.ask("/v1/metrics/message_adoption?period=2026-Q1&by=class")
        self.assertEqual([(row["key"], row["label"]) for row in by_class["rows"]], [("off", "Off strategy"), ("on", "On strategy")])
        self.assertEqual(by_class["total"]["forms"]["calls"]["denominator"], 15)  # preparing is no conversation
        kinds = {row["key"]: row["status"] for row in self.ask("/v1/metrics/selling_time_share?period=2026-Q1&by=kind")["rows"]}
        self.assertEqual(kinds, {"call": "ok", "discovery": "ok", "meeting": "ok", "prep": "ok"})

    def test_effort(self):
        total = self.ask("/v1/metrics/effort_per_win?period=2026-Q1")["total"]
        self.assertEqual((total["value"], total["numerator"], total["denominator"]), (1.666667, 20, 12))
        cost = self.ask("/v1/metrics/cost_of_sale?period=2026-Q1")["total"]
        self.assertEqual((cost["numerator"], cost["denominator"], cost["status"]), ("1600.00", "7800.00", "warn"))

    def test_brief(self):
        brief = self.ask("/v1/reps/ann/brief?period=2026-Q1")
        self.assertEqual((brief["kind"], brief["key"], brief["label"]), ("rep", "ann", "Ann & Co"))
        said = {sentence["key"]: sentence for sentence in brief["sentences"]}
        self.assertLessEqual({"off_strategy_hours", "mix_contribution", "white_space", "message:price", "message:uptime"}, set(said))
        for sentence in brief["sentences"]:
            self.assertGreaterEqual(sentence["n"], 5)
            self.assertTrue(sentence["text"].endswith("."), sentence)
            for metric, link in zip(sentence["metrics"], sentence["links"]):
                self.assertEqual(self.ask(link)["metric"], metric)
        hours = said["off_strategy_hours"]["figures"]
        rows = self.ask(said["off_strategy_hours"]["links"][0] + "&limit=1000")["data"]
        self.assertEqual((sum(row["numerator"] for row in rows), sum(row["denominator"] for row in rows)), (hours["hours_off"], hours["hours"]))
        contribution = next(row for row in self.ask("/v1/metrics/strategy_setters?period=2026-Q1&by=rep")["rows"] if row["key"] == "ann")["value"]
        self.assertEqual(said["mix_contribution"]["figures"]["contribution"], contribution)
        moved = said["mix_contribution"]["figures"]
        self.assertTrue(all(deal["contribution"] > 0 for deal in moved["away"]) and all(deal["contribution"] < 0 for deal in moved["back"]))
        few = self.ask("/v1/reps/ann/brief?period=2026-Q1&min_n=1000")
        self.assertEqual(few["sentences"], [])
        self.assertEqual({left["reason"] for left in few["withheld"]}, {"low_n"})

    def test_who_may_read_a_brief(self):
        path = "/v1/reps/ann/brief?period=2026-Q1"
        own = self.server.client("read", read_scope="self", rep="ann")
        self.assertEqual(self.ask(path, own)["key"], "ann")
        self.assert_problem(own.get("/v1/reps/bob/brief"), 404, "not_found")
        self.assert_problem(self.client.get("/v1/reps/nobody/brief"), 404, "not_found")
        self.assert_problem(self.server.client("ingest").get(path), 403, "forbidden")
        self.assert_problem(self.server.anonymous().get(path), 401, "unauthorized")
        tag = self.client.get(path).headers["ETag"]
        self.assert_status(self.client.get(path, {"If-None-Match": tag}), 304)
        self.assertNotEqual(own.get(path).headers["ETag"], tag)
        other = self.serve().client()
        self.assert_ok(other.request("PATCH", "/v1/settings", {"rep_metrics": "off"}))
        self.assert_problem(other.get("/v1/reps/ann/brief"), 403, "forbidden")

    def test_what_is_not_understood(self):
        self.assert_problem(self.client.get("/v1/metrics/client_share_on_strategy?revenue_basis=attr&k=0&grace_days=-1"), 400, "invalid_parameter", ("k", "out_of_range"))
        self.assert_problem(self.client.get("/v1/metrics/client_share_on_strategy?revenue_basis=attr"), 400, "invalid_parameter", ("revenue_basis", "not_one_of"))
        self.assert_problem(self.client.get("/v1/reps/ann/brief?segment=care"), 400, "unknown_parameter")
        self.assert_problem(self.client.get("/v1/metrics/effort_per_win?product=GTX"), 400, "invalid_parameter", ("product", "not_applicable"))
        self.assert_problem(self.client.get("/v1/metrics/win_rate?by=class"), 400, "invalid_parameter", ("by", "not_one_of"))
        self.assert_problem(self.client.request("PUT", "/v1/activities/v1", {"kind": "call", "starts_at": "2026-01-01T00:00:00Z", "rep": "ann", "tagging_status": "did"}),
                            422, "validation_failed", ("/tagging_status", "not_one_of"))
        self.assert_problem(self.client.request("POST", "/v1/strategies", {**STRATEGY, "thresholds": [{"metric": "white_spaces", "warn": 1, "fail": 0}]}), 422,
                            "validation_failed", ("/thresholds/0/metric", "unknown_metric"))


if __name__ == "__main__":
    unittest.main()
