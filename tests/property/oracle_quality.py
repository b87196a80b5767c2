"""What is wrong with the data (METRICS M26): findings, one an object and issue."""
import datetime

from oracle_deals import credit, money, of
from oracle_places import Money, key_of, ratio

REASONS = ("no_account", "no_attributes", "low_coverage", "no_strategy")


def stale(question, at, since):
    """(deals, accounts) that a counted activity was about since then."""
    def make():
        rows = list(question.spent(since, at + datetime.timedelta(microseconds=1)))
        return {row.deal for row in rows}, {question.survivor(row.account, at) for row in rows if row.account is not None}
    return question.once(("touched", at), make)


def data_quality(place):
    question, at = place.question, place.places.instant(place.sub)
    decided = place.closed
    _, start, end = (None, None, None) if place.sub is None or place.places.subs is None else place.places.subs[place.sub]
    closed = {row.id for row in question.closed(start, end, everyone=True)}
    opened = [row for row in place.open if row.id not in closed]
    deals, hours = decided + opened, place.hours
    unattributed, estimated = [row for row in hours if row.account is None], [row for row in hours if row.estimated]
    since = at and at - datetime.timedelta(days=90)
    touched, met = stale(question, at, since) if at is not None else (set(), set())
    quiet = [row for row in opened if row.created_at < since and row.id not in touched and question.survivor(row.account, at) not in met]
    today = question.past.clock.day(at) if at is not None else None
    due = lambda row: row.state.known("expected_close", max(at, row.state.first_at) if question.past.backcast else at)[0]
    overdue = [row for row in opened if due(row) is not None and due(row) < today.isoformat()]
    issues = {"unpriced": [row for row in deals if row.money is None and row.amount is not None], "no_amount": [row for row in deals if row.amount is None],
              "no_owner": [row for row in deals if row.rep is None], "stale_no_activity": quiet, "stale_expected_close": overdue}
    unknown = of(deals, "unknown")
    here = lambda row: place.key is None or place.places.by == "period" or key_of(row, place.places.by) == place.key
    late, refused = place.late, [row for row in question.refused(end) if here(row)]
    parts = lambda rows: sum(row.share for row in rows)  # of several reps each has done it, of several accounts a part is with each
    ids = lambda *rows: len({row.id for some in rows for row in some})
    count = credit(unknown) + sum(map(credit, issues.values())) + parts(unattributed) + parts(estimated) + len(late) + len(refused)
    looked, bad = ids(deals) + ids(hours), ids(unknown, *issues.values()) + ids(unattributed, estimated)
    pairs = sorted({f"{row.currency}-{question.currency}" for row in issues["unpriced"]})
    amount = lambda rows: {"n": credit(rows), "amount": Money(money(rows))}
    return {"value": count, "numerator": count, "denominator": looked, "n": looked, "reason": None,
            "forms": {"count": {"value": count}, "fraction": {"value": ratio(bad, looked), "numerator": bad, "denominator": looked}},
            "parts": {"looked_at": {"deals": ids(deals), "activities": ids(hours)},
                      "unknown": {reason: amount([row for row in unknown if row.verdict.reason == reason]) for reason in REASONS},
                      "unpriced": {"n": credit(issues["unpriced"])}, "no_amount": {"n": credit(issues["no_amount"])},
                      **{name: amount(issues[name]) for name in ("no_owner", "stale_no_activity", "stale_expected_close")},
                      "unattributed_hours": {"n": parts(unattributed), "hours": sum(row.hours for row in unattributed)},
                      "estimated_hours": {"n": parts(estimated), "hours": sum(row.hours for row in estimated)},
                      "late_events": {"n": len(late)}, "quarantine_open": {"n": len(refused)}, "fx_pairs_missing": {"n": len(pairs), "pairs": pairs}}}
