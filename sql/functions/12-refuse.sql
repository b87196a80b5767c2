-- What keeps an event out of the log.

CREATE FUNCTION pl.missing(p_kind object_kind, p_patch jsonb) RETURNS text
LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE AS $$
DECLARE
  v_required text[] := CASE p_kind
    WHEN 'stage' THEN '{label,outcome}'::text[]
    WHEN 'opportunity' THEN '{stage}'
    WHEN 'activity' THEN '{kind,starts_at,rep}'
    WHEN 'fx-rate' THEN '{rate}'
    ELSE '{name}'
  END;
  v_name text;
BEGIN
  FOREACH v_name IN ARRAY v_required LOOP
    IF p_patch ->> v_name IS NULL AND NOT (v_name = 'rep' AND p_patch ->> 'reps' IS NOT NULL) THEN
      RETURN v_name;
    END IF;
  END LOOP;
  RETURN NULL;
END $$;
COMMENT ON FUNCTION pl.missing IS
  'The first attribute an object of this kind cannot be without and the patch does not carry; null: none is missing';

CREATE FUNCTION pl.stage_problem(p_org int, p_stage text) RETURNS text
LANGUAGE plpgsql STABLE PARALLEL SAFE AS $$
DECLARE
  v_known text[];
BEGIN
  IF EXISTS (SELECT FROM object AS o
              WHERE o.org_id = p_org AND o.kind = 'stage' AND o.object_id = p_stage AND o.deleted_at IS NULL) THEN
    RETURN NULL;
  END IF;
  v_known := ARRAY(SELECT o.object_id FROM object AS o
                    WHERE o.org_id = p_org AND o.kind = 'stage' AND o.deleted_at IS NULL
                    ORDER BY o.object_id LIMIT 50);
  IF v_known = '{}' THEN
    RETURN NULL;
  END IF;
  RETURN format('There is no stage "%s"; the nearest is "%s". Known: %s.',
                left(p_stage, 64), pl.nearest(p_stage, v_known), array_to_string(v_known, ', '));
END $$;
COMMENT ON FUNCTION pl.stage_problem IS
  'What is wrong with a stage that a single write names: null when it exists, or when the organisation has no stages yet';

CREATE FUNCTION pl.refuse(p_org int, p_item pl.ingest_item, p_received timestamptz, p_met jsonb) RETURNS pl.refusal
LANGUAGE plpgsql STABLE AS $$
DECLARE
  v_kind text := p_item.kind;
  v_target text := p_item.patch ->> 'merged_into';
  v_stage text := p_item.patch ->> 'stage';
  v_missing text;
  v_problem text;
BEGIN
  IF p_item.event_id LIKE '~%' THEN
    RETURN ROW('reserved_event_id', '/event_id', 'Event ids that begin with "~" are given by the service only.')::pl.refusal;
  ELSIF p_item.occurred_at > p_received + interval '24 hours' THEN
    RETURN ROW('occurred_in_future', '/occurred_at', format('%s is more than 24 hours ahead of the service''s clock, %s.',
                                                         pl.iso(p_item.occurred_at), pl.iso(p_received)))::pl.refusal;
  ELSIF p_item.operation = 'merge' AND v_target IS NULL THEN
    RETURN ROW('required', '/merged_into', 'A merge must name the object it merges into.')::pl.refusal;
  ELSIF p_item.operation = 'merge' AND v_target = p_item.object_id THEN
    RETURN ROW('merged_into_itself', '/merged_into', 'An object cannot be merged into itself.')::pl.refusal;
  ELSIF p_item.operation <> 'patch' THEN
    IF p_met IS NULL AND NOT p_item.is_partial THEN
      RETURN ROW('unknown_object', '/id', format('There is no %s "%s" to %s.', v_kind, left(p_item.object_id, 64), p_item.operation))::pl.refusal;
    END IF;
    RETURN NULL;
  END IF;
  IF (p_met IS NULL OR p_item.is_full) AND NOT p_item.is_partial THEN
    v_missing := pl.missing(p_item.kind, p_item.patch);
    IF v_missing IS NOT NULL THEN
      RETURN ROW('required', '/' || v_missing,
                 format(CASE WHEN p_met IS NULL THEN 'The first record of this %s must carry %s.'
                             ELSE 'A full record of this %s must carry %s.' END, v_kind, v_missing))::pl.refusal;
    END IF;
  END IF;
  IF p_item.is_strict AND v_kind = 'opportunity' AND v_stage <> coalesce(p_met ->> 'stage', '') THEN
    v_problem := pl.stage_problem(p_org, v_stage);
    IF v_problem IS NOT NULL THEN
      RETURN ROW('unknown_stage', '/stage', v_problem)::pl.refusal;
    END IF;
  END IF;
  RETURN NULL;
END $$;
COMMENT ON FUNCTION pl.refuse IS
  'Why an event whose id is new cannot be stored; null: it can. p_met: the document it meets, null when nothing is known of its object';

CREATE FUNCTION pl.refuse_again(p_item pl.ingest_item, p_seen event) RETURNS pl.refusal
LANGUAGE plpgsql STABLE AS $$
BEGIN
  IF p_seen.kind = p_item.kind AND p_seen.object_id = p_item.object_id AND p_seen.operation = p_item.operation
     AND p_seen.is_full = p_item.is_full AND p_seen.source_seq = p_item.source_seq AND p_seen.patch = p_item.patch
     AND (NOT p_item.dated OR p_seen.occurred_at = p_item.occurred_at)
     -- What was erased from the log is not compared: the original would never be the same again.
     OR EXISTS (SELECT FROM erased_event AS x
                 WHERE x.org_id = p_seen.org_id AND x.source = p_seen.source AND x.event_id = p_seen.event_id
                   AND p_seen.kind = p_item.kind AND p_seen.object_id = p_item.object_id)
     -- Nor what became the base of its object.
     OR (p_seen.operation = 'base' AND p_seen.kind = p_item.kind AND p_seen.object_id = p_item.object_id) THEN
    RETURN NULL;
  END IF;
  RETURN ROW('event_id_reused', '/event_id', format('Event "%s" was received on %s with other content.',
                                                    left(p_seen.event_id, 64), pl.iso(p_seen.received_at)))::pl.refusal;
END $$;
COMMENT ON FUNCTION pl.refuse_again IS 'Why an event whose id is in the log already cannot be taken; null: it has the same content, so it is a duplicate';
