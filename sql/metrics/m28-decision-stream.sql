-- M28: every opportunity opened is a decision for or against the strategy: the stream of them.

CREATE TYPE pl.decision AS (
  deal_id text, name text, at timestamptz, rep text, team text, account_id text, strategy text, segment text, tier text, class text, reason text,
  backcast boolean, origin text, credit numeric, imported boolean
);

CREATE FUNCTION pl.decisions(q pl.metric_query) RETURNS SETOF pl.decision
LANGUAGE plpgsql STABLE SET plan_cache_mode = force_custom_plan SET jit = off SET work_mem = '64MB' AS $$
BEGIN
  RETURN QUERY
  SELECT d.deal_id, d.name, d.at, d.rep, d.team, d.account_id, d.strategy, d.segment, d.tier, d.class, d.reason, d.backcast, d.origin, d.credit,
         coalesce(d.origin = 'import', false) AND NOT q.include_imported
  FROM pl.created_deals(q, q.start_at, q.end_at) d;
END
$$;
COMMENT ON FUNCTION pl.decisions IS 'deals opened in the period, judged then; imported: backfilled ones, which nobody decided here and which do not count unless asked for';

CREATE FUNCTION pl.decision_runs(p_classes text[]) RETURNS int[]
LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE AS $$
DECLARE
  v_class   text;
  v_current int := 0;
  v_longest int := 0;
BEGIN
  FOREACH v_class IN ARRAY p_classes LOOP
    CASE v_class
      WHEN 'off' THEN
        v_current := v_current + 1;
        v_longest := greatest(v_longest, v_current);
      WHEN 'on' THEN
        v_current := 0;
      ELSE
        NULL;  -- what cannot be told neither breaks a run nor makes it longer
    END CASE;
  END LOOP;
  RETURN ARRAY[v_longest, v_current];
END
$$;
COMMENT ON FUNCTION pl.decision_runs IS '[longest, last] run of consecutive off decisions in a sequence of classes';

CREATE FUNCTION pl.metric_decision_stream(q pl.metric_query, f pl.facts) RETURNS SETOF pl.metric_row
LANGUAGE plpgsql STABLE SET plan_cache_mode = force_custom_plan SET jit = off SET work_mem = '64MB' AS $$
BEGIN
  RETURN QUERY
  WITH decision AS MATERIALIZED (
    SELECT d.*, CASE WHEN q.bounds IS NOT NULL THEN width_bucket(d.at, q.bounds) END AS part FROM pl.decisions(q) d
  ), placed AS MATERIALIZED (
    SELECT true AS total, NULL::text AS key, NULL::int AS period, d.* FROM decision d
    UNION ALL
    SELECT false, pl.group_key(q, d.rep, d.team, d.segment, d.tier, d.class, NULL, d.part), d.part, d.* FROM decision d WHERE q.grouped_by IS NOT NULL
  ), summed AS (
    SELECT p.total, p.key, p.period, coalesce(sum(p.credit) FILTER (WHERE p.class = 'on' AND NOT p.imported), 0) AS n_on,
           coalesce(sum(p.credit) FILTER (WHERE p.class = 'off' AND NOT p.imported), 0) AS n_off,
           coalesce(sum(p.credit) FILTER (WHERE p.class = 'unknown' AND NOT p.imported), 0) AS n_unknown,
           coalesce(sum(p.credit) FILTER (WHERE p.imported), 0) AS n_imported,
           count(*) FILTER (WHERE p.rep IS NULL AND NOT p.imported) AS no_owner, count(*) FILTER (WHERE p.backcast AND NOT p.imported) AS backcast
    FROM placed p GROUP BY p.total, p.key, p.period
  ), run AS (
    -- A run is one rep's; of a team, or of all, the longest of anyone.
    SELECT x.total, x.key, x.period, max(x.runs[1]) AS longest, max(x.runs[2]) AS current
    FROM (SELECT p.total, p.key, p.period, pl.decision_runs(array_agg(p.class ORDER BY p.at, p.deal_id COLLATE "C")) AS runs
          FROM placed p WHERE NOT p.imported GROUP BY p.total, p.key, p.period, p.rep) x
    GROUP BY x.total, x.key, x.period
  )
  SELECT a.total, a.key, a.period, pl.ratio(x.n_on, x.n), x.n_on, x.n, x.n, pl.wilson(x.n_on, x.n), CASE WHEN x.n = 0 THEN 'empty_denominator' END,
         pl.with_member(pl.excluded(q, x.n_unknown, 0, 0, 0, coalesce(s.no_owner, 0)), 'imported', to_json(trim_scale(coalesce(s.n_imported, 0)))),
         pl.quality(q, x.n, x.n_unknown, coalesce(s.backcast, 0)), '{}'::json,
         json_build_object('on', json_build_object('n', trim_scale(x.n_on)), 'off', json_build_object('n', trim_scale(x.n - x.n_on)),
                           'unknown', json_build_object('n', trim_scale(x.n_unknown)),
                           'off_run', json_build_object('longest', coalesce(r.longest, 0), 'current', coalesce(r.current, 0)))
  FROM pl.answer_places(q, ARRAY(SELECT DISTINCT p.key FROM placed p)) a
  LEFT JOIN summed s ON (s.total, coalesce(s.key, ''), coalesce(s.period, 0)) = (a.total, coalesce(a.key, ''), coalesce(a.period, 0))
  LEFT JOIN run r ON (r.total, coalesce(r.key, ''), coalesce(r.period, 0)) = (a.total, coalesce(a.key, ''), coalesce(a.period, 0))
  CROSS JOIN LATERAL (SELECT coalesce(s.n_on, 0) AS n_on, coalesce(s.n_on + s.n_off, 0) AS n, coalesce(s.n_unknown, 0) AS n_unknown) x;
END
$$;

INSERT INTO pl.metric (key, id, name, formula, unit, terms, basis, groupings, nulls, note, needs, core, drill, narrows) VALUES
  ('decision_stream', 'M28', 'Decisions for the strategy', 'opportunities opened with on-strategy accounts / (on + off)', 'fraction', 'count',
   'deals created in the period, judged then', '{rep,team,period}', 'nothing opened of known class: empty_denominator',
   'parts.off_run: consecutive off-strategy decisions of one rep, the longest and the one that lasts; what cannot be classed neither breaks nor lengthens it. Backfilled deals '
   '(origin import) are in excluded.imported unless include_imported=true. The rows are the decisions, newest first.', '{}', NULL, 'decisions', '{segment,tier,product,origin}');
