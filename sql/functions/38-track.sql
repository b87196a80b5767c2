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
  v_last int := jsonb_array_length(p_track) - 1;
  v_rep boolean := false;      -- found
  v_account boolean := false;
  v_set jsonb;
BEGIN
  is_backcast := false;
  FOR i IN REVERSE v_last .. 0 LOOP
    v_set := p_track -> i -> 'set';
    -- Most changes are of something else, and most tracks name both once.
    CONTINUE WHEN NOT v_set ?| '{owner,account}' OR (p_track -> i ->> 'at')::timestamptz > p_at;
    IF NOT v_rep AND v_set ? 'owner' THEN
      v_rep := true;
      rep := v_set ->> 'owner';
    END IF;
    IF NOT v_account AND v_set ? 'account' THEN
      v_account := true;
      account := v_set ->> 'account';
    END IF;
    IF v_rep AND v_account THEN
      RETURN;
    END IF;
  END LOOP;
  IF NOT p_backcast THEN
    RETURN;
  END IF;
  FOR i IN 0 .. v_last LOOP
    v_set := p_track -> i -> 'set';
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
    EXIT WHEN v_rep AND v_account;
  END LOOP;
END $$;
COMMENT ON FUNCTION pl.deal_at(jsonb, timestamptz, boolean) IS
  'Owner and account of a deal at an instant, both in one walk; each as pl.track_at has it. METRICS R22';

CREATE FUNCTION pl.attribute_name(p_key text) RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$ SELECT CASE WHEN p_key LIKE 'attributes.%' THEN substr(p_key, 12) ELSE p_key END $$;
COMMENT ON FUNCTION pl.attribute_name(text) IS 'A track key as rules name it';

CREATE FUNCTION pl.flat_attributes(p_set jsonb) RETURNS jsonb
LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE AS $$
BEGIN
  RETURN (SELECT coalesce(jsonb_object_agg(pl.attribute_name(key), value ORDER BY key LIKE 'attributes.%'), '{}') FROM jsonb_each(p_set));
END $$;
COMMENT ON FUNCTION pl.flat_attributes(jsonb) IS
  'Track keys as rules name them: "attributes.x" becomes x and wins over a top-level x. SPEC 4';

CREATE FUNCTION pl.account_timeline(p_track jsonb, p_backcast boolean)
RETURNS TABLE (valid_from timestamptz, valid_to timestamptz, attrs jsonb, backcast text[], times jsonb)
LANGUAGE plpgsql STABLE PARALLEL SAFE AS $$
DECLARE
  v_track jsonb := p_track || '[]';  -- unpacked once, not at every look into it
  v_last int := jsonb_array_length(v_track) - 1;
  v_pending jsonb := '{}';   -- first known values of what is not known yet
  v_pending_times jsonb := '{}';
  v_known jsonb := '{}';
  v_known_times jsonb := '{}';
  v_set jsonb;
  v_at jsonb;
  v_key text;
BEGIN
  IF p_backcast THEN
    FOR i IN REVERSE v_last .. 0 LOOP
      v_set := jsonb_strip_nulls(v_track -> i -> 'set');
      v_pending := v_pending || v_set;
      v_pending_times := v_pending_times || (SELECT coalesce(jsonb_object_agg(k, v_track -> i -> 'at'), '{}') FROM jsonb_object_keys(v_set) AS k);
    END LOOP;
  END IF;
  valid_from := '-infinity';
  FOR i IN 0 .. v_last + 1 LOOP
    valid_to := CASE WHEN i > v_last THEN 'infinity' ELSE (v_track -> i ->> 'at')::timestamptz END;
    IF valid_from < valid_to THEN
      attrs := pl.flat_attributes(v_pending || v_known);
      times := pl.flat_attributes(v_pending_times || v_known_times);
      backcast := ARRAY(SELECT pl.attribute_name(k) COLLATE "C" FROM jsonb_object_keys(v_pending) AS k ORDER BY 1);
      RETURN NEXT;
    END IF;
    EXIT WHEN i > v_last;
    v_set := v_track -> i -> 'set';
    v_at := v_track -> i -> 'at';
    FOR v_key IN SELECT jsonb_object_keys(v_set) LOOP
      -- A back-cast value stays until the first known value replaces it; clearing what was never known is no knowledge.
      IF v_set -> v_key = 'null' AND v_pending ? v_key THEN
        CONTINUE;
      END IF;
      v_pending := v_pending - v_key;
      v_pending_times := v_pending_times - v_key;
      IF v_set -> v_key = 'null' THEN
        v_known := v_known - v_key;
        v_known_times := v_known_times - v_key;
      ELSE
        v_known := v_known || jsonb_build_object(v_key, v_set -> v_key);
        v_known_times := v_known_times || jsonb_build_object(v_key, v_at);
      END IF;
    END LOOP;
    valid_from := valid_to;
  END LOOP;
END $$;
COMMENT ON FUNCTION pl.account_timeline(jsonb, boolean) IS
  'The attributes of an account over time from its track, half-open and without gaps: flat values, when each was set, and which are back-cast. METRICS R22';
