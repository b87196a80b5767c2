"""What docs/security.md promises and no other suite looks at: what logs hold, what errors give away, what input cannot set, whom the service calls."""
import hashlib
import json
import socket
import time

from harness import BINARY, Case, Client, Server, plumbline

STRATEGY = {
    "name": "S", "effective_from": "2026-01-01",
    "segments": [{"key": "care", "label": "Care", "when": [{"attr": "industry", "eq": "care"}], "target": {"bookings": 1, "time": 1}}],
    "fit": {"criteria": [{"key": "industry", "weight": 1, "attr": "industry", "match": [{"eq": "care", "score": 1}]}],
            "required": [], "disqualify": [], "min_coverage": 0.5,
            "tiers": [{"key": "core", "min": 70, "on_strategy": True}, {"key": "outside", "min": 0, "on_strategy": False}]}}
WORDS = ("sekret-body", "sekret-query", "sekret-header", "sekret-name")


class Logs(Case):
    def test_nothing_of_what_is_sent_is_in_the_log(self):
        """Not bodies, not values of queries, not keys: at any level, whether requests succeed or fail."""
        server = self.serve(env={"PLUMBLINE_LOG_LEVEL": "debug"})
        client = server.client()
        self.assert_ok(client.put("/v1/accounts/a1", {"name": "sekret-body"}))
        self.assert_problem(client.put("/v1/accounts/a1", {"name": {"sekret-body": 1}}), 422, "validation_failed")
        self.assert_problem(client.put("/v1/accounts/a1", b'{"name": "sekret-body'), 400, "invalid_json")
        self.assert_problem(client.get("/v1/accounts?sekret-query=1"), 400, "unknown_parameter")
        self.assert_ok(client.get("/v1/audit?object=sekret-query"))
        self.assert_problem(client.get("/v1/accounts/sekret-name"), 404, "not_found")
        self.assert_problem(client.get("/v1/metrics/win_rate?period=sekret-query"), 400, "invalid_parameter")
        forged = "pl_1_000000000000_" + "sekret-header".ljust(43, "A")
        self.assert_problem(Client(server.url, forged).get("/v1/accounts"), 401, "unauthorized")
        self.assert_ok(client.put("/v1/sources/crm", {"preset": "generic"}))
        self.assert_problem(server.anonymous().request("POST", "/v1/webhooks/crm", b'{"a": "sekret-body"}', {"X-Api-Key": "sekret-header"}), 401, "unverified")
        self.assert_counts(client.post("/v1/accounts", [{"id": "a2", "name": "sekret-body", "occurred_at": "2099-01-01T00:00:00Z"}]), rejected=1)
        time.sleep(0.3)
        text = server.log()
        self.assertGreaterEqual(text.count("msg=request"), 10)
        for word in (*WORDS, client.key.split("_", 3)[3]):
            self.assertNotIn(word, text)


class AtRest(Case):
    def test_keys_are_hashed(self):
        server = self.serve()
        secret = server.key("read").split("_", 3)[3]
        digests = {row[0] for row in server.sql("SELECT encode(digest, 'hex') FROM api_key WHERE org_id = 1")}
        self.assertTrue(any(hashlib.sha256(form).hexdigest() in digests for form in (secret.encode(), server.key("read").encode())), digests)
        self.assertEqual(server.sql(f"SELECT 1 FROM api_key AS k WHERE k::text LIKE '%{secret}%'"), [])
        self.assertGreaterEqual(len(secret), 43)  # 256 bits in base 64

    def test_the_database_s_password_is_shown_nowhere(self):
        server = self.serve()
        url = server.database.url.replace("postgres@", "postgres:sekret@")
        done = plumbline("check-config", database_url=url)
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertNotIn("sekret", done.stdout + done.stderr)
        self.assertIn("***", done.stdout)


class Errors(Case):
    def test_they_tell_nothing_of_the_inside(self):
        """No statement, no table, no address, no path, no version."""
        server = self.serve()
        client = server.client()
        server.sql("ALTER TABLE object RENAME TO object_away")
        self.addCleanup(server.sql, "ALTER TABLE object_away RENAME TO object")
        for answer in (client.get("/v1/accounts/a1"), client.get("/v1/accounts"), client.put("/v1/accounts/a1", {"name": "N"})):
            self.assertEqual(answer.status, 500, answer)
            self.assert_problem(answer, 500, "internal_error")
            for word in ("object_away", "relation", "SELECT", "pl.", "postgres", "libpq", str(BINARY.parent), "PL/pgSQL", "42P01"):
                self.assertNotIn(word, answer.text)

    def test_nor_while_the_database_is_away(self):
        server = Server(env={"DATABASE_URL": "postgresql://someone:sekret@127.0.0.1:1/nowhere"}, wait=False)
        self.addCleanup(server.close)
        deadline = time.monotonic() + 20
        while True:
            try:
                answer = Client(server.url, "pl_1_000000000000_" + "A" * 43).get("/v1/accounts")
                break
            except OSError:
                self.assertLess(time.monotonic(), deadline)
                time.sleep(0.1)
        self.assert_problem(answer, 503, "database_unavailable")
        for word in ("sekret", "someone", "nowhere", "127.0.0.1"):
            self.assertNotIn(word, answer.text)
        self.assertNotIn("sekret", server.log())

    def test_headers_name_no_version(self):
        answer = self.serve().anonymous().get("/healthz")
        self.assertEqual([name for name in answer.headers if name.lower() in ("server", "x-powered-by")], [])


class Assignment(Case):
    """What is the service's own cannot be set by sending it."""
    @classmethod
    def setUpClass(cls):
        cls.server = cls.start()
        cls.client = cls.server.client()

    def test_records(self):
        for member, code in (("org_id", "unknown_attribute"), ("deleted_at", "unknown_attribute"), ("last_received", "unknown_attribute"),
                             ("data_version", "unknown_attribute"), ("merged_into", "not_allowed")):
            answer = self.client.put("/v1/accounts/a1", {"name": "N", member: 2})
            self.assert_problem(answer, 422, "validation_failed", (f"/{member}", code))
        self.assertEqual(self.server.sql("SELECT 1 FROM event WHERE org_id <> 1 OR object_id = 'a1'"), [])

    def test_configuration(self):
        for method, path, body, pointer in (
                ("PATCH", "/v1/settings", {"org_id": 2}, "/org_id"), ("PATCH", "/v1/settings", {"slug": "other"}, "/slug"),
                ("PUT", "/v1/sources/crm", {"preset": "generic", "version": 9}, "/version"),
                ("PUT", "/v1/sources/crm", {"preset": "generic", "last_delivery_at": "2026-01-01T00:00:00Z"}, "/last_delivery_at")):
            document = self.assert_problem(self.client.request(method, path, body), 422, "validation_failed")
            self.assertIn(pointer, [error["pointer"] for error in document["errors"]], (method, path))

    def test_a_strategy_as_it_was_answered(self):
        """It may be sent as it came back; what is the service's own in it counts for nothing."""
        sent = {**STRATEGY, "id": "s77", "number": 77, "status": "published", "published_at": "2026-01-01T00:00:00Z", "effective_at": "2026-01-01T00:00:00Z"}
        made = self.assert_status(self.client.post("/v1/strategies", sent), 201).json()
        self.assertEqual((made["id"], made["number"], made["status"], made["published_at"], made["effective_at"]), ("s1", 1, "draft", None, None))


class Calls(Case):
    def test_no_address_in_a_request_is_called(self):
        """Addresses in records, sources, events and headers are text: nobody comes to the door they name."""
        server = self.serve()
        client = server.client()
        with socket.socket() as door:
            door.bind(("127.0.0.1", 0))
            door.listen()
            door.settimeout(2)
            url = f"http://127.0.0.1:{door.getsockname()[1]}/hook"
            self.assert_ok(client.put("/v1/accounts/a1", {"name": url, "attributes": {"website": url, "logo": url}}))
            self.assert_ok(client.put("/v1/sources/crm", {"preset": "generic", "url": url}))
            self.assert_ok(client.put("/v1/sources/sf", {"preset": "salesforce", "url": url}))
            server.anonymous().request("POST", "/v1/webhooks/crm", json.dumps({"url": url, "@context": url, "$ref": url}).encode(),
                                       {"Host": url.split("/")[2], "X-Forwarded-Host": url.split("/")[2], "Referer": url, "Origin": url, "WebHook-Request-Callback": url})
            self.assert_ok(client.request("POST", "/v1/events", {"specversion": "1.0", "id": "e1", "source": url, "dataschema": url, "type": "account.updated",
                                                                  "subject": "a1", "data": {"name": "N"}}, {"Content-Type": "application/cloudevents+json"}))
            server.anonymous().request("OPTIONS", "/v1/webhooks/crm", None, {"WebHook-Request-Callback": url, "WebHook-Request-Origin": url})
            with self.assertRaises(TimeoutError):
                door.accept()


if __name__ == "__main__":
    import unittest
    unittest.main()
