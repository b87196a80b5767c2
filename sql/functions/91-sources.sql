-- Sources: configuration of the systems that send deliveries. What their documents mean is the binary's (handlers/webhook); here they
-- are kept, told, and noted in the audit log. No function but pl.source_find returns anything of a secret.

CREATE FUNCTION pl.source_row(p_org int, p_source text) RETURNS source
LANGUAGE plpgsql STABLE AS $$
DECLARE
  v_source source;
BEGIN
  SELECT s.* INTO v_source FROM source AS s WHERE s.org_id = p_org AND s.source = p_source;
  IF NOT FOUND THEN
    PERFORM pl.fail('not_found', format('There is no source "%s".', left(p_source, 64)));
  END IF;
  RETURN v_source;
END $$;
COMMENT ON FUNCTION pl.source_row(int, text) IS 'A source; fails as not_found when there is none';

CREATE FUNCTION pl.source_config(p_source source) RETURNS jsonb
LANGUAGE plpgsql STABLE AS $$
BEGIN
  RETURN jsonb_build_object('source', p_source.source, 'preset', p_source.preset, 'enabled', p_source.enabled, 'url', p_source.url,
                            'override', p_source.override);
END $$;
COMMENT ON FUNCTION pl.source_config(source) IS 'What PUT takes: the configuration, which the audit log keeps before and after each change';

CREATE FUNCTION pl.source_secrets(p_org int, p_source text) RETURNS jsonb
LANGUAGE plpgsql STABLE AS $$
DECLARE
  v_now timestamptz := clock_timestamp();
BEGIN
  RETURN (
    SELECT coalesce(jsonb_agg(jsonb_build_object(
             'number', s.number, 'not_before', pl.iso(s.not_before), 'not_after', pl.iso(s.not_after),
             'state', CASE WHEN s.not_after <= v_now THEN 'ended' WHEN s.not_before > v_now THEN 'coming'
                           WHEN s.not_after IS NOT NULL THEN 'ending' ELSE 'in_force' END) ORDER BY s.number), '[]')
      FROM source_secret AS s
     WHERE s.org_id = p_org AND s.source = p_source);
END $$;
COMMENT ON FUNCTION pl.source_secrets(int, text) IS 'When the secrets of a source hold; never what they are';

CREATE FUNCTION pl.source_json(p_source source) RETURNS jsonb
LANGUAGE plpgsql STABLE AS $$
BEGIN
  RETURN pl.source_config(p_source) || jsonb_build_object(
    'webhook', (SELECT '/v1/webhooks/' || CASE WHEN o.slug = 'default' THEN '' ELSE o.slug || '.' END || p_source.source
                  FROM org AS o WHERE o.org_id = p_source.org_id),
    'secrets', pl.source_secrets(p_source.org_id, p_source.source),
    'quarantined_open', (SELECT count(*) FROM quarantine AS q
                          WHERE q.org_id = p_source.org_id AND q.source = p_source.source AND q.status = 'open'),
    'last_delivery_at', pl.iso(p_source.last_delivery_at), 'created_at', pl.iso(p_source.created_at),
    'updated_at', pl.iso(p_source.updated_at));
END $$;
COMMENT ON FUNCTION pl.source_json(source) IS 'A source as the API shows it';

CREATE FUNCTION pl.source_list(p_org int, p_request jsonb) RETURNS TABLE (body text, next text)
LANGUAGE plpgsql STABLE AS $$
DECLARE
  v_limit int := pl.page_limit(p_request);
  v_after text := coalesce(pl.cursor_decode(p_request #>> '{query,cursor}'), '');
  v_rows jsonb;
BEGIN
  SELECT coalesce(jsonb_agg(pl.source_json(s) ORDER BY s.source), '[]') INTO v_rows
    FROM (SELECT * FROM source AS x WHERE x.org_id = p_org AND x.source > v_after ORDER BY x.source LIMIT v_limit + 1) AS s;
  IF jsonb_array_length(v_rows) > v_limit THEN
    v_rows := v_rows - v_limit;
    next := pl.cursor_encode(v_rows -> -1 ->> 'source');
  END IF;
  body := jsonb_build_object('data', v_rows, 'next', next)::text;
  RETURN NEXT;
END $$;
COMMENT ON FUNCTION pl.source_list(int, jsonb) IS 'GET /v1/sources: all, by name';

CREATE FUNCTION pl.source_get(p_org int, p_source text) RETURNS text
LANGUAGE plpgsql STABLE AS $$
BEGIN
  RETURN pl.source_json(pl.source_row(p_org, p_source))::text;
END $$;
COMMENT ON FUNCTION pl.source_get(int, text) IS 'Body of GET /v1/sources/{source}, but for its document; fails as not_found';

CREATE FUNCTION pl.source_held(p_org int, p_source text) RETURNS text
LANGUAGE plpgsql AS $$
BEGIN
  PERFORM pl.lock_org(p_org);
  RETURN (SELECT pl.source_config(s)::text FROM source AS s WHERE s.org_id = p_org AND s.source = p_source);
END $$;
COMMENT ON FUNCTION pl.source_held(int, text) IS 'The configuration of a source, to be changed in this transaction, which nobody else then does; null: there is none';

CREATE FUNCTION pl.source_put(p_org int, p_request jsonb, p_config jsonb, p_new boolean) RETURNS text
LANGUAGE plpgsql AS $$
DECLARE
  v_name text := p_config ->> 'source';
  v_now timestamptz := clock_timestamp();
  v_before source;
  v_after source;
BEGIN
  PERFORM pl.lock_org(p_org);
  SELECT s.* INTO v_before FROM source AS s WHERE s.org_id = p_org AND s.source = v_name;
  IF v_before.source IS NOT NULL AND p_new THEN
    PERFORM pl.fail('conflict', format('There is a source "%s" already.', v_name),
                    '[{"pointer": "/source", "code": "taken", "message": "choose another name, or change the one there is with PUT or PATCH"}]');
  END IF;
  INSERT INTO source AS s (org_id, source, preset, enabled, url, override, version, created_at, updated_at)
  VALUES (p_org, v_name, p_config ->> 'preset', coalesce((p_config ->> 'enabled')::boolean, true), p_config ->> 'url',
          coalesce(nullif(p_config -> 'override', 'null'), '{}'), (extract(epoch FROM v_now) * 1000000)::bigint, v_now, v_now)
  ON CONFLICT (org_id, source) DO UPDATE SET
    preset = excluded.preset, enabled = excluded.enabled, url = excluded.url, override = excluded.override,
    version = s.version + 1, updated_at = excluded.updated_at
  RETURNING * INTO v_after;
  PERFORM pl.config_changed(p_org, p_request, CASE WHEN v_before.source IS NULL THEN 'source.create' ELSE 'source.update' END,
                            'source/' || v_name, CASE WHEN v_before.source IS NOT NULL THEN pl.source_config(v_before) END,
                            pl.source_config(v_after));
  RETURN pl.source_json(v_after)::text;
END $$;
-- A version starts from the clock, so that a source made anew under an old name is not taken for the one that was.
COMMENT ON FUNCTION pl.source_put(int, jsonb, jsonb, boolean) IS
  'Keeps a configuration that was checked; p_new: fails as conflict when there is a source of that name';

CREATE FUNCTION pl.source_delete(p_org int, p_request jsonb) RETURNS text
LANGUAGE plpgsql AS $$
DECLARE
  v_source source;
BEGIN
  PERFORM pl.lock_org(p_org);
  v_source := pl.source_row(p_org, p_request #>> '{path,0}');
  DELETE FROM source_secret AS s WHERE s.org_id = p_org AND s.source = v_source.source;
  DELETE FROM source AS s WHERE s.org_id = p_org AND s.source = v_source.source;
  PERFORM pl.config_changed(p_org, p_request, 'source.delete', 'source/' || v_source.source, pl.source_config(v_source), NULL);
  RETURN jsonb_build_object('source', v_source.source, 'deleted', true)::text;
END $$;
COMMENT ON FUNCTION pl.source_delete(int, jsonb) IS 'DELETE /v1/sources/{source}: its configuration and secrets; what it sent stays';

CREATE FUNCTION pl.source_secret_put(p_org int, p_request jsonb, p_source text, p_kept text, p_overlap_hours int) RETURNS text
LANGUAGE plpgsql AS $$
DECLARE
  v_now timestamptz := clock_timestamp();
  v_until timestamptz := v_now + make_interval(hours => p_overlap_hours);
  v_before jsonb;
  v_number int;
BEGIN
  PERFORM pl.lock_org(p_org);
  PERFORM pl.source_row(p_org, p_source);
  v_before := pl.source_secrets(p_org, p_source);
  SELECT coalesce(max(s.number), 0) + 1 INTO v_number FROM source_secret AS s WHERE s.org_id = p_org AND s.source = p_source;
  -- Two hold at a time at most: the one that was the newest goes on for the overlap, older ones end.
  UPDATE source_secret AS s
     SET not_after = least(coalesce(s.not_after, 'infinity'), CASE WHEN s.number = v_number - 1 THEN v_until ELSE v_now END)
   WHERE s.org_id = p_org AND s.source = p_source AND coalesce(s.not_after > v_now, true);
  INSERT INTO source_secret (org_id, source, number, kept, not_before, created_at)
  VALUES (p_org, p_source, v_number, p_kept, v_now, v_now);
  -- An ended secret is of no use to us, and of some to whoever reads a copy of the database.
  UPDATE source_secret AS s SET kept = '' WHERE s.org_id = p_org AND s.source = p_source AND s.not_after <= v_now;
  UPDATE source AS s SET version = s.version + 1 WHERE s.org_id = p_org AND s.source = p_source;
  PERFORM pl.config_changed(p_org, p_request, 'source.secret', 'source/' || p_source,
                            jsonb_build_object('secrets', v_before), jsonb_build_object('secrets', pl.source_secrets(p_org, p_source)));
  RETURN jsonb_build_object('source', p_source, 'number', v_number, 'secrets', pl.source_secrets(p_org, p_source))::text;
END $$;
COMMENT ON FUNCTION pl.source_secret_put(int, jsonb, text, text, int) IS
  'A new secret, in force from now on; the one before it ends after p_overlap_hours, older ones at once. p_kept: as it is to be stored';

CREATE FUNCTION pl.source_find(p_org int, p_slug text, p_source text, p_version bigint)
RETURNS TABLE (org_id int, version bigint, enabled boolean, preset text, url text, override text, secrets text, slug text)
LANGUAGE plpgsql STABLE AS $$
BEGIN
  RETURN QUERY
    SELECT s.org_id, s.version, s.enabled, s.preset, s.url, CASE WHEN s.version IS DISTINCT FROM p_version THEN s.override::text END,
           CASE WHEN s.version IS DISTINCT FROM p_version THEN
             (SELECT coalesce(jsonb_agg(jsonb_build_object('kept', k.kept, 'not_before_ms', floor(extract(epoch FROM k.not_before) * 1000)::bigint,
                                                           'not_after_ms', coalesce(ceil(extract(epoch FROM k.not_after) * 1000)::bigint, 0))
                                        ORDER BY k.number DESC), '[]')
                FROM source_secret AS k
               WHERE k.org_id = s.org_id AND k.source = s.source AND coalesce(k.not_after > clock_timestamp(), true))::text END,
           o.slug
      FROM org AS o JOIN source AS s ON s.org_id = o.org_id
     WHERE CASE WHEN p_org IS NULL THEN o.slug = p_slug ELSE o.org_id = p_org END AND s.source = p_source;
END $$;
COMMENT ON FUNCTION pl.source_find(int, text, text, bigint) IS
  'The source a delivery is for, by its organisation''s number, else its slug; override and secrets only when its version is not p_version, which is known already. No row: there is none';

CREATE FUNCTION pl.source_delivered(p_org int, p_source text) RETURNS void
LANGUAGE plpgsql AS $$
BEGIN
  UPDATE source AS s SET last_delivery_at = greatest(s.last_delivery_at, clock_timestamp()) WHERE s.org_id = p_org AND s.source = p_source;
END $$;
COMMENT ON FUNCTION pl.source_delivered(int, text) IS 'Notes that a source has been heard of; servers do so once a minute at most';

CREATE FUNCTION pl.source_ages(p_org int) RETURNS TABLE (source text, age numeric)
LANGUAGE plpgsql STABLE AS $$
BEGIN
  RETURN QUERY
    SELECT s.source::text, round(extract(epoch FROM clock_timestamp() - coalesce(s.last_delivery_at, s.created_at)), 3)
      FROM public.source AS s
     WHERE s.org_id = p_org AND s.enabled
     ORDER BY s.source;
END $$;
COMMENT ON FUNCTION pl.source_ages(int) IS 'Seconds since each source in use was heard of, or was added when it never was: some senders fall silent without a word';
