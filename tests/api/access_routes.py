"""Who may do what: a row for every route, written from the specification and not from what the service does.

Each row says which scopes open the route and how it is called in the world of access_world.py. tests/api/test_access_matrix.py crosses
the rows with every kind of key. A route of the binary without a row, and a row without a route, fail by name."""
import dataclasses
import typing

INGEST, READ, STRATEGY, ADMIN = "ingest", "read", "strategy", "admin"
ANY = {INGEST, READ, STRATEGY, ADMIN}
SEEN, DECIDED = {INGEST, READ}, {STRATEGY, READ}

DOCUMENT = {
    "name": "A draft", "effective_from": "2031-01-01",
    "segments": [{"key": "care", "label": "Care", "when": [{"attr": "industry", "eq": "care"}], "target": {"bookings": 1, "time": 1}}],
    "fit": {"criteria": [{"key": "industry", "weight": 1, "attr": "industry", "match": [{"eq": "care", "score": 1}]}],
            "tiers": [{"key": "core", "min": 70, "on_strategy": True}, {"key": "outside", "min": 0, "on_strategy": False}]}}
CLOUD_EVENT = {"specversion": "1.0", "id": "ce1", "source": "/matrix", "type": "stage.patch", "subject": "matrix",
               "data": {"label": "Matrix", "outcome": "open"}}


@dataclasses.dataclass
class Row:
    """scopes: any of them opens the route; empty: everybody may, without a key.
    path: as it is called; {own}, {other} and {fresh} are filled from the world.
    own: what stands for {own}: a word of World.things, or a literal id. A function of the world makes one that is used up.
    rows: the route shows rows of deals, activities, accounts, reps or teams, so what a key may see of them counts; hidden: an id that the
    key of one rep must not see, in place of {own}.
    status: of success."""
    scopes: set
    path: str
    body: typing.Any = None
    own: typing.Any = None
    hidden: str = None
    rows: bool = False
    status: int = 200
    headers: dict = None


KINDS = {  # plural: (Names, Name, a record, id of the rep's own, id of another team's, whether keys see only their own)
    "reps": ("Reps", "Rep", {"name": "W"}, "r1", "r2", True),
    "teams": ("Teams", "Team", {"name": "W"}, "t1", "t2", True),
    "accounts": ("Accounts", "Account", {"name": "W"}, "a1", "a2", True),
    "products": ("Products", "Product", {"name": "W"}, "p1", None, False),
    "stages": ("Stages", "Stage", {"label": "W", "outcome": "open"}, "won", None, False),
    "opportunities": ("Opportunities", "Opportunity", {"stage": "open"}, "d1", "d2", True),
    "activities": ("Activities", "Activity", {"kind": "call", "starts_at": "2026-01-01T00:00:00Z", "rep": "r1"}, "v1", "v2", True),
    "fx-rates": ("FxRates", "FxRate", {"rate": "1.5"}, "EUR-USD-2026-01-31", None, False),
}


def of_kind(plural, names, name, record, own, hidden, rows):
    fresh = lambda world: world.fresh(plural, record)
    one = f"/v1/{plural}/{{own}}"
    return {
        f"list{names}": Row(SEEN, f"/v1/{plural}", rows=rows),
        f"post{names}": Row({INGEST}, f"/v1/{plural}", {"id": "EUR-USD-2026-02-01" if plural == "fx-rates" else "matrix", **record}),
        f"get{name}": Row(SEEN, one, own=own, hidden=hidden, rows=rows),
        f"put{name}": Row({INGEST}, one, record, own=fresh),
        f"patch{name}": Row({INGEST}, one, record, own=fresh),
        f"delete{name}": Row({INGEST}, one, own=fresh),
        f"restore{name}": Row({INGEST}, one + "/restore", own=fresh),
        f"merge{name}": Row({INGEST}, one + "/merge", {"into": own}, own=fresh),
        f"list{name}History": Row(SEEN, one + "/history", own=own, hidden=hidden, rows=rows),
    }


ROUTES = {
    "getHealth": Row(set(), "/healthz"),
    "getReadiness": Row(set(), "/readyz"),
    "getContractYaml": Row(set(), "/openapi.yaml"),
    "getContractJson": Row(set(), "/openapi.json"),
    # Which files there are depends on what was built: these never are.
    "getDashboard": Row(set(), "/"),
    "getDashboardFile": Row(set(), "/assets/nothing.js", status=404),
    "getReference": Row(set(), "/docs"),
    "getReferenceFile": Row(set(), "/docs/nothing.js", status=404),
    "getIcon": Row(set(), "/favicon.svg"),
    "beginSession": Row(ANY, "/v1/session", status=201),
    "getSession": Row(ANY, "/v1/session"),
    # With a key there is none to end; tests/api/test_session.py ends some.
    "endSession": Row(ANY, "/v1/session", status=404),
    **{key: row for plural, kind in KINDS.items() for key, row in of_kind(plural, *kind).items()},
    "postEvents": Row({INGEST}, "/v1/events", CLOUD_EVENT, headers={"Content-Type": "application/cloudevents+json"}),
    # Its proof is the source's signature, not a key: without one nobody gets in, whatever their key.
    "deliverWebhook": Row(set(), "/v1/webhooks/{own}", {"object": "account"}, own="crm", status=401),

    "listSourcePresets": Row({ADMIN}, "/v1/source-presets"),
    "listSources": Row({ADMIN}, "/v1/sources"),
    "createSource": Row({ADMIN}, "/v1/sources", lambda world: {"source": world.name("src"), "preset": "generic"}, status=201),
    "getSource": Row({ADMIN}, "/v1/sources/{own}", own="crm"),
    "putSource": Row({ADMIN}, "/v1/sources/{own}", {"preset": "generic"}, own=lambda world: world.source()),
    "patchSource": Row({ADMIN}, "/v1/sources/{own}", {"enabled": True}, own=lambda world: world.source()),
    "deleteSource": Row({ADMIN}, "/v1/sources/{own}", own=lambda world: world.source()),
    "rotateSourceSecret": Row({ADMIN}, "/v1/sources/{own}/secrets", {"secret": "0123456789abcdef0123456789abcdef"},
                              own=lambda world: world.source(), status=201),
    "testSource": Row({ADMIN}, "/v1/sources/{own}/test", {"body": "[]"}, own="crm"),
    "listQuarantine": Row({ADMIN}, "/v1/quarantine"),
    "getQuarantineItem": Row({ADMIN}, "/v1/quarantine/{own}", own="quarantined"),
    "replayQuarantineItem": Row({ADMIN}, "/v1/quarantine/{own}/replay", own="quarantined"),
    "discardQuarantineItem": Row({ADMIN}, "/v1/quarantine/{own}/discard", own=lambda world: world.quarantined()),
    "replayQuarantine": Row({ADMIN}, "/v1/quarantine/replay?source=none"),
    "listResync": Row({ADMIN}, "/v1/resync"),
    "markResyncDone": Row({ADMIN}, "/v1/resync/{own}/done", own=lambda world: world.gap()),

    "listStrategies": Row(DECIDED, "/v1/strategies"),
    "createStrategy": Row({STRATEGY}, "/v1/strategies", DOCUMENT, status=201),
    "getStrategy": Row(DECIDED, "/v1/strategies/{own}", own="strategy"),
    "replaceStrategy": Row({STRATEGY}, "/v1/strategies/{own}", DOCUMENT, own=lambda world: world.draft()),
    "deleteStrategy": Row({STRATEGY}, "/v1/strategies/{own}", own=lambda world: world.draft()),
    "previewStrategy": Row(DECIDED, "/v1/strategies/{own}/preview", own="strategy", rows=True),
    "publishStrategy": Row({STRATEGY}, "/v1/strategies/{own}/publish", own=lambda world: world.draft()),
    "diffStrategy": Row(DECIDED, "/v1/strategies/{own}/diff?against={own}", own="strategy"),
    "listJobs": Row(DECIDED | {ADMIN}, "/v1/jobs"),
    "getJob": Row(DECIDED | {ADMIN}, "/v1/jobs/{own}", own="job"),
    "watchJob": Row(DECIDED | {ADMIN}, "/v1/jobs/{own}/events", own="job"),
    "getAccountFit": Row({READ}, "/v1/accounts/{own}/fit", own="a1", hidden="a2", rows=True),
    "putFitOverride": Row({STRATEGY}, "/v1/accounts/{own}/fit-override", {"tier": "core", "reason": "matrix"},
                          own=lambda world: world.fresh("accounts", {"name": "W"})),
    "deleteFitOverride": Row({STRATEGY}, "/v1/accounts/{own}/fit-override", own=lambda world: world.overridden()),

    "getAlignment": Row({READ}, "/v1/alignment?by=rep&period=2026-Q1", rows=True),
    "getSummary": Row({READ}, "/v1/summary?period=2026-Q1", rows=True),
    "getRepAlignment": Row({READ}, "/v1/reps/{own}/alignment?period=2026-Q1", own="r1", hidden="r2", rows=True),
    "getRepBrief": Row({READ}, "/v1/reps/{own}/brief?period=2026-Q1", own="r1", hidden="r2", rows=True),
    "getTeamAlignment": Row({READ}, "/v1/teams/{own}/alignment?period=2026-Q1", own="t1", hidden="t2", rows=True),
    "getSegmentAlignment": Row({READ}, "/v1/segments/{own}/alignment?period=2026-Q1", own="care", rows=True),
    "getOpportunityAlignment": Row({READ}, "/v1/opportunities/{own}/alignment", own="d1", hidden="d2", rows=True),
    "listMetrics": Row({READ}, "/v1/metrics"),
    "getMetric": Row({READ}, "/v1/metrics/{own}?by=rep&period=2026-Q1", own="bookings_share", rows=True),
    "listMetricRows": Row({READ}, "/v1/metrics/{own}/rows?period=2026-Q1", own="bookings_share", rows=True),
    "queryMetrics": Row({READ}, "/v1/query", {"metrics": ["bookings_share", "win_rate"], "by": "rep", "period": "2026-Q1"}, rows=True),
    "getLeaderboard": Row({READ}, "/v1/leaderboard?metric=bookings_share&period=2026-Q1", rows=True),
    "listSnapshots": Row({READ}, "/v1/snapshots", rows=True),
    "createSnapshot": Row({READ}, "/v1/snapshots", {"of": "metric", "metric": "bookings_share", "question": {"by": "rep", "period": "2026-Q1"}},
                          rows=True, status=201),
    "getSnapshot": Row({READ}, "/v1/snapshots/{own}", own="own_snapshot", hidden="snapshot", rows=True),
    "getSnapshotDrift": Row({READ}, "/v1/snapshots/{own}/drift", own="own_snapshot", hidden="snapshot", rows=True),

    "listAlerts": Row({READ}, "/v1/alerts", rows=True),
    "listAlertEndpoints": Row({ADMIN}, "/v1/alert-endpoints"),
    "createAlertEndpoint": Row({ADMIN}, "/v1/alert-endpoints", {"url": "https://127.0.0.1:9/matrix"}, status=201),
    "getAlertEndpoint": Row({ADMIN}, "/v1/alert-endpoints/{own}", own="endpoint"),
    "putAlertEndpoint": Row({ADMIN}, "/v1/alert-endpoints/{own}", {"url": "https://127.0.0.1:9/other"}, own=lambda world: world.endpoint()),
    "patchAlertEndpoint": Row({ADMIN}, "/v1/alert-endpoints/{own}", {"enabled": False}, own=lambda world: world.endpoint()),
    "deleteAlertEndpoint": Row({ADMIN}, "/v1/alert-endpoints/{own}", own=lambda world: world.endpoint()),
    "rotateAlertEndpointSecret": Row({ADMIN}, "/v1/alert-endpoints/{own}/secrets", {"overlap_hours": 1}, own=lambda world: world.endpoint(), status=201),
    "testAlertEndpoint": Row({ADMIN}, "/v1/alert-endpoints/{own}/test", own=lambda world: world.endpoint()),
    "listAlertDeliveries": Row({ADMIN}, "/v1/alert-deliveries"),
    "getAlertDelivery": Row({ADMIN}, "/v1/alert-deliveries/{own}", own="delivery"),
    "retryAlertDelivery": Row({ADMIN}, "/v1/alert-deliveries/{own}/retry", own=lambda world: world.delivery()),

    "getSettings": Row({ADMIN}, "/v1/settings"),
    "patchSettings": Row({ADMIN}, "/v1/settings", {"min_n": 5}),
    "erasePerson": Row({ADMIN}, "/v1/erasures", lambda world: {"kind": "rep", "id": world.fresh("reps", {"name": "Someone Gone"})}),
    "listAudit": Row({ADMIN}, "/v1/audit"),
}
