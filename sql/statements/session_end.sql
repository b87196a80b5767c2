-- DELETE /v1/session: $1 org_id, $2 session_id.
DELETE FROM public.session s WHERE s.org_id = $1::int AND s.session_id = $2::text;
