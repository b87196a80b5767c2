"""Requests whose framing is ambiguous or broken, byte by byte over a raw socket.

Every probe carries a second request behind what a careless parser might take for the end of the first. Whatever the service
makes of the first, the second must never run: its X-Request-Id, which every answer and every log line repeats, must not be
seen anywhere. A probe counts as refused when it is answered with a framing error or cut without an answer.
"""
import concurrent.futures
import pathlib
import re
import socket
import sys
import time
import unittest

from harness import ROOT, Case

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))
from proxy import IS_THERE, Proxy  # noqa: E402

REFUSALS = {400, 408, 411, 413, 414, 417, 431, 501, 505}
BODY = b'{"id":"framing","name":"Framing"}'
SMUGGLED = b"GET /healthz HTTP/1.1\r\nHost: x\r\nX-Request-Id: smuggled\r\n\r\n"
GET = b"GET /healthz HTTP/1.1\r\nHost: x\r\n"
CHUNKED = b"Transfer-Encoding: chunked\r\n"


def length(value=None):
    return b"Content-Length: " + (str(len(BODY)).encode() if value is None else value) + b"\r\n"


def chunks(*pieces):
    return b"".join(b"%x\r\n%s\r\n" % (len(piece), piece) for piece in pieces) + b"0\r\n\r\n"


def post(headers, body=BODY, version=b"HTTP/1.1", host=b"Host: x\r\n"):
    """{key} is replaced by a key that may write."""
    return (b"POST /v1/accounts " + version + b"\r\n" + host + b"Authorization: Bearer {key}\r\n"
            b"Content-Type: application/json\r\n" + headers + b"\r\n" + body)


PROBES = {
    # two opinions on the length
    "length beside chunked": post(length() + CHUNKED, chunks(BODY)),
    "chunked beside length": post(CHUNKED + length(), chunks(BODY)),
    "length that cuts a chunked body": post(CHUNKED + length(b"4"), chunks(BODY)),
    "two lengths that differ": post(length() + length(b"3")),
    "two lengths that agree": post(length() + length()),
    "length as a list": post(length(b"33, 33")),
    "length with a plus": post(length(b"+33")),
    "length below zero": post(length(b"-1")),
    "length in hexadecimal": post(length(b"0x21")),
    "length of two numbers": post(length(b"3 3")),
    "empty length": post(length(b"")),
    "length with a letter behind": post(length(b"33a")),
    "length beyond 64 bits": post(length(b"99999999999999999999999")),
    "length with a decimal point": post(length(b"33.0")),
    "length on a GET twice": GET + length(b"0") + length(b"5") + b"\r\n",
    # transfer codings that are none, or hidden
    "coding identity": post(b"Transfer-Encoding: identity\r\n"),
    "coding gzip, chunked": post(b"Transfer-Encoding: gzip, chunked\r\n", chunks(BODY)),
    "coding chunked, identity": post(b"Transfer-Encoding: chunked, identity\r\n", chunks(BODY)),
    "coding xchunked": post(b"Transfer-Encoding: xchunked\r\n", chunks(BODY)),
    "coding chunked twice in a line": post(b"Transfer-Encoding: chunked, chunked\r\n", chunks(BODY)),
    "coding on two lines": post(CHUNKED + CHUNKED, chunks(BODY)),
    "coding with a vertical tab": post(b"Transfer-Encoding: \x0bchunked\r\n", chunks(BODY)),
    "coding in quotes": post(b'Transfer-Encoding: "chunked"\r\n', chunks(BODY)),
    "empty coding": post(b"Transfer-Encoding:\r\n", chunks(BODY)),
    "blank before the colon of the coding": post(length() + b"Transfer-Encoding : chunked\r\n"),
    "tab before the colon of the length": post(b"Content-Length\t: 33\r\n"),
    "blank before the name": post(b" Content-Length: 33\r\n"),
    "coding folded onto the next line": post(length() + b"Transfer-Encoding:\r\n chunked\r\n"),
    "folded field": GET + b"X-A: 1\r\n 2\r\n\r\n",
    "field folded by a tab": GET + b"X-A: 1\r\n\t2\r\n\r\n",
    "coding in HTTP/1.0": post(CHUNKED, chunks(BODY), version=b"HTTP/1.0"),
    # characters that end a line for some
    "U+0000 in a value": GET + b"X-A: 1\x002\r\n\r\n",
    "U+0000 at the end of a value": GET + b"X-A: 1\x00\r\n\r\n",
    "U+0000 in a name": GET + b"X\x00A: 1\r\n\r\n",
    "U+0000 in the path": b"GET /healthz\x00/x HTTP/1.1\r\nHost: x\r\n\r\n",
    "U+0000 in the query": b"GET /healthz?a=\x00b HTTP/1.1\r\nHost: x\r\n\r\n",
    "carriage return in a value": GET + b"X-A: 1\r2\r\n\r\n",
    "line feeds only": GET.replace(b"\r\n", b"\n") + b"\n",
    "line feed after the request line": GET.replace(b"1.1\r\n", b"1.1\n") + b"\r\n",
    "line feed after one field": GET + b"X-A: 1\nX-B: 2\r\n\r\n",
    "line feed that hides a coding": post(b"X-A: 1\nTransfer-Encoding: chunked\r\n" + length(), chunks(BODY)),
    "line feed at the end of the head": GET + b"\n",
    "line feed after the last field": GET.removesuffix(b"\r\n") + b"\n\r\n",
    "control character in a value": GET + b"X-A: 1\x012\r\n\r\n",
    "escape sequence in a value": GET + b"X-A: \x1b[2J\r\n\r\n",
    # fields
    "no Host": b"GET /healthz HTTP/1.1\r\n\r\n",
    "two Hosts": GET + b"Host: y\r\n\r\n",
    "two Hosts that agree": GET + b"Host: x\r\n\r\n",
    "Host with a path": b"GET /healthz HTTP/1.1\r\nHost: x/y\r\n\r\n",
    "Host as a list": b"GET /healthz HTTP/1.1\r\nHost: x, y\r\n\r\n",
    "Host with user": b"GET /healthz HTTP/1.1\r\nHost: a@x\r\n\r\n",
    "empty name": GET + b": 1\r\n\r\n",
    "line without a colon": GET + b"Nonsense\r\n\r\n",
    "bracket in a name": GET + b"X(A): 1\r\n\r\n",
    "byte above 127 in a name": GET + b"X\xe9: 1\r\n\r\n",
    "two Authorizations": GET + b"Authorization: Bearer a\r\nAuthorization: Bearer b\r\n\r\n",
    "expectation nobody knows": post(length() + b"Expect: miracles\r\n"),
    # request lines
    "method that is no token": b"GE@T /healthz HTTP/1.1\r\nHost: x\r\n\r\n",
    "method in small letters": b"get /healthz HTTP/1.1\r\nHost: x\r\n\r\n",
    "method nobody knows": b"BREW /healthz HTTP/1.1\r\nHost: x\r\n\r\n",
    "CONNECT": b"CONNECT x:80 HTTP/1.1\r\nHost: x\r\n\r\n",
    "blank in the target": b"GET /healthz x HTTP/1.1\r\nHost: x\r\n\r\n",
    "two blanks before the target": b"GET  /healthz HTTP/1.1\r\nHost: x\r\n\r\n",
    "two blanks after the target": b"GET /healthz  HTTP/1.1\r\nHost: x\r\n\r\n",
    "blank after the version": b"GET /healthz HTTP/1.1 \r\nHost: x\r\n\r\n",
    "tab instead of a blank": b"GET\t/healthz HTTP/1.1\r\nHost: x\r\n\r\n",
    "fragment in the target": b"GET /healthz#a HTTP/1.1\r\nHost: x\r\n\r\n",
    "control character in the target": b"GET /healthz\x01 HTTP/1.1\r\nHost: x\r\n\r\n",
    "target without a slash": b"GET healthz HTTP/1.1\r\nHost: x\r\n\r\n",
    "encoded U+0000 in the path": b"GET /healthz%00 HTTP/1.1\r\nHost: x\r\n\r\n",
    "encoded line feed in the path": b"GET /healthz%0a HTTP/1.1\r\nHost: x\r\n\r\n",
    "broken escape in the path": b"GET /%zz HTTP/1.1\r\nHost: x\r\n\r\n",
    "escape cut short": b"GET /healthz% HTTP/1.1\r\nHost: x\r\n\r\n",
    "path that is not UTF-8": b"GET /%ff%fe HTTP/1.1\r\nHost: x\r\n\r\n",
    "HTTP/0.9": b"GET /healthz\r\n\r\n",
    "HTTP/2.0": b"GET /healthz HTTP/2.0\r\nHost: x\r\n\r\n",
    "HTTP/1.2": b"GET /healthz HTTP/1.2\r\nHost: x\r\n\r\n",
    "HTTP/1.10": b"GET /healthz HTTP/1.10\r\nHost: x\r\n\r\n",
    "version in small letters": b"GET /healthz http/1.1\r\nHost: x\r\n\r\n",
    # sizes
    "target of 9,000 bytes": b"GET /healthz?a=" + b"a" * 9000 + b" HTTP/1.1\r\nHost: x\r\n\r\n",
    "field of 17,000 bytes": GET + b"X-A: " + b"a" * 17000 + b"\r\n\r\n",
    "field of 200,000 bytes": GET + b"X-A: " + b"a" * 200000 + b"\r\n\r\n",
    "101 fields": GET + b"".join(b"X-%d: 1\r\n" % i for i in range(100)) + b"\r\n",
    "5,000 fields": GET + b"".join(b"X-%d: 1\r\n" % i for i in range(5000)) + b"\r\n",
    # chunks
    "chunk size with 0x": post(CHUNKED, b"0x21\r\n" + BODY + b"\r\n0\r\n\r\n"),
    "chunk size below zero": post(CHUNKED, b"-21\r\n" + BODY + b"\r\n0\r\n\r\n"),
    "chunk size with a plus": post(CHUNKED, b"+21\r\n" + BODY + b"\r\n0\r\n\r\n"),
    "chunk size beyond 64 bits": post(CHUNKED, b"FFFFFFFFFFFFFFFFF21\r\n" + BODY + b"\r\n0\r\n\r\n"),
    "no chunk size": post(CHUNKED, b"\r\n" + BODY + b"\r\n0\r\n\r\n"),
    "chunk longer than its size": post(CHUNKED, b"20\r\n" + BODY + b"\r\n0\r\n\r\n"),
    "chunk size that is no number": post(CHUNKED, b"zz\r\n" + BODY + b"\r\n0\r\n\r\n"),
    # lawful, or harmless: see TOLERATED
    "chunk extension": post(CHUNKED, b"21;a=b\r\n" + BODY + b"\r\n0\r\n\r\n"),
    "chunk extension ended by a line feed": post(CHUNKED, b"21;a=b\n" + BODY + b"\r\n0\r\n\r\n"),
    "line feeds only between chunks": post(CHUNKED, b"21\n" + BODY + b"\n0\n\n"),
    "chunk size with leading zeros": post(CHUNKED, b"0021\r\n" + BODY + b"\r\n0\r\n\r\n"),
    "trailer field": post(CHUNKED, b"21\r\n" + BODY + b"\r\n0\r\nX-A: 1\r\n\r\n"),
    "length in a trailer field": post(CHUNKED, b"21\r\n" + BODY + b"\r\n0\r\nContent-Length: 99\r\n\r\n"),
    "blanks behind a value": GET + b"X-A: 1 \t \r\n\r\n",
    "no blank before a value": GET + b"X-A:1\r\n\r\n",
    "empty line before the request": b"\r\n" + GET + b"\r\n",
    "target in absolute form": b"GET http://x/healthz HTTP/1.1\r\nHost: x\r\n\r\n",
    "coding in capitals": post(b"TRANSFER-ENCODING: CHUNKED\r\n", chunks(BODY)),
}

# Not refused, and why that is no harm.
TOLERATED = {
    "chunk extension": "RFC 9112 7.1.1: a recipient ignores extensions it does not know",
    "chunk extension ended by a line feed": "libmicrohttpd 0.9.75 takes it and tells nobody; a proxy in front normalises it",
    "line feeds only between chunks": "libmicrohttpd 0.9.75 takes it and tells nobody; the end of the body is the same either way",
    "chunk size with leading zeros": "RFC 9112 7.1: a size is any number of hexadecimal digits",
    "trailer field": "RFC 9112 7.1.2: trailer fields are lawful; they are never looked at",
    "length in a trailer field": "trailer fields are never looked at, so that it changes nothing",
    "blanks behind a value": "RFC 9110 5.5: blanks around a value do not belong to it",
    "no blank before a value": "RFC 9110 5.6.3: blanks are optional there",
    "empty line before the request": "RFC 9112 2.2: a server should ignore at least one",
    "target in absolute form": "RFC 9112 3.2.2: a server must accept it",
    "coding in capitals": "names of fields and codings are case-insensitive",
}


# Behind HAProxy (docker/haproxy/haproxy.cfg) not refused either, and why: it reads the request itself, and writes a new one.
LINES = "HAProxy ends a line at a line feed alone (RFC 9112 2.2 allows it), writes it anew with CR LF, and so both count the same lines"
CHUNKS = "HAProxy goes by the chunks and takes the length away before it passes it on (RFC 9112 6.3)"
BLANKS = "HAProxy takes blanks between the parts of the first line together and writes it anew"
FOLDS = "HAProxy joins a folded field with a blank before it passes it on (RFC 9112 5.2)"
VERSIONS = "HAProxy takes any number of a version and speaks HTTP/1.1 to the service"
LENGTHS = "HAProxy makes one length of lengths that agree (RFC 9110 8.6)"
MENDED = {name: "as without a proxy" for name in TOLERATED} | {
    "chunked beside length": CHUNKS,
    "length beside chunked": f"{CHUNKS}; versions before 2026-10 refused it when the length came first",
    "length that cuts a chunked body": CHUNKS,
    "line feed that hides a coding": f"{LINES}; then: {CHUNKS}",
    "two lengths that agree": LENGTHS,
    "length as a list": LENGTHS,
    "coding gzip, chunked": "HAProxy goes by the chunks and passes them on as such; what is in them is looked at by the service",
    "folded field": FOLDS,
    "field folded by a tab": FOLDS,
    "line feeds only": LINES,
    "line feed after the request line": LINES,
    "line feed after one field": LINES,
    "line feed at the end of the head": LINES,
    "line feed after the last field": LINES,
    "two Hosts that agree": "HAProxy makes one of Hosts that are equal",
    "tab instead of a blank": BLANKS,
    "two blanks before the target": BLANKS,
    "two blanks after the target": BLANKS,
    "HTTP/1.2": VERSIONS,
    "HTTP/2.0": VERSIONS,
}
REFUSED_BY_OLDER = {"length beside chunked"}


class Talking(Case):
    def talk(self, data, seconds=5, port=None):
        """Sends all, half-closes, reads until the other side ends; says whether it did."""
        answer, ended = b"", False
        with socket.create_connection(("127.0.0.1", port or self.server.port), timeout=seconds) as connection:
            try:
                connection.sendall(data)
                while True:
                    piece = connection.recv(65536)
                    if not piece:
                        ended = True
                        break
                    answer += piece
                    if answer.count(b"HTTP/1.") >= 2 and b"smuggled" in answer:
                        break
            except (TimeoutError, socket.timeout):
                pass
            except OSError:
                ended = True
        return answer, ended

    def status(self, answer):
        found = re.match(rb"HTTP/1\.[01] (\d{3})", answer)
        return int(found[1]) if found else None


class Framing(Talking):
    @classmethod
    def setUpClass(cls):
        cls.server = cls.start()
        cls.key = cls.server.key("ingest").encode()

    def test_enough_probes(self):
        self.assertGreaterEqual(len(PROBES), 40)
        self.assertEqual(set(TOLERATED) - set(PROBES), set(), "reasons for probes that do not exist")
        self.assertEqual(set(MENDED) - set(PROBES), set(), "reasons for probes that do not exist")

    def test_what_is_not_refused_is_written_down(self):
        page = (ROOT / "docs/framing.md").read_text(encoding="utf-8")
        for table in (TOLERATED, MENDED):
            for name, reason in table.items():
                self.assertIn(f"| {name} | {reason} |", page)

    def test_refused(self):
        """Refused, at once, and the connection ended: what follows is not taken for a request."""
        for name, probe in PROBES.items():
            if name in TOLERATED:
                continue
            with self.subTest(name):
                answer, ended = self.talk(probe.replace(b"{key}", self.key) + SMUGGLED)
                self.assertNotIn(b"smuggled", answer, answer[:2000])
                status = self.status(answer)
                self.assertTrue(status is None or status in REFUSALS, f"{status}: {answer[:1000]!r}")
                self.assertTrue(ended, f"the connection stayed open: {answer[:1000]!r}")

    def test_refused_by_us_as_problem(self):
        """What the service itself refuses is a problem document with a code."""
        expected = {
            "length beside chunked": b"invalid_request", "two lengths that differ": b"invalid_request",
            "coding identity": b"invalid_request", "two Hosts": b"invalid_request", "U+0000 in a value": b"invalid_request",
            "line feed after one field": b"invalid_request", "method nobody knows": b"unknown_method",
            "encoded U+0000 in the path": b"invalid_path", "target of 9,000 bytes": b"uri_too_long",
            "field of 17,000 bytes": b"headers_too_large", "101 fields": b"headers_too_large",
        }
        for name, code in expected.items():
            with self.subTest(name):
                answer, _ = self.talk(PROBES[name].replace(b"{key}", self.key))
                self.assertIn(b"Content-Type: application/problem+json", answer)
                self.assertIn(b'"code":"' + code + b'"', answer)

    def test_tolerated(self):
        """The list of exceptions tells the truth: these are served, and served once."""
        for name in TOLERATED:
            with self.subTest(name):
                probe = PROBES[name].replace(b"{key}", self.key).replace(b"Host: x\r\n", b"Host: x\r\nConnection: close\r\n", 1)
                answer, _ = self.talk(probe)
                self.assertEqual(self.status(answer), 200, answer[:1000])
                self.assertEqual(answer.count(b"HTTP/1.1 "), 1, answer[:2000])

    def test_pipelining_is_lawful(self):
        """Two whole requests in one packet are two requests, answered in their order."""
        first = GET + b"X-Request-Id: one\r\n\r\n"
        second = GET + b"X-Request-Id: two\r\nConnection: close\r\n\r\n"
        answer, ended = self.talk(first + second)
        self.assertEqual(re.findall(rb"X-Request-Id: (\w+)", answer), [b"one", b"two"])
        self.assertTrue(ended)

    def test_body_of_refused_request_is_not_a_request(self):
        """A body nobody asked for is read away, not run; the connection can be used afterwards."""
        request = b"GET /healthz HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\n\r\n%s" % (len(SMUGGLED), SMUGGLED)
        again = GET + b"X-Request-Id: again\r\nConnection: close\r\n\r\n"
        answer, _ = self.talk(request + again)
        self.assertEqual(self.status(answer), 400, answer)
        self.assertNotIn(b"smuggled", answer)
        self.assertIn(b"X-Request-Id: again", answer)

    def test_log_knows_no_smuggled_request(self):
        """Runs last in the class by its work, not its name: sends all probes once more and reads the log."""
        for name, probe in PROBES.items():
            if name not in TOLERATED:
                self.talk(probe.replace(b"{key}", self.key) + SMUGGLED)
        time.sleep(0.2)
        self.assertNotIn("id=smuggled", self.server.log())
        self.assert_status(self.server.client("read").get("/healthz"), 200)


@unittest.skipUnless(IS_THERE, "haproxy is not installed")
class BehindHAProxy(Talking):
    """The proxy gives every request that it sees an id of its own. So a request that reaches the service under the id it was sent with is
    one that the proxy did not see: smuggled."""

    @classmethod
    def setUpClass(cls):
        cls.server = cls.start()
        cls.key = cls.server.key("ingest").encode()
        cls.proxy = Proxy([cls.server])
        cls.addClassCleanup(cls.proxy.close)

    def ask(self, name):
        return self.talk(PROBES[name].replace(b"{key}", self.key) + SMUGGLED, seconds=4, port=self.proxy.port)

    def test_nothing_reaches_the_service_that_the_proxy_did_not_see(self):
        served = set()
        with concurrent.futures.ThreadPoolExecutor(8) as pool:  # most of the time is waiting for a second answer that must not come
            answers = dict(zip(PROBES, pool.map(self.ask, PROBES)))
        for name, (answer, _) in answers.items():
            with self.subTest(name):
                self.assertNotIn(b"smuggled", answer, answer[:2000])
                if self.status(answer) is not None and self.status(answer) not in REFUSALS:
                    served.add(name)
        time.sleep(0.3)
        self.assertNotIn("smuggled", self.server.log())
        self.assertEqual(sorted(served | REFUSED_BY_OLDER), sorted(MENDED))

    def test_the_proof_would_see_it(self):
        """A request sent past the proxy keeps its id, one through it does not."""
        direct, _ = self.talk(GET + b"X-Request-Id: direct\r\nConnection: close\r\n\r\n")
        through, _ = self.talk(GET + b"X-Request-Id: through\r\nConnection: close\r\n\r\n", port=self.proxy.port)
        self.assertIn(b"direct", direct)
        self.assertRegex(through, rb"(?i)x-request-id: [0-9a-f]{8}-[0-9a-f]{4}-")
        self.assertNotIn(b"through", through)


if __name__ == "__main__":
    unittest.main()
