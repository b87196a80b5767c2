-- GET /v1/metrics/{key}/rows: the rows behind a number. Their numerators and denominators add up to those of the number.

CREATE FUNCTION pl.money_exact(p_amount numeric, p_currency text) RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
  SELECT CASE WHEN scale(t) <= pl.minor_digits(p_currency) THEN round(t, pl.minor_digits(p_currency)) ELSE t END::text
  FROM (SELECT trim_scale(p_amount) AS t) x
$$;
COMMENT ON FUNCTION pl.money_exact IS 'an amount with all its decimals, so that rows add up to their sum before it is rounded';

CREATE TYPE pl.drill_row AS (place text[], body json);
COMMENT ON TYPE pl.drill_row IS 'place: the row''s position in the list, by which cursors point';

CREATE FUNCTION pl.open_named(q pl.metric_query) RETURNS SETOF pl.deal_row
LANGUAGE plpgsql STABLE SET plan_cache_mode = force_custom_plan AS $$
BEGIN
  RETURN QUERY
  SELECT d.deal_id, coalesce(d.name, f.name), d.outcome, d.at, coalesce(d.created_at, f.created_at), d.rep, d.team, d.account_id, d.strategy,
         d.segment, d.tier, d.class, d.reason, d.backcast, d.amount, d.currency, d.money, d.credit, d.probability, d.origin, d.families, d.weights,
         d.expected_close
  FROM pl.open_rows(q, q.stock_at) d
  LEFT JOIN deal_fact f ON f.org_id = q.org AND f.deal_id = d.deal_id;
END
$$;
COMMENT ON FUNCTION pl.open_named IS 'open deals with what a list shows of them besides';

CREATE FUNCTION pl.placed_part(q pl.metric_query, p_metric text, p_segment text, p_families text[], p_weights numeric[]) RETURNS numeric
LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE AS $$
BEGIN
  IF p_metric = 'segment_mix' OR (p_metric <> 'product_mix' AND q.over = 'segment') THEN
    RETURN CASE WHEN p_segment = 'unknown' THEN 0 ELSE 1 END;
  ELSIF q.include_unspecified THEN
    RETURN 1;
  ELSIF p_families = '{}' THEN
    RETURN 0;
  END IF;
  RETURN 1 - coalesce(p_weights[array_position(p_families, 'unspecified')], 0);
END
$$;
COMMENT ON FUNCTION pl.placed_part IS 'the part of a deal that enters a mix: nothing of unknown segment or unspecified product does';

CREATE FUNCTION pl.drill_deals(q pl.metric_query, m pl.metric) RETURNS SETOF pl.drill_row
LANGUAGE plpgsql STABLE SET plan_cache_mode = force_custom_plan SET jit = off SET work_mem = '64MB' AS $$
DECLARE
  v_reps boolean := (SELECT o.rep_metrics = 'on' FROM org o WHERE o.org_id = q.org);
BEGIN
  RETURN QUERY
  WITH deal AS (
    SELECT d.* FROM pl.closed_deals(q, q.start_at, q.end_at) d
    WHERE m.drill = 'closed' AND (d.outcome = 'won' OR m.terms = 'count')
    UNION ALL
    SELECT d.* FROM pl.open_named(q) d WHERE m.drill = 'open'
    UNION ALL
    SELECT d.* FROM pl.created_deals(q, q.start_at, q.end_at) d WHERE m.drill = 'created'
  ), counted AS (
    SELECT d.*, CASE WHEN q.product IS NULL THEN d.money ELSE
                  d.money * coalesce(d.weights[array_position(d.families, q.product)], CASE WHEN d.families = '{}' THEN 1 END) END AS counts,
           m.key IN ('product_mix', 'segment_mix', 'strategy_setters', 'deliberate_emergent') AS is_mix
    FROM deal d
  )
  SELECT ARRAY[c.deal_id, coalesce(c.rep, '')],
         (SELECT row_to_json(x) FROM (
            SELECT c.deal_id AS id, c.name, c.outcome, pl.iso(c.at) AS at, pl.iso(c.created_at) AS created_at, CASE WHEN v_reps THEN c.rep END AS rep,
                   c.team, c.account_id AS account, c.segment, c.tier, c.class, c.reason, c.origin, c.strategy,
                   pl.money_exact(c.amount, c.currency) AS amount, c.currency, pl.money_exact(c.counts, q.currency) AS money, trim_scale(c.credit) AS credit,
                   CASE WHEN m.unit = 'days' THEN round((extract(epoch FROM c.at - c.created_at) / 86400)::numeric, 6) END AS days,
                   CASE WHEN m.terms = 'count' THEN to_json(trim_scale(CASE WHEN c.outcome = 'won' THEN c.credit ELSE 0 END))
                        WHEN m.unit = 'money' THEN to_json(pl.money_exact(coalesce(c.counts, 0), q.currency))
                        WHEN m.terms = 'money' AND NOT c.is_mix
                          THEN to_json(pl.money_exact(CASE WHEN c.class = 'on' THEN coalesce(c.counts, 0) ELSE 0 END, q.currency)) END AS numerator,
                   CASE WHEN m.terms = 'count' THEN to_json(trim_scale(c.credit))
                        WHEN m.unit = 'money' OR m.terms <> 'money' THEN NULL
                        WHEN c.is_mix THEN to_json(pl.money_exact(coalesce(c.counts, 0) * pl.placed_part(q, m.key, c.segment, c.families, c.weights), q.currency))
                        ELSE to_json(pl.money_exact(CASE WHEN c.class <> 'unknown' THEN coalesce(c.counts, 0) ELSE 0 END, q.currency)) END AS denominator) x)
  FROM counted c;
END
$$;
COMMENT ON FUNCTION pl.drill_deals IS 'deals behind a metric with what each adds to its numerator and denominator; deals that add nothing (class unknown, no amount) are listed too';

CREATE FUNCTION pl.drill_hours(q pl.metric_query) RETURNS SETOF pl.drill_row
LANGUAGE plpgsql STABLE SET plan_cache_mode = force_custom_plan SET jit = off SET work_mem = '64MB' AS $$
DECLARE
  v_reps boolean := (SELECT o.rep_metrics = 'on' FROM org o WHERE o.org_id = q.org);
BEGIN
  RETURN QUERY
  SELECT ARRAY[r.activity_id, coalesce(r.rep, ''), coalesce(r.account_id, '')],
         (SELECT row_to_json(x) FROM (
            SELECT r.activity_id AS id, r.kind, pl.iso(r.starts_at) AS at, CASE WHEN v_reps THEN r.rep END AS rep, r.team, r.account_id AS account,
                   r.deal_id AS opportunity, r.segment, r.tier, r.class, r.reason, r.messages, r.estimated, trim_scale(r.hours) AS hours,
                   trim_scale(CASE WHEN r.class = 'on' AND r.account_id IS NOT NULL THEN r.hours ELSE 0 END) AS numerator,
                   trim_scale(CASE WHEN r.class <> 'unknown' AND r.account_id IS NOT NULL THEN r.hours ELSE 0 END) AS denominator) x)
  FROM pl.hour_rows(q, q.start_at, q.end_at) r;
END
$$;
COMMENT ON FUNCTION pl.drill_hours IS 'activities behind a metric of hours';

CREATE FUNCTION pl.answer_metric_rows(p_org int, p_request jsonb) RETURNS TABLE (body text, next text)
LANGUAGE plpgsql STABLE SET jit = off SET plan_cache_mode = force_custom_plan AS $$
DECLARE
  m       pl.metric := pl.known_metric(p_request #>> '{path,0}');
  q       pl.metric_query := pl.resolve_query(p_org, p_request, m.groupings, m.needs);
  v_all   boolean := p_request ->> 'format' <> 'json' AND p_request #>> '{query,limit}' IS NULL;
  v_limit int := pl.page_limit(p_request);
  v_after text[];
  v_rows  pl.drill_row[];
BEGIN
  PERFORM pl.refuse_filters(q, m);
  IF m.drill IS NULL THEN
    PERFORM pl.fail('not_found', format('%s is made of other figures; there are no rows of its own.', m.key));
  END IF;
  v_after := pl.place_of_cursor(p_request #>> '{query,cursor}');
  v_rows := ARRAY(
    SELECT d FROM (SELECT * FROM pl.drill_deals(q, m) WHERE m.drill <> 'hours' UNION ALL SELECT * FROM pl.drill_hours(q) WHERE m.drill = 'hours') d
    WHERE v_after IS NULL OR d.place COLLATE "C" > v_after COLLATE "C"
    ORDER BY d.place COLLATE "C"
    LIMIT CASE WHEN v_all THEN NULL ELSE v_limit + 1 END);
  IF NOT v_all AND cardinality(v_rows) > v_limit THEN
    v_rows := v_rows[1:v_limit];
    next := pl.cursor_encode(to_json(v_rows[v_limit].place)::text);
  END IF;
  body := CASE p_request ->> 'format'
    WHEN 'csv' THEN pl.csv(ARRAY(SELECT r.body FROM unnest(v_rows) r), '{id}')
    WHEN 'ndjson' THEN pl.ndjson(ARRAY(SELECT r.body FROM unnest(v_rows) r))
    ELSE (SELECT row_to_json(x)::text FROM (
            SELECT m.key AS metric, m.version AS metric_version, pl.params_shown(q) AS params, m.unit, q.currency, q.zone AS time_zone,
                   pl.iso(q.as_of_shown) AS as_of, pl.iso(q.known_shown) AS known_at, q.fit_basis, q.credit,
                   pl.json_lines(ARRAY(SELECT r.body FROM unnest(v_rows) r)) AS data, next, q.data_version) x) END;
  RETURN NEXT;
END
$$;
COMMENT ON FUNCTION pl.answer_metric_rows IS 'a page of the rows behind a metric; CSV and NDJSON hold all of them unless a limit is named';

CREATE FUNCTION pl.place_of_cursor(p_cursor text) RETURNS text[]
LANGUAGE plpgsql STABLE AS $$
DECLARE
  v_text text := CASE WHEN p_cursor IS NOT NULL THEN pl.cursor_decode(p_cursor) END;
BEGIN
  RETURN CASE WHEN v_text IS NOT NULL THEN ARRAY(SELECT t FROM jsonb_array_elements_text(v_text::jsonb) WITH ORDINALITY AS x(t, n) ORDER BY n) END;
EXCEPTION WHEN invalid_text_representation OR invalid_parameter_value OR untranslatable_character THEN
  PERFORM pl.fail_cursor();
END
$$;
