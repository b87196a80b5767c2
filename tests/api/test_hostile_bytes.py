"""Hostile bytes into every route that takes JSON and every query parameter: nothing is answered 5xx, nothing that is no JSON is taken for it,
and text that is lawful comes back as it was.

The routes come from the binary, the calls from access_routes.py, so a new route is tried without more. Here each route gets a part of the inputs;
PLUMBLINE_BYTES=whole sends all of them to all."""
import csv
import gzip
import http.client
import io
import json
import os
import pathlib
import urllib.parse

from access_routes import KINDS, ROUTES
from access_world import World
from harness import Case
from hostile import HANDMADE, INJECTIONS, json_files, naughty_strings
from test_access_matrix import routes_of_binary
from test_sources import SECRET, signed

WHOLE = os.environ.get("PLUMBLINE_BYTES") == "whole"
PATHS = ("/v1/../healthz", "/v1/./reps", "//v1/reps", "/v1//reps", "/v1/reps/", "/v1/reps/..", "/v1/reps/%2e%2e", "/v1/reps/..%2f..%2fhealthz", "/v1/reps%2fr1", "/V1/reps",
         "/v1/reps;x=1", "/v1/reps/%c0%ae", "/v1/reps/%", "/v1/reps/%0d%0aX-Injected:1", "/v1/reps/%00", "/v1\\reps", "/.git/config", "/v1/reps/r1/../../settings", "/v1/reps/%u002e", "/*")
TEXTS = {"reps": "name", "teams": "name", "accounts": "name", "products": "name", "stages": "label", "opportunities": "name"}


class Bytes(Case):
    @classmethod
    def setUpClass(cls):
        cls.server = cls.start(env={"PLUMBLINE_RATE_LIMIT": 0, "PLUMBLINE_GAUGE_INTERVAL": 0})
        cls.world = World(cls(), cls.server)
        cls.world.fill()
        cls.assert_status(cls(), cls.world.client.post("/v1/sources/crm/secrets", {"secret": SECRET}), 201)
        cls.key = cls.server.key()
        cls.routes = {id: route for id, route in routes_of_binary().items() if id in ROUTES and route["scopes"] + [id == "deliverWebhook"]}
        cls.connection = http.client.HTTPConnection("127.0.0.1", cls.server.port, timeout=60)

    def runTest(self):
        """unittest wants a method for the case that asserts while the class is set up."""

    def ask(self, method, target, body=None, headers=None):
        """status, headers, body; over one connection as long as it lasts."""
        for _ in range(2):
            try:
                self.connection.putrequest(method, target, skip_accept_encoding=True)
                for name, value in {"Authorization": f"Bearer {self.key}", **({"Content-Length": str(len(body))} if body is not None else {}), **(headers or {})}.items():
                    self.connection.putheader(name, value)
                self.connection.endheaders(body)
                answer = self.connection.getresponse()
                return answer.status, answer.headers, answer.read()
            except (http.client.HTTPException, OSError):
                self.connection.close()
        self.fail(f"{method} {target[:200]}: no answer in two tries; did the server end? {self.server.log()[-2000:]}")

    def paths(self):
        """operation id → path with an id that is there."""
        return {id: ROUTES[id].path.replace("{own}", str(self.world.of(ROUTES[id], self.key))) for id in self.routes}

    def part(self, items, number, share):
        """Of so many inputs each route gets every share-th, another part each; all of them with WHOLE."""
        items = list(items)
        return items if WHOLE else items[number % share::share]

    def check_json(self, name, status, said, tolerant):
        self.assertLess(status, 500, said[:500])
        code = json.loads(said).get("code") if said else None
        # What is JSON, but names a member twice or holds U+0000, may be refused as none: nothing here could keep it.
        if name[0] == "y" and not any(part in name for part in ("duplicated_key", "null_escape", "escaped_null")):
            self.assertNotEqual(code, "invalid_json", said[:500])
        if name[0] == "n" and not tolerant:
            self.assertTrue((status, code) in ((400, "invalid_json"), (400, "body_required"), (422, "validation_failed")), said[:500])
            if status == 422:
                self.assertIn(json.loads(said)["errors"][0]["code"], ("too_deep", "invalid_json", "duplicate_key"), said[:500])

    def test_json_files(self):
        sent, files, paths = 0, json_files(), self.paths()
        self.assertEqual({kind: sum(name[0] == kind for name in files) - sum(name[0] == kind for name in HANDMADE) for kind in "yni"}, {"y": 95, "n": 188, "i": 35})
        wanted = [id for id, route in self.routes.items() if "application/json" in route["media"] or id == "deliverWebhook"]
        self.assertGreater(len(wanted), 35)
        for number, id in enumerate(wanted):
            media = next((media for media in self.routes[id]["media"] if "json" in media), "application/json")
            media = "application/json" if "application/json" in self.routes[id]["media"] else media
            for name, body in self.part(files.items(), number, 12):
                with self.subTest(f"{id} {name}"):
                    headers = {"Content-Type": media, **(signed(body) if id == "deliverWebhook" else {})}
                    status, _, said = self.ask(self.routes[id]["method"], paths[id], body, headers)
                    # A delivery is kept whatever it is; where nothing is needed, nothing is a body too.
                    self.check_json(name, status, said, tolerant=id == "deliverWebhook" or not body)
                    sent += 1
        print(f"{sent} bodies to {len(wanted)} routes")
        self.assert_status(self.server.anonymous().get("/readyz"), 200)

    def test_every_parameter(self):
        paths, sent, number = self.paths(), 0, 0
        before = self.world.fingerprint(1)
        for id, route in self.routes.items():
            if route["method"] != "GET":
                continue
            for name in route["params"] + ["format", "nonsense'"]:
                number += 1
                for text in self.part(INJECTIONS, number, 12):
                    with self.subTest(f"{id} {name}={text[:20]}"):
                        path = paths[id].split("?")[0]
                        status, headers, said = self.ask("GET", f"{path}?{urllib.parse.quote(name)}={urllib.parse.quote(text)}")
                        self.assertIn(status, (200, 304, 400, 404, 406, 414, 422, 403), said[:500])
                        self.assertIsNone(headers["X-Injected"])
                        sent += 1
        print(f"{sent} parameters")
        self.assertEqual(self.world.fingerprint(1), before)

    def test_paths(self):
        for path in PATHS:
            with self.subTest(path):
                status, headers, said = self.ask("GET", path)
                self.assertIn(status, (400, 404, 405), said[:500])
                self.assertIsNone(headers["X-Injected"])
        for id, route in self.routes.items():
            if "{own}" in ROUTES[id].path and route["method"] == "GET" and id != "watchJob":
                for text in self.part(INJECTIONS, len(id), 8):
                    with self.subTest(f"{id} {text[:20]}"):
                        path = ROUTES[id].path.split("?")[0].replace("{own}", urllib.parse.quote(text, safe=""))
                        status, headers, said = self.ask("GET", path)
                        self.assertIn(status, (200, 400, 404, 405, 414, 422), said[:500])

    def test_texts_come_back_as_they_were(self):
        strings = naughty_strings() + [text for text in INJECTIONS if "\u0000" not in text]
        for kind, attribute in TEXTS.items():
            with self.subTest(kind):
                rows = [{**KINDS[kind][2], "id": f"t{number}", attribute: f"[{text[:490]}]"} for number, text in enumerate(strings)]
                if kind == "opportunities":
                    rows = [{**row, "stage": "open"} for row in rows]
                self.assert_counts(self.world.client.post(f"/v1/{kind}", rows), accepted=len(rows))
                kept = {row["id"]: row.get(attribute) for row in self.world.client.get(f"/v1/{kind}?format=ndjson").ndjson()}
                for row in rows:
                    self.assertEqual(kept[row["id"]], row[attribute])

    def test_csv_of_them_runs_nothing(self):
        """No cell begins with what a spreadsheet takes for a formula, and what is posted again is what was exported."""
        rows = [{"id": f"f{number}", "name": text} for number, text in enumerate(("=1+1", "+1", "-1+1", "@SUM(A1)", "\t=1", "=cmd|' /C calc'!A0", "\u0009=2"))]
        self.assert_counts(self.world.client.post("/v1/teams", rows), accepted=len(rows))
        text = self.world.client.get("/v1/teams?format=csv").body.decode()
        for line in csv.reader(io.StringIO(text, newline="")):
            for cell in line:
                self.assertFalse(cell[:1] in ("=", "+", "-", "@", "\t", "\r") and cell != "-", cell)
        answer = self.world.client.request("POST", "/v1/teams", text, {"Content-Type": "text/csv"})
        self.assertEqual(self.assert_ok(answer)["rejected"], 0)
        kept = {row["id"]: row["name"] for row in self.world.client.get("/v1/teams?format=ndjson").ndjson()}
        for row in rows:
            self.assertEqual(kept[row["id"]], row["name"])

    def memory(self):
        status = pathlib.Path(f"/proc/{self.server.process.pid}/status").read_text()
        return int(next(line.split()[1] for line in status.splitlines() if line.startswith("VmHWM:"))) * 1024

    def test_a_gzip_bomb_is_not_unpacked(self):
        """A GiB of blanks in a MiB: to every route with a body. The most memory the process ever held grows by what a body may be, not by what it promises."""
        packed = gzip.compress(b" " * (1 << 26)) * 16
        paths, before, tried = self.paths(), self.memory(), 0
        for id, route in self.routes.items():
            if "application/json" not in route["media"] or id in ("publishStrategy", "previewStrategy") or not WHOLE and tried > 5:
                continue
            tried += 1
            with self.subTest(id):
                status, _, said = self.ask(route["method"], paths[id], packed, {"Content-Type": "application/json", "Content-Encoding": "gzip"})
                self.assertEqual((status, json.loads(said)["code"]), (413, "body_too_large"))
        grown = self.memory() - before
        print(f"grown by {grown >> 20} MiB over {tried} bombs of {len(packed) >> 10} KiB that promise 1 GiB")
        if "-asan" not in str(self.server.process.args[0]):
            self.assertLess(grown, 96 << 20)


if __name__ == "__main__":
    import unittest
    unittest.main()
