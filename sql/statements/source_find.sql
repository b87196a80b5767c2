-- The source a delivery is for: $1 slug of its organisation, $2 its name, $3 the version that is known already (null: none).
-- override and secrets are null when nothing has changed since.
SELECT org_id, version, enabled, preset, url, override, secrets FROM pl.source_find($1::text, $2::text, $3::bigint);
