-- PUT /v1/strategies/{id}: $1 org_id, $2 request with a checked document. Column: the draft. Raises strategy_published.
SELECT pl.strategy_replace($1::int, $2::jsonb);
