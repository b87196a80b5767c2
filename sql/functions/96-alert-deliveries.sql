-- Deliveries. Whoever sends one holds a lease on it, so that several servers do not send it at a time; when a server dies, the lease ends and the
-- delivery is sent again under the same id: at least once. One delivery at a time goes to an endpoint, the one first that is due first.

CREATE FUNCTION pl.message_id() RETURNS text
LANGUAGE sql VOLATILE AS $$ SELECT 'msg_' || replace(gen_random_uuid()::text, '-', '') $$;

CREATE FUNCTION pl.delivery_json(p_delivery alert_delivery) RETURNS jsonb
LANGUAGE sql STABLE AS $$
  SELECT jsonb_build_object(
    'id', 'd' || p_delivery.delivery_id, 'endpoint', 'e' || p_delivery.endpoint_id, 'alert', 'a' || p_delivery.alert_id, 'message_id', p_delivery.message_id,
    'state', p_delivery.state, 'attempts', p_delivery.attempts, 'next_attempt_at', pl.iso(p_delivery.next_at), 'last_attempt_at', pl.iso(p_delivery.last_at),
    'last_status', p_delivery.last_status, 'last_error', p_delivery.last_error, 'created_at', pl.iso(p_delivery.created_at),
    'delivered_at', pl.iso(p_delivery.delivered_at))
$$;
COMMENT ON FUNCTION pl.delivery_json(alert_delivery) IS 'A delivery as the API shows it';

CREATE FUNCTION pl.delivery_row(p_org int, p_id text) RETURNS alert_delivery
LANGUAGE plpgsql STABLE AS $$
DECLARE
  v_delivery alert_delivery;
BEGIN
  SELECT d.* INTO v_delivery FROM alert_delivery AS d WHERE d.org_id = p_org AND d.delivery_id = pl.prefixed_number(p_id, 'd');
  IF NOT FOUND THEN
    PERFORM pl.fail('not_found', format('There is no delivery "%s".', left(p_id, 64)));
  END IF;
  RETURN v_delivery;
END $$;
COMMENT ON FUNCTION pl.delivery_row(int, text) IS 'A delivery; fails as not_found when there is none';

CREATE FUNCTION pl.delivery_get(p_org int, p_request jsonb) RETURNS text
LANGUAGE plpgsql STABLE AS $$
BEGIN
  RETURN pl.delivery_json(pl.delivery_row(p_org, p_request #>> '{path,0}'))::text;
END $$;
COMMENT ON FUNCTION pl.delivery_get(int, jsonb) IS 'GET /v1/alert-deliveries/{id}; fails as not_found';

CREATE FUNCTION pl.delivery_list(p_org int, p_request jsonb) RETURNS TABLE (body text, next text)
LANGUAGE plpgsql STABLE AS $$
DECLARE
  v_query jsonb := p_request -> 'query';
  v_limit int := pl.page_limit(p_request);
  v_before bigint := coalesce(pl.number_cursor(p_request), 9223372036854775807);
  v_rows alert_delivery[];
BEGIN
  v_rows := ARRAY(SELECT d FROM alert_delivery AS d
                   WHERE d.org_id = p_org AND d.delivery_id < v_before
                     AND (NOT v_query ? 'state' OR d.state = v_query ->> 'state')
                     AND (NOT v_query ? 'endpoint' OR d.endpoint_id = pl.prefixed_number(v_query ->> 'endpoint', 'e'))
                     AND (NOT v_query ? 'alert' OR d.alert_id = pl.prefixed_number(v_query ->> 'alert', 'a'))
                   ORDER BY d.delivery_id DESC
                   LIMIT v_limit + 1);
  IF cardinality(v_rows) > v_limit THEN
    next := pl.cursor_encode(v_rows[v_limit].delivery_id::text);
  END IF;
  body := jsonb_build_object('next', next, 'data', (SELECT coalesce(jsonb_agg(pl.delivery_json(d) ORDER BY d.delivery_id DESC), '[]') FROM unnest(v_rows[1:v_limit]) AS d))::text;
  RETURN NEXT;
END $$;
COMMENT ON FUNCTION pl.delivery_list(int, jsonb) IS 'GET /v1/alert-deliveries: the newest first, by keyset';

CREATE FUNCTION pl.delivery_retry(p_org int, p_request jsonb) RETURNS text
LANGUAGE plpgsql AS $$
DECLARE
  v_delivery alert_delivery;
BEGIN
  PERFORM pl.lock_org(p_org);
  v_delivery := pl.delivery_row(p_org, p_request #>> '{path,0}');
  IF v_delivery.state = 'delivered' THEN
    PERFORM pl.fail('conflict', format('Delivery d%s was delivered at %s.', v_delivery.delivery_id, pl.iso(v_delivery.delivered_at)));
  ELSIF NOT EXISTS (SELECT FROM alert_endpoint AS e WHERE e.org_id = p_org AND e.endpoint_id = v_delivery.endpoint_id) THEN
    PERFORM pl.fail('conflict', format('Endpoint e%s, which delivery d%s is for, was removed.', v_delivery.endpoint_id, v_delivery.delivery_id));
  END IF;
  UPDATE alert_delivery AS d SET state = 'pending', tries = 0, next_at = clock_timestamp()
   WHERE d.org_id = p_org AND d.delivery_id = v_delivery.delivery_id
  RETURNING d.* INTO v_delivery;
  PERFORM pl.audited(p_org, pl.actor(p_request), 'alert_delivery.retry', 'alert-delivery/d' || v_delivery.delivery_id, NULL, NULL);
  RETURN pl.delivery_json(v_delivery)::text;
END $$;
COMMENT ON FUNCTION pl.delivery_retry(int, jsonb) IS 'POST /v1/alert-deliveries/{id}/retry: due at once, with the whole schedule before it again';

CREATE FUNCTION pl.endpoint_test(p_org int, p_request jsonb) RETURNS TABLE (body text, id text)
LANGUAGE plpgsql AS $$
DECLARE
  v_now timestamptz := clock_timestamp();
  v_endpoint alert_endpoint;
  v_delivery alert_delivery;
BEGIN
  PERFORM pl.lock_org(p_org);
  v_endpoint := pl.endpoint_row(p_org, p_request #>> '{path,0}');
  INSERT INTO alert_delivery (org_id, delivery_id, endpoint_id, message_id, state, attempts, tries, next_at, created_at)
  SELECT p_org, 1 + coalesce(max(d.delivery_id), 0), v_endpoint.endpoint_id, pl.message_id(), 'pending', 0, 0, v_now, v_now FROM alert_delivery AS d WHERE d.org_id = p_org
  RETURNING * INTO v_delivery;
  body := pl.delivery_json(v_delivery)::text;
  id := 'd' || v_delivery.delivery_id;
  RETURN NEXT;
END $$;
COMMENT ON FUNCTION pl.endpoint_test(int, jsonb) IS 'POST /v1/alert-endpoints/{id}/test: a delivery that is tried once, also when the endpoint is disabled; and its id';

CREATE FUNCTION pl.delivery_settled(p_org int, p_id text) RETURNS text
LANGUAGE plpgsql STABLE AS $$
BEGIN
  RETURN (SELECT pl.delivery_json(d)::text FROM alert_delivery AS d WHERE d.org_id = p_org AND d.delivery_id = pl.prefixed_number(p_id, 'd') AND d.state <> 'pending');
END $$;
COMMENT ON FUNCTION pl.delivery_settled(int, text) IS 'A delivery that is over; null: it is not';

-- ── sending ──────────────────────────────────────────────────────────────────────────────────────

CREATE FUNCTION pl.orgs_with_deliveries() RETURNS SETOF int
LANGUAGE plpgsql STABLE AS $$
DECLARE
  v_now timestamptz := clock_timestamp();
BEGIN
  RETURN QUERY
    SELECT DISTINCT d.org_id
      FROM alert_delivery AS d JOIN alert_endpoint AS e ON e.org_id = d.org_id AND e.endpoint_id = d.endpoint_id
     WHERE d.state = 'pending' AND d.next_at <= v_now AND coalesce(d.leased_until <= v_now, true) AND (e.enabled OR d.alert_id IS NULL);
END $$;
COMMENT ON FUNCTION pl.orgs_with_deliveries IS 'Organisations with a delivery that is due';

CREATE FUNCTION pl.delivery_message(p_delivery alert_delivery, p_endpoint alert_endpoint) RETURNS text
LANGUAGE plpgsql STABLE AS $$
DECLARE
  v_alert alert;
  v_data jsonb;
BEGIN
  IF p_delivery.alert_id IS NULL THEN
    RETURN pl.message_body(p_endpoint.format, 'alert.test', p_delivery.created_at, jsonb_build_object('endpoint', 'e' || p_endpoint.endpoint_id, 'name', p_endpoint.name),
                           'A test from Plumbline: alerts will come here.');
  END IF;
  SELECT a.* INTO v_alert FROM alert AS a WHERE a.org_id = p_delivery.org_id AND a.alert_id = p_delivery.alert_id;
  v_data := pl.alert_json(v_alert);
  RETURN pl.message_body(p_endpoint.format, 'alert.status_changed', v_alert.at, v_data, CASE p_endpoint.format WHEN 'slack' THEN pl.message_text(v_data) END);
END $$;
COMMENT ON FUNCTION pl.delivery_message(alert_delivery, alert_endpoint) IS 'What is sent: made when it is, so that the names in it are those of then';

CREATE FUNCTION pl.delivery_withdraw(p_org int) RETURNS void
LANGUAGE plpgsql AS $$
BEGIN
  IF (SELECT o.rep_metrics FROM org AS o WHERE o.org_id = p_org) = 'off' THEN
    UPDATE alert_delivery AS d SET state = 'dead', next_at = NULL, last_error = 'not sent: figures of single reps are switched off'
      FROM alert AS a
     WHERE d.org_id = p_org AND d.state = 'pending' AND a.org_id = p_org AND a.alert_id = d.alert_id AND a.grouped_by = 'rep';
  END IF;
END $$;
COMMENT ON FUNCTION pl.delivery_withdraw(int) IS 'Gives up what must not be sent any more';

CREATE FUNCTION pl.delivery_claim(p_org int, p_limit int, p_lease_s int)
RETURNS TABLE (delivery_id bigint, attempt int, endpoint text, message_id text, body text, secrets text)
LANGUAGE plpgsql AS $$
#variable_conflict use_column
DECLARE
  v_now timestamptz := clock_timestamp();
  v_endpoint alert_endpoint;
  v_delivery alert_delivery;
  v_left int := p_limit;
BEGIN
  PERFORM pl.delivery_withdraw(p_org);
  FOR v_endpoint IN
    SELECT e.* FROM alert_endpoint AS e
     WHERE e.org_id = p_org AND EXISTS (SELECT FROM alert_delivery AS d WHERE d.org_id = p_org AND d.endpoint_id = e.endpoint_id AND d.state = 'pending' AND d.next_at <= v_now)
     ORDER BY e.endpoint_id FOR UPDATE SKIP LOCKED
  LOOP
    EXIT WHEN v_left = 0;
    -- Looked at again, now that nobody else can claim for this endpoint.
    CONTINUE WHEN EXISTS (SELECT FROM alert_delivery AS d WHERE d.org_id = p_org AND d.endpoint_id = v_endpoint.endpoint_id AND d.state = 'pending' AND d.leased_until > v_now);
    UPDATE alert_delivery AS d SET leased_until = v_now + make_interval(secs => p_lease_s), attempts = d.attempts + 1, tries = d.tries + 1, last_at = v_now
     WHERE d.org_id = p_org AND d.delivery_id = (
             SELECT x.delivery_id FROM alert_delivery AS x
              WHERE x.org_id = p_org AND x.endpoint_id = v_endpoint.endpoint_id AND x.state = 'pending' AND x.next_at <= v_now AND (v_endpoint.enabled OR x.alert_id IS NULL)
              ORDER BY x.next_at, x.delivery_id LIMIT 1)
    RETURNING d.* INTO v_delivery;
    CONTINUE WHEN NOT FOUND;
    v_left := v_left - 1;
    delivery_id := v_delivery.delivery_id;
    attempt := v_delivery.attempts;
    endpoint := 'e' || v_endpoint.endpoint_id;
    message_id := v_delivery.message_id;
    body := pl.delivery_message(v_delivery, v_endpoint);
    secrets := (SELECT jsonb_agg(s.kept ORDER BY s.number = 0 DESC, s.number DESC) FROM alert_endpoint_secret AS s
                 WHERE s.org_id = p_org AND s.endpoint_id = v_endpoint.endpoint_id AND coalesce(s.not_after > v_now, true))::text;
    RETURN NEXT;
  END LOOP;
END $$;
COMMENT ON FUNCTION pl.delivery_claim(int, int, int) IS
  'Deliveries that are due, p_limit at most and one an endpoint, leased to the caller for p_lease_s; secrets: as they are stored, first the address, then the newest';

CREATE FUNCTION pl.endpoint_gone(p_org int, p_endpoint bigint) RETURNS void
LANGUAGE plpgsql AS $$
DECLARE
  v_before alert_endpoint;
  v_after alert_endpoint;
BEGIN
  SELECT e.* INTO v_before FROM alert_endpoint AS e WHERE e.org_id = p_org AND e.endpoint_id = p_endpoint AND e.enabled;
  IF FOUND THEN
    UPDATE alert_endpoint AS e SET enabled = false, disabled_reason = 'it answered 410 Gone', updated_at = clock_timestamp()
     WHERE e.org_id = p_org AND e.endpoint_id = p_endpoint
    RETURNING e.* INTO v_after;
    PERFORM pl.audited(p_org, 'service', 'alert_endpoint.disable', 'alert-endpoint/e' || p_endpoint, pl.endpoint_config(v_before), pl.endpoint_config(v_after));
  END IF;
END $$;
COMMENT ON FUNCTION pl.endpoint_gone(int, bigint) IS 'Disables an endpoint that says it is gone; what waits for it waits on. The caller holds the organisation''s lock';

CREATE FUNCTION pl.delivery_settle(p_org int, p_delivery bigint, p_attempt int, p_status int, p_error text, p_wait_s bigint) RETURNS text
LANGUAGE plpgsql AS $$
DECLARE
  v_now timestamptz := clock_timestamp();
  v_wait interval := make_interval(secs => least(greatest(coalesce(p_wait_s, 0), 0), 86400)::int);
  v_delivery alert_delivery;
BEGIN
  IF p_status = 410 THEN
    PERFORM pl.lock_org(p_org);
  END IF;
  SELECT d.* INTO v_delivery FROM alert_delivery AS d
   WHERE d.org_id = p_org AND d.delivery_id = p_delivery AND d.attempts = p_attempt AND d.leased_until IS NOT NULL FOR UPDATE;
  IF NOT FOUND THEN
    RETURN 'late';
  END IF;
  v_delivery.state := CASE WHEN p_status BETWEEN 200 AND 299 THEN 'delivered'
                           WHEN p_status = 410 OR v_delivery.alert_id IS NULL OR pl.alert_delay(v_delivery.tries) IS NULL THEN 'dead' ELSE 'pending' END;
  UPDATE alert_delivery AS d
     SET state = v_delivery.state, leased_until = NULL, last_status = p_status, last_error = p_error,
         -- Spread out, so that those that failed together do not come back together.
         next_at = CASE v_delivery.state WHEN 'pending' THEN v_now + greatest(pl.alert_delay(v_delivery.tries) * (1 + random() / 5), v_wait) END,
         delivered_at = CASE v_delivery.state WHEN 'delivered' THEN v_now END
   WHERE d.org_id = p_org AND d.delivery_id = p_delivery;
  IF p_status = 410 THEN
    PERFORM pl.endpoint_gone(p_org, v_delivery.endpoint_id);
  ELSIF v_wait > interval '0' AND v_delivery.state <> 'delivered' THEN
    UPDATE alert_delivery AS d SET next_at = v_now + v_wait
     WHERE d.org_id = p_org AND d.endpoint_id = v_delivery.endpoint_id AND d.state = 'pending' AND d.next_at < v_now + v_wait;
  END IF;
  RETURN CASE v_delivery.state WHEN 'pending' THEN 'retry' ELSE v_delivery.state END;
END $$;
COMMENT ON FUNCTION pl.delivery_settle(int, bigint, int, int, text, bigint) IS
  'What became of an attempt: delivered, retry, dead, or late: the lease had ended and somebody else is at it. p_status: null without an answer; p_wait_s: as the receiver '
  'asks, for all that waits for it';

CREATE FUNCTION pl.delivery_release(p_org int, p_delivery bigint, p_attempt int) RETURNS void
LANGUAGE plpgsql AS $$
BEGIN
  UPDATE alert_delivery AS d SET leased_until = NULL, tries = d.tries - 1
   WHERE d.org_id = p_org AND d.delivery_id = p_delivery AND d.attempts = p_attempt AND d.leased_until IS NOT NULL;
END $$;
COMMENT ON FUNCTION pl.delivery_release(int, bigint, int) IS 'An attempt that was broken off by a shutdown: it does not count, and somebody else may take it at once';

CREATE FUNCTION pl.delivery_counts(p_org int) RETURNS TABLE (state text, deliveries bigint)
LANGUAGE plpgsql STABLE AS $$
#variable_conflict use_column
BEGIN
  RETURN QUERY
    SELECT w.state, count(d.delivery_id)
      FROM unnest('{pending,dead}'::text[]) AS w(state)
      LEFT JOIN alert_delivery AS d ON d.org_id = p_org AND d.state = w.state AND d.state <> 'delivered'
     GROUP BY w.state;
END $$;
COMMENT ON FUNCTION pl.delivery_counts(int) IS 'Deliveries that wait, and that were given up';
