-- DELETE /v1/alert-endpoints/{id}: $1 org_id, $2 request.
SELECT pl.endpoint_delete($1::int, $2::jsonb);
