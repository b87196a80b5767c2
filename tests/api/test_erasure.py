"""Erasure of a person: name and address leave every table and never come back; figures stay to the byte."""
import json

from harness import Case

NAME, EMAIL = "Zoë Quirk-Ånström", "zoe.quirk@example.org"
STRATEGY = {
    "name": f"Ours, by {NAME}", "effective_from": "2026-01-01",
    "segments": [{"key": "hers", "label": f"Accounts of {NAME}", "when": [{"attr": "keeper", "eq": NAME}], "target": {"bookings": 0.5, "time": 0.5}},
                 {"key": "all", "label": "All", "when": [{"attr": "industry", "exists": True}], "target": {"bookings": 0.5, "time": 0.5}}],
    "fit": {"criteria": [{"key": "i", "weight": 1, "attr": "keeper", "match": [{"in": [NAME], "score": 1}]}], "min_coverage": 0.5,
            "tiers": [{"key": "core", "min": 70, "on_strategy": True}, {"key": "outside", "min": 0, "on_strategy": False}]}}
QUESTIONS = ["/v1/alignment?by=rep&period=2026-Q1", "/v1/alignment?by=segment&period=2026-Q1", "/v1/metrics/bookings_share?by=rep&period=2026-Q1&as_of=2026-03-01",
             "/v1/summary?period=2026-Q1", "/v1/reps/r1/alignment?period=2026-Q1", "/v1/metrics/selling_time_share?by=team&period=2026-Q1"]


def without_labels(document):
    """The answer but for what people read, and the versions of data and configuration."""
    if isinstance(document, dict):
        return {key: without_labels(value) for key, value in document.items()
                if key not in ("label", "name", "sentence", "sentences", "data_version", "text", "brief")}
    if isinstance(document, list):
        return [without_labels(value) for value in document]
    return document


class Erasure(Case):
    def setUp(self):
        self.server = self.serve()
        self.client = self.server.client()
        self.old = {"id": "r1", "name": NAME, "email": EMAIL, "team": "east", "event_id": "crm-1", "occurred_at": "2026-01-02T00:00:00Z"}
        self.assert_ok(self.client.post("/v1/teams?occurred_at=2026-01-01T00:00:00Z", [{"id": "east", "name": "East"}]))
        self.assert_ok(self.client.post("/v1/reps", [self.old, {"id": "r2", "name": "Bo Chen", "occurred_at": "2026-01-02T00:00:00Z"},
                                                     {"id": "r1b", "name": f"{NAME} (old record)", "email": EMAIL}]))
        self.assert_ok(self.client.patch("/v1/reps/r1", {"name": NAME.upper(), "cost_per_hour": "80.00", "cost_currency": "EUR"}))
        self.assert_ok(self.client.post("/v1/reps/r1b/merge", {"into": "r1"}))
        self.assert_ok(self.client.post("/v1/accounts?occurred_at=2026-01-02T00:00:00Z", [
            {"id": "a1", "name": "Care", "owner": "r1", "attributes": {"industry": "care", "keeper": NAME}},
            {"id": "a2", "name": "Other", "owner": "r2", "attributes": {"industry": "x", "keeper": "Bo Chen"}}]))
        self.assert_ok(self.client.post("/v1/stages?occurred_at=2026-01-01T00:00:00Z", [{"id": "won", "label": "Won", "outcome": "won"}]))
        deals = [{"id": f"d{i}", "name": f"Renewal, ask {NAME} <{EMAIL}>", "account": f"a{1 + i % 2}", "owner": f"r{1 + i % 2}", "stage": "won",
                  "amount": f"{100 + i}.50", "currency": "EUR", "created_at": "2026-01-10T00:00:00Z", "closed_at": "2026-02-10T00:00:00Z"} for i in range(8)]
        self.assert_ok(self.client.post("/v1/opportunities?occurred_at=2026-01-10T00:00:00Z", deals))
        self.assert_ok(self.client.post("/v1/activities", [{"id": "c1", "kind": "meeting", "starts_at": "2026-02-01T10:00:00Z", "duration_s": 3600,
                                                            "rep": "r1", "account": "a1", "outcome": "held"}]))
        # refused and kept: an event from the future
        self.client.put("/v1/reps/r1?occurred_at=2099-01-01T00:00:00Z", {"name": NAME, "email": EMAIL})
        strategy = self.client.post("/v1/strategies", STRATEGY).json()["id"]
        self.assert_ok(self.client.post(f"/v1/strategies/{strategy}/publish"))
        self.assert_ok(self.client.put("/v1/accounts/a2/fit-override", {"tier": "core", "reason": f"{NAME} said so"}))
        self.server.key("read", label=f"laptop of {NAME}")

    def places(self, *words):
        """Tables in which one of the words stands, in whatever column, in any case."""
        tables = [row[0] for row in self.server.sql("SELECT c.relname FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace "
                                                    "WHERE n.nspname = 'public' AND c.relkind IN ('r', 'p', 'v') ORDER BY 1")]
        found = []
        for table in tables:
            for word in words:
                if self.server.value(f"SELECT count(*) FROM public.\"{table}\" t WHERE t::text ILIKE '%{word}%'") != "0":
                    found.append((table, word))
        return found

    def erase(self, client=None, **body):
        return (client or self.client).post("/v1/erasures", body or {"kind": "rep", "id": "r1"})

    def test_it_is_nowhere(self):
        self.assertGreater(len({table for table, _ in self.places(NAME, EMAIL)}), 8)
        answer = self.assert_ok(self.erase())
        self.assertEqual((answer["kind"], answer["id"], answer["records"], answer["mark"]), ("rep", "r1", ["r1", "r1b"], "(erased 1)"))
        self.assertGreater(answer["rows"]["event"], 8)
        for table in ("audit", "strategy", "fit_override", "api_key", "quarantine"):
            self.assertGreater(answer["rows"][table], 0, table)
        self.assertEqual(self.places(NAME, EMAIL, "quirk"), [])
        state = self.assert_ok(self.client.get("/v1/reps/r1"))
        self.assertEqual((state["name"], state.get("email"), state["team"], state["cost_per_hour"]), ("(erased 1)", None, "east", "80.00"))
        self.assertEqual(self.assert_ok(self.client.get("/v1/opportunities/d1"))["name"], "Renewal, ask (erased 1) <(erased 1)>")
        for path in ("/v1/reps/r1/history", "/v1/audit", "/v1/reps?format=csv&include_deleted=true", "/v1/opportunities?format=ndjson", *QUESTIONS):
            text = self.assert_status(self.client.get(path), 200).text
            self.assertNotIn("uirk", text, path)

    def test_however_it_is_written(self):
        name, later = 'Zoë "Zed" Quirk\\Ånström', "Zed Quirkensen"
        self.assert_ok(self.client.put("/v1/sources/crm", {"preset": "generic"}))
        self.assert_status(self.client.post("/v1/sources/crm/secrets", {"secret": "a secret of crm"}), 201)
        self.assert_ok(self.client.patch("/v1/reps/r2", {"name": name}))
        self.assert_ok(self.client.patch("/v1/reps/r2", {"name": later}))
        self.assert_ok(self.client.patch("/v1/accounts/a2", {"name": f"Kept by {name}", "attributes": {"note": f"since May\n{later}", "of": "O\\P"}}))
        self.assert_status(self.client.post("/v1/snapshots", {"of": "alignment", "name": f"For {name}"}), 201)
        self.client.put("/v1/accounts/a9?occurred_at=2099-01-01T00:00:00Z", {"name": name})
        escaped = json.dumps([{"object": "account", "id": "q1", "odd": name}]), '[{"object": "account", "id": "q2", "odd": "Zed \\u0051uirkensen"}]'
        untouched = '[{"object":  "account", "id": "q3", "odd": "Zed\\u0051"}]'
        for body in (*escaped, untouched):
            answer = self.server.anonymous().request("POST", "/v1/webhooks/crm", body, {"Authorization": "Bearer a secret of crm"})
            self.assertEqual(self.assert_ok(answer)["quarantined"], 1, answer)
        self.assertNotEqual(self.places("Quirkensen", "Ånström", "u0051uirk"), [])
        self.assert_ok(self.erase(kind="rep", id="r2"))
        self.assertEqual(self.places("Quirkensen", 'Zed""', 'Zed\\\\"', "u0051uirk", "u00c5"), [])
        account = self.assert_ok(self.client.get("/v1/accounts/a2"))
        self.assertEqual((account["name"], account["attributes"]["note"], account["attributes"]["of"]), ("Kept by (erased 1)", "since May\n(erased 1)", "O\\P"))
        # what does not hold the name is kept as its sender wrote it
        self.assertEqual(self.server.value("SELECT payload FROM quarantine WHERE object_id = 'q3'"), untouched)

    def test_figures_stay(self):
        before = {path: without_labels(self.client.get(path).json()) for path in QUESTIONS}
        explained = self.client.get("/v1/accounts/a1/fit").json()
        self.assert_ok(self.erase())
        for path in QUESTIONS:
            self.assertEqual(json.dumps(without_labels(self.client.get(path).json())), json.dumps(before[path]), path)
        after = self.client.get("/v1/accounts/a1/fit").json()
        self.assertEqual((after["segment"], after["tier"], after["score"]), (explained["segment"], explained["tier"], explained["score"]))
        self.assertEqual(after["segment"], "hers")  # a rule that compares with the name still holds

    def test_a_rebuild_changes_nothing(self):
        self.assert_ok(self.erase())
        before = {path: self.client.get(path).body for path in (*QUESTIONS, "/v1/reps", "/v1/opportunities", "/v1/accounts")}
        done = self.server.plumbline("rebuild")
        self.assertEqual(done.returncode, 0, done.stderr)
        for path, body in before.items():
            self.assertEqual(self.client.get(path).body, body, path)
        self.assertEqual(self.places(NAME, EMAIL), [])

    def test_it_does_not_come_back(self):
        self.assert_ok(self.erase())
        self.assert_counts(self.client.post("/v1/reps", [self.old]), duplicate=1)
        self.assert_counts(self.client.put("/v1/reps/r1", {"name": NAME, "email": EMAIL, "team": "east"}), accepted=1)
        self.assert_counts(self.client.patch("/v1/reps/r1b", {"email": EMAIL}), unchanged=1)
        self.assert_counts(self.client.post_ndjson("/v1/reps", [{"id": "r1", "name": NAME, "active_from": "2026-01-01"}]), accepted=1)
        # another content under an id that was scrubbed is still the same event
        deal = {"id": "d1", "name": f"Renewal, ask {NAME}", "stage": "won", "event_id": "e-d1"}
        self.assert_ok(self.client.post("/v1/opportunities", [dict(deal, name="x", event_id="e-d2")]))
        self.assertEqual(self.places(EMAIL), [])
        self.assertEqual(self.places(NAME), [])
        state = self.assert_ok(self.client.get("/v1/reps/r1"))
        self.assertEqual((state["name"], state.get("email"), state["active_from"]), ("(erased 1)", None, "2026-01-01"))

    def test_a_scrubbed_event_sent_again_is_a_duplicate(self):
        deal = {"id": "d9", "name": f"For {NAME}", "stage": "won", "event_id": "crm-d9"}
        self.assert_counts(self.client.post("/v1/opportunities", [deal]), accepted=1)
        self.assert_ok(self.erase())
        self.assert_counts(self.client.post("/v1/opportunities", [deal]), duplicate=1)
        self.assertEqual(self.places(NAME), [])

    def test_who_did_it_and_again(self):
        self.assert_ok(self.erase())
        entry = self.client.get("/v1/audit?action=person.erase").json()["data"][0]
        self.assertEqual((entry["object"], entry["before"], entry["after"]["mark"]), ("rep/r1", None, "(erased 1)"))
        self.assertTrue(entry["actor"].startswith("key:"))
        again = self.assert_ok(self.erase())
        self.assertEqual((again["mark"], again["rows"]["event"]), ("(erased 1)", 0))
        other = self.assert_ok(self.erase(kind="rep", id="r2"))
        self.assertEqual((other["mark"], other["records"]), ("(erased 2)", ["r2"]))

    def test_refusals(self):
        self.assert_problem(self.erase(self.server.client("read", "ingest", "strategy")), 403, "forbidden")
        self.assert_problem(self.erase(kind="rep", id="nobody"), 404, "not_found")
        self.assert_problem(self.erase(kind="team", id="east"), 422, "validation_failed", ("/kind", "not_one_of"))
        self.assert_problem(self.erase(kind="rep"), 422, "validation_failed", ("/id", "required"))
        self.assertEqual(self.server.plumbline("org", "create", "other").returncode, 0)
        self.assert_problem(self.erase(self.server.client("admin", org="other")), 404, "not_found")
        self.assertEqual(self.client.get("/v1/reps/r1").json()["name"], NAME.upper())

    def test_tags_change(self):
        tag = self.client.get("/v1/reps/r1").headers["ETag"]
        self.assert_ok(self.erase())
        self.assertEqual(self.client.get("/v1/reps/r1", {"If-None-Match": tag}).status, 200)
