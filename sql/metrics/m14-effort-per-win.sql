-- M14: what a win takes: hours for each, and cost for each unit of money won; everything spent in the period counts, on lost deals and
-- on accounts without a deal too.

CREATE TYPE pl.effort AS (
  total boolean, key text, period int, class text, hours numeric, estimated numeric, cost numeric, no_cost_hours numeric, wins numeric, won numeric, priced numeric
);

CREATE FUNCTION pl.efforts(p_hours pl.hour_cell[], p_deals pl.deal_cell[]) RETURNS SETOF pl.effort
LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
  SELECT x.total, x.key, x.period, x.class, sum(x.hours), sum(x.estimated), sum(x.cost), sum(x.no_cost_hours), sum(x.wins), sum(x.won), sum(x.priced)
  FROM (SELECT c.total, c.key, c.period, c.class, c.hours, c.estimated, c.cost, c.no_cost_hours, 0::numeric AS wins, 0::numeric AS won, 0::numeric AS priced
        FROM unnest(p_hours) c WHERE c.linked
        UNION ALL
        SELECT d.total, d.key, d.period, d.class, 0, 0, 0, 0, d.n, d.money, d.priced FROM unnest(p_deals) d WHERE d.outcome = 'won') x
  GROUP BY x.total, x.key, x.period, x.class
$$;
COMMENT ON FUNCTION pl.efforts IS 'hours, cost, wins and won money by class, one row a place and class';

CREATE FUNCTION pl.effort_part(q pl.metric_query, e pl.effort) RETURNS json
LANGUAGE sql STABLE AS $$
  SELECT json_build_object('hours', round(coalesce(e.hours, 0), 6), 'wins', trim_scale(coalesce(e.wins, 0)), 'hours_per_win', round(pl.ratio(e.hours, e.wins), 6),
                           'cost', CASE WHEN e.hours > e.no_cost_hours THEN pl.money_text(e.cost, q.currency) END,
                           'won', pl.money_text(coalesce(e.won, 0), q.currency),
                           'cost_of_sale', CASE WHEN e.hours > e.no_cost_hours AND e.won > 0 THEN round(pl.ratio(e.cost, e.won), 6) END)
$$;
COMMENT ON FUNCTION pl.effort_part IS 'hours, cost, wins and won money of one class, and what a win takes there; cost null without any cost rate';

-- Of known classes, as everywhere; what cannot be classed is a part of its own.
CREATE FUNCTION pl.effort_rows(q pl.metric_query, f pl.facts, p_cost boolean) RETURNS SETOF pl.metric_row
LANGUAGE plpgsql STABLE AS $$
BEGIN
  RETURN QUERY
  WITH effort AS MATERIALIZED (
    SELECT * FROM pl.efforts(f.hours, f.closed)
  ), known AS (
    SELECT e.total, coalesce(e.key, '') AS key, coalesce(e.period, 0) AS period, sum(e.hours) AS hours, sum(e.estimated) AS estimated, sum(e.cost) AS cost,
           sum(e.no_cost_hours) AS no_cost_hours, sum(e.wins) AS wins, sum(e.won) AS won, sum(e.priced) AS priced
    FROM effort e WHERE e.class IN ('on', 'off') GROUP BY 1, 2, 3
  ), place AS (
    SELECT s.total, s.key, s.period, s.n_unknown, s.money_unknown, s.unpriced, s.no_amount, s.no_owner, s.backcast + h.backcast AS backcast,
           h.unattributed, h.h_on + h.h_off AS linked, h.h_unknown, coalesce(k.hours, 0) AS hours, coalesce(k.wins, 0) AS wins, coalesce(k.won, 0) AS won,
           coalesce(k.no_cost_hours, 0) AS no_cost_hours, coalesce(k.priced, 0) AS priced,
           CASE WHEN k.hours > k.no_cost_hours THEN k.cost END AS cost, coalesce(pl.ratio(k.estimated, k.hours), 0) AS estimated
    FROM pl.shares(f.closed, 'won') s
    JOIN pl.hour_shares(f.hours) h ON (h.total, coalesce(h.key, ''), coalesce(h.period, 0)) = (s.total, coalesce(s.key, ''), coalesce(s.period, 0))
    LEFT JOIN known k ON (k.total, k.key, k.period) = (s.total, coalesce(s.key, ''), coalesce(s.period, 0))
  )
  SELECT p.total, p.key, p.period, CASE WHEN p_cost THEN v.cost ELSE v.effort END, CASE WHEN p_cost THEN p.cost ELSE p.hours END,
         CASE WHEN p_cost THEN p.won ELSE p.wins END, CASE WHEN p_cost THEN p.priced ELSE p.wins END, NULL::numeric[],
         CASE WHEN p_cost AND p.cost IS NULL THEN 'no_cost_rate' WHEN p_cost THEN pl.money_reason(p.won, p.priced) WHEN p.wins = 0 THEN 'empty_denominator' END,
         pl.with_member(pl.excluded(q, p.n_unknown, p.money_unknown, p.unpriced, p.no_amount, p.no_owner, p.unattributed), 'no_cost_rate',
                        to_json(round(p.no_cost_hours, 6))),
         pl.quality(q, p.linked, p.h_unknown, p.backcast, p.estimated > 0.5),
         json_build_object('effort_per_win', json_build_object('value', round(v.effort, 6), 'numerator', round(p.hours, 6), 'denominator', trim_scale(p.wins),
                                                               'n', trim_scale(p.wins)),
                           'cost_of_sale', json_build_object('value', round(v.cost, 6), 'numerator', pl.money_text(p.cost, q.currency),
                                                             'denominator', pl.money_text(p.won, q.currency), 'n', trim_scale(p.priced))),
         json_build_object('on', pl.effort_part(q, o), 'off', pl.effort_part(q, x), 'unknown', pl.effort_part(q, u),
                           'estimated_share', round(p.estimated, 6))
  FROM place p
  LEFT JOIN effort o ON o.class = 'on' AND (o.total, coalesce(o.key, ''), coalesce(o.period, 0)) = (p.total, coalesce(p.key, ''), coalesce(p.period, 0))
  LEFT JOIN effort x ON x.class = 'off' AND (x.total, coalesce(x.key, ''), coalesce(x.period, 0)) = (p.total, coalesce(p.key, ''), coalesce(p.period, 0))
  LEFT JOIN effort u ON u.class = 'unknown' AND (u.total, coalesce(u.key, ''), coalesce(u.period, 0)) = (p.total, coalesce(p.key, ''), coalesce(p.period, 0))
  CROSS JOIN LATERAL (SELECT pl.ratio(p.hours, p.wins) AS effort, CASE WHEN p.won > 0 THEN pl.ratio(p.cost, p.won) END AS cost) v;
END
$$;
COMMENT ON FUNCTION pl.effort_rows IS 'hours per win, or (p_cost) cost per money won, each the other''s form (METRICS.md M14)';

CREATE FUNCTION pl.metric_effort_per_win(q pl.metric_query, f pl.facts) RETURNS SETOF pl.metric_row
LANGUAGE sql STABLE AS $$ SELECT * FROM pl.effort_rows(q, f, false) $$;

INSERT INTO pl.metric (key, id, name, formula, unit, terms, basis, groupings, nulls, note, needs, core, drill, narrows) VALUES
  ('effort_per_win', 'M14', 'Hours per win', 'hours / wins, of accounts of known class', 'hours_per_win', 'hours',
   'counted activities that started in the period, on lost deals and accounts without a deal too; deals won with closed_at in it', '{rep,team,segment,tier,period}',
   'no win: empty_denominator, the hours are in numerator', 'forms.cost_of_sale: hours × the rep''s cost rate then / won money; hours of reps without a rate are in '
   'excluded.no_cost_rate. n: wins. parts: by class. estimated_share above one half: quality low.', '{closed,hours,cost}', NULL, 'effort', '{segment,tier}');
