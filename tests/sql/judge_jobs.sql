-- A publication as a job, step by step: what each step has done, and what readers and writers see of it.
BEGIN;
SELECT plan(28);

CREATE FUNCTION pg_temp.put(p_kind text, p_id text, p_at text, p_patch jsonb) RETURNS text LANGUAGE sql AS $$
  SELECT r.outcome FROM pl.ingest(1, 'test', ARRAY[p_kind], ARRAY[p_id], '{patch}', '{f}', '{f}', ARRAY[p_at], ARRAY[NULL::text], ARRAY[p_patch::text], '2024-04-01') AS r
$$;
CREATE FUNCTION pg_temp.doc(p_from text, p_industry text) RETURNS jsonb LANGUAGE sql AS $$
  SELECT jsonb_build_object('name', p_industry, 'effective_from', p_from, 'fit', jsonb_build_object(
    'criteria', jsonb_build_array(jsonb_build_object('key', 'i', 'weight', 1, 'attr', 'industry', 'match', jsonb_build_array(jsonb_build_object('eq', p_industry, 'score', 1)))),
    'tiers', '[{"key": "core", "min": 50, "on_strategy": true}, {"key": "out", "min": 0, "on_strategy": false}]'::jsonb))
$$;
CREATE FUNCTION pg_temp.publish(p_id text, p_async text) RETURNS jsonb LANGUAGE sql AS $$
  SELECT pl.strategy_publish(1, jsonb_build_object('path', jsonb_build_array(p_id), 'query', jsonb_build_object('async', p_async), 'who', '{"key": "k1"}'::jsonb))::jsonb
$$;
-- a step of so many rows; what the job says afterwards
CREATE FUNCTION pg_temp.step(p_chunk int) RETURNS text LANGUAGE plpgsql AS $$
BEGIN
  UPDATE job SET chunk = p_chunk WHERE org_id = 1;
  PERFORM pl.job_step(1);
  RETURN (SELECT concat_ws(' ', j.status, j.phase, j.done || '/' || j.total, j.error) FROM job AS j WHERE j.org_id = 1 ORDER BY j.job_id DESC LIMIT 1);
END $$;
-- deals with the class of their closing, as readers see them and in the next epoch
CREATE FUNCTION pg_temp.seen() RETURNS text LANGUAGE sql AS $$ SELECT string_agg(deal_id || ' ' || closed_class, ', ' ORDER BY deal_id) FROM deal_fact WHERE org_id = 1 $$;
CREATE FUNCTION pg_temp.next() RETURNS text LANGUAGE sql AS $$
  SELECT string_agg(d.deal_id || ' ' || d.closed_class, ', ' ORDER BY d.deal_id) FROM org_version AS v JOIN deal_fact_of AS d ON d.org_id = v.org_id AND d.epoch = v.next_epoch WHERE v.org_id = 1
$$;
CREATE FUNCTION pg_temp.explain(p_id text) RETURNS text LANGUAGE sql AS $$
  SELECT e ->> 'class' || ' ' || coalesce(e ->> 'reason', '-') FROM (SELECT pl.account_explain(1, jsonb_build_object('path', '["bank"]'::jsonb, 'query', jsonb_build_object('strategy', p_id), 'who', '{"scope": "all"}'::jsonb))::jsonb AS e) AS x
$$;

SELECT pg_temp.put('stage', 'Won', '2024-01-01T00:00:00Z', '{"label": "Won", "outcome": "won"}');
SELECT pg_temp.put('account', i, '2024-01-01T00:00:00Z', jsonb_build_object('name', 'A', 'attributes', jsonb_build_object('industry', i))) FROM unnest('{bank,care}'::text[]) AS i;
SELECT pg_temp.put('opportunity', id, '2024-03-01T00:00:00Z', jsonb_build_object('stage', 'Won', 'account', account, 'amount', 1, 'currency', 'EUR', 'created_at', closed, 'closed_at', closed))
  FROM (VALUES ('d1', 'care', '2024-01-10'), ('d2', 'bank', '2024-02-10'), ('d3', 'care', '2024-02-10'), ('d4', 'bank', '2024-02-11')) AS d(id, account, closed);
SELECT pg_temp.put('activity', 't1', '2024-03-01T00:00:00Z', '{"kind": "call", "starts_at": "2024-02-05T10:00:00Z", "account": "bank", "rep": "ann", "outcome": "held"}');
SELECT is(id, 's1', 'the first') FROM pl.strategy_create(1, jsonb_build_object('body', pg_temp.doc('2024-01-01', 'care')));
SELECT is(id, 's2', 'the second') FROM pl.strategy_create(1, jsonb_build_object('body', pg_temp.doc('2024-02-01', 'bank')));
SELECT is(pg_temp.publish('s1', 'false') ->> 'status', 'published', 'little is judged at once');
SELECT is(pg_temp.seen(), 'd1 on, d2 off, d3 on, d4 off', 'by the first');

SELECT is(pg_temp.publish('s2', 'true') - 'created_at' - 'warnings',
          '{"id": "j1", "kind": "publish", "object": "strategy/s2", "status": "queued", "phase": "accounts", "progress": {"done": 0, "total": 7}, "error": null, "result": null, "actor": "key:k1", "started_at": null, "finished_at": null}',
          'a job over 2 accounts, 4 deals and 1 activity');
SELECT is(status, 'publishing', 'the strategy cannot be changed any more') FROM strategy WHERE org_id = 1 AND strategy_id = 's2';
SELECT is(pg_temp.step(1), 'running accounts 1/7', 'the first account');
SELECT is(pg_temp.step(5), 'running accounts 2/7', 'the second');
SELECT is(pg_temp.explain('s2'), 'unknown not_published', 'judged, but not for readers');
SELECT is(pg_temp.step(5), 'running deals 2/7', 'no more accounts');
SELECT is(pg_temp.step(2), 'running deals 4/7', 'two deals');
SELECT is(pg_temp.next(), 'd1 on, d2 on', 'one copied, one judged anew');
SELECT is(pg_temp.seen(), 'd1 on, d2 off, d3 on, d4 off', 'readers see nothing of it');

-- writers: a deal that the job has passed, one it has not, a new one behind it, and one that goes
SELECT pg_temp.put('opportunity', 'd2', '2024-03-02T00:00:00Z', '{"account": "care"}');
SELECT pg_temp.put('opportunity', 'd4', '2024-03-02T00:00:00Z', '{"closed_at": "2024-01-20", "created_at": "2024-01-20"}');
SELECT pg_temp.put('opportunity', 'd0', '2024-03-02T00:00:00Z', '{"stage": "Won", "account": "bank", "amount": 1, "currency": "EUR", "created_at": "2024-02-20", "closed_at": "2024-02-20"}');
SELECT is(pg_temp.next(), 'd0 on, d1 on, d2 on, d4 off', 'every write goes to both: d2 keeps the account it had when it was closed');
SELECT is(pg_temp.seen(), 'd0 off, d1 on, d2 off, d3 on, d4 off', 'and is seen by the old strategy');
SELECT ok(pl.override_put(1, '{"path": ["bank"], "who": {"key": "k1"}, "body": {"tier": "out", "reason": "r"}}') IS NOT NULL, 'an override meanwhile');
SELECT is(ARRAY(SELECT strategy_id || ' ' || tier FROM account_fit WHERE org_id = 1 AND account_id = 'bank' AND valid_to = 'infinity' ORDER BY 1), '{"s1 out","s2 out"}', 'holds in both');
SELECT is(pg_temp.step(9), 'running deals 6/7', 'the other two');
SELECT is(pg_temp.step(9), 'running activities 6/7', 'no more deals');
SELECT is(pg_temp.step(9), 'running activities 7/7', 'the activity');
SELECT is(pg_temp.step(9), 'running switch 7/7', 'all is there');
SELECT is(pg_temp.seen(), 'd0 off, d1 on, d2 off, d3 on, d4 off', 'still the old ones');
SELECT is(pg_temp.step(9), 'running old_deals 7/7', 'the switch');
SELECT is(pg_temp.seen(), 'd0 on, d1 on, d2 on, d3 off, d4 off', 'now the new ones');
SELECT is((SELECT class FROM activity_fact WHERE org_id = 1), 'on', 'activities too');
SELECT is((pg_temp.step(9), pg_temp.step(9), pg_temp.step(9), pg_temp.step(9))::text,
          '("running old_deals 7/7","running old_activities 7/7","running old_activities 7/7","done done 7/7")', 'the old rows go');
SELECT is((SELECT (SELECT count(*) FROM deal_fact_of WHERE org_id = 1) || ' ' || (SELECT count(*) FROM activity_fact_of WHERE org_id = 1)), '5 1', 'and are gone');
SELECT is((v.epoch, v.next_epoch, v.next_strategy, (SELECT changed FROM pl.rebuild(1)), pg_temp.seen())::text, '(1,,,0,"d0 on, d1 on, d2 on, d3 off, d4 off")', 'a rebuild changes nothing')
  FROM org_version AS v WHERE v.org_id = 1;

SELECT * FROM finish();
ROLLBACK;
