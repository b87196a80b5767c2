-- Deals summed to cells: one reading of the rows serves every metric of a question.

CREATE FUNCTION pl.closed_sums(q pl.metric_query) RETURNS SETOF pl.deal_cell
LANGUAGE plpgsql STABLE SET plan_cache_mode = force_custom_plan SET jit = off SET work_mem = '64MB' AS $$
BEGIN
  RETURN QUERY
  WITH deal AS (
    -- The common question reads the fact table straight (an index range of closed_at); any other one goes the long way round.
    SELECT f.closed_rep AS rep, f.closed_team AS team, f.closed_segment AS segment, f.closed_tier AS tier, f.closed_class AS class,
           f.closed_backcast AS backcast, f.closed_at AS at, pl.outcome_counted(q, f.outcome, f.lost_reason) AS outcome, f.amount, f.money, 1::numeric AS credit, f.origin, f.families, f.weights
    FROM deal_fact f
    WHERE q.plain AND f.org_id = q.org AND f.closed_at >= q.start_at AND f.closed_at < q.end_at AND f.outcome IN ('won', 'lost')
      AND pl.within(q, f.closed_rep, f.closed_team, f.closed_segment, f.closed_tier, f.origin, f.families)
    UNION ALL
    SELECT r.rep, r.team, r.segment, r.tier, r.class, r.backcast, r.at, r.outcome, r.amount, r.money, r.credit, r.origin, r.families, r.weights
    FROM pl.closed_deals(q, q.start_at, q.end_at) r
    WHERE NOT q.plain
  ), alike AS (
    -- Deals of the same place and lines are summed first, so that only few rows are taken apart by family.
    SELECT CASE q.grouped_by WHEN 'rep' THEN coalesce(d.rep, '__none__') WHEN 'team' THEN coalesce(d.team, '__none__') WHEN 'segment' THEN d.segment
                             WHEN 'tier' THEN d.tier WHEN 'origin' THEN coalesce(d.origin, '__none__') END AS key,
           CASE WHEN q.bounds IS NOT NULL THEN width_bucket(d.at, q.bounds) END AS period,
           d.outcome, d.class, CASE WHEN q.with_segment THEN d.segment END AS segment,
           CASE WHEN NOT q.with_family THEN '{unspecified}' WHEN d.families = '{}' THEN '{unspecified}' ELSE d.families END AS families,
           CASE WHEN NOT q.with_family THEN '{1}' WHEN d.families = '{}' THEN '{1}' ELSE d.weights END AS weights,
           CASE WHEN q.credit = 'split' THEN sum(d.credit) ELSE count(*)::numeric END AS n,
           CASE WHEN q.credit = 'split' THEN coalesce(sum(d.credit) FILTER (WHERE d.money IS NOT NULL), 0) ELSE count(d.money)::numeric END AS priced,
           sum(d.money) AS money, CASE WHEN q.credit <> 'split' THEN max(d.money) END AS largest,
           CASE WHEN q.credit = 'split' THEN coalesce(sum(d.credit) FILTER (WHERE d.money IS NULL AND d.amount IS NOT NULL), 0)
                ELSE (count(*) FILTER (WHERE d.money IS NULL AND d.amount IS NOT NULL))::numeric END AS unpriced,
           CASE WHEN q.credit = 'split' THEN coalesce(sum(d.credit) FILTER (WHERE d.amount IS NULL), 0)
                ELSE (count(*) FILTER (WHERE d.amount IS NULL))::numeric END AS no_amount,
           count(*) FILTER (WHERE d.rep IS NULL) AS no_owner, count(*) FILTER (WHERE d.backcast) AS backcast
    FROM deal d
    WHERE NOT (q.exclude_nonpositive AND coalesce(d.amount <= 0, false))
    GROUP BY 1, 2, d.outcome, d.class, 5, 6, 7
  ), part AS (
    SELECT a.*, unnest(a.families) AS family, unnest(a.weights) AS weight, generate_subscripts(a.families, 1) AS place FROM alike a
  ), chosen AS (
    -- Asked about products, a deal counts in each family with the money of that family; else once, whole, in its first family.
    SELECT p.*, q.grouped_by = 'product' OR q.product IS NOT NULL OR p.place = 1 AS counts,
           CASE WHEN q.grouped_by = 'product' OR q.product IS NOT NULL THEN p.weight ELSE 1 END AS portion
    FROM part p
    WHERE q.product IS NULL OR p.family = q.product
  )
  SELECT false, CASE WHEN q.grouped_by = 'product' THEN c.family ELSE c.key END, c.period, c.outcome, c.class, c.segment, c.family,
         coalesce(sum(c.n) FILTER (WHERE c.counts), 0), coalesce(sum(c.priced) FILTER (WHERE c.counts), 0),
         coalesce(sum(c.money * c.portion) FILTER (WHERE c.counts), 0), coalesce(sum(c.money * c.weight), 0),
         max(c.largest * c.portion) FILTER (WHERE c.counts), 0::numeric, 0::numeric,
         coalesce(sum(c.unpriced) FILTER (WHERE c.counts), 0), coalesce(sum(c.no_amount) FILTER (WHERE c.counts), 0),
         coalesce(sum(c.no_owner) FILTER (WHERE c.counts), 0), coalesce(sum(c.backcast) FILTER (WHERE c.counts), 0)
  FROM chosen c
  GROUP BY 2, c.period, c.outcome, c.class, c.segment, c.family;
END
$$;
COMMENT ON FUNCTION pl.closed_sums IS 'deals decided in the period, summed to cells of groups (no totals yet)';

CREATE FUNCTION pl.blank_cells(q pl.metric_query, p_keys text[]) RETURNS pl.deal_cell[]
LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE AS $$
BEGIN
  RETURN ARRAY(
    SELECT (total, key, period, NULL, NULL, NULL, NULL, 0, 0, 0, 0, NULL, 0, 0, 0, 0, 0, 0)::pl.deal_cell FROM pl.blank_places(q, p_keys));
END
$$;

CREATE FUNCTION pl.blank_places(q pl.metric_query, p_keys text[]) RETURNS TABLE (total boolean, key text, period int)
LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE AS $$
BEGIN
  total := true;
  RETURN NEXT;
  total := false;
  IF q.grouped_by = 'period' THEN
    RETURN QUERY SELECT false, s.label, s.n::int FROM unnest(q.subs) WITH ORDINALITY AS s(label, start_at, end_at, n);
  ELSIF q.subs IS NULL THEN
    RETURN QUERY SELECT false, k, NULL::int FROM unnest(p_keys) k;
  ELSE
    RETURN QUERY SELECT false, k, s.n::int FROM unnest(p_keys) k, unnest(q.subs) WITH ORDINALITY AS s(label, start_at, end_at, n);
  END IF;
END
$$;
COMMENT ON FUNCTION pl.blank_places IS 'every row an answer has: the total, and each key (in each sub-period), whether or not anything happened there';

CREATE FUNCTION pl.with_totals(q pl.metric_query, p_groups pl.deal_cell[], p_whole pl.deal_cell[]) RETURNS pl.deal_cell[]
LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE AS $$
BEGIN
  RETURN pl.blank_cells(q, q.groups)
    || CASE WHEN q.grouped_by IS NULL THEN '{}' WHEN q.grouped_by <> 'period' THEN p_groups ELSE
         ARRAY(SELECT (false, (q.subs[c.period]).label, c.period, c.outcome, c.class, c.segment, c.family, c.n, c.priced, c.money, c.family_money,
                       c.largest, c.weighted, c.no_probability, c.unpriced, c.no_amount, c.no_owner, c.backcast)::pl.deal_cell
               FROM unnest(p_groups) c) END
    || ARRAY(SELECT (true, NULL, NULL, c.outcome, c.class, c.segment, c.family, sum(c.n), sum(c.priced), sum(c.money), sum(c.family_money),
                     max(c.largest), sum(c.weighted), sum(c.no_probability), sum(c.unpriced), sum(c.no_amount), sum(c.no_owner),
                     sum(c.backcast))::pl.deal_cell
             FROM unnest(p_whole) c GROUP BY c.outcome, c.class, c.segment, c.family);
END
$$;
COMMENT ON FUNCTION pl.with_totals IS 'cells of groups, the same summed to the total, and blanks for groups without anything';
