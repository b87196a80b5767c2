"""Quarantine: what waits, sending it through again, giving it up; gaps."""
import json

from harness import Case
from test_sources import SECRET, signed

MENDED = {"objects": {"account": {"copy": False, "fields": {"name": "/name", "attributes.size": {"get": "/size"}}}}}


class Work(Case):
    def setUp(self):
        self.server = self.serve()
        self.admin, self.reader = self.server.client("admin"), self.server.client("read")
        self.add_source("crm")

    def add_source(self, name):
        self.assert_ok(self.admin.put(f"/v1/sources/{name}", {"preset": "generic"}))
        self.assert_status(self.admin.post(f"/v1/sources/{name}/secrets", {"secret": SECRET}), 201)

    def deliver(self, *items, source="crm"):
        body = json.dumps(items).encode()
        return self.assert_status(self.server.anonymous().request("POST", f"/v1/webhooks/{source}", body, signed(body)), 200).json()

    def waiting(self, query=""):
        return self.assert_ok(self.admin.get(f"/v1/quarantine{query}"))

    def replay_all(self, query):
        """All pages of a replay: replayed, still open, calls."""
        replayed = still_open = calls = 0
        cursor = ""
        while True:
            page = self.assert_ok(self.admin.post(f"/v1/quarantine/replay?{query}{cursor}"))
            replayed, still_open, calls = replayed + page["replayed"], still_open + page["still_open"], calls + 1
            if page["next"] is None:
                return replayed, still_open, calls
            cursor = f"&cursor={page['next']}"

    def test_from_the_reason_to_the_mended_mapping(self):
        answer = self.deliver({"object": "account", "id": "a1", "name": "One", "size": "5"}, {"object": "account", "id": "a2", "name": "Two", "size": "7"})
        first, second = (item["quarantine_id"] for item in answer["items"])
        listed = self.waiting()
        self.assertEqual([item["id"] for item in listed["data"]], [second, first])
        self.assertEqual(listed["open"], [{"source": "crm", "reason": "unknown_attribute", "items": 2}])
        item = self.assert_ok(self.admin.get(f"/v1/quarantine/{first}"))
        self.assertEqual((item["form"], item["reason"], item["pointer"], item["kind"], item["object_id"], item["status"], item["encoding"]),
                         ("delivery", "unknown_attribute", "/size", "account", "a1", "open", "text"))
        self.assertEqual(json.loads(item["payload"]), [{"object": "account", "id": "a1", "name": "One", "size": "5"}])
        tried = self.assert_ok(self.admin.post("/v1/sources/crm/test", {"body": item["payload"], "override": MENDED}))
        self.assertEqual(tried["events"][0]["changes"]["attributes.size"]["after"], "5")
        still = self.assert_ok(self.admin.post(f"/v1/quarantine/{first}/replay"))
        self.assertEqual((still["status"], still["items"][0]["code"]), ("open", "unknown_attribute"))
        self.assert_ok(self.admin.patch("/v1/sources/crm", {"override": MENDED}))
        done = self.assert_ok(self.admin.post(f"/v1/quarantine/{first}/replay"))
        self.assertEqual((done["status"], done["items"][0]["outcome"]), ("replayed", "accepted"))
        self.assertEqual(self.assert_ok(self.reader.get("/v1/accounts/a1"))["attributes"], {"size": "5"})
        for action in ("replay", "discard"):
            self.assert_problem(self.admin.post(f"/v1/quarantine/{first}/{action}"), 409, "conflict")
        gone = self.assert_ok(self.admin.post(f"/v1/quarantine/{second}/discard"))
        self.assertEqual((gone["status"], gone["closed_at"] is None), ("discarded", False))
        self.assertEqual(self.waiting(), {"data": [], "next": None, "open": []})
        self.assertEqual([item["status"] for item in self.waiting("?status=all")["data"]], ["discarded", "replayed"])
        self.assertEqual([item["id"] for item in self.waiting("?status=replayed&source=crm")["data"]], [first])
        self.assertEqual(self.waiting("?status=all&reason=not_json")["data"], [])
        self.assert_problem(self.reader.get("/v1/accounts/a2"), 404, "not_found")

    def test_what_the_mapping_reads_beside_the_body_is_kept(self):
        body = b'[{"id": "a1", "name": "One", "size": "5"}]'
        answer = self.server.anonymous().request("POST", "/v1/webhooks/crm?object=account&more=1", body, signed(body))
        number = self.assert_ok(answer)["items"][0]["quarantine_id"]
        self.assertEqual(self.assert_ok(self.admin.get(f"/v1/quarantine/{number}"))["headers"], {"?object": "account"})
        self.assert_ok(self.admin.patch("/v1/sources/crm", {"override": MENDED}))
        done = self.assert_ok(self.admin.post(f"/v1/quarantine/{number}/replay"))
        self.assertEqual((done["status"], done["items"][0]["outcome"]), ("replayed", "accepted"))
        self.assertEqual(self.assert_ok(self.reader.get("/v1/accounts/a1"))["name"], "One")

    def test_what_proves_the_sender_is_never_kept(self):
        # A mapping that reads the credential itself: by mistake, or to learn it.
        verify = [{"type": "token", "query": "token"}, {"type": "token", "header": "X-Token"}, {"type": "token", "header": "Authorization", "prefix": "Bearer "}]
        layout = {"records": {"event_id": "{?token}{@x-token}{@authorization}{@x-place}{/id}"}}
        self.assert_ok(self.admin.put("/v1/sources/crm", {"preset": "generic", "override": {"verify": verify, "layouts": layout}}))
        for query, headers in ((f"?token={SECRET}", {}), ("", {"X-Token": SECRET}), ("", {"Authorization": f"Bearer {SECRET}"})):
            answer = self.server.anonymous().request("POST", f"/v1/webhooks/crm{query}", f'[{{"object": "account", "id": "{len(query)}{len(headers)}", "size": "5"}}]',
                                                     {"X-Place": "here", **headers})
            number = self.assert_ok(answer)["items"][0]["quarantine_id"]
            self.assertEqual(self.assert_ok(self.admin.get(f"/v1/quarantine/{number}"))["headers"].get("x-place"), "here")
        self.assertEqual(self.server.value(f"SELECT count(*) FROM quarantine AS q WHERE q::text LIKE '%{SECRET}%'"), "0")

    def test_all_of_a_reason_by_pages(self):
        self.add_source("other")
        self.deliver(*({"object": "account", "id": f"b{n}", "name": "B", "size": str(n)} for n in range(25)))
        self.deliver({"object": "account", "id": "x"}, {"object": "account", "id": "o1", "name": "O", "size": "1"}, source="other")
        self.deliver({"object": "account", "id": "late", "name": "L", "occurred_at": "2999-01-01T00:00:00Z"})
        self.assertEqual(self.replay_all("reason=unknown_attribute&source=crm&limit=10"), (0, 25, 3))
        self.assert_ok(self.admin.patch("/v1/sources/crm", {"override": MENDED}))
        self.assertEqual(self.replay_all("reason=unknown_attribute&source=crm&limit=10"), (25, 0, 3))
        self.assertEqual(self.replay_all("reason=unknown_attribute&source=crm&limit=10"), (0, 0, 1))
        self.assertEqual({(row["source"], row["reason"]) for row in self.waiting()["open"]}, {("other", "unknown_attribute"), ("crm", "occurred_in_future")})
        self.assert_ok(self.admin.patch("/v1/sources/other", {"override": MENDED}))
        self.assertEqual(self.replay_all("limit=1000"), (1, 1, 1))
        self.assertEqual(self.server.value("SELECT count(*) FROM object WHERE kind = 'account' AND doc ->> 'name' IN ('B', 'O')"), "26")
        entry = self.assert_ok(self.admin.get("/v1/audit?action=quarantine.replay&limit=1"))["data"][0]
        self.assertEqual((entry["object"], entry["after"]), ("quarantine", {"replayed": 1, "still_open": 1}))

    def test_the_same_again_counts(self):
        item = {"object": "account", "id": "c1", "size": "1"}
        numbers = {self.deliver(item)["items"][0]["quarantine_id"] for _ in range(3)} | {entry["quarantine_id"] for entry in self.deliver(item, item)["items"]}
        self.assertEqual(len(numbers), 1)
        row = self.waiting()["data"][0]
        self.assertEqual((row["times"], row["received_at"] < row["last_received_at"]), (5, True))
        self.assert_ok(self.admin.post(f"/v1/quarantine/{row['id']}/discard"))
        self.assertNotIn(self.deliver(item)["items"][0]["quarantine_id"], numbers, "given up once, it may come again")

    def test_events_of_the_resources(self):
        """What a resource route refused can be replayed too, once the time has come or a person has decided."""
        writer = self.server.client("ingest", source="erp")
        self.assert_ok(writer.put("/v1/accounts/e1?event_id=x1&occurred_at=2026-01-01T00:00:00Z", {"name": "First"}))
        self.assert_problem(writer.patch("/v1/accounts/e1?event_id=x1&occurred_at=2026-01-02T00:00:00Z", {"name": "Second"}), 409, "event_id_reused")
        self.assert_problem(writer.patch("/v1/accounts/e1?occurred_at=2999-01-01T00:00:00Z", {"name": "Far"}), 422, "validation_failed")
        reused, future = sorted(self.waiting()["data"], key=lambda item: item["reason"])
        self.assertEqual((reused["reason"], future["reason"], reused["form"], reused["source"]), ("event_id_reused", "occurred_in_future", "event", "erp"))
        self.assertEqual(self.assert_ok(self.admin.post(f"/v1/quarantine/{reused['id']}/replay"))["status"], "replayed")
        self.assertEqual(self.assert_ok(self.reader.get("/v1/accounts/e1"))["name"], "Second")
        still = self.assert_ok(self.admin.post(f"/v1/quarantine/{future['id']}/replay"))
        self.assertEqual((still["status"], still["items"][0]["code"]), ("open", "occurred_in_future"))
        self.assertEqual(len(self.waiting()["data"]), 1)

    def test_without_its_source(self):
        number = self.deliver({"object": "account", "id": "g1", "size": "1"})["items"][0]["quarantine_id"]
        self.assert_ok(self.admin.delete("/v1/sources/crm"))
        answer = self.assert_ok(self.admin.post(f"/v1/quarantine/{number}/replay"))
        self.assertEqual((answer["status"], answer["items"][0]["code"]), ("open", "no_source"))

    def test_refused_by_the_log(self):
        """What only the database can tell: it waits with what came, not only with what it was taken for."""
        answer = self.deliver({"object": "account", "id": "f1", "name": "F", "occurred_at": "2999-01-01T00:00:00Z"}, {"object": "account", "id": "f2", "name": "F2"})
        self.assertEqual([item["outcome"] for item in answer["items"]], ["quarantined", "accepted"])
        item = self.assert_ok(self.admin.get(f"/v1/quarantine/{answer['items'][0]['quarantine_id']}"))
        self.assertEqual((item["reason"], item["form"], item["object_id"], item["occurred_at"]), ("occurred_in_future", "delivery", "f1", "2999-01-01T00:00:00Z"))
        self.assertEqual(json.loads(item["payload"])[0]["id"], "f1")
        self.assertEqual(self.server.value("SELECT count(*) FROM quarantine"), "1", "once, not twice")

    def test_lists_by_cursor(self):
        for n in range(5):
            self.deliver({"object": "account", "id": f"l{n}", "size": "1"})
        seen, cursor = [], ""
        while True:
            page = self.waiting(f"?limit=2{cursor}")
            seen += [item["object_id"] for item in page["data"]]
            if page["next"] is None:
                break
            cursor = f"&cursor={page['next']}"
        self.assertEqual(seen, ["l4", "l3", "l2", "l1", "l0"])
        self.assert_problem(self.admin.get("/v1/quarantine?cursor=zz"), 400, "invalid_parameter", ("cursor", "invalid_cursor"))
        self.assert_problem(self.admin.get("/v1/quarantine?status=closed"), 400, "invalid_parameter", ("status", "not_one_of"))
        self.assert_problem(self.admin.get("/v1/quarantine?reson=x"), 400, "unknown_parameter")
        for number in ("0", "99", "x", "1e3", "99999999999999999999"):
            self.assert_problem(self.admin.get(f"/v1/quarantine/{number}"), 404, "not_found")
            self.assert_problem(self.admin.post(f"/v1/quarantine/{number}/replay"), 404, "not_found")

    def test_gaps(self):
        answer = self.deliver({"object": "opportunity", "id": "d1", "operation": "fetch"}, {"object": "opportunity", "id": "d1", "operation": "fetch"},
                              {"object": "account", "id": "any", "operation": "resync"})
        self.assertEqual([item["outcome"] for item in answer["items"]], ["resync"] * 3)
        listed = self.assert_ok(self.admin.get("/v1/resync"))["data"]
        self.assertEqual([(row["kind"], row["object_id"], row["times"]) for row in listed], [("opportunity", "d1", 2), ("account", None, 1)])
        done = self.assert_ok(self.admin.post(f"/v1/resync/{listed[0]['id']}/done"))
        self.assertIsNotNone(done["done_at"])
        self.assertEqual(self.assert_ok(self.admin.post(f"/v1/resync/{listed[0]['id']}/done")), done, "it stays done")
        self.assertEqual([row["kind"] for row in self.assert_ok(self.admin.get("/v1/resync?source=crm"))["data"]], ["account"])
        self.assertEqual(len(self.assert_ok(self.admin.get("/v1/resync?status=all"))["data"]), 2)
        self.deliver({"object": "opportunity", "id": "d1", "operation": "fetch"})
        self.assertEqual(len(self.assert_ok(self.admin.get("/v1/resync?status=open"))["data"]), 2, "a new gap after the old one was filled")
        self.assert_problem(self.admin.post("/v1/resync/99/done"), 404, "not_found")


if __name__ == "__main__":
    import unittest

    unittest.main()
