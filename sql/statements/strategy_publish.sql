-- POST /v1/strategies/{id}/publish: $1 org_id, $2 request (query: async). Columns: the published version with its warnings, or the job that
-- publishes it; and the job's id, null when it is done already. Raises strategy_published, overlapping_scope, job_running.
SELECT answer, substring(answer::jsonb ->> 'id' FROM '^j[0-9]+$') FROM pl.strategy_publish($1::int, $2::jsonb) AS answer;
