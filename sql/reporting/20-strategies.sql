-- Strategies and what they aim at.

CREATE OR REPLACE VIEW reporting.strategies WITH (security_barrier) AS
SELECT s.org_id, s.strategy_id::text AS strategy_id, s.number, s.name, s.effective_from, s.teams AS team_ids, s.published_at,
       s.strategy_id IS NOT DISTINCT FROM
         (SELECT x.strategy_id FROM public.strategy AS x
           WHERE x.org_id = s.org_id AND x.status = 'published' AND x.teams = '{}' AND x.effective_at <= now()
           ORDER BY x.effective_at DESC, x.publish_order DESC LIMIT 1) AS is_in_force_for_all
  FROM reporting.organisations AS g
  JOIN public.strategy AS s ON s.org_id = g.org_id AND s.status = 'published';
COMMENT ON VIEW reporting.strategies IS 'Published strategies';
COMMENT ON COLUMN reporting.strategies.org_id IS 'Organisation';
COMMENT ON COLUMN reporting.strategies.strategy_id IS 'Id, as in the API';
COMMENT ON COLUMN reporting.strategies.number IS 'Counted up per organisation';
COMMENT ON COLUMN reporting.strategies.name IS 'What it is called';
COMMENT ON COLUMN reporting.strategies.effective_from IS 'First local day it judges';
COMMENT ON COLUMN reporting.strategies.team_ids IS 'Teams it is for, with those below them; empty: everybody';
COMMENT ON COLUMN reporting.strategies.published_at IS 'When it was published';
COMMENT ON COLUMN reporting.strategies.is_in_force_for_all IS 'True: today it holds for all teams without a strategy of their own';

CREATE OR REPLACE VIEW reporting.strategy_targets WITH (security_barrier) AS
SELECT s.org_id, s.strategy_id::text AS strategy_id, t.dimension, t.key, t.label, t.measure, t.target::numeric AS target
  FROM reporting.organisations AS g
  JOIN public.strategy AS s ON s.org_id = g.org_id AND s.status = 'published'
 CROSS JOIN LATERAL (
    SELECT 'segment' AS dimension, e ->> 'key' AS key, e ->> 'label' AS label, m.key AS measure, m.value #>> '{}' AS target
      FROM jsonb_array_elements(coalesce(s.body -> 'segments', '[]')) AS e CROSS JOIN LATERAL jsonb_each(coalesce(e -> 'target', '{}')) AS m
    UNION ALL
    SELECT 'product', m.key, NULL, 'bookings', m.value #>> '{}' FROM jsonb_each(coalesce(s.body -> 'products', '{}')) AS m
    UNION ALL
    SELECT 'message', e ->> 'key', e ->> 'label', 'conversations', e ->> 'target' FROM jsonb_array_elements(coalesce(s.body -> 'messages', '[]')) AS e
     WHERE e ? 'target') AS t;
COMMENT ON VIEW reporting.strategy_targets IS 'What a strategy aims at, as shares of 1: a row a segment and measure, a product family, a message';
COMMENT ON COLUMN reporting.strategy_targets.org_id IS 'Organisation';
COMMENT ON COLUMN reporting.strategy_targets.strategy_id IS 'Strategy';
COMMENT ON COLUMN reporting.strategy_targets.dimension IS 'segment, product or message';
COMMENT ON COLUMN reporting.strategy_targets.key IS 'Key of the segment, family or message';
COMMENT ON COLUMN reporting.strategy_targets.label IS 'What it is called; null for products';
COMMENT ON COLUMN reporting.strategy_targets.measure IS 'What the share is of: bookings, time, …; conversations for messages';
COMMENT ON COLUMN reporting.strategy_targets.target IS 'Share aimed at, 0 to 1';
