"""What is measured with: a sales team of 200 reps, and their deals over the last 36 months."""
import datetime
import json
import random

TODAY = datetime.date.today()

STRATEGY = {
    "name": "Benchmark strategy", "effective_from": "2020-01-01",
    "segments": [{"key": f"seg{i}", "label": f"Segment {i}", "when": [{"attr": "industry", "eq": f"industry{i}"}],
                  "target": {"bookings": round(1 / 12, 6) if i else round(1 - 11 * round(1 / 12, 6), 6),
                             "time": round(1 / 12, 6) if i else round(1 - 11 * round(1 / 12, 6), 6)}} for i in range(12)],
    "fit": {"criteria": [{"key": "industry", "weight": 60, "attr": "industry",
                          "match": [{"in": [f"industry{i}" for i in range(5)], "score": 1}]},
                         {"key": "size", "weight": 40, "attr": "employees", "match": [{"gte": 500, "score": 1}]}],
            "required": [], "disqualify": [], "min_coverage": 0.5,
            "tiers": [{"key": "core", "min": 60, "on_strategy": True}, {"key": "outside", "min": 0, "on_strategy": False}]},
    "products": {"family0": 0.5, "family1": 0.3, "family2": 0.2}, "messages": [],
    "opportunistic": {"limit": 0.15, "easy_origins": ["inbound"]}}


def ndjson(rows):
    return "".join(json.dumps(row, separators=(",", ":")) + "\n" for row in rows).encode()


def master_data(service, accounts):
    """200 reps in 10 teams, `accounts` accounts over 12 industries, 41 products in 3 families, 3 stages; the strategy is published."""
    at = "2019-01-01T00:00:00Z"
    service.request("POST", "/v1/teams", ndjson({"id": f"t{i}", "name": f"Team {i}", "occurred_at": at} for i in range(10)), "application/x-ndjson")
    service.request("POST", "/v1/reps", ndjson({"id": f"r{i}", "name": f"Rep {i}", "team": f"t{i % 10}", "occurred_at": at} for i in range(200)),
                    "application/x-ndjson")
    service.request("POST", "/v1/stages", ndjson({"id": f"s{i}", "label": f"Stage {i}", "outcome": outcome, "occurred_at": at}
                                                 for i, outcome in ((1, "open"), (2, "won"), (3, "lost"))), "application/x-ndjson")
    service.request("POST", "/v1/products", ndjson({"id": f"p{i}", "name": f"Product {i}", "family": f"family{i % 3}", "occurred_at": at}
                                                   for i in range(41)), "application/x-ndjson")
    service.request("POST", "/v1/accounts", ndjson({"id": f"a{i}", "name": f"Account {i}", "status": "customer", "occurred_at": at,
                                                    "attributes": {"industry": f"industry{i % 12}", "employees": i % 1000}}
                                                   for i in range(accounts)), "application/x-ndjson")
    identity = json.loads(service.request("POST", "/v1/strategies", STRATEGY)[0])["id"]
    service.request("POST", f"/v1/strategies/{identity}/publish", {})


def deals(count, first, accounts):
    """Deals spread evenly over the last 36 months: 60 % won, 25 % lost, 15 % open; some 600 bytes each."""
    pick = random.Random(first + 7)
    for i in range(first, first + count):
        created = TODAY - datetime.timedelta(days=pick.randrange(30, 1095))
        stage = pick.choices(("s2", "s3", "s1"), (60, 25, 15))[0]
        closed = min(created + datetime.timedelta(days=pick.randrange(10, 90)), TODAY - datetime.timedelta(days=1))
        row = {"id": f"d{i}", "name": f"Renewal and extension of the care platform, site {i}", "account": f"a{pick.randrange(accounts)}",
               "owner": f"r{pick.randrange(200)}", "stage": stage, "amount": f"{pick.randrange(100, 90000)}.{pick.randrange(100):02d}",
               "currency": "EUR", "created_at": f"{created}T09:30:00Z", "expected_close": str(closed), "probability": pick.randrange(10) / 10,
               "origin": pick.choice(("inbound", "outbound", "referral", "partner")), "contacts_external": pick.randrange(5), "value_case": True,
               "lines": [{"id": "1", "product": f"p{pick.randrange(41)}", "quantity": 3, "amount": "1000.00"}],
               "attributes": {"region": "north", "campaign": "autumn", "competitor": "none known", "note": "x" * 60},
               "occurred_at": f"{closed if stage != 's1' else created}T10:00:00Z"}
        if stage != "s1":
            row["closed_at"] = f"{closed}T10:00:00Z"
        yield row


def written_to(options):
    """How many of the deals are changed by what is measured: half of them, and no more than half a million."""
    return min(max(options.deals // 2, 1000), 500_000)


def quarter_of(back):
    """Year and number, from 0, of the quarter so many before this one."""
    return divmod(TODAY.year * 4 + (TODAY.month - 1) // 3 - back, 4)


def quarter(back):
    year, index = quarter_of(back)
    return f"{year}-Q{index + 1}"


def quarter_start(back):
    year, index = quarter_of(back)
    return datetime.date(year, index * 3 + 1, 1)
