-- Writes a batch of events of one organisation: the log, the state of what they touch, the projections that follow.
-- $1 org_id, $2 source, then nine parallel text arrays, an element an event: $3 kind, $4 object id, $5 operation,
-- $6 full ('t' or 'f'), $7 strict ('t', 'f' or 'p'), $8 occurred_at (null: now), $9 event_id (null: made), $10 the JSON object as it came,
-- $11 the source's sequence (null: none).
-- A row an event, in their order: see pl.ingest.
SELECT idx, outcome, event_id, occurred_at, code, pointer, message, quarantined, data_version
  FROM pl.ingest($1::int, $2::text, $3::text[], $4::text[], $5::text[], $6::text[], $7::text[], $8::text[], $9::text[], $10::text[], NULL, $11::text[]);
