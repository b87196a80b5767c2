"""Alignment, metrics, the rows behind them, and the pages about one: over HTTP, on a small history."""
import csv
import unittest

from harness import Case

STRATEGY = {
    "name": "Care first", "effective_from": "2025-01-01",
    "segments": [{"key": "care", "label": "Care", "when": [{"attr": "industry", "eq": "care"}], "target": {"bookings": 0.7, "time": 0.7}},
                 {"key": "bank", "label": "Bank", "when": [{"attr": "industry", "eq": "bank"}], "target": {"bookings": 0.3, "time": 0.3}}],
    "fit": {"criteria": [{"key": "industry", "weight": 1, "attr": "industry", "match": [{"eq": "care", "score": 1}]}],
            "required": [], "disqualify": [], "min_coverage": 0.5,
            "tiers": [{"key": "core", "min": 70, "on_strategy": True}, {"key": "outside", "min": 0, "on_strategy": False}]},
    "products": {"GTX": 0.6, "MG": 0.4}, "messages": [], "opportunistic": {"limit": 0.15, "easy_origins": ["inbound"]}}

RECORDS = {
    "stages": [{"id": "talk", "label": "Talk", "outcome": "open"}, {"id": "won", "label": "Won", "outcome": "won"},
               {"id": "lost", "label": "Lost", "outcome": "lost"}],
    "teams": [{"id": "top", "name": "Top"}, {"id": "north", "name": "North", "parent": "top"}, {"id": "south", "name": "South"}],
    "reps": [{"id": "ann", "name": "Ann, the first", "team": "north"}, {"id": "bob", "name": "=1+1", "team": "south"}],
    "products": [{"id": "p1", "name": "P1", "family": "GTX"}, {"id": "p2", "name": "P2", "family": "MG"}],
    "accounts": [{"id": "clinic", "name": "Clinic", "status": "customer", "attributes": {"industry": "care"}},
                 {"id": "lender", "name": "Lender", "status": "customer", "attributes": {"industry": "bank"}}],
    "opportunities": [
        {"id": f"d{n}", "name": f"Deal {n}", "owner": "ann" if n % 2 else "bob", "account": "clinic" if n % 3 else "lender",
         "stage": ("won", "lost", "won", "talk")[n % 4], "amount": str(100 * n), "currency": "USD", "created_at": f"2026-01-{n:02d}",
         "closed_at": f"2026-02-{n:02d}", "occurred_at": f"2026-02-{n:02d}T12:00:00Z", "origin": "inbound" if n % 5 == 0 else "outbound",
         "lines": [{"id": "1", "product": "p1" if n % 2 else "p2", "amount": "1"}]} for n in range(1, 21)],
    "activities": [{"id": "v1", "kind": "meeting", "starts_at": "2026-02-01T09:00:00Z", "rep": "ann", "account": "lender", "duration_s": 3600,
                    "outcome": "held"}]}


class Metrics(Case):
    @classmethod
    def setUpClass(cls):
        cls.server = cls.start()
        cls.client = cls.server.client()
        case = cls("run_")
        for kind, records in RECORDS.items():
            dated = [{"occurred_at": "2025-01-01T00:00:00Z", **record} for record in records]
            case.assert_counts(cls.client.request("POST", f"/v1/{kind}", dated), accepted=len(records))
        draft = case.assert_ok(cls.client.request("POST", "/v1/strategies", STRATEGY))
        case.assert_ok(cls.client.request("POST", f"/v1/strategies/{draft['id']}/publish"))
        cls.won = {f"d{n}": n for n in range(1, 21) if n % 4 in (0, 2)}

    def run_(self):
        """Nothing: unittest wants a method for the case that asserts while the class is set up."""

    def ask(self, path, client=None):
        return self.assert_ok((client or self.client).get(path))

    def test_alignment(self):
        answer = self.ask("/v1/alignment?by=rep&period=2026-Q1")
        self.assertEqual(list(answer), ["by", "params", "currency", "time_zone", "as_of", "known_at", "strategy_versions", "backdated",
                                        "fit_basis", "credit", "rows", "total", "data_version"])
        self.assertEqual([(row["key"], row["label"]) for row in answer["rows"]], [("ann", "Ann, the first"), ("bob", "=1+1")])
        self.assertEqual(list(answer["rows"][0]["metrics"]), ["bookings_share", "open_pipeline_share", "selling_time_share", "product_mix",
                                                              "opportunistic", "alignment_index", "win_rate"])
        on = sum(100 * n for n in self.won.values() if n % 3)
        self.assertEqual(answer["total"]["metrics"]["bookings_share"]["numerator"], f"{on}.00")
        self.assertEqual(answer["total"]["metrics"]["bookings_share"]["denominator"], f"{sum(100 * n for n in self.won.values())}.00")
        for by, without in (("product", {"selling_time_share", "product_mix", "opportunistic", "alignment_index"}), ("origin", {"selling_time_share"})):
            metrics = self.ask(f"/v1/alignment?by={by}&period=2026-Q1")["total"]["metrics"]
            self.assertFalse(without & set(metrics), by)

    def test_row(self):
        answer = self.ask("/v1/metrics/bookings_share?by=team&period=2026-Q1")
        self.assertEqual(list(answer), ["metric", "metric_version", "by", "params", "unit", "currency", "time_zone", "as_of", "known_at",
                                        "strategy_versions", "backdated", "fit_basis", "credit", "rows", "total", "data_version"])
        self.assertEqual(list(answer["rows"][0]), ["key", "label", "value", "numerator", "denominator", "n", "ci", "status", "low_n", "reason",
                                                   "ci_reason", "excluded", "quality", "forms", "parts"])
        self.assertEqual(set(answer["total"]["excluded"]), {"unknown", "unknown_amount", "unpriced", "no_amount", "no_owner",
                                                            "unattributed_hours", "quarantined_open"})
        self.assertEqual([row["label"] for row in answer["rows"]], ["North", "South"])
        monthly = self.ask("/v1/metrics/bookings_share?by=team&period=2026-Q1&granularity=month")["rows"]
        self.assertEqual([(row["key"], row["period"]) for row in monthly],
                         [(team, f"2026-0{month}") for team in ("north", "south") for month in (1, 2, 3)])

    def test_dictionary(self):
        metrics = self.ask("/v1/metrics")["data"]
        self.assertEqual([metric["id"] for metric in metrics], sorted(metric["id"] for metric in metrics))
        for metric in metrics:
            with self.subTest(metric["key"]):
                for member in ("key", "id", "name", "formula", "unit", "basis", "groupings", "null_rules", "version"):
                    self.assertIsNotNone(metric[member])
                self.assertTrue(metric["groupings"] or metric["key"] == "change_decomposition")
                # What the dictionary says of groupings is so.
                for by in metric["groupings"]:
                    self.ask(f"/v1/metrics/{metric['key']}?period=2026-Q1&by={by}")
                rows = self.client.get(f"/v1/metrics/{metric['key']}/rows?period=2026-Q1")
                self.assertEqual(rows.status, 200 if metric["has_rows"] else 404, rows)
        self.assertEqual(self.client.get("/v1/metrics?format=csv").text.count("\r\n"), len(metrics) + 1)

    def test_rows_in_pages(self):
        found, path = [], "/v1/metrics/bookings_share/rows?period=2026-Q1&limit=3"
        while path is not None:
            answer = self.assert_status(self.client.get(path), 200)
            page = answer.json()
            self.assertLessEqual(len(page["data"]), 3)
            found += page["data"]
            link = answer.headers.get("Link")
            self.assertEqual(link is not None, page["next"] is not None)
            path = link[1:link.index(">")] if link else None
        self.assertEqual([row["id"] for row in found], sorted(self.won))
        self.assertEqual(sum(float(row["denominator"]) for row in found), sum(100 * n for n in self.won.values()))
        self.assertEqual(self.client.get("/v1/metrics/bookings_share/rows?period=2026-Q1&format=ndjson").ndjson(), found)

    def query(self, body, client=None):
        return (client or self.client).request("POST", "/v1/query", body)

    def test_several_at_once(self):
        """Each metric as it is answered alone, whatever is asked with it."""
        every = [metric["key"] for metric in self.ask("/v1/metrics")["data"] if {"rep", "period"} <= set(metric["groupings"])]
        for question in ({"by": "rep", "period": "2026-Q1"}, {"by": "rep", "granularity": "month", "period": "2026-Q1", "credit": "split"},
                         {"by": "rep", "period": "2026-02", "compare_to": "previous", "team": "north", "min_n": 2, "include_low_n": True},
                         {"granularity": "quarter", "period": "2026", "as_of": "2026-03-01"}):
            keys = [key for key in every if key != "trend" or "granularity" in question]
            answer = self.assert_ok(self.query({"metrics": keys, **question}))
            self.assertEqual([one["metric"] for one in answer["data"]], keys)
            path = "&".join(f"{name}={str(value).lower() if value is True else value}" for name, value in question.items())
            for one in answer["data"]:
                with self.subTest(one["metric"], **question):
                    alone = self.ask(f"/v1/metrics/{one['metric']}?{path}")
                    self.assertEqual(one, alone)
            self.assertEqual(answer["data_version"], answer["data"][0]["data_version"])

    def test_several_in_other_formats(self):
        question = {"metrics": ["win_rate", "deal_size"], "by": "rep", "period": "2026-Q1"}
        lines = self.client.request("POST", "/v1/query?format=ndjson", question).ndjson()
        self.assertEqual([(line["metric"], line["key"]) for line in lines], [("win_rate", "ann"), ("win_rate", "bob"), ("deal_size", "ann"), ("deal_size", "bob")])
        rows = list(csv.DictReader(self.client.request("POST", "/v1/query", question, {"Accept": "text/csv"}).text.splitlines()))
        self.assertEqual(list(rows[0])[:10], ["metric", "key", "label", "period", "value", "numerator", "denominator", "n", "ci_low", "ci_high"])
        self.assertEqual([(row["metric"], row["label"]) for row in rows], [("win_rate", "Ann, the first"), ("win_rate", "'=1+1"), ("deal_size", "Ann, the first"), ("deal_size", "'=1+1")])

    def test_what_is_wrong_with_a_question(self):
        problem = self.assert_problem(
            self.query({"metrics": ["win_rat", "selling_time_share", "win_rate", "win_rate"], "perod": "2026", "period": "2026-Q9", "by": "product", "min_n": "many",
                        "granularity": "fortnight", "product": "GTX", "include_low_n": 3, "fit_basis": "restated:s9"}), 422, "validation_failed",
            ("/metrics/0", "unknown_metric"), ("/metrics/3", "repeated"), ("/perod", "unknown_attribute"), ("/period", "invalid_period"), ("/by", "not_one_of"),
            ("/min_n", "wrong_type"), ("/granularity", "not_one_of"), ("/product", "not_applicable"), ("/include_low_n", "wrong_type"), ("/fit_basis", "not_one_of"))
        messages = {error["pointer"]: error["message"] for error in problem["errors"]}
        self.assertIn("period", messages["/perod"])
        self.assertIn('"win_rate"', messages["/metrics/0"])
        self.assertIn("selling_time_share cannot be grouped by", messages["/by"])
        self.assert_problem(self.query({}), 422, "validation_failed", ("/metrics", "required"))
        self.assert_problem(self.query({"metrics": []}), 422, "validation_failed", ("/metrics", "out_of_range"))
        self.assert_problem(self.query({"metrics": "win_rate"}), 422, "validation_failed", ("/metrics", "wrong_type"))
        self.assert_problem(self.query({"metrics": ["win_rate"], "as_of": "yesterday"}), 422, "validation_failed")
        self.assert_problem(self.query({"metrics": ["win_rate", "change_decomposition"], "by": "rep"}), 422, "validation_failed", ("/by", "not_applicable"))
        self.assert_problem(self.query([]), 422, "validation_failed")
        self.assert_problem(self.client.request("POST", "/v1/query", b"{", {"Content-Type": "application/json"}), 400, "invalid_json")
        self.assert_problem(self.query({"metrics": ["win_rate"]}, self.server.client("ingest")), 403, "forbidden")

    def test_a_question_within_a_key_s_sight(self):
        own = self.server.client("read", read_scope="self", rep="ann")
        answer = self.assert_ok(self.query({"metrics": ["win_rate", "data_quality", "pipeline_change"], "by": "rep", "period": "2026-Q1"}, own))
        self.assertEqual([[row["key"] for row in one["rows"]] for one in answer["data"]], [["ann"]] * 3)
        team = self.server.client("read", read_scope="team", team="top")
        for one in self.assert_ok(self.query({"metrics": ["win_rate", "focus_opportunity"], "by": "team", "period": "2026-Q1"}, team))["data"]:
            self.assertEqual({row["key"] for row in one["rows"]}, {"north"})

    def test_leaderboard(self):
        answer = self.ask("/v1/leaderboard?period=2026-Q1&min_n=1")
        alone = self.ask("/v1/metrics/leaderboard?by=rep&period=2026-Q1&min_n=1")
        self.assertEqual(sorted(answer["rows"], key=lambda row: row["key"]), alone["rows"])
        self.assertEqual([row["parts"]["rank"] for row in answer["rows"]], [1, 2])
        self.assertGreater(answer["rows"][0]["parts"]["shrunk"], answer["rows"][1]["parts"]["shrunk"])
        # bob closed the won ones: n even; ann the lost ones
        self.assertEqual([(row["key"], row["numerator"], row["denominator"]) for row in answer["rows"]], [("bob", 10, 10), ("ann", 0, 5)])
        # p0 = 10/15, fewer than five groups: M = 10
        self.assertEqual([row["parts"]["shrunk"] for row in answer["rows"]], [round((10 + 10 * 10 / 15) / 20, 6), round((10 * 10 / 15) / 15, 6)])
        low = self.ask("/v1/leaderboard?period=2026-Q1&min_n=6")["rows"]
        self.assertEqual([(row["key"], row["parts"]["rank"], row["low_n"]) for row in low], [("bob", 1, False), ("ann", None, True)])
        self.assertEqual([row["parts"]["rank"] for row in self.ask("/v1/leaderboard?period=2026-Q1&min_n=6&include_low_n=true")["rows"]], [1, 2])
        bounds = self.ask("/v1/leaderboard?period=2026-Q1&min_n=1&rank=wilson_low")["rows"]
        self.assertEqual([row["value"] for row in bounds], [row["ci"][0] for row in bounds])
        deals = self.ask("/v1/leaderboard?period=2026-Q1&min_n=1&metric=bookings_share&by=team")
        self.assertEqual([(row["key"], row["numerator"], row["denominator"]) for row in deals["rows"]], [("south", 7, 10), ("north", 0, 0)])
        self.assertEqual(deals["params"]["metric"], "bookings_share")
        self.assertEqual(self.client.get("/v1/leaderboard?period=2026-Q1&format=csv").text.splitlines()[0].split(",")[:10],
                         ["key", "label", "period", "value", "numerator", "denominator", "n", "ci_low", "ci_high", "parts.rank"])
        self.assert_problem(self.client.get("/v1/leaderboard?by=segment"), 400, "invalid_parameter", ("by", "not_one_of"))
        self.assert_problem(self.client.get("/v1/leaderboard?metric=deal_size"), 400, "invalid_parameter", ("metric", "not_one_of"))
        own = self.server.client("read", read_scope="self", rep="ann")
        self.assertEqual([row["key"] for row in self.ask("/v1/leaderboard?period=2026-Q1", own)["rows"]], ["ann"])

    def test_formats(self):
        rows = list(csv.DictReader(self.client.get("/v1/metrics/win_rate?by=rep&period=2026-Q1", {"Accept": "text/csv"}).text.splitlines()))
        self.assertEqual([(row["key"], row["label"]) for row in rows], [("ann", "Ann, the first"), ("bob", "'=1+1")])
        self.assertEqual(list(rows[0])[:12], ["key", "label", "period", "value", "numerator", "denominator", "n", "ci_low", "ci_high",
                                              "forms.count.value", "forms.count.numerator", "forms.count.denominator"])
        table = self.client.get("/v1/alignment?by=rep&period=2026-Q1&format=csv").text.splitlines()
        self.assertEqual(len(table), 3)
        self.assertTrue(table[0].startswith("key,label,period,bookings_share.value,"))
        lines = self.client.get("/v1/alignment?by=rep&period=2026-Q1&format=ndjson").ndjson()
        self.assertEqual(lines, self.ask("/v1/alignment?by=rep&period=2026-Q1")["rows"])

    def test_pages_about_one(self):
        for path, kind, label in (("reps/ann", "rep", "Ann, the first"), ("teams/top", "team", "Top"), ("segments/care", "segment", "Care")):
            answer = self.ask(f"/v1/{path}/alignment?period=2026-Q1")
            self.assertEqual((answer["kind"], answer["label"]), (kind, label))
            self.assertEqual([row["period"] for row in answer["trend"]], ["2026-01", "2026-02", "2026-03"])
            alone = self.ask(f"/v1/metrics/bookings_share?period=2026-Q1&{kind}={path.split('/')[1]}")["total"]
            self.assertEqual(answer["metrics"]["bookings_share"], alone)
        ann = self.ask("/v1/reps/ann/alignment?period=2026-Q1")
        off = [f"d{n}" for n in range(1, 21) if n % 3 == 0 and n % 2 and n % 4 != 1]
        self.assertEqual([deal["id"] for deal in ann["off_strategy_deals"]], sorted(off, key=lambda name: -int(name[1:])))
        self.assertEqual([(spent["account"], spent["name"], spent["hours"]) for spent in ann["off_strategy_hours"]], [("lender", "Lender", 1)])
        for path in ("reps/nobody", "teams/nowhere", "segments/none"):
            self.assert_problem(self.client.get(f"/v1/{path}/alignment"), 404, "not_found")

    def test_opportunity(self):
        answer = self.ask("/v1/opportunities/d2/alignment")
        self.assertEqual((answer["outcome"], answer["money"], answer["closed"]["class"], answer["closed"]["score"]), ("won", "200.00", "on", 100))
        self.assertEqual(answer["closed"]["breakdown"]["criteria"][0]["contribution"], 100)
        self.assertIn("bookings_share", [counted["metric"] for counted in answer["counted_in"]])
        self.assertIsNone(answer["open"])
        waits = self.ask("/v1/opportunities/d3/alignment")
        self.assertIsNone(waits["closed"])
        self.assertEqual((waits["open"]["rep"], waits["open"]["account"], waits["open"]["class"], waits["open"]["score"]), ("ann", "lender", "off", 0))
        self.assertEqual((waits["money"], waits["rate_date"]), ("300.00", waits["open"]["at"][:10]))
        self.assertIn({"metric": "open_pipeline_share", "at": "as_of", "class": "off", "counts_money": True}, waits["counted_in"])
        self.assert_problem(self.client.get("/v1/opportunities/nothing/alignment"), 404, "not_found")
        self.assert_problem(self.client.get("/v1/opportunities/d2/alignment?as_of=2026-01-01"), 404, "not_found")

    def test_summary(self):
        answer = self.ask("/v1/summary?period=2026-Q1")
        self.assertEqual(answer["data_quality"], self.ask("/v1/metrics/data_quality?period=2026-Q1")["total"])
        self.assertEqual(answer["strategy"]["name"], "Care first")
        self.assertEqual(answer["segment_mix"]["value"], self.ask("/v1/metrics/segment_mix?period=2026-Q1")["total"]["value"])
        setters = self.ask("/v1/metrics/strategy_setters?by=rep&period=2026-Q1")["rows"]
        shown = answer["strategy_setters"]["segment"]["away"] + answer["strategy_setters"]["segment"]["back"]
        self.assertEqual({row["key"]: row["value"] for row in shown}, {row["key"]: row["value"] for row in setters if row["value"]})

    def test_what_cannot_be_answered(self):
        problem = self.assert_problem(self.client.get("/v1/alignment?by=banana&period=2017-Q5&granularity=fortnight"), 400, "invalid_parameter",
                                      ("by", "not_one_of"), ("period", "invalid_period"), ("granularity", "not_one_of"))
        messages = {error["pointer"]: error["message"] for error in problem["errors"]}
        self.assertIn("Allowed: rep, segment, team, product, tier, origin, period", messages["by"])
        self.assertIn("2026-01-01..2026-03-31", messages["period"])
        self.assert_problem(self.client.get("/v1/alignment?perod=2026"), 400, "unknown_parameter")
        self.assert_problem(self.client.get("/v1/alignment?as_of=yesterday"), 400, "invalid_parameter")
        self.assert_problem(self.client.get("/v1/metrics/selling_time_share?by=product"), 400, "invalid_parameter", ("by", "not_one_of"))
        self.assert_problem(self.client.get("/v1/metrics/selling_time_share?product=GTX"), 400, "invalid_parameter")
        self.assert_problem(self.client.get("/v1/metrics/win_rate?fit_basis=restated:s9"), 400, "invalid_parameter", ("fit_basis", "not_one_of"))
        self.assert_problem(self.client.get("/v1/metrics/win_rate?credit=mine"), 400, "invalid_parameter", ("credit", "not_one_of"))
        self.assert_problem(self.client.get("/v1/metrics/bookings_share/rows?cursor=!!"), 400, "invalid_parameter", ("cursor", "invalid_cursor"))
        self.assertIn("win_rate", self.assert_problem(self.client.get("/v1/metrics/win_rat"), 404, "not_found")["detail"])

    def test_a_key_sees_what_it_may(self):
        own = self.server.client("read", read_scope="self", rep="ann")
        answer = self.ask("/v1/alignment?by=rep&period=2026-Q1", own)
        self.assertEqual([row["key"] for row in answer["rows"]], ["ann"])
        alone = self.ask("/v1/metrics/win_rate?period=2026-Q1&rep=ann")["total"]
        self.assertEqual(answer["total"]["metrics"]["win_rate"], alone)
        self.assertEqual(self.ask("/v1/metrics/win_rate?period=2026-Q1&rep=bob", own)["total"]["n"], 0)
        self.assertEqual({row["rep"] for row in self.ask("/v1/metrics/win_rate/rows?period=2026-Q1", own)["data"]}, {"ann"})
        self.assert_problem(own.get("/v1/reps/bob/alignment"), 404, "not_found")
        self.assert_problem(own.get("/v1/opportunities/d2/alignment"), 404, "not_found")
        self.ask("/v1/opportunities/d1/alignment", own)
        for other in ("south", "top"):  # not even its name
            self.assert_problem(own.get(f"/v1/teams/{other}/alignment"), 404, "not_found")
        self.ask("/v1/teams/north/alignment?period=2026-Q1", own)
        team = self.server.client("read", read_scope="team", team="top")
        self.assertEqual([row["key"] for row in self.ask("/v1/alignment?by=rep&period=2026-Q1", team)["rows"]], ["ann"])
        self.assert_problem(team.get("/v1/teams/south/alignment"), 404, "not_found")
        self.ask("/v1/teams/north/alignment?period=2026-Q1", team)
        self.assert_problem(self.server.client("ingest").get("/v1/alignment"), 403, "forbidden")

    def test_answers_are_tagged(self):
        path = "/v1/alignment?by=rep&period=2026-Q1"
        first = self.assert_status(self.client.get(path), 200)
        tag = first.headers["ETag"]
        self.assert_status(self.client.get(path, {"If-None-Match": tag}), 304)
        self.assertNotEqual(self.client.get("/v1/alignment?by=team&period=2026-Q1").headers["ETag"], tag)
        self.assertNotEqual(self.server.client("read", read_scope="self", rep="ann").get(path).headers["ETag"], tag)
        self.assert_counts(self.client.request("POST", "/v1/accounts", [{"id": "new", "name": "New"}]), accepted=1)
        again = self.assert_status(self.client.get(path, {"If-None-Match": tag}), 200)
        self.assertNotEqual(again.headers["ETag"], tag)
        self.assertEqual(again.json()["rows"], first.json()["rows"])

    def test_what_waits_in_quarantine_is_told_at_once(self):
        client = self.serve().client()
        first = client.get("/v1/metrics/win_rate?period=2026")
        self.assertEqual(first.json()["total"]["excluded"]["quarantined_open"], 0)
        self.assert_counts(client.request("POST", "/v1/accounts", [{"id": "a", "name": "A", "event_id": "e1"}]), accepted=1)
        before = client.get("/v1/metrics/win_rate?period=2026").headers["ETag"]
        reused = client.request("POST", "/v1/accounts", [{"id": "a", "name": "B", "event_id": "e1"}])
        self.assertEqual(reused.json()["rejected"], 1, reused)
        after = self.assert_status(client.get("/v1/metrics/win_rate?period=2026", {"If-None-Match": before}), 200)
        self.assertEqual(after.json()["total"]["excluded"]["quarantined_open"], 1)

    def test_without_figures_of_reps(self):
        server = self.serve()
        client = server.client()
        self.assert_ok(client.request("PATCH", "/v1/settings", {"rep_metrics": "off"}))
        for path in ("/v1/alignment?by=rep", "/v1/metrics/win_rate?rep=ann", "/v1/reps/ann/alignment"):
            self.assert_problem(client.get(path), 403, "forbidden")
        self.ask("/v1/alignment?by=team", client)
        self.ask("/v1/summary", client)

    def test_an_empty_database_answers(self):
        client = self.serve().client()
        for metric in self.ask("/v1/metrics", client)["data"]:
            total = self.ask(f"/v1/metrics/{metric['key']}", client)["total"]
            if metric["key"] in ("data_quality", "pipeline_change"):  # nothing wrong with nothing, and nothing moved: true zeros
                self.assertEqual(float(total["value"]), 0, metric["key"])
                continue
            self.assertIsNone(total["value"], metric["key"])
            self.assertTrue(total["reason"], metric["key"])
        index = self.ask("/v1/metrics/alignment_index", client)["total"]
        self.assertEqual(index["parts"]["coverage"], 0)
        self.assertEqual(self.ask("/v1/alignment?by=rep", client)["rows"], [])
        self.ask("/v1/summary", client)


if __name__ == "__main__":
    unittest.main()
