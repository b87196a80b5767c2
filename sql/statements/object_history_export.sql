-- GET /v1/{kind}/{id}/history as CSV or NDJSON: $1 org_id, $2 kind, $3 request (its path holds the id). Columns: a piece of the
-- document, and in the first row the cursor of what limit= left out. No row: no such object.
SELECT piece, next
  FROM pl.list_lines('object_history', $1::int, $3::jsonb, '{event_id,source,occurred_at,received_at,operation,full,patch}', $2::object_kind);
