-- GET /v1/alert-endpoints: $1 org_id, $2 request (query: cursor, limit). Columns: the body, and the cursor for the Link header.
SELECT body, next FROM pl.endpoint_list($1::int, $2::jsonb);
