-- A new secret of a source. $1 org_id, $2 request without its body, $3 source, $4 the secret as it is stored, $5 hours for which the
-- one before it goes on to hold.
SELECT pl.source_secret_put($1::int, $2::jsonb, $3::text, $4::text, $5::int);
