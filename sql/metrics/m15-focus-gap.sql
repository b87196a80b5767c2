-- M15: is time ahead of money (a bet on the new) or money ahead of time.

CREATE TYPE pl.focus AS (total boolean, key text, period int, segment text, time numeric, money numeric);

CREATE FUNCTION pl.focuses(p_hours pl.hour_cell[], p_deals pl.deal_cell[]) RETURNS SETOF pl.focus
LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
  SELECT x.total, x.key, x.period, x.segment, pl.ratio(x.hours, sum(x.hours) OVER w),
         CASE WHEN sum(x.money) OVER w > 0 THEN pl.ratio(x.money, sum(x.money) OVER w) END
  FROM (SELECT a.total, a.key, a.period, a.segment, sum(a.hours) AS hours, sum(a.money) AS money
        FROM (SELECT c.total, c.key, c.period, c.segment, c.hours, 0::numeric AS money FROM unnest(p_hours) c WHERE c.linked AND c.segment <> 'unknown'
              UNION ALL
              SELECT c.total, c.key, c.period, c.segment, 0, c.money FROM unnest(p_deals) c WHERE c.outcome = 'won' AND c.segment <> 'unknown') a
        GROUP BY a.total, a.key, a.period, a.segment) x
  WINDOW w AS (PARTITION BY x.total, x.key, x.period)
$$;
COMMENT ON FUNCTION pl.focuses IS 'each segment''s share of the time and of the money in each place; null where there is none. What has no segment is in neither (METRICS.md R23)';

CREATE FUNCTION pl.metric_focus_gap(q pl.metric_query, f pl.facts) RETURNS SETOF pl.metric_row
LANGUAGE plpgsql STABLE AS $$
BEGIN
  RETURN QUERY
  WITH focus AS MATERIALIZED (
    SELECT * FROM pl.focuses(f.hours, f.closed)
  ), gap AS MATERIALIZED (
    SELECT x.total, coalesce(x.key, '') AS key, coalesce(x.period, 0) AS period,
           json_agg(json_build_object('key', x.segment, 'time', round(x.time, 6), 'money', round(x.money, 6), 'gap', round(x.time - x.money, 6))
                    ORDER BY x.segment COLLATE "C") AS segments
    FROM focus x GROUP BY 1, 2, 3
  ), whole AS MATERIALIZED (
    -- by=segment: the segment's share of all time, and of all money, of the whole or of its sub-period
    SELECT x.segment, coalesce(x.period, 0) AS period, x.time, x.money
    FROM pl.focuses(pl.hours_as_whole(f.hours), pl.deals_as_whole(f.closed)) x
    WHERE q.grouped_by = 'segment'
  )
  SELECT s.total, s.key, s.period, v.time - v.money, NULL::numeric, NULL::numeric, least(h.n, s.priced_on + s.priced_off), NULL::numeric[],
         CASE WHEN v.time IS NULL OR v.money IS NULL THEN 'empty_denominator' END,
         pl.excluded(q, s.n_unknown, s.money_unknown, s.unpriced, s.no_amount, s.no_owner, h.unattributed),
         pl.quality(q, s.money_on + s.money_off, s.money_unknown, s.backcast + h.backcast, coalesce(e.estimated > 0.5, false)), '{}'::json,
         json_build_object('time', round(v.time, 6), 'money', round(v.money, 6), 'segments', coalesce(g.segments, '[]'),
                           'unattributed_share', round(e.unattributed, 6), 'estimated_share', round(e.estimated, 6))
  FROM pl.shares(f.closed, 'won') s
  JOIN pl.hour_shares(f.hours) h ON (h.total, coalesce(h.key, ''), coalesce(h.period, 0)) = (s.total, coalesce(s.key, ''), coalesce(s.period, 0))
  CROSS JOIN LATERAL pl.hour_reserves(h) e
  LEFT JOIN gap g ON (g.total, g.key, g.period) = (s.total, coalesce(s.key, ''), coalesce(s.period, 0))
  LEFT JOIN whole w ON NOT s.total AND w.segment = s.key AND w.period = coalesce(s.period, 0)
  -- A segment of the strategy without time or money has 0 of it, where there is any.
  CROSS JOIN LATERAL (SELECT min(y.time) * 0 AS time, min(y.money) * 0 AS money FROM whole y WHERE y.period = coalesce(s.period, 0) AND s.key <> 'unknown') z
  CROSS JOIN LATERAL (
    SELECT CASE WHEN q.grouped_by = 'segment' AND NOT s.total THEN coalesce(w.time, z.time) ELSE pl.ratio(h.h_on, h.h_on + h.h_off) END AS time,
           CASE WHEN q.grouped_by = 'segment' AND NOT s.total THEN coalesce(w.money, z.money)
                WHEN s.money_on + s.money_off > 0 THEN pl.ratio(s.money_on, s.money_on + s.money_off) END AS money) v;
END
$$;

CREATE FUNCTION pl.hours_as_whole(p_cells pl.hour_cell[]) RETURNS pl.hour_cell[]
LANGUAGE plpgsql IMMUTABLE AS $$
BEGIN
  RETURN ARRAY(SELECT (true, NULL, c.period, c.class, c.segment, c.kind, c.linked, c.n, c.hours, c.estimated, c.cost, c.no_cost_hours, c.no_rep,
                       c.backcast)::pl.hour_cell
               FROM unnest(p_cells) c WHERE NOT c.total);
END
$$;
COMMENT ON FUNCTION pl.hours_as_whole IS 'the cells of all groups as those of the whole, sub-period by sub-period';

CREATE FUNCTION pl.deals_as_whole(p_cells pl.deal_cell[]) RETURNS pl.deal_cell[]
LANGUAGE plpgsql IMMUTABLE AS $$
BEGIN
  RETURN ARRAY(SELECT (true, NULL, c.period, c.outcome, c.class, c.segment, c.family, c.n, c.priced, c.money, c.family_money, c.largest, c.weighted,
                       c.no_probability, c.unpriced, c.no_amount, c.no_owner, c.backcast)::pl.deal_cell
               FROM unnest(p_cells) c WHERE NOT c.total);
END
$$;
COMMENT ON FUNCTION pl.deals_as_whole IS 'the cells of all groups as those of the whole, sub-period by sub-period';

INSERT INTO pl.metric (key, id, name, formula, unit, terms, basis, groupings, nulls, note, needs, core, drill, narrows, adds) VALUES
  ('focus_gap', 'M15', 'Focus gap', 'selling_time_share − bookings_share; of a segment: its share of the time − its share of the won money', 'fraction', 'number',
   'activities and won deals of the same period', '{rep,team,segment,period}', 'either share null: empty_denominator',
   'Above 0: time is ahead of money (new bets); below 0: money is ahead of time. parts.segments: each segment''s shares of a group''s own time and money. '
   'by=segment: of all time and money that has a segment, so that the gaps add up to 0.', '{closed,hours,segment}', NULL, 'focus', '{segment,tier}',
   'contributions add up to the value: activities (part time) add their share of the hours, won deals (part money) take away theirs of the money');
