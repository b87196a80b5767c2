-- What computing the metrics a second time from raw events brought to light, by hand.
BEGIN;
SELECT plan(28);

\ir history/conduct.sql

CREATE FUNCTION pg_temp.merge(p_id text, p_at text, p_into text) RETURNS text LANGUAGE sql AS $$
  SELECT outcome || coalesce(' ' || message, '')
  FROM pl.ingest(1, 'test', '{account}', ARRAY[p_id], '{merge}', '{f}', '{f}', ARRAY[p_at], ARRAY[NULL], ARRAY[jsonb_build_object('merged_into', p_into)::text])
$$;

-- ── M27: a rolling figure is what the metric says of the sub-periods together ───────────────────
SELECT is(pg_temp.row('trend', '{"metric": "effort_per_win"}', '2026-02') -> 'value', 'null', 'February: 5.6 hours, no win');
SELECT is(pg_temp.row('trend', '{"metric": "effort_per_win"}', '2026-02') #> '{parts,rolling}', 'null', 'nor one before');
SELECT is(pg_temp.row('trend', '{"metric": "effort_per_win"}', '2026-03') #> '{parts,rolling}', '5.050000', '1.5 + 5.6 + 3 hours for two wins: months without one cost hours too');
SELECT is(pg_temp.put('opportunity', 'c1', '2026-01-20T10:00:00Z', '{"owner": "x", "account": "a1", "stage": "won", "amount": -100, "currency": "USD"}'), 'accepted', 'a credit');
SELECT is(pg_temp.row('trend', '{"metric": "bookings_share"}', '2026-01') -> 'value', 'null', 'a month of credits has no share');
SELECT is(pg_temp.row('trend', '{"metric": "bookings_share"}', '2026-03') #> '{parts,rolling}', '0.750000', 'but it counts: (1000 − 100) / (1300 − 100)');
SELECT is(pg_temp.row('trend', '{"metric": "bookings_share", "rolling": "2"}', '2026-03') #> '{parts,rolling}', '0.769231', 'once it is past: 1000 / 1300');
SELECT is((SELECT array_agg(round(t.rolling, 6) ORDER BY t.period)
           FROM pl.resolve_query(1, '{"query": {"by": "period"}}', '{period}', '{}') q, pl.metric m,
                pl.trend_points(q, m, ARRAY[(false, '1', 1, 1, 1, 1, 1, NULL, NULL, NULL, NULL, NULL, NULL),
                                            (false, '2', 2, 0, 0, 2, 2, NULL, NULL, NULL, NULL, NULL, NULL)]::pl.metric_row[]) t
           WHERE m.key = x.key), x.rolling, x.what)
FROM (VALUES ('white_space', '{1.000000,0.500000}'::numeric[], 'accounts: the mean of 1 and 0, although 1 = 1/1 and 0 = 0/2'),
             ('win_rate', '{1.000000,0.333333}', 'a rate: 1 of 3')) AS x(key, rolling, what);

-- ── M25: months against each other ───────────────────────────────────────────────────────────────
SELECT is(pg_temp.row('leaderboard', '{"by": "period", "granularity": "month", "include_low_n": "true"}', month) #> '{parts,rank}', to_jsonb(rank), format('%s is number %s', month, rank))
FROM (VALUES ('2026-01', 1), ('2026-03', 2)) AS x(month, rank);
SELECT is(pg_temp.row('leaderboard', '{"by": "period", "granularity": "month", "include_low_n": "true"}', '2026-02') #> '{parts,rank}', 'null', 'where nothing was decided there is none');

-- ── M21: what is set with the proposal did not stand before it ───────────────────────────────────
SELECT is(count(*) FILTER (WHERE outcome <> 'accepted'), 0::bigint, 'a deal comes to its proposal and its value case at once')
FROM (SELECT pg_temp.put('opportunity', 'd8', at, patch::jsonb) AS outcome FROM (VALUES
  ('2026-02-01T10:00:00Z', '{"owner": "x", "account": "a1", "stage": "talk"}'), ('2026-02-10T10:00:00Z', '{"stage": "prop", "value_case": true}'),
  ('2026-03-16T10:00:00Z', '{"stage": "won"}')) AS h(at, patch)) o;
SELECT is(pg_temp.total('consultative') #> '{forms,value_case}', '{"value": 0.250000, "numerator": 1, "denominator": 4, "n": 4, "ci": [0.045587, 0.699358]}', 'd1 of d1, d2, d3 and d8');
SELECT is(pg_temp.put('opportunity', 'd8', '2026-02-10T09:59:59Z', '{"value_case": true}'), 'stale', 'a second before');
SELECT is(pg_temp.total('consultative') #> '{forms,value_case,numerator}', '2', 'is before');

-- ── M26 ──────────────────────────────────────────────────────────────────────────────────────────
SELECT is(pg_temp.total('data_quality', '{"period": "2026-03", "window_days": "10"}') #> '{parts,stale_no_activity,n}', '3', 'd5, d6 and d7: nobody did anything for ten days');
SELECT is(ARRAY[pg_temp.put('account', 'm1', '2026-03-01T00:00:00Z', '{"name": "M1", "status": "prospect", "attributes": {"industry": "a"}}'),
                pg_temp.put('activity', 'v21', '2026-03-25T09:00:00Z', '{"kind": "call", "starts_at": "2026-03-25T09:00:00Z", "rep": "x", "account": "m1", "outcome": "held"}'),
                pg_temp.merge('m1', '2026-03-28T00:00:00Z', 'a4')], '{accepted,accepted,accepted}', 'an account was called, then merged into that of d5');
SELECT is(pg_temp.total('data_quality', '{"period": "2026-03", "window_days": "10"}') #> '{parts,stale_no_activity,n}', '2', 'so somebody did something with the account of d5');

SELECT is(pg_temp.row('data_quality', '{"period": "this_month", "by": "rep"}', 'y') #> '{parts,late_events,n}', '17',
          'late: 8 events of Y''s deals, 4 of accounts, 4 of activities, and Y');
SELECT is(pg_temp.put('activity', 'v20', '2026-03-26T09:00:00Z', '{"kind": "prep", "starts_at": "2026-03-26T09:00:00Z", "reps": ["y", "x"], "outcome": "no_show"}'), 'accepted', 'an activity of two');
SELECT is(pg_temp.row('data_quality', '{"period": "this_month", "by": "rep"}', 'y') #> '{parts,late_events,n}', '18', 'belongs to the first of them');

SELECT is(count(*) FILTER (WHERE outcome <> 'accepted'), 0::bigint, 'a deal changes hands on the day it is closed, which is told two days later')
FROM (SELECT pg_temp.put('opportunity', 'd10', at, patch::jsonb) AS outcome FROM (VALUES
  ('2026-03-01T10:00:00Z', '{"owner": "x", "account": "a1", "stage": "talk"}'), ('2026-03-31T10:00:00Z', '{"owner": "y"}'),
  ('2026-04-02T10:00:00Z', '{"stage": "won", "closed_at": "2026-03-31"}')) AS h(at, patch)) o;
SELECT is(pg_temp.total('data_quality', '{"rep": "y"}') #> '{parts,looked_at,deals}', '4', 'd2, d3, d6 and d7: it was decided, for X, though open at the end, with Y');

-- ── M29: hours of one team on a deal that another won ────────────────────────────────────────────
UPDATE strategy SET body = body || '{"opportunistic": {"limit": 0.2, "easy_origins": ["inbound"]}}' WHERE org_id = 1;
SELECT is(count(*) FILTER (WHERE outcome NOT IN ('accepted', 'stale')), 0::bigint, 'Z of T2 helps with a deal that came to Y of T1 by itself')
FROM (SELECT pg_temp.put(kind, id, at, patch::jsonb) AS outcome FROM (VALUES
  ('team', 't2', '2025-06-01T00:00:00Z', '{"name": "Two"}'), ('rep', 'z', '2025-06-01T00:00:00Z', '{"name": "Zoe", "team": "t2"}'),
  ('opportunity', 'd3', '2026-02-02T10:00:00Z', '{"origin": "inbound"}'),
  ('activity', 'v30', '2026-03-06T09:00:00Z', '{"kind": "call", "starts_at": "2026-03-06T09:00:00Z", "rep": "z", "account": "b1", "opportunity": "d3", "duration_s": 3600, "outcome": "held"}')) AS h(kind, id, at, patch)) o;
SELECT is(jsonb_build_array(a #> '{parts,opportunistic_hours}', a #> '{parts,misdirected_hours}'), '[1.000000, 0.000000]', what)
FROM (VALUES (pg_temp.total('focus_opportunity', '{"team": "t2"}'), 'asked about T2 alone'), (pg_temp.row('focus_opportunity', '{"by": "team"}', 't2'), 'and beside the others')) AS x(a, what);

SELECT * FROM finish();
ROLLBACK;
