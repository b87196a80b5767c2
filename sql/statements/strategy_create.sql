-- POST /v1/strategies: $1 org_id, $2 request with a checked document. Columns: the draft, and its id.
SELECT body, id FROM pl.strategy_create($1::int, $2::jsonb);
