"""Clients that keep a journal: what they were told is stored they never send again, what they were not told they send until they are.

So a write that was acknowledged and is not there was lost, and one that is there twice was applied twice."""
import hashlib
import hmac
import http.client
import itertools
import json
import threading
import time

SECRET = "a1b2c3d4-0000-4000-8000-5e6f7a8b9c0d"
BULK, STREAM, DELIVERY = 20, 60, 5


class Journal:
    """target: something with a port, asked for anew before each try. key: may ingest. source: takes deliveries (preset generic)."""

    def __init__(self, target, key, prefix, source="crm", clients=6):
        self.target, self.key, self.prefix, self.source = target, key, prefix, source
        self.sent, self.acknowledged, self.wrong = set(), set(), []
        self.tries = self.unanswered = self.refused = 0
        self.stopping, self.lock, self.numbers = False, threading.Lock(), itertools.count()
        self.threads = [threading.Thread(target=self._work) for _ in range(clients)]
        for thread in self.threads:
            thread.start()

    # ── what is sent: (method, path, headers, body, ids of the events in it) ──
    def _single(self, name):
        return "POST", "/v1/opportunities", {}, {"id": name, "stage": "open", "amount": "1.50", "currency": "EUR", "event_id": name}, [name]

    def _put(self, name):
        return "PUT", f"/v1/accounts/{name}", {"Idempotency-Key": name}, {"name": name}, [name]

    def _bulk(self, name):
        ids = [f"{name}-{n}" for n in range(BULK)]
        return "POST", "/v1/accounts", {}, [{"id": id, "name": id, "event_id": id} for id in ids], ids

    def _stream(self, name):
        ids = [f"{name}-{n}" for n in range(STREAM)]
        body = "".join(json.dumps({"id": id, "name": id, "event_id": id}) + "\n" for id in ids).encode()
        return "POST", "/v1/reps", {"Content-Type": "application/x-ndjson"}, body, ids

    def _delivery(self, name):
        ids = [f"{name}-{n}" for n in range(DELIVERY)]
        body = json.dumps([{"object": "account", "id": id, "name": id, "event_id": id} for id in ids]).encode()
        digest = hmac.new(SECRET.encode(), body, hashlib.sha256).hexdigest()
        return "POST", f"/v1/webhooks/{self.source}", {"X-Hub-Signature-256": f"sha256={digest}"}, body, ids

    # ── sending ──
    def _try(self, connection, method, path, headers, body):
        data = body if isinstance(body, bytes) else json.dumps(body).encode()
        connection.request(method, path, data, {"Authorization": f"Bearer {self.key}", "Content-Type": "application/json", **headers})
        answer = connection.getresponse()
        return answer.status, answer.read()

    def _stored(self, status, said, ids):
        """Whether an answer says that all of it is stored."""
        if status != 200:
            return False
        document = json.loads(said)
        counts = [document.get(name, 0) for name in ("accepted", "duplicate", "stale", "unchanged")]
        if "items" in document:  # a delivery
            return all("event_id" in item for item in document["items"]) and len(document["items"]) == len(ids)
        return sum(counts) == len(ids) and document["rejected"] == 0

    def _until_stored(self, connection, request):
        method, path, headers, body, ids = request
        while True:
            if connection is None:
                connection = http.client.HTTPConnection("127.0.0.1", self.target.port, timeout=30)
            try:
                status, said = self._try(connection, method, path, headers, body)
            except (OSError, http.client.HTTPException):
                connection.close()
                connection, status, said = None, None, b""
            with self.lock:
                self.tries += 1
                self.unanswered += status is None
                self.refused += status in (502, 503, 504)
                if self._stored(status, said, ids):
                    self.acknowledged.update(ids)
                    return connection
                if status not in (None, 502, 503, 504):
                    self.wrong.append((status, said[:500]))
                    return connection
            time.sleep(0.05)

    def _work(self):
        connection = None
        makers = (self._single, self._put, self._single, self._delivery, self._put, self._bulk, self._single, self._stream)
        while not self.stopping:
            number = next(self.numbers)
            request = makers[number % len(makers)](f"{self.prefix}-{number}")
            with self.lock:
                self.sent.update(request[4])
            connection = self._until_stored(connection, request)
        if connection is not None:
            connection.close()

    def wait(self, more, seconds=120):
        """Until so many more events are acknowledged: on a slow machine the same happens later."""
        wanted, deadline = len(self.acknowledged) + more, time.monotonic() + seconds
        while len(self.acknowledged) < wanted:
            if time.monotonic() > deadline:
                raise AssertionError(f"{len(self.acknowledged)} acknowledged, {wanted} wanted; wrong so far: {self.wrong[:3]}")
            time.sleep(0.02)

    def finish(self, seconds=120):
        """No new writes; those under way go on until they are acknowledged."""
        self.stopping = True
        deadline = time.monotonic() + seconds
        for thread in self.threads:
            thread.join(max(0.1, deadline - time.monotonic()))
        if any(thread.is_alive() for thread in self.threads):
            raise AssertionError(f"writes are never acknowledged; wrong so far: {self.wrong[:3]}")
        return self

    def check(self, case, database):
        """Nothing acknowledged is missing, nothing is there twice, and nothing is there that nobody sent."""
        stored = [row[0] for row in database.sql(f"SELECT event_id FROM event WHERE org_id = 1 AND event_id LIKE '{self.prefix}-%'")]
        case.assertEqual(self.wrong, [])
        case.assertEqual(sorted(self.acknowledged - set(stored)), [], "lost")
        case.assertEqual(len(stored), len(set(stored)), "applied twice")
        case.assertEqual(set(stored), self.sent)
        objects = database.value("SELECT count(*) FROM (SELECT kind, object_id FROM object WHERE org_id = 1 AND object_id LIKE "
                                 f"'{self.prefix}-%') o")
        case.assertEqual(int(objects), len(self.sent), "each event made an object of its own")
