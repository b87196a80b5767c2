-- Notes that a key was used, coarsely: at most once a minute. $1 org_id, $2 key_id.
UPDATE public.api_key
   SET last_used_at = clock_timestamp()
 WHERE org_id = $1::int AND key_id = $2::text
   AND (last_used_at IS NULL OR last_used_at < clock_timestamp() - interval '1 minute');
