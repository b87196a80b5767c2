-- Answers as CSV (RFC 4180) and as NDJSON, made from the same JSON rows: nothing is computed twice.

CREATE FUNCTION pl.csv_cell(p_text text, p_number boolean) RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
  -- A text that a spreadsheet would run as a formula is made a text there by a leading apostrophe; numbers stay numbers.
  -- One expression, so that it is inlined: exports make millions of cells.
  SELECT CASE WHEN p_text IS NULL THEN ''
              WHEN NOT p_number AND p_text ~ E'^[=+@\t\r-]' THEN
                CASE WHEN p_text ~ E'[",\r\n]' THEN '"''' || replace(p_text, '"', '""') || '"' ELSE '''' || p_text END
              WHEN p_text ~ E'[",\r\n]' THEN '"' || replace(p_text, '"', '""') || '"'
              ELSE p_text END
$$;
COMMENT ON FUNCTION pl.csv_cell IS 'one CSV cell: quoted when needed, never a formula';

CREATE FUNCTION pl.csv_value(p_text text) RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
  -- Most cells need nothing: one look tells.
  SELECT CASE WHEN p_text IS NULL THEN ''
              WHEN p_text ~ E'^[^=+@\t\r\n",-][^",\r\n]*$' THEN p_text
              ELSE pl.csv_cell(p_text, p_text ~ '^-?[0-9]+([.][0-9]+)?$') END
$$;
COMMENT ON FUNCTION pl.csv_value IS 'a value as one CSV cell: what reads as a number is one';

CREATE FUNCTION pl.flattened(p_value json, p_path text) RETURNS TABLE (path text, cell text, is_number boolean)
LANGUAGE plpgsql IMMUTABLE AS $$
BEGIN
  CASE json_typeof(p_value)
    WHEN 'object' THEN
      RETURN QUERY SELECT f.* FROM json_each(p_value) e, pl.flattened(e.value, concat_ws('.', nullif(p_path, ''), e.key)) f;
    WHEN 'array' THEN
      -- A list of keyed things (mixes, contributions) goes by their key, any other by place.
      RETURN QUERY SELECT f.* FROM json_array_elements(p_value) WITH ORDINALITY AS e(value, n),
                          pl.flattened(CASE WHEN json_typeof(e.value) = 'object' AND e.value ->> 'key' IS NOT NULL
                                            THEN (SELECT json_object_agg(k, v) FROM json_each(e.value) AS m(k, v) WHERE k <> 'key')
                                            ELSE e.value END,
                                       p_path || '.' || CASE WHEN json_typeof(e.value) = 'object' AND e.value ->> 'key' IS NOT NULL
                                                             THEN e.value ->> 'key' ELSE e.n::text END) f;
    ELSE
      path := p_path;
      cell := p_value #>> '{}';
      -- Money is a string in JSON and a number to a spreadsheet.
      is_number := coalesce(cell ~ '^-?[0-9]+(\.[0-9]+)?$', true);
      RETURN NEXT;
  END CASE;
END
$$;
COMMENT ON FUNCTION pl.flattened IS 'leaves of a JSON value, with dotted paths';

CREATE FUNCTION pl.csv(p_lines json[], p_first text[]) RETURNS text
LANGUAGE plpgsql IMMUTABLE SET jit = off AS $$
DECLARE
  v_columns text[];
BEGIN
  RETURN (
    WITH leaf AS MATERIALIZED (
      SELECT l.n, f.path, f.cell, f.is_number, row_number() OVER () AS seen
      FROM unnest(p_lines) WITH ORDINALITY AS l(line, n), pl.flattened(l.line, '') f
    ), columns AS MATERIALIZED (
      SELECT c.path, row_number() OVER (ORDER BY c.rank, c.seen) AS place
      FROM (SELECT p.path, min(p.rank) AS rank, min(p.seen) AS seen
            FROM (SELECT x AS path, n AS rank, 0::bigint AS seen FROM unnest(p_first) WITH ORDINALITY AS u(x, n)
                  UNION ALL
                  SELECT leaf.path, 1000000000, leaf.seen FROM leaf) p
            GROUP BY p.path) c
    ), line AS (
      SELECT l.n, string_agg(pl.csv_cell(leaf.cell, leaf.is_number), ',' ORDER BY c.place) AS text
      FROM generate_series(1, cardinality(p_lines)) AS l(n)
      CROSS JOIN columns c
      LEFT JOIN leaf ON leaf.n = l.n AND leaf.path = c.path
      GROUP BY l.n
    )
    SELECT (SELECT string_agg(pl.csv_cell(c.path, false), ',' ORDER BY c.place) FROM columns c) || E'\r\n'
           || coalesce((SELECT string_agg(line.text || E'\r\n', '' ORDER BY line.n) FROM line), ''));
END
$$;
COMMENT ON FUNCTION pl.csv IS 'JSON objects as CSV lines: the columns p_first, then every other leaf in the order first seen';

CREATE FUNCTION pl.csv_metric_line(p_row json) RETURNS json
LANGUAGE sql STABLE AS $$
  SELECT json_object_agg(k, v)
  FROM (SELECT e.key AS k, e.value AS v FROM json_each(p_row) e WHERE e.key IN ('key', 'label', 'period', 'value', 'numerator', 'denominator', 'n')
        UNION ALL SELECT 'ci_low', p_row -> 'ci' -> 0
        UNION ALL SELECT 'ci_high', p_row -> 'ci' -> 1
        UNION ALL SELECT 'forms', p_row -> 'forms'
        UNION ALL SELECT 'parts', p_row -> 'parts') x
  WHERE v IS NOT NULL
$$;
COMMENT ON FUNCTION pl.csv_metric_line IS 'a ROW as the columns that CSV has: key … ci_high, forms and parts';

CREATE FUNCTION pl.ndjson(p_lines json[]) RETURNS text
LANGUAGE sql IMMUTABLE AS $$
  SELECT coalesce(string_agg(line::jsonb::text || E'\n', '' ORDER BY n), '') FROM unnest(p_lines) WITH ORDINALITY AS l(line, n)
$$;
COMMENT ON FUNCTION pl.ndjson IS 'JSON values one a line';

CREATE FUNCTION pl.json_lines(p_lines json[]) RETURNS json
LANGUAGE sql IMMUTABLE AS $$
  SELECT ('[' || coalesce(string_agg(line::text, ',' ORDER BY n), '') || ']')::json FROM unnest(p_lines) WITH ORDINALITY AS l(line, n)
$$;
COMMENT ON FUNCTION pl.json_lines IS 'JSON values as one array';
