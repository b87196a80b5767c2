-- GET /v1/jobs/{id}: $1 org_id, $2 request. Column: the job; null: there is none.
SELECT pl.job_get($1::int, $2::jsonb);
