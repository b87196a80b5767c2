"""Metrics of deals and hours, each from its definition in METRICS.md over the rows of a place. A function gives what the ROW must say."""
import datetime
from fractions import Fraction

from oracle_places import Money, percentile, ratio, wilson

LIMIT = Fraction(1, 4)


def credit(rows):
    return sum(row.credit for row in rows)


def money(rows):
    return sum(row.money for row in rows if row.money is not None)


def priced(rows):
    return [row for row in rows if row.money is not None]


def of(rows, cls):
    return [row for row in rows if row.cls == cls]


def left_out(rows):
    """excluded of rows of deals."""
    unknown = of(rows, "unknown")
    return {"unknown": credit(unknown), "unknown_amount": Money(money(unknown)), "unpriced": credit(row for row in rows if row.money is None and row.amount is not None),
            "no_amount": credit(row for row in rows if row.amount is None), "no_owner": credit(row for row in rows if row.rep is None), "unattributed_hours": 0}


def quality(place, known, unknown, backcast=None, low=False):
    share = ratio(unknown, known + unknown)
    found = {"status": "low" if low or (share is not None and share > LIMIT) else "ok", "unknown_share": share}
    if backcast is not None and place.question.credit != "split":
        found["backcast"] = sum(1 for row in backcast if row.backcast)
    return found


def interval(place, k, n):
    return None if place.question.credit == "split" else wilson(k, n)


def count_form(place, k, n):
    return {"value": ratio(k, n), "numerator": k, "denominator": n, "n": n, "ci": interval(place, k, n)}


def money_form(on, off, n):
    return {"value": ratio(on, on + off) if on + off > 0 else None, "numerator": Money(on), "denominator": Money(on + off), "n": n}


def low_n(place, n):
    return n < place.question.min_n


def share(place, rows):
    """M03, M04, M05: money on strategy / (on + off)."""
    on, off, unknown = (of(rows, cls) for cls in ("on", "off", "unknown"))
    above, whole = money(on), money(on) + money(off)
    n = credit(priced(on)) + credit(priced(off))
    # A part of a deal is not a deal: under split credit no largest is told.
    sizes = [] if place.question.credit == "split" else [(row.money, row.cls == "on") for row in priced(on) + priced(off)]
    largest, without = max(sizes, default=(None, None)), None
    if len(sizes) >= 2:
        without = ratio(above - largest[0] if largest[1] else above, whole - largest[0])
    largest = largest[0]
    return {"value": ratio(above, whole) if whole > 0 else None, "numerator": Money(above), "denominator": Money(whole), "n": n, "ci": None, "low_n": low_n(place, n),
            "reason": None if whole > 0 else "empty_denominator" if whole == 0 else "nonpositive_denominator",
            "excluded": left_out(rows), "quality": quality(place, whole, money(unknown), rows),
            "parts": {**{cls: {"n": credit(priced(side)), "amount": Money(money(side))} for cls, side in (("on", on), ("off", off), ("unknown", unknown))},
                      "largest_deal_share": None if largest is None else ratio(largest, whole), "without_largest": without}}


def bookings_share(place):
    return share(place, place.won)


def weighted_share(place, rows):
    """M03, M04: the share by amount, by count, and by amount times probability."""
    on, off = of(rows, "on"), of(rows, "off")
    n = credit(priced(on)) + credit(priced(off))
    weigh = lambda side: sum(row.money * min(max(row.probability, 0), 1) for row in side if row.money is not None and row.probability is not None)
    answer = share(place, rows)
    answer["forms"] = {"amount": money_form(money(on), money(off), n), "count": count_form(place, credit(on), credit(on) + credit(off)),
                       "weighted": {key: value for key, value in money_form(weigh(on), weigh(off), n).items() if key != "n"}}
    answer["excluded"]["no_probability"] = credit(row for row in rows if row.probability is None)
    return answer


def pipeline_created_share(place):
    return weighted_share(place, place.created)


def open_pipeline_share(place):
    return weighted_share(place, place.open)


def win_rate(place):
    rows, won = place.decided, place.won
    sides = {cls: (of(won, cls), [row for row in of(rows, cls) if row.outcome == "lost"]) for cls in ("on", "off", "unknown")}
    k, n, unknown = credit(won), credit(rows), credit(of(rows, "unknown"))
    lost = [row for row in rows if row.outcome == "lost"]
    part = lambda w, l: {**count_form(place, credit(w), credit(w) + credit(l)), "amount": ratio(money(w), money(w) + money(l)) if money(w) + money(l) > 0 else None}
    return {"value": ratio(k, n), "numerator": k, "denominator": n, "n": n, "ci": interval(place, k, n), "low_n": low_n(place, n),
            "reason": None if n else "empty_denominator",
            "excluded": {**left_out(rows), "not_real": credit(row for row in place.closed if row.outcome == "not_real")}, "quality": quality(place, n - unknown, unknown, rows),
            "forms": {"count": count_form(place, k, n), "amount": money_form(money(won), money(lost), credit(priced(rows)))},
            "parts": {cls: part(*side) for cls, side in sides.items()}}


def win_rate_lift(place):
    rates = {cls: (credit(of(place.won, cls)), credit(of(place.decided, cls))) for cls in ("on", "off")}
    (k1, n1), (k2, n2) = rates["on"], rates["off"]
    p1, p2, a, b = ratio(k1, n1), ratio(k2, n2), wilson(k1, n1), wilson(k2, n2)
    none = p1 is None or p2 is None
    answer = {"value": None if none else p1 - p2, "n": n1 + n2, "reason": "empty_denominator" if none else None,
              "parts": {"on": count_form(place, k1, n1), "off": count_form(place, k2, n2)}}
    if place.question.credit != "split":
        newcombe = None if none else [float(p1 - p2) + side * ((float(p1) - a[one]) ** 2 + (b[1 - one] - float(p2)) ** 2) ** 0.5 for side, one in ((-1, 0), (1, 1))]
        answer["ci"] = newcombe
        answer["forms"] = {"difference": {"value": None if none else p1 - p2, "ci": newcombe,
                                          "significant": None if none else newcombe[0] > 0 or newcombe[1] < 0}}
    return answer


def days(row):
    return row.took.total_seconds() / 86400


def once(rows):
    """Each deal once, however many share it."""
    return list({row.id: row for row in rows}.values())


def cycle_days(place):
    good = [row for row in place.won if days(row) >= 0]
    side = lambda rows: {"median": percentile(map(days, once(rows)), 0.5), "p90": percentile(map(days, once(rows)), 0.9), "n": credit(rows)}
    n, unknown = credit(good), credit(of(good, "unknown"))
    everyone = side(good)
    return {"value": everyone["median"], "n": n, "reason": None if good else "empty_denominator", "low_n": low_n(place, n),
            "quality": quality(place, n - unknown, unknown), "parts": {"median": everyone["median"], "p90": everyone["p90"], "on": side(of(good, "on")), "off": side(of(good, "off")),
                                                                       "bad_dates": credit(row for row in place.won if days(row) < 0)}}


def deal_size(place):
    won = place.won

    def side(rows):
        rows = priced(rows)
        if not rows:
            return None
        # Who shares a deal does not make it smaller.
        sizes = [row.money / row.credit for row in once(rows) if row.credit]
        n = credit(rows)
        largest = max(((row.money / row.credit, credit(r for r in rows if r.id == row.id)) for row in once(rows) if row.credit), default=None)
        rest = n - largest[1]
        return {"n": n, "mean": Money(ratio(money(rows), n)), "median": Money(Fraction(percentile(sizes, 0.5)), exact=False),
                "without_largest": Money(ratio(money(rows) - largest[0] * largest[1], rest)) if rest > 0 and place.question.credit != "split" else None}
    everyone, n = side(won), credit(priced(won))
    unknown = money(of(won, "unknown"))
    return {"value": everyone["mean"] if everyone else None, "numerator": Money(money(won)), "n": n, "reason": None if everyone else "empty_denominator",
            "excluded": left_out(won), "quality": quality(place, money(won) - unknown, unknown, won),
            "parts": {name: found for name, found in (("all", everyone), ("on", side(of(won, "on"))), ("off", side(of(won, "off")))) if found}}


def velocity(place):
    rows, opened = place.window, place.open

    def side(cls):
        mine, there = (rows, opened) if cls is None else (of(rows, cls), of(opened, cls))
        won = [row for row in mine if row.outcome == "won"]
        took = [row for row in won if days(row) >= 0]
        mean, rate = ratio(money(won), credit(priced(won))), ratio(credit(won), credit(mine))
        cycle = sum(Fraction(row.took // datetime.timedelta.resolution, 86400000000) * row.credit for row in took) / credit(took) if took else None
        value = None if None in (mean, rate, cycle) else credit(there) * mean * rate / max(cycle, 1)
        return {"value": None if value is None else Money(value, exact=False), "open": credit(there), "mean_won": None if mean is None else Money(mean),
                "win_rate": rate, "cycle_days": cycle, "n": credit(mine)}
    everyone = side(None)
    return {"value": everyone["value"], "n": credit(rows), "parts": {"all": everyone, "on": side("on"), "off": side("off")}}


def client_share_on_strategy(place):
    at = place.places.instant(place.sub)
    clients = place.clients
    on, off, unknown = (of(clients, cls) for cls in ("on", "off", "unknown"))
    revenue = place.question.once(("revenue", at), lambda: revenues(place.question, at))
    earned = lambda side: sum(revenue.get(row.id, 0) for row in side)
    k, n = len(on), len(on) + len(off)
    return {"value": ratio(k, n), "numerator": k, "denominator": n, "n": n, "ci": interval(place, k, n), "reason": None if n else "empty_denominator",
            "excluded": {"unknown": len(unknown), "unknown_amount": Money(earned(unknown)), "no_owner": sum(1 for row in clients if row.rep is None)},
            "quality": quality(place, n, len(unknown)),
            "forms": {"count": count_form(place, k, n), "revenue": money_form(earned(on), earned(off), sum(1 for row in on + off if row.id in revenue))},
            "parts": {cls: {"n": len(side), "amount": Money(earned(side))} for cls, side in (("on", on), ("off", off), ("unknown", unknown))}}


def revenues(question, at):
    """{account: money won in the 365 days up to then}, whoever won it; a merged account's is that of the one that stayed."""
    found = {}
    for row in question.closed(at - datetime.timedelta(days=365), at + datetime.timedelta(microseconds=1), everyone=True):
        if row.outcome == "won" and row.money is not None and row.account is not None:
            account = question.survivor(row.account, at)
            found[account] = found.get(account, 0) + row.money
    return found
