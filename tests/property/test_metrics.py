"""Laws of metrics over random histories, and the same figures computed from the raw events by code that shares nothing with the
service (metrics_model.py)."""
import json
import pathlib
import random
import sys
import unittest
from fractions import Fraction

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))

from harness import Case  # noqa: E402
from harness.database import Database  # noqa: E402
from harness.server import BINARY  # noqa: E402
from metrics_model import STRATEGY, History, closed_deals, iso  # noqa: E402

PERIOD = "2025"
BOUNDS = ("2024-12-31T23:00:00+00:00", "2025-12-31T23:00:00+00:00")  # the year in Paris
SEEDS = (1, 2)


def literal(value):
    return "NULL" if value is None else "'" + value.replace("'", "''") + "'"


def array(values):
    return "ARRAY[" + ",".join(literal(value) for value in values) + "]::text[]"


def fraction(text):
    return None if text is None else Fraction(str(text))


class World:
    """A database that holds one history, and its answers."""

    def __init__(self, history, events=None):
        self.history, self.database = history, Database(BINARY)
        body = literal(json.dumps(STRATEGY))
        self.database.sql(f"""
            UPDATE org SET time_zone = 'Europe/Paris', reporting_currency = 'USD' WHERE org_id = 1;
            INSERT INTO strategy (org_id, strategy_id, number, status, name, effective_from, effective_at, attrs, body, publish_order,
                                  created_at, updated_at, published_at)
            VALUES (1, 's1', 1, 'published', 'Test', '2020-01-01', '2019-12-31T23:00:00Z', pl.rule_attributes({body}), {body}, 1,
                    '2020-01-01', '2020-01-01', '2019-01-01')""")
        events = history.events if events is None else events
        for start in range(0, len(events), 400):
            part = events[start:start + 400]
            columns = ([kind for kind, *_ in part], [name for _, name, *_ in part], [operation for *_, operation, _ in part],
                       ["f"] * len(part), ["f"] * len(part), [iso(at) for _, _, at, *_ in part], [None] * len(part),
                       [json.dumps(patch) for *_, patch in part])
            outcomes = self.database.sql(f"SELECT outcome, code, message FROM pl.ingest(1, 'test', {', '.join(map(array, columns))})")
            wrong = [outcome for outcome in outcomes if outcome[0] == "rejected"]
            if wrong:
                raise AssertionError(wrong[:5])

    def ask(self, key, **query):
        request = {"path": [key], "query": {"period": PERIOD, **query}, "format": "json", "who": {"scope": "all"}}
        return json.loads(self.database.value(f"SELECT pl.answer_metric(1, {literal(json.dumps(request))})"))

    def rows_behind(self, key, **query):
        found, cursor = [], None
        while True:
            asked = {"period": PERIOD, "limit": "60", **query, **({"cursor": cursor} if cursor else {})}
            request = {"path": [key], "query": asked, "format": "json", "who": {"scope": "all"}}
            page = json.loads(self.database.value(f"SELECT body FROM pl.answer_metric_rows(1, {literal(json.dumps(request))})"))
            found += page["data"]
            cursor = page["next"]
            if cursor is None:
                return found


class MetricsLaws(Case):
    @classmethod
    def setUpClass(cls):
        cls.worlds = {}
        for seed in SEEDS:
            cls.worlds[seed] = World(History(seed))
            cls.addClassCleanup(cls.worlds[seed].database.drop)

    def each(self):
        for seed, world in self.worlds.items():
            with self.subTest(seed=seed):
                yield world

    def decided(self, world):
        return [deal for deal in closed_deals(world.history) if BOUNDS[0] <= deal["at"].isoformat() < BOUNDS[1]]

    def check_bookings(self, row, deals):
        won = [deal for deal in deals if deal["outcome"] == "won"]
        for side in ("on", "off", "unknown"):
            priced = [deal["money"] for deal in won if deal["class"] == side and deal["money"] is not None]
            self.assertEqual(row["parts"][side]["n"], len(priced))
            self.assertLessEqual(abs(fraction(row["parts"][side]["amount"]) - sum(priced)), Fraction(1, 200))
        self.assertEqual(row["excluded"]["unpriced"], sum(1 for deal in won if deal["money"] is None and deal["amount"] is not None))
        self.assertEqual(row["excluded"]["no_amount"], sum(1 for deal in won if deal["amount"] is None))
        self.assertEqual(row["excluded"]["no_owner"], sum(1 for deal in won if deal["rep"] == "__none__"))
        on = sum(deal["money"] for deal in won if deal["class"] == "on" and deal["money"] is not None)
        both = on + sum(deal["money"] for deal in won if deal["class"] == "off" and deal["money"] is not None)
        if both > 0:
            self.assertLessEqual(abs(fraction(row["value"]) - Fraction(on) / both), Fraction(1, 1_000_000))
        else:
            self.assertIsNone(row["value"])
        self.assertEqual(sum(row["parts"][side]["n"] for side in ("on", "off", "unknown")) + row["excluded"]["unpriced"]
                         + row["excluded"]["no_amount"], len(won))  # every deal is somewhere, once

    def test_recomputed_from_raw_events(self):
        for world in self.each():
            deals = self.decided(world)
            self.assertGreater(len(deals), 40)
            for by in (None, "rep", "team", "segment", "tier", "origin"):
                bookings = world.ask("bookings_share", **({"by": by} if by else {}))
                wins = world.ask("win_rate", **({"by": by} if by else {}))
                self.check_bookings(bookings["total"], deals)
                for row in bookings["rows"]:
                    self.check_bookings(row, [deal for deal in deals if deal[by] == row["key"]])
                for row in [wins["total"], *wins["rows"]]:
                    own = [deal for deal in deals if row["key"] == "total" or deal[by] == row["key"]]
                    self.assertEqual((row["numerator"], row["denominator"]), (sum(deal["outcome"] == "won" for deal in own), len(own)))
                if by:
                    keys = {row["key"] for row in wins["rows"]}
                    self.assertEqual({deal[by] for deal in deals} - keys, set())

    def test_product_mix_recomputed(self):
        for world in self.each():
            amounts = {}
            for deal in self.decided(world):
                if deal["outcome"] == "won" and deal["money"] is not None:
                    for family, share in deal["families"].items():
                        amounts[family] = amounts.get(family, 0) + deal["money"] * share
            amounts = {family: max(amount, 0) for family, amount in amounts.items() if family != "unspecified"}
            shares = {family: Fraction(amount) / sum(amounts.values()) for family, amount in amounts.items()}
            gap = sum(abs(shares.get(family, 0) - Fraction(str(target))) for family, target in STRATEGY["products"].items()) / 2
            self.assertLessEqual(abs(fraction(world.ask("product_mix")["total"]["value"]) - gap), Fraction(1, 1_000_000))

    def test_groups_add_up(self):
        for world in self.each():
            for credit in ("at_event", "current", "split"):
                for by in ("rep", "team", "segment", "tier", "origin", "product", "period"):
                    answer = world.ask("bookings_share", by=by, credit=credit)
                    for name in ("numerator", "denominator"):
                        parts = sum(fraction(row[name]) for row in answer["rows"])
                        self.assertLessEqual(abs(parts - fraction(answer["total"][name])), Fraction(len(answer["rows"]), 200), (by, credit))
                    if by != "product":
                        self.assertEqual(sum(fraction(row["n"]) for row in answer["rows"]), fraction(answer["total"]["n"]), (by, credit))

    def test_contributions_add_up_to_the_gap(self):
        for world in self.each():
            for by, over in (("rep", "segment"), ("team", "segment"), ("rep", "product"), ("segment", "product")):
                answer = world.ask("strategy_setters", by=by, over=over)
                pulls = [fraction(row["value"]) for row in answer["rows"] if row["value"] is not None]
                self.assertLessEqual(abs(sum(pulls) - fraction(answer["total"]["value"])), Fraction(len(pulls), 1_000_000), (by, over))
                mix = world.ask("segment_mix" if over == "segment" else "product_mix")
                self.assertEqual(answer["total"]["value"], mix["total"]["value"])

    def test_off_strategy_business_is_divided_whole(self):
        for world in self.each():
            off = world.ask("bookings_share", by="rep")
            split = {row["key"]: row for row in world.ask("opportunistic", by="rep")["rows"]}
            for row in off["rows"]:
                parts = split[row["key"]]["parts"]
                self.assertEqual(sum(parts[kind]["n"] for kind in ("opportunistic", "misdirected", "unclassified")), row["parts"]["off"]["n"])
                self.assertLessEqual(abs(sum(fraction(parts[kind]["amount"]) for kind in ("opportunistic", "misdirected", "unclassified"))
                                         - fraction(row["parts"]["off"]["amount"])), Fraction(3, 200))

    def test_rows_behind_a_number_add_up_to_it(self):
        for world in self.each():
            for key in ("bookings_share", "win_rate", "open_pipeline_share", "pipeline_created_share", "product_mix", "segment_mix"):
                for query in ({}, {"team": "top"}, {"segment": "care"}, {"product": "GTX"}, {"tier": "unknown"}, {"credit": "current"}):
                    if key.endswith("_mix") and key.split("_")[0] in query:
                        continue  # one segment or family has no mix
                    total = world.ask(key, **query)["total"]
                    rows = world.rows_behind(key, **query)
                    for name in ("denominator",) if key.endswith("_mix") else ("numerator", "denominator"):
                        found = sum(fraction(row[name]) for row in rows)
                        self.assertLessEqual(abs(found - fraction(total[name])), Fraction(1, 200), (key, query, name))
                    self.assertEqual(len({(row["id"], row["rep"]) for row in rows}), len(rows))

    def test_every_movement_of_the_pipeline_is_somewhere(self):
        signs = {"opening": 1, "new": 1, "pulled_in": 1, "increased": 1, "decreased": -1, "pushed_out": -1, "won": -1, "lost": -1, "reassigned": 1,
                 "refit": 1, "fx": 1}
        questions = [{}, {"due": "any"}, {"by": "rep"}, {"by": "segment", "due": "any"}, {"by": "tier", "credit": "split"}, {"by": "team", "credit": "current"},
                     {"as_of": "2025-08-15"}, {"known_at": "2025-08-15"}, {"currency": "EUR"}, {"segment": "care"}, {"team": "top"}, {"rep": "r3"},
                     {"product": "GTX"}, {"by": "period", "granularity": "quarter"}]
        for world in self.each():
            for query in questions:
                answer = world.ask("pipeline_change", **query)
                for row in [answer["total"], *answer["rows"]]:
                    for side in ("all", "on", "off", "unknown"):
                        parts = {step: fraction(part[side]["amount"]) for step, part in row["parts"].items()}
                        self.assertEqual(sum(sign * parts[step] for step, sign in signs.items()), parts["closing"], (query, row["key"], side))
                        counts = {step: fraction(part[side]["n"]) for step, part in row["parts"].items()}
                        self.assertEqual(sum(sign * counts[step] for step, sign in signs.items() if step not in ("increased", "decreased", "fx")),
                                         counts["closing"], (query, row["key"], side))
                if not {"segment", "team", "rep"} & set(query):
                    self.assertEqual(fraction(answer["total"]["parts"]["reassigned"]["all"]["amount"]), 0)
                    self.assertEqual(fraction(answer["total"]["parts"]["refit"]["all"]["amount"]), 0)
                rows = world.rows_behind("pipeline_change", **{key: value for key, value in query.items() if key not in ("by", "granularity")})
                moved = sum(fraction(row["contribution"]) for row in rows if row["contribution"] is not None)
                self.assertLessEqual(abs(moved - fraction(answer["total"]["value"])), Fraction(2, 100), query)
            # All open deals at the end, whenever due, are the open pipeline; what was won is what was booked.
            parts = world.ask("pipeline_change", due="any")["total"]["parts"]
            stock = world.ask("open_pipeline_share")["total"]
            self.assertLessEqual(abs(fraction(parts["closing"]["all"]["amount"]) - fraction(stock["denominator"]) - fraction(stock["parts"]["unknown"]["amount"])),
                                 Fraction(2, 100))

    def test_a_change_is_mix_and_rate_without_remainder(self):
        for world in self.each():
            for query in ({}, {"over": "rep"}, {"over": "tier", "metric": "bookings_share"}, {"metric": "bookings_share"}, {"compare_to": "2026"}, {"over": "team", "credit": "current"}):
                total = world.ask("change_decomposition", **{"period": "2025-07-01..2025-12-31", **query})["total"]
                parts = total["parts"]
                if total["value"] is None:
                    self.assertTrue(total["reason"])
                    continue
                self.assertLessEqual(abs(fraction(parts["mix"]) + fraction(parts["rate"]) - fraction(total["value"])), Fraction(2, 1_000_000), query)
                self.assertLessEqual(abs(fraction(parts["after"]["value"]) - fraction(parts["before"]["value"]) - fraction(total["value"])), Fraction(2, 1_000_000))
                for name in ("mix", "rate"):
                    self.assertLessEqual(abs(sum(fraction(key[name]) for key in parts["keys"]) - fraction(parts[name])), Fraction(len(parts["keys"]), 1_000_000))

    def test_contributions_of_rows_add_up(self):
        for world in self.each():
            for key in ("product_mix", "segment_mix", "strategy_setters", "deliberate_emergent", "concentration", "win_rate_lift"):
                for query in ({}, {"team": "top"}, {"credit": "split"}, {"tier": "core"}):
                    total = world.ask(key, **query)["total"]
                    rows = world.rows_behind(key, **query)
                    if total["value"] is not None:
                        found = sum(fraction(row["contribution"]) for row in rows if row["contribution"] is not None)
                        self.assertLessEqual(abs(found - fraction(total["value"])), Fraction(2, 1_000_000), (key, query))

    def test_order_of_arrival_changes_no_byte(self):
        for seed, world in self.worlds.items():
            shuffled = list(world.history.events)
            random.Random(seed).shuffle(shuffled)
            shuffled.sort(key=lambda event: event[3] == "delete")  # what is not known yet cannot be deleted
            other = World(world.history, shuffled)
            self.addCleanup(other.database.drop)
            for key in ("bookings_share", "win_rate", "strategy_setters", "open_pipeline_share", "cycle_days", "pipeline_created_share"):
                for query in ({"by": "rep"}, {"by": "segment"}, {"by": "team", "granularity": "quarter"}):
                    with self.subTest(seed=seed, key=key, query=query):
                        self.assertEqual(other.ask(key, **query), world.ask(key, **query))

    def test_the_pipeline_over_time_is_the_pipeline_then(self):
        """open_span, which answers for any instant at once, against the state folded anew from the log."""
        now = """SELECT deal_id, rep, team, account_id, strategy, segment, tier, class, reason, amount, currency, probability, money,
                        families::text, weights::text FROM"""
        then = "SELECT deal_id, amount, currency, probability, families::text, weights::text FROM"
        for world in self.each():
            events = [event for event in world.history.events if event[0] == "opportunity"]
            instants = [literal(iso(events[len(events) * part // 4][2])) for part in (1, 2, 3)]
            # What holds now is judged the same. Of the past, owners, accounts and their attributes that were learnt later are known by
            # now, and deals deleted since are gone; everything else is what it was.
            for columns, at, as_of in [(now, "clock_timestamp()", "NULL"), *((then, instant, instant) for instant in instants)]:
                query = """(SELECT q FROM pl.resolve_query(1, '{"query": {"period": "2026"}}', '{}', '{}') q)"""
                fast = world.database.sql(f"{columns} pl.open_then({query}, {at}) ORDER BY 1")
                slow = world.database.sql(f"{columns} pl.open_deals(1, {as_of}, NULL) WHERE deal_id IN (SELECT deal_id FROM deal_fact) ORDER BY 1")
                self.assertGreater(len(slow), 5)
                self.assertEqual(fast, slow, at)

    def test_the_past_is_a_replay_up_to_then(self):
        for seed, world in self.worlds.items():
            cut = sorted(at for _, _, at, *_ in world.history.events)[len(world.history.events) * 3 // 4]
            past = World(world.history, [event for event in world.history.events if event[2] <= cut])
            self.addCleanup(past.database.drop)
            for key in ("bookings_share", "win_rate", "segment_mix", "open_pipeline_share"):
                with self.subTest(seed=seed, key=key):
                    then, replayed = (w.ask(key, by="rep", as_of=iso(cut)) for w in (world, past))
                    self.assertEqual((then["rows"], then["total"]), (replayed["rows"], replayed["total"]))


if __name__ == "__main__":
    unittest.main()
