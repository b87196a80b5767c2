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
                                                        'reporting_currency_in_use', pl.reporting_currency(p_org)))::text;
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

CREATE FUNCTION pl.settings_patch(p_org int, p_request jsonb) RETURNS text
LANGUAGE plpgsql AS $$
DECLARE
  v_before jsonb;
  v_after jsonb;
BEGIN
  PERFORM pl.lock_org(p_org);
  v_before := pl.settings_json(p_org);
  v_after := v_before || coalesce(p_request -> 'body', '{}');
  IF v_after = v_before THEN
    RETURN pl.settings_get(p_org, p_request);
  END IF;
  UPDATE org
     SET name = v_after ->> 'name', reporting_currency = v_after ->> 'reporting_currency',
         time_zone = CASE WHEN v_after -> 'time_zone' = v_before -> 'time_zone' THEN time_zone ELSE pl.time_zone_checked(v_after ->> 'time_zone') END,
         fiscal_year_start = (v_after ->> 'fiscal_year_start')::int, fy_name = v_after ->> 'fy_name',
         won_close_basis = v_after ->> 'won_close_basis', rep_metrics = v_after ->> 'rep_metrics', backcast = v_after ->> 'backcast',
         min_n = (v_after ->> 'min_n')::int, unknown_limit = (v_after ->> 'unknown_limit')::numeric,
         retention_days = (v_after ->> 'retention_days')::int
   WHERE org_id = p_org;
  PERFORM pl.config_changed(p_org, p_request, 'settings.update', 'settings', v_before, pl.settings_json(p_org));
  IF v_after -> 'time_zone' <> v_before -> 'time_zone' THEN
    UPDATE strategy AS s
       SET effective_at = pl.local_midnight(s.effective_from, (SELECT o.time_zone FROM org AS o WHERE o.org_id = p_org))
     WHERE s.org_id = p_org AND s.status = 'published';
  END IF;
  IF (v_after -> 'time_zone', v_after -> 'won_close_basis', v_after -> 'backcast', v_after -> 'reporting_currency')
     IS DISTINCT FROM (v_before -> 'time_zone', v_before -> 'won_close_basis', v_before -> 'backcast', v_before -> 'reporting_currency') THEN
    PERFORM pl.reproject(p_org);
  END IF;
  RETURN pl.settings_get(p_org, p_request);
END $$;
COMMENT ON FUNCTION pl.settings_patch(int, jsonb) IS
  'PATCH /v1/settings (RFC 7396; the shapes are checked by the handler): time zone, close basis, back-cast and currency judge everything anew';
