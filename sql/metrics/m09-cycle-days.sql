-- M09: days from creation to winning (decided=all: to the decision), median and 90th percentile.

CREATE FUNCTION pl.metric_cycle_days(q pl.metric_query, f pl.facts) RETURNS SETOF pl.metric_row
LANGUAGE plpgsql STABLE SET plan_cache_mode = force_custom_plan SET jit = off SET work_mem = '64MB' AS $$
BEGIN
  RETURN QUERY
  WITH deal AS (
    SELECT p.total, coalesce(p.key, '') AS key, coalesce(p.period, 0) AS period, p.class, p.no_owner, p.backcast, p.days, p.credit
    FROM pl.placed_won(q, NULL, CASE q.decided WHEN 'all' THEN '{won,lost}' ELSE '{won}' END::text[]) p
  ), part AS MATERIALIZED (
    SELECT d.total, d.key, d.period,
           percentile_cont('{0.5,0.9}'::float8[]) WITHIN GROUP (ORDER BY d.days) FILTER (WHERE d.days >= 0) AS days,
           sum(d.credit) FILTER (WHERE d.days >= 0) AS n, sum(d.credit) FILTER (WHERE d.days < 0) AS bad_dates,
           percentile_cont('{0.5,0.9}'::float8[]) WITHIN GROUP (ORDER BY d.days) FILTER (WHERE d.days >= 0 AND d.class = 'on') AS days_on,
           sum(d.credit) FILTER (WHERE d.days >= 0 AND d.class = 'on') AS n_on,
           percentile_cont('{0.5,0.9}'::float8[]) WITHIN GROUP (ORDER BY d.days) FILTER (WHERE d.days >= 0 AND d.class = 'off') AS days_off,
           sum(d.credit) FILTER (WHERE d.days >= 0 AND d.class = 'off') AS n_off,
           sum(d.credit) FILTER (WHERE d.class = 'unknown') AS n_unknown,
           sum(d.credit) FILTER (WHERE d.days >= 0 AND d.class = 'unknown') AS n_unknown_counted, count(*) FILTER (WHERE d.no_owner) AS no_owner,
           count(*) FILTER (WHERE d.backcast) AS backcast
    FROM deal d GROUP BY d.total, d.key, d.period
  )
  SELECT a.total, a.key, a.period, p.days[1]::numeric, p.days[1]::numeric, NULL::numeric, coalesce(p.n, 0), NULL::numeric[],
         CASE WHEN coalesce(p.n, 0) = 0 THEN 'empty_denominator' END,
         pl.excluded(q, coalesce(p.n_unknown, 0), 0, 0, 0, coalesce(p.no_owner, 0)),
         pl.quality(q, coalesce(p.n, 0) - coalesce(p.n_unknown_counted, 0), coalesce(p.n_unknown_counted, 0), coalesce(p.backcast, 0)),
         '{}'::json,
         json_build_object('median', round(p.days[1]::numeric, 6), 'p90', round(p.days[2]::numeric, 6),
           'on', json_build_object('median', round(p.days_on[1]::numeric, 6), 'p90', round(p.days_on[2]::numeric, 6), 'n', trim_scale(coalesce(p.n_on, 0))),
           'off', json_build_object('median', round(p.days_off[1]::numeric, 6), 'p90', round(p.days_off[2]::numeric, 6), 'n', trim_scale(coalesce(p.n_off, 0))),
           'bad_dates', trim_scale(coalesce(p.bad_dates, 0)))
  FROM pl.answer_places(q, ARRAY(SELECT DISTINCT x.key FROM part x WHERE NOT x.total)) a
  LEFT JOIN part p ON (p.total, p.key, p.period) = (a.total, coalesce(a.key, ''), coalesce(a.period, 0));
END
$$;

INSERT INTO pl.metric (key, id, name, formula, unit, terms, basis, groupings, nulls, note, needs, core, drill, adds) VALUES
  ('cycle_days', 'M09', 'Sales cycle', 'median of (closed_at − created_at) in days; also the 90th percentile, for on- and off-strategy deals', 'days', 'number',
   'deals won with closed_at in the period; decided=all: won or lost', '{rep,team,segment,product,tier,origin,period}', 'nothing won: empty_denominator',
   'Percentiles interpolate (type 7). Deals closed before they were created are counted in parts.bad_dates and left out. A reopened deal lasts to its last closing.', '{}', NULL, 'closed',
   'the value is the median of their days; below 0: left out');
