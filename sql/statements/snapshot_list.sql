-- GET /v1/snapshots: $1 org_id, $2 request (query: of, cursor, limit). Columns: the body, and the cursor for the Link header.
SELECT body, next FROM pl.snapshot_list($1::int, $2::jsonb);
