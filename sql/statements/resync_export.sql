-- GET /v1/resync as CSV or NDJSON: $1 org_id, $2 request. Columns: a piece of the document, and in the first row the cursor of what limit= left out.
SELECT piece, next FROM pl.list_lines('resync_list', $1::int, $2::jsonb, '{id,source,kind,object_id,reason,times,received_at,last_received_at,done_at}');
