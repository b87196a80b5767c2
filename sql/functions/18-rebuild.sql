-- Everything but the log, derived from the log: in steps, each of which writes only what differs, so that writers wait for one step at most.

CREATE FUNCTION pl.keep_folded(p_org int, p_kinds object_kind[], p_ids text[]) RETURNS bigint
LANGUAGE plpgsql
-- One probe of the log an object, as in pl.states_folded.
SET plan_cache_mode = force_generic_plan SET enable_seqscan = off SET jit = off AS $$
DECLARE
  v_changed bigint;
BEGIN
  INSERT INTO object AS o
  SELECT (f.state).*
    FROM unnest(p_kinds, p_ids) AS i(kind, id),
         LATERAL (SELECT pl.fold(e ORDER BY e.occurred_at, e.source_seq, e.event_id, e.source) AS state
                    FROM event AS e WHERE e.org_id = p_org AND e.kind = i.kind AND e.object_id = i.id OFFSET 0) AS f
  ON CONFLICT (org_id, kind, object_id) DO UPDATE SET
    doc = excluded.doc, track = excluded.track, first_at = excluded.first_at, last_at = excluded.last_at,
    last_seq = excluded.last_seq, last_event = excluded.last_event, last_received = excluded.last_received,
    deleted_at = excluded.deleted_at, merged_into = excluded.merged_into, gone = excluded.gone
  -- As text: 1.0 and 1.00 are equal in jsonb, yet not the same answer.
  WHERE (o.doc::text, o.track::text, o.first_at, o.last_at, o.last_seq, o.last_event, o.last_received, o.deleted_at, o.merged_into, o.gone)
        IS DISTINCT FROM
        (excluded.doc::text, excluded.track::text, excluded.first_at, excluded.last_at, excluded.last_seq,
         excluded.last_event, excluded.last_received, excluded.deleted_at, excluded.merged_into, excluded.gone);
  GET DIAGNOSTICS v_changed = ROW_COUNT;
  RETURN v_changed;
END $$;
COMMENT ON FUNCTION pl.keep_folded IS 'Writes the states of these objects (parallel arrays) that are not what the log says; returns how many there were';
