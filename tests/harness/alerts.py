"""A sales team whose win rates are judged, small enough to be moved about; and its alerts."""
import datetime
import time

from .case import Case
from .receiver import Receiver

# Evaluations are made by the tests, unless they say otherwise.
QUIET = {"PLUMBLINE_ALERT_INTERVAL": "0", "PLUMBLINE_ALERT_HTTP": "on", "PLUMBLINE_GAUGE_INTERVAL": "1"}
STRATEGY = {
    "name": "Alerts", "effective_from": "2026-01-01",
    "segments": [{"key": "all", "label": "Everyone", "when": [{"attr": "industry", "exists": True}], "target": {"bookings": 1, "time": 1}}],
    "fit": {"criteria": [{"key": "i", "weight": 1, "attr": "industry", "match": [{"in": ["care"], "score": 1}]}], "min_coverage": 0.5,
            "tiers": [{"key": "core", "min": 70, "on_strategy": True}, {"key": "outside", "min": 0, "on_strategy": False}]},
    "thresholds": [{"metric": "win_rate", "by": "rep", "warn": 0.6, "fail": 0.4}]}
# Won of 200: the whole interval lies in one status; of UNCERTAIN the value is warn, but the interval reaches into ok.
OK, WARN, FAIL, UNCERTAIN = 160, 100, 40, 116


class Team:
    """Its deals are one a day number: moving the win rate is moving stages."""

    def __init__(self, case, server, thresholds=None):
        self.case, self.server, self.client, self.deals_of, self.published = case, server, server.client(), {}, None
        post = lambda path, rows: case.assert_ok(self.client.post(f"/v1/{path}", rows))
        post("teams", [{"id": "east", "name": "East"}, {"id": "west", "name": "West"}])
        post("reps", [{"id": "r1", "name": "Ann Lee", "team": "east"}, {"id": "r2", "name": "Bo <Chen> & Co", "team": "west"}])
        post("accounts", [{"id": "a1", "name": "Care", "attributes": {"industry": "care"}}])
        post("stages", [{"id": "won", "label": "Won", "outcome": "won"}, {"id": "lost", "label": "Lost", "outcome": "lost"},
                        {"id": "open", "label": "Open", "outcome": "open"}])
        self.publish(thresholds)

    def publish(self, thresholds=None, **more):
        """In force from now on for everybody, or for the teams of its scope; its id."""
        document = {**STRATEGY, **({"thresholds": thresholds} if thresholds else {}), **more}
        strategy = self.case.assert_ok(self.client.post("/v1/strategies", document))["id"]
        self.case.assert_ok(self.client.post(f"/v1/strategies/{strategy}/publish"))
        self.published = document
        return strategy

    def deals(self, rep, won, of=200, account="a1"):
        """The rep has these deals; so many are won, the others lost."""
        now = datetime.datetime.now(datetime.timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ")
        wanted = {f"{rep}-{account}-{n}": "won" if n < won else "lost" for n in range(of)}
        had = self.deals_of.get(rep, {})
        rows = [{"id": name, "account": account, "owner": rep, "stage": stage, "amount": "10.00", "currency": "EUR", "closed_at": now}
                for name, stage in wanted.items() if had.get(name) != stage]
        rows += [{"id": name, "stage": "open"} for name, stage in had.items() if name not in wanted and stage != "open"]
        self.deals_of[rep] = {**{name: "open" for name in had}, **wanted}
        if rows:
            self.case.assert_status(self.client.post_ndjson("/v1/opportunities", rows), 200)

    def begin_again(self):
        """No alerts, no endpoints, the first strategy, nobody with a deal that is decided."""
        if self.published != STRATEGY:
            self.publish()
        for rep in list(self.deals_of):
            self.deals(rep, 0, of=0)
        self.server.sql("; ".join(f"DELETE FROM {table} WHERE org_id = 1" for table in (
            "alert", "alert_state", "alert_round", "alert_delivery", "alert_endpoint", "alert_endpoint_secret")))

    def evaluate(self, times=1, hold=1):
        """Evaluations one after the other, as the service makes them an interval apart; the alerts of each."""
        return [self.server.sql(f"SELECT state, ok, warn, fail, coalesce(said, '') FROM pl.alert_evaluate(1, 0, {hold})")[0] for _ in range(times)]

    def alerts(self, query="", client=None):
        """(from, to) of the alerts, the oldest first."""
        listed = self.case.assert_ok((client or self.client).get(f"/v1/alerts{query}"))["data"]
        return [(alert["key"], alert["from"], alert["to"]) for alert in reversed(listed)]

    def endpoint(self, url, **config):
        return self.case.assert_status(self.client.post("/v1/alert-endpoints", {"url": url, **config}), 201).json()

    def deliveries(self, query=""):
        return self.case.assert_ok(self.client.get(f"/v1/alert-deliveries{query}"))["data"]

    def due(self, id):
        """Moves the clock of a delivery: its next attempt is now."""
        self.server.sql(f"UPDATE alert_delivery SET next_at = clock_timestamp() WHERE org_id = 1 AND delivery_id = {id[1:]} AND state = 'pending'")

    def settled(self, id, attempts=1, seconds=20):
        """The delivery, once so many attempts are over."""
        def look():
            over = self.server.value(f"SELECT attempts >= {attempts} AND leased_until IS NULL FROM alert_delivery WHERE org_id = 1 AND delivery_id = {id[1:]}")
            return self.case.assert_ok(self.client.get(f"/v1/alert-deliveries/{id}")) if over == "t" else None
        return self.case.eventually(look, seconds)


class Alerted(Case):
    """A server and a team for each test."""
    settings = QUIET

    def setUp(self):
        self.server = self.serve(env=self.settings)
        self.team = Team(self, self.server)
        self.client = self.team.client

    def receiver(self, *answers, **options):
        receiver = Receiver(*answers, **options)
        self.addCleanup(receiver.close)
        return receiver

    def eventually(self, look, seconds=30):
        """What look() gives once it is true."""
        deadline = time.monotonic() + seconds
        while not (found := look()):
            self.assertLess(time.monotonic(), deadline, "did not come true")
            time.sleep(0.05)
        return found

    def told(self, receiver, **config):
        """An endpoint at the receiver that was told one alert."""
        endpoint = self.team.endpoint(receiver.url, **config)
        self.team.deals("r1", FAIL)
        self.assertEqual(self.team.evaluate()[0][:4], ["done", "0", "0", "1"])
        return endpoint

    def tried(self, endpoint, client=None):
        """The delivery of a test, once it is over: on a busy machine that may be after the answer."""
        client = client or self.client
        answer = client.post(f"/v1/alert-endpoints/{endpoint}/test")
        delivery = self.assert_ok(answer)
        self.assertEqual(answer.status == 202, delivery["state"] == "pending", answer)
        look = lambda: self.assert_ok(client.get(f"/v1/alert-deliveries/{delivery['id']}"))
        return self.eventually(lambda: next((found for found in [look()] if found["state"] != "pending"), None))


class Shared(Alerted):
    """A server and a team for all tests of a class; each begins without alerts and endpoints, and with nothing certain."""

    @classmethod
    def setUpClass(cls):
        cls.server = cls.start(env=cls.settings)
        cls.shared = Team(cls("nothing"), cls.server)

    def nothing(self):
        """The instance that the team is made for runs no test."""

    def setUp(self):
        self.team, self.client = self.shared, self.shared.client
        self.team.case = self
        self.team.begin_again()
