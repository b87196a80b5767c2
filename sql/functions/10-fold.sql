-- The fold: how the events of an object become its state. Written once; ingest, as-of answers and rebuild all step through
-- pl.fold_event. Events fold in the order (occurred_at, source_seq, event_id, source), so arrival order never matters.

CREATE FUNCTION pl.tracked(p_kind object_kind) RETURNS text[]
LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
  SELECT CASE p_kind
    WHEN 'opportunity' THEN '{stage,owner,account,splits,amount,currency,probability,lines,expected_close}'::text[]
    WHEN 'account' THEN '{*}'
    WHEN 'rep' THEN '{team,team_from,cost_per_hour,cost_currency}'
    ELSE '{}'
  END
$$;
COMMENT ON FUNCTION pl.tracked IS
  'Attributes whose past matters to judging and is kept in object.track; * = all, those inside "attributes" under flat keys "attributes.<key>"';

CREATE FUNCTION pl.without_nulls(p_object jsonb) RETURNS jsonb
LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE AS $$
BEGIN
  -- Not jsonb_strip_nulls: that would reach into lists, whose nulls are values.
  IF p_object @? '$.* ? (@ == null)' THEN
    RETURN p_object - ARRAY(SELECT key FROM jsonb_each(p_object) WHERE value = 'null');
  END IF;
  RETURN p_object;
END $$;
COMMENT ON FUNCTION pl.without_nulls IS 'The object without its members that are null; nothing below them changes';

CREATE FUNCTION pl.fold_doc(p_doc jsonb, p_patch jsonb, p_full boolean) RETURNS jsonb
LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE AS $$
DECLARE
  v_base jsonb := CASE WHEN p_full THEN '{}' ELSE p_doc END;
  v_patch jsonb := p_patch;
  v_attributes jsonb := p_patch -> 'attributes';
BEGIN
  IF jsonb_typeof(v_attributes) = 'object' THEN
    v_attributes := pl.without_nulls(coalesce(v_base -> 'attributes', '{}') || v_attributes);
    IF v_attributes = '{}' THEN
      v_attributes := 'null';
    END IF;
    -- Putting them back costs as much as the rest: most patches bring all there are, or none.
    IF v_attributes <> v_patch -> 'attributes' THEN
      v_patch := v_patch || jsonb_build_object('attributes', v_attributes);
    END IF;
  END IF;
  -- What was folded before has no nulls.
  IF v_patch @? '$.* ? (@ == null)' THEN
    RETURN pl.without_nulls(v_base || v_patch);
  END IF;
  RETURN v_base || v_patch;
END $$;
COMMENT ON FUNCTION pl.fold_doc IS
  'RFC 7396 merge of a patch, "attributes" one level deep; null clears; a full record first clears everything';

CREATE FUNCTION pl.flat(p_doc jsonb) RETURNS jsonb
LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE AS $$
BEGIN
  IF jsonb_typeof(p_doc -> 'attributes') IS DISTINCT FROM 'object' THEN
    RETURN p_doc;
  END IF;
  RETURN (p_doc - 'attributes')
      || (SELECT coalesce(jsonb_object_agg('attributes.' || key, value), '{}') FROM jsonb_each(p_doc -> 'attributes'));
END $$;
COMMENT ON FUNCTION pl.flat IS 'A document with the members of "attributes" lifted to flat keys "attributes.<key>"';

CREATE FUNCTION pl.changes(p_before jsonb, p_after jsonb, p_tracked text[]) RETURNS jsonb
LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE AS $$
DECLARE
  v_before jsonb := p_before;
  v_after jsonb := p_after;
  v_keys text[] := p_tracked;
  v_key text;
  v_value jsonb;
  v_set jsonb := '{}';
BEGIN
  IF p_tracked = '{*}' THEN
    v_before := pl.flat(p_before);
    v_after := pl.flat(p_after);
    v_keys := ARRAY(SELECT jsonb_object_keys(v_before || v_after));
  END IF;
  FOREACH v_key IN ARRAY v_keys LOOP
    v_value := v_after -> v_key;
    IF v_before -> v_key IS DISTINCT FROM v_value THEN
      v_set := v_set || jsonb_build_object(v_key, v_value);
    END IF;
  END LOOP;
  RETURN v_set;
END $$;
COMMENT ON FUNCTION pl.changes IS 'Tracked attributes that differ between two documents, with their new values; null: cleared';

CREATE FUNCTION pl.changes_by(p_patch jsonb, p_before jsonb, p_after jsonb, p_tracked text[]) RETURNS jsonb
LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE AS $$
DECLARE
  v_key text;
  v_set jsonb := '{}';
BEGIN
  IF p_tracked = '{*}' THEN
    IF p_patch ? 'attributes' THEN
      RETURN pl.changes(p_before, p_after, p_tracked);
    END IF;
    FOR v_key IN SELECT jsonb_object_keys(p_patch) LOOP
      IF p_before -> v_key IS DISTINCT FROM p_after -> v_key THEN
        v_set := v_set || jsonb_build_object(v_key, p_after -> v_key);
      END IF;
    END LOOP;
    RETURN v_set;
  END IF;
  FOREACH v_key IN ARRAY p_tracked LOOP
    IF p_patch ? v_key AND p_before -> v_key IS DISTINCT FROM p_after -> v_key THEN
      v_set := v_set || jsonb_build_object(v_key, p_after -> v_key);
    END IF;
  END LOOP;
  RETURN v_set;
END $$;
COMMENT ON FUNCTION pl.changes_by IS 'pl.changes between the documents before and after a patch that is no full record: only what it names can differ';

CREATE FUNCTION pl.is_stock(p_set jsonb) RETURNS boolean
LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
  SELECT p_set - '{amount,currency,probability,lines,expected_close}'::text[] = '{}'
$$;
COMMENT ON FUNCTION pl.is_stock IS 'Whether changes are only of what an open deal is worth; that is asked at ends of local days, never within a quarter of an hour';

CREATE FUNCTION pl.same_entry(p_last jsonb, p_at timestamptz, p_set jsonb) RETURNS boolean
LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE AS $$
DECLARE
  v_last timestamptz := (p_last ->> 'at')::timestamptz;
BEGIN
  -- Days of every time zone end at quarter hours, so one entry a quarter hour tells all that is asked of a deal's worth,
  -- and a deal whose amount a source writes a thousand times an hour keeps a short track.
  RETURN v_last = p_at
      OR (pl.is_stock(p_set) AND pl.is_stock(p_last -> 'set')
          AND date_bin('15 minutes', v_last, '2000-01-01Z') = date_bin('15 minutes', p_at, '2000-01-01Z'));
END $$;
COMMENT ON FUNCTION pl.same_entry IS 'Whether a change joins the last entry of a track rather than beginning one';

CREATE FUNCTION pl.fold_track(p_track jsonb, p_at timestamptz, p_set jsonb) RETURNS jsonb
LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE AS $$
DECLARE
  v_set jsonb;
  v_before jsonb;
  v_key text;
BEGIN
  IF NOT coalesce(pl.same_entry(p_track -> -1, p_at, p_set), false) THEN
    RETURN p_track || jsonb_build_object('at', pl.iso(p_at), 'set', p_set);
  END IF;
  -- Several events in one entry: only what differs from the time before it is a change.
  v_set := (p_track -> -1 -> 'set') || p_set;
  FOR v_key IN SELECT jsonb_object_keys(p_set) LOOP
    v_before := 'null';
    FOR i IN REVERSE jsonb_array_length(p_track) - 2 .. 0 LOOP
      IF p_track -> i -> 'set' ? v_key THEN
        v_before := p_track -> i -> 'set' -> v_key;
        EXIT;
      END IF;
    END LOOP;
    IF v_set -> v_key = v_before THEN
      v_set := v_set - v_key;
    END IF;
  END LOOP;
  IF v_set = '{}' THEN
    RETURN p_track - -1;
  END IF;
  RETURN jsonb_set(p_track, '{-1,set}', v_set);
END $$;
COMMENT ON FUNCTION pl.fold_track IS
  'Adds the changes p_set at p_at to a track: effective changes only, one entry an instant; changes of worth alone, one entry a quarter hour, at its first';

CREATE FUNCTION pl.fold_event(p_state object, p_event event) RETURNS object
LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE AS $$
DECLARE
  v_doc jsonb;
  v_set jsonb;
  v_tracked text[];
BEGIN
  IF p_state.object_id IS NULL THEN
    p_state.org_id := p_event.org_id;
    p_state.kind := p_event.kind;
    p_state.object_id := p_event.object_id;
    p_state.doc := '{}';
    p_state.track := '[]';
    p_state.first_at := p_event.occurred_at;
  END IF;
  CASE p_event.operation
    WHEN 'patch' THEN
      v_doc := pl.fold_doc(p_state.doc, p_event.patch, p_event.is_full);
      v_tracked := pl.tracked(p_event.kind);
      IF p_event.is_full OR v_tracked = '{*}' OR p_event.patch ?| v_tracked THEN
        v_set := CASE WHEN p_event.is_full THEN pl.changes(p_state.doc, v_doc, v_tracked)
                      ELSE pl.changes_by(p_event.patch, p_state.doc, v_doc, v_tracked) END;
        IF v_set <> '{}' THEN
          p_state.track := pl.fold_track(p_state.track, p_event.occurred_at, v_set);
        END IF;
      END IF;
      p_state.doc := v_doc;
      IF p_event.is_full AND p_state.merged_into IS NULL THEN
        p_state.deleted_at := NULL;
      END IF;
    WHEN 'delete' THEN
      p_state.deleted_at := coalesce(p_state.deleted_at, p_event.occurred_at);
    WHEN 'restore' THEN
      p_state.deleted_at := NULL;
      p_state.merged_into := NULL;
    WHEN 'merge' THEN
      p_state.deleted_at := coalesce(p_state.deleted_at, p_event.occurred_at);
      p_state.merged_into := p_event.patch ->> 'merged_into';
    WHEN 'base' THEN
      -- What stands before it in the log, if anything, is in it.
      p_state.doc := p_event.patch -> 'doc';
      p_state.track := p_event.patch -> 'track';
      p_state.first_at := p_event.patch ->> 'first_at';
      p_state.deleted_at := p_event.patch ->> 'deleted_at';
      p_state.merged_into := p_event.patch ->> 'merged_into';
  END CASE;
  p_state.gone := p_state.deleted_at IS NOT NULL OR coalesce(p_state.doc -> 'attributes' ? 'is_test', false);
  p_state.last_at := p_event.occurred_at;
  p_state.last_seq := p_event.source_seq;
  p_state.last_event := p_event.event_id;
  p_state.last_received := greatest(p_state.last_received, p_event.received_at);
  RETURN p_state;  -- changed in place: a copy would cost as much as the rest
END $$;
COMMENT ON FUNCTION pl.fold_event IS
  'The state after one more event, which must be the next in order. p_state null: the first. A merged object bears deleted_at too: the time of the merge; only a restore brings it back';

CREATE AGGREGATE pl.fold(event) (SFUNC = pl.fold_event, STYPE = object, PARALLEL = SAFE);
COMMENT ON AGGREGATE pl.fold(event) IS
  'The state of an object from its events; always with ORDER BY occurred_at, source_seq, event_id, source';
