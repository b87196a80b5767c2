"""Random histories of a small sales force, told so that every order of arrival is allowed, and the SQL that feeds and compares them."""
import datetime
import json
import random

TEAMS, REPS, ACCOUNTS, DEALS, PRODUCTS, STAGES = ["world", "emea", "paris", "apac"], ["ann", "bob", "eve"], ["a1", "a2", "a3", "a4"], ["d1", "d2", "d3", "d4"], ["p1", "p2"], ["Open", "Late", "Won", "Paid", "Lost"]
CURRENCIES = ["EUR", "USD", "GBP"]

STRATEGIES = [
    {"name": "first", "effective_from": "2023-12-20", "activity_minutes": {"call": 15}, "conduct": {"unknown_outcome_kinds": ["email"], "selling_time_kinds": ["prep"]},
     "segments": [{"key": "care", "when": [{"attr": "industry", "eq": "care"}]}, {"key": "large", "when": [{"attr": "size", "gte": 100}]}],
     "fit": {"criteria": [{"key": "i", "weight": 3, "attr": "industry", "match": [{"eq": "care", "score": 1}, {"eq": "bank", "score": 0.4}]},
                          {"key": "s", "weight": 2, "attr": "size", "match": [{"gte": 100, "score": 1}]},
                          {"key": "t", "weight": 1, "attr": "is_target", "match": [{"eq": True, "score": 1}]}],
             "required": ["i"], "disqualify": [{"attr": "status", "eq": "former"}], "min_coverage": 0.5,
             "tiers": [{"key": "core", "min": 60, "on_strategy": True}, {"key": "near", "min": 30, "on_strategy": False}, {"key": "out", "min": 0, "on_strategy": False}]}},
    {"name": "second", "effective_from": "2024-02-01", "segments": [{"key": "banks", "when": [{"attr": "industry", "in": ["bank"]}]}],
     "fit": {"criteria": [{"key": "i", "weight": 1, "attr": "industry", "match": [{"eq": "bank", "score": 1}]}],
             "tiers": [{"key": "core", "min": 50, "on_strategy": True}, {"key": "out", "min": 0, "on_strategy": False}]}},
    {"name": "emea", "effective_from": "2024-01-05", "scope": {"teams": ["emea"]},
     "fit": {"criteria": [{"key": "s", "weight": 1, "attr": "size", "match": [{"lt": 100, "score": 1}]}],
             "tiers": [{"key": "core", "min": 50, "on_strategy": True}, {"key": "out", "min": 0, "on_strategy": False}]}},
]

FEED = """
CREATE FUNCTION test_feed(p_org int, p_received timestamptz, p_items jsonb) RETURNS void LANGUAGE plpgsql AS $$
DECLARE v_refused text;
BEGIN
  SELECT string_agg(r.idx || ' ' || r.code || ' ' || coalesce(r.message, ''), '; ') INTO v_refused
    FROM (SELECT array_agg(i ->> 'kind' ORDER BY n) AS k, array_agg(i ->> 'id' ORDER BY n) AS i, array_agg(i ->> 'operation' ORDER BY n) AS o,
                 array_agg('f'::text ORDER BY n) AS f, array_agg(i ->> 'at' ORDER BY n) AS a, array_agg(i ->> 'event_id' ORDER BY n) AS e,
                 array_agg(i ->> 'patch' ORDER BY n) AS p
            FROM jsonb_array_elements(p_items) WITH ORDINALITY AS t(i, n)) AS b
   CROSS JOIN LATERAL pl.ingest(p_org, 'test', b.k, b.i, b.o, b.f, b.f, b.a, b.e, b.p, p_received) AS r
   WHERE r.outcome NOT IN ('accepted', 'stale', 'unchanged');
  IF v_refused IS NOT NULL THEN
    RAISE EXCEPTION 'refused: %', v_refused;
  END IF;
END $$;
CREATE FUNCTION test_org(p_name text, p_strategies jsonb, p_settings jsonb) RETURNS int LANGUAGE plpgsql AS $$
DECLARE
  v_org int := pl.org_create(p_name, p_name);
  v_body jsonb;
BEGIN
  PERFORM pl.settings_patch(v_org, jsonb_build_object('body', p_settings));
  FOR v_body IN SELECT * FROM jsonb_array_elements(p_strategies) LOOP
    PERFORM pl.strategy_publish(v_org, jsonb_build_object('path', jsonb_build_array(c.id))) FROM pl.strategy_create(v_org, jsonb_build_object('body', v_body)) AS c;
  END LOOP;
  INSERT INTO fit_override (org_id, account_id, set_at, tier, reason, until, actor) VALUES
    (v_org, 'a1', '2024-02-05', 'core', 'r', '2024-02-20', 'test'), (v_org, 'a2', '2024-01-25', 'excluded', 'r', NULL, 'test');
  RETURN v_org;
END $$;
CREATE FUNCTION test_rows(p_org int) RETURNS SETOF text LANGUAGE sql AS $$
  SELECT 'deal ' || (to_jsonb(t) - 'org_id')::text FROM deal_fact AS t WHERE org_id = p_org UNION ALL
  SELECT 'activity ' || (to_jsonb(t) - 'org_id')::text FROM activity_fact AS t WHERE org_id = p_org UNION ALL
  SELECT 'span ' || (to_jsonb(t) - 'org_id')::text FROM open_span AS t WHERE org_id = p_org UNION ALL
  SELECT 'fit ' || (to_jsonb(t) - 'org_id')::text FROM account_fit AS t WHERE org_id = p_org UNION ALL
  SELECT 'version ' || (to_jsonb(t) - 'org_id')::text FROM account_version AS t WHERE org_id = p_org UNION ALL
  SELECT 'team ' || (to_jsonb(t) - 'org_id')::text FROM rep_team AS t WHERE org_id = p_org UNION ALL
  SELECT 'rate ' || (to_jsonb(t) - 'org_id')::text FROM fx_rate AS t WHERE org_id = p_org UNION ALL
  SELECT 'currency ' || coalesce(first_currency, '-') FROM org_version WHERE org_id = p_org
$$;
CREATE FUNCTION test_facts(p_org int, p_as_of timestamptz, p_known_at timestamptz, p_at timestamptz) RETURNS SETOF text LANGUAGE sql AS $$
  SELECT 'deal ' || (to_jsonb(t) - 'org_id')::text FROM pl.deal_facts(p_org, p_as_of, p_known_at) AS t UNION ALL
  SELECT 'activity ' || (to_jsonb(t) - 'org_id')::text FROM pl.activity_facts(p_org, p_as_of, p_known_at) AS t UNION ALL
  SELECT 'open ' || to_jsonb(t)::text FROM pl.open_deals(p_org, coalesce(p_as_of, p_at), p_known_at) AS t UNION ALL
  SELECT 'account ' || to_jsonb(t)::text FROM pl.accounts_judged(p_org, coalesce(p_as_of, p_at), p_known_at) AS t UNION ALL
  SELECT 'currency ' || coalesce(pl.reporting_currency(p_org, p_as_of, p_known_at), '-')
$$;
CREATE FUNCTION test_anew(p_org int) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
  DELETE FROM deal_fact_of WHERE org_id = p_org; DELETE FROM open_span WHERE org_id = p_org; DELETE FROM activity_fact_of WHERE org_id = p_org; DELETE FROM account_fit WHERE org_id = p_org;
  DELETE FROM account_version WHERE org_id = p_org; DELETE FROM rep_team WHERE org_id = p_org; DELETE FROM fx_rate WHERE org_id = p_org;
  UPDATE org_version SET first_currency = NULL WHERE org_id = p_org;
  PERFORM pl.reproject(p_org);
END $$;
"""


def time(minutes):
    """An instant in the first quarter of 2024."""
    return f"{datetime.datetime(2024, 1, 1) + datetime.timedelta(minutes=minutes):%Y-%m-%dT%H:%M:%SZ}"


class History:
    """events: what happened, in an order of arrival. An object's first event to arrive makes it known; where others end it, it is the earliest too."""

    def __init__(self, seed, size=90):
        self.random = random.Random(seed)
        self.number = 0
        self.settings = {"time_zone": self.random.choice(["UTC", "Europe/Paris", "America/Sao_Paulo"]), "backcast": self.random.choice(["on", "on", "off"]),
                         "won_close_basis": self.random.choice(["source_date", "transition"]), "reporting_currency": self.random.choice([None, None, "EUR"])}
        self.strategies = self.random.sample(STRATEGIES, self.random.randint(1, 3))
        self.events, self.first = [], {}
        for _ in range(size):
            self.add(self.random.choice(["team", "rep", "rep", "stage", "product", "account", "account", "opportunity", "opportunity", "opportunity", "activity", "activity", "fx-rate"]))

    def pick(self, *choices):
        return self.random.choice(choices)

    def day(self):
        return time(self.random.randrange(1440 * 84))[:10]

    def patch(self, kind):
        """(id, attributes): always with what makes an object known, so that any event may arrive first."""
        r = self.random
        if kind == "team":
            return r.choice(TEAMS), {"name": "T", **self.some(parent=r.choice(TEAMS + [None]))}
        if kind == "rep":
            return r.choice(REPS), {"name": "R", **self.some(team=r.choice(TEAMS + [None]), team_from=self.pick(self.day(), None))}
        if kind == "stage":
            stage = r.choice(STAGES)
            usual = {"Won": "won", "Paid": "won", "Lost": "lost"}.get(stage, "open")
            return stage, {"label": stage, "outcome": usual if r.random() < 0.8 else self.pick("open", "won", "lost"), **self.some(probability=r.choice([0.1, 0.5, None]))}
        if kind == "product":
            return r.choice(PRODUCTS), {"name": "P", **self.some(family=r.choice(["F", "G", None]))}
        if kind == "account":
            inside = self.some(industry=r.choice(["care", "bank", "shop", None]), size=r.choice([50, 100, "120", None]), status=r.choice(["odd", None]))
            return r.choice(ACCOUNTS), {"name": "A", **self.some(owner=r.choice(REPS + [None]), is_target=r.choice([True, False, None]), status=r.choice(["customer", "former", None])),
                                        **({"attributes": inside} if inside else {})}
        if kind == "fx-rate":
            return f"{'-'.join(r.sample(CURRENCIES, 2))}-{self.day()}", {"rate": r.choice(["1.1", "2", "0.5"])}
        if kind == "activity":
            return f"t{r.randrange(6)}", {"kind": self.pick("call", "email", "meeting", "prep"), "starts_at": time(r.randrange(1440 * 84)), **self.pick({"rep": r.choice(REPS)}, {"reps": r.sample(REPS, 2)}),
                                          **self.some(account=r.choice(ACCOUNTS + [None]), accounts=r.choice([r.sample(ACCOUNTS, 2), [], None]), opportunity=r.choice(DEALS + [None]),
                                                      outcome=r.choice(["held", "unknown", "no_show", None]), duration_s=r.choice([600, 3600, None]), messages=r.choice([["m"], None]),
                                                      talk_s=r.choice([60, None]), customer_talk_s=r.choice([90, None]), questions=r.choice([0, 3, None]),
                                                      participants_external=r.choice([1, 4, None]), tagging_status=r.choice(["done", "pending", None]))}
        lines = r.choice([None, [], [{"id": "1", "product": "p1", "amount": "1"}], [{"id": "1", "product": "p1", "amount": 2}, {"id": "2", "product": "p2", "amount": r.choice([1, -2, 0])}]])
        return r.choice(DEALS), {"stage": r.choice(STAGES), **self.some(owner=r.choice(REPS * 2 + [None]), account=r.choice(ACCOUNTS * 3 + ["nowhere", None]), amount=r.choice([100, "0.10", 7, None]),
                                 currency=r.choice(CURRENCIES + [None]), closed_at=r.choice([self.day(), time(r.randrange(1440 * 84)), None]), probability=r.choice([0.3, None]), lines=lines,
                                 origin=r.choice(["inbound", None]), attributes={"is_test": True if r.random() < 0.1 else None})}

    def some(self, **attributes):
        return {name: value for name, value in attributes.items() if self.random.random() < 0.6}

    def add(self, kind):
        minutes, self.number = self.random.randrange(1440 * 84 // 60) * 60, self.number + 1
        name, patch = self.patch(kind)
        born = self.first.get((kind, name))
        operation = "patch"
        if born is not None and kind in ("account", "opportunity", "activity", "fx-rate", "rep") and self.random.random() < 0.12:
            operation = self.pick("delete", "restore", "merge" if kind == "account" else "delete")
            patch = {"merged_into": self.random.choice([other for other in ACCOUNTS if other != name])} if operation == "merge" else {}
        if born is None:
            # some way into the quarter, so that others can come before and after it
            self.first[kind, name] = minutes = minutes % (1440 * 40)
        elif operation != "patch" and minutes <= born:
            minutes = born + 60 * self.random.randrange(1, 200)
        elif operation == "patch" and any(e["kind"] == kind and e["id"] == name and e["operation"] != "patch" for e in self.events):
            minutes = max(minutes, born)
        if kind == "opportunity" and operation == "patch" and self.random.random() < 0.2:
            # never after it is told: a deal created later than asked does not exist yet
            patch["created_at"] = self.pick(time(0)[:10], time(self.random.randrange(60)))
        self.events.append({"kind": kind, "id": name, "operation": operation, "at": time(minutes), "event_id": f"e{self.number:03d}", "patch": json.dumps(patch)})

    def late(self, event):
        """Events of an object that something ended keep their place: they must find it known."""
        return any(e["kind"] == event["kind"] and e["id"] == event["id"] and e["operation"] != "patch" for e in self.events)

    def shuffled(self):
        """Another order of arrival: births of objects that are ended first, then anything."""
        births, rest, seen = [], [], set()
        for event in self.events:
            key = event["kind"], event["id"]
            (births if self.late(event) and key not in seen else rest).append(event)
            seen.add(key)
        self.random.shuffle(births)
        self.random.shuffle(rest)
        return births + rest

    def batches(self, events):
        """The events cut into batches of 1 to 20."""
        events, cut = list(events), []
        while events:
            n = self.pick(1, 1, 2, 5, 20)
            cut.append(events[:n])
            events = events[n:]
        return cut
