-- M02: what selling off strategy takes: hours, money, and the part of all selling time.

CREATE FUNCTION pl.metric_off_strategy_investment(q pl.metric_query, f pl.facts) RETURNS SETOF pl.metric_row
LANGUAGE plpgsql STABLE AS $$
BEGIN
  RETURN QUERY
  WITH cost AS MATERIALIZED (
    SELECT c.total, coalesce(c.key, '') AS key, coalesce(c.period, 0) AS period,
           sum(c.cost) FILTER (WHERE c.linked AND c.class = 'off') AS off_cost, sum(c.cost) FILTER (WHERE c.linked AND c.class = 'on') AS on_cost,
           coalesce(sum(c.no_cost_hours) FILTER (WHERE c.linked AND c.class = 'off'), 0) AS off_without,
           coalesce(sum(c.no_cost_hours) FILTER (WHERE c.linked AND c.class = 'on'), 0) AS on_without,
           coalesce(sum(c.no_cost_hours) FILTER (WHERE c.linked AND c.class IN ('on', 'off')), 0) AS without
    FROM unnest(f.hours) c GROUP BY 1, 2, 3
  )
  SELECT s.total, s.key, s.period, pl.ratio(s.h_off, s.h_on + s.h_off), s.h_off, s.h_on + s.h_off, s.n, NULL::numeric[],
         CASE WHEN s.h_on + s.h_off = 0 THEN 'empty_denominator' END,
         pl.with_member(pl.excluded(q, s.n_unknown, 0, 0, 0, s.no_rep, s.unattributed), 'no_cost_rate', to_json(round(c.without, 6))),
         pl.quality(q, s.h_on + s.h_off, s.h_unknown, s.backcast, coalesce(e.estimated > 0.5, false)),
         json_build_object('share', round(pl.ratio(s.h_off, s.h_on + s.h_off), 6), 'hours', round(s.h_off, 6), 'cost', x.off_cost),
         json_build_object('off', json_build_object('hours', round(s.h_off, 6), 'cost', x.off_cost),
                           'on', json_build_object('hours', round(s.h_on, 6), 'cost', x.on_cost),
                           'unattributed_share', round(e.unattributed, 6), 'estimated_share', round(e.estimated, 6))
  FROM pl.hour_shares(f.hours) s
  JOIN cost c ON (c.total, c.key, c.period) = (s.total, coalesce(s.key, ''), coalesce(s.period, 0))
  CROSS JOIN LATERAL pl.hour_reserves(s) e
  CROSS JOIN LATERAL (SELECT CASE WHEN s.h_off > c.off_without THEN pl.money_text(c.off_cost, q.currency) END AS off_cost,
                             CASE WHEN s.h_on > c.on_without THEN pl.money_text(c.on_cost, q.currency) END AS on_cost) x;
END
$$;

INSERT INTO pl.metric (key, id, name, formula, unit, terms, basis, groupings, nulls, note, needs, core, drill, narrows) VALUES
  ('off_strategy_investment', 'M02', 'Off-strategy investment', 'hours off strategy / (on + off); cost: hours × the rep''s cost rate then', 'fraction', 'hours',
   'counted activities that started in the period', '{rep,team,segment,tier,period}', 'no hours with known accounts: empty_denominator; cost without any cost rate: null',
   'forms: the share, the hours and their cost. Hours of reps without a cost rate are in excluded.no_cost_rate and not in cost. '
   'estimated_share above one half: quality low.', '{hours,cost}', NULL, 'investment', '{segment,tier}');
