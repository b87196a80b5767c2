-- What a request that became a job is answered once that is over: $1 org_id, $2 the request, $3 the job's id. Columns: the answer, null unless
-- the job is done; the job, null until it is finished.
SELECT answer, finished FROM pl.job_outcome($1::int, $2::jsonb, $3::text);
