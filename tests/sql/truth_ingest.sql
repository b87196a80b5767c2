-- Ingest: what becomes of an event, and what stands in the tables afterwards.
BEGIN;
SELECT plan(85);

-- One event as the parallel arrays of pl.ingest want it, received at a given time.
CREATE FUNCTION pg_temp.send(p_kind text, p_id text, p_patch text, p_at text DEFAULT NULL, p_event text DEFAULT NULL,
                             p_operation text DEFAULT 'patch', p_full text DEFAULT 'f', p_strict text DEFAULT 'f',
                             p_source text DEFAULT 'crm', p_org int DEFAULT 1)
RETURNS TABLE (idx int, outcome text, event_id text, occurred_at text, code text, pointer text, message text, quarantined boolean, data_version bigint)
LANGUAGE sql AS $$
  SELECT * FROM pl.ingest(p_org, p_source, ARRAY[p_kind], ARRAY[p_id], ARRAY[p_operation], ARRAY[p_full], ARRAY[p_strict],
                          ARRAY[p_at], ARRAY[p_event], ARRAY[p_patch], '2024-06-01T00:00:00Z')
$$;
-- Patches of one kind, dated, in one batch: outcomes in order.
CREATE FUNCTION pg_temp.batch(p_kind text, p_ids text[], p_at text[], p_events text[], p_patches text[])
RETURNS text[] LANGUAGE sql AS $$
  SELECT array_agg(i.outcome || coalesce(':' || i.code, '') ORDER BY i.idx)
    FROM pl.ingest(1, 'crm', array_fill(p_kind, ARRAY[cardinality(p_ids)]), p_ids, array_fill('patch'::text, ARRAY[cardinality(p_ids)]),
                   array_fill('f'::text, ARRAY[cardinality(p_ids)]), array_fill('f'::text, ARRAY[cardinality(p_ids)]),
                   p_at, p_events, p_patches, '2024-06-01T00:00:00Z') AS i
$$;
CREATE FUNCTION pg_temp.doc(p_kind object_kind, p_id text) RETURNS text LANGUAGE sql AS $$
  SELECT o.doc::text FROM object AS o WHERE o.org_id = 1 AND o.kind = p_kind AND o.object_id = p_id
$$;
CREATE FUNCTION pg_temp.events() RETURNS bigint LANGUAGE sql AS 'SELECT count(*) FROM event WHERE org_id = 1';
CREATE FUNCTION pg_temp.version() RETURNS bigint LANGUAGE sql AS 'SELECT data_version FROM org_version WHERE org_id = 1';

-- ── the five outcomes ────────────────────────────────────────────────────────────────────────────
SELECT results_eq(
  $$SELECT outcome, event_id, occurred_at, code, quarantined, data_version FROM pg_temp.send('account', 'a1', '{"id": "a1", "name": "Acme"}', '2024-01-01T02:00:00+02:00', 'e1')$$,
  $$VALUES ('accepted', 'e1', '2024-01-01T00:00:00Z', NULL::text, false, 1::bigint)$$, 'a first event is accepted');
SELECT is(pg_temp.doc('account', 'a1'), '{"name": "Acme"}', 'reserved members do not enter the document');
SELECT is((SELECT patch::text FROM event WHERE org_id = 1 AND source = 'crm' AND event_id = 'e1'), '{"name": "Acme"}', 'nor the log');
SELECT is(pg_temp.version(), 1::bigint, 'the data version follows');

SELECT results_eq(
  $$SELECT outcome, event_id, occurred_at, data_version FROM pg_temp.send('account', 'a1', '{"name": "Acme"}', '2024-01-01T00:00:00Z', 'e1')$$,
  $$VALUES ('duplicate', 'e1', '2024-01-01T00:00:00Z', 1::bigint)$$, 'the same again is a duplicate');
SELECT is(pg_temp.events(), 1::bigint, 'which is not stored');
SELECT results_eq(
  $$SELECT outcome, occurred_at FROM pg_temp.send('account', 'a1', '{"name": "Acme"}', NULL, 'e1')$$,
  $$VALUES ('duplicate', '2024-01-01T00:00:00Z')$$, 'without a time of its own, the time is not compared');
SELECT is((SELECT outcome FROM pg_temp.send('account', 'a1', '{"name": "Acme"}', '2024-01-01T00:00:00Z', 'e1', p_source => 'other')), 'stale',
          'event ids are of a source: another source''s is another event');

SELECT results_eq(
  $$SELECT outcome FROM pg_temp.send('account', 'a1', '{"status": "prospect"}', '2024-03-01T00:00:00Z', 'e3')$$, $$VALUES ('accepted')$$, 'a newer one is accepted');
SELECT results_eq(
  $$SELECT outcome FROM pg_temp.send('account', 'a1', '{"status": "former", "owner": "r1"}', '2024-02-01T00:00:00Z', 'e2')$$, $$VALUES ('stale')$$, 'one that is older than the state is stale');
SELECT is(pg_temp.doc('account', 'a1'), '{"name": "Acme", "owner": "r1", "status": "prospect"}', 'and is folded in where it belongs');
SELECT is((SELECT (last_at, last_event)::text FROM object WHERE org_id = 1 AND kind = 'account' AND object_id = 'a1'),
          ('2024-03-01'::timestamptz, 'e3')::text, 'the order key stays that of the newest');

SELECT results_eq(
  $$SELECT outcome FROM pg_temp.send('account', 'a1', '{"status": "prospect"}', '2024-04-01T00:00:00Z', 'e4')$$, $$VALUES ('unchanged')$$, 'what changes nothing is unchanged');
SELECT is((SELECT last_event FROM object WHERE org_id = 1 AND kind = 'account' AND object_id = 'a1'), 'e4', 'yet it is in the log and moves the order key');
SELECT results_eq(
  $$SELECT outcome FROM pg_temp.send('account', 'a1', '{"status": "former"}', '2024-03-15T00:00:00Z', 'e5')$$, $$VALUES ('stale')$$, 'so that what arrives later, dated before it,');
SELECT is((pg_temp.doc('account', 'a1')::jsonb) ->> 'status', 'prospect', 'does not win over it');

-- ── refused ──────────────────────────────────────────────────────────────────────────────────────
SELECT is((SELECT (outcome, code, pointer, quarantined)::text FROM pg_temp.send('account', 'a1', '{"name": "Other"}', '2024-01-01T00:00:00Z', 'e1')),
          ('rejected', 'event_id_reused', '/event_id', true)::text, 'an event id with other content');
SELECT is((SELECT code FROM pg_temp.send('account', 'a1', '{"name": "Acme"}', '2024-01-01T00:00:01Z', 'e1')), 'event_id_reused', 'with another time');
SELECT is((SELECT code FROM pg_temp.send('account', 'a2', '{"name": "Acme"}', '2024-01-01T00:00:00Z', 'e1')), 'event_id_reused', 'for another object');
SELECT is((SELECT code FROM pg_temp.send('account', 'a1', '{"name": "Acme"}', '2024-01-01T00:00:00Z', 'e1', p_full => 't')), 'event_id_reused', 'as a full record');
SELECT is((SELECT code FROM pg_temp.send('account', 'a1', NULL, '2024-01-01T00:00:00Z', 'e1', 'delete')), 'event_id_reused', 'for another operation');
SELECT is((SELECT (outcome, code, pointer, quarantined)::text FROM pg_temp.send('account', 'a1', '{"status": "former"}', '2024-06-02T00:00:00.000001Z', 'f1')),
          ('rejected', 'occurred_in_future', '/occurred_at', true)::text, 'more than 24 hours ahead');
SELECT is((SELECT outcome FROM pg_temp.send('product', 'p0', '{"name": "P"}', '2024-06-02T00:00:00Z', 'f2')), 'accepted', '24 hours ahead is accepted');
SELECT is((SELECT (code, pointer)::text FROM pg_temp.send('account', 'a9', '{"status": "former"}')), ('required', '/name')::text, 'first sight of an account without name');
SELECT is((SELECT pointer FROM pg_temp.send('rep', 'x', '{"email": "x@example.com"}')), '/name', 'of a rep');
SELECT is((SELECT pointer FROM pg_temp.send('team', 'x', '{}')), '/name', 'of a team');
SELECT is((SELECT pointer FROM pg_temp.send('product', 'x', '{"name": null}')), '/name', 'of a product, null being no name');
SELECT is((SELECT pointer FROM pg_temp.send('stage', 'x', '{"label": "X"}')), '/outcome', 'of a stage');
SELECT is((SELECT pointer FROM pg_temp.send('opportunity', 'x', '{"amount": 1}')), '/stage', 'of an opportunity');
SELECT is((SELECT pointer FROM pg_temp.send('activity', 'x', '{"kind": "call", "starts_at": "2024-01-01T00:00:00Z"}')), '/rep', 'of an activity');
SELECT is((SELECT outcome FROM pg_temp.send('activity', 'x', '{"kind": "call", "starts_at": "2024-01-01T00:00:00Z", "reps": ["r1"]}')), 'accepted', 'reps stand for rep');
SELECT is((SELECT pointer FROM pg_temp.send('fx-rate', 'EUR-USD-2024-01-01', '{}')), '/rate', 'of a rate');
SELECT is((SELECT code FROM pg_temp.send('account', 'a1', '{"status": "former"}', '2024-05-01T00:00:00Z', 'full', p_full => 't')), 'required', 'a full record must carry what is required, too');
SELECT is((SELECT (code, pointer)::text FROM pg_temp.send('account', 'a9', NULL, p_operation => 'delete')), ('unknown_object', '/id')::text, 'delete of the unknown');
SELECT is((SELECT code FROM pg_temp.send('account', 'a9', NULL, p_operation => 'restore')), 'unknown_object', 'restore of the unknown');
SELECT is((SELECT code FROM pg_temp.send('account', 'a9', '{"merged_into": "a1"}', p_operation => 'merge')), 'unknown_object', 'merge of the unknown');
SELECT is((SELECT (code, pointer)::text FROM pg_temp.send('account', 'a1', '{}', p_operation => 'merge')), ('required', '/merged_into')::text, 'merge into nothing');
SELECT is((SELECT code FROM pg_temp.send('account', 'a1', '{"merged_into": "a1"}', p_operation => 'merge')), 'merged_into_itself', 'merge into itself');
SELECT is((SELECT (code, pointer)::text FROM pg_temp.send('account', 'a1', '{"name": "n"}', NULL, '~0000000000000000001')), ('reserved_event_id', '/event_id')::text, 'ids the service gives');
SELECT throws_ok($$SELECT * FROM pg_temp.send('account', 'a1', '{"name": "n"}', p_org => 999)$$, 'PL000', 'There is no organisation 999.', 'an organisation that is not there');

-- ── what was refused and may have been meant is kept ─────────────────────────────────────────────
SELECT results_eq('SELECT quarantine_id, reason FROM quarantine WHERE org_id = 1 ORDER BY quarantine_id',
  $$VALUES (1::bigint, 'event_id_reused'), (2, 'event_id_reused'), (3, 'event_id_reused'), (4, 'event_id_reused'), (5, 'event_id_reused'), (6, 'occurred_in_future')$$,
  'quarantine counts up per organisation and holds nothing that is plainly wrong');
SELECT is((SELECT (source, pointer, kind, object_id, event_id, status)::text FROM quarantine WHERE org_id = 1 AND quarantine_id = 6),
          ('crm', '/occurred_at', 'account'::object_kind, 'a1', 'f1', 'open')::text, 'it says what and why');
SELECT is((SELECT payload::jsonb FROM quarantine WHERE org_id = 1 AND quarantine_id = 6),
          '{"kind": "account", "id": "a1", "operation": "patch", "full": false, "occurred_at": "2024-06-02T00:00:00.000001Z", "event_id": "f1", "source_seq": 0, "patch": {"status": "former"}}',
          'and could be sent again');

-- ── stages ───────────────────────────────────────────────────────────────────────────────────────
SELECT is((SELECT outcome FROM pg_temp.send('opportunity', 'd0', '{"stage": "Wom"}', '2024-01-01T00:00:00Z', p_strict => 't')), 'accepted', 'without any stage, a stage is taken on trust');
SELECT is(pg_temp.batch('stage', '{Won,Lost}', '{2024-01-01T00:00:00Z,2024-01-01T00:00:00Z}', '{NULL,NULL}', '{"{\"label\":\"Won\",\"outcome\":\"won\"}","{\"label\":\"Lost\",\"outcome\":\"lost\"}"}'),
          '{accepted,accepted}'::text[], 'stages arrive');
SELECT is((SELECT (code, pointer, message)::text FROM pg_temp.send('opportunity', 'd1', '{"stage": "Wom"}', p_strict => 't')),
          ('unknown_stage', '/stage', 'There is no stage "Wom"; the nearest is "Won". Known: Lost, Won.')::text, 'a single write that misspells a stage');
SELECT is((SELECT outcome FROM pg_temp.send('opportunity', 'd1', '{"stage": "Wom"}', '2024-01-01T00:00:00Z')), 'accepted', 'elsewhere it waits for its stage');
SELECT is((SELECT outcome FROM pg_temp.send('opportunity', 'd1', '{"stage": "Wom", "amount": 1}', '2024-01-02T00:00:00Z', p_strict => 't')), 'accepted', 'a stage it has already is no news');
SELECT is((SELECT outcome FROM pg_temp.send('opportunity', 'd1', '{"stage": "Won"}', '2024-01-03T00:00:00Z', p_strict => 't')), 'accepted', 'a known stage');

-- ── event ids that are made ──────────────────────────────────────────────────────────────────────
SELECT is((SELECT outcome FROM pg_temp.send('opportunity', 'd1', '{"stage": "Lost"}', '2024-01-04T00:00:00Z')), 'accepted', 'dated, without id');
SELECT is((SELECT outcome FROM pg_temp.send('opportunity', 'd1', '{"stage": "Lost"}', '2024-01-04T01:00:00+01:00')), 'duplicate', 'the same content at the same time is the same event');
SELECT is((SELECT outcome FROM pg_temp.send('opportunity', 'd1', '{"stage": "Lost"}', '2024-01-04T00:00:01Z')), 'unchanged', 'at another time it is another one');
SELECT matches((SELECT event_id FROM pg_temp.send('opportunity', 'd1', '{"stage": "Won"}')), '^~\d{19}$', 'without date and id: numbered');
SELECT is((SELECT last_at FROM object WHERE org_id = 1 AND kind = 'opportunity' AND object_id = 'd1'), '2024-06-01'::timestamptz, 'and dated now');

-- ── batches ──────────────────────────────────────────────────────────────────────────────────────
SELECT is(pg_temp.batch('opportunity', '{b1,b1,b1,b2}', '{2024-01-01T00:00:00Z,2024-01-03T00:00:00Z,2024-01-02T00:00:00Z,2024-01-01T00:00:00Z}', '{b1,b2,b3,b4}',
                        '{"{\"stage\":\"A\"}","{\"stage\":\"B\"}","{\"stage\":\"C\",\"name\":\"n\"}","{\"amount\":1}"}'),
          '{accepted,accepted,stale,rejected:required}'::text[], 'each meets what those before it in the batch left');
SELECT is(pg_temp.doc('opportunity', 'b1'), '{"name": "n", "stage": "B"}', 'and the fold is in order of time');
SELECT is(pg_temp.batch('opportunity', '{b3,b3}', '{2024-01-02T00:00:00Z,2024-01-01T00:00:00Z}', '{NULL,NULL}', '{"{\"amount\":1}","{\"stage\":\"A\"}"}'),
          '{rejected:required,accepted}'::text[], 'an object is known from its first good event on');
SELECT is(pg_temp.batch('opportunity', '{b4,b4,b4,b4}', '{2024-01-01T00:00:00Z,2024-01-01T00:00:00Z,2024-01-01T00:00:00Z,2024-01-02T00:00:00Z}', '{x,x,x,x}',
                        '{"{\"amount\":1}","{\"stage\":\"A\"}","{\"stage\":\"A\"}","{\"stage\":\"A\"}"}'),
          '{rejected:required,accepted,duplicate,rejected:event_id_reused}'::text[], 'an event id that stands in a batch several times');
SELECT is((SELECT array_agg(outcome ORDER BY idx) FROM pl.ingest(1, 'crm', '{team,team}', '{t1,t1}', '{patch,patch}', '{f,f}', '{f,f}', '{NULL,NULL}', '{z,a}',
                                                                 '{"{\"name\":\"first\"}","{\"name\":\"second\"}"}', '2024-06-01T00:00:00Z')),
          '{accepted,accepted}'::text[], 'undated events of a batch');
SELECT is(pg_temp.doc('team', 't1'), '{"name": "second"}', 'keep their order, whatever their ids');
SELECT is_empty($$SELECT * FROM pl.ingest(1, 'crm', '{}', '{}', '{}', '{}', '{}', '{}', '{}', '{}')$$, 'an empty batch has no outcome');
SELECT is((SELECT max(seq) FROM event WHERE org_id = 1), pg_temp.version(), 'the data version is the sequence of the newest event');
SELECT is((SELECT count(*) FROM event WHERE org_id = 1), (SELECT count(DISTINCT seq) FROM event WHERE org_id = 1), 'sequences are unique');

-- ── item by item ─────────────────────────────────────────────────────────────────────────────────
SELECT throws_ok($$SELECT * FROM pl.ingest(1, 'crm', '{team,team}', '{t2,t3}', '{patch,patch}', '{f,f}', '{f,f}', '{2024-13-01T00:00:00Z,2024-01-01T00:00:00Z}',
                                           '{NULL,NULL}', '{"{\"name\":\"n\"}","{\"name\":\"n\"}"}')$$, '22008', NULL, 'what cannot be stored stops a batch');
SELECT results_eq($$SELECT idx, outcome, code FROM pl.ingest_each(1, 'crm', '{team,team,team}', '{t2,t3,t3}', '{patch,patch,delete}', '{f,f,f}', '{f,f,f}',
                                                                  '{2024-13-01T00:00:00Z,2024-01-01T00:00:00Z,2024-01-02T00:00:00Z}', '{NULL,NULL,NULL}',
                                                                  '{"{\"name\":\"n\"}","{\"name\":\"n\"}",NULL}')$$,
                  $$VALUES (0, 'rejected', 'not_storable'), (1, 'accepted', NULL), (2, 'accepted', NULL)$$, 'item by item, only itself');
SELECT is((SELECT deleted_at FROM object WHERE org_id = 1 AND kind = 'team' AND object_id = 't3'), '2024-01-02'::timestamptz, 'and its neighbours are stored');
SELECT is((SELECT count(*) FROM event WHERE org_id = 1 AND object_id = 't2'), 0::bigint, 'of itself nothing is');

-- ── the source's own order ───────────────────────────────────────────────────────────────────────
CREATE FUNCTION pg_temp.counted(p_id text, p_events text[], p_seqs text[], p_patches text[], p_strict text DEFAULT 'f') RETURNS text[] LANGUAGE sql AS $$
  SELECT array_agg(i.outcome || coalesce(':' || i.code, '') ORDER BY i.idx)
    FROM pl.ingest(1, 'crm', array_fill('account'::text, ARRAY[cardinality(p_seqs)]), array_fill(p_id, ARRAY[cardinality(p_seqs)]),
                   array_fill('patch'::text, ARRAY[cardinality(p_seqs)]), array_fill('f'::text, ARRAY[cardinality(p_seqs)]),
                   array_fill(p_strict, ARRAY[cardinality(p_seqs)]), array_fill('2024-01-01T00:00:00Z'::text, ARRAY[cardinality(p_seqs)]),
                   p_events, p_patches, '2024-06-01T00:00:00Z', p_seqs) AS i
$$;
SELECT is(pg_temp.counted('q1', '{qa,qb,qc}', '{3,1,2}', '{"{\"name\":\"three\"}","{\"name\":\"one\"}","{\"name\":\"two\"}"}'),
          '{accepted,stale,stale}'::text[], 'events of one instant fold in the order of the source''s count, not of their ids');
SELECT is(pg_temp.doc('account', 'q1'), '{"name": "three"}', 'so the highest wins');
SELECT is((SELECT last_seq FROM object WHERE org_id = 1 AND kind = 'account' AND object_id = 'q1'), 3::bigint, 'the order key holds it');
SELECT is(pg_temp.counted('q1', '{qd}', '{9007199254740993}', '{"{\"name\":\"large\"}"}'), '{accepted}'::text[], 'counts are 64 bits wide');
SELECT is((SELECT source_seq FROM event WHERE org_id = 1 AND source = 'crm' AND event_id = 'qd'), 9007199254740993, 'and kept exactly');
SELECT is(pg_temp.counted('q1', '{qb}', '{1}', '{"{\"name\":\"one\"}"}'), '{duplicate}'::text[], 'the same again is a duplicate');
SELECT is(pg_temp.counted('q1', '{qb}', '{7}', '{"{\"name\":\"one\"}"}'), '{rejected:event_id_reused}'::text[], 'with another count it is another event');
SELECT is(pg_temp.counted('q2', '{NULL,NULL,NULL}', '{1,2,2}', '{"{\"name\":\"A\"}","{\"name\":\"A\"}","{\"name\":\"A\"}"}'),
          '{accepted,unchanged,duplicate}'::text[], 'without ids, the count is part of what makes an event the same');

-- ── sources that tell changes piece by piece ─────────────────────────────────────────────────────
SELECT is(pg_temp.counted('p1', '{NULL}', '{1}', '{"{\"status\":\"prospect\"}"}', 'p'), '{accepted}'::text[], 'the first piece need not carry the name');
SELECT is((SELECT outcome FROM pg_temp.send('account', 'p2', '{}', '2024-02-01T00:00:00Z', 'pd', 'delete', p_strict => 'p')), 'accepted', 'a delete may come first');
SELECT is((SELECT outcome FROM pg_temp.send('account', 'p2', '{"name": "late"}', '2024-01-01T00:00:00Z', p_strict => 'p')), 'stale', 'the record follows');
SELECT is((SELECT deleted_at FROM object WHERE org_id = 1 AND kind = 'account' AND object_id = 'p2'), '2024-02-01'::timestamptz, 'and stays deleted');
SELECT is((SELECT outcome FROM pg_temp.send('activity', 'p3', '{"starts_at": "2024-02-01T00:00:00Z"}', '2024-02-01T00:00:00Z', p_strict => 'p')), 'accepted',
          'an activity without a kind is kept, and counts when it has one');
SELECT is((SELECT outcome || ' ' || code FROM pg_temp.send('account', 'p4', '{"name": "x"}', '2024-06-02T00:00:01Z', p_strict => 'p')), 'rejected occurred_in_future',
          'what no record may be is refused here too: of the future,');
SELECT is((SELECT outcome || ' ' || code FROM pg_temp.send('account', 'p4', '{"name": "x"}', '2024-06-01T00:00:00Z', '~1', p_strict => 'p')), 'rejected reserved_event_id', 'under an id of ours,');
SELECT is((SELECT outcome || ' ' || code FROM pg_temp.send('account', 'p4', '{}', '2024-06-01T00:00:00Z', 'm', 'merge', p_strict => 'p')), 'rejected required', 'merged into nothing');

-- ── numbers ──────────────────────────────────────────────────────────────────────────────────────
SELECT is(pg_temp.batch('opportunity', '{n1,n1}', '{2024-01-01T00:00:00Z,2024-01-02T00:00:00Z}', '{NULL,NULL}', '{"{\"stage\":\"Won\",\"amount\":1.0}","{\"amount\":1.00}"}'),
          '{accepted,accepted}'::text[], 'an equal number written otherwise is a change of what is answered');
SELECT is(pg_temp.doc('opportunity', 'n1'), '{"stage": "Won", "amount": 1.00}', 'and is kept as sent');

SELECT * FROM finish();
ROLLBACK;
