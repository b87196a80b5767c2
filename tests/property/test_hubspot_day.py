"""A day of a CRM's deliveries: at least once, out of order, some of them broken. The end is that of the same day in good order.

PLUMBLINE_DAY_EVENTS (3,000 unless set) is how many events the day has."""
import concurrent.futures
import json
import os
import queue
import re
import unittest

from harness import Case
from harness.hubspot import OWNERS, PUBLIC_URL, SECRET, Day, Sender

EVENTS = int(os.environ.get("PLUMBLINE_DAY_EVENTS", "3000"))
SENDERS = 8
# The first mapping takes "12 seats" for a number, which it is not; the mended one takes it for what it is.
FIRST = {"objects": {"deal": {"fields": {"attributes.seats": {"get": "/seats", "as": "number"}}}}}
MENDED = {"objects": {"deal": {"fields": {"attributes.seats": {"get": "/seats", "as": "string"}}}}}
STRATEGY = {
    "name": "Care first", "effective_from": "2026-01-01",
    "segments": [{"key": "hospitals", "label": "Hospitals", "when": [{"attr": "industry", "in": ["hospital_health_care"]}], "target": {"bookings": 0.6, "time": 0.6}},
                 {"key": "insurers", "label": "Insurers", "when": [{"attr": "industry", "in": ["insurance"]}], "target": {"bookings": 0.4, "time": 0.4}}],
    "fit": {"criteria": [{"key": "industry", "weight": 60, "attr": "industry", "match": [{"in": ["hospital_health_care"], "score": 1}, {"in": ["insurance"], "score": 0.5}]},
                         {"key": "size", "weight": 40, "attr": "employees", "match": [{"gte": 200, "score": 1}]}],
            "min_coverage": 0.5, "tiers": [{"key": "core", "min": 70, "on_strategy": True}, {"key": "outside", "min": 0, "on_strategy": False}]},
    "products": {"GTX": 1}, "messages": [{"key": "uptime", "label": "Never down", "target": 1}]}
STATE = """SELECT kind, object_id, doc::text, track::text, pl.iso(first_at), pl.iso(last_at), last_seq, last_event, pl.iso(deleted_at), merged_into
             FROM object WHERE org_id = 1 ORDER BY kind, object_id"""
LOG = """SELECT event_id, kind, object_id, pl.iso(occurred_at), source_seq, operation, patch::text FROM event
          WHERE org_id = 1 AND source = 'hubspot' ORDER BY event_id COLLATE "C" """


class HubSpotDay(Case):
    def run_server(self, override):
        server = self.serve({"PLUMBLINE_PUBLIC_URL": PUBLIC_URL, "PLUMBLINE_GAUGE_INTERVAL": 0})
        client = server.client()
        reps = [{"id": id, "name": f"Rep {id}", "team": f"t{n % 2}", "occurred_at": "2026-01-01T00:00:00Z"} for n, id in enumerate(OWNERS)]
        self.assert_counts(client.post("/v1/teams", [{"id": "t0", "name": "North", "occurred_at": "2026-01-01T00:00:00Z"},
                                                     {"id": "t1", "name": "South", "occurred_at": "2026-01-01T00:00:00Z"}]), accepted=2)
        self.assert_counts(client.post("/v1/reps", reps), accepted=len(reps))
        strategy = self.assert_status(client.post("/v1/strategies", STRATEGY), 201).json()["id"]
        self.assert_ok(client.post(f"/v1/strategies/{strategy}/publish"))
        self.assert_status(client.post("/v1/sources", {"source": "hubspot", "preset": "hubspot", "override": override}), 201)
        self.assert_status(client.post("/v1/sources/hubspot/secrets", {"secret": SECRET}), 201)
        return server

    def send(self, server, bodies, senders):
        """Every answer; each sender takes the next delivery when its last one is answered."""
        waiting = queue.SimpleQueue()
        for body in bodies:
            waiting.put(body)

        def work():
            sender, answers = Sender(server.url), []
            while True:
                try:
                    body = waiting.get_nowait()
                except queue.Empty:
                    sender.close()
                    return answers
                status, _, answer = sender.deliver(body)
                answers.append((status, json.loads(answer)))

        with concurrent.futures.ThreadPoolExecutor(senders) as pool:
            parts = [pool.submit(work) for _ in range(senders)]
            return [answer for part in parts for answer in part.result()]

    def answers_of(self, server):
        """All metrics, in text, without the number of the newest event."""
        reader = server.client("read")
        paths = ["/v1/summary?period=2026", "/v1/alignment?by=rep&period=2026", "/v1/alignment?by=segment&period=2026-03"]
        for metric in self.assert_ok(reader.get("/v1/metrics"))["data"]:
            by = "&by=rep" if "rep" in metric.get("by", []) else ""
            paths.append(f"/v1/metrics/{metric['key']}?period=2026{by}")
        return {path: re.sub(r'"data_version": ?\d+', '"data_version": 0', self.assert_status(reader.get(path), 200).text) for path in paths}

    def replay(self, server):
        admin, cursor, replayed = server.client("admin"), "", 0
        while cursor is not None:
            page = self.assert_ok(admin.post("/v1/quarantine/replay?reason=not_a_number&source=hubspot" + (f"&cursor={cursor}" if cursor else "")))
            self.assertEqual(page["still_open"], 0)
            replayed, cursor = replayed + page["replayed"], page["next"]
        return replayed

    def test_the_end_is_the_same(self):
        day = Day(EVENTS)
        clean, dirty = self.run_server(MENDED), self.run_server(FIRST)
        for status, answer in self.send(clean, day.clean(), 1):
            self.assertEqual((status, answer["quarantined"]), (200, 0), answer)
        odd = sum(event.get("propertyName") == "seats" for event in day.events)
        bodies = day.dirty()
        answers = self.send(dirty, bodies, SENDERS)
        self.assertEqual({status for status, _ in answers}, {200})
        kinds = [item.get("code", item["outcome"]) for _, answer in answers for item in answer["items"]]
        self.assertGreater(kinds.count("duplicate"), 0)
        self.assertGreater(kinds.count("stale"), 0)
        self.assertGreaterEqual(kinds.count("not_a_number"), odd)
        self.assertLessEqual(set(kinds), {"accepted", "stale", "unchanged", "duplicate", "ignored", "not_a_number", "not_json"})

        admin = dirty.client("admin")
        waiting = {row["reason"]: row["items"] for row in self.assert_ok(admin.get("/v1/quarantine"))["open"]}
        self.assertEqual(waiting.get("not_json", 0), len({body for body in bodies if not body.endswith(b"]")}))
        self.assertGreaterEqual(waiting["not_a_number"], odd)
        self.assert_ok(admin.patch("/v1/sources/hubspot", {"override": MENDED}))
        self.assertEqual(self.replay(dirty), waiting["not_a_number"])
        for item in self.assert_ok(admin.get("/v1/quarantine?reason=not_json&limit=1000"))["data"]:
            self.assert_ok(admin.post(f"/v1/quarantine/{item['id']}/discard"))
        self.assertEqual(self.assert_ok(admin.get("/v1/quarantine"))["open"], [])

        self.assertEqual(dirty.sql(LOG), clean.sql(LOG), "the same events, each once")
        self.assertEqual(dirty.sql(STATE), clean.sql(STATE))
        expected, found = self.answers_of(clean), self.answers_of(dirty)
        for path, text in expected.items():
            with self.subTest(path):
                self.assertEqual(found[path], text)


if __name__ == "__main__":
    unittest.main()
