-- PUT /v1/accounts/{id}/fit-override: $1 org_id, $2 request with a checked body. Column: the override; null: no such account.
SELECT pl.override_put($1::int, $2::jsonb);
