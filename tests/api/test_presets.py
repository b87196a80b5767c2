"""A deal's life as each CRM tells it: made, changed, handed over, won, opened again, lost, deleted, restored, merged. Through the service, signed as
the CRM signs, to the state and history it has to end in."""
import base64
import hashlib
import hmac
import json
import time

from harness import Case, hubspot

T0 = 1768412216000  # 2026-01-14T17:36:56Z


def iso(n, zone="Z", decimals="000"):
    return time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(T0 // 1000 + 60 * n)) + (f".{decimals}" if decimals else "") + zone


class Story(Case):
    """One source; step(n, …) is what it sends in minute n."""

    PRESET, OVERRIDE, SECRET = None, None, "a1b2c3d4-0000-4000-8000-5e6f7a8b9c0d"

    @classmethod
    def setUpClass(cls):
        if cls.PRESET is None:
            raise __import__("unittest").SkipTest("the stories are told below")
        cls.server = cls.start({"PLUMBLINE_PUBLIC_URL": hubspot.PUBLIC_URL})
        cls.reader = cls.server.client("read")
        admin = cls.server.client("admin")
        made = admin.put("/v1/sources/crm", {"preset": cls.PRESET, "override": cls.OVERRIDE or {}})
        assert made.status == 200, made
        made = admin.post("/v1/sources/crm/secrets", {"secret": cls.SECRET})
        assert made.status == 201, made

    def prove(self, body, path):
        """Headers that prove the delivery."""
        raise NotImplementedError

    def send(self, document, query="", outcomes=None, headers=None):
        body = json.dumps(document).encode()
        path = f"/v1/webhooks/crm{query}"
        for again in (False, True):  # at least once: what comes twice is the same
            answer = self.assert_status(self.server.anonymous().request("POST", path, body, {**self.prove(body, path), **(headers or {})}), 200).json()
            found = [item["outcome"] for item in answer["items"]]
            self.assertEqual(answer["quarantined"], 0, answer)
            if not again and outcomes is not None:
                self.assertEqual(found, outcomes, answer)
            elif not again:
                self.assertTrue(set(found) <= {"accepted", "unchanged", "stale", "ignored"}, answer)
            elif self.KNOWS_REPETITION:
                self.assertTrue(set(found) <= {"duplicate", "ignored"}, answer)
        self.assert_problem(self.server.anonymous().request("POST", path, body + b" ", self.prove(body, path)), 401, "unverified") if self.SIGNS else None

    KNOWS_REPETITION, SIGNS = True, True

    def deal(self, id, **expected):
        found = self.assert_ok(self.reader.get(f"/v1/opportunities/{id}"))
        self.assertEqual({name: found.get(name) for name in expected}, expected, found)

    def gone(self, kind, id):
        self.assert_problem(self.reader.get(f"/v1/{kind}/{id}"), 404, "not_found")

    def merged(self, kind, id, into):
        self.assertEqual(self.assert_ok(self.reader.get(f"/v1/{kind}/{id}"))["merged_into"], into)

    def history(self, id, *operations):
        found = [event["operation"] for event in self.assert_ok(self.reader.get(f"/v1/opportunities/{id}/history?limit=100"))["data"]]
        self.assertEqual(found[::-1], list(operations))

    def decided(self, id, outcome):
        self.assertEqual(self.server.value(f"SELECT outcome FROM deal_fact WHERE org_id = 1 AND deal_id = '{id}'"), outcome)


class HubSpot(Story):
    PRESET, SECRET = "hubspot", hubspot.SECRET

    def prove(self, body, path):
        at = int(time.time() * 1000)
        return {"X-HubSpot-Request-Timestamp": str(at), "X-HubSpot-Signature-v3": hubspot.signature_v3(body, hubspot.PUBLIC_URL + path, at)}

    def event(self, n, type, id=332507367156, **members):
        return {"eventId": n + 1, "subscriptionId": 6527619, "portalId": 48975575, "appId": 39522895, "occurredAt": T0 + 60000 * n, "attemptNumber": 0,
                "subscriptionType": type, "objectId": id, "changeSource": "CRM_UI", **members}

    def change(self, n, name, value, **members):
        return self.event(n, "deal.propertyChange", propertyName=name, propertyValue=value, **members)

    def test_story(self):
        id = "332507367156"
        made = [{**self.change(0, name, value), "eventId": 100 + k} for k, (name, value) in enumerate((
            ("dealname", "Ward beds"), ("amount", "2000.10"), ("dealstage", "appointmentscheduled"), ("deal_currency_code", "EUR"), ("hubspot_owner_id", "75514748")))]
        self.send([*made, self.event(0, "deal.creation", changeFlag="CREATED"),
                   {**self.event(1, "deal.associationChange", associationType="DEAL_TO_COMPANY", fromObjectId=332507367156, toObjectId=77, associationRemoved=False,
                                 isPrimaryAssociation=True), "objectId": None}])
        self.deal(id, name="Ward beds", stage="appointmentscheduled", owner="75514748", account="77", currency="EUR")
        self.decided(id, "open")
        self.send([self.change(2, "amount", "2500.00"), self.change(3, "hubspot_owner_id", "75514749")])
        self.send([self.change(4, "dealstage", "closedwon"), self.change(4, "closedate", str(T0))])
        self.deal(id, stage="closedwon", owner="75514749", expected_close="2026-01-14")
        self.decided(id, "won")
        self.send([self.change(5, "dealstage", "contractsent")])
        self.decided(id, "open")
        self.send([self.change(6, "dealstage", "closedlost"), self.change(6, "closed_lost_reason", "price")])
        self.decided(id, "lost")
        self.send([self.event(7, "deal.deletion", changeFlag="DELETED")])
        self.gone("opportunities", id)
        self.send([self.event(8, "deal.restore")])
        self.deal(id, stage="closedlost", lost_reason="price")
        self.send([self.event(9, "deal.merge", primaryObjectId=332507367156, mergedObjectIds=[332507360001], numberOfPropertiesMoved=1)])
        self.merged("opportunities", "332507360001", id)
        self.history(id, *["patch"] * 14, "delete", "restore")
        self.send([self.change(10, "amount", "")])
        self.assertNotIn("amount", self.assert_ok(self.reader.get(f"/v1/opportunities/{id}")))


class Pipedrive(Story):
    PRESET, SECRET, SIGNS = "pipedrive", "plumbline:a long password", False

    def prove(self, body, path):
        return {"Authorization": "Basic " + base64.b64encode(self.SECRET.encode()).decode()}

    def message(self, n, action, data=None, entity="deal", id="213973", **meta):
        return {"data": data, "previous": {}, "meta": {"action": action, "company_id": "6083095", "entity_id": id, "entity": entity, "is_bulk_edit": False,
                                                       "id": f"6ba407fc-006d-4556-9804-8298e584a2{n:02}", "timestamp": iso(n), "version": "2.0", "webhook_id": "1", "attempt": 1, **meta}}

    def test_story(self):
        deal = {"id": 213973, "title": "Neubau", "value": 112.5, "currency": "BRL", "stage_id": 428, "pipeline_id": 50, "status": "open", "probability": 40, "owner_id": 12597982,
                "org_id": 5063, "expected_close_date": "2026-02-23", "add_time": iso(0, decimals=""), "won_time": None, "lost_time": None, "origin": "WebForm"}
        self.send(self.message(0, "create", {"id": 428, "name": "Demo", "pipeline_id": 50, "deal_probability": 40, "order_nr": 2}, entity="stage", id="428"))
        self.send(self.message(1, "create", deal))
        self.deal("213973", name="Neubau", amount=112.5, stage="428", owner="12597982", account="5063", probability=0.4, origin="inbound")
        self.decided("213973", "open")
        self.send(self.message(2, "change", {**deal, "value": 200}))
        self.send(self.message(3, "change", {**deal, "value": 200, "owner_id": 7}))
        self.send(self.message(4, "change", {**deal, "value": 200, "owner_id": 7, "status": "won", "won_time": iso(4, decimals="")}))
        self.deal("213973", stage="won", owner="7", amount=200, closed_at=iso(4, decimals=""))
        self.decided("213973", "won")
        self.send(self.message(5, "change", {**deal, "owner_id": 7, "status": "open"}))
        self.deal("213973", stage="428", closed_at=None)
        self.decided("213973", "open")
        self.send(self.message(6, "change", {**deal, "status": "lost", "lost_time": iso(6, decimals=""), "lost_reason": "price"}))
        self.decided("213973", "lost")
        self.send(self.message(7, "delete", None))
        self.gone("opportunities", "213973")
        self.send(self.message(8, "delete", None, id="8", merged_to_id="213973"))
        self.merged("opportunities", "8", "213973")
        self.history("213973", *["patch"] * 6, "delete")


class Salesforce(Story):
    PRESET, SIGNS = "salesforce", False

    def prove(self, body, path):
        return {"X-Api-Key": self.SECRET}

    def change(self, n, type, fields=None, entity="Opportunity", id="0065w000023STAm"):
        return {"ChangeEventHeader": {"entityName": entity, "recordIds": [id], "changeType": type, "transactionKey": f"0000be70-a756-e601-9202-32967602a6{n:02}",
                                      "sequenceNumber": 1, "commitTimestamp": T0 + 60000 * n, "commitNumber": 1745500706683617281 + n, "commitUser": "005",
                                      "changedFields": list(fields or {})}, **(fields or {})}

    def test_story(self):
        id = "0065w000023STAmAAO"
        self.send(self.change(0, "CREATE", {"Name": "Backpackers", "AccountId": "0015w00002BFDeLAAX", "Amount": 45000.0, "Probability": 10.0, "StageName": "Prospecting",
                                            "CloseDate": "2026-07-11", "OwnerId": "0055w00000BhqR0AAJ", "IsClosed": False, "IsWon": False, "LeadSource": "Web"}))
        self.deal(id, name="Backpackers", amount=45000.0, stage="Prospecting", owner="0055w00000BhqR0AAJ", probability=0.1, origin="inbound")
        self.send({"version": "0", "id": "e1", "detail-type": "OpportunityChangeEvent", "source": "aws.partner/salesforce.com/00D/0YL", "time": iso(1),
                   "detail": {"payload": self.change(1, "UPDATE", {"Amount": 50000.0})}})
        self.send(self.change(2, "UPDATE", {"OwnerId": "0055w00000BhqR1AAJ"}))
        self.send(self.change(3, "UPDATE", {"StageName": "Closed Won", "IsClosed": True, "IsWon": True, "CloseDate": "2026-01-14"}))
        self.deal(id, amount=50000.0, owner="0055w00000BhqR1AAJ", stage="Closed Won", closed_at="2026-01-14")
        self.decided(id, "won")
        self.send(self.change(4, "UPDATE", {"StageName": "Negotiation/Review", "IsClosed": False, "IsWon": False}))
        self.decided(id, "open")
        self.send(self.change(5, "UPDATE", {"StageName": "Closed Lost", "IsClosed": True, "IsWon": False}))
        self.decided(id, "lost")
        self.send(self.change(6, "DELETE"))
        self.gone("opportunities", id)
        self.send(self.change(7, "UNDELETE"))
        self.deal(id, stage="Closed Lost")
        self.history(id, *["patch"] * 6, "delete", "restore")
        self.send([self.change(8, "DELETE", entity="Account", id="0015w00002BFDeMAAX"),
                   self.change(8, "UPDATE", {"Industry": "Healthcare"}, entity="Account", id="0015w00002BFDeLAAX")])
        self.gone("accounts", "0015w00002BFDeMAAX")
        self.assertEqual(self.assert_ok(self.reader.get("/v1/accounts/0015w00002BFDeLAAX"))["attributes"]["industry"], "Healthcare")
        body = json.dumps(self.change(9, "GAP_UPDATE")).encode()
        answer = self.assert_status(self.server.anonymous().request("POST", "/v1/webhooks/crm", body, self.prove(body, "")), 200).json()
        self.assertEqual([item["outcome"] for item in answer["items"]], ["resync"])


class Espo(Story):
    PRESET, KNOWS_REPETITION = "espocrm", False

    def prove(self, body, path):
        signature = hmac.new(self.SECRET.encode(), body, hashlib.sha256).hexdigest()
        return {"Signature": base64.b64encode(f"64f1c0aaaa:{signature}".encode()).decode()}

    def test_story(self):
        """EspoCRM says neither when nor which event: what it sends is dated by its arrival, and a repetition changes nothing."""
        id = "64f1c0ffee"
        self.send([{"id": id, "name": "Deal", "amount": 12000.5, "amountCurrency": "EUR", "stage": "Prospecting", "probability": 10, "closeDate": "2026-03-31", "accountId": "a1",
                    "assignedUserId": "u1", "leadSource": "Web Site", "createdAt": "2026-01-14 18:16:56"}], "?event=Opportunity.create")
        self.deal(id, name="Deal", amount=12000.5, stage="Prospecting", owner="u1", account="a1", origin="inbound")
        self.send([{"id": id, "amount": 13000}], "?event=Opportunity.update")
        self.send([{"id": id, "assignedUserId": "u2"}], "?event=Opportunity.fieldUpdate.assignedUserId")
        self.send([{"id": id, "stage": "Closed Won", "probability": 100}], "?event=Opportunity.update")
        self.deal(id, amount=13000, owner="u2", stage="Closed Won")
        self.decided(id, "won")
        self.send([{"id": id, "stage": "Negotiation"}], "?event=Opportunity.update")
        self.decided(id, "open")
        self.send([{"id": id, "stage": "Closed Lost"}], "?event=Opportunity.update")
        self.decided(id, "lost")
        self.send([{"id": id}], "?event=Opportunity.delete")
        self.gone("opportunities", id)


class Dataverse(Story):
    PRESET, SIGNS = "dataverse", False

    def prove(self, body, path):
        return {"X-Api-Key": self.SECRET, "x-ms-dynamics-organization": "org.crm.dynamics.com"}

    def context(self, n, message, attributes=None, entity="opportunity", id="3d9b1f4e-0f9f-e711-8122-000d3aa2331c", parameters=None):
        target = {"Id": id, "LogicalName": entity}
        if attributes is not None:
            target["Attributes"] = [{"key": key, "value": value} for key, value in attributes.items()]
        return {"MessageName": message, "PrimaryEntityName": entity, "PrimaryEntityId": id, "OperationId": f"op{n}", "CorrelationId": f"co{n}", "RequestId": None,
                "OperationCreatedOn": f"/Date({T0 + 60000 * n}-0700)/", "Stage": 40,
                "InputParameters": [{"key": "Target", "value": target}, *({"key": key, "value": value} for key, value in (parameters or {}).items())], "PostEntityImages": []}

    def test_story(self):
        id = "3d9b1f4e-0f9f-e711-8122-000d3aa2331c"
        reference = lambda name, value: {"Id": value, "LogicalName": name}  # noqa: E731
        self.send(self.context(0, "Create", {"name": "10 units of X", "estimatedvalue": {"Value": 45000.0}, "closeprobability": 40, "stepname": "2-Develop", "statecode": {"Value": 0},
                                             "parentaccountid": reference("account", "acf5"), "ownerid": reference("systemuser", "u1"), "createdon": f"/Date({T0})/"}))
        self.deal(id, name="10 units of X", amount=45000.0, stage="2-Develop", owner="u1", account="acf5", probability=0.4)
        self.send(self.context(1, "Update", {"estimatedvalue": {"Value": 50000.0}, "modifiedon": iso(1, decimals="")}))
        self.send(self.context(2, "Assign", parameters={"Assignee": reference("systemuser", "u2")}))
        self.send(self.context(3, "Update", {"statecode": {"Value": 1}, "actualvalue": {"Value": 51000.0}, "actualclosedate": f"/Date({T0})/", "modifiedon": iso(3, decimals="")}))
        self.deal(id, amount=51000.0, owner="u2", stage="won")
        self.decided(id, "won")
        self.send(self.context(4, "Update", {"statecode": {"Value": 0}, "modifiedon": iso(4, decimals="")}))
        self.decided(id, "open")
        self.send(self.context(5, "Update", {"statecode": {"Value": 2}, "modifiedon": iso(5, decimals="")}))
        self.decided(id, "lost")
        self.send(self.context(6, "Delete"))
        self.gone("opportunities", id)
        self.send(self.context(7, "Merge", entity="account", id="acf5", parameters={"SubordinateId": "bdf5"}))
        self.merged("accounts", "bdf5", "acf5")
        self.history(id, *["patch"] * 6, "delete")


class CloseCom(Story):
    PRESET, SECRET = "close", "b9260244ef33625f9b4b26a27db08758cdd39478b852c73f2d33ab042eb8abb4"

    def prove(self, body, path):
        at = str(int(time.time()))
        return {"close-sig-timestamp": at, "close-sig-hash": hmac.new(bytes.fromhex(self.SECRET), at.encode() + body, hashlib.sha256).hexdigest()}

    def event(self, n, action, data, type="opportunity", id="oppo_1", meta=None):
        return {"event": {"id": f"ev_{n}", "object_type": type, "object_id": id, "organization_id": "orga_1", "action": action, "changed_fields": [], "data": data,
                          "previous_data": {}, "meta": meta or {}, "date_created": iso(n, "", "057000"), "date_updated": iso(n, "", "057000")}, "subscription_id": "whsub_1"}

    def test_story(self):
        deal = {"id": "oppo_1", "lead_id": "lead_1", "lead_name": "Acme", "user_id": "user_1", "value": 100050, "value_currency": "USD", "value_period": "one_time", "confidence": 75,
                "status_id": "stat_1", "status_label": "Proposal", "status_type": "active", "date_won": None, "date_lost": None, "date_created": "2026-01-01T00:00:00+00:00"}
        self.send(self.event(0, "created", deal))
        self.deal("oppo_1", name="Acme", amount=1000.5, stage="stat_1", owner="user_1", account="lead_1", probability=0.75)
        self.decided("oppo_1", "open")
        self.send(self.event(1, "updated", {**deal, "value": 200000}))
        self.send(self.event(2, "updated", {**deal, "value": 200000, "user_id": "user_2"}))
        self.send(self.event(3, "updated", {**deal, "user_id": "user_2", "status_id": "stat_2", "status_label": "Won", "status_type": "won", "date_won": "2026-01-14"}))
        self.deal("oppo_1", owner="user_2", stage="won", closed_at="2026-01-14")
        self.decided("oppo_1", "won")
        self.send(self.event(4, "updated", deal))
        self.decided("oppo_1", "open")
        self.send(self.event(5, "updated", {**deal, "status_id": "stat_3", "status_label": "Lost", "status_type": "lost", "date_lost": "2026-01-15"}))
        self.decided("oppo_1", "lost")
        self.send(self.event(6, "deleted", None))
        self.gone("opportunities", "oppo_1")
        self.send(self.event(7, "merged", {"id": "lead_1"}, "lead", "lead_1", {"merge_source_lead_id": "lead_2", "merge_destination_lead_id": "lead_1"}))
        self.merged("accounts", "lead_2", "lead_1")
        self.history("oppo_1", *["patch"] * 6, "delete")


class Standard(Story):
    PRESET, SECRET = "standard", "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
    number = 0

    def prove(self, body, path):
        at, id = str(int(time.time())), "msg_" + hashlib.sha256(body.strip()).hexdigest()[:24]
        signed = base64.b64encode(hmac.new(base64.b64decode(self.SECRET[6:]), f"{id}.{at}.".encode() + body, hashlib.sha256).digest()).decode()
        return {"webhook-id": id, "webhook-timestamp": at, "webhook-signature": f"v1,bm9uZQ== v1,{signed}"}

    def message(self, n, type, **data):
        return {"type": type, "timestamp": iso(n), "data": data}

    def test_story(self):
        self.send(self.message(0, "opportunity.created", id="d1", name="Beds", stage="talk", amount="10.00", owner="r1", account="a1"))
        self.send(self.message(0, "stage.created", id="talk", label="Talking", outcome="open"))
        self.send(self.message(0, "stage.created", id="won", label="Won", outcome="won"))
        self.send(self.message(0, "stage.created", id="lost", label="Lost", outcome="lost"))
        self.decided("d1", "open")
        self.send(self.message(1, "opportunity.updated", id="d1", amount="12.00"))
        self.send(self.message(2, "opportunity.updated", id="d1", owner="r2"))
        self.send(self.message(3, "opportunity.updated", id="d1", stage="won"))
        self.deal("d1", name="Beds", amount="12.00", owner="r2", account="a1", stage="won")
        self.decided("d1", "won")
        self.send(self.message(4, "opportunity.updated", id="d1", stage="talk"))
        self.send(self.message(5, "opportunity.replaced", id="d1", stage="lost", owner="r2"))
        self.deal("d1", stage="lost", name=None, amount=None)
        self.decided("d1", "lost")
        self.send(self.message(6, "opportunity.deleted", id="d1"))
        self.gone("opportunities", "d1")
        self.send(self.message(7, "opportunity.restored", id="d1"))
        self.send(self.message(8, "opportunity.merged", id="d1", merged_into="d2"))
        self.merged("opportunities", "d1", "d2")
        self.history("d1", *["patch"] * 6, "delete", "restore", "merge")


class Published(Case):
    """Signatures that vendors and the standard publish, by the time they were made: POST …/test takes it; a live delivery is too old."""

    VECTORS = [
        ("hubspot", "yyyyyyyy-yyyy-yyyy-yyyy-yyyyyyyyyyyy", "{'example_field':'example_value'}", "2023-09-02T12:26:00Z", "https://www.example.com/webhook_uri",
         {"X-HubSpot-Request-Timestamp": "1693657560000", "X-HubSpot-Signature-v3": "K36dawei4A+QBNolUOqo7s91KQDWQ5MXZ/QufNYuk/Y="}),
        ("hubspot", "yyyyyyyy-yyyy-yyyy-yyyy-yyyyyyyyyyyy", "{'example_field':'example_value'}", "2023-11-14T22:18:20Z", "https://www.example.com/webhook_uri",
         {"X-HubSpot-Request-Timestamp": "1700000300000", "X-HubSpot-Signature-v3": "RnbPH7+UMKVkbV32P8bz450N4M56aPmcru1+D3kSDtw="}),
        ("standard", "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", '{"test": 2432232314}', "2021-02-25T15:02:10Z", None,
         {"webhook-id": "msg_p5jXN8AQM9LWM0D4loKWxJek", "webhook-timestamp": "1614265330", "webhook-signature": "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="}),
        ("standard", "whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD", '{"email":"test@example.com","username":"test_user"}', "2022-04-07t23:39:13.5+02:00", None,
         {"webhook-id": "msg_27UH4WbU6Z5A5EzD8u03UvzRbpk", "webhook-timestamp": "1649367553", "webhook-signature": "v1,tZ1I4/hDygAJgO5TYxiSd6Sd0kDW6hPenDe+bTa3Kkw="}),
        ("generic", "It's a Secret to Everybody", "Hello, World!", None, None,
         {"X-Hub-Signature-256": "sha256=757107ea0eb2509fc211221cce984b8a37570b6d7586c22c46f4379c8b043e17"}),
        ("pipedrive", "username:password", "{}", None, None, {"Authorization": "Basic dXNlcm5hbWU6cGFzc3dvcmQ="}),
    ]

    def test_published_vectors(self):
        server = self.serve()
        admin = server.client("admin")
        for number, (preset, secret, body, now, url, headers) in enumerate(self.VECTORS):
            with self.subTest(f"{number}: {preset}"):
                name = f"v{number}"
                self.assert_ok(admin.put(f"/v1/sources/{name}", {"preset": preset, **({"url": url} if url else {})}))
                self.assert_status(admin.post(f"/v1/sources/{name}/secrets", {"secret": secret}), 201)
                question = {"body": body, "headers": headers, **({"now": now} if now else {})}
                self.assertEqual(self.assert_ok(admin.post(f"/v1/sources/{name}/test", question))["verification"]["code"], "verified")
                if preset != "pipedrive":
                    other = self.assert_ok(admin.post(f"/v1/sources/{name}/test", {**question, "body": body + " "}))
                    self.assertEqual(other["verification"]["code"], "signature_wrong")
                live = server.anonymous().request("POST", f"/v1/webhooks/{name}", body, headers)
                if now:
                    self.assertEqual(self.assert_ok(admin.post(f"/v1/sources/{name}/test", {"body": body, "headers": headers}))["verification"]["code"], "signature_stale")
                    self.assert_problem(live, 401, "unverified")
                else:
                    self.assert_status(live, 200)


if __name__ == "__main__":
    import unittest

    unittest.main()
