-- Small things every other function stands on: raising errors the server understands, writing times, cursors, near misses.

CREATE FUNCTION pl.fail(p_code text, p_message text, p_errors jsonb DEFAULT '[]') RETURNS void
LANGUAGE plpgsql AS $$
BEGIN
  RAISE EXCEPTION USING
    ERRCODE = 'PL000',
    MESSAGE = p_message,
    DETAIL = jsonb_build_object('code', p_code, 'errors', p_errors)::text;
END $$;
COMMENT ON FUNCTION pl.fail IS
  'Ends the statement with an error of the API: p_code is a code of error.def, p_message a sentence for its detail, p_errors its [{"pointer","code","message"}]';

CREATE FUNCTION pl.iso(p_at timestamptz) RETURNS text
LANGUAGE sql STABLE PARALLEL SAFE AS $$
  SELECT rtrim(rtrim(to_char(p_at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US'), '0'), '.') || 'Z'
$$;
COMMENT ON FUNCTION pl.iso IS 'RFC 3339 in UTC, whatever the session''s time zone; no more decimals than the microseconds need';

CREATE FUNCTION pl.cursor_encode(p_text text) RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
  SELECT rtrim(translate(encode(convert_to(p_text, 'UTF8'), 'base64'), E'+/\n', '-_'), '=')
$$;
COMMENT ON FUNCTION pl.cursor_encode IS 'A position in a list as an opaque word that needs no escaping in a URL (base64url)';

CREATE FUNCTION pl.cursor_decode(p_cursor text) RETURNS text
LANGUAGE plpgsql STABLE AS $$
BEGIN
  RETURN convert_from(decode(rpad(translate(p_cursor, '-_', '+/'), (length(p_cursor) + 3) / 4 * 4, '='), 'base64'), 'UTF8');
EXCEPTION WHEN data_exception THEN
  PERFORM pl.fail_cursor();
END $$;
COMMENT ON FUNCTION pl.cursor_decode IS 'Undoes cursor_encode; anything else fails as invalid_parameter';

CREATE FUNCTION pl.fail_cursor() RETURNS void
LANGUAGE plpgsql AS $$
BEGIN
  PERFORM pl.fail('invalid_parameter', 'The cursor is not one that this list has given.',
                  '[{"pointer": "cursor", "code": "invalid_cursor", "message": "take it unchanged from next, or leave it out to start"}]');
END $$;
COMMENT ON FUNCTION pl.fail_cursor IS 'The error for a cursor that cannot be read';

CREATE FUNCTION pl.number_cursor(p_request jsonb) RETURNS bigint
LANGUAGE plpgsql STABLE AS $$
DECLARE
  v_text text := pl.cursor_decode(p_request #>> '{query,cursor}');
BEGIN
  IF v_text !~ '^[0-9]{1,18}$' THEN
    PERFORM pl.fail_cursor();
  END IF;
  RETURN v_text::bigint;
END $$;
COMMENT ON FUNCTION pl.number_cursor(jsonb) IS 'The number a cursor stands for; null without one';

CREATE FUNCTION pl.page_limit(p_request jsonb) RETURNS int
LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE AS $$
DECLARE
  v_text text := coalesce(p_request #>> '{query,limit}', '50');
BEGIN
  IF v_text !~ '^[0-9]{1,4}$' OR v_text::int NOT BETWEEN 1 AND 1000 THEN
    PERFORM pl.fail('invalid_parameter', 'The limit is not a number from 1 to 1000.',
                    '[{"pointer": "limit", "code": "out_of_range", "message": "a whole number from 1 to 1000"}]');
  END IF;
  RETURN v_text::int;
END $$;
COMMENT ON FUNCTION pl.page_limit IS 'Rows a page: the query parameter limit, 1 to 1000, 50 when there is none';

CREATE FUNCTION pl.edit_distance(p_a text, p_b text) RETURNS int
LANGUAGE plpgsql IMMUTABLE STRICT PARALLEL SAFE AS $$
DECLARE
  v_a text := lower(left(p_a, 64));
  v_b text := lower(left(p_b, 64));
  v_row int[] := ARRAY(SELECT generate_series(0, length(v_b)));
  v_diagonal int;
  v_above int;
BEGIN
  FOR i IN 1 .. length(v_a) LOOP
    v_diagonal := v_row[1];
    v_row[1] := i;
    FOR j IN 1 .. length(v_b) LOOP
      v_above := v_row[j + 1];
      v_row[j + 1] := least(v_above + 1, v_row[j] + 1,
                            v_diagonal + (substr(v_a, i, 1) <> substr(v_b, j, 1))::int);
      v_diagonal := v_above;
    END LOOP;
  END LOOP;
  RETURN v_row[length(v_b) + 1];
END $$;
COMMENT ON FUNCTION pl.edit_distance IS 'Levenshtein distance of the first 64 characters, without regard to case';

CREATE FUNCTION pl.nearest(p_word text, p_known text[]) RETURNS text
LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE AS $$
BEGIN
  RETURN (SELECT k FROM unnest(p_known[1:200]) AS k ORDER BY pl.edit_distance(p_word, k), k COLLATE "C" LIMIT 1);
END $$;
COMMENT ON FUNCTION pl.nearest IS 'The known word a misspelt one most likely meant; null when none is known';

CREATE FUNCTION pl.lock_org(p_org int) RETURNS bigint
LANGUAGE plpgsql AS $$
DECLARE
  v_version bigint;
BEGIN
  SELECT v.data_version INTO v_version FROM org_version v WHERE v.org_id = p_org FOR UPDATE;
  IF NOT FOUND THEN
    PERFORM pl.fail('not_found', format('There is no organisation %s.', p_org));
  END IF;
  RETURN v_version;
END $$;
COMMENT ON FUNCTION pl.lock_org IS 'Makes this transaction the organisation''s one writer until it ends; returns the data version it meets';
