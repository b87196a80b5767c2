-- A history small enough to count by hand: one strategy, three reps, eleven deals, five activities. One test: that it is accepted.
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

UPDATE org SET time_zone = 'Europe/Paris', reporting_currency = 'USD' WHERE org_id = 1;
INSERT INTO strategy (org_id, strategy_id, number, status, name, effective_from, effective_at, attrs, body, publish_order, created_at, updated_at, published_at)
SELECT 1, 's1', 1, 'published', 'Test', '2025-01-01', '2024-12-31T23:00:00Z', '{industry}', b, 1, '2026-01-01', '2026-01-01', '2024-01-01'
FROM (SELECT '{"segments": [{"key": "a", "label": "Alpha", "when": [{"attr": "industry", "eq": "a"}], "target": {"bookings": 0.5, "time": 0.5}},
                            {"key": "b", "label": "Beta", "when": [{"attr": "industry", "eq": "b"}], "target": {"bookings": 0.5, "time": 0.5}}],
               "fit": {"criteria": [{"key": "industry", "weight": 1, "attr": "industry", "match": [{"eq": "a", "score": 1}]}],
                       "required": [], "disqualify": [], "min_coverage": 0.5,
                       "tiers": [{"key": "core", "min": 70, "on_strategy": true}, {"key": "outside", "min": 0, "on_strategy": false}]},
               "products": {"GTX": 0.5, "MG": 0.5}, "messages": [{"key": "uptime", "label": "Never down", "target": 1}],
               "opportunistic": {"limit": 0.15, "easy_origins": ["inbound"]}, "activity_minutes": {"call": 30},
               "thresholds": [{"metric": "bookings_share", "by": "rep", "warn": 0.6, "fail": 0.4, "direction": "higher"},
                              {"metric": "win_rate", "warn": 0.5, "fail": 0.4, "direction": "higher"}]}'::jsonb AS b) s;

SELECT is(count(*) FILTER (WHERE outcome <> 'accepted'), 0::bigint, 'the history is accepted: ' || coalesce(string_agg(outcome, ', ') FILTER (WHERE outcome <> 'accepted'), ''))
FROM (SELECT pg_temp.put(kind, id, coalesce(at, '2025-01-01T00:00:00Z'), patch::jsonb) AS outcome FROM (VALUES
  ('stage', 'open', NULL, '{"label": "Open", "outcome": "open", "probability": 0.5}'), ('stage', 'won', NULL, '{"label": "Won", "outcome": "won"}'),
  ('stage', 'lost', NULL, '{"label": "Lost", "outcome": "lost"}'),
  ('team', 'top', NULL, '{"name": "Top"}'), ('team', 't1', NULL, '{"name": "One", "parent": "top"}'), ('team', 't2', NULL, '{"name": "Two"}'),
  ('rep', 'x', NULL, '{"name": "=Xavier", "team": "t1", "cost_per_hour": 100, "cost_currency": "USD"}'),
  ('rep', 'y', NULL, '{"name": "Yuna", "team": "t1"}'), ('rep', 'z', NULL, '{"name": "Zoe", "team": "t2"}'),
  ('product', 'p1', NULL, '{"name": "P1", "family": "GTX"}'), ('product', 'p2', NULL, '{"name": "P2", "family": "MG"}'),
  ('account', 'a1', NULL, '{"name": "A", "status": "customer", "owner": "x", "attributes": {"industry": "a"}}'),
  ('account', 'b1', NULL, '{"name": "B", "status": "customer", "owner": "y", "attributes": {"industry": "b"}}'),
  ('account', 'n1', NULL, '{"name": "N", "status": "prospect"}'),
  ('fx-rate', 'EUR-USD-2026-01-01', NULL, '{"rate": 1.10}'), ('fx-rate', 'EUR-USD-2026-02-01', NULL, '{"rate": 1.20}'),
  -- T12: X books 60 in a; Y 10 in a and 30 in b
  ('opportunity', 'd1', '2026-02-01T10:00:00Z', '{"owner": "x", "account": "a1", "stage": "won", "amount": 60, "currency": "USD", "created_at": "2026-01-22T10:00:00Z", "origin": "outbound", "lines": [{"id": "1", "product": "p1", "amount": 1}, {"id": "2", "product": "p2", "amount": 3}]}'),
  ('opportunity', 'd2', '2026-02-02T10:00:00Z', '{"owner": "y", "account": "a1", "stage": "won", "amount": 10, "currency": "USD", "created_at": "2026-01-13T10:00:00Z", "origin": "outbound"}'),
  ('opportunity', 'd3', '2026-02-03T10:00:00Z', '{"owner": "y", "account": "b1", "stage": "won", "amount": 30, "currency": "USD", "created_at": "2026-02-03T09:00:00Z", "origin": "inbound", "lines": [{"id": "1", "product": "p1", "amount": 0}]}'),
  -- unknown account, no account, lost, open, open without price, no amount, no rate
  ('opportunity', 'd4', '2026-02-04T10:00:00Z', '{"owner": "y", "account": "n1", "stage": "won", "amount": 7, "currency": "USD"}'),
  ('opportunity', 'd5', '2026-02-05T10:00:00Z', '{"owner": "x", "account": "b1", "stage": "lost", "amount": 99, "currency": "USD"}'),
  ('opportunity', 'd6', '2026-02-06T10:00:00Z', '{"owner": "x", "account": "a1", "stage": "open", "amount": 200, "currency": "USD"}'),
  ('opportunity', 'd7', '2026-02-07T10:00:00Z', '{"owner": "y", "account": "b1", "stage": "open", "amount": 50, "currency": "USD", "probability": 0.2}'),
  ('opportunity', 'd8', '2026-03-01T10:00:00Z', '{"owner": "x", "account": "b1", "stage": "won"}'),
  ('opportunity', 'd9', '2026-03-02T10:00:00Z', '{"owner": "x", "account": "a1", "stage": "won", "amount": 5, "currency": "GBP"}'),
  -- T9: the local date of closing decides the rate
  ('opportunity', 'e1', '2026-01-31T22:29:00Z', '{"account": "a1", "stage": "won", "amount": 100, "currency": "EUR", "closed_at": "2026-01-31T22:30:00Z"}'),
  ('opportunity', 'e2', '2026-01-31T23:29:00Z', '{"account": "a1", "stage": "won", "amount": 100, "currency": "EUR", "closed_at": "2026-01-31T23:30:00Z"}'),
  ('activity', 'v1', '2026-02-01T08:00:00Z', '{"kind": "meeting", "starts_at": "2026-02-01T08:00:00Z", "rep": "x", "account": "a1", "opportunity": "d1", "duration_s": 5400, "outcome": "held", "messages": ["uptime"]}'),
  ('activity', 'v2', '2026-02-02T08:00:00Z', '{"kind": "call", "starts_at": "2026-02-02T08:00:00Z", "reps": ["x", "y"], "account": "b1", "outcome": "held"}'),
  ('activity', 'v3', '2026-02-03T08:00:00Z', '{"kind": "meeting", "starts_at": "2026-02-03T08:00:00Z", "rep": "y", "accounts": ["a1", "b1"], "duration_s": 7200, "outcome": "held"}'),
  ('activity', 'v4', '2026-02-04T08:00:00Z', '{"kind": "meeting", "starts_at": "2026-02-04T08:00:00Z", "rep": "y", "duration_s": 3600, "outcome": "held"}'),
  ('activity', 'v5', '2026-02-05T08:00:00Z', '{"kind": "meeting", "starts_at": "2026-02-05T08:00:00Z", "rep": "y", "account": "a1", "duration_s": 3600, "outcome": "no_show"}')
) AS h(kind, id, at, patch)) o;
