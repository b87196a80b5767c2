-- States as they were: at a point of the source's time (as_of), as far as known at a point of ours (known_at).

CREATE FUNCTION pl.object_states(p_org int, p_kind object_kind, p_ids text[], p_as_of timestamptz, p_known_at timestamptz)
RETURNS SETOF object
LANGUAGE plpgsql STABLE AS $$
DECLARE
  v_as_of timestamptz := coalesce(p_as_of, 'infinity');
  v_known_at timestamptz := coalesce(p_known_at, 'infinity');
BEGIN
  IF p_ids IS NOT NULL THEN
    RETURN QUERY SELECT s.* FROM pl.object_states_of(p_org, p_kind, p_ids, v_as_of, v_known_at) AS s;
    RETURN;
  END IF;
  RETURN QUERY
    SELECT o.* FROM object AS o
     WHERE o.org_id = p_org AND o.kind = p_kind AND o.last_at <= v_as_of AND o.last_received <= v_known_at;
  IF p_as_of IS NULL AND p_known_at IS NULL THEN
    RETURN;
  END IF;
  RETURN QUERY
    SELECT s.* FROM pl.states_folded(p_org, p_kind, ARRAY(
      SELECT o.object_id FROM object AS o
       WHERE o.org_id = p_org AND o.kind = p_kind AND o.first_at <= v_as_of
         AND (o.last_at > v_as_of OR o.last_received > v_known_at)), v_as_of, v_known_at) AS s;
END $$;
COMMENT ON FUNCTION pl.object_states IS
  'Objects of a kind as the events with occurred_at <= p_as_of and received_at <= p_known_at make them (null: no bound; p_ids null: all). A row that already is that state is used as it stands';

CREATE FUNCTION pl.object_states_of(p_org int, p_kind object_kind, p_ids text[], p_as_of timestamptz, p_known_at timestamptz)
RETURNS SETOF object
LANGUAGE plpgsql STABLE
-- On the way of every write, with a plan maybe made while the tables were empty: one probe of the key an id, as in pl.ingest_meet.
SET plan_cache_mode = force_generic_plan SET enable_seqscan = off SET jit = off
AS $$
DECLARE
  v_found object[];
  v_past text[];
BEGIN
  v_found := ARRAY(SELECT o.state FROM unnest(p_ids) AS i(id),
                   LATERAL (SELECT x AS state FROM object AS x
                             WHERE x.org_id = p_org AND x.kind = p_kind AND x.object_id = i.id LIMIT 1) AS o);
  RETURN QUERY SELECT o.* FROM unnest(v_found) AS o WHERE o.last_at <= p_as_of AND o.last_received <= p_known_at;
  v_past := ARRAY(SELECT o.object_id FROM unnest(v_found) AS o
                   WHERE o.first_at <= p_as_of AND (o.last_at > p_as_of OR o.last_received > p_known_at));
  IF v_past <> '{}' THEN
    RETURN QUERY SELECT s.* FROM pl.states_folded(p_org, p_kind, v_past, p_as_of, p_known_at) AS s;
  END IF;
END $$;
COMMENT ON FUNCTION pl.object_states_of IS 'pl.object_states for given ids, both times given (infinity: no bound)';

CREATE FUNCTION pl.states_folded(p_org int, p_kind object_kind, p_ids text[], p_as_of timestamptz, p_known_at timestamptz)
RETURNS SETOF object
LANGUAGE plpgsql STABLE
-- One probe of the log an object, whatever the planner knows of the tables: a join guessed wrong here reads the log once an object.
SET plan_cache_mode = force_generic_plan SET enable_seqscan = off SET jit = off
AS $$
BEGIN
  IF p_ids <> '{}' THEN
    PERFORM pl.refuse_not_kept(p_org, p_as_of, p_known_at);
  END IF;
  RETURN QUERY
    SELECT (f.state).*
      FROM unnest(p_ids) AS i(id),
           LATERAL (SELECT pl.fold(e ORDER BY e.occurred_at, e.source_seq, e.event_id, e.source) AS state
                      FROM event AS e
                     WHERE e.org_id = p_org AND e.kind = p_kind AND e.object_id = i.id
                       AND e.occurred_at <= p_as_of AND e.received_at <= p_known_at
                    OFFSET 0) AS f
     WHERE (f.state).object_id IS NOT NULL;
END $$;
COMMENT ON FUNCTION pl.states_folded IS 'States of objects folded from the log up to (as_of, known_at), both given; objects not seen by then are left out. Fails as invalid_parameter where the log does not tell of that time any more'
;
