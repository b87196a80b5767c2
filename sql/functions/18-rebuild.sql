-- Everything but the log, derived from the log.

CREATE FUNCTION pl.rebuild(p_org int) RETURNS TABLE (objects bigint, events bigint, changed bigint)
LANGUAGE plpgsql AS $$
BEGIN
  PERFORM pl.lock_org(p_org);
  SELECT count(*) INTO events FROM event AS e WHERE e.org_id = p_org;
  DELETE FROM object AS o
   WHERE o.org_id = p_org
     AND NOT EXISTS (SELECT FROM event AS e WHERE e.org_id = p_org AND e.kind = o.kind AND e.object_id = o.object_id);
  GET DIAGNOSTICS changed = ROW_COUNT;
  changed := changed + pl.keep_folded(p_org);
  SELECT count(*) INTO objects FROM object AS o WHERE o.org_id = p_org;
  PERFORM pl.reproject(p_org);
  RETURN NEXT;
END $$;
COMMENT ON FUNCTION pl.rebuild IS
  'Folds every object of an organisation from its log again and derives all projections anew; its writers wait meanwhile. changed: states that were not what the log says (0 unless the data was tampered with)';

CREATE FUNCTION pl.keep_folded(p_org int) RETURNS bigint
LANGUAGE plpgsql AS $$
DECLARE
  v_changed bigint;
BEGIN
  INSERT INTO object AS o
  SELECT (f.state).*
    FROM (SELECT pl.fold(e ORDER BY e.occurred_at, e.source_seq, e.event_id, e.source) AS state
            FROM event AS e WHERE e.org_id = p_org GROUP BY e.kind, e.object_id OFFSET 0) AS f
  ON CONFLICT (org_id, kind, object_id) DO UPDATE SET
    doc = excluded.doc, track = excluded.track, first_at = excluded.first_at, last_at = excluded.last_at,
    last_seq = excluded.last_seq, last_event = excluded.last_event, last_received = excluded.last_received,
    deleted_at = excluded.deleted_at, merged_into = excluded.merged_into
  -- As text: 1.0 and 1.00 are equal in jsonb, yet not the same answer.
  WHERE (o.doc::text, o.track::text, o.first_at, o.last_at, o.last_seq, o.last_event, o.last_received, o.deleted_at, o.merged_into)
        IS DISTINCT FROM
        (excluded.doc::text, excluded.track::text, excluded.first_at, excluded.last_at, excluded.last_seq,
         excluded.last_event, excluded.last_received, excluded.deleted_at, excluded.merged_into);
  GET DIAGNOSTICS v_changed = ROW_COUNT;
  RETURN v_changed;
END $$;
COMMENT ON FUNCTION pl.keep_folded IS 'Writes the state of every object that is not what the log says; returns how many there were';
