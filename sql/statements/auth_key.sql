-- An API key by its id. $1 org_id, $2 key_id. No row: there is none. Columns: SHA-256 of the secret (hexadecimal), scopes
-- (separated by blanks), read scope, source, rep, team, whether revoked, end of validity (seconds since 1970, null: none).
SELECT encode(digest, 'hex'), array_to_string(scopes, ' '), read_scope, source, rep_id, team_id,
       revoked_at IS NOT NULL AND revoked_at <= clock_timestamp(), ceil(extract(epoch FROM expires_at))::bigint
  FROM public.api_key
 WHERE org_id = $1::int AND key_id = $2::text;
