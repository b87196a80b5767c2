-- Notes objects that a source says must be read again. $1 org_id, $2 source, then parallel text arrays: $3 kind, $4 object id (empty: all
-- of the kind), $5 why.
SELECT pl.resync_put($1::int, $2::text, $3::text[], $4::text[], $5::text[]);
