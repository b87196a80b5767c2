-- M15: is time ahead of money (a bet on the new) or money ahead of time.

CREATE FUNCTION pl.metric_focus_gap(q pl.metric_query, f pl.facts) RETURNS SETOF pl.metric_row
LANGUAGE plpgsql STABLE AS $$
BEGIN
  RETURN QUERY
  WITH spent AS (
    SELECT c.total, coalesce(c.key, '') AS key, coalesce(c.period, 0) AS period, c.segment, sum(c.hours) AS amount
    FROM unnest(f.hours) c WHERE c.linked AND c.segment <> 'unknown' GROUP BY 1, 2, 3, 4
  ), earned AS (
    SELECT c.total, coalesce(c.key, '') AS key, coalesce(c.period, 0) AS period, c.segment, sum(c.money) AS amount
    FROM unnest(f.closed) c WHERE c.outcome = 'won' AND c.segment <> 'unknown' GROUP BY 1, 2, 3, 4
  ), gap AS MATERIALIZED (
    SELECT x.total, x.key, x.period,
           json_agg(json_build_object('key', x.segment, 'time', round(x.spent, 6), 'money', round(x.earned, 6), 'gap', round(x.spent - x.earned, 6))
                    ORDER BY x.segment COLLATE "C") AS segments
    FROM (SELECT coalesce(s.total, e.total) AS total, coalesce(s.key, e.key) AS key, coalesce(s.period, e.period) AS period,
                 coalesce(s.segment, e.segment) AS segment,
                 pl.ratio(coalesce(s.amount, 0), sum(s.amount) OVER w) AS spent, pl.ratio(coalesce(e.amount, 0), sum(e.amount) OVER w) AS earned
          FROM spent s FULL JOIN earned e ON (e.total, e.key, e.period, e.segment) = (s.total, s.key, s.period, s.segment)
          WINDOW w AS (PARTITION BY coalesce(s.total, e.total), coalesce(s.key, e.key), coalesce(s.period, e.period))) x
    GROUP BY x.total, x.key, x.period
  )
  SELECT s.total, s.key, s.period, v.time - v.money, NULL::numeric, NULL::numeric, least(h.n, s.priced_on + s.priced_off), NULL::numeric[],
         CASE WHEN v.time IS NULL OR v.money IS NULL THEN 'empty_denominator' END,
         pl.excluded(q, s.n_unknown, s.money_unknown, s.unpriced, s.no_amount, s.no_owner, h.unattributed),
         pl.quality(q, s.money_on + s.money_off, s.money_unknown, s.backcast + h.backcast), '{}'::json,
         json_build_object('time', round(v.time, 6), 'money', round(v.money, 6), 'segments', coalesce(g.segments, '[]'))
  FROM pl.shares(f.closed, 'won') s
  JOIN pl.hour_shares(f.hours) h ON (h.total, coalesce(h.key, ''), coalesce(h.period, 0)) = (s.total, coalesce(s.key, ''), coalesce(s.period, 0))
  LEFT JOIN gap g ON (g.total, g.key, g.period) = (s.total, coalesce(s.key, ''), coalesce(s.period, 0))
  CROSS JOIN LATERAL (SELECT pl.ratio(h.h_on, h.h_on + h.h_off) AS time,
                             CASE WHEN s.money_on + s.money_off > 0 THEN pl.ratio(s.money_on, s.money_on + s.money_off) END AS money) v;
END
$$;

INSERT INTO pl.metric (key, id, name, formula, unit, terms, basis, groupings, nulls, note, needs, core, drill) VALUES
  ('focus_gap', 'M15', 'Focus gap', 'selling_time_share − bookings_share; parts.segments: share of time − share of money by segment', 'fraction', 'number',
   'activities and won deals of the same period', '{rep,team,segment,period}', 'either share null: empty_denominator',
   'Above 0: time is ahead of money (new bets); below 0: money is ahead of time.', '{closed,hours,segment}', NULL, NULL);
