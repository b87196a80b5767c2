"""Laws of the metrics of activities, accounts and decisions over random histories, and time and coverage recomputed from the raw events."""
import datetime
import pathlib
import random
import sys
import unittest
from fractions import Fraction

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))

from harness import Case  # noqa: E402
from metrics_model import ZONE, History, counted_activities, iso, targets  # noqa: E402
from test_metrics import BOUNDS, SEEDS, World, fraction  # noqa: E402

METRICS = ("focus_gap", "effort_per_win", "target_coverage", "message_adoption", "consultative", "decision_stream", "white_space", "client_share_on_strategy")


class ConductLaws(Case):
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

    def test_time_recomputed_from_raw_events(self):
        for world in self.each():
            spent = [each for each in counted_activities(world.history) if BOUNDS[0] <= each["at"].astimezone(datetime.timezone.utc).isoformat() < BOUNDS[1]]
            self.assertGreater(len(spent), 50)
            for by in (None, "rep", "team", "segment", "tier", "kind"):
                answer = world.ask("selling_time_share", **({"by": by} if by else {}))
                for row in [answer["total"], *answer["rows"]]:
                    own = [each for each in spent if row["key"] == "total" or each[by] == row["key"]]
                    hours = {side: sum(each["hours"] for each in own if each["account"] and each["class"] == side) for side in ("on", "off", "unknown")}
                    for side, found in hours.items():
                        self.assertLessEqual(abs(fraction(row["parts"][side]["hours"]) - found), Fraction(1, 1_000_000), (by, row["key"]))
                    loose = sum(each["hours"] for each in own if each["account"] is None)
                    self.assertLessEqual(abs(fraction(row["excluded"]["unattributed_hours"]) - loose), Fraction(1, 1_000_000))
                    if sum(hours.values()) + loose > 0:
                        guessed = Fraction(sum(each["hours"] for each in own if each["estimated"])) / (sum(hours.values()) + loose)
                        self.assertLessEqual(abs(fraction(row["parts"]["estimated_share"]) - guessed), Fraction(1, 1_000_000))
                        self.assertEqual(row["quality"]["status"] == "low", guessed > Fraction(1, 2) or
                                         (hours["on"] + hours["off"] + hours["unknown"] > 0 and Fraction(hours["unknown"]) / sum(hours.values()) > Fraction(1, 4)))

    def test_target_coverage_recomputed_from_raw_events(self):
        for world in self.each():
            for year, month in ((2025, 7), (2026, 1)):
                end = datetime.datetime(year, month, 1, tzinfo=ZONE)
                since, grace = ((datetime.datetime(year, month, 1) - datetime.timedelta(days=days)).replace(tzinfo=ZONE) for days in (120, 30))
                expected = targets(world.history, end - datetime.timedelta(microseconds=1), since, grace)
                asked = {"period": f"2025-01-01..{(end - datetime.timedelta(days=1)).date()}"}
                rows = world.rows_behind("target_coverage", **asked)
                self.assertEqual({row["id"]: (row["rep"], row["state"]) for row in rows if row["rep"] is not None}, expected)
                for row in world.ask("target_coverage", by="rep", **asked)["rows"]:
                    states = [state for owner, state in expected.values() if owner == row["key"]]
                    self.assertEqual({state: row["parts"][state] for state in ("green", "yellow", "red")}, {state: states.count(state) for state in ("green", "yellow", "red")})

    def test_accounts_then_are_accounts_judged(self):
        """account_rows, which answers for any instant from the versions kept, against the states themselves."""
        for world in self.each():
            query = """(SELECT q FROM pl.resolve_query(1, '{"query": {"period": "2026"}}', '{}', '{}') q)"""
            columns = "SELECT account_id, name, status, owner, team, strategy, segment, tier, class, reason, backcast, is_target FROM"
            fast = world.database.sql(f"{columns} pl.account_rows({query}, clock_timestamp()) ORDER BY 1")
            slow = world.database.sql(f"{columns} pl.accounts_judged(1, NULL, NULL) ORDER BY 1")
            self.assertGreater(len(slow), 20)
            self.assertEqual(fast, slow)

    def test_reps_add_up(self):
        for world in self.each():
            for key in ("selling_time_share", "off_strategy_investment", "effort_per_win", "target_coverage", "white_space", "decision_stream", "client_share_on_strategy"):
                for by in ("rep", "team"):
                    answer = world.ask(key, by=by)
                    for name in ("numerator", "denominator"):
                        self.assertLessEqual(abs(sum(fraction(row[name]) for row in answer["rows"]) - fraction(answer["total"][name])),
                                             Fraction(len(answer["rows"]), 1_000_000), (key, by))

    def test_rows_of_conduct_add_up(self):
        for world in self.each():
            for query in ({}, {"rep": "r3"}, {"segment": "care"}, {"as_of": "2025-10-01"}):
                for key in ("off_strategy_investment", "meeting_share", "effort_per_win", "target_coverage", "message_adoption", "decision_stream", "client_share_on_strategy"):
                    total, rows = world.ask(key, **query)["total"], world.rows_behind(key, **query)
                    for name in ("numerator", "denominator"):
                        self.assertLessEqual(abs(sum(fraction(row[name]) for row in rows) - fraction(total[name])), Fraction(1, 1_000_000), (key, query, name))
                gap = world.ask("focus_gap", **query)["total"]["value"]
                if gap is not None:
                    moved = sum(fraction(row["contribution"]) for row in world.rows_behind("focus_gap", **query))
                    self.assertLessEqual(abs(moved - fraction(gap)), Fraction(1, 1_000_000), query)
                white = world.ask("white_space", **query)["total"]
                self.assertEqual(len(world.rows_behind("white_space", **query)), white["value"] or 0)
                forms, rows = world.ask("consultative", **query)["total"]["forms"], world.rows_behind("consultative", **query)
                for part, form in forms.items():
                    for name in ("numerator", "denominator"):
                        found = sum(fraction(row[name]) for row in rows if row["part"] == part)
                        self.assertLessEqual(abs(found - fraction(form[name])), Fraction(1, 100_000), (part, query, name))

    def test_order_of_arrival_changes_no_byte(self):
        for seed, world in self.worlds.items():
            shuffled = list(world.history.events)
            random.Random(seed).shuffle(shuffled)
            shuffled.sort(key=lambda event: event[3] == "delete")  # what is not known yet cannot be deleted
            other = World(world.history, shuffled)
            self.addCleanup(other.database.drop)
            for key in METRICS:
                for query in ({"by": "rep"}, {"by": "team", "granularity": "quarter"}):
                    with self.subTest(seed=seed, key=key, query=query):
                        self.assertEqual(other.ask(key, **query), world.ask(key, **query))

    def test_the_past_is_a_replay_up_to_then(self):
        for seed, world in self.worlds.items():
            cut = sorted(at for _, _, at, *_ in world.history.events)[len(world.history.events) * 3 // 4]
            past = World(world.history, [event for event in world.history.events if event[2] <= cut])
            self.addCleanup(past.database.drop)
            for key in METRICS:
                with self.subTest(seed=seed, key=key):
                    then, replayed = (w.ask(key, by="rep", as_of=iso(cut)) for w in (world, past))
                    self.assertEqual((then["rows"], then["total"]), (replayed["rows"], replayed["total"]))


if __name__ == "__main__":
    unittest.main()
