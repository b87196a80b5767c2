"""What browsers load: whatever was built, or the plain pages that stand in for it, with headers that keep other people's code out."""
import gzip
import re
import time

from harness import Case

POLICY = "default-src 'self'; frame-ancestors 'none'; base-uri 'none'; form-action 'self'; object-src 'none'"
PAGES = ("/", "/docs")


class Pages(Case):
    @classmethod
    def setUpClass(cls):
        cls.server = cls.start()
        cls.client = cls.server.anonymous()

    def page(self, path):
        answer = self.client.get(path)
        self.assert_status(answer, 200)
        self.assertEqual(answer.headers["Content-Type"], "text/html; charset=utf-8")
        return answer

    def files(self, path):
        """What a page names, each of which must be there."""
        named = re.findall(r"""(?:src|href)=["']?(/(?:assets|docs)/[^"'> ]+|/favicon\.svg)""", self.page(path).text)
        self.assertGreater(len(named), 1)
        return named

    def test_pages_and_what_they_name(self):
        types = {"js": "text/javascript; charset=utf-8", "css": "text/css; charset=utf-8", "svg": "image/svg+xml", "woff2": "font/woff2", "txt": "text/plain; charset=utf-8"}
        for page in PAGES:
            for path in self.files(page):
                with self.subTest(path=path):
                    answer = self.assert_status(self.client.get(path), 200)
                    self.assertGreater(len(answer.body), 50)
                    self.assertEqual(answer.headers["Content-Type"], types[path.rsplit(".", 1)[1]])

    def test_headers(self):
        for path in [*PAGES, *self.files("/"), *self.files("/docs")]:
            with self.subTest(path=path):
                headers = self.client.get(path).headers
                self.assertEqual(headers["Content-Security-Policy"], POLICY + ("; img-src 'self' data:" if path.startswith("/docs") else ""))
                self.assertEqual(headers["X-Content-Type-Options"], "nosniff")
                self.assertEqual(headers["Referrer-Policy"], "no-referrer")
                self.assertEqual(headers["Cross-Origin-Opener-Policy"], "same-origin")
                self.assertIn("camera=()", headers["Permissions-Policy"])
                hashed = re.fullmatch(r"/assets/.+-[0-9A-Za-z_]{8,}\.[a-z0-9]+", path)
                self.assertEqual(headers["Cache-Control"], "public, max-age=31536000, immutable" if hashed else "no-cache")
                self.assertRegex(headers["ETag"], r'^"[0-9a-f]{32}"$')
                self.assertIsNone(headers["Set-Cookie"])

    def test_compressed_where_accepted(self):
        for path in [*PAGES, *self.files("/"), *self.files("/docs")]:
            with self.subTest(path=path):
                plain = self.client.get(path)
                packed = self.client.get(path, {"Accept-Encoding": "br, gzip"})
                self.assertIsNone(plain.headers["Content-Encoding"])
                self.assertIn("Accept-Encoding", packed.headers["Vary"])
                if packed.headers["Content-Encoding"] is None: # what does not get smaller
                    self.assertEqual(packed.body, plain.body)
                    continue
                self.assertEqual(packed.headers["Content-Encoding"], "gzip")
                self.assertLess(len(packed.body), len(plain.body))
                self.assertEqual(gzip.decompress(packed.body), plain.body)
                self.assertEqual(packed.headers["ETag"], plain.headers["ETag"][:-1] + '-gzip"')
                self.assertEqual(self.client.get(path, {"Accept-Encoding": "gzip;q=0"}).body, plain.body)

    def test_not_modified(self):
        for path in ("/", "/favicon.svg", *self.files("/docs")[-1:]):
            for coding in (None, "gzip"):
                first = self.client.get(path, {"Accept-Encoding": coding})
                again = self.client.get(path, {"Accept-Encoding": coding, "If-None-Match": first.headers["ETag"]})
                self.assertEqual((again.status, again.body), (304, b""), again)
                self.assertEqual(again.headers["Cache-Control"], first.headers["Cache-Control"])
                self.assertIsNone(again.headers["Content-Encoding"])
            self.assert_status(self.client.get(path, {"If-None-Match": '"other"'}), 200)

    def test_head(self):
        for path in PAGES:
            got = self.client.get(path)
            head = self.client.request("HEAD", path)
            self.assertEqual((head.status, head.body), (200, b""))
            self.assertEqual(head.headers["Content-Length"], str(len(got.body)))
            self.assertEqual(head.headers["ETag"], got.headers["ETag"])

    def test_nothing_else_is_there(self):
        for path in ("/assets/nothing.js", "/docs/nothing.js", "/assets/..", "/assets/%2e%2e", "/docs/..%2Fopenapi.yaml", "/assets/", "/docs/",
                     "/index.html", "/docs/index.html", "/favicon.ico"):
            with self.subTest(path=path):
                self.assert_problem(self.client.get(path), 404, "not_found")
        for path in PAGES:
            answer = self.client.post(path, {})
            self.assert_problem(answer, 405, "method_not_allowed")
            self.assertEqual(answer.headers["Allow"], "GET, HEAD, OPTIONS")

    def test_not_compressed_where_that_is_off(self):
        server = self.serve(env={"PLUMBLINE_GZIP": "off"}, database=self.server.database)
        answer = server.anonymous().get("/", {"Accept-Encoding": "gzip"})
        self.assertIsNone(answer.headers["Content-Encoding"])
        self.assertEqual(answer.body, self.page("/").body)

    def test_answered_without_a_database(self):
        server = self.serve(env={"DATABASE_URL": "postgresql://127.0.0.1:1/nowhere"}, database=self.server.database, wait=False)
        deadline = 100
        while True:
            try:
                answer = server.anonymous().get("/")
                break
            except OSError:
                deadline -= 1
                self.assertGreater(deadline, 0)
                time.sleep(0.05)
        self.assertEqual(answer.body, self.page("/").body)


if __name__ == "__main__":
    import unittest

    unittest.main()
