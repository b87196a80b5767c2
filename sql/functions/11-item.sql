-- Events as the parameters of pl.ingest bring them, and what becomes of them.

CREATE TYPE pl.ingest_item AS (
  idx          int,
  round        int,
  kind         object_kind,
  object_id    text COLLATE "C",
  operation    event_operation,
  is_full      boolean,
  is_strict    boolean,
  is_partial   boolean,
  dated        boolean,
  occurred_at  timestamptz,
  source_seq   bigint,
  event_id     text COLLATE "C",
  patch        jsonb
);
COMMENT ON TYPE pl.ingest_item IS
  'An event as read from the parameters. idx: its place in the batch; round: 1, or more when its event id stands before it in the batch; dated: the source said occurred_at; is_strict, is_partial: what p_strict of pl.ingest says; source_seq: the source''s own count, which orders events of one instant (0: it has none)';

CREATE TYPE pl.refusal AS (code text, pointer text, message text);

CREATE TYPE pl.ingest_result AS (
  idx          int,
  outcome      text,
  event_id     text,
  occurred_at  timestamptz,
  refusal      pl.refusal,
  held         boolean
);
COMMENT ON TYPE pl.ingest_result IS
  'What became of an event. outcome: accepted, duplicate, stale, unchanged or rejected (then refusal says why); event_id and occurred_at as stored; held: it goes to quarantine';

CREATE TYPE pl.ingest_outcome AS (
  results      pl.ingest_result[],
  newest       bigint,
  kinds        object_kind[],
  ids          text[],
  since        timestamptz[],
  moved        text[]
);
COMMENT ON TYPE pl.ingest_outcome IS
  'What became of a batch. results: one an event; newest: the highest sequence given, null when nothing was stored; kinds and ids: the objects whose '
  'state or past changed, each once, and since: the earliest time of what was told of each; moved: the opportunities among them whose account may have changed, at some time';

CREATE FUNCTION pl.content_id(
  p_kind object_kind, p_id text, p_operation event_operation, p_full boolean, p_occurred timestamptz, p_seq bigint, p_patch jsonb)
RETURNS text
LANGUAGE sql STABLE PARALLEL SAFE AS $$
  -- The text of a JSON array, put together as text: as jsonb the patch would be copied twice more.
  SELECT '#' || left(encode(sha256(convert_to(concat(
    '["', p_kind, '", ', to_json(p_id), ', "', p_operation, '", ', p_full::text, ', ', extract(epoch FROM p_occurred), ', ', p_patch,
    CASE WHEN p_seq <> 0 THEN ', ' || p_seq END, ']'), 'UTF8')), 'hex'), 40)
$$;
COMMENT ON FUNCTION pl.content_id IS
  'Event id of a dated event without one: its content, so that sending it again is a duplicate and ties in time fold alike everywhere';

CREATE FUNCTION pl.ingest_read(
  p_kinds text[], p_ids text[], p_operations text[], p_full text[], p_strict text[],
  p_occurred text[], p_event_ids text[], p_patches text[], p_received timestamptz, p_seqs text[],
  OUT items pl.ingest_item[], OUT rounds int)
LANGUAGE plpgsql STABLE AS $$
BEGIN
  WITH given AS (
    SELECT (n - 1)::int AS idx, kind::object_kind, id, operation::event_operation,
           operation = 'patch' AND whole = 't' AS is_full, strict = 't' AS is_strict, strict = 'p' AS is_partial, occurred IS NOT NULL AS dated,
           -- Undated events of a batch keep their order: each is a microsecond after the one before it.
           coalesce(occurred::timestamptz, p_received + (n - 1) * interval '1 microsecond') AS occurred_at,
           coalesce(seq::bigint, 0) AS source_seq, event_id, coalesce(patch, '{}')::jsonb AS raw
      FROM unnest(p_kinds, p_ids, p_operations, p_full, p_strict, p_occurred, p_event_ids, p_patches, p_seqs)
           WITH ORDINALITY AS t(kind, id, operation, whole, strict, occurred, event_id, patch, seq, n)
    OFFSET 0
  ), stripped AS (
    SELECT idx, kind, id, operation, is_full, is_strict, is_partial, dated, occurred_at, source_seq, event_id,
           CASE operation
             WHEN 'patch' THEN
               CASE WHEN raw ?| '{id,occurred_at,event_id,operation,merged_into}' THEN raw - '{id,occurred_at,event_id,operation,merged_into}'::text[] ELSE raw END
             WHEN 'merge' THEN jsonb_build_object('merged_into', raw ->> 'merged_into')
             ELSE '{}'
           END AS patch
      FROM given
    OFFSET 0
  ), named AS (
    SELECT idx, kind, id, operation, is_full, is_strict, is_partial, dated, occurred_at, source_seq, patch,
           CASE WHEN event_id IS NULL AND dated THEN pl.content_id(kind, id, operation, is_full, occurred_at, source_seq, patch)
                ELSE event_id END AS event_id
      FROM stripped
    OFFSET 0
  )
  SELECT array_agg(ROW(idx, round, kind, id, operation, is_full, is_strict, is_partial, dated, occurred_at, source_seq, event_id, patch)::pl.ingest_item),
         max(round)
    INTO items, rounds
    FROM (SELECT n.*, CASE WHEN n.event_id IS NULL THEN 1 ELSE row_number() OVER (PARTITION BY n.event_id ORDER BY n.idx) END AS round
            FROM named AS n) AS numbered;
END $$;
COMMENT ON FUNCTION pl.ingest_read IS
  'The parallel text arrays of pl.ingest as items, their event ids made where the source gave a time but no id; rounds: how often the most frequent event id occurs';
