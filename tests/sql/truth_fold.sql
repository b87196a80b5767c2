-- The fold, step by step: what a patch does to a document, what enters the track, what the operations do.
BEGIN;
SELECT plan(47);

-- ── documents ────────────────────────────────────────────────────────────────────────────────────
SELECT is(pl.fold_doc('{}', '{"a": 1}', false), '{"a": 1}', 'a patch sets');
SELECT is(pl.fold_doc('{"a": 1, "b": 2}', '{"a": 3}', false), '{"a": 3, "b": 2}', 'a patch leaves the rest');
SELECT is(pl.fold_doc('{"a": 1, "b": 2}', '{"a": null}', false), '{"b": 2}', 'null clears');
SELECT is(pl.fold_doc('{"a": 1}', '{"b": null}', false), '{"a": 1}', 'null of the absent does nothing');
SELECT is(pl.fold_doc('{"a": 1, "b": 2}', '{"b": 5}', true), '{"b": 5}', 'a full record clears what it does not name');
SELECT is(pl.fold_doc('{"a": 1}', '{"a": null}', true), '{}', 'a full record stores no null');
SELECT is(pl.fold_doc('{"attributes": {"x": 1, "y": 2}}', '{"attributes": {"y": 3, "z": 4}}', false),
          '{"attributes": {"x": 1, "y": 3, "z": 4}}', 'attributes merge one level deep');
SELECT is(pl.fold_doc('{"attributes": {"x": 1, "y": 2}}', '{"attributes": {"y": null}}', false),
          '{"attributes": {"x": 1}}', 'null clears inside attributes');
SELECT is(pl.fold_doc('{"attributes": {"x": 1}, "name": "n"}', '{"attributes": {"x": null}}', false),
          '{"name": "n"}', 'attributes that become empty are absent');
SELECT is(pl.fold_doc('{"attributes": {"x": 1}}', '{"attributes": null}', false), '{}', 'null clears all attributes');
SELECT is(pl.fold_doc('{"attributes": {"x": 1, "y": 2}}', '{"attributes": {"y": 3}}', true),
          '{"attributes": {"y": 3}}', 'a full record replaces attributes whole');
SELECT is(pl.fold_doc('{"attributes": {"tags": ["a", "b"]}}', '{"attributes": {"tags": ["c"]}}', false),
          '{"attributes": {"tags": ["c"]}}', 'lists are replaced, not merged');
SELECT is(pl.fold_doc('{}', '{"lines": [{"id": "1", "amount": null}]}', false),
          '{"lines": [{"id": "1", "amount": null}]}', 'nulls inside lists stay');
SELECT is(pl.fold_doc('{}', '{"amount": 1.50}', false)::text, '{"amount": 1.50}', 'numbers keep their digits');
SELECT is(pl.fold_doc('{}', '{"amount": 12345678901234567890.123456789}', false)::text,
          '{"amount": 12345678901234567890.123456789}', 'no number goes through a double');

-- ── tracks ───────────────────────────────────────────────────────────────────────────────────────
SELECT is(pl.tracked('opportunity'), '{stage,owner,account,splits,amount,currency,probability,lines,expected_close}'::text[],
          'what is tracked of a deal');
SELECT is(pl.tracked('account'), '{*}'::text[], 'all of an account is tracked');
SELECT is(pl.tracked('rep'), '{team,team_from,cost_per_hour,cost_currency}'::text[], 'what is tracked of a rep');
SELECT is(pl.tracked('activity'), '{}'::text[], 'nothing of an activity is tracked');
SELECT is(pl.changes('{"stage": "A", "amount": 1}', '{"stage": "B", "amount": 2}', '{stage,owner}'), '{"stage": "B"}',
          'only tracked attributes count as changes');
SELECT is(pl.changes('{"stage": "A"}', '{}', '{stage,owner}'), '{"stage": null}', 'a cleared attribute changes to null');
SELECT is(pl.changes('{"name": "n", "attributes": {"x": 1, "y": 2}}', '{"name": "n", "attributes": {"x": 1}}', '{*}'),
          '{"attributes.y": null}', 'attributes of an account are flat keys');
SELECT is(pl.fold_track('[]', '2024-01-01T00:00:00Z', '{"stage": "A"}'),
          '[{"at": "2024-01-01T00:00:00Z", "set": {"stage": "A"}}]', 'the first change');
SELECT is(pl.fold_track('[{"at": "2024-01-01T00:00:00Z", "set": {"stage": "A"}}]', '2024-01-02T00:00:00Z', '{"stage": "B"}'),
          '[{"at": "2024-01-01T00:00:00Z", "set": {"stage": "A"}}, {"at": "2024-01-02T00:00:00Z", "set": {"stage": "B"}}]',
          'changes come oldest first');
SELECT is(pl.fold_track('[{"at": "2024-01-01T00:00:00Z", "set": {"stage": "A"}}]', '2024-01-01T00:00:00Z', '{"stage": "B", "owner": "r"}'),
          '[{"at": "2024-01-01T00:00:00Z", "set": {"owner": "r", "stage": "B"}}]', 'one entry an instant');
SELECT is(pl.fold_track('[{"at": "2024-01-01T00:00:00Z", "set": {"stage": "A"}}, {"at": "2024-01-02T00:00:00Z", "set": {"stage": "B"}}]',
                        '2024-01-02T00:00:00Z', '{"stage": "A"}'),
          '[{"at": "2024-01-01T00:00:00Z", "set": {"stage": "A"}}]', 'what is taken back within an instant is no change');
SELECT is(pl.fold_track('[{"at": "2024-01-01T00:00:00Z", "set": {"stage": "A"}}]', '2024-01-01T00:00:00Z', '{"stage": null}'),
          '[]', 'set and cleared within the first instant is no change');
SELECT is(pl.fold_track('[{"at": "2024-01-01T10:16:00Z", "set": {"amount": 1}}]', '2024-01-01T10:29:59Z', '{"amount": 2, "currency": "EUR"}'),
          '[{"at": "2024-01-01T10:16:00Z", "set": {"amount": 2, "currency": "EUR"}}]', 'changes of worth within a quarter hour are one entry');
SELECT is(pl.fold_track('[{"at": "2024-01-01T10:16:00Z", "set": {"amount": 1}}]', '2024-01-01T10:30:00Z', '{"amount": 2}'),
          '[{"at": "2024-01-01T10:16:00Z", "set": {"amount": 1}}, {"at": "2024-01-01T10:30:00Z", "set": {"amount": 2}}]', 'the next quarter hour is another');
SELECT is(pl.fold_track('[{"at": "2024-01-01T10:16:00Z", "set": {"stage": "A"}}]', '2024-01-01T10:17:00Z', '{"amount": 2}'),
          '[{"at": "2024-01-01T10:16:00Z", "set": {"stage": "A"}}, {"at": "2024-01-01T10:17:00Z", "set": {"amount": 2}}]', 'stages keep their instants');

-- ── operations ───────────────────────────────────────────────────────────────────────────────────
CREATE FUNCTION pg_temp.e(p_operation event_operation, p_at timestamptz, p_patch jsonb DEFAULT '{}', p_full boolean DEFAULT false, p_id text DEFAULT 'e')
RETURNS event LANGUAGE sql AS $$
  SELECT ROW(1, 's', p_id, 1, 'opportunity', 'd1', p_at, 0, p_at + interval '1 hour', p_operation, p_full, p_patch)::event
$$;
CREATE FUNCTION pg_temp.fold(VARIADIC p_events event[]) RETURNS object LANGUAGE sql AS $$
  SELECT pl.fold(e ORDER BY e.occurred_at, e.source_seq, e.event_id, e.source) FROM unnest(p_events) AS e
$$;

SELECT is((pg_temp.fold(pg_temp.e('patch', '2024-01-02', '{"stage": "B"}'), pg_temp.e('patch', '2024-01-01', '{"stage": "A", "name": "n"}'))).doc,
          '{"name": "n", "stage": "B"}', 'the later event wins, attribute by attribute, whatever the order of arrival');
SELECT is((pg_temp.fold(pg_temp.e('patch', '2024-01-02', '{"stage": "B"}'), pg_temp.e('patch', '2024-01-01', '{"stage": "A"}'))).track,
          '[{"at": "2024-01-01T00:00:00Z", "set": {"stage": "A"}}, {"at": "2024-01-02T00:00:00Z", "set": {"stage": "B"}}]', 'and so the track');
SELECT is((pg_temp.fold(pg_temp.e('patch', '2024-01-01', '{"stage": "B"}', false, 'b'), pg_temp.e('patch', '2024-01-01', '{"stage": "A"}', false, 'a'))).doc,
          '{"stage": "B"}', 'ties in time go by event id');
SELECT is((pg_temp.fold(pg_temp.e('patch', '2024-01-01', '{"stage": "A"}'))).first_at, '2024-01-01'::timestamptz, 'first_at');
SELECT is((pg_temp.fold(pg_temp.e('patch', '2024-01-01'), pg_temp.e('patch', '2024-01-03'))).last_at, '2024-01-03'::timestamptz, 'last_at');
SELECT is((pg_temp.fold(pg_temp.e('patch', '2024-01-01'), pg_temp.e('patch', '2024-01-03'))).last_received,
          '2024-01-03 01:00'::timestamptz, 'last_received is the newest');
SELECT is((pg_temp.fold(pg_temp.e('patch', '2024-01-01', '{"stage": "A"}'), pg_temp.e('delete', '2024-01-02'))).deleted_at,
          '2024-01-02'::timestamptz, 'a delete leaves a tombstone');
SELECT is((pg_temp.fold(pg_temp.e('patch', '2024-01-01', '{"stage": "A"}'), pg_temp.e('delete', '2024-01-02'))).doc,
          '{"stage": "A"}', 'and keeps the document');
SELECT is((pg_temp.fold(pg_temp.e('patch', '2024-01-01'), pg_temp.e('delete', '2024-01-02'), pg_temp.e('delete', '2024-01-03'))).deleted_at,
          '2024-01-02'::timestamptz, 'deleted twice: since the first time');
SELECT is((pg_temp.fold(pg_temp.e('patch', '2024-01-01'), pg_temp.e('delete', '2024-01-02'), pg_temp.e('patch', '2024-01-03', '{"stage": "C"}'))).deleted_at,
          '2024-01-02'::timestamptz, 'a partial patch does not revive');
SELECT is((pg_temp.fold(pg_temp.e('patch', '2024-01-01'), pg_temp.e('delete', '2024-01-02'), pg_temp.e('patch', '2024-01-03', '{"stage": "C"}', true))).deleted_at,
          NULL, 'a full record after the deletion revives');
SELECT is((pg_temp.fold(pg_temp.e('patch', '2024-01-03'), pg_temp.e('delete', '2024-01-02'), pg_temp.e('patch', '2024-01-01', '{"stage": "C"}', true))).deleted_at,
          '2024-01-02'::timestamptz, 'one before it does not');
SELECT is((pg_temp.fold(pg_temp.e('patch', '2024-01-01'), pg_temp.e('delete', '2024-01-02'), pg_temp.e('restore', '2024-01-03'))).deleted_at,
          NULL, 'a restore revives');
SELECT is((pg_temp.fold(pg_temp.e('patch', '2024-01-01'), pg_temp.e('merge', '2024-01-02', '{"merged_into": "d2"}'))).merged_into,
          'd2', 'a merge says into what');
SELECT is((pg_temp.fold(pg_temp.e('patch', '2024-01-01'), pg_temp.e('merge', '2024-01-02', '{"merged_into": "d2"}'))).deleted_at,
          '2024-01-02'::timestamptz, 'and since when');
SELECT is((pg_temp.fold(pg_temp.e('patch', '2024-01-01'), pg_temp.e('merge', '2024-01-02', '{"merged_into": "d2"}'),
                        pg_temp.e('patch', '2024-01-03', '{"stage": "C"}', true))).merged_into,
          'd2', 'a full record does not undo a merge');
SELECT ok((SELECT s.merged_into IS NULL AND s.deleted_at IS NULL
             FROM pg_temp.fold(pg_temp.e('patch', '2024-01-01'), pg_temp.e('merge', '2024-01-02', '{"merged_into": "d2"}'),
                               pg_temp.e('restore', '2024-01-03')) AS s), 'a restore does');

SELECT * FROM finish();
ROLLBACK;
