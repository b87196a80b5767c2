-- PATCH /v1/settings: $1 org_id, $2 request with a checked patch. Column: the settings after it.
SELECT pl.settings_patch($1::int, $2::jsonb);
