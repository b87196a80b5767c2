-- Activities judged (METRICS R9): hours given and estimated, several reps and accounts, accounts reached through an opportunity.
BEGIN;
SELECT plan(27);

CREATE FUNCTION pg_temp.put(p_kind text, p_id text, p_at text, p_patch jsonb, p_operation text DEFAULT 'patch') RETURNS void
LANGUAGE plpgsql AS $$
DECLARE v_outcome text;
BEGIN
  SELECT outcome || coalesce(': ' || message, '') INTO v_outcome
    FROM pl.ingest(1, 'test', ARRAY[p_kind], ARRAY[p_id], ARRAY[p_operation], ARRAY['f'], ARRAY['f'], ARRAY[p_at], ARRAY[NULL::text], ARRAY[p_patch::text]);
  IF v_outcome LIKE 'rejected%' THEN RAISE EXCEPTION '%', v_outcome; END IF;
END $$;
CREATE FUNCTION pg_temp.act(p_id text, p_extra jsonb) RETURNS void LANGUAGE sql AS $$
  SELECT pg_temp.put('activity', p_id, '2024-03-02T00:00:00Z', '{"kind": "meeting", "starts_at": "2024-03-01T09:00:00Z", "outcome": "held", "rep": "ann", "duration_s": 3600}'::jsonb || p_extra)
$$;
CREATE FUNCTION pg_temp.rows(p_id text) RETURNS text[] LANGUAGE sql AS $$
  SELECT ARRAY(SELECT concat_ws(' ', nullif(rep_id, ''), '@' || account_id, round(hours, 4), CASE WHEN estimated THEN 'estimated' END, CASE WHEN counted THEN 'counted' END, class, reason)
                 FROM activity_fact WHERE org_id = 1 AND activity_id = p_id ORDER BY rep_id, account_id)
$$;

SELECT pg_temp.put('rep', 'ann', '2024-01-01T00:00:00Z', '{"name": "Ann", "team": "t1"}');
SELECT pg_temp.put('rep', 'bob', '2024-01-01T00:00:00Z', '{"name": "Bob", "team": "t2"}');
SELECT pg_temp.put('stage', 'Open', '2024-01-01T00:00:00Z', '{"label": "Open", "outcome": "open"}');
SELECT pg_temp.put('account', 'hosp', '2024-01-01T00:00:00Z', '{"name": "H", "attributes": {"industry": "health"}}');
SELECT pg_temp.put('account', 'shop', '2024-01-01T00:00:00Z', '{"name": "S", "attributes": {"industry": "retail"}}');
SELECT pg_temp.put('opportunity', 'd1', '2024-02-01T00:00:00Z', '{"stage": "Open", "owner": "ann", "account": "hosp"}');
SELECT pg_temp.put('opportunity', 'd1', '2024-03-15T00:00:00Z', '{"account": "shop"}');
SELECT pg_temp.act('a1', '{"account": "hosp"}');
SELECT is(pg_temp.rows('a1'), '{"ann @hosp 1.0000 counted unknown no_strategy"}', 'before there is a strategy');

SELECT ok(pl.strategy_publish(1, jsonb_build_object('path', jsonb_build_array(c.id))) IS NOT NULL, 'published')
  FROM pl.strategy_create(1, '{"body": {"name": "S", "effective_from": "2024-01-01", "activity_minutes": {"call": 10, "email": 5}, "conduct": {"unknown_outcome_kinds": ["email"]},
    "fit": {"criteria": [{"key": "i", "weight": 1, "attr": "industry", "match": [{"eq": "health", "score": 1}]}],
            "tiers": [{"key": "core", "min": 70, "on_strategy": true}, {"key": "outside", "min": 0, "on_strategy": false}]}}}') AS c;
SELECT is(pg_temp.rows('a1'), '{"ann @hosp 1.0000 counted on"}', 'publishing judges activities anew');

SELECT pg_temp.act('a2', '{"rep": null, "reps": ["bob", "ann", "bob"], "account": "hosp"}');
SELECT is(pg_temp.rows('a2'), '{"ann @hosp 1.0000 counted on","bob @hosp 1.0000 counted on"}', 'several reps: each in full');
SELECT pg_temp.act('a3', '{"accounts": ["shop", "hosp"]}');
SELECT is(pg_temp.rows('a3'), '{"ann @hosp 0.5000 counted on","ann @shop 0.5000 counted off"}', 'several accounts: divided equally');
SELECT is(sum(share), 1::numeric, '… shares of one') FROM activity_fact WHERE org_id = 1 AND activity_id = 'a3';
SELECT pg_temp.put('activity', 'a3', '2024-03-03T00:00:00Z', '{"accounts": ["hosp"]}');
SELECT is(pg_temp.rows('a3'), '{"ann @hosp 1.0000 counted on"}', 'one account left: the other row is gone');
SELECT pg_temp.act('a4', '{"kind": "call", "duration_s": null, "account": "hosp"}');
SELECT is(pg_temp.rows('a4'), '{"ann @hosp 0.1667 estimated counted on"}', 'no duration: the strategy''s minutes, estimated');
SELECT pg_temp.act('a5', '{"duration_s": null, "account": "hosp"}');
SELECT is(pg_temp.rows('a5'), '{"ann @hosp 0.0000 estimated counted on"}', 'a kind without minutes: none, estimated');
SELECT pg_temp.act('a6', '{"outcome": "no_show", "account": "hosp"}');
SELECT is(pg_temp.rows('a6'), '{"ann @hosp 1.0000 on"}', 'not held: not counted');
SELECT pg_temp.act('a7', '{"kind": "email", "outcome": null, "duration_s": null, "account": "hosp"}');
SELECT is(pg_temp.rows('a7'), '{"ann @hosp 0.0833 estimated counted on"}', 'of unknown outcome, a kind that the strategy takes as held');
SELECT pg_temp.act('a8', '{"kind": "call", "outcome": "unknown", "account": "hosp"}');
SELECT is(pg_temp.rows('a8'), '{"ann @hosp 1.0000 on"}', 'of unknown outcome, another kind');

-- ── through an opportunity ───────────────────────────────────────────────────────────────────────
SELECT pg_temp.act('b1', '{"opportunity": "d1"}');
SELECT is(pg_temp.rows('b1'), '{"ann @hosp 1.0000 counted on"}', 'the account the deal had at that time');
SELECT pg_temp.act('b2', '{"opportunity": "d1", "starts_at": "2024-03-20T09:00:00Z"}');
SELECT is(pg_temp.rows('b2'), '{"ann @shop 1.0000 counted off"}', '… and later the next one');
SELECT pg_temp.put('opportunity', 'd1', '2024-02-20T00:00:00Z', '{"account": "shop"}');
SELECT is(pg_temp.rows('b1'), '{"ann @shop 1.0000 counted off"}', 'the deal''s past changes: so does the activity');
SELECT pg_temp.act('b3', '{"opportunity": "d2"}');
SELECT is(pg_temp.rows('b3'), '{"ann @ 1.0000 counted unknown unattributed"}', 'a deal not known yet: unattributed');
SELECT pg_temp.put('opportunity', 'd2', '2024-03-10T00:00:00Z', '{"stage": "Open", "account": "hosp"}');
SELECT is(pg_temp.rows('b3'), '{"ann @hosp 1.0000 counted on"}', 'it arrives');
SELECT is(backcast, true, '… its account is back-cast') FROM activity_fact WHERE org_id = 1 AND activity_id = 'b3';
SELECT pg_temp.act('b4', '{"opportunity": "d1", "account": "hosp"}');
SELECT is(pg_temp.rows('b4'), '{"ann @hosp 1.0000 counted on"}', 'its own account goes before the deal''s');
SELECT pg_temp.act('b5', '{"accounts": [], "opportunity": "d2"}');
SELECT is(pg_temp.rows('b5'), '{"ann @hosp 1.0000 counted on"}', 'an empty list names none');
SELECT pg_temp.act('b6', '{}');
SELECT is(pg_temp.rows('b6'), '{"ann @ 1.0000 counted unknown unattributed"}', 'linked to nothing');

-- ── what is around them changes ──────────────────────────────────────────────────────────────────
SELECT pg_temp.put('account', 'hosp', '2024-02-25T00:00:00Z', '{"attributes": {"industry": "retail"}}');
SELECT is(pg_temp.rows('a1'), '{"ann @hosp 1.0000 counted off"}', 'the account''s attributes at the time');
SELECT pg_temp.put('rep', 'ann', '2024-04-01T00:00:00Z', '{"team": "t3", "team_from": "2024-02-01"}');
SELECT is(team, 't3', 'the rep''s team at the time') FROM activity_fact WHERE org_id = 1 AND activity_id = 'a1';
SELECT is((SELECT team || ' ' || class FROM pl.activity_facts(1, '2024-03-10T00:00:00Z', NULL) WHERE activity_id = 'a1'), 't1 off', 'as of before that was told');
SELECT pg_temp.put('activity', 'a1', '2024-04-02T00:00:00Z', '{}', 'delete');
SELECT is(pg_temp.rows('a1'), '{}', 'deleted');
SELECT set_eq('SELECT f::text FROM activity_fact AS f WHERE org_id = 1', 'SELECT f::text FROM pl.activity_facts(1, ''2100-01-01'', ''infinity'') AS f', 'the table is what asking at the end gives');
CREATE TEMP TABLE before AS SELECT f::text AS r FROM activity_fact AS f;
DELETE FROM activity_fact_of WHERE org_id = 1;
SELECT pl.reproject(1);
SELECT set_eq('SELECT f::text FROM activity_fact AS f', 'SELECT r FROM before', 'made anew it is the same');

SELECT * FROM finish();
ROLLBACK;
