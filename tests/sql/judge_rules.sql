-- Rules, segments, fit: every operator against every kind of value, three-valued logic, boundaries, exact contributions.
BEGIN;
SELECT plan(84);

-- ── operators: attributes, rule, what it gives ───────────────────────────────────────────────────
CREATE TEMP TABLE cases (attrs jsonb, rule jsonb, result boolean);
INSERT INTO cases VALUES
  ('{"x": "a"}', '{"attr": "x", "eq": "a"}', true), ('{"x": "A"}', '{"attr": "x", "eq": "a"}', false),
  ('{"x": 1.0}', '{"attr": "x", "eq": 1}', true), ('{"x": "1200"}', '{"attr": "x", "eq": 1200}', true),
  ('{"x": "x"}', '{"attr": "x", "eq": 1}', false), ('{"x": true}', '{"attr": "x", "eq": true}', true),
  ('{"x": "TRUE"}', '{"attr": "x", "eq": true}', true), ('{"x": "no"}', '{"attr": "x", "eq": true}', false),
  ('{"x": 1}', '{"attr": "x", "eq": true}', false), ('{"x": ["a"]}', '{"attr": "x", "eq": "a"}', false),
  ('{}', '{"attr": "x", "eq": "a"}', NULL), ('{"x": null}', '{"attr": "x", "eq": "a"}', NULL),
  ('{"x": "a"}', '{"attr": "x", "ne": "b"}', true), ('{"x": "a"}', '{"attr": "x", "ne": "a"}', false), ('{}', '{"attr": "x", "ne": "a"}', NULL),
  ('{"x": "a"}', '{"attr": "x", "in": ["b", "a"]}', true), ('{"x": "c"}', '{"attr": "x", "in": ["b", "a"]}', false),
  ('{"x": ["c", "a"]}', '{"attr": "x", "in": ["b", "a"]}', true), ('{"x": []}', '{"attr": "x", "in": ["a"]}', false),
  ('{"x": "7"}', '{"attr": "x", "in": [7]}', true), ('{}', '{"attr": "x", "in": ["a"]}', NULL),
  ('{"x": "a"}', '{"attr": "x", "not_in": ["b"]}', true), ('{"x": "b"}', '{"attr": "x", "not_in": ["b"]}', false), ('{}', '{"attr": "x", "not_in": ["b"]}', NULL),
  ('{"x": 5}', '{"attr": "x", "gt": 5}', false), ('{"x": 5.01}', '{"attr": "x", "gt": 5}', true), ('{}', '{"attr": "x", "gt": 5}', NULL),
  ('{"x": 5}', '{"attr": "x", "gte": 5}', true), ('{"x": "5"}', '{"attr": "x", "gte": 5}', true), ('{"x": "many"}', '{"attr": "x", "gte": 5}', NULL),
  ('{"x": 5}', '{"attr": "x", "lt": 5}', false), ('{"x": -1}', '{"attr": "x", "lt": 0}', true),
  ('{"x": 5}', '{"attr": "x", "lte": 5}', true), ('{"x": 6}', '{"attr": "x", "lte": 5}', false),
  ('{"x": "2026-02-01"}', '{"attr": "x", "gte": "2026-01-31"}', true), ('{"x": 7}', '{"attr": "x", "lt": "z"}', NULL),
  ('{"x": 300}', '{"attr": "x", "gte": 200, "lt": 500}', true), ('{"x": 500}', '{"attr": "x", "gte": 200, "lt": 500}', false),
  ('{"x": "health care"}', '{"attr": "x", "contains": "care"}', true), ('{"x": "health"}', '{"attr": "x", "contains": "Health"}', false),
  ('{"x": ["a", "b"]}', '{"attr": "x", "contains": "b"}', true), ('{"x": ["ab"]}', '{"attr": "x", "contains": "b"}', false), ('{}', '{"attr": "x", "contains": "b"}', NULL),
  ('{"x": "a"}', '{"attr": "x", "exists": true}', true), ('{}', '{"attr": "x", "exists": true}', false), ('{}', '{"attr": "x", "exists": false}', true),
  ('{"x": false}', '{"attr": "x", "exists": true}', true),
  -- any and not
  ('{"x": 1}', '{"any": [{"attr": "x", "eq": 1}, {"attr": "y", "eq": 1}]}', true), ('{"x": 2}', '{"any": [{"attr": "x", "eq": 1}, {"attr": "y", "eq": 1}]}', NULL),
  ('{"x": 2, "y": 2}', '{"any": [{"attr": "x", "eq": 1}, {"attr": "y", "eq": 1}]}', false),
  ('{"x": 1}', '{"not": {"attr": "x", "eq": 1}}', false), ('{}', '{"not": {"attr": "x", "eq": 1}}', NULL),
  ('{"x": 1, "y": 2}', '{"not": [{"attr": "x", "eq": 1}, {"attr": "y", "eq": 1}]}', true),
  ('{"x": 1}', '{"attr": "x", "any": [{"eq": 2}, {"eq": 1}]}', true), ('{"x": 3}', '{"attr": "x", "gte": 1, "not": {"in": [3, 4]}}', false),
  ('{"x": 1}', '{"not": {"any": [{"attr": "x", "eq": 1}, {"not": {"attr": "x", "eq": 1}}]}}', false),
  -- lists are and-ed: one false decides, else one unknown
  ('{"x": 1}', '[]', true), ('{"x": 1}', '[{"attr": "x", "eq": 1}, {"attr": "y", "eq": 1}]', NULL), ('{"x": 2}', '[{"attr": "y", "eq": 1}, {"attr": "x", "eq": 1}]', false);
SELECT is(pl.rule_holds(rule, attrs), result, attrs::text || ' under ' || rule::text) FROM cases;

SELECT is(pl.rule_attributes('{"segments": [{"when": [{"attr": "b", "eq": 1}, {"any": [{"not": {"attr": "a", "exists": true}}]}]}],
                               "fit": {"criteria": [{"attr": "c", "match": [{"attr": "d", "eq": 1, "score": 1}]}], "disqualify": [{"attr": "a", "eq": 2}]},
                               "potential_attr": "z"}'), '{a,b,c,d}'::text[], 'attributes that rules read, each once');

-- ── segments ─────────────────────────────────────────────────────────────────────────────────────
CREATE FUNCTION pg_temp.segment(p_attrs jsonb) RETURNS text LANGUAGE sql AS $$
  SELECT pl.segment_of('{"segments": [{"key": "hospitals", "when": [{"attr": "industry", "in": ["healthcare"]}, {"attr": "employees", "gte": 1000}]},
                                       {"key": "clinics", "when": [{"attr": "industry", "in": ["healthcare"]}]}]}', p_attrs)
$$;
SELECT is(pg_temp.segment('{"industry": "healthcare", "employees": 1000}'), 'hospitals', 'the first segment that holds');
SELECT is(pg_temp.segment('{"industry": "healthcare", "employees": 999}'), 'clinics', 'else the next');
SELECT is(pg_temp.segment('{"industry": "healthcare"}'), 'clinics', 'a certain one is taken although an earlier one cannot be told');
SELECT is(pg_temp.segment('{"industry": "retail"}'), 'other', 'none holds: other');
SELECT is(pg_temp.segment('{"employees": 10}'), 'unknown', 'none is certain and one cannot be told: unknown');
SELECT is(pl.segment_of('{}', '{}'), 'other', 'no segments at all');

CREATE FUNCTION pg_temp.fit(p_body jsonb, p_attrs jsonb, OUT segment text, OUT tier text, OUT class text, OUT reason text, OUT score numeric,
                            OUT low numeric, OUT high numeric, OUT coverage numeric, OUT breakdown jsonb) LANGUAGE sql AS $$
  SELECT f.segment, f.tier, f.class, f.reason, f.score, f.low, f.high, f.coverage,
         pl.fit_breakdown(p_body -> 'fit', p_attrs, '{}', '{}', f.matches, f.contributions, f.disqualified_by, f.required_missed)
    FROM pl.fit(p_body, p_attrs) AS f
$$;

-- ── fit ──────────────────────────────────────────────────────────────────────────────────────────
CREATE FUNCTION pg_temp.body(p_extra jsonb DEFAULT '{}') RETURNS jsonb LANGUAGE sql AS $$
  SELECT jsonb_build_object('fit', '{"criteria": [
      {"key": "industry", "weight": 30, "attr": "industry", "match": [{"eq": "health", "score": 1}]},
      {"key": "employees", "weight": 25, "attr": "employees", "match": [{"gte": 200, "score": 1}, {"gte": 100, "lt": 200, "score": 0.5}]},
      {"key": "country", "weight": 15, "attr": "country", "match": [{"in": ["DE"], "score": 1}]},
      {"key": "tech", "weight": 20, "attr": "tech", "match": [{"contains": "x", "score": 1}]},
      {"key": "model", "weight": 10, "attr": "model", "match": [{"eq": "b2b", "score": 1}]}],
    "tiers": [{"key": "core", "min": 70, "on_strategy": true}, {"key": "adjacent", "min": 50, "on_strategy": false}, {"key": "outside", "min": 0, "on_strategy": false}]}'::jsonb || p_extra)
$$;
CREATE TEMP TABLE t1 AS SELECT f.* FROM pg_temp.fit(pg_temp.body(), '{"industry": "health", "employees": 150, "country": "DE", "model": "b2c"}') AS f;
SELECT is(ARRAY[score, low, high, coverage], ARRAY[71.875, 57.5, 77.5, 0.8], 'T1: score, bounds, coverage') FROM t1;
SELECT is(ARRAY(SELECT (c ->> 'contribution')::numeric FROM jsonb_array_elements(breakdown -> 'criteria') AS c), ARRAY[37.5, 15.625, 18.75, NULL, 0], 'T1: contributions') FROM t1;
SELECT is((tier, class, reason)::text, '(core,on,)', 'T1: tier and class') FROM t1;
SELECT is((f.tier, f.score)::text, '(core,70)', 'a score on the min belongs to the tier')
  FROM pg_temp.fit('{"fit": {"criteria": [{"key": "a", "weight": 7, "attr": "a", "match": [{"eq": 1, "score": 1}]}, {"key": "b", "weight": 3, "attr": "b", "match": [{"eq": 1, "score": 1}]}],
                "tiers": [{"key": "core", "min": 70, "on_strategy": true}, {"key": "outside", "min": 0, "on_strategy": false}]}}', '{"a": 1, "b": 2}') AS f;
SELECT is((f.tier, f.class, f.reason, f.score, f.coverage)::text, '(unknown,unknown,low_coverage,,0.45)', 'below min_coverage: unknown, no score')
  FROM pg_temp.fit(pg_temp.body(), '{"industry": "health", "country": "DE"}') AS f;
SELECT is(ARRAY[f.low, f.high], ARRAY[45, 100]::numeric[], '… with bounds') FROM pg_temp.fit(pg_temp.body(), '{"industry": "health", "country": "DE"}') AS f;
SELECT is(f.tier, 'core', 'coverage on the minimum is enough') FROM pg_temp.fit(pg_temp.body('{"min_coverage": 0.45}'), '{"industry": "health", "country": "DE"}') AS f;
SELECT is((f.tier, f.class, f.reason, f.low, f.high, f.coverage)::text, '(unknown,unknown,no_attributes,0,100,0)', 'nothing known') FROM pg_temp.fit(pg_temp.body(), '{"name": "A"}') AS f;
SELECT is((f.tier, f.class, f.reason, f.score)::text, '(excluded,off,disqualified,0)', 'disqualified: excluded, score 0, off')
  FROM pg_temp.fit(pg_temp.body('{"disqualify": [{"attr": "country", "in": ["XX"]}]}'), '{"country": "XX", "industry": "health"}') AS f;
SELECT is(f.breakdown -> 'disqualified_by', '{"attr": "country", "in": ["XX"]}', '… and by which rule')
  FROM pg_temp.fit(pg_temp.body('{"disqualify": [{"attr": "country", "in": ["XX"]}]}'), '{"country": "XX"}') AS f;
SELECT is(f.tier, 'core', 'a disqualifying rule that cannot be told does not disqualify')
  FROM pg_temp.fit(pg_temp.body('{"disqualify": [{"attr": "blocked", "eq": true}]}'), '{"industry": "health", "employees": 500, "country": "DE"}') AS f;
SELECT is((f.tier, f.class, f.reason, f.score)::text, '(adjacent,off,required:model,87.5)', 'a required criterion known and missed: capped below on-strategy')
  FROM pg_temp.fit(pg_temp.body('{"required": ["model"]}'), '{"industry": "health", "employees": 500, "country": "DE", "model": "b2c"}') AS f;
SELECT is((f.tier, f.reason)::text, '(core,)', 'a required criterion that is unknown does not cap')
  FROM pg_temp.fit(pg_temp.body('{"required": ["model"]}'), '{"industry": "health", "employees": 500, "country": "DE"}') AS f;
SELECT is((f.tier, f.reason)::text, '(outside,)', 'missed, but the tier was off strategy anyway: nothing to cap')
  FROM pg_temp.fit(pg_temp.body('{"required": ["model"]}'), '{"industry": "x", "employees": 500, "country": "XX", "model": "b2c"}') AS f;
SELECT is(f.breakdown -> 'required_missed', '"model"', '… but it is told') FROM pg_temp.fit(pg_temp.body('{"required": ["model"]}'), '{"industry": "x", "employees": 500, "country": "XX", "model": "b2c"}') AS f;
SELECT is(pl.criterion_match('{"attr": "x", "match": [{"gte": 5, "score": 1}, {"exists": false, "score": 0.25}]}', '{}'), 0.25, 'a case about absence makes the criterion known');
SELECT is((SELECT sum((c ->> 'contribution')::numeric) FROM jsonb_array_elements(f.breakdown -> 'criteria') AS c), f.score, 'thirds add up to the score exactly')
  FROM pg_temp.fit('{"fit": {"criteria": [{"key": "a", "weight": 1, "attr": "a", "match": [{"exists": true, "score": 1}]}, {"key": "b", "weight": 1, "attr": "b", "match": [{"exists": true, "score": 1}]},
                {"key": "c", "weight": 1, "attr": "c", "match": [{"eq": 2, "score": 1}]}], "tiers": [{"key": "t", "min": 0, "on_strategy": true}]}}', '{"a": 1, "b": 1, "c": 1}') AS f;
SELECT is(count(*) FILTER (WHERE s IS DISTINCT FROM f.score), 0::bigint, 'so do 400 fits of odd weights')
  FROM generate_series(1, 400) AS i
 CROSS JOIN LATERAL pg_temp.fit(jsonb_build_object('fit', jsonb_build_object('criteria', (
     SELECT jsonb_agg(jsonb_build_object('key', k, 'weight', (i * k * 7919 % 97) + 1, 'attr', 'a' || k,
                                         'match', jsonb_build_array(jsonb_build_object('lt', i % (k + 3), 'score', 0.37), jsonb_build_object('gte', 0, 'score', 0.91))))
       FROM generate_series(1, 7) AS k), 'tiers', '[{"key": "t", "min": 0, "on_strategy": true}]'::jsonb)),
     (SELECT jsonb_object_agg('a' || k, i * k % 11) FROM generate_series(1, 7) AS k)) AS f
 CROSS JOIN LATERAL (SELECT sum((c ->> 'contribution')::numeric) AS s FROM jsonb_array_elements(f.breakdown -> 'criteria') AS c) AS total;

SELECT * FROM finish();
ROLLBACK;
