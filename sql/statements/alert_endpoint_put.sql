-- Keeps an endpoint: $1 org_id, $2 request, $3 its number, $4 the configuration, $5 't': what it does not name is not kept, $6 of its address what may be shown,
-- $7 its address and $8 its first secret as they are to be stored; null: they stay.
SELECT pl.endpoint_put($1::int, $2::jsonb, $3::bigint, $4::jsonb, $5::boolean, $6::text, $7::text, $8::text);
