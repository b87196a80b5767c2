-- Configuration: strategies in their life, lint, preview, overrides, settings, the audit log; and explain.
BEGIN;
SELECT plan(56);

CREATE FUNCTION pg_temp.put(p_kind text, p_id text, p_at text, p_patch jsonb, p_operation text DEFAULT 'patch') RETURNS void
LANGUAGE plpgsql AS $$
DECLARE v_outcome text;
BEGIN
  SELECT outcome || coalesce(': ' || message, '') INTO v_outcome
    FROM pl.ingest(1, 'test', ARRAY[p_kind], ARRAY[p_id], ARRAY[p_operation], ARRAY['f'], ARRAY['f'], ARRAY[p_at], ARRAY[NULL::text], ARRAY[p_patch::text]);
  IF v_outcome LIKE 'rejected%' THEN RAISE EXCEPTION '%', v_outcome; END IF;
END $$;
CREATE FUNCTION pg_temp.doc(p_from text, p_extra jsonb DEFAULT '{}') RETURNS jsonb LANGUAGE sql AS $$
  SELECT jsonb_build_object('name', 'S', 'effective_from', p_from) || '{
    "segments": [{"key": "care", "when": [{"attr": "industry", "eq": "health"}]}],
    "fit": {"criteria": [{"key": "i", "weight": 1, "attr": "industry", "match": [{"eq": "health", "score": 1}]}],
            "tiers": [{"key": "core", "min": 70, "on_strategy": true}, {"key": "outside", "min": 0, "on_strategy": false}]}}'::jsonb || p_extra
$$;
CREATE FUNCTION pg_temp.request(p_id text, p_body jsonb DEFAULT NULL, p_query jsonb DEFAULT '{}') RETURNS jsonb LANGUAGE sql AS $$
  SELECT jsonb_build_object('path', jsonb_build_array(p_id), 'query', p_query, 'who', '{"scope": "all", "key": "k1"}'::jsonb, 'body', p_body)
$$;
CREATE FUNCTION pg_temp.code(p_sql text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE v_detail text;
BEGIN
  EXECUTE p_sql;
  RETURN 'ok';
EXCEPTION WHEN SQLSTATE 'PL000' THEN
  GET STACKED DIAGNOSTICS v_detail = PG_EXCEPTION_DETAIL;
  RETURN v_detail::jsonb ->> 'code';
END $$;

SELECT pg_temp.put('team', 'world', '2024-01-01T00:00:00Z', '{"name": "W"}');
SELECT pg_temp.put('team', 'emea', '2024-01-01T00:00:00Z', '{"name": "E", "parent": "world"}');
SELECT pg_temp.put('rep', 'ann', '2024-01-01T00:00:00Z', '{"name": "Ann", "team": "emea"}');
SELECT pg_temp.put('stage', 'Open', '2024-01-01T00:00:00Z', '{"label": "Open", "outcome": "open"}');
SELECT pg_temp.put('account', 'a' || i, '2024-01-01T00:00:00Z', jsonb_build_object('name', 'A' || i, 'owner', 'ann', 'attributes', jsonb_build_object('industry', CASE WHEN i <= 4 THEN 'health' ELSE 'retail' END)))
  FROM generate_series(1, 10) AS i;
SELECT pg_temp.put('opportunity', 'd1', '2024-02-01T00:00:00Z', '{"stage": "Open", "owner": "ann", "account": "a1"}');

-- ── drafts ───────────────────────────────────────────────────────────────────────────────────────
SELECT is(id, 's1', 'a draft') FROM pl.strategy_create(1, pg_temp.request(NULL, pg_temp.doc('2024-01-01', '{"id": "mine", "status": "published"}')));
SELECT is(pl.strategy_get(1, pg_temp.request('s1'))::jsonb - 'created_at' - 'updated_at',
          pg_temp.doc('2024-01-01') || '{"id": "s1", "number": 1, "status": "draft", "effective_at": null, "backdated": false, "published_at": null}', 'the document, and what only the service says');
SELECT is(pl.strategy_replace(1, pg_temp.request('s1', pg_temp.doc('2024-01-01', '{"name": "T"}')))::jsonb ->> 'name', 'T', 'a draft can be replaced');
SELECT is((SELECT created_class || created_reason FROM deal_fact WHERE org_id = 1 AND deal_id = 'd1'), 'unknownno_strategy', 'a draft judges nothing');
SELECT is(id, 's2', 'another') FROM pl.strategy_create(1, pg_temp.request(NULL, pg_temp.doc('2024-01-01')));
SELECT is(pl.strategy_delete(1, pg_temp.request('s2'))::jsonb, '{"id": "s2", "deleted": true}', 'a draft can be deleted');
SELECT is(id, 's3', 'its number is not given again') FROM pl.strategy_create(1, pg_temp.request(NULL, pg_temp.doc('2024-01-01', '{"scope": {"teams": ["emea"]}}')));
SELECT is(pg_temp.code($$SELECT pl.strategy_get(1, pg_temp.request('s2'))$$), 'not_found', 'deleted is gone');

-- ── preview, lint, publish ───────────────────────────────────────────────────────────────────────
SELECT is((p -> 'accounts', p -> 'classes', p -> 'tiers', p -> 'segments', p -> 'warnings')::text,
          ('10'::jsonb, '{"on": 4, "off": 6, "unknown": 0}'::jsonb,
           '[{"n": 6, "to": "outside", "from": "unknown", "money": "0.00", "sample": ["a10", "a5", "a6", "a7", "a8", "a9"]}, {"n": 4, "to": "core", "from": "unknown", "money": "0.00", "sample": ["a1", "a2", "a3", "a4"]}]'::jsonb,
           '[{"n": 6, "to": "other", "from": "unknown", "money": "0.00", "sample": ["a10", "a5", "a6", "a7", "a8", "a9"]}, {"n": 4, "to": "care", "from": "unknown", "money": "0.00", "sample": ["a1", "a2", "a3", "a4"]}]'::jsonb, '[]'::jsonb)::text,
          'preview: where accounts would go; 40% on strategy is not too broad')
  FROM (SELECT pl.strategy_preview(1, pg_temp.request('s1'))::jsonb AS p) AS x;
SELECT is(config_version, 5::bigint, 'each change of configuration counts') FROM org_version WHERE org_id = 1;
SELECT is(pl.strategy_publish(1, pg_temp.request('s1'))::jsonb - 'created_at' - 'updated_at' - 'published_at' - 'fit' - 'segments',
          '{"id": "s1", "name": "T", "number": 1, "status": "published", "effective_from": "2024-01-01", "effective_at": "2024-01-01T00:00:00Z", "backdated": true, "warnings": []}', 'published, from a day in the past on');
SELECT is((SELECT created_class || ' ' || created_segment FROM deal_fact WHERE org_id = 1 AND deal_id = 'd1'), 'on care', 'what was decided since is judged anew');
SELECT is(pg_temp.code($$SELECT pl.strategy_publish(1, pg_temp.request('s1'))$$), 'strategy_published', 'published once');
SELECT is(pg_temp.code($$SELECT pl.strategy_replace(1, pg_temp.request('s1', pg_temp.doc('2024-01-01')))$$), 'strategy_published', 'never changed');
SELECT is(pg_temp.code($$SELECT pl.strategy_delete(1, pg_temp.request('s1'))$$), 'strategy_published', 'never deleted');
SELECT is(pg_temp.code($$SELECT pl.strategy_publish(1, pg_temp.request('s3'))$$), 'ok', 'a scoped one beside one for all, same day');
SELECT ok(id IS NOT NULL) FROM pl.strategy_create(1, pg_temp.request(NULL, pg_temp.doc('2024-01-01', '{"scope": {"teams": ["world"]}}')));
SELECT is(pg_temp.code($$SELECT pl.strategy_publish(1, pg_temp.request('s4'))$$), 'overlapping_scope', 'two scopes that share a team from the same day on');
SELECT ok(id IS NOT NULL) FROM pl.strategy_create(1, pg_temp.request(NULL, pg_temp.doc('2024-01-01', '{"scope": {"teams": ["emea"]}, "name": "again"}')));
SELECT is(pg_temp.code($$SELECT pl.strategy_publish(1, pg_temp.request('s5'))$$), 'ok', 'the same scope from the same day: replaced');
SELECT is(pl.strategy_in_force(1, 'emea', '2024-06-01'), 's5', '… by the one published last');
SELECT is(ARRAY(SELECT w ->> 'code' || ' ' || (w ->> 'pointer') FROM jsonb_array_elements(pl.strategy_lint(1, pg_temp.doc('2025-01-01', '{"scope": {"teams": ["emea", "nowhere"]},
            "segments": [{"key": "care", "when": [{"attr": "industry", "eq": "health"}]}, {"key": "bank", "when": [{"attr": "industri", "eq": "bank"}]}],
            "fit": {"criteria": [{"key": "i", "weight": 1, "attr": "industry", "match": [{"exists": true, "score": 1}]}], "tiers": [{"key": "core", "min": 0, "on_strategy": true}]}}'))) AS w),
          '{"unknown_team /scope/teams","icp_too_broad /fit/tiers","unknown_attribute /fit","unreachable_segment /segments/1"}', 'lint');
SELECT is(pl.strategy_diff(1, pg_temp.request('s4', NULL, '{"against": "s1"}'))::jsonb -> 'changes',
          '[{"to": "S", "from": "T", "change": "changed", "pointer": "/name"}, {"to": ["world"], "from": null, "change": "added", "pointer": "/scope/teams"}]', 'what differs');
SELECT is((SELECT array_agg(s ->> 'id') FROM jsonb_array_elements(body::jsonb -> 'data') AS s), '{s1,s5}', 'in force at a time, for somebody') FROM pl.strategy_list(1, pg_temp.request(NULL, NULL, '{"effective_at": "2024-05-01"}'));
SELECT is((SELECT array_agg(s ->> 'id') FROM jsonb_array_elements(body::jsonb -> 'data') AS s), '{s1,s3}', 'a page') FROM pl.strategy_list(1, pg_temp.request(NULL, NULL, '{"limit": "2"}'));
SELECT is((SELECT array_agg(s ->> 'id') FROM jsonb_array_elements(l.body::jsonb -> 'data') AS s), '{s4,s5}', '… and the next')
  FROM pl.strategy_list(1, pg_temp.request(NULL, NULL, '{"limit": "2"}')) AS f CROSS JOIN LATERAL pl.strategy_list(1, pg_temp.request(NULL, NULL, jsonb_build_object('cursor', f.next))) AS l;
SELECT is(pg_temp.code($$SELECT pl.strategy_list(1, pg_temp.request(NULL, NULL, '{"cursor": "eHg"}'))$$), 'invalid_parameter', 'a cursor of one''s own making');

-- ── explain ──────────────────────────────────────────────────────────────────────────────────────
CREATE TEMP TABLE e AS SELECT pl.account_explain(1, pg_temp.request('a1', NULL, '{"as_of": "2024-05-01"}'))::jsonb AS e;
SELECT is(e ->> 'strategy' || ' ' || (e ->> 'team') || ' ' || (e ->> 'tier') || ' ' || (e ->> 'score'), 's5 emea core 100', 'explain: by the strategy in force for the owner''s team') FROM e;
SELECT is(e -> 'criteria', '[{"key": "i", "attr": "industry", "match": 1, "since": "2024-01-01T00:00:00Z", "value": "health", "weight": 1, "backcast": false, "required": false, "contribution": 100}]', '… with every criterion, the value seen and since when') FROM e;
SELECT is(pl.account_explain(1, pg_temp.request('a1', NULL, '{"as_of": "2023-06-01", "strategy": "s1"}')), NULL, 'as_of a day before it was heard of: no such account');
SELECT is(pl.account_explain(1, pg_temp.request('a1', NULL, '{"as_of": "2024-05-01", "known_at": "2024-05-01"}')), NULL, 'received later than known_at: no such account');
SELECT is(pl.account_explain(1, pg_temp.request('nobody')), NULL, 'no such account');
SELECT is(pg_temp.code($$SELECT pl.account_explain(1, pg_temp.request('a1', NULL, '{"strategy": "s99"}'))$$), 'not_found', 'no such strategy');

-- ── overrides ────────────────────────────────────────────────────────────────────────────────────
SELECT is(pg_temp.code($$SELECT pl.override_put(1, pg_temp.request('a1', '{"tier": "gold", "reason": "x"}'))$$), 'validation_failed', 'a tier no strategy has');
SELECT is(pg_temp.code($$SELECT pl.override_put(1, pg_temp.request('a1', '{"tier": "outside", "reason": "x", "until": "2024-01-01"}'))$$), 'validation_failed', 'an end that has passed');
SELECT is(pl.override_put(1, pg_temp.request('nobody', '{"tier": "outside", "reason": "x"}')), NULL, 'no such account');
SELECT is(pl.override_put(1, pg_temp.request('a1', '{"tier": "outside", "reason": "left the market", "until": "2199-01-01"}'))::jsonb - 'set_at',
          '{"account": "a1", "tier": "outside", "reason": "left the market", "until": "2199-01-01T00:00:00Z", "actor": "key:k1"}', 'an override');
SELECT is((SELECT class || ' ' || tier || ' ' || reason FROM pl.accounts_judged(1, NULL, NULL) WHERE account_id = 'a1'), 'off outside override', 'from now on');
SELECT is((SELECT class || ' ' || tier FROM pl.accounts_judged(1, '2199-01-02', NULL) WHERE account_id = 'a1'), 'on core', 'until it ends');
SELECT is((SELECT created_class FROM deal_fact WHERE org_id = 1 AND deal_id = 'd1'), 'on', 'what was decided before keeps its verdict');
SELECT is((SELECT class FROM pl.open_deals(1, NULL, NULL) WHERE deal_id = 'd1'), 'off', 'open deals are judged by it now');
SELECT is(e ->> 'tier' || ' ' || (e #>> '{computed,tier}') || ' ' || (e #>> '{override,reason}') || ' ' || (e ->> 'score'), 'outside core left the market 100', 'explain shows both')
  FROM (SELECT pl.account_explain(1, pg_temp.request('a1'))::jsonb AS e) AS x;
UPDATE fit_override SET set_at = '2024-03-01', until = '2024-04-01' WHERE org_id = 1;
INSERT INTO fit_override (org_id, account_id, set_at, tier, reason, actor) VALUES (1, 'a1', '2024-03-15', 'excluded', 'r', 'a'), (1, 'a1', '2024-03-20', 'gold', 'r', 'a');
SELECT pl.reproject(1);
SELECT is(ARRAY(SELECT pl.iso(valid_from) || ' ' || tier || ' ' || class FROM account_fit WHERE org_id = 1 AND account_id = 'a1' AND strategy_id = 's1' AND isfinite(valid_from) ORDER BY valid_from),
          '{"2024-01-01T00:00:00Z core on","2024-03-01T00:00:00Z outside off","2024-03-15T00:00:00Z excluded off","2024-03-20T00:00:00Z core on"}', 'the newest one holds; one that names no tier of the strategy holds nothing');
DELETE FROM fit_override WHERE org_id = 1;
SELECT is(pl.override_delete(1, pg_temp.request('a1')), NULL, 'nothing to end');
SELECT ok(pl.override_put(1, pg_temp.request('a1', '{"tier": "excluded", "reason": "x"}')) IS NOT NULL, 'again');
SELECT ok(pl.override_delete(1, pg_temp.request('a1'))::jsonb ->> 'until' IS NOT NULL, 'ended');
SELECT is((SELECT class FROM pl.accounts_judged(1, NULL, NULL) WHERE account_id = 'a1'), 'on', 'as computed again');

-- ── settings ─────────────────────────────────────────────────────────────────────────────────────
SELECT is(pg_temp.code($$SELECT pl.settings_patch(1, '{"body": {"time_zone": "Europe/Pariss"}}')$$), 'validation_failed', 'no such time zone');
SELECT is(pl.settings_patch(1, '{"body": {"time_zone": "europe/paris", "reporting_currency": "EUR"}}')::jsonb ->> 'time_zone', 'Europe/Paris', 'a time zone by its proper name');
SELECT is(effective_at, '2023-12-31T23:00:00Z'::timestamptz, 'strategies begin at local midnight') FROM strategy WHERE org_id = 1 AND strategy_id = 's1';
SELECT is((v.config_version, pl.settings_patch(1, '{"body": {"min_n": 5}}') IS NOT NULL, w.config_version)::text, (v.config_version, true, v.config_version)::text, 'what changes nothing is no change')
  FROM org_version AS v JOIN org_version AS w ON w.org_id = v.org_id WHERE v.org_id = 1;
SELECT is(pl.settings_patch(1, '{"body": {"reporting_currency": null}}')::jsonb -> 'reporting_currency', 'null', 'null: none set');

-- ── the audit log ────────────────────────────────────────────────────────────────────────────────
SELECT is((SELECT array_agg(r ->> 'action') FROM jsonb_array_elements(body::jsonb -> 'data') AS r),
          '{settings.update,settings.update,fit_override.end,fit_override.set,fit_override.set,strategy.publish,strategy.create,strategy.create,strategy.publish,strategy.publish,strategy.create,strategy.delete,strategy.create,strategy.update,strategy.create}',
          'every change, newest first') FROM pl.audit_list(1, pg_temp.request(NULL));
SELECT is((SELECT r ->> 'actor' || ' ' || (r ->> 'object') || ' ' || (r #>> '{before,name}') || ' ' || (r #>> '{after,name}') FROM jsonb_array_elements(body::jsonb -> 'data') AS r),
          'key:k1 strategy/s1 S T', 'who, what, before and after') FROM pl.audit_list(1, pg_temp.request(NULL, NULL, '{"action": "strategy.update"}'));
SELECT is((SELECT array_agg((r ->> 'id')::int) FROM jsonb_array_elements(l.body::jsonb -> 'data') AS r), '{13,12}', 'page by page')
  FROM pl.audit_list(1, pg_temp.request(NULL, NULL, '{"limit": "2"}')) AS f CROSS JOIN LATERAL pl.audit_list(1, pg_temp.request(NULL, NULL, jsonb_build_object('limit', '2', 'cursor', f.next))) AS l;
SELECT is(count(*), 0::bigint, 'nothing of another organisation') FROM pl.strategy_list(pl.org_create('other', 'Other'), pg_temp.request(NULL)) AS l WHERE l.body::jsonb -> 'data' <> '[]';

SELECT * FROM finish();
ROLLBACK;
