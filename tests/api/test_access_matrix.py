"""Every route with every kind of key: who gets in, what they see, and that nobody learns of what is not theirs.

PLUMBLINE_MATRIX=whole asks every metric by every group as well."""
import itertools
import json
import os
import re
import unittest

from access_routes import ROUTES
from access_world import FOREIGN, HIDDEN, OWN, World
from harness import Case, plumbline

WHOLE = os.environ.get("PLUMBLINE_MATRIX") == "whole"
VARYING = re.compile(r'"(request_id|event_id|occurred_at|created_at|updated_at|set_at|data_version|version|id|number)": ?("[^"]*"|\d+)')
TIME = re.compile(r"\d{4}-\d\d-\d\dT[0-9:.]+Z")


def routes_of_binary():
    listed = (json.loads(line) for line in plumbline("routes", "--json").stdout.splitlines())
    return {route["operation_id"]: route for route in listed if route["method"] != "OPTIONS" and route["operation_id"]}


class Table(unittest.TestCase):
    """The table and the binary know the same routes, and agree on their scopes."""

    def test_every_route_has_a_row(self):
        listed = routes_of_binary()
        self.assertEqual([id for id in listed if id not in ROUTES], [], "routes without a row in tests/api/access_routes.py")
        self.assertEqual([id for id in ROUTES if id not in listed], [], "rows without a route")

    def test_scopes(self):
        for id, route in routes_of_binary().items():
            with self.subTest(id):
                self.assertEqual(set(route["scopes"]), ROUTES[id].scopes)

    def test_paths(self):
        for id, route in routes_of_binary().items():
            with self.subTest(id):
                pattern = re.sub(r"\{\w+\}", "[^/]+", route["path"])
                self.assertRegex(ROUTES[id].path.split("?")[0].replace("{own}", "x"), f"^{pattern}$")


class Matrix(Case):
    @classmethod
    def setUpClass(cls):
        cls.server = cls.start(env={"PLUMBLINE_RATE_LIMIT": 0, "PLUMBLINE_ALERT_INTERVAL": 0, "PLUMBLINE_KEY_TRIES": 0})
        cls.world = World(cls(), cls.server)
        cls.world.fill()
        cls.routes = {id: route for id, route in routes_of_binary().items() if id in ROUTES}
        cls.keys, cls.unborn = cls.world.keys(), itertools.count(90001)

    def runTest(self):
        """unittest wants a method for the case that asserts while the class is set up."""

    def call(self, id, key, own=None, refused=False):
        """refused: before the body counts, so nothing is made for it."""
        row, route = ROUTES[id], self.routes[id]
        body = row.body if not callable(row.body) else {} if refused else row.body(self.world)
        headers = dict(row.headers or {})
        return self.world.ask(key, route["method"], row.path.replace("{own}", str(own)), body, headers)

    def each_key(self, refused):
        for kind, (key, scopes) in self.keys.items():
            if isinstance(scopes, str) == refused:
                yield kind, key, scopes

    def test_nobody_gets_in_without_a_good_key(self):
        before = self.world.fingerprint(1)
        for kind, key, code in self.each_key(refused=True):
            for id in self.routes:
                with self.subTest(f"{kind}: {id}"):
                    if ROUTES[id].scopes:
                        answer = self.call(id, key, "1", refused=True)
                        self.assert_problem(answer, 401, code)
                        self.assertTrue(answer.headers["WWW-Authenticate"].startswith("Bearer"), answer)
                        self.assertIsNone(answer.headers["ETag"])
                    else:
                        self.assert_status(self.call(id, key, "crm"), ROUTES[id].status)
        self.assertEqual(self.world.fingerprint(1), before)

    def test_a_scope_opens_its_routes_and_no_others(self):
        before = self.world.fingerprint(1)
        for kind, key, scopes in self.each_key(refused=False):
            for id, row in ROUTES.items():
                if id in self.routes and row.scopes and not row.scopes & scopes:
                    with self.subTest(f"{kind}: {id}"):
                        own = self.world.things.get(row.own, row.own) if isinstance(row.own, str) else "1"
                        answer = self.call(id, key, own, refused=True)
                        self.assert_problem(answer, 403, "forbidden")
                        self.assertIsNone(answer.headers["ETag"])
        self.assertEqual(self.world.fingerprint(1), before)

    def test_a_scope_opens_its_routes(self):
        for kind, key, scopes in self.each_key(refused=False):
            for id, row in ROUTES.items():
                if id in self.routes and row.scopes & scopes:
                    with self.subTest(f"{kind}: {id}"):
                        answer = self.call(id, key, self.world.of(row, key))
                        self.assert_status(answer, row.status)
                        if row.rows and self.world.is_narrow(kind):
                            self.assertNotIn(HIDDEN, answer.text)

    def plain(self, answer, id):
        """An answer without what differs from call to call, and without the id asked for."""
        bare = re.compile(rf"\b{re.escape(str(id))}\b")
        text = VARYING.sub(r'"\1": ?', TIME.sub("?", bare.sub("ID", answer.text)))
        return answer.status, text, {name: bare.sub("ID", value) for name, value in answer.headers.items()
                                     if name not in ("X-Request-Id", "ETag", "Date", "Content-Length")}

    def never(self, own):
        """An id of the same form that has never been, another one each time."""
        number = next(self.unborn)
        if match := re.match(r"([A-Z]{3}-[A-Z]{3}-)20", own):
            return f"{match[1]}{1900 + number % 60}-01-{number // 60 % 28 + 1:02d}"
        return str(number) if own.isdigit() else f"{own[0]}{number}"

    def test_hidden_rows_are_as_if_they_were_not(self):
        for kind, key, scopes in self.each_key(refused=False):
            for id, row in ROUTES.items():
                if id in self.routes and row.hidden and row.scopes & scopes and self.world.is_narrow(kind):
                    with self.subTest(f"{kind}: {id}"):
                        hidden = str(self.world.things.get(row.hidden, row.hidden))
                        never = self.never(hidden)
                        answer, nothing = self.call(id, key, hidden), self.call(id, key, never)
                        self.assert_problem(answer, 404, "not_found")
                        self.assertEqual(self.plain(answer, hidden), self.plain(nothing, never))

    def test_another_organisation_is_as_if_it_were_not(self):
        """With all scopes in another organisation: ids of the first are answered as ids that have never been, and nothing there changes."""
        foreign = self.server.key(org="acme")
        owns = {id: str(self.world.things["snapshot"] if row.own == "own_snapshot" else self.world.of(row, foreign))
                for id, row in ROUTES.items() if id in self.routes and row.scopes and row.own not in (None, "bookings_share")}
        before = self.world.fingerprint(1)
        for id, own in owns.items():
            with self.subTest(id):
                never = self.never(own)
                answer, nothing = self.call(id, foreign, own), self.call(id, foreign, never)
                self.assertEqual(self.plain(answer, own), self.plain(nothing, never))
                if self.routes[id]["method"] == "GET":
                    self.assert_problem(answer, 404, "not_found")
        self.assertEqual(self.world.fingerprint(1), before)

    def test_lists_of_another_organisation_are_its_own(self):
        foreign = self.server.key(org="acme")
        for id, row in ROUTES.items():
            if id in self.routes and row.scopes and row.own is None and self.routes[id]["method"] == "GET":
                for form in self.routes[id]["formats"] or ["json"]:
                    with self.subTest(f"{id} {form}"):
                        answer = self.world.ask(foreign, "GET", f"{row.path}{'&' if '?' in row.path else '?'}format={form}")
                        self.assert_status(answer, 200)
                        self.assertNotIn(OWN, answer.text)


class Apart(Case):
    """What one must not see must not make a difference to the answers one gets: not a byte of body, tag or cursor."""

    @classmethod
    def setUpClass(cls):
        cls.server = cls.start(env={"PLUMBLINE_RATE_LIMIT": 0, "PLUMBLINE_ALERT_INTERVAL": 0, "PLUMBLINE_KEY_TRIES": 0})
        cls.world = World(cls(), cls.server)
        cls.world.fill()
        cls.world.load(cls.world.foreigner, FOREIGN, FOREIGN)
        cls.world.strategy(cls.world.foreigner, FOREIGN)
        cls.routes = {id: route for id, route in routes_of_binary().items() if id in ROUTES}
        cls.metrics = [row["key"] for row in cls.world.client.get("/v1/metrics?format=ndjson").ndjson()]

    def runTest(self):
        """unittest wants a method for the case that asserts while the class is set up."""

    def questions(self, scopes):
        """Every read, in every format, and every metric by every group, with its rows: (method, path, body)."""
        for id, row in ROUTES.items():
            route = self.routes.get(id)
            if route is None or not row.scopes & scopes or (route["method"] != "GET" and not route["versioned"] and id != "previewStrategy"):
                continue
            own = "snapshot" if row.own == "own_snapshot" else row.own
            path = row.path.replace("{own}", str(self.world.things.get(own, own)))
            for form in route["formats"] or ["json"]:
                if "text" in form or id == "watchJob":
                    continue
                yield route["method"], path + ("" if form == "json" else f"{'&' if '?' in path else '?'}format={form}"), row.body
        if "read" not in scopes:
            return
        groups = ("", "&by=rep", "&by=team", "&by=segment", "&by=product", "&by=tier", "&by=origin", "&by=period&granularity=month")
        for metric in self.metrics:
            yield "GET", f"/v1/metrics/{metric}/rows?period=2026-Q1", None
            for by in groups if WHOLE else groups[:2]:
                yield "GET", f"/v1/metrics/{metric}?period=2026-Q1{by}", None
        for by in ("team", "segment", "product", "tier", "origin", "period") if WHOLE else ("team",):
            yield "GET", f"/v1/alignment?period=2026-Q1&by={by}", None

    def answers(self, key, scopes):
        return {f"{method} {path}": self.world.ask(key, method, path, body) for method, path, body in self.questions(scopes)}

    @staticmethod
    def shown(answer, versions):
        """Everything that reaches the client; versions: also what says that something of the organisation has changed."""
        text, headers = answer.text, {name: value for name, value in answer.headers.items() if name not in ("Date", "X-Request-Id", "Content-Length")}
        text = re.sub(r'"request_id": ?"[^"]*"', "", text)
        text = re.sub(r'"(created_at|known_at|at)": ?"[^"]*"', "", text) if "preview" in answer.path else text
        if not versions:
            headers.pop("ETag", None)
            text = re.sub(r'"data_version": ?\d+', "", text)
        return answer.status, headers, text

    def compare(self, before, after, versions=True):
        self.assertEqual(list(before), list(after))
        for question in before:
            with self.subTest(question):
                self.assertEqual(self.shown(after[question], versions), self.shown(before[question], versions))

    def test_another_organisation_makes_no_difference(self):
        scopes = {"ingest", "read", "strategy", "admin"}
        key = self.server.key()
        before = self.answers(key, scopes)
        self.assertGreater(len(before), 150)
        self.world.load(self.world.foreigner, FOREIGN, FOREIGN, factor=7, at="2025-07-01T00:00:00Z")
        self.assert_ok(self.world.foreigner.delete("/v1/opportunities/d1"))
        self.world.strategy(self.world.foreigner, FOREIGN)
        after = self.answers(key, scopes)
        self.compare(before, after)
        for question, answer in after.items():
            with self.subTest(question):
                self.assertNotIn(FOREIGN, answer.text)

    def test_hidden_rows_make_no_difference(self):
        keys = {"self": self.server.key("read", read_scope="self", rep="r1"), "team": self.server.key("read", read_scope="team", team="t1")}
        before = {name: self.answers(key, {"read"}) for name, key in keys.items()}
        client = self.world.client
        self.world.load(client, OWN, HIDDEN + HIDDEN, factor=7, at="2025-07-01T00:00:00Z", only='"r2"')
        self.world.load(client, OWN, HIDDEN + HIDDEN, factor=7, at="2025-08-01T00:00:00Z", only=HIDDEN)
        self.assert_ok(client.post("/v1/opportunities", [
            {"id": "d9", "name": HIDDEN, "owner": "r2", "account": "a2", "stage": "won", "amount": "999", "currency": "EUR", "closed_at": "2026-03-01T00:00:00Z"}]))
        self.assert_ok(client.post("/v1/accounts", [{"id": "a9", "name": HIDDEN, "owner": "r2", "attributes": {"industry": "care", "another" + HIDDEN: "x"}}]))
        self.assert_ok(client.delete("/v1/opportunities/d5"))
        for name, key in keys.items():
            after = self.answers(key, {"read"})
            self.compare(before[name], after, versions=False)
            for question, answer in after.items():
                with self.subTest(f"{name} {question}"):
                    self.assertNotIn(HIDDEN, answer.text)

    def test_an_entity_tag_is_of_one_organisation_and_one_view(self):
        keys = {"all": self.server.key("read"), "team 1": self.server.key("read", read_scope="team", team="t1"),
                "team 2": self.server.key("read", read_scope="team", team="t2"), "self 1": self.server.key("read", read_scope="self", rep="r1"),
                "self 2": self.server.key("read", read_scope="self", rep="r2"), "other": self.server.key("read", org="acme")}
        for method, path, _ in self.questions({"read"}):
            if method != "GET" or not WHOLE and "/v1/metrics/" in path and "bookings_share" not in path:
                continue
            with self.subTest(path):
                tags = {name: self.world.ask(key, "GET", path).headers["ETag"] for name, key in keys.items()}
                tags = {name: tag for name, tag in tags.items() if tag is not None}
                self.assertEqual(len(set(tags.values())), len(tags), tags)
                for name, key in keys.items():
                    others = ", ".join(tag for other, tag in tags.items() if other != name)
                    if others:
                        self.assertNotEqual(self.world.ask(key, "GET", path, None, {"If-None-Match": others}).status, 304, name)

    def test_a_cursor_of_another_organisation_leads_to_one_s_own_rows(self):
        foreign, followed = self.server.key(org="acme"), 0
        for id, row in ROUTES.items():
            route = self.routes.get(id)
            if route is None or route["method"] != "GET" or "cursor" not in route["params"] or id == "listSnapshots":
                continue
            with self.subTest(id):
                own = self.world.things.get(row.own, row.own)
                path = row.path.replace("{own}", str(own))
                path += ("&" if "?" in path else "?") + "limit=1"
                page = self.assert_ok(self.world.client.get(path))
                if page.get("next") is None:
                    continue
                followed += 1
                answer = self.world.ask(foreign, "GET", f"{path}&cursor={page['next']}")
                self.assertIn(answer.status, (200, 404), answer)
                for mark in (OWN, self.world.client.key.split("_")[2]):
                    self.assertNotIn(mark, answer.text)
        self.assertGreater(followed, 5)


if __name__ == "__main__":
    unittest.main()
