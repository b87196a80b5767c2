"""Laws of judging, on generated histories: what is kept up to date event by event is what all events make at once, in whatever
order they arrive; and the past is what a database that never heard of the rest would say."""
import itertools
import json
import os

from harness import BINARY, Case, Database
from judge_histories import FEED, STRATEGIES, History

SEED = int(os.environ.get("PLUMBLINE_TEST_SEED", "20240515"))
ROUNDS = int(os.environ.get("PLUMBLINE_TEST_ROUNDS", "8"))


class Judge(Case):
    @classmethod
    def setUpClass(cls):
        cls.database = Database(BINARY)
        cls.addClassCleanup(cls.database.drop)
        cls.database.sql(FEED)
        cls.numbers = itertools.count(1)

    def org(self, history, batches):
        """A new organisation that was fed these batches, the n-th received in the n-th minute of 1 April 2024."""
        script = [f"SELECT test_org('o{next(self.numbers)}', $j${json.dumps(history.strategies)}$j$, $j${json.dumps(history.settings)}$j$) AS org \\gset"]
        for number, batch in enumerate(batches):
            script.append(f"SELECT test_feed(:org, '{self.received(number)}', $j${json.dumps(batch)}$j$) \\g /dev/null")
        script.append("SELECT :org;")
        return int(self.database.value("\n".join(script)))

    @staticmethod
    def received(number):
        return f"2024-04-01T{number // 60:02d}:{number % 60:02d}:00Z"

    def rows(self, call):
        return sorted(row[0] for row in self.database.sql(f"SELECT * FROM {call}"))

    def assert_rows(self, found, wanted, what):
        if found != wanted:
            self.fail(f"{what}\nonly in the first:\n" + "\n".join(sorted(set(found) - set(wanted))[:10]) + "\nonly in the second:\n" + "\n".join(sorted(set(wanted) - set(found))[:10]))

    def test_histories_do_something(self):
        """The generator is worth its name: verdicts, money, closings, back-casts and overrides all occur."""
        wanted = {"on": "deal_fact WHERE closed_class = 'on'", "off": "deal_fact WHERE created_class = 'off'", "money": "deal_fact WHERE money IS NOT NULL",
                  "unpriced": "deal_fact WHERE closed_at IS NOT NULL AND amount IS NOT NULL AND money IS NULL", "lines": "deal_fact WHERE families <> '{}'",
                  "moved": "deal_fact WHERE created_account IS DISTINCT FROM closed_account", "backcast": "deal_fact WHERE created_backcast",
                  "override": "account_fit WHERE reason = 'override'", "shared": "activity_fact WHERE share < 1", "led": "activity_fact WHERE deal_id <> '' AND account_id <> ''"}
        for number in range(40):
            history = History(SEED + number)
            org = self.org(history, history.batches(history.events))
            wanted = {name: rows for name, rows in wanted.items() if self.database.value(f"SELECT count(*) FROM {rows} AND org_id = {org}") == "0"}
            if not wanted:
                return
        self.fail(f"never seen in 40 histories: {', '.join(wanted)}")

    def test_kept_up_to_date_is_made_anew(self):
        for number in range(ROUNDS):
            with self.subTest(seed=SEED + number):
                history = History(SEED + number)
                org = self.org(history, history.batches(history.events))
                kept = self.rows(f"test_rows({org})")
                self.database.sql(f"SELECT test_anew({org})")
                self.assert_rows(kept, self.rows(f"test_rows({org})"), "event by event against all at once")

    def test_deal_by_deal_is_what_all_at_once_are(self):
        """A write judges its deals by probes from rows at hand; questions of the past judge all by joins over what was known then."""
        for number in range(ROUNDS):
            with self.subTest(seed=SEED + 3000 + number):
                history = History(SEED + 3000 + number)
                org = self.org(history, history.batches(history.shuffled()))
                self.assert_rows(self.rows(f"(SELECT (to_jsonb(t) - 'org_id')::text FROM deal_fact AS t WHERE org_id = {org}) AS kept"),
                                 self.rows(f"(SELECT (to_jsonb(t) - 'org_id')::text FROM pl.derive_deal_facts({org}, 'infinity', NULL, NULL) AS t) AS derived"),
                                 "kept by writes, against derived for a point in time after all")

    def test_order_of_arrival_does_not_matter(self):
        for number in range(ROUNDS):
            with self.subTest(seed=SEED + 1000 + number):
                history = History(SEED + 1000 + number)
                first = self.org(history, history.batches(history.events))
                second = self.org(history, history.batches(history.shuffled()))
                third = self.org(history, [history.shuffled()])
                wanted = self.rows(f"test_rows({first})")
                self.assert_rows(self.rows(f"test_rows({second})"), wanted, "another order, other batches")
                self.assert_rows(self.rows(f"test_rows({third})"), wanted, "one batch")

    def test_the_past_is_what_was_known_then(self):
        for number in range(ROUNDS):
            history = History(SEED + 2000 + number)
            batches = history.batches(history.shuffled())
            org = self.org(history, batches)
            for turn in range(3):
                as_of = history.pick(None, f"{history.day()}T{history.random.randrange(24):02d}:00:00Z")
                known = history.pick(None, history.random.randrange(len(batches)))
                with self.subTest(seed=SEED + 2000 + number, turn=turn, as_of=as_of, known=known):
                    heard = [event for n, batch in enumerate(batches) for event in batch
                             if (known is None or n <= known) and (as_of is None or event["at"] <= as_of)]
                    fresh = self.org(history, [heard] if heard else [])
                    at = as_of or "2024-06-01T00:00:00Z"
                    found = self.rows(f"test_facts({org}, {literal(as_of)}, {literal(None if known is None else self.received(known))}, '{at}')")
                    self.assert_rows(found, self.rows(f"test_facts({fresh}, NULL, NULL, '{at}')"), "asked of the past, against only told the past")

    def narrow(self, org, which, start, end, as_of):
        return self.rows(f"(SELECT to_jsonb(t)::text FROM pl.facts_then({org}, '{as_of}', pl.reporting_currency({org}, '{as_of}'), '{which}', '{start}', '{end}') AS t) AS narrow")

    def assert_narrow(self, org, which, start, end, as_of):
        """What is known of a span as of an instant is what is derived for all and then looked for in the span."""
        whole = self.rows(f"(SELECT to_jsonb(t)::text FROM pl.derive_deal_facts({org}, '{as_of}', NULL, NULL) AS t WHERE t.{which}_at >= '{start}' AND t.{which}_at < '{end}') AS whole")
        self.assert_rows(self.narrow(org, which, start, end, as_of), whole, "of a span, against all")
        opened = "SELECT deal_id, name, owner, account_id, amount, currency, probability, origin, families, weights, created_at, expected_close"
        self.assert_rows(self.rows(f"(SELECT to_jsonb(t)::text FROM ({opened} FROM pl.open_states({org}, '{as_of}', NULL)) AS t) AS narrow"),
                         self.rows(f"(SELECT to_jsonb(t)::text FROM ({opened} FROM pl.derive_deal_facts({org}, '{as_of}', NULL, NULL) WHERE outcome = 'open') AS t) AS whole"), "open then, against all")
        first = (f"SELECT (SELECT d.currency FROM pl.deal_states({org}, '{as_of}', NULL, NULL) AS d WHERE d.amount IS NOT NULL AND d.currency IS NOT NULL "
                 'ORDER BY d.created_at, d.deal_id COLLATE "C" LIMIT 1)')
        self.assertEqual(self.database.value(f"SELECT pl.first_currency_then({org}, '{as_of}', NULL)"), self.database.value(first), "the first currency, against that of all deals")

    def test_the_past_of_a_span_is_that_of_all(self):
        for number in range((ROUNDS + 1) // 2):
            history = History(SEED + 4000 + number, size=160)
            org = self.org(history, history.batches(history.shuffled()))
            times = sorted({event["at"] for event in history.events})
            # While stages still change, any deal may be another one: what is told apart comes after.
            settled = max(event["at"] for event in history.events if event["kind"] == "stage")
            for as_of in [f"{history.day()}T12:00:00Z", *(at for at in times[-6:-1] if at >= settled)]:
                start, end = history.pick(("2023-12-01", "2024-06-01"), sorted((history.day(), f"{history.day()}T10:30:00.5Z")))
                for which in ("closed", "created"):
                    with self.subTest(seed=SEED + 4000 + number, as_of=as_of, which=which, start=start, end=end):
                        self.assert_narrow(org, which, start, end, as_of)

    def test_the_past_of_a_span_knows_what_has_changed_since(self):
        """One thing at a time of all that a deal's fact rests on: what is told of the past is neither the fact of now nor anything but what all events of then make."""
        for name, (settings, before, since) in SINCE.items():
            with self.subTest(name):
                world = Settled(settings, before)
                org = self.org(world, [world.events])
                found = self.narrow(org, "closed", *SPAN), self.narrow(org, "created", *SPAN)
                self.database.sql(f"SELECT test_feed({org}, '{self.received(1)}', $j${json.dumps(world.told(since))}$j$)")
                for which in ("closed", "created"):
                    self.assert_narrow(org, which, *SPAN)
                self.assertEqual((self.narrow(org, "closed", *SPAN), self.narrow(org, "created", *SPAN)), found, "before it was told, and after")
                now = [self.rows(f"(SELECT to_jsonb(t)::text FROM pl.facts_now({org}, '{which}', '{SPAN[0]}', '{SPAN[1]}') AS t) AS now") for which in ("closed", "created")]
                self.assertNotEqual(now, list(found), "what has changed since makes no difference now")


def literal(value):
    return "NULL" if value is None else f"'{value}'"


SPAN = ("2024-01-01", "2024-06-01", "2024-02-15T00:00:00Z")  # from, to, as of


class Settled:
    """A world in which a deal has been won; what is told of it later is all that changes."""

    def __init__(self, settings, before):
        self.settings = {"time_zone": "UTC", "backcast": "on", "won_close_basis": "transition", "reporting_currency": "EUR", **settings}
        self.strategies, self.number = STRATEGIES, 0
        self.events = self.told([("stage", "Open", "2023-01-01", {"label": "Open", "outcome": "open"}), ("stage", "Won", "2023-01-01", {"label": "Won", "outcome": "won"}),
                                 ("team", "emea", "2023-01-01", {"name": "E"}), ("team", "paris", "2023-01-01", {"name": "P"}), ("product", "p1", "2023-01-01", {"name": "P"}),
                                 ("rep", "ann", "2023-01-01", {"name": "A", "team": "paris"}), ("rep", "bob", "2023-01-01", {"name": "B"}),
                                 ("account", "a1", "2023-01-01", {"name": "A", "attributes": {"industry": "care", "size": 200}}), ("account", "a3", "2023-01-01", {"name": "A"}),
                                 ("account", "a4", "2023-01-01", {"name": "A"}), deal("d1", "2024-01-10", "Open"), deal("d1", "2024-02-01", "Won"), *before])

    def told(self, events):
        items = []
        for kind, name, at, patch in events:
            self.number += 1
            operation = "merge" if "merged_into" in patch else "patch"
            items.append({"kind": kind, "id": name, "operation": operation, "at": f"{at}T10:00:00Z", "event_id": f"e{self.number}", "patch": patch})
        return items


def deal(name, at, stage, **more):
    return "opportunity", name, at, {"stage": stage, "owner": "ann", "account": "a1", "amount": 100, "currency": "EUR", **more}


SINCE = {  # settings, what is known before the instant, and what is told after it
    "an attribute of the account": ({}, [deal("d2", "2024-01-20", "Won", account="a3")], [("account", "a3", "2024-03-01", {"attributes": {"industry": "care", "size": 1}})]),
    "an attribute of the account that its own was merged into": (
        {}, [deal("d2", "2024-01-20", "Open", account="a3"), ("account", "a3", "2024-01-25", {"merged_into": "a4"}), deal("d2", "2024-02-05", "Won", account="a3")],
        [("account", "a4", "2024-03-01", {"attributes": {"industry": "care", "size": 1}})]),
    "the team of the rep": ({}, [deal("d2", "2024-01-20", "Won", owner="bob")], [("rep", "bob", "2024-03-01", {"team": "emea"})]),
    "the tree of teams": ({}, [], [("team", "paris", "2024-03-01", {"parent": "emea"})]),
    "the family of a product": ({}, [deal("d2", "2024-01-20", "Won", lines=[{"id": "1", "product": "p1", "amount": "1"}])], [("product", "p1", "2024-03-01", {"family": "F"})]),
    "a rate": ({}, [deal("d2", "2024-01-20", "Won", currency="USD")], [("fx-rate", "USD-EUR-2024-01-15", "2024-03-01", {"rate": "0.5"})]),
    "what a stage means": ({}, [], [("stage", "Won", "2024-03-01", {"label": "Won", "outcome": "open"})]),
    "the stage": ({}, [], [deal("d1", "2024-03-01", "Open")]),
    "the source's date of a deal that was won when first seen": ({}, [deal("d2", "2023-02-03", "Won", closed_at="2024-01-15")], [deal("d2", "2024-03-01", "Won", closed_at="2023-05-05")]),
    "the source's date of a deal that was won": ({"won_close_basis": "source_date"}, [deal("d2", "2023-02-03", "Open"), deal("d2", "2023-03-03", "Won", closed_at="2024-01-15")],
                                                [deal("d2", "2024-03-01", "Won", closed_at="2023-05-05")]),
    "the date of creation": ({}, [deal("d2", "2024-01-20", "Open", created_at="2024-01-12")], [deal("d2", "2024-03-01", "Open", created_at="2023-01-12")]),
    "whether there is a deal": ({}, [], [deal("d2", "2024-03-01", "Won", created_at="2024-01-12", closed_at="2024-01-15")]),
    "the instant, before a deal's date of creation": ({}, [deal("d2", "2024-01-20", "Open", created_at="2024-04-12")], [("account", "a4", "2024-03-01", {"name": "B"})]),
    "the currency of the first deal": ({"reporting_currency": None}, [], [deal("d1", "2024-03-01", "Won", currency="USD")]),
    "which deal is the first": ({"reporting_currency": None}, [deal("d2", "2024-01-20", "Won", currency="USD", created_at="2024-01-02")],
                                [deal("d2", "2024-03-01", "Won", currency="USD", created_at="2024-02-02")]),
    "whether the first deal has a price": ({"reporting_currency": None}, [deal("d2", "2024-01-20", "Won", currency="USD", amount=None, created_at="2024-01-02")],
                                           [deal("d2", "2024-03-01", "Won", currency="USD", created_at="2024-01-02")]),
}
