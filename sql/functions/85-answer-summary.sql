-- GET /v1/summary: one page. What was intended, what was realised, who and what makes the difference.

CREATE FUNCTION pl.summary_metric(q pl.metric_query, p_key text, f pl.facts) RETURNS json
LANGUAGE plpgsql STABLE AS $$
BEGIN
  RETURN (SELECT w.body FROM pl.metric m, pl.written_rows(q, m, ARRAY(SELECT r FROM pl.metric_rows(m.key, q, f) r WHERE r.total)) w
          WHERE m.key = p_key);
END
$$;

CREATE FUNCTION pl.summary_setters(p_org int, p_request jsonb, p_over text, p_by text) RETURNS json
LANGUAGE plpgsql STABLE AS $$
DECLARE
  m pl.metric := pl.known_metric('strategy_setters');
  v_params jsonb := coalesce(p_request -> 'query', '{}') || jsonb_build_object('by', p_by, 'over', p_over, 'weight', 'bookings');
  v_needs  text[] := pl.metric_needs(m, v_params);
  q        pl.metric_query := pl.resolve_query(p_org, jsonb_set(p_request, '{query}', v_params), '{rep,team}', v_needs);
  v_rows   pl.metric_row[] := ARRAY(SELECT r FROM pl.metric_rows(m.key, q, pl.facts_of(q, v_needs)) r WHERE NOT r.total AND r.value IS NOT NULL);
BEGIN
  RETURN (
    SELECT json_build_object(
      'away', coalesce(json_agg(w.body ORDER BY w.value DESC, w.key COLLATE "C") FILTER (WHERE w.value > 0 AND w.from_top <= 5), '[]'),
      'back', coalesce(json_agg(w.body ORDER BY w.value, w.key COLLATE "C") FILTER (WHERE w.value < 0 AND w.from_bottom <= 5), '[]'))
    FROM (SELECT r.key, r.body, (r.body ->> 'value')::numeric AS value,
                 row_number() OVER (ORDER BY (r.body ->> 'value')::numeric DESC, r.key COLLATE "C") AS from_top,
                 row_number() OVER (ORDER BY (r.body ->> 'value')::numeric, r.key COLLATE "C") AS from_bottom
          FROM pl.written_rows(q, m, v_rows) r) w);
END
$$;
COMMENT ON FUNCTION pl.summary_setters IS 'who pulls the mix furthest away from the target and who pulls it back most (METRICS.md M31)';

CREATE FUNCTION pl.answer_summary(p_org int, p_request jsonb) RETURNS text
LANGUAGE plpgsql STABLE SET jit = off AS $$
DECLARE
  v_by text := CASE (SELECT o.rep_metrics FROM org o WHERE o.org_id = p_org) WHEN 'on' THEN 'rep' ELSE 'team' END;
  q    pl.metric_query := pl.resolve_query(p_org, p_request, '{}', '{closed,open,hours,family,segment}');
  f    pl.facts := pl.facts_of(q, '{closed,open,hours}');
BEGIN
  RETURN (SELECT row_to_json(x)::text FROM (
    SELECT (SELECT json_build_object('id', s.strategy_id, 'name', s.name, 'effective_from', s.effective_from)
            FROM strategy s WHERE s.org_id = p_org AND s.strategy_id = q.strategy) AS strategy,
           pl.params_shown(q) AS params, q.currency, q.zone AS time_zone, pl.iso(q.as_of_shown) AS as_of, pl.iso(q.known_shown) AS known_at,
           q.strategies AS strategy_versions, q.backdated, q.fit_basis, q.credit,
           pl.summary_metric(q, 'alignment_index', f) AS alignment_index, pl.summary_metric(q, 'bookings_share', f) AS bookings_share,
           pl.summary_metric(q, 'open_pipeline_share', f) AS open_pipeline_share, pl.summary_metric(q, 'selling_time_share', f) AS selling_time_share,
           pl.summary_metric(q, 'segment_mix', f) AS segment_mix, pl.summary_metric(q, 'product_mix', f) AS product_mix,
           pl.summary_metric(q, 'win_rate', f) AS win_rate, pl.summary_metric(q, 'opportunistic', f) AS opportunistic,
           pl.summary_metric(q, 'data_quality', f) AS data_quality,
           json_build_object('by', v_by, 'segment', pl.summary_setters(p_org, p_request, 'segment', v_by),
                             'product', pl.summary_setters(p_org, p_request, 'product', v_by)) AS strategy_setters,
           q.data_version) x);
END
$$;
COMMENT ON FUNCTION pl.answer_summary IS 'the one page: intended against realised mixes, who sets the difference, the opportunistic budget, the core figures, and how far the data carries them (SPEC 5)';
