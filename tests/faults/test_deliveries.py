"""Deliveries while the database goes away, in good order and not: senders hear 503 and nothing else, and what they send again is stored once."""
import json
import pathlib
import queue
import sys
import threading
import time

from harness import Case
from harness.hubspot import PUBLIC_URL, SECRET, Day, Sender

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))
from cluster import Cluster  # noqa: E402

EVENTS, SENDERS, PAUSE_S = 6000, 8, 0.02  # pauses: so that a quick machine is not done before the database is gone


class Senders:
    """Deliver all bodies, and again whatever was not answered 200, as HubSpot does."""

    def __init__(self, url, bodies):
        self.url, self.waiting, self.left = url, queue.SimpleQueue(), len(bodies)
        self.heard, self.wrong, self.lock = [], [], threading.Lock()
        self.stored, self.ignored = set(), 0  # event ids that were said to be stored, and how many items are nothing for us
        for body in bodies:
            self.waiting.put(body)
        self.threads = [threading.Thread(target=self.work) for _ in range(SENDERS)]
        for thread in self.threads:
            thread.start()

    def work(self):
        sender = Sender(self.url)
        while True:
            try:
                body = self.waiting.get(timeout=0.05)
            except queue.Empty:
                if self.left == 0:
                    sender.close()
                    return
                continue
            started = time.monotonic()
            try:
                status, headers, answer = sender.deliver(body)
            except OSError as error:
                status, headers, answer = None, {}, str(error)
                sender = Sender(self.url)
            with self.lock:
                self.heard.append((status, time.monotonic() - started))
                if status == 200:
                    self.left -= 1
                    self.note(len(json.loads(body)), json.loads(answer)["items"])
                elif status != 503 or not headers.get("Retry-After", "").isdigit():
                    self.wrong.append((status, answer))
            if status != 200:
                time.sleep(0.05)
                self.waiting.put(body)
            else:
                time.sleep(PAUSE_S)

    def note(self, sent, items):
        if {item["index"] for item in items} != set(range(sent)):
            self.wrong.append((200, items))
        self.stored |= {item["event_id"] for item in items if "event_id" in item}
        self.ignored += sum(item["outcome"] == "ignored" for item in items)

    def answered(self):
        return sum(status == 200 for status, _ in self.heard)

    def refused(self):
        return sum(status == 503 for status, _ in self.heard)

    def wait(self, what, seconds=120):
        deadline = time.monotonic() + seconds
        while not what():
            if time.monotonic() > deadline:
                raise AssertionError(f"{self.left} deliveries are left; heard {len(self.heard)}, refused {self.refused()}, wrong {self.wrong[:3]}")
            time.sleep(0.02)

    def finish(self):
        self.wait(lambda: self.left == 0)
        for thread in self.threads:
            thread.join()


class DatabaseAway(Case):
    def setUp(self):
        self.cluster = Cluster()
        self.addCleanup(self.cluster.destroy)
        self.server = self.serve(database=self.cluster, env={"PLUMBLINE_PUBLIC_URL": PUBLIC_URL, "PLUMBLINE_GAUGE_INTERVAL": 0})
        admin = self.server.client("admin")
        self.assert_status(admin.post("/v1/sources", {"source": "hubspot", "preset": "hubspot"}), 201)
        self.assert_status(admin.post("/v1/sources/hubspot/secrets", {"secret": SECRET}), 201)

    def try_while(self, go_away):
        day = Day(EVENTS, odd=0)
        bodies = [json.dumps(day.events[at:at + 20]).encode() for at in range(0, EVENTS, 20)]
        senders = Senders(self.server.url, bodies)
        senders.wait(lambda: senders.answered() > 20)
        go_away()
        before = senders.refused()
        senders.wait(lambda: senders.refused() > before + 20)
        time.sleep(2)
        self.cluster.start()
        senders.finish()
        self.assertEqual(senders.wrong, [])
        self.assertLess(max(seconds for status, seconds in senders.heard if status == 503), 15)
        self.assertEqual(len(senders.stored) + senders.ignored, EVENTS)
        stored = self.cluster.sql("SELECT event_id FROM event WHERE org_id = 1 AND source = 'hubspot' AND occurred_at > '1971-01-01'")
        self.assertEqual(sorted(row[0] for row in stored), sorted(senders.stored), "nothing lost, nothing doubled")
        self.assertEqual(self.cluster.value("SELECT count(*) FROM quarantine"), "0")
        self.assertEqual(self.cluster.value("SELECT changed FROM pl.rebuild(1)"), "0", "the state is what the log says")

    def test_stopped_and_started(self):
        self.try_while(self.cluster.stop)

    def test_crashed_and_started(self):
        self.try_while(self.cluster.crash)


if __name__ == "__main__":
    import unittest

    unittest.main()
