-- Configuration: changes that are not events. Every one bumps config_version (answers change) and leaves a row in the audit log.

CREATE FUNCTION pl.actor(p_request jsonb) RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$ SELECT coalesce('key:' || (p_request -> 'who' ->> 'key'), 'operator') $$;
COMMENT ON FUNCTION pl.actor(jsonb) IS 'Who asks, as the audit log names them';

CREATE FUNCTION pl.audited(p_org int, p_actor text, p_action text, p_object text, p_before jsonb, p_after jsonb) RETURNS void
LANGUAGE plpgsql AS $$
BEGIN
  INSERT INTO audit (org_id, audit_id, at, actor, action, object, before, after)
  SELECT p_org, coalesce(max(a.audit_id), 0) + 1, clock_timestamp(), p_actor, p_action, p_object, p_before, p_after
    FROM audit AS a
   WHERE a.org_id = p_org;
END $$;
COMMENT ON FUNCTION pl.audited(int, text, text, text, jsonb, jsonb) IS
  'A row of the audit log. The caller holds the organisation''s lock (pl.lock_org), so that the numbers have no gaps and no doubles';

CREATE FUNCTION pl.config_noted(p_org int, p_actor text, p_action text, p_object text, p_before jsonb, p_after jsonb) RETURNS void
LANGUAGE plpgsql AS $$
BEGIN
  UPDATE org_version SET config_version = config_version + 1 WHERE org_id = p_org;
  PERFORM pl.audited(p_org, p_actor, p_action, p_object, p_before, p_after);
END $$;
COMMENT ON FUNCTION pl.config_noted(int, text, text, text, jsonb, jsonb) IS
  'Notes a change of configuration: new config_version, audit row. The caller holds the organisation''s lock (pl.lock_org)';

CREATE FUNCTION pl.config_changed(p_org int, p_request jsonb, p_action text, p_object text, p_before jsonb, p_after jsonb) RETURNS void
LANGUAGE plpgsql AS $$
BEGIN
  PERFORM pl.config_noted(p_org, pl.actor(p_request), p_action, p_object, p_before, p_after);
END $$;
COMMENT ON FUNCTION pl.config_changed(int, jsonb, text, text, jsonb, jsonb) IS 'pl.config_noted, by whoever makes the request';

CREATE FUNCTION pl.audit_list(p_org int, p_request jsonb) RETURNS TABLE (body text, next text)
LANGUAGE plpgsql STABLE AS $$
DECLARE
  v_query jsonb := p_request -> 'query';
  v_limit int := pl.page_limit(p_request);
  v_before bigint := pl.number_cursor(p_request);
  v_rows jsonb;
BEGIN
  SELECT coalesce(jsonb_agg(jsonb_build_object('id', a.audit_id, 'at', pl.iso(a.at), 'actor', a.actor, 'action', a.action,
                                               'object', a.object, 'before', a.before, 'after', a.after)
                            ORDER BY a.audit_id DESC), '[]')
    INTO v_rows
    FROM (SELECT * FROM audit
           WHERE org_id = p_org AND (v_before IS NULL OR audit_id < v_before)
             AND (NOT v_query ? 'action' OR action = v_query ->> 'action')
             AND (NOT v_query ? 'object' OR object = v_query ->> 'object')
           ORDER BY audit_id DESC
           LIMIT v_limit + 1) AS a;
  IF jsonb_array_length(v_rows) > v_limit THEN
    v_rows := v_rows - v_limit;
    next := pl.cursor_encode(v_rows -> -1 ->> 'id');
  END IF;
  body := jsonb_build_object('data', v_rows, 'next', next)::text;
  RETURN NEXT;
END $$;
COMMENT ON FUNCTION pl.audit_list(int, jsonb) IS 'GET /v1/audit: changes of configuration, newest first, by keyset';
