"""The same tour through Prism as a validating proxy: what it finds wrong with an answer it turns into a 500."""
import http.client
import subprocess
import time

from contract import ROOT
from harness import Case, free_port
from test_lint import tool
from tour import Tour


class ThroughProxy(Tour):
    """Without the steps that Prism answers itself or hangs on: no key, a compressed body, a body that is not what its type says."""

    def go(self, method, path, body=None, expect=200, **options):
        if expect in (401, 415) or options.get("code") in ("invalid_json", "body_required") or "Content-Encoding" in (options.get("headers") or {}) \
                or body == b"no JSON":
            return None
        return super().go(method, path, body, expect, **options)


class Prism(Case):
    def test_tour(self):
        command = tool("@stoplight/prism-cli")
        server, port = self.start(), free_port()
        # Without request validation: what is wrong with a request is for the service to say.
        proxy = subprocess.Popen([*command, "proxy", str(ROOT / "openapi.yaml"), server.url, "--errors", "--validate-request=false",
                                  "-p", str(port), "-h", "127.0.0.1"], stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        try:
            self.wait(proxy, port)
            steps = self.through(port, server.key())
        finally:
            proxy.kill()
            proxy.communicate()
        self.assertGreater(steps, 100)

    def wait(self, proxy, port):
        deadline = time.monotonic() + 60
        while time.monotonic() < deadline:
            if proxy.poll() is not None:
                self.fail(f"Prism ended: {proxy.stdout.read().decode()[-4000:]}")
            try:
                http.client.HTTPConnection("127.0.0.1", port, timeout=5).request("GET", "/healthz")
                return
            except OSError:
                time.sleep(0.2)
        self.fail("Prism did not start in 60 s")

    def through(self, port, key):
        def send(method, path, body, headers):
            connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
            try:
                connection.request(method, path, body, headers)
                answer = connection.getresponse()
                return answer.status, {name.lower(): value for name, value in answer.getheaders()}, answer.read()
            finally:
                connection.close()

        tour = ThroughProxy(send, key)
        tour.run()
        return tour.steps


if __name__ == "__main__":
    import unittest

    unittest.main()
