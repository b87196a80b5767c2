-- POST /v1/alert-endpoints/{id}/secrets: $1 org_id, $2 request, $3 the secret as it is to be stored, $4 hours that the one before it signs too.
SELECT pl.endpoint_secret_put($1::int, $2::jsonb, $3::text, $4::int);
