-- GET /v1/alignment: the main answer. One row a group with the core metrics, from one reading of the facts.

CREATE TYPE pl.alignment_row AS (total boolean, key text, period int, label text, body json);

CREATE FUNCTION pl.core_metrics(q pl.metric_query) RETURNS pl.metric[]
LANGUAGE sql STABLE AS $$
  SELECT ARRAY(SELECT m FROM pl.metric m
               WHERE m.core IS NOT NULL AND (q.grouped_by IS NULL OR q.grouped_by = ANY (m.groupings))
                 AND NOT EXISTS (SELECT FROM jsonb_object_keys(q.filters) AS f(key)
                                 WHERE key IN ('product', 'origin', 'tier', 'segment') AND key <> ALL (pl.narrowed_by(m)))
               ORDER BY m.core)
$$;
COMMENT ON FUNCTION pl.core_metrics IS 'the core metrics that make sense in this grouping and under these filters; the others are left out';

CREATE FUNCTION pl.core_needs() RETURNS text[]
LANGUAGE sql STABLE AS $$
  SELECT ARRAY(SELECT DISTINCT n FROM pl.metric m, unnest(pl.metric_needs(m, '{}')) n WHERE m.core IS NOT NULL)
$$;
COMMENT ON FUNCTION pl.core_needs IS 'the facts that the core metrics read together';

CREATE FUNCTION pl.alignment_rows(q pl.metric_query) RETURNS SETOF pl.alignment_row
LANGUAGE plpgsql STABLE SET jit = off AS $$
DECLARE
  v_metrics pl.metric[] := pl.core_metrics(q);
  v_needs   text[] := ARRAY(SELECT DISTINCT n FROM unnest(v_metrics) m, unnest(pl.metric_needs(m, jsonb_build_object('weight', q.weight))) n);
  f         pl.facts := pl.facts_of(q, v_needs);
BEGIN
  RETURN QUERY
  WITH figure AS MATERIALIZED (
    SELECT m.core, m.key AS metric, w.total, w.key, w.period, w.label, w.period_label, w.body
    FROM unnest(v_metrics) m
    CROSS JOIN LATERAL pl.written_rows(q, m, ARRAY(SELECT r FROM pl.metric_rows(m.key, q, f) r)) w
  ), line AS (
    SELECT g.total, g.key, g.period, max(g.label) AS label, max(g.period_label) AS period_label,
           json_object_agg(g.metric, g.body ORDER BY g.core) AS metrics
    FROM figure g GROUP BY g.total, g.key, g.period
  )
  SELECT l.total, l.key, l.period, l.label,
         CASE WHEN l.total THEN json_build_object('metrics', l.metrics)
              WHEN l.period IS NULL THEN (SELECT row_to_json(x) FROM (SELECT l.key, l.label, l.metrics) x)
              ELSE (SELECT row_to_json(x) FROM (SELECT l.key, l.label, l.period_label AS period, l.metrics) x) END
  FROM line l
  ORDER BY l.total, CASE WHEN q.grouped_by = 'period' THEN l.period END, l.key COLLATE "C", l.period;
END
$$;
COMMENT ON FUNCTION pl.alignment_rows IS 'rows of the main answer, the total last';

CREATE FUNCTION pl.csv_alignment_line(p_row json) RETURNS json
LANGUAGE sql STABLE AS $$
  SELECT json_object_agg(k, v)
  FROM (SELECT e.key AS k, e.value AS v FROM json_each(p_row) e WHERE e.key <> 'metrics'
        UNION ALL
        SELECT e.key, (SELECT json_object_agg(c.key, c.value) FROM json_each(pl.csv_metric_line(e.value)) c
                       WHERE c.key NOT IN ('key', 'label', 'period', 'forms', 'parts'))
        FROM json_each(p_row -> 'metrics') e) x
$$;
COMMENT ON FUNCTION pl.csv_alignment_line IS 'a group as CSV columns: key, label, period, then value … ci_high of each metric (its parts are in the metric''s own CSV)';

CREATE FUNCTION pl.answer_alignment(p_org int, p_request jsonb) RETURNS text
LANGUAGE plpgsql STABLE SET jit = off AS $$
DECLARE
  q       pl.metric_query := pl.resolve_query(p_org, p_request, '{rep,segment,team,product,tier,origin,period}',
                                              pl.core_needs());
  v_rows  pl.alignment_row[] := ARRAY(SELECT r FROM pl.alignment_rows(q) r);
  v_lines json[] := ARRAY(SELECT r.body FROM unnest(v_rows) WITH ORDINALITY AS r
                          WHERE NOT r.total OR (q.grouped_by IS NULL AND p_request ->> 'format' <> 'json') ORDER BY r.ordinality);
BEGIN
  RETURN CASE p_request ->> 'format'
    WHEN 'csv' THEN pl.csv(ARRAY(SELECT pl.csv_alignment_line(l) FROM unnest(v_lines) l), '{key,label,period}')
    WHEN 'ndjson' THEN pl.ndjson(v_lines)
    ELSE pl.alignment_envelope(q, pl.json_lines(v_lines), (SELECT r.body FROM unnest(v_rows) r WHERE r.total)) END;
END
$$;
COMMENT ON FUNCTION pl.answer_alignment IS 'is the sales force executing the strategy: the core metrics by rep, segment, team, product, tier, origin or period (SPEC 5)';

CREATE FUNCTION pl.alignment_envelope(q pl.metric_query, p_rows json, p_total json) RETURNS text
LANGUAGE sql STABLE AS $$
  SELECT row_to_json(x)::text
  FROM (SELECT q.grouped_by AS "by", pl.params_shown(q) AS params, q.currency, q.zone AS time_zone, pl.iso(q.as_of_shown) AS as_of,
               pl.iso(q.known_shown) AS known_at, q.strategies AS strategy_versions, q.backdated, q.fit_basis, q.credit,
               p_rows AS rows, p_total AS total, q.data_version) x
$$;
