-- POST /v1/quarantine/{id}/discard. $1 org_id, $2 request.
SELECT pl.quarantine_discard($1::int, $2::jsonb);
