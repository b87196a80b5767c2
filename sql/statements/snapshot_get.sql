-- GET /v1/snapshots/{id}: $1 org_id, $2 request. Column: the snapshot. Raises not_found, forbidden.
SELECT pl.snapshot_get($1::int, $2::jsonb);
