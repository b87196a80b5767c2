-- DELETE /v1/sources/{source}. $1 org_id, $2 request.
SELECT pl.source_delete($1::int, $2::jsonb);
