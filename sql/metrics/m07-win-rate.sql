-- M07: of the deals decided, the part won; by count and by amount, for all, on-strategy and off-strategy deals.

CREATE FUNCTION pl.metric_win_rate(q pl.metric_query, f pl.facts) RETURNS SETOF pl.metric_row
LANGUAGE plpgsql STABLE AS $$
BEGIN
  RETURN QUERY
  SELECT w.total, w.key, w.period, pl.ratio(x.won, x.closed), x.won, x.closed, x.closed, pl.wilson(x.won, x.closed),
         CASE WHEN x.closed = 0 THEN 'empty_denominator' END,
         pl.rate_excluded(pl.excluded(q, w.n_unknown + l.n_unknown, w.money_unknown + l.money_unknown, w.unpriced + l.unpriced,
                                      w.no_amount + l.no_amount, w.no_owner + l.no_owner), o.not_real, o.not_accepted),
         pl.quality(q, x.closed - w.n_unknown - l.n_unknown, w.n_unknown + l.n_unknown, w.backcast + l.backcast),
         json_build_object('count', pl.count_form(q, x.won, x.closed),
                           'amount', pl.money_form(q, w.money_on + w.money_off + w.money_unknown, l.money_on + l.money_off + l.money_unknown,
                                                   w.priced_on + w.priced_off + w.priced_unknown + l.priced_on + l.priced_off + l.priced_unknown)),
         json_build_object('on', pl.win_rate_part(q, w.n_on, l.n_on, w.money_on, l.money_on),
                           'off', pl.win_rate_part(q, w.n_off, l.n_off, w.money_off, l.money_off),
                           'unknown', pl.win_rate_part(q, w.n_unknown, l.n_unknown, w.money_unknown, l.money_unknown))
  FROM pl.shares(f.closed, 'won') w
  JOIN pl.shares(f.closed, 'lost') l
    ON (l.total, coalesce(l.key, ''), coalesce(l.period, 0)) = (w.total, coalesce(w.key, ''), coalesce(w.period, 0))
  JOIN pl.not_counted(f) o ON (o.total, o.key, o.period) = (w.total, coalesce(w.key, ''), coalesce(w.period, 0))
  CROSS JOIN LATERAL (SELECT w.n_on + w.n_off + w.n_unknown AS won,
                             w.n_on + w.n_off + w.n_unknown + l.n_on + l.n_off + l.n_unknown AS closed) x;
END
$$;

CREATE FUNCTION pl.not_counted(f pl.facts) RETURNS TABLE (total boolean, key text, period int, not_real numeric, not_accepted numeric)
LANGUAGE sql IMMUTABLE AS $$
  SELECT c.total, coalesce(c.key, ''), coalesce(c.period, 0), coalesce(sum(c.n) FILTER (WHERE c.outcome = 'not_real'), 0),
         coalesce(sum(c.n) FILTER (WHERE c.outcome = 'not_accepted'), 0)
  FROM unnest(f.closed) c GROUP BY 1, 2, 3
$$;
COMMENT ON FUNCTION pl.not_counted IS 'lost deals of each place that are no losses: that never were real, or never reached min_stage_reached (METRICS.md M07)';

CREATE FUNCTION pl.rate_excluded(p_excluded json, p_not_real numeric, p_not_accepted numeric) RETURNS json
LANGUAGE sql STABLE AS $$
  SELECT json_object_agg(e.key, e.value)
  FROM (SELECT j.key, j.value FROM json_each(p_excluded) j
        UNION ALL SELECT 'not_real', to_json(trim_scale(p_not_real)) UNION ALL SELECT 'not_accepted', to_json(trim_scale(p_not_accepted))) e
$$;
COMMENT ON FUNCTION pl.rate_excluded IS 'what a rate leaves out, with the lost deals that are no losses';

CREATE FUNCTION pl.win_rate_part(q pl.metric_query, p_won numeric, p_lost numeric, p_won_money numeric, p_lost_money numeric) RETURNS json
LANGUAGE sql STABLE PARALLEL SAFE AS $$
  SELECT json_build_object('value', round(pl.ratio(p_won, p_won + p_lost), 6), 'numerator', trim_scale(p_won),
                           'denominator', trim_scale(p_won + p_lost), 'n', trim_scale(p_won + p_lost),
                           'ci', CASE WHEN q.credit <> 'split' THEN pl.written_ci(pl.wilson(p_won, p_won + p_lost)) END,
                           'amount', CASE WHEN p_won_money + p_lost_money > 0 THEN round(pl.ratio(p_won_money, p_won_money + p_lost_money), 6) END)
$$;
COMMENT ON FUNCTION pl.win_rate_part IS 'win rate of one class, by count with interval and by amount';

INSERT INTO pl.metric (key, id, name, formula, unit, terms, basis, groupings, nulls, note, needs, core, drill) VALUES
  ('win_rate', 'M07', 'Win rate', 'won / (won + lost); amount: won money / (won + lost money)', 'fraction', 'count',
   'deals won or lost with closed_at in the period', '{rep,team,segment,product,tier,origin,period}', 'nothing decided: empty_denominator',
   'Open deals never count. Deals of class unknown are in the whole, and apart in parts. exclude_nonpositive=true leaves out deals of amount 0 or less. '
   'Lost deals whose lost_reason is among not_real_reasons (default: the strategy''s, else duplicate,test) are no losses: excluded.not_real counts them. min_stage_reached=<stage>: deals lost '
   'before they were in that stage or an open one of the same or a higher order do not count: excluded.not_accepted.',
   '{closed}', 7, 'closed');
