-- A session by its id, with its key's rights. $1 org_id, $2 session_id. No row: there is none, or its key is gone. Columns as those of
-- auth_key: SHA-256 of the secret (hexadecimal), scopes (separated by blanks), read scope, source, rep, team, whether the key is revoked,
-- end of validity of session or key, whichever comes first (seconds since 1970); and the key's id.
SELECT encode(s.digest, 'hex'), array_to_string(k.scopes, ' '), k.read_scope, k.source, k.rep_id, k.team_id,
       k.revoked_at IS NOT NULL AND k.revoked_at <= clock_timestamp(),
       ceil(extract(epoch FROM least(s.expires_at, k.expires_at)))::bigint, k.key_id
  FROM public.session s
  JOIN public.api_key k ON k.org_id = s.org_id AND k.key_id = s.key_id
 WHERE s.org_id = $1::int AND s.session_id = $2::text;
