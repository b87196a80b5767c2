"""What every endpoint has from the machinery: routing, negotiation, identity, caching headers, CORS, compression."""
import gzip
import json
import re
import shutil
import subprocess
import time
import unittest

from harness import Case, Client


class Http(Case):
    @classmethod
    def setUpClass(cls):
        cls.server = cls.start(env={"PLUMBLINE_CORS_ORIGINS": "https://dash.example, https://ops.example",
                                    "PLUMBLINE_GAUGE_INTERVAL": 1})
        cls.reader, cls.writer = cls.server.client("read"), cls.server.client("ingest")
        cls.anybody = Client(cls.server.url)

    # ── routing ──
    def test_not_found(self):
        document = self.assert_problem(self.anybody.get("/v1/nothing"), 404, "not_found")
        self.assertEqual(document["detail"], "there is no resource at /v1/nothing")
        self.assertEqual(document["type"], "urn:plumbline:problem:not_found")

    def test_path_is_not_normalised(self):
        for path in ("//healthz", "/healthz/", "/v1/../healthz", "/%68ealthz", "/HEALTHZ"):
            with self.subTest(path):
                self.assert_problem(self.anybody.get(path), 404, "not_found")

    def test_method_not_allowed(self):
        answer = self.anybody.post("/healthz", "")
        self.assert_problem(answer, 405, "method_not_allowed")
        self.assertEqual(answer.headers["Allow"], "GET, HEAD, OPTIONS")

    def test_unknown_method(self):
        self.assert_problem(self.anybody.request("PROPFIND", "/healthz"), 501, "unknown_method")

    def test_options(self):
        answer = self.anybody.request("OPTIONS", "/v1/accounts/a")
        self.assert_status(answer, 204)
        self.assertEqual(answer.headers["Allow"], "GET, HEAD, PUT, PATCH, DELETE, OPTIONS")
        self.assertEqual(answer.body, b"")
        self.assert_status(self.anybody.request("OPTIONS", "*"), 204)
        self.assert_problem(self.anybody.request("OPTIONS", "/v1/nothing"), 404, "not_found")

    def test_head_is_get_without_body(self):
        for path in ("/healthz", "/openapi.yaml", "/v1/accounts"):
            with self.subTest(path):
                head, get = self.reader.request("HEAD", path), self.reader.get(path)
                self.assert_status(head, 200)
                self.assertEqual(head.body, b"")
                for name in ("Content-Length", "Content-Type", "ETag"):
                    self.assertEqual(head.headers[name], get.headers[name], name)

    def test_ids_with_every_kind_of_character(self):
        for id, escaped in (("a/b", "a%2Fb"), ("ä €", "%C3%A4%20%E2%82%AC"), ("a+b", "a+b"), ("50%", "50%25"), ("..", ".."),
                            ("a?b#c", "a%3Fb%23c"), ("😀", "%F0%9F%98%80")):
            with self.subTest(id):
                self.assert_counts(self.writer.put(f"/v1/accounts/{escaped}", {"name": id}), accepted=1)
                self.assertEqual(self.assert_ok(self.reader.get(f"/v1/accounts/{escaped}"))["id"], id)

    def test_unreadable_paths(self):
        for path in ("/v1/accounts/%00", "/v1/accounts/a%0Ab", "/v1/accounts/%", "/v1/accounts/%zz", "/v1/accounts/%ff"):
            with self.subTest(path):
                self.assert_problem(self.reader.get(path), 400, "invalid_path")

    def test_unreadable_queries(self):
        self.assert_problem(self.reader.get("/v1/accounts?limit=%zz"), 400, "invalid_parameter", ("limit", "invalid_text"))
        self.assert_problem(self.reader.get("/v1/accounts?limit=%00"), 400, "invalid_parameter", ("limit", "invalid_text"))
        many = "&".join(f"p{i}=1" for i in range(65))
        self.assert_problem(self.reader.get(f"/v1/accounts?{many}"), 400, "invalid_parameter", ("", "too_many"))
        self.assert_problem(self.reader.get("/v1/accounts?limt=1"), 400, "unknown_parameter", ("limt", "unknown_parameter"))

    # ── bodies ──
    def test_body_where_none_is_taken(self):
        self.assert_problem(self.reader.request("GET", "/v1/accounts", "{}"), 400, "invalid_request")

    def test_body_missing(self):
        for headers in ({"Content-Type": "application/json"}, {"Content-Type": "application/x-ndjson"}, {}):
            with self.subTest(headers):
                self.assert_problem(self.writer.post("/v1/accounts", "", headers), 400, "body_required")
        self.assert_problem(self.writer.put("/v1/accounts/a", ""), 400, "body_required")

    def test_empty_chunked_body(self):
        for media in ("application/json", "application/x-ndjson", "text/csv"):
            with self.subTest(media), self.writer.socket() as connection:
                connection.sendall(f"POST /v1/accounts HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Type: {media}\r\n"
                                   f"Authorization: Bearer {self.writer.key}\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n".encode())
                answer = b"".join(iter(lambda: connection.recv(65536), b""))
                self.assertRegex(answer, rb"^HTTP/1\.1 400 ")
                self.assertIn(b'"code":"body_required"', answer)

    def test_content_type(self):
        body = '{"id":"typed","name":"Typed"}'
        for media in ("application/json", "Application/JSON; charset=UTF-8", None):
            with self.subTest(media):
                self.assert_ok(self.writer.post("/v1/accounts", body, {"Content-Type": media}))
        for media in ("text/plain", "application/x-www-form-urlencoded", "application/json; charset=latin1", "multipart/form-data"):
            with self.subTest(media):
                document = self.assert_problem(self.writer.post("/v1/accounts", body, {"Content-Type": media}), 415,
                                               "unsupported_media_type")
                self.assertIn("application/json", document["detail"])

    def test_gzip_body(self):
        rows = "".join(json.dumps({"id": f"z{i}", "name": f"Zipped {i}"}) + "\n" for i in range(3000))
        headers = {"Content-Encoding": "gzip", "Content-Type": "application/x-ndjson"}
        self.assert_counts(self.writer.post("/v1/accounts", gzip.compress(rows.encode()), headers), accepted=3000)
        whole = json.dumps({"name": "One"}).encode()
        headers["Content-Type"] = "application/json"
        self.assert_counts(self.writer.put("/v1/accounts/zip", gzip.compress(whole), headers), accepted=1)
        self.assert_problem(self.writer.put("/v1/accounts/zip", whole, headers), 400, "invalid_encoding")
        self.assert_problem(self.writer.put("/v1/accounts/zip", whole, {**headers, "Content-Encoding": "gzip, gzip"}), 415,
                            "unsupported_media_type")

    # ── who ──
    def test_no_key(self):
        for key in (None, "", "nonsense", "pl_1_x", "pl_1_aaaaaaaa_" + "x" * 43):
            with self.subTest(key):
                answer = Client(self.server.url, key).get("/v1/accounts")
                self.assert_problem(answer, 401, "unauthorized")
                self.assertRegex(answer.headers["WWW-Authenticate"], r"^Bearer")

    def test_no_key_is_told_before_the_body(self):
        with self.anybody.socket() as connection:
            connection.sendall(b"POST /v1/accounts HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
                               b"Content-Length: 10000000\r\n\r\n")
            self.assertRegex(connection.recv(65536), rb"^HTTP/1\.1 401 ")

    def test_scope(self):
        self.assert_problem(self.reader.put("/v1/accounts/a", {"name": "A"}), 403, "forbidden")

    def test_request_id(self):
        self.assertEqual(self.anybody.get("/healthz", {"X-Request-Id": "My.id_1-x"}).headers["X-Request-Id"], "My.id_1-x")
        answer = self.anybody.get("/v1/nothing", {"X-Request-Id": "mine"})
        self.assertEqual(answer.json()["request_id"], "mine")
        made = {self.anybody.get("/healthz", {"X-Request-Id": bad}).headers["X-Request-Id"]
                for bad in (None, "", "a b", "x" * 129, "é", '"')}
        self.assertEqual(len(made), 6)
        for id in made:
            self.assertRegex(id, r"^[0-9a-f]{24}$")

    def test_trace_and_log_line(self):
        trace = "4bf92f3577b34da6a3ce929d0e0e4736"
        self.writer.put("/v1/accounts/traced", {"name": "T"}, {"traceparent": f"00-{trace}-00f067aa0ba902b7-01", "X-Request-Id": "tr1"})
        self.anybody.get("/v1/nothing?a=b%0Alevel=error", {"X-Request-Id": "tr2"})
        self.wait_log(r"id=tr2 ")
        line = re.search(r"(?m)^ts=\S+ level=info msg=request id=tr1 .*$", self.server.log())[0]
        self.assertIn(f" trace={trace} method=PUT route=/v1/accounts/{{id}} org=", line)
        self.assertRegex(line, r" key=\S+ status=200 ms=\d+\.\d{3} bytes=\d+$")
        self.assertRegex(self.server.log(), r"(?m) id=tr2 method=GET route=none status=404 ms=\S+ bytes=\d+ code=not_found$")
        self.assertNotIn(self.writer.key.split("_", 3)[3], self.server.log())

    def wait_log(self, pattern):
        deadline = time.monotonic() + 5
        while not re.search(pattern, self.server.log()):
            self.assertLess(time.monotonic(), deadline, f"{pattern} is not in the log")
            time.sleep(0.01)

    # ── answers ──
    def test_accept(self):
        for accept, media in ((None, "application/json"), ("*/*", "application/json"), ("application/json", "application/json"),
                              ("text/html,application/xhtml+xml,*/*;q=0.8", "application/json")):
            with self.subTest(accept):
                answer = self.reader.get("/v1/accounts", {"Accept": accept})
                self.assert_status(answer, 200)
                self.assertEqual(answer.headers.get_content_type(), media)
        for accept in ("text/html", "image/*", "application/json;q=0"):
            with self.subTest(accept):
                self.assert_problem(self.reader.get("/v1/accounts", {"Accept": accept}), 406, "not_acceptable")
        self.assert_problem(self.reader.get("/v1/accounts?format=xml"), 400, "invalid_parameter", ("format", "not_one_of"))
        self.assert_problem(self.reader.get("/v1/summary?format=csv"), 406, "not_acceptable")

    def test_common_headers(self):
        answer = self.reader.get("/v1/accounts")
        self.assertEqual(answer.headers["X-Content-Type-Options"], "nosniff")
        self.assertEqual(answer.headers["Cache-Control"], "private")
        self.assertIn("Accept-Encoding", answer.headers["Vary"])
        self.assertEqual(self.anybody.get("/healthz").headers["Cache-Control"], "no-store")
        self.assertEqual(self.anybody.get("/v1/nothing").headers["Cache-Control"], "no-store")

    def test_contract_is_served(self):
        answer = self.anybody.get("/openapi.yaml")
        self.assertEqual(answer.headers.get_content_type(), "application/yaml")
        self.assertRegex(answer.text, r"(?m)^openapi: ")
        self.assertRegex(self.anybody.get("/openapi.json").json()["openapi"], r"^3\.1")

    def test_gzip_and_entity_tags(self):
        plain = self.anybody.get("/openapi.yaml")
        packed = self.anybody.get("/openapi.yaml", {"Accept-Encoding": "gzip"})
        self.assertEqual(packed.headers["Content-Encoding"], "gzip")
        self.assertLess(len(packed.body), len(plain.body) / 2)
        self.assertEqual(gzip.decompress(packed.body), plain.body)
        self.assertNotEqual(packed.headers["ETag"], plain.headers["ETag"])
        for tag in (plain.headers["ETag"], packed.headers["ETag"], f'"x", {plain.headers["ETag"]}', f'W/{plain.headers["ETag"]}', "*"):
            with self.subTest(tag):
                answer = self.anybody.get("/openapi.yaml", {"If-None-Match": tag})
                self.assert_status(answer, 304)
                self.assertEqual(answer.body, b"")
                self.assertEqual(answer.headers["ETag"], plain.headers["ETag"])
        self.assert_status(self.anybody.get("/openapi.yaml", {"If-None-Match": '"other"'}), 200)
        small = self.anybody.get("/healthz", {"Accept-Encoding": "gzip"})
        self.assertIsNone(small.headers["Content-Encoding"])

    # ── CORS ──
    def test_cors_allowed(self):
        answer = self.reader.get("/v1/accounts", {"Origin": "https://ops.example"})
        self.assertEqual(answer.headers["Access-Control-Allow-Origin"], "https://ops.example")
        self.assertIn("X-Request-Id", answer.headers["Access-Control-Expose-Headers"])
        self.assertIn("Origin", answer.headers["Vary"])

    def test_cors_preflight(self):
        answer = self.anybody.request("OPTIONS", "/v1/accounts", None, {
            "Origin": "https://dash.example", "Access-Control-Request-Method": "POST",
            "Access-Control-Request-Headers": "authorization"})
        self.assert_status(answer, 204)
        self.assertEqual(answer.headers["Access-Control-Allow-Origin"], "https://dash.example")
        self.assertIn("POST", answer.headers["Access-Control-Allow-Methods"])
        self.assertIn("Authorization", answer.headers["Access-Control-Allow-Headers"])
        self.assertEqual(answer.headers["Access-Control-Max-Age"], "600")

    def test_cors_refused(self):
        for origin in ("https://evil.example", "null", "https://dash.example.evil"):
            with self.subTest(origin):
                answer = self.reader.get("/v1/accounts", {"Origin": origin})
                self.assertIsNone(answer.headers["Access-Control-Allow-Origin"])

    # ── health and counters ──
    def test_health(self):
        for url in (self.server.url, self.server.admin_url):
            self.assertEqual(Client(url).get("/healthz").json(), {"status": "ok"})
            self.assertEqual(Client(url).get("/readyz").json(), {"status": "ready"})

    def test_admin_has_nothing_else(self):
        admin = Client(self.server.admin_url)
        self.assert_problem(admin.get("/v1/accounts"), 404, "not_found")
        self.assert_problem(self.anybody.get("/metrics"), 404, "not_found")

    def test_metrics(self):
        self.writer.put("/v1/accounts/counted", {"name": "C"})
        self.anybody.get("/v1/nothing")
        exposition = Client(self.server.admin_url).get("/metrics", {"Accept": "application/openmetrics-text, text/plain;q=0.5"})
        self.assertEqual(exposition.headers["Content-Type"], "text/plain; version=0.0.4; charset=utf-8")
        for line in (r'plumbline_http_request_duration_seconds_count\{route="/v1/accounts/\{id\}",method="PUT",status="2xx"\} [1-9]',
                     r'plumbline_http_request_duration_seconds_count\{route="none",method="any",status="4xx"\} [1-9]',
                     r'plumbline_events_total\{outcome="accepted"\} [1-9]', r"plumbline_commit_batch_events_count [1-9]",
                     r"plumbline_database_duration_seconds_count [1-9]", r"plumbline_ready 1", r"plumbline_queue_depth \d",
                     r"process_resident_memory_bytes \d+", r"plumbline_connections \d"):
            self.assertRegex(exposition.text, rf"(?m)^{line}", exposition.text)

    @unittest.skipIf(shutil.which("promtool") is None, "promtool is not installed")
    def test_metrics_please_promtool(self):
        self.writer.put("/v1/accounts/counted", {"name": "C"})
        exposition = Client(self.server.admin_url).get("/metrics")
        checked = subprocess.run(["promtool", "check", "metrics"], input=exposition.body, capture_output=True, check=False)
        self.assertEqual((checked.returncode, checked.stdout, checked.stderr), (0, b"", b""))

    def test_alignment_gauges(self):
        """What is in quarantine is seen by Prometheus within the interval."""
        self.wait_metric('plumbline_quarantine_open{org="default"} 0')
        future = {"id": "later", "name": "Later", "occurred_at": "2099-01-01T00:00:00Z"}
        self.assertEqual(self.assert_ok(self.writer.post("/v1/accounts", [future, {"id": "now", "name": "Now"}]))["quarantined"], 1)
        self.wait_metric('plumbline_quarantine_open{org="default"} 1')

    def wait_metric(self, line):
        admin, deadline = Client(self.server.admin_url), time.monotonic() + 10
        while f"\n{line}\n" not in admin.get("/metrics").text:
            self.assertLess(time.monotonic(), deadline, admin.get("/metrics").text)
            time.sleep(0.05)

