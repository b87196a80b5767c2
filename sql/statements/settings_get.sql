-- GET /v1/settings: $1 org_id, $2 request. Column: the organisation's settings.
SELECT pl.settings_get($1::int, $2::jsonb);
