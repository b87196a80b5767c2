"""Which oracle computes which metric, in which groupings METRICS.md names for it; and an answer held against it."""
import oracle_deals
import oracle_hours
import oracle_mixes
import oracle_work
from company_world import period_of, sub_periods
from oracle_places import Places, differences
from oracle_rows import Question

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
    "effort_per_win": (oracle_work.effort_per_win, ("rep", "team", "segment", "tier"), ("won", "hours")),
    "decision_stream": (oracle_work.decision_stream, ("rep", "team"), ("created",)),
    "target_coverage": (oracle_work.target_coverage, ("rep", "team", "segment"), ("targets",)),
    "white_space": (oracle_work.white_space, ("rep", "team", "segment"), ("wanted",)),
    "leaderboard": (oracle_mixes.leaderboard, ("rep", "team"), ("closed",)),
    "strategy_setters": (oracle_mixes.strategy_setters, ("rep", "team"), ("closed",)),
}
TOGETHER = ("leaderboard", "strategy_setters")  # a group's figure depends on all groups


def expected(past, metric, query, row_keys):
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


def check(past, metric, query, answer):
    """Lines of what is not as expected."""
    currency = answer["currency"]
    found = {None: answer["total"], **{(row["key"], row.get("period")): row for row in answer["rows"]}}
    wanted, keys = expected(past, metric, query, [place for place in found if place is not None])
    wrong = [f"no row for {key}" for key in sorted(keys - {place[0] for place in found if place})]
    for place, row in wanted.items():
        wrong += [f"{place}{line}" for line in differences(row, found[place], currency)]
    return wrong
