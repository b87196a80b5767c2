"""TLS of the API itself: what is agreed upon with clients, and certificates that change while connections live."""
import hashlib
import http.client
import json
import os
import pathlib
import shutil
import signal
import ssl
import subprocess
import tempfile
import time
import unittest
import urllib.request

from harness import Case, Client

ELLIPTIC = ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1")
RSA = ("-newkey", "rsa:2048")


@unittest.skipIf(shutil.which("openssl") is None, "openssl is not installed")
class Served(Case):
    """A server with a certificate of its own for each test."""

    def setUp(self):
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="plumbline-tls-"))
        self.addCleanup(shutil.rmtree, self.folder)
        self.certificate, self.key = self.folder / "cert.pem", self.folder / "key.pem"
        self.renew()
        self.server = self.serve(env={"PLUMBLINE_TLS_CERT": self.certificate, "PLUMBLINE_TLS_KEY": self.key}, wait=False)
        self.until(self.ready)

    def renew(self, algorithm=ELLIPTIC):
        """Puts a new pair where the server looks for it, as certbot does: each file is exchanged in one step. Its fingerprint."""
        subprocess.run(["openssl", "req", "-x509", *algorithm, "-nodes", "-days", "2", "-subj", "/CN=localhost", "-addext",
                        "subjectAltName=IP:127.0.0.1", "-keyout", f"{self.key}.new", "-out", f"{self.certificate}.new"],
                       check=True, capture_output=True)
        os.replace(f"{self.key}.new", self.key)
        os.replace(f"{self.certificate}.new", self.certificate)
        return hashlib.sha256(ssl.PEM_cert_to_DER_cert(self.certificate.read_text())).hexdigest()

    def ready(self):
        try:
            return Client(self.server.admin_url).get("/readyz").status == 200
        except OSError:
            return False

    def until(self, condition):
        deadline = time.monotonic() + 60
        while not condition():
            self.assertIsNone(self.server.process.poll(), self.server.log())
            self.assertLess(time.monotonic(), deadline, self.server.log())
            time.sleep(0.02)

    def hang_up(self, said):
        """SIGHUP; waits until the log holds one more line with these words."""
        before = self.server.log().count(said)
        self.server.process.send_signal(signal.SIGHUP)
        self.until(lambda: self.server.log().count(said) > before)

    @staticmethod
    def context(lowest=None, highest=None):
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
        context.set_ciphers("ALL:COMPLEMENTOFALL:@SECLEVEL=0")  # let the server refuse, not the client
        if lowest:
            context.minimum_version = lowest
        if highest:
            context.maximum_version = highest
        return context

    def connect(self, context=None):
        connection = http.client.HTTPSConnection("127.0.0.1", self.server.port, timeout=30, context=context or self.context())
        self.addCleanup(connection.close)
        connection.connect()
        return connection

    def shown(self, connection=None):
        return hashlib.sha256((connection or self.connect()).sock.getpeercert(True)).hexdigest()

    def assert_alive(self, connection):
        connection.request("GET", "/healthz")
        with connection.getresponse() as answer:
            self.assertEqual((answer.status, json.load(answer)), (200, {"status": "ok"}))


class Tls(Served):
    def test_https(self):
        context = ssl.create_default_context(cafile=self.certificate)
        url = self.server.url.replace("http:", "https:")
        with urllib.request.urlopen(f"{url}/healthz", context=context, timeout=30) as answer:
            self.assertEqual(json.load(answer), {"status": "ok"})
        rows = b"".join(b'{"id":"t%d","name":"T"}\n' % i for i in range(20000))
        request = urllib.request.Request(f"{url}/v1/accounts", rows, {
            "Authorization": f"Bearer {self.server.key('ingest')}", "Content-Type": "application/x-ndjson"})
        with urllib.request.urlopen(request, context=context, timeout=60) as answer:
            self.assertEqual(json.load(answer)["accepted"], 20000)

    def refused(self, context):
        with self.assertRaises((ssl.SSLError, ConnectionError)):
            self.connect(context)

    def test_versions(self):
        version = ssl.TLSVersion
        for old in (version.TLSv1, version.TLSv1_1):
            self.refused(self.context(old, old))
        for new, name in ((version.TLSv1_2, "TLSv1.2"), (version.TLSv1_3, "TLSv1.3")):
            connection = self.connect(self.context(new, new))
            self.assertEqual(connection.sock.version(), name)
            self.assert_alive(connection)
        self.assertEqual(self.connect().sock.version(), "TLSv1.3")

    def ciphers_of_1_2(self):
        """Of all that OpenSSL knows for TLS 1.2, each offered alone: those the server takes."""
        taken, offered = set(), 0
        for cipher in self.context().get_ciphers():
            if cipher["protocol"] == "TLSv1.3":
                continue
            context = self.context(ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_2)
            context.set_ciphers(f"{cipher['name']}:@SECLEVEL=0")
            offered += 1
            try:
                taken.add(self.connect(context).sock.cipher()[0])
            except (ssl.SSLError, ConnectionError):
                pass
        self.assertGreater(offered, 40)
        return taken

    def test_ciphers(self):
        """Keys of their own for each connection and authenticated encryption, with either kind of certificate."""
        self.assertEqual(self.ciphers_of_1_2(), {"ECDHE-ECDSA-AES256-GCM-SHA384", "ECDHE-ECDSA-CHACHA20-POLY1305", "ECDHE-ECDSA-AES128-GCM-SHA256"})
        self.renew(RSA)
        self.hang_up("msg=tls_certificate")
        self.assertEqual(self.ciphers_of_1_2(), {"ECDHE-RSA-AES256-GCM-SHA384", "ECDHE-RSA-CHACHA20-POLY1305", "ECDHE-RSA-AES128-GCM-SHA256"})
        self.assert_alive(self.connect())


class Reload(Served):
    def test_new_connections_see_the_new_one_and_old_ones_live(self):
        old = self.connect()
        first = self.shown(old)
        self.assert_alive(old)
        second = self.renew()
        self.assertNotEqual(first, second)
        self.assertEqual(self.shown(), first, "shown before SIGHUP")
        self.hang_up("msg=tls_certificate")
        self.assertIn("valid until", self.server.log())
        new = self.connect()
        self.assertEqual(self.shown(new), second)
        self.assert_alive(new)
        self.assertEqual(self.shown(old), first)
        self.assert_alive(old)

    def test_a_broken_one_keeps_the_old(self):
        old, first = self.connect(), self.shown()
        pem, key = self.certificate.read_text(), self.key.read_text()
        for certificate, why in (("no certificate\n", "are certificate and key sound"), ("", "cannot read"), (pem[:len(pem) // 2], "are certificate and key sound")):
            self.certificate.write_text(certificate)
            self.hang_up("the one before is still shown")
            self.assertIn(why, [line for line in self.server.log().splitlines() if "still shown" in line][-1])
            self.assertEqual(self.shown(), first)
        self.renew()
        self.key.write_text(key)  # of the pair before
        self.hang_up("the one before is still shown")
        self.certificate.unlink()
        self.hang_up("the one before is still shown")
        self.assertEqual(self.shown(), first)
        self.assertNotIn("PRIVATE KEY", self.server.log())
        second = self.renew()
        self.hang_up("valid until")
        self.assertEqual(self.shown(), second)
        self.assert_alive(old)

    def test_handshakes_under_way(self):
        """Many renewals while clients connect: each sees one of the certificates there were, none is refused."""
        seen, allowed = set(), {self.shown()}
        for _ in range(10):
            half = ssl.SSLContext.wrap_socket(self.context(), self.raw(), do_handshake_on_connect=False)
            self.addCleanup(half.close)
            allowed.add(self.renew())
            self.hang_up("valid until")
            half.do_handshake()
            seen |= {hashlib.sha256(half.getpeercert(True)).hexdigest(), self.shown()}
        self.assertLessEqual(seen, allowed)
        self.assertGreaterEqual(len(seen), 10)

    def raw(self):
        connection = http.client.HTTPConnection("127.0.0.1", self.server.port, timeout=30)
        connection.connect()
        return connection.sock


class Plain(Case):
    def test_sighup_without_tls_goes_on(self):
        server = self.serve()
        server.process.send_signal(signal.SIGHUP)
        deadline = time.monotonic() + 60
        while "there is no certificate to read again" not in server.log():
            self.assertLess(time.monotonic(), deadline, server.log())
            time.sleep(0.02)
        self.assert_ok(server.anonymous().get("/healthz"))


if __name__ == "__main__":
    unittest.main()
