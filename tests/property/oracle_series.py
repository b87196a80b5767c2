"""A metric over time (METRICS M27): each sub-period's figure, its difference to the one before, a rolling figure and the slope."""
from fractions import Fraction

from oracle_places import Money, ratio


def plain(value):
    return value.amount if isinstance(value, Money) else value


def rolling(window, quotients):
    """Quotient of the sums where the figures are quotients, else the mean of those there are."""
    if not quotients:
        values = [plain(row["value"]) for row in window if plain(row.get("value")) is not None]
        return sum(values) / len(values) if values else None
    parts = [plain(row["numerator"]) for row in window if plain(row.get("numerator")) is not None]
    whole = sum(plain(row["denominator"]) for row in window if plain(row.get("denominator")) is not None)
    return ratio(sum(parts), whole) if parts and whole > 0 else None


def slope(values):
    """(least-squares slope over the values there are, how many): None of fewer than three."""
    points = [(n, Fraction(value)) for n, value in enumerate(values) if value is not None]
    if len(points) < 3:
        return None, len(points)
    middle, mean = Fraction(sum(n for n, _ in points), len(points)), sum(value for _, value in points) / len(points)
    return sum((n - middle) * (value - mean) for n, value in points) / sum((n - middle) ** 2 for n, _ in points), len(points)


def series(rows, length, quotients):
    """[{value, difference, rolling, n}] of the metric's figures in each sub-period, and {slope, points} of all."""
    values, found = [plain(row.get("value")) for row in rows], []
    written = Money if any(isinstance(row.get("value"), Money) for row in rows) else lambda value: value
    for n, value in enumerate(values):
        before = values[n - 1] if n else None
        found.append({"difference": written(None if None in (value, before) else value - before), "rolling": written(rolling(rows[max(0, n - length + 1):n + 1], quotients))})
    fall, points = slope(values)
    return found, {"slope": written(fall), "points": points}


def trend(compute, places, row_keys, length=3, quotients=True):
    """{None or (key, label): expected}: compute is the metric's own oracle."""
    labels = [label for label, _, _ in places.subs]
    whole = [compute(places.whole(label)) for label in labels]
    steps, ends = series(whole, length, quotients)
    total = {**compute(places.total())}
    found = {None: {**total, "parts": {**ends, "keys": [{"key": label, **({"value": row["value"]} if "value" in row else {}), **step} for label, row, step in zip(labels, whole, steps)]}}}
    for key in {key for key, _ in row_keys} if places.by not in (None, "period") else [None]:
        rows = whole if key is None else [compute(places.place(key, label)) for label in labels]
        steps, ends = series(rows, length, quotients)
        for label, row, step in zip(labels, rows, steps):
            found[label if key is None else key, label] = {**row, "parts": {**step, **ends}}
    return found
