-- M20: do customers hear the strategy's value messages.

CREATE FUNCTION pl.metric_message_adoption(q pl.metric_query, f pl.facts) RETURNS SETOF pl.metric_row
LANGUAGE plpgsql STABLE SET plan_cache_mode = force_custom_plan SET jit = off AS $$
DECLARE
  v_themes jsonb := CASE WHEN jsonb_typeof(q.body -> 'messages') = 'array' THEN q.body -> 'messages' ELSE '[]' END;
  v_rows   pl.hour_row[] := '{}';
BEGIN
  IF v_themes <> '[]' THEN
    v_rows := ARRAY(SELECT r FROM pl.hour_rows(q, q.start_at, q.end_at) r);
  END IF;
  RETURN QUERY
  WITH talk AS MATERIALIZED (
    SELECT DISTINCT p.total, CASE WHEN p.total THEN NULL ELSE p.key END AS key, CASE WHEN p.total THEN NULL ELSE p.period END AS period,
           r.activity_id, r.deal_id, r.messages
    FROM unnest(v_rows) r
    CROSS JOIN LATERAL (
      SELECT CASE q.grouped_by WHEN 'rep' THEN coalesce(r.rep, '__none__') WHEN 'team' THEN coalesce(r.team, '__none__') WHEN 'segment' THEN r.segment
                  WHEN 'period' THEN (q.subs[width_bucket(r.starts_at, q.bounds)]).label END AS key,
             CASE WHEN q.bounds IS NOT NULL THEN width_bucket(r.starts_at, q.bounds) END AS period, t.total
      FROM (VALUES (true), (false)) AS t(total)) p
    WHERE p.total OR q.grouped_by IS NOT NULL
  ), untagged AS (
    SELECT t.total, t.key, t.period, count(*) AS n FROM talk t WHERE t.messages = '{}' GROUP BY t.total, t.key, t.period
  ), theme AS (
    SELECT m ->> 'key' AS theme, coalesce((m ->> 'target')::numeric, 0) AS target FROM jsonb_array_elements(v_themes) m
  ), said AS (
    SELECT t.total, t.key, t.period, h.theme, h.target, count(DISTINCT t.deal_id) AS deals,
           count(DISTINCT t.deal_id) FILTER (WHERE h.theme = ANY (t.messages)) AS deals_with, count(DISTINCT t.activity_id) AS talks,
           count(DISTINCT t.activity_id) FILTER (WHERE h.theme = ANY (t.messages)) AS talks_with
    FROM talk t CROSS JOIN theme h
    WHERE t.messages <> '{}'
    GROUP BY t.total, t.key, t.period, h.theme, h.target
  ), whole AS (
    SELECT s.total, s.key, s.period, pl.ratio(sum(s.target * pl.ratio(s.deals_with, s.deals)), sum(s.target) FILTER (WHERE s.deals > 0)) AS value,
           max(s.deals)::numeric AS deals,
           pl.total_variation(array_agg(pl.ratio(s.target, x.targets) ORDER BY s.theme), array_agg(pl.ratio(s.talks_with, x.tags) ORDER BY s.theme))
             AS emphasis,
           json_agg(json_build_object('key', s.theme, 'target', round(s.target, 6), 'deals', pl.count_form(q, s.deals_with, s.deals),
                                      'calls', pl.count_form(q, s.talks_with, s.talks),
                                      'emphasis', round(pl.ratio(s.talks_with, x.tags), 6)) ORDER BY s.theme COLLATE "C") AS keys
    FROM said s
    JOIN (SELECT y.total, y.key, y.period, sum(y.talks_with) AS tags, sum(y.target) AS targets FROM said y GROUP BY y.total, y.key, y.period) x
      ON (x.total, coalesce(x.key, ''), coalesce(x.period, 0)) = (s.total, coalesce(s.key, ''), coalesce(s.period, 0))
    GROUP BY s.total, s.key, s.period
  )
  SELECT a.total, a.key, a.period, w.value, NULL::numeric, NULL::numeric, coalesce(w.deals, 0), NULL::numeric[],
         CASE WHEN v_themes = '[]' THEN 'no_target' WHEN w.value IS NULL THEN 'empty_denominator' END,
         (SELECT json_object_agg(e.key, e.value) FROM (SELECT * FROM json_each(pl.excluded(q, 0, 0, 0, 0, 0))
                                                       UNION ALL SELECT 'untagged', to_json(coalesce(u.n, 0))) e),
         pl.quality(q, 0, 0, 0), '{}'::json,
         json_build_object('keys', coalesce(w.keys, '[]'), 'emphasis_tv', round(w.emphasis, 6))
  FROM pl.answer_places(q, ARRAY(SELECT DISTINCT t.key FROM talk t)) a
  LEFT JOIN whole w ON (w.total, coalesce(w.key, ''), coalesce(w.period, 0)) = (a.total, coalesce(a.key, ''), coalesce(a.period, 0))
  LEFT JOIN untagged u ON (u.total, coalesce(u.key, ''), coalesce(u.period, 0)) = (a.total, coalesce(a.key, ''), coalesce(a.period, 0));
END
$$;

INSERT INTO pl.metric (key, id, name, formula, unit, terms, basis, groupings, nulls, note, needs, core, drill) VALUES
  ('message_adoption', 'M20', 'Value messages used',
   'per message: deals with a conversation that used it / deals with a tagged conversation; the number is their mean, weighted with the strategy''s targets',
   'fraction', 'count', 'counted activities that started in the period', '{rep,team,segment,period}',
   'strategy without messages: no_target; no tagged conversation on a deal: empty_denominator',
   'parts.keys: each message by deals and by conversations, and its part of all tags; emphasis_tv: that mix against the targets. '
   'Conversations without any message are taken as not tagged and counted in excluded.untagged.', '{}', NULL, 'hours');
