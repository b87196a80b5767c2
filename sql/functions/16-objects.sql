-- Reading objects and their history.

CREATE FUNCTION pl.object_json(p_object object) RETURNS text
LANGUAGE plpgsql STABLE AS $$
BEGIN
  -- Put together as text: jsonb would not leave id in front.
  RETURN concat('{"id": ', to_json(p_object.object_id::text),
                CASE WHEN p_object.doc <> '{}' THEN ', ' || substr(p_object.doc::text, 2, length(p_object.doc::text) - 2) END,
                ', "occurred_at": "', pl.iso(p_object.last_at), '"',
                ', "deleted_at": "' || pl.iso(p_object.deleted_at) || '"',
                ', "merged_into": ' || to_json(p_object.merged_into::text)::text, '}');
END $$;
COMMENT ON FUNCTION pl.object_json IS 'An object as the API shows it: id, attributes, occurred_at of its newest event, deleted_at and merged_into when set';

CREATE FUNCTION pl.object_find(p_org int, p_kind object_kind, p_request jsonb) RETURNS object
LANGUAGE plpgsql STABLE AS $$
DECLARE
  v_object object;
  v_who jsonb := p_request -> 'who';
BEGIN
  SELECT o.* INTO v_object FROM object AS o
   WHERE o.org_id = p_org AND o.kind = p_kind AND o.object_id = p_request #>> '{path,0}';
  IF NOT FOUND OR NOT pl.seen(p_org, p_kind, v_object.object_id, v_object.doc, pl.reps_seen(p_org, v_who), pl.teams_seen(p_org, v_who)) THEN
    RETURN NULL;
  END IF;
  RETURN v_object;
END $$;
COMMENT ON FUNCTION pl.object_find IS 'The object a request names, alive or not; null when there is none or its key may not see it';

CREATE FUNCTION pl.object_get(p_org int, p_kind object_kind, p_request jsonb) RETURNS text
LANGUAGE plpgsql STABLE AS $$
DECLARE
  v_object object := pl.object_find(p_org, p_kind, p_request);
BEGIN
  IF v_object.object_id IS NULL THEN
    RETURN NULL;
  END IF;
  IF v_object.deleted_at IS NOT NULL AND v_object.merged_into IS NULL THEN
    PERFORM pl.fail('not_found', format('The %s "%s" was deleted at %s.', p_kind, left(v_object.object_id, 64), pl.iso(v_object.deleted_at)));
  END IF;
  RETURN pl.object_json(v_object);
END $$;
COMMENT ON FUNCTION pl.object_get IS 'Body of GET /v1/{kind}/{id}; null: not found. A deleted one fails as not_found saying when; a merged one answers with merged_into';

CREATE FUNCTION pl.object_list(p_org int, p_kind object_kind, p_request jsonb) RETURNS TABLE (body text, next text)
LANGUAGE plpgsql STABLE AS $$
DECLARE
  v_limit int := pl.page_limit(p_request);
  v_after text := coalesce(pl.cursor_decode(p_request #>> '{query,cursor}'), '');
  v_gone boolean := coalesce(p_request #>> '{query,include_deleted}' = 'true', false);
  v_reps text[] := pl.reps_seen(p_org, p_request -> 'who');
  v_teams text[] := pl.teams_seen(p_org, p_request -> 'who');
  v_rows object[];
  v_next text;
BEGIN
  v_rows := ARRAY(SELECT o FROM object AS o
                   WHERE o.org_id = p_org AND o.kind = p_kind AND o.object_id > v_after
                     AND (v_gone OR o.deleted_at IS NULL)
                     AND pl.seen(p_org, p_kind, o.object_id, o.doc, v_reps, v_teams)
                   ORDER BY o.object_id LIMIT v_limit + 1);
  IF cardinality(v_rows) > v_limit THEN
    v_next := pl.cursor_encode(v_rows[v_limit].object_id);
  END IF;
  RETURN QUERY
    SELECT concat('{"data": [', string_agg(pl.object_json(r), ', ' ORDER BY r.object_id), '], "next": ', coalesce(to_json(v_next)::text, 'null'), '}'), v_next
      FROM unnest(v_rows[1:v_limit]) AS r;
END $$;
COMMENT ON FUNCTION pl.object_list IS
  'Body of GET /v1/{kind} and the cursor of the next page: by id, so that a page once given stays right while rows are written. Deleted and merged ones with include_deleted=true only';

CREATE FUNCTION pl.event_json(p_event event) RETURNS text
LANGUAGE plpgsql STABLE AS $$
BEGIN
  RETURN format('{"event_id": %s, "source": %s, "occurred_at": "%s", "received_at": "%s", "operation": "%s", "full": %s, "patch": %s}',
                to_json(p_event.event_id::text), to_json(p_event.source::text), pl.iso(p_event.occurred_at),
                pl.iso(p_event.received_at), p_event.operation, to_json(p_event.is_full),
                CASE WHEN p_event.operation = 'base' THEN p_event.patch -> 'doc' ELSE p_event.patch END);
END $$;
COMMENT ON FUNCTION pl.event_json IS 'An event as the history of an object shows it; a base as the full record that it comes to';

CREATE FUNCTION pl.history_position(p_cursor text) RETURNS event
LANGUAGE plpgsql STABLE AS $$
DECLARE
  v_position event;
  v_parts jsonb;
BEGIN
  IF p_cursor IS NULL THEN
    v_position.occurred_at := 'infinity';
    RETURN v_position;
  END IF;
  v_parts := pl.cursor_decode(p_cursor)::jsonb;
  v_position.occurred_at := v_parts ->> 0;
  v_position.source_seq := v_parts ->> 1;
  v_position.event_id := v_parts ->> 2;
  v_position.source := v_parts ->> 3;
  IF v_position.source IS NULL THEN
    PERFORM pl.fail_cursor();
  END IF;
  RETURN v_position;
EXCEPTION WHEN data_exception THEN
  PERFORM pl.fail_cursor();
END $$;
COMMENT ON FUNCTION pl.history_position IS 'The order key a cursor of a history stands for; without one, the key above all';

CREATE FUNCTION pl.object_history(p_org int, p_kind object_kind, p_request jsonb) RETURNS TABLE (body text, next text)
LANGUAGE plpgsql STABLE AS $$
DECLARE
  v_limit int := pl.page_limit(p_request);
  v_object object := pl.object_find(p_org, p_kind, p_request);
  v_before event := pl.history_position(p_request #>> '{query,cursor}');
  v_rows event[];
  v_last event;
  v_next text;
BEGIN
  IF v_object.object_id IS NULL THEN
    RETURN;
  END IF;
  v_rows := ARRAY(SELECT e FROM event AS e
                   WHERE e.org_id = p_org AND e.kind = p_kind AND e.object_id = v_object.object_id
                     AND e.occurred_at <= v_before.occurred_at
                     AND (e.occurred_at, e.source_seq, e.event_id, e.source)
                         < (v_before.occurred_at, v_before.source_seq, v_before.event_id, v_before.source)
                   ORDER BY e.occurred_at DESC, e.source_seq DESC, e.event_id DESC, e.source DESC
                   LIMIT v_limit + 1);
  IF cardinality(v_rows) > v_limit THEN
    v_last := v_rows[v_limit];
    v_next := pl.cursor_encode(jsonb_build_array(pl.iso(v_last.occurred_at), v_last.source_seq, v_last.event_id, v_last.source)::text);
  END IF;
  RETURN QUERY
    SELECT concat('{"data": [', string_agg(pl.event_json(v_rows[n]), ', ' ORDER BY n), '], "next": ', coalesce(to_json(v_next)::text, 'null'), '}'), v_next
      FROM generate_series(1, least(v_limit, cardinality(v_rows))) AS n;
END $$;
COMMENT ON FUNCTION pl.object_history IS
  'Body of GET /v1/{kind}/{id}/history and the cursor of the next page: the newest event first, in the reverse of the order they fold in; no row: not found';
