"""Sessions: a browser exchanges a key for a cookie that may what the key may, from its own pages only, until the key ends."""
import datetime
import re
import time

from harness import Case, Server

COOKIE = r"plumbline_session=(ps_(\d+)_([0-9a-f]{12})_[A-Za-z0-9_-]{43}); HttpOnly; SameSite=Strict; Path=/; Max-Age=(\d+)"
OURS = {"X-Requested-With": "plumbline"}


class SessionCase(Case):
    @classmethod
    def setUpClass(cls):
        cls.server = cls.start()
        cls.assert_ok(cls(), cls.server.client().put("/v1/reps/r1", {"name": "Ann"}))

    def begin(self, key, server=None):
        """The token, and what the answer said."""
        answer = (server or self.server).anonymous().post("/v1/session", None, {"Authorization": f"Bearer {key}"})
        self.assert_status(answer, 201)
        self.assertRegex(answer.headers["Set-Cookie"], f"^{COOKIE}$")
        self.assertEqual(answer.headers["Cache-Control"], "no-store")
        return re.match(COOKIE, answer.headers["Set-Cookie"])[1], answer.json()

    def send(self, method, path, token, body=None, headers=None, server=None):
        return (server or self.server).anonymous().request(method, path, body, {"Cookie": f"plumbline_session={token}", **(headers or {})})

    def get(self, path, token, headers=None, server=None):
        return self.send("GET", path, token, None, headers, server)


class Life(SessionCase):
    def test_begin_ask_end(self):
        key = self.server.key("read", "strategy", label="Ann's browser")
        token, said = self.begin(key)
        self.assertEqual({name: said[name] for name in ("org", "org_name", "key", "name", "scopes", "read", "rep", "team", "rep_metrics", "time_zone", "currency")},
                         {"org": "default", "org_name": "Default organisation", "key": key.split("_")[2], "name": "Ann's browser",
                          "scopes": ["read", "strategy"], "read": "all", "rep": None, "team": None, "rep_metrics": "on", "time_zone": "UTC",
                          "currency": None})
        left = datetime.datetime.fromisoformat(said["expires_at"].replace("Z", "+00:00")) - datetime.datetime.now(datetime.timezone.utc)
        self.assertTrue(datetime.timedelta(hours=7, minutes=59) < left <= datetime.timedelta(hours=8), left)
        again = self.get("/v1/session", token)
        self.assertEqual(self.assert_ok(again), said)
        self.assertEqual(again.headers["Cache-Control"], "no-store")
        self.assertEqual(self.assert_ok(self.get("/v1/reps/r1", token))["name"], "Ann")
        ended = self.send("DELETE", "/v1/session", token, None, OURS)
        self.assert_status(ended, 204)
        self.assertEqual(ended.headers["Set-Cookie"], "plumbline_session=; HttpOnly; SameSite=Strict; Path=/; Max-Age=0")
        self.assert_problem(self.get("/v1/session", token), 401, "unauthorized")
        self.assert_problem(self.get("/v1/reps/r1", token), 401, "unauthorized")
        self.assert_ok(self.server.anonymous().get("/v1/reps/r1", {"Authorization": f"Bearer {key}"}))

    def test_nobody_is_asked_for_a_key(self):
        for method in ("POST", "GET", "DELETE"):
            self.assert_problem(self.server.anonymous().request(method, "/v1/session"), 401, "unauthorized")

    def test_key_itself_may_ask_but_has_nothing_to_end(self):
        client = self.server.client("read", read_scope="self", rep="r1")
        said = self.assert_ok(client.get("/v1/session"))
        self.assertEqual((said["read"], said["rep"], said["expires_at"], said["name"]), ("self", "r1", None, ""))
        self.assert_problem(client.delete("/v1/session"), 404, "not_found")
        self.assertIsNone(self.assert_ok(self.server.client("ingest").get("/v1/session"))["read"])

    def test_session_cannot_prolong_itself(self):
        token, _ = self.begin(self.server.key("read"))
        self.assert_problem(self.send("POST", "/v1/session", token, None, OURS), 401, "unauthorized")

    def test_nothing_but_the_digest_is_stored_or_logged(self):
        token, _ = self.begin(self.server.key("read"))
        self.assert_ok(self.get("/v1/reps/r1", token))
        secret, number = token.split("_", 3)[3], token.split("_")[2]
        self.assertNotIn(secret, self.server.log())
        self.assertNotIn(token, self.server.log())
        self.assertEqual(self.server.value(f"SELECT digest = sha256('{secret}') FROM session WHERE org_id = 1 AND session_id = '{number}'"), "t")
        self.assertEqual(self.server.value(f"SELECT count(*) FROM session s WHERE s::text LIKE '%{secret}%'"), "0")

    def test_no_body_and_no_parameters(self):
        client = self.server.client("read")
        self.assert_problem(client.post("/v1/session", {}), 400, "invalid_request")
        self.assert_problem(client.post("/v1/session?org=acme"), 400, "unknown_parameter")

    def test_ended_ones_are_taken_away(self):
        key = self.server.key("read", label="many")
        first, _ = self.begin(key)
        self.server.sql(f"UPDATE session SET expires_at = now() - interval '1 s' WHERE org_id = 1 AND session_id = '{first.split('_')[2]}'")
        second, _ = self.begin(key)
        self.assertEqual(self.server.sql(f"SELECT session_id FROM session WHERE key_id = '{key.split('_')[2]}'"), [[second.split("_")[2]]])

    def test_hours_are_a_setting(self):
        server = self.serve(env={"PLUMBLINE_SESSION_HOURS": "2"}, database=self.server.database)
        answer = server.anonymous().post("/v1/session", None, {"Authorization": f"Bearer {self.server.key('read')}"})
        self.assertEqual(re.match(COOKIE, answer.headers["Set-Cookie"])[4], "7200")

    def test_secure_where_the_service_is_reached_by_https(self):
        server = self.serve(env={"PLUMBLINE_PUBLIC_URL": "https://plumbline.example.com"}, database=self.server.database)
        answer = server.anonymous().post("/v1/session", None, {"Authorization": f"Bearer {self.server.key('read')}"})
        self.assertRegex(answer.headers["Set-Cookie"], f"^{COOKIE}; Secure$")


    def test_secure_where_a_trusted_proxy_says_so(self):
        for trusted, said, secure in (("127.0.0.1", "https", True), ("127.0.0.1", "http", False), ("192.0.2.1", "https", False), ("", "https", False)):
            with self.subTest(trusted=trusted, said=said):
                server = self.serve(env={"PLUMBLINE_TRUSTED_PROXIES": trusted}, database=self.server.database)
                answer = server.anonymous().post("/v1/session", None, {"Authorization": f"Bearer {self.server.key('read')}", "X-Forwarded-Proto": said})
                self.assertEqual(answer.headers["Set-Cookie"].endswith("; Secure"), secure, answer)


class Ends(SessionCase):
    def test_with_the_key(self):
        cases = {
            "revoked": lambda key: self.server.plumbline("key", "revoke", key.split("_")[2]),
            "rotated": lambda key: self.server.plumbline("key", "rotate", key.split("_")[2]),
        }
        tokens = {}
        for name, end in cases.items():
            key = self.server.key("read", label=f"to be {name}")
            tokens[name], _ = self.begin(key)
            self.assert_ok(self.get("/v1/reps/r1", tokens[name]))
            done = end(key)
            self.assertEqual(done.returncode, 0, done.stderr)
        time.sleep(5.2)
        for name, token in tokens.items():
            with self.subTest(name):
                self.assert_problem(self.get("/v1/reps/r1", token), 401, "unauthorized")

    def test_never_later_than_the_key(self):
        key = self.server.key("read", label="to expire")
        self.server.sql(f"UPDATE api_key SET expires_at = now() + interval '1 hour' WHERE org_id = 1 AND key_id = '{key.split('_')[2]}'")
        answer = self.server.anonymous().post("/v1/session", None, {"Authorization": f"Bearer {key}"})
        self.assertIn(int(re.match(COOKIE, answer.headers["Set-Cookie"])[4]), range(3590, 3601))
        # And when the key's end is moved forward afterwards, as by a rotation with grace.
        token, _ = self.begin(key)
        self.server.sql(f"UPDATE api_key SET expires_at = now() - interval '1 s' WHERE org_id = 1 AND key_id = '{key.split('_')[2]}'")
        self.assert_problem(self.get("/v1/reps/r1", token), 401, "key_expired")

    def test_by_its_own_time(self):
        token, _ = self.begin(self.server.key("read"))
        number = token.split("_")[2]
        self.server.sql(f"UPDATE session SET expires_at = now() + interval '2 s' WHERE org_id = 1 AND session_id = '{number}'")
        self.assert_ok(self.get("/v1/reps/r1", token))
        time.sleep(3.1)
        self.assert_problem(self.get("/v1/reps/r1", token), 401, "key_expired")


class Refused(SessionCase):
    """What another site can make a browser send does nothing."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.token, _ = cls.begin(cls(), cls.server.key())

    def test_writes_without_our_header(self):
        cases = (("PUT", "/v1/reps/r9", {"name": "Eve"}), ("PATCH", "/v1/reps/r1", {"name": "Eve"}), ("DELETE", "/v1/reps/r1", None),
                 ("POST", "/v1/reps", [{"id": "r9", "name": "Eve"}]), ("POST", "/v1/query", {"metrics": ["win_rate"]}),
                 ("POST", "/v1/strategies", {}), ("DELETE", "/v1/session", None))
        for method, path, body in cases:
            for headers in ({}, {"X-Requested-With": "XMLHttpRequest"}, {"Sec-Fetch-Site": "same-origin"}, {**OURS, "Sec-Fetch-Site": "cross-site"},
                            {**OURS, "Sec-Fetch-Site": "same-site"}):
                with self.subTest(method=method, path=path, headers=headers):
                    self.assert_problem(self.send(method, path, self.token, body, headers), 403, "cross_site")
        self.assertEqual(self.server.sql("SELECT count(*) FROM event WHERE patch ->> 'name' = 'Eve'"), [["0"]])
        self.assert_ok(self.get("/v1/session", self.token))

    def test_a_form_of_another_site(self):
        answer = self.send("POST", "/v1/reps", self.token, "id,name\nr9,Eve\n", {"Content-Type": "text/plain", "Origin": "https://evil.example",
                                                                              "Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "navigate"})
        self.assert_problem(answer, 403, "cross_site")

    def test_refused_before_the_body(self):
        with self.server.anonymous().socket() as connection:
            connection.sendall(f"PUT /v1/reps/r1 HTTP/1.1\r\nHost: x\r\nCookie: plumbline_session={self.token}\r\nContent-Type: application/json\r\n"
                               "Content-Length: 1000\r\nExpect: 100-continue\r\n\r\n".encode())
            self.assertRegex(connection.recv(65536), rb"^HTTP/1\.1 403 ")

    def test_writes_of_our_own_pages(self):
        written = self.send("PUT", "/v1/reps/r2", self.token, {"name": "Bo"}, {**OURS, "Sec-Fetch-Site": "same-origin"})
        self.assertEqual(self.assert_ok(written)["outcome"], "accepted")
        many = self.send("POST", "/v1/reps", self.token, '{"id":"r3","name":"Cy"}\n', {**OURS, "Content-Type": "application/x-ndjson"})
        self.assert_counts(many, accepted=1)
        # Twice, so that the second finds the session remembered and goes to the committer from the loop.
        self.assertEqual(self.assert_ok(self.send("PATCH", "/v1/reps/r2", self.token, {"email": "bo@example.com"}, OURS))["outcome"], "accepted")

    def test_reads_that_another_site_made(self):
        for site, status in (("cross-site", 403), ("same-site", 403), ("same-origin", 200), ("none", 200)):
            answer = self.get("/v1/reps/r1", self.token, {"Sec-Fetch-Site": site})
            self.assertEqual(answer.status, status, answer)

    def test_other_origins_get_no_credentials(self):
        server = self.serve(env={"PLUMBLINE_CORS_ORIGINS": "https://bi.example"}, database=self.server.database)
        asked = server.anonymous().request("OPTIONS", "/v1/reps", None, {"Origin": "https://bi.example", "Access-Control-Request-Method": "PUT",
                                                                        "Access-Control-Request-Headers": "x-requested-with"})
        self.assertIsNone(asked.headers["Access-Control-Allow-Credentials"])
        self.assertNotIn("x-requested-with", asked.headers["Access-Control-Allow-Headers"].lower())

    def test_broken_tokens(self):
        organisation, number, secret = re.fullmatch(r"ps_(\d+)_([^_]+)_(.+)", self.token).groups()
        other = ("B" if secret[0] == "A" else "A") + secret[1:]
        for wrong in ("", "x", f"pl_{organisation}_{number}_{secret}", f"ps_{organisation}_{number}_{other}", f"ps_2_{number}_{secret}",
                      f"ps_{organisation}_{number[::-1]}_{secret}", self.token + "A", f"Bearer {self.token}"):
            with self.subTest(token=wrong):
                self.assert_problem(self.get("/v1/reps/r1", wrong), 401, "unauthorized")
        self.assert_problem(self.server.anonymous().get("/v1/reps/r1", {"Authorization": f"Bearer {self.token}"}), 401, "unauthorized")

    def test_authorization_counts_before_the_cookie(self):
        client = self.server.client("ingest")
        cookie = {"Cookie": f"a=b; plumbline_session={self.token}"}
        self.assert_problem(client.get("/v1/alignment?by=rep", cookie), 403, "forbidden")
        self.assert_ok(self.server.anonymous().get("/v1/alignment?by=rep", cookie))
        self.assert_ok(client.put("/v1/reps/r4", {"name": "Di"}, cookie))
        for broken in ("", "Bearer", "Basic eDp5"):
            self.assert_problem(self.server.anonymous().get("/v1/reps/r1", {**cookie, "Authorization": broken}), 401, "unauthorized")


class Rights(SessionCase):
    """All and only those of the key."""

    def test_scopes(self):
        token, _ = self.begin(self.server.key("read"))
        self.assert_problem(self.send("PUT", "/v1/reps/r7", token, {"name": "No"}, OURS), 403, "forbidden")
        self.assert_problem(self.get("/v1/settings", token), 403, "forbidden")
        self.assert_ok(self.get("/v1/alignment?by=rep", token))

    def test_rows(self):
        client = self.server.client()
        for kind, name, record in (("teams", "t1", {"name": "One"}), ("teams", "t2", {"name": "Two"}), ("reps", "s1", {"name": "Sy", "team": "t1"}),
                                   ("reps", "s2", {"name": "Ty", "team": "t2"}), ("accounts", "c1", {"name": "A", "owner": "s1"}),
                                   ("accounts", "c2", {"name": "B", "owner": "s2"}), ("stages", "won", {"label": "Won", "outcome": "won"}),
                                   ("opportunities", "o1", {"owner": "s1", "account": "c1", "stage": "won", "amount": 10, "currency": "EUR", "closed_at": "2026-01-05"}),
                                   ("opportunities", "o2", {"owner": "s2", "account": "c2", "stage": "won", "amount": 20, "currency": "EUR", "closed_at": "2026-01-06"})):
            self.assert_ok(client.put(f"/v1/{kind}/{name}?occurred_at=2026-01-01T00:00:00Z", record))
        for options in ({"read_scope": "self", "rep": "s1"}, {"read_scope": "team", "team": "t1"}):
            key = self.server.key("read", **options)
            token, said = self.begin(key)
            self.assertEqual(said["read"], options["read_scope"])
            for path in ("/v1/opportunities", "/v1/opportunities?format=csv", "/v1/metrics/win_rate?by=rep&period=2026", "/v1/metrics/win_rate/rows?period=2026",
                         "/v1/metrics/win_rate/rows?period=2026&format=ndjson", "/v1/alignment?by=rep&period=2026"):
                with self.subTest(path=path, **options):
                    mine = self.get(path, token)
                    self.assert_status(mine, 200)
                    self.assertEqual(mine.body, self.server.anonymous().get(path, {"Authorization": f"Bearer {key}"}).body)
                    self.assertNotEqual(mine.body, client.get(path).body)
            self.assert_status(self.get("/v1/opportunities/o1", token), 200)
            self.assert_problem(self.get("/v1/opportunities/o2", token), 404, "not_found")

    def test_organisations_apart(self):
        done = self.server.plumbline("org", "create", "acme")
        self.assertEqual(done.returncode, 0, done.stderr)
        token, said = self.begin(self.server.key("read", "ingest", org="acme"))
        self.assertEqual(said["org"], "acme")
        self.assertEqual(self.get("/v1/reps/r1", token).status, 404)
        self.assertEqual(self.assert_ok(self.get("/v1/reps", token))["data"], [])
        number, secret = token.split("_", 3)[2:]
        self.assert_problem(self.get("/v1/reps/r1", f"ps_1_{number}_{secret}"), 401, "unauthorized")

    def test_answers_are_never_shown_unasked(self):
        token, _ = self.begin(self.server.key("read"))
        answer = self.get("/v1/alignment?by=rep", token)
        self.assertEqual(answer.headers["Cache-Control"], "private, no-cache")
        again = self.get("/v1/alignment?by=rep", token, {"If-None-Match": answer.headers["ETag"]})
        self.assertEqual((again.status, again.body), (304, b""))
        self.assertEqual(self.server.client("read").get("/v1/alignment?by=rep").headers["Cache-Control"], "private")

    def test_reads_count_for_the_key(self):
        server = self.serve(env={"PLUMBLINE_RATE_LIMIT": "3"}, database=self.server.database)
        key = self.server.key("read", label="counted")
        tokens = [self.begin(key, server)[0] for _ in range(2)]
        for token in (*tokens, tokens[0]):
            self.assert_status(self.get("/v1/reps/r1", token, server=server), 200)
        self.assert_problem(self.get("/v1/reps/r1", tokens[1], server=server), 429, "rate_limited")
        self.assert_problem(server.anonymous().get("/v1/reps/r1", {"Authorization": f"Bearer {key}"}), 429, "rate_limited")
        self.assertNotEqual(self.server.value(f"SELECT last_used_at FROM api_key WHERE key_id = '{key.split('_')[2]}'"), "")


class Instances(SessionCase):
    def test_two(self):
        other = self.serve(database=self.server.database)
        token, said = self.begin(self.server.key("read"))
        self.assertEqual(self.assert_ok(self.get("/v1/session", token, server=other)), said)
        self.assert_ok(self.get("/v1/reps/r1", token, server=other))
        self.assert_status(self.send("DELETE", "/v1/session", token, None, OURS), 204)
        self.assert_problem(self.get("/v1/reps/r1", token), 401, "unauthorized")
        time.sleep(5.2)
        self.assert_problem(self.get("/v1/reps/r1", token, server=other), 401, "unauthorized")

    def test_after_a_restart(self):
        server = Server()
        self.addCleanup(server.close)
        token, _ = self.begin(server.key("read"), server)
        server.restart()
        self.assert_ok(self.get("/v1/session", token, server=server))


if __name__ == "__main__":
    import unittest

    unittest.main()
