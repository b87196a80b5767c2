-- Keeps a configuration. $1 org_id, $2 request, $3 the configuration, $4 't': there must not be one of that name.
SELECT pl.source_put($1::int, $2::jsonb, $3::jsonb, $4::boolean);
