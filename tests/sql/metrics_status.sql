-- Thresholds: what a strategy's {metric, by, warn, fail, direction} makes of every metric's rows.
BEGIN;
SELECT no_plan();  -- as many as the dictionary has metrics
\ir history/conduct.sql

-- Every metric, both directions, with and without an interval.
-- Over a metric's own value v and interval [l, h] the strategy is set so that a sentence is certain, and what comes back is held against it.
CREATE FUNCTION pg_temp.status_with(p_metric text, p_by text, p_key text, p_direction text, p_warn numeric, p_fail numeric) RETURNS text LANGUAGE plpgsql AS $$
DECLARE v_status text;
BEGIN
  UPDATE strategy SET body = body || jsonb_build_object('thresholds', jsonb_build_array(jsonb_strip_nulls(jsonb_build_object(
    'metric', p_metric, 'by', p_by, 'warn', p_warn, 'fail', p_fail, 'direction', p_direction)))) WHERE org_id = 1;
  SELECT r ->> 'status' INTO v_status
    FROM pg_temp.ask(p_metric, CASE WHEN p_by IS NULL THEN '{}' ELSE jsonb_build_object('by', p_by) END) a,
         LATERAL (SELECT a -> 'total' AS r WHERE p_by IS NULL UNION ALL SELECT x FROM jsonb_array_elements(a -> 'rows') x WHERE p_by IS NOT NULL AND concat(x ->> 'key', x ->> 'period') = p_key) y;
  RETURN coalesce(v_status, 'null');
END $$;
CREATE FUNCTION pg_temp.statuses(p_metric text, p_by text, p_key text, p_row jsonb) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
  v numeric := p_row ->> 'value';
  l numeric := coalesce((p_row #>> '{ci,0}')::numeric, v);
  h numeric := coalesce((p_row #>> '{ci,1}')::numeric, v);
BEGIN
  RETURN concat_ws(' ',
    pg_temp.status_with(p_metric, p_by, p_key, 'higher', l - 1, l - 2), pg_temp.status_with(p_metric, p_by, p_key, 'higher', h + 1, l - 1),
    pg_temp.status_with(p_metric, p_by, p_key, 'higher', h + 2, h + 1), pg_temp.status_with(p_metric, p_by, p_key, NULL, h + 2, h + 1),
    pg_temp.status_with(p_metric, p_by, p_key, 'lower', h + 1, h + 2), pg_temp.status_with(p_metric, p_by, p_key, 'lower', l - 1, h + 1),
    pg_temp.status_with(p_metric, p_by, p_key, 'lower', l - 2, l - 1),
    CASE WHEN l < h THEN pg_temp.status_with(p_metric, p_by, p_key, 'higher', (l + h) / 2, l - 1) ELSE 'uncertain' END,
    CASE WHEN l < h THEN pg_temp.status_with(p_metric, p_by, p_key, 'lower', l - 1, (l + h) / 2) ELSE 'uncertain' END);
END $$;
SELECT is(pg_temp.statuses(m.key, g.by, concat(x.row ->> 'key', x.row ->> 'period'), x.row), CASE WHEN x.row ->> 'value' IS NULL THEN 'null null null null null null null uncertain uncertain'
                                                         ELSE 'ok warn fail fail ok warn fail uncertain uncertain' END, format('status of %s %s', m.key, coalesce('by ' || g.by, 'in total')))
FROM pl.metric m
CROSS JOIN LATERAL (SELECT NULL::text AS by UNION ALL SELECT m.groupings[1]) g
CROSS JOIN LATERAL (SELECT r AS row FROM pg_temp.ask(m.key, CASE WHEN g.by IS NULL THEN '{}' ELSE jsonb_build_object('by', g.by) END) a,
                           LATERAL (SELECT a -> 'total' AS r WHERE g.by IS NULL UNION ALL SELECT y FROM jsonb_array_elements(a -> 'rows') y WHERE g.by IS NOT NULL) z
                    ORDER BY r -> 'value' = 'null', r ->> 'key' LIMIT 1) x
ORDER BY m.key, g.by;

-- Which threshold holds: the one of the grouping; else the one without.
CREATE FUNCTION pg_temp.held(p_thresholds jsonb, p_by text) RETURNS text LANGUAGE plpgsql AS $$
BEGIN
  UPDATE strategy SET body = body || jsonb_build_object('thresholds', p_thresholds) WHERE org_id = 1;
  RETURN (SELECT concat_ws(' ', a #>> '{total,status}', (SELECT string_agg(r ->> 'status', ' ' ORDER BY r ->> 'key') FROM jsonb_array_elements(a -> 'rows') r))
          FROM pg_temp.ask('selling_time_share', jsonb_build_object('by', p_by)) a);
END $$;
SELECT is(pg_temp.held('[{"metric": "selling_time_share", "by": "rep", "warn": 0.6, "fail": 0.4}]', 'rep'), 'ok fail', 'of its grouping only: no status for the total');
SELECT is(pg_temp.held('[{"metric": "selling_time_share", "group": "rep", "warn": 0.6, "fail": 0.4}]', 'rep'), 'ok fail', 'group is another name of by');
SELECT is(pg_temp.held('[{"metric": "selling_time_share", "warn": 0.6, "fail": 0.4}]', 'rep'), 'ok ok fail', 'without a grouping: for the total, and where nothing closer is said');
SELECT is(pg_temp.held('[{"metric": "selling_time_share", "warn": 0.6, "fail": 0.4}, {"metric": "selling_time_share", "by": "rep", "warn": 0.1, "fail": 0, "direction": "lower"}]', 'rep'),
          'ok fail ok', 'what is closer is taken');
SELECT is(pg_temp.held('[{"metric": "selling_time_share", "by": "kind", "warn": 0.6, "fail": 0.4}]', 'kind'), 'warn warn fail ok ok warn', 'by kind: call, discovery, email, meeting, prep, proposal');
SELECT is(pg_temp.held('[{"metric": "meeting_share", "warn": 0.6, "fail": 0.4}]', 'rep'), '', 'another metric''s is none');

SELECT * FROM finish();
ROLLBACK;
