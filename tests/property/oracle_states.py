"""What was known, and what held when: the fold of raw events, attributes over time, local days, exchange rates. Written from the
specification in the slow and plain way; nothing of the service is called."""
import datetime
import functools
import zoneinfo
from fractions import Fraction

UTC = datetime.timezone.utc
FOREVER = datetime.datetime(9999, 1, 1, tzinfo=UTC)


def decimal(value):
    return None if value is None else Fraction(str(value))


class Clock:
    """The organisation's days."""

    def __init__(self, zone):
        self.zone = zoneinfo.ZoneInfo(zone)

    @functools.lru_cache(None)
    def midnight(self, day):
        return datetime.datetime.combine(day, datetime.time(), self.zone).astimezone(UTC)

    def day(self, at):
        return at.astimezone(self.zone).date()

    @functools.lru_cache(None)
    def instant(self, text):
        """A source's time; a bare date is its local midnight."""
        if text is None:
            return None
        if len(text) == 10:
            return self.midnight(datetime.date.fromisoformat(text))
        return datetime.datetime.fromisoformat(text.replace("Z", "+00:00"))

    def end_of(self, day):
        return self.midnight(day + datetime.timedelta(days=1)) - datetime.timedelta(microseconds=1)


def merged(doc, patch, full):
    """RFC 7396, "attributes" one level deep."""
    result = {} if full else dict(doc)
    for name, value in patch.items():
        if name == "attributes" and isinstance(value, dict):
            value = {key: inner for key, inner in {**result.get("attributes", {}), **value}.items() if inner is not None} or None
        if value is None:
            result.pop(name, None)
        else:
            result[name] = value
    return result


def flat(doc):
    """Attributes as rules and histories name them: those of "attributes" beside the others, and before them."""
    return {**{name: value for name, value in doc.items() if name != "attributes"}, **doc.get("attributes", {})}


class State:
    """An object as some of its events make it; changes: {attribute: [(at, value)]}, each effective change in its order."""

    def __init__(self, events):
        self.doc, self.deleted_at, self.merged_into, self.changes = {}, None, None, {}
        first = min(events, key=lambda event: (event["at"], event["event_id"]))
        self.first_at, self.source = first["at"], first.get("source", "test")
        before = {}
        for event in sorted(events, key=lambda event: (event["at"], event["event_id"])):
            if event["operation"] == "patch":
                self.doc = merged(self.doc, event["patch"], event["full"])
                if event["full"] and self.merged_into is None:
                    self.deleted_at = None
            elif event["operation"] == "restore":
                self.deleted_at = self.merged_into = None
            else:
                self.deleted_at = self.deleted_at or event["at"]
                self.merged_into = event["patch"].get("merged_into", self.merged_into)
            now = flat(self.doc)
            for name in sorted({*before, *now}):
                if before.get(name) != now.get(name):
                    self.changes.setdefault(name, []).append((event["at"], now.get(name)))
            before = now

    def known(self, name, at):
        """(value, learnt later) then, without back-casting: (None, True) before anything was known."""
        past = [value for when, value in self.changes.get(name, []) if when <= at]
        return (past[-1], False) if past else (None, True)

    def held(self, name, at, backcast):
        """(value, back-cast): what held then. Before it was first known, the first known value held (R22)."""
        value, later = self.known(name, at)
        if later and backcast:
            value = next((value for _, value in self.changes.get(name, []) if value is not None), None)
            return value, value is not None
        return value, False


class Past:
    """All objects as the events up to (as_of, known_at) make them; None: all events."""

    def __init__(self, history, as_of=None, known_at=None, refused=()):
        self.settings, self.strategies, self.overrides = history.settings, history.strategies, history.overrides
        self.clock = Clock(self.settings["time_zone"])
        self.backcast = self.settings["backcast"] == "on"
        self.as_of, self.known_at, self.refused = as_of, known_at, refused
        grouped = {}
        self.events = [event for event in history.events if (as_of is None or event["at"] <= as_of) and (known_at is None or event["received"] <= known_at)]
        for event in self.events:
            grouped.setdefault(event["kind"], {}).setdefault(event["id"], []).append(event)
        self.objects = {kind: {name: State(events) for name, events in sorted(named.items())} for kind, named in grouped.items()}

    def all(self, kind):
        return self.objects.get(kind, {})

    # ── money ──
    @functools.cached_property
    def rates(self):
        """{(base, quote): [(day, rate)]}, the days in order."""
        found = {}
        for name, state in self.all("fx-rate").items():
            if state.deleted_at is None and "rate" in state.doc:
                found.setdefault((name[:3], name[4:7]), []).append((datetime.date.fromisoformat(name[8:]), Fraction(state.doc["rate"])))
        return {pair: sorted(days) for pair, days in found.items()}

    def quoted(self, base, quote, day):
        past = [rate for since, rate in self.rates.get((base, quote), []) if since <= day]
        return past[-1] if past else None

    def leg(self, amount, source, target, day):
        rate = self.quoted(source, target, day)
        if rate is not None:
            return amount * rate
        rate = self.quoted(target, source, day)
        return None if rate is None else amount / rate

    def converted(self, amount, source, target, day):
        """At the rate of the day or the nearest before it; None: unpriced (R6). By the pair, its inverse, or over the reporting currency."""
        if amount is None or source is None or source == target:
            return amount
        money = self.leg(amount, source, target, day)
        via = self.settings["reporting_currency"]
        if money is None and via not in (source, target):
            money = self.leg(amount, source, via, day)
            money = None if money is None else self.leg(money, via, target, day)
        return money

    # ── teams ──
    @functools.cached_property
    def memberships(self):
        """{rep: [(since, team)]}: a team holds from the local midnight of team_from, else from when it was set."""
        found = {}
        for name, state in self.all("rep").items():
            steps = {}
            for attribute in ("team", "team_from"):
                for at, value in state.changes.get(attribute, []):
                    steps.setdefault(at, {})[attribute] = value
            teams = []
            for at, step in sorted(steps.items()):
                since = self.clock.instant(step.get("team_from")) or at
                if "team" not in step:
                    if not teams or step["team_from"] is None:
                        continue
                    step["team"] = teams.pop()[1]  # only the date: it corrects since when the present team holds
                teams = [(start, team) for start, team in teams if start < since] + [(since, step["team"])]
            found[name] = teams
        return found

    def team_of(self, rep, at):
        """(team, back-cast) of a rep then."""
        teams = self.memberships.get(rep, [])
        past = [team for since, team in teams if since <= at]
        if past:
            return past[-1], False
        first = next((team for _, team in teams if team is not None), None) if self.backcast else None
        return first, first is not None

    @functools.cached_property
    def paths(self):
        """{team: itself and those above it}."""
        parents = {name: state.doc.get("parent") for name, state in self.all("team").items()}
        found = {}
        for team in parents:
            path, up = [], team
            while up is not None and up not in path:
                path.append(up)
                up = parents.get(up)
            found[team] = path
        return found

    def below(self, team):
        return {team, *(name for name, path in self.paths.items() if team in path)}
