-- POST /v1/session: $1 org_id, $2 key_id, $3 session_id, $4 SHA-256 of its secret (hexadecimal), $5 hours it lasts. Columns: what
-- GET /v1/session says, and the seconds it lasts.
SELECT body, seconds FROM pl.session_begin($1::int, $2::text, $3::text, $4::text, $5::int);
