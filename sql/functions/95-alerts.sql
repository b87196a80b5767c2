-- Alerts as keys see them, and the endpoints that are told. No function but pl.alert_claim returns an address or anything of a secret.

CREATE FUNCTION pl.alert_seen(p_alert alert, p_who jsonb, p_rep_metrics text, p_reps text[], p_teams text[]) RETURNS boolean
LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
  SELECT (p_alert.grouped_by <> 'rep' OR p_rep_metrics = 'on')
     AND CASE p_who ->> 'scope'
           WHEN 'self' THEN p_alert.grouped_by = 'rep' AND p_alert.key = p_who ->> 'rep'
           WHEN 'team' THEN CASE p_alert.grouped_by WHEN 'rep' THEN p_alert.key = ANY (p_reps) WHEN 'team' THEN p_alert.key = ANY (p_teams)
                                                    ELSE p_alert.team_id = ANY (p_teams) END
           ELSE true END
$$;
COMMENT ON FUNCTION pl.alert_seen(alert, jsonb, text, text[], text[]) IS
  'Whether a key may see an alert: a rep''s its own; a team''s those of its reps and teams, and of the whole of a team with a strategy of its own; where figures of '
  'single reps are switched off, nobody those';

CREATE FUNCTION pl.alert_list(p_org int, p_request jsonb) RETURNS TABLE (body text, next text)
LANGUAGE plpgsql STABLE AS $$
DECLARE
  v_query jsonb := p_request -> 'query';
  v_who jsonb := p_request -> 'who';
  v_limit int := pl.page_limit(p_request);
  v_before bigint := coalesce(pl.number_cursor(p_request), 9223372036854775807);
  v_rep_metrics text := (SELECT o.rep_metrics FROM org AS o WHERE o.org_id = p_org);
  v_reps text[] := pl.reps_seen(p_org, v_who);
  v_teams text[] := CASE WHEN v_who ->> 'scope' = 'team' THEN pl.teams_seen(p_org, v_who) END;
  v_rows alert[];
BEGIN
  v_rows := ARRAY(SELECT a FROM alert AS a
                   WHERE a.org_id = p_org AND a.alert_id < v_before
                     AND (NOT v_query ? 'status' OR a.to_status = v_query ->> 'status')
                     AND (NOT v_query ? 'metric' OR a.metric = v_query ->> 'metric')
                     AND (NOT v_query ? 'by' OR a.grouped_by = v_query ->> 'by')
                     AND (NOT v_query ? 'key' OR a.key = v_query ->> 'key')
                     AND pl.alert_seen(a, v_who, v_rep_metrics, v_reps, v_teams)
                   ORDER BY a.alert_id DESC
                   LIMIT v_limit + 1);
  IF cardinality(v_rows) > v_limit THEN
    next := pl.cursor_encode(v_rows[v_limit].alert_id::text);
  END IF;
  body := jsonb_build_object('next', next, 'data', (SELECT coalesce(jsonb_agg(pl.alert_json(a) ORDER BY a.alert_id DESC), '[]') FROM unnest(v_rows[1:v_limit]) AS a))::text;
  RETURN NEXT;
END $$;
COMMENT ON FUNCTION pl.alert_list(int, jsonb) IS 'GET /v1/alerts: the newest first, by keyset, those the key may see';

-- ── endpoints ────────────────────────────────────────────────────────────────────────────────────

CREATE FUNCTION pl.prefixed_number(p_id text, p_prefix text) RETURNS bigint
LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$ SELECT CASE WHEN p_id ~ ('^' || p_prefix || '[1-9][0-9]{0,17}$') THEN substr(p_id, 2)::bigint END $$;
COMMENT ON FUNCTION pl.prefixed_number(text, text) IS 'The number of an id like e7; null: it is none';

CREATE FUNCTION pl.endpoint_row(p_org int, p_id text) RETURNS alert_endpoint
LANGUAGE plpgsql STABLE AS $$
DECLARE
  v_endpoint alert_endpoint;
BEGIN
  SELECT e.* INTO v_endpoint FROM alert_endpoint AS e WHERE e.org_id = p_org AND e.endpoint_id = pl.prefixed_number(p_id, 'e');
  IF NOT FOUND THEN
    PERFORM pl.fail('not_found', format('There is no endpoint "%s".', left(p_id, 64)));
  END IF;
  RETURN v_endpoint;
END $$;
COMMENT ON FUNCTION pl.endpoint_row(int, text) IS 'An endpoint; fails as not_found when there is none';

CREATE FUNCTION pl.endpoint_secrets(p_org int, p_endpoint bigint) RETURNS jsonb
LANGUAGE plpgsql STABLE AS $$
BEGIN
  RETURN (
    SELECT coalesce(jsonb_agg(jsonb_build_object('number', s.number, 'not_before', pl.iso(s.not_before), 'not_after', pl.iso(s.not_after),
                                                 'state', CASE WHEN s.not_after <= clock_timestamp() THEN 'ended' WHEN s.not_after IS NOT NULL THEN 'ending' ELSE 'in_force' END)
                              ORDER BY s.number), '[]')
      FROM alert_endpoint_secret AS s WHERE s.org_id = p_org AND s.endpoint_id = p_endpoint AND s.number > 0);
END $$;
COMMENT ON FUNCTION pl.endpoint_secrets(int, bigint) IS 'When the secrets of an endpoint hold; never what they are';

CREATE FUNCTION pl.endpoint_config(p_endpoint alert_endpoint) RETURNS jsonb
LANGUAGE sql STABLE AS $$
  SELECT jsonb_build_object('name', p_endpoint.name, 'url', p_endpoint.url_shown, 'format', p_endpoint.format, 'filter', p_endpoint.filter, 'enabled', p_endpoint.enabled)
$$;
COMMENT ON FUNCTION pl.endpoint_config(alert_endpoint) IS 'The configuration as answers and the audit log show it: of the address scheme and host';

CREATE FUNCTION pl.endpoint_json(p_endpoint alert_endpoint) RETURNS jsonb
LANGUAGE plpgsql STABLE AS $$
BEGIN
  RETURN jsonb_build_object('id', 'e' || p_endpoint.endpoint_id) || pl.endpoint_config(p_endpoint) || jsonb_build_object(
    'disabled_reason', p_endpoint.disabled_reason, 'secrets', pl.endpoint_secrets(p_endpoint.org_id, p_endpoint.endpoint_id),
    'deliveries', (SELECT jsonb_build_object('pending', count(*) FILTER (WHERE d.state = 'pending'), 'dead', count(*) FILTER (WHERE d.state = 'dead'))
                     FROM alert_delivery AS d WHERE d.org_id = p_endpoint.org_id AND d.endpoint_id = p_endpoint.endpoint_id AND d.state <> 'delivered'),
    'created_at', pl.iso(p_endpoint.created_at), 'updated_at', pl.iso(p_endpoint.updated_at));
END $$;
COMMENT ON FUNCTION pl.endpoint_json(alert_endpoint) IS 'An endpoint as the API shows it';

CREATE FUNCTION pl.endpoint_list(p_org int, p_request jsonb) RETURNS TABLE (body text, next text)
LANGUAGE plpgsql STABLE AS $$
DECLARE
  v_limit int := pl.page_limit(p_request);
  v_after bigint := coalesce(pl.number_cursor(p_request), 0);
  v_rows alert_endpoint[];
BEGIN
  v_rows := ARRAY(SELECT e FROM alert_endpoint AS e WHERE e.org_id = p_org AND e.endpoint_id > v_after ORDER BY e.endpoint_id LIMIT v_limit + 1);
  IF cardinality(v_rows) > v_limit THEN
    next := pl.cursor_encode(v_rows[v_limit].endpoint_id::text);
  END IF;
  body := jsonb_build_object('next', next, 'data', (SELECT coalesce(jsonb_agg(pl.endpoint_json(e) ORDER BY e.endpoint_id), '[]') FROM unnest(v_rows[1:v_limit]) AS e))::text;
  RETURN NEXT;
END $$;
COMMENT ON FUNCTION pl.endpoint_list(int, jsonb) IS 'GET /v1/alert-endpoints: all, in the order they were made';

CREATE FUNCTION pl.endpoint_get(p_org int, p_request jsonb) RETURNS text
LANGUAGE plpgsql STABLE AS $$
BEGIN
  RETURN pl.endpoint_json(pl.endpoint_row(p_org, p_request #>> '{path,0}'))::text;
END $$;
COMMENT ON FUNCTION pl.endpoint_get(int, jsonb) IS 'GET /v1/alert-endpoints/{id}; fails as not_found';

CREATE FUNCTION pl.endpoint_number(p_org int) RETURNS bigint
LANGUAGE plpgsql AS $$
BEGIN
  PERFORM pl.lock_org(p_org);
  -- What an endpoint that is gone was sent keeps its number.
  RETURN 1 + greatest((SELECT coalesce(max(e.endpoint_id), 0) FROM alert_endpoint AS e WHERE e.org_id = p_org),
                      (SELECT coalesce(max(d.endpoint_id), 0) FROM alert_delivery AS d WHERE d.org_id = p_org));
END $$;
COMMENT ON FUNCTION pl.endpoint_number(int) IS 'The number of the next endpoint, which this transaction may make: what is sealed is bound to it';

CREATE FUNCTION pl.filter_check(p_filter jsonb) RETURNS void
LANGUAGE plpgsql STABLE AS $$
DECLARE
  v_known text[] := ARRAY(SELECT m.key FROM pl.metric AS m ORDER BY m.key);
  v_problems jsonb;
BEGIN
  SELECT jsonb_agg(p) INTO v_problems
    FROM unnest(pl.filter_words(p_filter, 'metrics')) WITH ORDINALITY AS w(metric, n)
   CROSS JOIN LATERAL jsonb_array_elements(pl.problem('/filter/metrics/' || w.n - 1, 'unknown_metric',
                                                      format('there is no metric "%s"; the nearest is "%s"', left(w.metric, 60), pl.nearest(w.metric, v_known)))) AS p
   WHERE w.metric <> ALL (v_known);
  IF v_problems IS NOT NULL THEN
    PERFORM pl.fail('validation_failed', 'The endpoint cannot be accepted: its filter names metrics that are not known.', v_problems);
  END IF;
END $$;
COMMENT ON FUNCTION pl.filter_check(jsonb) IS 'Fails as validation_failed when a filter names a metric that there is not';

CREATE FUNCTION pl.endpoint_put(p_org int, p_request jsonb, p_number bigint, p_config jsonb, p_whole boolean, p_shown text, p_address text, p_secret text) RETURNS text
LANGUAGE plpgsql AS $$
DECLARE
  v_now timestamptz := clock_timestamp();
  v_before alert_endpoint;
  v_after alert_endpoint;
BEGIN
  PERFORM pl.lock_org(p_org);
  SELECT e.* INTO v_before FROM alert_endpoint AS e WHERE e.org_id = p_org AND e.endpoint_id = p_number;
  IF NOT FOUND AND p_secret IS NULL THEN
    PERFORM pl.fail('not_found', format('There is no endpoint "e%s".', p_number));
  END IF;
  PERFORM pl.filter_check(p_config -> 'filter');
  INSERT INTO alert_endpoint AS e (org_id, endpoint_id, name, url_shown, format, filter, enabled, created_at, updated_at)
  VALUES (p_org, p_number, coalesce(p_config ->> 'name', CASE WHEN NOT p_whole THEN v_before.name END, ''), coalesce(p_shown, v_before.url_shown),
          coalesce(p_config ->> 'format', CASE WHEN NOT p_whole THEN v_before.format END, 'standard'),
          CASE WHEN jsonb_typeof(p_config -> 'filter') = 'object' THEN jsonb_strip_nulls(coalesce(CASE WHEN NOT p_whole THEN v_before.filter END, '{}') || (p_config -> 'filter'))
               WHEN NOT p_whole AND NOT p_config ? 'filter' THEN coalesce(v_before.filter, '{}') ELSE '{}' END,
          coalesce((p_config ->> 'enabled')::boolean, CASE WHEN NOT p_whole THEN v_before.enabled END, true), v_now, v_now)
  ON CONFLICT (org_id, endpoint_id) DO UPDATE SET
    name = excluded.name, url_shown = excluded.url_shown, format = excluded.format, filter = excluded.filter, enabled = excluded.enabled,
    disabled_reason = CASE WHEN NOT excluded.enabled THEN e.disabled_reason END, updated_at = excluded.updated_at
  RETURNING e.* INTO v_after;
  INSERT INTO alert_endpoint_secret AS s (org_id, endpoint_id, number, kept, not_before)
  SELECT p_org, p_number, k.number, k.kept, v_now FROM (VALUES (0, p_address), (1, p_secret)) AS k(number, kept) WHERE k.kept IS NOT NULL
  ON CONFLICT (org_id, endpoint_id, number) DO UPDATE SET kept = excluded.kept, not_before = excluded.not_before;
  PERFORM pl.audited(p_org, pl.actor(p_request), CASE WHEN v_before.endpoint_id IS NULL THEN 'alert_endpoint.create' ELSE 'alert_endpoint.update' END,
                            'alert-endpoint/e' || p_number, CASE WHEN v_before.endpoint_id IS NOT NULL THEN pl.endpoint_config(v_before) END, pl.endpoint_config(v_after));
  RETURN pl.endpoint_json(v_after)::text;
END $$;
COMMENT ON FUNCTION pl.endpoint_put(int, jsonb, bigint, jsonb, boolean, text, text, text) IS
  'Keeps a checked configuration; p_whole: what it does not name is what it is at first, else what it was. p_shown, p_address, p_secret: of the address and the first '
  'secret what may be seen, and what is to be stored; null: they stay';

CREATE FUNCTION pl.endpoint_delete(p_org int, p_request jsonb) RETURNS text
LANGUAGE plpgsql AS $$
DECLARE
  v_endpoint alert_endpoint;
BEGIN
  PERFORM pl.lock_org(p_org);
  v_endpoint := pl.endpoint_row(p_org, p_request #>> '{path,0}');
  DELETE FROM alert_endpoint AS e WHERE e.org_id = p_org AND e.endpoint_id = v_endpoint.endpoint_id;
  DELETE FROM alert_endpoint_secret AS s WHERE s.org_id = p_org AND s.endpoint_id = v_endpoint.endpoint_id;
  UPDATE alert_delivery AS d SET state = 'dead', next_at = NULL, leased_until = NULL, last_error = 'the endpoint was removed'
   WHERE d.org_id = p_org AND d.endpoint_id = v_endpoint.endpoint_id AND d.state = 'pending';
  PERFORM pl.audited(p_org, pl.actor(p_request), 'alert_endpoint.delete', 'alert-endpoint/e' || v_endpoint.endpoint_id, pl.endpoint_config(v_endpoint), NULL);
  RETURN jsonb_build_object('id', 'e' || v_endpoint.endpoint_id, 'deleted', true)::text;
END $$;
COMMENT ON FUNCTION pl.endpoint_delete(int, jsonb) IS 'DELETE /v1/alert-endpoints/{id}: with its address and secrets; what waits for it is given up';

CREATE FUNCTION pl.endpoint_secret_put(p_org int, p_request jsonb, p_kept text, p_overlap_hours int) RETURNS text
LANGUAGE plpgsql AS $$
DECLARE
  v_now timestamptz := clock_timestamp();
  v_endpoint alert_endpoint;
  v_before jsonb;
  v_number int;
BEGIN
  PERFORM pl.lock_org(p_org);
  v_endpoint := pl.endpoint_row(p_org, p_request #>> '{path,0}');
  v_before := pl.endpoint_secrets(p_org, v_endpoint.endpoint_id);
  SELECT max(s.number) + 1 INTO v_number FROM alert_endpoint_secret AS s WHERE s.org_id = p_org AND s.endpoint_id = v_endpoint.endpoint_id;
  -- Two hold at a time at most: the one that was the newest goes on for the overlap, older ones end.
  UPDATE alert_endpoint_secret AS s
     SET not_after = least(coalesce(s.not_after, 'infinity'), CASE WHEN s.number = v_number - 1 THEN v_now + make_interval(hours => p_overlap_hours) ELSE v_now END)
   WHERE s.org_id = p_org AND s.endpoint_id = v_endpoint.endpoint_id AND s.number > 0 AND coalesce(s.not_after > v_now, true);
  INSERT INTO alert_endpoint_secret (org_id, endpoint_id, number, kept, not_before) VALUES (p_org, v_endpoint.endpoint_id, v_number, p_kept, v_now);
  UPDATE alert_endpoint_secret AS s SET kept = '' WHERE s.org_id = p_org AND s.endpoint_id = v_endpoint.endpoint_id AND s.not_after <= v_now;
  PERFORM pl.audited(p_org, pl.actor(p_request), 'alert_endpoint.secret', 'alert-endpoint/e' || v_endpoint.endpoint_id, jsonb_build_object('secrets', v_before),
                            jsonb_build_object('secrets', pl.endpoint_secrets(p_org, v_endpoint.endpoint_id)));
  RETURN jsonb_build_object('id', 'e' || v_endpoint.endpoint_id, 'number', v_number, 'secrets', pl.endpoint_secrets(p_org, v_endpoint.endpoint_id))::text;
END $$;
COMMENT ON FUNCTION pl.endpoint_secret_put(int, jsonb, text, int) IS
  'A new secret; the one before it signs too for p_overlap_hours, older ones end. p_kept: as it is to be stored';
