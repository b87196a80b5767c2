-- GET /v1/strategies/{id}/diff: $1 org_id, $2 request (query: against). Column: what differs.
SELECT pl.strategy_diff($1::int, $2::jsonb);
