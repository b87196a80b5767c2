-- M11: what the open pipeline earns a day at the pace of late.

CREATE FUNCTION pl.velocity(p_open numeric, p_mean_won numeric, p_win_rate numeric, p_cycle_days numeric) RETURNS numeric
LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
  -- greatest() passes over nulls: a cycle that is not known is no cycle of a day.
  SELECT CASE WHEN p_cycle_days IS NOT NULL THEN p_open * p_mean_won * p_win_rate / greatest(p_cycle_days, 1) END
$$;
COMMENT ON FUNCTION pl.velocity IS 'open deals × mean won × win rate ÷ mean cycle in days (at least 1): money a day, null when a factor is (METRICS.md T6)';

CREATE TYPE pl.pace AS (total boolean, key text, period int, class text, won numeric, decided numeric, mean_won numeric, cycle_days numeric, backcast numeric);

CREATE FUNCTION pl.paces(q pl.metric_query) RETURNS SETOF pl.pace
LANGUAGE plpgsql STABLE SET plan_cache_mode = force_custom_plan SET jit = off SET work_mem = '64MB' AS $$
BEGIN
  RETURN QUERY
  WITH deal AS (
    SELECT true AS total, ''::text AS key, 0 AS period, d.class, d.outcome, d.money, d.credit, d.backcast, pl.cycle(d.created_at, d.at, q.zone) AS took
    FROM pl.shared_deals(q, q.stock_at - make_interval(days => q.window_days), q.stock_at + interval '1 microsecond') s, LATERAL (SELECT (s.deal).*) d
    WHERE s.of_total IS NOT FALSE AND d.outcome IN ('won', 'lost')
    UNION ALL
    SELECT false,
           CASE q.grouped_by WHEN 'rep' THEN coalesce(d.rep, '__none__') WHEN 'team' THEN coalesce(d.team, '__none__') WHEN 'segment' THEN d.segment
                             WHEN 'period' THEN (q.subs[i.period]).label END,
           coalesce(i.period, 0), d.class, d.outcome, d.money, d.credit, d.backcast, pl.cycle(d.created_at, d.at, q.zone)
    FROM pl.stock_instants(q) i, pl.shared_deals(q, i.at - make_interval(days => q.window_days), i.at + interval '1 microsecond') s,
         LATERAL (SELECT (s.deal).*) d
    WHERE q.grouped_by IS NOT NULL AND s.of_total IS NOT TRUE AND d.outcome IN ('won', 'lost')
  )
  SELECT d.total, d.key, d.period, CASE WHEN grouping(d.class) = 1 THEN 'all' ELSE d.class END,
         coalesce(sum(d.credit) FILTER (WHERE d.outcome = 'won'), 0), sum(d.credit),
         pl.ratio(sum(d.money) FILTER (WHERE d.outcome = 'won'), sum(d.credit) FILTER (WHERE d.outcome = 'won' AND d.money IS NOT NULL)),
         pl.ratio(sum(extract(epoch FROM d.took) / 86400 * d.credit) FILTER (WHERE d.outcome = 'won' AND d.took >= interval '0'),
                  sum(d.credit) FILTER (WHERE d.outcome = 'won' AND d.took >= interval '0')),
         (count(*) FILTER (WHERE d.backcast))::numeric
  FROM deal d GROUP BY GROUPING SETS ((d.total, d.key, d.period, d.class), (d.total, d.key, d.period));
END
$$;
COMMENT ON FUNCTION pl.paces IS 'wins, decisions, mean won and mean cycle in the window up to each stock, by class and for all';

CREATE FUNCTION pl.pace_part(q pl.metric_query, p_open numeric, p pl.pace) RETURNS json
LANGUAGE sql STABLE AS $$
  SELECT json_build_object('value', pl.money_text(pl.velocity(p_open, p.mean_won, pl.ratio(p.won, p.decided), p.cycle_days), q.currency),
                           'open', trim_scale(p_open), 'mean_won', pl.money_text(p.mean_won, q.currency),
                           'win_rate', round(pl.ratio(p.won, p.decided), 6), 'cycle_days', round(p.cycle_days, 6), 'n', trim_scale(coalesce(p.decided, 0)))
$$;

CREATE FUNCTION pl.metric_velocity(q pl.metric_query, f pl.facts) RETURNS SETOF pl.metric_row
LANGUAGE plpgsql STABLE SET plan_cache_mode = force_custom_plan AS $$
BEGIN
  RETURN QUERY
  WITH pace AS MATERIALIZED (SELECT * FROM pl.paces(q)),
  place AS (
    SELECT a.total, a.key, a.period, coalesce(s.n_on, 0) AS n_on, coalesce(s.n_off, 0) AS n_off, coalesce(s.n_unknown, 0) AS n_unknown,
           coalesce(s.no_owner, 0) AS no_owner
    FROM pl.answer_places(q, ARRAY(SELECT DISTINCT x.key FROM (SELECT p.key FROM pace p WHERE NOT p.total
                                                               UNION SELECT c.key FROM unnest(f.open) c WHERE NOT c.total) x)) a
    LEFT JOIN pl.shares(f.open, 'open') s
      ON (s.total, coalesce(s.key, ''), coalesce(s.period, 0)) = (a.total, coalesce(a.key, ''), coalesce(a.period, 0))
  )
  SELECT l.total, l.key, l.period, v.value, NULL::numeric, NULL::numeric, coalesce(p.decided, 0), NULL::numeric[],
         CASE WHEN v.value IS NULL THEN CASE WHEN coalesce(p.decided, 0) = 0 THEN 'no_win_rate' WHEN p.mean_won IS NULL THEN 'no_mean_won' ELSE 'no_cycle_days' END END,
         pl.excluded(q, l.n_unknown, 0, 0, 0, l.no_owner), pl.quality(q, l.n_on + l.n_off, l.n_unknown, coalesce(p.backcast, 0)), '{}'::json,
         json_build_object('all', pl.pace_part(q, l.n_on + l.n_off + l.n_unknown, p), 'on', pl.pace_part(q, l.n_on, o), 'off', pl.pace_part(q, l.n_off, x))
  FROM place l
  LEFT JOIN pace p ON p.class = 'all' AND (p.total, p.key, p.period) = (l.total, coalesce(l.key, ''), coalesce(l.period, 0))
  LEFT JOIN pace o ON o.class = 'on' AND (o.total, o.key, o.period) = (l.total, coalesce(l.key, ''), coalesce(l.period, 0))
  LEFT JOIN pace x ON x.class = 'off' AND (x.total, x.key, x.period) = (l.total, coalesce(l.key, ''), coalesce(l.period, 0))
  CROSS JOIN LATERAL (
    SELECT pl.velocity(l.n_on + l.n_off + l.n_unknown, p.mean_won, pl.ratio(p.won, p.decided), p.cycle_days) AS value) v;
END
$$;

CREATE FUNCTION pl.drill_velocity(q pl.metric_query, m pl.metric) RETURNS SETOF pl.drill_row
LANGUAGE plpgsql STABLE SET plan_cache_mode = force_custom_plan SET jit = off SET work_mem = '64MB' AS $$
DECLARE
  v_reps boolean := pl.shows_reps(q);
BEGIN
  RETURN QUERY
  SELECT ARRAY['decided'] || pl.deal_place(d),
         pl.deal_line(q, d, v_reps, 'decided', to_json(trim_scale(CASE d.outcome WHEN 'won' THEN d.credit ELSE 0 END)), to_json(trim_scale(d.credit)))
  FROM pl.closed_deals(q, q.stock_at - make_interval(days => q.window_days), q.stock_at + interval '1 microsecond') d
  WHERE d.outcome IN ('won', 'lost')
  UNION ALL
  SELECT ARRAY['open'] || pl.deal_place(d), pl.deal_line(q, d, v_reps, 'open', to_json(trim_scale(d.credit)), NULL)
  FROM pl.open_named(q) d;
END
$$;
COMMENT ON FUNCTION pl.drill_velocity IS 'the open deals (part open), and the deals decided in the window (part decided) with their money and days';

INSERT INTO pl.metric (key, id, name, formula, unit, terms, basis, groupings, nulls, note, needs, core, drill, narrows, adds) VALUES
  ('velocity', 'M11', 'Pipeline velocity', 'open deals × mean won money × win rate ÷ mean cycle days of wins', 'money_per_day', 'number',
   'open deals at the end of the period; the other factors over the window_days (default 90) before', '{rep,team,segment,period}',
   'a factor null: no_win_rate, no_mean_won or no_cycle_days', 'Money a day; a cycle counts at least one day. parts: each factor, for all, on- and off-strategy deals.',
   '{open}', NULL, 'velocity', '{segment,tier,origin}',
   'part open: numerators are the open deals; part decided: numerators / denominators are the win rate, money of the won its mean, days of the won the cycle');
