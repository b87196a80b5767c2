"""A seeded history of a company, with everything that makes figures hard: deals that change hands, reopen, are split or deleted; accounts
that merge, move between tiers or come late; strategies that follow each other; currencies with holes; teams that move; days that have 23
hours. Only what happened stands here; what it adds up to is computed in oracle_*.py."""
import datetime
import decimal
import json
import random

UTC = datetime.timezone.utc
START = datetime.datetime(2024, 7, 1, tzinfo=UTC)
DAYS = 700
DAY = 1440  # minutes
STAGES = {"lead": ("open", "0.1"), "proposal": ("open", "0.4"), "verbal": ("open", None), "won": ("won", "1"), "paid": ("won", None), "lost": ("lost", "0")}
TEAMS = {"world": None, "emea": "world", "aix": "emea", "berlin": "emea", "apac": "world", "tokyo": "apac", "lone": None}
LEAVES = ["aix", "berlin", "tokyo", "lone", "emea"]
REPS = [f"r{n:02d}" for n in range(14)]
PRODUCTS = {"p1": "GTX", "p2": "MG", "p3": "GTX", "p4": None, "p5": "GTK"}
INDUSTRIES, COUNTRIES = ["care", "care", "bank", "shop", "lab"], ["FR", "US", "JP", "XX"]
KINDS = ["call", "call", "email", "meeting", "meeting", "discovery", "workshop", "demo", "proposal", "internal_prep"]
MESSAGES = ["uptime", "price", "gossip"]


def iso(at):
    return at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def strategy(name, since, tiers, segments, criteria, **more):
    return {"name": name, "effective_from": since, "segments": segments,
            "fit": {"criteria": criteria, "required": ["industry"], "disqualify": [{"attr": "country", "in": ["XX"]}], "min_coverage": 0.5,
                    "tiers": [{"key": "core", "min": tiers[0], "on_strategy": True}, {"key": "near", "min": tiers[1], "on_strategy": False},
                              {"key": "out", "min": 0, "on_strategy": False}]},
            "products": {"GTX": 0.5, "MG": 0.3, "NEW": 0.2}, "messages": [{"key": "uptime", "label": "Up", "target": 0.7}, {"key": "price", "label": "Low", "target": 0.3}],
            "opportunistic": {"limit": 0.15, "easy_origins": ["inbound", "referral"]}, "activity_minutes": {"email": 5, "call": 10, "meeting": 30, "demo": 50},
            "conduct": {"discovery_kinds": ["discovery", "workshop"], "proposal_kinds": ["proposal"], "talk_ratio_band": [0.35, 0.5],
                        "unknown_outcome_kinds": ["email", "call"]}, **more}


def segment(key, when, bookings, time=None):
    return {"key": key, "label": key.title(), "when": when, "target": {"bookings": bookings, "time": bookings if time is None else time}}


CRITERIA = [
    {"key": "industry", "weight": 30, "attr": "industry", "match": [{"in": ["care"], "score": 1}, {"in": ["bank", "lab"], "score": 0.5}]},
    {"key": "size", "weight": 25, "attr": "employees", "match": [{"gte": 200, "lt": 5000, "score": 1}, {"any": [{"gte": 100, "lt": 200}, {"gte": 5000}], "score": 0.4}]},
    {"key": "target", "weight": 10, "attr": "is_target", "match": [{"eq": True, "score": 1}]}]
BANK_CRITERIA = [
    {"key": "industry", "weight": 2, "attr": "industry", "match": [{"eq": "bank", "score": 1}, {"not": {"in": ["care", "shop"]}, "score": 0.5}]},
    {"key": "tags", "weight": 1, "attr": "tags", "match": [{"contains": "vip", "score": 1}, {"exists": True, "score": 0.25}]}]
STRATEGIES = [
    strategy("Care first", "2024-06-01", (60, 35),
             [segment("large", [{"attr": "industry", "eq": "care"}, {"attr": "employees", "gte": 1000}], 0.5, 0.6),
              segment("clinics", [{"attr": "industry", "in": ["care"]}], 0.3, 0.2), segment("banks", [{"attr": "industry", "eq": "bank"}], 0.2)], CRITERIA),
    strategy("Care, narrower", "2025-03-30", (75, 50),
             [segment("clinics", [{"attr": "industry", "eq": "care"}, {"attr": "employees", "lt": 1000}], 0.4), segment("large", [{"attr": "employees", "gte": 1000}], 0.6)],
             CRITERIA, index_weights={"bookings": 0.4, "pipeline": 0.1, "time": 0.2, "product": 0.2, "message": 0.1},
             conduct={"discovery_kinds": ["discovery"], "proposal_kinds": ["proposal", "demo"], "proposal_stages": ["verbal"], "talk_ratio_band": [0.45, 0.6],
                      "unknown_outcome_kinds": ["email"], "selling_time_kinds": ["internal_prep"]}),
    strategy("Banks in EMEA", "2025-01-01", (60, 40), [segment("banks", [{"any": [{"attr": "industry", "eq": "bank"}, {"attr": "tags", "contains": "vip"}]}], 1)],
             BANK_CRITERIA, scope={"teams": ["emea"]}),
    strategy("Care again", "2026-01-01", (60, 35), [segment("clinics", [{"attr": "industry", "eq": "care"}], 0.7), segment("banks", [{"attr": "industry", "eq": "bank"}], 0.3)],
             CRITERIA, products={"GTX": 1}, messages=[], conduct={"proposal_kinds": ["proposal", "workshop"]})]


class History:
    """events, in the order they arrive: {kind, id, at, operation, full, patch, event_id, received}. An object's first event in time is the one
    that arrives first, so that any past can be told to a database of its own."""

    def __init__(self, seed, deals=2000):
        self.random = random.Random(seed)
        self.seed, self.events, self.born = seed, [], set()
        self.zone = self.random.choice(["Europe/Paris", "America/New_York", "Australia/Sydney"])
        self.settings = {"time_zone": self.zone, "reporting_currency": self.random.choice(["USD", "EUR"]), "backcast": self.random.choice(["on", "on", "off"]),
                         "won_close_basis": self.random.choice(["source_date", "source_date", "transition"]), "fiscal_year_start": self.random.choice([1, 2, 4, 10]),
                         "fy_name": self.random.choice(["end", "start"]), "min_n": 5}
        self.strategies = STRATEGIES
        self.accounts = [f"a{n:03d}" for n in range(max(25, deals // 16))]
        self.deals = [f"d{n:04d}" for n in range(deals)]
        self.overrides = [(self.accounts[n], self.when(100, 400), self.random.choice(["core", "near", "out", "excluded"]), until)
                          for n, until in ((0, None), (1, self.when(400, 450)), (2, self.when(500, 600)))]
        self.company()
        for name in self.accounts:
            self.account(name)
        for name in self.deals:
            self.deal(name)
        for number in range(deals * 2):
            self.activity(f"t{number:05d}")
        self.arrive()

    # ── telling ──
    def add(self, kind, name, at, patch, operation="patch", full=False):
        self.events.append({"kind": kind, "id": name, "at": at, "operation": operation, "full": full, "patch": patch, "event_id": f"e{len(self.events):06d}"})

    def when(self, first=0, last=DAYS):
        return START + datetime.timedelta(minutes=self.random.randrange(int(first * DAY), int(last * DAY)))

    def later(self, at, days):
        """A minute of its own after at: no two events of an object share one."""
        return at + datetime.timedelta(minutes=self.random.randrange(1, int(days * DAY)))

    def chance(self, part):
        return self.random.random() < part

    def some(self, **attributes):
        return {name: value for name, value in attributes.items() if self.chance(0.5)}

    def decimal(self, top):
        return str(decimal.Decimal(self.random.randrange(1, top)) / 100)

    # ── the fixed things ──
    def company(self):
        early = START - datetime.timedelta(days=60)
        for name, (outcome, probability) in STAGES.items():
            self.add("stage", name, early, {"label": name, "outcome": outcome, **({"probability": probability} if probability else {})})
        for name, parent in TEAMS.items():
            self.add("team", name, early, {"name": name.title(), "parent": parent})
        self.add("team", "berlin", self.when(300, 400), {"parent": "world"})
        for number, name in enumerate(REPS):
            self.rep(name, early if number % 4 else self.when(10, 60))
        for name, family in PRODUCTS.items():
            self.add("product", name, early, {"name": name, "family": family})
        self.add("product", "p4", self.when(400, 600), {"family": "MG"})
        for pair, first in (("EUR-USD", 25), ("GBP-EUR", 90)):
            base = {"EUR-USD": 1.05, "GBP-EUR": 1.17}[pair]
            for day in range(first, DAYS, self.random.choice([28, 45])):
                at = START + datetime.timedelta(days=day)
                rate = str(round(decimal.Decimal(base + self.random.uniform(-0.1, 0.1)), 4))
                self.add("fx-rate", f"{pair}-{at:%Y-%m-%d}", self.later(at, 3), {"rate": rate})
                if self.chance(0.15):
                    self.add("fx-rate", f"{pair}-{at:%Y-%m-%d}", self.later(at + datetime.timedelta(days=4), 5), {"rate": rate + "5"})
                elif self.chance(0.1):
                    self.add("fx-rate", f"{pair}-{at:%Y-%m-%d}", self.later(at + datetime.timedelta(days=4), 5), {}, "delete")

    def rep(self, name, at):
        record = {"name": f"Rep {name}", "team": self.random.choice(LEAVES)}
        if self.chance(0.8):
            record |= {"cost_per_hour": self.decimal(12000), "cost_currency": self.random.choice(["EUR", "USD", "GBP"])}
        self.add("rep", name, at, record)
        for _ in range(self.random.randrange(3)):
            at = self.later(at, 200)
            patch = {"team": self.random.choice(LEAVES)}
            if self.chance(0.6):
                patch["team_from"] = f"{at - datetime.timedelta(days=self.random.randrange(-20, 40)):%Y-%m-%d}"
            if self.chance(0.3):
                patch["cost_per_hour"] = self.decimal(12000)
            self.add("rep", name, at, patch)
        if self.chance(0.2):
            self.add("rep", name, self.later(at, 200), {"name": f"Rep {name} the second", "team_from": None})

    # ── accounts ──
    def attributes(self):
        return self.some(industry=self.random.choice(INDUSTRIES), employees=self.random.choice([50, 100, "150", 200, 999, 1000, 5000, None]),
                         country=self.random.choice(COUNTRIES), tags=self.random.choice([["vip", "new"], ["new"], [], None]))

    def account(self, name):
        at = self.when(-30, 250 if self.chance(0.3) else 20)
        first = {"name": f"Account {name}", "status": self.random.choice(["prospect", "prospect", "customer"]), "attributes": {
            "industry": self.random.choice(INDUSTRIES), **self.attributes()} if self.chance(0.9) else self.attributes()}
        if first["attributes"].get("country") is None and self.chance(0.8):
            first["attributes"]["country"] = "FR"
        self.add("account", name, at, {**first, **self.some(owner=self.random.choice(REPS), is_target=self.chance(0.5))})
        for _ in range(self.random.randrange(4)):
            at = self.later(at, 220)
            self.add("account", name, at, {"attributes": self.attributes(), **self.some(owner=self.random.choice([*REPS, None]), status=self.random.choice(
                ["customer", "customer", "former"]), is_target=self.chance(0.5))}, full=False)
        if self.chance(0.05):
            at = self.later(at, 100)
            self.add("account", name, at, {"name": f"Account {name} again", "attributes": {"industry": "bank"}}, full=True)
        if self.chance(0.1):
            at = self.later(at, 150)
            if self.chance(0.5):
                self.add("account", name, at, {"merged_into": self.random.choice([other for other in self.accounts if other < name] or self.accounts[1:])}, "merge")
            else:
                self.add("account", name, at, {}, "delete")
            if self.chance(0.4):
                self.add("account", name, self.later(at, 60), {}, "restore")

    # ── deals ──
    def splits(self):
        reps = self.random.sample(REPS, 3)
        parts = self.random.choice([("60", "40"), ("33.33", "33.33", "33.34"), ("100",)])
        return [{"rep": rep, "percent": part, **({"kind": "revenue"} if self.chance(0.5) else {})} for rep, part in zip(reps, parts)] + \
            ([{"rep": reps[0], "percent": "100", "kind": "overlay"}] if self.chance(0.3) else [])

    def lines(self):
        return [{"id": str(n), "product": self.random.choice([*PRODUCTS, "nothing", None]), **self.random.choice(
            [{"amount": "0"}, {"amount": "10"}, {"amount": "30.5"}, {"quantity": "3", "unit_price": "7.25"}, {}])} for n in range(self.random.randrange(1, 4))]

    def amount(self):
        return self.random.choice([self.decimal(9000000), self.decimal(900000), self.decimal(900000), "0", "-" + self.decimal(50000)] if self.chance(0.3)
                                  else [self.decimal(900000)])

    def moment(self, at):
        """A time as sources tell it: to the second, or only the local day or the day before."""
        return iso(at) if self.chance(0.6) else f"{at - datetime.timedelta(days=self.random.randrange(2)):%Y-%m-%d}"

    def deal(self, name):
        at = self.when(0, DAYS - 60)
        record = {"name": f"Deal {name}", "stage": self.random.choice(["lead", "lead", "lead", "proposal", "won", "lost"] if self.chance(0.2) else ["lead"]),
                  "origin": self.random.choice(["inbound", "outbound", "referral", "import"]), "currency": self.random.choice(["USD", "USD", "EUR", "GBP"])}
        if self.chance(0.9):
            record["amount"] = self.amount()
        if self.chance(0.92):
            record["account"] = self.random.choice(self.accounts) if self.chance(0.97) else "nowhere"
        if self.chance(0.93):
            record["owner"] = self.random.choice(REPS)
        if self.chance(0.5):
            record["lines"] = self.lines()
        if self.chance(0.5):
            record["created_at"] = self.moment(at - datetime.timedelta(days=self.random.choice([0, 0, 0, 3, 60])))
        record |= self.some(expected_close=f"{self.later(at, 120):%Y-%m-%d}", probability=self.random.choice(["0.35", "1", None]),
                            contacts_external=self.random.randrange(4), value_case=self.chance(0.5))
        if record["stage"] in ("won", "lost") and self.chance(0.8):
            record["closed_at"] = self.moment(at)
        if self.chance(0.04):
            record["attributes"] = {"is_test": True}
        for key in self.random.sample(["origin", "currency"], self.random.choice([0, 0, 0, 0, 1])):
            del record[key]
        self.add("opportunity", name, at, record)
        self.life(name, at)

    def life(self, name, at):
        for stage in self.random.choice([["won"], ["lost"], ["proposal", "won"], ["proposal", "verbal"], ["proposal", "lost"], ["won", "paid"], [], ["lost", "proposal", "won"],
                                         ["won", "verbal", "lost"], ["proposal", "won", "lead"]]):
            at = self.later(at, 45)
            patch = {"stage": stage}
            if STAGES[stage][0] != "open" and self.chance(0.6):
                patch["closed_at"] = self.moment(at)
            patch |= {key: value for key, value in self.some(owner=self.random.choice([*REPS, None]), amount=self.random.choice([self.amount(), None]),
                                                             account=self.random.choice(self.accounts), splits=self.splits(), lines=self.random.choice([self.lines(), None]),
                                                             value_case=True, lost_reason=self.random.choice(["duplicate", "Test", "price"])).items() if self.chance(0.3)}
            self.add("opportunity", name, at, patch)
        if self.chance(0.25):
            at = self.later(at, 90)
            self.add("opportunity", name, at, {"owner": self.random.choice(REPS), **self.some(splits=self.splits(), amount=self.amount())})
        if self.chance(0.06):
            at = self.later(at, 60)
            self.add("opportunity", name, at, {}, "delete")
            if self.chance(0.5):
                self.add("opportunity", name, self.later(at, 30), {}, "restore")

    # ── activities ──
    def activity(self, name):
        starts, kind = self.when(5, DAYS - 20), self.random.choice(KINDS)
        record = {"kind": kind, "starts_at": iso(starts), **self.random.choice([{"rep": self.random.choice(REPS)}] * 5 + [{"reps": self.random.sample(REPS, 2)}])}
        if self.chance(0.6):
            record["opportunity"] = self.random.choice(self.deals)
        if self.chance(0.5):
            record |= self.random.choice([{"account": self.random.choice(self.accounts)}] * 4 + [{"accounts": self.random.sample(self.accounts, self.random.choice([2, 3]))}])
        if self.chance(0.7):
            record["duration_s"] = self.random.choice([600, 900, 1800, 3600, 5400, "2700.5", 0])
        if self.chance(0.6):
            record["messages"] = self.random.sample(MESSAGES, self.random.randrange(3))
        if kind == "call" and self.chance(0.6):
            record |= {"talk_s": self.random.randrange(60, 900), "customer_talk_s": self.random.randrange(60, 900), "questions": self.random.randrange(12)}
        record |= self.some(participants_external=self.random.randrange(4), tagging_status=self.random.choice(["done", "pending", None]))
        outcome = self.random.choice(["held", "held", "held", "held", "no_show", "cancelled", "unknown", None])
        if self.chance(0.2):  # planned before it took place
            at = starts - datetime.timedelta(days=self.random.randrange(1, 6))
            self.add("activity", name, at, {**record, "outcome": "unknown"})
            self.add("activity", name, starts, {"outcome": outcome})
        else:
            at = starts + datetime.timedelta(minutes=self.random.randrange(0, 3000))
            self.add("activity", name, at, {**record, "outcome": outcome})
        if self.chance(0.05):
            self.add("activity", name, self.later(max(at, starts), 30), *self.random.choice([({}, "delete"), ({"duration_s": 1200}, "patch"), ({"starts_at": iso(self.later(starts, 2))}, "patch")]))

    # ── arrival ──
    def arrive(self):
        """Most events arrive at once, some hours, some weeks late; what makes an object known never after what follows."""
        first = {}
        for event in self.events:
            late = self.random.choice([0, 0, 0, 0, 0, 300, 3000, 90000])
            event["arrives"] = event["at"] + datetime.timedelta(minutes=self.random.randrange(0, 60) + late)
            key = event["kind"], event["id"]
            if key not in first or event["at"] < first[key]["at"]:
                first[key] = event
        for event in self.events:
            birth = first[event["kind"], event["id"]]
            if event is not birth:
                event["arrives"] = max(event["arrives"], birth["arrives"] + datetime.timedelta(minutes=1))
        self.events.sort(key=lambda event: (event["arrives"], event["event_id"]))
        for batch in self.batches():
            received = max(batch[-1]["arrives"], max(event["at"] for event in batch))
            source = self.random.choice(["crm", "crm", "calendar"])
            for event in batch:
                event["received"], event["source"] = received, source

    def reused(self, count=20):
        """Events that must be refused: another word under an identifier that was used before; received in the order of the day."""
        found = []
        for event in sorted(self.random.sample([event for event in self.events if event["operation"] == "patch" and event["kind"] != "fx-rate"], count),
                            key=lambda event: event["received"]):
            found.append({**event, "patch": {**event["patch"], "name": "Another word"} if event["kind"] != "activity" else {**event["patch"], "duration_s": 7},
                          "received": event["received"] + datetime.timedelta(days=self.random.randrange(1, 200))})
        return sorted(found, key=lambda event: event["received"])

    def batches(self):
        size = min(500, 1 + len(self.events) // 25)
        return [self.events[start:start + size] for start in range(0, len(self.events), size)]


def told(event):
    """An event as pl.ingest takes it, one text a column."""
    return [event["kind"], event["id"], event["operation"], "t" if event["full"] else "f", "f", iso(event["at"]), event["event_id"], json.dumps(event["patch"])]
