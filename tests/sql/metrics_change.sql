-- What changed and what could be: pipeline change, decomposition of a rate, trend, focus opportunity, data quality, by hand.
BEGIN;
SELECT plan(90);
\ir history/small.sql

-- ── M30: ten deals of team t3, one for each way to go, in February ──────────────────────────────
SELECT is(count(*) FILTER (WHERE outcome NOT IN ('accepted', 'stale')), 0::bigint, 'more history: ' || coalesce(string_agg(outcome, ', ') FILTER (WHERE outcome NOT IN ('accepted', 'stale')), ''))
FROM (SELECT pg_temp.put(kind, id, at, patch::jsonb) AS outcome FROM (VALUES
  ('team', 't3', '2025-01-01T00:00:00Z', '{"name": "Three"}'), ('rep', 'k', '2025-01-01T00:00:00Z', '{"name": "Kim", "team": "t3"}'),
  ('rep', 'w', '2025-01-01T00:00:00Z', '{"name": "Wim", "team": "t3"}'),
  ('account', 'c9', '2025-01-01T00:00:00Z', '{"name": "C", "attributes": {"industry": "b"}}'),
  ('account', 'c9', '2026-02-10T12:00:00Z', '{"attributes": {"industry": "a"}}'),
  ('opportunity', 'k01', '2026-01-10T12:00:00Z', '{"owner": "k", "account": "a1", "stage": "open", "amount": 100, "currency": "EUR", "expected_close": "2026-02-20"}'),
  ('opportunity', 'k02', '2026-01-10T12:00:00Z', '{"owner": "k", "account": "a1", "stage": "open", "amount": 50, "currency": "USD", "expected_close": "2026-03-15"}'),
  ('opportunity', 'k02', '2026-02-05T12:00:00Z', '{"expected_close": "2026-02-25"}'),
  ('opportunity', 'k03', '2026-01-10T12:00:00Z', '{"owner": "k", "account": "a1", "stage": "open", "amount": 70, "currency": "USD", "expected_close": "2026-02-10"}'),
  ('opportunity', 'k03', '2026-02-08T12:00:00Z', '{"expected_close": "2026-04-01"}'),
  ('opportunity', 'k04', '2026-01-10T12:00:00Z', '{"owner": "k", "account": "a1", "stage": "open", "amount": 40, "currency": "USD", "expected_close": "2026-02-15"}'),
  ('opportunity', 'k04', '2026-02-06T12:00:00Z', '{"amount": 65}'),
  ('opportunity', 'k05', '2026-01-10T12:00:00Z', '{"owner": "k", "account": "a1", "stage": "open", "amount": 30, "currency": "USD"}'),
  ('opportunity', 'k05', '2026-02-06T12:00:00Z', '{"amount": 20}'), ('opportunity', 'k05', '2026-02-10T12:00:00Z', '{"owner": "w"}'),
  ('opportunity', 'k06', '2026-01-10T12:00:00Z', '{"owner": "k", "account": "a1", "stage": "open", "amount": 80, "currency": "USD"}'),
  ('opportunity', 'k06', '2026-02-11T12:00:00Z', '{"stage": "won", "amount": 90}'),
  ('opportunity', 'k07', '2026-01-10T12:00:00Z', '{"owner": "k", "account": "a1", "stage": "open", "amount": 25, "currency": "USD"}'),
  ('opportunity', 'k07', '2026-02-12T12:00:00Z', '{"stage": "lost", "amount": 0, "lost_reason": "Duplicate"}'),
  ('opportunity', 'k08', '2026-02-03T12:00:00Z', '{"owner": "k", "account": "a1", "stage": "open", "amount": 15, "currency": "USD"}'),
  ('opportunity', 'k09', '2026-02-03T12:00:00Z', '{"owner": "k", "account": "a1", "stage": "open", "amount": 35, "currency": "USD"}'),
  ('opportunity', 'k09', '2026-02-20T12:00:00Z', '{"stage": "won"}'),
  ('opportunity', 'k10', '2026-01-10T12:00:00Z', '{"owner": "k", "account": "c9", "stage": "open", "amount": 60, "currency": "USD"}')
) AS h(kind, id, at, patch)) o;

CREATE FUNCTION pg_temp.steps(p_query jsonb, p_key text DEFAULT NULL, p_side text DEFAULT 'all') RETURNS jsonb LANGUAGE sql AS $$
  SELECT jsonb_object_agg(e.key, e.value #> ARRAY[p_side, 'amount'])
  FROM jsonb_each(CASE WHEN p_key IS NULL THEN pg_temp.total('pipeline_change', p_query) ELSE pg_temp.row('pipeline_change', p_query, p_key) END -> 'parts') e
  WHERE (e.value #>> ARRAY[p_side, 'amount'])::numeric <> 0
$$;
CREATE FUNCTION pg_temp.adds_up(p_parts jsonb, p_side text, p_member text) RETURNS numeric LANGUAGE sql AS $$
  SELECT sum(s.sign * (p_parts #>> ARRAY[s.step, p_side, p_member])::numeric) FILTER (WHERE s.step <> 'closing')
         - max((p_parts #>> ARRAY['closing', p_side, p_member])::numeric)
  FROM pl.pipeline_steps() s WHERE p_member = 'amount' OR s.step NOT IN ('increased', 'decreased', 'fx')
$$;

SELECT is(pg_temp.steps('{"period": "2026-02", "team": "t3"}'),
          '{"opening": "415.00", "new": "50.00", "pulled_in": "50.00", "increased": "35.00", "decreased": "10.00", "pushed_out": "70.00", "won": "125.00",
            "lost": "25.00", "fx": "10.00", "closing": "330.00"}', 'the pipeline of February: each way to go');
SELECT is(pg_temp.total('pipeline_change', '{"period": "2026-02", "team": "t3"}') ->> 'value', '-85.00', 'it shrank');
SELECT is(pg_temp.total('pipeline_change', '{"period": "2026-02", "team": "t3"}') ->> 'numerator', '330.00', 'to this');
SELECT is(pg_temp.total('pipeline_change', '{"period": "2026-02", "team": "t3"}') ->> 'denominator', '415.00', 'from that');
SELECT is(pg_temp.steps('{"period": "2026-02", "team": "t3"}', NULL, 'off'), '{"opening": "60.00", "refit": "-60.00"}', 'an account that came to fit leaves the off side');
SELECT is(pg_temp.steps('{"period": "2026-02", "team": "t3"}', NULL, 'on') ->> 'refit', '60.00', 'for the on side');
SELECT is(pg_temp.steps('{"period": "2026-02", "team": "t3", "by": "rep"}', 'w'), '{"reassigned": "30.00", "decreased": "10.00", "closing": "20.00"}',
          'a deal that changed hands comes with its opening worth');
SELECT is(pg_temp.steps('{"period": "2026-02", "team": "t3", "by": "rep"}', 'k') ->> 'reassigned', '-30.00', 'and goes from the other');
SELECT is(pg_temp.steps('{"period": "2026-02", "rep": "w"}') ->> 'reassigned', '30.00', 'for a single rep it comes from outside');
SELECT is(pg_temp.steps('{"period": "2026-02", "team": "t3", "by": "segment"}', 'b'), '{"opening": "60.00", "refit": "-60.00"}', 'by segment: it left');
SELECT is(pg_temp.steps('{"period": "2026-02", "team": "t3", "by": "tier"}', 'outside') ->> 'refit', '-60.00', 'by tier');
SELECT is(pg_temp.steps('{"period": "2026-02", "team": "t3", "segment": "a"}') ->> 'refit', '60.00', 'narrowed to a segment: it came');
SELECT is(pg_temp.total('pipeline_change', '{"period": "2026-02", "team": "t3"}') #> '{parts,pushed_out,all}', '{"n": 1, "amount": "70.00"}', 'deals are counted too');
SELECT is(pg_temp.steps('{"period": "2026-02", "team": "t3", "due": "any"}'),
          '{"opening": "465.00", "new": "50.00", "increased": "35.00", "decreased": "10.00", "won": "125.00", "lost": "25.00", "fx": "10.00", "closing": "400.00"}',
          'of all open deals, whenever due');
SELECT is(pg_temp.steps('{"period": "2026-02", "team": "t3", "due": "any"}') ->> 'closing', pg_temp.total('open_pipeline_share', '{"period": "2026-02", "team": "t3"}') ->> 'denominator',
          'it then closes as the open pipeline does');
SELECT is(pg_temp.steps('{"period": "2026-02", "team": "t3"}') ->> 'won', pg_temp.total('bookings_share', '{"period": "2026-02", "team": "t3"}') ->> 'denominator',
          'what was won is what was booked');
SELECT is(pg_temp.steps('{"period": "2026-Q1", "team": "t3", "by": "period"}', '2026-02'), pg_temp.steps('{"period": "2026-02", "team": "t3"}'), 'by month: February is February');
SELECT is(pg_temp.steps('{"period": "2026-Q1", "team": "t3", "by": "period"}', '2026-03') ->> 'opening', '330.00', 'March opens with what is due by its end');
SELECT is(pg_temp.row('pipeline_change', '{"period": "2199", "by": "period"}', '2199-01') ->> 'reason', 'not_begun', 'what has not begun has no pipeline');
SELECT is(pg_temp.steps('{"period": "2026-02", "team": "t3", "as_of": "2026-02-07"}') - 'new',
          '{"opening": "415.00", "pulled_in": "50.00", "increased": "25.00", "decreased": "10.00", "fx": "10.00", "closing": "540.00"}', 'as of 7 February');
SELECT is(pg_temp.steps('{"period": "2026-02", "team": "t3", "credit": "split"}'), pg_temp.steps('{"period": "2026-02", "team": "t3"}'), 'by splits, where there are none: the same');
SELECT is(pg_temp.put('opportunity', 'k04', '2026-02-07T12:00:00Z', '{"splits": [{"rep": "k", "percent": 60}, {"rep": "w", "percent": 40}]}'), 'accepted', 'splits');
SELECT is(pg_temp.steps('{"period": "2026-02", "team": "t3", "credit": "split", "by": "rep"}', 'w'),
          '{"opening": "16.00", "reassigned": "30.00", "increased": "10.00", "decreased": "10.00", "closing": "46.00"}', 'a split is a part of the way: 40% of 40, that became 65');
SELECT is(pg_temp.steps('{"period": "2026-02", "team": "t3", "fit_basis": "restated:s1"}', NULL, 'off') ->> 'refit', '-60.00', 'restated');
SELECT is(pg_temp.adds_up(pg_temp.total('pipeline_change', q) -> 'parts', side, member), 0::numeric, format('the parts add up to the closing: %s %s %s', q, side, member))
FROM unnest('{"{\"period\": \"2026-02\"}","{\"period\": \"2026-02\", \"currency\": \"EUR\"}","{\"period\": \"2026-Q1\", \"credit\": \"current\"}"}'::jsonb[]) AS q, unnest('{all,on,off,unknown}'::text[]) AS side,
     unnest('{amount,n}'::text[]) AS member WHERE side IN ('all', 'on') OR member = 'amount';
SELECT is((SELECT round(sum((r ->> 'contribution')::numeric), 2)
           FROM pl.answer_metric_rows(1, '{"path": ["pipeline_change"], "query": {"period": "2026-02", "team": "t3", "limit": "1000"}, "format": "json", "who": {"scope": "all"}}') a,
                jsonb_array_elements(a.body::jsonb -> 'data') r), -85.00, 'the movements add up to the change');

-- ── M07 options ─────────────────────────────────────────────────────────────────────────────────
SELECT is(pg_temp.total('win_rate', '{"team": "t3"}') -> 'denominator', '2', 'a duplicate is no lost deal');
SELECT is(pg_temp.total('win_rate', '{"team": "t3"}') #> '{excluded,not_real}', '1', 'but counted');
SELECT is(pg_temp.total('win_rate', '{"team": "t3", "not_real_reasons": "test"}') -> 'denominator', '3', 'unless other reasons are named');
SELECT is(pg_temp.put('stage', 'deep', '2025-01-01T00:00:00Z', '{"label": "Deep", "outcome": "open", "order": 5}') || pg_temp.put('stage', 'open', '2025-01-01T00:00:01Z', '{"order": 1}'),
          'acceptedaccepted', 'stages in an order');
SELECT is(pg_temp.total('win_rate', '{"team": "t3", "not_real_reasons": "test", "min_stage_reached": "deep"}') -> 'excluded' -> 'not_accepted', '1', 'lost before it got there');
SELECT is(pg_temp.total('win_rate', '{"team": "t3", "not_real_reasons": "test", "min_stage_reached": "open"}') -> 'denominator', '3', 'all got that far');
SELECT throws_like($$SELECT pg_temp.total('win_rate', '{"min_stage_reached": "deap"}')$$, '%did you mean "deep"%', 'a stage that does not exist');
SELECT is(pg_temp.total('pipeline_created_share', '{"team": "t3", "period": "2026-01"}') ->> 'denominator', '475.00', 'created in January, by the latest amounts: 100 EUR at today''s 1.20');
SELECT is(pg_temp.total('pipeline_created_share', '{"team": "t3", "period": "2026-01", "created_amount": "first"}') ->> 'denominator', '465.00', 'by what they were first said to be worth');
SELECT is(pg_temp.total('cycle_days', '{"team": "t3", "decided": "all"}') -> 'n', '2', 'the cycle of all that were decided, the duplicate apart');
SELECT is(pg_temp.total('cycle_days', '{"rep": "x", "decided": "all"}') -> 'n', '4', 'won and lost');

-- ── M24, T5 ─────────────────────────────────────────────────────────────────────────────────────
SELECT is(count(*), 220::bigint, 'deals for T5')
FROM generate_series(1, 220) AS i
WHERE pg_temp.put('opportunity', 'f' || i, CASE WHEN i <= 20 THEN '2024-02-01T12:00:00Z' ELSE '2024-03-01T12:00:00Z' END,
        jsonb_build_object('owner', 'k', 'account', CASE WHEN i <= 10 OR i BETWEEN 21 AND 80 THEN 'a1' ELSE 'b1' END, 'amount', 1, 'currency', 'USD',
                           'stage', CASE WHEN i <= 4 OR i BETWEEN 11 AND 12 OR i BETWEEN 21 AND 47 OR i BETWEEN 81 AND 115 THEN 'won' ELSE 'lost' END)) = 'accepted';
SELECT is(pg_temp.total('change_decomposition', '{"period": "2024-03", "fit_basis": "restated:s1"}') -> 'value', '0.010000', 'the rate rose by a point (T5)');
SELECT is(pg_temp.total('change_decomposition', '{"period": "2024-03", "fit_basis": "restated:s1"}') #> '{parts,mix}', '-0.040000', 'the mix took four (T5)');
SELECT is(pg_temp.total('change_decomposition', '{"period": "2024-03", "fit_basis": "restated:s1"}') #> '{parts,rate}', '0.050000', 'the rates gave five (T5)');
SELECT is(pg_temp.total('change_decomposition', '{"period": "2024-03", "fit_basis": "restated:s1"}') #> '{parts,keys,0}',
          '{"key": "a", "share_before": 0.500000, "share_after": 0.300000, "rate_before": 0.400000, "rate_after": 0.450000, "mix": -0.085000, "rate": 0.020000, "only_in": null}', 'by segment');
SELECT is(pg_temp.total('change_decomposition', '{"period": "2024-03", "fit_basis": "restated:s1"}') -> 'ci', to_jsonb(ARRAY[round((c)[1], 6), round((c)[2], 6)]), 'with the interval of the difference')
FROM (SELECT pl.newcombe(62, 200, 6, 20) AS c) x;
SELECT is(pg_temp.total('change_decomposition', '{"period": "2026-02", "metric": "bookings_share", "over": "rep", "team": "t1", "compare_to": "2026-Q1"}') #>> '{parts,before,value}', '0.700000', 'of bookings, over reps');
SELECT is(pg_temp.total('change_decomposition', '{"period": "2026-02", "team": "t1", "compare_to": "2026-03"}') #> '{parts,keys,2,only_in}', '"after"', 'a segment that was not there before');
SELECT is(pg_temp.total('change_decomposition', '{"period": "2025"}') ->> 'reason', 'empty_denominator', 'nothing was decided');
SELECT throws_like($$SELECT pg_temp.total('change_decomposition', '{"metric": "deal_size"}')$$, '%Allowed: win_rate, bookings_share%', 'not every number is a rate');
SELECT throws_like($$SELECT pg_temp.total('change_decomposition', '{"by": "rep"}')$$, '%has no place here%', 'it has no groups of its own');

-- ── M27 ─────────────────────────────────────────────────────────────────────────────────────────
SELECT is(pg_temp.ask('trend', '{"metric": "deal_size", "team": "t1", "period": "2026-02"}') -> 'unit', '"money"', 'a trend has the unit of its metric');
SELECT is(pg_temp.row('trend', '{"metric": "bookings_share"}', '2026-02') #> '{parts,rolling}', pg_temp.total('bookings_share', '{"period": "2026-01-01..2026-02-28"}') -> 'value',
          'rolling: the quotient of the sums');
SELECT is(pg_temp.row('trend', '{"metric": "bookings_share", "rolling": "1"}', '2026-02') #> '{parts,rolling}', pg_temp.total('bookings_share', '{"period": "2026-02"}') -> 'value', 'over one month: the month');
SELECT is(pg_temp.row('trend', '{"metric": "cycle_days", "rep": "k", "period": "2026-02", "granularity": "week"}', '2026-W07') #> '{parts,difference}', 'null', 'no difference to a week without value');
SELECT is(pg_temp.row('trend', '{"metric": "win_rate", "rep": "k", "period": "2024-Q1", "fit_basis": "restated:s1"}', '2024-01') -> 'value', 'null', 'nulls are kept');
SELECT is(pg_temp.total('trend', '{"metric": "win_rate", "rep": "k", "period": "2024-Q1"}') #> '{parts,slope}', 'null', 'two values make no slope');
SELECT is((SELECT array_agg(round(t.slope, 6)) FROM pl.trend_points((SELECT q FROM pl.resolve_query(1, '{"query": {"by": "period"}}', '{period}', '{}') q), (SELECT m FROM pl.metric m WHERE m.key = 'cycle_days'),
             ARRAY[(false, '1', 1, 1, NULL, NULL, 1, NULL, NULL, NULL, NULL, NULL, NULL), (false, '2', 2, NULL, NULL, NULL, 1, NULL, NULL, NULL, NULL, NULL, NULL),
                   (false, '3', 3, 3, NULL, NULL, 1, NULL, NULL, NULL, NULL, NULL, NULL), (false, '4', 4, 2, NULL, NULL, 1, NULL, NULL, NULL, NULL, NULL, NULL)]::pl.metric_row[]) t),
          '{0.428571,0.428571,0.428571,0.428571}', 'least squares over the places there are: (1,1), (3,3), (4,2)');
SELECT is(pg_temp.row('trend', '{"metric": "win_rate", "by": "rep"}', 'x') ->> 'period', '2026-01', 'by rep: each month');
SELECT is(jsonb_array_length(pg_temp.total('trend', '{"metric": "win_rate", "by": "rep"}') #> '{parts,keys}'), 3, 'and the series of the whole');
SELECT throws_like($$SELECT pg_temp.total('trend', '{"metric": "trend"}')$$, '%Allowed: %', 'no trend of a trend');

-- ── M29, M26 ────────────────────────────────────────────────────────────────────────────────────
SELECT is(pg_temp.total('focus_opportunity', '{"team": "t1"}') -> 'parts' -> 'off', '{"hours": 2.000000, "amount": "30.00", "yield": "15.00"}', 'off strategy: two hours, 30');
SELECT is(pg_temp.total('focus_opportunity', '{"team": "t1"}') ->> 'value', '26.00', 'two hours at 70 / 2.5 an hour instead of 15');
SELECT is(pg_temp.total('focus_opportunity', '{"team": "t2"}') ->> 'reason', 'no_yield_on', 'without hours there is no yield');
SELECT is(pg_temp.total('focus_opportunity', '{"team": "t1", "window_days": "1"}') ->> 'reason', 'no_yield_on', 'nor in a day without any');
SELECT is(pg_temp.total('data_quality', '{"team": "t1"}') -> 'value', '6', 'what is wrong with t1''s data');
SELECT is(pg_temp.total('data_quality', '{"team": "t1"}') -> 'parts' -> 'unknown' -> 'no_attributes', '{"n": 1, "amount": "7.00"}', 'an account nobody knows anything of');
SELECT is(pg_temp.total('data_quality', '{"team": "t1"}') -> 'parts' -> 'fx_pairs_missing', '{"n": 1, "pairs": ["GBP-USD"]}', 'a rate that is missing');
SELECT is(pg_temp.total('data_quality', '{"team": "t3", "period": "2026-06"}') -> 'parts' -> 'stale_expected_close', '{"n": 4, "amount": "305.00"}', 'in June four deals should have closed');
SELECT is(pg_temp.total('data_quality', '{"team": "t3", "period": "2026-06"}') -> 'parts' -> 'stale_no_activity', '{"n": 7, "amount": "400.00"}', 'and nobody has done anything about seven');
SELECT is((SELECT sum((r ->> 'value')::numeric) FROM jsonb_array_elements(pg_temp.ask('data_quality', jsonb_build_object('by', by)) -> 'rows') r),
          (pg_temp.total('data_quality') ->> 'value')::numeric, 'findings add up by ' || by) FROM unnest('{rep,team,source}'::text[]) AS by;
SELECT ok((pg_temp.total('data_quality', '{"period": "this_month"}') #>> '{parts,late_events,n}')::int > 200, 'all this history came late');

SELECT * FROM finish();
ROLLBACK;
