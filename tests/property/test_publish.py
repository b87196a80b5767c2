"""Laws of publishing by a job, on generated histories: whatever is written between its steps, readers see the old verdicts to the last
row until the switch, the new ones after it, and these are what publishing first and writing then would have made."""
import collections
import decimal
import itertools
import json
import os

from harness import BINARY, Case, Database
from judge_histories import FEED, STRATEGIES, History

SEED = int(os.environ.get("PLUMBLINE_TEST_SEED", "20240515"))
ROUNDS = int(os.environ.get("PLUMBLINE_TEST_ROUNDS", "8"))

HELP = """
CREATE FUNCTION test_verdicts(p_org int) RETURNS SETOF text LANGUAGE sql AS $$
  SELECT 'deal ' || (to_jsonb(t) - 'org_id')::text FROM deal_fact AS t WHERE org_id = p_org UNION ALL
  SELECT 'activity ' || (to_jsonb(t) - 'org_id')::text FROM activity_fact AS t WHERE org_id = p_org
$$;
CREATE FUNCTION test_publish(p_org int, p_body jsonb) RETURNS text LANGUAGE sql AS $$
  SELECT pl.strategy_publish(p_org, jsonb_build_object('path', jsonb_build_array(c.id), 'query', '{"async": "true"}'::jsonb))
    FROM pl.strategy_create(p_org, jsonb_build_object('body', p_body)) AS c
$$;
CREATE FUNCTION test_step(p_org int, p_chunk int) RETURNS text LANGUAGE plpgsql AS $$
BEGIN
  UPDATE job SET chunk = p_chunk WHERE org_id = p_org;
  PERFORM pl.job_step(p_org);
  RETURN (SELECT phase || CASE WHEN error IS NULL THEN '' ELSE ': ' || error END FROM job WHERE org_id = p_org);
END $$;
"""


class Publish(Case):
    @classmethod
    def setUpClass(cls):
        cls.database = Database(BINARY)
        cls.addClassCleanup(cls.database.drop)
        cls.database.sql(FEED)
        cls.database.sql(HELP)
        cls.numbers = itertools.count(1)

    def org(self, history, strategies):
        return int(self.database.value(f"SELECT test_org('p{next(self.numbers)}', $j${json.dumps(strategies)}$j$, $j${json.dumps(history.settings)}$j$)"))

    def feed(self, org, number, batch):
        self.database.sql(f"SELECT test_feed({org}, '2024-04-01T{number // 60:02d}:{number % 60:02d}:00Z', $j${json.dumps(batch)}$j$)")

    def rows(self, call):
        return sorted(row[0] for row in self.database.sql(f"SELECT * FROM {call}"))

    def assert_rows(self, found, wanted, what):
        if found != wanted:
            self.fail(f"{what}\nonly in the first:\n" + "\n".join(sorted(set(found) - set(wanted))[:10]) + "\nonly in the second:\n" + "\n".join(sorted(set(wanted) - set(found))[:10]))

    def test_publishing_between_writes(self):
        switched = 0
        for number in range(max(ROUNDS // 2, 1)):
            with self.subTest(seed=SEED + number):
                history = History(SEED + number)
                strategies = history.random.sample(STRATEGIES, history.random.randint(2, 3))
                batches = history.batches(history.shuffled())
                published, old, new = self.org(history, strategies[:-1]), self.org(history, strategies[:-1]), self.org(history, strategies)
                begin = history.random.randrange(len(batches) // 2)
                phase, changed = None, False
                for n, batch in enumerate(batches):
                    if n == begin:
                        self.database.sql(f"SELECT test_publish({published}, $j${json.dumps(strategies[-1])}$j$)")
                    for org in (published, old, new):
                        self.feed(org, n, batch)
                    if n >= begin and phase != "done":
                        phase = self.database.value(f"SELECT test_step({published}, {history.random.choice([1, 2, 3])})")
                        self.assertNotIn(":", phase)
                    is_new = phase in ("old_deals", "old_activities", "done")
                    self.assert_rows(self.rows(f"test_verdicts({published})"), self.rows(f"test_verdicts({new if is_new else old})"), f"batch {n}, phase {phase}")
                    changed |= is_new
                while phase != "done":
                    phase = self.database.value(f"SELECT test_step({published}, 1)")
                    self.assertNotIn(":", phase)
                switched += changed
                self.assert_rows(self.rows(f"test_rows({published})"), self.rows(f"test_rows({new})"), "published by a job against published first")
                self.assertEqual(self.database.value(f"SELECT count(*) FROM deal_fact_of AS d JOIN org_version AS v USING (org_id) WHERE org_id = {published} AND d.epoch <> v.epoch"), "0")
                self.database.sql(f"SELECT pl.rebuild({published})")
                self.assert_rows(self.rows(f"test_rows({published})"), self.rows(f"test_rows({new})"), "a rebuild after it")
        self.assertGreater(switched, 0, "no round wrote anything after the switch")

    VERDICTS = {
        "accounts": "SELECT account_id, class, tier, segment, '0' FROM pl.accounts_judged({org}, NULL, NULL)",
        "bookings": "SELECT deal_id, closed_class, closed_tier, closed_segment, money FROM deal_fact WHERE org_id = {org} AND outcome = 'won'",
        "pipeline": "SELECT deal_id, class, tier, segment, money FROM pl.open_deals({org}, NULL, NULL)"}

    def verdicts(self, org):
        return {population: {row[0]: row[1:] for row in self.database.sql(query.format(org=org))} for population, query in self.VERDICTS.items()}

    @staticmethod
    def moves(before, after, place):
        """(from, to) → ids and money, as publishing made them."""
        found = collections.defaultdict(lambda: ([], decimal.Decimal(0)))
        for name, verdict in sorted(after.items()):
            if before[name][place] != verdict[place]:
                ids, money = found[before[name][place], verdict[place]]
                found[before[name][place], verdict[place]] = ids + [name], money + decimal.Decimal(verdict[3] or 0)
        return {key: (ids, round(money, 2)) for key, (ids, money) in found.items()}

    @staticmethod
    def told(moves):
        return {(move["from"], move["to"]): (move["sample"], decimal.Decimal(move["money"])) for move in moves}

    def test_preview_is_what_publishing_does(self):
        moved = collections.Counter()
        for number in range(ROUNDS):
            with self.subTest(seed=SEED + 5000 + number):
                history = History(SEED + 5000 + number)
                strategies = history.random.sample(STRATEGIES, history.random.randint(1, 3))
                org = self.org(history, strategies[:-1])
                for n, batch in enumerate(history.batches(history.events)):
                    self.feed(org, n, batch)
                draft = self.database.value(f"SELECT id FROM pl.strategy_create({org}, jsonb_build_object('body', $j${json.dumps(strategies[-1])}$j$::jsonb))")
                request = f"""jsonb_build_object('path', jsonb_build_array('{draft}'), 'who', '{{"scope": "all"}}'::jsonb)"""
                before = self.verdicts(org)
                rows = self.rows(f"test_rows({org})")
                preview = json.loads(self.database.value(f"SELECT pl.strategy_preview({org}, {request})"))
                self.assertEqual(self.rows(f"test_rows({org})"), rows, "a preview writes nothing")
                self.database.sql(f"SELECT pl.strategy_publish({org}, {request})")
                after = self.verdicts(org)
                told = {"accounts": {"tier": preview["tiers"], "segment": preview["segments"]}, "bookings": preview["bookings"]["moves"], "pipeline": preview["pipeline"]["moves"]}
                for population, by in told.items():
                    for place, dimension in enumerate(("class", "tier", "segment")):
                        if dimension in by:
                            wanted = self.moves(before[population], after[population], place)
                            self.assertEqual(self.told(by[dimension]), wanted, f"{population} by {dimension}")
                            moved[population] += len(wanted)
                again = json.loads(self.database.value(f"SELECT pl.strategy_preview({org}, {request})"))
                self.assertEqual([again["tiers"], again["segments"], again["bookings"]["moves"]["tier"], again["pipeline"]["moves"]["class"]], [[], [], [], []], "a published one moves nothing")
        self.assertTrue(all(moved[population] > 0 for population in told), moved)
