-- Retention of the log: older than retention_days, an object's events are replaced by one, of operation base, that holds the state they
-- came to. State, track and all that is derived from them stay what they are, and so does every answer about a moment since then; what
-- was known before then cannot be told any more.

CREATE FUNCTION pl.base_patch(p_state object, p_events event[]) RETURNS jsonb
LANGUAGE plpgsql STABLE PARALLEL SAFE AS $$
BEGIN
  RETURN jsonb_build_object('doc', p_state.doc, 'track', p_state.track, 'first_at', p_state.first_at, 'deleted_at', p_state.deleted_at, 'merged_into', p_state.merged_into)
      -- Whoever is erased later is erased under former names too.
      || CASE WHEN p_state.kind = 'rep' THEN jsonb_build_object('words', pl.words_of(p_events)) ELSE '{}' END;
END $$;
COMMENT ON FUNCTION pl.base_patch(object, event[]) IS 'The patch of the base that stands for these events of an object, and for the state they come to; pl.fold_event reads it';

CREATE FUNCTION pl.kept_from(p_org int) RETURNS timestamptz
LANGUAGE sql STABLE AS $$ SELECT r.kept_from FROM log_retention AS r WHERE r.org_id = p_org $$;
COMMENT ON FUNCTION pl.kept_from(int) IS 'The instant since which the past can be asked for; null: since ever';

CREATE FUNCTION pl.not_kept(p_org int, p_params jsonb, p_as_of timestamptz, p_known_at timestamptz) RETURNS jsonb
LANGUAGE plpgsql STABLE AS $$
DECLARE
  v_kept_from timestamptz;
BEGIN
  IF p_as_of IS NULL AND p_known_at IS NULL THEN
    RETURN '[]';
  END IF;
  v_kept_from := pl.kept_from(p_org);
  RETURN (
    SELECT coalesce(jsonb_agg(jsonb_build_object('pointer', t.name, 'code', 'not_kept', 'message', format(
             '"%s" is before %s, since when the log is kept (retention_days); what was known before cannot be told any more.',
             left(p_params ->> t.name, 60), pl.iso(v_kept_from))) ORDER BY t.name), '[]')
      FROM (VALUES ('as_of', p_as_of), ('known_at', p_known_at)) AS t(name, at)
     WHERE t.at < v_kept_from);
END $$;
COMMENT ON FUNCTION pl.not_kept(int, jsonb, timestamptz, timestamptz) IS 'A problem for each of as_of and known_at that lies before what the log still tells; none: []';

CREATE FUNCTION pl.refuse_not_kept(p_org int, p_as_of timestamptz, p_known_at timestamptz) RETURNS void
LANGUAGE plpgsql STABLE AS $$
DECLARE
  v_kept_from timestamptz := pl.kept_from(p_org);
  v_message text;
BEGIN
  IF least(p_as_of, p_known_at) < v_kept_from THEN
    v_message := format('This asks what was known at %s, and the log is kept since %s (retention_days): choose a later period, or leave out as_of and known_at.',
                        pl.iso(least(p_as_of, p_known_at)), pl.iso(v_kept_from));
    PERFORM pl.fail('invalid_parameter', v_message, pl.problem('period', 'not_kept', v_message));
  END IF;
END $$;
COMMENT ON FUNCTION pl.refuse_not_kept(int, timestamptz, timestamptz) IS
  'Fails where an answer rests on states of a time of which the log does not tell any more: stocks within a period, asked as_of or known_at a later time';

CREATE FUNCTION pl.log_shorten(p_org int, p_before timestamptz, p_kinds object_kind[], p_ids text[]) RETURNS bigint
LANGUAGE plpgsql
-- One probe of the log an object, as in pl.states_folded.
SET plan_cache_mode = force_generic_plan SET enable_seqscan = off SET enable_hashjoin = off SET enable_mergejoin = off SET jit = off AS $$
DECLARE
  v_removed bigint;
BEGIN
  -- Of each object the first events in their order, as long as they both occurred and arrived before then: later events fold after them,
  -- and whoever asks for a moment since then is told all of them. When the value case of a deal was worked out is asked of the log itself
  -- (pl.value_cases): what tells it stays, and becomes no base.
  WITH settled AS MATERIALIZED (
    SELECT s.event, (s.event).kind AS kind, (s.event).object_id AS object_id, (s.event).source AS source, (s.event).event_id AS event_id, s.n,
           (s.event).operation = 'patch' AND (s.event).kind = 'opportunity' AND ((s.event).patch ? 'value_case' OR (s.event).is_full AND s.has_case) AS tells
      FROM unnest(p_kinds, p_ids) AS i(kind, id)
     CROSS JOIN LATERAL (SELECT e AS event, row_number() OVER w AS n, bool_and(e.received_at < p_before) OVER w AS is_settled,
                                bool_or(e.operation = 'patch' AND e.patch ? 'value_case') OVER () AS has_case
                           FROM event AS e
                          WHERE e.org_id = p_org AND e.kind = i.kind AND e.object_id = i.id AND e.occurred_at < p_before
                         WINDOW w AS (ORDER BY e.occurred_at, e.source_seq, e.event_id, e.source)
                         OFFSET 0) AS s
     WHERE s.is_settled
  ), spent AS MATERIALIZED (
    SELECT s.*, s.n < s.last_n AND NOT s.tells AS goes, count(*) FILTER (WHERE s.n < s.last_n AND NOT s.tells) OVER (PARTITION BY s.kind, s.object_id) AS going
      FROM (SELECT t.*, max(t.n) FILTER (WHERE NOT t.tells) OVER (PARTITION BY t.kind, t.object_id) AS last_n FROM settled AS t) AS s
     WHERE s.n <= s.last_n
  ), base AS MATERIALIZED (
    SELECT pl.fold(s.event ORDER BY s.n) AS state, min(s.source) FILTER (WHERE s.n = s.last_n) AS source,
           array_agg(s.event) FILTER (WHERE s.kind = 'rep') AS events
      FROM spent AS s
     WHERE s.going > 0
     GROUP BY s.kind, s.object_id
  ), removed AS (
    DELETE FROM event AS e USING spent AS s
     WHERE s.goes AND e.org_id = p_org AND e.source = s.source AND e.event_id = s.event_id
    RETURNING e.source, e.event_id
  ), forgotten AS (
    DELETE FROM erased_event AS x USING removed AS r WHERE x.org_id = p_org AND x.source = r.source AND x.event_id = r.event_id
  ), based AS (
    UPDATE event AS e
       SET operation = 'base', is_full = true, patch = pl.base_patch(b.state, b.events), received_at = (b.state).last_received
      FROM base AS b
     WHERE e.org_id = p_org AND e.source = b.source AND e.event_id = (b.state).last_event
  )
  SELECT count(*) INTO v_removed FROM removed;
  RETURN v_removed;
END $$;
COMMENT ON FUNCTION pl.log_shorten(int, timestamptz, object_kind[], text[]) IS
  'Replaces the events of these objects (parallel arrays) that occurred and arrived before an instant by one each, the last of them, as their base; '
  'returns how many events are gone. The organisation is locked. States stay, as does what pl.fold makes of any of them as of that instant or later';

CREATE FUNCTION pl.tables_shorten(p_org int, p_before timestamptz) RETURNS void
LANGUAGE plpgsql AS $$
BEGIN
  -- The newest row of each stays: the next one is counted up from it.
  DELETE FROM quarantine AS q
   WHERE q.org_id = p_org AND q.status <> 'open' AND q.closed_at < p_before
     AND q.quarantine_id < (SELECT max(x.quarantine_id) FROM quarantine AS x WHERE x.org_id = p_org);
  DELETE FROM resync AS r
   WHERE r.org_id = p_org AND r.done_at < p_before AND r.resync_id < (SELECT max(x.resync_id) FROM resync AS x WHERE x.org_id = p_org);
  DELETE FROM alert_delivery AS d
   WHERE d.org_id = p_org AND d.state = 'delivered' AND d.delivered_at < p_before
     AND d.delivery_id < (SELECT max(x.delivery_id) FROM alert_delivery AS x WHERE x.org_id = p_org);
END $$;
COMMENT ON FUNCTION pl.tables_shorten(int, timestamptz) IS
  'Takes away what was done with before an instant: closed rows of quarantine and of the resync list, alerts that reached their receiver. The organisation is locked';

CREATE FUNCTION pl.retention_target(p_org int) RETURNS timestamptz
LANGUAGE sql STABLE AS $$
  SELECT date_trunc('day', clock_timestamp() - make_interval(days => o.retention_days), 'UTC') FROM org AS o WHERE o.org_id = p_org
$$;
COMMENT ON FUNCTION pl.retention_target(int) IS 'Since when the log has to be kept, a midnight in UTC; null: for ever';

CREATE FUNCTION pl.orgs_with_retention() RETURNS SETOF int
LANGUAGE plpgsql STABLE AS $$
BEGIN
  RETURN QUERY
    SELECT o.org_id FROM org AS o LEFT JOIN log_retention AS r ON r.org_id = o.org_id
     WHERE r.position IS NOT NULL OR pl.retention_target(o.org_id) > coalesce(r.kept_from, '-infinity');
END $$;
COMMENT ON FUNCTION pl.orgs_with_retention IS 'Organisations whose log is longer than they keep it, or was not shortened to its end';

CREATE FUNCTION pl.retention_begin(p_org int) RETURNS log_retention
LANGUAGE plpgsql AS $$
DECLARE
  v_target timestamptz := pl.retention_target(p_org);
  v_pass log_retention;
BEGIN
  SELECT * INTO v_pass FROM log_retention AS r WHERE r.org_id = p_org;
  IF v_pass.position IS NULL AND v_target > coalesce(v_pass.kept_from, '-infinity') THEN
    -- Before the first event goes: nobody is told half a past.
    INSERT INTO log_retention AS r (org_id, kept_from, position) VALUES (p_org, v_target, '')
    ON CONFLICT (org_id) DO UPDATE SET kept_from = excluded.kept_from, position = '', removed = 0
    RETURNING * INTO v_pass;
    UPDATE org_version SET config_version = config_version + 1 WHERE org_id = p_org;
  END IF;
  RETURN v_pass;
END $$;
COMMENT ON FUNCTION pl.retention_begin(int) IS 'The pass that is under way, or a new one when the log is longer than it is kept; position null: neither. The organisation is locked';

CREATE FUNCTION pl.retention_step(p_org int, p_objects int DEFAULT 500) RETURNS TABLE (state text, said text)
LANGUAGE plpgsql AS $$
DECLARE
  v_pass log_retention;
  v_kind object_kind;
  v_kinds object_kind[];
  v_ids text[];
  v_last int;
BEGIN
  PERFORM pl.lock_org(p_org);
  v_pass := pl.retention_begin(p_org);
  IF v_pass.position IS NULL THEN
    RETURN QUERY SELECT 'none', NULL;
    RETURN;
  END IF;
  v_kind := coalesce(nullif(split_part(v_pass.position, '/', 1), ''), 'rep');
  SELECT coalesce(array_agg(x.kind ORDER BY x.kind, x.object_id), '{}'), coalesce(array_agg(x.object_id ORDER BY x.kind, x.object_id), '{}')
    INTO v_kinds, v_ids
    FROM (SELECT o.kind, o.object_id FROM object AS o
           WHERE o.org_id = p_org AND (o.kind, o.object_id) > (v_kind, substr(v_pass.position, strpos(v_pass.position, '/') + 1))
           ORDER BY o.kind, o.object_id LIMIT p_objects) AS x;
  v_last := cardinality(v_ids);
  IF v_last > 0 THEN
    v_pass.removed := v_pass.removed + pl.log_shorten(p_org, v_pass.kept_from, v_kinds, v_ids);
    v_pass.position := v_kinds[v_last] || '/' || v_ids[v_last];
  ELSE
    PERFORM pl.tables_shorten(p_org, v_pass.kept_from);
    v_pass.position := NULL;
    said := format('the log is kept from %s on: %s events before it are gone', pl.iso(v_pass.kept_from), v_pass.removed);
  END IF;
  UPDATE log_retention AS r SET position = v_pass.position, removed = v_pass.removed WHERE r.org_id = p_org;
  state := 'more';
  RETURN NEXT;
END $$;
COMMENT ON FUNCTION pl.retention_step(int, int) IS
  'The next p_objects objects of a pass over the log, a short transaction: more (there may be another step), or none (nothing to do). said: a sentence for the log where a pass ends, else null';
