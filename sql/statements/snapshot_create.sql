-- POST /v1/snapshots: $1 org_id, $2 request with a checked body. Columns: the snapshot, and its id.
SELECT body, id FROM pl.snapshot_create($1::int, $2::jsonb);
