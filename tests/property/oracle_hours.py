"""Metrics of time and conversations, from METRICS.md (R9, M02, M12, M13, M15, M20, M06) over the rows of a place."""
import datetime
from fractions import Fraction

from oracle_deals import bookings_share, credit, interval, left_out, money, of, priced, quality
from oracle_places import Money, Place, key_of, percentile, ratio
from oracle_rows import INTERNAL


def linked(rows):
    return [row for row in rows if row.account is not None]


def hours(rows):
    return sum(row.hours for row in rows)


def parts(rows):
    return sum(row.share for row in rows)


def sides(rows):
    return [of(linked(rows), cls) for cls in ("on", "off", "unknown")]


def hours_out(rows):
    return {"unknown": parts(of(linked(rows), "unknown")), "no_owner": sum(1 for row in rows if row.rep is None),
            "unattributed_hours": hours(row for row in rows if row.account is None)}


def selling_time_share(place):
    rows = place.hours
    on, off, unknown = sides(rows)
    value, n, estimated = ratio(hours(on), hours(on) + hours(off)), parts(on) + parts(off), ratio(hours(row for row in rows if row.estimated), hours(rows))
    return {"value": value, "numerator": hours(on), "denominator": hours(on) + hours(off), "n": n,
            "reason": None if value is not None else "empty_denominator", "excluded": hours_out(rows),
            "quality": quality(place, hours(on) + hours(off), hours(unknown), rows, low=estimated is not None and estimated > Fraction(1, 2)),
            "parts": {"on": {"hours": hours(on)}, "off": {"hours": hours(off)}, "unknown": {"hours": hours(unknown)},
                      "unattributed_share": ratio(hours_out(rows)["unattributed_hours"], hours(rows)), "estimated_share": estimated}}


def off_strategy_investment(place):
    rows = place.hours
    on, off, unknown = sides(rows)
    cost = {id(row): place.question.cost(row) for row in on + off}

    def spent(side):
        known = [row for row in side if cost[id(row)] is not None]
        return {"hours": hours(side), "cost": Money(sum(cost[id(row)] for row in known), exact=False) if hours(known) > 0 else None}
    value, estimated = ratio(hours(off), hours(on) + hours(off)), ratio(hours(row for row in rows if row.estimated), hours(rows))
    return {"value": value, "numerator": hours(off), "denominator": hours(on) + hours(off), "n": parts(on) + parts(off),
            "excluded": {**hours_out(rows), "no_cost_rate": hours(row for row in on + off if cost[id(row)] is None)},
            "quality": quality(place, hours(on) + hours(off), hours(unknown), rows, low=estimated is not None and estimated > Fraction(1, 2)),
            "forms": {"share": value, **spent(off)}, "parts": {"off": spent(off), "on": spent(on)}}


def meeting_share(place):
    rows = [row for row in place.hours if row.kind == "meeting"]
    on, off, unknown = map(parts, sides(rows))
    return {"value": ratio(on, on + off), "numerator": on, "denominator": on + off, "n": on + off, "ci": interval(place, on, on + off),
            "reason": None if on + off else "empty_denominator", "excluded": hours_out(rows), "quality": quality(place, on + off, unknown, rows),
            "parts": {"on": {"n": on}, "off": {"n": off}, "unknown": {"n": unknown}}}


def segment_shares(place):
    """{segment: (share of time, share of money)} of a place; money is not shared out when there is none or less than none."""
    spent, won = {}, {}
    for row in linked(place.hours):
        spent[row.verdict.segment] = spent.get(row.verdict.segment, 0) + row.hours
    for row in place.won:
        won[row.verdict.segment] = won.get(row.verdict.segment, 0) + (row.money or 0)
    spent.pop("unknown", None), won.pop("unknown", None)
    whole = sum(won.values())
    return {key: (ratio(spent.get(key, 0), sum(spent.values())), ratio(won.get(key, 0), whole) if whole > 0 else None) for key in {*spent, *won}}


def focus_gap(place):
    """By segment: the segment's share of all time and of all money; else the shares with on-strategy accounts."""
    if place.places.by == "segment" and place.key is not None:
        shares = segment_shares(Place(place.places, None, place.sub))
        time, earned = shares.get(place.key, [0 if any(one[n] is not None for one in shares.values()) else None for n in (0, 1)])
        none = None in (time, earned)
        return {} if place.key == "unknown" else {"value": None if none else time - earned, "parts": {"time": time, "money": earned}}
    time, earned = selling_time_share(place)["value"], bookings_share(place)["value"]
    none = None in (time, earned)
    return {"value": None if none else time - earned, "reason": "empty_denominator" if none else None,
            "parts": {"time": time, "money": earned, "segments": [{"key": key, "time": t, "money": m, "gap": None if None in (t, m) else t - m}
                                                                  for key, (t, m) in sorted(segment_shares(place).items())]}}


def message_adoption(place):
    themes = {one["key"]: Fraction(str(one["target"])) for one in place.question.strategy.get("messages", [])}
    if not themes:
        return {"value": None, "reason": "no_target", "n": 0}
    talks = {row.id: row for row in place.hours if row.kind not in INTERNAL}.values()
    tagged = [row for row in talks if row.messages or row.state.doc.get("tagging_status") == "done"]
    reached = lambda theme: len({row.deal for row in tagged if row.deal is not None and theme in (None, *row.messages)})
    said = {theme: sum(1 for row in tagged if theme in row.messages) for theme in {*themes, *(theme for row in tagged for theme in row.messages)}}
    n, tags, planned = reached(None), sum(said.values()), sum(themes.values())
    adoption = sum(themes[theme] * Fraction(reached(theme), n) for theme in themes) / planned if n else None
    keys = [{"key": theme, "target": themes.get(theme), "deals": {"value": ratio(reached(theme), n), "numerator": reached(theme), "denominator": n, "n": n},
             "calls": {"value": ratio(said[theme], len(tagged)), "numerator": said[theme], "denominator": len(tagged)}, "emphasis": ratio(said[theme], tags),
             "unplanned": theme not in themes} for theme in sorted(said)]
    emphasis = sum(abs(themes.get(theme, 0) / planned - Fraction(said[theme], tags)) for theme in said) / 2 if tags else None
    return {"value": adoption, **({"numerator": adoption * n} if n else {}), "denominator": n, "n": n, "reason": None if n else "empty_denominator", "excluded": {"untagged": len(talks) - len(tagged)},
            "parts": {"keys": keys, "emphasis_tv": emphasis} if talks else {}}


def usual_effort(question, at):
    """Median hours per money of the organisation's on-strategy wins in the 365 days up to then; None below min_n of them."""
    wins = [row for row in question.closed(at - datetime.timedelta(days=365), at + datetime.timedelta(microseconds=1), everyone=True)
            if row.outcome == "won" and row.cls == "on" and row.money is not None]
    effort = question.effort()
    efforts = [effort[row.id] / max(row.money, Fraction(1, 100)) for row in wins if row.id in effort]
    return percentile(efforts, 0.5) if len(efforts) >= question.min_n else None


def by_ease(question, won, usual):
    """Off-strategy wins with an amount, by what made them (M06)."""
    rules, effort = question.strategy.get("opportunistic", {}), question.effort()
    kinds = {"opportunistic": [], "misdirected": [], "unclassified": []}
    for row in priced(of(won, "off")):
        whole = row.money if row.credit == 0 else row.money / row.credit  # a deal's effort is held against the deal, however it is shared
        e = effort.get(row.id)
        easy = row.origin in rules.get("easy_origins", []) or (e is not None and usual is not None and e / max(whole, Fraction(1, 100)) <= usual)
        kinds["opportunistic" if easy else "unclassified" if e is None else "misdirected"].append(row)
    return kinds


def opportunistic(place):
    question = place.question
    rules = question.strategy.get("opportunistic", {})
    usual = question.once("usual", lambda: usual_effort(question, question.stock_at))
    kinds = by_ease(question, place.won, usual)
    on, off = (of(place.won, cls) for cls in ("on", "off"))
    whole = money(on) + money(off)
    used = ratio(money(kinds["opportunistic"]), whole) if whole > 0 else None
    limit = Fraction(str(rules["limit"])) if "limit" in rules else None
    status = None if None in (used, limit) else "over" if used > limit else "near" if used >= limit * 8 / 10 else "ok"
    return {"value": used, "numerator": Money(money(kinds["opportunistic"])), "denominator": Money(whole), "n": credit(priced(on)) + credit(priced(off)),
            "excluded": left_out(place.won), "quality": quality(place, whole, money(of(place.won, "unknown")), place.won),
            "parts": {**{kind: {"n": credit(rows), "amount": Money(money(rows))} for kind, rows in kinds.items()},
                      "budget": {"limit": limit, "used": used, "remaining": None if None in (used, limit) else limit - used, "status": status},
                      "effort_rule": "unavailable" if usual is None else "median"}}


def focus_opportunity(place):
    """M29: off-strategy hours of a year, but those on opportunistic wins, times what an hour on strategy brought more than one off strategy."""
    question, at = place.question, place.places.instant(place.sub)
    if at is None:
        return {}
    start, end = at - datetime.timedelta(days=365), at + datetime.timedelta(microseconds=1)
    here = lambda row: place.key is None or place.places.by == "period" or key_of(row, place.places.by) == place.key
    year = question.once(("year", at), lambda: ([row for row in question.closed(start, end) if row.outcome == "won"], [row for row in question.spent(start, end) if question.within(row)]))
    won, spent = ([row for row in rows if here(row)] for rows in year)
    usual = question.once(("usual", at), lambda: usual_effort(question, at))
    easy = {row.id for row in by_ease(question, [row for row in question.closed(start, end, everyone=True) if row.outcome == "won"], usual)["opportunistic"]}
    on, off, unknown = sides(spent)
    lucky = hours(row for row in off if row.deal in easy)
    gained = {cls: money(of(won, cls)) for cls in ("on", "off")}
    yields = {"on": ratio(gained["on"], hours(on)), "off": ratio(gained["off"], hours(off))}
    misdirected, missing = hours(off) - lucky, next((side for side in ("on", "off") if yields[side] is None), None)
    side = lambda cls, rows: {"hours": hours(rows), "amount": Money(gained[cls]), "yield": Money(yields[cls])}
    return {"value": None if missing else Money(misdirected * (yields["on"] - yields["off"])), "reason": missing and f"no_yield_{missing}",
            "parts": {"misdirected_hours": misdirected, "opportunistic_hours": lucky, "on": side("on", on), "off": side("off", off), "window_days": 365}}
