-- GET /v1/quarantine/{id}. $1 org_id, $2 request.
SELECT pl.quarantine_get($1::int, $2::jsonb);
