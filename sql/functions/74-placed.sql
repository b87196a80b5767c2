-- Won (or decided, or open) deals one by one, each in the places of the answer it belongs to: for what sums cannot tell (percentiles, sizes, effort).

CREATE TYPE pl.placed_deal AS (
  total boolean, key text, period int, deal_id text, account_id text, class text, origin text, money numeric, credit numeric, days float8, no_owner boolean,
  backcast boolean, whole numeric, unpriced boolean
);
COMMENT ON TYPE pl.placed_deal IS
  'money: the part of the deal that counts in this place (that of one family, when asked about products; that of the rep, under split credit). whole: all of it. unpriced: there is an amount, but no rate for it';

CREATE FUNCTION pl.placed_won(q pl.metric_query, p_class text DEFAULT NULL, p_outcomes text[] DEFAULT '{won}') RETURNS SETOF pl.placed_deal
LANGUAGE plpgsql STABLE SET plan_cache_mode = force_custom_plan SET jit = off SET work_mem = '64MB' AS $$
BEGIN
  RETURN QUERY
  WITH deal AS (
    SELECT f.deal_id, f.closed_account AS account_id, f.closed_rep AS rep, f.closed_team AS team, f.closed_segment AS segment, f.closed_tier AS tier, f.closed_class AS class,
           f.closed_backcast AS backcast, f.closed_at AS at, f.created_at, f.amount, f.money, 1::numeric AS credit, f.origin, f.families, f.weights
    FROM deal_fact f
    WHERE q.plain AND f.org_id = q.org AND f.closed_at >= q.start_at AND f.closed_at < q.end_at
      AND pl.outcome_counted(q, f.outcome, f.lost_reason) = ANY (p_outcomes) AND NOT (q.exclude_nonpositive AND coalesce(f.amount <= 0, false))
      AND (p_class IS NULL OR f.closed_class = p_class)
      AND pl.within(q, f.closed_rep, f.closed_team, f.closed_segment, f.closed_tier, f.origin, f.families)
    UNION ALL
    SELECT r.deal_id, r.account_id, r.rep, r.team, r.segment, r.tier, r.class, r.backcast, r.at, r.created_at, r.amount, r.money, r.credit, r.origin, r.families, r.weights
    FROM pl.closed_deals(q, q.start_at, q.end_at) r
    WHERE NOT q.plain AND r.outcome = ANY (p_outcomes) AND (p_class IS NULL OR r.class = p_class)
  )
  SELECT p.total,
         CASE WHEN NOT p.total THEN
           CASE q.grouped_by WHEN 'rep' THEN coalesce(d.rep, '__none__') WHEN 'team' THEN coalesce(d.team, '__none__') WHEN 'segment' THEN d.segment
                             WHEN 'tier' THEN d.tier WHEN 'origin' THEN coalesce(d.origin, '__none__') WHEN 'product' THEN p.family
                             WHEN 'period' THEN (q.subs[width_bucket(d.at, q.bounds)]).label END END,
         CASE WHEN NOT p.total AND q.bounds IS NOT NULL THEN width_bucket(d.at, q.bounds) END,
         d.deal_id, d.account_id, d.class, d.origin, d.money * p.portion, d.credit, extract(epoch FROM d.at - d.created_at)::float8 / 86400,
         d.rep IS NULL, d.backcast, d.money / nullif(d.credit, 0), d.amount IS NOT NULL AND d.money IS NULL
  FROM deal d
  CROSS JOIN LATERAL (
    SELECT true AS total, NULL::text AS family,
           CASE WHEN q.product IS NULL OR d.families = '{}' THEN 1 ELSE d.weights[array_position(d.families, q.product)] END AS portion
    UNION ALL
    SELECT false, NULL, CASE WHEN q.product IS NULL OR d.families = '{}' THEN 1 ELSE d.weights[array_position(d.families, q.product)] END
    WHERE q.grouped_by <> 'product'
    UNION ALL
    SELECT false, f.family, f.weight
    FROM unnest(CASE WHEN d.families = '{}' THEN '{unspecified}' ELSE d.families END, CASE WHEN d.families = '{}' THEN '{1}' ELSE d.weights END)
         AS f(family, weight)
    WHERE q.grouped_by = 'product' AND (q.product IS NULL OR f.family = q.product)) p;
END
$$;
COMMENT ON FUNCTION pl.placed_won IS 'deals won (or otherwise decided) in the period, all or of one class, once for the total and once for each group they are in';

CREATE FUNCTION pl.placed_open(q pl.metric_query) RETURNS SETOF pl.placed_deal
LANGUAGE plpgsql STABLE SET plan_cache_mode = force_custom_plan SET jit = off SET work_mem = '64MB' AS $$
BEGIN
  RETURN QUERY
  WITH deal AS (
    SELECT true AS total, NULL::int AS period, d.* FROM pl.open_rows(q, q.stock_at) d
    UNION ALL
    SELECT false, i.period, d.* FROM pl.stock_instants(q) i, pl.open_rows(q, i.at) d WHERE q.grouped_by IS NOT NULL
  )
  SELECT d.total,
         CASE WHEN NOT d.total THEN
           CASE q.grouped_by WHEN 'rep' THEN coalesce(d.rep, '__none__') WHEN 'team' THEN coalesce(d.team, '__none__') WHEN 'segment' THEN d.segment
                             WHEN 'tier' THEN d.tier WHEN 'origin' THEN coalesce(d.origin, '__none__') WHEN 'product' THEN f.family
                             WHEN 'period' THEN (q.subs[d.period]).label END END,
         d.period, d.deal_id, d.account_id, d.class, d.origin, d.money * f.weight, d.credit, NULL::float8, d.rep IS NULL, d.backcast, d.money / nullif(d.credit, 0),
         d.amount IS NOT NULL AND d.money IS NULL
  FROM deal d
  CROSS JOIN LATERAL (
    SELECT NULL::text AS family, pl.counted_portion(q, d.families, d.weights) AS weight WHERE d.total OR q.grouped_by <> 'product'
    UNION ALL
    SELECT u.family, u.weight
    FROM unnest(CASE WHEN d.families = '{}' THEN '{unspecified}' ELSE d.families END, CASE WHEN d.families = '{}' THEN '{1}' ELSE d.weights END)
         AS u(family, weight)
    WHERE NOT d.total AND q.grouped_by = 'product' AND (q.product IS NULL OR u.family = q.product)) f;
END
$$;
COMMENT ON FUNCTION pl.placed_open IS 'deals open when the stock is taken, once for the total and once for each group (and sub-period''s end) they are in';

CREATE FUNCTION pl.answer_places(q pl.metric_query, p_keys text[]) RETURNS TABLE (total boolean, key text, period int)
LANGUAGE plpgsql STABLE AS $$
BEGIN
  RETURN QUERY SELECT * FROM pl.blank_places(q, ARRAY(SELECT DISTINCT k FROM (SELECT unnest(q.groups) AS k UNION SELECT unnest(p_keys)) x
                                                      WHERE k IS NOT NULL ORDER BY k));
END
$$;
COMMENT ON FUNCTION pl.answer_places IS 'the places of an answer: total, the listed groups, and those that have rows';
