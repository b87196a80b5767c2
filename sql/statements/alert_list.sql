-- GET /v1/alerts: $1 org_id, $2 request (query: status, metric, by, key, cursor, limit). Columns: the body, and the cursor for the Link header.
SELECT body, next FROM pl.alert_list($1::int, $2::jsonb);
