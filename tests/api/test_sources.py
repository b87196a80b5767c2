"""Sources: their configuration, secrets and tests; deliveries and each status a sender may hear."""
import base64
import gzip
import hashlib
import hmac
import json
import time

from harness import Case

SECRET = "a1b2c3d4-0000-4000-8000-5e6f7a8b9c0d"
OTHER = "ffffffff-0000-4000-8000-5e6f7a8b9c0d"
HMAC_OF_BASE64 = {"type": "hmac", "secret_encoding": "base64", "secret_prefix": "whsec_", "sign": "{body}", "signature": {"header": "X-Signature", "encoding": "hex"}}
KEY = "00112233445566778899aabbccddeeff" * 2


def signed(body, secret=SECRET):
    return {"X-Hub-Signature-256": "sha256=" + hmac.new(secret.encode(), body, hashlib.sha256).hexdigest()}


class Deliverer(Case):
    """A server with the source "crm" of the generic preset."""

    @classmethod
    def setUpClass(cls):
        cls.server = cls.start({"PLUMBLINE_GAUGE_INTERVAL": 1})
        cls.admin, cls.nobody = cls.server.client("admin"), cls.server.anonymous()

    def setUp(self):
        self.assert_ok(self.admin.put("/v1/sources/crm", {"preset": "generic"}))
        self.assert_status(self.admin.post("/v1/sources/crm/secrets", {"secret": SECRET, "overlap_hours": 0}), 201)

    def deliver(self, body, source="crm", secret=SECRET, headers=None):
        body = body if isinstance(body, bytes) else json.dumps(body).encode()
        return self.nobody.request("POST", f"/v1/webhooks/{source}", body, {**signed(body, secret), **(headers or {})})

    def outcomes(self, response):
        self.assert_status(response, 200)
        document = response.json()
        self.assertEqual(document["accepted"] + document["quarantined"] + document["ignored"], len(document["items"]), response)
        return [item["outcome"] if "code" not in item else item["code"] for item in document["items"]]

    def eventually(self, try_it, seconds=10):
        """Servers notice a change of a source within a second."""
        deadline = time.monotonic() + seconds
        while True:
            try:
                return try_it()
            except AssertionError:
                if time.monotonic() > deadline:
                    raise
                time.sleep(0.1)


class Configuration(Deliverer):
    def test_a_secret_that_could_prove_nothing(self):
        for source, verifier in (("hooks", HMAC_OF_BASE64), ("basic", {"type": "basic"})):
            self.assert_ok(self.admin.put(f"/v1/sources/{source}", {"preset": "generic", "override": {"verify": [verifier]}}))
            self.addCleanup(self.admin.delete, f"/v1/sources/{source}")
        for source, wrong in (("hooks", "whsec_no base64!"), ("hooks", "whsec_"), ("basic", "user and password"), ("crm", "é" * 1001)):
            refused = self.admin.post(f"/v1/sources/{source}/secrets", {"secret": wrong})
            self.assertIn("/secret", [error["pointer"] for error in self.assert_problem(refused, 422, "validation_failed")["errors"]])
            self.assertNotIn(wrong, refused.text)
        self.assertEqual(self.admin.get("/v1/sources/hooks").json()["secrets"], [])
        self.assert_problem(self.admin.post("/v1/sources/nowhere/secrets", {"secret": SECRET}), 404, "not_found")
        for source, right in (("hooks", "whsec_" + base64.b64encode(b"k" * 24).decode()), ("basic", "user:password")):
            self.assert_status(self.admin.post(f"/v1/sources/{source}/secrets", {"secret": right}), 201)

    def test_life_of_a_source(self):
        made = self.assert_status(self.admin.post("/v1/sources", {"source": "shop", "preset": "generic", "override": {"title": "The shop"}}), 201)
        self.assertEqual(made.headers["Location"], "/v1/sources/shop")
        self.assertEqual((made.json()["enabled"], made.json()["secrets"], made.json()["webhook"]), (True, [], "/v1/webhooks/shop"))
        self.assertEqual(made.json()["document"]["title"], "The shop")
        self.assert_problem(self.admin.post("/v1/sources", {"source": "shop", "preset": "generic"}), 409, "conflict", ("/source", "taken"))
        changed = self.assert_ok(self.admin.patch("/v1/sources/shop", {"override": {"title": None, "defaults": {"currency": "EUR"}}}))
        self.assertEqual((changed["override"], changed["document"]["defaults"]), ({"defaults": {"currency": "EUR"}}, {"currency": "EUR"}))
        self.assertNotEqual(changed["document"]["title"], "The shop")
        replaced = self.assert_ok(self.admin.put("/v1/sources/shop", {"preset": "generic", "enabled": False}))
        self.assertEqual((replaced["override"], replaced["enabled"]), ({}, False))
        self.assertEqual(self.assert_ok(self.admin.get("/v1/sources/shop")), replaced)
        self.assertEqual([source["source"] for source in self.assert_ok(self.admin.get("/v1/sources"))["data"]], ["crm", "shop"])
        page = self.assert_ok(self.admin.get("/v1/sources?limit=1"))
        self.assertEqual([source["source"] for source in self.assert_ok(self.admin.get(f"/v1/sources?cursor={page['next']}"))["data"]], ["shop"])
        self.assertEqual(self.assert_ok(self.admin.delete("/v1/sources/shop")), {"source": "shop", "deleted": True})
        for method in ("GET", "PATCH", "DELETE"):
            self.assert_problem(self.admin.request(method, "/v1/sources/shop", {} if method == "PATCH" else None), 404, "not_found")
        actions = [entry["action"] for entry in self.assert_ok(self.admin.get("/v1/audit?object=source/shop"))["data"]]
        self.assertEqual(actions, ["source.delete", "source.update", "source.update", "source.create"])

    def test_what_is_refused(self):
        self.assert_problem(self.admin.post("/v1/sources", {"source": "Shop!", "preset": "genric", "enabled": "yes", "url": "shop", "overide": {}}),
                            422, "validation_failed", ("/source", "invalid_text"), ("/preset", "not_one_of"), ("/enabled", "wrong_type"),
                            ("/url", "invalid_text"), ("/overide", "unknown_attribute"))
        self.assert_problem(self.admin.post("/v1/sources", {"source": "api", "preset": "generic"}), 422, "validation_failed", ("/source", "reserved"))
        self.assert_problem(self.admin.put("/v1/sources/shop", {"source": "crm", "preset": "generic"}), 422, "validation_failed", ("/source", "given_twice"))
        self.assert_problem(self.admin.post("/v1/sources", {"source": "shop"}), 422, "validation_failed")
        self.assert_problem(self.admin.post("/v1/sources", b"{"), 400, "invalid_json")
        self.assert_problem(self.admin.patch("/v1/sources/crm", [1]), 422, "validation_failed")
        document = self.assert_problem(self.admin.patch("/v1/sources/crm", {"override": {"objects": {"account": {"kind": "acount"}}}}), 422, "validation_failed")
        self.assertTrue(all(error["pointer"].startswith("/override/objects/account") for error in document["errors"]), document)
        self.assertEqual(self.assert_ok(self.admin.get("/v1/sources/crm"))["override"], {}, "nothing of it was kept")

    def test_only_administrators(self):
        writer = self.server.client("ingest", "read", "strategy")
        for method, path in (("GET", "/v1/sources"), ("GET", "/v1/sources/crm"), ("DELETE", "/v1/sources/crm"), ("GET", "/v1/source-presets"),
                             ("POST", "/v1/sources/crm/secrets"), ("GET", "/v1/quarantine"), ("POST", "/v1/quarantine/replay"), ("GET", "/v1/resync")):
            self.assert_problem(writer.request(method, path), 403, "forbidden")
            self.assert_problem(self.nobody.request(method, path), 401, "unauthorized")

    def test_another_organisation(self):
        self.assertEqual(self.server.plumbline("org", "create", "acme").returncode, 0)
        theirs = self.server.client("admin", org="acme")
        self.assert_problem(theirs.get("/v1/sources/crm"), 404, "not_found")
        self.assert_ok(theirs.put("/v1/sources/crm", {"preset": "generic"}))
        self.assert_status(theirs.post("/v1/sources/crm/secrets", {"secret": OTHER}), 201)
        self.assertEqual(self.assert_ok(theirs.get("/v1/sources/crm"))["webhook"], "/v1/webhooks/acme.crm")
        record = {"object": "account", "id": "a-acme", "name": "Theirs"}
        self.assert_problem(self.deliver(record, "acme.crm"), 401, "unverified")
        self.assertEqual(self.outcomes(self.deliver(record, "acme.crm", OTHER)), ["accepted"])
        self.assertEqual(self.outcomes(self.deliver({"object": "account", "id": "x", "nothing": 1}, "acme.crm", OTHER)), ["unknown_attribute"])
        self.assert_problem(self.server.client("read").get("/v1/accounts/a-acme"), 404, "not_found")
        self.assertEqual(self.assert_ok(self.server.client("read", org="acme").get("/v1/accounts/a-acme"))["name"], "Theirs")
        item = self.assert_ok(theirs.get("/v1/quarantine"))["data"][0]["id"]
        mine = [entry["source"] for entry in self.assert_ok(self.admin.get("/v1/quarantine?status=all"))["data"] if entry["id"] == item]
        self.assertEqual(mine, [], "each organisation counts its own")
        for path in ("acme.nothing", "nobody.crm", "a.b.c", ".crm", "crm.", "CRM", "cr%6D%00"):
            self.assertIn(self.deliver(record, path).status, (400, 404), path)


class Secrets(Deliverer):
    def test_two_hold_while_they_are_changed(self):
        body = json.dumps({"object": "account", "id": "s1", "name": "N", "event_id": "s1"}).encode()
        answer = self.assert_status(self.admin.post("/v1/sources/crm/secrets", {"overlap_hours": 1}), 201)
        self.assertEqual(answer.headers["Cache-Control"], "no-store")
        fresh = answer.json()["secret"]
        self.assertEqual([secret["state"] for secret in answer.json()["secrets"]][-2:], ["ending", "in_force"])
        self.eventually(lambda: self.assertEqual(self.deliver(body, secret=fresh).status, 200))
        self.assertEqual(self.deliver(body).status, 200)
        self.assert_status(self.admin.post("/v1/sources/crm/secrets", {"secret": OTHER, "overlap_hours": 1}), 201)
        self.eventually(lambda: self.assertEqual([self.deliver(body, secret=secret).status for secret in (SECRET, fresh, OTHER)], [401, 200, 200]))
        ended = self.assert_status(self.admin.post("/v1/sources/crm/secrets", {"secret": SECRET, "overlap_hours": 0}), 201).json()
        self.assertNotIn("secret", ended)
        self.eventually(lambda: self.assertEqual([self.deliver(body, secret=secret).status for secret in (SECRET, fresh, OTHER)], [200, 401, 401]))
        kept = self.server.sql("SELECT kept FROM source_secret WHERE org_id = 1 AND source = 'crm' AND not_after <= now()")
        self.assertTrue(kept and all(row == [""] for row in kept), "ended secrets are erased")

    def test_what_is_refused(self):
        self.assert_problem(self.admin.post("/v1/sources/crm/secrets", {"secret": "short", "overlap_hours": -1, "x": 1}), 422, "validation_failed",
                            ("/secret", "too_short"), ("/overlap_hours", "out_of_range"), ("/x", "unknown_attribute"))
        self.assert_problem(self.admin.post("/v1/sources/nobody/secrets", {"secret": SECRET}), 404, "not_found")

    def test_made_in_the_form_the_source_takes(self):
        for preset, form in (("generic", r"[0-9a-f]{64}"), ("standard", r"whsec_[A-Za-z0-9+/]{43}="), ("pipedrive", r"plumbline:[0-9a-f]{64}"), ("close", r"[0-9a-f]{64}")):
            self.assert_ok(self.admin.put(f"/v1/sources/made-{preset}", {"preset": preset}))
            self.assertRegex(self.assert_status(self.admin.post(f"/v1/sources/made-{preset}/secrets"), 201).json()["secret"], f"^{form}$")
        self.assert_problem(self.admin.post("/v1/sources/nobody/secrets"), 404, "not_found")

    def test_without_a_secret_nothing_passes(self):
        self.assert_ok(self.admin.put("/v1/sources/bare", {"preset": "generic"}))
        self.assert_problem(self.deliver({"object": "account", "id": "b1"}, "bare", ""), 401, "unverified")
        self.assert_problem(self.nobody.post("/v1/webhooks/bare", {"object": "account", "id": "b1"}, {"X-Api-Key": ""}), 401, "unverified")

    def test_nothing_shows_one(self):
        answer = self.assert_status(self.admin.post("/v1/sources/crm/secrets", {"overlap_hours": 1}), 201).json()
        secrets = [SECRET, OTHER, answer["secret"]]
        self.deliver({"object": "account", "id": "t1"}, secret=OTHER)
        said = [self.server.log()]
        for path in ("/v1/sources", "/v1/sources/crm", "/v1/audit?limit=1000", "/v1/quarantine?status=all"):
            said.append(self.assert_status(self.admin.get(path), 200).text)
        said.append(self.admin.post("/v1/sources/crm/secrets", {"secret": SECRET, "overlap_hours": "x"}).text)
        said.append(self.admin.post("/v1/sources/crm/secrets", b'{"secret": "' + SECRET.encode() + b'", ').text)
        said.append(self.admin.post("/v1/sources/crm/test", {"body": "x", "headers": {"X-Api-Key": SECRET}}).text)
        said.append(json.dumps(self.server.sql("SELECT payload, headers FROM quarantine WHERE org_id = 1")))
        said.append(self.server.admin().get("/metrics").text)
        said.append(self.server.plumbline("source", "list").stdout)
        for text in said:
            for secret in secrets:
                self.assertNotIn(secret, text)

    def test_sealed_in_the_database(self):
        server = self.serve({"PLUMBLINE_SECRET_KEY": KEY})
        admin = server.client("admin")
        self.assert_ok(admin.put("/v1/sources/crm", {"preset": "generic"}))
        self.assert_status(admin.post("/v1/sources/crm/secrets", {"secret": SECRET}), 201)
        kept = server.value("SELECT kept FROM source_secret WHERE org_id = 1")
        self.assertTrue(kept.startswith("sealed:"), kept)
        self.assertNotIn(SECRET, kept)
        body = json.dumps({"object": "account", "id": "a1", "name": "N"}).encode()
        self.assertEqual(server.anonymous().request("POST", "/v1/webhooks/crm", body, signed(body)).status, 200)
        server.stop()
        server.env["PLUMBLINE_SECRET_KEY"] = KEY[::-1]
        server.start()
        answer = server.anonymous().request("POST", "/v1/webhooks/crm", body, signed(body))
        self.assert_problem(answer, 503, "overloaded")
        self.eventually(lambda: self.assertIn("another PLUMBLINE_SECRET_KEY", server.log()))
        self.assertNotIn(KEY, server.log())


class Statuses(Deliverer):
    """What a sender hears. Never 400, 410, 422, 429, 500, 502, 504."""

    def test_stored(self):
        batch = [{"object": "account", "id": "k1", "name": "One", "event_id": "k1", "occurred_at": "2026-01-01T00:00:00Z"},
                 {"object": "opportunity", "id": "k2", "stage": "open", "amount": "a lot"},
                 {"object": "weather", "id": "k3"}, 17, {"object": "account"}]
        self.assertEqual(self.outcomes(self.deliver(batch))[:3], ["accepted", "not_a_number", "ignored"])
        self.assertEqual(self.outcomes(self.deliver(batch))[:3], ["duplicate", "not_a_number", "ignored"])
        account = self.assert_ok(self.server.client("read").get("/v1/accounts/k1"))
        self.assertEqual(account["name"], "One")
        history = self.assert_ok(self.server.client("read").get("/v1/accounts/k1/history"))["data"]
        self.assertEqual([(event["source"], event["event_id"]) for event in history], [("crm", "k1")])

    def test_anything_signed_is_200(self):
        for body in (b"{", b"no JSON at all", b"\xff\xfe\x00", b"<xml/>", b"a=1&b=2", b'{"a": "\\u0000"}', b"[" * 5000, b"[]", b"null", b"17", b'"text"',
                     b'{"object": "account", "id": "' + b"x" * 300 + b'"}', b'{"object": "account", "id": "n", "object": "rep"}'):
            with self.subTest(body[:30]):
                self.assert_status(self.deliver(body), 200)
        for headers in ({"Content-Type": "application/xml"}, {"Content-Type": "text/plain; charset=latin1"}, {"Accept": "text/xml"},
                        {"Content-Encoding": "br"}, {"Content-Encoding": "gzip"}, {"Content-Type": ""}):
            with self.subTest(headers):
                self.assert_status(self.deliver({"object": "account", "id": "h1", "name": "H"}, headers=headers), 200)
        for query in ("?x=1&x=2", "?format=csv", "?%zz", "?" + "&".join(f"a{n}" for n in range(100))):
            self.assert_status(self.deliver({"object": "account", "id": "h1", "name": "H"}, f"crm{query}"), 200)

    def test_nothing_in_it(self):
        answer = self.assert_status(self.deliver(b""), 200).json()
        self.assertEqual((answer["accepted"], answer["quarantined"], answer["ignored"]), (0, 0, 1))

    def test_compressed(self):
        """The signature is over what was compressed; what says it is gzip and is not waits for a person."""
        plain = json.dumps({"object": "account", "id": "z1", "name": "Zip"}).encode()
        packed = gzip.compress(plain)
        answer = self.nobody.request("POST", "/v1/webhooks/crm", packed, {**signed(plain), "Content-Encoding": "gzip"})
        self.assertEqual(self.outcomes(answer), ["accepted"])
        self.assertEqual(self.outcomes(self.deliver(packed[:-3], headers={"Content-Encoding": "gzip"})), ["not_json"])
        item = self.assert_ok(self.admin.get("/v1/quarantine?reason=not_json"))["data"][0]
        item = self.assert_ok(self.admin.get(f"/v1/quarantine/{item['id']}"))
        self.assertEqual((item["encoding"], base64.b64decode(item["payload"])), ("base64", packed[:-3]))

    def test_not_proven(self):
        body = {"object": "account", "id": "u1", "name": "U"}
        for headers in ({}, {"X-Hub-Signature-256": "sha256="}, {"X-Hub-Signature-256": "sha256=zz"}, signed(b"another body"), {"X-Api-Key": "wrong"},
                        {"Authorization": f"Bearer {OTHER}"}):
            with self.subTest(headers):
                answer = self.nobody.post("/v1/webhooks/crm", body, headers)
                document = self.assert_problem(answer, 401, "unverified")
                self.assertEqual((document["errors"], document.get("detail"), answer.headers["WWW-Authenticate"].split()[0]), ([], None, "Signature"))
        self.assertIn("reason=signature_wrong", self.server.log())
        self.assert_problem(self.server.client("read").get("/v1/accounts/u1"), 404, "not_found")
        self.assertEqual(self.outcomes(self.nobody.post("/v1/webhooks/crm", body, {"X-Api-Key": SECRET})), ["accepted"])

    def test_basic(self):
        self.assert_ok(self.admin.put("/v1/sources/basic", {"preset": "generic", "override": {"verify": [{"type": "basic"}]}}))
        self.assert_status(self.admin.post("/v1/sources/basic/secrets", {"secret": "plumb:line £"}), 201)
        body = {"object": "account", "id": "ba1", "name": "Basic"}
        answer = self.nobody.post("/v1/webhooks/basic", body)
        self.assert_problem(answer, 401, "unverified")
        self.assertEqual(answer.headers["WWW-Authenticate"], 'Basic realm="plumbline", charset="UTF-8"')
        right = base64.b64encode("plumb:line £".encode()).decode()
        self.assertEqual(self.outcomes(self.nobody.post("/v1/webhooks/basic", body, {"Authorization": f"Basic {right}"})), ["accepted"])
        wrong = base64.b64encode("plumb:line".encode()).decode()
        self.assert_problem(self.nobody.post("/v1/webhooks/basic", body, {"Authorization": f"Basic {wrong}"}), 401, "unverified")

    def test_unknown_and_switched_off(self):
        body = {"object": "account", "id": "o1", "name": "O"}
        self.assert_problem(self.deliver(body, "nobody"), 404, "not_found")
        self.assert_status(self.deliver(body), 200)
        self.assert_ok(self.admin.patch("/v1/sources/crm", {"enabled": False}))
        self.eventually(lambda: self.assert_problem(self.deliver(body), 404, "not_found"))
        self.assert_ok(self.admin.patch("/v1/sources/crm", {"enabled": True}))
        self.eventually(lambda: self.assert_status(self.deliver(body), 200))
        self.assert_ok(self.admin.delete("/v1/sources/crm"))
        self.eventually(lambda: self.assert_problem(self.deliver(body), 404, "not_found"))

    def test_too_long(self):
        server = self.serve({"PLUMBLINE_BODY_MAX": "64K", "PLUMBLINE_MEMORY_MAX": "1M"})
        self.assert_problem(server.anonymous().post("/v1/webhooks/crm", b"x" * 70000), 413, "body_too_large")

    def test_a_change_holds_at_once(self):
        record = {"object": "account", "id": "c1", "name": "C", "extra": 1}
        self.assertEqual(self.outcomes(self.deliver(record)), ["unknown_attribute"])
        self.assert_ok(self.admin.patch("/v1/sources/crm", {"override": {"objects": {"account": {"copy": False, "fields": {"name": "/name"}}}}}))
        self.eventually(lambda: self.assertEqual(self.outcomes(self.deliver(record)), ["accepted"]))

    def test_every_server_notices(self):
        """A change that one server takes holds on the others within a second."""
        other = self.serve(database=self.server.database)
        body = json.dumps({"object": "account", "id": "w1", "name": "W"}).encode()
        self.assertEqual(other.anonymous().request("POST", "/v1/webhooks/crm", body, signed(body)).status, 200)
        self.assert_status(self.admin.post("/v1/sources/crm/secrets", {"secret": OTHER, "overlap_hours": 0}), 201)
        changed = time.monotonic()
        self.eventually(lambda: self.assertEqual(other.anonymous().request("POST", "/v1/webhooks/crm", body, signed(body)).status, 401))
        self.assertLess(time.monotonic() - changed, 5)
        self.assertEqual(other.anonymous().request("POST", "/v1/webhooks/crm", body, signed(body, OTHER)).status, 200)

    def test_counted(self):
        self.deliver([{"object": "account", "id": "m1", "name": "M"}, {"object": "account", "id": "m1", "nothing": 1}, {"object": "weather"}])
        self.deliver({"object": "account", "id": "m1"}, secret=OTHER)
        text = self.server.admin().get("/metrics").text
        values = {line.rsplit(" ", 1)[0]: float(line.rsplit(" ", 1)[1]) for line in text.splitlines() if not line.startswith("#")}
        label = '{org="default",source="crm"'
        self.assertGreaterEqual(values[f'plumbline_deliveries_total{label},outcome="stored"}}'], 1)
        self.assertGreaterEqual(values[f'plumbline_deliveries_total{label},outcome="unverified"}}'], 1)
        for outcome in ("accepted", "quarantined", "ignored"):
            self.assertGreaterEqual(values[f'plumbline_delivery_items_total{label},outcome="{outcome}"}}'], 1)
        self.assertGreaterEqual(values[f'plumbline_verification_failures_total{label},reason="signature_wrong"}}'], 1)

        def aged():
            found = [line for line in self.server.admin().get("/metrics").text.splitlines() if line.startswith(f"plumbline_delivery_age_seconds{label}")]
            self.assertEqual(len(found), 1)
            self.assertLess(float(found[0].split()[-1]), 100)
        self.eventually(aged)
        self.assertIsNotNone(self.assert_ok(self.admin.get("/v1/sources/crm"))["last_delivery_at"])


class Pieces(Deliverer):
    """Changes come piece by piece and in any order."""

    def setUp(self):
        super().setUp()
        self.reader = self.server.client("read")

    def test_the_record_after_its_pieces(self):
        self.assertEqual(self.outcomes(self.deliver({"object": "opportunity", "id": "p1", "amount": "5.00", "occurred_at": "2026-01-02T00:00:00Z"})), ["accepted"])
        self.assertEqual(self.outcomes(self.deliver({"object": "opportunity", "id": "p1", "stage": "open", "amount": "4.00", "occurred_at": "2026-01-01T00:00:00Z"})), ["stale"])
        deal = self.assert_ok(self.reader.get("/v1/opportunities/p1"))
        self.assertEqual((deal["stage"], deal["amount"]), ("open", "5.00"))

    def test_a_delete_before_its_record(self):
        self.assertEqual(self.outcomes(self.deliver({"object": "account", "id": "p2", "operation": "delete", "occurred_at": "2026-01-02T00:00:00Z"})), ["accepted"])
        self.assertEqual(self.outcomes(self.deliver({"object": "account", "id": "p2", "name": "Late", "occurred_at": "2026-01-01T00:00:00Z"})), ["stale"])
        self.assert_problem(self.reader.get("/v1/accounts/p2"), 404, "not_found")
        self.assertEqual(self.outcomes(self.deliver({"object": "account", "id": "p2", "operation": "restore", "occurred_at": "2026-01-03T00:00:00Z"})), ["accepted"])
        self.assertEqual(self.assert_ok(self.reader.get("/v1/accounts/p2"))["name"], "Late")

    def test_a_merge_before_both(self):
        self.assertEqual(self.outcomes(self.deliver({"object": "account", "id": "p3", "operation": "merge", "merged_into": "p4", "occurred_at": "2026-01-02T00:00:00Z"})), ["accepted"])
        self.assertEqual(self.assert_ok(self.reader.get("/v1/accounts/p3"))["merged_into"], "p4")


class Tests(Deliverer):
    """POST …/test shows and writes nothing."""

    def tried(self, **body):
        return self.assert_ok(self.admin.post("/v1/sources/crm/test", body))

    def test_what_would_change(self):
        self.deliver({"object": "account", "id": "q1", "name": "Before", "attributes": {"industry": "retail"}, "occurred_at": "2026-01-01T00:00:00Z"})
        before = self.server.sql("SELECT (SELECT count(*) FROM event), (SELECT count(*) FROM quarantine), data_version, config_version FROM org_version WHERE org_id = 1")
        body = json.dumps([{"object": "account", "id": "q1", "name": "After", "attributes": {"industry": "health"}, "occurred_at": "2026-01-02T00:00:00Z"},
                           {"object": "account", "id": "q1", "operation": "delete", "occurred_at": "2026-01-03T00:00:00Z"},
                           {"object": "account", "id": "q1", "nothing": 1}])
        answer = self.tried(body=body, headers={"x-hub-signature-256": signed(body.encode())["X-Hub-Signature-256"]})
        self.assertEqual(answer["verification"], {"verified": True, "code": "verified", "message": answer["verification"]["message"], "url": "/v1/webhooks/crm"})
        self.assertEqual([event["changes"] for event in answer["events"]],
                         [{"name": {"before": "Before", "after": "After"}, "attributes.industry": {"before": "retail", "after": "health"}},
                          {"deleted_at": {"before": None, "after": "2026-01-03T00:00:00Z"}}])
        self.assertEqual([item["outcome"] for item in answer["items"]], ["accepted", "accepted", "quarantined"])
        self.assertEqual(self.server.sql("SELECT (SELECT count(*) FROM event), (SELECT count(*) FROM quarantine), data_version, config_version FROM org_version WHERE org_id = 1"),
                         before, "nothing was written")

    def test_not_verified_is_said_and_mapped_all_the_same(self):
        answer = self.tried(body={"object": "account", "id": "q2", "name": "N"})
        self.assertFalse(answer["verification"]["verified"])
        self.assertEqual((answer["verification"]["code"], answer["accepted"]), ("signature_missing", 1))

    def test_the_address_that_is_signed(self):
        for url, expected in (("https://hooks.example.com/in/crm", "https://hooks.example.com/in/crm"), ("https://hooks.example.com", "https://hooks.example.com/v1/webhooks/crm"),
                              ("https://hooks.example.com/?x=1", "https://hooks.example.com/?x=1")):
            self.assert_ok(self.admin.patch("/v1/sources/crm", {"url": url}))
            self.assertEqual(self.tried(body="{}")["verification"]["url"], expected)
        self.assertEqual(self.tried(body="{}", url="https://elsewhere.example.com/?a=b")["verification"]["url"], "https://elsewhere.example.com/?a=b")

    def test_an_override_before_it_is_kept(self):
        record = {"object": "account", "id": "q3", "name": "N", "size": 5}
        self.assertEqual(self.tried(body=record)["items"][0]["code"], "unknown_attribute")
        answer = self.tried(body=record, override={"objects": {"account": {"copy": False, "fields": {"name": "/name"}}}})
        self.assertEqual([item["outcome"] for item in answer["items"]], ["accepted"])
        self.assertIn({"object": "account", "name": "size", "times": 1}, answer["unmapped"])
        self.assertEqual(self.tried(body=record)["items"][0]["code"], "unknown_attribute")

    def test_what_is_refused(self):
        self.assert_problem(self.admin.post("/v1/sources/crm/test", {"headers": {"a": 1}, "now": "soon"}), 422, "validation_failed",
                            ("/body", "required"), ("/headers/a", "wrong_type"), ("/now", "not_a_datetime"))
        self.assert_problem(self.admin.post("/v1/sources/nobody/test", {"body": ""}), 404, "not_found")
        self.assert_problem(self.admin.post("/v1/sources/crm/test", {"body": "", "override": {"objects": 5}}), 422, "validation_failed")


if __name__ == "__main__":
    import unittest

    unittest.main()
