-- When a status is told: what is certain, what has held, who wants to know. No table is read here but by pl.alert_label.

CREATE FUNCTION pl.alert_status(p_row jsonb, p_unit text) RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
  SELECT CASE WHEN p_row ->> 'status' IN ('ok', 'warn', 'fail')
               AND NOT (jsonb_typeof(p_row -> 'ci') = 'null' AND (p_row ->> 'low_n')::boolean AND p_unit <> 'count')
              THEN p_row ->> 'status' END
$$;
COMMENT ON FUNCTION pl.alert_status(jsonb, text) IS
  'The status of a row of an answer if it is certain, else null: an interval that straddles the threshold is not, nor is a figure of fewer than min_n cases that has '
  'no interval; a count is what it is';

CREATE FUNCTION pl.alert_rank(p_status text) RETURNS int
LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$ SELECT CASE p_status WHEN 'fail' THEN 2 WHEN 'warn' THEN 1 ELSE 0 END $$;
COMMENT ON FUNCTION pl.alert_rank(text) IS 'How bad a status is; none yet counts as ok';

CREATE TYPE pl.alert_step AS (settled text, candidate text, held int, told boolean);

CREATE FUNCTION pl.alert_step(p_settled text, p_candidate text, p_held int, p_status text, p_hold int) RETURNS pl.alert_step
LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE AS $$
DECLARE
  v_settled int := pl.alert_rank(p_settled);
  v_status int := pl.alert_rank(p_status);
  v_next pl.alert_step := (p_settled, NULL, 0, false);
BEGIN
  IF p_status IS NULL THEN
    RETURN v_next;
  ELSIF v_status = v_settled THEN
    v_next.settled := p_status;
    RETURN v_next;
  END IF;
  -- In a row counts what lies on the same side of the settled status; the nearest of these is certain in all of them. So what swings
  -- between warn and fail is told as warn, once.
  IF sign(pl.alert_rank(p_candidate) - v_settled) = sign(v_status - v_settled) THEN
    v_next.candidate := CASE WHEN abs(pl.alert_rank(p_candidate) - v_settled) < abs(v_status - v_settled) THEN p_candidate ELSE p_status END;
    v_next.held := p_held + 1;
  ELSE
    v_next.candidate := p_status;
    v_next.held := 1;
  END IF;
  IF v_next.held >= p_hold THEN
    v_next := (v_next.candidate, NULL, 0, true);
  END IF;
  RETURN v_next;
END $$;
COMMENT ON FUNCTION pl.alert_step(text, text, int, text, int) IS
  'One evaluation of one figure: what is settled after it, and whether that is told. p_status: certain, or null, which ends a row of evaluations and changes '
  'nothing; p_hold: evaluations in a row that a change must hold. A first ok needs not be told';

CREATE FUNCTION pl.alert_delay(p_tries int) RETURNS interval
LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
  SELECT make_interval(secs => ('{5,300,1800,7200,18000,36000,50400,72000,86400}'::int[])[p_tries])
$$;
COMMENT ON FUNCTION pl.alert_delay(int) IS
  'How long after so many failed tries the next one comes, as Standard Webhooks advises (5 s, 5 min, 30 min, 2 h, 5 h, 10 h, 14 h, 20 h, 24 h); null: there is no other';

CREATE FUNCTION pl.filter_words(p_filter jsonb, p_member text) RETURNS text[]
LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
  SELECT nullif(ARRAY(SELECT w #>> '{}' FROM jsonb_array_elements(CASE jsonb_typeof(p_filter -> p_member) WHEN 'array' THEN p_filter -> p_member ELSE '[]' END) AS w), '{}')
$$;
COMMENT ON FUNCTION pl.filter_words(jsonb, text) IS 'What a filter lets through; null: everything';

CREATE FUNCTION pl.alert_wanted(p_filter jsonb, p_teams text[], p_alert alert) RETURNS boolean
LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
  SELECT coalesce(p_alert.metric = ANY (pl.filter_words(p_filter, 'metrics')), true)
     AND coalesce(p_alert.grouped_by = ANY (pl.filter_words(p_filter, 'by')), true)
     AND coalesce(p_alert.to_status = ANY (pl.filter_words(p_filter, 'statuses')), true)
     AND (p_teams IS NULL OR coalesce(p_alert.about_team = ANY (p_teams), false))
$$;
COMMENT ON FUNCTION pl.alert_wanted(jsonb, text[], alert) IS 'Whether an endpoint''s filter lets an alert through; p_teams: those of the filter with all below them, null when it names none';

CREATE FUNCTION pl.alert_label(p_alert alert) RETURNS text
LANGUAGE plpgsql STABLE AS $$
DECLARE
  q pl.metric_query;
BEGIN
  IF p_alert.grouped_by = 'total' THEN
    RETURN CASE WHEN p_alert.team_id = '' THEN 'Total'
                ELSE coalesce((SELECT o.doc ->> 'name' FROM object AS o WHERE o.org_id = p_alert.org_id AND o.kind = 'team' AND o.object_id = p_alert.team_id), p_alert.team_id) END;
  END IF;
  q.org := p_alert.org_id;
  q.grouped_by := p_alert.grouped_by;
  SELECT s.body INTO q.body FROM strategy AS s WHERE s.org_id = p_alert.org_id AND s.strategy_id = p_alert.strategy_id;
  RETURN (SELECT coalesce(l.label, l.key) FROM pl.group_labels(q, ARRAY[p_alert.key]) AS l);
END $$;
COMMENT ON FUNCTION pl.alert_label(alert) IS 'What the thing an alert is about is called today';

CREATE FUNCTION pl.alert_json(p_alert alert) RETURNS jsonb
LANGUAGE plpgsql STABLE AS $$
BEGIN
  RETURN jsonb_build_object(
    'id', 'a' || p_alert.alert_id, 'at', pl.iso(p_alert.at), 'metric', p_alert.metric, 'by', p_alert.grouped_by, 'key', p_alert.key,
    'label', pl.alert_label(p_alert), 'team', p_alert.about_team, 'from', p_alert.from_status, 'to', p_alert.to_status,
    'period', p_alert.period, 'start', p_alert.first_on, 'end', p_alert.end_on, 'strategy', p_alert.strategy_id) || p_alert.figure;
END $$;
COMMENT ON FUNCTION pl.alert_json(alert) IS 'An alert as the API shows it and as it is sent; end is exclusive';

-- ── what is sent ─────────────────────────────────────────────────────────────────────────────────

CREATE FUNCTION pl.message_number(p_value text, p_unit text) RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
  SELECT CASE WHEN p_unit = 'fraction' THEN trim_scale(round(p_value::numeric * 100, 1)) || '%' ELSE trim_scale(round(p_value::numeric, 2))::text END
$$;

CREATE FUNCTION pl.message_text(p_alert jsonb) RETURNS text
LANGUAGE plpgsql STABLE AS $$
DECLARE
  v_unit text := p_alert ->> 'unit';
  v_limit jsonb := p_alert -> 'threshold';
  v_label text := p_alert ->> 'label';
BEGIN
  -- The three characters that Slack reads as markup; nothing else of a name is.
  v_label := replace(replace(replace(v_label, '&', '&amp;'), '<', '&lt;'), '>', '&gt;');
  RETURN format('%s *%s*: %s, %s → *%s*. ', CASE p_alert ->> 'to' WHEN 'ok' THEN ':white_check_mark:' WHEN 'warn' THEN ':warning:' ELSE ':rotating_light:' END,
                v_label, (SELECT m.name FROM pl.metric AS m WHERE m.key = p_alert ->> 'metric'), coalesce(p_alert ->> 'from', 'new'), p_alert ->> 'to')
      || format('%s%s%s in %s; warn %s %s, fail %s %s.', pl.message_number(p_alert ->> 'value', v_unit), coalesce(' ' || (p_alert ->> 'currency'), ''),
                concat(' (95% interval ' || pl.message_number(p_alert #>> '{ci,0}', v_unit) || ' to ' || pl.message_number(p_alert #>> '{ci,1}', v_unit) || ', n ' || (p_alert ->> 'n') || ')',
                       CASE WHEN jsonb_typeof(p_alert -> 'ci') = 'null' THEN ' (n ' || (p_alert ->> 'n') || ')' END),
                p_alert ->> 'period', CASE v_limit ->> 'direction' WHEN 'lower' THEN 'above' ELSE 'below' END, pl.message_number(v_limit ->> 'warn', v_unit),
                CASE v_limit ->> 'direction' WHEN 'lower' THEN 'above' ELSE 'below' END, pl.message_number(v_limit ->> 'fail', v_unit));
END $$;
COMMENT ON FUNCTION pl.message_text(jsonb) IS 'An alert as a sentence for a chat, in Slack''s markup';

CREATE FUNCTION pl.message_body(p_format text, p_type text, p_at timestamptz, p_data jsonb, p_text text) RETURNS text
LANGUAGE sql STABLE PARALLEL SAFE AS $$
  SELECT CASE p_format WHEN 'slack' THEN jsonb_build_object('text', p_text)
                       ELSE jsonb_build_object('type', p_type, 'timestamp', pl.iso(p_at), 'data', p_data) END::text
$$;
COMMENT ON FUNCTION pl.message_body(text, text, timestamptz, jsonb, text) IS 'The body of a delivery: the envelope of Standard Webhooks, or what a chat''s incoming webhook takes';
