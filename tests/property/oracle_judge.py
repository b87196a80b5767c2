"""Who fits: rules in three-valued logic, score and tier, segment, the strategy in force, manual overrides (METRICS 1, R3–R5, R21)."""
import dataclasses
import functools
from fractions import Fraction

from oracle_states import FOREVER


def number(value):
    if isinstance(value, bool):
        return None
    try:
        return Fraction(str(value))
    except ValueError:
        return None


def same(seen, operand):
    if isinstance(seen, bool) or isinstance(operand, bool) or isinstance(seen, list):
        return seen == operand
    if isinstance(seen, str) and isinstance(operand, str):
        return seen == operand
    return number(seen) is not None and number(seen) == number(operand)


def among(seen, operands):
    return any(same(one, operand) for one in (seen if isinstance(seen, list) else [seen]) for operand in operands)


def compared(seen, operand, wanted):
    value = number(seen)
    return None if value is None else wanted(value, Fraction(str(operand)))


OPERATORS = {
    "eq": same, "ne": lambda seen, operand: not same(seen, operand), "in": among, "not_in": lambda seen, operands: not among(seen, operands),
    "gt": lambda seen, operand: compared(seen, operand, lambda a, b: a > b), "gte": lambda seen, operand: compared(seen, operand, lambda a, b: a >= b),
    "lt": lambda seen, operand: compared(seen, operand, lambda a, b: a < b), "lte": lambda seen, operand: compared(seen, operand, lambda a, b: a <= b),
    "contains": lambda seen, operand: among(seen, [operand]) if isinstance(seen, list) else operand in seen}


def all_of(results):
    results = list(results)
    return False if False in results else None if None in results else True


def any_of(results):
    results = list(results)
    return True if True in results else None if None in results else False


def negated(result):
    return None if result is None else not result


def holds(rule, attributes, attribute=None):
    """True, False, or None: cannot be told for want of an attribute."""
    if isinstance(rule, list):
        return all_of(holds(one, attributes, attribute) for one in rule)
    attribute = rule.get("attr", attribute)
    seen, results = attributes.get(attribute), []
    for name, operand in rule.items():
        if name == "any":
            results.append(any_of(holds(one, attributes, attribute) for one in operand))
        elif name == "not":
            results.append(negated(holds(operand, attributes, attribute)))
        elif name == "exists":
            results.append((seen is not None) == operand)
        elif name in OPERATORS:
            results.append(None if seen is None else OPERATORS[name](seen, operand))
    return all_of(results)


def match(criterion, attributes):
    unsure = False
    for case in criterion["match"]:
        held = holds(case, attributes, criterion["attr"])
        if held:
            return Fraction(str(case["score"]))
        unsure = unsure or held is None
    return None if unsure else Fraction(0)


def segment_of(body, attributes):
    unsure = False
    for segment in body["segments"]:
        held = holds(segment["when"], attributes)
        if held:
            return segment["key"]
        unsure = unsure or held is None
    return "unknown" if unsure else "other"


@dataclasses.dataclass
class Verdict:
    segment: str = "unknown"
    tier: str = "unknown"
    cls: str = "unknown"
    reason: str = None
    strategy: int = None
    team: str = None
    backcast: bool = False


def fit(body, attributes):
    """(segment, tier, class, reason)."""
    rules, segment = body["fit"], segment_of(body, attributes)
    if any(holds(rule, attributes) for rule in rules["disqualify"]):
        return segment, "excluded", "off", "disqualified"
    matches = {one["key"]: (Fraction(str(one["weight"])), match(one, attributes)) for one in rules["criteria"]}
    total = sum(weight for weight, _ in matches.values())
    known = sum(weight for weight, value in matches.values() if value is not None)
    if known == 0:
        return segment, "unknown", "unknown", "no_attributes"
    if known < Fraction(str(rules["min_coverage"])) * total:
        return segment, "unknown", "unknown", "low_coverage"
    score = 100 * sum(weight * value for weight, value in matches.values() if value is not None) / known
    missed = [key for key in rules["required"] if key in matches and matches[key][1] == 0]
    reached = [tier for tier in rules["tiers"] if score >= Fraction(str(tier["min"]))]
    best = max(reached, key=lambda tier: tier["min"])
    allowed = max((tier for tier in reached if not (missed and tier["on_strategy"])), key=lambda tier: tier["min"])
    return segment, allowed["key"], "on" if allowed["on_strategy"] else "off", f"required:{missed[0]}" if allowed is not best else None


def attributes_read(rule):
    """The attributes a strategy's rules read."""
    if isinstance(rule, list):
        return set().union(*map(attributes_read, rule))
    if isinstance(rule, dict):
        return ({rule["attr"]} if "attr" in rule else set()).union(*map(attributes_read, rule.values()))
    return set()


class Judge:
    """Judges decisions on the base of one past. strategies are known by their place in the list they were published in."""

    def __init__(self, past):
        self.past = past
        self.since = [past.clock.instant(body["effective_from"]) for body in past.strategies]
        self.reads = [sorted(attributes_read([body["segments"], body["fit"]])) for body in past.strategies]
        self.fits = {}

    @functools.lru_cache(None)
    def in_force(self, team, at):
        """The strategy for a team then: one that names it or a team above it before one for all, then the later one."""
        path = self.past.paths.get(team, [team])
        best = None
        for place, body in enumerate(self.past.strategies):
            scope = body.get("scope", {}).get("teams", [])
            if self.since[place] <= at and (not scope or set(scope) & set(path)):
                rank = (bool(scope), self.since[place], place)
                best = max(best, rank) if best else rank
        return best[2] if best else None

    def account_held(self, name, at, names):
        """({attribute: value}, back-cast) of an account then, or None when there is none: never heard of, or gone by then."""
        state = self.past.all("account").get(name)
        for _ in range(9):
            if state is None or state.deleted_at is None or at < state.deleted_at:
                break
            state = self.past.all("account").get(state.merged_into)  # from the merge on it continues as the one that stayed
        if state is None or (state.deleted_at is not None and at >= state.deleted_at):
            return None
        held = {key: state.held(key, at, self.past.backcast) for key in names}
        return {key: value for key, (value, _) in held.items() if value is not None}, any(later for _, later in held.values())

    def override(self, account, at, body):
        """A tier set by hand: from when it was set until its end or the next one; a tier the strategy has not overrides nothing."""
        made = sorted((since, tier, until) for name, since, tier, until in self.past.overrides if name == account)
        current = [(since, tier, until) for since, tier, until in made if since <= at]
        if not current:
            return None
        since, tier, until = current[-1]
        if at >= (until or FOREVER) or tier not in {"excluded", *(one["key"] for one in body["fit"]["tiers"])}:
            return None
        return tier

    def verdict(self, rep, account, at, basis="as_judged"):
        """basis: as_judged, the place of a strategy (restated), or the instant that is now (current)."""
        team, team_later = self.past.team_of(rep, at)
        judged_at = at if basis == "as_judged" or isinstance(basis, int) else basis
        strategy = basis if isinstance(basis, int) else self.in_force(team, judged_at)
        found = Verdict(team=team, strategy=strategy, backcast=team_later)
        if account is None:
            found.reason = "no_account"
        elif strategy is None:
            found.reason = "no_strategy"
        else:
            body = self.past.strategies[strategy]
            held = self.account_held(account, judged_at, self.reads[strategy])
            if held is None:
                found.reason = "no_account"
                return found
            attributes, later = held
            key = strategy, repr(sorted(attributes.items()))
            if key not in self.fits:
                self.fits[key] = fit(body, attributes)
            found.segment, found.tier, found.cls, found.reason = self.fits[key]
            found.backcast = found.backcast or later
            tier = self.override(account, judged_at, body)
            if tier is not None:
                found.tier, found.reason = tier, "override"
                found.cls = "on" if any(one["key"] == tier and one["on_strategy"] for one in body["fit"]["tiers"]) else "off"
        return found
