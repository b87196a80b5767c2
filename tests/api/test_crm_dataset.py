"""The CRM Sales Opportunities data set, loaded over HTTP as its README maps it: every figure of expected-2017-Q2.json to the last
digit; loading it twice changes nothing; loading it in another order gives the same bytes."""
import csv
import json
import random
import unittest

from harness import Case, shared_data

EPOCH = "2016-01-01T00:00:00Z"
QUESTIONS = [f"/v1/alignment?period=2017-Q2&by={by}" for by in ("rep", "team", "segment", "tier", "product", "period")] + [
    f"/v1/metrics/{metric}?period=2017-Q2{extra}"
    for metric in ("bookings_share", "win_rate", "cycle_days", "product_mix", "segment_mix", "strategy_setters", "open_pipeline_share",
                   "pipeline_created_share", "client_share_on_strategy", "opportunistic", "alignment_index")
    for extra in ("", "&by=rep", "&by=team&granularity=month")] + [
    "/v1/metrics/bookings_share/rows?period=2017-Q2&limit=1000", "/v1/metrics/bookings_share?period=2017-Q2&by=rep&as_of=2017-05-15",
    "/v1/summary?period=2017-Q2", "/v1/reps/Darcel%20Schlecht/alignment?period=2017-Q2"]


def table(name):
    with open(shared_data("data", "crm-sales-opportunities", name), encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def document(name):
    return json.loads(shared_data("data", "crm-sales-opportunities", name).read_text("utf-8"))


def instant(american):
    month, day, year = american.split("/")
    return f"{int(year):04d}-{int(month):02d}-{int(day):02d}T00:00:00Z"


def organisation():
    """Records of everything but the deals: (kind, record)."""
    people = table("sales_teams.csv")
    for office in sorted({row["regional_office"] for row in people}):
        yield "teams", {"id": office, "name": office}
    for manager, office in sorted({(row["manager"], row["regional_office"]) for row in people}):
        yield "teams", {"id": manager, "name": manager, "parent": office}
    for row in people:
        yield "reps", {"id": row["sales_agent"], "name": row["sales_agent"], "team": row["manager"]}
    for row in table("products.csv"):
        yield "products", {"id": row["product"].replace(" ", ""), "name": row["product"], "family": row["series"],
                           "list_price": row["sales_price"], "currency": "USD"}
    for name, outcome in (("Prospecting", "open"), ("Engaging", "open"), ("Won", "won"), ("Lost", "lost")):
        yield "stages", {"id": name, "label": name, "outcome": outcome}
    for row in table("accounts.csv"):
        record = {"id": row["account"], "name": row["account"], "status": "customer",
                  "attributes": {"industry": row["sector"], "employees": int(row["employees"]), "annual_revenue": float(row["revenue"]),
                                 "country": row["office_location"], "founded": int(row["year_established"])}}
        if row["subsidiary_of"]:
            record["parent"] = row["subsidiary_of"]
        yield "accounts", record


def deals():
    """Events of the pipeline: one when engaged, one when closed."""
    for row in table("sales_pipeline.csv"):
        product = row["product"].replace(" ", "")
        record = {"id": row["opportunity_id"], "owner": row["sales_agent"], "lines": [{"id": "1", "product": product}]}
        if row["account"]:
            record["account"] = row["account"]
        if row["engage_date"]:
            engaged = instant(row["engage_date"])
            yield {**record, "stage": "Engaging", "created_at": engaged, "occurred_at": engaged}
        else:
            yield {**record, "stage": "Prospecting", "occurred_at": "2017-12-31T00:00:00Z"}
        if row["close_date"]:
            closed = instant(row["close_date"])
            event = {"id": row["opportunity_id"], "stage": row["deal_stage"], "closed_at": closed, "occurred_at": closed}
            if row["close_value"]:
                event.update(amount=row["close_value"], currency="USD",
                             lines=[{"id": "1", "product": product, "amount": row["close_value"]}])
            yield event


def events():
    """(kind, record) in the order a source would send them."""
    for kind, record in organisation():
        yield kind, {**record, "occurred_at": EPOCH}
    for record in deals():
        yield "opportunities", record


def batches(everything):
    """Neighbours of one kind go together."""
    batch, kind = [], None
    for next_kind, record in everything:
        if batch and (next_kind != kind or len(batch) == 8000):
            yield kind, batch
            batch = []
        kind = next_kind
        batch.append(record)
    if batch:
        yield kind, batch


def load(case, client, everything):
    """Posts all as NDJSON; the sum of the counts."""
    counts = {}
    for kind, batch in batches(everything):
        body = "".join(json.dumps(record, ensure_ascii=False) + "\n" for record in batch)
        answer = client.request("POST", f"/v1/{kind}", body, {"Content-Type": "application/x-ndjson"})
        case.assert_status(answer, 200)
        for name in ("accepted", "duplicate", "stale", "unchanged", "rejected"):
            counts[name] = counts.get(name, 0) + answer.json()[name]
    return counts


def publish(case, client):
    draft = case.assert_ok(client.request("POST", "/v1/strategies", document("strategy.json")))
    case.assert_ok(client.request("POST", f"/v1/strategies/{draft['id']}/publish"))


def answers(case, client):
    found = {}
    for path in QUESTIONS:
        answer = case.assert_status(client.get(path), 200)
        found[path] = answer.body
    return found


class CrmDataset(Case):
    @classmethod
    def setUpClass(cls):
        shared_data("data", "crm-sales-opportunities", "expected-2017-Q2.json")
        cls.server = cls.start()
        cls.client = cls.server.client(timeout=300)
        cls.loader = cls()
        cls.counts = load(cls.loader, cls.client, events())
        publish(cls.loader, cls.client)
        cls.expected = document("expected-2017-Q2.json")

    def runTest(self):
        """A plain case to assert with while the class is set up."""

    def ask(self, path):
        return self.assert_ok(self.client.get(path))

    def metric(self, key, **parameters):
        query = "".join(f"&{name}={value}" for name, value in parameters.items())
        return self.ask(f"/v1/metrics/{key}?period=2017-Q2{query}")

    def compare(self, expected, rows):
        """One group's figures: rows maps metric keys to ROWs."""
        bookings, wins, cycle, mix = (rows[key] for key in ("bookings_share", "win_rate", "cycle_days", "product_mix"))
        self.assertEqual(bookings["value"], expected["bookings_share"])
        for side in ("on", "off", "unknown"):
            self.assertEqual(bookings["parts"][side], {"n": expected[side]["n"], "amount": f"{expected[side]['amount']:.2f}"})
        self.assertEqual(bookings["n"], expected["on"]["n"] + expected["off"]["n"])
        self.assertEqual([wins["numerator"], wins["denominator"], wins["n"], wins["value"], wins["ci"]],
                         [expected["win_rate"][name] for name in ("k", "n", "n", "value", "ci")])
        for side in ("on", "off"):
            self.assertEqual([wins["parts"][side]["numerator"], wins["parts"][side]["n"]],
                             [expected[f"win_rate_{side}"][name] for name in ("k", "n")])
        self.assertEqual(cycle["value"], expected["cycle_days_median_won"])
        self.compare_mix(expected["product_mix"], mix)

    def compare_mix(self, expected, row):
        self.assertEqual(row["value"], expected["tv"])
        self.assertEqual(row["denominator"], f"{expected['n_money']:.2f}")
        self.assertEqual({key["key"]: key["actual"] for key in row["parts"]["keys"]}, expected["actual"])

    def test_everything_was_accepted(self):
        self.assertEqual(self.counts, {"accepted": sum(1 for _ in events()), "duplicate": 0, "stale": 0, "unchanged": 0, "rejected": 0})

    def test_total(self):
        keys = ("bookings_share", "win_rate", "cycle_days", "product_mix")
        self.compare(self.expected["total"], {key: self.metric(key)["total"] for key in keys})

    def test_segment_mix(self):
        self.compare_mix(self.expected["segment_mix"], self.metric("segment_mix")["total"])

    def test_every_group(self):
        for by, groups in self.expected["by"].items():
            found = {key: {row["key"]: row for row in self.metric(key, by=by)["rows"]}
                     for key in ("bookings_share", "win_rate", "cycle_days", "product_mix")}
            for group, expected in groups.items():
                with self.subTest(by=by, group=group):
                    self.compare(expected, {key: rows[group] for key, rows in found.items()})
            for key, rows in found.items():
                with self.subTest(by=by, metric=key, what="groups nobody expects have no figures"):
                    self.assertEqual({group for group, row in rows.items() if row["value"] is not None}, set(groups))

    def test_alignment_says_the_same_as_its_metrics(self):
        for by in ("rep", "team", "segment", "tier", "product", "origin", "period"):
            table_ = self.ask(f"/v1/alignment?period=2017-Q2&by={by}")
            for key in table_["total"]["metrics"]:
                alone = self.metric(key, by=by)
                with self.subTest(by=by, metric=key):
                    self.assertEqual(table_["total"]["metrics"][key], alone["total"])
                    rows = {row["key"]: row for row in alone["rows"]}
                    for row in table_["rows"]:
                        if row["key"] in rows:
                            self.assertEqual(row["metrics"][key], rows[row["key"]])
                        else:
                            self.assertIsNone(row["metrics"][key]["value"])

    def test_setters(self):
        for name, by, over in (("rep_by_segment", "rep", "segment"), ("team_by_segment", "team", "segment"), ("rep_by_product", "rep", "product")):
            expected = self.expected["strategy_setters"][name]
            answer = self.metric("strategy_setters", by=by, over=over)
            with self.subTest(name):
                self.assertEqual(answer["total"]["value"], expected["tv"])
                self.assertEqual({row["key"]: row["value"] for row in answer["rows"] if row["value"] is not None}, expected["contribution"])

    def test_segments_and_tiers_of_accounts(self):
        for by, names in (("tier", self.expected["tiers"]), ("segment", self.expected["segments"])):
            rows = self.metric("client_share_on_strategy", by=by)["rows"]
            self.assertEqual({row["key"]: row["n"] for row in rows if row["n"]}, names)

    def test_rows_add_up_to_the_number(self):
        for rep in ("Darcel Schlecht", "Anna Snelling"):
            query = f"period=2017-Q2&rep={rep.replace(' ', '%20')}"
            total = self.ask(f"/v1/metrics/bookings_share?{query}")["total"]
            rows, cursor = [], ""
            while cursor is not None:
                page = self.ask(f"/v1/metrics/bookings_share/rows?{query}&limit=20" + (f"&cursor={cursor}" if cursor else ""))
                rows += page["data"]
                cursor = page["next"]
            self.assertEqual(f"{sum(float(row['numerator']) for row in rows):.2f}", total["numerator"])
            self.assertEqual(f"{sum(float(row['denominator']) for row in rows):.2f}", total["denominator"])
            self.assertEqual(len({row["id"] for row in rows}), len(rows))

    def test_csv_is_complete(self):
        answer = self.assert_status(self.client.get("/v1/metrics/bookings_share?period=2017-Q2&by=rep&format=csv"), 200)
        self.assertEqual(answer.headers.get_content_type(), "text/csv")
        rows = list(csv.DictReader(answer.text.splitlines()))
        self.assertEqual(list(rows[0])[:9], ["key", "label", "period", "value", "numerator", "denominator", "n", "ci_low", "ci_high"])
        expected = self.expected["by"]["rep"]
        self.assertEqual({row["key"]: float(row["value"]) for row in rows if row["value"]},
                         {key: group["bookings_share"] for key, group in expected.items()})
        self.assertEqual(rows[0]["parts.on.amount"], f"{expected[rows[0]['key']]['on']['amount']:.2f}")

    def test_ndjson_is_the_rows(self):
        rows = self.client.get("/v1/metrics/win_rate?period=2017-Q2&by=team&format=ndjson").ndjson()
        self.assertEqual(rows, self.metric("win_rate", by="team")["rows"])

    def test_twice_changes_nothing(self):
        before = answers(self, self.client)
        total = sum(self.counts.values())
        self.assertEqual(load(self, self.client, events()), {"accepted": 0, "duplicate": total, "stale": 0, "unchanged": 0, "rejected": 0})
        self.assertEqual(answers(self, self.client), before)

    def test_any_order_gives_the_same_bytes(self):
        other = self.serve()
        client = other.client(timeout=300)
        shuffled = list(events())
        random.Random(20170401).shuffle(shuffled)
        # Events of one kind are sent together, or there would be a batch for every few: the order within and between is any.
        by_kind = {}
        for kind, record in shuffled:
            by_kind.setdefault(kind, []).append(record)
        publish(self, client)
        counts = load(self, client, [(kind, record) for kind in ("opportunities", "accounts", "stages", "teams", "products", "reps")
                                     for record in by_kind[kind]])
        self.assertEqual(counts["rejected"], 0)
        theirs, ours = answers(self, client), answers(self, self.client)
        for path in QUESTIONS:
            with self.subTest(path):
                self.assertEqual(theirs[path], ours[path])


if __name__ == "__main__":
    unittest.main()
