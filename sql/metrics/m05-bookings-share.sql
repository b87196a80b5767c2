-- M05: of the money won, the part won with on-strategy accounts.

CREATE FUNCTION pl.metric_bookings_share(q pl.metric_query, f pl.facts) RETURNS SETOF pl.metric_row
LANGUAGE plpgsql STABLE AS $$
BEGIN
  RETURN QUERY
  SELECT s.total, s.key, s.period, CASE WHEN s.money_on + s.money_off > 0 THEN pl.ratio(s.money_on, s.money_on + s.money_off) END,
         s.money_on, s.money_on + s.money_off, s.priced_on + s.priced_off, NULL::numeric[],
         pl.money_reason(s.money_on + s.money_off, s.priced_on + s.priced_off),
         pl.excluded(q, s.n_unknown, s.money_unknown, s.unpriced, s.no_amount, s.no_owner),
         pl.quality(q, s.money_on + s.money_off, s.money_unknown, s.backcast), '{}'::json, pl.share_parts(q, s)
  FROM pl.shares(f.closed, 'won') s;
END
$$;

INSERT INTO pl.metric (key, id, name, formula, unit, terms, basis, groupings, nulls, note, needs, core, drill) VALUES
  ('bookings_share', 'M05', 'Strategy realisation', 'won money with on-strategy accounts / (on + off)', 'fraction', 'money',
   'deals won with closed_at in the period, judged at closed_at',
   '{rep,team,segment,product,tier,origin,period}',
   'nothing won: empty_denominator; on + off below 0: nonpositive_denominator',
   'Negative amounts (credits) reduce their side. Parts show how much hangs on the largest deal.', '{closed}', 1, 'closed');
