"""What happens in the sample company over two years: a seeded history as events, the same for the same seed and day."""
import datetime as dt

from company import (COST_PER_HOUR, COUNTRIES, CURRENCY, INDUSTRIES, MOVES, PLACES, PRODUCTS, REGION_OF_TEAM, REPS, STAGES, TEAMS)

DAYS = 730
ACCOUNTS = 220
DEALS = 2500
ACTIVITIES_WITHOUT_DEAL = 1500
MESSAGES = ("uptime", "compliance", "price")
FAMILIES = ("platform", "claims", "services")
OPEN_STAGES = [stage[0] for stage in STAGES if stage[2] == "open"]


def iso(moment):
    return moment.strftime("%Y-%m-%dT%H:%M:%SZ")


class History:
    """events[kind] is a list of API items ({"id", "occurred_at", attributes …})."""

    def __init__(self, random, today):
        self.random = random
        self.end = dt.datetime.combine(today, dt.time())
        self.begin = self.end - dt.timedelta(days=DAYS)
        self.events = {kind: [] for kind in ("teams", "reps", "products", "stages", "fx-rates", "accounts", "opportunities", "activities")}
        self.accounts = {region: [] for region in PLACES}
        self.customers = set()
        self.activity_number = 0
        self.foundation()
        self.fx_rates()
        self.make_accounts()
        self.make_deals()
        self.account_work()

    def add(self, resource, id, at, /, **attributes):
        self.events[resource].append({"id": id, "occurred_at": iso(at), **attributes})

    def working_hour(self, day):
        """A moment of that day between 8:00 and 17:59 UTC; weekends slide to Friday."""
        day -= dt.timedelta(days=max(0, day.weekday() - 4))
        return dt.datetime.combine(day.date(), dt.time(self.random.randint(8, 17), self.random.randint(0, 59)))

    def chance(self, probability):
        return self.random.random() < probability

    # ── the fixed things ──
    def foundation(self):
        for id, name, parent in TEAMS:
            self.add("teams", id, self.begin, name=name, parent=parent)
        for id, label, outcome, probability, order in STAGES:
            self.add("stages", id, self.begin, label=label, outcome=outcome, probability=probability, order=order)
        for id, name, family, price in PRODUCTS:
            self.add("products", id, self.begin, name=name, family=family, list_price=f"{price}.00", currency="USD")
        for id, name, team, _, first in REPS:
            start = self.begin if first is None else self.end - dt.timedelta(days=first)
            cost, currency = COST_PER_HOUR[REGION_OF_TEAM[team]]
            self.add("reps", id, start, name=name, email=f"{id}@aurelia.example", team=team, active_from=start.date().isoformat(),
                     cost_per_hour=f"{cost}.00", cost_currency=currency)
        for id, team, before in MOVES:
            moved = self.end - dt.timedelta(days=before)
            self.add("reps", id, moved, team=team, team_from=moved.date().isoformat())

    def fx_rates(self):
        """One EUR→USD rate a month, a slow walk."""
        rate, day = 1.09, (self.begin - dt.timedelta(days=40)).date().replace(day=1)
        while day <= self.end.date():
            at = dt.datetime.combine(day, dt.time())
            self.add("fx-rates", f"EUR-USD-{day.isoformat()}", at, rate=f"{rate:.4f}")
            rate = min(1.20, max(1.02, rate + self.random.uniform(-0.02, 0.02)))
            day = (day.replace(day=28) + dt.timedelta(days=4)).replace(day=1)

    def make_accounts(self):
        names = set()
        owners = {region: [rep for rep in REPS if REGION_OF_TEAM[rep[2]] == region and rep[4] is None] for region in PLACES}
        for number in range(1, ACCOUNTS + 1):
            region = list(PLACES)[number % 3]
            industry, kinds, _, size, revenue, deal, wanted = self.random.choices(INDUSTRIES, [row[2] for row in INDUSTRIES])[0]
            while True:
                name = f"{self.random.choice(PLACES[region])} {self.random.choice(kinds)}"
                name += f" {self.random.choice(['North', 'South', 'East', 'West'])}" if name in names else ""
                if name not in names:
                    break
            names.add(name)
            employees = int(size[0] * (size[1] / size[0]) ** self.random.random())
            attributes = {"industry": industry, "country": self.random.choice(COUNTRIES[region]), "employees": employees,
                          "annual_revenue": employees * revenue * 1000}
            blank = self.random.random()  # CRMs have holes: nothing known, or the size missing
            if blank < 0.05:
                attributes = {}
            elif blank < 0.11:
                del attributes["employees"], attributes["annual_revenue"]
            is_target = wanted and employees >= 200 and self.chance(0.55)
            # Whoever goes his own way picks up the accounts that suit it.
            weights = [rep[3].on if wanted else 1.05 - rep[3].on for rep in owners[region]]
            account = {"id": f"a{number:03d}", "name": name, "wanted": wanted, "deal": deal, "deals": 0, "worked": None,
                       "owner": self.random.choices(owners[region], weights)[0][0]}
            self.accounts[region].append(account)
            self.add("accounts", account["id"], self.begin, name=name, status="prospect", owner=account["owner"],
                     is_target=is_target, attributes=attributes)
            if attributes.get("employees") and self.chance(0.12):  # grows or shrinks on the way
                at = self.working_hour(self.begin + dt.timedelta(days=self.random.randint(200, 700)))
                self.add("accounts", account["id"], at, attributes={"employees": int(employees * self.random.uniform(0.6, 1.9))})

    # ── deals ──
    def make_deals(self):
        spans = [DAYS if rep[4] is None else rep[4] for rep in REPS]
        reps = self.random.choices(REPS, spans, k=DEALS)
        for number, rep in enumerate(reps, 1):
            span = DAYS if rep[4] is None else rep[4]
            created = self.working_hour(self.end - dt.timedelta(days=1 + self.random.random() ** 0.9 * (span - 2)))
            self.deal(f"d{number:04d}", rep, created)

    def pick_account(self, rep, share_on):
        wanted = self.chance(share_on)
        region = REGION_OF_TEAM[rep[2]]
        choice = [account for account in self.accounts[region] if account["wanted"] == wanted]
        weights = [4 if account["owner"] == rep[0] else 1 for account in choice]
        return self.random.choices(choice, weights)[0]

    def lines(self, style, amount):
        """One to three products whose amounts total the deal's."""
        products = []
        for _ in range(self.random.choices((1, 2, 3), (6, 3, 1))[0]):
            family = self.random.choices(FAMILIES, style.products)[0]
            product = self.random.choice([row[0] for row in PRODUCTS if row[2] == family])
            if product not in products:
                products.append(product)
        parts = [self.random.uniform(0.5, 1.5) for _ in products]
        amounts = [int(amount * part / sum(parts)) for part in parts]
        amounts[0] += amount - sum(amounts)
        return [{"id": str(index), "product": product, "quantity": 1, "amount": f"{value}.00"}
                for index, (product, value) in enumerate(zip(products, amounts), 1)]

    def deal(self, id, rep, created):
        style, account = rep[3], self.pick_account(rep, rep[3].on)
        wanted = account["wanted"]
        currency = CURRENCY[REGION_OF_TEAM[rep[2]]]
        cycle = max(5, self.random.lognormvariate(4.2 if wanted else 3.5, 0.5))
        closed = self.working_hour(created + dt.timedelta(days=cycle))
        amount = max(1000, int(self.random.lognormvariate(0, 0.55) * account["deal"] / 100) * 100)
        win = (0.44 if wanted else 0.26) + (0.06 if style.discovery > 0.8 and wanted else 0)
        won = self.chance(win)
        reach = 4 if won else self.random.choices((1, 2, 3, 4), (3, 4, 4, 2))[0]  # stages gone through before the end
        origin = self.random.choices(("outbound", "inbound", "referral", "partner"), (6, 2, 1, 1))[0] if wanted else \
            ("inbound" if self.chance(style.inbound) else self.random.choice(("outbound", "referral", "partner")))
        if account["id"] in self.customers and self.chance(0.3):
            origin = "renewal"
        account["deals"] += 1
        first = {"name": f"{account['name']}: deal {account['deals']}", "account": account["id"], "owner": rep[0], "stage": "qualify",
                 "created_at": iso(created), "origin": origin, "currency": currency,
                 "expected_close": (created + dt.timedelta(days=75 if wanted else 40)).date().isoformat()}
        if not self.chance(0.12):
            first["amount"] = f"{int(amount * self.random.uniform(0.8, 1.3) / 100) * 100}.00"
        if self.chance(0.03):
            del first["account"]
            account = None
        self.add("opportunities", id, created, **first)
        self.advance(id, rep, style, created, closed, reach)
        if closed < self.end - dt.timedelta(days=1):
            self.close(id, rep, style, account, closed, amount, won)
        if account:
            account["worked"] = max(account["worked"] or created, created)
        self.deal_work(id, rep, style, account, created, min(closed, self.end - dt.timedelta(hours=8)), reach)

    def advance(self, id, rep, style, created, closed, reach):
        """Stages after the first, a split or another owner on some, and what consultative reps note down."""
        for index, stage in enumerate(OPEN_STAGES[1:reach], 1):
            at = created + (closed - created) * index / (reach + 0.5)
            if at >= self.end - dt.timedelta(days=1):
                return
            changes = {"stage": stage}
            if stage == "discovery" and self.chance(style.discovery):
                changes["value_case"] = self.chance(0.8)
            if stage == "proposal":
                changes["contacts_external"] = self.random.randint(1, 2 + int(4 * style.discovery))
                if self.chance(0.07):
                    other = self.random.choice([row[0] for row in REPS if row[2] == rep[2] and row[0] != rep[0]])
                    percent = self.random.choice((20, 30, 50))
                    changes["splits"] = [{"rep": rep[0], "percent": 100 - percent, "kind": "revenue"},
                                         {"rep": other, "percent": percent, "kind": "revenue"}]
            if stage == "negotiation" and self.chance(0.06):
                changes["owner"] = self.random.choice([row[0] for row in REPS if row[2] == rep[2] and row[0] != rep[0]])
            self.add("opportunities", id, at.replace(microsecond=0), **changes)

    def close(self, id, rep, style, account, closed, amount, won):
        lines = self.lines(style, amount)
        if not won:
            reason = self.random.choice(("price", "no_decision", "competitor", "no_budget"))
            self.add("opportunities", id, closed, stage="lost", closed_at=iso(closed), amount=f"{amount}.00", lost_reason=reason)
            again = closed + dt.timedelta(days=self.random.randint(10, 30))
            if self.chance(0.03) and again < self.end - dt.timedelta(days=1):
                self.add("opportunities", id, again, stage="negotiation", closed_at=None, lost_reason=None, lines=lines)
                second = again + dt.timedelta(days=self.random.randint(5, 25))
                if second < self.end - dt.timedelta(days=1):
                    stage = "won" if self.chance(0.5) else "lost"
                    self.add("opportunities", id, second, stage=stage, closed_at=iso(second))
            return
        self.add("opportunities", id, closed, stage="won", closed_at=iso(closed), amount=f"{amount}.00", lines=lines)
        if account and account["id"] not in self.customers:
            self.customers.add(account["id"])
            self.add("accounts", account["id"], closed, status="customer")

    # ── time ──
    def activity(self, rep, style, kind, at, **links):
        self.activity_number += 1
        outcome = self.random.choices(("held", "no_show", "cancelled", "unknown"), (88, 5, 5, 2))[0]
        details = {}
        if kind == "email":
            outcome = "unknown"
        else:
            minutes = {"call": (8, 30), "meeting": (30, 60), "discovery": (45, 90), "workshop": (120, 240), "demo": (45, 75),
                       "proposal": (30, 90)}[kind]
            details["duration_s"] = 60 * self.random.randint(*minutes)
        if kind in ("call", "meeting", "discovery", "demo") and outcome == "held":
            details["messages"] = sorted(set(self.random.choices(MESSAGES, style.messages, k=self.random.choice((1, 1, 2)))),
                                         key=MESSAGES.index)
        if kind == "call" and outcome == "held" and self.chance(0.7):
            talked = int(details["duration_s"] * 0.92)
            share = min(0.9, max(0.2, self.random.gauss(style.talk, 0.08)))
            details.update(talk_s=int(talked * share), customer_talk_s=talked - int(talked * share),
                           questions=self.random.randint(2, 5 + int(14 * style.discovery)))
        if kind in ("meeting", "workshop", "demo"):
            details["participants_external"] = self.random.randint(1, 5)
        self.add("activities", f"t{self.activity_number:05d}", at, kind=kind, starts_at=iso(at), rep=rep[0], outcome=outcome, **links, **details)

    def deal_work(self, id, rep, style, account, created, until, reach):
        links = {"opportunity": id, **({"account": account["id"]} if account else {})}
        kinds = [self.random.choice(("discovery", "discovery", "workshop")) if self.chance(style.discovery) else "call"]
        kinds += self.random.choices(("email", "call", "meeting"), (3, 3, 2), k=self.random.choice((0, 1, 1, 2)) + (account or {}).get("wanted", 0))
        if reach >= 3:
            kinds += ["demo"] if self.chance(0.4) else []
            kinds += ["proposal"]
        span = max((until - created).days, 1)
        for index, kind in enumerate(kinds):
            day = created + dt.timedelta(days=span * index // len(kinds))
            at = min(max(created, self.working_hour(day)), self.end - dt.timedelta(hours=7))
            self.activity(rep, style, kind, at, **links)

    def account_work(self):
        """Hours without a deal: key accounts, prospecting; some of it linked to nothing."""
        for _ in range(ACTIVITIES_WITHOUT_DEAL):
            rep = self.random.choice([row for row in REPS if row[4] is None])
            account = self.pick_account(rep, rep[3].time_on)
            at = self.working_hour(self.end - dt.timedelta(days=1 + self.random.random() * (DAYS - 3)))
            links = {} if self.chance(0.04) else {"account": account["id"]}
            self.activity(rep, rep[3], self.random.choices(("call", "meeting", "email"), (4, 4, 2))[0], at, **links)
