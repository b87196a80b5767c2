-- Replaces an API key. $1 org_id, $2 key_id of the old one, $3 key_id of the new one, $4 SHA-256 of its secret (hexadecimal),
-- $5 hours the old one goes on working, $6 who does it.
SELECT pl.key_rotate($1::int, $2::text, $3::text, $4::text, $5::int, $6::text);
