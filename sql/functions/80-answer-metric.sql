-- GET /v1/metrics (the dictionary) and GET /v1/metrics/{key}.

CREATE FUNCTION pl.dictionary_entry(m pl.metric) RETURNS json
LANGUAGE sql STABLE AS $$
  SELECT row_to_json(x) FROM (SELECT m.key, m.id, m.version, m.name, m.formula, m.unit, m.terms, m.basis, m.groupings,
                                     m.nulls AS null_rules, m.note, m.core IS NOT NULL AS core, m.drill IS NOT NULL AS has_rows) x
$$;

CREATE FUNCTION pl.answer_dictionary(p_org int, p_request jsonb) RETURNS text
LANGUAGE plpgsql STABLE AS $$
DECLARE
  v_entries json[] := ARRAY(SELECT pl.dictionary_entry(m) FROM pl.metric m ORDER BY m.id);
BEGIN
  RETURN CASE p_request ->> 'format'
    WHEN 'csv' THEN pl.csv(v_entries, '{key,id,version,name,unit,formula}')
    WHEN 'ndjson' THEN pl.ndjson(v_entries)
    ELSE (SELECT row_to_json(x)::text FROM (SELECT pl.json_lines(v_entries) AS data) x) END;
END
$$;
COMMENT ON FUNCTION pl.answer_dictionary IS 'what each metric means: formula, unit, null rules, version (SPEC 5)';

CREATE FUNCTION pl.known_metric(p_key text) RETURNS pl.metric
LANGUAGE plpgsql STABLE AS $$
DECLARE
  m pl.metric;
BEGIN
  SELECT * INTO m FROM pl.metric WHERE key = p_key;
  IF NOT FOUND THEN
    PERFORM pl.fail('not_found', format('There is no metric "%s"; the nearest is "%s". GET /v1/metrics lists them.', left(p_key, 60),
                                        pl.nearest(p_key, ARRAY(SELECT x.key FROM pl.metric x ORDER BY x.key))));
  END IF;
  RETURN m;
END
$$;

CREATE FUNCTION pl.metric_needs(m pl.metric, p_params jsonb) RETURNS text[]
LANGUAGE sql IMMUTABLE AS $$
  SELECT CASE WHEN m.key = 'deliberate_emergent' THEN ARRAY['closed', CASE p_params ->> 'over' WHEN 'product' THEN 'family' ELSE 'segment' END]
              WHEN m.key <> 'strategy_setters' THEN m.needs ELSE
    ARRAY[CASE p_params ->> 'weight' WHEN 'hours' THEN 'hours' WHEN 'pipeline' THEN 'open' ELSE 'closed' END,
          CASE p_params ->> 'over' WHEN 'product' THEN 'family' ELSE 'segment' END] END
$$;
COMMENT ON FUNCTION pl.metric_needs IS 'the facts a metric reads: those over segments or products split one of them, and who sets the strategy is weighed by one kind of facts';

CREATE FUNCTION pl.refuse_filters(q pl.metric_query, m pl.metric) RETURNS void
LANGUAGE plpgsql STABLE AS $$
DECLARE
  v_wrong text := (SELECT string_agg(key, ', ' ORDER BY key) FROM jsonb_object_keys(q.filters) AS f(key)
                   WHERE key IN ('product', 'origin', 'tier', 'segment') AND key <> ALL (m.groupings)
                     AND NOT (key IN ('segment', 'tier', 'product', 'origin') AND m.drill IN ('closed', 'open', 'created')));
BEGIN
  IF v_wrong IS NOT NULL THEN
    PERFORM pl.fail('invalid_parameter', format('%s cannot be narrowed by %s: it has none.', m.key, v_wrong),
                    pl.problem(v_wrong, 'not_applicable', 'leave it out; this metric takes ' || array_to_string(m.groupings, ', ')));
  END IF;
END
$$;
COMMENT ON FUNCTION pl.refuse_filters IS 'a filter on something the metric''s rows do not have (hours have no product) is refused rather than ignored';

CREATE FUNCTION pl.metric_envelope(q pl.metric_query, m pl.metric, p_rows json, p_total json) RETURNS text
LANGUAGE sql STABLE AS $$
  SELECT row_to_json(x)::text
  FROM (SELECT m.key AS metric, m.version AS metric_version, q.grouped_by AS "by", pl.params_shown(q) AS params, m.unit, q.currency, q.zone AS time_zone,
               pl.iso(q.as_of_shown) AS as_of, pl.iso(q.known_shown) AS known_at, q.strategies AS strategy_versions, q.backdated,
               q.fit_basis, q.credit, p_rows AS rows, p_total AS total, q.data_version) x
$$;

CREATE FUNCTION pl.answer_metric(p_org int, p_request jsonb) RETURNS text
LANGUAGE plpgsql STABLE SET jit = off AS $$
DECLARE
  m       pl.metric := pl.known_metric(p_request #>> '{path,0}');
  v_needs text[] := pl.metric_needs(m, p_request -> 'query');
  q       pl.metric_query := pl.resolve_query(p_org, p_request, m.groupings, v_needs);
  f       pl.facts;
  v_rows  pl.written_row[];
  v_lines json[];
BEGIN
  PERFORM pl.refuse_filters(q, m);
  f := pl.facts_of(q, v_needs);
  v_rows := ARRAY(SELECT w FROM pl.written_rows(q, m, ARRAY(SELECT r FROM pl.metric_rows(m.key, q, f) r)) w
                  ORDER BY w.total, CASE WHEN q.grouped_by = 'period' THEN w.period END, w.key COLLATE "C", w.period);
  v_rows := pl.compared(v_rows, p_org, p_request, q, m);
  v_lines := ARRAY(SELECT w.body FROM unnest(v_rows) WITH ORDINALITY AS w WHERE NOT w.total OR (q.grouped_by IS NULL AND p_request ->> 'format' <> 'json')
                   ORDER BY w.ordinality);
  RETURN CASE p_request ->> 'format'
    WHEN 'csv' THEN pl.csv(ARRAY(SELECT pl.csv_metric_line(l) FROM unnest(v_lines) l),
                           '{key,label,period,value,numerator,denominator,n,ci_low,ci_high}')
    WHEN 'ndjson' THEN pl.ndjson(v_lines)
    ELSE pl.metric_envelope(q, m, pl.json_lines(v_lines), (SELECT w.body FROM unnest(v_rows) w WHERE w.total)) END;
END
$$;
COMMENT ON FUNCTION pl.answer_metric IS
  'One metric in the groups asked for, and its total. CSV and NDJSON hold the rows; the total is their one line when there is no by';

CREATE FUNCTION pl.compared(p_rows pl.written_row[], p_org int, p_request jsonb, q pl.metric_query, m pl.metric) RETURNS pl.written_row[]
LANGUAGE plpgsql STABLE AS $$
DECLARE
  v_to      text := p_request #>> '{query,compare_to}';
  v_request jsonb;
  v_before  pl.metric_query;
  v_rows    pl.metric_row[];
BEGIN
  IF v_to IS NULL THEN
    RETURN p_rows;
  END IF;
  IF q.granularity IS NOT NULL THEN
    PERFORM pl.fail('invalid_parameter', 'compare_to goes with single periods, not with granularity or by=period.',
                    pl.problem('compare_to', 'not_applicable', 'leave out granularity'));
  END IF;
  v_request := jsonb_set(p_request, '{query,period}', to_jsonb(CASE WHEN v_to = 'previous' THEN pl.period_before(q.first_on, q.end_on) ELSE v_to END));
  v_before := pl.resolve_query(p_org, v_request, m.groupings, pl.metric_needs(m, p_request -> 'query'));
  v_rows := ARRAY(SELECT r FROM pl.metric_rows(m.key, v_before, pl.facts_of(v_before, pl.metric_needs(m, p_request -> 'query'))) r);
  RETURN ARRAY(
    SELECT (w.metric, w.total, w.key, w.period, w.period_label, w.label,
            (SELECT json_object_agg(e.key, e.value) FROM (
               SELECT j.key, j.value FROM json_each(w.body) j
               UNION ALL
               SELECT 'compare', json_build_object('period', v_before.period, 'value', pl.written(b.value, m.unit, q.currency),
                                                   'n', pl.written(b.n, 'count', NULL),
                                                   'change', pl.written(a.value - b.value, m.unit, q.currency))) e))::pl.written_row
    FROM unnest(p_rows) WITH ORDINALITY AS w
    LEFT JOIN unnest(v_rows) b ON b.total = w.total AND b.key IS NOT DISTINCT FROM w.key
    CROSS JOIN LATERAL (SELECT (w.body ->> 'value')::numeric AS value) a
    ORDER BY w.ordinality);
END
$$;
COMMENT ON FUNCTION pl.compared IS 'rows with the same figure of another period (compare_to=a period or previous) and the change';
