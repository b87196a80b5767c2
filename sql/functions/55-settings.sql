-- Settings of an organisation (SPEC 8). A patch is checked whole, kept in the audit log, and what it changes is judged anew.

CREATE FUNCTION pl.settings_json(p_org int) RETURNS jsonb
LANGUAGE plpgsql STABLE AS $$
BEGIN
  RETURN (
    SELECT jsonb_build_object('name', o.name, 'reporting_currency', o.reporting_currency, 'time_zone', o.time_zone,
             'fiscal_year_start', o.fiscal_year_start, 'fy_name', o.fy_name, 'won_close_basis', o.won_close_basis,
             'rep_metrics', o.rep_metrics, 'backcast', o.backcast, 'min_n', o.min_n, 'unknown_limit', o.unknown_limit,
             'retention_days', o.retention_days)
      FROM org AS o WHERE o.org_id = p_org);
END $$;
COMMENT ON FUNCTION pl.settings_json(int) IS 'The settings as the API shows and takes them';

CREATE FUNCTION pl.settings_get(p_org int, p_request jsonb) RETURNS text
LANGUAGE plpgsql STABLE AS $$
BEGIN
  RETURN (pl.settings_json(p_org) || jsonb_build_object('slug', (SELECT o.slug FROM org AS o WHERE o.org_id = p_org),
                                                        'reporting_currency_in_use', pl.reporting_currency(p_org),
                                                        'log_kept_from', pl.iso(pl.kept_from(p_org))))::text;
END $$;
COMMENT ON FUNCTION pl.settings_get(int, jsonb) IS 'GET /v1/settings';

CREATE FUNCTION pl.time_zone_checked(p_zone text) RETURNS text
LANGUAGE plpgsql STABLE AS $$
DECLARE
  v_known text[] := ARRAY(SELECT z.name FROM pg_timezone_names AS z WHERE z.name NOT LIKE 'posix/%' ORDER BY z.name COLLATE "C");
  v_name text := (SELECT k FROM unnest(v_known) AS k WHERE lower(k) = lower(p_zone) ORDER BY k = p_zone DESC LIMIT 1);
BEGIN
  IF v_name IS NULL THEN
    PERFORM pl.fail('validation_failed', 'The settings cannot be accepted.', jsonb_build_array(jsonb_build_object(
      'pointer', '/time_zone', 'code', 'unknown_time_zone',
      'message', format('"%s" is no IANA time zone; did you mean "%s"?', left(p_zone, 60),
                        (SELECT k FROM unnest(v_known) AS k ORDER BY pl.edit_distance(p_zone, k), k COLLATE "C" LIMIT 1)))));
  END IF;
  RETURN v_name;
END $$;
COMMENT ON FUNCTION pl.time_zone_checked(text) IS 'The IANA name of a time zone; fails naming the nearest when there is none';

CREATE FUNCTION pl.settings_rejudge(p_before jsonb, p_after jsonb) RETURNS boolean
LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
  SELECT pl.picked(p_before, v.what) <> pl.picked(p_after, v.what)
    FROM (VALUES ('{time_zone,won_close_basis,backcast,reporting_currency}'::text[])) AS v(what)
$$;
COMMENT ON FUNCTION pl.settings_rejudge(jsonb, jsonb) IS 'Whether a change of settings changes what is judged or priced';

CREATE FUNCTION pl.settings_patch(p_org int, p_request jsonb) RETURNS text
LANGUAGE plpgsql AS $$
DECLARE
  v_before jsonb;
  v_after jsonb;
  v_job job;
BEGIN
  PERFORM pl.lock_org(p_org);
  v_before := pl.settings_json(p_org);
  v_after := v_before || coalesce(p_request -> 'body', '{}');
  IF v_after -> 'time_zone' <> v_before -> 'time_zone' THEN
    v_after := v_after || jsonb_build_object('time_zone', pl.time_zone_checked(v_after ->> 'time_zone'));
  END IF;
  IF pl.settings_rejudge(v_before, v_after) THEN
    PERFORM pl.job_refuse_second(p_org);
    IF pl.is_large_publication(p_org, '-infinity') THEN
      v_job := pl.job_create(p_org, p_request, 'settings', 'settings', 'everything', pl.picked(v_after, ARRAY(SELECT jsonb_object_keys(p_request -> 'body'))), 1);
      RETURN pl.job_json(v_job)::text;
    END IF;
  END IF;
  IF v_after <> v_before THEN
    PERFORM pl.settings_put(p_org, pl.actor(p_request), v_before, v_after);
  END IF;
  RETURN pl.settings_get(p_org, p_request);
END $$;
COMMENT ON FUNCTION pl.settings_patch(int, jsonb) IS
  'PATCH /v1/settings (RFC 7396; the shapes are checked by the handler): time zone, close basis, back-cast and currency judge everything anew, '
  'as a job where that is much: the answer is then the job, else the settings';

CREATE FUNCTION pl.settings_put(p_org int, p_actor text, p_before jsonb, p_after jsonb) RETURNS void
LANGUAGE plpgsql AS $$
BEGIN
  UPDATE org
     SET name = p_after ->> 'name', reporting_currency = p_after ->> 'reporting_currency', time_zone = p_after ->> 'time_zone',
         fiscal_year_start = (p_after ->> 'fiscal_year_start')::int, fy_name = p_after ->> 'fy_name',
         won_close_basis = p_after ->> 'won_close_basis', rep_metrics = p_after ->> 'rep_metrics', backcast = p_after ->> 'backcast',
         min_n = (p_after ->> 'min_n')::int, unknown_limit = (p_after ->> 'unknown_limit')::numeric,
         retention_days = (p_after ->> 'retention_days')::int
   WHERE org_id = p_org;
  PERFORM pl.config_noted(p_org, p_actor, 'settings.update', 'settings', p_before, pl.settings_json(p_org));
  IF p_after -> 'time_zone' <> p_before -> 'time_zone' THEN
    UPDATE strategy AS s
       SET effective_at = pl.local_midnight(s.effective_from, p_after ->> 'time_zone')
     WHERE s.org_id = p_org AND s.status = 'published';
  END IF;
  IF pl.settings_rejudge(p_before, p_after) THEN
    PERFORM pl.reproject(p_org);
  END IF;
END $$;
COMMENT ON FUNCTION pl.settings_put(int, text, jsonb, jsonb) IS 'Writes the settings, notes it, and judges anew what they change, in this transaction';

CREATE FUNCTION pl.settings_step(p_job job) RETURNS job
LANGUAGE plpgsql AS $$
BEGIN
  IF p_job.phase = 'everything' THEN
    -- Settings that judge nothing anew may have changed since: only what this job is about is taken from its patch.
    PERFORM pl.settings_put(p_job.org_id, p_job.actor, s.before, s.before || p_job.params)
       FROM (SELECT pl.settings_json(p_job.org_id) AS before) AS s;
    p_job.done := p_job.total;
    p_job.phase := 'done';
  ELSE
    p_job.phase := 'failed';
  END IF;
  RETURN p_job;
END $$;
COMMENT ON FUNCTION pl.settings_step(job) IS
  'The one step of a change of settings: every projection rests on them, so all are made anew in one transaction; readers see the old ones '
  'until it commits, writers wait for it';
