-- Reading: one object, lists, histories, each within the key's row scope; states as they were; rebuild; organisations.
BEGIN;
SELECT plan(72);

CREATE FUNCTION pg_temp.put(p_kind text, p_id text, p_patch text, p_at text, p_operation text DEFAULT 'patch', p_received timestamptz DEFAULT '2024-06-01T00:00:00Z', p_full text DEFAULT 'f')
RETURNS text LANGUAGE sql AS $$
  SELECT outcome FROM pl.ingest(1, 'crm', ARRAY[p_kind], ARRAY[p_id], ARRAY[p_operation], ARRAY[p_full], '{f}', ARRAY[p_at], '{NULL}', ARRAY[p_patch], p_received)
$$;
CREATE FUNCTION pg_temp.ask(p_path text DEFAULT NULL, p_query jsonb DEFAULT '{}', p_who jsonb DEFAULT '{"scope": "all"}')
RETURNS jsonb LANGUAGE sql AS $$
  SELECT jsonb_build_object('path', jsonb_build_array(p_path), 'query', p_query, 'format', 'json', 'who', p_who, 'body', NULL)
$$;
CREATE FUNCTION pg_temp.ids(p_kind object_kind, p_query jsonb DEFAULT '{}', p_who jsonb DEFAULT '{"scope": "all"}') RETURNS text[] LANGUAGE sql AS $$
  SELECT ARRAY(SELECT d ->> 'id' FROM pl.object_list(1, p_kind, pg_temp.ask(NULL, p_query, p_who)) AS l, jsonb_array_elements(l.body::jsonb -> 'data') AS d)
$$;
CREATE FUNCTION pg_temp.self(p_rep text) RETURNS jsonb LANGUAGE sql AS $$ SELECT jsonb_build_object('scope', 'self', 'rep', p_rep, 'team', NULL) $$;
CREATE FUNCTION pg_temp.team(p_team text) RETURNS jsonb LANGUAGE sql AS $$ SELECT jsonb_build_object('scope', 'team', 'rep', NULL, 'team', p_team) $$;

SELECT pg_temp.put('stage', 'Open', '{"label": "Open", "outcome": "open"}', '2023-01-01T00:00:00Z');
SELECT pg_temp.put('stage', 'Won', '{"label": "Won", "outcome": "won"}', '2023-01-01T00:00:00Z');
SELECT pg_temp.put('team', 'emea', '{"name": "EMEA"}', '2023-01-01T00:00:00Z');
SELECT pg_temp.put('team', 'dach', '{"name": "DACH", "parent": "emea"}', '2023-01-01T00:00:00Z');
SELECT pg_temp.put('team', 'us', '{"name": "US"}', '2023-01-01T00:00:00Z');
SELECT pg_temp.put('rep', 'ann', '{"name": "Ann", "team": "dach"}', '2023-01-01T00:00:00Z');
SELECT pg_temp.put('rep', 'bob', '{"name": "Bob", "team": "emea"}', '2023-01-01T00:00:00Z');
SELECT pg_temp.put('rep', 'cid', '{"name": "Cid", "team": "us"}', '2023-01-01T00:00:00Z');
SELECT pg_temp.put('account', 'a-ann', '{"name": "Owned by Ann", "owner": "ann"}', '2023-01-01T00:00:00Z');
SELECT pg_temp.put('account', 'a-deal', '{"name": "Bob sells here"}', '2023-01-01T00:00:00Z');
SELECT pg_temp.put('account', 'a-met', '{"name": "Cid was here", "owner": "bob"}', '2023-01-01T00:00:00Z');
SELECT pg_temp.put('opportunity', 'd1', '{"stage": "Open", "owner": "ann", "amount": 10.50, "account": "a-ann", "attributes": {"x": "y"}}', '2024-01-01T00:00:00Z');
SELECT pg_temp.put('opportunity', 'd2', '{"stage": "Open", "owner": "bob", "account": "a-deal"}', '2024-01-01T00:00:00Z');
SELECT pg_temp.put('opportunity', 'd3', '{"stage": "Open", "owner": "cid"}', '2024-01-01T00:00:00Z');
SELECT pg_temp.put('opportunity', 'd4', '{"stage": "Open"}', '2024-01-01T00:00:00Z');
SELECT pg_temp.put('activity', 'm1', '{"kind": "call", "starts_at": "2024-02-01T09:00:00Z", "rep": "ann", "outcome": "held"}', '2024-02-01T10:00:00Z');
SELECT pg_temp.put('activity', 'm2', '{"kind": "meeting", "starts_at": "2024-02-01T09:00:00Z", "reps": ["bob", "cid"], "account": "a-met", "outcome": "held"}', '2024-02-01T10:00:00Z');
SELECT pg_temp.put('product', 'p1', '{"name": "P"}', '2023-01-01T00:00:00Z');

-- ── one object ───────────────────────────────────────────────────────────────────────────────────
SELECT is(pl.object_get(1, 'opportunity', pg_temp.ask('d1')),
          '{"id": "d1", "owner": "ann", "stage": "Open", "amount": 10.50, "account": "a-ann", "attributes": {"x": "y"}, "occurred_at": "2024-01-01T00:00:00Z"}',
          'id first, attributes as sent, occurred_at of the newest event');
SELECT is(pl.object_get(1, 'opportunity', pg_temp.ask('nope')), NULL, 'the unknown is not found');
SELECT is(pl.object_get(2, 'opportunity', pg_temp.ask('d1')), NULL, 'nor is another organisation''s');
SELECT is(pl.object_get(1, 'account', pg_temp.ask('d1')), NULL, 'nor another kind''s');
SELECT is(pg_temp.put('opportunity', 'd4', NULL, '2024-03-01T00:00:00Z', 'delete'), 'accepted', 'a deal is deleted');
SELECT throws_ok($$SELECT pl.object_get(1, 'opportunity', pg_temp.ask('d4'))$$, 'PL000', 'The opportunity "d4" was deleted at 2024-03-01T00:00:00Z.', 'and says so when asked for');
SELECT is(pg_temp.put('account', 'a-old', '{"name": "Old"}', '2024-01-01T00:00:00Z'), 'accepted', 'an account');
SELECT is(pg_temp.put('account', 'a-old', '{"merged_into": "a-ann"}', '2024-03-01T00:00:00Z', 'merge'), 'accepted', 'is merged');
SELECT is(pl.object_get(1, 'account', pg_temp.ask('a-old')),
          '{"id": "a-old", "name": "Old", "occurred_at": "2024-03-01T00:00:00Z", "deleted_at": "2024-03-01T00:00:00Z", "merged_into": "a-ann"}', 'and says into what');
SELECT is(pg_temp.put('product', 'quote "q"', '{"name": "\"\\"}', '2023-01-01T00:00:00Z'), 'accepted', 'an id that needs escaping');
SELECT is(pl.object_get(1, 'product', pg_temp.ask('quote "q"'))::jsonb ->> 'id', 'quote "q"', 'is escaped');

-- ── lists ────────────────────────────────────────────────────────────────────────────────────────
SELECT is(pg_temp.ids('opportunity'), '{d1,d2,d3}'::text[], 'a list is in the order of ids and hides the deleted');
SELECT is(pg_temp.ids('opportunity', '{"include_deleted": "true"}'), '{d1,d2,d3,d4}'::text[], 'unless asked not to');
SELECT is(pg_temp.ids('account'), '{a-ann,a-deal,a-met}'::text[], 'and the merged');
SELECT is((SELECT body FROM pl.object_list(1, 'fx-rate', pg_temp.ask())), '{"data": [], "next": null}', 'an empty list');
SELECT is(pg_temp.ids('opportunity', '{"limit": "2"}'), '{d1,d2}'::text[], 'a page');
SELECT is((SELECT pg_temp.ids('opportunity', jsonb_build_object('limit', '2', 'cursor', l.next)) FROM pl.object_list(1, 'opportunity', pg_temp.ask(NULL, '{"limit": "2"}')) AS l),
          '{d3}'::text[], 'and the page after it');
SELECT is((SELECT next FROM pl.object_list(1, 'opportunity', pg_temp.ask(NULL, '{"limit": "3"}'))), NULL, 'the last page has no next');
SELECT is((SELECT body::jsonb ->> 'next' FROM pl.object_list(1, 'opportunity', pg_temp.ask(NULL, '{"limit": "1"}'))),
          (SELECT next FROM pl.object_list(1, 'opportunity', pg_temp.ask(NULL, '{"limit": "1"}'))), 'next stands in the body and beside it');
SELECT throws_ok($$SELECT * FROM pl.object_list(1, 'opportunity', pg_temp.ask(NULL, '{"cursor": "%%"}'))$$, 'PL000', 'The cursor is not one that this list has given.', 'a made-up cursor');
SELECT throws_ok($$SELECT * FROM pl.object_list(1, 'opportunity', pg_temp.ask(NULL, '{"cursor": "_w"}'))$$, 'PL000', 'The cursor is not one that this list has given.', 'one that is no text');
SELECT throws_ok($$SELECT * FROM pl.object_list(1, 'opportunity', pg_temp.ask(NULL, '{"limit": "0"}'))$$, 'PL000', 'The limit is not a number from 1 to 1000.', 'limit 0');
SELECT throws_ok($$SELECT * FROM pl.object_list(1, 'opportunity', pg_temp.ask(NULL, '{"limit": "1001"}'))$$, 'PL000', 'The limit is not a number from 1 to 1000.', 'limit 1001');
SELECT is(pl.cursor_decode(pl.cursor_encode(repeat('€/+ä', 60))), repeat('€/+ä', 60), 'a cursor carries any id');

-- ── histories ────────────────────────────────────────────────────────────────────────────────────
SELECT is(pg_temp.put('opportunity', 'd1', '{"stage": "Won"}', '2024-02-01T00:00:00Z'), 'accepted', 'a deal moves on');
SELECT is(pg_temp.put('opportunity', 'd1', '{"amount": 9}', '2023-12-01T00:00:00Z'), 'stale', 'and back');
SELECT is((SELECT array_agg(d ->> 'occurred_at' || ' ' || (d ->> 'patch')) FROM pl.object_history(1, 'opportunity', pg_temp.ask('d1')) AS h, jsonb_array_elements(h.body::jsonb -> 'data') AS d),
          ARRAY['2024-02-01T00:00:00Z {"stage": "Won"}',
                '2024-01-01T00:00:00Z {"owner": "ann", "stage": "Open", "amount": 10.50, "account": "a-ann", "attributes": {"x": "y"}}',
                '2023-12-01T00:00:00Z {"amount": 9}'], 'a history is newest first by the source''s clock');
SELECT is((SELECT array_agg(k ORDER BY k) FROM pl.object_history(1, 'opportunity', pg_temp.ask('d1')) AS h, jsonb_object_keys(h.body::jsonb -> 'data' -> 0) AS k),
          '{event_id,full,occurred_at,operation,patch,received_at,source}'::text[], 'the members of an event');
SELECT is((SELECT h2.body::jsonb #>> '{data,0,occurred_at}' FROM pl.object_history(1, 'opportunity', pg_temp.ask('d1', '{"limit": "1"}')) AS h1,
                  pl.object_history(1, 'opportunity', pg_temp.ask('d1', jsonb_build_object('limit', '1', 'cursor', h1.next))) AS h2), '2024-01-01T00:00:00Z', 'a history has pages');
SELECT is((SELECT count(*) FROM pl.object_history(1, 'opportunity', pg_temp.ask('nope'))), 0::bigint, 'the unknown has none');
SELECT is((SELECT jsonb_array_length(body::jsonb -> 'data') FROM pl.object_history(1, 'opportunity', pg_temp.ask('d4'))), 2, 'the deleted keeps its own');
SELECT throws_ok($$SELECT * FROM pl.object_history(1, 'opportunity', pg_temp.ask('d1', '{"cursor": "YWJj"}'))$$, 'PL000', 'The cursor is not one that this list has given.', 'a cursor of another kind');
SELECT throws_ok($$SELECT * FROM pl.object_history(1, 'opportunity', pg_temp.ask('d1', '{"cursor": "W10"}'))$$, 'PL000', 'The cursor is not one that this list has given.', 'a cursor that lacks its parts');

-- ── row scopes ───────────────────────────────────────────────────────────────────────────────────
SELECT is(pg_temp.ids('opportunity', '{}', pg_temp.self('ann')), '{d1}'::text[], 'self: own deals');
SELECT is(pg_temp.ids('opportunity', '{}', pg_temp.team('emea')), '{d1,d2}'::text[], 'team: those of the team and the teams below it');
SELECT is(pg_temp.ids('opportunity', '{}', pg_temp.team('dach')), '{d1}'::text[], 'not those of the team above it');
SELECT is(pg_temp.ids('opportunity', '{}', pg_temp.team('nowhere')), '{}'::text[], 'a team nobody is in sees nothing');
SELECT is(pg_temp.ids('opportunity', '{}', pg_temp.self(NULL)), '{}'::text[], 'nor does a key for a rep without one');
SELECT is(pl.object_get(1, 'opportunity', pg_temp.ask('d2', '{}', pg_temp.self('ann'))), NULL, 'what is out of scope is not found');
SELECT is((SELECT count(*) FROM pl.object_history(1, 'opportunity', pg_temp.ask('d2', '{}', pg_temp.self('ann')))), 0::bigint, 'nor is its history');
SELECT is(pl.object_get(1, 'opportunity', pg_temp.ask('d4', '{}', pg_temp.self('ann'))), NULL, 'nor that it was deleted');
SELECT is(pg_temp.ids('activity', '{}', pg_temp.self('ann')), '{m1}'::text[], 'activities by rep');
SELECT is(pg_temp.ids('activity', '{}', pg_temp.self('cid')), '{m2}'::text[], 'or by one of several');
SELECT is(pg_temp.put('activity', 'm3', '{"kind": "call", "starts_at": "2024-02-01T09:00:00Z", "reps": [7, 8]}', '2024-02-01T10:00:00Z'), 'accepted', 'ids may be numbers');
SELECT is(pg_temp.ids('activity', '{}', pg_temp.self('8')), '{m3}'::text[], 'and are the same as texts');
SELECT is(pg_temp.ids('rep', '{}', pg_temp.self('ann')), '{ann}'::text[], 'a rep sees herself');
SELECT is(pg_temp.ids('rep', '{}', pg_temp.team('emea')), '{ann,bob}'::text[], 'a team its members');
SELECT is(pg_temp.ids('team', '{}', pg_temp.self('ann')), '{dach}'::text[], 'a rep sees her team');
SELECT is(pg_temp.ids('team', '{}', pg_temp.team('emea')), '{dach,emea}'::text[], 'a team those below it');
SELECT is(pg_temp.ids('account', '{}', pg_temp.self('ann')), '{a-ann}'::text[], 'accounts by owner');
SELECT is(pg_temp.ids('account', '{}', pg_temp.self('bob')), '{a-deal,a-met}'::text[], 'or by a deal');
SELECT is(pg_temp.ids('account', '{}', pg_temp.self('cid')), '{a-met}'::text[], 'or by an activity');
SELECT is(pg_temp.ids('stage', '{}', pg_temp.self('ann')) || pg_temp.ids('product', '{}', pg_temp.self('ann')), '{Open,Won,p1,"quote \"q\""}'::text[], 'stages and products are open');
SELECT is(pl.teams_below(1, 'emea'), '{dach,emea}'::text[], 'the tree of teams');
SELECT is(pg_temp.put('team', 'emea', '{"parent": "dach"}', '2024-01-01T00:00:00Z'), 'accepted', 'even one that bites its tail');
SELECT is(pl.teams_below(1, 'emea'), '{dach,emea}'::text[], 'ends');

-- ── states as they were ──────────────────────────────────────────────────────────────────────────
SELECT is((SELECT doc ->> 'stage' FROM pl.object_states(1, 'opportunity', '{d1}', '2024-01-15', NULL)), 'Open', 'as of a time between events');
SELECT is((SELECT count(*) FROM pl.object_states(1, 'opportunity', '{d1}', '2023-11-30', NULL)), 0::bigint, 'before the first there was nothing');
SELECT is((SELECT deleted_at FROM pl.object_states(1, 'opportunity', '{d4}', '2024-02-28', NULL)), NULL, 'before its deletion an object is there');
SELECT is(pg_temp.put('opportunity', 'd2', '{"stage": "Won"}', '2024-01-02T00:00:00Z', p_received => '2024-07-01T00:00:00Z'), 'accepted', 'a late arrival');
SELECT is((SELECT doc ->> 'stage' FROM pl.object_states(1, 'opportunity', '{d2}', NULL, '2024-06-30')), 'Open', 'as known before it arrived');

-- ── rebuild, organisations ───────────────────────────────────────────────────────────────────────
UPDATE object SET doc = '{"stage": "Tampered"}' WHERE org_id = 1 AND kind = 'opportunity' AND object_id = 'd1';
INSERT INTO object SELECT org_id, kind, 'ghost', doc, track, first_at, last_at, last_seq, last_event, last_received FROM object WHERE org_id = 1 AND kind = 'opportunity' AND object_id = 'd2';
SELECT is((SELECT changed FROM pl.rebuild(1)), 2::bigint, 'a rebuild finds what the log does not say');
SELECT is((SELECT array_agg(doc ->> 'stage') FROM object WHERE org_id = 1 AND object_id IN ('d1', 'ghost')), '{Won}'::text[], 'and puts it right');
SELECT is((SELECT (objects, events, changed) FROM pl.rebuild(1)),
          (SELECT (count(DISTINCT (kind, object_id)), count(*), 0::bigint) FROM event WHERE org_id = 1), 'then there is nothing left to change');
SELECT throws_ok('SELECT * FROM pl.rebuild(999)', 'PL000', 'There is no organisation 999.', 'nor an organisation that is not there');

SELECT is(pl.org_create('acme', 'Acme Inc.') - (SELECT max(org_id) FROM org), 1, 'an organisation gets the next number');
SELECT is((SELECT (name, time_zone) FROM org WHERE slug = 'acme'), ('Acme Inc.'::text, 'UTC'::text), 'with defaults');
SELECT is((SELECT data_version FROM org_version JOIN org USING (org_id) WHERE slug = 'acme'), 0::bigint, 'and a version');
SELECT throws_ok($$SELECT pl.org_create('acme', 'Again')$$, 'PL000', 'There is already an organisation called acme.', 'a slug is unique');
SELECT throws_ok($$SELECT pl.org_create('No Slug', 'x')$$, 'PL000', 'The slug cannot be used.', 'and a plain word');
SELECT is((SELECT outcome FROM pl.ingest((SELECT org_id FROM org WHERE slug = 'acme'), 'crm', '{product}', '{p1}', '{patch}', '{f}', '{f}', '{2023-01-01T00:00:00Z}', '{e}', '{"{\"name\":\"Theirs\"}"}')),
          'accepted', 'its events are its own');
SELECT is(pl.object_get(1, 'product', pg_temp.ask('p1'))::jsonb ->> 'name', 'P', 'and touch nobody else''s');

SELECT * FROM finish();
ROLLBACK;
