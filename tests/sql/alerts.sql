-- When a status is told: the rule of one step, histories, periods, the schedule of deliveries.
BEGIN;
SELECT plan(45);

-- ── one step ─────────────────────────────────────────────────────────────────────────────────────
-- Settled, candidate and held after a history of evaluations (o, w, f; u: uncertain), and what was told on the way.
CREATE FUNCTION pg_temp.told(p_history text, p_hold int, p_settled text DEFAULT NULL) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
  v_step pl.alert_step := (p_settled, NULL, 0, false);
  v_told text := '';
BEGIN
  FOR n IN 1 .. length(p_history) LOOP
    v_step := pl.alert_step(v_step.settled, v_step.candidate, v_step.held, CASE substr(p_history, n, 1) WHEN 'o' THEN 'ok' WHEN 'w' THEN 'warn' WHEN 'f' THEN 'fail' END, p_hold);
    v_told := v_told || CASE WHEN v_step.told THEN n || v_step.settled || ' ' ELSE '' END;
  END LOOP;
  RETURN v_told || coalesce(v_step.settled, '-');
END $$;
SELECT is(pg_temp.told('ooo', 3), 'ok', 'a first ok is not told');
SELECT is(pg_temp.told('fff', 3), '3fail fail', 'a first fail is, once it has held');
SELECT is(pg_temp.told('ff', 3), '-', 'not before');
SELECT is(pg_temp.told('f', 1), '1fail fail', 'at once where nothing has to hold');
SELECT is(pg_temp.told('uuuuu', 1), '-', 'what is uncertain settles nothing');
SELECT is(pg_temp.told('oooffwwfffooo', 3), '6warn 10fail 13ok ok', 'ff and w are three worse than ok: warn at least; then fail; then ok');
SELECT is(pg_temp.told('ooowwwfffooo', 3), '6warn 9fail 12ok ok', 'a decline and a recovery, each step once');
SELECT is(pg_temp.told('ooowowowowow', 2), 'ok', 'what flaps is never told');
SELECT is(pg_temp.told('ooofwfwfwfw', 3), '6warn warn', 'what swings between warn and fail is warn');
SELECT is(pg_temp.told('fffwowowo', 3), '3fail 6warn warn', 'and on the way back no further than all three go');
SELECT is(pg_temp.told('ooowwuww', 3), 'ok', 'an uncertain one ends the row');
SELECT is(pg_temp.told('ooowwuwww', 3), '9warn warn', 'and a new one counts from it');
SELECT is(pg_temp.told('fff', 3, 'fail'), 'fail', 'what is settled already is no news');
SELECT is(pg_temp.told('uuuuuuu', 3, 'fail'), 'fail', 'nor is that nobody can tell any more');
SELECT is(pg_temp.told('wof', 3, 'warn'), 'warn', 'better and worse are two rows');

-- ── what is certain ──────────────────────────────────────────────────────────────────────────────
SELECT is(pl.alert_status('{"status": "fail", "ci": [0, 1], "low_n": true}', 'fraction'), 'fail', 'an interval says how certain it is');
SELECT is(pl.alert_status('{"status": "fail", "ci": null, "low_n": true}', 'fraction'), NULL, 'without one, a few cases are not');
SELECT is(pl.alert_status('{"status": "fail", "ci": null, "low_n": false}', 'fraction'), 'fail', 'enough are');
SELECT is(pl.alert_status('{"status": "warn", "ci": null, "low_n": true}', 'count'), 'warn', 'a count is what it is');
SELECT is(pl.alert_status('{"status": "uncertain", "ci": [0, 1], "low_n": false}', 'fraction'), NULL, 'uncertain is not certain');
SELECT is(pl.alert_status('{"status": null, "ci": null, "low_n": false}', 'fraction'), NULL, 'nor is nothing');

-- ── who is told ──────────────────────────────────────────────────────────────────────────────────
CREATE FUNCTION pg_temp.wanted(p_filter jsonb, p_teams text[], p_team text) RETURNS boolean LANGUAGE sql AS $$
  SELECT pl.alert_wanted(p_filter, p_teams, (1, 1, now(), 'P', '2026-01-01', '2026-04-01', 's1', '', 'win_rate', 'rep', 'r1', 'ok', 'fail', p_team, '{}')::alert)
$$;
SELECT ok(pg_temp.wanted('{}', NULL, NULL), 'without a filter everything');
SELECT ok(pg_temp.wanted('{"metrics": [], "statuses": ["warn", "fail"], "by": ["rep"]}', NULL, NULL), 'an empty list is none');
SELECT ok(NOT pg_temp.wanted('{"metrics": ["deal_size"]}', NULL, NULL), 'another metric');
SELECT ok(NOT pg_temp.wanted('{"statuses": ["ok"]}', NULL, NULL), 'another status');
SELECT ok(NOT pg_temp.wanted('{"by": ["team"]}', NULL, NULL), 'another grouping');
SELECT ok(pg_temp.wanted('{"teams": ["emea"]}', '{emea,fr}', 'fr'), 'a team below');
SELECT ok(NOT pg_temp.wanted('{"teams": ["emea"]}', '{emea,fr}', NULL), 'what is about no team is about none of them');

-- ── when ─────────────────────────────────────────────────────────────────────────────────────────
SELECT is(ARRAY(SELECT extract(epoch FROM pl.alert_delay(n))::int FROM generate_series(1, 10) AS n), '{5,300,1800,7200,18000,36000,50400,72000,86400,NULL}'::int[], 'the schedule, and its end');
UPDATE org SET fiscal_year_start = 2, fy_name = 'end' WHERE org_id = 1;
SELECT is(ARRAY(SELECT p.label FROM unnest(pl.alert_periods(1, '2026-05-14')) AS p), '{FQ1-2027,FQ2-2027}', 'for 14 days the quarter that ended too');
SELECT is(ARRAY(SELECT p.label FROM unnest(pl.alert_periods(1, '2026-05-15')) AS p), '{FQ2-2027}', 'then its figures have settled');

-- ── an evaluation is made by one, an interval apart ──────────────────────────────────────────────
SELECT is((SELECT state FROM pl.alert_evaluate(1, 900, 3)), 'done', 'the first, of an organisation without a strategy');
SELECT is_empty('SELECT * FROM pl.alert_evaluate(1, 900, 3)', 'not again at once');
SELECT is_empty('SELECT * FROM pl.alert_due(900)', 'nor is anybody due');
UPDATE alert_round SET at = at - interval '900 seconds' WHERE org_id = 1;
SELECT results_eq('SELECT * FROM pl.alert_due(900)', '{1}'::int[], 'but an interval later');
SELECT is((SELECT state FROM pl.alert_evaluate(1, 900, 3)), 'done', 'it is');
UPDATE alert_round SET at = at - interval '900 seconds' WHERE org_id = 1;
SELECT lives_ok($$SELECT pl.alert_failed(1, 'why')$$, 'one that was cut off');
SELECT is_empty('SELECT * FROM pl.alert_due(900)', 'is tried again an interval later');
SELECT is((SELECT failed FROM alert_round WHERE org_id = 1), 'why', 'and says why');

-- ── one at a time goes to an endpoint ────────────────────────────────────────────────────────────
SELECT lives_ok($$SELECT pl.endpoint_put(1, '{}', 1, '{"filter": {"by": ["rep"]}}', true, 'https://x/***', 'plain:https://x/', 'plain:whsec_x')$$, 'an endpoint');
INSERT INTO alert_delivery (org_id, delivery_id, endpoint_id, message_id, state, attempts, tries, next_at, created_at)
SELECT 1, n, 1, 'msg_' || n, 'pending', 0, 0, now() - make_interval(secs => 10 - n), now() FROM generate_series(1, 3) AS n;
SELECT results_eq('SELECT delivery_id, attempt FROM pl.delivery_claim(1, 8, 60)', $$VALUES (1::bigint, 1)$$, 'the first that is due');
SELECT is_empty('SELECT * FROM pl.delivery_claim(1, 8, 60)', 'while it is under way no other');
UPDATE alert_delivery SET leased_until = now() - interval '1 second' WHERE org_id = 1 AND delivery_id = 1;
SELECT results_eq('SELECT delivery_id, attempt, message_id FROM pl.delivery_claim(1, 8, 60)', $$VALUES (1::bigint, 2, 'msg_1'::text)$$, 'whose sender died is sent again, as the same message');
SELECT is(pl.delivery_settle(1, 1, 1, 200, NULL, NULL), 'late', 'what the dead one says no longer counts');
SELECT is(pl.delivery_settle(1, 1, 2, 200, NULL, NULL), 'delivered', 'what its successor says does');
SELECT * FROM finish();
ROLLBACK;
