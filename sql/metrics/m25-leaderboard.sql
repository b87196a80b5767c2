-- M25: rates side by side, without small numbers leading or trailing by luck.

-- One group's rate in cases: k of n.
CREATE TYPE pl.case_rate AS (total boolean, key text, period int, k numeric, n numeric);

CREATE FUNCTION pl.cases(m pl.metric, r pl.metric_row, OUT k numeric, OUT n numeric)
LANGUAGE plpgsql IMMUTABLE AS $$
BEGIN
  IF m.terms = 'count' THEN
    k := r.numerator;
    n := r.denominator;
  ELSIF r.forms -> 'count' IS NOT NULL THEN
    k := (r.forms #>> '{count,numerator}')::numeric;
    n := (r.forms #>> '{count,denominator}')::numeric;
  ELSE
    k := (r.parts #>> '{on,n}')::numeric;
    n := k + (r.parts #>> '{off,n}')::numeric;
  END IF;
END
$$;
COMMENT ON FUNCTION pl.cases IS 'a rate in cases: numerator and denominator of a rate of counts; of a share of money its form by count, else its deals on strategy of those on and off';

CREATE FUNCTION pl.metric_leaderboard(q pl.metric_query, f pl.facts) RETURNS SETOF pl.metric_row
LANGUAGE plpgsql STABLE AS $$
DECLARE
  m          pl.metric;
  v_rows     pl.metric_row[];
  v_k        numeric[];
  v_n        numeric[];
  v_strength numeric;
  v_prior    numeric;
BEGIN
  SELECT * INTO m FROM pl.metric x WHERE x.key = q.metric;
  v_rows := ARRAY(SELECT r FROM pl.metric_rows(q.metric, q, f) r);
  SELECT array_agg(c.k), array_agg(c.n), pl.ratio(sum(c.k), sum(c.n)) INTO v_k, v_n, v_prior
  FROM unnest(v_rows) r CROSS JOIN LATERAL pl.cases(m, r::pl.metric_row) c WHERE NOT r.total;
  v_strength := pl.shrinkage_strength(v_k, v_n);
  RETURN QUERY
  WITH rate AS MATERIALIZED (
    SELECT r.*, c.k, c.n AS cases, pl.ratio(c.k, c.n) AS raw, pl.wilson(c.k, c.n) AS bounds,
           CASE WHEN c.n > 0 THEN pl.shrunk(c.k, c.n, v_prior, v_strength) END AS shrunk,
           NOT r.total AND c.n > 0 AND (c.n >= q.min_n OR q.include_low_n) AND (q.rank = 'shrunk' OR q.credit <> 'split') AS ranked
    FROM unnest(v_rows) r CROSS JOIN LATERAL pl.cases(m, r::pl.metric_row) c
  ), placed AS (
    SELECT r.*, CASE WHEN r.ranked THEN
                  rank() OVER (PARTITION BY r.ranked, CASE WHEN q.grouped_by <> 'period' THEN r.period END ORDER BY round(CASE q.rank WHEN 'wilson_low' THEN r.bounds[1] ELSE r.shrunk END, 12) DESC) END AS place
    FROM rate r
  )
  SELECT p.total, p.key, p.period, CASE WHEN p.total THEN p.raw WHEN q.rank = 'wilson_low' THEN p.bounds[1] ELSE p.shrunk END, p.k, p.cases, p.cases, p.bounds,
         CASE WHEN coalesce(p.cases, 0) = 0 THEN 'empty_denominator' END, p.excluded, p.quality, '{}'::json,
         json_build_object('rank', p.place, 'raw', round(p.raw, 6), 'shrunk', round(CASE WHEN NOT p.total THEN p.shrunk END, 6),
                           'wilson_low', CASE WHEN q.credit <> 'split' THEN round(p.bounds[1], 6) END,
                           'wilson_high', CASE WHEN q.credit <> 'split' THEN round(p.bounds[2], 6) END,
                           'prior', round(v_prior, 6), 'strength', round(v_strength, 6))
  FROM placed p;
END
$$;

CREATE FUNCTION pl.drill_inner(q pl.metric_query, m pl.metric) RETURNS SETOF pl.drill_row
LANGUAGE plpgsql STABLE AS $$
DECLARE
  i pl.metric;
BEGIN
  SELECT * INTO i FROM pl.metric x WHERE x.key = q.metric;
  RETURN QUERY SELECT * FROM pl.drill_rows(q, i);
END
$$;
COMMENT ON FUNCTION pl.drill_inner IS 'the rows behind the metric that this one looks at';

INSERT INTO pl.metric (key, id, name, formula, unit, terms, basis, groupings, nulls, note, needs, core, drill, adds) VALUES
  ('leaderboard', 'M25', 'Leaderboard', 'shrunk = (k + M · p₀) / (n + M), p₀ the pooled rate, M by moments over the groups; rank=wilson_low: the lower bound instead',
   'fraction', 'count', 'as the metric that is ranked: metric=, default win_rate; of a share of money the deals are counted', '{rep,team,period}', 'as the metric that is ranked',
   'parts.rank: 1 is best, ties share a rank; rows below min_n have none unless include_low_n=true. parts give raw rate, bounds, p₀ (prior) and M (strength). '
   'Under credit=split there are no bounds, and no rank by them. by=period: the sub-periods against each other.',
   '{metric}', NULL, 'inner', 'as those of the metric that is ranked');
