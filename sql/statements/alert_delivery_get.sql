-- GET /v1/alert-deliveries/{id}: $1 org_id, $2 request.
SELECT pl.delivery_get($1::int, $2::jsonb);
