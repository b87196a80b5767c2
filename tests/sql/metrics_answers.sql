-- Answers over a history small enough to count by hand: one strategy, three reps, eleven deals, five activities.
BEGIN;
SELECT plan(118);

\ir history/small.sql

-- ── M05, classes, R4, R6, R11, R12 ───────────────────────────────────────────────────────────────
SELECT is(pg_temp.total('bookings_share') ->> 'numerator', '300.00', 'on: 60 + 10 + 110 + 120, the rates of two local days (T9)');
SELECT is(pg_temp.total('bookings_share') ->> 'denominator', '330.00', 'off: 30');
SELECT is(pg_temp.total('bookings_share') -> 'value', '0.909091', 'the share');
SELECT is(pg_temp.total('bookings_share') -> 'n', '5', 'n: the priced deals it is made of');
SELECT is(pg_temp.total('bookings_share') -> 'excluded', '{"unknown": 1, "unknown_amount": "7.00", "unpriced": 1, "no_amount": 1, "no_owner": 2, "unattributed_hours": 0.000000, "quarantined_open": 0}',
          'what it leaves out, every member present');
SELECT is(pg_temp.total('bookings_share') #> '{parts,unknown}', '{"n": 1, "amount": "7.00"}', 'unknown is served apart');
SELECT is(pg_temp.total('bookings_share') #> '{parts,largest_deal_share}', '0.363636', 'how much hangs on the largest deal');
SELECT is(pg_temp.total('bookings_share') #> '{parts,without_largest}', '0.857143', 'the share without it');
SELECT is(pg_temp.row('bookings_share', '{"by": "rep"}', 'x') -> 'value', '1.000000', 'X: all on');
SELECT is(pg_temp.row('bookings_share', '{"by": "rep"}', 'y') -> 'value', '0.250000', 'Y: 10 of 40');
SELECT is(pg_temp.row('bookings_share', '{"by": "rep"}', 'z') -> 'value', 'null', 'Z sold nothing: null');
SELECT is(pg_temp.row('bookings_share', '{"by": "rep"}', 'z') ->> 'reason', 'empty_denominator', 'and says why');
SELECT is(pg_temp.row('bookings_share', '{"by": "rep"}', 'z') -> 'low_n', 'true', 'small numbers are flagged');
SELECT is(pg_temp.row('bookings_share', '{"by": "rep", "min_n": "1"}', 'x') -> 'low_n', 'false', 'min_n says what is small');
SELECT is(pg_temp.row('bookings_share', '{"by": "rep"}', '__none__') ->> 'numerator', '230.00', 'deals nobody owns have a row');
SELECT is(pg_temp.row('bookings_share', '{"by": "rep"}', 'x') ->> 'status', 'ok', 'above the thresholds');
SELECT is(pg_temp.row('bookings_share', '{"by": "rep"}', 'y') ->> 'status', 'fail', 'below them');
SELECT is(pg_temp.row('bookings_share', '{"by": "team"}', 't1') ->> 'denominator', '100.00', 'a team is its reps');
SELECT is(pg_temp.row('bookings_share', '{"by": "segment"}', 'b') -> 'value', '0.000000', 'a true zero is 0, not null');
SELECT is(pg_temp.row('bookings_share', '{"by": "segment"}', 'b') ->> 'label', 'Beta', 'labels come from the strategy');
SELECT is(pg_temp.row('bookings_share', '{"by": "tier"}', 'unknown') -> 'value', 'null', 'the unknown tier has no share');
SELECT is((SELECT sum((r ->> 'denominator')::numeric) FROM jsonb_array_elements(pg_temp.ask('bookings_share', jsonb_build_object('by', by)) -> 'rows') r),
          330.00, 'rows add up to the total by ' || by)
FROM unnest('{rep,team,segment,tier,origin,period,product}'::text[]) AS by;
SELECT is(pg_temp.row('bookings_share', '{"by": "product"}', 'GTX') ->> 'denominator', '45.00', 'a deal''s amount is divided over its lines (R7)');
SELECT is(pg_temp.row('bookings_share', '{"by": "product"}', 'MG') ->> 'numerator', '45.00', 'in proportion');
SELECT is(pg_temp.total('bookings_share', '{"by": "product"}') -> 'n', '5', 'and counts once in the total');
SELECT is(pg_temp.total('bookings_share', '{"product": "MG"}') ->> 'denominator', '45.00', 'narrowed to a family: its part of the deals');
SELECT is(pg_temp.total('bookings_share', '{"period": "2026-02"}') ->> 'numerator', '190.00', 'February begins at local midnight');
SELECT is(pg_temp.total('bookings_share', '{"period": "2026-01"}') ->> 'numerator', '110.00', 'and January ends there');
SELECT is(pg_temp.total('bookings_share', '{"currency": "EUR"}') ->> 'numerator', '258.33', 'in another currency: each deal at the rate of its day');
SELECT is(pg_temp.row('bookings_share', '{"by": "rep", "granularity": "month"}', 'x') ->> 'period', '2026-01', 'rows of sub-periods bear their period');
SELECT is(jsonb_array_length(pg_temp.ask('bookings_share', '{"by": "rep", "granularity": "month"}') -> 'rows'), 12, 'each group once a month');
SELECT is(pg_temp.ask('bookings_share', '{}') -> 'rows', '[]', 'without by there are no rows');
SELECT is(pg_temp.total('bookings_share', '{"compare_to": "2025-Q4"}') -> 'compare', '{"period": "2025-Q4", "value": null, "n": 0, "change": null}', 'compared with a period without sales');

-- ── M07, T10 ─────────────────────────────────────────────────────────────────────────────────────
SELECT is(pg_temp.total('win_rate') -> 'value', '0.888889', '8 won of 9 decided, known or not, priced or not');
SELECT is(pg_temp.row('win_rate', '{"by": "rep"}', 'y') -> 'value', '1.000000', 'wins without losses are 1 (T10)');
SELECT is(pg_temp.row('win_rate', '{"by": "rep"}', 'z') -> 'value', 'null', 'nothing closed is null (T10)');
SELECT is(pg_temp.row('win_rate', '{"by": "rep"}', 'z') -> 'ci', 'null', 'without interval');
SELECT is(pg_temp.total('win_rate') #> '{parts,off,numerator}', '2', 'off won: d3 and d8');
SELECT is(pg_temp.total('win_rate') ->> 'status', 'ok', 'a threshold without group holds for the total');
SELECT is(pg_temp.row('win_rate', '{"by": "rep"}', 'x') ->> 'status', 'uncertain', 'an interval over the threshold decides nothing');

-- ── mixes, M31 ───────────────────────────────────────────────────────────────────────────────────
SELECT is(pg_temp.row('strategy_setters', '{"by": "rep", "team": "t1"}', 'x') -> 'value', '0.300000', 'X pulls away (T12)');
SELECT is(pg_temp.row('strategy_setters', '{"by": "rep", "team": "t1"}', 'y') -> 'value', '-0.100000', 'Y pulls back (T12)');
SELECT is(pg_temp.total('strategy_setters', '{"by": "rep", "team": "t1"}') -> 'value', '0.200000', 'together the gap (T12)');
SELECT is(pg_temp.row('strategy_setters', '{"by": "rep", "team": "t1"}', 'y') -> 'parts',
          '{"keys": [{"key": "a", "contribution": -0.050000}, {"key": "b", "contribution": -0.050000}], "weight": 0.400000}', 'by key');
SELECT is((SELECT jsonb_object_agg(k ->> 'key', k -> 'contribution') FROM jsonb_array_elements(pg_temp.total('strategy_setters', '{"by": "rep", "team": "t1"}') #> '{parts,keys}') k),
          '{"a": 0.100000, "b": 0.100000}', 'all together, by key: half of each gap');
SELECT is(pg_temp.total('strategy_setters', '{"by": "rep", "team": "t1"}') #> '{parts,weight}', '1.000000', 'and all of the money');
SELECT is(pg_temp.total('segment_mix', '{"team": "t1"}') #> '{parts,realised}', '0.800000', 'the rest was realised');
SELECT is(pg_temp.total('product_mix', '{"team": "t1"}') ->> 'denominator', '90.00', 'deals without lines stay out of the product mix');
SELECT is(pg_temp.total('product_mix', '{"team": "t1", "include_unspecified": "true"}') ->> 'denominator', '107.00', 'unless asked in');
SELECT is(pg_temp.total('segment_mix', '{"rep": "z"}') ->> 'reason', 'empty_denominator', 'no mix of nothing');

-- ── pipeline, clients, hours, messages ───────────────────────────────────────────────────────────
SELECT is(pg_temp.total('open_pipeline_share') -> 'value', '0.800000', 'open at the end of the quarter: 200 of 250');
SELECT is(pg_temp.total('open_pipeline_share') #> '{forms,weighted,value}', '0.909091', '100 of 110 weighted; the stage''s probability where the deal has none');
SELECT is(pg_temp.total('open_pipeline_share', '{"period": "2026-01"}') ->> 'numerator', '70.00', 'at the end of January d1 and d2 were: created, not yet decided');
SELECT is(pg_temp.total('open_pipeline_share', '{"period": "2025-12"}') ->> 'reason', 'empty_denominator', 'and nothing at the end of December');
SELECT is(pg_temp.total('open_pipeline_share', '{"as_of": "2026-01-31"}') ->> 'reason', 'empty_denominator', 'asked as of then, nobody knew of d1 and d2');
SELECT is(pg_temp.total('pipeline_created_share', '{"by": "rep", "rep": "x"}') ->> 'numerator', '260.00', 'created by X on strategy');
SELECT is(pg_temp.total('pipeline_created_share') #> '{forms,weighted}', '{"value": 0.909091, "numerator": "100.00", "denominator": "110.00", "n": 8}', 'created, weighted: 200 by its stage''s half, 50 by its own fifth');
SELECT is(pg_temp.total('pipeline_created_share') #> '{excluded,no_probability}', '9', 'the rest is in stages of no known probability');
SELECT is(pg_temp.total('client_share_on_strategy') -> 'value', '0.500000', 'one client of two fits');
SELECT is(pg_temp.total('client_share_on_strategy') #>> '{forms,revenue,denominator}', '330.00', 'by what they brought');
SELECT is(pg_temp.total('selling_time_share') -> 'numerator', '2.500000', 'hours on: 1.5 and half of 2');
SELECT is(pg_temp.total('selling_time_share') -> 'denominator', '4.500000', 'off: half an hour of two reps each, and half of 2');
SELECT is(pg_temp.total('selling_time_share') #> '{excluded,unattributed_hours}', '1.000000', 'hours linked to no account are reported');
SELECT is(pg_temp.total('selling_time_share') #> '{parts,estimated_share}', '0.181818', 'a call without duration is estimated');
SELECT is(pg_temp.row('selling_time_share', '{"by": "kind"}', 'call') -> 'denominator', '1.000000', 'by kind');
SELECT is(pg_temp.total('message_adoption') -> 'value', '1.000000', 'the one tagged conversation on a deal used the message');
SELECT is(pg_temp.total('opportunistic') ->> 'numerator', '30.00', 'inbound business off strategy is opportunistic');
SELECT is(pg_temp.total('opportunistic') #>> '{parts,budget,status}', 'ok', 'within the budget');
SELECT is(pg_temp.row('opportunistic', '{"by": "rep"}', 'y') #>> '{parts,budget,status}', 'over', 'but not Y''s');
SELECT is(pg_temp.total('cycle_days', '{"rep": "x"}') -> 'value', '0.000000', 'median days of X: 10, 0 and 0');
SELECT is(pg_temp.total('alignment_index', '{"team": "t1"}') #> '{parts,coverage}', '1.000000', 'all parts of the index are there');

-- ── the others ───────────────────────────────────────────────────────────────────────────────────
SELECT is(pg_temp.total('win_rate_lift') -> 'value', '0.333333', 'lift: 5 of 5 against 2 of 3');
SELECT is(pg_temp.total('win_rate_lift') #> '{forms,difference,significant}', 'false', 'of so few it says nothing');
SELECT is(pg_temp.row('win_rate_lift', '{"by": "rep"}', 'z') -> 'value', 'null', 'no lift of nothing');
SELECT is(pg_temp.total('deal_size') ->> 'value', '56.17', 'mean of the six with a price');
SELECT is(pg_temp.total('deal_size') #> '{parts,off}', '{"n": 1, "mean": "30.00", "median": "30.00", "without_largest": null}', 'off strategy: one');
SELECT is(pg_temp.total('meeting_share') -> 'value', '0.750000', 'meetings: one and a half on, half a one off');
SELECT is(pg_temp.total('focus_gap') -> 'value', '-0.353535', 'money is ahead of time');
SELECT is(pg_temp.total('off_strategy_investment') -> 'value', '0.444444', 'two of four and a half hours');
SELECT is(pg_temp.total('off_strategy_investment') #>> '{forms,cost}', '50.00', 'half an hour of X costs 50');
SELECT is(pg_temp.total('off_strategy_investment') #> '{excluded,no_cost_rate}', '2.500000', 'what Y''s hours cost nobody knows');
SELECT is(pg_temp.row('off_strategy_investment', '{"by": "rep"}', 'y') #> '{forms,cost}', 'null', 'so it is null, not 0');
SELECT is(pg_temp.total('deliberate_emergent', '{"team": "t1"}') #> '{parts,keys}',
          '[{"key": "a", "deliberate": 0.500000, "unrealised": 0.000000, "emergent": 0.200000, "amount": "70.00", "unplanned": false},
            {"key": "b", "deliberate": 0.300000, "unrealised": 0.200000, "emergent": 0.000000, "amount": "30.00", "unplanned": false}]', 'deliberate and emergent');
SELECT is(pg_temp.row('leaderboard', '{"by": "rep"}', 'x') #> '{parts,rank}', 'null', 'small numbers have no rank');
SELECT is(pg_temp.row('leaderboard', '{"by": "rep", "include_low_n": "true"}', 'x') #> '{parts,rank}', '3', 'unless asked for');
SELECT is(pg_temp.total('velocity', '{"rep": "y"}') -> 'parts' -> 'all',
          '{"value": "2.35", "open": 1, "mean_won": "15.67", "win_rate": 1.000000, "cycle_days": 6.680556, "n": 3}', 'velocity and its factors, in the 90 days before');
SELECT is(pg_temp.total('velocity', '{"rep": "z"}') ->> 'reason', 'no_win_rate', 'the factor that is missing is named');
SELECT is(pg_temp.total('concentration', '{"team": "t1"}') -> 'value', '0.510874', 'three clients: 70, 30 and 7 of 107');
SELECT is(pg_temp.total('concentration', '{"team": "t1"}') #> '{parts,normalised}', '0.266311', 'normalised for three');
SELECT is(pg_temp.total('concentration', '{"rep": "x"}') #> '{parts,normalised}', 'null', 'a single client has no spread');
SELECT is((SELECT count(*) FROM pl.metric m WHERE to_regprocedure(format('pl.metric_%s(pl.metric_query, pl.facts)', m.key)) IS NULL), 0::bigint,
          'every metric of the dictionary has its function');
SELECT is((SELECT count(*) FROM pg_proc p WHERE p.pronamespace = 'pl'::regnamespace AND p.proname LIKE 'metric\_%' AND p.prorettype = 'pl.metric_row'::regtype
           AND p.pronargs = 2 AND NOT EXISTS (SELECT FROM pl.metric m WHERE 'metric_' || m.key = p.proname)), 0::bigint, 'and every function its entry');

-- ── time travel, credit, scopes, errors, formats ─────────────────────────────────────────────────
SELECT is(pg_temp.total('bookings_share', '{"as_of": "2026-02-02"}') ->> 'denominator', '300.00', 'as of the end of 2 February');
SELECT is(pg_temp.total('bookings_share', '{"known_at": "2020-01-01"}') -> 'value', 'null', 'nothing was known in 2020');
SELECT is(pg_temp.put('opportunity', 'd1', '2026-02-01T09:00:00Z', '{"splits": [{"rep": "x", "percent": 75, "kind": "revenue"}, {"rep": "y", "percent": 25, "kind": "revenue"}]}'), 'stale', 'splits arrive late');
SELECT is(pg_temp.row('bookings_share', '{"by": "rep", "credit": "split"}', 'y') ->> 'numerator', '25.00', 'a quarter of d1 is Y''s');
SELECT is(pg_temp.row('bookings_share', '{"by": "rep", "credit": "split"}', 'x') -> 'n', '0.75', 'and three quarters of a deal X''s');
SELECT is(pg_temp.total('win_rate', '{"credit": "split"}') ->> 'ci_reason', 'fractional_credit', 'no interval of parts of deals (R8)');
SELECT is(pg_temp.total('bookings_share', '{"credit": "split"}') ->> 'denominator', '330.00', 'the total stays');
SELECT is(pg_temp.total('bookings_share', '{"team": "top"}') ->> 'denominator', '100.00', 'a team includes the teams below');
SELECT is(pg_temp.total('bookings_share', '{}', '{"scope": "self", "rep": "y"}') ->> 'denominator', '40.00', 'a key of Y sees Y');
SELECT is(pg_temp.total('bookings_share', '{"rep": "x"}', '{"scope": "self", "rep": "y"}') ->> 'denominator', '0.00', 'and nobody else');
SELECT is(pg_temp.total('bookings_share', '{"rep": "x"}', '{"scope": "team", "team": "t2"}') ->> 'denominator', '0.00', 'nor does a key of another team');
SELECT throws_like($$SELECT pg_temp.ask('win_rate', '{"by": "banana"}')$$, '%"banana" is not known; did you mean %Allowed: rep, team,%', 'an unknown grouping is told the known ones');
SELECT throws_like($$SELECT pg_temp.ask('win_rate', '{"period": "2017-Q5"}')$$, '%"2017-Q5" is not a period. Accepted: 2026, 2026-03,%', 'an unknown period the forms');
SELECT throws_like($$SELECT pg_temp.ask('selling_time_share', '{"product": "GTX"}')$$, '%cannot be narrowed by product%', 'hours have no product');
UPDATE org SET rep_metrics = 'off' WHERE org_id = 1;
SELECT throws_like($$SELECT pg_temp.ask('win_rate', '{"by": "rep"}')$$, '%serves no figures of single reps%', 'nor reps where that is switched off');
UPDATE org SET rep_metrics = 'on' WHERE org_id = 1;
SELECT is(split_part(pl.answer_metric(1, '{"path": ["win_rate"], "query": {"period": "2026-Q1", "by": "rep"}, "format": "csv"}'), E'\r\n', 3) LIKE 'x,''=Xavier,,%', true,
          'a name that would be a formula is text in CSV');
SELECT is(pl.csv_cell(t, false), c, 'CSV cell ' || t)
FROM (VALUES ('a,b', '"a,b"'), ('say "x"', '"say ""x"""'), ('@x', '''@x')) AS v(t, c);

SELECT * FROM finish();
ROLLBACK;
