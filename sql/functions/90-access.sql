-- API keys: made, revoked and replaced with an entry in the audit log, in one transaction.

CREATE FUNCTION pl.key_audit(p_org int, p_actor text, p_action text, p_key text, p_before jsonb, p_after jsonb) RETURNS void
LANGUAGE plpgsql AS $$
BEGIN
  -- Whoever writes an organisation's configuration holds its version row, so the numbers have no gaps and no doubles.
  PERFORM 1 FROM public.org_version v WHERE v.org_id = p_org FOR UPDATE;
  PERFORM pl.audited(p_org, p_actor, p_action, 'key/' || p_key, p_before, p_after);
END $$;
COMMENT ON FUNCTION pl.key_audit IS 'Notes a change of an API key in the audit log; never with its digest';

CREATE FUNCTION pl.key_json(p_org int, p_key text) RETURNS jsonb
LANGUAGE plpgsql STABLE AS $$
BEGIN
  RETURN (SELECT to_jsonb(k) - 'digest' - 'org_id' - 'last_used_at' FROM public.api_key k WHERE k.org_id = p_org AND k.key_id = p_key);
END $$;
COMMENT ON FUNCTION pl.key_json IS 'What may be told of an API key; null when there is none';

CREATE FUNCTION pl.key_expiry(p_expires text) RETURNS timestamptz
LANGUAGE plpgsql STABLE AS $$
DECLARE
  v_at timestamptz;
BEGIN
  IF p_expires IS NULL THEN
    RETURN NULL;
  END IF;
  IF p_expires ~ '^\d{4}-\d{2}-\d{2}$' THEN
    v_at := p_expires::date::timestamp AT TIME ZONE 'UTC';
  ELSE
    v_at := p_expires::timestamptz;
  END IF;
  IF v_at <= clock_timestamp() OR NOT isfinite(v_at) THEN
    PERFORM pl.fail('validation_failed', 'the key would have expired already');
  END IF;
  RETURN v_at;
EXCEPTION WHEN data_exception THEN
  PERFORM pl.fail('validation_failed', format('%s is neither a date nor a time with its offset', p_expires));
END $$;
COMMENT ON FUNCTION pl.key_expiry IS 'When a key stops working: a time, or a date, which means its first moment in UTC';

CREATE FUNCTION pl.key_check(p_org int, p_scopes text[], p_read_scope text, p_rep text, p_team text) RETURNS void
LANGUAGE plpgsql STABLE AS $$
DECLARE
  v_word text;
BEGIN
  IF NOT EXISTS (SELECT FROM public.org o WHERE o.org_id = p_org) THEN
    PERFORM pl.fail('not_found', 'there is no such organisation');
  END IF;
  IF cardinality(p_scopes) = 0 THEN
    PERFORM pl.fail('validation_failed', 'a key needs a scope: ingest, read, strategy or admin, several separated by commas');
  END IF;
  FOREACH v_word IN ARRAY p_scopes LOOP
    IF v_word NOT IN ('ingest', 'read', 'strategy', 'admin') THEN
      PERFORM pl.fail('validation_failed', format('there is no scope %s; there are ingest, read, strategy and admin', v_word));
    END IF;
  END LOOP;
  IF p_read_scope IS NOT NULL AND p_read_scope NOT IN ('all', 'team', 'self') THEN
    PERFORM pl.fail('validation_failed', format('there is no read scope %s; there are all, team and self', p_read_scope));
  END IF;
  IF p_read_scope = 'self' AND p_rep IS NULL THEN
    PERFORM pl.fail('validation_failed', 'read scope self needs the rep the key belongs to');
  END IF;
  IF p_read_scope = 'team' AND p_team IS NULL THEN
    PERFORM pl.fail('validation_failed', 'read scope team needs the team the key belongs to');
  END IF;
END $$;
COMMENT ON FUNCTION pl.key_check IS 'Fails unless a key can be made like this';

CREATE FUNCTION pl.key_create(p_org int, p_key text, p_digest text, p_label text, p_scopes text[], p_read_scope text, p_source text,
                              p_rep text, p_team text, p_expires text, p_actor text) RETURNS void
LANGUAGE plpgsql AS $$
BEGIN
  PERFORM pl.key_check(p_org, p_scopes, p_read_scope, p_rep, p_team);
  INSERT INTO public.api_key (org_id, key_id, digest, label, scopes, read_scope, source, rep_id, team_id, created_at, expires_at)
  SELECT p_org, p_key, decode(p_digest, 'hex'), coalesce(p_label, ''), p_scopes,
         CASE WHEN 'read' = ANY (p_scopes) THEN coalesce(p_read_scope, 'all') ELSE p_read_scope END,
         p_source, p_rep, p_team, clock_timestamp(), pl.key_expiry(p_expires);
  PERFORM pl.key_audit(p_org, p_actor, 'key.create', p_key, NULL, pl.key_json(p_org, p_key));
END $$;
COMMENT ON FUNCTION pl.key_create IS 'Stores a key by the SHA-256 (hexadecimal) of its secret; scopes, read scope and expiry are checked';

CREATE FUNCTION pl.key_revoke(p_org int, p_key text, p_grace_hours int, p_actor text) RETURNS void
LANGUAGE plpgsql AS $$
DECLARE
  v_before jsonb;
  v_now timestamptz := clock_timestamp();
BEGIN
  PERFORM 1 FROM public.org_version v WHERE v.org_id = p_org FOR UPDATE; -- of two who replace a key at a time, one comes too late
  v_before := pl.key_json(p_org, p_key);
  IF v_before IS NULL THEN
    PERFORM pl.fail('not_found', format('there is no key %s', p_key));
  END IF;
  IF v_before ->> 'revoked_at' IS NOT NULL THEN
    PERFORM pl.fail('conflict', format('key %s is revoked already', p_key));
  END IF;
  UPDATE public.api_key k
     SET revoked_at = CASE WHEN p_grace_hours = 0 THEN v_now END,
         expires_at = CASE WHEN p_grace_hours = 0 THEN k.expires_at
                           ELSE least(coalesce(k.expires_at, 'infinity'), v_now + make_interval(hours => p_grace_hours)) END
   WHERE k.org_id = p_org AND k.key_id = p_key;
  PERFORM pl.key_audit(p_org, p_actor, 'key.revoke', p_key, v_before, pl.key_json(p_org, p_key));
END $$;
COMMENT ON FUNCTION pl.key_revoke IS 'Ends a key now, or in some hours (it then expires)';

CREATE FUNCTION pl.key_rotate(p_org int, p_old text, p_key text, p_digest text, p_grace_hours int, p_actor text) RETURNS void
LANGUAGE plpgsql AS $$
BEGIN
  PERFORM pl.key_revoke(p_org, p_old, p_grace_hours, p_actor);
  INSERT INTO public.api_key (org_id, key_id, digest, label, scopes, read_scope, source, rep_id, team_id, created_at)
  SELECT k.org_id, p_key, decode(p_digest, 'hex'), k.label, k.scopes, k.read_scope, k.source, k.rep_id, k.team_id, clock_timestamp()
    FROM public.api_key k
   WHERE k.org_id = p_org AND k.key_id = p_old;
  PERFORM pl.key_audit(p_org, p_actor, 'key.create', p_key, NULL, pl.key_json(p_org, p_key));
END $$;
COMMENT ON FUNCTION pl.key_rotate IS 'A new key that may do what the old one may; the old one ends now or in some hours';
