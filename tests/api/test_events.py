"""CloudEvents 1.0: one and many, what each type means, duplicates by source and id."""
from harness import Case

ONE, MANY = "application/cloudevents+json", "application/cloudevents-batch+json"


def event(number, type, subject=None, data=None, **more):
    made = {"specversion": "1.0", "id": f"e{number}", "source": "https://crm.example.com", "type": type, "time": f"2026-01-{number:02}T00:00:00Z"}
    made.update({name: value for name, value in (("subject", subject), ("data", data)) if value is not None})
    return {**made, **more}


class CloudEvents(Case):
    def setUp(self):
        self.server = self.serve()
        self.writer, self.reader = self.server.client("ingest", source="crm"), self.server.client("read")

    def post(self, body, media=None):
        return self.writer.post("/v1/events", body, {"Content-Type": media or (MANY if isinstance(body, list) else ONE)})

    def test_life_of_an_object(self):
        written = self.assert_ok(self.post(event(1, "com.example.account.created", "a1", {"name": "One", "attributes": {"industry": "retail"}})))
        self.assertEqual((written["outcome"], written["event_id"], written["occurred_at"]), ("accepted", "e1@https://crm.example.com", "2026-01-01T00:00:00Z"))
        self.assert_counts(self.post([event(2, "account.updated", "a1", {"status": "customer"}), event(3, "x.account.replaced", "a1", {"name": "New"}),
                                      event(4, "x.account.deleted", "a1"), event(5, "x.account.restored", "a1"), event(6, "x.account.created", None, {"id": "a2", "name": "Two"}),
                                      event(7, "x.account.merged", "a2", {"merged_into": "a1"})]), accepted=6)
        account = self.assert_ok(self.reader.get("/v1/accounts/a1"))
        self.assertEqual((account["name"], "status" in account, "attributes" in account), ("New", False, False))
        self.assertEqual(self.assert_ok(self.reader.get("/v1/accounts/a2"))["merged_into"], "a1")
        history = self.assert_ok(self.reader.get("/v1/accounts/a1/history"))["data"]
        self.assertEqual([(entry["operation"], entry["full"]) for entry in history],
                         [("restore", False), ("delete", False), ("patch", True), ("patch", False), ("patch", False)])
        self.assertEqual({entry["source"] for entry in history}, {"crm"})

    def test_every_kind(self):
        records = {"rep": {"name": "R"}, "team": {"name": "T"}, "account": {"name": "A"}, "product": {"name": "P"}, "stage": {"label": "S", "outcome": "open"},
                   "opportunity": {"stage": "k1"}, "activity": {"kind": "call", "starts_at": "2026-01-01T00:00:00Z", "rep": "k1"}, "fx-rate": {"rate": "1.1"}}
        batch = [event(n, f"org.example.{kind}.patch", "EUR-USD-2026-01-01" if kind == "fx-rate" else "k1", data) for n, (kind, data) in enumerate(records.items(), 1)]
        self.assert_counts(self.post(batch), accepted=8)
        self.assert_counts(self.post(batch), duplicate=8)

    def test_same_id_of_the_same_source(self):
        first = event(1, "account.updated", "a1", {"name": "One"})
        self.assertEqual(self.assert_ok(self.post(first))["outcome"], "accepted")
        self.assertEqual(self.assert_ok(self.post(first))["outcome"], "duplicate")
        self.assertEqual(self.assert_ok(self.post({**first, "source": "https://other.example.com"}))["outcome"], "unchanged")
        self.assert_problem(self.post({**first, "data": {"name": "Other"}}), 409, "event_id_reused")
        long = {**first, "id": "x" * 500, "source": "https://" + "y" * 500}
        written = self.assert_ok(self.post(long))
        self.assertEqual((written["outcome"], len(written["event_id"])), ("stale", 64), "ties in time fold by id")
        self.assertEqual(self.assert_ok(self.post(long))["outcome"], "duplicate")

    def test_sequence_orders_one_instant(self):
        at = "2026-01-01T00:00:00Z"
        self.assert_counts(self.post([event(1, "account.updated", "a1", {"name": "last"}, time=at, sequence="10"),
                                      event(2, "account.updated", "a1", {"name": "first"}, time=at, sequence="2")]), accepted=1, stale=1)
        self.assertEqual(self.assert_ok(self.reader.get("/v1/accounts/a1"))["name"], "last")

    def test_what_is_refused(self):
        good = event(1, "account.updated", "a1", {"name": "One"})
        for body, *errors in (
                ({"id": "1"}, ("/specversion", "required"), ("/source", "required"), ("/type", "required")),
                ({**good, "specversion": "0.3"}, ("/specversion", "not_one_of")),
                ({**good, "type": "com.example.weather.changed"}, ("/type", "unknown_type")),
                ({**good, "type": "com.example.account.exploded"}, ("/type", "unknown_type")),
                ({**good, "type": "account"}, ("/type", "unknown_type")),
                ({**good, "data": {"name": "One", "stauts": "x", "owner": 5.5}}, ("/data/stauts", "unknown_attribute"), ("/data/owner", "not_an_id")),
                ({**good, "time": "yesterday"}, ("/time", "not_a_datetime")),
                ({**good, "data_base64": "AA=="}, ("/data_base64", "not_allowed")),
                ({**good, "datacontenttype": "application/xml"}, ("/datacontenttype", "not_one_of")),
                ({name: value for name, value in good.items() if name != "data"}, ("/data", "required")),
                (event(1, "account.deleted"), ("/subject", "required")),
                (event(1, "account.merged", "a1"), ("/data/merged_into", "required"))):
            with self.subTest(errors):
                self.assert_problem(self.post(body), 422, "validation_failed", *errors)
                document = self.assert_counts(self.post([body]), rejected=1)
                self.assertEqual({(error["pointer"], error["code"]) for error in document["errors"]} & set(errors), set(errors))
        self.assert_problem(self.post(b"{"), 400, "invalid_json")
        self.assert_problem(self.post(b"17", "application/json"), 422, "validation_failed", ("", "wrong_type"))
        self.assert_problem(self.post(good, "text/plain"), 415, "unsupported_media_type")
        self.assert_problem(self.reader.post("/v1/events", good), 403, "forbidden")
        self.assert_problem(self.post(event(1, "account.deleted", "nobody")), 404, "not_found")
        self.assertEqual(self.server.value("SELECT count(*) FROM event"), "0")

    def test_extensions_are_the_sender_s(self):
        self.assertEqual(self.assert_ok(self.post(event(1, "account.updated", "a1", {"name": "One"}, traceparent="00-x", anything={"a": 1}), "application/json"))["outcome"],
                         "accepted")

    def test_dry_run_and_atomic(self):
        batch = [event(1, "account.updated", "a1", {"name": "One"}), event(2, "account.updated", "a2", {"nothing": 1})]
        answer = self.assert_counts(self.writer.post("/v1/events?dry_run=true", batch), accepted=1, rejected=1)
        self.assertTrue(answer["dry_run"])
        self.assert_problem(self.writer.post("/v1/events?atomic=true", batch), 422, "validation_failed", ("/1/data/nothing", "unknown_attribute"))
        self.assertEqual(self.server.value("SELECT count(*) FROM event"), "0")
        self.assert_counts(self.writer.post("/v1/events?atomic=true", batch[0]), accepted=1)


if __name__ == "__main__":
    import unittest

    unittest.main()
