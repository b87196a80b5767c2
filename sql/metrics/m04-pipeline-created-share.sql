-- M04: of the pipeline created in the period, the part with on-strategy accounts; by amount, count and amount weighted with probability.

CREATE FUNCTION pl.metric_pipeline_created_share(q pl.metric_query, f pl.facts) RETURNS SETOF pl.metric_row
LANGUAGE plpgsql STABLE AS $$
BEGIN
  RETURN QUERY
  SELECT s.total, s.key, s.period, CASE WHEN s.money_on + s.money_off > 0 THEN pl.ratio(s.money_on, s.money_on + s.money_off) END,
         s.money_on, s.money_on + s.money_off, s.priced_on + s.priced_off, NULL::numeric[],
         pl.money_reason(s.money_on + s.money_off, s.priced_on + s.priced_off),
         pl.with_member(pl.excluded(q, s.n_unknown, s.money_unknown, s.unpriced, s.no_amount, s.no_owner), 'no_probability', to_json(trim_scale(s.no_probability))),
         pl.quality(q, s.money_on + s.money_off, s.money_unknown, s.backcast),
         json_build_object('amount', pl.money_form(q, s.money_on, s.money_off, s.priced_on + s.priced_off),
                           'count', pl.count_form(q, s.n_on, s.n_on + s.n_off),
                           'weighted', pl.money_form(q, s.weighted_on, s.weighted_off, s.priced_on + s.priced_off)),
         pl.share_parts(q, s)
  FROM pl.shares(f.created, 'created') s;
END
$$;

INSERT INTO pl.metric (key, id, name, formula, unit, terms, basis, groupings, nulls, note, needs, core, drill) VALUES
  ('pipeline_created_share', 'M04', 'Created pipeline on strategy', 'money of deals created with on-strategy accounts / (on + off)', 'fraction', 'money',
   'deals with created_at in the period, judged at created_at', '{rep,team,segment,product,tier,origin,period}',
   'nothing created with an amount: empty_denominator',
   'Amounts as known at as_of (latest), since many deals are created without one. weighted: amount × probability as known at as_of, of the deal, else of '
   'its stage; deals without one are counted in excluded.no_probability and not weighted.', '{created}', NULL, 'created');
