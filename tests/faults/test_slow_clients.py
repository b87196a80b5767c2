"""Clients that are too slow, too many or send too much: they are told so and cut, and others never notice."""
import gzip
import json
import re
import socket
import threading
import time

from harness import Case, Client, is_sanitized

LIMITS = {"PLUMBLINE_HEADER_TIMEOUT": 1, "PLUMBLINE_BODY_TIMEOUT": 2, "PLUMBLINE_IDLE_TIMEOUT": 3,
          "PLUMBLINE_CONNECTIONS": 600, "PLUMBLINE_BODY_MAX": "1M", "PLUMBLINE_MEMORY_MAX": "64M"}
HEAD = b"GET /healthz HTTP/1.1\r\nHost: x\r\n"


def resident_bytes(pid):
    with open(f"/proc/{pid}/statm", encoding="ascii") as file:
        return int(file.read().split()[1]) * 4096


class SlowClients(Case):
    @classmethod
    def setUpClass(cls):
        cls.server = cls.start(env=LIMITS)
        cls.key = cls.server.key("ingest")

    def connect(self):
        connection = socket.create_connection(("127.0.0.1", self.server.port), timeout=20)
        self.addCleanup(connection.close)
        return connection

    def post_head(self, extra):
        return (f"POST /v1/accounts HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {self.key}\r\n{extra}\r\n").encode()

    def dribble(self, connection, data, pause):
        """Sends byte by byte until the other side answers or ends; returns the seconds that took and what it said."""
        started, said = time.monotonic(), b""
        connection.settimeout(pause)
        for i in range(len(data)):
            try:
                connection.sendall(data[i:i + 1])
                piece = connection.recv(65536)
                said += piece
                break
            except (TimeoutError, socket.timeout):
                continue
            except OSError:
                break
        return time.monotonic() - started, said

    def read_to_end(self, connection, seconds=10):
        connection.settimeout(seconds)
        said = b""
        try:
            while piece := connection.recv(65536):
                said += piece
        except OSError:
            pass
        return said

    def assert_raw_problem(self, answer, status, code):
        self.assertRegex(answer, rb"^HTTP/1\.1 %d " % status)
        head, _, body = answer.partition(b"\r\n\r\n")
        self.assertIn(b"application/problem+json", head)
        self.assertIn(b"Connection: close", head)
        document = json.loads(body[:int(re.search(rb"Content-Length: (\d+)", head)[1])])
        self.assertEqual((document["status"], document["code"]), (status, code))
        return document

    def test_silence(self):
        """A connection on which nothing comes is ended after the time for a head."""
        connection = self.connect()
        started = time.monotonic()
        self.assertEqual(self.read_to_end(connection), b"")
        self.assertLess(time.monotonic() - started, 3)

    def test_slow_request_line(self):
        took, said = self.dribble(self.connect(), HEAD + b"\r\n", 0.2)
        self.assertEqual(said, b"")
        self.assertLess(took, 3)

    def test_slow_head(self):
        """The time for the head is absolute: a byte now and then does not earn more of it."""
        connection = self.connect()
        connection.sendall(HEAD)
        took, said = self.dribble(connection, b"X-A: " + b"a" * 100, 0.2)
        self.assert_raw_problem(said + self.read_to_end(connection), 408, "request_timeout")
        self.assertLess(took, 3)

    def test_slow_body(self):
        connection = self.connect()
        connection.sendall(self.post_head("Content-Type: application/json\r\nContent-Length: 1000\r\n"))
        took, said = self.dribble(connection, b"[" + b" " * 998 + b"]", 0.2)
        self.assert_raw_problem(said + self.read_to_end(connection), 408, "request_timeout")
        self.assertLess(took, 4)

    def test_slow_stream(self):
        """A worker that reads while the body arrives is released when the client gives up in the middle."""
        line = json.dumps({"id": "slow", "name": "Slow"}).encode() + b"\n"
        for _ in range(6):
            connection = self.connect()
            connection.sendall(self.post_head("Content-Type: application/x-ndjson\r\nContent-Length: 90000000\r\n"))
            connection.sendall(line * 10000)
            connection.close()
        self.assert_ok(self.server.client("ingest").put("/v1/accounts/after", {"name": "After"}))
        connection = self.connect()
        connection.sendall(self.post_head("Content-Type: application/x-ndjson\r\nContent-Length: 90000000\r\n"))
        connection.sendall(line * 10000)
        started = time.monotonic()
        self.assert_raw_problem(self.read_to_end(connection, 20), 408, "request_timeout")
        self.assertLess(time.monotonic() - started, 6)

    def test_steady_body_is_not_cut(self):
        """Slower than the time for a body, but steadily: it is taken."""
        body = json.dumps([{"id": f"steady{i}", "name": "x" * 200} for i in range(200)]).encode()
        connection = self.connect()
        connection.sendall(self.post_head(f"Content-Type: application/json\r\nConnection: close\r\nContent-Length: {len(body)}\r\n"))
        step = len(body) // 16 + 1
        for start in range(0, len(body), step):
            connection.sendall(body[start:start + step])
            time.sleep(0.2)
        self.assertRegex(self.read_to_end(connection), rb"^HTTP/1\.1 200 ")

    def test_reader_that_never_reads(self):
        connection = socket.socket()
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        self.addCleanup(connection.close)
        connection.connect(("127.0.0.1", self.server.port))
        connection.settimeout(60)
        ask = b"GET /openapi.json HTTP/1.1\r\nHost: x\r\n\r\n"
        started = time.monotonic()
        try:
            while time.monotonic() - started < 60:
                connection.sendall(ask * 100)
        except OSError:
            pass
        self.assertLess(time.monotonic() - started, 50, "the connection was not cut")

    def test_many_slow_clients_hold_up_nobody(self):
        """300 connections in the middle of a head: everybody else is answered at once."""
        slow = [self.connect() for _ in range(300)]
        for connection in slow:
            connection.sendall(HEAD)
        times = []
        client = Client(self.server.url)
        for _ in range(50):
            started = time.monotonic()
            self.assert_status(client.get("/healthz"), 200)
            times.append(time.monotonic() - started)
        self.assertLess(sorted(times)[44], 0.1, times)

    def test_too_many_connections(self):
        """Beyond the limit: 503 with Retry-After, on a listener that still answers; the admin listener is not concerned."""
        server = self.serve(env={**LIMITS, "PLUMBLINE_CONNECTIONS": 20, "PLUMBLINE_HEADER_TIMEOUT": 30})
        held = []
        for _ in range(20):
            connection = socket.create_connection(("127.0.0.1", server.port), timeout=10)
            self.addCleanup(connection.close)
            connection.sendall(HEAD + b"\r\n")
            self.assertRegex(connection.recv(65536), rb"^HTTP/1\.1 200 ")
            held.append(connection)
        refused = Client(server.url).get("/healthz")
        self.assert_problem(refused, 503, "overloaded")
        self.assertEqual(refused.headers["Retry-After"], "1")
        self.assertEqual(refused.headers["Connection"], "close")
        self.assert_status(Client(server.admin_url).get("/healthz"), 200)
        self.assertRegex(Client(server.admin_url).get("/metrics").text, r"plumbline_refused_connections_total [1-9]")
        held[0].close()
        time.sleep(0.3)
        self.assert_status(Client(server.url).get("/healthz"), 200)

    def test_declared_body_too_large(self):
        """Refused by its Content-Length; the answer reaches a client that only writes, and then reads."""
        connection = self.connect()
        connection.sendall(self.post_head("Content-Type: application/json\r\nContent-Length: 80000000\r\n"))
        try:
            for _ in range(200):
                connection.sendall(b" " * 100000)
        except OSError:
            pass
        self.assert_raw_problem(self.read_to_end(connection), 413, "body_too_large")

    def test_chunked_body_too_large(self):
        connection = self.connect()
        connection.sendall(self.post_head("Content-Type: application/json\r\nTransfer-Encoding: chunked\r\n"))
        before = resident_bytes(self.server.process.pid)
        try:
            for _ in range(200):
                connection.sendall(b"186a0\r\n" + b" " * 100000 + b"\r\n")
        except OSError:
            pass
        self.assert_raw_problem(self.read_to_end(connection), 413, "body_too_large")
        self.assertLess(resident_bytes(self.server.process.pid) - before, 32 << 20)

    def test_body_a_little_too_large_keeps_the_connection(self):
        body = b" " * ((1 << 20) + 100000)
        connection = self.connect()
        connection.sendall(self.post_head(f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n") + body)
        connection.settimeout(10)
        self.assertRegex(connection.recv(65536), rb"^HTTP/1\.1 413 ")

    def test_expect_continue_is_refused_before_the_body(self):
        connection = self.connect()
        connection.sendall(self.post_head("Content-Type: application/json\r\nContent-Length: 80000000\r\nExpect: 100-continue\r\n"))
        self.assert_raw_problem(self.read_to_end(connection), 413, "body_too_large")

    def test_expect_continue(self):
        body = b'{"id":"expected","name":"Expected"}'
        connection = self.connect()
        connection.sendall(self.post_head("Content-Type: application/json\r\nConnection: close\r\nExpect: 100-continue\r\n"
                                          f"Content-Length: {len(body)}\r\n"))
        self.assertEqual(connection.recv(65536), b"HTTP/1.1 100 Continue\r\n\r\n")
        connection.sendall(body)
        self.assertRegex(self.read_to_end(connection), rb"^HTTP/1\.1 200 ")

    def test_gzip_bomb(self):
        """1 GiB of blanks in 1 MiB: refused at the limit, without the memory."""
        bomb = gzip.compress(b" " * (64 << 20), 9)
        before = resident_bytes(self.server.process.pid)
        started = time.monotonic()
        answer = self.server.client("ingest").post("/v1/accounts", bomb * 14, {"Content-Type": "application/json",
                                                                               "Content-Encoding": "gzip"})
        self.assert_problem(answer, 413, "body_too_large")
        self.assertLess(time.monotonic() - started, 2)
        self.assertLess(resident_bytes(self.server.process.pid) - before, 32 << 20)

    def test_gzip_broken(self):
        whole = gzip.compress(b'{"id":"packed","name":"Packed"}')
        client = self.server.client("ingest")
        headers = {"Content-Type": "application/json", "Content-Encoding": "gzip"}
        self.assert_ok(client.post("/v1/accounts", whole, headers))
        for broken in (whole[:-1], whole + b"x", b"x" + whole, whole[:12] + b"\0\0\0\0" + whole[16:], b"plain"):
            self.assert_problem(client.post("/v1/accounts", broken, headers), 400, "invalid_encoding")
        self.assert_problem(client.post("/v1/accounts", whole, {**headers, "Content-Encoding": "br"}), 415,
                            "unsupported_media_type")

    def test_idle_connections_are_cheap(self):
        """500 keep-alive connections that were used once."""
        before = resident_bytes(self.server.process.pid)
        idle = [self.connect() for _ in range(500)]
        for connection in idle:
            connection.sendall(HEAD + b"\r\n")
            self.assertRegex(connection.recv(65536), rb"^HTTP/1\.1 200 ")
        if not is_sanitized():
            self.assertLess((resident_bytes(self.server.process.pid) - before) / len(idle), 64 << 10)

    def test_clients_that_vanish(self):
        """Reset at every point of a request; nothing is left behind."""
        request = self.post_head("Content-Type: application/json\r\nContent-Length: 31\r\n") + b'{"id":"vanish","name":"Gone..."}'

        def vanish(upto):
            connection = self.connect()
            connection.sendall(request[:upto])
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
            connection.close()

        threads = [threading.Thread(target=lambda k=k: [vanish(i) for i in range(k, len(request), 4)]) for k in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        time.sleep(0.5)
        gauges = Client(self.server.admin_url).get("/metrics").text
        self.assertRegex(gauges, r"(?m)^plumbline_requests_in_flight 0$")
        self.assertRegex(gauges, r"(?m)^plumbline_body_bytes 0$")
