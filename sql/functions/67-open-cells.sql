-- Open deals as cells: a stock, taken at one instant, or at the end of each sub-period.

CREATE FUNCTION pl.stock_instants(q pl.metric_query) RETURNS TABLE (period int, at timestamptz)
LANGUAGE plpgsql STABLE AS $$
BEGIN
  IF q.subs IS NULL THEN
    RETURN QUERY SELECT NULL::int, q.stock_at;
  ELSE
    -- A sub-period that has not begun has no stock.
    RETURN QUERY SELECT s.n::int, least(s.end_at - interval '1 microsecond', q.upto)
                 FROM unnest(q.subs) WITH ORDINALITY AS s(label, start_at, end_at, n) WHERE s.start_at <= q.upto;
  END IF;
END
$$;
COMMENT ON FUNCTION pl.stock_instants IS 'when a stock is taken: at the end of the period (of each sub-period), at as_of when that comes first';

CREATE FUNCTION pl.open_then(q pl.metric_query, p_at timestamptz) RETURNS SETOF pl.deal_row
LANGUAGE plpgsql STABLE SET plan_cache_mode = force_custom_plan SET jit = off SET work_mem = '64MB' AS $$
DECLARE
  v_judged timestamptz := CASE WHEN q.fit_basis = 'current' THEN q.upto ELSE p_at END;
  v_scoped text[] := ARRAY(SELECT DISTINCT f.team_id FROM pl.strategy_spans(q.org, NULL, NULL) f);
  v_day    date := pl.local_date(p_at, q.zone);
  v_rates  jsonb := pl.day_rates(q.org, q.currency, v_day);
BEGIN
  RETURN QUERY
  WITH force AS MATERIALIZED (
    SELECT f.team_id, f.strategy_id FROM pl.strategy_spans(q.org, NULL, NULL) f WHERE v_judged >= f.valid_from AND v_judged < f.valid_to
  ), deal AS (
    SELECT s.*, t.team_id AS team, coalesce(t.backcast, false) AS team_backcast,
           CASE WHEN t.team_id = ANY (v_scoped) THEN t.team_id ELSE '' END AS scope
    FROM open_span s
    LEFT JOIN rep_team t ON t.org_id = q.org AND t.rep_id = s.owner AND p_at >= t.valid_from AND p_at < t.valid_to
    WHERE s.org_id = q.org AND s.valid_to > p_at AND s.valid_from <= p_at
  ), ruled AS (
    SELECT d.*, CASE WHEN q.fit_basis LIKE 'restated:%' THEN q.basis ELSE f.strategy_id END AS strategy
    FROM deal d LEFT JOIN force f ON f.team_id = d.scope
  )
  SELECT r.deal_id, NULL::text, 'open'::text, p_at, NULL::timestamptz, r.owner, r.team, r.account_id, r.strategy, coalesce(a.segment, 'unknown'),
         coalesce(a.tier, 'unknown'), coalesce(a.class, 'unknown'),
         CASE WHEN r.account_id IS NULL THEN 'no_account' WHEN r.strategy IS NULL THEN 'no_strategy' WHEN a.class IS NULL THEN 'no_account' ELSE a.reason END,
         r.backcast OR r.team_backcast OR coalesce(a.backcast, false), r.amount, r.currency,
         CASE WHEN r.currency IS NULL OR r.currency = q.currency THEN r.amount
              ELSE pl.converted(v_rates, q.org, r.amount, r.currency, q.currency, v_day) END,
         1::numeric, r.probability, r.origin, r.families, r.weights, r.expected_close
  FROM ruled r
  LEFT JOIN account_fit a ON a.org_id = q.org AND a.strategy_id = r.strategy AND a.account_id = r.account_id
                         AND v_judged >= a.valid_from AND v_judged < a.valid_to
  WHERE q.credit <> 'at_event' OR pl.within(q, r.owner, r.team, coalesce(a.segment, 'unknown'), coalesce(a.tier, 'unknown'), r.origin, r.families);
END
$$;
COMMENT ON FUNCTION pl.open_then IS
  'deals open at an instant as known now, judged then, set-wise from open_span: the verdict is that of pl.judge, which a test holds it to';

CREATE FUNCTION pl.open_rows(q pl.metric_query, p_at timestamptz) RETURNS SETOF pl.deal_row
LANGUAGE plpgsql STABLE SET plan_cache_mode = force_custom_plan SET jit = off SET work_mem = '64MB' AS $$
DECLARE
  v_rows pl.deal_row[];
BEGIN
  IF q.as_of IS NULL AND q.known_at IS NULL AND q.credit = 'at_event' THEN
    RETURN QUERY SELECT * FROM pl.open_then(q, p_at);
    RETURN;
  ELSIF q.as_of IS NULL AND q.known_at IS NULL THEN
    v_rows := ARRAY(SELECT r FROM pl.open_then(q, p_at) r);
  ELSE
    v_rows := ARRAY(
      SELECT (d.deal_id, d.name, 'open', p_at, d.created_at, d.rep, d.team, d.account_id, d.strategy, d.segment, d.tier, d.class, d.reason,
              d.backcast, d.amount, d.currency,
              CASE WHEN q.currency IS NOT DISTINCT FROM q.reporting THEN d.money ELSE
                pl.convert(q.org, d.amount, d.currency, q.currency, pl.local_date(p_at, q.zone), p_at, q.known_at) END,
              1::numeric, d.probability, d.origin, d.families, d.weights, d.expected_close)::pl.deal_row
      FROM pl.open_deals(q.org, p_at, q.known_at, q.fit_basis) d);
  END IF;
  RETURN QUERY
  SELECT r.* FROM unnest(pl.credited(q, v_rows)) r
  WHERE pl.within(q, r.rep, r.team, r.segment, r.tier, r.origin, r.families);
END
$$;
COMMENT ON FUNCTION pl.open_rows IS
  'deals open at an instant, judged then and priced at that day''s rate (METRICS.md M03, R6): as known now, or, asked as_of or known_at, as it was known then';

CREATE FUNCTION pl.open_sums(q pl.metric_query) RETURNS SETOF pl.deal_cell
LANGUAGE plpgsql STABLE SET plan_cache_mode = force_custom_plan SET jit = off SET work_mem = '64MB' AS $$
BEGIN
  RETURN QUERY
  WITH alike AS (
    SELECT CASE q.grouped_by WHEN 'rep' THEN coalesce(d.rep, '__none__') WHEN 'team' THEN coalesce(d.team, '__none__') WHEN 'segment' THEN d.segment
                             WHEN 'tier' THEN d.tier WHEN 'origin' THEN coalesce(d.origin, '__none__') END AS key,
           i.period, d.class, CASE WHEN q.with_segment THEN d.segment END AS segment,
           CASE WHEN NOT q.with_family THEN '{unspecified}' WHEN d.families = '{}' THEN '{unspecified}' ELSE d.families END AS families,
           CASE WHEN NOT q.with_family THEN '{1}' WHEN d.families = '{}' THEN '{1}' ELSE d.weights END AS weights,
           CASE WHEN q.credit = 'split' THEN sum(d.credit) ELSE count(*)::numeric END AS n,
           CASE WHEN q.credit = 'split' THEN coalesce(sum(d.credit) FILTER (WHERE d.money IS NOT NULL), 0) ELSE count(d.money)::numeric END AS priced,
           sum(d.money) AS money, sum(d.money * d.probability) AS weighted, CASE WHEN q.credit <> 'split' THEN max(d.money) END AS largest,
           coalesce(sum(d.credit) FILTER (WHERE d.probability IS NULL), 0) AS no_probability,
           coalesce(sum(d.credit) FILTER (WHERE d.money IS NULL AND d.amount IS NOT NULL), 0) AS unpriced,
           coalesce(sum(d.credit) FILTER (WHERE d.amount IS NULL), 0) AS no_amount, count(*) FILTER (WHERE d.rep IS NULL) AS no_owner,
           count(*) FILTER (WHERE d.backcast) AS backcast
    FROM pl.stock_instants(q) i, pl.open_rows(q, i.at) d
    GROUP BY 1, i.period, d.class, 4, 5, 6
  ), part AS (
    SELECT a.*, unnest(a.families) AS family, unnest(a.weights) AS weight, generate_subscripts(a.families, 1) AS place FROM alike a
  ), chosen AS (
    SELECT p.*, q.grouped_by = 'product' OR q.product IS NOT NULL OR p.place = 1 AS counts,
           CASE WHEN q.grouped_by = 'product' OR q.product IS NOT NULL THEN p.weight ELSE 1 END AS portion
    FROM part p
    WHERE q.product IS NULL OR p.family = q.product
  )
  SELECT false, CASE WHEN q.grouped_by = 'product' THEN c.family ELSE c.key END, c.period, 'open'::text, c.class, c.segment, c.family,
         coalesce(sum(c.n) FILTER (WHERE c.counts), 0), coalesce(sum(c.priced) FILTER (WHERE c.counts), 0),
         coalesce(sum(c.money * c.portion) FILTER (WHERE c.counts), 0), coalesce(sum(c.money * c.weight), 0),
         max(c.largest * c.portion) FILTER (WHERE c.counts), coalesce(sum(c.weighted * c.portion) FILTER (WHERE c.counts), 0),
         coalesce(sum(c.no_probability) FILTER (WHERE c.counts), 0), coalesce(sum(c.unpriced) FILTER (WHERE c.counts), 0),
         coalesce(sum(c.no_amount) FILTER (WHERE c.counts), 0), coalesce(sum(c.no_owner) FILTER (WHERE c.counts), 0),
         coalesce(sum(c.backcast) FILTER (WHERE c.counts), 0)
  FROM chosen c
  GROUP BY 2, c.period, c.class, c.segment, c.family;
END
$$;
COMMENT ON FUNCTION pl.open_sums IS 'open deals summed to cells of groups (no totals yet)';

CREATE FUNCTION pl.created_sums(q pl.metric_query) RETURNS SETOF pl.deal_cell
LANGUAGE plpgsql STABLE SET plan_cache_mode = force_custom_plan SET jit = off SET work_mem = '64MB' AS $$
DECLARE
  v_plain boolean := q.plain AND q.created_amount <> 'first';
  v_on    date := pl.local_date(q.upto, q.zone);
  v_rates jsonb := CASE WHEN v_plain THEN pl.day_rates(q.org, q.currency, v_on) END;
BEGIN
  RETURN QUERY
  WITH deal AS (
    -- The common question reads the fact table straight (an index range of created_at); any other one goes the long way round.
    SELECT f.created_rep AS rep, f.created_team AS team, f.created_segment AS segment, f.created_tier AS tier, f.created_class AS class,
           f.created_backcast AS backcast, f.created_at AS at, f.amount,
           CASE WHEN f.closed_at IS NOT NULL THEN f.money
                WHEN f.currency IS NULL OR f.currency = q.currency THEN f.amount
                ELSE pl.converted(v_rates, q.org, f.amount, f.currency, q.currency, v_on) END AS money,
           1::numeric AS credit, f.probability, f.origin, f.families, f.weights
    FROM deal_fact f
    WHERE v_plain AND f.org_id = q.org AND f.created_at >= q.start_at AND f.created_at < q.end_at
      AND pl.within(q, f.created_rep, f.created_team, f.created_segment, f.created_tier, f.origin, f.families)
    UNION ALL
    SELECT r.rep, r.team, r.segment, r.tier, r.class, r.backcast, r.at, r.amount, r.money, r.credit, r.probability, r.origin, r.families, r.weights
    FROM pl.created_deals(q, q.start_at, q.end_at) r
    WHERE NOT v_plain
  ), alike AS (
    SELECT CASE q.grouped_by WHEN 'rep' THEN coalesce(d.rep, '__none__') WHEN 'team' THEN coalesce(d.team, '__none__') WHEN 'segment' THEN d.segment
                             WHEN 'tier' THEN d.tier WHEN 'origin' THEN coalesce(d.origin, '__none__') END AS key,
           CASE WHEN q.bounds IS NOT NULL THEN width_bucket(d.at, q.bounds) END AS period,
           d.class, CASE WHEN q.with_segment THEN d.segment END AS segment,
           CASE WHEN NOT q.with_family THEN '{unspecified}' WHEN d.families = '{}' THEN '{unspecified}' ELSE d.families END AS families,
           CASE WHEN NOT q.with_family THEN '{1}' WHEN d.families = '{}' THEN '{1}' ELSE d.weights END AS weights,
           sum(d.credit) AS n, coalesce(sum(d.credit) FILTER (WHERE d.money IS NOT NULL), 0) AS priced,
           sum(d.money) AS money, sum(d.money * d.probability) AS weighted, CASE WHEN q.credit <> 'split' THEN max(d.money) END AS largest,
           coalesce(sum(d.credit) FILTER (WHERE d.probability IS NULL), 0) AS no_probability,
           coalesce(sum(d.credit) FILTER (WHERE d.money IS NULL AND d.amount IS NOT NULL), 0) AS unpriced,
           coalesce(sum(d.credit) FILTER (WHERE d.amount IS NULL), 0) AS no_amount,
           (count(*) FILTER (WHERE d.rep IS NULL))::numeric AS no_owner, (count(*) FILTER (WHERE d.backcast))::numeric AS backcast
    FROM deal d
    GROUP BY 1, 2, d.class, 4, 5, 6
  ), part AS (
    SELECT a.*, unnest(a.families) AS family, unnest(a.weights) AS weight, generate_subscripts(a.families, 1) AS place FROM alike a
  ), chosen AS (
    SELECT p.*, q.grouped_by = 'product' OR q.product IS NOT NULL OR p.place = 1 AS counts,
           CASE WHEN q.grouped_by = 'product' OR q.product IS NOT NULL THEN p.weight ELSE 1 END AS portion
    FROM part p
    WHERE q.product IS NULL OR p.family = q.product
  )
  SELECT false, CASE WHEN q.grouped_by = 'product' THEN c.family ELSE c.key END, c.period, 'created'::text, c.class, c.segment, c.family,
         coalesce(sum(c.n) FILTER (WHERE c.counts), 0), coalesce(sum(c.priced) FILTER (WHERE c.counts), 0),
         coalesce(sum(c.money * c.portion) FILTER (WHERE c.counts), 0), coalesce(sum(c.money * c.weight), 0),
         max(c.largest * c.portion) FILTER (WHERE c.counts), coalesce(sum(c.weighted * c.portion) FILTER (WHERE c.counts), 0),
         coalesce(sum(c.no_probability) FILTER (WHERE c.counts), 0), coalesce(sum(c.unpriced) FILTER (WHERE c.counts), 0),
         coalesce(sum(c.no_amount) FILTER (WHERE c.counts), 0), coalesce(sum(c.no_owner) FILTER (WHERE c.counts), 0),
         coalesce(sum(c.backcast) FILTER (WHERE c.counts), 0)
  FROM chosen c
  GROUP BY 2, c.period, c.class, c.segment, c.family;
END
$$;
COMMENT ON FUNCTION pl.created_sums IS 'deals created in the period summed to cells of groups (no totals yet)';
