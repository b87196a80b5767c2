-- M20: do customers hear the strategy's value messages.

CREATE TYPE pl.placed_talk AS (total boolean, key text, period int, activity_id text, deal_id text, messages text[], tagged boolean, backcast boolean);
COMMENT ON TYPE pl.placed_talk IS 'a counted conversation in one place of the answer, once however many reps and accounts took part in it there';

CREATE FUNCTION pl.placed_talks(q pl.metric_query) RETURNS SETOF pl.placed_talk
LANGUAGE plpgsql STABLE SET plan_cache_mode = force_custom_plan SET jit = off SET work_mem = '64MB' AS $$
BEGIN
  RETURN QUERY
  SELECT p.total, p.key, p.period, r.activity_id, r.deal_id, r.messages, r.tagged, bool_or(r.backcast)
  FROM pl.hour_rows(q, q.start_at, q.end_at) r
  CROSS JOIN LATERAL (SELECT CASE WHEN q.bounds IS NOT NULL THEN width_bucket(r.starts_at, q.bounds) END AS part) w
  CROSS JOIN LATERAL (
    SELECT true AS total, NULL::text AS key, NULL::int AS period
    UNION ALL
    SELECT false, pl.group_key(q, r.rep, r.team, r.segment, r.tier, r.class, r.kind, w.part), w.part WHERE q.grouped_by IS NOT NULL) p
  WHERE NOT pl.is_internal(r.kind)
  GROUP BY p.total, p.key, p.period, r.activity_id, r.deal_id, r.messages, r.tagged;
END
$$;
COMMENT ON FUNCTION pl.placed_talks IS 'the counted conversations that started in the period, internal work apart, in the places they belong to (METRICS.md M20)';

CREATE FUNCTION pl.message_themes(q pl.metric_query) RETURNS TABLE (theme text, target numeric, weight numeric)
LANGUAGE plpgsql STABLE AS $$
BEGIN
  RETURN QUERY
  WITH m AS (
    SELECT x ->> 'key' AS theme, (x ->> 'target')::numeric AS target
    FROM jsonb_array_elements(CASE WHEN jsonb_typeof(q.body -> 'messages') = 'array' THEN q.body -> 'messages' ELSE '[]' END) x
  )
  SELECT m.theme, m.target,
         coalesce(pl.ratio(coalesce(m.target, 0), nullif(sum(m.target) OVER (), 0)), pl.ratio(1, count(*) OVER ()))
  FROM m;
END
$$;
COMMENT ON FUNCTION pl.message_themes IS 'the strategy''s value messages with their targets; weight: the target''s part of all targets, equal parts when none is set';

CREATE FUNCTION pl.metric_message_adoption(q pl.metric_query, f pl.facts) RETURNS SETOF pl.metric_row
LANGUAGE plpgsql STABLE SET plan_cache_mode = force_custom_plan SET jit = off SET work_mem = '64MB' AS $$
DECLARE
  v_themes boolean := EXISTS (SELECT FROM pl.message_themes(q));
BEGIN
  RETURN QUERY
  WITH talk AS MATERIALIZED (
    SELECT t.total, coalesce(t.key, '') AS key, coalesce(t.period, 0) AS period, t.activity_id, t.deal_id, t.messages, t.tagged, t.backcast
    FROM pl.placed_talks(q) t WHERE v_themes
  ), counted AS MATERIALIZED (
    SELECT t.total, t.key, t.period, count(*) FILTER (WHERE t.tagged) AS talks, count(DISTINCT t.deal_id) FILTER (WHERE t.tagged) AS deals,
           count(*) FILTER (WHERE NOT t.tagged) AS untagged, count(*) FILTER (WHERE t.tagged AND t.backcast) AS backcast
    FROM talk t GROUP BY t.total, t.key, t.period
  ), tag AS MATERIALIZED (
    SELECT t.total, t.key, t.period, m.theme, count(DISTINCT t.deal_id) AS deals, count(*) AS talks
    FROM talk t CROSS JOIN LATERAL (SELECT DISTINCT x AS theme FROM unnest(t.messages) x) m
    GROUP BY t.total, t.key, t.period, m.theme
  ), said AS MATERIALIZED (
    -- Every message of the strategy everywhere, and the tags that are none of its messages where they occur.
    SELECT c.total, c.key, c.period, h.theme, h.target, h.weight, coalesce(g.deals, 0) AS deals_with, coalesce(g.talks, 0) AS talks_with, c.deals, c.talks
    FROM counted c
    CROSS JOIN pl.message_themes(q) h
    LEFT JOIN tag g ON (g.total, g.key, g.period, g.theme) = (c.total, c.key, c.period, h.theme)
    UNION ALL
    SELECT g.total, g.key, g.period, g.theme, NULL, 0, g.deals, g.talks, c.deals, c.talks
    FROM tag g JOIN counted c ON (c.total, c.key, c.period) = (g.total, g.key, g.period)
    WHERE g.theme NOT IN (SELECT h.theme FROM pl.message_themes(q) h)
  ), whole AS (
    SELECT s.total, s.key, s.period, sum(s.weight * s.deals_with) AS adopted, sum(s.weight * s.talks_with) AS spoken,
           pl.total_variation(array_agg(s.weight ORDER BY s.theme COLLATE "C"), array_agg(pl.ratio(s.talks_with, s.tags) ORDER BY s.theme COLLATE "C")) AS emphasis,
           json_agg(json_build_object('key', s.theme, 'target', round(s.target, 6), 'deals', pl.count_form(q, s.deals_with, s.deals),
                                      'calls', pl.count_form(q, s.talks_with, s.talks), 'emphasis', round(pl.ratio(s.talks_with, s.tags), 6),
                                      'emphasis_n', s.tags, 'gap', round(pl.ratio(s.talks_with, s.tags) - s.weight, 6),
                                      'unplanned', s.weight = 0 AND s.target IS NULL) ORDER BY s.theme COLLATE "C") AS keys,
           max(s.tags) AS tags
    FROM (SELECT x.*, sum(x.talks_with) OVER (PARTITION BY x.total, x.key, x.period) AS tags FROM said x) s
    GROUP BY s.total, s.key, s.period
  )
  SELECT a.total, a.key, a.period, pl.ratio(w.adopted, x.deals), w.adopted, x.deals, x.deals, NULL::numeric[],
         CASE WHEN NOT v_themes THEN 'no_target' WHEN x.deals = 0 THEN 'empty_denominator' END,
         pl.with_member(pl.excluded(q, 0, 0, 0, 0, 0), 'untagged', to_json(coalesce(c.untagged, 0))),
         pl.quality(q, 0, 0, coalesce(c.backcast, 0)),
         json_build_object('deals', json_build_object('value', round(pl.ratio(w.adopted, x.deals), 6), 'numerator', trim_scale(round(w.adopted, 6)),
                                                      'denominator', x.deals, 'n', x.deals),
                           'calls', json_build_object('value', round(pl.ratio(w.spoken, x.talks), 6), 'numerator', trim_scale(round(w.spoken, 6)),
                                                      'denominator', x.talks, 'n', x.talks)),
         json_build_object('keys', coalesce(w.keys, '[]'), 'emphasis_tv', CASE WHEN w.tags > 0 THEN round(w.emphasis, 6) END)
  FROM pl.answer_places(q, ARRAY(SELECT DISTINCT t.key FROM talk t WHERE NOT t.total)) a
  LEFT JOIN counted c ON (c.total, c.key, c.period) = (a.total, coalesce(a.key, ''), coalesce(a.period, 0))
  LEFT JOIN whole w ON (w.total, w.key, w.period) = (a.total, coalesce(a.key, ''), coalesce(a.period, 0))
  CROSS JOIN LATERAL (SELECT coalesce(c.deals, 0)::numeric AS deals, coalesce(c.talks, 0)::numeric AS talks) x;
END
$$;

INSERT INTO pl.metric (key, id, name, formula, unit, terms, basis, groupings, nulls, note, needs, core, drill, narrows) VALUES
  ('message_adoption', 'M20', 'Value messages used',
   'per message: deals with a conversation that used it / deals with a conversation; the number is their mean, weighted with the strategy''s targets',
   'fraction', 'count', 'counted activities that started in the period, internal work apart', '{rep,team,segment,class,period}',
   'strategy without messages: no_target; no conversation on a deal that was looked at for messages: empty_denominator',
   'forms: by deals, by conversations (calls). parts.keys: each message in both forms with its interval, and its part of all tags (emphasis); emphasis_tv: that mix against the targets, tags '
   'that are no message of the strategy counted in (unplanned). A conversation without messages counts if its tagging_status is done, else it is in excluded.untagged.',
   '{}', NULL, 'messages', '{segment,tier}');
