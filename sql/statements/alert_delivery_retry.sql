-- POST /v1/alert-deliveries/{id}/retry: $1 org_id, $2 request.
SELECT pl.delivery_retry($1::int, $2::jsonb);
