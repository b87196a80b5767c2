"""Metrics of what people do and leave undone, and of what changes a figure (METRICS M14, M16, M24, M28, M30, M32) over the rows of a place."""
import datetime
from fractions import Fraction

from oracle_deals import bookings_share, credit, interval, left_out, money, of, quality, win_rate
from oracle_hours import hours, hours_out, sides
from oracle_places import Money, Places, key_of, ratio
from oracle_rows import INTERNAL

MICROSECOND = datetime.timedelta(microseconds=1)


def effort_per_win(place):
    """M14: all hours with accounts of known class, for each win there; and their cost for each unit of money won."""
    on, off, _ = sides(place.hours)
    wins, won = {cls: of(place.won, cls) for cls in ("on", "off")}, place.won
    cost = {id(row): place.question.cost(row) for row in on + off}

    def side(rows, deals):
        spent = [cost[id(row)] for row in rows if cost[id(row)] is not None]
        there = Money(sum(spent), exact=False) if sum(row.hours for row in rows if cost[id(row)] is not None) > 0 else None
        return {"hours": hours(rows), "wins": credit(deals), "hours_per_win": ratio(hours(rows), credit(deals)), "cost": there, "won": Money(money(deals)),
                "cost_of_sale": ratio(there.amount, money(deals)) if there and money(deals) > 0 else None}
    everything = side(on + off, wins["on"] + wins["off"])
    n, out = everything["wins"], left_out(won)
    return {"value": everything["hours_per_win"], "numerator": everything["hours"], "denominator": n, "n": n, "reason": None if n else "empty_denominator",
            "excluded": {**{key: out[key] for key in ("unknown", "unknown_amount", "unpriced", "no_amount", "no_owner")},
                         "unattributed_hours": hours_out(place.hours)["unattributed_hours"], "no_cost_rate": hours(row for row in on + off if cost[id(row)] is None)},
            "forms": {"cost_of_sale": {"value": everything["cost_of_sale"], "numerator": everything["cost"]}},
            "parts": {cls: {key: value for key, value in side(rows, wins[cls]).items() if rows or wins[cls]} for cls, rows in (("on", on), ("off", off))}}


def cost_of_sale(place):
    """M14b: the cost of all hours with accounts of known class / the money won there."""
    on, off, _ = sides(place.hours)
    costs = {id(row): place.question.cost(row) for row in on + off}
    rated = hours(row for row in on + off if costs[id(row)] is not None)
    won = money(of(place.won, "on")) + money(of(place.won, "off"))
    cost = sum(one for one in costs.values() if one is not None)
    reason = "no_cost_rate" if not rated else "empty_denominator" if won == 0 else "nonpositive_denominator" if won < 0 else None
    return {"value": None if reason else ratio(cost, won), "numerator": Money(cost, exact=False) if rated else None, "denominator": Money(won), "reason": reason,
            "excluded": {"no_cost_rate": hours(row for row in on + off if costs[id(row)] is None)}}


def runs(rows):
    """(longest, current) run of decisions off strategy of one rep; what cannot be classed neither breaks nor lengthens it."""
    longest = current = 0
    for row in sorted(rows, key=lambda row: (row.at, row.id)):
        current = current + 1 if row.cls == "off" else 0 if row.cls == "on" else current
        longest = max(longest, current)
    return longest, current


def decision_stream(place):
    rows = [row for row in place.created if row.origin != "import"]
    on, off = credit(of(rows, "on")), credit(of(rows, "off"))
    people = {}
    for row in rows:
        people.setdefault(row.rep, []).append(row)
    found = [runs(own) for own in people.values()]
    return {"value": ratio(on, on + off), "numerator": on, "denominator": on + off, "n": on + off, "ci": interval(place, on, on + off),
            "excluded": {"unknown": credit(of(rows, "unknown")), "imported": credit(row for row in place.created if row.origin == "import")},
            "quality": quality(place, on + off, credit(of(rows, "unknown"))),
            "parts": {"on": {"n": on}, "off": {"n": off}, "off_run": {"longest": max((one for one, _ in found), default=0), "current": max((two for _, two in found), default=0)}}}


def window_start(question, at, days):
    """When the last so many local days, up to and including that of the instant, began."""
    clock = question.past.clock
    return clock.midnight(clock.day(at) + datetime.timedelta(days=1 - days))


def spent_on(question, start, at):
    """[(account, row)] of activities in [start, at], an account merged by then being the one that stayed."""
    return question.once(("spent", start, at), lambda: [(question.survivor(row.account, at), row) for row in question.spent(start, at + MICROSECOND) if row.account is not None])


def white_space(place):
    question, at = place.question, place.places.instant(place.sub)
    if at is None:
        return {}
    seen = {account for account, _ in spent_on(question, window_start(question, at, 90), at)}
    busy = question.once(("busy", at), lambda: {question.survivor(row.account, at) for row in question.open(at, everyone=True) if row.account is not None})
    white = [row for row in place.wanted if row.id not in seen and row.id not in busy]
    n = len(place.wanted)
    return {"value": len(white) if n else None, "numerator": len(white), "denominator": n, "n": n,
            "forms": {"share": {"value": ratio(len(white), n), "numerator": len(white), "denominator": n}}, "parts": {"on": len(of(white, "on"))}}


def gained(row, question, at):
    """When an account last became the present owner's target."""
    held = lambda when: (row.state.held("owner", when, question.past.backcast)[0], row.state.held("is_target", when, question.past.backcast)[0])
    times = {when for name in ("owner", "is_target") for when, _ in row.state.changes.get(name, []) if when <= at}
    return max((when for when in times if held(when - MICROSECOND) != (row.rep, True)), default=None)


def target_coverage(place):
    question, at = place.question, place.places.instant(place.sub)
    if at is None:
        return {}
    start, grace = window_start(question, at, 90), window_start(question, at, 30)
    states = {"green": 0, "yellow": 0, "red": 0, "grace": 0}
    for row in place.targets:
        if row.rep is None:
            continue
        since = gained(row, question, at)
        n = sum(1 for account, spent in spent_on(question, start, at)
                if account == row.id and spent.kind not in INTERNAL and spent.rep == row.rep and row.state.held("owner", spent.at, question.past.backcast)[0] == row.rep)
        states["grace" if since is not None and since >= grace else "green" if n >= 3 else "yellow" if n else "red"] += 1
    n = states["green"] + states["yellow"] + states["red"]
    return {"value": ratio(states["green"], n), "numerator": states["green"], "denominator": n, "n": n,
            "excluded": {"no_owner": sum(1 for row in place.targets if row.rep is None), "grace": states["grace"]},
            "parts": {key: states[key] for key in ("green", "yellow", "red")}}


def change_decomposition(before, after, metric, over):
    """M24 between two questions: mix and rate effects of the parts add up to the change exactly; a part missing on one side has the other's rate."""
    compute = {"win_rate": win_rate, "bookings_share": bookings_share}[metric]
    sizes, rates, totals = [], [], []
    for question in (before, after):
        places = Places(question, over)
        parts = {key: compute(places.place(key, None)) for key in places.keys(("decided" if metric == "win_rate" else "won",))}
        plain = lambda value: value.amount if isinstance(value, Money) else value
        if any(row["n"] and plain(row["denominator"]) <= 0 for row in parts.values()):
            return {"value": None, "reason": "nonpositive_denominator"}  # shares below 0 are none
        parts = {key: row for key, row in parts.items() if row["value"] is not None}
        whole = sum(plain(row["denominator"]) for row in parts.values())
        sizes.append({key: Fraction(plain(row["denominator"])) / whole for key, row in parts.items()})
        rates.append({key: row["value"] for key, row in parts.items()})
        totals.append(compute(places.total())["value"])
    mix = rate = Fraction(0)
    for key in {*sizes[0], *sizes[1]}:
        s0, s1 = (size.get(key, Fraction(0)) for size in sizes)
        r0, r1 = rates[0].get(key, rates[1].get(key)), rates[1].get(key, rates[0].get(key))
        mix, rate = mix + (s1 - s0) * (r0 + r1) / 2, rate + (r1 - r0) * (s0 + s1) / 2
    assert mix + rate == totals[1] - totals[0]
    return {"value": totals[1] - totals[0], "parts": {"mix": mix, "rate": rate, "before": {"value": totals[0]}, "after": {"value": totals[1]}}}


STEPS = {"opening": 1, "new": 1, "pulled_in": 1, "increased": 1, "decreased": -1, "pushed_out": -1, "won": -1, "lost": -1, "reassigned": 1, "refit": 1, "fx": 1, "closing": -1}


def pipeline_change(places, rows):
    """{None or place: expected} of M30 with due=any: the stocks at both ends. What the row says in between must add up: see pipeline_adds_up."""
    question = places.question
    opening = question.kept(question.open(question.start_at - MICROSECOND, everyone=True))
    closing = question.open(question.stock_at)
    found = {}
    for place in (None, *rows):
        ends = [[row for row in stock if place is None or key_of(row, places.by) == place] for stock in (opening, closing)]
        worth = [{"all": stock, **{cls: of(stock, cls) for cls in ("on", "off", "unknown")}} for stock in ends]
        # What is written adds up to the cent, so the whole is the sum of rounded classes.
        told = lambda amount: Money(amount, exact=False)
        found[place] = {"value": told(money(ends[1]) - money(ends[0])), "numerator": told(money(ends[1])), "denominator": told(money(ends[0])),
                        "parts": {name: {cls: {"n": credit(stock), "amount": told(money(stock))} for cls, stock in side.items()} for name, side in zip(("opening", "closing"), worth)}}
    return found


def pipeline_adds_up(row):
    """Lines of what does not add up, to the cent and to the deal, from opening to closing, in all and in each class."""
    wrong = []
    for cls in ("all", "on", "off", "unknown"):
        total = sum(sign * Fraction(row["parts"][step][cls]["amount"]) for step, sign in STEPS.items())
        if total != 0:
            wrong.append(f".{cls}: {total} left over")
    for step in STEPS:
        if Fraction(row["parts"][step]["all"]["amount"]) != sum(Fraction(row["parts"][step][cls]["amount"]) for cls in ("on", "off", "unknown")):
            wrong.append(f".{step}: on, off and unknown are not all")
    return wrong
