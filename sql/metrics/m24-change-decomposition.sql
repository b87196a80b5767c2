-- M24: did a rate change because the mix changed, or because the parts themselves did (Kitagawa).

-- One part (segment, tier, rep …) in one period: its rate k/n.
CREATE TYPE pl.rate_part AS (key text, k numeric, n numeric, deals numeric);

CREATE FUNCTION pl.rate_parts(q pl.metric_query) RETURNS SETOF pl.rate_part
LANGUAGE plpgsql STABLE AS $$
DECLARE
  f pl.facts;
BEGIN
  q.grouped_by := q.over;
  q.groups := '{}';
  f := pl.facts_of(q, '{closed}');
  IF q.metric = 'bookings_share' THEN
    RETURN QUERY SELECT s.key, s.money_on, s.money_on + s.money_off, s.priced_on + s.priced_off
                 FROM pl.shares(f.closed, 'won') s WHERE NOT s.total AND s.priced_on + s.priced_off > 0;
  ELSE
    RETURN QUERY SELECT w.key, x.won, x.won + x.lost, x.won + x.lost
                 FROM pl.shares(f.closed, 'won') w
                 JOIN pl.shares(f.closed, 'lost') l ON NOT l.total AND l.key = w.key
                 CROSS JOIN LATERAL (SELECT w.n_on + w.n_off + w.n_unknown AS won, l.n_on + l.n_off + l.n_unknown AS lost) x
                 WHERE NOT w.total AND x.won + x.lost > 0;
  END IF;
END
$$;
COMMENT ON FUNCTION pl.rate_parts IS 'the rate in question (metric=) of each part (over=), as numerator, denominator and deals';

CREATE FUNCTION pl.period_compared(q pl.metric_query) RETURNS pl.metric_query
LANGUAGE plpgsql STABLE AS $$
BEGIN
  RETURN pl.other_period(q, coalesce(q.compare, pl.period_parse(pl.period_before(q.first_on, q.end_on), q.first_on, 1, 'end')));
END
$$;
COMMENT ON FUNCTION pl.period_compared IS 'the question about the period it is compared with: compare_to, else the one before';

CREATE FUNCTION pl.metric_change_decomposition(q pl.metric_query, f pl.facts) RETURNS SETOF pl.metric_row
LANGUAGE plpgsql STABLE AS $$
DECLARE
  v_before  pl.metric_query := pl.period_compared(q);
  v_counted boolean := q.metric <> 'bookings_share';
BEGIN
  RETURN QUERY
  WITH part AS MATERIALIZED (
    SELECT coalesce(b.key, a.key) AS key, b.k AS k0, b.n AS n0, b.deals AS deals0, a.k AS k1, a.n AS n1, a.deals AS deals1,
           pl.ratio(b.n, sum(b.n) OVER ()) AS share0, pl.ratio(a.n, sum(a.n) OVER ()) AS share1, pl.ratio(b.k, b.n) AS own0, pl.ratio(a.k, a.n) AS own1
    FROM pl.rate_parts(v_before) b FULL JOIN pl.rate_parts(q) a ON a.key = b.key
  ), whole AS MATERIALIZED (
    SELECT sum(p.k0) AS k0, sum(p.n0) AS n0, sum(p.deals0) AS deals0, sum(p.k1) AS k1, sum(p.n1) AS n1, sum(p.deals1) AS deals1,
           -- a part whose money nets to nothing has no rate, but moves the whole: then nothing can be divided
           bool_or(p.n0 <= 0 OR p.n1 <= 0) AS uneven
    FROM part p
  ), effect AS MATERIALIZED (
    -- A part that is missing in one period is taken to have had there the rate of the other: all it does is change the mix.
    SELECT p.key, coalesce(p.share0, 0) AS share0, coalesce(p.share1, 0) AS share1, coalesce(p.own0, p.own1) AS rate0, coalesce(p.own1, p.own0) AS rate1,
           CASE WHEN p.n0 IS NULL THEN 'after' WHEN p.n1 IS NULL THEN 'before' END AS only_in
    FROM part p
  ), summed AS (
    SELECT pl.kitagawa(array_agg(e.share0), array_agg(e.share1), array_agg(e.rate0), array_agg(e.rate1)) AS effects,
           json_agg(json_build_object(
             'key', e.key, 'share_before', round(e.share0, 6), 'share_after', round(e.share1, 6), 'rate_before', round(e.rate0, 6), 'rate_after', round(e.rate1, 6),
             'mix', round((e.share1 - e.share0) * (e.rate0 + e.rate1) / 2, 6), 'rate', round((e.rate1 - e.rate0) * (e.share0 + e.share1) / 2, 6),
             'only_in', e.only_in) ORDER BY e.key COLLATE "C") AS keys
    FROM effect e
  )
  SELECT true, NULL::text, NULL::int, CASE WHEN x.reason IS NULL THEN x.after - x.before END, NULL::numeric, NULL::numeric,
         least(coalesce(w.deals0, 0), coalesce(w.deals1, 0)), CASE WHEN v_counted THEN pl.newcombe(w.k1, w.n1, w.k0, w.n0) END, x.reason,
         pl.excluded(q, 0, 0, 0, 0, 0), pl.quality(q, 0, 0, 0), '{}'::json,
         json_build_object(
           'metric', q.metric, 'over', q.over, 'mix', CASE WHEN x.reason IS NULL THEN round(s.effects[1], 6) END,
           'rate', CASE WHEN x.reason IS NULL THEN round(s.effects[2], 6) END,
           'before', json_build_object('period', v_before.period, 'value', round(x.before, 6), 'n', trim_scale(coalesce(w.deals0, 0))),
           'after', json_build_object('period', q.period, 'value', round(x.after, 6), 'n', trim_scale(coalesce(w.deals1, 0))),
           'keys', coalesce(CASE WHEN x.reason IS NULL THEN s.keys END, '[]'))
  FROM whole w CROSS JOIN summed s
  CROSS JOIN LATERAL (SELECT CASE WHEN w.n0 > 0 THEN pl.ratio(w.k0, w.n0) END AS before, CASE WHEN w.n1 > 0 THEN pl.ratio(w.k1, w.n1) END AS after) v
  CROSS JOIN LATERAL (SELECT v.before, v.after, CASE WHEN v.before IS NULL OR v.after IS NULL THEN 'empty_denominator'
                                                     WHEN w.uneven THEN 'nonpositive_denominator' END AS reason) x;
END
$$;

CREATE FUNCTION pl.drill_decomposition(q pl.metric_query, m pl.metric) RETURNS SETOF pl.drill_row
LANGUAGE plpgsql STABLE AS $$
DECLARE
  i pl.metric;
  v_before pl.metric_query := pl.period_compared(q);
BEGIN
  SELECT * INTO i FROM pl.metric x WHERE x.key = q.metric;
  RETURN QUERY SELECT * FROM pl.drill_as_part(ARRAY(SELECT r FROM pl.drill_rows(pl.page_of_part(v_before, 'before'), i) r), 'before');
  RETURN QUERY SELECT * FROM pl.drill_as_part(ARRAY(SELECT r FROM pl.drill_rows(pl.page_of_part(q, 'after'), i) r), 'after');
END
$$;
COMMENT ON FUNCTION pl.drill_decomposition IS 'the rows behind the rate in both periods';

INSERT INTO pl.metric (key, id, name, formula, unit, terms, basis, groupings, nulls, note, needs, core, drill, narrows, overs, adds) VALUES
  ('change_decomposition', 'M24', 'What changed a rate',
   'ΔR = Σ (s₁ − s₀)(r₀ + r₁)/2 [mix] + Σ (r₁ − r₀)(s₀ + s₁)/2 [rate] over the parts (over=) of the metric (metric=win_rate or bookings_share)', 'fraction', 'number',
   'the period and compare_to (default: the period before)', '{}',
   'either rate null: empty_denominator; a part whose money is 0 or less: nonpositive_denominator',
   'Exact, without remainder (Kitagawa). parts.mix: what follows from other weights of the parts; parts.rate: from their own rates. A part that is missing in one period '
   '(only_in) is taken to have had the other''s rate there, so all of it is mix. The interval is that of the difference of the two rates.',
   '{metric}', NULL, 'decomposition', '{segment,tier,product,origin}', '{segment,tier,rep,team,origin}', 'by part (before, after), as those of the metric');
