-- GET /v1/snapshots/{id}/drift: $1 org_id, $2 request. Column: what has changed since. Raises not_found, forbidden.
SELECT pl.snapshot_drift($1::int, $2::jsonb);
