"""How deals were sold (METRICS M21): components side by side, of deals at their closing and of conversations when they took place."""
import datetime
from fractions import Fraction

from oracle_deals import credit, interval, of
from oracle_places import ratio
from oracle_rows import INTERNAL
from oracle_states import decimal

MICROSECOND = datetime.timedelta(microseconds=1)
BEFORE_ALL, AFTER_ALL = (datetime.datetime(year, 1, 1, tzinfo=datetime.timezone.utc) for year in (1900, 2200))
DEFAULT_BAND = (0.35, 0.5)


def on_deals(question):
    """{deal: [activity]} of everything counted, each activity once, whenever it was."""
    def make():
        found = {}
        for row in question.spent(BEFORE_ALL, AFTER_ALL):
            if row.deal is not None:
                found.setdefault(row.deal, {})[row.id] = row
        return {deal: list(rows.values()) for deal, rows in found.items()}
    return question.once("on_deals", make)


def first_proposal(row, question, rules):
    """When a deal first came to a proposal: by an activity, or by a stage that says so; None: never."""
    kinds = rules.get("proposal_kinds", ["proposal"])
    named = [name for name, doc in question.stages.items() if {name.lower(), doc["label"].lower()} & set(kinds)]
    stages = rules.get("proposal_stages", named)
    times = [spent.at for spent in on_deals(question).get(row.id, []) if spent.kind in kinds]
    times += [at for at, stage in row.state.changes.get("stage", []) if stage in stages]
    return min(times, default=None)


def discovered(row, question, rules, proposal):
    kinds = rules.get("discovery_kinds", ["discovery"])
    return any(spent.kind in kinds and spent.at < proposal for spent in on_deals(question).get(row.id, []))


def stood(row, proposal):
    """Whether the value case stood before the proposal; of a deal first heard of after it, at the first sight."""
    return row.state.known("value_case", max(proposal - MICROSECOND, row.state.first_at))[0] is True


def people(row, question):
    """The customer's people a deal was talked about with, as far as anything tells."""
    met = [int(spent.state.doc.get("participants_external", 0)) for spent in on_deals(question).get(row.id, [])]
    return max([int(row.state.doc.get("contacts_external", 0)), *met])


def half_hours(row):
    """How long a conversation was: its duration; one without is as long as the two talked."""
    doc = row.state.doc
    return decimal(doc["duration_s"]) / 1800 if "duration_s" in doc else Fraction(doc.get("talk_s", 0) + doc.get("customer_talk_s", 0), 1800)


def consultative(place):
    question = place.question
    rules = question.strategy.get("conduct", {})
    low, high = (Fraction(str(edge)) for edge in rules.get("talk_ratio_band", DEFAULT_BAND))
    closed = place.decided
    proposed = [(row, first_proposal(row, question, rules)) for row in closed]
    proposed = [(row, at) for row, at in proposed if at is not None]
    reached = [row for row, _ in proposed]
    talks = [row for row in {row.id: row for row in place.hours}.values() if row.kind not in INTERNAL]
    spoken = [(row, row.state.doc["talk_s"], row.state.doc["customer_talk_s"]) for row in talks if {"talk_s", "customer_talk_s"} <= set(row.state.doc)]
    shares = [ratio(talk, talk + other) for _, talk, other in spoken if talk + other]
    talk, both = sum(talk for _, talk, _ in spoken), sum(talk + other for _, talk, other in spoken)
    asked = [(row.state.doc["questions"], half_hours(row)) for row in talks if "questions" in row.state.doc]
    asked = [(count, lasted) for count, lasted in asked if lasted]
    questions, halves = sum(count for count, _ in asked), sum(lasted for _, lasted in asked)

    def deals(part, whole):
        k, n = credit(part), credit(whole)
        return {"value": ratio(k, n), "numerator": k, "denominator": n, "n": n, "ci": interval(place, k, n)}

    first = deals([row for row, at in proposed if discovered(row, question, rules, at)], reached)
    within = sum(1 for share in shares if low <= share <= high)
    return {**first, "reason": None if reached else "empty_denominator", "low_n": first["n"] < question.min_n, "excluded": {"unknown": credit(of(closed, "unknown"))},
            "forms": {"discovery_first": first,
                      "talk_ratio": {"value": ratio(sum(shares), len(shares)), "numerator": sum(shares), "denominator": len(shares), "n": len(shares), "ci": None},
                      "talk_ratio_weighted": {"value": ratio(talk, both), "numerator": talk, "denominator": both, "n": len(shares), "ci": None},
                      "in_band": {"value": ratio(within, len(shares)), "numerator": within, "denominator": len(shares), "n": len(shares), "ci": interval(place, within, len(shares))},
                      "questions_per_30min": {"value": ratio(questions, halves), "numerator": questions, "denominator": halves, "n": len(asked), "ci": None},
                      "multi_thread": deals([row for row in closed if people(row, question) >= 2], closed),
                      "value_case": deals([row for row, at in proposed if stood(row, at)], reached)},
            "parts": {"band": [low, high]}}
