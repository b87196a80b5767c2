-- GET /v1/strategies/{id}: $1 org_id, $2 request. Column: the document with its status.
SELECT pl.strategy_get($1::int, $2::jsonb);
