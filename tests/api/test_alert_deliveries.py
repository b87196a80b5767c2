"""Telling of alerts: the endpoints that are told, that what arrives proves where it comes from, and what becomes of what does not."""
import datetime
import json
import re
import socket
import time

from harness.alerts import FAIL, OK, QUIET, Alerted, Shared
from harness.receiver import Authority, verify

KEY = "00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff"


class Endpoints(Shared):
    settings = {**QUIET, "PLUMBLINE_SECRET_KEY": KEY}

    def test_life(self):
        answer = self.client.post("/v1/alert-endpoints", {"name": "Sales", "url": "https://hooks.example.com/services/T1/B2/token3", "format": "slack",
                                                          "filter": {"statuses": ["fail"], "teams": ["east"]}})
        made = self.assert_status(answer, 201).json()
        self.assertEqual((answer.headers["Location"], answer.headers["Cache-Control"]), ("/v1/alert-endpoints/e1", "no-store"))
        self.assertRegex(made.pop("secret"), r"^whsec_[A-Za-z0-9+/]{43}=$")
        self.assertEqual((made["id"], made["name"], made["url"], made["format"], made["filter"], made["enabled"], made["disabled_reason"], made["deliveries"]),
                         ("e1", "Sales", "https://hooks.example.com/***", "slack", {"statuses": ["fail"], "teams": ["east"]}, True, None, {"pending": 0, "dead": 0}))
        self.assertEqual(self.assert_ok(self.client.get("/v1/alert-endpoints/e1")), made)
        self.assertEqual(self.assert_ok(self.client.get("/v1/alert-endpoints")), {"data": [made], "next": None})
        changed = self.assert_ok(self.client.patch("/v1/alert-endpoints/e1", {"filter": {"teams": None, "by": ["rep"]}, "enabled": False}))
        self.assertEqual((changed["filter"], changed["enabled"], changed["name"], changed["url"]), ({"statuses": ["fail"], "by": ["rep"]}, False, "Sales", made["url"]))
        put = self.assert_ok(self.client.put("/v1/alert-endpoints/e1", {"url": "https://other.example.com:8443/x?token=4"}))
        self.assertEqual((put["name"], put["url"], put["format"], put["filter"], put["enabled"], len(put["secrets"])),
                         ("", "https://other.example.com:8443/***", "standard", {}, True, 1))
        self.assertEqual(self.assert_ok(self.client.delete("/v1/alert-endpoints/e1")), {"id": "e1", "deleted": True})
        for answer in (self.client.get("/v1/alert-endpoints/e1"), self.client.put("/v1/alert-endpoints/e1", {"url": "https://example.com/"}),
                       self.client.patch("/v1/alert-endpoints/e1", {"enabled": True}), self.client.delete("/v1/alert-endpoints/e1"),
                       self.client.post("/v1/alert-endpoints/e1/secrets"), self.client.post("/v1/alert-endpoints/e1/test"), self.client.get("/v1/alert-endpoints/e01"),
                       self.client.get("/v1/alert-deliveries/d1"), self.client.post("/v1/alert-deliveries/d1/retry")):
            self.assert_problem(answer, 404, "not_found")
        actions = [entry["action"] for entry in self.assert_ok(self.client.get("/v1/audit?object=alert-endpoint/e1&limit=4"))["data"]]
        self.assertEqual(actions, ["alert_endpoint.delete", "alert_endpoint.update", "alert_endpoint.update", "alert_endpoint.create"], "the newest first")

    def test_what_is_refused(self):
        post = lambda body: self.client.post("/v1/alert-endpoints", body)
        self.assert_problem(post({"url": 1, "format": "teams", "filter": {"statuses": ["uncertain"], "colour": []}, "x": 1}), 422, "validation_failed", ("/url", "wrong_type"),
                            ("/format", "not_one_of"), ("/filter/statuses/0", "not_one_of"), ("/filter/colour", "unknown_attribute"), ("/x", "unknown_attribute"))
        self.assert_problem(post({}), 422, "validation_failed", ("/url", "required"))
        self.assert_problem(post({"url": "https://example.com/", "filter": {"metrics": ["win_rate", "winrate"]}}), 422, "validation_failed", ("/filter/metrics/1", "unknown_metric"))
        for url in ("http://example.com/", "ftp://example.com/", "https://", "example.com/x", "https://user:pw@example.com/", "https://example.com/#x", "https://exa mple.com/",
                    "file:///etc/passwd", "http://10.0.0.1/", "http://127.0.0.1.example.com:@evil/"):
            self.assert_problem(post({"url": url}), 422, "validation_failed", ("/url", "invalid_url"))
        self.assert_problem(self.client.post("/v1/alert-endpoints/e1/secrets", {"secret": "whsec_short", "overlap_hours": -1}), 422, "validation_failed",
                            ("/secret", "not_a_secret"), ("/overlap_hours", "out_of_range"))
        self.assertEqual(self.assert_ok(self.client.get("/v1/alert-endpoints"))["data"], [])

    def test_only_administrators(self):
        writer = self.server.client("ingest", "read", "strategy")
        for method, path in (("GET", "/v1/alert-endpoints"), ("POST", "/v1/alert-endpoints"), ("GET", "/v1/alert-endpoints/e1"), ("PUT", "/v1/alert-endpoints/e1"),
                             ("PATCH", "/v1/alert-endpoints/e1"), ("DELETE", "/v1/alert-endpoints/e1"), ("POST", "/v1/alert-endpoints/e1/secrets"),
                             ("POST", "/v1/alert-endpoints/e1/test"), ("GET", "/v1/alert-deliveries"), ("GET", "/v1/alert-deliveries/d1"),
                             ("POST", "/v1/alert-deliveries/d1/retry")):
            body = {} if method in ("POST", "PUT", "PATCH") and not path.endswith(("/test", "/retry")) else None
            self.assert_problem(writer.request(method, path, body), 403, "forbidden")
            self.assert_problem(self.server.anonymous().request(method, path, body), 401, "unauthorized")

    def test_another_organisation(self):
        self.team.endpoint("https://hooks.example.com/x")
        self.assertEqual(self.server.plumbline("org", "create", "acme").returncode, 0)
        theirs = self.server.client("admin", "read", org="acme")
        self.assertEqual(self.assert_ok(theirs.get("/v1/alert-endpoints"))["data"], [])
        self.assert_problem(theirs.get("/v1/alert-endpoints/e1"), 404, "not_found")
        self.team.deals("r1", FAIL)
        self.team.evaluate()
        self.assertEqual(self.assert_ok(theirs.get("/v1/alerts"))["data"], [])
        self.assertEqual(self.assert_ok(theirs.get("/v1/alert-deliveries"))["data"], [])

    def test_filters(self):
        receivers = [self.receiver() for _ in range(5)]
        filters = ({}, {"by": ["team"]}, {"statuses": ["ok"]}, {"teams": ["east"]}, {"metrics": ["deal_size"]})
        for receiver, wanted in zip(receivers, filters):
            self.team.endpoint(receiver.url, filter=wanted)
        self.team.publish([{"metric": "win_rate", "by": by, "warn": 0.6, "fail": 0.4} for by in ("rep", "team")])
        for won in (FAIL, OK):
            for rep in ("r1", "r2"):
                self.team.deals(rep, won)
            self.team.evaluate()
        counts = [8, 4, 4, 4, 0]
        for receiver, count in zip(receivers, counts):
            receiver.wait(count)
        self.assertEqual([len(receiver.received) for receiver in receivers], counts)
        self.assertEqual({one.json()["data"]["key"] for one in receivers[3].received}, {"r1", "east"})

    def test_secrets_are_told_once(self):
        receiver = self.receiver()
        made = self.team.endpoint(receiver.url)
        rotated = self.assert_status(self.client.post("/v1/alert-endpoints/e1/secrets", {"overlap_hours": 1}), 201).json()
        self.assertEqual([one["state"] for one in rotated["secrets"]], ["ending", "in_force"])
        self.team.deals("r1", FAIL)
        self.team.evaluate()
        received = receiver.wait(1)[0]
        self.assertEqual((verify(rotated["secret"], received.headers, received.body), verify(made["secret"], received.headers, received.body)), (0, 1), "the newest first")
        mine = "whsec_" + "q" * 44
        answer = self.assert_status(self.client.post("/v1/alert-endpoints/e1/secrets", {"secret": mine, "overlap_hours": 0}), 201).json()
        self.assertNotIn("secret", answer)
        self.assertEqual([one["state"] for one in answer["secrets"]], ["ended", "ended", "in_force"])
        self.team.deals("r1", OK)
        self.team.evaluate()
        received = receiver.wait(2)[1]
        self.assertEqual([verify(secret, received.headers, received.body) for secret in (mine, rotated["secret"], made["secret"])], [0, None, None])
        self.eventually(lambda: len(self.team.deliveries("?state=delivered")) == 2)
        shown = self.server.log() + "".join(self.client.get(path).text for path in (
            "/v1/alert-endpoints", "/v1/alert-endpoints/e1", "/v1/alert-deliveries", "/v1/alert-deliveries/d1", "/v1/alerts", "/v1/audit"))
        stored = json.dumps(self.server.sql("SELECT number, kept FROM alert_endpoint_secret WHERE org_id = 1"))
        for secret in (made["secret"], rotated["secret"], mine, "very-secret-path"):
            self.assertNotIn(secret.removeprefix("whsec_"), shown)
            self.assertNotIn(secret.removeprefix("whsec_"), stored)
        self.assertEqual(self.server.sql("SELECT number FROM alert_endpoint_secret WHERE org_id = 1 AND kept = ''"), [["1"], ["2"]], "ended secrets are erased")


class OtherKeys(Alerted):
    settings = Endpoints.settings

    def test_sealed_with_another_key(self):
        receiver = self.receiver()
        self.team.endpoint(receiver.url)
        self.server.env["PLUMBLINE_SECRET_KEY"] = KEY[::-1]
        self.server.restart()
        client = self.server.client()
        answer = self.tried("e1", client)
        self.assertEqual((answer["state"], answer["last_status"], answer["last_error"]), ("dead", None, "address and secrets do not open with PLUMBLINE_SECRET_KEY"))
        self.assertEqual(receiver.received, [])


class Tests(Shared):
    def test_of_both_formats(self):
        receiver = self.receiver()
        made = self.team.endpoint(receiver.url, name="Sales", enabled=False)
        answer = self.tried("e1")
        self.assertEqual((answer["state"], answer["last_status"], answer["attempts"], answer["alert"], answer["endpoint"]), ("delivered", 204, 1, None, "e1"))
        received = receiver.wait(1)[0]
        self.assertEqual(verify(made["secret"], received.headers, received.body), 0)
        self.assertEqual((received.headers["Content-Type"], received.id), ("application/json", answer["message_id"]))
        self.assertRegex(received.headers["User-Agent"], r"^plumbline/\d")
        self.assertEqual((received.json()["type"], received.json()["data"]), ("alert.test", {"endpoint": "e1", "name": "Sales"}))
        self.assert_ok(self.client.patch("/v1/alert-endpoints/e1", {"format": "slack"}))
        self.tried("e1")
        self.assertEqual(receiver.wait(2)[1].json(), {"text": "A test from Plumbline: alerts will come here."})

    def test_is_tried_once(self):
        self.team.endpoint(self.receiver(500).url)
        answer = self.tried("e1")
        self.assertEqual((answer["state"], answer["last_status"], answer["last_error"], answer["next_attempt_at"]), ("dead", 500, "answered 500", None))

    def test_slack(self):
        receiver = self.receiver()
        self.team.endpoint(receiver.url, format="slack")
        self.team.deals("r2", FAIL)
        self.team.evaluate()
        self.team.deals("r2", OK)
        self.team.evaluate()
        texts = [one.json() for one in receiver.wait(2)]
        period = self.assert_ok(self.client.get("/v1/alerts"))["data"][0]["period"]
        self.assertEqual(texts, [
            {"text": f":rotating_light: *Bo &lt;Chen&gt; &amp; Co*: Win rate, new → *fail*. 20% (95% interval 15% to 26.1%, n 200) in {period}; warn below 60%, fail below 40%."},
            {"text": f":white_check_mark: *Bo &lt;Chen&gt; &amp; Co*: Win rate, fail → *ok*. 80% (95% interval 73.9% to 85%, n 200) in {period}; warn below 60%, fail below 40%."}])


class Deliveries(Shared):
    SCHEDULE = (5, 300, 1800, 7200, 18000, 36000, 50400, 72000, 86400)

    @staticmethod
    def wait_of(delivery):
        """From the attempt to the next, in seconds."""
        at = [datetime.datetime.fromisoformat(delivery[name]) for name in ("last_attempt_at", "next_attempt_at")]
        return (at[1] - at[0]).total_seconds()

    def test_what_arrives(self):
        receiver = self.receiver()
        endpoint = self.told(receiver)
        received = receiver.wait(1)[0]
        alert = self.assert_ok(self.client.get("/v1/alerts"))["data"][0]
        self.assertEqual(verify(endpoint["secret"], received.headers, received.body), 0)
        self.assertEqual(received.json(), {"type": "alert.status_changed", "timestamp": alert["at"], "data": alert})
        delivery = self.team.settled("d1")
        self.assertEqual((delivery["state"], delivery["attempts"], delivery["last_status"], delivery["last_error"], delivery["next_attempt_at"], delivery["alert"],
                          delivery["message_id"]), ("delivered", 1, 204, None, None, "a1", received.id))
        self.assert_problem(self.client.post("/v1/alert-deliveries/d1/retry"), 409, "conflict")

    def test_the_schedule_and_its_end(self):
        receiver = self.receiver(500)
        self.told(receiver)
        number = 1
        while number < 10:
            delivery = self.team.settled("d1", attempts=number)
            number = delivery["attempts"]  # the first wait is short: on a busy machine it may be over
            seconds, wait = self.SCHEDULE[number - 1], self.wait_of(delivery)
            self.assertEqual((delivery["state"], delivery["last_status"], delivery["last_error"]), ("pending", 500, "answered 500"))
            self.assertTrue(seconds <= wait < seconds * 1.2 + 20, (number, wait))
            self.team.due("d1")
            number += 1
        delivery = self.team.settled("d1", attempts=10)
        self.assertEqual((delivery["state"], delivery["next_attempt_at"], delivery["attempts"]), ("dead", None, 10))
        self.assertEqual(len({one.id for one in receiver.wait(10)}), 1, "one webhook-id")
        self.assertEqual(self.assert_ok(self.client.get("/v1/alert-endpoints/e1"))["deliveries"], {"pending": 0, "dead": 1})
        self.eventually(lambda: 'plumbline_alert_deliveries{org="default",state="dead"} 1\n' in self.server.admin().get("/metrics").text)
        receiver.answers[:] = [200]
        again = self.assert_ok(self.client.post("/v1/alert-deliveries/d1/retry"))
        self.assertEqual((again["state"], again["attempts"]), ("pending", 10))
        self.assertEqual(self.team.settled("d1", attempts=11)["state"], "delivered")
        self.assertEqual(receiver.wait(11)[10].id, receiver.received[0].id)
        self.assertEqual(self.assert_ok(self.client.get("/v1/audit?action=alert_delivery.retry"))["data"][0]["object"], "alert-delivery/d1")

    def test_what_the_receiver_asks(self):
        receiver = self.receiver((429, {"Retry-After": "900"}))
        self.team.publish([{"metric": "win_rate", "by": by, "warn": 0.6, "fail": 0.4} for by in ("rep", "team")])
        self.told_two(receiver)
        delivery = self.team.settled(receiver_first(self, receiver))
        self.assertEqual(delivery["last_status"], 429)
        time.sleep(1.5)
        self.assertEqual(len(receiver.received), 1, "nothing else is sent to it meanwhile")
        for one in self.team.deliveries():
            self.assertGreater(float(self.server.value(f"SELECT extract(epoch FROM next_at - clock_timestamp()) FROM alert_delivery WHERE org_id = 1 AND delivery_id = {one['id'][1:]}")), 880)

    def told_two(self, receiver):
        self.team.endpoint(receiver.url)
        self.team.deals("r1", FAIL)
        self.assertEqual(self.team.evaluate()[0][3], "2")

    def test_gone(self):
        receiver = self.receiver(410)
        self.told(receiver)
        delivery = self.team.settled("d1")
        self.assertEqual((delivery["state"], delivery["last_status"]), ("dead", 410))
        endpoint = self.assert_ok(self.client.get("/v1/alert-endpoints/e1"))
        self.assertEqual((endpoint["enabled"], endpoint["disabled_reason"]), (False, "it answered 410 Gone"))
        entry = self.assert_ok(self.client.get("/v1/audit?action=alert_endpoint.disable"))["data"][0]
        self.assertEqual((entry["actor"], entry["object"], entry["after"]["enabled"]), ("service", "alert-endpoint/e1", False))
        self.team.deals("r1", OK)
        self.team.evaluate()
        self.assertEqual(len(self.team.deliveries()), 1, "nothing is made for it any more")
        receiver.answers[:] = [200]
        self.assertIsNone(self.assert_ok(self.client.patch("/v1/alert-endpoints/e1", {"enabled": True}))["disabled_reason"])
        self.assert_ok(self.client.post("/v1/alert-deliveries/d1/retry"))
        self.assertEqual(self.team.settled("d1", attempts=2)["state"], "delivered")

    def test_a_disabled_endpoint_waits(self):
        receiver = self.receiver(500, 204)
        self.told(receiver)
        self.team.settled("d1")
        self.assert_ok(self.client.patch("/v1/alert-endpoints/e1", {"enabled": False}))
        self.team.due("d1")
        time.sleep(2)
        self.assertEqual(len(receiver.received), 1)
        self.assert_ok(self.client.patch("/v1/alert-endpoints/e1", {"enabled": True}))
        self.assertEqual(self.team.settled("d1", attempts=2)["state"], "delivered")

    def test_a_removed_endpoint(self):
        self.told(self.receiver(500))
        self.team.settled("d1")
        self.assert_ok(self.client.delete("/v1/alert-endpoints/e1"))
        delivery = self.assert_ok(self.client.get("/v1/alert-deliveries/d1"))
        self.assertEqual((delivery["state"], delivery["last_error"]), ("dead", "the endpoint was removed"))
        self.assert_problem(self.client.post("/v1/alert-deliveries/d1/retry"), 409, "conflict")
        self.assertEqual(self.team.endpoint("https://example.com/")["id"], "e2", "numbers are not given twice")

    def test_redirects_are_not_followed(self):
        inner = self.receiver()
        self.told(self.receiver((302, {"Location": inner.url})))
        delivery = self.team.settled("d1")
        self.assertEqual((delivery["state"], delivery["last_status"], delivery["last_error"]), ("pending", 302, "answered 302: redirects are not followed"))
        self.assertEqual(inner.received, [])

    def test_no_answer(self):
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            port = probe.getsockname()[1]
        self.team.endpoint(f"http://127.0.0.1:{port}/")
        self.team.endpoint(self.receiver(lambda handler: handler.connection.shutdown(socket.SHUT_RDWR)).url)
        for endpoint, said in (("e1", "Couldn't connect to server"), ("e2", "Server returned nothing (no headers, no data)")):
            answer = self.tried(endpoint)
            self.assertEqual((answer["state"], answer["last_status"], answer["last_error"]), ("dead", None, said))

    def test_too_much_of_an_answer(self):
        def flood(handler):
            handler.send_response(200)
            handler.end_headers()
            for _ in range(4000):
                handler.wfile.write(b"x" * 65536)

        def head(handler):
            handler.wfile.write(b"HTTP/1.1 200 OK\r\n" + b"".join(b"X-%d: %s\r\n" % (n, b"y" * 8000) for n in range(400)))

        self.team.endpoint(self.receiver(flood).url)
        self.team.endpoint(self.receiver(head).url)
        self.assertEqual(self.tried("e1")["state"], "delivered", "what it said counts, not how much")
        self.assertIn(self.tried("e2")["state"], ("delivered", "dead"))


class Ends(Alerted):
    """Slow receivers, and servers that end while they wait for one."""

    def test_a_slow_receiver_holds_nobody(self):
        self.team.endpoint(self.receiver(lambda handler: time.sleep(13)).url)
        answer = self.assert_status(self.client.post("/v1/alert-endpoints/e1/test"), 202)
        self.assertEqual((answer.headers["Location"], answer.json()["state"]), ("/v1/alert-deliveries/d1", "pending"))

    def test_a_slow_receiver_times_out_alone(self):
        slow, quick = self.receiver(lambda handler: time.sleep(30)), self.receiver()
        self.team.endpoint(slow.url)
        self.team.endpoint(quick.url)
        self.team.deals("r1", FAIL)
        self.team.evaluate()
        quick.wait(1, seconds=5)
        delivery = next(one for one in self.team.deliveries() if one["endpoint"] == "e1")
        delivery = self.team.settled(delivery["id"], seconds=30)
        self.assertEqual((delivery["state"], delivery["last_status"], delivery["last_error"]), ("pending", None, "Timeout was reached"))

    def test_proxies_of_the_environment_are_not_used(self):
        proxy, receiver = self.receiver(), self.receiver()
        self.server.env.update({name: f"http://127.0.0.1:{proxy.port}" for name in ("http_proxy", "https_proxy", "all_proxy", "ALL_PROXY", "HTTPS_PROXY")})
        self.server.restart()
        self.team.client = self.client = self.server.client()
        self.told(receiver)
        receiver.wait(1)
        self.assertEqual(proxy.received, [])

    def test_a_kill_loses_nothing(self):
        receiver = self.receiver(lambda handler: time.sleep(60), 204)
        self.told(receiver)
        receiver.wait(1)
        self.server.kill()
        # Its lease is some time yet; the clock is moved.
        self.server.sql("UPDATE alert_delivery SET leased_until = clock_timestamp() WHERE org_id = 1")
        self.server.start()
        self.team.client = self.client = self.server.client()
        first, second = receiver.wait(2)
        self.assertEqual(first.id, second.id)
        self.assertEqual(first.json(), second.json())
        self.assertEqual((self.team.settled("d1", attempts=2)["state"], self.team.settled("d1", attempts=2)["attempts"]), ("delivered", 2))

    def test_a_shutdown_leaves_it_to_others(self):
        receiver = self.receiver(lambda handler: time.sleep(60), 204)
        self.told(receiver)
        receiver.wait(1)
        begin = time.monotonic()
        self.server.stop()
        self.assertLess(time.monotonic() - begin, 12)
        self.assertEqual(self.server.sql("SELECT state, tries, leased_until IS NULL FROM alert_delivery WHERE org_id = 1"), [["pending", "0", "t"]])
        self.server.start()
        self.team.client = self.client = self.server.client()
        receiver.wait(2, seconds=10)
        self.assertEqual(self.team.settled("d1", attempts=2)["state"], "delivered")


class PrivateAddresses(Shared):
    def test_private_addresses_are_refused(self):
        receiver = self.receiver()
        said = "the host has an address that must not be called: not one of the Internet"
        for host in ("127.0.0.1", "localhost", "0x7f.1", "2130706433", "[::1]", "[::ffff:127.0.0.1]", "0.0.0.0", "10.0.0.1", "192.168.1.1", "169.254.169.254", "[fd00:ec2::254]", "100.64.0.1"):
            endpoint = self.team.endpoint(f"https://{host}:{receiver.port}/")
            answer = self.tried(endpoint["id"])
            self.assertEqual((host, answer["state"], answer["last_status"], answer["last_error"]), (host, "dead", None, said))
        self.assertEqual(receiver.received, [])


class Addresses(Alerted):
    """TLS."""

    @classmethod

    def setUpClass(cls):
        cls.authority = Authority()
        cls.addClassCleanup(cls.authority.close)

    def test_tls(self):
        self.server.env.update({"PLUMBLINE_ALERT_PRIVATE": "on", "PLUMBLINE_ALERT_CA": str(self.authority.ca)})
        self.server.restart()
        client = self.server.client()
        receiver = self.receiver(authority=self.authority)
        made = self.assert_status(client.post("/v1/alert-endpoints", {"url": receiver.url}), 201).json()
        self.assertEqual(self.tried("e1", client)["state"], "delivered")
        received = receiver.wait(1)[0]
        self.assertEqual(verify(made["secret"], received.headers, received.body), 0)
        self.server.env.pop("PLUMBLINE_ALERT_CA")
        self.server.restart()
        answer = self.tried("e1", self.server.client())
        self.assertEqual((answer["state"], answer["last_status"]), ("dead", None))
        self.assertRegex(answer["last_error"], re.compile("certificate", re.IGNORECASE))
        self.assertEqual(len(receiver.received), 1, "nothing is sent to who cannot prove to be it")
        self.server.env["PLUMBLINE_ALERT_HTTP"] = "off"
        self.server.restart()
        self.assert_problem(self.server.client().post("/v1/alert-endpoints", {"url": "http://127.0.0.1:1/"}), 422, "validation_failed", ("/url", "invalid_url"))


def receiver_first(case, receiver):
    """The delivery that the first request was."""
    first = receiver.wait(1)[0]
    return next(one["id"] for one in case.team.deliveries() if one["message_id"] == first.id)
