"""Answers sent while they are read: slow and vanishing readers, a database that dies half way, the end of the service."""
import gzip
import http.client
import io
import re
import signal
import socket
import time

from harness import Case, is_sanitized
from test_slow_clients import resident_bytes

ACCOUNTS, TEXT = 4000, 8000  # 32 MB: more than every buffer on the way together
PATH = "/v1/accounts?format=ndjson"
LAST_CHUNK = b"\r\n0\r\n\r\n"
STATEMENTS = ("FROM pg_stat_activity WHERE datname = current_database() AND state = 'active' AND pid <> pg_backend_pid() "
              "AND query LIKE '%pl.object_columns%'")


def fill(client):
    for start in range(0, ACCOUNTS, 500):
        answer = client.post_ndjson("/v1/accounts", [{"id": f"a{i:05}", "name": "A", "attributes": {"text": f"{i:05}" + "x" * (TEXT - 5)}}
                                                     for i in range(start, start + 500)])
        assert answer.json()["accepted"] == 500, answer


class Reader:
    """A connection that asks for the export and reads as it likes."""

    def __init__(self, server, key, version="1.1", extra=""):
        self.socket = socket.socket()
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 65536)
        self.socket.settimeout(30)
        self.socket.connect(("127.0.0.1", server.port))
        self.socket.sendall(f"GET {PATH} HTTP/{version}\r\nHost: x\r\nAuthorization: Bearer {key}\r\n{extra}\r\n".encode())
        self.got = bytearray()  # bytes would be copied with every piece, longer than the service waits at its end

    def read(self, size):
        """Up to that many bytes more; stops at the end."""
        until = len(self.got) + size
        while len(self.got) < until:
            piece = self.socket.recv(65536)
            if not piece:
                return False
            self.got += piece
        return True

    def read_to_end(self):
        """True when the other side reset the connection."""
        try:
            while self.read(1 << 20):
                pass
        except ConnectionError:
            return True
        return False

    def rows(self):
        """The lines of the body; a chunk may end within one."""
        answer = http.client.HTTPResponse(FromBytes(self.got))
        answer.begin()
        body = answer.read()
        return (gzip.decompress(body) if answer.headers["Content-Encoding"] == "gzip" else body).splitlines()

    def close(self):
        self.socket.close()


class FromBytes:
    """What http.client wants of a socket."""

    def __init__(self, data):
        self.data = data

    def makefile(self, _mode):
        return io.BytesIO(self.data)


class Exports(Case):
    @classmethod
    def setUpClass(cls):
        cls.server = cls.start(env={"PLUMBLINE_EXPORTS": "2", "PLUMBLINE_BODY_TIMEOUT": "3"})
        fill(cls.server.client())
        cls.key = cls.server.key("read")

    def reader(self, **options):
        reader = Reader(self.server, self.key, **options)
        self.addCleanup(reader.close)
        return reader

    def running(self):
        """Statements of exports that the database works on or waits to send."""
        return int(self.server.value(f"SELECT count(*) {STATEMENTS}"))

    def wait_for(self, what, condition, seconds=20):
        deadline = time.monotonic() + seconds
        while not condition():
            if time.monotonic() > deadline:
                self.fail(f"not within {seconds} s: {what}")
            time.sleep(0.05)

    def assert_two_places(self):
        """Both places for exports can be had."""
        first, second = self.reader(), self.reader()
        for reader in (first, second):
            reader.read(1000)
            self.assertTrue(reader.got.startswith(b"HTTP/1.1 200"), reader.got[:300])
            reader.close()
        self.wait_for("places free again", lambda: self.running() == 0)

    def test_memory_does_not_depend_on_the_size(self):
        if is_sanitized():
            self.skipTest("memory of a sanitized process")
        before = resident_bytes(self.server.process.pid)
        for _ in range(3):
            self.assertEqual(len(self.server.client().get(PATH).body.splitlines()), ACCOUNTS)
        self.assertLess(resident_bytes(self.server.process.pid) - before, 8 * 1024 * 1024)

    def test_a_slow_reader_is_cut_and_holds_up_nobody(self):
        reader = self.reader()
        reader.read(1000)
        started = time.monotonic()
        self.assert_status(self.server.client().get("/v1/accounts?limit=1"), 200)
        self.assertEqual(len(self.server.client().get(PATH).body.splitlines()), ACCOUNTS)
        self.wait_for("the slow one is given up", lambda: self.running() == 0)
        self.assertGreater(time.monotonic() - started, 1)
        reader.read_to_end()
        self.assertFalse(reader.got.endswith(LAST_CHUNK))
        self.assert_two_places()

    def test_a_steady_slow_reader_gets_all(self):
        reader = self.reader()
        started = time.monotonic()
        while not reader.got.endswith(LAST_CHUNK):
            self.assertTrue(reader.read(1), "ended early")
            if len(reader.got) < 2_000_000:
                time.sleep(0.05)
        self.assertGreater(time.monotonic() - started, 1)
        self.assertEqual(len(reader.rows()), ACCOUNTS)

    def test_a_vanished_reader_ends_its_statement(self):
        readers = [self.reader(), self.reader()]
        for reader in readers:
            reader.read(1000)
        self.wait_for("both at work", lambda: self.running() == 2)
        for reader in readers:
            reader.close()
        self.wait_for("both ended", lambda: self.running() == 0)
        self.assert_two_places()

    def test_one_too_many_is_told_so(self):
        readers = [self.reader(), self.reader()]
        for reader in readers:
            reader.read(1000)
        answer = self.server.client().get(PATH)
        self.assert_problem(answer, 503, "overloaded")
        self.assertEqual(answer.headers["Retry-After"], "10")
        self.assert_status(self.server.client().get("/v1/accounts?limit=1"), 200)
        for reader in readers:
            reader.close()
        self.wait_for("places free again", lambda: self.running() == 0)
        self.assert_two_places()

    def test_http_1_0(self):
        reader = self.reader(version="1.0")
        self.assertFalse(reader.read_to_end())
        head, _, body = reader.got.partition(b"\r\n\r\n")
        self.assertNotIn(b"chunked", head)
        self.assertEqual(len(body.splitlines()), ACCOUNTS)

    def test_a_statement_killed_half_way(self):
        """The client must not take what it has for all there is: no last chunk, or under HTTP/1.0 a reset."""
        for version in ("1.1", "1.0"):
            reader = self.reader(version=version, extra=f"X-Request-Id: broken-{version}\r\n")
            reader.read(1000)
            self.wait_for("at work", lambda: self.running() == 1)
            self.server.sql(f"SELECT pg_terminate_backend(pid) {STATEMENTS}")
            reset = reader.read_to_end()
            self.assertTrue(reset if version == "1.0" else not reader.got.endswith(LAST_CHUNK), version)
            self.assertLess(len(reader.got), ACCOUNTS * TEXT)
            self.wait_for("logged", lambda v=version: re.search(rf"id=broken-{v} .*status=200 .*code=database_unavailable", self.server.log()))
        self.assert_two_places()

    def test_gzip_of_a_slow_reader(self):
        reader = self.reader(extra="Accept-Encoding: gzip\r\nConnection: close\r\n")
        while reader.read(1 << 16):
            time.sleep(0.01)
        self.assertEqual(len(reader.rows()), ACCOUNTS)


class Timeout(Case):
    def test_an_export_takes_no_longer_than_it_may(self):
        server = self.serve(env={"PLUMBLINE_EXPORT_TIMEOUT": "2", "PLUMBLINE_BODY_TIMEOUT": "60"})
        fill(server.client())
        reader = Reader(server, server.key("read"))
        self.addCleanup(reader.close)
        reader.read(1000)
        time.sleep(5)
        reader.read_to_end()
        self.assertFalse(reader.got.endswith(LAST_CHUNK))
        self.assertLess(len(reader.got), ACCOUNTS * TEXT)
        self.assert_status(server.client().get("/v1/accounts?limit=1"), 200)


class Ending(Case):
    def test_sigterm_lets_it_finish(self):
        server = self.serve()
        fill(server.client())
        reader = Reader(server, server.key("read"))
        self.addCleanup(reader.close)
        reader.read(1000)
        server.process.send_signal(signal.SIGTERM)
        self.assertFalse(reader.read_to_end())
        self.assertTrue(reader.got.endswith(LAST_CHUNK))
        self.assertEqual(len(reader.rows()), ACCOUNTS)
        server.process.wait(20)  # a second signal would end it at once
        server.stop()

    def test_sigterm_does_not_wait_for_ever(self):
        server = self.serve(env={"PLUMBLINE_DRAIN_TIMEOUT": "1"})
        fill(server.client())
        readers = [Reader(server, server.key("read")) for _ in range(3)]
        for reader in readers:
            self.addCleanup(reader.close)
            reader.read(1000)
        started = time.monotonic()
        server.stop()
        self.assertLess(time.monotonic() - started, 15)
        for reader in readers:
            reader.read_to_end()
            self.assertFalse(reader.got.endswith(LAST_CHUNK))
