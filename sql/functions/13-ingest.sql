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

CREATE FUNCTION pl.keep_round(p_org int, p_events event[], p_born object[], p_changed object[], p_stale_kinds object_kind[], p_stale_ids text[]) RETURNS void
LANGUAGE plpgsql AS $$
BEGIN
  IF cardinality(p_events) > 0 THEN
    INSERT INTO event (org_id, source, event_id, seq, kind, object_id, occurred_at, source_seq, received_at, operation, is_full, patch)
    SELECT e.* FROM unnest(p_events) AS e;
    PERFORM pl.keep(p_born, p_changed);
  END IF;
  IF cardinality(p_stale_ids) > 0 THEN
    PERFORM pl.keep_folded(p_org, p_stale_kinds, p_stale_ids);
  END IF;
END $$;
COMMENT ON FUNCTION pl.keep_round IS
  'Writes what a round of events comes to: the events to store, the states of objects that were not there and of those that were, and the objects that have to be folded anew from the log';

CREATE FUNCTION pl.ingest_round(
  p_org int, p_source text, p_version bigint, p_received timestamptz, p_items pl.ingest_item[], p_round int) RETURNS pl.ingest_outcome
LANGUAGE plpgsql
-- The plan is made once a session, maybe while the tables are empty, so it must not rest on their size: one probe of each
-- key an item (LIMIT 1 keeps the planner from joining the other way round), never a scan.
SET plan_cache_mode = force_generic_plan SET enable_seqscan = off AS $$
DECLARE
  r record;
  v_state object;       -- of the object at hand, as the events so far make it
  v_doc jsonb;          -- of it, before the event at hand
  v_deleted timestamptz;
  v_merged text;
  v_stored boolean;     -- some event of it is
  v_behind boolean;     -- an event came late: it is folded anew from the log
  v_since timestamptz;  -- the earliest event that changed its state or past; null: none did
  v_moved boolean;      -- an opportunity whose account may have changed
  v_outcome text;
  v_refusal pl.refusal;
  v_results pl.ingest_result[] := '{}';
  v_events event[] := '{}';
  v_born object[] := '{}';
  v_changed object[] := '{}';
  v_kinds object_kind[] := '{}';
  v_ids text[] := '{}';
  v_sinces timestamptz[] := '{}';
  v_moves text[] := '{}';
  v_stale_kinds object_kind[] := '{}';
  v_stale_ids text[] := '{}';
BEGIN
  -- Each item as the event it may become, with the state its object is met in and the event in the log that bears its id; those of an object
  -- together and in their order. Each statement below runs once an event, and that is what an event costs: there are few.
  FOR r IN
    SELECT i.item, i.is_first, i.is_last, o.state AS met, e.seen,
           ROW(p_org, p_source, coalesce((i.item).event_id, '~' || lpad((p_version + 1 + (i.item).idx)::text, 19, '0')), p_version + 1 + (i.item).idx, (i.item).kind,
               (i.item).object_id, (i.item).occurred_at, (i.item).source_seq, p_received, (i.item).operation, (i.item).is_full, (i.item).patch)::event AS event
      FROM (SELECT m AS item, m.kind, m.object_id, m.event_id, row_number() OVER w = 1 AS is_first, lead(false, 1, true) OVER w AS is_last
              FROM unnest(p_items) AS m
             WHERE m.round = p_round
            -- Deliveries that came side by side are in no order but the source's: taken in it, few events find their object ahead of them.
            WINDOW w AS (PARTITION BY m.kind, m.object_id
                         ORDER BY CASE WHEN m.is_partial THEN m.occurred_at END, CASE WHEN m.is_partial THEN m.source_seq END,
                                  CASE WHEN m.is_partial THEN m.event_id END, m.idx)
            OFFSET 0) AS i
      LEFT JOIN LATERAL (SELECT x AS seen FROM event AS x
                          WHERE x.org_id = p_org AND x.source = p_source AND x.event_id = i.event_id LIMIT 1) AS e ON true
      LEFT JOIN LATERAL (SELECT x AS state FROM object AS x
                          WHERE x.org_id = p_org AND x.kind = i.kind AND x.object_id = i.object_id LIMIT 1) AS o ON true
  LOOP
    IF r.is_first THEN
      v_state := r.met;
      v_stored := false;
      v_behind := false;
      v_since := NULL;
      v_moved := false;
    END IF;
    -- Most events come from a source's feed, are not of the future, and there is nothing that could keep them out.
    v_refusal := CASE WHEN (r.seen).event_id IS NOT NULL THEN pl.refuse_again(r.item, r.seen)
                      WHEN (r.item).is_partial AND (r.item).operation <> 'merge' AND (r.item).occurred_at <= p_received AND NOT coalesce(starts_with((r.item).event_id, '~'), false) THEN NULL
                      ELSE pl.refuse(p_org, r.item, p_received, v_state.doc) END;
    IF v_refusal.code IS NOT NULL THEN
      v_outcome := 'rejected';
    ELSIF (r.seen).event_id IS NOT NULL THEN
      v_outcome := 'duplicate';
    ELSE
      v_events := array_append(v_events, r.event);
      v_stored := true;
      IF ((r.event).occurred_at, (r.event).source_seq, (r.event).event_id) <= (v_state.last_at, v_state.last_seq, v_state.last_event) THEN
        v_outcome := 'stale';
        v_behind := true;
      ELSE
        v_doc := v_state.doc;
        v_deleted := v_state.deleted_at;
        v_merged := v_state.merged_into;
        v_state := pl.fold_event(v_state, r.event);
        -- As text too: 1.0 and 1.00 are equal in jsonb, yet not the same answer.
        v_outcome := CASE WHEN v_doc = v_state.doc AND v_doc::text = v_state.doc::text
                               AND v_deleted IS NOT DISTINCT FROM v_state.deleted_at AND v_merged IS NOT DISTINCT FROM v_state.merged_into
                          THEN 'unchanged' ELSE 'accepted' END;
        v_moved := v_moved OR v_doc -> 'account' IS DISTINCT FROM v_state.doc -> 'account';
      END IF;
      v_since := least(v_since, CASE WHEN v_outcome <> 'unchanged' THEN (r.item).occurred_at END);
    END IF;
    v_results := array_append(v_results, ROW((r.item).idx, v_outcome,
      CASE v_outcome WHEN 'rejected' THEN (r.item).event_id ELSE (r.event).event_id END,
      CASE v_outcome WHEN 'duplicate' THEN (r.seen).occurred_at ELSE (r.item).occurred_at END,
      v_refusal, pl.is_quarantined(v_refusal.code, (r.item).is_partial))::pl.ingest_result);
    CONTINUE WHEN NOT r.is_last;
    IF v_behind THEN
      v_stale_kinds := array_append(v_stale_kinds, (r.item).kind);
      v_stale_ids := array_append(v_stale_ids, (r.item).object_id);
    ELSIF v_stored AND (r.met).object_id IS NULL THEN
      v_born := array_append(v_born, v_state);
    ELSIF v_stored THEN
      v_changed := array_append(v_changed, v_state);
    END IF;
    IF v_since IS NOT NULL THEN
      v_sinces := array_append(v_sinces, v_since);
      v_kinds := array_append(v_kinds, (r.item).kind);
      v_ids := array_append(v_ids, (r.item).object_id);
    END IF;
    IF (v_behind OR v_moved) AND (r.item).kind = 'opportunity' THEN
      v_moves := array_append(v_moves, (r.item).object_id);
    END IF;
  END LOOP;
  -- As arrays each: put into one value, and taken out again, a batch would be copied several times.
  PERFORM pl.keep_round(p_org, v_events, v_born, v_changed, v_stale_kinds, v_stale_ids);
  RETURN ROW(v_results, (SELECT max(e.seq) FROM unnest(v_events) AS e), v_kinds, v_ids, v_sinces, v_moves)::pl.ingest_outcome;
END $$;
COMMENT ON FUNCTION pl.ingest_round IS
  'Works out what the items of a round, whose event ids differ, come to, and stores it. An event in order takes its object one step on; one that is '
  'older than what it meets makes the object be folded anew';

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
      a := ROW(a.results || o.results, greatest(a.newest, o.newest), a.kinds || o.kinds, a.ids || o.ids, a.since || o.since, a.moved || o.moved)::pl.ingest_outcome;
    END LOOP;
    SELECT coalesce(array_agg(t.kind), '{}'), coalesce(array_agg(t.id), '{}'), coalesce(array_agg(t.since), '{}') INTO a.kinds, a.ids, a.since
      FROM (SELECT u.kind, u.id COLLATE "C" AS id, min(u.since) AS since FROM unnest(a.kinds, a.ids, a.since) AS u(kind, id, since) GROUP BY 1, 2) AS t;
  END IF;
  RETURN a;
END $$;
COMMENT ON FUNCTION pl.ingest_rounds IS 'Stores a batch, round by round; an outcome for all of it';

CREATE FUNCTION pl.learn_sizes() RETURNS void
LANGUAGE plpgsql AS $$
DECLARE
  v_table record;
BEGIN
  -- Statements are planned once a session, at first while the tables are empty, and what suits an empty table reads a full one from
  -- end to end. Statistics make them be planned anew; autovacuum would bring them only minutes after a first import.
  -- Above a few megabytes it is left to autovacuum: the plans are settled by then, and a large sample takes seconds.
  -- Of the columns of the key alone: the number of rows comes with them, and comparing thousands of documents is what takes the time.
  FOR v_table IN
    SELECT c.oid::regclass AS name, (SELECT string_agg(quote_ident(a.attname), ', ' ORDER BY a.attnum) FROM pg_attribute AS a WHERE a.attrelid = c.oid AND a.attnum = ANY (i.indkey)) AS columns
      FROM pg_class AS c JOIN pg_index AS i ON i.indrelid = c.oid AND i.indisprimary
     WHERE c.oid = ANY ('{event,object,rep_team,account_version,account_fit,deal_fact_of,open_span,activity_fact_of}'::regclass[])
       AND c.relpages < 500 AND pg_relation_size(c.oid) > 4 * 8192 * greatest(c.relpages, 1)
  LOOP
    EXECUTE format('ANALYZE %s (%s)', v_table.name, v_table.columns);
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
  v_dated boolean := array_position(p_occurred, NULL) IS NULL;
  v_version bigint;
  v_received timestamptz;
  v_items pl.ingest_item[];
  v_rounds int;
  v_done pl.ingest_outcome;
BEGIN
  -- What brings all its times is read while the batch before it is still being written.
  IF v_dated THEN
    SELECT r.items, r.rounds INTO v_items, v_rounds
      FROM pl.ingest_read(p_kinds, p_ids, p_operations, p_full, p_strict, p_occurred, p_event_ids, p_patches, p_received, p_seqs) AS r;
  END IF;
  v_version := pl.lock_org(p_org);
  v_received := coalesce(p_received, clock_timestamp());
  IF NOT v_dated THEN
    SELECT r.items, r.rounds INTO v_items, v_rounds
      FROM pl.ingest_read(p_kinds, p_ids, p_operations, p_full, p_strict, p_occurred, p_event_ids, p_patches, v_received, p_seqs) AS r;
  END IF;
  IF 'rep' = ANY (p_kinds) THEN
    v_items := pl.erased_items(p_org, v_items);
  END IF;
  v_done := pl.ingest_rounds(p_org, p_source, v_version, v_received, v_items, v_rounds);
  IF EXISTS (SELECT FROM unnest(v_done.results) AS r WHERE r.held) THEN
    PERFORM pl.quarantine(p_org, p_source, v_received, v_items, v_done);
  END IF;
  IF v_done.newest IS NOT NULL THEN
    UPDATE org_version AS v SET data_version = v_done.newest WHERE v.org_id = p_org;
    IF v_done.ids <> '{}' THEN
      PERFORM pl.project(p_org, v_done.kinds, v_done.ids, v_done.moved, v_done.since);
    END IF;
    IF v_done.newest / 256 > v_version / 256 THEN
      PERFORM pl.learn_sizes();
    END IF;
  END IF;
  RETURN QUERY
    SELECT r.idx, r.outcome, r.event_id, pl.iso(r.occurred_at), (r.refusal).code, (r.refusal).pointer, (r.refusal).message, r.held, coalesce(v_done.newest, v_version)
      FROM unnest(v_done.results) AS r
     ORDER BY r.idx;
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
