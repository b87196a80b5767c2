"""Jobs over HTTP: a publication that is queued, watched, and done by the server's own runner."""
import time

from harness import Case
from test_strategies import document


class Jobs(Case):
    @classmethod
    def setUpClass(cls):
        cls.server = cls.start()
        cls.client = cls.server.client()
        for kind, rows in (
                ("reps", [{"id": "ann", "name": "Ann", "team": "emea"}]),
                ("stages", [{"id": "Won", "label": "Won", "outcome": "won"}]),
                ("accounts", [{"id": f"a{n}", "name": "Clinic", "owner": "ann", "attributes": {"industry": "healthcare", "employees": 150 * n}} for n in range(20)]),
                ("opportunities", [{"id": f"d{n}", "stage": "Won", "owner": "ann", "account": f"a{n % 20}", "amount": "100", "currency": "EUR"} for n in range(200)]),
                ("activities", [{"id": f"t{n}", "kind": "call", "starts_at": "2024-03-02T10:00:00Z", "duration_s": 600, "outcome": "held", "rep": "ann", "account": f"a{n % 20}"} for n in range(100)])):
            answer = cls.client.post(f"/v1/{kind}?occurred_at=2024-03-01T00:00:00Z", rows)
            assert answer.json()["accepted"] == len(rows), answer.json()

    def draft(self, **changes):
        return self.assert_status(self.client.post("/v1/strategies", document(**changes)), 201).json()["id"]

    def publish(self, strategy, query="?async=true"):
        response = self.assert_status(self.client.post(f"/v1/strategies/{strategy}/publish{query}"), 202)
        job = response.json()
        self.assertEqual(response.headers["Location"], f"/v1/jobs/{job['id']}")
        self.assertEqual((job["kind"], job["object"], job["status"], job["progress"]["done"]), ("publish", f"strategy/{strategy}", "queued", 0))
        return job

    def finished(self, job):
        for _ in range(600):
            found = self.assert_ok(self.client.get(f"/v1/jobs/{job}"))
            if found["status"] in ("done", "failed"):
                return found
            time.sleep(0.05)
        self.fail(f"not finished: {found}")

    def test_done(self):
        strategy = self.draft()
        job = self.publish(strategy)
        self.assertEqual(job["progress"]["total"], 20 + 200 + 100)
        self.assertEqual([w["code"] for w in job["warnings"]], ["icp_too_broad", "unknown_attribute"])
        done = self.finished(job["id"])
        self.assertEqual((done["status"], done["phase"], done["error"], done["progress"]), ("done", "done", None, {"done": 320, "total": 320}))
        self.assertEqual({name: done["result"][name] for name in ("strategy", "effective_at", "backdated")},
                         {"strategy": strategy, "effective_at": "2024-01-01T00:00:00Z", "backdated": True})
        self.assertEqual(done["actor"][:4], "key:")
        self.assertLess(done["created_at"], done["finished_at"])
        published = self.assert_ok(self.client.get(f"/v1/strategies/{strategy}"))
        self.assertEqual((published["status"], published["published_at"]), ("published", done["result"]["published_at"]))
        self.assertEqual(self.server.value("SELECT count(*) FROM deal_fact WHERE closed_class = 'on' AND closed_strategy = '%s'" % strategy), "190")
        self.assertEqual(self.server.value("SELECT count(*) FROM deal_fact_of"), "200")
        entry = self.assert_ok(self.client.get(f"/v1/audit?object=strategy/{strategy}&action=strategy.publish"))["data"]
        self.assertEqual([(e["actor"], e["after"]["name"]) for e in entry], [(done["actor"], "Care first")])
        self.assertIn(f"job {job['id']}", self.server.log())

    def test_small_ones_are_done_at_once(self):
        answer = self.assert_ok(self.client.post(f"/v1/strategies/{self.draft(effective_from='2029-01-01')}/publish?async=false"))
        self.assertEqual(answer["status"], "published")
        self.assert_problem(self.client.post(f"/v1/strategies/{self.draft()}/publish?async=perhaps"), 400, "invalid_parameter", ("async", "wrong_type"))

    def test_one_at_a_time_and_undone(self):
        strategy, other = self.draft(effective_from="2024-02-01"), self.draft(effective_from="2033-01-01")
        before = self.server.sql("SELECT * FROM deal_fact ORDER BY deal_id")
        # No verdict on an account can be stored, so every step fails.
        self.server.sql("ALTER TABLE account_fit ADD CONSTRAINT unlucky CHECK (false) NOT VALID")
        try:
            job = self.publish(strategy)
            self.assert_problem(self.client.post(f"/v1/strategies/{other}/publish"), 409, "job_running")
            for response in (self.client.put(f"/v1/strategies/{strategy}", document()), self.client.delete(f"/v1/strategies/{strategy}"),
                             self.client.post(f"/v1/strategies/{strategy}/publish"), self.client.patch("/v1/settings", {"time_zone": "Europe/Paris"})):
                self.assertIn(job["id"], self.assert_problem(response, 409, "job_running")["detail"])
            self.assertEqual([row["id"] for row in self.assert_ok(self.client.get("/v1/strategies?status=publishing"))["data"]], [strategy])
            self.assert_ok(self.client.patch("/v1/settings", {"min_n": 7}))
            done = self.finished(job["id"])
        finally:
            self.server.sql("ALTER TABLE account_fit DROP CONSTRAINT unlucky")
        self.assertEqual((done["status"], done["phase"], done["result"]), ("failed", "failed", None))
        self.assertIn("unlucky", done["error"])
        draft = self.assert_ok(self.client.get(f"/v1/strategies/{strategy}"))
        self.assertEqual((draft["status"], draft["effective_at"]), ("draft", None))
        self.assertEqual(self.server.sql("SELECT * FROM deal_fact ORDER BY deal_id"), before)
        self.assertEqual(self.server.sql("SELECT next_epoch, next_strategy FROM org_version WHERE org_id = 1"), [["", ""]])
        self.assertEqual(self.server.value("SELECT count(*) FROM deal_fact_of"), "200")
        # and it can be published all the same, once the fault is mended
        self.assertEqual(self.finished(self.publish(strategy)["id"])["status"], "done")

    def test_list(self):
        ids = []
        for day in ("2031-01-01", "2031-02-01", "2031-03-01"):
            job = self.publish(self.draft(effective_from=day))
            self.finished(job["id"])
            ids.insert(0, job["id"])
        page = self.assert_ok(self.client.get("/v1/jobs?kind=publish&status=done&limit=2"))
        self.assertEqual([job["id"] for job in page["data"]], ids[:2])
        rest = self.assert_ok(self.client.get(f"/v1/jobs?kind=publish&status=done&limit=2&cursor={page['next']}"))
        self.assertEqual(rest["data"][0]["id"], ids[2])
        self.assertEqual([job["id"] for job in self.assert_ok(self.client.get(f"/v1/jobs?object={page['data'][0]['object']}"))["data"]], ids[:1])
        self.assertEqual(self.assert_ok(self.client.get("/v1/jobs?status=failed"))["data"], [])
        self.assert_problem(self.client.get("/v1/jobs?cursor=x"), 400, "invalid_parameter", ("cursor", "invalid_cursor"))
        self.assert_problem(self.client.get("/v1/jobs?status=gone"), 400, "invalid_parameter", ("status", "not_one_of"))

    def test_not_found(self):
        for name in ("j999999", "x1", "j", "j1x", "j99999999999999999999"):
            self.assert_problem(self.client.get(f"/v1/jobs/{name}"), 404, "not_found")
        other = self.server.plumbline("org", "create", "other")
        self.assertEqual(other.returncode, 0, other.stderr)
        job = self.publish(self.draft(effective_from="2032-01-01"))
        self.finished(job["id"])
        self.assert_problem(self.server.client("admin", org="other").get(f"/v1/jobs/{job['id']}"), 404, "not_found")
        self.assertEqual(self.assert_ok(self.server.client("admin", org="other").get("/v1/jobs"))["data"], [])
        self.assert_problem(self.server.client("ingest").get("/v1/jobs"), 403, "forbidden")


class Large(Case):
    """More than is judged within a request: jobs without being asked for."""

    def finished(self, client, response):
        self.assert_status(response, 202)
        self.assertEqual(response.headers["Location"], f"/v1/jobs/{response.json()['id']}")
        for _ in range(600):
            found = self.assert_ok(client.get(response.headers["Location"]))
            if found["status"] in ("done", "failed"):
                self.assertEqual((found["status"], found["error"]), ("done", None))
                return found
            time.sleep(0.05)
        self.fail(f"not finished: {found}")

    def test_the_answer_waits_for_the_end(self):
        server = self.serve()
        client = server.client()
        rows = [{"id": f"t{n}", "kind": "call", "starts_at": "2024-03-31T10:00:00Z", "outcome": "held", "rep": "ann", "account": "a1"} for n in range(2100)]
        self.assert_counts(client.post_ndjson("/v1/activities?occurred_at=2024-04-01T00:00:00Z", rows), accepted=len(rows))
        draft = self.assert_status(client.post("/v1/strategies", document()), 201).json()["id"]
        answer = self.assert_status(client.post(f"/v1/strategies/{draft}/publish"), 200).json()
        self.assertEqual((answer["id"], answer["status"]), (draft, "published"))
        self.assertIsInstance(answer["warnings"], list)
        self.assertEqual(server.sql("SELECT DISTINCT strategy FROM activity_fact"), [[draft]])
        self.assertEqual([(job["kind"], job["status"]) for job in self.assert_ok(client.get("/v1/jobs"))["data"]], [("publish", "done")])
        # A change of settings is one too; what cannot be done is told by the job.
        self.assertEqual(self.assert_status(client.patch("/v1/settings", {"time_zone": "Europe/Paris"}), 200).json()["time_zone"], "Europe/Paris")
        server.sql("ALTER TABLE activity_fact_of ADD CONSTRAINT unlucky CHECK (false) NOT VALID")
        failed = self.assert_status(client.patch("/v1/settings", {"time_zone": "UTC"}), 202)
        self.assertEqual((failed.headers["Location"], failed.json()["status"]), (f"/v1/jobs/{failed.json()['id']}", "failed"))
        self.assertIn("unlucky", failed.json()["error"])
        self.assertEqual(self.assert_ok(client.get("/v1/settings"))["time_zone"], "Europe/Paris")

    def test_publishing_and_settings(self):
        server = self.serve()
        client = server.client()
        self.assert_ok(client.put("/v1/accounts/a1", {"name": "Clinic", "attributes": {"industry": "healthcare", "employees": 900}}))
        rows = [{"id": f"t{n}", "kind": "call", "starts_at": "2024-03-31T10:00:00Z", "outcome": "held", "rep": "ann", "account": "a1"} for n in range(2100)]
        self.assert_counts(client.post_ndjson("/v1/activities?occurred_at=2024-04-01T00:00:00Z", rows), accepted=len(rows))
        self.assert_ok(client.put("/v1/stages/won", {"label": "Won", "outcome": "won"}))
        self.assert_ok(client.put("/v1/opportunities/d1", {"stage": "won", "account": "a1", "amount": "1", "currency": "EUR", "closed_at": "2024-03-31"}))
        draft = self.assert_status(client.post("/v1/strategies", document()), 201).json()["id"]
        job = self.finished(client, client.post(f"/v1/strategies/{draft}/publish?async=true"))
        self.assertEqual(job["progress"], {"done": 2102, "total": 2102})
        self.assertEqual(server.sql("SELECT DISTINCT class, strategy, hours FROM activity_fact"), [["on", draft, "0.16666666666666666667"]])
        # From a day on which few did anything: at once
        late = self.assert_status(client.post("/v1/strategies", document(effective_from="2030-01-01")), 201).json()["id"]
        self.assertEqual(self.assert_ok(client.post(f"/v1/strategies/{late}/publish"))["status"], "published")
        answer = self.assert_ok(client.patch("/v1/settings", {"min_n": 3}))
        self.assertEqual(answer["min_n"], 3)
        job = self.finished(client, client.patch("/v1/settings?async=true", {"time_zone": "america/new_york", "min_n": 4}))
        self.assertEqual((job["kind"], job["object"]), ("settings", "settings"))
        settings = self.assert_ok(client.get("/v1/settings"))
        self.assertEqual((settings["time_zone"], settings["min_n"]), ("America/New_York", 4))
        self.assertEqual(server.sql("SELECT closed_at AT TIME ZONE 'UTC', closed_class FROM deal_fact"), [["2024-03-31 04:00:00", "on"]])
        self.assertEqual(self.assert_ok(client.get(f"/v1/strategies/{draft}"))["effective_at"], "2024-01-01T05:00:00Z")
        entry = self.assert_ok(client.get("/v1/audit?action=settings.update&limit=1"))["data"][0]
        self.assertEqual((entry["before"]["time_zone"], entry["after"]["time_zone"], entry["actor"]), ("UTC", "America/New_York", job["actor"]))
        self.assert_problem(client.patch("/v1/settings", {"time_zone": "Mars/Olympus"}), 422, "validation_failed", ("/time_zone", "unknown_time_zone"))
