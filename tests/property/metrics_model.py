"""Metrics from first principles: a random history, and what it adds up to, computed from its raw events alone with exact
fractions. Shares no code and no query with the service."""
import datetime
import decimal
import random
import zoneinfo
from fractions import Fraction

UTC = datetime.timezone.utc
ZONE = zoneinfo.ZoneInfo("Europe/Paris")
START = datetime.datetime(2025, 1, 1, tzinfo=UTC)
STRATEGY = {
    "segments": [{"key": "care", "label": "Care", "when": [{"attr": "industry", "eq": "care"}], "target": {"bookings": 0.5, "time": 0.5}},
                 {"key": "bank", "label": "Bank", "when": [{"attr": "industry", "eq": "bank"}, {"attr": "size", "gte": 100}],
                  "target": {"bookings": 0.5, "time": 0.5}}],
    "fit": {"criteria": [{"key": "industry", "weight": 2, "attr": "industry", "match": [{"eq": "care", "score": 1}, {"eq": "bank", "score": 0.5}]},
                         {"key": "size", "weight": 1, "attr": "size", "match": [{"gte": 100, "score": 1}]}],
            "required": [], "disqualify": [], "min_coverage": 0.5,
            "tiers": [{"key": "core", "min": 60, "on_strategy": True}, {"key": "rest", "min": 0, "on_strategy": False}]},
    "products": {"GTX": 0.6, "MG": 0.4}, "opportunistic": {"limit": 0.2, "easy_origins": ["inbound"]},
    "messages": [{"key": "uptime", "label": "Never down", "target": 0.7}, {"key": "price", "label": "Lowest price", "target": 0.3}],
    "conduct": {"proposal_stages": ["offer"], "selling_time_kinds": ["prep"], "unknown_outcome_kinds": ["email"]}, "potential_attr": "size",
    "target_coverage": {"min_activities": 2, "window_days": 120, "grace_days": 30}, "activity_minutes": {"call": 12, "email": 5}}
TEAMS = {"top": None, "t1": "top", "t2": "top", "t3": None}
REPS = {f"r{n}": f"t{n % 3 + 1}" for n in range(1, 8)}
RATES = [("2025-01-01", decimal.Decimal("1.05")), ("2025-07-01", decimal.Decimal("1.17")), ("2026-01-01", decimal.Decimal("1.09"))]
STAGES = {"talk": "open", "offer": "open", "won": "won", "lost": "lost"}


def iso(at):
    return at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


class History:
    """Events as (kind, id, occurred_at, operation, patch), in the order they occurred. Each carries what a first record must, so
    that they may arrive in any order."""

    def __init__(self, seed, deals=150):
        self.random = random.Random(seed)
        self.events = []
        early = START - datetime.timedelta(days=300)
        for name, outcome in STAGES.items():
            self.add("stage", name, early, {"label": name, "outcome": outcome})
        for name, parent in TEAMS.items():
            self.add("team", name, early, {"name": name, "parent": parent})
        for name, team in REPS.items():
            self.add("rep", name, early, {"name": name, "team": team})
        self.add("product", "p1", early, {"name": "p1", "family": "GTX"})
        self.add("product", "p2", early, {"name": "p2", "family": "MG"})
        for day, rate in RATES:
            self.add("fx-rate", f"EUR-USD-{day}", early, {"rate": str(rate)})
        self.accounts = [f"a{n}" for n in range(25)]
        for name in self.accounts:
            self.account(name)
        for number in range(deals):
            self.deal(f"d{number:03d}")
        self.more = random.Random(seed + 1000)  # of its own, so that deals do not depend on it
        for name in self.accounts:
            self.ownership(name)
        for number in range(deals):
            self.activity(f"v{number:03d}", deals)
        self.events.sort(key=lambda event: event[2])

    def add(self, kind, name, at, patch, operation="patch"):
        self.events.append((kind, name, at, operation, patch))

    def when(self, first=0, last=600):
        return START + datetime.timedelta(minutes=self.random.randrange(first * 1440, last * 1440))

    def account(self, name):
        attributes = lambda: {key: value for key, value in (("industry", self.random.choice(["care", "bank", "shop"])),
                                                            ("size", self.random.choice([10, 100, 5000]))) if self.random.random() < 0.85}
        self.add("account", name, self.when(-100, 200), {"name": name, "attributes": attributes()})
        for _ in range(self.random.randrange(3)):
            self.add("account", name, self.when(100, 600), {"name": name, "attributes": attributes()})

    def ownership(self, name):
        """Whose it is, over time, and whether it is a client and a target."""
        pick = self.more
        for turn in range(pick.randrange(1, 4)):
            at = START + datetime.timedelta(minutes=pick.randrange(-100 * 1440, 500 * 1440))
            self.add("account", name, at, {"name": name, **{key: value for key, value in (
                ("owner", pick.choice([*REPS, None])), ("is_target", pick.choice([True, True, False])), ("status", pick.choice(["customer", "prospect"])))
                if turn == 0 or pick.random() < 0.6}})

    def activity(self, name, deals):
        pick = self.more
        at = START + datetime.timedelta(minutes=pick.randrange(0, 500 * 1440))
        record = {"kind": pick.choice(["call", "call", "meeting", "email", "discovery", "proposal", "prep", "travel"]), "starts_at": iso(at),
                  "reps": pick.sample(sorted(REPS), pick.choice([1, 1, 1, 2])), "outcome": pick.choice(["held", "held", "held", "no_show", "unknown"]),
                  "duration_s": pick.choice([600, 1800, 5400, None]), "messages": pick.choice([["uptime"], ["price", "uptime"], ["other"], None]),
                  "tagging_status": pick.choice(["done", None]), "participants_external": pick.choice([1, 3, None])}
        if pick.random() < 0.5:
            record["talk_s"], record["customer_talk_s"], record["questions"] = pick.randrange(60, 900), pick.randrange(60, 900), pick.randrange(9)
        if pick.random() < 0.7:
            record["accounts"] = pick.sample(self.accounts, pick.choice([1, 1, 2]))
        if pick.random() < 0.6:
            record["opportunity"] = f"d{pick.randrange(deals):03d}"
        self.add("activity", name, at, {key: value for key, value in record.items() if value is not None})

    def deal(self, name):
        pick = self.random.random
        created = self.when(0, 500)
        record = {"owner": self.random.choice([*REPS, None]), "account": self.random.choice([*self.accounts, None]), "stage": "talk",
                  "created_at": iso(created), "origin": self.random.choice(["inbound", "outbound", None]),
                  "currency": self.random.choice(["USD", "USD", "EUR", "GBP"])}
        if pick() < 0.9:
            record["amount"] = str(decimal.Decimal(self.random.randrange(-2000, 90000)) / 100)
        if pick() < 0.7:
            record["lines"] = [{"id": str(n), "product": self.random.choice(["p1", "p2"]), "amount": self.random.choice(["0", "10", "30"])}
                               for n in range(self.random.randrange(1, 4))]
        if pick() < 0.05:
            record["attributes"] = {"is_test": True}
        self.add("opportunity", name, created, {key: value for key, value in record.items() if value is not None})
        at, stage = created, "talk"
        for stage in self.random.choice([["won"], ["lost"], ["offer", "won"], ["offer"], ["won", "talk", "lost"], ["lost", "talk", "won"], []]):
            at += datetime.timedelta(minutes=self.random.randrange(1, 60000))
            patch = {"stage": stage}
            if stage in ("won", "lost") and pick() < 0.6:
                patch["closed_at"] = iso(at - datetime.timedelta(minutes=self.random.randrange(0, 4000)))
            if pick() < 0.3:
                patch["owner"] = self.random.choice([*REPS])
            self.add("opportunity", name, at, patch)
        if pick() < 0.3:
            self.add("opportunity", name, at + datetime.timedelta(days=self.random.randrange(1, 90)),
                     {"stage": stage, "owner": self.random.choice([*REPS])})
        if pick() < 0.05:
            self.add("opportunity", name, at + datetime.timedelta(days=100), {}, "delete")


def changes(events, key):
    """[(at, value)] of an attribute over an object's events, effective ones only."""
    found, value = [], None
    for at, patch in events:
        if key in patch and patch[key] != value:
            value = patch[key]
            found.append((at, value))
    return found


def at_time(history, at):
    """The value then; before it was first known, the first known one."""
    past = [value for when, value in history if when <= at]
    if past:
        return past[-1]
    return next((value for _, value in history if value is not None), None)


def judge(attributes):
    """(segment, tier, class) of an account with these attributes."""
    industry, size = attributes.get("industry"), attributes.get("size")
    if industry == "care":
        segment = "care"
    elif industry == "bank" and size is not None and size >= 100:
        segment = "bank"
    elif industry is None or (industry == "bank" and size is None):
        segment = "unknown"
    else:
        segment = "other"
    # A criterion whose attribute is missing is unknown; below half of the weight known the account is.
    known = [(2, {"care": Fraction(1), "bank": Fraction(1, 2)}.get(industry, Fraction(0)))] if industry is not None else []
    known += [(1, Fraction(1 if size >= 100 else 0))] if size is not None else []
    weight = sum(w for w, _ in known)
    if Fraction(weight, 3) < Fraction(1, 2):
        return segment, "unknown", "unknown"
    core = 100 * sum(w * m for w, m in known) / weight >= 60
    return segment, "core" if core else "rest", "on" if core else "off"


def converted(amount, currency, at):
    """Dollars, or None without a rate."""
    if currency == "USD":
        return Fraction(amount)
    day = at.astimezone(ZONE).date().isoformat()
    rates = [rate for since, rate in RATES if since <= day]
    return Fraction(amount) * Fraction(rates[-1]) if currency == "EUR" and rates else None


def closed_deals(history):
    """Every live closed deal as a dict, judged at its decision."""
    accounts, deals = {}, {}
    for kind, name, at, operation, patch in history.events:
        if kind in ("account", "opportunity"):
            (accounts if kind == "account" else deals).setdefault(name, []).append((at, operation, patch))
    found = []
    for name, events in sorted(deals.items()):
        if any(operation == "delete" for _, operation, _ in events):
            continue
        patches = [(at, patch) for at, _, patch in events]
        state = {}
        for _, patch in patches:
            state.update(patch)
        outcome = STAGES[state["stage"]]
        if outcome == "open" or state.get("attributes", {}).get("is_test"):
            continue
        stages = changes(patches, "stage")
        transition = next(at for n, (at, stage) in reversed(list(enumerate(stages)))
                          if STAGES[stage] == outcome and (n == 0 or STAGES[stages[n - 1][1]] != outcome))
        at = transition
        if outcome == "won" and state.get("closed_at"):
            at = datetime.datetime.fromisoformat(state["closed_at"].replace("Z", "+00:00"))
        account = at_time(changes(patches, "account"), at)
        segment, tier, class_ = "unknown", "unknown", "unknown"
        if account is not None:
            segment, tier, class_ = account_judged([(when, patch) for when, _, patch in accounts[account]], at)
        rep = at_time(changes(patches, "owner"), at)
        money = converted(decimal.Decimal(state["amount"]), state["currency"], at) if "amount" in state else None
        lines = state.get("lines", [])
        total = sum(decimal.Decimal(line["amount"]) for line in lines)
        families = {}
        for line in lines:
            family = {"p1": "GTX", "p2": "MG"}[line["product"]]
            share = Fraction(decimal.Decimal(line["amount"])) / Fraction(total) if total else Fraction(1, len(lines))
            families[family] = families.get(family, 0) + share
        found.append({"id": name, "at": at, "outcome": outcome, "rep": rep or "__none__", "team": REPS.get(rep, "__none__"), "segment": segment,
                      "tier": tier, "class": class_, "origin": state.get("origin", "__none__"), "money": money, "amount": state.get("amount"),
                      "families": families or {"unspecified": Fraction(1)}})
    return found


def grouped(history, kind):
    """{id: [(at, patch)]} of a kind of object that nothing ends."""
    found = {}
    for each, name, at, _, patch in history.events:
        if each == kind:
            found.setdefault(name, []).append((at, patch))
    return found


def account_judged(events, at):
    """(segment, tier, class) of an account at an instant."""
    inside = [(when, patch["attributes"]) for when, patch in events if "attributes" in patch]
    return judge({key: at_time(changes(inside, key), at) for key in ("industry", "size")})


def counted_activities(history):
    """A dict a counted activity, rep and account it was spent on, as METRICS R9 has it."""
    accounts, deals, found = grouped(history, "account"), {}, []
    for kind, name, at, operation, patch in history.events:
        if kind == "opportunity":
            deals.setdefault(name, []).append((at, patch))
    for name, ((at, record),) in sorted(grouped(history, "activity").items()):
        held = record["outcome"] == "held" or (record["outcome"] == "unknown" and record["kind"] == "email")
        if not held or record["kind"] == "travel":
            continue
        named = record.get("accounts", [])
        if not named and record.get("opportunity") in deals:
            through = at_time(changes(deals[record["opportunity"]], "account"), at)
            named = [through] if through is not None else []
        minutes = {"call": 12, "email": 5}.get(record["kind"], 0)
        hours = Fraction(record["duration_s"], 3600) if "duration_s" in record else Fraction(minutes, 60)
        for rep in record["reps"]:
            for account in named or [None]:
                segment, tier, class_ = account_judged(accounts[account], at) if account else ("unknown", "unknown", "unknown")
                found.append({"id": name, "at": at, "kind": record["kind"], "rep": rep, "team": REPS[rep], "account": account, "segment": segment, "tier": tier,
                              "class": class_, "hours": hours / max(len(named), 1), "estimated": "duration_s" not in record})
    return found


def targets(history, at, since, grace):
    """{account: (owner, state)} of the target accounts that somebody has at an instant, by METRICS M16: two activities since `since`."""
    found = {}
    work = counted_activities(history)
    for name, events in grouped(history, "account").items():
        owners, marks = changes(events, "owner"), changes(events, "is_target")
        owner = at_time(owners, at)
        if at_time(marks, at) is not True or owner is None:
            continue
        turns = sorted({when for when, _ in owners + marks if when <= at}, reverse=True)
        gained = None  # the start of the stretch in which it is this owner's target, if it was anything else before
        for when in turns:
            before = when - datetime.timedelta(microseconds=1)
            if at_time(owners, before) != owner or at_time(marks, before) is not True:
                gained = when
                break
        done = sum(1 for each in work if each["account"] == name and each["rep"] == owner and since <= each["at"] <= at and each["kind"] not in ("prep", "travel")
                   and at_time(owners, each["at"]) == owner)
        state = "grace" if gained is not None and gained >= grace else "green" if done >= 2 else "yellow" if done else "red"
        found[name] = (owner, state)
    return found
