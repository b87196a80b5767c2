"""Two organisations with the same ids, two teams in one of them, and a key of every kind.

All names of the first organisation hold ALFA, those of what the other team of it has hold ZULU as well, names of the second organisation
hold TANGO: none may show up where it must not."""
import itertools
import json
import re

from access_routes import DOCUMENT
from harness import Client

AT = "2025-06-01T00:00:00Z"
OWN, HIDDEN, FOREIGN = "ALFA", "ZULU", "TANGO"
STRATEGY = DOCUMENT | {"effective_from": "2025-01-01", "messages": [{"key": "uptime", "label": "Never down", "target": 1}],
                       "products": {"GTX": 1.0}}


def records(mark, other, factor=1):
    """What an organisation knows; mark: in its names; other: the mark on what team t2 has, factor: how much of it."""
    deal = lambda id, rep, account, amount, stage="won": {
        "id": id, "name": f"Deal {mark}" + (f" {other}" if rep == "r2" else ""), "owner": rep, "account": account, "stage": stage,
        "amount": str(amount * (factor if rep == "r2" else 1)), "currency": "EUR", "origin": "inbound", "created_at": "2026-01-10T00:00:00Z",
        **({"closed_at": "2026-02-10T00:00:00Z"} if stage == "won" else {"expected_close": "2026-03-01"}),
        "lines": [{"id": "1", "product": "p1", "amount": str(amount * (factor if rep == "r2" else 1))}]}
    activity = lambda id, rep, account, deal: {
        "id": id, "kind": "meeting", "starts_at": "2026-01-20T10:00:00Z", "duration_s": 3600 * (factor if rep == "r2" else 1), "rep": rep,
        "account": account, "opportunity": deal, "outcome": "held", "messages": ["uptime"]}
    return {
        "stages": [{"id": "won", "label": f"Won {mark}", "outcome": "won"}, {"id": "open", "label": f"Open {mark}", "outcome": "open"}],
        "teams": [{"id": "t1", "name": f"North {mark}"}, {"id": "t2", "name": f"South {other}"}],
        "reps": [{"id": "r1", "name": f"Ann {mark}", "team": "t1"}, {"id": "r2", "name": f"Bob {other}", "team": "t2", "cost_per_hour": "90", "cost_currency": "EUR"}],
        "products": [{"id": "p1", "name": f"GTX One {mark}", "family": "GTX"}],
        "fx-rates": [{"id": "EUR-USD-2026-01-31", "rate": "1.1"}],
        "accounts": [{"id": "a1", "name": f"Clinic {mark}", "owner": "r1", "is_target": True, "attributes": {"industry": "care"}},
                     {"id": "ab", "name": f"Shared {mark}", "owner": "r1", "attributes": {"industry": "bank"}},
                     {"id": "a2", "name": f"Bank {other}", "owner": "r2", "is_target": True, "attributes": {"industry": "bank", f"only{other}": 1}}],
        "opportunities": [deal("d1", "r1", "a1", 100), deal("d4", "r1", "ab", 30, "open"), deal("d2", "r2", "a2", 70),
                          deal("d3", "r2", "ab", 50), deal("d5", "r2", "a2", 20, "open")],
        "activities": [activity("v1", "r1", "a1", "d1"), activity("v2", "r2", "a2", "d2"), activity("v3", "r2", "ab", "d3")]}


class World:
    def __init__(self, case, server):
        self.case, self.server, self.numbers = case, server, itertools.count(1)
        if server.plumbline("org", "create", "acme").returncode != 0:
            raise AssertionError("org create failed")
        self.client, self.foreigner = server.client(), server.client(org="acme")
        self.things = {}

    # ── keys ──
    def end_key(self, label, change):
        key = self.server.key("read", label=label)
        self.server.sql(f"UPDATE api_key SET {change} WHERE org_id = 1 AND key_id = '{key.split('_')[2]}'")
        return key

    def keys(self):
        """kind → (key or None, scopes; None: nobody gets in with it, and the code says why)."""
        key, good = self.server.key, self.server.key("admin")
        wrong = good[:-1] + ("B" if good[-1] == "A" else "A")
        kinds = {
            "no key": (None, "unauthorized"), "malformed": ("pl_1_x", "unauthorized"), "wrong secret": (wrong, "unauthorized"),
            "unknown id": (re.sub(r"_[0-9a-f]+_", "_000000000000_", good), "unauthorized"),
            "of an organisation that is none": (re.sub(r"^pl_\d+", "pl_999", good), "unauthorized"),
            "secret of another organisation": (re.sub(r"^pl_\d+", "pl_2", good), "unauthorized"),
            "expired": (self.end_key("expired", "expires_at = now() - interval '1 minute'"), "key_expired"),
            "revoked": (self.end_key("revoked", "revoked_at = now()"), "unauthorized"),
        }
        allowed = {scope: (key(scope), {scope}) for scope in ("ingest", "read", "strategy", "admin")}
        allowed |= {
            "read team": (key("read", read_scope="team", team="t1"), {"read"}), "read self": (key("read", read_scope="self", rep="r1"), {"read"}),
            "ingest, of a source": (key("ingest", source="erp"), {"ingest"}), "ingest, of a rep": (key("ingest", rep="r1"), {"ingest"}),
            "ingest, of a team": (key("ingest", team="t1"), {"ingest"}),
            "ingest and read self": (key("ingest", "read", read_scope="self", rep="r1"), {"ingest", "read"}),
            "strategy and read team": (key("strategy", "read", read_scope="team", team="t1"), {"strategy", "read"}),
            "everything, read self": (key("ingest", "read", "strategy", "admin", read_scope="self", rep="r1"), {"ingest", "read", "strategy", "admin"}),
        }
        return kinds | allowed

    @staticmethod
    def is_narrow(kind):
        return kind.endswith(("read self", "read team"))

    def ask(self, key, method, path, body=None, headers=None):
        return Client(self.server.url, key).request(method, path, body, headers)

    # ── content ──
    def load(self, client, mark, other, factor=1, at=AT, only=""):
        """only: no rows but those that hold this."""
        for kind, rows in records(mark, other, factor).items():
            wanted = [{"occurred_at": at, **row} for row in rows if only in json.dumps(row)]
            if wanted:
                answer = client.post(f"/v1/{kind}", wanted)
                self.case.assertEqual(answer.json().get("rejected", 0), 0, answer)

    def strategy(self, client, mark):
        draft = self.case.assert_ok(client.post("/v1/strategies", STRATEGY | {"name": f"Strategy {mark}"}))["id"]
        self.case.assert_ok(client.post(f"/v1/strategies/{draft}/publish"))
        return draft

    def fill(self):
        """The first organisation, whole: something for every route to show."""
        self.load(self.client, OWN, HIDDEN)
        ok, post = self.case.assert_ok, self.client.post
        snapshot = {"of": "metric", "metric": "bookings_share", "question": {"by": "rep", "period": "2026-Q1"}, "name": f"All {OWN} {HIDDEN}"}
        ok(self.client.put("/v1/sources/crm", {"preset": "generic"}))
        self.things |= {"strategy": self.strategy(self.client, OWN), "quarantined": self.quarantined(), "job": self.job(),
                        "crm": "crm", "snapshot": ok(post("/v1/snapshots", snapshot))["id"], "endpoint": self.endpoint()}
        self.gap()
        self.things["delivery"] = self.delivery()
        for by, id, team in (("rep", "r1", "t1"), ("rep", "r2", "t2"), ("team", "t1", "t1"), ("team", "t2", "t2")):
            self.alert(by, id, team)

    def own_snapshot(self, key):
        if key not in self.things:
            answer = self.ask(key, "POST", "/v1/snapshots", {"of": "metric", "metric": "bookings_share", "question": {"by": "rep", "period": "2026-Q1"}})
            self.things[key] = self.case.assert_status(answer, 201).json()["id"]
        return self.things[key]

    # ── things that a call uses up ──
    def name(self, prefix):
        return f"{prefix}{next(self.numbers)}"

    def fresh(self, plural, record):
        number = next(self.numbers)
        id = f"EUR-USD-{2000 + number // 300:04d}-{number // 25 % 12 + 1:02d}-{number % 25 + 1:02d}" if plural == "fx-rates" else f"w{number}"
        self.case.assert_ok(self.client.put(f"/v1/{plural}/{id}?occurred_at={AT}", record))
        return id

    def source(self):
        name = self.name("fresh")
        self.case.assert_ok(self.client.put(f"/v1/sources/{name}", {"preset": "generic"}))
        return name

    def quarantined(self):
        self.client.put(f"/v1/reps/{self.name('late')}?occurred_at=2099-01-01T00:00:00Z", {"name": f"Late {OWN}"})
        return self.case.assert_ok(self.client.get("/v1/quarantine?limit=1"))["data"][0]["id"]

    def endpoint(self):
        return self.case.assert_ok(self.client.post("/v1/alert-endpoints", {"url": "https://127.0.0.1:9/", "name": f"Told {OWN}", "enabled": False}))["id"]

    def alert(self, by, id, team):
        figure = '{"value": 0.2, "ci": null, "n": 9, "unit": "fraction", "currency": null, "threshold": {"warn": 0.6, "fail": 0.4, "direction": "higher"}}'
        self.server.sql("INSERT INTO alert (org_id, alert_id, at, period, first_on, end_on, strategy_id, team_id, metric, grouped_by, key, to_status, about_team, figure) "
                        f"SELECT 1, coalesce(max(alert_id), 0) + 1, now(), 'FQ1-2026', '2026-01-01', '2026-04-01', '{self.things['strategy']}', '', 'win_rate', '{by}', "
                        f"'{id}', 'fail', '{team}', '{figure}' FROM alert WHERE org_id = 1")

    def delivery(self):
        """Given up, to an endpoint that is disabled: nobody sends it by the way, also when it is to be sent again."""
        id = self.server.value("INSERT INTO alert_delivery (org_id, delivery_id, endpoint_id, alert_id, message_id, state, attempts, tries, last_error, created_at) "
                               "SELECT 1, coalesce(max(delivery_id), 0) + 1, 1, 1, 'msg_matrix', 'dead', 10, 10, 'answered 500', now() FROM alert_delivery WHERE org_id = 1 "
                               "RETURNING delivery_id")
        return f"d{id}"

    def gap(self):
        self.server.sql(f"SELECT pl.resync_put(1, 'crm', '{{account}}', '{{{self.name('gap')}}}', '{{gap}}')")
        return self.case.assert_ok(self.client.get("/v1/resync?limit=1000"))["data"][-1]["id"]

    def draft(self):
        """Of a day of its own: published ones stay."""
        number = next(self.numbers)
        document = DOCUMENT | {"effective_from": f"{2031 + number // 300}-{number // 25 % 12 + 1:02d}-{number % 25 + 1:02d}"}
        return self.case.assert_ok(self.client.post("/v1/strategies", document))["id"]

    def job(self):
        self.case.assert_ok(self.client.post(f"/v1/strategies/{self.draft()}/publish?async=true"))
        job = self.case.assert_ok(self.client.get("/v1/jobs?limit=1"))["data"][0]["id"]
        self.client.get(f"/v1/jobs/{job}/events")  # to its end
        return job

    def overridden(self):
        account = self.fresh("accounts", {"name": "W"})
        self.case.assert_ok(self.client.put(f"/v1/accounts/{account}/fit-override", {"tier": "core", "reason": "matrix"}))
        return account

    def of(self, row, key):
        """What stands for {own} in a call of this row with this key."""
        if callable(row.own):
            return row.own(self)
        if row.own == "own_snapshot":
            return self.own_snapshot(key)
        return self.things.get(row.own, row.own)

    # ── what must not change ──
    def fingerprint(self, org):
        """A digest of every row of an organisation in every table, but when its keys were used last."""
        tables = [row[0] for row in self.server.sql("SELECT c.table_name FROM information_schema.columns c JOIN information_schema.tables t USING "
                                                    "(table_schema, table_name) WHERE c.table_schema = 'public' AND c.column_name = 'org_id' "
                                                    "AND t.table_type = 'BASE TABLE' ORDER BY 1")]
        each = " UNION ALL ".join(f"SELECT '{table}', count(*), md5(string_agg(x, '|' ORDER BY x)) FROM (SELECT (to_jsonb(t) - 'last_used_at')::text AS x "
                                  f"FROM {table} t WHERE org_id = {org}) y" for table in tables)
        return {row[0]: tuple(row[1:]) for row in self.server.sql(each)}
