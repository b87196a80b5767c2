-- GET /v1/metrics/{key}/rows: the rows behind a number.

CREATE FUNCTION pl.drill_rows(q pl.metric_query, m pl.metric) RETURNS SETOF pl.drill_row
LANGUAGE plpgsql STABLE AS $$
BEGIN
  -- The name is one of the dictionary's, never the caller's text.
  RETURN QUERY EXECUTE format('SELECT * FROM pl.%I($1, $2)', 'drill_' || m.drill) USING q, m;
END
$$;
COMMENT ON FUNCTION pl.drill_rows IS 'the rows behind a metric: calls the function pl.drill_<drill> that its entry in the dictionary names';

CREATE FUNCTION pl.drill_as_part(p_rows pl.drill_row[], p_part text) RETURNS SETOF pl.drill_row
LANGUAGE sql IMMUTABLE AS $$
  SELECT ARRAY[p_part] || r.place,
         (SELECT json_object_agg(e.key, e.value ORDER BY e.n)
          FROM (SELECT j.key, CASE j.key WHEN 'part' THEN to_json(concat_ws('.', p_part, j.value #>> '{}')) ELSE j.value END AS value, row_number() OVER () AS n
                FROM json_each(r.body) j
                UNION ALL
                SELECT 'part', to_json(p_part), 0 WHERE r.body -> 'part' IS NULL) e)
  FROM unnest(p_rows) r
$$;
COMMENT ON FUNCTION pl.drill_as_part IS 'rows behind another number as those of one part of this one: row.part says which';

CREATE FUNCTION pl.page_of_part(q pl.metric_query, p_part text) RETURNS pl.metric_query
LANGUAGE plpgsql IMMUTABLE AS $$
BEGIN
  IF q.page_after[1] COLLATE "C" = p_part THEN
    q.page_after := q.page_after[2:];
  ELSIF q.page_after[1] COLLATE "C" > p_part THEN
    q.page_limit := 0;
  ELSE
    q.page_after := NULL;
  END IF;
  RETURN q;
END
$$;
COMMENT ON FUNCTION pl.page_of_part IS 'the question with its page as the rows of one part see it: their places stand behind the name of the part';

CREATE FUNCTION pl.drill_question(p_org int, p_request jsonb, OUT m pl.metric, OUT q pl.metric_query)
LANGUAGE plpgsql STABLE AS $$
DECLARE
  v_asked jsonb;
BEGIN
  m := pl.known_metric(p_request #>> '{path,0}');
  v_asked := pl.asked(m, p_request -> 'query');
  q := pl.resolve_query(p_org, p_request || jsonb_build_object('query', v_asked), pl.groupings_of(m, v_asked), pl.metric_needs(m, v_asked),
                        pl.metric_problems(m, v_asked));
  IF m.drill IS NULL THEN
    PERFORM pl.fail('not_found', format('There are no rows behind %s.', m.key));
  END IF;
  m := pl.dressed(m, v_asked);
END
$$;
COMMENT ON FUNCTION pl.drill_question IS 'the metric whose rows are asked for, and the question; fails where there are none by nature';

CREATE FUNCTION pl.answer_metric_rows(p_org int, p_request jsonb) RETURNS TABLE (body text, next text)
LANGUAGE plpgsql STABLE SET jit = off SET plan_cache_mode = force_custom_plan AS $$
DECLARE
  v_asked record;
  m       pl.metric;
  q       pl.metric_query;
  v_limit int := pl.page_limit(p_request);
  v_after text[] := pl.place_of_cursor(p_request #>> '{query,cursor}');
  v_rows  pl.drill_row[];
BEGIN
  SELECT * INTO v_asked FROM pl.drill_question(p_org, p_request);
  m := v_asked.m;
  q := v_asked.q;
  q.page_after := v_after;
  q.page_limit := v_limit + 1;
  v_rows := ARRAY(
    SELECT d FROM pl.drill_rows(q, m) d
    WHERE v_after IS NULL OR d.place COLLATE "C" > v_after COLLATE "C"
    ORDER BY d.place COLLATE "C"
    LIMIT v_limit + 1);
  IF cardinality(v_rows) > v_limit THEN
    v_rows := v_rows[1:v_limit];
    next := pl.cursor_encode(to_json(v_rows[v_limit].place)::text);
  END IF;
  SELECT row_to_json(x)::text INTO body
  FROM (SELECT m.key AS metric, m.version AS metric_version, pl.params_shown(q) AS params, m.unit, q.currency, q.zone AS time_zone,
               pl.iso(q.as_of_shown) AS as_of, pl.iso(q.known_shown) AS known_at, q.fit_basis, q.credit,
               pl.json_lines(ARRAY(SELECT r.body FROM unnest(v_rows) r)) AS data, next, q.data_version) x;
  RETURN NEXT;
END
$$;
COMMENT ON FUNCTION pl.answer_metric_rows IS 'a page of the rows behind a metric';

CREATE FUNCTION pl.metric_row_lines(p_org int, p_request jsonb) RETURNS TABLE (piece text, next text)
LANGUAGE plpgsql STABLE SET jit = off SET plan_cache_mode = force_custom_plan SET work_mem = '64MB' AS $$
DECLARE
  v_asked record;
  m       pl.metric;
  q       pl.metric_query;
  v_after text[] := pl.place_of_cursor(p_request #>> '{query,cursor}');
BEGIN
  IF p_request #> '{query,limit}' IS NOT NULL THEN
    RETURN QUERY SELECT l.piece, l.next FROM pl.list_lines('answer_metric_rows', p_org, p_request, NULL) l;
    RETURN;
  END IF;
  SELECT * INTO v_asked FROM pl.drill_question(p_org, p_request);
  m := v_asked.m;
  q := v_asked.q;
  RETURN QUERY
  WITH line AS MATERIALIZED (
    SELECT row_number() OVER (ORDER BY d.place COLLATE "C") AS n, d.body FROM pl.drill_rows(q, m) d
    WHERE v_after IS NULL OR d.place COLLATE "C" > v_after COLLATE "C"
  ), shape AS (
    -- Rows of several kinds may stand behind one number; few shapes, however many rows.
    SELECT s.members, min(s.n) AS n FROM (SELECT l.n, ARRAY(SELECT json_object_keys(l.body)) AS members FROM line l) s GROUP BY s.members
  ), head AS MATERIALIZED (
    SELECT CASE WHEN p_request ->> 'format' = 'csv' THEN
      ARRAY(SELECT k.name FROM shape s CROSS JOIN LATERAL unnest(s.members) WITH ORDINALITY AS k(name, place)
            GROUP BY k.name ORDER BY min(s.n * 1000 + k.place)) END AS columns
  )
  SELECT pl.line_head(CASE WHEN h.columns = '{}' THEN '{id}' ELSE h.columns END), NULL::text FROM head h
  UNION ALL
  (SELECT pl.line_of(l.body::text, (SELECT h.columns FROM head h)), NULL FROM line l ORDER BY l.n);
END
$$;
COMMENT ON FUNCTION pl.metric_row_lines IS
  'the rows behind a metric as the pieces of a CSV or NDJSON document: all of them unless a limit is named. The columns are the members in the order they come up';

CREATE FUNCTION pl.place_of_cursor(p_cursor text) RETURNS text[]
LANGUAGE plpgsql STABLE AS $$
DECLARE
  v_text text := CASE WHEN p_cursor IS NOT NULL THEN pl.cursor_decode(p_cursor) END;
BEGIN
  RETURN CASE WHEN v_text IS NOT NULL THEN ARRAY(SELECT t FROM jsonb_array_elements_text(v_text::jsonb) WITH ORDINALITY AS x(t, n) ORDER BY n) END;
EXCEPTION WHEN invalid_text_representation OR invalid_parameter_value OR untranslatable_character THEN
  PERFORM pl.fail_cursor();
END
$$;
