"""Entity tags of every read: the same question has the same bytes and the same tag, If-None-Match is answered 304, and any accepted
event changes the tag."""
import json
import re

from harness import Case, plumbline

# Streams of what happens next, and who is asking: nothing that could be kept.
WITHOUT = {"/v1/jobs/{id}/events", "/v1/session"}


def reads():
    """The routes of the binary that read something of an organisation."""
    rows = [json.loads(line) for line in plumbline("routes", "--json").stdout.splitlines()]
    return [row for row in rows if row["method"] == "GET" and row["scopes"] and row["path"] not in WITHOUT]


class EntityTags(Case):
    @classmethod
    def setUpClass(cls):
        cls.server = cls.start()
        cls.client = cls.server.client()
        put = lambda path, body: cls.assert_written(cls.client.put(path, body))
        put("/v1/teams/t", {"name": "T"})
        put("/v1/reps/t", {"name": "R", "team": "t"})
        put("/v1/accounts/t", {"name": "A", "owner": "t", "attributes": {"industry": "care"}})
        put("/v1/products/t", {"name": "P"})
        put("/v1/stages/t", {"label": "Won", "outcome": "won"})
        put("/v1/opportunities/t", {"stage": "t", "account": "t", "owner": "t", "amount": "5.00", "currency": "EUR"})
        put("/v1/activities/t", {"kind": "call", "starts_at": "2026-02-01T10:00:00Z", "rep": "t", "account": "t"})
        put("/v1/fx-rates/EUR-USD-2026-01-01", {"rate": "1.1"})
        body = {"name": "S", "effective_from": "2026-01-01",
                "segments": [{"key": "t", "label": "All", "when": [{"attr": "industry", "exists": True}], "target": {"bookings": 1, "time": 1}}],
                "fit": {"criteria": [{"key": "i", "weight": 1, "attr": "industry", "match": [{"in": ["care"], "score": 1}]}], "min_coverage": 0.5,
                        "tiers": [{"key": "core", "min": 70, "on_strategy": True}, {"key": "outside", "min": 0, "on_strategy": False}]}}
        for _ in range(2):
            strategy = cls.client.post("/v1/strategies", body).json()["id"]
            assert cls.client.post(f"/v1/strategies/{strategy}/publish").status == 200
        cls.names = cls.things()
        cls.written = 0

    @classmethod
    def things(cls):
        """What stands in place of {id} or {key} in paths that know no "t"."""
        cls.server.sql("INSERT INTO job (org_id, job_id, kind, object, status, phase, params, chunk, actor, created_at, finished_at) "
                       "VALUES (1, 1, 'publish', 'strategy/s1', 'done', 'done', '{}', 1, 'key:x', now(), now())")
        snapshot = cls.client.post("/v1/snapshots", {"of": "alignment", "question": {"period": "2026-Q1"}})
        assert snapshot.status == 201, snapshot
        assert cls.client.post("/v1/sources", {"source": "crm", "preset": "hubspot"}).status in (200, 201)
        endpoint = cls.client.post("/v1/alert-endpoints", {"name": "Nobody", "url": "https://127.0.0.1:9/"}).json()["id"]
        tested = cls.client.post(f"/v1/alert-endpoints/{endpoint}/test")
        assert tested.status == 200, tested
        refused = cls.client.put("/v1/products/t?occurred_at=2099-01-01T00:00:00Z", {"name": "P"})
        assert refused.status == 422, refused
        return {"/v1/sources": "crm", "/v1/quarantine": "1", "/v1/snapshots": "p1", "/v1/strategies": "s2", "/v1/fx-rates": "EUR-USD-2026-01-01", "/v1/metrics": "bookings_share", "/v1/jobs": "j1",
                "/v1/alert-endpoints": endpoint, "/v1/alert-deliveries": tested.json()["id"]}

    @staticmethod
    def assert_written(answer):
        assert answer.status == 200, answer

    def path_of(self, route):
        start = route["path"].split("/{")[0]
        path = re.sub(r"\{\w+\}", self.names.get(start, "t"), route["path"])
        return path + ("?against=s1" if "against" in route["params"] else "")

    def each(self):
        for route in reads():
            # An export of what changes without notice cannot be told from the one before without being made.
            for form in ["json"] if route["live"] else route["formats"]:
                with self.subTest(route["path"], format=form):
                    path = self.path_of(route)
                    if len(route["formats"]) > 1:
                        path += ("&" if "?" in path else "?") + f"format={form}"
                    yield route, path

    def event(self):
        """One that changes nothing of what is read."""
        self.written += 1
        self.assert_counts(self.client.put("/v1/products/other", {"name": f"Other {self.written}"}), accepted=1)

    def test_every_read_has_one(self):
        for route, path in self.each():
            self.assertTrue(route["versioned"], "neither versioned nor live in the table of routes")
            answer = self.assert_status(self.client.get(path), 200)
            self.assertRegex(answer.headers["ETag"], r'^"[0-9a-f]{40}"$')
            self.assertIn(answer.headers["Cache-Control"], ("private", "private, no-cache"))

    def test_same_question_same_bytes_same_tag(self):
        for _, path in self.each():
            first, second = self.client.get(path), self.client.get(path)
            self.assertEqual((first.headers["ETag"], first.body), (second.headers["ETag"], second.body))

    def test_not_modified(self):
        for _, path in self.each():
            tag = self.client.get(path).headers["ETag"]
            for method in ("GET", "HEAD"):
                again = self.client.request(method, path, headers={"If-None-Match": f'"other", W/{tag}'})
                self.assertEqual((again.status, again.body, again.headers["ETag"]), (304, b"", tag), method)

    def test_any_event_changes_it(self):
        """One event after each answer, and all tags are others; afterwards all are new again."""
        before = {path: self.client.get(path).headers["ETag"] for _, path in self.each()}
        self.event()
        for _, path in self.each():
            answer = self.client.get(path, {"If-None-Match": before[path]})
            self.assertEqual(answer.status, 200)
            self.assertNotEqual(answer.headers["ETag"], before[path])

    def test_configuration_changes_it(self):
        before = {path: self.client.get(path).headers["ETag"] for _, path in self.each()}
        self.assert_ok(self.client.patch("/v1/settings", {"min_n": 7}))
        for _, path in self.each():
            self.assertNotEqual(self.client.get(path).headers["ETag"], before[path])

    def test_progress_of_a_job_changes_it(self):
        before = {path: self.client.get(path).headers["ETag"] for path in ("/v1/jobs", "/v1/jobs/j1")}
        other = self.client.get("/v1/strategies").headers["ETag"]
        self.server.sql("UPDATE job SET total = 10 + total WHERE org_id = 1 AND job_id = 1")
        for path, tag in before.items():
            self.assertEqual(self.client.get(path, {"If-None-Match": tag}).status, 200, path)
        self.assertEqual(self.client.get("/v1/strategies").headers["ETag"], other)

    def test_new_keys_change_the_audit_log_alone(self):
        before = {path: self.client.get(path).headers["ETag"] for path in ("/v1/audit", "/v1/alignment?by=rep")}
        self.server.key("read", label="another")
        self.assertNotEqual(self.client.get("/v1/audit").headers["ETag"], before["/v1/audit"])
        self.assertEqual(self.client.get("/v1/alignment?by=rep").headers["ETag"], before["/v1/alignment?by=rep"])

    def test_a_write_of_another_state_is_refused(self):
        for path, write in (("/v1/accounts/t", lambda tag: self.client.patch("/v1/accounts/t", {"attributes": {"size": self.tick()}}, {"If-Match": tag})),
                            ("/v1/accounts/t", lambda tag: self.client.put("/v1/accounts/t", {"name": f"A{self.tick()}", "owner": "t", "attributes": {"industry": "care"}}, {"If-Match": tag})),
                            ("/v1/settings", lambda tag: self.client.patch("/v1/settings", {"min_n": 5 + self.tick()}, {"If-Match": tag}))):
            before = self.client.get(path)
            tag = before.headers["ETag"]
            self.assert_problem(write('"another"'), 412, "precondition_failed")
            self.assertEqual(self.client.get(path).body, before.body)
            self.assertEqual(write(f'"another", {tag}').status, 200, path)
            self.assert_problem(write(tag), 412, "precondition_failed")
            self.assertEqual(write("*").status, 200, path)
        tag = self.client.get("/v1/teams/t").headers["ETag"]
        self.assert_problem(self.client.delete("/v1/teams/t", {"If-Match": '"another"'}), 412, "precondition_failed")
        self.assertEqual(self.client.put("/v1/teams/t", {"name": "T"}, {"If-Match": tag}).status, 200)

    def test_an_answer_to_a_post_has_none_first_or_again(self):
        question = {"metrics": ["win_rate"], "period": "2026-Q1"}
        for _ in range(2):
            answer = self.client.post("/v1/query", question)
            self.assert_ok(answer)
            self.assertIsNone(answer.headers["ETag"])

    def test_anything_is_not_what_is_not_there(self):
        self.assertEqual(self.client.get("/v1/accounts/t", {"If-None-Match": "*"}).status, 304)
        for path in ("/v1/accounts/nothing", "/v1/strategies/s999", "/v1/opportunities/nothing/alignment"):
            self.assert_problem(self.client.get(path, {"If-None-Match": "*"}), 404, "not_found")

    def tick(self):
        type(self).written += 1
        return self.written
