"""A tour of the API: every operation at least once with a 2xx, and the errors a client meets. Each step says what must come back.

Used twice: straight at the service with our own check of every answer (test_live.py), and through a validating proxy (test_prism.py).
"""
import gzip
import hashlib
import hmac
import json
import re
import time

JSON, PATCH, NDJSON, CSV = "application/json", "application/merge-patch+json", "application/x-ndjson", "text/csv"

STRATEGY = {
    "name": "Mid-market care providers",
    "effective_from": "2026-01-01",
    "segments": [
        {"key": "hospitals", "label": "Hospitals", "when": [{"attr": "industry", "in": ["healthcare"]}, {"attr": "employees", "gte": 1000}],
         "target": {"bookings": 0.6, "time": 0.6}},
        {"key": "insurers", "label": "Insurers", "when": [{"any": [{"attr": "industry", "eq": "insurance"}, {"attr": "industry", "eq": "payer"}]}],
         "target": {"bookings": 0.4, "time": 0.4}},
    ],
    "fit": {
        "criteria": [
            {"key": "industry", "weight": 60, "attr": "industry",
             "match": [{"in": ["healthcare"], "score": 1}, {"in": ["insurance"], "score": 0.5}]},
            {"key": "size", "weight": 40, "attr": "employees", "match": [{"gte": 200, "score": 1}]},
        ],
        "required": ["industry"], "disqualify": [{"attr": "country", "in": ["XX"]}], "min_coverage": 0.5,
        "tiers": [{"key": "core", "min": 70, "on_strategy": True}, {"key": "adjacent", "min": 50, "on_strategy": False},
                  {"key": "outside", "min": 0, "on_strategy": False}],
    },
    "products": {"GTX": 0.6, "MG": 0.4},
    "messages": [{"key": "uptime", "label": "Never down", "target": 0.6}, {"key": "price", "label": "Lowest price", "target": 0.4}],
    "opportunistic": {"limit": 0.15, "easy_origins": ["inbound", "referral"]},
    "activity_minutes": {"email": 5, "call": 10, "meeting": 30},
    "thresholds": [{"metric": "bookings_share", "by": "rep", "warn": 0.6, "fail": 0.4, "direction": "higher"}],
}

AT = "2026-01-02T00:00:00Z"
SOURCE_SECRET = "a1b2c3d4-0000-4000-8000-5e6f7a8b9c0d"
RECORDS = {
    "teams": [("emea", {"name": "EMEA"}), ("dach", {"name": "DACH", "parent": "emea"})],
    "reps": [("r7", {"name": "Ann Lee", "team": "dach", "cost_per_hour": "85.00", "cost_currency": "EUR"}), ("r8", {"name": "Bo Chen", "team": "emea"})],
    "stages": [("talk", {"label": "Talking", "outcome": "open", "probability": 0.4}), ("won", {"label": "Won", "outcome": "won"}),
               ("lost", {"label": "Lost", "outcome": "lost"})],
    "accounts": [("a1", {"name": "Care Group", "status": "customer", "owner": "r7", "is_target": True,
                         "attributes": {"industry": "healthcare", "employees": 1200, "country": "DE"}}),
                 ("a2", {"name": "Payer One", "status": "prospect", "attributes": {"industry": "insurance", "employees": 90}}),
                 ("a3", {"name": "Care Grp"})],
    "products": [("gtx", {"name": "GTX Pro", "family": "GTX", "list_price": "4821.00", "currency": "EUR"}), ("mg", {"name": "MG", "family": "MG"})],
    "fx-rates": [("EUR-USD-2026-01-01", {"rate": "1.10"}), ("EUR-USD-2026-02-01", {"rate": "1.20"})],
    "opportunities": [
        ("d1", {"name": "Ward beds", "account": "a1", "owner": "r7", "stage": "won", "amount": "48000.00", "currency": "EUR",
                "created_at": "2026-01-10", "closed_at": "2026-02-20", "origin": "outbound",
                "lines": [{"id": "1", "product": "gtx", "quantity": 10, "amount": "48000.00"}]}),
        ("d2", {"name": "Claims desk", "account": "a2", "owner": "r8", "stage": "won", "amount": 12000.5, "currency": "USD",
                "created_at": "2026-01-15", "closed_at": "2026-03-02", "origin": "inbound",
                "lines": [{"id": "1", "product": "mg", "amount": 12000.5}]}),
        ("d3", {"name": "Beds again", "account": "a1", "owner": "r7", "stage": "talk", "amount": "9000", "currency": "EUR",
                "created_at": "2026-02-01", "expected_close": "2026-12-31"}),
        ("d4", {"account": "a2", "owner": "r8", "stage": "lost", "amount": "0", "currency": "EUR", "created_at": "2026-01-20", "closed_at": "2026-03-05"}),
    ],
    "activities": [
        ("v1", {"kind": "meeting", "starts_at": "2026-02-03T09:00:00Z", "duration_s": 5400, "rep": "r7", "account": "a1", "outcome": "held", "messages": ["uptime"]}),
        ("v2", {"kind": "call", "starts_at": "2026-02-04T09:00:00Z", "rep": "r8", "opportunity": "d2", "outcome": "held"}),
    ],
}
KINDS = list(RECORDS)
CHANGE = {"teams": {"name": "EMEA & Africa"}, "reps": {"email": "ann@example.com"}, "stages": {"order": 3}, "accounts": {"attributes": {"employees": 1300}},
          "products": {"list_price": None}, "fx-rates": {"rate": 1.21}, "opportunities": {"name": "Ward beds 2"}, "activities": {"questions": 4}}
CSV_ROWS = {"teams": "id,name\nx1,Nordics\nx2,Iberia\n", "reps": "id,name,team\nx1,Cy Diaz,emea\nx2,Di Ek,\n",
            "stages": "id,label,outcome\nx1,On hold,open\nx2,No budget,lost\n",
            "accounts": "id,name,attributes.industry,attributes.employees\nx1,\"Acme, Inc.\",retail,20\nx2,Zed,,\n",
            "products": "id,name,family,list_price,currency\nx1,MG Special,MG,55,EUR\nx2,GTK,GTK,26768,EUR\n",
            "fx-rates": "id,rate\nGBP-USD-2026-01-01,1.25\nGBP-USD-2026-02-01,1.27\n",
            "opportunities": "id,account,owner,stage,amount,currency\nx1,a1,r7,talk,100.10,EUR\nx2,a2,r8,talk,,\n",
            "activities": "id,kind,starts_at,rep,account,outcome\nx1,email,2026-02-05T10:00:00Z,r7,a1,held\nx2,call,2026-02-05T11:00:00Z,r8,a2,no_show\n"}


class Tour:
    """send(method, path, body bytes or None, headers) → (status, lower-case headers, body bytes); check(method, path, status, headers, body) is
    called with each answer and may raise."""

    def __init__(self, send, key, check=lambda *answer: None):
        self.send, self.key, self.check, self.steps = send, key, check, 0

    def go(self, method, path, body=None, expect=200, code=None, media=JSON, headers=None, key=True):
        sent = dict(headers or {})
        if key:
            sent["Authorization"] = f"Bearer {self.key}"
        if body is not None:
            sent.setdefault("Content-Type", media)
            if not isinstance(body, bytes):
                body = (body if isinstance(body, str) else json.dumps(body)).encode("utf-8")
        status, answer_headers, answer = self.send(method, path, body, sent)
        self.answer_headers = answer_headers
        self.steps += 1
        where = f"{method} {path} → {status}: {answer[:1500]!r}"
        assert status == expect, f"expected {expect}: {where}"
        if code is not None:
            assert json.loads(answer)["code"] == code, f"expected {code}: {where}"
        self.check(method, path, status, answer_headers, answer)
        if answer and answer_headers.get("content-type", "").split(";")[0] in (JSON, "application/problem+json"):
            return json.loads(answer)
        return answer

    def run(self):
        self.system()
        self.write()
        strategy = self.strategies()
        self.read(strategy)
        self.sources()
        self.alerts()
        self.settings()
        self.undo()
        self.errors()
        self.erase()

    def system(self):
        for path in ("/healthz", "/readyz", "/openapi.yaml", "/openapi.json", "/", "/docs", "/favicon.svg"):
            page = self.go("GET", path, key=False)
            for file in re.findall(rb"""["'](/(?:assets|docs)/[^"']+)""", page) if path in ("/", "/docs") else ():
                self.go("GET", file.decode(), key=False)
        self.session()

    def session(self):
        self.go("POST", "/v1/session", expect=201)
        cookie = {"Cookie": self.answer_headers["set-cookie"].split(";")[0]}
        self.go("GET", "/v1/session")
        self.go("GET", "/v1/session", key=False, headers=cookie)
        self.go("DELETE", "/v1/session", key=False, headers=cookie, expect=403, code="cross_site")
        self.go("DELETE", "/v1/session", key=False, headers={**cookie, "X-Requested-With": "plumbline"}, expect=204)

    def write(self):
        for kind, records in RECORDS.items():
            first, record = records[0]
            written = self.go("PUT", f"/v1/{kind}/{first}?occurred_at={AT}", record)
            assert written["outcome"] == "accepted" and written["id"] == first, written
            items = [{"id": id, "occurred_at": AT, **record} for id, record in records]
            batch = self.go("POST", f"/v1/{kind}", items)
            assert batch["accepted"] + batch["unchanged"] + batch["stale"] == len(items), batch
            again = self.go("POST", f"/v1/{kind}", items)
            assert again["duplicate"] == len(items), again
            lines = "".join(json.dumps(item) + "\n" for item in items)
            again = self.go("POST", f"/v1/{kind}?atomic=true", lines, media=NDJSON)
            assert again["duplicate"] == len(items), again
            self.go("POST", f"/v1/{kind}?dry_run=true", gzip.compress(lines.encode()), media=NDJSON, headers={"Content-Encoding": "gzip"})
            batch = self.go("POST", f"/v1/{kind}", CSV_ROWS[kind], media=CSV)
            assert batch["accepted"] == 2, batch
            self.go("POST", f"/v1/{kind}", items[0])
            self.go("PATCH", f"/v1/{kind}/{first}", CHANGE[kind], media=PATCH, headers={"Idempotency-Key": f"change-{kind}"})
            again = self.go("PATCH", f"/v1/{kind}/{first}", CHANGE[kind], media=JSON, headers={"Idempotency-Key": f"change-{kind}"})
            assert again["outcome"] == "duplicate", again
            mixed = self.go("POST", f"/v1/{kind}", [items[-1], {"id": "bad", "nothing": 1}])
            assert mixed["rejected"] == 1 and mixed["errors"][0]["index"] == 1, mixed

    def strategies(self):
        draft = self.go("POST", "/v1/strategies", STRATEGY, expect=201)["id"]
        self.go("PUT", f"/v1/strategies/{draft}", {**STRATEGY, "name": "Care first"})
        self.go("PUT", f"/v1/strategies/{draft}", self.go("GET", f"/v1/strategies/{draft}"))
        self.go("POST", f"/v1/strategies/{draft}/preview")
        self.go("POST", f"/v1/strategies/{draft}/publish")
        self.go("PUT", f"/v1/strategies/{draft}", STRATEGY, expect=409, code="strategy_published")
        other = self.go("POST", "/v1/strategies", {**STRATEGY, "effective_from": "2026-07-01", "products": {"GTX": 0.5, "MG": 0.5}}, expect=201)["id"]
        self.go("GET", f"/v1/strategies/{other}/diff?against={draft}")
        self.go("DELETE", f"/v1/strategies/{other}")
        future = self.go("POST", "/v1/strategies", {**STRATEGY, "effective_from": "2030-01-01"}, expect=201)["id"]
        job = self.go("POST", f"/v1/strategies/{future}/publish?async=true", expect=202)
        self.go("GET", f"/v1/jobs/{job['id']}")
        assert self.go("GET", "/v1/jobs?kind=publish&limit=1")["data"][0]["id"] == job["id"]
        while self.go("GET", f"/v1/jobs/{job['id']}")["status"] != "done":
            time.sleep(0.1)
        assert b"event: done" in self.go("GET", f"/v1/jobs/{job['id']}/events")
        self.go("GET", "/v1/strategies")
        self.go("GET", "/v1/strategies?effective_at=2026-03-01")
        self.go("POST", "/v1/strategies", {**STRATEGY, "products": {"GTX": 0.5}}, expect=422, code="validation_failed")
        return draft

    def read(self, strategy):
        for kind, records in RECORDS.items():
            first = records[0][0]
            self.go("GET", f"/v1/{kind}/{first}")
            page = self.go("GET", f"/v1/{kind}?limit=1")
            assert len(page["data"]) == 1 and page["next"], page
            self.go("GET", f"/v1/{kind}?limit=1&cursor={page['next']}")
            assert self.go("GET", f"/v1/{kind}/{first}/history")["data"]
        for by in ("rep", "team", "segment", "product", "tier", "origin", "period"):
            self.go("GET", f"/v1/alignment?by={by}&period=2026-Q1")
        self.go("GET", "/v1/alignment?period=2026-Q1&format=csv")
        self.go("GET", "/v1/alignment?by=rep&period=2026-Q1", headers={"Accept": NDJSON})
        dictionary = self.go("GET", "/v1/metrics")
        for metric in dictionary["data"]:
            self.metric(metric["key"], metric["groupings"])
            if metric["has_rows"]:
                self.go("GET", f"/v1/metrics/{metric['key']}/rows?period=2026-Q1&limit=1")
                self.go("GET", f"/v1/metrics/{metric['key']}/rows?period=2026-Q1&format=csv")
        self.go("GET", "/v1/metrics/bookings_share?by=rep&period=2026-Q1&compare_to=previous")
        self.go("GET", "/v1/metrics/strategy_setters?by=rep&period=2026-Q1&over=product&weight=pipeline")
        for question in ({"metrics": ["bookings_share", "data_quality"], "by": "rep"}, {"metrics": ["trend"], "granularity": "month", "metric": "deal_size"},
                         {"metrics": ["change_decomposition", "pipeline_change"], "compare_to": "previous"}):
            self.go("POST", "/v1/query", {"period": "2026-Q1", **question})
            self.go("POST", "/v1/query?format=csv", {"period": "2026-Q1", **question})
        self.go("GET", "/v1/leaderboard?period=2026-Q1&min_n=1")
        self.go("GET", "/v1/leaderboard?period=2026-Q1&format=ndjson&metric=bookings_share&by=team")
        self.go("GET", "/v1/summary?period=2026-Q1")
        for path in ("/v1/reps/r7/alignment", "/v1/teams/emea/alignment", "/v1/segments/hospitals/alignment"):
            self.go("GET", f"{path}?period=2026-Q1")
        self.go("GET", "/v1/reps/r7/brief?period=2026-Q1&min_n=1")
        for deal in ("d1", "d2", "d3", "d4", "x2"):
            self.go("GET", f"/v1/opportunities/{deal}/alignment")
        self.go("GET", "/v1/accounts/a1/fit")
        self.go("GET", f"/v1/accounts/a2/fit?strategy={strategy}&as_of=2026-03-01")
        self.snapshots()

    def metric(self, key, groupings):
        path = f"/v1/metrics/{key}"
        self.go("GET", f"{path}?period=2026-Q1")
        for by in groupings:
            self.go("GET", f"{path}?by={by}&period=2026-Q1")
        if "period" in groupings:
            self.go("GET", f"{path}?by={groupings[0]}&period=2026-Q1&granularity=month&credit=current&currency=USD")
        self.go("GET", f"{path}?period=2026-Q1&format=csv")
        self.go("GET", f"{path}?period=2026-Q1&format=ndjson")

    def sources(self):
        """A source from its making to its end; SOURCE_SECRET signs for it."""
        self.go("GET", "/v1/source-presets")
        self.go("POST", "/v1/sources", {"source": "crm", "preset": "generic"}, expect=201)
        self.go("POST", "/v1/sources", {"source": "crm", "preset": "generic"}, expect=409, code="conflict")
        self.go("POST", "/v1/sources", {"source": "CRM", "preset": "genric"}, expect=422, code="validation_failed")
        self.go("PUT", "/v1/sources/shop", {"preset": "generic"})
        self.go("PATCH", "/v1/sources/shop", {"override": {"title": "The shop"}}, media=PATCH)
        self.go("GET", "/v1/sources?limit=1")
        self.go("GET", "/v1/sources/shop")
        made = self.go("POST", "/v1/sources/crm/secrets", expect=201)
        self.go("POST", "/v1/sources/crm/secrets", {"secret": SOURCE_SECRET, "overlap_hours": 1}, expect=201)
        records = [{"object": "account", "id": "w1", "name": "From a webhook", "event_id": "w1-1"},
                   {"object": "opportunity", "id": "w2", "stage": "talk", "amount": "a lot"},
                   {"object": "opportunity", "id": "w4", "stage": "talk", "amount": "plenty"}, {"object": "weather", "id": "w3"}]
        for secret in (SOURCE_SECRET, made["secret"]):
            answer = self.deliver("crm", records, secret)
            assert (answer["accepted"], answer["quarantined"], answer["ignored"]) == (1, 2, 1), answer
        self.deliver("crm", records, "not the secret", expect=401, code="unverified")
        self.deliver("nobody", records, SOURCE_SECRET, expect=404, code="not_found")
        self.deliver("crm", b"no JSON", SOURCE_SECRET)
        tried = self.go("POST", "/v1/sources/crm/test", {"body": records, "headers": {"X-Api-Key": SOURCE_SECRET}})
        assert tried["verification"]["verified"] and tried["events"][0]["changes"] == {}, tried
        page = self.go("GET", "/v1/quarantine?limit=1")
        self.go("GET", f"/v1/quarantine?limit=1&cursor={page['next']}&status=all&source=crm&reason=not_a_number")
        item = self.go("GET", f"/v1/quarantine?reason=not_a_number")["data"][0]["id"]
        self.go("GET", f"/v1/quarantine/{item}")
        assert self.go("POST", f"/v1/quarantine/{item}/replay")["status"] == "open"
        self.go("POST", f"/v1/quarantine/replay?source=crm&limit=1")
        self.go("POST", f"/v1/quarantine/{item}/discard")
        self.go("POST", f"/v1/quarantine/{item}/discard", expect=409, code="conflict")
        self.go("GET", "/v1/quarantine/999999", expect=404, code="not_found")
        self.gaps()
        event = {"specversion": "1.0", "id": "e1", "source": "https://crm.example.com", "type": "com.example.account.updated",
                 "subject": "w1", "time": "2026-03-04T09:12:44Z", "data": {"status": "customer"}}
        self.go("POST", "/v1/events", event, media="application/cloudevents+json")
        batch = self.go("POST", "/v1/events", [event, {**event, "id": "e2", "type": "com.example.account.deleted"}],
                        media="application/cloudevents-batch+json")
        assert (batch["stale"], batch["duplicate"]) == (1, 1), batch
        self.go("POST", "/v1/events", {**event, "type": "com.example.weather.changed"}, expect=422, code="validation_failed")
        self.go("DELETE", "/v1/sources/shop")
        self.go("DELETE", "/v1/sources/shop", expect=404, code="not_found")

    def gaps(self):
        """A source says that it lost something: what is to be read again is listed until somebody has."""
        answer = self.deliver("crm", {"object": "opportunity", "id": "w2", "operation": "fetch"}, SOURCE_SECRET)
        assert answer["items"][0]["outcome"] == "resync", answer
        waiting = self.go("GET", "/v1/resync?source=crm")["data"]
        self.go("POST", f"/v1/resync/{waiting[0]['id']}/done")
        self.go("GET", "/v1/resync?status=done&limit=1")

    def deliver(self, source, body, secret, **expected):
        # As a proxy that reads the body writes it again: what is signed is bytes.
        body = body if isinstance(body, bytes) else json.dumps(body, separators=(",", ":"), ensure_ascii=False).encode()
        signature = hmac.new(secret.encode(), body, hashlib.sha256).hexdigest()
        return self.go("POST", f"/v1/webhooks/{source}", body, key=False, headers={"X-Hub-Signature-256": f"sha256={signature}"}, **expected)

    def settings(self):
        before = self.go("GET", "/v1/settings")
        self.go("PATCH", "/v1/settings", {"time_zone": "Europe/Paris", "min_n": 3}, media=PATCH)
        self.go("PATCH", "/v1/settings", {"time_zone": before["time_zone"], "min_n": before["min_n"]})
        self.go("PATCH", "/v1/settings", {"time_zone": "Europe/Pariss"}, expect=422, code="validation_failed")
        page = self.go("GET", "/v1/audit?limit=2")
        self.go("GET", f"/v1/audit?limit=2&cursor={page['next']}")
        self.go("GET", "/v1/audit?action=settings.update")
        self.go("PUT", "/v1/accounts/a2/fit-override", {"tier": "core", "reason": "Framework agreement", "until": None})
        assert self.go("GET", "/v1/accounts/a2/fit")["override"]["tier"] == "core"
        self.go("DELETE", "/v1/accounts/a2/fit-override")
        self.go("DELETE", "/v1/accounts/a2/fit-override", expect=404, code="not_found")

    def undo(self):
        for kind, records in RECORDS.items():
            first, second = records[0][0], records[1][0]
            self.go("DELETE", f"/v1/{kind}/{first}")
            self.go("POST", f"/v1/{kind}/{first}/restore")
            self.go("POST", f"/v1/{kind}/{second}/merge", {"into": first})
            self.go("GET", f"/v1/{kind}?include_deleted=true")

    def snapshots(self):
        kept = self.go("POST", "/v1/snapshots", {"name": "Board", "of": "metric", "metric": "bookings_share", "question": {"by": "rep", "period": "2026-Q1"}}, expect=201)
        self.go("POST", "/v1/snapshots", {"of": "alignment", "question": {"by": "team", "period": "2026-Q1"}}, expect=201)
        assert len(self.go("GET", "/v1/snapshots")["data"]) == 2
        self.go("GET", f"/v1/snapshots/{kept['id']}")
        self.go("GET", f"/v1/snapshots/{kept['id']}/drift")

    def alerts(self):
        self.go("GET", "/v1/alerts?status=fail&by=rep")
        self.go("GET", "/v1/alerts?status=bad", expect=400, code="invalid_parameter")
        made = self.go("POST", "/v1/alert-endpoints", {"url": "https://127.0.0.1:9/hooks", "name": "Nobody", "filter": {"statuses": ["fail"], "teams": ["emea"]}}, expect=201)
        self.go("POST", "/v1/alert-endpoints", {"url": "http://example.com/"}, expect=422, code="validation_failed")
        path = f"/v1/alert-endpoints/{made['id']}"
        self.go("GET", "/v1/alert-endpoints?limit=1")
        self.go("GET", path)
        self.go("PUT", path, {"url": "https://127.0.0.1:9/other", "format": "slack"})
        self.go("PATCH", path, {"filter": {"by": ["team"]}, "name": "Still nobody"}, media=PATCH)
        self.go("POST", f"{path}/secrets", {"overlap_hours": 1}, expect=201)
        tried = self.go("POST", f"{path}/test")
        assert tried["state"] == "dead" and tried["last_status"] is None, tried
        self.go("GET", "/v1/alert-deliveries?state=dead")
        self.go("GET", f"/v1/alert-deliveries/{tried['id']}")
        self.go("POST", f"/v1/alert-deliveries/{tried['id']}/retry")
        self.go("DELETE", path)
        self.go("POST", f"/v1/alert-deliveries/{tried['id']}/retry", expect=409, code="conflict")
        self.go("GET", path, expect=404, code="not_found")

    def erase(self):
        self.go("POST", "/v1/erasures", {"kind": "rep", "id": "r8"})
        self.go("POST", "/v1/erasures", {"kind": "rep", "id": "nobody"}, expect=404, code="not_found")

    def errors(self):
        self.go("GET", "/v1/reps/nobody", expect=404, code="not_found")
        self.go("GET", "/v1/reps?limt=3", expect=400, code="unknown_parameter")
        self.go("GET", "/v1/reps?limit=0", expect=400, code="invalid_parameter")
        self.go("GET", "/v1/reps", expect=401, code="unauthorized", key=False)
        self.go("PUT", "/v1/reps/r1", b"{", expect=400, code="invalid_json")
        self.go("PUT", "/v1/reps/r1", b"", expect=400, code="body_required")
        self.go("PUT", "/v1/reps/r1", b"<a/>", media="application/xml", expect=415, code="unsupported_media_type")
        self.go("PUT", "/v1/opportunities/d9", {"stage": "talk", "amount": "much", "ownr": "r7"}, expect=422, code="validation_failed")
        self.go("PATCH", "/v1/reps/r7", {"name": "Other"}, headers={"Idempotency-Key": "change-reps"}, expect=409, code="event_id_reused")
        self.go("GET", "/v1/alignment?by=colour", expect=400, code="invalid_parameter")
        self.go("GET", "/v1/alignment", headers={"Accept": "image/png"}, expect=406, code="not_acceptable")
