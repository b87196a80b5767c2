-- Ingest: one batch is one call, one transaction, one writer of the organisation.
-- An event meets the state of its object as the events before it in the batch left it.

CREATE FUNCTION pl.keep(p_born object[], p_changed object[]) RETURNS void
-- One probe of the key a state, as everywhere on the way of a write.
LANGUAGE plpgsql SET enable_seqscan = off SET enable_hashjoin = off SET enable_mergejoin = off AS $$
BEGIN
  IF cardinality(p_born) > 0 THEN
    INSERT INTO object (org_id, kind, object_id, doc, track, first_at, last_at, last_seq, last_event, last_received, deleted_at, merged_into, gone)
    SELECT s.* FROM unnest(p_born) AS s WHERE s.object_id IS NOT NULL;
  END IF;
  IF cardinality(p_changed) > 0 THEN
    UPDATE object AS o
       SET doc = s.doc, track = s.track, first_at = s.first_at, last_at = s.last_at, last_seq = s.last_seq, last_event = s.last_event,
           last_received = s.last_received, deleted_at = s.deleted_at, merged_into = s.merged_into, gone = s.gone
      FROM unnest(p_changed) AS s
     WHERE o.org_id = s.org_id AND o.kind = s.kind AND o.object_id = s.object_id;
  END IF;
END $$;
COMMENT ON FUNCTION pl.keep IS 'Writes states of objects, those that were not there and those that were; null elements are skipped. The organisation is locked';

CREATE TYPE pl.ingest_fold AS (
  outcome      pl.ingest_outcome,
  events       event[],
  born         object[],
  changed      object[],
  stale_kinds  object_kind[],
  stale_ids    text[]
);
COMMENT ON TYPE pl.ingest_fold IS
  'What a round of events comes to: their outcome, the events to store, the states of objects that were not there and of those that were, and '
  'the objects that have to be folded anew from the log';

CREATE FUNCTION pl.ingest_fold(
  p_org int, p_source text, p_version bigint, p_received timestamptz, p_items pl.ingest_item[], p_round int) RETURNS pl.ingest_fold
LANGUAGE plpgsql STABLE
-- The plan is made once a session, maybe while the tables are empty, so it must not rest on their size: one probe of each
-- key an item (LIMIT 1 keeps the planner from joining the other way round), never a scan.
SET plan_cache_mode = force_generic_plan SET enable_seqscan = off AS $$
DECLARE
  r record;
  i pl.ingest_item;
  v_event event;
  v_state object;       -- of the object at hand, as the events so far make it
  v_before object;
  v_known boolean;      -- it was there before this round
  v_slot int;           -- its place in v_born or v_changed, once it has one
  v_behind boolean;     -- an event came late: it is folded anew from the log
  v_touched boolean;    -- it is in v_ids
  v_moved boolean;      -- and in v_moves
  v_refusal pl.refusal;
  v_seq bigint;
  n int := 0;
  v_idx int[] := '{}';
  v_outcomes text[] := '{}';
  v_event_ids text[] := '{}';
  v_times timestamptz[] := '{}';
  v_refusals pl.refusal[] := '{}';
  v_newest bigint;
  v_held boolean[] := '{}';
  v_events event[] := '{}';
  v_born object[] := '{}';
  v_changed object[] := '{}';
  v_kinds object_kind[] := '{}';
  v_ids text[] := '{}';
  v_moves text[] := '{}';
  v_stale_kinds object_kind[] := '{}';
  v_stale_ids text[] := '{}';
BEGIN
  -- Each item with the state it meets and the event in the log that bears its id, those of an object together and in their order.
  FOR r IN
    SELECT m AS item, o.state AS met, e.seen
      FROM unnest(p_items) AS m
      LEFT JOIN LATERAL (SELECT x AS seen FROM event AS x
                          WHERE x.org_id = p_org AND x.source = p_source AND x.event_id = m.event_id LIMIT 1) AS e ON true
      LEFT JOIN LATERAL (SELECT x AS state FROM object AS x
                          WHERE x.org_id = p_org AND x.kind = m.kind AND x.object_id = m.object_id LIMIT 1) AS o ON true
     WHERE m.round = p_round
     -- Deliveries that came side by side are in no order but the source's: taken in it, few events find their object ahead of them.
     ORDER BY m.kind, m.object_id, CASE WHEN m.is_partial THEN m.occurred_at END, CASE WHEN m.is_partial THEN m.source_seq END,
              CASE WHEN m.is_partial THEN m.event_id END, m.idx
  LOOP
    IF n = 0 OR (r.item).kind <> i.kind OR (r.item).object_id <> i.object_id THEN
      v_state := r.met;
      v_known := v_state.object_id IS NOT NULL;
      v_slot := NULL;
      v_behind := false;
      v_touched := false;
      v_moved := false;
    END IF;
    i := r.item;
    v_event := r.seen;
    n := n + 1;
    v_idx[n] := i.idx;
    v_event_ids[n] := i.event_id;
    v_times[n] := i.occurred_at;
    IF v_event.event_id IS NULL THEN
      v_refusal := pl.refuse(p_org, i, p_received, v_state.doc);
    ELSE
      v_refusal := pl.refuse_again(i, v_event);
    END IF;
    v_refusals[n] := v_refusal;
    v_held[n] := pl.is_quarantined(v_refusal.code, i.is_partial);
    IF v_refusal.code IS NOT NULL THEN
      v_outcomes[n] := 'rejected';
      CONTINUE;
    ELSIF v_event.event_id IS NOT NULL THEN
      v_outcomes[n] := 'duplicate';
      v_times[n] := v_event.occurred_at;
      CONTINUE;
    END IF;
    v_seq := p_version + 1 + i.idx;
    v_newest := greatest(v_newest, v_seq);
    v_event := ROW(p_org, p_source, coalesce(i.event_id, '~' || lpad(v_seq::text, 19, '0')), v_seq, i.kind, i.object_id,
                   i.occurred_at, i.source_seq, p_received, i.operation, i.is_full, i.patch)::event;
    v_event_ids[n] := v_event.event_id;
    v_events := array_append(v_events, v_event);
    IF (v_event.occurred_at, v_event.source_seq, v_event.event_id) <= (v_state.last_at, v_state.last_seq, v_state.last_event) THEN
      v_outcomes[n] := 'stale';
      IF NOT v_behind THEN
        v_behind := true;
        v_stale_kinds := array_append(v_stale_kinds, i.kind);
        v_stale_ids := array_append(v_stale_ids, i.object_id);
      END IF;
    ELSE
      v_before := v_state;
      v_state := pl.fold_event(v_before, v_event);
      -- As text too: 1.0 and 1.00 are equal in jsonb, yet not the same answer.
      v_outcomes[n] := CASE WHEN v_before.doc = v_state.doc AND v_before.doc::text = v_state.doc::text
                                 AND v_before.deleted_at IS NOT DISTINCT FROM v_state.deleted_at
                                 AND v_before.merged_into IS NOT DISTINCT FROM v_state.merged_into
                            THEN 'unchanged' ELSE 'accepted' END;
    END IF;
    IF v_known THEN
      v_slot := coalesce(v_slot, cardinality(v_changed) + 1);
      v_changed[v_slot] := CASE WHEN NOT v_behind THEN v_state END;
    ELSE
      v_slot := coalesce(v_slot, cardinality(v_born) + 1);
      v_born[v_slot] := CASE WHEN NOT v_behind THEN v_state END;
    END IF;
    IF NOT v_touched AND v_outcomes[n] <> 'unchanged' THEN
      v_touched := true;
      v_kinds := array_append(v_kinds, i.kind);
      v_ids := array_append(v_ids, i.object_id);
    END IF;
    IF i.kind = 'opportunity' AND NOT v_moved AND (v_behind OR v_before.doc -> 'account' IS DISTINCT FROM v_state.doc -> 'account') THEN
      v_moved := true;
      v_moves := array_append(v_moves, i.object_id);
    END IF;
  END LOOP;
  RETURN ROW(ROW(v_idx, v_outcomes, v_event_ids, v_times, v_refusals, v_newest, v_held, v_kinds, v_ids, v_moves)::pl.ingest_outcome,
             v_events, v_born, v_changed, v_stale_kinds, v_stale_ids)::pl.ingest_fold;
END $$;
COMMENT ON FUNCTION pl.ingest_fold IS
  'Works out what the items of a round, whose event ids differ, come to. An event in order takes its object one step on; one that is older than what '
  'it meets makes the object be folded anew';

CREATE FUNCTION pl.ingest_round(
  p_org int, p_source text, p_version bigint, p_received timestamptz, p_items pl.ingest_item[], p_round int) RETURNS pl.ingest_outcome
LANGUAGE plpgsql AS $$
DECLARE
  f pl.ingest_fold := pl.ingest_fold(p_org, p_source, p_version, p_received, p_items, p_round);
BEGIN
  IF cardinality(f.events) > 0 THEN
    INSERT INTO event (org_id, source, event_id, seq, kind, object_id, occurred_at, source_seq, received_at, operation, is_full, patch)
    SELECT e.* FROM unnest(f.events) AS e;
    PERFORM pl.keep(f.born, f.changed);
  END IF;
  IF cardinality(f.stale_ids) > 0 THEN
    PERFORM pl.keep_folded(p_org, f.stale_kinds, f.stale_ids);
  END IF;
  RETURN f.outcome;
END $$;
COMMENT ON FUNCTION pl.ingest_round IS 'Stores the items of a round, whose event ids differ';

CREATE FUNCTION pl.ingest_rounds(
  p_org int, p_source text, p_version bigint, p_received timestamptz, p_items pl.ingest_item[], p_rounds int) RETURNS pl.ingest_outcome
LANGUAGE plpgsql AS $$
DECLARE
  a pl.ingest_outcome;
  o pl.ingest_outcome;
BEGIN
  a := pl.ingest_round(p_org, p_source, p_version, p_received, p_items, 1);
  IF p_rounds > 1 THEN
    -- An event id that stands in the batch twice meets itself in the log.
    FOR n IN 2 .. p_rounds LOOP
      o := pl.ingest_round(p_org, p_source, p_version, p_received, p_items, n);
      a := ROW(a.idx || o.idx, a.outcome || o.outcome, a.event_id || o.event_id, a.occurred_at || o.occurred_at, a.refusal || o.refusal,
               greatest(a.newest, o.newest), a.held || o.held, a.kinds || o.kinds, a.ids || o.ids, a.moved || o.moved)::pl.ingest_outcome;
    END LOOP;
    SELECT array_agg(t.kind), array_agg(t.id) INTO a.kinds, a.ids
      FROM (SELECT DISTINCT u.kind, u.id COLLATE "C" AS id FROM unnest(a.kinds, a.ids) AS u(kind, id)) AS t;
  END IF;
  RETURN a;
END $$;
COMMENT ON FUNCTION pl.ingest_rounds IS 'Stores a batch, round by round; an outcome for all of it';

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
-- Compiling a batch's plans takes ten times as long as running them, and making them anew for each batch longer than the rest.
SET jit = off SET plan_cache_mode = force_generic_plan
AS $$
DECLARE
  v_version bigint := pl.lock_org(p_org);
  v_received timestamptz := coalesce(p_received, clock_timestamp());
  v_read record := pl.ingest_read(p_kinds, p_ids, p_operations, p_full, p_strict, p_occurred, p_event_ids, p_patches, v_received, p_seqs);
  v_items pl.ingest_item[] := CASE WHEN 'rep' = ANY (p_kinds) THEN pl.erased_items(p_org, v_read.items) ELSE v_read.items END;
  v_done pl.ingest_outcome;
BEGIN
  v_done := pl.ingest_rounds(p_org, p_source, v_version, v_received, v_items, v_read.rounds);
  IF true = ANY (v_done.held) THEN
    PERFORM pl.quarantine(p_org, p_source, v_received, v_items, v_done);
  END IF;
  IF v_done.newest IS NOT NULL THEN
    UPDATE org_version AS v SET data_version = v_done.newest WHERE v.org_id = p_org;
    IF v_done.ids <> '{}' THEN
      PERFORM pl.project(p_org, v_done.kinds, v_done.ids, v_done.moved);
    END IF;
    IF v_done.newest / 256 > v_version / 256 THEN
      PERFORM pl.learn_sizes();
    END IF;
  END IF;
  RETURN QUERY
    SELECT d.idx, d.outcome, d.event_id, pl.iso(d.occurred_at), d.code, d.pointer, d.message, d.held, coalesce(v_done.newest, v_version)
      FROM unnest(v_done.idx, v_done.outcome, v_done.event_id, v_done.occurred_at, v_done.held, v_done.refusal)
           AS d(idx, outcome, event_id, occurred_at, held, code, pointer, message)
     ORDER BY d.idx;
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
-- Compiling a batch's plans takes ten times as long as running them, and making them anew for each batch longer than the rest.
SET jit = off SET plan_cache_mode = force_generic_plan
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
