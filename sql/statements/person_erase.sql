-- POST /v1/erasures: $1 org_id, $2 request with a checked body. Column: what was erased. Raises not_found.
SELECT pl.person_erase($1::int, $2::jsonb);
