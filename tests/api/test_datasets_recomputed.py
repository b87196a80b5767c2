"""Two public data sets, loaded over HTTP, and every figure they can carry computed a second time from their files (tests/property/oracle_*.py), in
every grouping that the dictionary allows (PLUMBLINE_TEST_WHOLE=1: in every quarter too):
CRM Sales Opportunities by quarter (test_crm_dataset.py says how it maps), and a Salesforce-like export with activities, stage history and lines.
The data are not part of the repository; without them the tests are skipped and say so."""
import csv
import datetime
import pathlib
import sys
import unittest
import urllib.parse
from fractions import Fraction

HERE = pathlib.Path(__file__).resolve().parent
sys.path[:0] = [str(HERE), str(HERE.parent / "property")]

import test_crm_dataset as crm  # noqa: E402
from harness import Case, shared_data  # noqa: E402
from oracle_check import METRICS, WHOLE, check, trends  # noqa: E402
from oracle_states import Past  # noqa: E402
from oracle_work import pipeline_adds_up  # noqa: E402

SINGULAR = {"accounts": "account", "activities": "activity", "opportunities": "opportunity", "products": "product", "reps": "rep", "stages": "stage", "teams": "team"}
SETTINGS = {"backcast": "on", "won_close_basis": "source_date", "fiscal_year_start": 1, "fy_name": "end", "min_n": 5, "reporting_currency": "USD"}


class Recorded:
    """What was sent over HTTP, as a history for the oracle. batches: [(kind, [record])]."""

    def __init__(self, batches, strategy, zone):
        self.settings, self.strategies, self.overrides, self.events = {**SETTINGS, "time_zone": zone}, [strategy], [], []
        now = datetime.datetime.now(datetime.timezone.utc)
        for kind, records in batches:
            for record in records:
                patch = {name: value for name, value in record.items() if name not in ("id", "occurred_at", "event_id")}
                at = datetime.datetime.fromisoformat(record["occurred_at"].replace("Z", "+00:00"))
                self.events.append({"kind": SINGULAR[kind], "id": record["id"], "at": at, "operation": "patch", "full": False, "patch": patch,
                                    "event_id": record.get("event_id", f"{len(self.events):09d}"), "received": now, "source": "api"})


class DataSet(Case):
    """A server that was told a data set, and the same events as the oracle knows them."""

    @classmethod
    def load(cls, batches, strategy, zone):
        cls.past = Past(Recorded(batches, strategy, zone))
        cls.server = cls.start()
        cls.client = cls.server.client(timeout=300)
        case = cls("runTest")
        case.assert_ok(cls.client.request("PATCH", "/v1/settings", {"time_zone": zone, "reporting_currency": "USD"}))
        draft = case.assert_ok(cls.client.request("POST", "/v1/strategies", strategy))
        case.assert_ok(cls.client.request("POST", f"/v1/strategies/{draft['id']}/publish"))
        for kind, records in batches:
            answer = case.assert_status(cls.client.post_ndjson(f"/v1/{kind}", records), 200).json()
            case.assertEqual(answer["rejected"], 0, answer["errors"][:3])

    def runTest(self):
        """A plain case to assert with while the class is set up."""

    def ask(self, path, **query):
        return self.assert_ok(self.client.get(f"/v1/{path}?{urllib.parse.urlencode(query)}"))

    def check_metric(self, key, **query):
        with self.subTest(key=key, **query):
            wrong = check(self.past, key, query, self.ask(f"metrics/{key}", **query))
            if wrong:
                self.fail(f"{len(wrong)} differences\n" + "\n".join(wrong[:12]))

    def check_rows(self, metric, period, population):
        """The rows behind a number add up to it, and there is one for every deal of the population."""
        with self.subTest(metric=metric, period=period, what="rows"):
            total = self.ask(f"metrics/{metric}", period=period)["total"]
            rows = self.client.get(f"/v1/metrics/{metric}/rows?period={period}&format=ndjson").ndjson()
            self.assertEqual({row["id"] for row in rows}, population)
            self.assertEqual(len(rows), len(population))
            for name in ("numerator", "denominator"):
                self.assertLessEqual(abs(sum(Fraction(str(row[name] or 0)) for row in rows) - Fraction(str(total[name]))), Fraction(1, 200))

    def check_population(self, metric, period, population):
        """Every deal is in one class, unpriced or without amount, once."""
        with self.subTest(metric=metric, period=period, what="population"):
            total = self.ask(f"metrics/{metric}", period=period)["total"]
            self.assertEqual(sum(total["parts"][cls]["n"] for cls in ("on", "off", "unknown")) + total["excluded"]["unpriced"] + total["excluded"]["no_amount"], population)


QUARTERS = ("2017-Q1", "2017-Q2", "2017-Q3", "2017-Q4")
TIMELESS = ("off_strategy_investment", "selling_time_share", "meeting_share", "focus_gap", "message_adoption", "effort_per_win", "target_coverage")


class CrmByQuarter(DataSet):
    @classmethod
    def setUpClass(cls):
        strategy = crm.document("strategy.json")
        cls.load([(kind, list(records)) for kind, records in crm.batches(crm.events())], strategy, "UTC")
        cls.deals = crm.table("sales_pipeline.csv")

    def closed(self, period, stage=None):
        """Deals of the file closed in the period."""
        months = range(1, 13) if period == "FY2017" else range(3 * int(period[-1]) - 2, 3 * int(period[-1]) + 1)
        return [row for row in self.deals if row["close_date"] and row["close_date"].endswith("/2017") and int(row["close_date"].split("/")[0]) in months
                and row["deal_stage"] in (("Won", "Lost") if stage is None else (stage,))]

    def test_every_metric_of_the_year_and_its_quarters(self):
        for period in ("FY2017", *QUARTERS):
            for metric, (_, groupings, _) in METRICS.items():
                if metric not in TIMELESS:
                    self.check_metric(metric, period=period)
                    for by in groupings if WHOLE or period == "FY2017" else ("rep",) if metric in ("bookings_share", "win_rate") else ():
                        self.check_metric(metric, period=period, by=by)

    def test_every_trend_of_the_year(self):
        for metric, query in trends("2017", WHOLE):
            self.check_metric(metric, **query)

    def test_what_the_data_do_not_carry_is_null(self):
        for metric in TIMELESS:
            if metric == "effort_per_win":
                continue  # nothing was spent: 0 hours a win
            total = self.ask(f"metrics/{metric}", period="FY2017")["total"]
            self.assertEqual((total["value"], bool(total["reason"])), (None, True), metric)

    def test_populations_and_rows(self):
        for period in ("FY2017", *QUARTERS):
            won, decided = self.closed(period, "Won"), self.closed(period)
            self.check_population("bookings_share", period, len(won))
            self.check_rows("bookings_share", period, {row["opportunity_id"] for row in won})
            self.check_rows("win_rate", period, {row["opportunity_id"] for row in decided})
            total = self.ask("metrics/win_rate", period=period)["total"]
            self.assertEqual((total["numerator"], total["denominator"]), (len(won), len(decided)))
            self.assertEqual(total["parts"]["unknown"]["n"], sum(1 for row in decided if not row["account"]))

    def test_pipeline_adds_up(self):
        for period in QUARTERS:
            for by in (None, "rep", "segment"):
                answer = self.ask("metrics/pipeline_change", period=period, due="any", **({"by": by} if by else {}))
                for row in [answer["total"], *answer["rows"]]:
                    self.assertEqual(pipeline_adds_up(row), [], (period, row["key"]))


YEARS = ("2020", "2021", "2022")
EXPORT = ("data", "salesforce-like")
KINDS = {"Email": "email", "Phone Call": "call", "Video Meeting": "meeting", "In-Person Meeting": "meeting", "Demo": "demo", "Proposal Sent": "proposal"}
OUTCOMES = {"Closed Won": "won", "Closed Lost": "lost"}
FIT = {"name": "Large consumer brands", "effective_from": "2014-01-01",
       "segments": [{"key": "consumer", "label": "Consumer", "when": [{"attr": "industry", "in": ["Retail", "Beauty & Cosmetics", "Food & Beverage", "Sportswear", "Fashion & Apparel"]},
                                                                       {"attr": "employees", "gte": 1000}], "target": {"bookings": 0.6, "time": 0.5}},
                    {"key": "media", "label": "Media", "when": [{"attr": "industry", "in": ["Entertainment", "Media & Publishing"]}], "target": {"bookings": 0.4, "time": 0.5}}],
       "fit": {"criteria": [{"key": "industry", "weight": 3, "attr": "industry", "match": [
                                {"in": ["Retail", "Beauty & Cosmetics", "Sportswear", "Fashion & Apparel"], "score": 1}, {"in": ["Entertainment", "Media & Publishing"], "score": 0.6}]},
                            {"key": "size", "weight": 2, "attr": "employees", "match": [{"gte": 5000, "score": 1}, {"gte": 500, "score": 0.5}]},
                            {"key": "named", "weight": 1, "attr": "is_target", "match": [{"eq": True, "score": 1}]}],
               "required": ["industry"], "disqualify": [], "min_coverage": 0.5,
               "tiers": [{"key": "core", "min": 60, "on_strategy": True}, {"key": "near", "min": 35, "on_strategy": False}, {"key": "far", "min": 0, "on_strategy": False}]},
       "products": {"Usage Rights": 0.5, "Model": 0.3, "Director": 0.2}, "messages": [], "opportunistic": {"limit": 0.2, "easy_origins": ["inbound inquiry", "referral"]},
       "activity_minutes": {"email": 5, "proposal": 45, "call": 15, "meeting": 40, "demo": 45},
       "conduct": {"discovery_kinds": ["demo"], "proposal_kinds": ["proposal"], "talk_ratio_band": [0.35, 0.5]}}


def export(name):
    with open(shared_data(*EXPORT, f"crm_{name}.csv"), encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def grouped(rows, key):
    found = {}
    for row in rows:
        found.setdefault(row[key], []).append(row)
    return found


def midday(day):
    return f"{day}T12:00:00Z"


def exported():
    """[(kind, [record])] of the export: dates are local days, every stage move an event of its day."""
    users, old = export("users"), "2014-01-01T00:00:00Z"
    yield "teams", [{"id": name, "name": name, "occurred_at": old} for name in sorted({user["division"] for user in users})]
    yield "reps", [{"id": user["user_id"], "name": f"{user['first_name']} {user['last_name']}", "team": user["division"], "occurred_at": old,
                    "cost_per_hour": str(30 + 15 * int(user["seniority_level"])), "cost_currency": "USD"} for user in users]
    yield "products", [{"id": row["product_id"], "name": row["product_name"], "family": row["product_category"], "occurred_at": old} for row in export("products")]
    yield "stages", [{"id": name, "label": name, "outcome": OUTCOMES.get(name, "open"), "occurred_at": old, **({} if name in OUTCOMES else {"probability": chance})}
                     for name, chance in (("Lead", "0.1"), ("Qualified Lead", "0.2"), ("Opportunity", "0.5"), ("Negotiation", "0.7"), ("Closed Won", None), ("Closed Lost", None))]
    yield "accounts", [{"id": row["account_id"], "name": row["account_name"], "status": row["account_type"].lower(), "is_target": row["account_tier"] == "1",
                        "occurred_at": midday(row["created_date"]), "attributes": {"industry": row["industry"], "country": row["country"],
                                                                                   **({"employees": int(row["number_of_employees"])} if row["number_of_employees"] else {})}}
                       for row in export("accounts")]
    yield "opportunities", list(deals())
    yield "activities", [{"id": row["activity_id"], "kind": KINDS[row["activity_type"]], "starts_at": midday(row["activity_date"]), "rep": row["user_id"],
                          "opportunity": row["opportunity_id"], "outcome": "held", "occurred_at": midday(row["activity_date"]), "event_id": row["activity_id"],
                          **({"duration_s": str(Fraction(row["duration_minutes"]) * 60)} if row["duration_minutes"] else {})} for row in export("activities")]


def deals():
    lines, moves = grouped(export("opportunity_line_items"), "opportunity_id"), grouped(export("opportunity_stage_history"), "opportunity_id")
    for row in export("opportunities"):
        name = row["opportunity_id"]
        first = {"name": row["opportunity_name"], "account": row["account_id"], "owner": row["owner_user_id"], "amount": row["amount"], "currency": "USD",
                 "created_at": row["created_date"], "expected_close": row["expected_close_date"], "origin": row["lead_source"].lower(),
                 "lines": [{"id": line["line_item_id"], "product": line["product_id"], "amount": line["net_amount"]} for line in lines.get(name, [])]}
        # Some moves are dated after the deal was closed.
        told = [move for number, move in enumerate(moves[name]) if number == 0 or not row["close_date_actual"] or move["stage_entered_date"] <= row["close_date_actual"]]
        for number, move in enumerate(told):
            yield {"id": name, "stage": move["to_stage"], "occurred_at": midday(move["stage_entered_date"]), "event_id": move["stage_history_id"], **(first if number == 0 else {})}
        if row["close_date_actual"]:
            yield {"id": name, "stage": row["stage"], "closed_at": row["close_date_actual"], "occurred_at": midday(row["close_date_actual"]), "event_id": f"closed-{name}",  # after the moves of that day
                   **({"lost_reason": row["lost_reason"]} if row["lost_reason"] else {})}


class SalesforceLike(DataSet):
    @classmethod
    def setUpClass(cls):
        cls.load(list(exported()), FIT, "America/New_York")
        cls.deals = export("opportunities")

    def test_every_metric_with_hours_stages_and_lines(self):
        for metric, (_, groupings, _) in METRICS.items():
            self.check_metric(metric, period="2022-Q2")
            for by in groupings:
                for period in YEARS if WHOLE else YEARS[-1:]:
                    self.check_metric(metric, period=period, by=by)

    def test_every_trend_of_the_year(self):
        for metric, query in trends("2022", WHOLE):
            self.check_metric(metric, **query)

    def test_populations_and_rows(self):
        won = {row["opportunity_id"] for row in self.deals if row["stage"] == "Closed Won" and row["close_date_actual"].startswith("2022")}
        lost = {row["opportunity_id"] for row in self.deals if row["stage"] == "Closed Lost" and row["close_date_actual"].startswith("2022")}
        self.check_population("bookings_share", "2022", len(won))
        self.check_rows("bookings_share", "2022", won)
        self.check_rows("win_rate", "2022", won | lost)

    def test_hours_are_those_of_the_file(self):
        minutes = {"email": 5, "proposal": 45, "call": 15, "meeting": 40, "demo": 45}
        rows = [row for row in export("activities") if row["activity_date"].startswith("2022")]
        hours = sum(Fraction(row["duration_minutes"] or minutes[KINDS[row["activity_type"]]]) / 60 for row in rows)
        total = self.ask("metrics/selling_time_share", period="2022")["total"]
        found = sum(Fraction(str(total["parts"][cls]["hours"])) for cls in ("on", "off", "unknown")) + Fraction(str(total["excluded"]["unattributed_hours"]))
        self.assertLessEqual(abs(found - hours), Fraction(4, 1_000_000))

    def test_discovery_before_proposal(self):
        """consultative, form discovery_first, from the activities alone: of deals closed in the year that saw a proposal, those with a demo before it."""
        closed = {row["opportunity_id"] for row in self.deals if row["close_date_actual"].startswith("2022")}
        seen = {}
        for row in export("activities"):
            kind = KINDS[row["activity_type"]]
            if row["opportunity_id"] in closed and kind in ("demo", "proposal"):
                first = seen.setdefault(row["opportunity_id"], {})
                first[kind] = min(first.get(kind, "9999"), row["activity_date"])
        reached = [first for first in seen.values() if "proposal" in first]
        before = [first for first in reached if first.get("demo", "9999") < first["proposal"]]
        form = self.ask("metrics/consultative", period="2022")["total"]["forms"]["discovery_first"]
        self.assertEqual((form["numerator"], form["denominator"]), (len(before), len(reached)))


del DataSet  # it has no data of its own

if __name__ == "__main__":
    unittest.main()
