-- M29: what the hours that went into misdirected business would have brought at the yield of on-strategy work.

CREATE FUNCTION pl.trailing(q pl.metric_query, p_at timestamptz, p_days int) RETURNS pl.metric_query
LANGUAGE plpgsql STABLE AS $$
BEGIN
  q.subs := NULL;
  q.bounds := NULL;
  q.start_at := p_at + interval '1 microsecond' - make_interval(days => p_days);
  q.end_at := p_at + interval '1 microsecond';
  q.stock_at := p_at;
  RETURN q;
END
$$;
COMMENT ON FUNCTION pl.trailing IS 'the question about the days up to an instant';

CREATE FUNCTION pl.focus_window(q pl.metric_query, p_at timestamptz) RETURNS pl.metric_query
LANGUAGE sql STABLE AS $$ SELECT pl.trailing(q, p_at, coalesce(q.window_given, 365)) $$;

-- Hours and money of one team (null: of the whole) in the window.
CREATE TYPE pl.yield AS (
  total boolean, key text, period int, hours_on numeric, hours_off numeric, hours_easy numeric, money_on numeric, money_off numeric, won numeric, unknown numeric,
  unknown_money numeric, backcast numeric
);

CREATE FUNCTION pl.yields(q pl.metric_query, p_at timestamptz, p_period int) RETURNS SETOF pl.yield
LANGUAGE plpgsql STABLE SET plan_cache_mode = force_custom_plan SET jit = off AS $$
DECLARE
  v      pl.metric_query := pl.focus_window(q, p_at);
  v_easy text[];
BEGIN
  -- Hours of one team may be on a deal that another won.
  v_easy := ARRAY(SELECT o.deal_id FROM pl.off_wins(pl.unfiltered(pl.without_groups(v)), pl.usual_effort(v)) o WHERE o.kind = 'opportunistic');
  RETURN QUERY
  WITH part AS (
    SELECT coalesce(h.team, '__none__') AS team, h.class, h.hours, CASE WHEN h.deal_id = ANY (v_easy) THEN h.hours ELSE 0 END AS easy, NULL::numeric AS money, 0::numeric AS n, h.backcast
    FROM pl.hour_rows(v, v.start_at, v.end_at) h WHERE h.account_id IS NOT NULL
    UNION ALL
    SELECT coalesce(d.team, '__none__'), d.class, 0, 0, d.money, d.credit, d.backcast FROM pl.closed_deals(v, v.start_at, v.end_at) d WHERE d.outcome = 'won' AND d.money IS NOT NULL
  )
  SELECT t.total, CASE WHEN NOT t.total THEN CASE q.grouped_by WHEN 'team' THEN p.team ELSE (q.subs[p_period]).label END END, p_period,
         coalesce(sum(p.hours) FILTER (WHERE p.class = 'on'), 0), coalesce(sum(p.hours) FILTER (WHERE p.class = 'off'), 0),
         coalesce(sum(p.easy) FILTER (WHERE p.class = 'off'), 0), coalesce(sum(p.money) FILTER (WHERE p.class = 'on'), 0),
         coalesce(sum(p.money) FILTER (WHERE p.class = 'off'), 0), coalesce(sum(p.n) FILTER (WHERE p.class <> 'unknown'), 0),
         coalesce(sum(p.n) FILTER (WHERE p.class = 'unknown'), 0), coalesce(sum(p.money) FILTER (WHERE p.class = 'unknown'), 0),
         (count(*) FILTER (WHERE p.backcast))::numeric
  FROM part p CROSS JOIN (VALUES (true), (false)) AS t(total)
  WHERE t.total = (p_period IS NULL AND q.subs IS NOT NULL) OR q.subs IS NULL AND (t.total OR q.grouped_by IS NOT NULL)
  GROUP BY t.total, 2;
END
$$;
COMMENT ON FUNCTION pl.yields IS 'selling hours and won money by class in the 365 days (window_days) up to an instant; hours_easy: on deals that M06 calls opportunistic';

CREATE FUNCTION pl.metric_focus_opportunity(q pl.metric_query, f pl.facts) RETURNS SETOF pl.metric_row
LANGUAGE plpgsql STABLE SET jit = off AS $$
BEGIN
  RETURN QUERY
  WITH yield AS MATERIALIZED (
    SELECT y.* FROM pl.yields(q, q.stock_at, NULL) y
    UNION ALL
    SELECT y.* FROM pl.stock_instants(q) i, pl.yields(q, i.at, i.period) y WHERE q.subs IS NOT NULL
  )
  SELECT a.total, a.key, a.period, x.misdirected * (x.yield_on - x.yield_off), NULL::numeric, NULL::numeric, coalesce(y.won, 0), NULL::numeric[],
         CASE WHEN x.yield_on IS NULL THEN 'no_yield_on' WHEN x.yield_off IS NULL THEN 'no_yield_off' END,
         pl.excluded(q, coalesce(y.unknown, 0), coalesce(y.unknown_money, 0), 0, 0, 0),
         pl.quality(q, coalesce(y.money_on + y.money_off, 0), coalesce(y.unknown_money, 0), coalesce(y.backcast, 0)), '{}'::json,
         json_build_object(
           'misdirected_hours', round(coalesce(x.misdirected, 0), 6), 'opportunistic_hours', round(coalesce(y.hours_easy, 0), 6),
           'on', json_build_object('hours', round(coalesce(y.hours_on, 0), 6), 'amount', pl.money_text(coalesce(y.money_on, 0), q.currency),
                                   'yield', pl.money_text(x.yield_on, q.currency)),
           'off', json_build_object('hours', round(coalesce(y.hours_off, 0), 6), 'amount', pl.money_text(coalesce(y.money_off, 0), q.currency),
                                    'yield', pl.money_text(x.yield_off, q.currency)),
           'window_days', coalesce(q.window_given, 365), 'label', 'average yields, not a forecast')
  FROM pl.answer_places(q, ARRAY(SELECT DISTINCT z.key FROM yield z)) a
  LEFT JOIN yield y ON y.total = a.total AND y.key IS NOT DISTINCT FROM a.key AND y.period IS NOT DISTINCT FROM a.period
  CROSS JOIN LATERAL (SELECT y.hours_off - y.hours_easy AS misdirected, pl.ratio(y.money_on, y.hours_on) AS yield_on, pl.ratio(y.money_off, y.hours_off) AS yield_off) x;
END
$$;

CREATE FUNCTION pl.drill_focus_opportunity(q pl.metric_query, m pl.metric) RETURNS SETOF pl.drill_row
LANGUAGE plpgsql STABLE SET plan_cache_mode = force_custom_plan SET jit = off SET work_mem = '64MB' AS $$
DECLARE
  v_reps boolean := pl.shows_reps(q);
  v      pl.metric_query := pl.focus_window(pl.without_groups(q), q.stock_at);
  v_easy text[];
BEGIN
  v_easy := ARRAY(SELECT o.deal_id FROM pl.off_wins(pl.unfiltered(v), pl.usual_effort(v)) o WHERE o.kind = 'opportunistic');
  RETURN QUERY
  SELECT ARRAY['hours'] || pl.hour_place(h), pl.hour_line(h, v_reps, CASE WHEN h.class <> 'off' THEN h.class WHEN h.deal_id = ANY (v_easy) THEN 'opportunistic'
                                                                         ELSE 'misdirected' END, NULL, to_json(trim_scale(h.hours)))
  FROM pl.hour_rows(v, v.start_at, v.end_at) h WHERE h.account_id IS NOT NULL AND h.class <> 'unknown'
  UNION ALL
  SELECT ARRAY['won'] || pl.deal_place(d), pl.deal_line(v, d, v_reps, d.class, pl.exact(d.money, q), NULL)
  FROM pl.closed_deals(v, v.start_at, v.end_at) d WHERE d.outcome = 'won' AND d.money IS NOT NULL AND d.class <> 'unknown';
END
$$;
COMMENT ON FUNCTION pl.drill_focus_opportunity IS 'the hours of the window (denominators; part on, misdirected or opportunistic) and the deals won in it (numerators; part on or off)';

INSERT INTO pl.metric (key, id, name, formula, unit, terms, basis, groupings, nulls, note, needs, core, drill, narrows, adds) VALUES
  ('focus_opportunity', 'M29', 'Focus opportunity',
   'misdirected hours × (won money per hour on strategy − off strategy)', 'money', 'number',
   'activities and won deals of the 365 days (window_days) up to the end of the period (to as_of when given)', '{team,period}',
   'no hours on strategy: no_yield_on; none off: no_yield_off',
   'Average yields, not a forecast. Misdirected: off-strategy hours but those on deals that M06 calls opportunistic. Below 0: the off-strategy hours yielded more.',
   '{}', NULL, 'focus_opportunity', '{segment,tier}',
   'hours are denominators, won money numerators; part says on, off, misdirected or opportunistic');
