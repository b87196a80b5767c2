"""Strategies over HTTP: the document checked whole, drafts and published versions, explain, overrides, settings, audit."""
import copy

from harness import Case

DOCUMENT = {
    "name": "Care first", "effective_from": "2024-01-01",
    "segments": [{"key": "hospitals", "label": "Hospitals", "when": [{"attr": "industry", "in": ["healthcare"]}, {"attr": "employees", "gte": 1000}],
                  "target": {"bookings": 0.7, "time": 0.5}},
                 {"key": "clinics", "when": [{"attr": "industry", "eq": "healthcare"}], "target": {"bookings": 0.3, "time": 0.5}}],
    "fit": {"criteria": [{"key": "industry", "weight": 30, "attr": "industry", "match": [{"in": ["healthcare"], "score": 1}]},
                         {"key": "size", "weight": 20, "attr": "employees", "match": [{"gte": 200, "score": 1}, {"gte": 100, "lt": 200, "score": 0.5}]}],
            "required": ["industry"], "disqualify": [{"attr": "country", "in": ["XX"]}], "min_coverage": 0.5,
            "tiers": [{"key": "core", "min": 70, "on_strategy": True}, {"key": "outside", "min": 0, "on_strategy": False}]},
    "products": {"GTX": 0.6, "MG": 0.4},
    "messages": [{"key": "uptime", "label": "Never down", "target": 0.6}, {"key": "price", "target": "0.4"}],
    "opportunistic": {"limit": 0.15, "easy_origins": ["inbound"]},
    "conduct": {"discovery_kinds": ["discovery"], "proposal_kinds": ["proposal"], "talk_ratio_band": [0.35, 0.5]},
    "activity_minutes": {"email": 5, "call": 10},
    "index_weights": {"bookings": 0.25, "pipeline": 0.20, "time": 0.25, "product": 0.15, "message": 0.15},
    "thresholds": [{"metric": "bookings_share", "by": "rep", "warn": 0.6, "fail": 0.4, "direction": "higher"}],
}


def document(**changes):
    return {**copy.deepcopy(DOCUMENT), **changes}


def fit(**changes):
    return document(fit={**copy.deepcopy(DOCUMENT["fit"]), **changes})


def rule(*rules):
    return document(segments=[{"key": "s", "when": list(rules)}])


def nested(depth):
    """A rule in `depth` levels, the innermost an operator."""
    inner = {"attr": "x", "eq": 1}
    for _ in range(depth - 1):
        inner = {"not": inner}
    return inner


class Documents(Case):
    """What is refused, each problem by its pointer and code."""

    @classmethod
    def setUpClass(cls):
        cls.server = cls.start()
        cls.client = cls.server.client("strategy")

    REFUSED = [
        ({}, [("/name", "required"), ("/effective_from", "required"), ("/fit", "required")]),
        (document(effective_from="2024-02-30"), [("/effective_from", "not_a_date")]),
        (document(segmentz=[]), [("/segmentz", "unknown_attribute")]),
        (document(scope={"team": ["emea"]}), [("/scope/team", "unknown_attribute")]),
        (document(products={"GTX": 0.6, "MG": 0.399}), [("/products", "mix_total")]),
        (document(products={"GTX": 1.2, "MG": "x"}), [("/products/GTX", "out_of_range"), ("/products/MG", "not_a_number")]),
        (document(products=[]), [("/products", "wrong_type")]),
        (document(products={"GTX": "0x0.8", "MG": " 0.5"}), [("/products/GTX", "not_a_number"), ("/products/MG", "not_a_number")]),
        (document(money_targets={"segments": {"care": "1000"}, "per": "week"}), [("/money_targets/currency", "required"), ("/money_targets/per", "not_one_of")]),
        (document(money_targets={"currency": "euro", "segments": [], "products": {"GTX": -1, "MG": "much"}, "regions": {}}),
         [("/money_targets/currency", "unknown_currency"), ("/money_targets/segments", "wrong_type"), ("/money_targets/products/GTX", "out_of_range"),
          ("/money_targets/products/MG", "not_a_number"), ("/money_targets/regions", "unknown_attribute")]),
        (document(messages=[{"key": "a", "target": 0.5}, {"key": "a", "target": 0.4}]), [("/messages/1/key", "not_unique"), ("/messages", "mix_total")]),
        (document(segments=[{"key": "a", "when": [], "target": {"bookings": 0.5, "time": 1}}, {"key": "a", "when": [], "target": {"bookings": 0.4}}]),
         [("/segments/1/key", "not_unique"), ("/segments", "mix_total")]),
        (document(segments=[{"key": "other", "when": []}, {"when": {}}]), [("/segments/0/key", "reserved_key"), ("/segments/1/key", "required"), ("/segments/1/when", "wrong_type")]),
        (rule({"attr": "x", "eqq": 1}), [("/segments/0/when/0/eqq", "unknown_operator"), ("/segments/0/when/0", "empty_rule")]),
        (rule({"attr": "x"}, {"eq": 1}, "x"), [("/segments/0/when/0", "empty_rule"), ("/segments/0/when/1", "no_attribute"), ("/segments/0/when/2", "wrong_type")]),
        (rule({"attr": "x", "in": []}, {"attr": "x", "not_in": [1, {}]}), [("/segments/0/when/0/in", "wrong_type"), ("/segments/0/when/1/not_in/1", "wrong_type")]),
        (rule({"attr": "x", "gt": True}, {"attr": "x", "exists": 1}, {"attr": "x", "eq": None}),
         [("/segments/0/when/0/gt", "wrong_type"), ("/segments/0/when/1/exists", "wrong_type"), ("/segments/0/when/2/eq", "wrong_type")]),
        (rule({"any": []}, {"any": [{"attr": "x", "lt": []}]}), [("/segments/0/when/0/any", "empty_rule"), ("/segments/0/when/1/any/0/lt", "wrong_type")]),
        (rule({"attr": "x", "eq": 1, "score": 1}), [("/segments/0/when/0/score", "unknown_operator")]),
        (rule(nested(9)), [("/segments/0/when/0" + 8 * "/not", "too_deep")]),
        (fit(criteria=[]), [("/fit/criteria", "required"), ("/fit/required/0", "unknown_criterion")]),
        (fit(criteria=[{"key": "industry", "weight": 0, "attr": "a", "match": []}]), [("/fit/criteria/0/weight", "out_of_range"), ("/fit/criteria/0/match", "empty_rule")]),
        (fit(criteria=[{"key": "industry", "weight": 1, "attr": "a", "match": [{"eq": 1}, {"eq": 2, "score": 1.5}, {"score": 1}]}]),
         [("/fit/criteria/0/match/0/score", "required"), ("/fit/criteria/0/match/1/score", "out_of_range"), ("/fit/criteria/0/match/2", "empty_rule")]),
        (fit(required=["industri"]), [("/fit/required/0", "unknown_criterion")]),
        (fit(min_coverage=1.1), [("/fit/min_coverage", "out_of_range")]),
        (fit(disqualify=[{"attr": "x"}]), [("/fit/disqualify/0", "empty_rule")]),
        (fit(tiers=[{"key": "a", "min": 50, "on_strategy": False}, {"key": "a", "min": 50, "on_strategy": False}]),
         [("/fit/tiers/1/key", "not_unique"), ("/fit/tiers/1/min", "not_ordered"), ("/fit/tiers", "no_zero_tier"), ("/fit/tiers", "no_on_strategy_tier")]),
        (fit(tiers=[{"key": "excluded", "min": 0, "on_strategy": True}]), [("/fit/tiers/0/key", "reserved_key"), ("/fit/tiers", "no_off_strategy_tier")]),
        (fit(tiers=[{"key": "a", "min": 101, "on_strategy": True}, {"key": "b", "min": 0}]), [("/fit/tiers/0/min", "out_of_range"), ("/fit/tiers/1/on_strategy", "required")]),
        (document(thresholds=[{"metric": "booking_share", "warn": 0.4, "fail": 0.6}, {"metric": "cycle_days", "warn": 60, "fail": 30, "direction": "lower"}]),
         [("/thresholds/0/metric", "unknown_metric"), ("/thresholds/0/fail", "not_ordered"), ("/thresholds/1/fail", "not_ordered")]),
        (document(thresholds=[{"metric": "win_rate", "by": "galaxy", "warn": 1, "fail": 0}]), [("/thresholds/0/by", "not_one_of")]),
        (document(conduct={"talk_ratio_band": [0.5, 0.35]}), [("/conduct/talk_ratio_band", "not_an_interval")]),
        (document(activity_minutes={"call": -1}), [("/activity_minutes/call", "out_of_range")]),
        (document(index_weights={"bookings": 2, "luck": 1}), [("/index_weights/bookings", "out_of_range"), ("/index_weights/luck", "unknown_attribute")]),
        (document(opportunistic={"limit": -0.1}), [("/opportunistic/limit", "out_of_range")]),
        ([], [("", "wrong_type")]),
    ]

    def test_refused(self):
        for body, problems in self.REFUSED:
            with self.subTest(problems=problems):
                found = self.assert_problem(self.client.post("/v1/strategies", body), 422, "validation_failed")
                self.assertEqual(sorted((e["pointer"], e["code"]) for e in found["errors"]), sorted(problems))

    def test_nearest_is_named(self):
        errors = self.assert_problem(self.client.post("/v1/strategies", fit(required=["industri"])), 422, "validation_failed")["errors"]
        self.assertIn("industry", errors[0]["message"])
        errors = self.assert_problem(self.client.post("/v1/strategies", rule({"attr": "x", "contain": "a"})), 422, "validation_failed")["errors"]
        self.assertIn("contains", errors[0]["message"])

    def test_not_json(self):
        self.assert_problem(self.client.post("/v1/strategies", "{", {"Content-Type": "application/json"}), 400, "invalid_json")

    def test_taken(self):
        for body in (DOCUMENT, rule(nested(8)), document(products={}, messages=[], thresholds=[]), fit(min_coverage="0.5"),
                     document(money_targets={"currency": "EUR", "per": "quarter", "segments": {"care": "1250000.50"}, "products": {"GTX": 1}}),
                     document(products={"a": 0.3333333, "b": 0.3333333, "c": 0.3333333}), document(scope={"teams": ["emea", 7]}),
                     {name: DOCUMENT[name] for name in ("name", "effective_from", "fit")}):
            with self.subTest(body=body):
                self.assert_status(self.client.post("/v1/strategies", body), 201)

    def test_metrics_of_the_dictionary_may_have_thresholds(self):
        keys = [row["key"] for row in self.assert_ok(self.server.client("read").get("/v1/metrics"))["data"]]
        self.assertGreater(len(keys), 5)
        thresholds = [{"metric": key, "warn": 1, "fail": 0} for key in keys]
        self.assert_status(self.client.post("/v1/strategies", document(thresholds=thresholds)), 201)

    def test_refused_leaves_nothing(self):
        before = self.server.value("SELECT count(*) FROM strategy"), self.server.value("SELECT count(*) FROM audit")
        self.assert_problem(self.client.post("/v1/strategies", document(products={"a": 0.5})), 422, "validation_failed")
        self.assertEqual(before, (self.server.value("SELECT count(*) FROM strategy"), self.server.value("SELECT count(*) FROM audit")))


class Life(Case):
    """From a draft to a version in force, and what it does to what was sold."""

    @classmethod
    def setUpClass(cls):
        cls.server = cls.start()
        cls.client = cls.server.client()

    def setUp(self):
        if self.server.value("SELECT count(*) FROM object") != "0":
            return
        for kind, rows in (
                ("teams", [{"id": "emea", "name": "EMEA"}]),
                ("reps", [{"id": "ann", "name": "Ann", "team": "emea"}, {"id": "bob", "name": "Bob"}]),
                ("stages", [{"id": "Open", "label": "Open", "outcome": "open"}, {"id": "Won", "label": "Won", "outcome": "won"}]),
                ("accounts", [{"id": "hosp", "name": "Hospital", "owner": "ann", "attributes": {"industry": "healthcare", "employees": 1500}},
                              {"id": "shop", "name": "Shop", "owner": "bob", "attributes": {"industry": "retail", "employees": 150}},
                              {"id": "bare", "name": "Bare"}, {"id": "bar2", "name": "Bare"}]),
                ("opportunities", [{"id": "d1", "stage": "Won", "owner": "ann", "account": "hosp", "amount": "100", "currency": "EUR"},
                                   {"id": "d2", "stage": "Won", "owner": "bob", "account": "shop", "amount": "50", "currency": "EUR"}])):
            self.assert_counts(self.client.post(f"/v1/{kind}?occurred_at=2024-03-01T00:00:00Z", rows), accepted=len(rows))

    def create(self, body=None):
        response = self.assert_status(self.client.post("/v1/strategies", body or DOCUMENT), 201)
        self.assertEqual(response.headers["Location"], f"/v1/strategies/{response.json()['id']}")
        return response.json()

    def publish(self, body=None):
        return self.assert_ok(self.client.post(f"/v1/strategies/{self.create(body)['id']}/publish"))

    def test_draft(self):
        draft = self.create()
        self.assertEqual({name: draft[name] for name in DOCUMENT}, DOCUMENT)
        self.assertEqual((draft["status"], draft["backdated"], draft["published_at"]), ("draft", False, None))
        path = f"/v1/strategies/{draft['id']}"
        self.assertEqual(self.assert_ok(self.client.get(path)), draft)
        self.assertEqual(self.assert_ok(self.client.put(path, {**draft, "name": "Other"}))["name"], "Other")
        self.assert_problem(self.client.put(path, {**draft, "name": ""}), 422, "validation_failed", ("/name", "too_short"))
        self.assertIn(draft["id"], [row["id"] for row in self.assert_ok(self.client.get("/v1/strategies?status=draft"))["data"]])
        self.assertEqual(self.assert_ok(self.client.delete(path)), {"id": draft["id"], "deleted": True})
        self.assert_problem(self.client.get(path), 404, "not_found")
        self.assert_problem(self.client.delete(path), 404, "not_found")

    def test_publish_is_final(self):
        published = self.publish()
        self.assertEqual((published["status"], published["backdated"], published["effective_at"]), ("published", True, "2024-01-01T00:00:00Z"))
        self.assertEqual([w["code"] for w in published["warnings"]], ["unknown_attribute", "unreachable_segment"])
        path = f"/v1/strategies/{published['id']}"
        for response in (self.client.put(path, DOCUMENT), self.client.delete(path), self.client.post(f"{path}/publish", {})):
            self.assert_problem(response, 409, "strategy_published")
        # going back is posting what was got
        again = self.create(self.assert_ok(self.client.get(path)))
        self.assertEqual((again["status"], again["name"]), ("draft", published["name"]))
        changes = self.assert_ok(self.client.get(f"/v1/strategies/{again['id']}/diff?against={published['id']}"))
        self.assertEqual(changes, {"id": again["id"], "against": published["id"], "changes": []})

    def test_what_was_sold_is_judged(self):
        self.publish()
        rows = dict(self.server.sql("SELECT deal_id, closed_class || ' ' || closed_segment FROM deal_fact WHERE org_id = 1"))
        self.assertEqual(rows, {"d1": "on hospitals", "d2": "off other"})

    def test_scopes_overlap(self):
        self.publish(document(effective_from="2030-01-01", scope={"teams": ["emea"]}))
        other = self.create(document(effective_from="2030-01-01", scope={"teams": ["emea", "apac"]}))
        self.assert_problem(self.client.post(f"/v1/strategies/{other['id']}/publish"), 409, "overlapping_scope", ("/scope/teams", "overlapping_scope"))
        listed = self.assert_ok(self.client.get("/v1/strategies?effective_at=2030-06-01"))["data"]
        self.assertIn(["emea"], [row.get("scope", {}).get("teams") for row in listed])

    def test_preview_writes_nothing(self):
        self.publish()
        draft = self.create(fit(tiers=[{"key": "gold", "min": 0, "on_strategy": True}, ], required=[]))
        versions = self.server.sql("SELECT * FROM org_version")
        preview = self.assert_ok(self.client.post(f"/v1/strategies/{draft['id']}/preview"))
        self.assertEqual(preview["accounts"], 4)
        self.assertIn({"from": "core", "to": "gold", "n": 1, "money": "0.00", "sample": ["hosp"]}, preview["tiers"])
        self.assertIn({"from": "outside", "to": "gold", "n": 1, "money": "0.00", "sample": ["shop"]}, preview["tiers"])
        self.assertEqual(preview["segments"], [])
        self.assertEqual(preview["classes"], {"on": 2, "off": 0, "unknown": 2})
        self.assertEqual(self.server.sql("SELECT * FROM org_version"), versions)

    def test_preview_shows_what_the_key_may_see(self):
        self.publish()
        path = f"/v1/strategies/{self.create(fit(tiers=[{'key': 'gold', 'min': 0, 'on_strategy': True}], required=[]))['id']}/preview"
        for options, accounts, deals in (({}, 4, 2), ({"read_scope": "self", "rep": "bob"}, 1, 1), ({"read_scope": "team", "team": "emea"}, 1, 1), ({"read_scope": "team", "team": "apac"}, 0, 0)):
            with self.subTest(**options):
                preview = self.assert_ok(self.server.client("read", **options).post(path))
                self.assertEqual((preview["accounts"], preview["bookings"]["n"]), (accounts, deals))
        preview = self.assert_ok(self.server.client("read", read_scope="self", rep="bob").post(path))
        self.assertEqual([preview["tiers"], preview["bookings"]["moves"]["tier"]],
                         [[{"from": "outside", "to": "gold", "n": 1, "money": "0.00", "sample": ["shop"]}], [{"from": "outside", "to": "gold", "n": 1, "money": "50.00", "sample": ["d2"]}]])
        self.assertEqual((preview["bookings"]["money"], preview["currency"], preview["pipeline"]["n"]), ("50.00", "EUR", 0))

    def test_preview_where_another_strategy_holds(self):
        self.publish()
        tiers = {"tiers": [{"key": "gold", "min": 0, "on_strategy": True}], "required": []}
        earlier = self.create({**fit(**tiers), "effective_from": "2020-01-01"})
        preview = self.assert_ok(self.client.post(f"/v1/strategies/{earlier['id']}/preview"))
        self.assertEqual((preview["accounts"], preview["tiers"], preview["bookings"]["n"]), (0, [], 0))

    def test_explain(self):
        published = self.publish()
        answer = self.assert_ok(self.client.get(f"/v1/accounts/shop/fit?as_of=2024-06-01&strategy={published['id']}"))
        self.assertEqual((answer["tier"], answer["class"], answer["segment"], answer["score"], answer["low"], answer["high"], answer["coverage"]),
                         ("outside", "off", "other", 20, 20, 20, 1))
        self.assertEqual(sum(c["contribution"] for c in answer["criteria"]), answer["score"])
        self.assertEqual([(c["key"], c["value"], c["match"], c["contribution"]) for c in answer["criteria"]], [("industry", "retail", 0, 0), ("size", 150, 0.5, 20)])
        self.assertEqual((answer["required_missed"], answer["since"] if "since" in answer else answer["criteria"][0]["since"]), ("industry", "2024-03-01T00:00:00Z"))
        bare = self.assert_ok(self.client.get("/v1/accounts/bare/fit"))
        self.assertEqual((bare["tier"], bare["score"], bare["reason"], bare["low"], bare["high"]), ("unknown", None, "no_attributes", 0, 100))
        self.assert_problem(self.client.get("/v1/accounts/nobody/fit"), 404, "not_found")
        self.assert_problem(self.client.get("/v1/accounts/shop/fit?strategy=s999"), 404, "not_found")
        self.assert_problem(self.client.get("/v1/accounts/shop/fit?as_off=2024-01-01"), 400, "unknown_parameter", ("as_off", "unknown_parameter"))

    def test_explain_within_the_keys_rows(self):
        self.publish()
        own = self.server.client("read", read_scope="self", rep="ann")
        self.assert_ok(own.get("/v1/accounts/hosp/fit"))
        self.assert_problem(own.get("/v1/accounts/shop/fit"), 404, "not_found")

    def test_override(self):
        published = self.publish()
        path = f"/v1/accounts/hosp/fit?strategy={published['id']}"
        etag = self.assert_status(self.client.get(path), 200).headers["ETag"]
        self.assert_problem(self.client.put("/v1/accounts/hosp/fit-override", {"tier": "platinum", "reason": "x"}), 422, "validation_failed", ("/tier", "not_one_of"))
        self.assert_problem(self.client.put("/v1/accounts/hosp/fit-override", {"tear": "core"}), 422, "validation_failed",
                            ("/tier", "required"), ("/reason", "required"), ("/tear", "unknown_attribute"))
        self.assert_problem(self.client.put("/v1/accounts/nobody/fit-override", {"tier": "core", "reason": "x"}), 404, "not_found")
        self.assertEqual(self.assert_ok(self.client.put("/v1/accounts/hosp/fit-override", {"tier": "outside", "reason": "bankrupt"}))["tier"], "outside")
        answer = self.assert_status(self.client.get(path, {"If-None-Match": etag}), 200).json()
        self.assertEqual((answer["tier"], answer["class"], answer["computed"]["tier"], answer["override"]["reason"], answer["score"]), ("outside", "off", "core", "bankrupt", 100))
        self.assert_ok(self.client.delete("/v1/accounts/hosp/fit-override"))
        answer = self.assert_ok(self.client.get(path))
        self.assertEqual((answer["tier"], answer["computed"], answer["override"]), ("core", {"tier": "core", "class": "on", "reason": None}, None))
        self.assert_problem(self.client.delete("/v1/accounts/hosp/fit-override"), 404, "not_found")

    def test_keys(self):
        for method, path, body in (("POST", "/v1/strategies", DOCUMENT), ("PUT", "/v1/strategies/s1", DOCUMENT), ("DELETE", "/v1/strategies/s1", None),
                                   ("POST", "/v1/strategies/s1/publish", None), ("PUT", "/v1/accounts/hosp/fit-override", {"tier": "core", "reason": "x"})):
            self.assert_problem(self.server.client("read", "ingest", "admin").request(method, path, body), 403, "forbidden")
        for method, path, body in (("GET", "/v1/settings", None), ("PATCH", "/v1/settings", {}), ("GET", "/v1/audit", None)):
            self.assert_problem(self.server.client("read", "ingest", "strategy").request(method, path, body), 403, "forbidden")


class Settings(Case):
    @classmethod
    def setUpClass(cls):
        cls.server = cls.start()
        cls.client = cls.server.client("admin")

    def test_defaults_and_changes(self):
        settings = self.assert_ok(self.client.get("/v1/settings"))
        self.assertEqual({name: settings[name] for name in ("slug", "time_zone", "fiscal_year_start", "min_n", "won_close_basis", "reporting_currency")},
                         {"slug": "default", "time_zone": "UTC", "fiscal_year_start": 1, "min_n": 5, "won_close_basis": "source_date", "reporting_currency": None})
        self.assert_problem(self.client.patch("/v1/settings", {"time_zon": "x", "min_n": 0, "reporting_currency": "XYZZY", "fy_name": None, "won_close_basis": "luck"}), 422,
                            "validation_failed", ("/time_zon", "unknown_attribute"), ("/min_n", "out_of_range"), ("/reporting_currency", "unknown_currency"),
                            ("/won_close_basis", "not_one_of"))
        self.assert_problem(self.client.patch("/v1/settings", {"time_zone": "Europe/Londn"}), 422, "validation_failed", ("/time_zone", "unknown_time_zone"))
        changed = self.assert_ok(self.client.patch("/v1/settings", {"time_zone": "Europe/London", "min_n": 3, "reporting_currency": "GBP"}))
        self.assertEqual((changed["time_zone"], changed["min_n"], changed["reporting_currency_in_use"]), ("Europe/London", 3, "GBP"))
        entry = self.assert_ok(self.client.get("/v1/audit?action=settings.update&limit=1"))["data"][0]
        self.assertEqual((entry["object"], entry["before"]["min_n"], entry["after"]["min_n"]), ("settings", 5, 3))
        self.assertTrue(entry["actor"].startswith("key:"))
        self.assertEqual(self.assert_ok(self.client.patch("/v1/settings", {"reporting_currency": None}))["reporting_currency"], None)

    def test_audit_pages(self):
        client = self.serve().client("admin")
        for value in (6, 7, 8):
            self.assert_ok(client.patch("/v1/settings", {"min_n": value}))
        first = client.get("/v1/audit?limit=2")
        page = self.assert_ok(first)
        self.assertIn('rel="next"', first.headers["Link"])
        following = self.assert_ok(client.get(f"/v1/audit?limit=2&cursor={page['next']}"))
        ids = [row["id"] for row in page["data"] + following["data"]]
        self.assertEqual(ids, sorted(ids, reverse=True))
        self.assertEqual(len(set(ids)), len(ids))
        self.assert_problem(client.get("/v1/audit?cursor=x"), 400, "invalid_parameter", ("cursor", "invalid_cursor"))


class Bases(Case):
    """Two versions, one after the other: every basis judges by the one it names."""

    @classmethod
    def setUpClass(cls):
        cls.server = cls.start()
        cls.client = cls.server.client()

    def share(self, query):
        answer = self.assert_ok(self.client.get(f"/v1/metrics/bookings_share?period=2024-Q1{query}"))
        return answer["total"]["value"], answer["strategy_versions"], answer["backdated"], answer["fit_basis"]

    def test_bases(self):
        for kind, rows in (
                ("stages", [{"id": "Won", "label": "Won", "outcome": "won"}]),
                ("accounts", [{"id": "clinic", "name": "Clinic", "attributes": {"industry": "healthcare", "employees": 500}},
                              {"id": "shop", "name": "Shop", "attributes": {"industry": "retail", "employees": 500}}]),
                ("opportunities", [{"id": "d1", "stage": "Won", "account": "clinic", "amount": "300", "currency": "EUR"},
                                   {"id": "d2", "stage": "Won", "account": "shop", "amount": "100", "currency": "EUR"}])):
            self.assert_counts(self.client.post(f"/v1/{kind}?occurred_at=2024-03-01T00:00:00Z", rows), accepted=len(rows))
        self.assertEqual(self.share(""), (None, [], False, "as_judged"))
        shops = {"criteria": [{"key": "industry", "weight": 1, "attr": "industry", "match": [{"eq": "retail", "score": 1}]}], "required": []}
        for number, body in enumerate((document(), {**fit(**shops), "effective_from": "2024-06-01"}, {**fit(**shops), "effective_from": "2199-01-01"}), 1):
            draft = self.assert_status(self.client.post("/v1/strategies", body), 201).json()["id"]
            self.assertEqual(draft, f"s{number}")
            self.assert_problem(self.client.get(f"/v1/metrics/bookings_share?fit_basis=restated:{draft}"), 400, "invalid_parameter", ("fit_basis", "not_one_of"))
            self.assert_ok(self.client.post(f"/v1/strategies/{draft}/publish"))
        self.assertEqual(self.share(""), (0.75, ["s1"], True, "as_judged"))
        self.assertEqual(self.share("&fit_basis=restated:s2"), (0.25, ["s2"], True, "restated:s2"))
        self.assertEqual(self.share("&fit_basis=restated:s3"), (0.25, ["s3"], False, "restated:s3"))
        self.assertEqual(self.share("&fit_basis=current"), (0.25, ["s2"], True, "current"))
        # the attributes of the decision for a restated version, the latest ones for current
        self.assert_ok(self.client.patch("/v1/accounts/clinic", {"attributes": {"industry": "retail"}}))
        self.assertEqual(self.share("&fit_basis=restated:s2")[0], 0.25)
        self.assertEqual(self.share("&fit_basis=current")[0], 1)
        self.assertEqual(self.share("")[0], 0.75)


class Audit(Case):
    """Every change of configuration, by whoever, with what was before and after."""

    def test_every_change(self):
        server = self.serve()
        client = server.client()
        self.assert_ok(client.put("/v1/accounts/a1", {"name": "A"}))
        draft = self.assert_status(client.post("/v1/strategies", DOCUMENT), 201).json()["id"]
        self.assert_ok(client.put(f"/v1/strategies/{draft}", document(name="Care only")))
        self.assert_ok(client.post(f"/v1/strategies/{draft}/publish"))
        self.assert_ok(client.delete(f"/v1/strategies/{self.assert_status(client.post('/v1/strategies', DOCUMENT), 201).json()['id']}"))
        for tier in ("core", "outside"):
            self.assert_ok(client.put("/v1/accounts/a1/fit-override", {"tier": tier, "reason": "r"}))
        self.assert_ok(client.delete("/v1/accounts/a1/fit-override"))
        self.assert_ok(client.patch("/v1/settings", {"min_n": 3}))
        self.assertEqual(server.plumbline("org", "create", "other").returncode, 0)
        rows = self.assert_ok(client.get("/v1/audit"))["data"][::-1]
        self.assertEqual([row["action"] for row in rows], ["key.create", "strategy.create", "strategy.update", "strategy.publish", "strategy.create", "strategy.delete",
                                                          "fit_override.set", "fit_override.set", "fit_override.end", "settings.update"])
        key = f"key:{client.key.split('_')[2]}"
        self.assertEqual({row["actor"] for row in rows[1:]}, {key})
        self.assertEqual(rows[0]["actor"], "cli")
        shown = [[None if side is None else side.get("name") or side.get("tier") or side.get("min_n") for side in (row["before"], row["after"])] for row in rows[1:9]]
        self.assertEqual(shown, [[None, "Care first"], ["Care first", "Care only"], [None, "Care only"], [None, "Care first"], ["Care first", None],
                                 [None, "core"], ["core", "outside"], ["outside", None]])
        self.assertEqual((rows[9]["before"]["min_n"], rows[9]["after"]["min_n"]), (5, 3))
        entries = self.assert_ok(server.client("admin", org="other").get("/v1/audit"))["data"]
        self.assertEqual([(row["action"], row["object"]) for row in entries][::-1], [("org.create", "org/other"), ("key.create", entries[0]["object"])])
