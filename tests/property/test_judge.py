"""Laws of judging, on generated histories: what is kept up to date event by event is what all events make at once, in whatever
order they arrive; and the past is what a database that never heard of the rest would say."""
import itertools
import json
import os

from harness import BINARY, Case, Database
from judge_histories import FEED, History

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


def literal(value):
    return "NULL" if value is None else f"'{value}'"
