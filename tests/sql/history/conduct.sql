-- A quarter small enough to count by hand: two reps, eight accounts, seven deals, thirteen activities. One test: that it is accepted.
CREATE FUNCTION pg_temp.put(p_kind text, p_id text, p_at text, p_patch jsonb) RETURNS text LANGUAGE sql AS $$
  SELECT outcome || coalesce(' ' || message, '')
  FROM pl.ingest(1, 'test', ARRAY[p_kind], ARRAY[p_id], '{patch}', '{f}', '{f}', ARRAY[p_at], ARRAY[NULL], ARRAY[p_patch::text])
$$;
CREATE FUNCTION pg_temp.ask(p_what text, p_query jsonb, p_who jsonb DEFAULT '{"scope": "all"}') RETURNS jsonb LANGUAGE sql AS $$
  SELECT pl.answer_metric(1, jsonb_build_object('path', jsonb_build_array(p_what), 'query', '{"period": "2026-Q1"}'::jsonb || p_query,
                                                'format', 'json', 'who', p_who))::jsonb
$$;
CREATE FUNCTION pg_temp.total(p_what text, p_query jsonb DEFAULT '{}', p_who jsonb DEFAULT '{"scope": "all"}') RETURNS jsonb LANGUAGE sql AS $$
  SELECT pg_temp.ask(p_what, p_query, p_who) -> 'total'
$$;
CREATE FUNCTION pg_temp.row(p_what text, p_query jsonb, p_key text) RETURNS jsonb LANGUAGE sql AS $$
  SELECT r FROM jsonb_array_elements(pg_temp.ask(p_what, p_query) -> 'rows') r WHERE r ->> 'key' = p_key
$$;

UPDATE org SET time_zone = 'UTC', reporting_currency = 'USD' WHERE org_id = 1;
INSERT INTO strategy (org_id, strategy_id, number, status, name, effective_from, effective_at, attrs, body, publish_order, created_at, updated_at, published_at)
SELECT 1, 's1', 1, 'published', 'Test', '2025-01-01', '2025-01-01T00:00:00Z', '{industry}', b, 1, '2026-01-01', '2026-01-01', '2024-01-01'
FROM (SELECT '{"segments": [{"key": "a", "label": "Alpha", "when": [{"attr": "industry", "eq": "a"}], "target": {"bookings": 0.5, "time": 0.5}},
                            {"key": "b", "label": "Beta", "when": [{"attr": "industry", "eq": "b"}], "target": {"bookings": 0.5, "time": 0.5}}],
               "fit": {"criteria": [{"key": "industry", "weight": 1, "attr": "industry", "match": [{"eq": "a", "score": 1}]}],
                       "required": [], "disqualify": [], "min_coverage": 0.5,
                       "tiers": [{"key": "core", "min": 70, "on_strategy": true}, {"key": "outside", "min": 0, "on_strategy": false}]},
               "messages": [{"key": "uptime", "label": "Never down", "target": 0.75}, {"key": "price", "label": "Lowest price", "target": 0.25}],
               "conduct": {"discovery_kinds": ["discovery"], "proposal_kinds": ["proposal"], "selling_time_kinds": ["prep"], "unknown_outcome_kinds": ["email"]},
               "target_coverage": {"min_activities": 2, "kinds": ["call", "meeting"], "window_days": 60, "grace_days": 20},
               "potential_attr": "potential", "activity_minutes": {"call": 30, "email": 6}}'::jsonb AS b) s;

SELECT is(count(*) FILTER (WHERE outcome NOT IN ('accepted')), 0::bigint, 'the history is accepted: ' || coalesce(string_agg(outcome, ', ') FILTER (WHERE outcome <> 'accepted'), ''))
FROM (SELECT pg_temp.put(kind, id, coalesce(at, '2025-06-01T00:00:00Z'), patch::jsonb) AS outcome FROM (VALUES
  ('stage', 'talk', NULL, '{"label": "Talking", "outcome": "open"}'), ('stage', 'prop', NULL, '{"label": "Proposal", "outcome": "open"}'),
  ('stage', 'won', NULL, '{"label": "Won", "outcome": "won"}'), ('stage', 'lost', NULL, '{"label": "Lost", "outcome": "lost"}'),
  ('team', 't1', NULL, '{"name": "One"}'),
  ('rep', 'x', NULL, '{"name": "Xavier", "team": "t1", "cost_per_hour": 100, "cost_currency": "USD"}'), ('rep', 'y', NULL, '{"name": "Yuna", "team": "t1"}'),
  ('account', 'a1', NULL, '{"name": "A1", "status": "customer", "owner": "x", "is_target": true, "attributes": {"industry": "a", "potential": 500, "annual_revenue_from_account": 1000}}'),
  ('account', 'a2', NULL, '{"name": "A2", "status": "prospect", "owner": "y", "attributes": {"industry": "a", "potential": "900"}}'),
  ('account', 'a3', NULL, '{"name": "A3", "status": "prospect", "owner": "x", "is_target": true, "attributes": {"industry": "a"}}'),
  ('account', 'a3', '2026-03-20T00:00:00Z', '{"owner": "y"}'),
  ('account', 'a4', NULL, '{"name": "A4", "status": "prospect", "owner": "x", "attributes": {"industry": "a"}}'),
  ('account', 'b1', NULL, '{"name": "B1", "status": "customer", "owner": "y", "is_target": true, "attributes": {"industry": "b", "annual_revenue_from_account": 3000}}'),
  ('account', 'b2', NULL, '{"name": "B2", "status": "prospect", "owner": "x", "attributes": {"industry": "b"}}'),
  ('account', 'n1', NULL, '{"name": "N1", "status": "prospect", "owner": "x", "is_target": true}'),
  ('account', 'n2', NULL, '{"name": "N2", "status": "prospect"}'),
  ('opportunity', 'd1', '2026-01-05T10:00:00Z', '{"name": "One", "owner": "x", "account": "a1", "stage": "talk", "amount": 1000, "currency": "USD", "contacts_external": 1}'),
  ('opportunity', 'd1', '2026-01-15T10:00:00Z', '{"value_case": true}'),
  ('opportunity', 'd1', '2026-03-10T10:00:00Z', '{"stage": "won"}'),
  ('opportunity', 'd2', '2026-01-25T10:00:00Z', '{"name": "Two", "owner": "y", "account": "b1", "stage": "talk", "amount": 500, "currency": "USD"}'),
  ('opportunity', 'd2', '2026-03-01T10:00:00Z', '{"value_case": true}'),
  ('opportunity', 'd2', '2026-03-12T10:00:00Z', '{"stage": "lost"}'),
  ('opportunity', 'd3', '2026-02-01T10:00:00Z', '{"name": "Three", "owner": "y", "account": "b1", "stage": "talk", "amount": 300, "currency": "USD", "contacts_external": 2}'),
  ('opportunity', 'd3', '2026-02-10T10:00:00Z', '{"stage": "prop"}'),
  ('opportunity', 'd3', '2026-03-15T10:00:00Z', '{"stage": "won"}'),
  ('opportunity', 'd5', '2026-03-02T10:00:00Z', '{"owner": "x", "account": "a4", "stage": "talk", "amount": 10, "currency": "USD"}'),
  ('opportunity', 'd6', '2026-03-03T10:00:00Z', '{"owner": "y", "account": "a1", "stage": "talk", "origin": "import"}'),
  ('opportunity', 'd7', '2026-03-04T10:00:00Z', '{"owner": "y", "account": "n2", "stage": "talk"}'),
  ('activity', 'v01', '2026-02-10T09:00:00Z', '{"kind": "call", "starts_at": "2026-02-10T09:00:00Z", "rep": "x", "account": "a1", "opportunity": "d1", "duration_s": 3600, "outcome": "held", "messages": ["uptime"], "talk_s": 1200, "customer_talk_s": 2400, "questions": 6}'),
  ('activity', 'v02', '2026-03-01T09:00:00Z', '{"kind": "meeting", "starts_at": "2026-03-01T09:00:00Z", "rep": "x", "account": "a1", "opportunity": "d1", "duration_s": 7200, "outcome": "held", "messages": ["price"], "talk_s": 3600, "customer_talk_s": 3600, "questions": 4, "participants_external": 3}'),
  ('activity', 'v03', '2026-01-10T09:00:00Z', '{"kind": "discovery", "starts_at": "2026-01-10T09:00:00Z", "rep": "x", "account": "a1", "opportunity": "d1", "duration_s": 3600, "outcome": "held", "tagging_status": "done"}'),
  ('activity', 'v04', '2026-01-20T09:00:00Z', '{"kind": "proposal", "starts_at": "2026-01-20T09:00:00Z", "rep": "x", "account": "a1", "opportunity": "d1", "duration_s": 1800, "outcome": "held", "tagging_status": "pending"}'),
  ('activity', 'v05', '2026-02-15T09:00:00Z', '{"kind": "call", "starts_at": "2026-02-15T09:00:00Z", "rep": "y", "account": "b1", "opportunity": "d2", "duration_s": 3600, "outcome": "held", "messages": ["uptime", "other"]}'),
  ('activity', 'v06', '2026-02-20T09:00:00Z', '{"kind": "proposal", "starts_at": "2026-02-20T09:00:00Z", "rep": "y", "account": "b1", "opportunity": "d2", "duration_s": 1800, "outcome": "held"}'),
  ('activity', 'v07', '2026-02-25T09:00:00Z', '{"kind": "discovery", "starts_at": "2026-02-25T09:00:00Z", "rep": "y", "account": "b1", "opportunity": "d2", "duration_s": 3600, "outcome": "held"}'),
  ('activity', 'v08', '2026-02-26T09:00:00Z', '{"kind": "email", "starts_at": "2026-02-26T09:00:00Z", "rep": "y", "account": "b1", "outcome": "unknown"}'),
  ('activity', 'v09', '2026-02-27T09:00:00Z', '{"kind": "prep", "starts_at": "2026-02-27T09:00:00Z", "rep": "x", "account": "a1", "duration_s": 3600, "outcome": "held"}'),
  ('activity', 'v10', '2026-02-27T11:00:00Z', '{"kind": "travel", "starts_at": "2026-02-27T11:00:00Z", "rep": "x", "account": "a1", "duration_s": 7200, "outcome": "held"}'),
  ('activity', 'v11', '2026-03-05T09:00:00Z', '{"kind": "call", "starts_at": "2026-03-05T09:00:00Z", "rep": "x", "account": "b1", "duration_s": 3600, "outcome": "held"}'),
  ('activity', 'v12', '2026-02-10T12:00:00Z', '{"kind": "call", "starts_at": "2026-02-10T12:00:00Z", "rep": "x", "account": "a3", "outcome": "held"}'),
  ('activity', 'v13', '2026-02-11T12:00:00Z', '{"kind": "call", "starts_at": "2026-02-11T12:00:00Z", "rep": "x", "account": "a3", "duration_s": 1800, "outcome": "held"}')
) AS h(kind, id, at, patch)) o;
