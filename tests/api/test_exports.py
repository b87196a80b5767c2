"""Complete answers as CSV and NDJSON: nothing cut, one snapshot, safe in a spreadsheet, in constant memory."""
import csv
import decimal
import gzip
import io
import json
import threading
import time

from harness import Case

ROWS = 5000
STAGES = [{"id": "open", "label": "Open", "outcome": "open"}, {"id": "won", "label": "Won", "outcome": "won"}]
STRATEGY = {
    "name": "FY26", "effective_from": "2026-01-01",
    "segments": [{"key": "all", "label": "All", "when": [{"attr": "industry", "exists": True}], "target": {"bookings": 1, "time": 1}}],
    "fit": {"criteria": [{"key": "i", "weight": 1, "attr": "industry", "match": [{"in": ["care"], "score": 1}]}], "min_coverage": 0.5,
            "tiers": [{"key": "core", "min": 70, "on_strategy": True}, {"key": "outside", "min": 0, "on_strategy": False}]}}


def table(text):
    """The rows of a CSV document, which must follow RFC 4180: every record ends in CRLF, all have as many cells."""
    assert text.endswith("\r\n"), text[-80:]
    rows = list(csv.reader(io.StringIO(text, newline="")))
    assert len({len(row) for row in rows}) == 1, {len(row) for row in rows}
    return [dict(zip(rows[0], row)) for row in rows[1:]]


class Exports(Case):
    @classmethod
    def setUpClass(cls):
        cls.server = cls.start(env={"PLUMBLINE_EXPORTS": "2"})
        cls.client = cls.server.client()
        deals = [{"id": f"d{i:05}", "name": f"Deal {i}", "account": f"a{i % 7}", "owner": f"r{i % 5}", "stage": "won" if i % 3 else "open",
                  "amount": f"{i}.25", "currency": "EUR", "created_at": "2026-01-05T00:00:00Z",
                  "closed_at": "2026-02-10T00:00:00Z" if i % 3 else None, "attributes": {"campaign": f"c{i % 4}"}}
                 for i in range(ROWS)]
        for path, rows in (("teams", [{"id": "east", "name": "East"}, {"id": "west", "name": "West"}]),
                           ("reps", [{"id": f"r{i}", "name": f"Rep {i}", "team": "east" if i < 2 else "west"} for i in range(5)]),
                           ("accounts", [{"id": f"a{i}", "name": f"Account {i}", "attributes": {"industry": "care" if i < 4 else "x"}} for i in range(7)]),
                           ("stages", STAGES), ("opportunities", deals)):
            if path == "opportunities":  # before they are many: then it would be a job
                draft = cls.client.post("/v1/strategies", STRATEGY).json()["id"]
                published = cls.client.post(f"/v1/strategies/{draft}/publish")
                assert published.status == 200, published
            answer = cls.client.post_ndjson(f"/v1/{path}?occurred_at=2026-01-05T00:00:00Z", rows)
            assert answer.json()["accepted"] == len(rows), answer

    def rows_of(self, path, form):
        answer = self.assert_status(self.client.get(path, {"Accept": "text/csv" if form == "csv" else "application/x-ndjson"}), 200)
        self.assertEqual(answer.headers.get_content_type(), "text/csv" if form == "csv" else "application/x-ndjson")
        self.assertEqual(answer.headers["Transfer-Encoding"], "chunked")
        text = answer.body.decode("utf-8")
        return table(text) if form == "csv" else [json.loads(line) for line in text.splitlines()]

    def pages(self, path):
        rows, cursor = [], ""
        while cursor is not None:
            page = self.assert_ok(self.client.get(f"{path}{'&' if '?' in path else '?'}limit=1000{cursor and '&cursor=' + cursor}"))
            rows += page["data"]
            cursor = page["next"]
        return rows

    def test_list_is_whole_and_says_what_its_pages_say(self):
        paged = self.pages("/v1/opportunities")
        self.assertEqual(len(paged), ROWS)
        self.assertEqual(self.rows_of("/v1/opportunities", "ndjson"), paged)
        cells = self.rows_of("/v1/opportunities", "csv")
        self.assertEqual([(row["id"], row["amount"], row["attributes.campaign"]) for row in cells],
                         [(row["id"], row["amount"], row["attributes"]["campaign"]) for row in paged])
        self.assertEqual(cells[0]["closed_at"], "")
        self.assertEqual(list(cells[0])[:5], ["id", "name", "account", "owner", "stage"])

    def test_sum_of_the_rows_is_the_number(self):
        for metric, column in (("bookings_share", "denominator"), ("open_pipeline_share", "denominator"), ("bookings_share", "numerator")):
            question = f"/v1/metrics/{metric}"
            total = self.assert_ok(self.client.get(f"{question}?period=2026-Q1"))["total"]
            for form in ("csv", "ndjson"):
                rows = self.rows_of(f"{question}/rows?period=2026-Q1", form)
                self.assertEqual(sum(decimal.Decimal(row[column]) for row in rows), decimal.Decimal(total[column]), (metric, form))
                self.assertEqual([row["id"] for row in rows], sorted(row["id"] for row in rows))
        self.assertEqual(len(rows), ROWS - -(-ROWS // 3))

    def test_columns_of_rows_are_all_their_members(self):
        self.assert_ok(self.client.post("/v1/activities", {"id": "c1", "kind": "call", "starts_at": "2026-02-01T10:00:00Z", "duration_s": 1800,
                                                           "rep": "r0", "account": "a1", "outcome": "held"}))
        for metric in ("bookings_share", "open_pipeline_share", "selling_time_share", "cycle_days", "win_rate"):
            path = f"/v1/metrics/{metric}/rows?period=2026-Q1"
            self.assertEqual(list(self.rows_of(path, "csv")[0]), list(self.rows_of(path, "ndjson")[0]), metric)

    def test_nothing_there(self):
        text = self.assert_status(self.client.get("/v1/products?format=csv"), 200).body.decode()
        self.assertEqual(text, "id,name,family,list_price,currency,occurred_at\r\n")
        answer = self.assert_status(self.client.get("/v1/products?format=ndjson"), 200)
        self.assertEqual(answer.body, b"")
        header = self.client.get("/v1/metrics/bookings_share/rows?period=2020-Q1&format=csv").body.decode()
        self.assertEqual(header, "id\r\n")  # what rows have is known by the rows

    def test_limit_and_cursor(self):
        first = self.client.get("/v1/opportunities?format=csv&limit=10&include_deleted=true")
        self.assertEqual([row["id"] for row in table(first.body.decode())], [f"d{i:05}" for i in range(10)])
        link = first.headers["Link"]
        self.assertIn('rel="next"', link)
        second = self.client.get(link[1:link.index(">")])
        self.assertEqual([row["id"] for row in table(second.body.decode())], [f"d{i:05}" for i in range(10, 20)])
        cursor = self.client.get("/v1/opportunities?limit=1").json()["next"]
        rest = self.rows_of(f"/v1/opportunities?cursor={cursor}", "ndjson")
        self.assertEqual((len(rest), rest[0]["id"]), (ROWS - 1, "d00001"))
        rows = self.client.get("/v1/metrics/bookings_share/rows?period=2026-Q1&format=ndjson&limit=3")
        self.assertEqual(len(rows.body.splitlines()), 3)
        self.assertIn("rel=\"next\"", rows.headers["Link"])

    def test_what_comes_out_goes_in_again(self):
        text = self.client.get("/v1/opportunities?format=csv").body
        answer = self.client.request("POST", "/v1/opportunities?dry_run=true", text, {"Content-Type": "text/csv"})
        counts = self.assert_ok(answer)
        self.assertEqual((counts["accepted"], counts["rejected"], counts["duplicate"] + counts["stale"] + counts["unchanged"]), (0, 0, ROWS), counts)
        lines = self.client.get("/v1/accounts?format=ndjson").body
        answer = self.client.request("POST", "/v1/accounts?dry_run=true", lines, {"Content-Type": "application/x-ndjson"})
        self.assert_counts(answer, duplicate=7)

    def test_formulas_and_quotes(self):
        names = ["=1+1", "+49 30", "-2+3", "@SUM(A1)", "\tx", 'say "hi", then\r\ngo', "-12.5", "ü, ö", ""]
        server = self.serve()
        client = server.client()
        for i, name in enumerate(names):
            body = {"label": "x", "outcome": "open", "pipeline": name} if name else {"label": "x", "outcome": "open"}
            self.assert_ok(client.put(f"/v1/stages/s{i}", body))
        rows = table(client.get("/v1/stages?format=csv").body.decode())
        self.assertEqual([row["pipeline"] for row in rows],
                         ["'=1+1", "'+49 30", "'-2+3", "'@SUM(A1)", "'\tx", 'say "hi", then\r\ngo', "-12.5", "ü, ö", ""])

    def test_history_strategies_audit(self):
        for i in range(3):
            self.assert_ok(self.client.patch("/v1/reps/r4", {"cost_per_hour": str(50 + i), "cost_currency": "EUR"}))
        for path, keys in (("/v1/reps/r4/history", ["event_id", "source", "occurred_at"]), ("/v1/strategies", ["id", "number", "name"]),
                           ("/v1/audit", ["id", "at", "actor"])):
            paged = self.pages(path)
            self.assertGreater(len(paged), 0, path)
            self.assertEqual(self.rows_of(path, "ndjson"), paged)
            cells = self.rows_of(path, "csv")
            self.assertEqual(list(cells[0])[:3], keys)
            self.assertEqual([row[keys[0]] for row in cells], [str(row[keys[0]]) for row in paged])
        self.assertEqual(json.loads(self.rows_of("/v1/reps/r4/history", "csv")[0]["patch"]), {"cost_per_hour": "52", "cost_currency": "EUR"})
        self.assert_problem(self.client.get("/v1/reps/nobody/history?format=csv"), 404, "not_found")

    def test_row_scopes(self):
        mine = self.server.client("read", read_scope="self", rep="r1")
        ids = [json.loads(line)["owner"] for line in mine.get("/v1/opportunities?format=ndjson").body.splitlines()]
        self.assertEqual((len(ids), set(ids)), (ROWS // 5, {"r1"}))
        team = self.server.client("read", read_scope="team", team="east")
        rows = table(team.get("/v1/metrics/bookings_share/rows?period=2026-Q1&format=csv").body.decode())
        self.assertEqual({row["rep"] for row in rows}, {"r0", "r1"})
        self.assertEqual({row["id"] for row in table(team.get("/v1/reps?format=csv").body.decode())}, {"r0", "r1"})

    def test_another_tenant_sees_nothing(self):
        self.assertEqual(self.server.plumbline("org", "create", "other").returncode, 0)
        other = self.server.client("read", org="other")
        self.assertEqual(other.get("/v1/opportunities?format=ndjson").body, b"")
        self.assert_problem(other.get("/v1/reps/r4/history?format=ndjson"), 404, "not_found")

    def test_errors_come_before_the_first_row(self):
        self.assert_problem(self.client.get("/v1/opportunities?format=csv&cursor=%25"), 400, "invalid_parameter", ("cursor", "invalid_cursor"))
        self.assert_problem(self.client.get("/v1/opportunities?format=csv&limt=3"), 400, "unknown_parameter")
        self.assert_problem(self.client.get("/v1/metrics/bookings_shar/rows?format=csv"), 404, "not_found")
        self.assert_problem(self.client.get("/v1/audit", {"Accept": "text/html"}), 406, "not_acceptable")

    def test_gzip(self):
        plain = self.client.get("/v1/opportunities?format=csv")
        packed = self.client.get("/v1/opportunities?format=csv", {"Accept-Encoding": "gzip"})
        self.assertEqual(packed.headers["Content-Encoding"], "gzip")
        self.assertEqual(gzip.decompress(packed.body), plain.body)
        self.assertLess(len(packed.body), len(plain.body) / 4)
        self.assertEqual(packed.headers["ETag"], plain.headers["ETag"][:-1] + '-gzip"')

    def test_head(self):
        got = self.client.get("/v1/opportunities?format=csv")
        head = self.client.request("HEAD", "/v1/opportunities?format=csv")
        self.assertEqual((head.status, head.body), (200, b""))
        self.assertEqual(head.headers["ETag"], got.headers["ETag"])
        self.assertEqual(head.headers["Content-Type"], got.headers["Content-Type"])
        self.assertEqual(self.client.request("HEAD", "/v1/opportunities?format=csv&cursor=%25").status, 400)

    def test_not_modified(self):
        first = self.client.get("/v1/opportunities?format=csv")
        again = self.client.get("/v1/opportunities?format=csv", {"If-None-Match": first.headers["ETag"]})
        self.assertEqual((again.status, again.body), (304, b""))
        self.assertNotEqual(first.headers["ETag"], self.client.get("/v1/opportunities?format=ndjson").headers["ETag"])
        self.assert_ok(self.client.patch("/v1/opportunities/d00000", {"amount": "7.75"}))
        changed = self.client.get("/v1/opportunities?format=csv", {"If-None-Match": first.headers["ETag"]})
        self.assertEqual(changed.status, 200)
        self.assert_ok(self.client.patch("/v1/opportunities/d00000", {"amount": "0.25"}))

    def test_one_snapshot_while_others_write(self):
        """Every export sees both halves of each change or neither: the sum over two deals that swap an amount stays the same."""
        stop, failures = threading.Event(), []

        def swap():
            writer, n = self.server.client(), 0
            while not stop.is_set():
                n += 1
                answer = writer.post("/v1/opportunities?atomic=true", [{"id": "d00000", "amount": f"{n}.00"}, {"id": f"d{ROWS - 1:05}", "amount": f"{-n}.00"}])
                if answer.json()["accepted"] != 2:
                    failures.append(answer)

        thread = threading.Thread(target=swap)
        thread.start()
        try:
            for _ in range(5):
                rows = self.rows_of("/v1/opportunities", "ndjson")
                self.assertEqual(decimal.Decimal(rows[0]["amount"]) + decimal.Decimal(rows[-1]["amount"]),
                                 0 if rows[0]["amount"] != "0.25" else decimal.Decimal(ROWS - 1) + decimal.Decimal("0.50"))
        finally:
            stop.set()
            thread.join()
        self.assertEqual(failures, [])
        self.assert_ok(self.client.post("/v1/opportunities", [{"id": "d00000", "amount": "0.25"}, {"id": f"d{ROWS - 1:05}", "amount": f"{ROWS - 1}.25"}]))

    def test_log_tells_of_it(self):
        answer = self.client.get("/v1/opportunities?format=csv", {"X-Request-Id": "export-log-1"})
        lines, deadline = [], time.monotonic() + 10
        while not lines and time.monotonic() < deadline:  # it is written once the last byte has left
            lines = [line for line in self.server.log().splitlines() if "id=export-log-1" in line]
        line = lines[0]
        self.assertIn("status=200", line)
        self.assertIn(f"bytes={len(answer.body)}", line)
        self.assertIn("org=1", line)
