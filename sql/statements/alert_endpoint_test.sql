-- POST /v1/alert-endpoints/{id}/test: $1 org_id, $2 request. Columns: the delivery, and its id.
SELECT body, id FROM pl.endpoint_test($1::int, $2::jsonb);
