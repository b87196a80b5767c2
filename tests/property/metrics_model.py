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
    "products": {"GTX": 0.6, "MG": 0.4}, "messages": [], "opportunistic": {"limit": 0.2, "easy_origins": ["inbound"]}}
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
            known = {}
            for key in ("industry", "size"):
                own = [(when, patch["attributes"]) for when, _, patch in accounts[account]]
                known[key] = at_time(changes(own, key), at)
            segment, tier, class_ = judge(known)
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
