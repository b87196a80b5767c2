"""Every metric, computed a second time from the raw events by code that shares nothing with the service (oracle_*.py), in every grouping
that the dictionary allows, and under random questions. A failing case names what to set to see it again.

PLUMBLINE_TEST_WHOLE=1 asks for more than is worth the minutes it takes each time: histories of 2,000 deals, the trend of every metric in every
grouping, five times as many random questions, and in tests/api/test_datasets_recomputed.py every grouping in every quarter."""
import datetime
import os
import pathlib
import random
import sys
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))

import oracle_work  # noqa: E402
from company_history import History  # noqa: E402
from company_world import World, period_of, sub_days  # noqa: E402
from harness import Case  # noqa: E402
from oracle_check import ALL, METRICS, TOGETHER, WHOLE, check, overs, trends  # noqa: E402
from oracle_places import Places, differences  # noqa: E402
from oracle_rows import Question  # noqa: E402
from oracle_states import Past  # noqa: E402

SEED = int(os.environ.get("PLUMBLINE_TEST_SEED", "1"))
ROUNDS = int(os.environ.get("PLUMBLINE_TEST_ROUNDS", "1"))  # histories
DEALS = int(os.environ.get("PLUMBLINE_TEST_DEALS", "2000" if WHOLE else "500"))
QUESTIONS = int(os.environ.get("PLUMBLINE_TEST_QUESTIONS", "300" if WHOLE else "60"))  # random ones a history

CHANGE = ("rep", "team", "segment", "tier", "period")
OF_DEALS = ("open_pipeline_share", "pipeline_created_share", "bookings_share", "win_rate", "cycle_days", "deal_size")


def random_question(pick, settings):
    """(metric, parameters) of a question nobody thought of."""
    metric = pick.choice([*METRICS, *["trend"] * 3])
    inner = pick.choice([name for name in METRICS if name not in TOGETHER]) if metric == "trend" else metric
    groupings = overs(inner) if metric == "trend" else METRICS[metric][1]
    query = {"period": pick.choice(["2025", "2025-Q2", "2025-03", "2025-10", "2025-03-30..2025-04-06", "2026-Q1", "2025-11-01..2026-02-15", "FY2025", "FQ2-2025", "FQ4-2025"])}
    by = pick.choice([None, *groupings])
    if by is not None:
        query["by"] = by
    if (by == "period" or (by is not None and pick.random() < 0.2)) and not query["period"].startswith("F"):
        query["granularity"] = pick.choice(["month", "quarter"])
    if "granularity" not in query and (by == "period" or metric == "trend"):
        query.pop("by", None)
        metric = inner
    if metric == "trend":
        query |= {"metric": inner, "rolling": pick.choice(["2", "3", "3", "6"])}
    query["credit"] = pick.choice(["at_event", "at_event", "current", "split"])
    query["fit_basis"] = pick.choice(["as_judged", "as_judged", "current", "restated:s1", "restated:s3", "restated:s4"])
    query["currency"] = pick.choice([settings["reporting_currency"], "USD", "EUR", "GBP"])
    filters = {"rep": pick.choice(["r01", "r05", "__none__"]), "team": pick.choice(["emea", "world", "apac", "lone"]), "segment": pick.choice(["clinics", "banks", "unknown"]),
               "tier": pick.choice(["core", "near", "unknown"]), "origin": "inbound", "product": "GTX"}
    allowed = ["rep", "team"] + (["segment", "tier", "origin", "product"] if metric in OF_DEALS else [])
    for name in pick.sample(allowed, pick.choice([0, 0, 1, 1, 2]) if len(allowed) > 1 else 0):
        query[name] = filters[name]
    return metric, query


class Oracle(Case):
    def test_every_metric(self):
        for seed in range(SEED, SEED + ROUNDS):
            history = History(seed, DEALS)
            world, refused = World(history), history.reused()
            self.addCleanup(world.database.drop)
            world.refuse(refused)
            past, pick = Past(history, refused=refused), random.Random(seed)
            self.check_dictionary(world)
            questions = trends("2025", WHOLE) + [(metric, {"period": "2025", **({"by": by} if by else {})}) for metric, (_, groupings, _) in METRICS.items() for by in (None, *groupings)]
            questions += [("strategy_setters", {"period": "2025", "by": "rep", "over": over, "weight": weight})
                          for over, weight in (("product", "bookings"), ("segment", "pipeline"), ("product", "pipeline"), ("segment", "hours"))]
            questions += [("deliberate_emergent", {"period": "2025", "by": "team", "over": "product"})]
            questions += [(metric, {"period": "2025", "by": by, "credit": "split"}) for metric in ("cycle_days", "deal_size", "velocity", "concentration", "opportunistic") for by in ("rep", "team")]
            questions += [random_question(pick, history.settings) for _ in range(QUESTIONS)]
            for (metric, query), answer in zip(questions, world.ask(questions)):
                with self.subTest(metric=metric, query=query, again=f"PLUMBLINE_TEST_SEED={seed} PLUMBLINE_TEST_DEALS={DEALS}"):
                    wrong = check(past, metric, query, answer)
                    if wrong:
                        self.fail(f"{len(wrong)} differences\n" + "\n".join(wrong[:12]))
            self.check_changes(past, world, f"PLUMBLINE_TEST_SEED={seed} PLUMBLINE_TEST_DEALS={DEALS}")

    def check_dictionary(self, world):
        """No metric and no grouping is served that is not computed here."""
        own = {**{metric: groupings for metric, (_, groupings, _) in METRICS.items()}, "trend": ALL, "change_decomposition": (), "pipeline_change": CHANGE}
        self.assertEqual({metric: sorted(by.strip("{}").split(",")) if by != "{}" else [] for metric, by in world.database.sql("SELECT key, groupings::text FROM pl.metric")},
                         {metric: sorted(by) for metric, by in own.items()})

    def check_changes(self, past, world, again):
        """What changed between two instants: M24 between two quarters, M30 in a quarter and in a month."""
        quarters = [Question(past, *days) for days in ((datetime.date(2025, 4, 1), datetime.date(2025, 7, 1)), (datetime.date(2025, 7, 1), datetime.date(2025, 10, 1)))]
        questions = [("change_decomposition", {"period": "2025-Q3", "metric": metric, "over": over})
                     for metric, over in (("win_rate", "segment"), ("win_rate", "tier"), ("win_rate", "rep"), ("bookings_share", "team"), ("bookings_share", "segment"))]
        questions += [("pipeline_change", {"period": period, "due": due, **({"by": by} if by else {}), "credit": credit})
                      for period in ("2025-Q2", "2025-10") for due in ("any", "period") for by in (None, *CHANGE) for credit in ("at_event", "split")]
        for (metric, query), answer in zip(questions, world.ask(questions)):
            with self.subTest(metric=metric, query=query, again=again):
                rows = {None: answer["total"], **{row["key"]: row for row in answer["rows"]}}
                if metric == "change_decomposition":
                    expected = {None: oracle_work.change_decomposition(*quarters, query["metric"], query["over"])}
                elif query["due"] == "any":
                    question = Question(past, *period_of(query["period"], past.settings), credit=query["credit"])
                    expected = oracle_work.pipeline_change(Places(question, query.get("by")), [key for key in rows if key is not None and query.get("by") != "period"])
                    if query.get("by") == "period":
                        for key, first, end in sub_days(question.first, question.end, "month"):
                            expected[key] = oracle_work.pipeline_change(Places(Question(past, first, end, credit=query["credit"])), [])[None]
                else:
                    expected = {}
                wrong = [f"{key}{line}" for key, row in expected.items() for line in differences(row, rows[key], answer["currency"])]
                if metric == "pipeline_change":
                    wrong += [f"{key}{line}" for key, row in rows.items() for line in oracle_work.pipeline_adds_up(row)]
                if wrong:
                    self.fail(f"{len(wrong)} differences\n" + "\n".join(wrong[:12]))


if __name__ == "__main__":
    unittest.main()
