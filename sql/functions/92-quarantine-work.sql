-- Work on what waits: looking at quarantine, sending it through again, giving it up; and what sources ask to be read again.

CREATE FUNCTION pl.quarantine_json(p_row quarantine) RETURNS jsonb
LANGUAGE plpgsql STABLE AS $$
BEGIN
  RETURN jsonb_build_object(
    'id', p_row.quarantine_id, 'source', p_row.source, 'status', p_row.status, 'form', p_row.form, 'reason', p_row.reason,
    'pointer', p_row.pointer, 'message', p_row.message, 'kind', p_row.kind, 'object_id', p_row.object_id, 'event_id', p_row.event_id,
    'occurred_at', pl.iso(p_row.occurred_at), 'times', p_row.times, 'received_at', pl.iso(p_row.received_at),
    'last_received_at', pl.iso(coalesce(p_row.last_received_at, p_row.received_at)), 'closed_at', pl.iso(p_row.closed_at));
END $$;
COMMENT ON FUNCTION pl.quarantine_json(quarantine) IS 'A row of quarantine as a list shows it: all but what came';

CREATE FUNCTION pl.quarantine_list(p_org int, p_request jsonb) RETURNS TABLE (body text, next text)
LANGUAGE plpgsql STABLE AS $$
DECLARE
  v_query jsonb := p_request -> 'query';
  v_limit int := pl.page_limit(p_request);
  v_before bigint := pl.number_cursor(p_request);
  v_status text := coalesce(v_query ->> 'status', 'open');
  v_rows jsonb;
  v_open jsonb;
BEGIN
  SELECT coalesce(jsonb_agg(pl.quarantine_json(q) ORDER BY q.quarantine_id DESC), '[]') INTO v_rows
    FROM (SELECT * FROM quarantine AS x
           WHERE x.org_id = p_org AND (v_before IS NULL OR x.quarantine_id < v_before)
             AND (v_status = 'all' OR x.status = v_status)
             AND (NOT v_query ? 'reason' OR x.reason = v_query ->> 'reason')
             AND (NOT v_query ? 'source' OR x.source = v_query ->> 'source')
           ORDER BY x.quarantine_id DESC
           LIMIT v_limit + 1) AS q;
  IF jsonb_array_length(v_rows) > v_limit THEN
    v_rows := v_rows - v_limit;
    next := pl.cursor_encode(v_rows -> -1 ->> 'id');
  END IF;
  SELECT coalesce(jsonb_agg(jsonb_build_object('source', o.source, 'reason', o.reason, 'items', o.items) ORDER BY o.items DESC, o.source, o.reason), '[]')
    INTO v_open
    FROM (SELECT x.source, x.reason, count(*) AS items FROM quarantine AS x
           WHERE x.org_id = p_org AND x.status = 'open' GROUP BY x.source, x.reason) AS o;
  body := jsonb_build_object('data', v_rows, 'next', next, 'open', v_open)::text;
  RETURN NEXT;
END $$;
COMMENT ON FUNCTION pl.quarantine_list(int, jsonb) IS
  'GET /v1/quarantine: the newest first; open ones unless status says otherwise. open: how many wait, by source and reason, whatever is asked for';

CREATE FUNCTION pl.quarantine_row(p_org int, p_request jsonb) RETURNS quarantine
LANGUAGE plpgsql STABLE AS $$
DECLARE
  v_row quarantine;
BEGIN
  SELECT q.* INTO v_row FROM quarantine AS q
   WHERE q.org_id = p_org AND q.quarantine_id = CASE WHEN p_request #>> '{path,0}' ~ '^[0-9]{1,18}$' THEN (p_request #>> '{path,0}')::bigint END;
  IF NOT FOUND THEN
    PERFORM pl.fail('not_found', format('There is nothing with the number %s in quarantine.', left(p_request #>> '{path,0}', 24)));
  END IF;
  RETURN v_row;
END $$;
COMMENT ON FUNCTION pl.quarantine_row(int, jsonb) IS 'The row a request names; fails as not_found when there is none';

CREATE FUNCTION pl.quarantine_get(p_org int, p_request jsonb) RETURNS text
LANGUAGE plpgsql STABLE AS $$
DECLARE
  v_row quarantine := pl.quarantine_row(p_org, p_request);
BEGIN
  RETURN (pl.quarantine_json(v_row) || jsonb_build_object('payload', v_row.payload, 'encoding', v_row.encoding,
                                                          'headers', coalesce(v_row.headers, '{}')))::text;
END $$;
COMMENT ON FUNCTION pl.quarantine_get(int, jsonb) IS 'GET /v1/quarantine/{id}: with what came, as a text';

CREATE FUNCTION pl.quarantine_open_row(p_org int, p_request jsonb) RETURNS quarantine
LANGUAGE plpgsql AS $$
DECLARE
  v_row quarantine;
BEGIN
  PERFORM pl.lock_org(p_org);
  v_row := pl.quarantine_row(p_org, p_request);
  IF v_row.status <> 'open' THEN
    PERFORM pl.fail('conflict', format('Item %s was %s at %s.', v_row.quarantine_id, v_row.status, pl.iso(v_row.closed_at)));
  END IF;
  RETURN v_row;
END $$;
COMMENT ON FUNCTION pl.quarantine_open_row(int, jsonb) IS 'The open row a request names, to be worked on in this transaction; fails as not_found or conflict';

CREATE FUNCTION pl.quarantine_take(p_org int, p_request jsonb)
RETURNS TABLE (quarantine_id bigint, source text, form text, payload text, encoding text, headers text, reason text, occurred_at text, more boolean)
LANGUAGE plpgsql AS $$
#variable_conflict use_column
DECLARE
  v_query jsonb := p_request -> 'query';
  v_limit int := pl.page_limit(p_request);
  v_after bigint := coalesce(pl.number_cursor(p_request), 0);
  v_row quarantine;
BEGIN
  IF p_request #> '{path,0}' IS NOT NULL THEN
    v_row := pl.quarantine_open_row(p_org, p_request);
    RETURN QUERY SELECT v_row.quarantine_id, v_row.source, v_row.form, v_row.payload, v_row.encoding, v_row.headers::text, v_row.reason,
                        pl.iso(v_row.occurred_at), false;
    RETURN;
  END IF;
  PERFORM pl.lock_org(p_org);
  RETURN QUERY
    SELECT t.quarantine_id, t.source, t.form, t.payload, t.encoding, t.headers::text, t.reason, pl.iso(t.occurred_at),
           t.found > t.n
      FROM (SELECT q.*, row_number() OVER w AS n, count(*) OVER () AS found, sum(octet_length(q.payload)) OVER w AS bytes
              FROM (SELECT x.* FROM quarantine AS x
                     WHERE x.org_id = p_org AND x.status = 'open' AND x.quarantine_id > v_after
                       AND (NOT v_query ? 'reason' OR x.reason = v_query ->> 'reason')
                       AND (NOT v_query ? 'source' OR x.source = v_query ->> 'source')
                     ORDER BY x.quarantine_id LIMIT v_limit + 1) AS q
            WINDOW w AS (ORDER BY q.quarantine_id)) AS t
     WHERE t.n <= v_limit AND (t.n = 1 OR t.bytes <= 16777216)
     ORDER BY t.quarantine_id;
END $$;
COMMENT ON FUNCTION pl.quarantine_take(int, jsonb) IS
  'What a replay works on: the open row in the path, or a page of those with a reason and source, the oldest first and 16 MiB at most. '
  'more: there are further ones behind this row. The organisation is locked until the transaction ends';

CREATE FUNCTION pl.quarantine_settle(
  p_org int, p_request jsonb, p_ids text[], p_reasons text[], p_pointers text[], p_messages text[]) RETURNS void
LANGUAGE plpgsql AS $$
DECLARE
  v_now timestamptz := clock_timestamp();
  v_replayed bigint := (SELECT count(*) FROM unnest(p_reasons) AS r WHERE r IS NULL);
BEGIN
  UPDATE quarantine AS q
     SET status = CASE WHEN t.reason IS NULL THEN 'replayed' ELSE q.status END,
         closed_at = CASE WHEN t.reason IS NULL THEN v_now END,
         reason = coalesce(t.reason, q.reason),
         pointer = CASE WHEN t.reason IS NULL THEN q.pointer ELSE t.pointer END,
         message = CASE WHEN t.reason IS NULL THEN q.message ELSE coalesce(t.message, '') END
    FROM unnest(p_ids, p_reasons, p_pointers, p_messages) AS t(id, reason, pointer, message)
   WHERE q.org_id = p_org AND q.quarantine_id = t.id::bigint;
  PERFORM pl.config_changed(p_org, p_request, 'quarantine.replay',
                            'quarantine' || coalesce('/' || (p_request #>> '{path,0}'), ''), p_request -> 'query',
                            jsonb_build_object('replayed', v_replayed, 'still_open', cardinality(p_ids) - v_replayed));
END $$;
COMMENT ON FUNCTION pl.quarantine_settle(int, jsonb, text[], text[], text[], text[]) IS
  'After a replay: rows without a reason are replayed, the others stay open for the reason given now';

CREATE FUNCTION pl.quarantine_discard(p_org int, p_request jsonb) RETURNS text
LANGUAGE plpgsql AS $$
DECLARE
  v_row quarantine := pl.quarantine_open_row(p_org, p_request);
BEGIN
  UPDATE quarantine AS q SET status = 'discarded', closed_at = clock_timestamp()
   WHERE q.org_id = p_org AND q.quarantine_id = v_row.quarantine_id
  RETURNING q.* INTO v_row;
  PERFORM pl.config_changed(p_org, p_request, 'quarantine.discard', 'quarantine/' || v_row.quarantine_id, NULL, NULL);
  RETURN pl.quarantine_json(v_row)::text;
END $$;
COMMENT ON FUNCTION pl.quarantine_discard(int, jsonb) IS 'POST /v1/quarantine/{id}/discard: it was not meant';

CREATE FUNCTION pl.resync_json(p_row resync) RETURNS jsonb
LANGUAGE plpgsql STABLE AS $$
BEGIN
  RETURN jsonb_build_object('id', p_row.resync_id, 'source', p_row.source, 'kind', p_row.kind, 'object_id', nullif(p_row.object_id, ''),
                            'reason', p_row.reason, 'times', p_row.times, 'received_at', pl.iso(p_row.received_at),
                            'last_received_at', pl.iso(p_row.last_received_at), 'done_at', pl.iso(p_row.done_at));
END $$;
COMMENT ON FUNCTION pl.resync_json(resync) IS 'An object to be read again as the API shows it; object_id null: all of its kind';

CREATE FUNCTION pl.resync_list(p_org int, p_request jsonb) RETURNS TABLE (body text, next text)
LANGUAGE plpgsql STABLE AS $$
DECLARE
  v_query jsonb := p_request -> 'query';
  v_limit int := pl.page_limit(p_request);
  v_after bigint := coalesce(pl.number_cursor(p_request), 0);
  v_status text := coalesce(v_query ->> 'status', 'open');
  v_rows jsonb;
BEGIN
  SELECT coalesce(jsonb_agg(pl.resync_json(r) ORDER BY r.resync_id), '[]') INTO v_rows
    FROM (SELECT * FROM resync AS x
           WHERE x.org_id = p_org AND x.resync_id > v_after
             AND (v_status = 'all' OR (x.done_at IS NULL) = (v_status = 'open'))
             AND (NOT v_query ? 'source' OR x.source = v_query ->> 'source')
           ORDER BY x.resync_id
           LIMIT v_limit + 1) AS r;
  IF jsonb_array_length(v_rows) > v_limit THEN
    v_rows := v_rows - v_limit;
    next := pl.cursor_encode(v_rows -> -1 ->> 'id');
  END IF;
  body := jsonb_build_object('data', v_rows, 'next', next)::text;
  RETURN NEXT;
END $$;
COMMENT ON FUNCTION pl.resync_list(int, jsonb) IS 'GET /v1/resync: the oldest first; open ones unless status says otherwise';

CREATE FUNCTION pl.resync_done(p_org int, p_request jsonb) RETURNS text
LANGUAGE plpgsql AS $$
DECLARE
  v_id bigint := CASE WHEN p_request #>> '{path,0}' ~ '^[0-9]{1,18}$' THEN (p_request #>> '{path,0}')::bigint END;
  v_row resync;
BEGIN
  PERFORM pl.lock_org(p_org);
  UPDATE resync AS r SET done_at = coalesce(r.done_at, clock_timestamp()) WHERE r.org_id = p_org AND r.resync_id = v_id
  RETURNING r.* INTO v_row;
  IF v_row.resync_id IS NULL THEN
    PERFORM pl.fail('not_found', format('There is no number %s to be read again.', left(p_request #>> '{path,0}', 24)));
  END IF;
  RETURN pl.resync_json(v_row)::text;
END $$;
COMMENT ON FUNCTION pl.resync_done(int, jsonb) IS 'POST /v1/resync/{id}/done: it was read again; said twice, it stays done';

CREATE FUNCTION pl.source_try(
  p_org int, p_source text, p_kinds text[], p_ids text[], p_operations text[], p_full text[], p_strict text[],
  p_occurred text[], p_event_ids text[], p_patches text[], p_seqs text[])
RETURNS TABLE (idx int, outcome text, event_id text, occurred_at text, code text, pointer text, message text, changes text)
LANGUAGE plpgsql AS $$
#variable_conflict use_column
DECLARE
  v_before object;
  v_after object;
  v_result record;
BEGIN
  FOR n IN 1 .. coalesce(cardinality(p_ids), 0) LOOP
    SELECT o.* INTO v_before FROM object AS o WHERE o.org_id = p_org AND o.kind = p_kinds[n]::object_kind AND o.object_id = p_ids[n];
    SELECT * INTO v_result
      FROM pl.ingest_each(p_org, p_source, p_kinds[n:n], p_ids[n:n], p_operations[n:n], p_full[n:n], p_strict[n:n], p_occurred[n:n],
                          p_event_ids[n:n], p_patches[n:n], NULL, p_seqs[n:n]) AS e;
    SELECT o.* INTO v_after FROM object AS o WHERE o.org_id = p_org AND o.kind = p_kinds[n]::object_kind AND o.object_id = p_ids[n];
    idx := n - 1;
    outcome := v_result.outcome;
    event_id := v_result.event_id;
    occurred_at := v_result.occurred_at;
    code := v_result.code;
    pointer := v_result.pointer;
    message := v_result.message;
    changes := pl.object_changes(v_before, v_after)::text;
    RETURN NEXT;
  END LOOP;
END $$;
COMMENT ON FUNCTION pl.source_try(int, text, text[], text[], text[], text[], text[], text[], text[], text[], text[]) IS
  'Writes events one after the other and tells what each changed; for a transaction that is rolled back';

CREATE FUNCTION pl.object_changes(p_before object, p_after object) RETURNS jsonb
LANGUAGE plpgsql STABLE AS $$
DECLARE
  v_before jsonb := pl.flat(coalesce(p_before.doc, '{}')) || jsonb_strip_nulls(jsonb_build_object('deleted_at', pl.iso(p_before.deleted_at), 'merged_into', p_before.merged_into));
  v_after jsonb := pl.flat(coalesce(p_after.doc, '{}')) || jsonb_strip_nulls(jsonb_build_object('deleted_at', pl.iso(p_after.deleted_at), 'merged_into', p_after.merged_into));
BEGIN
  RETURN (SELECT coalesce(jsonb_object_agg(k, jsonb_build_object('before', v_before -> k, 'after', v_after -> k)), '{}')
            FROM (SELECT jsonb_object_keys(v_before || v_after) AS k) AS keys
           WHERE v_before -> k IS DISTINCT FROM v_after -> k);
END $$;
COMMENT ON FUNCTION pl.object_changes(object, object) IS
  'Attributes that differ between two states of an object, each with its value before and after; those inside "attributes" as "attributes.<key>"';
