-- POST /v1/strategies/{id}/preview: $1 org_id, $2 request. Column: moves of tier and segment, and the lint. Writes nothing.
SELECT pl.strategy_preview($1::int, $2::jsonb);
