"""API keys: who gets in, for what, how long, how often; and that organisations see nothing of each other."""
import re
import time

from harness import Case


class Access(Case):
    @classmethod
    def setUpClass(cls):
        cls.server = cls.start()
        cls.assert_ok(cls(), cls.server.client().put("/v1/reps/r1", {"name": "Ann"}))

    def get(self, authorization, path="/v1/reps/r1"):
        headers = {} if authorization is None else {"Authorization": authorization}
        return self.server.anonymous().get(path, headers)

    def test_missing_and_malformed(self):
        key = self.server.key("read")
        for given in (None, "", "Bearer", key, f"Basic {key}", f"Bearer {key}x", f"Bearer {key[:-1]}", "Bearer pl_1_x_y", f"Bearer {key} {key}"):
            with self.subTest(authorization=given):
                answer = self.get(given)
                self.assert_problem(answer, 401, "unauthorized")
                self.assertTrue(answer.headers["WWW-Authenticate"].startswith("Bearer"))

    def test_refused_before_the_body(self):
        with self.server.anonymous().socket() as connection:
            connection.sendall(b"PUT /v1/reps/r1 HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: 1000\r\n"
                               b"Expect: 100-continue\r\n\r\n")
            self.assertRegex(connection.recv(65536), rb"^HTTP/1\.1 401 ")

    def test_wrong_secret_and_unknown_id(self):
        key = self.server.key("read")
        organisation, number, secret = re.fullmatch(r"pl_(\d+)_([^_]+)_(.+)", key).groups()
        other = ("B" if secret[0] == "A" else "A") + secret[1:]
        self.assert_ok(self.get(f"Bearer {key}"))
        for wrong in (f"pl_{organisation}_{number}_{other}", f"pl_{organisation}_{number[::-1]}_{secret}", f"pl_2_{number}_{secret}"):
            self.assert_problem(self.get(f"Bearer {wrong}"), 401, "unauthorized")

    def test_scopes(self):
        read, ingest = self.server.client("read"), self.server.client("ingest")
        self.assert_problem(read.put("/v1/reps/r2", {"name": "No"}), 403, "forbidden")
        self.assert_problem(read.post("/v1/reps", [{"id": "r2", "name": "No"}]), 403, "forbidden")
        self.assert_problem(ingest.get("/v1/alignment?by=rep"), 403, "forbidden")
        self.assertIn("read", ingest.get("/v1/alignment?by=rep").json()["detail"])
        self.assertEqual(self.server.sql("SELECT 1 FROM object WHERE object_id = 'r2'"), [])
        self.assert_ok(ingest.put("/v1/reps/r3", {"name": "Yes"}))
        self.assert_ok(read.get("/v1/alignment?by=rep"))

    def test_revoked_within_seconds(self):
        key = self.server.key("read", label="to be revoked")
        self.assert_ok(self.get(f"Bearer {key}"))
        done = self.server.plumbline("key", "revoke", key.split("_")[2])
        self.assertEqual(done.returncode, 0, done.stderr)
        time.sleep(5.2)
        self.assert_problem(self.get(f"Bearer {key}"), 401, "unauthorized")

    def test_expired(self):
        key = self.server.key("read", label="to expire")
        self.server.sql(f"UPDATE api_key SET expires_at = now() - interval '1 second' WHERE org_id = 1 AND key_id = '{key.split('_')[2]}'")
        self.assert_problem(self.get(f"Bearer {key}"), 401, "key_expired")

    def test_expires_while_remembered(self):
        key = self.server.key("read", label="to expire soon")
        self.server.sql(f"UPDATE api_key SET expires_at = now() + interval '2 seconds' WHERE org_id = 1 AND key_id = '{key.split('_')[2]}'")
        self.assert_ok(self.get(f"Bearer {key}"))
        time.sleep(3.1)
        self.assert_problem(self.get(f"Bearer {key}"), 401, "key_expired")

    def test_last_use_is_noted(self):
        key = self.server.key("read", label="to be used")
        query = f"SELECT last_used_at FROM api_key WHERE org_id = 1 AND key_id = '{key.split('_')[2]}'"
        self.assertEqual(self.server.value(query), "")
        self.assert_ok(self.get(f"Bearer {key}"))
        deadline = time.monotonic() + 5
        while self.server.value(query) == "":
            self.assertLess(time.monotonic(), deadline, "the use of the key was not noted")
            time.sleep(0.05)

    def test_source_of_a_key(self):
        client = self.server.client("ingest", source="crm-a")
        event = {"id": "r5", "name": "Eve", "event_id": "same"}
        self.assertEqual(self.assert_ok(client.post("/v1/reps", event))["outcome"], "accepted")
        self.assertEqual(self.assert_ok(client.post("/v1/reps", event))["outcome"], "duplicate")
        # Event ids are of their source: another one may use the same.
        other = {"id": "r6", "name": "Fay", "event_id": "same"}
        self.assertEqual(self.assert_ok(self.server.client("ingest").post("/v1/reps", other))["outcome"], "accepted")
        self.assertEqual(self.server.sql("SELECT source, object_id FROM event WHERE org_id = 1 AND event_id = 'same' ORDER BY source"),
                         [["api", "r6"], ["crm-a", "r5"]])

    def test_organisations_apart(self):
        done = self.server.plumbline("org", "create", "acme")
        self.assertEqual(done.returncode, 0, done.stderr)
        acme, default = self.server.client(org="acme"), self.server.client()
        self.assertEqual(acme.get("/v1/reps/r1").status, 404)
        self.assertEqual(self.assert_ok(acme.get("/v1/reps"))["data"], [])
        self.assert_ok(acme.put("/v1/reps/r1", {"name": "Somebody else"}))
        self.assertEqual(self.assert_ok(acme.get("/v1/reps/r1"))["name"], "Somebody else")
        self.assertEqual(self.assert_ok(default.get("/v1/reps/r1"))["name"], "Ann")


class Guessing(Case):
    """Keys are guessed: few answers a minute, and nobody who has a good key pays for it."""

    def wrong(self, number):
        return f"pl_1_{number:012x}_" + "A" * 43

    def guess(self, server, times, headers=None):
        """The statuses heard, and the last answer."""
        answers = [server.anonymous().get("/v1/reps", {"Authorization": f"Bearer {self.wrong(number)}", **(headers or {})}) for number in range(times)]
        return [answer.status for answer in answers], answers[-1]

    def counted(self, server):
        return int(float(re.search(r"^plumbline_refused_keys_total (\S+)$", server.admin().get("/metrics").text, re.MULTILINE)[1]))

    def test_few_answers_a_minute(self):
        server = self.serve(env={"PLUMBLINE_KEY_TRIES": 10})
        seen = server.client("read")
        self.assert_ok(seen.get("/v1/reps"))
        statuses, last = self.guess(server, 40)
        self.assertEqual(statuses[:10], [401] * 10)
        self.assertEqual(set(statuses[15:]), {429})
        self.assert_problem(last, 429, "rate_limited")
        self.assertRegex(last.headers["Retry-After"], r"^[1-6]$")
        self.assertEqual(self.counted(server), 40)
        # A key that has been good is served, also when the service has to look it up again.
        self.assert_ok(seen.get("/v1/reps"))
        time.sleep(5.2)
        self.guess(server, 10)
        self.assert_ok(seen.get("/v1/reps"))
        # Who says nothing, or says it in no form of a key, guesses nothing; public routes are nobody's.
        self.assert_problem(server.anonymous().get("/v1/reps"), 401, "unauthorized")
        self.assert_status(server.anonymous().get("/healthz"), 200)
        # A good key that nobody has seen yet is late, and not shut out.
        fresh, deadline = server.client("read", label="fresh"), time.monotonic() + 30
        while (answer := fresh.get("/v1/reps")).status == 429:
            self.assertLess(time.monotonic(), deadline)
            time.sleep(int(answer.headers["Retry-After"]))
        self.assert_ok(answer)
        self.assert_ok(fresh.get("/v1/reps"))

    def test_a_key_that_ended_counts_as_wrong(self):
        server = self.serve(env={"PLUMBLINE_KEY_TRIES": 3})
        client = server.client("read", label="ends")
        self.assert_ok(client.get("/v1/reps"))
        server.sql(f"UPDATE api_key SET revoked_at = now() WHERE org_id = 1 AND key_id = '{client.key.split('_')[2]}'")
        time.sleep(5.2)
        self.assertEqual([client.get("/v1/reps").status for _ in range(6)], [401, 401, 401, 401, 429, 429])

    def test_good_keys_cost_nothing(self):
        server = self.serve(env={"PLUMBLINE_KEY_TRIES": 1})
        for number in range(5):
            self.assert_ok(server.client("read", label=f"good {number}").get("/v1/reps"))

    def test_behind_a_proxy_the_client_counts(self):
        server = self.serve(env={"PLUMBLINE_KEY_TRIES": 5, "PLUMBLINE_TRUSTED_PROXIES": "127.0.0.0/8"})
        self.assertEqual(set(self.guess(server, 12, {"X-Forwarded-For": "198.51.100.7"})[0][8:]), {429})
        self.assertEqual(self.guess(server, 1, {"X-Forwarded-For": "198.51.100.8"})[0], [401])
        # What stands before the proxy's own entry is what somebody claims.
        self.assertEqual(self.guess(server, 1, {"X-Forwarded-For": "203.0.113.1, 198.51.100.7"})[0], [429])
        fresh = server.client("read", label="elsewhere")
        self.assert_ok(fresh.get("/v1/reps", {"X-Forwarded-For": "198.51.100.9"}))

    def test_nobody_is_believed_without_being_trusted(self):
        server = self.serve(env={"PLUMBLINE_KEY_TRIES": 5})
        statuses = [self.guess(server, 1, {"X-Forwarded-For": f"198.51.100.{number}"})[0][0] for number in range(12)]
        self.assertEqual(set(statuses[8:]), {429})

    def test_no_limit(self):
        self.assertEqual(set(self.guess(self.serve(env={"PLUMBLINE_KEY_TRIES": 0}), 200)[0]), {401})


class RateLimit(Case):
    def test_reads_of_a_key(self):
        server = self.serve(env={"PLUMBLINE_RATE_LIMIT": "5"})
        client, other = server.client(), server.client("read")
        self.assert_ok(client.put("/v1/reps/r1", {"name": "Ann"}))
        for left in (4, 3, 2, 1, 0):
            answer = client.get("/v1/reps/r1")
            self.assert_ok(answer)
            self.assertEqual(answer.headers["RateLimit-Policy"], '"reads";q=5;w=60')
            self.assertRegex(answer.headers["RateLimit"], rf'^"reads";r={left};t=\d+$')
        answer = client.get("/v1/reps/r1")
        self.assert_problem(answer, 429, "rate_limited")
        self.assertRegex(answer.headers["Retry-After"], r"^[1-9]\d?$")
        self.assertRegex(answer.headers["RateLimit"], r'^"reads";r=0;t=\d+$')
        self.assert_problem(client.get("/v1/alignment?by=rep"), 429, "rate_limited")
        # Other keys, and writes of this one, are not concerned.
        self.assert_ok(other.get("/v1/reps/r1"))
        self.assert_ok(client.put("/v1/reps/r1", {"name": "Anna"}))

    def test_switched_off(self):
        server = self.serve(env={"PLUMBLINE_RATE_LIMIT": "0"})
        client = server.client()
        self.assert_ok(client.put("/v1/reps/r1", {"name": "Ann"}))
        answer = client.get("/v1/reps/r1")
        self.assert_ok(answer)
        self.assertIsNone(answer.headers["RateLimit"])


class Tags(Case):
    """Entity tags and the answers kept in memory."""

    PATHS = ("/v1/metrics/win_rate?by=rep", "/v1/alignment?by=rep")

    @classmethod
    def setUpClass(cls):
        cls.server = cls.start()
        cls.client = cls.server.client()
        cls.assert_ok(cls(), cls.client.put("/v1/reps/r1", {"name": "Ann"}))

    def tag(self, path, client=None, headers=None):
        answer = (client or self.client).get(path, headers)
        self.assert_status(answer, 200)
        self.assertRegex(answer.headers["ETag"], r'^"[0-9a-f]+"$')
        return answer.headers["ETag"], answer.body

    def test_not_modified(self):
        for path in self.PATHS:
            with self.subTest(path=path):
                tag, body = self.tag(path)
                self.assertEqual(self.tag(path), (tag, body))
                for condition in (tag, f"W/{tag}", f'"other", {tag}', "*"):
                    answer = self.client.get(path, {"If-None-Match": condition})
                    self.assertEqual((answer.status, answer.body, answer.headers["ETag"]), (304, b"", tag))
                self.assertEqual(self.client.get(path, {"If-None-Match": '"other"'}).status, 200)

    def test_every_accepted_event_changes_it(self):
        path = self.PATHS[1]
        before, _ = self.tag(path)
        self.assert_ok(self.client.patch("/v1/reps/r1", {"name": "Anne"}))
        after, body = self.tag(path)
        self.assertNotEqual(after, before)
        self.assertIn(b"Anne", body)
        self.assertEqual(self.client.get(path, {"If-None-Match": before}).status, 200)

    def test_seen_at_once_whoever_writes(self):
        """What another process commits is seen by the very next read: nothing is guessed from time."""
        path = self.PATHS[1]
        for number in range(20):
            before, _ = self.tag(path)
            self.server.sql(f"SELECT * FROM pl.ingest(1, 'api', '{{rep}}', '{{r1}}', '{{patch}}', '{{f}}', '{{f}}', '{{NULL}}', "
                            f"'{{NULL}}', ARRAY['{{\"name\": \"Ann {number}\"}}'])")
            after, body = self.tag(path)
            self.assertNotEqual(after, before)
            self.assertIn(b"Ann %d" % number, body)

    def test_depends_on_what_is_asked_and_seen(self):
        tags = {
            self.tag("/v1/alignment?by=rep")[0],
            self.tag("/v1/alignment?by=team")[0],
            self.tag("/v1/alignment?by=rep&period=2020-Q1")[0],
            self.tag("/v1/alignment?by=rep", headers={"Accept": "text/csv"})[0],
            self.tag("/v1/alignment?by=rep", self.server.client("read", read_scope="self", rep="r1"))[0],
            self.tag("/v1/alignment?by=rep", self.server.client("read", read_scope="self", rep="r2"))[0],
        }
        self.assertEqual(len(tags), 6)
        self.assertEqual(self.tag("/v1/alignment?by=rep&period=2020-Q1"), self.tag("/v1/alignment?period=2020-Q1&by=rep"))
        self.assertEqual(self.tag("/v1/alignment?by=rep"), self.tag("/v1/alignment?by=rep", self.server.client("read")))

    def test_errors_have_none(self):
        answer = self.client.get("/v1/alignment?by=nonsense")
        self.assert_problem(answer, 400, "invalid_parameter")
        self.assertIsNone(answer.headers["ETag"])

    def test_hits_are_counted(self):
        def count(name):
            return int(float(re.search(rf"^{name} (\S+)$", self.server.admin().get("/metrics").text, re.MULTILINE)[1]))

        before = count("plumbline_cache_hits_total")
        for _ in range(3):
            self.tag("/v1/alignment?by=rep&period=2019-Q1")
        self.assertEqual(count("plumbline_cache_hits_total") - before, 2)


if __name__ == "__main__":
    import unittest
    unittest.main()
