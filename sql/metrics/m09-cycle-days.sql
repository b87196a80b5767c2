-- M09: days from creation to winning, median and 90th percentile.

CREATE TYPE pl.placed_deal AS (total boolean, key text, period int, part numeric, deal pl.deal_row);

CREATE FUNCTION pl.placed_deals(q pl.metric_query, p_deals pl.deal_row[]) RETURNS SETOF pl.placed_deal
LANGUAGE plpgsql STABLE SET plan_cache_mode = force_custom_plan SET jit = off SET work_mem = '64MB' AS $$
BEGIN
  RETURN QUERY
  WITH d AS MATERIALIZED (
    SELECT x AS deal, CASE WHEN x.families = '{}' THEN '{unspecified}' ELSE x.families END AS families,
           CASE WHEN x.families = '{}' THEN '{1}' ELSE x.weights END AS weights
    FROM unnest(p_deals) x
  )
  SELECT true, NULL::text, NULL::int,
         CASE WHEN q.product IS NULL THEN 1 ELSE d.weights[array_position(d.families, q.product)] END, d.deal
  FROM d
  UNION ALL
  SELECT false, CASE q.grouped_by WHEN 'rep' THEN coalesce((d.deal).rep, '__none__') WHEN 'team' THEN coalesce((d.deal).team, '__none__')
                     WHEN 'segment' THEN (d.deal).segment WHEN 'tier' THEN (d.deal).tier WHEN 'origin' THEN coalesce((d.deal).origin, '__none__')
                     WHEN 'product' THEN f.family WHEN 'period' THEN (q.subs[width_bucket((d.deal).at, q.bounds)]).label END,
         CASE WHEN q.bounds IS NOT NULL THEN width_bucket((d.deal).at, q.bounds) END,
         CASE WHEN q.grouped_by = 'product' OR q.product IS NOT NULL THEN f.weight ELSE 1 END, d.deal
  FROM d
  CROSS JOIN LATERAL unnest(d.families, d.weights) WITH ORDINALITY AS f(family, weight, place)
  WHERE q.grouped_by IS NOT NULL AND CASE WHEN q.product IS NOT NULL THEN f.family = q.product ELSE q.grouped_by = 'product' OR f.place = 1 END;
END
$$;
COMMENT ON FUNCTION pl.placed_deals IS 'each deal in the total and in its group (in each of its families when by=product), with the part of its money that counts there';

CREATE FUNCTION pl.answer_places(q pl.metric_query, p_keys text[]) RETURNS TABLE (total boolean, key text, period int)
LANGUAGE plpgsql STABLE AS $$
BEGIN
  RETURN QUERY SELECT * FROM pl.blank_places(q, ARRAY(SELECT DISTINCT k FROM (SELECT unnest(q.groups) AS k UNION SELECT unnest(p_keys)) x
                                                      WHERE k IS NOT NULL ORDER BY k));
END
$$;
COMMENT ON FUNCTION pl.answer_places IS 'the places of an answer: total, the listed groups, and those that have rows';

CREATE FUNCTION pl.metric_cycle_days(q pl.metric_query, f pl.facts) RETURNS SETOF pl.metric_row
LANGUAGE plpgsql STABLE SET plan_cache_mode = force_custom_plan SET jit = off AS $$
DECLARE
  v_won    pl.deal_row[] := ARRAY(SELECT d FROM pl.closed_deals(q, q.start_at, q.end_at) d WHERE d.outcome = 'won');
  v_placed pl.placed_deal[] := ARRAY(SELECT p FROM pl.placed_deals(q, v_won) p);
BEGIN
  RETURN QUERY
  WITH deal AS MATERIALIZED (
    SELECT p.total, p.key, p.period, (p.deal).class AS class, (p.deal).rep IS NULL AS no_owner, (p.deal).backcast AS backcast,
           extract(epoch FROM (p.deal).at - (p.deal).created_at)::float8 / 86400 AS days
    FROM unnest(v_placed) p
  ), part AS (
    SELECT d.total, d.key, d.period,
           percentile_cont(0.5) WITHIN GROUP (ORDER BY d.days) FILTER (WHERE d.days >= 0) AS median,
           percentile_cont(0.9) WITHIN GROUP (ORDER BY d.days) FILTER (WHERE d.days >= 0) AS p90,
           count(*) FILTER (WHERE d.days >= 0) AS n, count(*) FILTER (WHERE d.days < 0) AS bad_dates,
           percentile_cont(0.5) WITHIN GROUP (ORDER BY d.days) FILTER (WHERE d.days >= 0 AND d.class = 'on') AS median_on,
           percentile_cont(0.9) WITHIN GROUP (ORDER BY d.days) FILTER (WHERE d.days >= 0 AND d.class = 'on') AS p90_on,
           count(*) FILTER (WHERE d.days >= 0 AND d.class = 'on') AS n_on,
           percentile_cont(0.5) WITHIN GROUP (ORDER BY d.days) FILTER (WHERE d.days >= 0 AND d.class = 'off') AS median_off,
           percentile_cont(0.9) WITHIN GROUP (ORDER BY d.days) FILTER (WHERE d.days >= 0 AND d.class = 'off') AS p90_off,
           count(*) FILTER (WHERE d.days >= 0 AND d.class = 'off') AS n_off,
           count(*) FILTER (WHERE d.class = 'unknown') AS n_unknown, count(*) FILTER (WHERE d.no_owner) AS no_owner,
           count(*) FILTER (WHERE d.backcast) AS backcast
    FROM deal d GROUP BY d.total, d.key, d.period
  )
  SELECT a.total, a.key, a.period, p.median::numeric, p.median::numeric, NULL::numeric, coalesce(p.n, 0)::numeric, NULL::numeric[],
         CASE WHEN coalesce(p.n, 0) = 0 THEN 'empty_denominator' END,
         pl.excluded(q, coalesce(p.n_unknown, 0), 0, 0, 0, coalesce(p.no_owner, 0)),
         pl.quality(q, (coalesce(p.n, 0) - coalesce(p.n_unknown, 0))::numeric, coalesce(p.n_unknown, 0), coalesce(p.backcast, 0)), '{}'::json,
         json_build_object('median', round(p.median::numeric, 6), 'p90', round(p.p90::numeric, 6),
           'on', json_build_object('median', round(p.median_on::numeric, 6), 'p90', round(p.p90_on::numeric, 6), 'n', coalesce(p.n_on, 0)),
           'off', json_build_object('median', round(p.median_off::numeric, 6), 'p90', round(p.p90_off::numeric, 6), 'n', coalesce(p.n_off, 0)),
           'bad_dates', coalesce(p.bad_dates, 0))
  FROM pl.answer_places(q, ARRAY(SELECT DISTINCT x.key FROM unnest(v_placed) x)) a
  LEFT JOIN part p ON p.total = a.total AND p.key IS NOT DISTINCT FROM a.key AND p.period IS NOT DISTINCT FROM a.period;
END
$$;

INSERT INTO pl.metric (key, id, name, formula, unit, terms, basis, groupings, nulls, note, needs, core, drill) VALUES
  ('cycle_days', 'M09', 'Sales cycle', 'median of (closed_at − created_at) in days; also the 90th percentile, for on- and off-strategy deals', 'days', 'number',
   'deals won with closed_at in the period', '{rep,team,segment,product,tier,origin,period}', 'nothing won: empty_denominator',
   'Percentiles interpolate (type 7). Deals closed before they were created are counted in parts.bad_dates and left out.', '{}', NULL, 'closed');
