-- The rows behind the numbers: their sums are the numbers.
BEGIN;
SELECT plan(48);
\ir history/small.sql

CREATE FUNCTION pg_temp.rows(p_what text, p_query jsonb DEFAULT '{}') RETURNS SETOF jsonb LANGUAGE sql AS $$
  SELECT jsonb_array_elements(body::jsonb -> 'data')
  FROM pl.answer_metric_rows(1, jsonb_build_object('path', jsonb_build_array(p_what), 'query', '{"period": "2026-Q1", "limit": "1000"}'::jsonb || p_query,
                                                   'format', 'json', 'who', '{"scope": "all"}'::jsonb))
$$;
CREATE FUNCTION pg_temp.sum_of(p_what text, p_member text, p_query jsonb DEFAULT '{}') RETURNS numeric LANGUAGE sql AS $$
  SELECT round(coalesce(sum((r ->> p_member)::numeric), 0), 6) FROM pg_temp.rows(p_what, p_query) r
$$;
CREATE FUNCTION pg_temp.figure(p_what text, p_member text, p_query jsonb DEFAULT '{}') RETURNS numeric LANGUAGE sql AS $$
  SELECT round((pg_temp.total(p_what, p_query) ->> p_member)::numeric, 6)
$$;

-- What has to add up: numerators and denominators, and where the number is no quotient of sums, what each row moves it by.
SELECT is(pg_temp.sum_of(m, 'denominator', q), pg_temp.figure(m, 'denominator', q), format('denominators of %s %s', m, q))
FROM (VALUES ('bookings_share', '{}'::jsonb), ('open_pipeline_share', '{}'), ('pipeline_created_share', '{}'), ('win_rate', '{}'), ('opportunistic', '{}'),
             ('product_mix', '{}'), ('product_mix', '{"include_unspecified": "true"}'), ('segment_mix', '{}'), ('segment_mix', '{"weight": "pipeline"}'),
             ('segment_mix', '{"weight": "hours"}'), ('deliberate_emergent', '{}'), ('deliberate_emergent', '{"over": "segment_product"}'),
             ('strategy_setters', '{"weight": "hours"}'), ('concentration', '{}'), ('concentration', '{"weight": "pipeline"}'), ('leaderboard', '{}')) AS v(m, q);
SELECT is(pg_temp.sum_of(m, 'numerator', q), pg_temp.figure(m, 'numerator', q), format('numerators of %s %s', m, q))
FROM (VALUES ('bookings_share', '{}'::jsonb), ('win_rate', '{}'), ('opportunistic', '{}'), ('deal_size', '{}')) AS v(m, q);
SELECT is(round(pg_temp.sum_of(m, 'contribution', q), 5), round(pg_temp.figure(m, 'value', q), 5), format('contributions to %s %s', m, q))
FROM (VALUES ('win_rate_lift', '{}'::jsonb), ('product_mix', '{}'), ('product_mix', '{"product": "GTX"}'), ('segment_mix', '{}'), ('segment_mix', '{"weight": "pipeline"}'),
             ('segment_mix', '{"weight": "hours"}'), ('deliberate_emergent', '{}'), ('strategy_setters', '{}'), ('strategy_setters', '{"over": "product"}'),
             ('strategy_setters', '{"weight": "pipeline"}'), ('concentration', '{}'), ('concentration', '{"weight": "pipeline"}')) AS v(m, q);
SELECT is((SELECT round(sum((r ->> 'contribution')::numeric), 6) FROM pg_temp.rows('strategy_setters', '{"team": "t1"}') r WHERE r ->> 'rep' = 'x'), 0.300000,
          'a rep''s rows add up to what the rep contributes (T12)');
SELECT is((SELECT jsonb_object_agg(part, n) FROM (SELECT r ->> 'part' AS part, count(*) AS n FROM pg_temp.rows('opportunistic') r GROUP BY 1) x),
          '{"on": 5, "opportunistic": 1, "off": 1, "unknown": 1}', 'won deals by what kind of win they are; an off one without price is only off');
SELECT is((SELECT sum((r ->> 'numerator')::numeric) / sum((r ->> 'denominator')::numeric) FROM pg_temp.rows('alignment_index') r WHERE r ->> 'part' = 'bookings'),
          300.0 / 330, 'the index: its part of bookings is the rows of bookings');
SELECT is((SELECT array_agg(DISTINCT r ->> 'part' ORDER BY r ->> 'part') FROM pg_temp.rows('alignment_index') r), '{bookings,message,pipeline,product,time}',
          'and so on for each part');
SELECT is((SELECT count(*) FROM pg_temp.rows('velocity', '{"rep": "y"}') r WHERE r ->> 'part' = 'open'), 1::bigint, 'velocity: what is open');
SELECT is((SELECT avg((r ->> 'money')::numeric) FROM pg_temp.rows('velocity', '{"rep": "y"}') r WHERE r ->> 'part' = 'decided'), 47.0 / 3, 'and what was decided');
SELECT is((SELECT sum((r ->> 'hours')::numeric) FROM pg_temp.rows('focus_opportunity') r WHERE r ->> 'part' = 'misdirected'), 2.0, 'focus opportunity: the hours it is about');
SELECT is(pg_temp.sum_of('focus_opportunity', 'numerator'), 330.000000, 'and the money that was won');
SELECT is(pg_temp.sum_of('data_quality', 'numerator'), pg_temp.figure('data_quality', 'value'), 'data quality: a row a finding');
SELECT is((SELECT jsonb_agg(r -> 'id') FROM pg_temp.rows('data_quality') r WHERE r ->> 'part' = 'unpriced'), '["d9"]', 'which deal has no rate');
SELECT is((SELECT count(*) FROM pg_temp.rows('change_decomposition', '{"period": "2026-02"}') r WHERE r ->> 'part' = 'after'), 6::bigint, 'decomposition: deals of the period');
SELECT is((SELECT count(*) FROM pg_temp.rows('change_decomposition', '{"period": "2026-02"}') r WHERE r ->> 'part' = 'before'), 1::bigint, 'and of the one before');
SELECT is(pg_temp.sum_of('trend', 'numerator', '{"metric": "bookings_share"}'), 300.000000, 'trend: those of its metric');
SELECT is((SELECT string_agg(m.key, ', ') FROM pl.metric m WHERE m.drill IS NULL), NULL, 'there are rows behind every number');
SELECT is((SELECT count(*) FROM pl.metric m WHERE m.drill IS NOT NULL AND to_regprocedure(format('pl.drill_%s(pl.metric_query, pl.metric)', m.drill)) IS NULL),
          0::bigint, 'every list of rows that the dictionary names is there');

SELECT * FROM finish();
ROLLBACK;
