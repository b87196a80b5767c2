"""The places of an answer (the total, each group, each sub-period) and the rows that belong there; and numbers as answers write them."""
import dataclasses
import datetime
import math
from fractions import Fraction

Z = 1.959963984540054
MINOR = {"JPY": 0}


def key_of(row, by):
    if by in ("segment", "tier"):
        return getattr(row.verdict, by)
    if by == "class":
        return row.cls
    if by == "source":
        return getattr(row, "source", row.state.source)  # of an object: of its first event
    return getattr(row, by) or "__none__"


def part(row, family):
    """The part of a deal that is of one product family."""
    weight = row.families.get(family, Fraction(1)) if row.families else Fraction(1)
    return dataclasses.replace(row, money=None if row.money is None else row.money * weight)


class Place:
    """The rows of one place, by kind, read when asked for."""

    def __init__(self, places, key=None, sub=None):
        self.places, self.question, self.key, self.sub = places, places.question, key, sub

    def __getattr__(self, kind):
        if kind.startswith("_"):
            raise AttributeError(kind)
        rows = self.places.rows(kind, self.sub if kind in STOCKS else None)
        if self.sub is not None and kind not in STOCKS:
            _, start, end = self.places.subs[self.sub]
            rows = [row for row in rows if start <= row.at < end]
        if self.key is not None and self.places.by == "product":
            return [part(row, self.key) for row in rows if self.key in (row.families or {"unspecified": 1})]
        if self.key is not None and self.places.by != "period":
            rows = [row for row in rows if key_of(row, self.places.by) == self.key]
        product = self.question.filters.get("product")
        return [part(row, product) for row in rows] if product else rows


STOCKS = ("open", "clients", "targets", "wanted", "window")


class Places:
    """by: what answers are grouped by. subs: [(label, start, end)] or None."""

    def __init__(self, question, by=None, subs=None, window_days=90):
        self.question, self.by, self.subs, self.window_days, self.read = question, by, subs, window_days, {}

    def instant(self, sub):
        """When stocks are taken; None: that sub-period has not begun."""
        if sub is None:
            return self.question.stock_at
        _, start, end = self.subs[sub]
        return min(end - datetime.timedelta(microseconds=1), self.question.upto) if start <= self.question.upto else None

    def rows(self, kind, sub):
        if (kind, sub) not in self.read:
            at = self.instant(sub)
            if kind in STOCKS and at is None:
                rows = []
            elif kind == "window":
                rows = self.question.closed(at - datetime.timedelta(days=self.window_days), at + datetime.timedelta(microseconds=1))
                rows = [row for row in rows if row.outcome in ("won", "lost")]
            elif kind in STOCKS:
                rows = self.question.once((kind, at), lambda: getattr(self.question, kind)(at))
            elif kind in ("won", "decided"):
                rows = [row for row in self.question.closed() if row.outcome == "won" or (kind == "decided" and row.outcome == "lost")]
            else:
                rows = self.question.once(kind, getattr(self.question, kind))
            self.read[kind, sub] = rows
        return self.read[kind, sub]

    def total(self):
        return Place(self)

    def place(self, key, label):
        sub = None if self.subs is None else next(n for n, (name, _, _) in enumerate(self.subs) if name == (label or key))
        return Place(self, key, sub)

    def whole(self, label):
        """Everything in a sub-period."""
        return Place(self, None, next(n for n, (name, _, _) in enumerate(self.subs) if name == label))

    def keys(self, kinds):
        """Groups in which something happened."""
        found = set()
        for kind in kinds:
            for sub in (range(len(self.subs)) if self.subs and kind in STOCKS else [None]):
                for row in self.rows(kind, sub):
                    if self.by == "product":
                        found |= {family for family in row.families or {"unspecified": 1} if self.question.filters.get("product") in (None, family)}
                    elif self.by not in (None, "period"):
                        found.add(key_of(row, self.by))
        return found


# ── statistics ──
def ratio(numerator, denominator):
    return Fraction(numerator) / Fraction(denominator) if denominator else None


def wilson(k, n):
    """[low, high] of k of n, 95%."""
    if n <= 0 or not 0 <= k <= n:
        return None
    p, k, n = float(Fraction(k) / n), float(k), float(n)
    half = Z * math.sqrt(p * (1 - p) / n + Z * Z / (4 * n * n))
    low, high = ((p + Z * Z / (2 * n) + side * half) / (1 + Z * Z / n) for side in (-1, 1))
    return [0.0 if k == 0 else low, 1.0 if k == n else high]


def percentile(values, part_):
    """Type 7: between neighbours by distance."""
    values = sorted(map(float, values))
    if not values:
        return None
    place = part_ * (len(values) - 1)
    below = math.floor(place)
    above = min(below + 1, len(values) - 1)
    return values[below] + (values[above] - values[below]) * (place - below)


class Money:
    """An amount that must be written to the minor unit, halves to even; None: null. exact=False: a cent may be lost to a quotient or a sum of rounded parts."""

    def __init__(self, amount, exact=True):
        self.amount, self.exact = amount, exact

    def text(self, currency):
        digits = MINOR.get(currency, 2)
        scaled = round(Fraction(self.amount) * 10 ** digits)
        sign, whole = "-" if scaled < 0 else "", str(abs(scaled)).rjust(digits + 1, "0")
        return sign + (whole[:-digits] + "." + whole[-digits:] if digits else whole)


def differences(expected, found, currency, path="", ties=False):
    """Where a found JSON value is not the expected one; members that are not expected may say anything. ties: an amount half way between two cents may be
    either, since it was divided before (a third of a deal, three times)."""
    if isinstance(expected, dict):
        if not isinstance(found, dict):
            return [f"{path}: {found!r} is no object"]
        return [line for name, value in expected.items() for line in differences(value, found.get(name, "(absent)"), currency, f"{path}.{name}", ties)]
    if isinstance(expected, list):
        if not isinstance(found, list) or len(found) != len(expected):
            return [f"{path}: expected {len(expected)} elements, found {found!r}"]
        return [line for n, (a, b) in enumerate(zip(expected, found)) for line in differences(a, b, currency, f"{path}[{n}]", ties)]
    if isinstance(expected, Money):
        wanted = None if expected.amount is None else expected.text(currency)
        half = Fraction(1, 2 * 10 ** MINOR.get(currency, 2))
        if wanted == found or (ties and None not in (wanted, found) and abs(Fraction(found) - Fraction(expected.amount)) == half) or (not expected.exact and found is not None and wanted is not None and abs(Fraction(found) - Fraction(expected.amount)) < Fraction(4, 100)):
            return []
        return [f"{path}: expected {wanted}, found {found}"]
    if isinstance(expected, bool) or expected is None or isinstance(expected, str):
        return [] if expected == found and isinstance(found, type(expected)) else [f"{path}: expected {expected!r}, found {found!r}"]
    # To six decimals, as answers write them.
    if isinstance(found, (int, float)) and not isinstance(found, bool) and abs(float(expected) - float(found)) <= 5.1e-7 * max(1, abs(float(expected)) * 1e-9):
        return []
    return [f"{path}: expected {float(expected)}, found {found!r}"]
