-- Sources and quarantine: what is counted once, what a page of a replay holds, when secrets hold.
BEGIN;
SELECT plan(36);

CREATE FUNCTION pg_temp.put(p_payloads text[], p_reason text DEFAULT 'not_json', p_source text DEFAULT 'crm') RETURNS bigint[] LANGUAGE sql AS $$
  SELECT array_agg(quarantine_id ORDER BY idx)
    FROM pl.quarantine_put(1, p_source, array_fill(p_reason, ARRAY[cardinality(p_payloads)]), array_fill(''::text, ARRAY[cardinality(p_payloads)]),
                           array_fill('why'::text, ARRAY[cardinality(p_payloads)]), array_fill(NULL::text, ARRAY[cardinality(p_payloads)]),
                           array_fill(NULL::text, ARRAY[cardinality(p_payloads)]), array_fill(NULL::text, ARRAY[cardinality(p_payloads)]),
                           array_fill(NULL::text, ARRAY[cardinality(p_payloads)]), p_payloads, array_fill('text'::text, ARRAY[cardinality(p_payloads)]),
                           array_fill(NULL::text, ARRAY[cardinality(p_payloads)]))
$$;
CREATE FUNCTION pg_temp.request(p_query jsonb DEFAULT '{}', p_path jsonb DEFAULT '[]') RETURNS jsonb LANGUAGE sql AS $$
  SELECT jsonb_build_object('path', p_path, 'query', p_query, 'who', jsonb_build_object('key', 'k1'))
$$;
CREATE FUNCTION pg_temp.version() RETURNS bigint LANGUAGE sql AS 'SELECT config_version FROM org_version WHERE org_id = 1';

-- ── what comes again ─────────────────────────────────────────────────────────────────────────────
SELECT is(pg_temp.put('{a,b,a}'), '{2,1,2}'::bigint[], 'the same twice in one batch is one row; the number follows its last place');
SELECT is((SELECT array_agg(times ORDER BY quarantine_id) FROM quarantine WHERE org_id = 1), '{1,2}'::int[], 'counted twice');
SELECT is(pg_temp.put('{b}', 'too_deep'), '{1}'::bigint[], 'again later: the same row');
SELECT is((SELECT (times, reason)::text FROM quarantine WHERE org_id = 1 AND quarantine_id = 1), (2, 'too_deep')::text, 'with the newest reason');
SELECT is(pg_temp.put('{b}', p_source => 'shop'), '{3}'::bigint[], 'of another source it is another');
SELECT is(pg_temp.version(), 3::bigint, 'answers tell how much waits, so they change with each batch');
SELECT is((pl.quarantine_discard(1, pg_temp.request(p_path => '["1"]'))::jsonb) ->> 'status', 'discarded', 'given up');
SELECT is(pg_temp.put('{b}'), '{4}'::bigint[], 'after that it is new');
SELECT is(pl.instant_or_null('2999-01-01T00:00:00Z'), '2999-01-01'::timestamptz, 'a time');
SELECT is(pl.instant_or_null('2024-13-01T00:00:00Z'), NULL::timestamptz, 'what is none that can be kept is left out');

-- ── pages of a replay ────────────────────────────────────────────────────────────────────────────
SELECT is((SELECT array_agg(quarantine_id || ':' || more ORDER BY quarantine_id) FROM pl.quarantine_take(1, pg_temp.request('{"limit": "2"}'))),
          '{2:true,3:true}'::text[], 'the oldest first, open ones only');
SELECT is((SELECT array_agg(quarantine_id || ':' || more) FROM pl.quarantine_take(1, pg_temp.request(jsonb_build_object('limit', '2', 'cursor', pl.cursor_encode('3'))))),
          '{4:false}'::text[], 'the last page has no more behind it');
SELECT is((SELECT array_agg(quarantine_id) FROM pl.quarantine_take(1, pg_temp.request('{"source": "shop", "reason": "not_json"}'))), '{3}'::bigint[], 'of one source and reason');
SELECT is((SELECT count(*) FROM pl.quarantine_take(1, pg_temp.request('{"reason": "nothing"}'))), 0::bigint, 'none');
SELECT is((SELECT array_agg(quarantine_id) FROM pl.quarantine_take(1, pg_temp.request(p_path => '["2"]'))), '{2}'::bigint[], 'one by its number');
SELECT throws_like($$SELECT * FROM pl.quarantine_take(1, pg_temp.request(p_path => '["1"]'))$$, '%was discarded at%', 'unless it is closed');
SELECT throws_like($$SELECT * FROM pl.quarantine_take(1, pg_temp.request(p_path => '["9"]'))$$, '%nothing with the number 9%', 'or not there');
DO $$ BEGIN PERFORM pg_temp.put(ARRAY[repeat('x', 9000000), repeat('y', 9000000), 'z'], 'large'); END $$;
SELECT is((SELECT array_agg(more) FROM pl.quarantine_take(1, pg_temp.request('{"reason": "large"}'))), '{t}'::boolean[], 'a page holds 16 MiB');
SELECT lives_ok($$SELECT pl.quarantine_settle(1, pg_temp.request(), '{2,3}', '{NULL,still_bad}', '{NULL,/x}', '{NULL,no}')$$, 'a replay is settled');
SELECT is((SELECT array_agg(status || ':' || reason || ':' || (closed_at IS NOT NULL) ORDER BY quarantine_id) FROM quarantine WHERE org_id = 1 AND quarantine_id IN (2, 3)),
          '{replayed:not_json:true,open:still_bad:false}'::text[], 'what went through is closed, the other has its new reason');
SELECT is((SELECT after::text FROM audit WHERE org_id = 1 AND action = 'quarantine.replay'), '{"replayed": 1, "still_open": 1}', 'and the audit log knows');

-- ── objects to be read again ─────────────────────────────────────────────────────────────────────
SELECT lives_ok($$SELECT pl.resync_put(1, 'crm', '{account,opportunity,account}', '{a1,"",a1}', '{lost,lost,lost}')$$, 'gaps are noted');
SELECT lives_ok($$SELECT pl.resync_put(1, 'crm', '{account}', '{a1}', '{again}')$$, 'and noted again');
SELECT is((SELECT array_agg(kind || ':' || object_id || ':' || times || ':' || reason ORDER BY resync_id) FROM resync WHERE org_id = 1),
          '{account:a1:3:again,opportunity::1:lost}'::text[], 'each once, counted');

-- ── sources and their secrets ────────────────────────────────────────────────────────────────────
SELECT lives_ok($$SELECT pl.source_put(1, pg_temp.request(), '{"source": "crm", "preset": "generic", "override": null}', true)$$, 'a source');
SELECT throws_like($$SELECT pl.source_put(1, pg_temp.request(), '{"source": "crm", "preset": "generic"}', true)$$, '%a source "crm" already%', 'is made once');
SELECT is((SELECT override FROM pl.source_find(NULL, 'default', 'crm', 0)), '{}', 'and found with all it has');
SELECT is((SELECT f.override FROM source AS s, pl.source_find(NULL, 'default', 'crm', s.version) AS f WHERE s.org_id = 1), NULL, 'but not what is known already');
SELECT is((SELECT count(*) FROM pl.source_find(NULL, 'nobody', 'crm', 0)), 0::bigint, 'nor by another organisation');
DO $$ BEGIN PERFORM pl.source_secret_put(1, pg_temp.request(), 'crm', 'plain:one', 24); PERFORM pl.source_secret_put(1, pg_temp.request(), 'crm', 'plain:two', 24); END $$;
SELECT is((SELECT array_agg(s ->> 'state' ORDER BY n) FROM jsonb_array_elements(pl.source_secrets(1, 'crm')) WITH ORDINALITY AS t(s, n)), '{ending,in_force}'::text[], 'two hold at a time');
SELECT is((SELECT not_after - created_at BETWEEN interval '23 hours 59 minutes' AND interval '24 hours 1 minute' FROM source_secret WHERE org_id = 1 AND number = 1), true, 'for the overlap');
DO $$ BEGIN PERFORM pl.source_secret_put(1, pg_temp.request(), 'crm', 'plain:three', 24); END $$;
SELECT is((SELECT array_agg(s ->> 'state' ORDER BY n) FROM jsonb_array_elements(pl.source_secrets(1, 'crm')) WITH ORDINALITY AS t(s, n)), '{ended,ending,in_force}'::text[], 'never three');
SELECT is((SELECT array_agg(kept ORDER BY number) FROM source_secret WHERE org_id = 1), '{"",plain:two,plain:three}'::text[], 'what has ended is erased');
SELECT is((SELECT string_agg(before::text || after::text, '') ~ 'plain:|one|two|three' FROM audit WHERE org_id = 1 AND action = 'source.secret'), false, 'the audit log tells when, not what');
SELECT is((SELECT jsonb_array_length(secrets::jsonb) FROM pl.source_find(1, NULL, 'crm', 0)), 2, 'servers are given those that hold');
SELECT lives_ok($$SELECT pl.source_delete(1, pg_temp.request(p_path => '["crm"]'))$$, 'a source is removed with them');

SELECT * FROM finish();
ROLLBACK;
