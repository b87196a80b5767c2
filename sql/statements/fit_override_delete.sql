-- DELETE /v1/accounts/{id}/fit-override: $1 org_id, $2 request. Column: the override as it ended; null: there is none in force.
SELECT pl.override_delete($1::int, $2::jsonb);
