"""Answers kept under a digest, and what has changed since."""
import hashlib
import json

from harness import Case

STRATEGY = {
    "name": "FY26", "effective_from": "2026-01-01",
    "segments": [{"key": "all", "label": "Everyone", "when": [{"attr": "industry", "exists": True}], "target": {"bookings": 1, "time": 1}}],
    "fit": {"criteria": [{"key": "i", "weight": 1, "attr": "industry", "match": [{"in": ["care"], "score": 1}]}], "min_coverage": 0.5,
            "tiers": [{"key": "core", "min": 70, "on_strategy": True}, {"key": "outside", "min": 0, "on_strategy": False}]}}


class Snapshots(Case):
    def setUp(self):
        self.server = self.serve()
        self.client = self.server.client()
        post = lambda path, rows: self.assert_ok(self.client.post(f"/v1/{path}?occurred_at=2026-01-05T00:00:00Z", rows))
        post("teams", [{"id": "east", "name": "East"}, {"id": "west", "name": "West"}])
        post("reps", [{"id": "r1", "name": "Ann Lee", "team": "east"}, {"id": "r2", "name": "Bo Chen", "team": "west"}])
        post("accounts", [{"id": "a1", "name": "Care", "attributes": {"industry": "care"}}, {"id": "a2", "name": "X", "attributes": {"industry": "x"}}])
        post("stages", [{"id": "won", "label": "Won", "outcome": "won"}, {"id": "open", "label": "Open", "outcome": "open"}])
        post("opportunities", [self.deal("d1", "r1", "a1", "60.00"), self.deal("d2", "r1", "a2", "40.00"), self.deal("d3", "r2", "a1", "10.00"),
                               {"id": "d4", "account": "a1", "owner": "r1", "stage": "open", "amount": "7.00", "currency": "EUR"}])
        strategy = self.client.post("/v1/strategies", STRATEGY).json()["id"]
        self.assert_ok(self.client.post(f"/v1/strategies/{strategy}/publish"))

    @staticmethod
    def deal(name, owner, account, amount):
        return {"id": name, "account": account, "owner": owner, "stage": "won", "amount": amount, "currency": "EUR", "closed_at": "2026-02-10T00:00:00Z"}

    def make(self, client=None, **body):
        answer = (client or self.client).post("/v1/snapshots", body)
        self.assertEqual(answer.status, 201, answer)
        self.assertEqual(answer.headers["Location"], f"/v1/snapshots/{answer.json()['id']}")
        return answer.json()

    def bookings(self, client=None, **question):
        return self.make(client, of="metric", metric="bookings_share", question={"by": "rep", "period": "2026-Q1", **question}, name="Board")

    def drift(self, snapshot, client=None):
        return self.assert_ok((client or self.client).get(f"/v1/snapshots/{snapshot['id']}/drift"))

    def test_it_is_the_answer(self):
        answer = self.client.get("/v1/metrics/bookings_share?by=rep&period=2026-Q1").json()
        made = self.bookings()
        self.assertEqual((made["id"], made["name"], made["of"], made["metric"], made["scope"]), ("p1", "Board", "metric", "bookings_share", "all"))
        self.assertEqual(made["data_version"], answer["data_version"])
        self.assertEqual([(row["key"], row["value"], row["numerator"]) for row in made["answer"]["rows"]],
                         [(row["key"], row["value"], row["numerator"]) for row in answer["rows"]])
        self.assertEqual(made["answer"]["rows"][0]["value"], 0.6)
        self.assertEqual(made["labels"], {"r1": "Ann Lee", "r2": "Bo Chen"})
        self.assertEqual((made["question"]["period"], made["question"]["currency"], made["question"]["stands"]), ("2026-Q1", "EUR", "period"))
        self.assertEqual(made, self.assert_ok(self.client.get("/v1/snapshots/p1")))

    def test_a_question_of_null_is_the_one_without(self):
        made = self.make(of="alignment", question=None)
        self.assertEqual(made["question"]["stands"], "period")
        self.assertFalse(self.drift(made)["drifted"])

    def test_anybody_can_check_the_digest(self):
        made = self.bookings()
        self.assertEqual(hashlib.sha256(made["content"].encode("utf-8")).hexdigest(), made["sha256"])
        content = json.loads(made["content"])
        self.assertEqual((content["answer"], content["question"], content["of"]), (made["answer"], made["question"], "metric"))
        self.assertNotIn("Ann", made["content"])

    def test_nothing_changed(self):
        made = [self.bookings(), self.make(of="alignment", question={"by": "rep", "period": "2026-Q1"}), self.bookings(compare_to="previous"),
                self.make(of="metric", metric="open_pipeline_share", question={"period": "2026-Q1"}), self.make(of="alignment"),
                self.make(of="query", question={"metrics": ["bookings_share", "win_rate"], "by": "rep", "period": "2026-Q1"}),
                self.make(of="metric", metric="bookings_share", question={"granularity": "month", "period": "2026"}),
                self.make(of="metric", metric="bookings_share", question={"by": "segment", "period": "2026-Q1", "as_of": "2026-02-11"})]
        # what concerns neither: another kind of object, a new name, a refused event, a deal that came into being later
        self.assert_ok(self.client.put("/v1/products/p", {"name": "P"}))
        self.assert_ok(self.client.patch("/v1/reps/r1", {"name": "Ann Leeds"}))
        self.client.put("/v1/reps/r1?occurred_at=2099-01-01T00:00:00Z", {"name": "X"})
        self.assert_ok(self.client.put("/v1/opportunities/d9", {"account": "a1", "owner": "r1", "stage": "won", "amount": "5.00", "currency": "EUR",
                                                                "closed_at": "2026-02-10T00:00:00Z"}))
        for snapshot in made:
            drift = self.drift(snapshot)
            self.assertEqual((drift["drifted"], drift["rows"], drift["sha256_now"], drift["intact"]), (False, [], snapshot["sha256"], True), snapshot)
        self.assertEqual(self.client.get("/v1/snapshots/p1").json()["labels"]["r1"], "Ann Leeds")

    def test_what_became_known_later(self):
        made = self.bookings()
        alignment = self.make(of="alignment", question={"by": "rep", "period": "2026-Q1"})
        query = self.make(of="query", question={"metrics": ["bookings_share", "win_rate"], "by": "rep", "period": "2026-Q1"})
        self.assertEqual([answer["metric"] for answer in query["answer"]], ["bookings_share", "win_rate"])
        # a correction of what had happened by then, and a deal nobody had told us of
        self.assert_ok(self.client.patch("/v1/opportunities/d1?occurred_at=2026-02-10T00:00:00Z", {"amount": "160.00"}))
        self.assert_ok(self.client.post("/v1/opportunities?occurred_at=2026-02-09T00:00:00Z", [self.deal("d5", "r3", "a1", "5.00")]))
        drift = self.drift(made)
        self.assertEqual((drift["drifted"], drift["sha256_then"], drift["intact"]), (True, made["sha256"], True))
        self.assertNotEqual(drift["sha256_now"], made["sha256"])
        rows = {row["key"]: row for row in drift["rows"]}
        self.assertEqual({key: row["what"] for key, row in rows.items()}, {"total": "changed", "r1": "changed", "r3": "appeared"})
        fields = {field["path"]: (field["before"], field["after"]) for field in rows["r1"]["fields"]}
        self.assertEqual(fields["value"], (0.6, 0.8))
        self.assertEqual(fields["numerator"], ("60.00", "160.00"))
        self.assertEqual(drift["rows"][0]["key"], "total")
        changed = [(row["metric"] if "metric" in row else None, row["key"]) for row in self.drift(alignment)["rows"]]
        self.assertIn("r1", [key for _, key in changed])
        rows = {(row["metric"], row["key"]): row["what"] for row in self.drift(query)["rows"]}
        self.assertEqual((rows["bookings_share", "r1"], rows["win_rate", "r3"]), ("changed", "appeared"))
        # what is kept stays
        self.assertEqual(self.client.get("/v1/snapshots/p1").json(), made | {"labels": made["labels"]})

    def test_it_notices_tampering(self):
        made = self.bookings()
        self.server.sql("UPDATE snapshot SET content = replace(content, '60.00', '61.00') WHERE org_id = 1")
        self.assertFalse(self.drift(made)["intact"])

    def test_who_sees_it(self):
        east = self.server.client("read", read_scope="team", team="east")
        west = self.server.client("read", read_scope="team", team="west")
        r1 = self.server.client("read", read_scope="self", rep="r1")
        r2 = self.server.client("read", read_scope="self", rep="r2")
        of_all, of_east, of_r1 = self.bookings()["id"], self.bookings(east)["id"], self.bookings(r1)["id"]
        for client, seen in ((self.client, [of_r1, of_east, of_all]), (east, [of_r1, of_east]), (west, []), (r1, [of_r1]), (r2, [])):
            self.assertEqual([row["id"] for row in self.assert_ok(client.get("/v1/snapshots"))["data"]], seen)
            for snapshot in (of_all, of_east, of_r1):
                for path in (f"/v1/snapshots/{snapshot}", f"/v1/snapshots/{snapshot}/drift"):
                    self.assertEqual(client.get(path).status, 200 if snapshot in seen else 404, path)
        self.assertEqual([row["key"] for row in self.client.get(f"/v1/snapshots/{of_r1}").json()["answer"]["rows"]], ["r1"])
        self.assertFalse(self.drift({"id": of_r1})["drifted"])  # within the scope it was made with, whoever asks
        self.assertEqual(self.server.plumbline("org", "create", "other").returncode, 0)
        other = self.server.client("read", org="other")
        self.assert_problem(other.get(f"/v1/snapshots/{of_all}"), 404, "not_found")
        self.assertEqual(other.get("/v1/snapshots").json()["data"], [])

    def test_no_figures_of_reps_once_they_are_off(self):
        made = self.bookings()
        by_team = self.make(of="metric", metric="bookings_share", question={"by": "team", "period": "2026-Q1"})
        self.assert_ok(self.client.patch("/v1/settings", {"rep_metrics": "off"}))
        self.assert_problem(self.client.get(f"/v1/snapshots/{made['id']}"), 403, "forbidden")
        self.assert_problem(self.client.get(f"/v1/snapshots/{made['id']}/drift"), 403, "forbidden")
        self.assert_ok(self.client.get(f"/v1/snapshots/{by_team['id']}"))

    def test_refusals(self):
        def refused(status, code, *errors, **body):
            self.assert_problem(self.client.post("/v1/snapshots", body), status, code, *errors)

        refused(422, "validation_failed", ("/of", "required"))
        refused(422, "validation_failed", ("/of", "not_one_of"), of="picture")
        refused(422, "validation_failed", ("/metric", "required"), of="metric")
        refused(422, "validation_failed", ("/metric", "not_applicable"), of="alignment", metric="win_rate")
        refused(422, "validation_failed", ("/question/perod", "unknown_attribute"), of="alignment", question={"perod": "2026"})
        refused(422, "validation_failed", ("/question/stands", "unknown_attribute"), of="alignment", question={"stands": "period"})
        refused(422, "validation_failed", ("/question/period", "invalid_period"), of="alignment", question={"period": "soon"})
        refused(422, "validation_failed", ("/question", "wrong_type"), of="alignment", question=[])
        refused(422, "validation_failed", ("/question", "required"), of="query")
        refused(422, "validation_failed", ("/question/metrics", "required"), of="query", question={"by": "rep"})
        refused(422, "validation_failed", ("/question/metrics/0", "unknown_metric"), of="query", question={"metrics": ["x"]})
        refused(404, "not_found", of="metric", metric="bookings_shar")
        self.assert_problem(self.server.client("ingest").post("/v1/snapshots", {"of": "alignment"}), 403, "forbidden")
        self.assert_problem(self.client.get("/v1/snapshots/p99"), 404, "not_found")
        self.assert_problem(self.client.get("/v1/snapshots/x"), 404, "not_found")

    def test_list(self):
        for _ in range(3):
            self.bookings()
        self.make(of="alignment")
        page = self.assert_ok(self.client.get("/v1/snapshots?limit=2"))
        self.assertEqual([row["id"] for row in page["data"]], ["p4", "p3"])
        rest = self.assert_ok(self.client.get(f"/v1/snapshots?limit=2&cursor={page['next']}"))
        self.assertEqual(([row["id"] for row in rest["data"]], rest["next"]), (["p2", "p1"], None))
        self.assertEqual([row["id"] for row in self.client.get("/v1/snapshots?of=alignment").json()["data"]], ["p4"])
        lines = self.client.get("/v1/snapshots?format=ndjson").body.splitlines()
        self.assertEqual([json.loads(line)["id"] for line in lines], ["p4", "p3", "p2", "p1"])
        entry = self.client.get("/v1/audit?action=snapshot.create").json()["data"][0]
        self.assertEqual(entry["object"], "snapshot/p4")

    def test_erasure_leaves_it_whole(self):
        made = self.bookings()
        self.assert_ok(self.client.post("/v1/erasures", {"kind": "rep", "id": "r1"}))
        kept = self.assert_ok(self.client.get("/v1/snapshots/p1"))
        self.assertEqual((kept["content"], kept["sha256"], kept["labels"]["r1"]), (made["content"], made["sha256"], "(erased 1)"))
        self.assertFalse(self.drift(made)["drifted"])
