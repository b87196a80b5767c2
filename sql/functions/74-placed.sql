-- Won (or decided, or open) deals one by one, each in the places of the answer it belongs to: for what sums cannot tell (percentiles, sizes, effort).

CREATE TYPE pl.placed_deal AS (
  total boolean, key text, period int, deal_id text, account_id text, class text, origin text, money numeric, credit numeric, days float8, no_owner boolean,
  backcast boolean, whole numeric, unpriced boolean
);
COMMENT ON TYPE pl.placed_deal IS
  'money: the part of the deal that counts in this place (that of one family, when asked about products; that of the rep, under split credit). whole: all of it. unpriced: there is an amount, but no rate for it';

CREATE FUNCTION pl.shared_deals(q pl.metric_query, p_from timestamptz, p_to timestamptz) RETURNS TABLE (of_total boolean, deal pl.deal_row)
LANGUAGE plpgsql STABLE SET plan_cache_mode = force_custom_plan SET jit = off SET work_mem = '64MB' AS $$
BEGIN
  IF q.credit <> 'split' THEN
    RETURN QUERY SELECT NULL::boolean, r::pl.deal_row FROM pl.closed_deals(q, p_from, p_to) r;
    RETURN;
  END IF;
  RETURN QUERY
  WITH part AS MATERIALIZED (
    SELECT t.total, r.*, CASE WHEN t.total THEN NULL WHEN q.grouped_by = 'rep' THEN r.rep WHEN q.grouped_by = 'team' THEN r.team END AS place
    FROM pl.closed_deals(q, p_from, p_to) r, (VALUES (true), (false)) AS t(total)
  ), shared AS (
    SELECT p.total, p.deal_id, p.place, min(p.rep) AS rep, sum(p.amount) AS amount, sum(p.money) AS money, sum(p.credit) AS credit
    FROM part p GROUP BY p.total, p.deal_id, p.place
  )
  SELECT s.total, (p.deal_id, p.name, p.outcome, p.at, p.created_at, p.rep, p.team, p.account_id, p.strategy, p.segment, p.tier, p.class, p.reason, p.backcast,
                   s.amount, p.currency, s.money, s.credit, p.probability, p.origin, p.families, p.weights, p.expected_close)::pl.deal_row
  FROM shared s
  JOIN part p ON p.total = s.total AND p.deal_id = s.deal_id AND p.place IS NOT DISTINCT FROM s.place AND p.rep IS NOT DISTINCT FROM s.rep;
END
$$;
COMMENT ON FUNCTION pl.shared_deals IS
  'deals decided in [p_from, p_to), each once: under split credit the parts of those who share a deal make one row of the total (of_total) and one of '
  'each group (not of_total), with the credit they have there together; under any other credit of_total is null, a row stands for both';

CREATE FUNCTION pl.placed_won(q pl.metric_query, p_class text DEFAULT NULL, p_outcomes text[] DEFAULT '{won}') RETURNS SETOF pl.placed_deal
LANGUAGE plpgsql STABLE SET plan_cache_mode = force_custom_plan SET jit = off SET work_mem = '64MB' AS $$
BEGIN
  RETURN QUERY
  WITH deal AS (
    SELECT f.deal_id, f.closed_account AS account_id, f.closed_rep AS rep, f.closed_team AS team, f.closed_segment AS segment, f.closed_tier AS tier, f.closed_class AS class,
           f.closed_backcast AS backcast, f.closed_at AS at, f.created_at, f.amount, f.money, 1::numeric AS credit, f.origin, f.families, f.weights,
           NULL::boolean AS of_total
    FROM deal_fact f
    WHERE q.plain AND f.org_id = q.org AND f.closed_at >= q.start_at AND f.closed_at < q.end_at
      AND pl.outcome_counted(q, f.outcome, f.lost_reason) = ANY (p_outcomes) AND NOT (q.exclude_nonpositive AND coalesce(f.amount <= 0, false))
      AND (p_class IS NULL OR f.closed_class = p_class)
      AND pl.within(q, f.closed_rep, f.closed_team, f.closed_segment, f.closed_tier, f.origin, f.families)
    UNION ALL
    SELECT r.deal_id, r.account_id, r.rep, r.team, r.segment, r.tier, r.class, r.backcast, r.at, r.created_at, r.amount, r.money, r.credit, r.origin, r.families, r.weights,
           s.of_total
    FROM pl.shared_deals(q, q.start_at, q.end_at) s, LATERAL (SELECT (s.deal).*) r
    WHERE NOT q.plain AND r.outcome = ANY (p_outcomes) AND (p_class IS NULL OR r.class = p_class)
  )
  SELECT p.total,
         CASE WHEN NOT p.total THEN
           CASE q.grouped_by WHEN 'rep' THEN coalesce(d.rep, '__none__') WHEN 'team' THEN coalesce(d.team, '__none__') WHEN 'segment' THEN d.segment
                             WHEN 'tier' THEN d.tier WHEN 'origin' THEN coalesce(d.origin, '__none__') WHEN 'product' THEN p.family
                             WHEN 'period' THEN (q.subs[width_bucket(d.at, q.bounds)]).label END END,
         CASE WHEN NOT p.total AND q.bounds IS NOT NULL THEN width_bucket(d.at, q.bounds) END,
         d.deal_id, d.account_id, d.class, d.origin, d.money * p.portion, d.credit, extract(epoch FROM pl.cycle(d.created_at, d.at, q.zone))::float8 / 86400,
         d.rep IS NULL, d.backcast, d.money / nullif(d.credit, 0), d.amount IS NOT NULL AND d.money IS NULL
  FROM deal d
  CROSS JOIN LATERAL (
    SELECT true AS total, NULL::text AS family,
           CASE WHEN q.product IS NULL OR d.families = '{}' THEN 1 ELSE d.weights[array_position(d.families, q.product)] END AS portion
    WHERE d.of_total IS NOT FALSE
    UNION ALL
    SELECT false, NULL, CASE WHEN q.product IS NULL OR d.families = '{}' THEN 1 ELSE d.weights[array_position(d.families, q.product)] END
    WHERE q.grouped_by <> 'product' AND d.of_total IS NOT TRUE
    UNION ALL
    SELECT false, f.family, f.weight
    FROM unnest(CASE WHEN d.families = '{}' THEN '{unspecified}' ELSE d.families END, CASE WHEN d.families = '{}' THEN '{1}' ELSE d.weights END)
         AS f(family, weight)
    WHERE q.grouped_by = 'product' AND d.of_total IS NOT TRUE AND (q.product IS NULL OR f.family = q.product)) p;
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
