-- After a replay. $1 org_id, $2 request, then parallel text arrays, an element a row: $3 its number, $4 why it stays open (null: it
-- is replayed), $5 pointer, $6 message.
SELECT pl.quarantine_settle($1::int, $2::jsonb, $3::text[], $4::text[], $5::text[], $6::text[]);
