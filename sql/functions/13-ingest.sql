-- Ingest: one batch is one call, one transaction, one writer of the organisation.
-- An event meets the state of its object as the events before it in the batch left it.

CREATE FUNCTION pl.keep(p_states object[]) RETURNS void
LANGUAGE plpgsql AS $$
BEGIN
  INSERT INTO object
  SELECT s.* FROM unnest(p_states) AS s WHERE s.object_id IS NOT NULL ORDER BY s.kind, s.object_id
  ON CONFLICT (org_id, kind, object_id) DO UPDATE SET
    doc = excluded.doc, track = excluded.track, first_at = excluded.first_at, last_at = excluded.last_at,
    last_seq = excluded.last_seq, last_event = excluded.last_event, last_received = excluded.last_received,
    deleted_at = excluded.deleted_at, merged_into = excluded.merged_into;
END $$;
COMMENT ON FUNCTION pl.keep IS 'Writes states of objects; null elements are skipped';

CREATE FUNCTION pl.refold(p_org int, p_kinds object_kind[], p_ids text[]) RETURNS object[]
LANGUAGE plpgsql STABLE AS $$
BEGIN
  RETURN ARRAY(SELECT pl.fold(e ORDER BY e.occurred_at, e.source_seq, e.event_id, e.source)
                 FROM unnest(p_kinds, p_ids) AS t(kind, id)
                 JOIN event AS e ON e.org_id = p_org AND e.kind = t.kind AND e.object_id = t.id
                GROUP BY e.kind, e.object_id);
END $$;
COMMENT ON FUNCTION pl.refold IS 'The states of some objects, from the log alone';

CREATE FUNCTION pl.ingest_meet(p_org int, p_source text, p_items pl.ingest_item[])
RETURNS TABLE (item pl.ingest_item, met object, seen event)
LANGUAGE plpgsql STABLE
-- The plan is made once a session, maybe while the tables are empty, so it must not rest on their size: one probe of each
-- key an item (LIMIT 1 keeps the planner from joining the other way round), never a scan.
SET plan_cache_mode = force_generic_plan SET enable_seqscan = off SET jit = off
AS $$
BEGIN
  RETURN QUERY
    SELECT n, o.state, e.seen
      FROM unnest(p_items) AS n
      LEFT JOIN LATERAL (SELECT x AS seen FROM event AS x
                          WHERE x.org_id = p_org AND x.source = p_source AND x.event_id = n.event_id LIMIT 1) AS e ON true
      LEFT JOIN LATERAL (SELECT x AS state FROM object AS x
                          WHERE x.org_id = p_org AND x.kind = n.kind AND x.object_id = n.object_id LIMIT 1) AS o ON true
     ORDER BY n.kind, n.object_id, n.idx;
END $$;
COMMENT ON FUNCTION pl.ingest_meet IS
  'Each item with the state it meets and the event in the log that bears its id, those of an object together and in their order';

CREATE FUNCTION pl.ingest_round(
  p_org int, p_source text, p_version bigint, p_received timestamptz, p_items pl.ingest_item[]) RETURNS pl.ingest_result[]
LANGUAGE plpgsql AS $$
DECLARE
  r record;
  i pl.ingest_item;
  v_event event;
  v_state object;
  v_before object;
  v_behind boolean;
  v_refusal pl.refusal;
  v_outcome text;
  v_seq bigint;
  v_objects int := 0;
  v_stored int := 0;
  v_done int := 0;
  v_events event[] := '{}';
  v_states object[] := '{}';
  v_results pl.ingest_result[] := '{}';
  v_stale_kinds object_kind[] := '{}';
  v_stale_ids text[] := '{}';
BEGIN
  FOR r IN
    SELECT m.item, m.met, m.seen FROM pl.ingest_meet(p_org, p_source, p_items) AS m
  LOOP
    IF v_objects = 0 OR (r.item).kind <> i.kind OR (r.item).object_id <> i.object_id THEN
      v_objects := v_objects + 1;
      v_state := r.met;
      v_behind := false;
    END IF;
    i := r.item;
    v_done := v_done + 1;
    v_event := r.seen;
    IF v_event.event_id IS NOT NULL THEN
      v_results[v_done] := pl.ingest_again(i, v_event);
      CONTINUE;
    END IF;
    v_refusal := pl.refuse(p_org, i, p_received, v_state.doc);
    IF v_refusal.code IS NOT NULL THEN
      v_results[v_done] := ROW(i, 'rejected', i.event_id, i.occurred_at, v_refusal)::pl.ingest_result;
      CONTINUE;
    END IF;
    v_seq := p_version + 1 + i.idx;
    v_event := ROW(p_org, p_source, coalesce(i.event_id, '~' || lpad(v_seq::text, 19, '0')), v_seq, i.kind, i.object_id,
                i.occurred_at, i.source_seq, p_received, i.operation, i.is_full, i.patch)::event;
    v_stored := v_stored + 1;
    v_events[v_stored] := v_event;
    IF (v_event.occurred_at, v_event.source_seq, v_event.event_id) <= (v_state.last_at, v_state.last_seq, v_state.last_event) THEN
      v_outcome := 'stale';
      IF NOT v_behind THEN
        v_behind := true;
        v_states[v_objects] := NULL;
        v_stale_kinds := v_stale_kinds || i.kind;
        v_stale_ids := v_stale_ids || i.object_id::text;
      END IF;
    ELSE
      v_before := v_state;
      v_state := pl.fold_event(v_before, v_event);
      -- As text too: 1.0 and 1.00 are equal in jsonb, yet not the same answer.
      v_outcome := CASE WHEN v_before.doc = v_state.doc AND v_before.doc::text = v_state.doc::text
                             AND v_before.deleted_at IS NOT DISTINCT FROM v_state.deleted_at
                             AND v_before.merged_into IS NOT DISTINCT FROM v_state.merged_into
                        THEN 'unchanged' ELSE 'accepted' END;
      IF NOT v_behind THEN
        v_states[v_objects] := v_state;
      END IF;
    END IF;
    v_results[v_done] := ROW(i, v_outcome, v_event.event_id, i.occurred_at, NULL)::pl.ingest_result;
  END LOOP;
  IF v_stored > 0 THEN
    INSERT INTO event SELECT * FROM unnest(v_events) ORDER BY seq;
    PERFORM pl.keep(v_states);
  END IF;
  IF v_stale_ids <> '{}' THEN
    PERFORM pl.keep(pl.refold(p_org, v_stale_kinds, v_stale_ids));
  END IF;
  RETURN v_results;
END $$;
COMMENT ON FUNCTION pl.ingest_round IS
  'Stores items whose event ids differ. An event in order takes its object one step on; one that is older than what it meets makes the object be folded anew';

CREATE FUNCTION pl.learn_sizes() RETURNS void
LANGUAGE plpgsql AS $$
DECLARE
  v_table regclass;
BEGIN
  -- Statements are planned once a session, at first while the tables are empty, and what suits an empty table reads a full one from
  -- end to end. Statistics make them be planned anew; autovacuum would bring them only minutes after a first import.
  -- Above a few megabytes it is left to autovacuum: the plans are settled by then, and a large sample takes seconds.
  FOR v_table IN
    SELECT c.oid FROM pg_class AS c
     WHERE c.oid = ANY ('{event,object,rep_team,account_version,account_fit,deal_fact_of,open_span,activity_fact_of}'::regclass[])
       AND c.relpages < 500 AND pg_relation_size(c.oid) > 4 * 8192 * greatest(c.relpages, 1)
  LOOP
    EXECUTE format('ANALYZE %s', v_table);
  END LOOP;
END $$;
COMMENT ON FUNCTION pl.learn_sizes IS
  'Gathers the planner''s statistics of small tables that have become four times as large since it was last done: a few times in a table''s life';

CREATE FUNCTION pl.ingest(
  p_org int, p_source text, p_kinds text[], p_ids text[], p_operations text[], p_full text[], p_strict text[],
  p_occurred text[], p_event_ids text[], p_patches text[], p_received timestamptz DEFAULT NULL, p_seqs text[] DEFAULT NULL)
RETURNS TABLE (idx int, outcome text, event_id text, occurred_at text, code text, pointer text, message text,
               quarantined boolean, data_version bigint)
LANGUAGE plpgsql
-- Compiling a batch's plans takes ten times as long as running them.
SET jit = off
AS $$
DECLARE
  v_version bigint := pl.lock_org(p_org);
  v_received timestamptz := coalesce(p_received, clock_timestamp());
  v_items pl.ingest_item[] := pl.erased_items(p_org, pl.ingest_read(p_kinds, p_ids, p_operations, p_full, p_strict, p_occurred, p_event_ids,
                                                                    p_patches, v_received, p_seqs));
  v_results pl.ingest_result[] := '{}';
  v_rounds int;
  v_newest bigint;
  v_kinds object_kind[];
  v_ids text[];
  v_refused boolean;
BEGIN
  SELECT max(i.round) INTO v_rounds FROM unnest(v_items) AS i;
  IF v_rounds = 1 THEN
    v_results := pl.ingest_round(p_org, p_source, v_version, v_received, v_items);
  ELSE
    -- An event id that stands in the batch twice meets itself in the log.
    FOR n IN 1 .. coalesce(v_rounds, 0) LOOP
      v_results := v_results || pl.ingest_round(p_org, p_source, v_version, v_received,
                                                ARRAY(SELECT i FROM unnest(v_items) AS i WHERE i.round = n));
    END LOOP;
  END IF;
  SELECT max(v_version + 1 + (r.item).idx) FILTER (WHERE r.outcome IN ('accepted', 'stale', 'unchanged')),
         bool_or(pl.is_quarantined((r.refusal).code, (r.item).is_partial))
    INTO v_newest, v_refused FROM unnest(v_results) AS r;
  IF v_refused THEN
    PERFORM pl.quarantine(p_org, p_source, v_received, v_results);
  END IF;
  IF v_newest IS NOT NULL THEN
    v_version := v_newest;
    UPDATE org_version AS v SET data_version = v_newest WHERE v.org_id = p_org;
    SELECT array_agg(t.kind), array_agg(t.object_id) INTO v_kinds, v_ids
      FROM (SELECT DISTINCT (r.item).kind, (r.item).object_id FROM unnest(v_results) AS r
             WHERE r.outcome IN ('accepted', 'stale') ORDER BY 1, 2) AS t;
    IF v_ids IS NOT NULL THEN
      PERFORM pl.project(p_org, v_kinds, v_ids);
    END IF;
    PERFORM pl.learn_sizes();
  END IF;
  RETURN QUERY
    SELECT (r.item).idx, r.outcome, r.event_id, pl.iso(r.occurred_at), (r.refusal).code, (r.refusal).pointer,
           (r.refusal).message, pl.is_quarantined((r.refusal).code, (r.item).is_partial), v_version
      FROM unnest(v_results) AS r
     ORDER BY (r.item).idx;
END $$;
COMMENT ON FUNCTION pl.ingest IS
  'Writes a batch of events of one organisation and all that follows from them. p_received: the clock, for tests and back-fill by operators only. p_seqs: the source''s counts, null where it has none. '
  'p_strict: t a single write, whose stage must be known; f; p an event of a source that tells changes piece by piece and in any order: its first '
  'need not carry what a record must, and may be a delete, restore or merge; when refused, it is left to the caller, who has it as it came';

CREATE FUNCTION pl.ingest_each(
  p_org int, p_source text, p_kinds text[], p_ids text[], p_operations text[], p_full text[], p_strict text[],
  p_occurred text[], p_event_ids text[], p_patches text[], p_received timestamptz DEFAULT NULL, p_seqs text[] DEFAULT NULL)
RETURNS TABLE (idx int, outcome text, event_id text, occurred_at text, code text, pointer text, message text,
               quarantined boolean, data_version bigint)
LANGUAGE plpgsql
-- Compiling a batch's plans takes ten times as long as running them.
SET jit = off
AS $$
DECLARE
  v_version bigint := pl.lock_org(p_org);
  v_received timestamptz := coalesce(p_received, clock_timestamp());
  v_results jsonb[] := '{}';
  v_result record;
BEGIN
  FOR n IN 1 .. coalesce(cardinality(p_ids), 0) LOOP
    BEGIN
      SELECT n - 1 AS idx, i.outcome, i.event_id, i.occurred_at, i.code, i.pointer, i.message, i.quarantined, i.data_version
        INTO STRICT v_result
        FROM pl.ingest(p_org, p_source, p_kinds[n:n], p_ids[n:n], p_operations[n:n], p_full[n:n], p_strict[n:n],
                       p_occurred[n:n], p_event_ids[n:n], p_patches[n:n],
                       -- Undated events keep their order here too.
                       v_received + (n - 1) * interval '1 microsecond', p_seqs[n:n]) AS i;
      v_version := v_result.data_version;
    EXCEPTION WHEN data_exception OR integrity_constraint_violation OR program_limit_exceeded OR cardinality_violation THEN
      SELECT n - 1 AS idx, 'rejected' AS outcome, p_event_ids[n] AS event_id, p_occurred[n] AS occurred_at,
             'not_storable' AS code, '' AS pointer, 'The event cannot be stored: ' || SQLERRM || '.' AS message,
             false AS quarantined INTO STRICT v_result;
    END;
    v_results[n] := to_jsonb(v_result);
  END LOOP;
  RETURN QUERY
    SELECT r.idx, r.outcome, r.event_id, r.occurred_at, r.code, r.pointer, r.message, r.quarantined, v_version
      FROM unnest(v_results) AS t,
           jsonb_to_record(t) AS r(idx int, outcome text, event_id text, occurred_at text, code text, pointer text,
                                   message text, quarantined boolean);
END $$;
COMMENT ON FUNCTION pl.ingest_each IS
  'As pl.ingest, an event at a time in a sub-transaction: what raises is rejected as not_storable, its neighbours are stored';
