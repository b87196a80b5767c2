"""A strategy is published over many deals while they are read and written, and the server is killed in the middle of it, twice, and once
told to end: readers get the old bytes or the new ones and never anything between, every write is taken, and the job goes on where it was.

PLUMBLINE_TEST_DEALS sets the number of deals (12000): the same at a million is for a machine of one's own and a quarter of an hour.
Above 100000 the deals are written to the database as copies of those that came over HTTP, with their events, states and facts."""
import datetime
import json
import os
import re
import subprocess
import sys
import threading
import time

from harness import BINARY, Case

DEALS = int(os.environ.get("PLUMBLINE_TEST_DEALS", "12000"))
OVER_HTTP = min(DEALS, 100000)
ACCOUNTS, REPS, ACTIVITIES = max(OVER_HTTP // 40, 50), 50, OVER_HTTP // 4
FIRST = datetime.date(2024, 1, 1)
READ = ("/v1/alignment?by=segment&period=2024-Q2", "/v1/metrics/bookings_share?by=rep&period=2024-Q3",
        "/v1/metrics/selling_time_share?by=tier&period=2024", "/v1/metrics/win_rate?by=segment&period=2024-Q2&format=csv")
WRITE_SECONDS = 30  # the longest a single write may take


def strategy(name, best, size):
    return {"name": name, "effective_from": "2024-01-01",
            "segments": [{"key": f"{name}{i}", "when": [{"attr": "industry", "eq": f"industry{i}"}]} for i in range(6)],
            "fit": {"criteria": [{"key": "industry", "weight": 60, "attr": "industry", "match": [{"in": best, "score": 1}]},
                                 {"key": "size", "weight": 40, "attr": "employees", "match": [{"gte": size, "score": 1}]}],
                    "tiers": [{"key": f"{name}-core", "min": 60, "on_strategy": True}, {"key": f"{name}-out", "min": 0, "on_strategy": False}]}}


def day(n):
    return (FIRST + datetime.timedelta(days=n % 360)).isoformat()


def say(text):
    if DEALS > 100000:
        print(f"# {time.strftime('%H:%M:%S')} {text}", file=sys.stderr, flush=True)


class Readers:
    """Asks the same questions over and over; answers: for each the different ones that came, in their order, the version of the data aside."""

    def __init__(self, server):
        self.server, self.stopping, self.asked, self.slowest = server, False, 0, 0.0
        self.answers = {path: [] for path in READ}
        self.wrong, self.may_fail = [], False
        self.thread = threading.Thread(target=self.run)

    def ask(self, path):
        started = time.monotonic()
        response = self.server.client("read", timeout=120).get(path)
        self.slowest = max(self.slowest, time.monotonic() - started)
        if response.status != 200:
            self.wrong.append(repr(response))
            return
        self.asked += 1
        text = re.sub(r'"data_version":\s*\d+', "", response.text)
        if not self.answers[path] or self.answers[path][-1] != text:
            self.answers[path].append(text)

    def run(self):
        while not self.stopping:
            for path in READ:
                try:
                    self.ask(path)
                except OSError as error:
                    if not self.may_fail:
                        self.wrong.append(repr(error))
                    time.sleep(0.05)


class Writer:
    """Writes deals, new ones and old ones, that no question of the readers is about."""

    def __init__(self, server):
        self.server, self.stopping, self.may_fail = server, False, False
        self.written, self.wrong, self.slowest, self.times = 0, [], 0.0, []
        self.thread = threading.Thread(target=self.run)

    def run(self):
        n = 0
        while not self.stopping:
            n += 1
            # Deals that were closed before the year that is read, and new ones.
            body = {"stage": "Won", "owner": f"r{n % REPS}", "account": f"a{n * 7 % ACCOUNTS}", "amount": str(n), "currency": "EUR",
                    "created_at": "2024-10-01", "closed_at": "2024-12-30"}
            try:
                started = time.monotonic()
                client = self.server.client("ingest", timeout=WRITE_SECONDS)
                response = client.put(f"/v1/opportunities/{f'w{n}' if n % 2 else f'later{n % 200}'}?occurred_at=2025-01-0{1 + n % 9}T00:00:00Z", body)
                self.times.append(time.monotonic() - started)
                if response.status == 200:
                    self.written += 1
                else:
                    self.wrong.append(repr(response))
            except OSError as error:
                if not self.may_fail:
                    self.wrong.append(repr(error))
                time.sleep(0.05)


class Publish(Case):
    def load(self, server, *kinds):
        client = server.client("ingest", timeout=3600)
        at = "2023-12-01T00:00:00Z"
        for kind, rows in ((kind, rows) for kind, rows in (
                ("teams", ({"id": f"t{i}", "name": "Team"} for i in range(5))),
                ("reps", ({"id": f"r{i}", "name": "Rep", "team": f"t{i % 5}"} for i in range(REPS))),
                ("stages", ({"id": stage, "label": stage, "outcome": stage.lower()} for stage in ("Open", "Won", "Lost"))),
                ("accounts", ({"id": f"a{i}", "name": "Account", "owner": f"r{i % REPS}", "status": "customer",
                               "attributes": {"industry": f"industry{i % 7}", "employees": i * 13 % 1000}} for i in range(ACCOUNTS))),
                ("opportunities", ({"id": f"d{i:07d}", "stage": ("Won", "Lost", "Won", "Open")[i % 4], "owner": f"r{i % REPS}", "account": f"a{i % ACCOUNTS}",
                                    "amount": str(100 + i % 977), "currency": "EUR", "created_at": day(i), "closed_at": day(i + 20)} for i in range(OVER_HTTP))),
                ("activities", ({"id": f"c{i:07d}", "kind": "call", "rep": f"r{i % REPS}", "account": f"a{i % ACCOUNTS}", "outcome": "held",
                                 "starts_at": f"{day(i)}T10:00:00Z", "duration_s": 600 + i % 1000} for i in range(ACTIVITIES)))) if kind in kinds):
            body = "".join(json.dumps({**row, "occurred_at": at}, separators=(",", ":")) + "\n" for row in rows)
            answer = self.assert_ok(client.request("POST", f"/v1/{kind}", body, {"Content-Type": "application/x-ndjson"}))
            self.assertEqual(answer["rejected"], 0, answer)
            say(f"{answer['accepted']} {kind} loaded")

    def multiply(self, server):
        """Until there are DEALS: what is told of a deal, once more under another id."""
        renamed = {"event": ("event_id", "object_id"), "object": ("object_id", "last_event"), "deal_fact_of": ("deal_id",), "open_span": ("deal_id",)}
        for copy in range(1, DEALS // OVER_HTTP):
            for table, names in renamed.items():
                columns = [row[0] for row in server.sql(f"SELECT attname FROM pg_attribute WHERE attrelid = '{table}'::regclass AND attnum > 0 AND NOT attisdropped ORDER BY attnum")]
                chosen = ", ".join(f"'{copy}-' || {name}" if name in names else name for name in columns)
                mine = "kind = 'opportunity' AND object_id" if table in ("event", "object") else "deal_id"
                server.sql(f"INSERT INTO {table} ({', '.join(columns)}) SELECT {chosen} FROM {table} WHERE org_id = 1 AND {mine} LIKE 'd%'")
            say(f"{(copy + 1) * OVER_HTTP} deals")
        server.sql("ANALYZE")

    def publish(self, client, body):
        draft = self.assert_status(client.post("/v1/strategies", body), 201).json()["id"]
        return self.assert_status(client.post(f"/v1/strategies/{draft}/publish?async=true"), 202).json()["id"]

    def watch(self, client, job, until):
        """Asks for the job until it is so; progress never goes back."""
        done, deadline = 0, time.monotonic() + 60 + DEALS / 200
        while True:
            found = self.assert_ok(client.get(f"/v1/jobs/{job}"))
            self.assertGreaterEqual(found["progress"]["done"], done, found)
            self.assertNotEqual(found["status"], "failed", found)
            done = found["progress"]["done"]
            if until(found) or found["status"] == "done":
                return found
            self.assertLess(time.monotonic(), deadline, found)
            time.sleep(0.05 if DEALS < 100000 else 1)
            say(f"{found['phase']} {done} of {found['progress']['total']}")

    def digest(self, server):
        return [server.value(f"SELECT md5(string_agg(md5(to_jsonb(t)::text), '' ORDER BY {key})) FROM {table} AS t WHERE org_id = 1")
                for table, key in (("deal_fact", "deal_id"), ("activity_fact", "activity_id, rep_id, account_id"), ("account_fit", "strategy_id, account_id, valid_from"))]

    def test_read_written_and_killed(self):
        server = self.serve()
        client = server.client("read", "strategy", "ingest", "admin", timeout=60)
        self.load(server, "teams", "reps", "stages", "accounts")
        self.watch(client, self.publish(client, strategy("old", ["industry1", "industry2"], 500)), lambda job: False)
        say("the first strategy is published")
        self.load(server, "opportunities", "activities")
        self.multiply(server)
        readers, writer = Readers(server), Writer(server)
        for path in READ:
            readers.ask(path)
        old = {path: texts[-1] for path, texts in readers.answers.items()}
        readers.thread.start()
        writer.thread.start()
        try:
            started = time.monotonic()
            job = self.publish(client, strategy("new", ["industry0", "industry2", "industry5"], 300))
            say(f"publishing {job}")
            for phase, part, end in (("deals", 0.2, server.kill), ("deals", 0.4, server.stop), ("deals", 0.6, server.kill)):
                found = self.watch(client, job, lambda job, part=part: job["progress"]["done"] > part * job["progress"]["total"])
                self.assertEqual((found["status"], found["phase"]), ("running", phase), "too little to be killed in the middle of")
                say(f"{end.__name__} at {found['progress']}")
                readers.may_fail = writer.may_fail = True
                end()
                server.start()
                client = server.client("read", "strategy", "ingest", "admin", timeout=60)  # another port
                readers.may_fail = writer.may_fail = False
                again = self.assert_ok(client.get(f"/v1/jobs/{job}"))
                self.assertGreaterEqual(again["progress"]["done"], found["progress"]["done"])
            self.watch(client, job, lambda job: False)
            say(f"done after {time.monotonic() - started:.1f} s")
            time.sleep(1)
        finally:
            readers.stopping = writer.stopping = True
            readers.thread.join()
            writer.thread.join()
        self.assertEqual((readers.wrong, writer.wrong), ([], []))
        self.assertGreater(writer.written, 20)
        for path, texts in readers.answers.items():
            self.assertEqual(len(texts), 2, f"{path}: {len(texts)} different answers")
            self.assertEqual(texts[0], old[path])
        times = sorted(writer.times)
        say(f"{readers.asked} answers read, slowest {readers.slowest:.2f} s; {writer.written} writes, median {times[len(times) // 2]:.3f} s, "
            f"99th percentile {times[len(times) * 99 // 100]:.3f} s, slowest {times[-1]:.2f} s")
        self.assertEqual(server.value("SELECT count(*) FROM deal_fact WHERE org_id = 1 AND closed_class <> 'unknown' AND closed_strategy <> 's2'"), "0")
        self.assertEqual(server.value("SELECT count(*) FROM deal_fact_of AS d JOIN org_version AS v USING (org_id) WHERE d.epoch <> v.epoch"), "0")
        if DEALS > OVER_HTTP:
            return
        published = self.digest(server)
        self.assertEqual(server.plumbline("rebuild").returncode, 0)
        self.assertEqual(self.digest(server), published, "a rebuild changed what the job made")

    def test_another_instance_takes_over(self):
        first = self.serve()
        second = self.serve(database=first.database)
        client = first.client("read", "strategy", "ingest", "admin")
        for kind, rows in (("stages", [{"id": "Won", "label": "Won", "outcome": "won"}]), ("accounts", [{"id": "a1", "name": "A", "attributes": {"industry": "industry0"}}]),
                           ("opportunities", [{"id": f"d{i}", "stage": "Won", "account": "a1", "amount": "1", "currency": "EUR", "created_at": "2024-05-01"} for i in range(1000)])):
            self.assert_counts(client.post_ndjson(f"/v1/{kind}?occurred_at=2024-06-01T00:00:00Z", rows), accepted=len(rows))
        job = self.publish(client, strategy("new", ["industry0"], 300))
        first.kill()
        client = second.client("read", "strategy", "ingest", "admin")
        self.assertEqual(self.watch(client, job, lambda job: False)["status"], "done")
        self.assertEqual(second.value("SELECT count(*) FROM deal_fact WHERE org_id = 1 AND closed_class = 'on'"), "1000")

    def test_a_killed_rebuild_is_finished(self):
        server = self.serve()
        client = server.client("read", "strategy", "ingest", "admin")
        for kind, rows in (("stages", [{"id": "Won", "label": "Won", "outcome": "won"}]),
                           ("opportunities", [{"id": f"d{i}", "stage": "Won", "amount": "1", "currency": "EUR", "created_at": "2024-05-01"} for i in range(3000)])):
            self.assert_counts(client.post_ndjson(f"/v1/{kind}?occurred_at=2024-06-01T00:00:00Z", rows), accepted=len(rows))
        server.sql("UPDATE deal_fact_of SET amount = 7")
        command = subprocess.Popen([BINARY, "rebuild"], env={**os.environ, "DATABASE_URL": server.database.url}, stdout=subprocess.DEVNULL)
        while not (jobs := self.assert_ok(client.get("/v1/jobs?kind=rebuild"))["data"]):
            self.assertIsNone(command.poll())
        command.kill()
        command.wait()
        done = self.watch(client, jobs[0]["id"], lambda job: False)
        self.assertEqual((done["status"], done["result"]), ("done", {"objects": 3001, "events": 3001, "changed": 0}))
        self.assertEqual(server.sql("SELECT DISTINCT amount FROM deal_fact_of"), [["1"]])
