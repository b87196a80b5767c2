-- M08: do on-strategy deals win more often.

CREATE FUNCTION pl.metric_win_rate_lift(q pl.metric_query, f pl.facts) RETURNS SETOF pl.metric_row
LANGUAGE plpgsql STABLE AS $$
BEGIN
  RETURN QUERY
  SELECT w.total, w.key, w.period, x.difference, NULL::numeric, NULL::numeric, x.on_n + x.off_n, x.newcombe,
         CASE WHEN x.difference IS NULL THEN 'empty_denominator' END,
         pl.rate_excluded(pl.excluded(q, w.n_unknown + l.n_unknown, w.money_unknown + l.money_unknown, 0, 0, w.no_owner + l.no_owner), o.not_real, o.not_accepted),
         pl.quality(q, x.on_n + x.off_n, w.n_unknown + l.n_unknown, w.backcast + l.backcast),
         json_build_object(
           'difference', json_build_object('value', round(x.difference, 6), 'ci', CASE WHEN q.credit <> 'split' THEN pl.written_ci(x.newcombe) END,
                                           'significant', CASE WHEN q.credit <> 'split' THEN x.newcombe[1] > 0 OR x.newcombe[2] < 0 END),
           'ratio', json_build_object('value', round(x.katz[1], 6), 'ci', CASE WHEN q.credit <> 'split' THEN pl.written_ci(x.katz[2:3]) END,
                                      'significant', CASE WHEN q.credit <> 'split' THEN x.katz[2] > 1 OR x.katz[3] < 1 END)),
         json_build_object('on', pl.count_form(q, w.n_on, x.on_n), 'off', pl.count_form(q, w.n_off, x.off_n))
  FROM pl.shares(f.closed, 'won') w
  JOIN pl.shares(f.closed, 'lost') l ON (l.total, coalesce(l.key, ''), coalesce(l.period, 0)) = (w.total, coalesce(w.key, ''), coalesce(w.period, 0))
  JOIN pl.not_counted(f) o ON (o.total, o.key, o.period) = (w.total, coalesce(w.key, ''), coalesce(w.period, 0))
  CROSS JOIN LATERAL (
    SELECT w.n_on + l.n_on AS on_n, w.n_off + l.n_off AS off_n,
           pl.ratio(w.n_on, w.n_on + l.n_on) - pl.ratio(w.n_off, w.n_off + l.n_off) AS difference,
           pl.newcombe(w.n_on, w.n_on + l.n_on, w.n_off, w.n_off + l.n_off) AS newcombe,
           pl.katz(w.n_on, w.n_on + l.n_on, w.n_off, w.n_off + l.n_off) AS katz) x;
END
$$;

CREATE FUNCTION pl.drill_lift(q pl.metric_query, m pl.metric) RETURNS SETOF pl.drill_row
LANGUAGE plpgsql STABLE SET plan_cache_mode = force_custom_plan SET jit = off SET work_mem = '64MB' AS $$
DECLARE
  v_reps boolean := pl.shows_reps(q);
BEGIN
  RETURN QUERY
  WITH deal AS MATERIALIZED (
    SELECT d::pl.deal_row AS d, d.class, d.outcome, d.credit FROM pl.closed_deals(q, q.start_at, q.end_at) d WHERE d.class IN ('on', 'off') AND d.outcome IN ('won', 'lost')
  )
  SELECT pl.deal_place(x.d), pl.deal_line(q, x.d, v_reps, x.class, to_json(trim_scale(CASE x.outcome WHEN 'won' THEN x.credit ELSE 0 END)), to_json(trim_scale(x.credit)),
                                          CASE WHEN x.outcome = 'lost' THEN 0 ELSE CASE x.class WHEN 'on' THEN 1 ELSE -1 END * pl.ratio(x.credit, s.n) END)
  FROM deal x
  JOIN (SELECT y.class, sum(y.credit) AS n FROM deal y GROUP BY y.class) s ON s.class = x.class;
END
$$;
COMMENT ON FUNCTION pl.drill_lift IS 'decided deals of both sides; each win moves the lift by one of the side''s cases, up on strategy and down off it';

INSERT INTO pl.metric (key, id, name, formula, unit, terms, basis, groupings, nulls, note, needs, core, drill, narrows, adds) VALUES
  ('win_rate_lift', 'M08', 'Win rate lift', 'win rate on strategy − win rate off strategy; ratio: the one / the other', 'fraction', 'number',
   'as win_rate', '{rep,team,segment,product,tier,origin,period}', 'no decided deal on either side: empty_denominator',
   'Newcombe interval of the difference, Katz interval of the ratio (half a case in each cell when one is empty); significant: the interval '
   'excludes 0 (1). It is association, not cause.', '{closed}', NULL, 'lift', '{segment,tier,product,origin}',
   'by part (on, off) numerators and denominators make the two rates; contributions add up to their difference');
