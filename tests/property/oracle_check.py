"""Which oracle computes which metric, in every grouping that the dictionary allows; and an answer held against it."""
import os

import oracle_conduct
import oracle_deals
import oracle_hours
import oracle_mixes
import oracle_quality
import oracle_series
import oracle_work
from company_world import period_of, sub_periods
from oracle_places import Places, differences
from oracle_rows import Question

WHOLE = os.environ.get("PLUMBLINE_TEST_WHOLE", "") == "1"  # see test_oracle.py
ALL = ("rep", "team", "segment", "product", "tier", "origin", "period")
PLACES = ("rep", "team", "segment", "period")
# metric: (what computes it, its groupings, the rows it is made of)
METRICS = {
    "client_share_on_strategy": (oracle_deals.client_share_on_strategy, ("rep", "team", "segment", "tier", "period"), ("clients",)),
    "off_strategy_investment": (oracle_hours.off_strategy_investment, ("rep", "team", "segment", "tier", "period"), ("hours",)),
    "open_pipeline_share": (oracle_deals.open_pipeline_share, ALL, ("open",)),
    "pipeline_created_share": (oracle_deals.pipeline_created_share, ALL, ("created",)),
    "bookings_share": (oracle_deals.bookings_share, ALL, ("closed",)),
    "opportunistic": (oracle_hours.opportunistic, PLACES, ("closed",)),
    "win_rate": (oracle_deals.win_rate, ALL, ("closed",)),
    "win_rate_lift": (oracle_deals.win_rate_lift, ALL, ("closed",)),
    "cycle_days": (oracle_deals.cycle_days, ALL, ("won",)),
    "deal_size": (oracle_deals.deal_size, ALL, ("won",)),
    "velocity": (oracle_deals.velocity, PLACES, ("open", "window")),
    "selling_time_share": (oracle_hours.selling_time_share, ("rep", "team", "segment", "tier", "kind", "period"), ("hours",)),
    "meeting_share": (oracle_hours.meeting_share, ("rep", "team", "segment", "tier", "period"), ()),
    "effort_per_win": (oracle_work.effort_per_win, ("rep", "team", "segment", "tier", "period"), ("won", "hours")),
    "cost_of_sale": (oracle_work.cost_of_sale, ("rep", "team", "segment", "tier", "period"), ("won", "hours")),
    "focus_gap": (oracle_hours.focus_gap, PLACES, ("closed", "hours")),
    "target_coverage": (oracle_work.target_coverage, PLACES, ("targets",)),
    "product_mix": (oracle_mixes.product_mix, ("rep", "team", "segment", "tier", "origin", "period"), ("closed",)),
    "segment_mix": (oracle_mixes.segment_mix, ("rep", "team", "product", "tier", "origin", "period"), ("closed",)),
    "concentration": (oracle_mixes.concentration, ALL, ("won",)),
    "message_adoption": (oracle_hours.message_adoption, ("rep", "team", "segment", "class", "period"), ()),
    "consultative": (oracle_conduct.consultative, ("rep", "team", "segment", "class", "period"), ("decided",)),
    "alignment_index": (oracle_mixes.alignment_index, PLACES, ("closed", "open", "hours")),
    "deliberate_emergent": (oracle_mixes.deliberate_emergent, ("rep", "team", "period"), ("closed",)),
    "leaderboard": (oracle_mixes.leaderboard, ("rep", "team", "period"), ("closed",)),
    "data_quality": (oracle_quality.data_quality, ("source", "rep", "team", "period"), ("closed", "open", "hours", "late")),
    "decision_stream": (oracle_work.decision_stream, ("rep", "team", "period"), ("created",)),
    "focus_opportunity": (oracle_hours.focus_opportunity, ("team", "period"), ()),
    "strategy_setters": (oracle_mixes.strategy_setters, PLACES, ("closed",)),
    "white_space": (oracle_work.white_space, PLACES, ("wanted",)),
}
MEANS = ("win_rate_lift", "cycle_days", "deal_size", "velocity", "focus_gap", "concentration", "alignment_index", "focus_opportunity", "white_space",
         "data_quality")  # no quotients of sums: over time their rolling figure is a mean
TOGETHER = ("leaderboard", "strategy_setters")  # a group's figure depends on all groups


def overs(metric):
    """By what the trend of a metric can be grouped."""
    return [by for by in METRICS[metric][1] if by in ALL]


def trends(period, whole):
    """[(trend, parameters)] of every metric that has one: whole: in each grouping; else in the whole and in one of them."""
    found = []
    for number, metric in enumerate(name for name in METRICS if name not in TOGETHER):
        groupings = overs(metric)
        for by in (None, *(groupings if whole else [groupings[number % len(groupings)]])):
            found.append(("trend", {"period": period, "metric": metric, **({"by": by} if by else {})}))
    return found


def expected(past, metric, query, row_keys):
    """{(key, period) or None: what the row must say} for the rows found, and the keys that must be among them."""
    compute, _, kinds = METRICS.get(metric, (None, (), ()))
    kinds = {"pipeline": ("open",), "hours": ("hours",)}.get(query.get("weight"), kinds)
    first, end = period_of(query["period"], past.settings)
    basis = query.get("fit_basis", "as_judged")
    basis = int(basis[len("restated:s"):]) - 1 if basis.startswith("restated:s") else basis
    filters = {name: query[name] for name in ("rep", "team", "segment", "tier", "origin", "product") if name in query}
    question = past.__dict__.setdefault("questions", {}).setdefault(
        (query["period"], basis, query.get("credit", "at_event"), query.get("currency"), tuple(sorted(filters.items()))),
        Question(past, first, end, basis, query.get("credit", "at_event"), query.get("currency"), **filters))
    by = query.get("by", "period" if metric == "trend" else None)
    granularity = query.get("granularity", "month" if by == "period" or metric == "trend" else None)
    places = Places(question, by, sub_periods(first, end, granularity, past.clock) if granularity else None)
    rows = {(key, label): places.place(key, label) for key, label in row_keys}
    options = {name: query[name] for name in ("over", "weight") if name in query}
    if metric == "trend":
        return oracle_series.trend(METRICS[query["metric"]][0], places, rows.keys(), int(query.get("rolling", 3)), query["metric"] not in MEANS), places.keys(METRICS[query["metric"]][2])
    if metric in TOGETHER:
        return compute(places, rows, **options), places.keys(kinds)
    return {None: compute(places.total(), **options), **{place: compute(rows[place], **options) for place in rows}}, places.keys(kinds)


def check(past, metric, query, answer):
    """Lines of what is not as expected."""
    currency = answer["currency"]
    found = {None: answer["total"], **{(row["key"], row.get("period")): row for row in answer["rows"]}}
    wanted, keys = expected(past, metric, query, [place for place in found if place is not None])
    wrong = [f"no row for {key}" for key in sorted(keys - {place[0] for place in found if place})]
    divided = "product" in query or "product" in (query.get("by"), query.get("over")) or {"product_mix", "focus_opportunity"} & {metric, query.get("metric")}
    for place, row in wanted.items():
        wrong += [f"{place}{line}" for line in differences(row, found[place], currency, ties=divided)]
    return wrong
