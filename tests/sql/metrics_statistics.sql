-- The formulas against the numbers METRICS.md states (section 5), six digits each.
BEGIN;
SELECT plan(59);

CREATE FUNCTION pg_temp.six(numeric[]) RETURNS numeric[] LANGUAGE sql AS $$
  SELECT array_agg(round(x, 6) ORDER BY n) FROM unnest($1) WITH ORDINALITY AS u(x, n)
$$;

-- T2
SELECT is(pg_temp.six(pl.wilson(k, n)), ARRAY[lo, hi]::numeric[], format('Wilson of %s/%s', k, n))
FROM (VALUES (0, 1, 0, 0.793451), (1, 1, 0.206549, 1), (0, 5, 0, 0.434482), (5, 5, 0.565518, 1), (3, 4, 0.300642, 0.954413),
             (7, 20, 0.181192, 0.567146), (30, 40, 0.598060, 0.858129), (150, 400, 0.328957, 0.423421)) AS t(k, n, lo, hi);
SELECT is(pl.wilson(0, 0), NULL, 'no interval of nothing');
SELECT is(pl.wilson(NULL, 4), NULL, 'no interval of the unknown');
SELECT is(pl.wilson(5, 4), NULL, 'no interval of more hits than cases');

-- T3
SELECT is(pg_temp.six(pl.newcombe(18, 40, 12, 60)), '{0.064757,0.422317}', 'Newcombe of 18/40 against 12/60');
SELECT is(pg_temp.six(pl.katz(18, 40, 12, 60)), '{2.250000,1.221163,4.145637}', 'Katz of 18/40 against 12/60');
SELECT is(pg_temp.six(pl.newcombe(3, 5, 0, 4)), '{-0.013480,0.882379}', 'Newcombe of 3/5 against 0/4 straddles 0');
SELECT is(pg_temp.six(pl.katz(3, 5, 0, 4)), '{5.833333,0.386145,88.121867}', 'Katz with half a case in each cell');
SELECT is(pl.newcombe(3, 5, 0, 0), NULL, 'no difference to a side without cases');
SELECT is(pl.katz(3, 5, 0, 0), NULL, 'no ratio to a side without cases');
SELECT is(pl.katz(0, 5, 0, 4), NULL, 'no ratio where neither side ever wins');

-- T4
SELECT is(pl.total_variation('{0.5,0.3,0.2,0}', '{0.4,0.3,0.1,0.2}'), 0.2, 'total variation');
SELECT is(round(pl.jensen_shannon('{0.5,0.3,0.2,0}', '{0.4,0.3,0.1,0.2}'), 6), 0.116271, 'Jensen-Shannon divergence');
SELECT is(round(sqrt(pl.jensen_shannon('{0.5,0.3,0.2,NULL}', '{0.4,0.3,0.1,0.2}')), 6), 0.340986, 'its root, with a key that was not planned');
SELECT is(round(pl.jensen_shannon('{1,0}', '{0,1}'), 6), 1.000000, 'mixes with nothing in common are 1 apart');
SELECT is(round(pl.jensen_shannon('{0.5,0.5}', '{0.5,0.5}'), 6), 0.000000, 'equal mixes are 0 apart');
SELECT is(round(pl.herfindahl('{200000,150000,50000,100000}'), 6), 0.300000, 'Herfindahl');
SELECT is(round(1 / pl.herfindahl('{200000,150000,50000,100000}'), 6), 3.333333, 'effective number of keys');
SELECT is(pl.herfindahl('{7}'), 1::numeric, 'one key: 1');
SELECT is(pl.herfindahl('{}'), NULL, 'no key: null');

-- T5
SELECT is(pg_temp.six(pl.kitagawa('{0.5,0.5}', '{0.3,0.7}', '{0.40,0.20}', '{0.45,0.25}')), '{-0.040000,0.050000}', 'mix and rate effect');

-- T6
SELECT is(round(pl.velocity(40, 12500, 0.30, 45), 6), 3333.333333, 'velocity');
SELECT is(round(pl.velocity(1, 10, 1, 0), 6), 10.000000, 'a cycle is at least a day');
SELECT is(pl.velocity(1, NULL, 1, 3), NULL, 'without a factor there is none');

-- T7
SELECT is(round(pl.shrunk(k, n, 50::numeric / 119, 10), 6), p, format('shrunk rate of %s/%s', k, n))
FROM (VALUES (0, 5, 0.280112), (3, 4, 0.514406), (30, 40, 0.684034), (12, 60, 0.231453), (5, 10, 0.460084)) AS t(k, n, p);
SELECT is(pl.shrinkage_strength('{1,2,3}', '{5,5,5}'), 10::numeric, 'fewer than five groups: strength 10');
SELECT is(pl.shrinkage_strength('{5,5,5,5,5}', '{5,5,5,5,5}'), 10::numeric, 'everyone always wins: strength 10');
SELECT is(pl.shrinkage_strength('{5,5,5,5,5}', '{10,10,10,10,10}'), 200::numeric, 'groups without spread: strength 200');
SELECT ok(pl.shrinkage_strength('{0,20,1,19,10}', '{20,20,20,20,20}') BETWEEN 2 AND 3, 'groups far apart: little is borrowed');

-- T8, T10
SELECT is(pg_temp.six(pl.alignment_index('{0.62,0.55,0.40,0.80,NULL}', '{0.25,0.20,0.25,0.15,0.15}')), '{57.058824,0.850000}', 'index without messages');
SELECT is(pl.alignment_index('{NULL,NULL,NULL,NULL,NULL}', '{0.25,0.20,0.25,0.15,0.15}'), '{NULL,0}', 'index of nothing: null, coverage 0');
SELECT is((pl.alignment_index('{0.5,NULL,NULL,0.5,0.5}', '{0.25,0.20,0.25,0.15,0.15}'))[1], NULL, 'coverage 0.55: null');
SELECT is(round((pl.alignment_index('{0.5,0.5,NULL,0.5,NULL}', '{0.25,0.20,0.25,0.15,0.15}'))[1], 6), 50.000000, 'coverage 0.60: served');

-- numbers as they are written
SELECT is(pl.money_text(2.345, 'USD'), '2.34', 'halves go to the even neighbour, down');
SELECT is(pl.money_text(2.355, 'USD'), '2.36', 'and up');
SELECT is(pl.money_text(-2.345, 'USD'), '-2.34', 'below 0 too');
SELECT is(pl.money_text(0.125, 'EUR'), '0.12', 'an eighth');
SELECT is(pl.money_text(1234.5, 'JPY'), '1234', 'yen have no decimals');
SELECT is(pl.money_text(1.0005, 'KWD'), '1.000', 'dinars have three');
SELECT is(pl.written(0.5, 'fraction', 'USD')::text, '0.500000', 'fractions bear six decimals');
SELECT is(pl.written(3, 'count', 'USD')::text, '3', 'counts none');
SELECT is(pl.written(3, 'money', 'USD')::text, '"3.00"', 'money is a text');
SELECT is(pl.ratio(1, 0), NULL, 'nothing is divided by 0');

-- thresholds
SELECT is(pl.row_status('{"warn": 0.6, "fail": 0.4, "direction": "higher"}', v, ci), s, format('status of %s', v))
FROM (VALUES (0.7, NULL::numeric[], 'ok'), (0.5, NULL, 'warn'), (0.3, NULL, 'fail'), (0.7, '{0.5,0.9}', 'uncertain'), (NULL, NULL, NULL)) AS t(v, ci, s);

SELECT * FROM finish();
ROLLBACK;
