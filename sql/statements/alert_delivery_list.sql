-- GET /v1/alert-deliveries: $1 org_id, $2 request (query: state, endpoint, alert, cursor, limit). Columns: the body, and the cursor for the Link header.
SELECT body, next FROM pl.delivery_list($1::int, $2::jsonb);
