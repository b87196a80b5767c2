-- DELETE /v1/strategies/{id}: $1 org_id, $2 request. Column: what was deleted. Raises strategy_published.
SELECT pl.strategy_delete($1::int, $2::jsonb);
