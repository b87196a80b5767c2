-- The API keys of $1 org_id, oldest first, as text for a table. Columns: id, label, scopes, what it may read, what it is bound to,
-- made, ends, last used, state.
SELECT k.key_id, k.label, array_to_string(k.scopes, ','), coalesce(k.read_scope, '-'),
       coalesce(nullif(concat_ws(' ', 'source ' || k.source, 'rep ' || k.rep_id, 'team ' || k.team_id), ''), '-'),
       to_char(k.created_at AT TIME ZONE 'UTC', 'YYYY-MM-DD HH24:MI'),
       coalesce(to_char(k.expires_at AT TIME ZONE 'UTC', 'YYYY-MM-DD HH24:MI'), 'never'),
       coalesce(to_char(k.last_used_at AT TIME ZONE 'UTC', 'YYYY-MM-DD HH24:MI'), 'never'),
       CASE WHEN k.revoked_at IS NOT NULL THEN 'revoked'
            WHEN k.expires_at <= clock_timestamp() THEN 'expired'
            ELSE 'active' END
  FROM public.api_key k
 WHERE k.org_id = $1::int
 ORDER BY k.created_at, k.key_id;
