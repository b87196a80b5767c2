"""Intended against realised mixes, and what is built on them (METRICS 2, M17–M19, M22, M23, M25, M31) over the rows of a place."""
import math
from fractions import Fraction

from oracle_deals import bookings_share, credit, left_out, low_n, money, of, open_pipeline_share, priced, quality, win_rate
from oracle_hours import hours, linked, message_adoption, parts, selling_time_share
from oracle_places import Money, ratio, wilson


class Mix:
    """Amounts by key held against a target, both normalised; below 0 counts as 0."""

    def __init__(self, target, amounts):
        planned = sum(target.values())
        self.target = {key: value / planned for key, value in target.items()} if planned else {}
        self.raw = {key: amount for key, amount in amounts.items() if amount != 0 or key in self.target}
        self.amounts = {key: max(amount, 0) for key, amount in self.raw.items()}
        self.whole = sum(self.amounts.values())
        self.keys = sorted({*self.target, *self.raw})
        self.reason = "no_target" if not planned else "empty_denominator" if self.whole == 0 else None
        self.actual = {key: ratio(self.amounts.get(key, 0), self.whole) for key in self.keys}
        self.tv = None if self.reason else sum(abs(self.p(key) - self.actual[key]) for key in self.keys) / 2

    def p(self, key):
        return self.target.get(key, Fraction(0))

    def jsd(self):
        total = 0.0
        for key in self.keys:
            p, q = float(self.p(key)), float(self.actual[key])
            total += sum(x * math.log2(2 * x / (p + q)) for x in (p, q) if x > 0) / 2
        return max(total, 0)

    def parts(self, written):
        found = {"negative_set_to_zero": any(amount < 0 for amount in self.raw.values()),
                 "keys": [{"key": key, "target": self.target.get(key), "actual": self.actual[key], "amount": written(self.raw.get(key, 0)), "unplanned": key not in self.target,
                           "gap": None if self.actual[key] is None else self.actual[key] - self.p(key)} for key in self.keys]}
        return found if self.reason else {**found, "realised": 1 - self.tv, "sqrt_jsd": self.jsd() ** 0.5}


def targets(question, over, what="bookings"):
    body = question.strategy
    if over == "product":
        return {key: Fraction(str(value)) for key, value in body.get("products", {}).items()}
    return {one["key"]: Fraction(str(one["target"][what])) for one in body.get("segments", []) if what in one.get("target", {})}


def amounts(rows, over):
    """{key: money}: of families by the lines, of segments by the account."""
    found = {}
    for row in priced(rows):
        for key, weight in ((row.families or {"unspecified": Fraction(1)}).items() if over == "product" else [(row.verdict.segment, Fraction(1))]):
            found[key] = found.get(key, 0) + row.money * weight
    return found


def placed(found, over):
    return {key: amount for key, amount in found.items() if key != ("unspecified" if over == "product" else "unknown")}


def mix(place, over):
    found = amounts(place.won, over)
    whole = Mix(targets(place.question, over), placed(found, over))
    outside = found.get("unspecified" if over == "product" else "unknown", 0)
    out = left_out(place.won)
    return {"value": whole.tv, "denominator": Money(whole.whole), "numerator": None if whole.tv is None else Money(whole.tv * whole.whole, exact=False), "reason": whole.reason,
            "excluded": {"unknown_amount": Money(outside), "unpriced": out["unpriced"], "no_amount": out["no_amount"], "no_owner": out["no_owner"]},
            "quality": quality(place, whole.whole, outside, place.won), "parts": whole.parts(Money)}


def product_mix(place):
    return mix(place, "product")


def segment_mix(place):
    return mix(place, "segment")


def deliberate_emergent(place, over="segment"):
    whole = Mix(targets(place.question, over), placed(amounts(place.won, over), over))
    answer = {"value": None if whole.reason else 1 - whole.tv, "reason": whole.reason, "denominator": Money(whole.whole)}
    if not whole.reason:
        answer["numerator"] = Money((1 - whole.tv) * whole.whole, exact=False)
    if not whole.reason:
        each = lambda key: {"key": key, "deliberate": min(whole.p(key), whole.actual[key]), "unrealised": max(whole.p(key) - whole.actual[key], 0),
                            "emergent": max(whole.actual[key] - whole.p(key), 0), "unplanned": key not in whole.target}
        keys = [each(key) for key in whole.keys]
        answer["parts"] = {"keys": keys, **{name: sum(key[name] for key in keys) for name in ("deliberate", "unrealised", "emergent")}}
    return answer


def concentration(place):
    clients, largest = {}, {}
    for row in priced(place.won):
        if row.account is not None:
            clients[row.account] = clients.get(row.account, 0) + row.money
            largest[row.id] = largest.get(row.id, 0) + row.money
    clients = {account: max(amount, 0) for account, amount in clients.items()}
    whole, n = sum(clients.values()), len(clients)
    hhi = ratio(sum(amount ** 2 for amount in clients.values()), whole ** 2)
    none = [row for row in place.won if row.account is None]
    return {"value": hhi, "denominator": Money(whole), "reason": None if hhi is not None else "empty_denominator",
            "excluded": {"unknown": credit(none), "unknown_amount": Money(money(none)), **{key: left_out(place.won)[key] for key in ("unpriced", "no_amount", "no_owner")}},
            "parts": {"clients": n, "effective_clients": ratio(1, hhi) if hhi else None,
                      "normalised": None if hhi is None or n < 2 else (hhi - Fraction(1, n)) / (1 - Fraction(1, n)),
                      "top_share": ratio(max(clients.values(), default=0), whole), "largest_deal_share": None if place.question.credit == "split" else ratio(max(largest.values(), default=0), whole)}}


DEFAULT_WEIGHTS = {"bookings": 0.25, "pipeline": 0.20, "time": 0.25, "product": 0.15, "message": 0.15}


def alignment_index(place):
    weights = {key: Fraction(str(value)) for key, value in {**DEFAULT_WEIGHTS, **place.question.strategy.get("index_weights", {})}.items()}
    product = Mix(targets(place.question, "product"), placed(amounts(place.won, "product"), "product"))
    bookings, pipeline, time, message = (metric(place) for metric in (bookings_share, open_pipeline_share, selling_time_share, message_adoption))
    values = {"bookings": bookings["value"], "pipeline": pipeline["value"], "time": time["value"], "product": None if product.reason else 1 - product.tv, "message": message["value"]}
    there = {key: value for key, value in values.items() if value is not None}
    coverage = sum(weights[key] for key in there) / sum(weights.values())
    sizes = {"bookings": bookings["n"], "pipeline": pipeline["n"], "time": time["n"], "message": message["n"]}
    return {"value": 100 * sum(weights[key] * value for key, value in there.items()) / sum(weights[key] for key in there) if coverage >= Fraction(6, 10) else None,
            "reason": None if coverage >= Fraction(6, 10) else "low_coverage",
            "parts": {"coverage": coverage, **{key: {"value": value, "weight": weights[key], **({"n": sizes[key]} if key in sizes else {})} for key, value in values.items()}}}


def leaderboard(places, rows):
    """{place: expected} for all groups at once: each is pulled to the pooled rate."""
    rates = {key: (win_rate(place)["numerator"], win_rate(place)["denominator"]) for key, place in rows.items()}
    known = [(Fraction(k), Fraction(n)) for k, n in rates.values() if n]
    total = sum(n for _, n in known)
    prior = ratio(sum(k for k, _ in known), total)
    strength = Fraction(10)
    if len(known) >= 5 and prior not in (None, 0, 1):
        spread = sum(n * (k / n - prior) ** 2 for k, n in known)
        noise, groups = prior * (1 - prior), len(known) - 1
        rho = ratio(spread - noise * groups, noise * (total - sum(n * n for _, n in known) / total - groups))
        strength = Fraction(200) if rho is None or rho <= 0 else min(max(1 / rho - 1, 2), 200)
    found = {}
    for key, (k, n) in rates.items():
        shrunk = (k + strength * prior) / (n + strength) if n else None
        bounds = None if places.question.credit == "split" or not n else wilson(k, n)
        found[key] = {"value": shrunk, "numerator": k, "denominator": n, "ci": bounds, "reason": None if n else "empty_denominator",
                      "parts": {"raw": ratio(k, n), "shrunk": shrunk, "prior": prior, "strength": strength}}
    ranked = {key: one["value"] for key, one in found.items() if one["value"] is not None and one["denominator"] >= places.question.min_n}
    for key, one in found.items():
        rivals = [value for other, value in ranked.items() if places.by == "period" or other[1] == key[1]]  # sub-periods of a group are no rivals
        one["parts"]["rank"] = 1 + sum(1 for value in rivals if value > ranked[key]) if key in ranked else None
    return found


def strategy_setters(places, rows, over="segment", weight="bookings"):
    """{place: expected} for all groups at once; None: the total. What each contributes adds up to the total variation of the whole, in a sub-period to
    that of the sub-period."""
    question = places.question
    read = {"bookings": lambda place: amounts(place.won, over), "pipeline": lambda place: amounts(place.open, over), "hours": spent_by_segment}[weight]
    written = (lambda amount: amount) if weight == "hours" else Money
    goal = targets(question, over, "time" if weight == "hours" else "bookings")
    of_all = Mix(goal, placed(read(places.total()), over))
    found = {None: {"value": of_all.tv, "denominator": written(of_all.whole), "reason": of_all.reason}}
    for key, place in rows.items():
        whole = of_all if place.sub is None else Mix(goal, placed(read(places.whole(places.subs[place.sub][0])), over))
        own = {k: amount if whole.raw.get(k, 0) >= 0 else Fraction(0) for k, amount in placed(read(place), over).items()}
        size = sum(own.values())
        own_mix = Mix(goal, own)
        pulls = {}
        for k in whole.keys if whole.whole > 0 else []:
            sign = (whole.actual[k] > whole.p(k)) - (whole.actual[k] < whole.p(k))
            pulls[k] = Fraction(sign, 2) * (ratio(own.get(k, 0), whole.whole) - ratio(size, whole.whole) * whole.p(k))
        reason = whole.reason or own_mix.reason
        found[key] = {"value": None if reason else sum(pulls.values()), "numerator": written(size), "reason": reason,
                      "parts": {"weight": ratio(size, whole.whole), "keys": [{"key": k, "contribution": pull} for k, pull in sorted(pulls.items())]}}
    return found


def spent_by_segment(place):
    found = {}
    for row in linked(place.hours):
        found[row.verdict.segment] = found.get(row.verdict.segment, 0) + row.hours
    return found
