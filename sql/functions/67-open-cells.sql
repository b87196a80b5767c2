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

CREATE FUNCTION pl.open_rows(q pl.metric_query, p_at timestamptz) RETURNS SETOF pl.deal_row
LANGUAGE plpgsql STABLE SET plan_cache_mode = force_custom_plan SET jit = off SET work_mem = '64MB' AS $$
DECLARE
  -- The state at the end of today is the state now.
  v_as_of timestamptz := CASE WHEN q.as_of IS NOT NULL OR p_at < q.upto THEN p_at END;
  v_rows  pl.deal_row[];
BEGIN
  v_rows := ARRAY(
    SELECT (d.deal_id, d.name, 'open', p_at, d.created_at, d.rep, d.team, d.account_id, d.strategy, d.segment, d.tier, d.class, d.reason,
            d.backcast, d.amount, d.currency,
            CASE WHEN q.currency IS NOT DISTINCT FROM q.reporting THEN d.money ELSE
              pl.convert(q.org, d.amount, d.currency, q.currency, pl.local_date(p_at, q.zone), v_as_of, q.known_at) END,
            1::numeric, d.probability, d.origin, d.families, d.weights, d.expected_close)::pl.deal_row
    FROM pl.open_deals(q.org, v_as_of, q.known_at, q.fit_basis) d);
  RETURN QUERY
  SELECT r.* FROM unnest(pl.credited(q, v_rows)) r
  WHERE pl.within(q, r.rep, r.team, r.segment, r.tier, r.origin, r.families);
END
$$;
COMMENT ON FUNCTION pl.open_rows IS 'deals open at an instant, judged then and priced at that day''s rate (METRICS.md M03, R6)';

CREATE FUNCTION pl.open_sums(q pl.metric_query) RETURNS SETOF pl.deal_cell
LANGUAGE plpgsql STABLE SET plan_cache_mode = force_custom_plan SET jit = off SET work_mem = '64MB' AS $$
BEGIN
  RETURN QUERY
  WITH keyed AS (
    SELECT i.period,
           CASE q.grouped_by WHEN 'rep' THEN coalesce(d.rep, '__none__') WHEN 'team' THEN coalesce(d.team, '__none__') WHEN 'segment' THEN d.segment
                     WHEN 'tier' THEN d.tier WHEN 'origin' THEN coalesce(d.origin, '__none__') END AS key,
           d.class, CASE WHEN q.with_segment THEN d.segment END AS segment,
           CASE WHEN NOT q.with_family THEN '{unspecified}' WHEN d.families = '{}' THEN '{unspecified}' ELSE d.families END AS families,
           CASE WHEN NOT q.with_family THEN '{1}' WHEN d.families = '{}' THEN '{1}' ELSE d.weights END AS weights,
           d.money, d.amount, d.credit, d.probability, d.rep IS NULL AS no_owner, d.backcast
    FROM pl.stock_instants(q) i, pl.open_rows(q, i.at) d
  ), part AS (
    SELECT k.*, unnest(k.families) AS family, unnest(k.weights) AS weight, generate_subscripts(k.families, 1) AS place FROM keyed k
  ), chosen AS (
    SELECT p.*, q.grouped_by = 'product' OR q.product IS NOT NULL OR p.place = 1 AS counts,
           CASE WHEN q.grouped_by = 'product' OR q.product IS NOT NULL THEN p.money * p.weight ELSE p.money END AS whole,
           p.money * p.weight AS of_family
    FROM part p
    WHERE q.product IS NULL OR p.family = q.product
  )
  SELECT false, CASE WHEN q.grouped_by = 'product' THEN c.family ELSE c.key END, c.period, 'open'::text, c.class, c.segment, c.family,
         sum(c.credit) FILTER (WHERE c.counts), coalesce(sum(c.credit) FILTER (WHERE c.counts AND c.money IS NOT NULL), 0),
         coalesce(sum(c.whole) FILTER (WHERE c.counts), 0), coalesce(sum(c.of_family), 0), max(c.whole) FILTER (WHERE c.counts),
         coalesce(sum(c.whole * c.probability) FILTER (WHERE c.counts), 0),
         (count(*) FILTER (WHERE c.counts AND c.probability IS NULL))::numeric,
         (count(*) FILTER (WHERE c.counts AND c.money IS NULL AND c.amount IS NOT NULL))::numeric,
         (count(*) FILTER (WHERE c.counts AND c.amount IS NULL))::numeric,
         (count(*) FILTER (WHERE c.counts AND c.no_owner))::numeric, (count(*) FILTER (WHERE c.counts AND c.backcast))::numeric
  FROM chosen c
  GROUP BY 2, c.period, c.class, c.segment, c.family;
END
$$;
COMMENT ON FUNCTION pl.open_sums IS 'open deals summed to cells of groups (no totals yet)';

CREATE FUNCTION pl.created_sums(q pl.metric_query) RETURNS SETOF pl.deal_cell
LANGUAGE plpgsql STABLE SET plan_cache_mode = force_custom_plan SET jit = off SET work_mem = '64MB' AS $$
BEGIN
  RETURN QUERY
  WITH part AS (
    SELECT CASE q.grouped_by WHEN 'rep' THEN coalesce(d.rep, '__none__') WHEN 'team' THEN coalesce(d.team, '__none__') WHEN 'segment' THEN d.segment
                     WHEN 'tier' THEN d.tier WHEN 'origin' THEN coalesce(d.origin, '__none__') END AS key,
           CASE WHEN q.bounds IS NOT NULL THEN width_bucket(d.at, q.bounds) END AS period,
           d.class, CASE WHEN q.with_segment THEN d.segment END AS segment, f.family, f.weight, f.place,
           d.money, d.amount, d.credit, d.rep IS NULL AS no_owner, d.backcast
    FROM pl.created_deals(q, q.start_at, q.end_at) d,
         unnest(CASE WHEN d.families = '{}' THEN '{unspecified}' ELSE d.families END,
                CASE WHEN d.families = '{}' THEN '{1}' ELSE d.weights END) WITH ORDINALITY AS f(family, weight, place)
    WHERE (q.with_family OR f.place = 1) AND (q.product IS NULL OR f.family = q.product)
  ), chosen AS (
    SELECT p.*, q.grouped_by = 'product' OR q.product IS NOT NULL OR p.place = 1 AS counts,
           CASE WHEN q.grouped_by = 'product' OR q.product IS NOT NULL THEN p.money * p.weight ELSE p.money END AS whole
    FROM part p
  )
  SELECT false, CASE WHEN q.grouped_by = 'product' THEN c.family ELSE c.key END, c.period, 'created'::text, c.class, c.segment,
         CASE WHEN q.with_family THEN c.family ELSE 'unspecified' END,
         sum(c.credit) FILTER (WHERE c.counts), coalesce(sum(c.credit) FILTER (WHERE c.counts AND c.money IS NOT NULL), 0),
         coalesce(sum(c.whole) FILTER (WHERE c.counts), 0), coalesce(sum(c.money * c.weight), 0), max(c.whole) FILTER (WHERE c.counts),
         0::numeric, 0::numeric,
         (count(*) FILTER (WHERE c.counts AND c.money IS NULL AND c.amount IS NOT NULL))::numeric,
         (count(*) FILTER (WHERE c.counts AND c.amount IS NULL))::numeric,
         (count(*) FILTER (WHERE c.counts AND c.no_owner))::numeric, (count(*) FILTER (WHERE c.counts AND c.backcast))::numeric
  FROM chosen c
  GROUP BY 2, c.period, c.class, c.segment, 7;
END
$$;
COMMENT ON FUNCTION pl.created_sums IS 'deals created in the period summed to cells of groups (no totals yet)';
