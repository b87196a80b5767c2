-- M17: what was sold, by product family, against what the strategy wants sold.

CREATE FUNCTION pl.metric_product_mix(q pl.metric_query, f pl.facts) RETURNS SETOF pl.metric_row
LANGUAGE plpgsql STABLE AS $$
BEGIN
  RETURN QUERY SELECT * FROM pl.mix_rows(q, f, 'product');
END
$$;

INSERT INTO pl.metric (key, id, name, formula, unit, terms, basis, groupings, nulls, note, needs, core, drill, narrows) VALUES
  ('product_mix', 'M17', 'Product mix gap',
   'total variation ½ Σ|actual share − target| of won money over product families; realised = 1 − it', 'fraction', 'money',
   'deals won with closed_at in the period, weight=pipeline: open at its end; a deal''s amount is divided over its lines', '{rep,team,segment,tier,origin,period}',
   'strategy without product targets: no_target; nothing won: empty_denominator',
   'The share of the book that would have to move. Families below 0 count as 0 (negative_set_to_zero). Deals without lines (unspecified) and of '
   'class unknown families stay out unless include_unspecified=true; excluded.unknown counts them. numerator: the money that would have to move.',
   '{weight,family}', 4, 'mix', '{segment,tier,product,origin}');
