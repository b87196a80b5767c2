-- What single metrics can be asked besides: money targets, pairs of segment and product, other weights, other ranks, the budget.
BEGIN;
SELECT plan(42);
\ir history/small.sql

-- ── M23 in money: 240 a year of a, 120 of b, in USD; team t1's year has 70 of a, 30 of b, the whole has 300 of a ──────
UPDATE strategy SET body = body || '{"money_targets": {"currency": "USD", "per": "year", "segments": {"a": "240", "b": "120"}, "products": {"GTX": 36.5}}}' WHERE org_id = 1;
SELECT is(pg_temp.total('deliberate_emergent', '{"period": "2026"}') -> 'parts' -> 'money',
          '{"target": "360.00", "actual": "330.00", "realised": "270.00", "unrealised": "90.00", "emergent": "60.00", "prorated": false, "keys": [
            {"key": "a", "target": "240.00", "actual": "300.00", "realised": "240.00", "unrealised": "0.00", "emergent": "60.00", "unplanned": false},
            {"key": "b", "target": "120.00", "actual": "30.00", "realised": "30.00", "unrealised": "90.00", "emergent": "0.00", "unplanned": false}]}',
          'realised Σ min(T, A), unrealised Σ max(T − A, 0), emergent Σ max(A − T, 0)');
SELECT is(pg_temp.total('deliberate_emergent', '{"period": "2026-Q1"}') #>> '{parts,money,target}', '360.00', 'a target stands as it is');
SELECT is(pg_temp.total('deliberate_emergent', '{"period": "2026-Q1", "prorate": "true"}') #>> '{parts,money,target}', '88.77', 'or by days: 90 of 365');
SELECT is(pg_temp.total('deliberate_emergent', '{"period": "2025-07-01..2026-06-30", "prorate": "true"}') #>> '{parts,money,target}', '360.00', 'half of one year and half of the next');
SELECT is(pg_temp.row('deliberate_emergent', '{"by": "period", "prorate": "true"}', '2026-02') #>> '{parts,money,target}', '27.62', 'by month: its own days, 28 of 365');
SELECT is(pg_temp.total('deliberate_emergent', '{"over": "product", "prorate": "true"}') #>> '{parts,money,keys,1}', '{"key": "MG", "target": null, "actual": "45.00", "realised": "0.00", "unrealised": "0.00", "emergent": "45.00", "unplanned": true}'::jsonb #>> '{}',
          'a family without an amount is not planned');
SELECT is(pg_temp.row('deliberate_emergent', '{"by": "team"}', 't1') #> '{parts,money}', 'null', 'targets are set for the whole');
SELECT is(pg_temp.total('deliberate_emergent', '{"currency": "EUR", "period": "2026"}') #>> '{parts,money,target}', '300.00', 'in another currency, at the rate of the period''s last day');
UPDATE strategy SET body = body - 'money_targets' WHERE org_id = 1;
SELECT is(pg_temp.total('deliberate_emergent') #> '{parts,money}', 'null', 'without money targets there is nothing to say');

-- ── pairs ───────────────────────────────────────────────────────────────────────────────────────
SELECT is((SELECT jsonb_agg(k -> 'key') FROM jsonb_array_elements(pg_temp.total('deliberate_emergent', '{"over": "segment_product", "team": "t1"}') #> '{parts,keys}') k),
          '["a/GTX", "a/MG", "b/GTX", "b/MG"]', 'pairs of segment and product');
SELECT is(pg_temp.total('deliberate_emergent', '{"over": "segment_product", "team": "t1"}') -> 'value', '0.666667', '60 of a in GTX 15 and MG 45, 30 of b in GTX: ¼ + ¼ of the third and the sixth');
SELECT throws_like($$SELECT pg_temp.total('strategy_setters', '{"over": "segment_product"}')$$, '%Allowed: segment, product%', 'not every metric goes over pairs');
SELECT throws_like($$SELECT pg_temp.total('product_mix', '{"weight": "hours"}')$$, '%hours have no product%', 'hours have no product');

-- ── other weights ───────────────────────────────────────────────────────────────────────────────
SELECT is(pg_temp.total('segment_mix', '{"weight": "pipeline"}') -> 'value', '0.300000', 'the open pipeline: 200 of a, 50 of b, both planned half');
SELECT is(pg_temp.total('segment_mix', '{"weight": "hours"}') -> 'value', '0.055556', 'time: 2.5 hours of a, 2 of b');
SELECT is(pg_temp.total('segment_mix', '{"weight": "hours"}') -> 'numerator', '0.250000', 'a quarter of an hour would have to move');
SELECT is(pg_temp.total('segment_mix', '{"weight": "hours"}') #> '{excluded,unattributed_hours}', '1.000000', 'hours of no account stay out');
SELECT is(pg_temp.row('strategy_setters', '{"by": "team", "weight": "hours"}', 't1') -> 'value', '0.055556', 'who sets it by hours: the one team that worked');
SELECT is((SELECT round(sum((r ->> 'value')::numeric), 5) FROM jsonb_array_elements(pg_temp.ask('strategy_setters', '{"by": "rep", "weight": "pipeline"}') -> 'rows') r), 0.30000, 'by pipeline');
SELECT is(pg_temp.total('concentration', '{"weight": "pipeline"}') -> 'value', '0.680000', 'of what is open: 200 and 50 of 250');
SELECT is(pg_temp.total('concentration', '{"team": "t1"}') #> '{parts,without_largest}', '0.474876', 'without the deal of 60: 10, 30 and 7');
SELECT is(pg_temp.total('concentration', '{"team": "t1"}') #> '{parts,top_share_without_largest}', '0.638298', 'then the second is the first');

-- ── leaderboard ─────────────────────────────────────────────────────────────────────────────────
SELECT is(pg_temp.row('leaderboard', '{"by": "rep", "metric": "bookings_share", "include_low_n": "true"}', 'y') #> '{parts,raw}', '0.500000', 'a share of money is ranked by its deals: y has one of two');
SELECT is(pg_temp.row('leaderboard', '{"by": "rep", "metric": "open_pipeline_share", "include_low_n": "true"}', 'x') -> 'denominator', '1', 'of open deals too');
SELECT is(pg_temp.row('leaderboard', '{"by": "rep", "credit": "split", "include_low_n": "true", "rank": "wilson_low"}', 'x') #> '{parts,rank}', 'null', 'parts of deals have no interval to rank by');
SELECT throws_like($$SELECT pg_temp.total('leaderboard', '{"metric": "product_mix"}')$$, '%Allowed: bookings_share, client_share_on_strategy,%', 'a gap is no rate');
SELECT throws_like($$SELECT pg_temp.total('leaderboard', '{"metric": "bookings_share", "by": "segment"}')$$, '%Allowed: rep, team%', 'nor segments players');

-- ── M06 ─────────────────────────────────────────────────────────────────────────────────────────
SELECT is(pg_temp.total('opportunistic', '{"team": "t1"}') #> '{parts,budget}', '{"limit": 0.15, "used": 0.300000, "remaining": -0.150000, "status": "over"}', 'over the budget');
UPDATE strategy SET body = jsonb_set(body, '{opportunistic,limit}', '0.3') WHERE org_id = 1;
SELECT is(pg_temp.total('opportunistic', '{"team": "t1"}') #>> '{parts,budget,status}', 'near', 'at the limit it is near');
UPDATE strategy SET body = jsonb_set(body, '{opportunistic,limit}', '0.375') WHERE org_id = 1;
SELECT is(pg_temp.total('opportunistic', '{"team": "t1"}') #>> '{parts,budget,status}', 'near', 'from 80% of it on');
UPDATE strategy SET body = jsonb_set(body, '{opportunistic,limit}', '0.376') WHERE org_id = 1;
SELECT is(pg_temp.total('opportunistic', '{"team": "t1"}') #>> '{parts,budget,status}', 'ok', 'below that it is ok');
UPDATE strategy SET body = jsonb_set(body, '{opportunistic}', '{"easy_origins": ["referral"]}') WHERE org_id = 1;
SELECT is(pg_temp.total('opportunistic', '{"team": "t1"}') #> '{parts,unclassified}', '{"n": 1, "amount": "30.00", "share": 0.300000}', 'no easy origin and no activity: unclassified');
SELECT is(pg_temp.total('opportunistic', '{"team": "t1"}') #> '{parts,budget,status}', 'null', 'no limit, no status');
SELECT is(pg_temp.total('opportunistic', '{"team": "t1"}') #>> '{parts,effort_rule}', 'unavailable', 'too few wins to know what is usual');
SELECT is(pg_temp.put('activity', 'v9', '2026-02-02T08:00:00Z', '{"kind": "meeting", "starts_at": "2026-02-02T08:00:00Z", "rep": "y", "opportunity": "d3", "duration_s": 3600, "outcome": "held"}'), 'accepted', 'an hour on d3');
SELECT is(pg_temp.total('opportunistic', '{"team": "t1"}') #> '{parts,misdirected,amount}', '"30.00"', 'with effort and no rule to excuse it: misdirected');
SELECT is(pg_temp.total('opportunistic', '{"team": "t1", "min_n": "1"}') #>> '{parts,effort_rule}', 'median', 'where one win is enough to know: 1.5 hours for 60');
SELECT is(pg_temp.total('opportunistic', '{"team": "t1", "min_n": "1"}') #> '{parts,misdirected,amount}', '"30.00"', '1 hour for 30 is more than that');
SELECT is(pg_temp.put('activity', 'v9', '2026-02-02T08:00:01Z', '{"duration_s": 2700}'), 'accepted', 'three quarters of an hour');
SELECT is(pg_temp.total('opportunistic', '{"team": "t1", "min_n": "1"}') #> '{parts,opportunistic,amount}', '"30.00"', 'is as much a dollar as usual: it came easily');
SELECT is(pg_temp.total('opportunistic', '{"team": "t1", "min_n": "1", "credit": "split"}') #> '{parts,opportunistic,amount}', '"30.00"', 'whoever gets the credit');

SELECT * FROM finish();
ROLLBACK;
