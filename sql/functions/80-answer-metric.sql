-- GET /v1/metrics (the dictionary) and GET /v1/metrics/{key}.

CREATE FUNCTION pl.dictionary_entry(m pl.metric) RETURNS json
LANGUAGE sql STABLE AS $$
  SELECT row_to_json(x) FROM (SELECT m.key, m.id, m.version, m.name, m.formula, m.unit, m.terms, m.basis, m.groupings,
                                     m.nulls AS null_rules, m.note, m.core IS NOT NULL AS core, m.drill IS NOT NULL AS has_rows,
                                     CASE WHEN m.drill IS NOT NULL THEN coalesce(m.adds, 'numerators and denominators add up to those of the number') END
                                       AS rows_add) x
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

CREATE FUNCTION pl.metric_envelope(q pl.metric_query, m pl.metric, p_rows json, p_total json) RETURNS text
LANGUAGE sql STABLE AS $$
  SELECT row_to_json(x)::text
  FROM (SELECT m.key AS metric, m.version AS metric_version, q.grouped_by AS "by", pl.params_shown(q) AS params, m.unit, q.currency, q.zone AS time_zone,
               pl.iso(q.as_of_shown) AS as_of, pl.iso(q.known_shown) AS known_at, q.strategies AS strategy_versions, q.backdated,
               q.fit_basis, q.credit, p_rows AS rows, p_total AS total, q.data_version) x
$$;

CREATE FUNCTION pl.asked(m pl.metric, p_params jsonb) RETURNS jsonb
LANGUAGE sql IMMUTABLE AS $$
  SELECT CASE WHEN m.key = 'trend' AND NOT coalesce(p_params, '{}') ? 'granularity' THEN coalesce(p_params, '{}') || '{"granularity": "month"}'
              ELSE coalesce(p_params, '{}') END
$$;
COMMENT ON FUNCTION pl.asked IS 'what is asked for, with what the metric takes for granted: a trend goes by month';

CREATE FUNCTION pl.dressed(m pl.metric, p_params jsonb) RETURNS pl.metric
LANGUAGE plpgsql STABLE AS $$
DECLARE
  i pl.metric;
BEGIN
  IF 'metric' = ANY (m.needs) AND m.key <> 'leaderboard' THEN
    SELECT * INTO i FROM pl.metric x WHERE x.key = coalesce(p_params ->> 'metric', 'win_rate');
    m.unit := i.unit;
    m.terms := i.terms;
  ELSIF 'weight' = ANY (m.needs) AND p_params ->> 'weight' = 'hours' THEN
    m.terms := 'hours';
  END IF;
  RETURN m;
END
$$;
COMMENT ON FUNCTION pl.dressed IS 'the metric with the unit and terms it has in this question: those of the metric it looks at, or of what it is weighed by';

-- The sets of facts an answer is made of, each read once: of the question, and of the period it is compared with.
CREATE TYPE pl.metric_basis AS (q pl.metric_query, f pl.facts, before pl.metric_query, before_f pl.facts);

CREATE FUNCTION pl.basis_of(q pl.metric_query, p_needs text[]) RETURNS pl.metric_basis
LANGUAGE plpgsql STABLE AS $$
DECLARE
  b pl.metric_basis;
BEGIN
  b.q := q;
  b.f := pl.facts_of(q, p_needs);
  IF q.compare IS NOT NULL THEN
    b.before := pl.other_period(q, q.compare);
    b.before_f := pl.facts_of(b.before, p_needs);
  END IF;
  RETURN b;
END
$$;
COMMENT ON FUNCTION pl.basis_of IS 'reads the facts of a question, and of the period it is compared with';

CREATE FUNCTION pl.metric_lines(b pl.metric_basis, m pl.metric) RETURNS pl.written_row[]
LANGUAGE plpgsql STABLE SET jit = off AS $$
DECLARE
  v_rows pl.written_row[];
BEGIN
  v_rows := ARRAY(SELECT w FROM pl.written_rows(b.q, m, ARRAY(SELECT r FROM pl.metric_rows(m.key, b.q, b.f) r)) w
                  ORDER BY w.total, CASE WHEN (b.q).grouped_by = 'period' THEN w.period END, w.key COLLATE "C", w.period);
  IF (b.q).compare IS NULL OR m.key = 'change_decomposition' THEN
    RETURN v_rows;
  END IF;
  RETURN pl.compared(b, m, v_rows);
END
$$;
COMMENT ON FUNCTION pl.metric_lines IS 'the written rows of one metric in their order, compared when the question says with what';

CREATE FUNCTION pl.metric_answer(q pl.metric_query, m pl.metric, p_rows pl.written_row[]) RETURNS text
LANGUAGE plpgsql STABLE AS $$
BEGIN
  RETURN pl.metric_envelope(q, m, pl.json_lines(ARRAY(SELECT w.body FROM unnest(p_rows) WITH ORDINALITY AS w WHERE NOT w.total ORDER BY w.ordinality)),
                            (SELECT w.body FROM unnest(p_rows) w WHERE w.total));
END
$$;

CREATE FUNCTION pl.table_lines(q pl.metric_query, p_rows pl.written_row[]) RETURNS json[]
LANGUAGE plpgsql STABLE AS $$
BEGIN
  RETURN ARRAY(SELECT w.body FROM unnest(p_rows) WITH ORDINALITY AS w WHERE NOT w.total OR q.grouped_by IS NULL ORDER BY w.ordinality);
END
$$;
COMMENT ON FUNCTION pl.table_lines IS 'what CSV and NDJSON hold: the rows; the total is their one line when there is no by';

CREATE FUNCTION pl.answer_metric(p_org int, p_request jsonb) RETURNS text
LANGUAGE plpgsql STABLE SET jit = off AS $$
DECLARE
  m        pl.metric := pl.known_metric(p_request #>> '{path,0}');
  v_params jsonb := pl.asked(m, p_request -> 'query');
  v_needs  text[] := pl.metric_needs(m, v_params);
  q        pl.metric_query := pl.resolve_query(p_org, p_request || jsonb_build_object('query', v_params), pl.groupings_of(m, v_params), v_needs, pl.metric_problems(m, v_params));
  v_rows   pl.written_row[];
BEGIN
  m := pl.dressed(m, v_params);
  v_rows := pl.metric_lines(pl.basis_of(q, v_needs), m);
  RETURN CASE p_request ->> 'format'
    WHEN 'csv' THEN pl.csv(ARRAY(SELECT pl.csv_metric_line(l) FROM unnest(pl.table_lines(q, v_rows)) l),
                           '{key,label,period,value,numerator,denominator,n,ci_low,ci_high}')
    WHEN 'ndjson' THEN pl.ndjson(pl.table_lines(q, v_rows))
    ELSE pl.metric_answer(q, m, v_rows) END;
END
$$;
COMMENT ON FUNCTION pl.answer_metric IS
  'One metric in the groups asked for, and its total. CSV and NDJSON hold the rows; the total is their one line when there is no by';

CREATE FUNCTION pl.compared(b pl.metric_basis, m pl.metric, p_rows pl.written_row[]) RETURNS pl.written_row[]
LANGUAGE plpgsql STABLE AS $$
DECLARE
  v_rows pl.metric_row[] := ARRAY(SELECT r FROM pl.metric_rows(m.key, b.before, b.before_f) r);
BEGIN
  RETURN ARRAY(
    SELECT (w.metric, w.total, w.key, w.period, w.period_label, w.label,
            (SELECT json_object_agg(e.key, e.value) FROM (
               SELECT j.key, j.value FROM json_each(w.body) j
               UNION ALL
               SELECT 'compare', json_build_object('period', (b.before).period, 'value', pl.written(o.value, m.unit, (b.q).currency),
                                                   'n', pl.written(o.n, 'count', NULL),
                                                   'change', pl.written(a.value - o.value, m.unit, (b.q).currency))) e))::pl.written_row
    FROM unnest(p_rows) WITH ORDINALITY AS w
    LEFT JOIN unnest(v_rows) o ON o.total = w.total AND o.key IS NOT DISTINCT FROM w.key
    CROSS JOIN LATERAL (SELECT (w.body ->> 'value')::numeric AS value) a
    ORDER BY w.ordinality);
END
$$;
COMMENT ON FUNCTION pl.compared IS 'rows with the same figure of another period (compare_to=a period or previous) and the change';
