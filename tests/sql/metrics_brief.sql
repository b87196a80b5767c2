-- A rep's brief: only what the metrics say, only where n and interval support it.
BEGIN;
SELECT plan(28);
\ir history/conduct.sql

CREATE FUNCTION pg_temp.brief(p_rep text, p_query jsonb DEFAULT '{}', p_who jsonb DEFAULT '{"scope": "all"}') RETURNS jsonb LANGUAGE sql AS $$
  SELECT pl.answer_brief(1, jsonb_build_object('path', jsonb_build_array(p_rep), 'query', '{"period": "2026-Q1"}'::jsonb || p_query, 'format', 'json', 'who', p_who))::jsonb
$$;
CREATE FUNCTION pg_temp.sentence(p_rep text, p_key text, p_query jsonb DEFAULT '{}') RETURNS jsonb LANGUAGE sql AS $$
  SELECT s FROM jsonb_array_elements(pg_temp.brief(p_rep, p_query) -> 'sentences') s WHERE s ->> 'key' = p_key
$$;
CREATE FUNCTION pg_temp.withheld(p_rep text, p_query jsonb DEFAULT '{}') RETURNS jsonb LANGUAGE sql AS $$
  SELECT jsonb_object_agg(s ->> 'key', s ->> 'reason') FROM jsonb_array_elements(pg_temp.brief(p_rep, p_query) -> 'withheld') s
$$;

-- ── small numbers say nothing ────────────────────────────────────────────────────────────────────
SELECT is(pg_temp.brief('x') ->> 'label', 'Xavier', 'whose it is');
SELECT is(ARRAY(SELECT s ->> 'key' FROM jsonb_array_elements(pg_temp.brief('x') -> 'sentences') s), '{off_strategy_hours}', 'eight activities are enough, the rest is not');
SELECT is(pg_temp.withheld('x'), '{"mix_contribution": "low_n", "white_space": "low_n", "message:uptime": "low_n", "message:price": "low_n", "discovery_first": "low_n", "in_band": "low_n"}',
          'what is withheld, and why');
SELECT is(pg_temp.sentence('x', 'off_strategy_hours') ->> 'text',
          'From 2026-01-01 to 2026-03-31: Xavier spent 1 of 7.5 hours (13%) with accounts off strategy, most with B1 (1 h).', 'a plain sentence');
SELECT is(pg_temp.sentence('x', 'off_strategy_hours') -> 'n', '8', 'with its n');
SELECT is(pg_temp.sentence('x', 'off_strategy_hours') -> 'figures' -> 'hours_off', pg_temp.total('off_strategy_investment', '{"rep": "x"}') -> 'numerator', 'its figure is the metric''s');
SELECT is(pg_temp.sentence('x', 'off_strategy_hours') -> 'links', '["/v1/metrics/off_strategy_investment/rows?period=2026-Q1&rep=x"]', 'and a link to the rows');
SELECT is(pg_temp.withheld('x', '{"min_n": "1"}'), '{"message:uptime": "interval", "message:price": "interval", "discovery_first": "interval", "in_band": "interval"}',
          'asked to speak of fewer, it still says nothing that the interval does not support');
SELECT is(pg_temp.sentence('x', 'mix_contribution', '{"min_n": "1"}') ->> 'text',
          'From 2026-01-01 to 2026-03-31: The realised mix of segments is 27% away from the strategy; of that, what Xavier won adds 38.5 points, furthest away One (38.5 points).',
          'X pulls away: 1000 of 1300 in A, half of it intended');
SELECT is(pg_temp.sentence('y', 'mix_contribution', '{"min_n": "1"}') -> 'figures' -> 'contribution',
          pg_temp.row('strategy_setters', '{"by": "rep"}', 'y') -> 'value', 'Y''s contribution is that among all');
SELECT is((SELECT sum((d ->> 'contribution')::numeric) FROM jsonb_array_elements(pg_temp.sentence('y', 'mix_contribution', '{"min_n": "1"}') #> '{figures,back}') d),
          (pg_temp.row('strategy_setters', '{"by": "rep"}', 'y') ->> 'value')::numeric, 'made of the deals named');
SELECT is(pg_temp.sentence('y', 'white_space', '{"min_n": "1"}') ->> 'text',
          'On 2026-03-31: 1 of the 3 target or on-strategy accounts of Yuna stand without activity for 90 days and without an open deal: A2.', 'whom to sell to instead');

-- ── enough to speak of habits ────────────────────────────────────────────────────────────────────
SELECT is(count(*) FILTER (WHERE o <> 'accepted'), 0::bigint, 'twelve calls and four lost proposals more')
FROM (SELECT pg_temp.put('activity', 'w' || n, '2026-03-10T10:00:00Z', jsonb_build_object('kind', 'call', 'starts_at', '2026-03-10T10:00:00Z', 'rep', 'y', 'account', 'b1',
               'opportunity', 'd2', 'duration_s', 600, 'outcome', 'held', 'messages', '["price"]'::jsonb, 'talk_s', 480, 'customer_talk_s', 120)) AS o FROM generate_series(1, 12) n
      UNION ALL
      SELECT pg_temp.put('opportunity', 'l' || n, '2026-02-01T10:00:00Z', '{"owner": "y", "account": "b1", "stage": "prop", "amount": 1, "currency": "USD"}') FROM generate_series(1, 4) n
      UNION ALL
      SELECT pg_temp.put('opportunity', 'l' || n, '2026-02-02T10:00:00Z', '{"stage": "lost"}') FROM generate_series(1, 4) n) x;
SELECT is(pg_temp.sentence('y', 'message:price') ->> 'text',
          'From 2026-01-01 to 2026-03-31: Of the 14 value messages Yuna used, "Lowest price" made up 86% (95% interval 60% to 96%), more than the 25% the strategy intends.', 'what is said too often');
SELECT is(pg_temp.sentence('y', 'message:uptime') ->> 'text',
          'From 2026-01-01 to 2026-03-31: Of the 14 value messages Yuna used, "Never down" made up 7% (95% interval 1% to 31%), less than the 75% the strategy intends.', 'and too rarely');
SELECT is(pg_temp.sentence('y', 'message:price') -> 'ci', '[0.600586, 0.959906]', 'the interval of 12 of 14');
SELECT is(pg_temp.sentence('y', 'discovery_first') ->> 'text',
          'From 2026-01-01 to 2026-03-31: Yuna''s discovery came mostly not before the proposal: in 0 of 6 deals (0%, 95% interval 0% to 39%).', 'no discovery first');
SELECT is(pg_temp.sentence('y', 'in_band') ->> 'text',
          'From 2026-01-01 to 2026-03-31: Yuna talked mostly not within the strategy''s band of 35% to 50%: in 0 of 12 conversations (0%, 95% interval 0% to 24%).', 'talking over the band');
SELECT is(pg_temp.sentence('y', 'in_band') -> 'metrics', '["consultative"]', 'from one metric');
SELECT is(pg_temp.brief('y', '{"as_of": "2026-03-31"}') -> 'sentences' -> 0 -> 'links', '["/v1/metrics/off_strategy_investment/rows?as_of=2026-03-31&period=2026-Q1&rep=y"]', 'links keep the terms');

-- ── a team's own strategy ────────────────────────────────────────────────────────────────────────
INSERT INTO strategy (org_id, strategy_id, number, status, name, effective_from, effective_at, teams, attrs, body, publish_order, created_at, updated_at, published_at)
SELECT 1, 's2', 2, 'published', 'Own', effective_from, effective_at, '{t1}', attrs,
       body || '{"messages": [{"key": "uptime", "label": "Never down", "target": 0.05}, {"key": "price", "label": "Lowest price", "target": 0.95}]}', 2, created_at, updated_at, published_at
FROM strategy WHERE org_id = 1 AND strategy_id = 's1';
SELECT is(pg_temp.withheld('y') ->> 'message:price', 'interval', 'a rep is held to the strategy of the rep''s team');

-- ── who may see it ───────────────────────────────────────────────────────────────────────────────
SELECT is(pg_temp.brief('x', '{}', '{"scope": "self", "rep": "x"}') ->> 'key', 'x', 'X''s key sees X');
SELECT throws_like($$SELECT pg_temp.brief('y', '{}', '{"scope": "self", "rep": "x"}')$$, '%There is no rep "y"%', 'and nobody else');
SELECT throws_like($$SELECT pg_temp.brief('nobody')$$, '%There is no rep "nobody"%', 'nor who is not there');
SELECT is(pg_temp.brief('y', '{"min_n": "1"}', '{"scope": "self", "rep": "y"}') #> '{sentences,1,figures,weight}', '1.000000', 'the mix a key of one rep sees is that rep''s');
SELECT throws_like($$SELECT pg_temp.brief('x', '{}', '{"scope": "team", "team": "t2"}')$$, '%There is no rep "x"%', 'a key of another team does not');
UPDATE org SET rep_metrics = 'off' WHERE org_id = 1;
SELECT throws_like($$SELECT pg_temp.brief('x')$$, '%serves no figures of single reps%', 'nobody where that is switched off');

SELECT * FROM finish();
ROLLBACK;
