-- M14, the other way round: what a unit of money won costs in selling time.

CREATE FUNCTION pl.metric_cost_of_sale(q pl.metric_query, f pl.facts) RETURNS SETOF pl.metric_row
LANGUAGE sql STABLE AS $$ SELECT * FROM pl.effort_rows(q, f, true) $$;

INSERT INTO pl.metric (key, id, name, formula, unit, terms, basis, groupings, nulls, note, needs, core, drill, narrows) VALUES
  ('cost_of_sale', 'M14b', 'Cost of sale', 'hours × the rep''s cost rate then / won money, of accounts of known class', 'fraction', 'money',
   'as effort_per_win', '{rep,team,segment,tier,period}', 'no cost rate at all: no_cost_rate; nothing won: empty_denominator; won money below 0: nonpositive_denominator',
   'A form of effort_per_win with a key of its own. Hours of reps without a rate are in excluded.no_cost_rate and cost nothing here.', '{closed,hours,cost}', NULL, 'effort', '{segment,tier}');
