-- GET /v1/jobs: $1 org_id, $2 request (query: status, kind, object, cursor, limit). Columns: the body, and the cursor for the Link header.
SELECT body, next FROM pl.job_list($1::int, $2::jsonb);
