-- The source a delivery is for: $1 org_id, or null and $2 slug of its organisation, $3 its name, $4 the version that is known already (0:
-- none). override and secrets are null when nothing has changed since.
SELECT org_id, version, enabled, preset, url, override, secrets, slug FROM pl.source_find($1::int, $2::text, $3::text, $4::bigint);
