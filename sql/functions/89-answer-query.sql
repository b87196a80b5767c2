-- POST /v1/query: several metrics of one question, from one reading of the facts; and GET /v1/leaderboard.

CREATE FUNCTION pl.asked_metrics(p_list jsonb, OUT metrics pl.metric[], OUT problems jsonb)
LANGUAGE plpgsql STABLE AS $$
DECLARE
  v_item record;
  m      pl.metric;
BEGIN
  metrics := '{}';
  problems := '[]';
  IF jsonb_typeof(p_list) IS DISTINCT FROM 'array' THEN
    RETURN; -- said before: required, a list of texts
  ELSIF jsonb_array_length(p_list) NOT BETWEEN 1 AND 40 THEN
    problems := pl.problem('metrics', 'out_of_range', 'from 1 to 40 keys of metrics');
    RETURN;
  END IF;
  FOR v_item IN SELECT x.value #>> '{}' AS key, x.n - 1 AS place, jsonb_typeof(x.value) = 'string' AS is_text FROM jsonb_array_elements(p_list) WITH ORDINALITY AS x(value, n) LOOP
    CONTINUE WHEN NOT v_item.is_text;
    SELECT * INTO m FROM pl.metric x WHERE x.key = v_item.key;
    IF NOT FOUND THEN
      problems := problems || pl.problem('metrics/' || v_item.place, 'unknown_metric', format('there is no metric "%s"; the nearest is "%s"', left(v_item.key, 60),
                                           pl.nearest(v_item.key, ARRAY(SELECT x.key FROM pl.metric x ORDER BY x.key))));
    ELSIF m.key IN (SELECT x.key FROM unnest(metrics) x) THEN
      problems := problems || pl.problem('metrics/' || v_item.place, 'repeated', format('"%s" is asked for before', m.key));
    ELSE
      metrics := metrics || m;
    END IF;
  END LOOP;
END
$$;
COMMENT ON FUNCTION pl.asked_metrics IS 'the metrics that a list of keys names, in its order, and what is wrong with it';

CREATE FUNCTION pl.grouping_problems(m pl.metric, p_params jsonb) RETURNS jsonb
LANGUAGE plpgsql STABLE AS $$
DECLARE
  v_known text[] := pl.groupings_of(m, p_params);
  v_by    text := coalesce(p_params ->> 'by', CASE WHEN p_params ? 'granularity' THEN 'period' END);
BEGIN
  RETURN CASE WHEN v_by IS NULL THEN '[]'
              WHEN v_known = '{}' THEN pl.problem('by', 'not_applicable', format('%s has no groups: ask for it alone', m.key))
              WHEN v_by <> ALL (v_known) THEN pl.problem('by', 'not_one_of', format('%s cannot be grouped by "%s"; did you mean "%s"? Allowed: %s', m.key, left(v_by, 60),
                                                                                    pl.nearest(v_by, v_known), array_to_string(v_known, ', ')))
              WHEN p_params ? 'granularity' AND 'period' <> ALL (v_known) THEN
                pl.problem('granularity', 'not_applicable', format('%s has no sub-periods', m.key))
              ELSE '[]' END
         || CASE WHEN m.key = 'trend' AND NOT p_params ? 'granularity' THEN
                   pl.problem('granularity', 'required', 'a trend beside other metrics needs the granularity of all: week, month, quarter or year') ELSE '[]' END;
END
$$;
COMMENT ON FUNCTION pl.grouping_problems IS 'what is wrong with by and granularity for one of several metrics';

CREATE FUNCTION pl.distinct_problems(p_problems jsonb) RETURNS jsonb
LANGUAGE sql IMMUTABLE AS $$
  SELECT coalesce(jsonb_agg(x.problem ORDER BY x.n), '[]')
  FROM (SELECT DISTINCT ON (p ->> 'pointer', p ->> 'code') p AS problem, n
        FROM jsonb_array_elements(p_problems) WITH ORDINALITY AS u(p, n) ORDER BY p ->> 'pointer', p ->> 'code', n) x
$$;
COMMENT ON FUNCTION pl.distinct_problems IS 'each problem of a field once, as first said';

CREATE TYPE pl.answered_metric AS (q pl.metric_query, metric pl.metric, lines pl.written_row[]);

CREATE FUNCTION pl.answered(p_org int, p_request jsonb, p_metric pl.metric, r pl.facts_read, r_before pl.facts_read) RETURNS pl.answered_metric
LANGUAGE plpgsql STABLE AS $$
DECLARE
  v_params jsonb := p_request -> 'query';
  v_needs  text[] := pl.metric_needs(p_metric, v_params);
  a        pl.answered_metric;
  b        pl.metric_basis;
BEGIN
  -- What a question leaves open is a matter of the metric (windows, for one), so each has its own.
  a.q := pl.resolve_query(p_org, p_request, pl.groupings_of(p_metric, v_params), v_needs);
  a.metric := pl.dressed(p_metric, v_params);
  b.q := a.q;
  b.f := pl.place_facts(a.q, r, v_needs);
  IF (a.q).compare IS NOT NULL THEN
    b.before := pl.other_period(a.q, (a.q).compare);
    b.before_f := pl.place_facts(b.before, r_before, v_needs);
  END IF;
  a.lines := pl.metric_lines(b, a.metric);
  RETURN a;
END
$$;
COMMENT ON FUNCTION pl.answered IS 'one of several metrics, answered of the facts that were read for all of them';

CREATE FUNCTION pl.query_lines(p_answers pl.answered_metric[], p_csv boolean) RETURNS json[]
LANGUAGE sql STABLE AS $$
  SELECT ARRAY(
    SELECT (SELECT json_object_agg(e.key, e.value)
            FROM (SELECT 'metric' AS key, to_json((a.metric).key) AS value
                  UNION ALL SELECT j.key, j.value FROM json_each(CASE WHEN p_csv THEN pl.csv_metric_line(l.line) ELSE l.line END) j) e)
    FROM unnest(p_answers) WITH ORDINALITY AS a(q, metric, lines, n)
    CROSS JOIN LATERAL unnest(pl.table_lines(a.q, a.lines)) WITH ORDINALITY AS l(line, n)
    ORDER BY a.n, l.n)
$$;
COMMENT ON FUNCTION pl.query_lines IS 'the rows of several metrics one after the other, each with the key of its metric';

CREATE FUNCTION pl.answer_query(p_org int, p_request jsonb, p_wrong jsonb) RETURNS text
LANGUAGE plpgsql STABLE SET jit = off AS $$
DECLARE
  -- What is wrong already is left aside, so that everything else that is can be told with it.
  v_params  jsonb := jsonb_strip_nulls(p_request -> 'body') - 'metrics' - ARRAY(SELECT split_part(w, '/', 2) FROM jsonb_array_elements_text(p_wrong) w);
  v_metrics pl.metric[];
  v_problems jsonb;
  v_needs   text[];
  q         pl.metric_query;
  r         pl.facts_read;
  r_before  pl.facts_read;
  v_answers pl.answered_metric[];
BEGIN
  SELECT a.metrics, a.problems INTO v_metrics, v_problems FROM pl.asked_metrics(p_request #> '{body,metrics}') a;
  v_needs := ARRAY(SELECT DISTINCT n FROM unnest(v_metrics) m, unnest(pl.metric_needs(m, v_params)) n ORDER BY n);
  v_problems := v_problems || coalesce((SELECT jsonb_agg(p) FROM unnest(v_metrics) m,
                                               jsonb_array_elements(pl.metric_problems(m, v_params) || pl.grouping_problems(m, v_params)) p), '[]');
  q := pl.resolve_query(p_org, p_request || jsonb_build_object('query', v_params),
                        ARRAY(SELECT v_params ->> 'by' WHERE v_params ? 'by' UNION SELECT 'period'), v_needs, pl.distinct_problems(v_problems));
  IF p_wrong <> '[]' THEN
    RETURN 'null';
  END IF;
  r := pl.read_facts(q, v_needs);
  IF q.compare IS NOT NULL THEN
    r_before := pl.read_facts(pl.other_period(q, q.compare), v_needs);
  END IF;
  v_answers := ARRAY(SELECT pl.answered(p_org, p_request || jsonb_build_object('query', v_params), v_metrics[i], r, r_before)
                     FROM generate_subscripts(v_metrics, 1) AS i ORDER BY i);
  RETURN CASE p_request ->> 'format'
    WHEN 'csv' THEN pl.csv(pl.query_lines(v_answers, true), '{metric,key,label,period,value,numerator,denominator,n,ci_low,ci_high}')
    WHEN 'ndjson' THEN pl.ndjson(pl.query_lines(v_answers, false))
    ELSE (SELECT row_to_json(x)::text FROM (
            SELECT (SELECT json_agg(pl.metric_answer(a.q, a.metric, a.lines)::json ORDER BY a.n) FROM unnest(v_answers) WITH ORDINALITY AS a(q, metric, lines, n)) AS data,
                   q.data_version) x) END;
END
$$;
COMMENT ON FUNCTION pl.answer_query IS
  'Several metrics of one question, each as GET /v1/metrics/{key} answers it, from one reading of the facts. p_wrong: pointers of what the shape of the body '
  'found wrong; then nothing is computed, and what else is wrong is told with it';

CREATE FUNCTION pl.answer_leaderboard(p_org int, p_request jsonb) RETURNS text
LANGUAGE plpgsql STABLE SET jit = off AS $$
DECLARE
  m       pl.metric := pl.known_metric('leaderboard');
  v_params jsonb := '{"by": "rep"}'::jsonb || coalesce(p_request -> 'query', '{}');
  v_needs text[] := pl.metric_needs(m, v_params);
  q       pl.metric_query := pl.resolve_query(p_org, p_request || jsonb_build_object('query', v_params), '{rep,team}', v_needs, pl.metric_problems(m, v_params));
  v_rows  pl.written_row[] := pl.metric_lines(pl.basis_of(q, v_needs), m);
BEGIN
  v_rows := ARRAY(SELECT v_rows[i] FROM generate_subscripts(v_rows, 1) AS i
                  ORDER BY (v_rows[i]).total, ((v_rows[i]).body #>> '{parts,rank}')::int NULLS LAST, i);
  RETURN CASE p_request ->> 'format'
    WHEN 'csv' THEN pl.csv(ARRAY(SELECT pl.csv_metric_line(l) FROM unnest(pl.table_lines(q, v_rows)) l),
                           '{key,label,period,value,numerator,denominator,n,ci_low,ci_high,parts.rank}')
    WHEN 'ndjson' THEN pl.ndjson(pl.table_lines(q, v_rows))
    ELSE pl.metric_answer(q, m, v_rows) END;
END
$$;
COMMENT ON FUNCTION pl.answer_leaderboard IS 'the metric leaderboard of reps (by=team: teams), the first first; rows without a rank last (METRICS.md M25)';
