-- Evaluation: the figures that thresholds are set for are asked as anybody would ask them, and what changed for certain, and held, becomes an
-- alert. Everybody is judged by the strategy of their own team: rows of reps and teams that another one covers are left to it.

CREATE TYPE pl.alert_figure AS (strategy_id text, team_id text, metric text, grouped_by text, key text, status text, about_team text, figure jsonb);

CREATE FUNCTION pl.alert_questions(p_org int, p_at timestamptz) RETURNS TABLE (strategy_id text, team_id text, grouped_by text, metrics text[])
LANGUAGE plpgsql STABLE AS $$
#variable_conflict use_column
DECLARE
  v_reps boolean := (SELECT o.rep_metrics = 'on' FROM org AS o WHERE o.org_id = p_org);
BEGIN
  RETURN QUERY
    WITH asked AS MATERIALIZED (
      SELECT f.strategy_id, f.team_id, s.body
        FROM pl.strategy_spans(p_org, NULL, NULL) AS f JOIN strategy AS s ON s.org_id = p_org AND s.strategy_id = f.strategy_id
       WHERE p_at >= f.valid_from AND p_at < f.valid_to
         AND (f.team_id = '' OR f.team_id = ANY (s.teams)
              AND NOT EXISTS (SELECT FROM pl.team_paths(p_org, NULL, NULL) AS t WHERE t.team_id = f.team_id AND t.path[2:] && s.teams))
    ), threshold AS (
      SELECT DISTINCT a.strategy_id, a.team_id, t ->> 'metric' AS metric, coalesce(t ->> 'by', t ->> 'group', 'total') AS by
        FROM asked AS a CROSS JOIN LATERAL jsonb_array_elements(coalesce(a.body -> 'thresholds', '[]')) AS t
    )
    SELECT t.strategy_id, t.team_id, t.by, array_agg(t.metric ORDER BY t.metric)
      FROM threshold AS t JOIN pl.metric AS m ON m.key = t.metric
     WHERE t.by <> 'period' AND (v_reps OR t.by <> 'rep') AND NOT 'metric' = ANY (m.needs)
       AND (t.by = 'total' OR t.by = ANY (m.groupings))
     GROUP BY t.strategy_id, t.team_id, t.by
     ORDER BY t.strategy_id, t.team_id, t.by;
END $$;
COMMENT ON FUNCTION pl.alert_questions(int, timestamptz) IS
  'What has to be asked to judge by all thresholds in force at an instant: for everybody (team '''') or for a team with a strategy of its own, in a grouping. Not asked: '
  'sub-periods, metrics that look at others, groupings a metric does not have, and single reps where their figures are switched off';

CREATE FUNCTION pl.alert_figures(p_org int, p_period text, p_at timestamptz) RETURNS SETOF pl.alert_figure
LANGUAGE plpgsql STABLE SET jit = off AS $$
DECLARE
  v_question record;
  v_answer jsonb;
  v_teams jsonb := (SELECT jsonb_object_agg(t.rep_id, t.team_id) FROM rep_team AS t WHERE t.org_id = p_org AND p_at >= t.valid_from AND p_at < t.valid_to);
  v_strategies jsonb := (SELECT jsonb_object_agg(s.team_id, s.strategy_id) FROM pl.strategy_spans(p_org, NULL, NULL) AS s WHERE p_at >= s.valid_from AND p_at < s.valid_to);
BEGIN
  FOR v_question IN SELECT a.*, s.body FROM pl.alert_questions(p_org, p_at) AS a JOIN strategy AS s ON s.org_id = p_org AND s.strategy_id = a.strategy_id LOOP
    v_answer := pl.answer_query(p_org, jsonb_build_object('path', '[]'::jsonb, 'query', '{}'::jsonb, 'format', 'json', 'who', '{"scope": "all"}'::jsonb, 'body',
      jsonb_strip_nulls(jsonb_build_object('metrics', v_question.metrics, 'period', p_period, 'by', nullif(v_question.grouped_by, 'total'),
                                           'team', nullif(v_question.team_id, '')))), '[]');
    RETURN QUERY
      SELECT v_question.strategy_id, v_question.team_id, a ->> 'metric', v_question.grouped_by, r ->> 'key', pl.alert_status(r, a ->> 'unit'), w.team,
             jsonb_build_object('value', r -> 'value', 'ci', r -> 'ci', 'n', r -> 'n', 'unit', a -> 'unit',
                                'currency', CASE WHEN a ->> 'unit' LIKE 'money%' THEN a ->> 'currency' END,
                                'threshold', jsonb_build_object('warn', (t ->> 'warn')::numeric, 'fail', (t ->> 'fail')::numeric, 'direction', coalesce(t ->> 'direction', 'higher')))
        FROM jsonb_array_elements(v_answer -> 'data') AS a
       CROSS JOIN LATERAL jsonb_array_elements(CASE v_question.grouped_by WHEN 'total' THEN jsonb_build_array(a -> 'total') ELSE a -> 'rows' END) AS r
       CROSS JOIN LATERAL pl.threshold_for(v_question.body, a ->> 'metric', nullif(v_question.grouped_by, 'total')) AS t
       CROSS JOIN LATERAL (SELECT CASE v_question.grouped_by WHEN 'rep' THEN v_teams ->> (r ->> 'key') WHEN 'team' THEN r ->> 'key'
                                                             ELSE nullif(v_question.team_id, '') END AS team) AS w
       WHERE v_question.grouped_by NOT IN ('rep', 'team')
          OR r ->> 'key' <> '__none__' AND coalesce(v_strategies ->> w.team, v_strategies ->> '') = v_question.strategy_id;
  END LOOP;
END $$;
COMMENT ON FUNCTION pl.alert_figures(int, text, timestamptz) IS 'Every figure of a period that a threshold in force at p_at is set for, as the API answers it, with its status if that is certain';

CREATE FUNCTION pl.alert_refresh(p_org int, p_period pl.period, p_at timestamptz) RETURNS void
LANGUAGE plpgsql AS $$
DECLARE
  v_figures pl.alert_figure[] := ARRAY(SELECT f FROM pl.alert_figures(p_org, p_period.label, p_at) AS f);
BEGIN
  UPDATE alert_state AS s SET status = NULL
   WHERE s.org_id = p_org AND s.period = p_period.label AND s.status IS NOT NULL
     AND NOT EXISTS (SELECT FROM unnest(v_figures) AS f
                      WHERE (f.strategy_id, f.team_id, f.metric, f.grouped_by, f.key) = (s.strategy_id, s.team_id, s.metric, s.grouped_by, s.key));
  -- A new period, or a new strategy, goes on from what was told last: it is no news that it still holds.
  INSERT INTO alert_state AS s (org_id, period, strategy_id, team_id, metric, grouped_by, key, first_on, end_on, status, settled, settled_at, held, about_team, figure)
  SELECT p_org, p_period.label, f.strategy_id, f.team_id, f.metric, f.grouped_by, f.key, p_period.first_on, p_period.end_on, f.status, before.settled, before.settled_at, 0, f.about_team, f.figure
    FROM unnest(v_figures) AS f
    LEFT JOIN LATERAL (
      SELECT b.settled, b.settled_at FROM alert_state AS b
       WHERE b.org_id = p_org AND (b.team_id, b.metric, b.grouped_by, b.key) = (f.team_id, f.metric, f.grouped_by, f.key)
         AND b.first_on <= p_period.first_on AND b.settled IS NOT NULL
       ORDER BY b.first_on DESC, b.settled_at DESC LIMIT 1) AS before ON true
  ON CONFLICT (org_id, period, strategy_id, team_id, metric, grouped_by, key) DO UPDATE
    SET status = excluded.status, about_team = excluded.about_team, figure = excluded.figure
    WHERE (s.status, s.about_team, s.figure) IS DISTINCT FROM (excluded.status, excluded.about_team, excluded.figure);
END $$;
COMMENT ON FUNCTION pl.alert_refresh(int, pl.period, timestamptz) IS 'Asks the figures of a period anew. What is not asked for any more is not certain any more';

CREATE FUNCTION pl.alert_advance(p_org int, p_periods text[], p_hold int, p_now timestamptz) RETURNS SETOF alert
LANGUAGE plpgsql AS $$
DECLARE
  v_last bigint := coalesce((SELECT max(a.alert_id) FROM alert AS a WHERE a.org_id = p_org), 0);
BEGIN
  RETURN QUERY
    WITH step AS MATERIALIZED (
      SELECT s AS before, n AS after
        FROM alert_state AS s CROSS JOIN LATERAL pl.alert_step(s.settled, s.candidate, s.held, s.status, p_hold) AS n
       WHERE s.org_id = p_org AND s.period = ANY (p_periods)
         AND (n.settled, n.candidate, n.held) IS DISTINCT FROM (s.settled, s.candidate, s.held)
    ), moved AS (
      UPDATE alert_state AS s SET settled = (x.after).settled, settled_at = CASE WHEN (x.after).settled = s.settled THEN s.settled_at ELSE p_now END, candidate = (x.after).candidate, held = (x.after).held
        FROM step AS x
       WHERE s.org_id = p_org AND (s.period, s.strategy_id, s.team_id, s.metric, s.grouped_by, s.key)
             = ((x.before).period, (x.before).strategy_id, (x.before).team_id, (x.before).metric, (x.before).grouped_by, (x.before).key)
    ), told AS (
      SELECT (x.before).*, (x.after).settled AS now_settled,
             row_number() OVER (ORDER BY (x.before).first_on, (x.before).metric, (x.before).grouped_by, (x.before).team_id, (x.before).key) AS n
        FROM step AS x WHERE (x.after).told
    )
    INSERT INTO alert AS a (org_id, alert_id, at, period, first_on, end_on, strategy_id, team_id, metric, grouped_by, key, from_status, to_status, about_team, figure)
    SELECT p_org, v_last + t.n, p_now, t.period, t.first_on, t.end_on, t.strategy_id, t.team_id, t.metric, t.grouped_by, t.key, t.settled, t.now_settled, t.about_team, t.figure
      FROM told AS t
     ORDER BY t.n
    RETURNING a.*;
END $$;
COMMENT ON FUNCTION pl.alert_advance(int, text[], int, timestamptz) IS
  'Counts one evaluation for every figure of these periods, and makes alerts of what has held long enough. The caller holds the organisation''s lock';

CREATE FUNCTION pl.alert_tell(p_org int, p_alerts alert[], p_now timestamptz) RETURNS void
LANGUAGE plpgsql AS $$
DECLARE
  v_last bigint := coalesce((SELECT max(d.delivery_id) FROM alert_delivery AS d WHERE d.org_id = p_org), 0);
BEGIN
  INSERT INTO alert_delivery (org_id, delivery_id, endpoint_id, alert_id, message_id, state, attempts, tries, next_at, created_at)
  SELECT p_org, v_last + row_number() OVER (ORDER BY a.alert_id, e.endpoint_id), e.endpoint_id, a.alert_id, pl.message_id(), 'pending', 0, 0, p_now, p_now
    FROM (SELECT x.endpoint_id, x.filter, CASE WHEN pl.filter_words(x.filter, 'teams') IS NOT NULL THEN pl.teams_under(p_org, pl.filter_words(x.filter, 'teams')) END AS teams
            FROM alert_endpoint AS x WHERE x.org_id = p_org AND x.enabled) AS e
   CROSS JOIN unnest(p_alerts) AS a
   WHERE pl.alert_wanted(e.filter, e.teams, a);
END $$;
COMMENT ON FUNCTION pl.alert_tell(int, alert[], timestamptz) IS 'One delivery for each alert and endpoint that wants it. The caller holds the organisation''s lock';

CREATE FUNCTION pl.alert_periods(p_org int, p_today date) RETURNS pl.period[]
LANGUAGE plpgsql STABLE AS $$
DECLARE
  o org;
  v_this pl.period;
BEGIN
  SELECT * INTO o FROM org AS x WHERE x.org_id = p_org;
  v_this := pl.period_parse('this_fq', p_today, o.fiscal_year_start, o.fy_name);
  -- Deals are entered late: what has just ended can still change.
  RETURN CASE WHEN p_today < v_this.first_on + 14 THEN ARRAY[pl.period_parse('last_fq', p_today, o.fiscal_year_start, o.fy_name), v_this] ELSE ARRAY[v_this] END;
END $$;
COMMENT ON FUNCTION pl.alert_periods(int, date) IS 'The fiscal quarter of a day, and for the first 14 days of it the one before';

CREATE FUNCTION pl.alert_round(p_org int, p_round alert_round, p_hold int, p_now timestamptz) RETURNS alert[]
LANGUAGE plpgsql AS $$
DECLARE
  v_periods pl.period[] := pl.alert_periods(p_org, p_round.on_date);
  v_zone text := (SELECT o.time_zone FROM org AS o WHERE o.org_id = p_org);
  v_alerts alert[];
BEGIN
  -- Figures are functions of data, configuration and day: what none of these changed needs not be asked again, and has held once more.
  IF NOT EXISTS (SELECT FROM alert_round AS r WHERE r.org_id = p_org AND r.failed IS NULL
                                                AND (r.data_version, r.config_version, r.on_date) = (p_round.data_version, p_round.config_version, p_round.on_date)) THEN
    FOR i IN 1 .. cardinality(v_periods) LOOP
      PERFORM pl.alert_refresh(p_org, v_periods[i], least(pl.local_midnight(v_periods[i].end_on, v_zone), pl.local_midnight(p_round.on_date + 1, v_zone)) - interval '1 microsecond');
    END LOOP;
  END IF;
  PERFORM pl.lock_org(p_org);
  v_alerts := ARRAY(SELECT a FROM pl.alert_advance(p_org, ARRAY(SELECT p.label FROM unnest(v_periods) AS p), p_hold, p_now) AS a);
  PERFORM pl.alert_tell(p_org, v_alerts, p_now);
  RETURN v_alerts;
END $$;
COMMENT ON FUNCTION pl.alert_round(int, alert_round, int, timestamptz) IS 'An evaluation, whose caller holds the row of the round before it; p_round: versions and day that it is of';

CREATE FUNCTION pl.alert_evaluate(p_org int, p_interval_s int, p_hold int) RETURNS TABLE (state text, ok int, warn int, fail int, said text)
LANGUAGE plpgsql SET jit = off AS $$
DECLARE
  v_now timestamptz := clock_timestamp();
  v_round alert_round;
  v_alerts alert[] := '{}';
BEGIN
  IF NOT EXISTS (SELECT FROM alert_round AS r WHERE r.org_id = p_org) THEN
    INSERT INTO alert_round (org_id) VALUES (p_org) ON CONFLICT DO NOTHING;
  END IF;
  SELECT * INTO v_round FROM alert_round AS r
   WHERE r.org_id = p_org AND coalesce(r.at <= v_now - make_interval(secs => p_interval_s), true) FOR UPDATE SKIP LOCKED;
  IF NOT FOUND THEN
    RETURN;
  END IF;
  SELECT v.data_version, v.config_version, (v_now AT TIME ZONE o.time_zone)::date INTO v_round.data_version, v_round.config_version, v_round.on_date
    FROM org_version AS v JOIN org AS o ON o.org_id = v.org_id WHERE v.org_id = p_org;
  v_round.failed := NULL;
  BEGIN
    v_alerts := pl.alert_round(p_org, v_round, p_hold, v_now);
  EXCEPTION WHEN OTHERS THEN
    v_round.failed := format('%s (%s)', SQLERRM, SQLSTATE);
  END;
  UPDATE alert_round AS r
     SET at = v_now, data_version = v_round.data_version, config_version = v_round.config_version, on_date = v_round.on_date, failed = v_round.failed
   WHERE r.org_id = p_org;
  RETURN QUERY
    SELECT CASE WHEN v_round.failed IS NULL THEN 'done' ELSE 'failed' END, (count(*) FILTER (WHERE a.to_status = 'ok'))::int,
           (count(*) FILTER (WHERE a.to_status = 'warn'))::int, (count(*) FILTER (WHERE a.to_status = 'fail'))::int, v_round.failed
      FROM unnest(v_alerts) AS a;
END $$;
COMMENT ON FUNCTION pl.alert_evaluate(int, int, int) IS
  'The organisation''s evaluation, if the last one is an interval ago and nobody else is at it; no row otherwise. State, alerts by their status, and why it failed';

CREATE FUNCTION pl.alert_failed(p_org int, p_why text) RETURNS void
LANGUAGE plpgsql AS $$
DECLARE
  v_now timestamptz := clock_timestamp();
BEGIN
  INSERT INTO alert_round (org_id, at, failed) VALUES (p_org, v_now, p_why)
  ON CONFLICT (org_id) DO UPDATE SET at = excluded.at, failed = excluded.failed;
END $$;
COMMENT ON FUNCTION pl.alert_failed(int, text) IS 'Notes an evaluation that was cut off, so that the next one is an interval away too';

CREATE FUNCTION pl.alert_due(p_interval_s int) RETURNS SETOF int
LANGUAGE plpgsql STABLE AS $$
BEGIN
  RETURN QUERY
    SELECT o.org_id FROM org AS o LEFT JOIN alert_round AS r ON r.org_id = o.org_id
     WHERE coalesce(r.at <= clock_timestamp() - make_interval(secs => p_interval_s), true)
     ORDER BY o.org_id;
END $$;
COMMENT ON FUNCTION pl.alert_due(int) IS 'Organisations whose last evaluation is an interval ago';
