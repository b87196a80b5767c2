-- M18: whom was sold to, by segment, against whom the strategy wants.

CREATE FUNCTION pl.metric_segment_mix(q pl.metric_query, f pl.facts) RETURNS SETOF pl.metric_row
LANGUAGE plpgsql STABLE AS $$
BEGIN
  RETURN QUERY SELECT * FROM pl.mix_rows(q, f, 'segment');
END
$$;

INSERT INTO pl.metric (key, id, name, formula, unit, terms, basis, groupings, nulls, note, needs, core, drill, narrows) VALUES
  ('segment_mix', 'M18', 'Segment mix gap', 'total variation ½ Σ|actual share − target| of won money over segments; realised = 1 − it', 'fraction',
   'money', 'deals won with closed_at in the period (weight=pipeline: open at its end, weight=hours: the hours of the period against the targets of time), in the segment of the account then', '{rep,team,product,tier,origin,period}',
   'strategy without segment targets: no_target; nothing won: empty_denominator',
   'Deals whose segment is unknown stay out and are counted in excluded.unknown. Segment other is a key without target (unplanned).',
   '{weight,segment}', NULL, 'mix', '{segment,tier,product,origin}');
