-- GET /v1/strategies: $1 org_id, $2 request (query: effective_at, status, cursor, limit). Columns: the body, and the cursor for the Link header.
SELECT body, next FROM pl.strategy_list($1::int, $2::jsonb);
