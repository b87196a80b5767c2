"""Receivers of webhooks: a real HTTP or HTTPS server on this machine that keeps what it was sent and answers as it is told."""
import base64
import contextlib
import hashlib
import hmac
import http.server
import json
import pathlib
import ssl
import subprocess
import tempfile
import threading
import time


def verify(secret, headers, body, now=None):
    """Standard Webhooks, written down apart from the service: which of the signatures is right; None when none is."""
    key = base64.b64decode(secret.removeprefix("whsec_"))
    if abs((now or time.time()) - int(headers["webhook-timestamp"])) > 300:
        return None
    signed = f"{headers['webhook-id']}.{headers['webhook-timestamp']}.".encode() + body
    wanted = base64.b64encode(hmac.new(key, signed, hashlib.sha256).digest()).decode()
    for place, signature in enumerate(headers["webhook-signature"].split(" ")):
        version, _, given = signature.partition(",")
        if version == "v1" and hmac.compare_digest(given, wanted):
            return place
    return None


class Received:
    def __init__(self, path, headers, body):
        self.path, self.headers, self.body, self.at = path, headers, body, time.time()

    @property
    def id(self):
        return self.headers["webhook-id"]

    def json(self):
        return json.loads(self.body)


class Authority:
    """A certificate authority of its own, and a certificate for localhost and 127.0.0.1."""

    def __init__(self):
        self.folder = tempfile.TemporaryDirectory(prefix="plumbline-ca-")
        here = pathlib.Path(self.folder.name)
        self.ca, self.key, self.cert = here / "ca.pem", here / "key.pem", here / "cert.pem"
        new = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"]
        run = lambda *command: subprocess.run(command, check=True, capture_output=True)
        run("openssl", "req", "-x509", *new, "-days", "2", "-subj", "/CN=Test authority", "-keyout", here / "ca.key", "-out", self.ca)
        run("openssl", "req", *new, "-subj", "/CN=localhost", "-keyout", self.key, "-out", here / "request.pem")
        (here / "names").write_text("subjectAltName=DNS:localhost,IP:127.0.0.1\n")
        run("openssl", "x509", "-req", "-in", here / "request.pem", "-CA", self.ca, "-CAkey", here / "ca.key", "-CAcreateserial", "-days", "2",
            "-extfile", here / "names", "-out", self.cert)

    def close(self):
        self.folder.cleanup()


class Receiver:
    """answers: what the next requests get, each a status or (status, headers) or a function of the handler; the last one goes on."""

    def __init__(self, *answers, authority=None):
        self.received, self.answers, self.lock = [], list(answers or (204,)), threading.Condition()
        receiver = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self):
                receiver.take(self)

            def do_GET(self):
                receiver.take(self)

            def log_message(self, *_):
                pass

        class Quiet(http.server.ThreadingHTTPServer):
            daemon_threads = True

            def handle_error(self, *_):
                pass

        self.server = Quiet(("127.0.0.1", 0), Handler)
        self.port = self.server.server_address[1]
        self.scheme = "https" if authority else "http"
        if authority:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(authority.cert, authority.key)
            self.server.socket = context.wrap_socket(self.server.socket, server_side=True)
        self.url = f"{self.scheme}://127.0.0.1:{self.port}/hooks/T0/B0/very-secret-path"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def take(self, handler):
        body = handler.rfile.read(int(handler.headers.get("Content-Length") or 0))
        with self.lock:
            answer = self.answers[0] if len(self.answers) == 1 else self.answers.pop(0)
            self.received.append(Received(handler.path, handler.headers, body))
            self.lock.notify_all()
        with contextlib.suppress(OSError):
            if callable(answer):
                return answer(handler)
            status, headers = answer if isinstance(answer, tuple) else (answer, {})
            handler.send_response(status)
            for name, value in headers.items():
                handler.send_header(name, value)
            handler.send_header("Content-Length", "0")
            handler.end_headers()
        return None

    def wait(self, count, seconds=20):
        """The first count requests; fails when they do not come."""
        with self.lock:
            if not self.lock.wait_for(lambda: len(self.received) >= count, seconds):
                raise AssertionError(f"{len(self.received)} of {count} requests came within {seconds} s")
            return self.received[:count]

    def close(self):
        self.server.shutdown()
        self.server.server_close()
