-- The rows behind deal metrics, one by one, with what each adds to the number.

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
  LEFT JOIN deal_fact f ON q.as_of IS NULL AND q.known_at IS NULL AND f.org_id = q.org AND f.deal_id = d.deal_id;
END
$$;
COMMENT ON FUNCTION pl.open_named IS 'open deals with what a list shows of them besides';

CREATE FUNCTION pl.shows_reps(q pl.metric_query) RETURNS boolean
LANGUAGE plpgsql STABLE AS $$
BEGIN
  RETURN (SELECT o.rep_metrics = 'on' FROM org o WHERE o.org_id = q.org);
END
$$;
COMMENT ON FUNCTION pl.shows_reps IS 'whether lists may name reps (setting rep_metrics)';

CREATE FUNCTION pl.counted_portion(q pl.metric_query, p_families text[], p_weights numeric[]) RETURNS numeric
LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
  SELECT CASE WHEN q.product IS NULL THEN 1 ELSE coalesce(p_weights[array_position(p_families, q.product)], CASE WHEN p_families = '{}' THEN 1 END) END
$$;
COMMENT ON FUNCTION pl.counted_portion IS 'the part of a deal that counts: that of the product family asked for, else all';

CREATE FUNCTION pl.deal_line(q pl.metric_query, d pl.deal_row, p_reps boolean, p_part text, p_numerator json, p_denominator json,
                             p_contribution numeric DEFAULT NULL, p_hours numeric DEFAULT NULL)
RETURNS json LANGUAGE sql STABLE AS $$
  SELECT row_to_json(x) FROM (
    SELECT d.deal_id AS id, p_part AS part, d.name, d.outcome, pl.iso(d.at) AS at, pl.iso(d.created_at) AS created_at, CASE WHEN p_reps THEN d.rep END AS rep,
           d.team, d.account_id AS account, d.segment, d.tier, d.class, d.reason, d.origin, d.strategy, pl.money_exact(d.amount, d.currency) AS amount,
           d.currency, pl.money_exact(d.money * pl.counted_portion(q, d.families, d.weights), q.currency) AS money, trim_scale(d.credit) AS credit,
           CASE WHEN d.outcome <> 'open' THEN round((extract(epoch FROM pl.cycle(d.created_at, d.at, q.zone)) / 86400)::numeric, 6) END AS days,
           round(p_hours, 6) AS hours, p_numerator AS numerator, p_denominator AS denominator, round(p_contribution, 15) AS contribution) x
$$;
COMMENT ON FUNCTION pl.deal_line IS 'a deal as a row behind a number: part of the number it is in, what it adds to numerator and denominator, and what it moves the number by';

CREATE FUNCTION pl.exact(p_amount numeric, q pl.metric_query) RETURNS json
LANGUAGE sql STABLE AS $$ SELECT to_json(pl.money_exact(coalesce(p_amount, 0), q.currency)) $$;

CREATE FUNCTION pl.share_line(q pl.metric_query, m pl.metric, d pl.deal_row, p_reps boolean) RETURNS json
LANGUAGE plpgsql STABLE AS $$
DECLARE
  v_counts numeric := d.money * pl.counted_portion(q, d.families, d.weights);
BEGIN
  RETURN pl.deal_line(q, d, p_reps, NULL,
    CASE WHEN m.terms = 'count' THEN to_json(trim_scale(CASE WHEN d.outcome = 'won' THEN d.credit ELSE 0 END))
         WHEN m.unit = 'money' THEN pl.exact(v_counts, q)
         WHEN m.terms = 'money' THEN pl.exact(CASE WHEN d.class = 'on' THEN v_counts END, q) END,
    CASE WHEN m.terms = 'count' THEN to_json(trim_scale(CASE WHEN d.outcome IN ('won', 'lost') THEN d.credit ELSE 0 END))
         WHEN m.terms = 'money' AND m.unit <> 'money' THEN pl.exact(CASE WHEN d.class <> 'unknown' THEN v_counts END, q) END);
END
$$;
COMMENT ON FUNCTION pl.share_line IS
  'a deal behind a share or a rate with what it adds to its numerator and denominator; deals that add nothing (class unknown, no amount) are listed too';

CREATE FUNCTION pl.deal_place(d pl.deal_row) RETURNS text[]
LANGUAGE sql IMMUTABLE AS $$ SELECT ARRAY[d.deal_id, coalesce(d.rep, '')] $$;

CREATE FUNCTION pl.on_page(q pl.metric_query, p_place text[]) RETURNS boolean
LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$ SELECT q.page_after IS NULL OR p_place COLLATE "C" > q.page_after COLLATE "C" $$;
COMMENT ON FUNCTION pl.on_page IS
  'whether a row comes after the page before. Lists that are cut here are not written out only to be thrown away; others are cut when they are';

CREATE FUNCTION pl.drill_closed(q pl.metric_query, m pl.metric) RETURNS SETOF pl.drill_row
LANGUAGE plpgsql STABLE SET plan_cache_mode = force_custom_plan SET jit = off SET work_mem = '64MB' AS $$
DECLARE
  v_reps boolean := pl.shows_reps(q);
BEGIN
  RETURN QUERY SELECT x.place, pl.share_line(q, m, x.d, v_reps)
               FROM (SELECT d::pl.deal_row AS d, pl.deal_place(d) AS place FROM pl.closed_deals(q, q.start_at, q.end_at) d
                     WHERE (d.outcome = 'won' OR m.terms = 'count' OR (m.unit = 'days' AND q.decided = 'all' AND d.outcome = 'lost'))
                       AND pl.on_page(q, pl.deal_place(d))
                     ORDER BY pl.deal_place(d) COLLATE "C" LIMIT q.page_limit) x;
END
$$;
COMMENT ON FUNCTION pl.drill_closed IS 'deals won in the period; for rates the lost ones too';

CREATE FUNCTION pl.drill_open(q pl.metric_query, m pl.metric) RETURNS SETOF pl.drill_row
LANGUAGE plpgsql STABLE SET plan_cache_mode = force_custom_plan SET jit = off SET work_mem = '64MB' AS $$
DECLARE
  v_reps boolean := pl.shows_reps(q);
BEGIN
  RETURN QUERY SELECT x.place, pl.share_line(q, m, x.d, v_reps)
               FROM (SELECT d::pl.deal_row AS d, pl.deal_place(d) AS place FROM pl.open_named(q) d
                     WHERE pl.on_page(q, pl.deal_place(d)) ORDER BY pl.deal_place(d) COLLATE "C" LIMIT q.page_limit) x;
END
$$;
COMMENT ON FUNCTION pl.drill_open IS 'deals open when the stock is taken';

CREATE FUNCTION pl.drill_created(q pl.metric_query, m pl.metric) RETURNS SETOF pl.drill_row
LANGUAGE plpgsql STABLE SET plan_cache_mode = force_custom_plan SET jit = off SET work_mem = '64MB' AS $$
DECLARE
  v_reps boolean := pl.shows_reps(q);
BEGIN
  RETURN QUERY SELECT x.place, pl.share_line(q, m, x.d, v_reps)
               FROM (SELECT d::pl.deal_row AS d, pl.deal_place(d) AS place FROM pl.created_deals(q, q.start_at, q.end_at) d
                     WHERE pl.on_page(q, pl.deal_place(d)) ORDER BY pl.deal_place(d) COLLATE "C" LIMIT q.page_limit) x;
END
$$;
COMMENT ON FUNCTION pl.drill_created IS 'deals created in the period';

CREATE FUNCTION pl.hour_place(r pl.hour_row) RETURNS text[]
LANGUAGE sql IMMUTABLE AS $$ SELECT ARRAY[r.activity_id, coalesce(r.rep, ''), coalesce(r.account_id, '')] $$;

CREATE FUNCTION pl.hour_line(r pl.hour_row, p_reps boolean, p_part text, p_numerator json, p_denominator json, p_contribution numeric DEFAULT NULL,
                             p_cost text DEFAULT NULL)
RETURNS json LANGUAGE sql STABLE AS $$
  SELECT row_to_json(x) FROM (
    SELECT r.activity_id AS id, p_part AS part, r.kind, pl.iso(r.starts_at) AS at, CASE WHEN p_reps THEN r.rep END AS rep, r.team, r.account_id AS account,
           r.deal_id AS opportunity, r.segment, r.tier, r.class, r.reason, r.messages, r.estimated, trim_scale(r.hours) AS hours,
           p_cost AS cost, p_numerator AS numerator, p_denominator AS denominator, round(p_contribution, 15) AS contribution) x
$$;
COMMENT ON FUNCTION pl.hour_line IS 'an activity as a row behind a number: part of the number it is in, what it adds to numerator and denominator, and what it moves the number by';

CREATE FUNCTION pl.known_size(r pl.hour_row, p_class text, p_size numeric) RETURNS numeric
LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
  SELECT trim_scale(CASE WHEN r.account_id IS NOT NULL AND (r.class = p_class OR (p_class IS NULL AND r.class <> 'unknown')) THEN p_size ELSE 0 END)
$$;
COMMENT ON FUNCTION pl.known_size IS 'what of an activity counts as of this class (null: on and off), or 0: it is linked to no account, or cannot be classed';

CREATE FUNCTION pl.drill_hours(q pl.metric_query, m pl.metric) RETURNS SETOF pl.drill_row
LANGUAGE plpgsql STABLE SET plan_cache_mode = force_custom_plan SET jit = off SET work_mem = '64MB' AS $$
DECLARE
  v_reps boolean := pl.shows_reps(q);
BEGIN
  RETURN QUERY
  SELECT x.place, pl.hour_line(x.r, v_reps, NULL, to_json(pl.known_size(x.r, 'on', (x.r).hours)), to_json(pl.known_size(x.r, NULL, (x.r).hours)))
  FROM (SELECT r::pl.hour_row AS r, pl.hour_place(r) AS place FROM pl.hour_rows(q, q.start_at, q.end_at) r
        WHERE pl.on_page(q, pl.hour_place(r)) ORDER BY pl.hour_place(r) COLLATE "C" LIMIT q.page_limit) x;
END
$$;
COMMENT ON FUNCTION pl.drill_hours IS 'activities behind a metric of hours';
