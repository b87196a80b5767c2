"""Every metric, computed a second time from the raw events by code that shares nothing with the service (oracle_*.py), in every grouping
that METRICS.md names for it, and under random questions. A failing case names what to set to see it again."""
import datetime
import os
import pathlib
import random
import sys
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))

import oracle_deals  # noqa: E402
import oracle_hours  # noqa: E402
import oracle_mixes  # noqa: E402
from company_history import History  # noqa: E402
from company_world import World, period_of, sub_periods  # noqa: E402
from harness import Case  # noqa: E402
from oracle_places import Places, differences  # noqa: E402
from oracle_rows import Question  # noqa: E402
from oracle_states import Past  # noqa: E402

SEED = int(os.environ.get("PLUMBLINE_TEST_SEED", "1"))
ROUNDS = int(os.environ.get("PLUMBLINE_TEST_ROUNDS", "1"))  # histories
DEALS = int(os.environ.get("PLUMBLINE_TEST_DEALS", "800"))
QUESTIONS = int(os.environ.get("PLUMBLINE_TEST_QUESTIONS", "80"))  # random ones a history

ALL = ("rep", "team", "segment", "product", "tier", "origin", "period")
# metric: (what computes it, its groupings, the rows it is made of)
METRICS = {
    "client_share_on_strategy": (oracle_deals.client_share_on_strategy, ("rep", "team", "segment", "tier"), ("clients",)),
    "off_strategy_investment": (oracle_hours.off_strategy_investment, ("rep", "team", "segment", "tier", "period"), ("hours",)),
    "open_pipeline_share": (oracle_deals.open_pipeline_share, ALL, ("open",)),
    "pipeline_created_share": (oracle_deals.pipeline_created_share, ALL, ("created",)),
    "bookings_share": (oracle_deals.bookings_share, ALL, ("closed",)),
    "opportunistic": (oracle_hours.opportunistic, ("rep", "team", "segment", "period"), ("closed",)),
    "win_rate": (oracle_deals.win_rate, ALL, ("closed",)),
    "win_rate_lift": (oracle_deals.win_rate_lift, ("rep", "team", "segment", "product", "period"), ("closed",)),
    "cycle_days": (oracle_deals.cycle_days, ALL, ("won",)),
    "deal_size": (oracle_deals.deal_size, ALL, ("won",)),
    "velocity": (oracle_deals.velocity, ("rep", "team", "segment"), ("open", "window")),
    "selling_time_share": (oracle_hours.selling_time_share, ("rep", "team", "segment", "kind", "period"), ("hours",)),
    "meeting_share": (oracle_hours.meeting_share, ("rep", "team", "segment", "period"), ()),
    "focus_gap": (oracle_hours.focus_gap, ("rep", "team", "segment"), ("closed", "hours")),
    "product_mix": (oracle_mixes.product_mix, ("rep", "team", "segment", "period"), ("closed",)),
    "segment_mix": (oracle_mixes.segment_mix, ("rep", "team", "product", "period"), ("closed",)),
    "concentration": (oracle_mixes.concentration, ("rep", "team"), ("won",)),
    "message_adoption": (oracle_hours.message_adoption, ("rep", "team", "segment"), ()),
    "alignment_index": (oracle_mixes.alignment_index, ("rep", "team", "segment"), ("closed", "open", "hours")),
    "deliberate_emergent": (oracle_mixes.deliberate_emergent, ("team", "period", "rep"), ("closed",)),
    "leaderboard": (oracle_mixes.leaderboard, ("rep", "team"), ("closed",)),
    "strategy_setters": (oracle_mixes.strategy_setters, ("rep", "team"), ("closed",)),
}
TOGETHER = ("leaderboard", "strategy_setters")  # a group's figure depends on all groups
OF_DEALS = ("open_pipeline_share", "pipeline_created_share", "bookings_share", "win_rate", "cycle_days", "deal_size")


def random_question(pick, settings):
    """(metric, parameters) of a question nobody thought of."""
    metric = pick.choice(list(METRICS))
    groupings = METRICS[metric][1]
    query = {"period": pick.choice(["2025", "2025-Q2", "2025-03", "2025-10", "2025-03-30..2025-04-06", "2026-Q1", "2025-11-01..2026-02-15", "FY2025", "FQ2-2025", "FQ4-2025"])}
    by = pick.choice([None, *groupings])
    if by is not None:
        query["by"] = by
    if (by == "period" or (by is not None and pick.random() < 0.2)) and not query["period"].startswith("F") and metric not in TOGETHER:
        query["granularity"] = pick.choice(["month", "quarter"])
    if by == "period" and "granularity" not in query:
        del query["by"]
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
    def expected(self, past, metric, query, row_keys):
        """{(key, period) or None: what the row must say} for the rows found, and the keys that must be among them."""
        compute, _, kinds = METRICS[metric]
        kinds = {"pipeline": ("open",), "hours": ("hours",)}.get(query.get("weight"), kinds)
        first, end = period_of(query["period"], past.settings)
        basis = query.get("fit_basis", "as_judged")
        basis = int(basis[len("restated:s"):]) - 1 if basis.startswith("restated:s") else basis
        filters = {name: query[name] for name in ("rep", "team", "segment", "tier", "origin", "product") if name in query}
        question = past.__dict__.setdefault("questions", {}).setdefault(
            (query["period"], basis, query.get("credit", "at_event"), query.get("currency"), tuple(sorted(filters.items()))),
            Question(past, first, end, basis, query.get("credit", "at_event"), query.get("currency"), **filters))
        by, granularity = query.get("by"), query.get("granularity", "month" if query.get("by") == "period" else None)
        places = Places(question, by, sub_periods(first, end, granularity, past.clock) if granularity else None)
        rows = {(key, label): places.place(key, label) for key, label in row_keys}
        options = {name: query[name] for name in ("over", "weight") if name in query}
        if metric in TOGETHER:
            found = {place: one for place, one in compute(places, {key: place for (key, _), place in rows.items()}, **options).items()}
            return {None if key is None else (key, None): one for key, one in found.items()}, places.keys(kinds)
        return {None: compute(places.total(), **options), **{place: compute(rows[place], **options) for place in rows}}, places.keys(kinds)

    def check(self, past, metric, query, answer):
        """Lines of what is not as expected."""
        currency = answer["currency"]
        found = {None: answer["total"], **{(row["key"], row.get("period")): row for row in answer["rows"]}}
        expected, keys = self.expected(past, metric, query, [place for place in found if place is not None])
        wrong = [f"no row for {key}" for key in sorted(keys - {place[0] for place in found if place})]
        for place, row in expected.items():
            wrong += [f"{place}{line}" for line in differences(row, found[place], currency)]
        return wrong

    def test_every_metric(self):
        for seed in range(SEED, SEED + ROUNDS):
            history = History(seed, DEALS)
            world = World(history)
            self.addCleanup(world.database.drop)
            past, pick = Past(history), random.Random(seed)
            questions = [(metric, {"period": "2025", **({"by": by} if by else {})}) for metric, (_, groupings, _) in METRICS.items() for by in (None, *groupings)]
            questions += [("strategy_setters", {"period": "2025", "by": "rep", "over": over, "weight": weight})
                          for over, weight in (("product", "bookings"), ("segment", "pipeline"), ("product", "pipeline"), ("segment", "hours"))]
            questions += [("deliberate_emergent", {"period": "2025", "by": "team", "over": "product"})]
            questions += [(metric, {"period": "2025", "by": by, "credit": "split"}) for metric in ("cycle_days", "deal_size", "velocity", "concentration", "opportunistic") for by in ("rep", "team")]
            questions += [random_question(pick, history.settings) for _ in range(QUESTIONS)]
            for (metric, query), answer in zip(questions, world.ask(questions)):
                with self.subTest(metric=metric, query=query, again=f"PLUMBLINE_TEST_SEED={seed} PLUMBLINE_TEST_DEALS={DEALS}"):
                    wrong = self.check(past, metric, query, answer)
                    if wrong:
                        self.fail(f"{len(wrong)} differences\n" + "\n".join(wrong[:12]))


if __name__ == "__main__":
    unittest.main()
