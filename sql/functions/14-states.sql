-- States as they were: at a point of the source's time (as_of), as far as known at a point of ours (known_at).

CREATE FUNCTION pl.object_states(p_org int, p_kind object_kind, p_ids text[], p_as_of timestamptz, p_known_at timestamptz)
RETURNS SETOF object
LANGUAGE plpgsql STABLE AS $$
BEGIN
  IF p_as_of IS NULL AND p_known_at IS NULL THEN
    -- Two statements, so that each has a good plan of its own even where plans are made once for all parameters.
    IF p_ids IS NULL THEN
      RETURN QUERY SELECT o.* FROM object AS o WHERE o.org_id = p_org AND o.kind = p_kind;
    ELSE
      RETURN QUERY SELECT o.* FROM object AS o WHERE o.org_id = p_org AND o.kind = p_kind AND o.object_id = ANY (p_ids);
    END IF;
    RETURN;
  END IF;
  RETURN QUERY
    SELECT o.* FROM object AS o
     WHERE o.org_id = p_org AND o.kind = p_kind AND (p_ids IS NULL OR o.object_id = ANY (p_ids))
       AND o.last_at <= coalesce(p_as_of, 'infinity') AND o.last_received <= coalesce(p_known_at, 'infinity');
  RETURN QUERY
    SELECT (f.state).*
      FROM (SELECT pl.fold(e ORDER BY e.occurred_at, e.source_seq, e.event_id, e.source) AS state
              FROM object AS o
              JOIN event AS e ON e.org_id = o.org_id AND e.kind = o.kind AND e.object_id = o.object_id
             WHERE o.org_id = p_org AND o.kind = p_kind AND (p_ids IS NULL OR o.object_id = ANY (p_ids))
               AND NOT (o.last_at <= coalesce(p_as_of, 'infinity') AND o.last_received <= coalesce(p_known_at, 'infinity'))
               AND o.first_at <= coalesce(p_as_of, 'infinity')
               AND e.org_id = p_org AND e.kind = p_kind
               AND e.occurred_at <= coalesce(p_as_of, 'infinity') AND e.received_at <= coalesce(p_known_at, 'infinity')
             GROUP BY o.object_id
            OFFSET 0) AS f;
END $$;
COMMENT ON FUNCTION pl.object_states IS
  'Objects of a kind as the events with occurred_at <= p_as_of and received_at <= p_known_at make them (null: no bound; p_ids null: all). A row that already is that state is used as it stands';
