-- Reading an object's track: the effective changes of the attributes whose past matters, [{"at": time, "set": {attribute: value}}, …].

CREATE FUNCTION pl.track_at(p_track jsonb, p_key text, p_at timestamptz, p_backcast boolean,
                            OUT value jsonb, OUT is_backcast boolean)
LANGUAGE plpgsql STABLE PARALLEL SAFE AS $$
DECLARE
  v_last int := jsonb_array_length(p_track) - 1;
BEGIN
  is_backcast := false;
  FOR i IN REVERSE v_last .. 0 LOOP
    IF p_track -> i -> 'set' ? p_key AND (p_track -> i ->> 'at')::timestamptz <= p_at THEN
      value := nullif(p_track -> i -> 'set' -> p_key, 'null');
      RETURN;
    END IF;
  END LOOP;
  IF NOT p_backcast THEN
    RETURN;
  END IF;
  FOR i IN 0 .. v_last LOOP
    value := nullif(p_track -> i -> 'set' -> p_key, 'null');
    IF value IS NOT NULL THEN
      is_backcast := true;
      RETURN;
    END IF;
  END LOOP;
END $$;
COMMENT ON FUNCTION pl.track_at(jsonb, text, timestamptz, boolean) IS
  'A tracked attribute at an instant; before it was first known, its first known value when back-cast (is_backcast tells). METRICS R22';

CREATE FUNCTION pl.deal_at(p_track jsonb, p_at timestamptz, p_backcast boolean, OUT rep text, OUT account text, OUT is_backcast boolean)
LANGUAGE plpgsql STABLE PARALLEL SAFE AS $$
DECLARE
  v_rep boolean := false;      -- found
  v_account boolean := false;
  v_later boolean := false;    -- past p_at: what is found from here on was known later
  v_set jsonb;
BEGIN
  is_backcast := false;
  FOR i IN 0 .. jsonb_array_length(p_track) - 1 LOOP
    v_set := p_track -> i -> 'set';
    -- Most changes are of something else, and most tracks name both once, at their beginning.
    CONTINUE WHEN NOT v_set ?| '{owner,account}';
    v_later := v_later OR (p_track -> i ->> 'at')::timestamptz > p_at;
    IF NOT v_later THEN
      IF v_set ? 'owner' THEN
        v_rep := true;
        rep := v_set ->> 'owner';
      END IF;
      IF v_set ? 'account' THEN
        v_account := true;
        account := v_set ->> 'account';
      END IF;
      CONTINUE;
    END IF;
    EXIT WHEN NOT p_backcast OR (v_rep AND v_account);
    IF NOT v_rep THEN
      rep := v_set ->> 'owner';
      v_rep := rep IS NOT NULL;
      is_backcast := is_backcast OR v_rep;
    END IF;
    IF NOT v_account THEN
      account := v_set ->> 'account';
      v_account := account IS NOT NULL;
      is_backcast := is_backcast OR v_account;
    END IF;
  END LOOP;
END $$;
COMMENT ON FUNCTION pl.deal_at(jsonb, timestamptz, boolean) IS
  'Owner and account of a deal at an instant, both in one walk; each as pl.track_at has it. METRICS R22';

CREATE FUNCTION pl.attribute_name(p_key text) RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$ SELECT CASE WHEN p_key LIKE 'attributes.%' THEN substr(p_key, 12) ELSE p_key END $$;
COMMENT ON FUNCTION pl.attribute_name(text) IS 'A track key as rules name it';

CREATE FUNCTION pl.account_timeline(p_track jsonb, p_backcast boolean)
RETURNS TABLE (valid_from timestamptz, valid_to timestamptz, attrs jsonb, backcast text[], times jsonb)
LANGUAGE plpgsql STABLE PARALLEL SAFE AS $$
DECLARE
  v_track jsonb := p_track || '[]';  -- unpacked once, not at every look into it
  v_last int := jsonb_array_length(v_track) - 1;
  -- What counts at the time, by the names of rules. The same name inside "attributes" wins over one at the top (SPEC 4).
  v_top jsonb := '{}';
  v_top_times jsonb := '{}';
  v_inner jsonb := '{}';
  v_inner_times jsonb := '{}';
  v_pending text[] := '{}';  -- keys whose value is the first that was known later
  v_set jsonb;
  v_at jsonb;
  v_key text;
  v_name text;
  v_value jsonb;
BEGIN
  FOR i IN 0 .. CASE WHEN p_backcast THEN v_last ELSE -1 END LOOP
    v_set := jsonb_strip_nulls(v_track -> i -> 'set') - v_pending;
    CONTINUE WHEN v_set = '{}';
    FOR v_key, v_value IN SELECT s.key, s.value FROM jsonb_each(v_set) AS s LOOP
      v_pending := array_append(v_pending, v_key);
      v_name := pl.attribute_name(v_key);
      IF v_name <> v_key THEN
        v_inner := v_inner || jsonb_build_object(v_name, v_value);
        v_inner_times := v_inner_times || jsonb_build_object(v_name, v_track -> i -> 'at');
      ELSE
        v_top := v_top || jsonb_build_object(v_name, v_value);
        v_top_times := v_top_times || jsonb_build_object(v_name, v_track -> i -> 'at');
      END IF;
    END LOOP;
  END LOOP;
  valid_from := '-infinity';
  FOR i IN 0 .. v_last + 1 LOOP
    v_at := v_track -> i -> 'at';
    valid_to := coalesce((v_at #>> '{}')::timestamptz, 'infinity');
    IF valid_from < valid_to THEN
      attrs := v_top || v_inner;
      times := v_top_times || v_inner_times;
      backcast := '{}';
      IF v_pending <> '{}' THEN
        backcast := ARRAY(SELECT pl.attribute_name(k) COLLATE "C" FROM unnest(v_pending) AS k ORDER BY 1);
      END IF;
      RETURN NEXT;
    END IF;
    EXIT WHEN i > v_last;
    FOR v_key, v_value IN SELECT s.key, s.value FROM jsonb_each(v_track -> i -> 'set') AS s LOOP
      -- A back-cast value stays until the first known value replaces it; clearing what was never known is no knowledge.
      IF v_key = ANY (v_pending) THEN
        CONTINUE WHEN v_value = 'null';
        v_pending := array_remove(v_pending, v_key);
      END IF;
      v_name := pl.attribute_name(v_key);
      IF v_name <> v_key THEN
        v_inner := CASE WHEN v_value = 'null' THEN v_inner - v_name ELSE v_inner || jsonb_build_object(v_name, v_value) END;
        v_inner_times := CASE WHEN v_value = 'null' THEN v_inner_times - v_name ELSE v_inner_times || jsonb_build_object(v_name, v_at) END;
      ELSE
        v_top := CASE WHEN v_value = 'null' THEN v_top - v_name ELSE v_top || jsonb_build_object(v_name, v_value) END;
        v_top_times := CASE WHEN v_value = 'null' THEN v_top_times - v_name ELSE v_top_times || jsonb_build_object(v_name, v_at) END;
      END IF;
    END LOOP;
    valid_from := valid_to;
  END LOOP;
END $$;
COMMENT ON FUNCTION pl.account_timeline(jsonb, boolean) IS
  'The attributes of an account over time from its track, half-open and without gaps: flat values, when each was set, and which are back-cast. METRICS R22';
