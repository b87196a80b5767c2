-- Retention: what an object's old events come to takes their place; the rest of the log goes on from there.
BEGIN;
SELECT plan(35);

CREATE FUNCTION pg_temp.put(p_kind text, p_id text, p_patch text, p_at text, p_received timestamptz, p_event text DEFAULT NULL, p_operation text DEFAULT 'patch', p_full text DEFAULT 'f')
RETURNS text LANGUAGE sql AS $$
  SELECT concat_ws(' ', outcome, code) FROM pl.ingest(1, 'crm', ARRAY[p_kind], ARRAY[p_id], ARRAY[p_operation], ARRAY[p_full], '{f}', ARRAY[p_at], ARRAY[p_event], ARRAY[p_patch], p_received)
$$;
CREATE FUNCTION pg_temp.events(p_id text) RETURNS text LANGUAGE sql AS $$
  SELECT string_agg(event_id || ' ' || operation, ', ' ORDER BY occurred_at, source_seq, event_id) FROM event WHERE org_id = 1 AND object_id = p_id
$$;
CREATE FUNCTION pg_temp.shorten(p_before timestamptz) RETURNS bigint LANGUAGE sql AS $$
  SELECT pl.log_shorten(1, p_before, array_agg(kind ORDER BY kind, object_id), array_agg(object_id::text ORDER BY kind, object_id)) FROM object WHERE org_id = 1
$$;
CREATE FUNCTION pg_temp.ask(p_path text, p_query jsonb DEFAULT '{}') RETURNS jsonb LANGUAGE sql AS $$
  SELECT jsonb_build_object('path', jsonb_build_array(p_path), 'query', p_query, 'format', 'json', 'who', '{"scope": "all"}'::jsonb, 'body', NULL)
$$;

SELECT pg_temp.put('stage', 'Open', '{"label": "Open", "outcome": "open"}', '2023-01-01T00:00:00Z', '2023-01-01T00:00:00Z', 's1');
SELECT pg_temp.put('rep', 'ann', '{"name": "Ann Lee", "email": "ann@x.example", "team": "t1"}', '2023-01-01T00:00:00Z', '2023-01-01T00:00:00Z', 'r1');
SELECT pg_temp.put('rep', 'ann', '{"name": "Ann Lee-Wu", "team": "t2"}', '2023-02-01T00:00:00Z', '2023-02-01T00:00:00Z', 'r2');
SELECT pg_temp.put('account', 'a', '{"name": "Bakery of Ann Lee", "attributes": {"note": "ask Ann Lee", "n": 1.50}}', '2023-01-01T00:00:00Z', '2023-01-01T00:00:00Z', 'a1');
SELECT pg_temp.put('account', 'a', '{"attributes": {"n": 2}}', '2023-02-01T00:00:00Z', '2023-02-01T00:00:00Z', 'a2');
SELECT pg_temp.put('opportunity', 'd', '{"stage": "Open", "amount": 1.00, "owner": "ann"}', '2023-01-01T00:00:00Z', '2023-01-01T00:00:00Z', 'd1');
SELECT pg_temp.put('opportunity', 'd', '{"amount": 2}', '2023-02-01T00:00:00Z', '2023-02-01T00:00:00Z', 'd2');
SELECT pg_temp.put('opportunity', 'd', '{"amount": 3}', '2023-03-01T00:00:00Z', '2023-03-01T00:00:00Z', 'd3');
SELECT pg_temp.put('opportunity', 'd', '{"amount": 4.50}', '2023-06-01T00:00:00Z', '2023-06-01T00:00:00Z', 'd4');
-- Occurred early, arrived late: whoever asks for April must not see it, so it and what follows it stays.
SELECT pg_temp.put('opportunity', 'late', '{"stage": "Open", "amount": 1}', '2023-01-01T00:00:00Z', '2023-01-01T00:00:00Z', 'l1');
SELECT pg_temp.put('opportunity', 'late', '{"amount": 3}', '2023-03-01T00:00:00Z', '2023-03-01T00:00:00Z', 'l3');
SELECT pg_temp.put('opportunity', 'late', '{"amount": 2}', '2023-02-01T00:00:00Z', '2023-05-01T00:00:00Z', 'l2');
-- The value case is asked of the log.
SELECT pg_temp.put('opportunity', 'case', '{"stage": "Open"}', '2023-01-01T00:00:00Z', '2023-01-01T00:00:00Z', 'c1');
SELECT pg_temp.put('opportunity', 'case', '{"value_case": true}', '2023-01-02T00:00:00Z', '2023-01-02T00:00:00Z', 'c2');
SELECT pg_temp.put('opportunity', 'case', '{"stage": "Open", "amount": 5}', '2023-01-03T00:00:00Z', '2023-01-03T00:00:00Z', 'c3', 'patch', 't');
SELECT pg_temp.put('opportunity', 'case', '{"name": "x"}', '2023-01-04T00:00:00Z', '2023-01-04T00:00:00Z', 'c4');
SELECT pg_temp.put('opportunity', 'case', '{"value_case": false}', '2023-01-05T00:00:00Z', '2023-01-05T00:00:00Z', 'c5');
SELECT pg_temp.put('account', 'gone', '{"name": "Gone"}', '2023-01-01T00:00:00Z', '2023-01-01T00:00:00Z', 'g1');
SELECT pg_temp.put('account', 'gone', '{"merged_into": "a"}', '2023-02-01T00:00:00Z', '2023-02-01T00:00:00Z', 'g2', 'merge');

CREATE TEMP TABLE before AS SELECT * FROM object;

SELECT is(pg_temp.shorten('2023-04-01T00:00:00Z'), 6::bigint, 'six events go: r1, a1, d1, d2, c1 and g1');
SELECT is(pg_temp.events('d'), 'd3 base, d4 patch', 'the last event before then becomes the base of those after it');
SELECT is(pg_temp.events('late'), 'l1 patch, l2 patch, l3 patch', 'what arrived later, and all behind it, stays');
SELECT is(pg_temp.events('case'), 'c2 patch, c3 patch, c4 base, c5 patch', 'what tells of a value case stays, full records that clear it too, and is no base');
SELECT is(pg_temp.events('Open'), 's1 patch', 'one event is not replaced by one');
SELECT is(pg_temp.events('gone'), 'g2 base', 'the base of a merged object');
SELECT results_eq('SELECT to_jsonb(o)::text FROM object AS o ORDER BY kind, object_id', 'SELECT to_jsonb(b)::text FROM before AS b ORDER BY kind, object_id', 'no state changed');
SELECT is((SELECT changed FROM pl.rebuild(1)), 0::bigint, 'and all are what the log says');
SELECT is((SELECT (o.doc ->> 'amount') || ' ' || jsonb_array_length(o.track) FROM pl.object_states(1, 'opportunity', '{d}', '2023-05-01T00:00:00Z', NULL) AS o), '3 3',
          'a past since then is folded from the base');
SELECT is((SELECT o.first_at || ' ' || o.merged_into FROM pl.states_folded(1, 'account', '{gone}', 'infinity', 'infinity') AS o),
          (SELECT first_at || ' a' FROM before WHERE object_id = 'gone'), 'first seen and merged into are kept');
SELECT is(pg_temp.shorten('2023-04-01T00:00:00Z'), 0::bigint, 'again: nothing to do');

-- ── what comes after ─────────────────────────────────────────────────────────────────────────────
SELECT is(pg_temp.put('opportunity', 'd', '{"amount": 3}', '2023-03-01T00:00:00Z', '2023-07-01T00:00:00Z', 'd3'), 'duplicate', 'the event that is the base, again');
SELECT is(pg_temp.put('account', 'a', '{"amount": 3}', '2023-03-01T00:00:00Z', '2023-07-01T00:00:00Z', 'd3'), 'rejected event_id_reused', 'its id for another object');
SELECT is(pg_temp.put('opportunity', 'd', '{"amount": 99}', '2023-01-01T00:00:00Z', '2023-07-01T00:00:00Z', 'd1'), 'stale', 'one that went, again: late');
SELECT is((SELECT doc ->> 'amount' FROM object WHERE object_id = 'd'), '4.50', 'and without effect: the base holds what came before it');
SELECT is(pg_temp.put('opportunity', 'd', '{"name": "D"}', '2023-04-02T00:00:00Z', '2023-07-01T00:00:00Z', 'd5'), 'stale', 'late, but after the base');
SELECT is((SELECT doc FROM object WHERE object_id = 'd'), '{"name": "D", "owner": "ann", "stage": "Open", "amount": 4.50}', 'is folded in its place');
SELECT is(pg_temp.shorten('2023-08-01T00:00:00Z'), 5::bigint, 'later: d1, d3, d5, l1 and l2 go');
SELECT is(pg_temp.events('d'), 'd4 base', 'a base takes the place of a base');
SELECT is((SELECT doc FROM object WHERE object_id = 'd'), (SELECT (o).doc FROM pl.states_folded(1, 'opportunity', '{d}', 'infinity', 'infinity') AS o), 'the state stays');

-- ── history ──────────────────────────────────────────────────────────────────────────────────────
SELECT is((SELECT h.body::jsonb #> '{data,0}' FROM pl.object_history(1, 'opportunity', pg_temp.ask('d')) AS h),
          '{"full": true, "patch": {"name": "D", "owner": "ann", "stage": "Open", "amount": 4.50}, "source": "crm", "event_id": "d4", "operation": "base", "occurred_at": "2023-06-01T00:00:00Z", "received_at": "2023-07-01T00:00:00Z"}'::jsonb,
          'a history shows the base as a full record');

-- ── erasure ──────────────────────────────────────────────────────────────────────────────────────
SELECT is((SELECT count(*) FROM event WHERE operation = 'base' AND patch::text ~ 'Ann Lee[^-]'), 2::bigint, 'a former name stands in bases, the person''s and the account''s');
SELECT pl.person_erase(1, '{"body": {"id": "ann"}, "who": {"scope": "all"}}');
SELECT is((SELECT count(*) FROM event WHERE patch::text ~ 'Ann Lee|ann@x'), 0::bigint, 'none after the person was erased');
SELECT is((SELECT o.doc FROM object AS o WHERE o.object_id = 'a'), '{"name": "Bakery of (erased 1)", "attributes": {"n": 2, "note": "ask (erased 1)"}}', 'the state is folded from what is left');
SELECT is((SELECT o.doc - 'team' FROM object AS o WHERE o.object_id = 'ann'), '{"name": "(erased 1)"}', 'so is the person''s');

-- ── the pass ─────────────────────────────────────────────────────────────────────────────────────
SELECT is(ARRAY(SELECT pl.orgs_with_retention()), '{}', 'kept for ever: nothing to do');
SELECT is((SELECT state FROM pl.retention_step(1)), 'none', 'nor when asked');
UPDATE org SET retention_days = 30 WHERE org_id = 1;
SELECT is(ARRAY(SELECT pl.orgs_with_retention()), '{1}', 'kept for 30 days: the log is too long');
CREATE TEMP TABLE version AS SELECT config_version FROM org_version WHERE org_id = 1;
SELECT is((SELECT state FROM pl.retention_step(1, 3)), 'more', 'a step');
SELECT is((SELECT config_version FROM org_version WHERE org_id = 1), (SELECT config_version + 1 FROM version), 'the first step makes old answers invalid: what was asked of the past may be refused now');
SELECT is((SELECT kept_from FROM log_retention), date_trunc('day', now() - interval '30 days', 'UTC'), 'from a midnight on');
SELECT throws_ok(format('SELECT pl.answer_summary(1, %L)', pg_temp.ask(NULL, '{"period": "2023-Q2", "as_of": "2023-05-01T00:00:00Z"}')), 'PL000', NULL, 'then the past before it cannot be asked for');
SELECT is((SELECT array_agg(s.state) FROM generate_series(1, 4) AS n, LATERAL pl.retention_step(1, n * 3) AS s), '{more,more,more,none}', 'to the end');
SELECT is(ARRAY(SELECT pl.orgs_with_retention()), '{}', 'and is done for the day');
UPDATE org SET retention_days = NULL WHERE org_id = 1;
SELECT is((SELECT state FROM pl.retention_step(1)), 'none', 'kept for ever again: what is left stays');
SELECT * FROM finish();
ROLLBACK;
