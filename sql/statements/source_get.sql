-- A source as the API shows it. $1 org_id, $2 its name.
SELECT pl.source_get($1::int, $2::text);
