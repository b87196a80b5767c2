-- POST /v1/strategies/{id}/publish: $1 org_id, $2 request. Column: the published version with its warnings.
-- Raises strategy_published, overlapping_scope.
SELECT pl.strategy_publish($1::int, $2::jsonb);
