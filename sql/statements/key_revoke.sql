-- Revokes an API key. $1 org_id, $2 key_id, $3 who does it.
SELECT pl.key_revoke($1::int, $2::text, 0, $3::text);
