-- Rows of a metric as JSON: the ROW of the API's shapes.

CREATE FUNCTION pl.metric_rows(p_key text, q pl.metric_query, f pl.facts) RETURNS SETOF pl.metric_row
LANGUAGE plpgsql STABLE AS $$
BEGIN
  -- The key is one of the dictionary's, never the caller's text.
  RETURN QUERY EXECUTE format('SELECT * FROM pl.%I($1, $2)', 'metric_' || p_key) USING q, f;
END
$$;
COMMENT ON FUNCTION pl.metric_rows IS 'computes a metric of the dictionary: calls its function pl.metric_<key>';

CREATE TYPE pl.written_row AS (metric text, total boolean, key text, period int, period_label text, label text, body json);

CREATE FUNCTION pl.written_rows(q pl.metric_query, m pl.metric, p_rows pl.metric_row[]) RETURNS SETOF pl.written_row
LANGUAGE plpgsql STABLE SET plan_cache_mode = force_generic_plan SET enable_nestloop = off SET jit = off AS $$
DECLARE
  v_row_threshold   jsonb := pl.threshold_for(q.body, m.key, q.grouped_by);
  v_total_threshold jsonb := pl.threshold_for(q.body, m.key, NULL);
BEGIN
  RETURN QUERY
  WITH label AS MATERIALIZED (
    SELECT l.key, coalesce(l.label, l.key) AS label
    FROM pl.group_labels(q, ARRAY(SELECT DISTINCT r.key FROM unnest(p_rows) r WHERE NOT r.total ORDER BY 1)) l
  )
  SELECT m.key, r.total, r.key, r.period, CASE WHEN r.period IS NOT NULL THEN (q.subs[r.period]).label END,
         CASE WHEN r.total THEN 'Total' ELSE l.label END,
         CASE WHEN r.period IS NULL
           THEN (SELECT row_to_json(x) FROM (SELECT w.key, w.label, w.value, w.numerator, w.denominator, w.n, w.ci, w.status, w.low_n,
                        w.reason, w.ci_reason, r.excluded, r.quality, r.forms, r.parts) x)
           ELSE (SELECT row_to_json(x) FROM (SELECT w.key, w.label, (q.subs[r.period]).label AS period, w.value, w.numerator, w.denominator, w.n,
                        w.ci, w.status, w.low_n, w.reason, w.ci_reason, r.excluded, r.quality, r.forms, r.parts) x)
         END
  FROM unnest(p_rows) r
  LEFT JOIN label l ON l.key = r.key AND NOT r.total
  CROSS JOIN LATERAL (
    SELECT CASE WHEN r.total THEN 'total' ELSE r.key END AS key, CASE WHEN r.total THEN 'Total' ELSE l.label END AS label,
           pl.written(r.value, m.unit, q.currency) AS value, pl.written(r.numerator, m.terms, q.currency) AS numerator,
           pl.written(r.denominator, m.terms, q.currency) AS denominator, pl.written(r.n, 'count', NULL) AS n,
           CASE WHEN q.credit <> 'split' THEN pl.written_ci(r.ci) END AS ci,
           pl.row_status(CASE WHEN r.total THEN v_total_threshold ELSE v_row_threshold END, r.value,
                         CASE WHEN q.credit <> 'split' THEN r.ci END) AS status,
           coalesce(r.n, 0) < q.min_n AS low_n, CASE WHEN r.value IS NULL THEN r.reason END AS reason,
           CASE WHEN q.credit = 'split' AND r.ci IS NOT NULL THEN 'fractional_credit' END AS ci_reason
  ) w;
END
$$;
COMMENT ON FUNCTION pl.written_rows IS 'metric rows as the JSON of the API, with label, status and small-number flag';

CREATE FUNCTION pl.params_shown(q pl.metric_query) RETURNS jsonb
LANGUAGE sql STABLE AS $$
  SELECT jsonb_build_object('by', q.grouped_by, 'period', q.period, 'start', q.first_on, 'end', q.end_on, 'granularity', q.granularity,
                            'compare_to', (q.compare).label, 'filters', q.filters, 'min_n', q.min_n, 'include_unspecified', q.include_unspecified,
                            'exclude_nonpositive', q.exclude_nonpositive, 'include_low_n', q.include_low_n, 'over', q.over,
                            'weight', q.weight, 'rank', q.rank, 'window_days', q.window_days, 'metric', q.metric, 'rolling', q.rolling,
                            'created_amount', q.created_amount, 'decided', q.decided, 'due', q.due, 'prorate', q.prorate,
                            'not_real_reasons', array_to_string(q.not_real, ','), 'min_stage_reached', q.min_stage, 'currency', q.currency,
                            'revenue_basis', q.revenue_basis, 'include_imported', q.include_imported)
      || CASE WHEN q.min_activities IS NULL THEN '{}' ELSE jsonb_build_object('k', q.min_activities, 'grace_days', q.grace_days) END
$$;
COMMENT ON FUNCTION pl.params_shown IS 'the parameters of a question with nothing left open (METRICS.md R16); end is exclusive';
