-- Lists as the pieces of a CSV (RFC 4180) or NDJSON document, a row a piece: complete, read and sent one by one. The first piece is
-- what stands before all rows (the header of CSV, nothing in NDJSON); beside it, when limit= cut the list, the cursor of the rest.

CREATE FUNCTION pl.line_head(p_columns text[]) RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
  SELECT coalesce((SELECT string_agg(pl.csv_cell(c.name, false), ',' ORDER BY c.n) || E'\r\n' FROM unnest(p_columns) WITH ORDINALITY AS c(name, n)), '')
$$;
COMMENT ON FUNCTION pl.line_head IS 'The header of a CSV document with these columns; without columns (NDJSON) the empty text';

CREATE FUNCTION pl.line_of(p_row text, p_columns text[]) RETURNS text
LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE AS $$
DECLARE
  v_row jsonb;
  v_line text := '';
  v_separator text := '';
  v_name text;
  v_value text;
BEGIN
  IF p_columns IS NULL THEN
    RETURN p_row || E'\n';
  END IF;
  v_row := p_row;
  -- A loop: an aggregate over unnest takes three times as long, and exports have many lines.
  FOREACH v_name IN ARRAY p_columns LOOP
    v_value := v_row ->> v_name;
    IF v_value IS NULL AND v_name LIKE 'attributes.%' THEN
      v_value := v_row -> 'attributes' ->> substr(v_name, 12);
    END IF;
    v_line := v_line || v_separator || pl.csv_value(v_value);
    v_separator := ',';
  END LOOP;
  RETURN v_line || E'\r\n';
END $$;
COMMENT ON FUNCTION pl.line_of IS
  'A JSON object as a line: of CSV with these columns (lists and objects in a cell as JSON, a column attributes.x from inside attributes), or of NDJSON without';

CREATE FUNCTION pl.members_of(p_rows json[]) RETURNS text[]
LANGUAGE sql IMMUTABLE AS $$
  SELECT coalesce(array_agg(x.name ORDER BY x.place), '{id}')
  FROM (SELECT k.name, min(r.n * 1000 + k.n) AS place
        FROM unnest(p_rows) WITH ORDINALITY AS r(body, n) CROSS JOIN LATERAL json_object_keys(r.body) WITH ORDINALITY AS k(name, n)
        GROUP BY k.name) x
$$;
COMMENT ON FUNCTION pl.members_of IS 'The members of JSON objects in the order they come up';

CREATE FUNCTION pl.list_lines(p_list text, p_org int, p_request jsonb, p_columns text[], p_kind object_kind DEFAULT NULL)
RETURNS TABLE (piece text, next text)
LANGUAGE plpgsql STABLE AS $$
DECLARE
  v_all boolean := p_request #>> '{query,limit}' IS NULL;
  v_columns text[] := CASE WHEN p_request ->> 'format' = 'csv' THEN p_columns END;
  v_request jsonb := p_request;
  v_page record;
BEGIN
  IF v_all THEN
    v_request := jsonb_set(v_request, '{query,limit}', '"1000"');
  END IF;
  FOR n IN 0 .. 2000000000 LOOP
    IF p_kind IS NULL THEN
      EXECUTE format('SELECT body, next FROM pl.%I($1, $2)', p_list) INTO v_page USING p_org, v_request;
    ELSE
      EXECUTE format('SELECT body, next FROM pl.%I($1, $2, $3)', p_list) INTO v_page USING p_org, p_kind, v_request;
    END IF;
    EXIT WHEN v_page.body IS NULL;
    IF n = 0 THEN
      IF p_columns IS NULL AND p_request ->> 'format' = 'csv' THEN
        v_columns := pl.members_of(ARRAY(SELECT json_array_elements(v_page.body::json -> 'data')));
      END IF;
      RETURN QUERY SELECT pl.line_head(v_columns), CASE WHEN NOT v_all THEN v_page.next END;
    END IF;
    RETURN QUERY SELECT pl.line_of(e::text, v_columns), NULL::text FROM json_array_elements(v_page.body::json -> 'data') AS e;
    EXIT WHEN v_page.next IS NULL OR NOT v_all;
    v_request := jsonb_set(v_request, '{query,cursor}', to_jsonb(v_page.next));
  END LOOP;
END $$;
COMMENT ON FUNCTION pl.list_lines IS
  'The lines of a list: its pages (pl.<p_list>, which gives body and next) one after the other in one snapshot, or with limit= one page. p_columns: of CSV; null (only with limit=): the members that the page''s rows have. No row when the list does not exist';

CREATE FUNCTION pl.object_columns(p_org int, p_kind object_kind, p_request jsonb, p_fields text[]) RETURNS text[]
LANGUAGE plpgsql STABLE AS $$
DECLARE
  v_reps text[] := pl.reps_seen(p_org, p_request -> 'who');
  v_teams text[] := pl.teams_seen(p_org, p_request -> 'who');
  v_gone boolean := coalesce(p_request #>> '{query,include_deleted}' = 'true', false);
  v_open text[] := '{}';
BEGIN
  IF p_request ->> 'format' <> 'csv' THEN
    RETURN NULL;
  END IF;
  IF 'attributes' = ANY (p_fields) THEN
    v_open := ARRAY(SELECT DISTINCT 'attributes.' || k COLLATE "C"
                      FROM object AS o CROSS JOIN LATERAL jsonb_object_keys(o.doc -> 'attributes') AS k
                     WHERE o.org_id = p_org AND o.kind = p_kind AND (v_gone OR o.deleted_at IS NULL)
                       AND (v_reps IS NULL OR pl.seen(p_org, p_kind, o.object_id, o.doc, v_reps, v_teams))
                     ORDER BY 1);
  END IF;
  RETURN '{id}'::text[] || array_remove(p_fields, 'attributes') || v_open || '{occurred_at}'
         || CASE WHEN v_gone THEN '{deleted_at,merged_into}'::text[] ELSE '{}' END;
END $$;
COMMENT ON FUNCTION pl.object_columns IS
  'Columns of the CSV of a kind: id, its attributes in their order, attributes.x for each x that a row of the list carries, occurred_at, and what include_deleted shows besides; null unless CSV is asked for';
