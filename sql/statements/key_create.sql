-- Makes an API key. $1 org_id, $2 key_id, $3 SHA-256 of its secret (hexadecimal), $4 label, $5 scopes, $6 read scope, $7 source,
-- $8 rep, $9 team, $10 end of validity (date or time), $11 who does it. Null: none.
SELECT pl.key_create($1::int, $2::text, $3::text, $4::text, $5::text[], $6::text, $7::text, $8::text, $9::text, $10::text, $11::text);
