-- M27: any metric over time: each sub-period, its step from the one before, a rolling figure, and the slope of all.

-- A value in its series. run: what the series is of (a group, or null for the whole).
CREATE TYPE pl.trend_point AS (
  run text, period int, value numeric, numerator numeric, denominator numeric, n numeric, difference numeric, rolling numeric, slope numeric, points bigint
);

CREATE FUNCTION pl.is_quotient(m pl.metric) RETURNS boolean
LANGUAGE sql STABLE AS $$ SELECT m.adds IS NULL OR m.drill = 'conduct' $$;
COMMENT ON FUNCTION pl.is_quotient IS 'the value is numerator / denominator, and both add up over time (of M21 those of the first component)';

CREATE FUNCTION pl.trend_points(q pl.metric_query, m pl.metric, p_rows pl.metric_row[]) RETURNS SETOF pl.trend_point
LANGUAGE plpgsql STABLE AS $$
DECLARE
  v_back     int := q.rolling - 1;
  v_quotient boolean := pl.is_quotient(m);
BEGIN
  RETURN QUERY
  WITH point AS MATERIALIZED (
    SELECT CASE WHEN q.grouped_by <> 'period' THEN r.key END AS run, r.period, r.value, r.numerator, r.denominator, r.n
    FROM unnest(p_rows) r WHERE NOT r.total
  ), slope AS (
    -- Least squares over the places of the values there are; fewer than three say nothing.
    SELECT coalesce('g' || s.run, '') AS series, s.n AS points, CASE WHEN s.n >= 3 THEN pl.ratio(s.n * s.xy - s.x * s.y, s.n * s.xx - s.x * s.x) END AS slope
    FROM (SELECT p.run, count(p.value) AS n, sum(x.place) AS x, sum(p.value) AS y, sum(x.place * p.value) AS xy, sum(x.place * x.place) AS xx
          FROM point p CROSS JOIN LATERAL (SELECT CASE WHEN p.value IS NOT NULL THEN p.period::numeric END AS place) x
          GROUP BY p.run) s
  )
  SELECT p.run, p.period, p.value, p.numerator, p.denominator, p.n, p.value - p.before,
         -- Where values are quotients the rolling one is that of the sums, of sub-periods without a value too (hours without a win, a credit without
         -- a sale): it is what the metric would say of them together. Else it is the mean of the values.
         CASE WHEN NOT v_quotient THEN p.mean WHEN p.denominators > 0 THEN pl.ratio(p.numerators, p.denominators) END, s.slope, s.points
  FROM (SELECT o.*, lag(o.value) OVER (PARTITION BY o.run ORDER BY o.period) AS before,
               sum(o.numerator) OVER w AS numerators, sum(o.denominator) OVER w AS denominators,
               avg(o.value) OVER w AS mean
        FROM point o WINDOW w AS (PARTITION BY o.run ORDER BY o.period ROWS BETWEEN v_back PRECEDING AND CURRENT ROW)) p
  JOIN slope s ON s.series = coalesce('g' || p.run, '');
END
$$;
COMMENT ON FUNCTION pl.trend_points IS 'a metric''s rows by sub-period as series, with difference, rolling figure and least-squares slope per sub-period (METRICS.md M27)';

CREATE FUNCTION pl.metric_trend(q pl.metric_query, f pl.facts) RETURNS SETOF pl.metric_row
LANGUAGE plpgsql STABLE SET jit = off AS $$
DECLARE
  i       pl.metric;
  v_rows  pl.metric_row[] := ARRAY(SELECT r FROM pl.metric_rows(q.metric, q, f) r);
  v_whole pl.metric_query := q;
  v_all   pl.metric_row[] := v_rows;
BEGIN
  SELECT * INTO i FROM pl.metric x WHERE x.key = q.metric;
  IF q.grouped_by <> 'period' THEN
    v_whole.grouped_by := 'period';
    v_whole.groups := '{}';
    v_all := ARRAY(SELECT r FROM pl.metric_rows(q.metric, v_whole,
                                                pl.facts_of(v_whole, pl.metric_needs(i, jsonb_build_object('weight', q.weight, 'over', q.over)))) r);
  END IF;
  RETURN QUERY
  WITH series AS MATERIALIZED (
    SELECT max(t.slope) AS slope, max(t.points) AS points,
           json_agg(json_build_object('key', (q.subs[t.period]).label, 'value', pl.written(t.value, i.unit, q.currency),
                                      'difference', pl.written(t.difference, i.unit, q.currency), 'rolling', pl.written(t.rolling, i.unit, q.currency),
                                      'n', pl.written(t.n, 'count', NULL)) ORDER BY t.period) AS keys
    FROM pl.trend_points(v_whole, i, v_all) t
  )
  SELECT r.total, r.key, r.period, r.value, r.numerator, r.denominator, r.n, r.ci, r.reason, r.excluded, r.quality, r.forms,
         CASE WHEN r.total THEN json_build_object('metric', q.metric, 'granularity', q.granularity, 'slope', pl.written(s.slope, i.unit, q.currency),
                                                  'points', s.points, 'keys', s.keys)
              ELSE json_build_object('difference', pl.written(t.difference, i.unit, q.currency), 'rolling', pl.written(t.rolling, i.unit, q.currency),
                                     'slope', pl.written(t.slope, i.unit, q.currency), 'points', t.points) END
  FROM unnest(v_rows) r
  CROSS JOIN series s
  LEFT JOIN pl.trend_points(q, i, v_rows) t ON NOT r.total AND t.period = r.period AND coalesce(t.run, '') = CASE WHEN q.grouped_by <> 'period' THEN r.key ELSE '' END;
END
$$;

INSERT INTO pl.metric (key, id, name, formula, unit, terms, basis, groupings, nulls, note, needs, core, drill, adds) VALUES
  ('trend', 'M27', 'Trend', 'the metric (metric=) in each sub-period (granularity=, default month), its difference to the one before, a rolling figure over the last rolling= (default 3), '
   'and the least-squares slope', 'fraction', 'number', 'as the metric, which also says by what it can be grouped', '{rep,team,segment,product,tier,origin,period}',
   'a sub-period without value stays null, and so do the differences to it; slope of fewer than three values: null',
   'The slope is per sub-period, over the parts.points values there are. rolling: where the metric is a quotient, that of the sums, of sub-periods without a value too; else the mean of the values there are. '
   'The total is the metric over the whole period; its parts.keys the series of the whole.', '{metric}', NULL, 'inner', 'as those of the metric');
