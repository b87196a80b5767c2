"""The rows figures are made of: deals decided, created and open, hours spent, clients; each credited, judged and priced the way a question
asks (METRICS 3)."""
import dataclasses
import datetime
from fractions import Fraction

from oracle_judge import Judge, Verdict
from oracle_states import decimal

FILTERS = ("rep", "team", "segment", "tier", "origin", "product")
INTERNAL = {"internal", "internal_meeting", "internal_prep", "prep", "preparation", "research", "admin", "travel"}  # work without the customer


@dataclasses.dataclass
class Deal:
    """A deal in the light of one decision about it. money: in the question's currency, of this row's credit."""
    id: str
    at: datetime.datetime
    created_at: datetime.datetime
    outcome: str
    rep: str
    account: str
    verdict: object
    amount: Fraction
    money: Fraction
    origin: str
    families: dict
    state: object
    look: datetime.datetime = None
    credit: Fraction = Fraction(1)
    probability: Fraction = None
    backcast: bool = False
    took: datetime.timedelta = None
    currency: str = None

    @property
    def team(self):
        return self.verdict.team

    @property
    def cls(self):
        return self.verdict.cls


@dataclasses.dataclass
class Spent:
    """An activity of one rep with one account."""
    id: str
    at: datetime.datetime
    rep: str
    account: str
    deal: str
    kind: str
    verdict: object
    hours: Fraction
    share: Fraction
    estimated: bool
    messages: list
    state: object
    backcast: bool
    origin: str = None
    families: dict = dataclasses.field(default_factory=dict)

    @property
    def team(self):
        return self.verdict.team

    @property
    def cls(self):
        return self.verdict.cls


@dataclasses.dataclass
class Account:
    """A live account at an instant, credited to its owner."""
    id: str
    rep: str
    verdict: object
    state: object
    backcast: bool = False
    origin: str = None
    families: dict = dataclasses.field(default_factory=dict)

    @property
    def team(self):
        return self.verdict.team

    @property
    def cls(self):
        return self.verdict.cls


@dataclasses.dataclass
class Notice:
    """Something about an object that is no decision: an event that came late, one that was refused."""
    id: str
    at: datetime.datetime
    kind: str
    rep: str
    team: str
    origin: str = None
    families: dict = dataclasses.field(default_factory=dict)
    state: object = None
    source: str = None
    verdict: object = dataclasses.field(default_factory=Verdict)


class Question:
    """What is asked, resolved. period: [first, end) local days. basis: as_judged, current, or the place of a strategy."""

    def __init__(self, past, first, end, basis="as_judged", credit="at_event", currency=None, **filters):
        self.past, self.judge, clock = past, past.__dict__.setdefault("judge", Judge(past)), past.clock
        self.first, self.end = first, end
        self.start_at, self.end_at = clock.midnight(first), clock.midnight(end)
        today = clock.day(datetime.datetime.now(datetime.timezone.utc))
        self.upto = past.as_of or clock.end_of(today)
        self.stock_at = past.as_of or min(self.end_at - datetime.timedelta(microseconds=1), self.upto)
        self.named_basis, self.basis = basis, self.upto if basis == "current" else basis
        self.credit, self.currency, self.filters = credit, currency or past.settings["reporting_currency"], filters
        self.min_n = past.settings["min_n"]
        self.teams = past.below(filters["team"]) if "team" in filters else None
        self.stages = {name: state.doc for name, state in past.all("stage").items()}
        self.memory = {}

    def once(self, name, make):
        if name not in self.memory:
            self.memory[name] = make()
        return self.memory[name]

    @property
    def strategy(self):
        """Whose targets hold: the one asked for, else the one in force at the end of the period (for the team asked about, or that of the rep)."""
        at = self.upto if self.named_basis == "current" else min(self.end_at - datetime.timedelta(microseconds=1), self.upto)
        rep = self.filters.get("rep")
        team = self.filters.get("team") if "team" in self.filters or rep is None else self.past.team_of(rep, at)[0]
        place = self.basis if isinstance(self.basis, int) else self.judge.in_force(team, at)
        return self.past.strategies[place] if place is not None else {}

    @property
    def not_real(self):
        """Reasons of loss that say there never was a deal."""
        return [reason.lower() for reason in self.strategy.get("conduct", {}).get("not_real_reasons", ["duplicate", "test"])]

    def within(self, row):
        f = self.filters
        return (f.get("rep") in (None, row.rep or "__none__") and (self.teams is None or (row.team or "__none__") in self.teams)
                and f.get("segment") in (None, row.verdict.segment) and f.get("tier") in (None, row.verdict.tier)
                and f.get("origin") in (None, row.origin or "__none__") and ("product" not in f or f["product"] in (row.families or {"unspecified": 1})))

    # ── deals ──
    def outcome(self, stage):
        return self.stages.get(stage, {}).get("outcome")

    def live(self):
        for name, state in self.past.all("opportunity").items():
            test = state.doc.get("attributes", {}).get("is_test")
            created = self.past.clock.instant(state.doc.get("created_at")) or state.first_at
            if state.deleted_at is None and state.merged_into is None and test not in (True, "true") and (self.past.as_of is None or created <= self.past.as_of):
                yield name, state, created

    def look(self, source, at, state):
        """When what was known at a decision is looked up: a day's decision about a deal first seen that day, when it was seen."""
        if source is not None and len(source) == 10 and self.past.clock.day(state.first_at).isoformat() == source:
            return state.first_at
        return at

    def families(self, lines):
        """{family: part}, in proportion to line amounts, equal when those are all 0; {} without lines (R7)."""
        found = {}
        for line in lines or []:
            amount = decimal(line.get("amount"))
            if amount is None and None not in (line.get("quantity"), line.get("unit_price")):
                amount = decimal(line["quantity"]) * decimal(line["unit_price"])
            product = self.past.all("product").get(line.get("product"))
            family = (product.doc.get("family") if product else None) or "unspecified"
            was = found.get(family, (0, 0))
            found[family] = was[0] + (amount or 0), was[1] + 1
        total, count = sum(amount for amount, _ in found.values()), sum(n for _, n in found.values())
        return {family: Fraction(amount, 1) / total if total else Fraction(n, count) for family, (amount, n) in found.items()}

    def decided_at(self, state):
        """(outcome, closed_at, look) of a deal as it stands; (open, None, None) while it is (R2, R17)."""
        stages = state.changes.get("stage", [])
        outcome = self.outcome(state.doc.get("stage"))
        if outcome not in ("won", "lost"):
            return outcome, None, None
        since = len(stages) - 1
        while since > 0 and self.outcome(stages[since - 1][1]) == outcome:
            since -= 1
        source = state.doc.get("closed_at") if since == 0 or (outcome == "won" and self.past.settings["won_close_basis"] == "source_date") else None
        at = self.past.clock.instant(source) or stages[since][0]
        return outcome, at, self.look(source, at, state)

    def row(self, name, state, created, at, look, outcome, priced_on):
        """A deal's row for a decision at a time, credited to the owner then."""
        rep, rep_later = state.held("owner", look, self.past.backcast)
        account, account_later = state.held("account", look, self.past.backcast)
        verdict = self.judge.verdict(rep, account, look, self.basis)
        later = rep_later or account_later or verdict.backcast or self.judge.verdict(rep, account, look).backcast
        amount = decimal(state.doc.get("amount"))
        money = self.past.converted(amount, state.doc.get("currency"), self.currency, self.past.clock.day(priced_on))
        # A close date is a day: closed on the day it was created took no time.
        took = datetime.timedelta(0) if at < created and self.past.clock.day(at) == self.past.clock.day(created) else at - created
        return Deal(name, at, created, outcome, rep, account, verdict, amount, money, state.doc.get("origin"), self.families(state.doc.get("lines")), state, look,
                    backcast=later, took=took, currency=state.doc.get("currency"))

    def credited(self, rows):
        """The same rows by who is credited (R8)."""
        for row in rows:
            shares = None
            if self.credit == "current":
                shares = [(row.state.doc.get("owner"), Fraction(1))]
            elif self.credit == "split":
                splits, _ = row.state.held("splits", row.look, self.past.backcast)
                shares = [(one["rep"], Fraction(str(one["percent"])) / 100) for one in splits or [] if one.get("kind", "revenue") == "revenue"]
            if not shares:
                yield row
                continue
            for rep, part in shares:
                team, _ = self.past.team_of(rep, row.look)
                yield dataclasses.replace(row, rep=rep, credit=part, verdict=dataclasses.replace(row.verdict, team=team),
                                          amount=None if row.amount is None else row.amount * part, money=None if row.money is None else row.money * part)

    def kept(self, rows):
        return [row for row in self.credited(rows) if self.within(row)]

    def closed(self, start=None, end=None, everyone=False):
        """Deals won or lost in [start, end), by default the period; everyone: of the whole organisation, whatever is filtered."""
        def make():
            rows = []
            for name, state, created in self.live():
                outcome, at, look = self.decided_at(state)
                if at is not None:
                    unreal = outcome == "lost" and (state.doc.get("lost_reason") or "").lower() in self.not_real
                    rows.append(self.row(name, state, created, at, look, "not_real" if unreal else outcome, at))
            return rows
        rows = self.once("decided", make)
        if not everyone:
            rows = self.once("kept", lambda: self.kept(rows))
        return [row for row in rows if (start or self.start_at) <= row.at < (end or self.end_at)]

    def created(self):
        rows = []
        for name, state, created in self.live():
            if self.start_at <= created < self.end_at:
                outcome, closed_at, _ = self.decided_at(state)
                row = self.row(name, state, created, created, self.look(state.doc.get("created_at"), created, state), outcome, closed_at or self.upto)
                rows.append(dataclasses.replace(row, probability=self.chance(state.doc.get("probability"), state.doc.get("stage"))))
        return self.kept(rows)

    def chance(self, own, stage):
        return decimal(own) if own is not None else decimal(self.stages.get(stage, {}).get("probability"))

    def stage_then(self, state, created, at):
        """(stage, told later) in force then; None: not there yet. Before it was first seen, a deal was in its first stage, or, when that
        was closed already, open until it was decided."""
        if created > at:
            return None
        stage, later = state.known("stage", at)
        if not later:
            return stage
        if not self.past.backcast:
            return None
        first = state.changes["stage"][0][1]
        if self.outcome(first) == "open":
            return first
        return "before" if self.decided_at(state)[1] is None or at < self.decided_at(state)[1] else None

    def open(self, at, everyone=False):
        """Deals open at an instant, with the owner, account, worth and lines they had then; everyone: whatever is filtered."""
        rows = []
        for name, state, created in self.live():
            stage = self.stage_then(state, created, at)
            if stage is None or (stage != "before" and self.outcome(stage) != "open"):
                continue
            asked = max(at, state.first_at) if self.past.backcast else at
            then = {key: state.known(key, asked)[0] for key in ("amount", "currency", "lines", "probability")}
            rep, rep_later = state.held("owner", at, self.past.backcast)
            account, account_later = state.held("account", at, self.past.backcast)
            verdict = self.judge.verdict(rep, account, at, self.basis)
            amount = decimal(then["amount"])
            rows.append(Deal(name, at, created, "open", rep, account, verdict, amount,
                             self.past.converted(amount, then["currency"], self.currency, self.past.clock.day(at)), state.doc.get("origin"),
                             self.families(then["lines"]), state, at, probability=None if stage == "before" else self.chance(then["probability"], stage),
                             backcast=verdict.backcast or rep_later or account_later or at < state.first_at, currency=then["currency"]))
        return rows if everyone else self.kept(rows)

    # ── hours ──
    def hours(self):
        return self.once("hours", lambda: [row for row in self.spent() if self.within(row)])

    def spent(self, start=None, end=None):
        """Counted activities that started in [start, end), a row a rep and account (R9)."""
        for name, state in self.past.all("activity").items():
            doc = state.doc
            if state.deleted_at is not None or "starts_at" not in doc:
                continue
            at = self.past.clock.instant(doc["starts_at"])
            if not (start or self.start_at) <= at < (end or self.end_at) or (self.past.as_of is not None and at > self.past.as_of):
                continue
            reps = sorted({*doc.get("reps", []), *([doc["rep"]] if "rep" in doc else [])}) or [None]
            accounts = sorted({*doc.get("accounts", []), *([doc["account"]] if "account" in doc else [])})
            later = False
            if not accounts and doc.get("opportunity") in self.past.all("opportunity"):
                account, later = self.past.all("opportunity")[doc["opportunity"]].held("account", at, self.past.backcast)
                accounts = [] if account is None else [account]
            for rep in reps:
                for account in accounts or [None]:
                    yield from self.one_spent(name, state, at, rep, account, len(accounts or [None]), later)

    def one_spent(self, name, state, at, rep, account, parts, later):
        doc = state.doc
        judged, verdict = self.judge.verdict(rep, account, at), self.judge.verdict(rep, account, at, self.basis)
        body = self.past.strategies[judged.strategy] if judged.strategy is not None else {}
        held = doc.get("outcome") == "held" or (doc.get("outcome", "unknown") == "unknown" and doc["kind"] in body.get("conduct", {}).get("unknown_outcome_kinds", []))
        if not held or (doc["kind"] in INTERNAL and doc["kind"] not in body.get("conduct", {}).get("selling_time_kinds", [])):
            return
        duration = decimal(doc.get("duration_s"))
        hours = Fraction(body.get("activity_minutes", {}).get(doc["kind"], 0), 60) if duration is None else duration / 3600
        yield Spent(name, at, rep, account, doc.get("opportunity"), doc["kind"], verdict, hours / parts, Fraction(1, parts), duration is None,
                    doc.get("messages", []), state, verdict.backcast or judged.backcast or later)

    def effort(self):
        """{deal: hours} of everything counted, whenever it was."""
        def make():
            found = {}
            for row in self.spent(datetime.datetime(1900, 1, 1, tzinfo=datetime.timezone.utc), datetime.datetime(2200, 1, 1, tzinfo=datetime.timezone.utc)):
                if row.deal is not None:
                    found[row.deal] = found.get(row.deal, 0) + row.hours
            return found
        return self.once("effort", make)

    def cost(self, row):
        """Money an activity's time cost, None without a rate. The first rate known held before it too."""
        state = self.past.all("rep").get(row.rep)
        if state is None:
            return None
        rate, _ = state.held("cost_per_hour", row.at, True)
        currency, _ = state.held("cost_currency", row.at, True)
        return None if rate is None else self.past.converted(row.hours * Fraction(rate), currency, self.currency, self.past.clock.day(row.at))

    # ── accounts ──
    def accounts(self, at):
        """Accounts there were at an instant, credited to the owner then, judged there and then."""
        found = []
        for name, state in self.past.all("account").items():
            if state.deleted_at is None or state.deleted_at > at:
                owner, later = state.held("owner", at, self.past.backcast)
                found.append(Account(name, owner, self.judge.verdict(owner, name, at, self.basis), state, later))
        return [row for row in found if self.within(row)]

    def clients(self, at):
        return [row for row in self.accounts(at) if row.state.held("status", at, self.past.backcast)[0] == "customer"]

    def targets(self, at):
        return [row for row in self.accounts(at) if row.state.held("is_target", at, self.past.backcast)[0] is True]

    def wanted(self, at):
        """Accounts that were chosen or that fit."""
        return [row for row in self.accounts(at) if row.cls == "on" or row.state.held("is_target", at, self.past.backcast)[0] is True]

    def survivor(self, account, at):
        """What an account is known as then: the one it had been merged into."""
        for _ in range(9):
            state = self.past.all("account").get(account)
            if state is None or state.merged_into is None or state.deleted_at > at:
                break
            account = state.merged_into
        return account

    # ── the data themselves ──
    def late(self):
        """Events received in the period, more than a day after they occurred, by whose object they are about."""
        day, rows = datetime.timedelta(days=1), []
        for event in self.past.events:
            if event["received"] - event["at"] > day:
                rows.append(self.notice(event))
        return [row for row in rows if self.start_at <= row.at < self.end_at and self.within(row)]

    def notice(self, event):
        state = self.past.all(event["kind"])[event["id"]]
        rep = event["id"] if event["kind"] == "rep" else state.doc.get("owner") if event["kind"] in ("opportunity", "account") else state.doc.get("rep") or state.doc.get("reps", [None])[0]
        return Notice(event["event_id"], event["received"], event["kind"], rep, self.past.team_of(rep, event["received"])[0], state=state, source=event.get("source", "test"))

    def refused(self, upto=None):
        """What waits in quarantine at the end of the period."""
        return [row for row in map(self.notice, self.past.refused) if row.at < (upto or self.end_at) and self.within(row)]
