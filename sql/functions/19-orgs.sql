-- Organisations.

CREATE FUNCTION pl.org_list() RETURNS TABLE (org_id int, slug text, name text, created_at timestamptz)
LANGUAGE plpgsql STABLE AS $$
BEGIN
  RETURN QUERY SELECT o.org_id, o.slug, o.name, o.created_at FROM org AS o;
END $$;
COMMENT ON FUNCTION pl.org_list IS 'All organisations, for commands of the operator';

CREATE FUNCTION pl.org_create(p_slug text, p_name text) RETURNS int
LANGUAGE plpgsql AS $$
DECLARE
  v_org int;
  v_now timestamptz := clock_timestamp();
BEGIN
  IF p_slug IS NULL OR p_slug !~ '^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$' THEN
    PERFORM pl.fail('validation_failed', 'The slug cannot be used.',
                    '[{"pointer": "/slug", "code": "invalid_text", "message": "1 to 63 of a-z, 0-9 and -, not - at either end"}]');
  END IF;
  -- A slug cannot be a unique key, as keys start with org_id: makers of organisations take turns.
  PERFORM pg_advisory_xact_lock(hashtextextended('plumbline.org_create', 0));
  IF EXISTS (SELECT FROM pl.org_list() AS o WHERE o.slug = p_slug) THEN
    PERFORM pl.fail('conflict', format('There is already an organisation called %s.', p_slug),
                    '[{"pointer": "/slug", "code": "taken", "message": "choose another slug"}]');
  END IF;
  SELECT coalesce(max(o.org_id), 0) + 1 INTO v_org FROM pl.org_list() AS o;
  INSERT INTO org (org_id, slug, name, created_at) VALUES (v_org, p_slug, coalesce(nullif(p_name, ''), p_slug), v_now);
  INSERT INTO org_version (org_id) VALUES (v_org);
  PERFORM pl.audited(v_org, 'cli', 'org.create', 'org/' || p_slug, NULL, pl.settings_json(v_org) || jsonb_build_object('slug', p_slug));
  RETURN v_org;
END $$;
COMMENT ON FUNCTION pl.org_create IS 'Makes an organisation and returns its id; fails as conflict when the slug is taken';
