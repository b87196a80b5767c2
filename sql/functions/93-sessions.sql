-- Sessions of browsers. What a session may is what its key may, looked up with every use.

CREATE FUNCTION pl.session_json(p_org int, p_key text, p_session text) RETURNS text
LANGUAGE plpgsql STABLE AS $$
BEGIN
  RETURN (SELECT json_build_object(
                   'org', o.slug, 'org_name', o.name, 'key', k.key_id, 'name', k.label, 'scopes', k.scopes,
                   'read', CASE WHEN 'read' = ANY (k.scopes) THEN k.read_scope END, 'rep', k.rep_id, 'team', k.team_id,
                   'expires_at', pl.iso(least(s.expires_at, k.expires_at)),
                   'rep_metrics', o.rep_metrics, 'time_zone', o.time_zone, 'currency', coalesce(o.reporting_currency, v.first_currency),
                   'fiscal_year_start', o.fiscal_year_start, 'min_n', o.min_n)::text || E'\n'
            FROM public.api_key k
            JOIN public.org o ON o.org_id = k.org_id
            JOIN public.org_version v ON v.org_id = k.org_id
            LEFT JOIN public.session s ON s.org_id = k.org_id AND s.session_id = p_session
           WHERE k.org_id = p_org AND k.key_id = p_key);
END $$;
COMMENT ON FUNCTION pl.session_json IS 'Who is asking, what they may see and how the organisation counts: what a page has to know to show itself';

CREATE FUNCTION pl.session_begin(p_org int, p_key text, p_session text, p_digest text, p_hours int, OUT body text, OUT seconds bigint)
LANGUAGE plpgsql AS $$
DECLARE
  v_now timestamptz := date_trunc('second', clock_timestamp());
  v_ends timestamptz;
BEGIN
  DELETE FROM public.session s WHERE s.org_id = p_org AND s.expires_at <= clock_timestamp();
  SELECT least(v_now + make_interval(hours => p_hours), date_trunc('second', k.expires_at)) INTO v_ends
    FROM public.api_key k WHERE k.org_id = p_org AND k.key_id = p_key;
  INSERT INTO public.session (org_id, session_id, digest, key_id, created_at, expires_at)
  VALUES (p_org, p_session, decode(p_digest, 'hex'), p_key, v_now, v_ends);
  body := pl.session_json(p_org, p_key, p_session);
  seconds := greatest(1, floor(extract(epoch FROM v_ends - v_now)))::bigint;
END $$;
COMMENT ON FUNCTION pl.session_begin IS 'Begins a session of a key, and takes the ended ones of the organisation away';
