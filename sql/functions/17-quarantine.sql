-- Quarantine: what was refused and yet may have been meant is kept until a person has looked at it.

CREATE TYPE pl.aside AS (
  reason       text,
  pointer      text,
  message      text,
  kind         object_kind,
  object_id    text,
  event_id     text,
  occurred_at  timestamptz,
  form         text,
  payload      text,
  encoding     text,
  headers      jsonb
);
COMMENT ON TYPE pl.aside IS 'Something for quarantine: why, of what object and event as far as that can be said, and what came (see the table)';

CREATE FUNCTION pl.set_aside(p_org int, p_source text, p_received timestamptz, p_asides pl.aside[]) RETURNS TABLE (idx int, quarantine_id bigint)
LANGUAGE plpgsql AS $$
#variable_conflict use_column
DECLARE
  v_last bigint := coalesce((SELECT max(q.quarantine_id) FROM quarantine AS q WHERE q.org_id = p_org), 0);
BEGIN
  -- Answers say how much waits in quarantine (METRICS R16), so they change with it.
  UPDATE org_version AS v SET config_version = v.config_version + 1 WHERE v.org_id = p_org;
  RETURN QUERY
    WITH given AS MATERIALIZED (
      SELECT (a.n - 1)::int AS idx, a.reason, a.pointer, a.message, a.kind, a.object_id, a.event_id, a.occurred_at, a.form, a.payload,
             coalesce(a.encoding, 'text') AS encoding, a.headers,
             sha256(convert_to(jsonb_build_array(a.form, a.payload, a.headers)::text, 'UTF8')) AS digest
        FROM unnest(p_asides) WITH ORDINALITY
             AS a(reason, pointer, message, kind, object_id, event_id, occurred_at, form, payload, encoding, headers, n)
    ), once AS (
      SELECT DISTINCT ON (g.digest) g.*, (count(*) OVER (PARTITION BY g.digest))::int AS times FROM given AS g ORDER BY g.digest, g.idx DESC
    ), kept AS (
      INSERT INTO quarantine AS q (org_id, quarantine_id, source, received_at, last_received_at, reason, pointer, message, kind, object_id,
                                   event_id, occurred_at, form, payload, encoding, headers, digest, times)
      SELECT p_org, v_last + row_number() OVER (ORDER BY o.idx), p_source, p_received, p_received, o.reason, o.pointer, o.message, o.kind,
             o.object_id, o.event_id, o.occurred_at, o.form, o.payload, o.encoding, o.headers, o.digest, o.times
        FROM once AS o ORDER BY o.idx
      ON CONFLICT (org_id, source, digest) WHERE status = 'open' DO UPDATE SET
        times = q.times + excluded.times, last_received_at = excluded.last_received_at,
        reason = excluded.reason, pointer = excluded.pointer, message = excluded.message
      RETURNING q.digest, q.quarantine_id
    )
    SELECT g.idx, k.quarantine_id FROM given AS g JOIN kept AS k ON k.digest = g.digest ORDER BY g.idx;
END $$;
COMMENT ON FUNCTION pl.set_aside(int, text, timestamptz, pl.aside[]) IS
  'Puts items of a source into quarantine and returns the row of each; what lies there open already counts once more. The caller holds the organisation''s lock';

CREATE FUNCTION pl.quarantine(p_org int, p_source text, p_received timestamptz, p_items pl.ingest_item[], p_done pl.ingest_outcome) RETURNS void
LANGUAGE plpgsql AS $$
BEGIN
  PERFORM pl.set_aside(p_org, p_source, p_received, ARRAY(
    SELECT ROW(d.code, d.pointer, d.message, i.kind, i.object_id, i.event_id, i.occurred_at, 'event',
               jsonb_build_object('kind', i.kind, 'id', i.object_id, 'operation', i.operation, 'full', i.is_full,
                                  'occurred_at', CASE WHEN i.dated THEN pl.iso(i.occurred_at) END, 'event_id', i.event_id,
                                  'source_seq', i.source_seq, 'patch', i.patch)::text, 'text', NULL)::pl.aside
      FROM (SELECT r.idx, (r.refusal).code, (r.refusal).pointer, (r.refusal).message FROM unnest(p_done.results) AS r WHERE r.held) AS d
      JOIN unnest(p_items) AS i ON i.idx = d.idx
     ORDER BY i.idx));
END $$;
COMMENT ON FUNCTION pl.quarantine(int, text, timestamptz, pl.ingest_item[], pl.ingest_outcome) IS
  'Keeps the refused events that a person should look at, each as a payload complete enough to be sent again';

CREATE FUNCTION pl.is_quarantined(p_code text, p_partial boolean) RETURNS boolean
LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
  SELECT coalesce(p_code IN ('occurred_in_future', 'event_id_reused') AND NOT p_partial, false)
$$;
COMMENT ON FUNCTION pl.is_quarantined(text, boolean) IS
  'Whether an event refused for this reason is kept by ingest: it may have been meant, and only a person can tell. Of deliveries (partial) the caller keeps what is refused';

CREATE FUNCTION pl.instant_or_null(p_text text) RETURNS timestamptz
LANGUAGE plpgsql STABLE AS $$
BEGIN
  RETURN p_text::timestamptz;
EXCEPTION WHEN data_exception THEN
  RETURN NULL;
END $$;
COMMENT ON FUNCTION pl.instant_or_null(text) IS 'A time, or null when the text is none that can be kept';

CREATE FUNCTION pl.quarantine_put(
  p_org int, p_source text, p_reasons text[], p_pointers text[], p_messages text[], p_kinds text[], p_ids text[], p_events text[],
  p_occurred text[], p_payloads text[], p_encodings text[], p_headers text[]) RETURNS TABLE (idx int, quarantine_id bigint)
LANGUAGE plpgsql AS $$
BEGIN
  PERFORM pl.lock_org(p_org);
  RETURN QUERY
    SELECT s.idx, s.quarantine_id
      FROM pl.set_aside(p_org, p_source, clock_timestamp(), ARRAY(
             SELECT ROW(t.reason, t.pointer, t.message, t.kind, t.id, t.event, pl.instant_or_null(t.occurred), 'delivery', t.payload,
                        t.encoding, t.headers)::pl.aside
               FROM unnest(p_reasons, p_pointers, p_messages, p_kinds, p_ids, p_events, p_occurred, p_payloads, p_encodings, p_headers)
                    WITH ORDINALITY AS t(reason, pointer, message, kind, id, event, occurred, payload, encoding, headers, n)
              ORDER BY t.n)) AS s
     ORDER BY s.idx;
END $$;
COMMENT ON FUNCTION pl.quarantine_put(int, text, text[], text[], text[], text[], text[], text[], text[], text[], text[], text[]) IS
  'Items of deliveries into quarantine, as parallel arrays; the row of each';

CREATE FUNCTION pl.resync_put(p_org int, p_source text, p_kinds text[], p_ids text[], p_reasons text[]) RETURNS void
LANGUAGE plpgsql AS $$
DECLARE
  v_now timestamptz := clock_timestamp();
BEGIN
  PERFORM pl.lock_org(p_org);
  INSERT INTO resync AS r (org_id, resync_id, source, kind, object_id, reason, times, received_at, last_received_at)
  SELECT p_org, coalesce((SELECT max(x.resync_id) FROM resync AS x WHERE x.org_id = p_org), 0) + row_number() OVER (ORDER BY n.n),
         p_source, n.kind, n.id, n.reason, n.times, v_now, v_now
    FROM (SELECT t.kind::object_kind AS kind, t.id, min(t.reason) AS reason, min(t.n) AS n, count(*)::int AS times
            FROM unnest(p_kinds, p_ids, p_reasons) WITH ORDINALITY AS t(kind, id, reason, n)
           GROUP BY t.kind, t.id) AS n
  ON CONFLICT (org_id, source, kind, object_id) WHERE done_at IS NULL DO UPDATE SET
    times = r.times + excluded.times, last_received_at = excluded.last_received_at, reason = excluded.reason;
END $$;
COMMENT ON FUNCTION pl.resync_put(int, text, text[], text[], text[]) IS
  'Notes objects that a source changed without saying how; what is noted already and not done counts once more';
