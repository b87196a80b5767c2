-- Deals judged: decision times, reopening, credit, back-cast, scopes, references that come late, and the same answers asked of the past.
BEGIN;
SELECT plan(83);

CREATE FUNCTION pg_temp.put(p_kind text, p_id text, p_at text, p_patch jsonb, p_operation text DEFAULT 'patch') RETURNS void
LANGUAGE plpgsql AS $$
DECLARE v_outcome text;
BEGIN
  SELECT outcome || coalesce(': ' || message, '') INTO v_outcome
    FROM pl.ingest(1, 'test', ARRAY[p_kind], ARRAY[p_id], ARRAY[p_operation], ARRAY['f'], ARRAY['f'], ARRAY[p_at], ARRAY[NULL::text], ARRAY[p_patch::text]);
  IF v_outcome LIKE 'rejected%' THEN RAISE EXCEPTION '%', v_outcome; END IF;
END $$;
CREATE FUNCTION pg_temp.publish(p_from text, p_teams text DEFAULT '[]', p_core text DEFAULT 'health') RETURNS text LANGUAGE sql AS $$
  SELECT (pl.strategy_publish(1, jsonb_build_object('path', jsonb_build_array(c.id)))::jsonb) ->> 'id'
    FROM pl.strategy_create(1, jsonb_build_object('body', jsonb_build_object('name', 'S', 'effective_from', p_from, 'scope', jsonb_build_object('teams', p_teams::jsonb),
      'segments', jsonb_build_array(jsonb_build_object('key', p_core, 'when', jsonb_build_array(jsonb_build_object('attr', 'industry', 'eq', p_core)))),
      'fit', jsonb_build_object('criteria', jsonb_build_array(jsonb_build_object('key', 'industry', 'weight', 1, 'attr', 'industry',
                 'match', jsonb_build_array(jsonb_build_object('eq', p_core, 'score', 1)))),
        'tiers', '[{"key": "core", "min": 70, "on_strategy": true}, {"key": "outside", "min": 0, "on_strategy": false}]'::jsonb)))) AS c
$$;
CREATE FUNCTION pg_temp.fact(p_id text) RETURNS deal_fact LANGUAGE sql AS $$ SELECT * FROM deal_fact WHERE org_id = 1 AND deal_id = p_id $$;
CREATE FUNCTION pg_temp.closed(p_id text) RETURNS text LANGUAGE sql AS $$ SELECT outcome || ' ' || coalesce(pl.iso(closed_at), '-') FROM deal_fact WHERE org_id = 1 AND deal_id = p_id $$;
CREATE FUNCTION pg_temp.verdicts(p_id text) RETURNS text LANGUAGE sql AS $$
  SELECT concat_ws(' ', created_strategy, created_class, coalesce(created_reason, '.'), '|', closed_strategy, closed_class, CASE WHEN closed_at IS NOT NULL THEN coalesce(closed_reason, '.') END)
    FROM deal_fact WHERE org_id = 1 AND deal_id = p_id
$$;

-- ── the world ────────────────────────────────────────────────────────────────────────────────────
SELECT pg_temp.put('team', 'world', '2024-01-01T00:00:00Z', '{"name": "World"}');
SELECT pg_temp.put('team', 'emea', '2024-01-01T00:00:00Z', '{"name": "EMEA", "parent": "world"}');
SELECT pg_temp.put('team', 'paris', '2024-01-01T00:00:00Z', '{"name": "Paris", "parent": "emea"}');
SELECT pg_temp.put('team', 'apac', '2024-01-01T00:00:00Z', '{"name": "APAC", "parent": "world"}');
SELECT pg_temp.put('rep', 'ann', '2024-01-01T00:00:00Z', '{"name": "Ann", "team": "paris"}');
SELECT pg_temp.put('rep', 'bob', '2024-01-01T00:00:00Z', '{"name": "Bob", "team": "apac"}');
SELECT pg_temp.put('stage', s, '2024-01-01T00:00:00Z', jsonb_build_object('label', s, 'outcome', o, 'probability', p))
  FROM (VALUES ('Open', 'open', 0.2), ('Late', 'open', 0.8), ('Won', 'won', NULL), ('Paid', 'won', NULL), ('Lost', 'lost', NULL)) AS t(s, o, p);
SELECT pg_temp.put('account', 'hosp', '2024-01-01T00:00:00Z', '{"name": "Hospital", "attributes": {"industry": "health"}}');
SELECT pg_temp.put('account', 'shop', '2024-01-01T00:00:00Z', '{"name": "Shop", "attributes": {"industry": "retail"}}');
SELECT pg_temp.put('account', 'bare', '2024-01-01T00:00:00Z', '{"name": "Bare"}');
SELECT is(pg_temp.publish('2024-01-01'), 's1', 'ids of strategies count up');

-- ── decision times (R2, R17) ─────────────────────────────────────────────────────────────────────
SELECT pg_temp.put('opportunity', 'd1', '2024-02-01T10:00:00Z', '{"stage": "Open", "owner": "ann", "account": "hosp", "amount": 100, "currency": "EUR"}');
SELECT is(pg_temp.closed('d1'), 'open -', 'open');
SELECT is((created_at, probability)::text, '("2024-02-01 10:00:00+00",0.2)', 'created when first seen; the stage''s probability') FROM pg_temp.fact('d1');
SELECT pg_temp.put('opportunity', 'd1', '2024-03-01T10:00:00Z', '{"stage": "Won", "closed_at": "2024-02-27", "probability": 250}');
SELECT is(pg_temp.closed('d1'), 'won 2024-02-27T00:00:00Z', 'won: by the source''s date');
SELECT is((closed_transition_at, probability)::text, '("2024-03-01 10:00:00+00",1)', 'the transition is kept; probabilities are clipped') FROM pg_temp.fact('d1');
SELECT pg_temp.put('opportunity', 'd1', '2024-03-05T10:00:00Z', '{"stage": "Paid"}');
SELECT is((closed_transition_at)::text, '2024-03-01 10:00:00+00', 'from one won stage to another is no new decision') FROM pg_temp.fact('d1');
SELECT pg_temp.put('opportunity', 'd1', '2024-04-01T10:00:00Z', '{"stage": "Late"}');
SELECT is(pg_temp.closed('d1'), 'open -', 'reopened');
SELECT is((closed_rep, closed_class, money)::text, '(,,)', '… without a verdict at closing') FROM pg_temp.fact('d1');
SELECT pg_temp.put('opportunity', 'd1', '2024-05-01T10:00:00Z', '{"stage": "Lost"}');
SELECT is(pg_temp.closed('d1'), 'lost 2024-05-01T10:00:00Z', 'lost: always by the transition');
SELECT is((SELECT outcome || ' ' || pl.iso(closed_at) FROM pl.deal_facts(1, '2024-03-20T00:00:00Z', NULL) WHERE deal_id = 'd1'), 'won 2024-02-27T00:00:00Z', 'asked of March it is won');
SELECT is((SELECT outcome FROM pl.deal_facts(1, '2024-04-20T00:00:00Z', NULL) WHERE deal_id = 'd1'), 'open', 'asked of April it is open');
SELECT is((SELECT count(*) FROM pl.deal_facts(1, '2024-01-20T00:00:00Z', NULL)), 0::bigint, 'asked of January it does not exist');

SELECT pg_temp.put('opportunity', 'd2', '2024-06-01T10:00:00Z', '{"stage": "Lost", "owner": "ann", "account": "hosp", "created_at": "2023-12-24", "closed_at": "2024-01-15"}');
SELECT is(pg_temp.closed('d2'), 'lost 2024-01-15T00:00:00Z', 'lost when first seen: by the source''s date');
SELECT pg_temp.put('opportunity', 'd3', '2024-06-01T10:00:00Z', '{"stage": "Won", "owner": "ann", "account": "hosp"}');
SELECT is(pg_temp.closed('d3'), 'won 2024-06-01T10:00:00Z', 'won when first seen, no date: when it was seen');
SELECT ok(pl.settings_patch(1, '{"body": {"won_close_basis": "transition"}}')::jsonb @> '{"won_close_basis": "transition"}', 'setting');
SELECT pg_temp.put('opportunity', 'd4', '2024-06-01T10:00:00Z', '{"stage": "Open", "owner": "ann", "account": "hosp"}');
SELECT pg_temp.put('opportunity', 'd4', '2024-06-05T10:00:00Z', '{"stage": "Won", "closed_at": "2024-06-04"}');
SELECT is(pg_temp.closed('d4'), 'won 2024-06-05T10:00:00Z', 'won_close_basis transition');
SELECT ok(pl.settings_patch(1, '{"body": {"won_close_basis": "source_date"}}')::jsonb @> '{"won_close_basis": "source_date"}', 'setting');
SELECT is(pg_temp.closed('d4'), 'won 2024-06-04T00:00:00Z', 'and back: deals are judged anew');
SELECT pg_temp.put('opportunity', 'd5', '2024-06-05T10:00:00Z', '{"stage": "Later", "owner": "ann", "account": "hosp"}');
SELECT is((outcome, closed_at)::text, '(,)', 'a stage nobody knows yet: no outcome') FROM pg_temp.fact('d5');
SELECT pg_temp.put('stage', 'Later', '2024-06-06T10:00:00Z', '{"label": "Later", "outcome": "won"}');
SELECT is(pg_temp.closed('d5'), 'won 2024-06-05T10:00:00Z', 'it arrives: the deal has one');
SELECT pg_temp.put('stage', 'Later', '2024-06-07T10:00:00Z', '{"outcome": "open"}');
SELECT is(pg_temp.closed('d5'), 'open -', 'it means something else: so does the deal');

-- ── verdicts, credit, back-cast (R3, R5, R8, R10, R22) ───────────────────────────────────────────
SELECT is(pg_temp.verdicts('d4'), 's1 on . | s1 on .', 'both ends on strategy');
SELECT is(pg_temp.verdicts('d2'), 'unknown no_strategy | s1 on .', 'created before any strategy');
SELECT is((created_backcast, closed_backcast)::text, '(t,t)', 'decided before anything was known of it: back-cast') FROM pg_temp.fact('d2');
SELECT is((created_backcast, closed_backcast)::text, '(f,f)', 'known when decided') FROM pg_temp.fact('d4');
SELECT pg_temp.put('opportunity', 'v1', '2024-06-01T10:00:00Z', '{"stage": "Open", "owner": "ann", "account": "shop", "created_at": "2024-06-01"}');
SELECT is(created_backcast, false, 'a date is not before the time of that day at which the deal was seen') FROM pg_temp.fact('v1');
SELECT is(created_at, '2024-06-01T00:00:00Z'::timestamptz, '… and stays its midnight') FROM pg_temp.fact('v1');
SELECT is(pg_temp.verdicts('v1'), 's1 off . |', 'off strategy');
SELECT pg_temp.put('opportunity', 'v2', '2024-06-01T10:00:00Z', '{"stage": "Open", "owner": "ann"}');
SELECT is(pg_temp.verdicts('v2'), 's1 unknown no_account |', 'no account');
SELECT pg_temp.put('opportunity', 'v3', '2024-06-01T10:00:00Z', '{"stage": "Open", "owner": "ann", "account": "bare"}');
SELECT is(pg_temp.verdicts('v3'), 's1 unknown no_attributes |', 'an account nothing is known of');
SELECT is((created_segment, created_tier)::text, '(unknown,unknown)', 'segment and tier are unknown') FROM pg_temp.fact('v3');
SELECT pg_temp.put('opportunity', 'v4', '2024-06-01T10:00:00Z', '{"stage": "Open", "owner": "ann", "account": "late"}');
SELECT is(pg_temp.verdicts('v4'), 's1 unknown no_account |', 'an account that has not arrived');
SELECT pg_temp.put('account', 'late', '2024-06-20T00:00:00Z', '{"name": "Late", "attributes": {"industry": "health"}}');
SELECT is(pg_temp.verdicts('v4'), 's1 on . |', 'it arrives');
SELECT is(created_backcast, true, '… and its attributes are taken to have held before') FROM pg_temp.fact('v4');
SELECT is((SELECT created_reason FROM pl.deal_facts(1, '2024-06-10T00:00:00Z', NULL) WHERE deal_id = 'v4'), 'no_account', 'as of before it arrived, nothing of it is seen');
SELECT pg_temp.put('account', 'late', '2024-06-25T00:00:00Z', '{"attributes": {"industry": "retail"}}');
SELECT is(pg_temp.verdicts('v4'), 's1 on . |', 'what the account became later does not judge the past');
SELECT ok(pl.settings_patch(1, '{"body": {"backcast": "off"}}')::jsonb @> '{"backcast": "off"}', 'setting');
SELECT is(pg_temp.verdicts('v4'), 's1 unknown no_attributes |', 'backcast off: what was not known then was not known');
SELECT is((created_rep, closed_rep)::text, '(,)', '… nor the owner') FROM pg_temp.fact('d2');
SELECT ok(pl.settings_patch(1, '{"body": {"backcast": "on"}}')::jsonb @> '{"backcast": "on"}', 'setting');

SELECT pg_temp.put('opportunity', 'r1', '2024-06-01T00:00:00Z', '{"stage": "Open", "owner": "ann", "account": "hosp"}');
SELECT pg_temp.put('opportunity', 'r1', '2024-06-10T00:00:00Z', '{"owner": "bob", "account": "shop"}');
SELECT pg_temp.put('opportunity', 'r1', '2024-06-20T00:00:00Z', '{"stage": "Won"}');
SELECT pg_temp.put('opportunity', 'r1', '2024-06-30T00:00:00Z', '{"owner": "ann", "account": "hosp"}');
SELECT is((created_rep, created_team, created_account, created_class, closed_rep, closed_team, closed_account, closed_class, owner, account_id)::text,
          '(ann,paris,hosp,on,bob,apac,shop,off,ann,hosp)', 'each end with the owner and the account it had then') FROM pg_temp.fact('r1');
SELECT pg_temp.put('account', 'shop', '2024-06-15T00:00:00Z', '{"attributes": {"industry": "health"}}');
SELECT is(pg_temp.verdicts('r1'), 's1 on . | s1 on .', 'a change of the account it had when closed, though it has another now');
SELECT pg_temp.put('account', 'shop', '2024-06-16T00:00:00Z', '{"attributes": {"industry": "retail"}}');
SELECT is(pg_temp.verdicts('r1'), 's1 on . | s1 off .', 'and another before it was closed');

-- ── teams (R10) ──────────────────────────────────────────────────────────────────────────────────
SELECT pg_temp.put('rep', 'ann', '2024-06-15T09:00:00Z', '{"team": "apac", "team_from": "2024-06-03"}');
SELECT is((created_team, closed_team)::text, '(paris,apac)', 'a team holds from its team_from on') FROM pg_temp.fact('d4');
SELECT pg_temp.put('rep', 'ann', '2024-06-16T09:00:00Z', '{"team_from": "2024-06-07"}');
SELECT is((created_team, closed_team)::text, '(paris,paris)', 'a corrected date moves the deals decided in between') FROM pg_temp.fact('d4');
SELECT is(ARRAY(SELECT pl.iso(valid_from) || ' ' || team_id FROM rep_team WHERE org_id = 1 AND rep_id = 'ann' AND isfinite(valid_from) ORDER BY valid_from),
          '{"2024-01-01T00:00:00Z paris","2024-06-07T00:00:00Z apac"}', 'memberships without gaps or overlaps');
SELECT is((SELECT team_id FROM pl.rep_teams(1, '2024-06-14T00:00:00Z', NULL, '{ann}') WHERE '2024-06-10' BETWEEN valid_from AND valid_to), 'paris', 'as of before it was told');
SELECT pg_temp.put('rep', 'ann', '2024-07-01T00:00:00Z', '{"team": "paris"}');

-- ── strategies in time and scope ─────────────────────────────────────────────────────────────────
SELECT is(pg_temp.publish('2024-06-10', p_core => 'retail'), 's2', 'another strategy from 10 June on');
SELECT is(pg_temp.verdicts('r1'), 's1 on . | s2 on .', 'created under one, closed under the other: each by its own');
SELECT is(pg_temp.publish('2024-06-01', '["emea"]', 'retail'), 's3', 'a strategy for EMEA');
SELECT is(pg_temp.verdicts('r1'), 's3 off . | s2 on .', 'a scoped one holds for the teams below, whatever the date of the others');
SELECT pg_temp.put('team', 'paris', '2024-07-02T00:00:00Z', '{"parent": "apac"}');
SELECT is(pg_temp.verdicts('r1'), 's1 on . | s2 on .', 'the team moves out of the scope: its deals are judged anew');
SELECT pg_temp.put('team', 'paris', '2024-07-03T00:00:00Z', '{"parent": "emea"}');
SELECT is(pg_temp.verdicts('r1'), 's3 off . | s2 on .', 'and back in');
SELECT is((SELECT created_strategy FROM pl.deal_facts(1, '2024-07-02T12:00:00Z', NULL) WHERE deal_id = 'r1'), 's1', 'as of when it was out');
SELECT is(pl.strategy_in_force(1, 'paris', '2024-06-05T00:00:00Z'), 's3', 'in force for a team below the scope');
SELECT is(pl.strategy_in_force(1, NULL, '2024-06-05T00:00:00Z'), 's1', 'for nobody in particular');
SELECT is(pl.strategy_in_force(1, 'paris', '2023-06-05T00:00:00Z'), NULL, 'before all');
SELECT is(ARRAY(SELECT concat_ws(' ', n, strategy, class) FROM pl.judge(1, NULL, NULL, '{ann,ann,bob}', '{hosp,shop,shop}', '{2024-06-05,2024-06-05,2024-06-05}', 'restated:s2') ORDER BY n),
          '{"1 s2 off","2 s2 on","3 s2 on"}', 'restated: that strategy, attributes of the time');
SELECT is(ARRAY(SELECT concat_ws(' ', n, strategy, class) FROM pl.judge(1, '2024-12-01', NULL, '{bob}', '{late}', '{2024-06-05}', 'current') ORDER BY n), '{"1 s2 on"}', 'current: the latest strategy and attributes');

-- ── products (R7) ────────────────────────────────────────────────────────────────────────────────
SELECT pg_temp.put('product', p, '2024-01-01T00:00:00Z', jsonb_build_object('name', p, 'family', f)) FROM (VALUES ('p1', 'A'), ('p2', 'B'), ('p3', 'A')) AS t(p, f);
SELECT pg_temp.put('opportunity', 'l1', '2024-06-01T10:00:00Z', '{"stage": "Open", "lines": [{"id": "1", "product": "p1", "amount": 30}, {"id": "2", "product": "p2", "quantity": 2, "unit_price": "30"}, {"id": "3", "product": "p3", "amount": 10}]}');
SELECT is((families, weights)::text, '("{A,B}","{0.4,0.6}")', 'in proportion to line amounts') FROM pg_temp.fact('l1');
SELECT pg_temp.put('opportunity', 'l2', '2024-06-01T10:00:00Z', '{"stage": "Open", "lines": [{"id": "1", "product": "p1", "amount": 0}, {"id": "2", "product": "p2"}, {"id": "3", "product": "p4"}]}');
SELECT is((families, weights)::text, '("{A,B,unspecified}","{0.33333333333333333333,0.33333333333333333333,0.33333333333333333334}")', 'all nothing: equal; weights total 1 exactly') FROM pg_temp.fact('l2');
SELECT pg_temp.put('product', 'p4', '2024-06-03T00:00:00Z', '{"name": "P4", "family": "B"}');
SELECT is(families, '{A,B}'::text[], 'a product arrives') FROM pg_temp.fact('l2');
SELECT pg_temp.put('product', 'p2', '2024-06-03T00:00:00Z', '{"family": "C"}');
SELECT is(families, '{A,C}'::text[], 'a product changes its family') FROM pg_temp.fact('l1');
SELECT is((families, weights)::text, '({},{})', 'no lines') FROM pg_temp.fact('d1');

-- ── who is in (R13) ──────────────────────────────────────────────────────────────────────────────
SELECT pg_temp.put('opportunity', 'x1', '2024-06-01T10:00:00Z', '{"stage": "Open", "attributes": {"is_test": true}}');
SELECT is(count(*), 0::bigint, 'test deals are out') FROM deal_fact WHERE org_id = 1 AND deal_id = 'x1';
SELECT pg_temp.put('opportunity', 'x1', '2024-06-02T10:00:00Z', '{"attributes": {"is_test": null}}');
SELECT is(count(*), 1::bigint, 'until they are none') FROM deal_fact WHERE org_id = 1 AND deal_id = 'x1';
SELECT pg_temp.put('opportunity', 'x1', '2024-06-03T10:00:00Z', '{}', 'delete');
SELECT is(count(*), 0::bigint, 'deleted ones are out') FROM deal_fact WHERE org_id = 1 AND deal_id = 'x1';
SELECT is((SELECT count(*) FROM pl.deal_facts(1, '2024-06-03T09:00:00Z', NULL) WHERE deal_id = 'x1'), 1::bigint, '… but were there before');
SELECT pg_temp.put('account', 'clinic', '2024-01-01T00:00:00Z', '{"name": "Clinic", "attributes": {"industry": "retail"}}');
SELECT pg_temp.put('opportunity', 'm1', '2024-02-01T10:00:00Z', '{"stage": "Open", "owner": "bob", "account": "clinic"}');
SELECT pg_temp.put('opportunity', 'm1', '2024-05-01T10:00:00Z', '{"stage": "Won"}');
SELECT pg_temp.put('account', 'clinic', '2024-03-01T00:00:00Z', '{"merged_into": "hosp"}', 'merge');
SELECT is(pg_temp.verdicts('m1'), 's1 off . | s1 on .', 'from its merge on an account means the one it went into');
SELECT pg_temp.put('account', 'hosp', '2024-04-01T00:00:00Z', '{"attributes": {"industry": "retail"}}');
SELECT is(pg_temp.verdicts('m1'), 's1 off . | s1 off .', '… with all that happens to that one');
SELECT pg_temp.put('account', 'hosp', '2024-04-02T00:00:00Z', '{"attributes": {"industry": "health"}}');
SELECT is(pg_temp.verdicts('m1'), 's1 off . | s1 on .', '… and back');
SELECT pg_temp.put('account', 'clinic', '2024-09-01T00:00:00Z', '{}', 'restore');
SELECT is(pg_temp.verdicts('m1'), 's1 off . | s1 off .', 'restored it is itself again');
SELECT pg_temp.put('account', 'clinic', '2024-04-15T00:00:00Z', '{}', 'delete');
SELECT pg_temp.put('account', 'a-circle', '2024-01-01T00:00:00Z', '{"name": "A"}');
SELECT pg_temp.put('account', 'b-circle', '2024-01-01T00:00:00Z', '{"name": "B"}');
SELECT pg_temp.put('account', 'a-circle', '2024-02-01T00:00:00Z', '{"merged_into": "b-circle"}', 'merge');
SELECT lives_ok($$SELECT pg_temp.put('account', 'b-circle', '2024-02-01T00:00:00Z', '{"merged_into": "a-circle"}', 'merge')$$, 'merges in a circle end');

-- ── stock ────────────────────────────────────────────────────────────────────────────────────────
SELECT is((SELECT concat_ws(' ', rep, team, account_id, strategy, class, probability, money) FROM pl.open_deals(1, '2024-06-17T00:00:00Z', NULL) WHERE deal_id = 'r1'), 'bob apac shop s2 on 0.2', 'open deals: owner, account, strategy of that instant');
SELECT is((SELECT count(*) FROM pl.open_deals(1, '2024-06-25T00:00:00Z', NULL) WHERE deal_id = 'r1'), 0::bigint, 'closed ones are not open');
SELECT is((SELECT concat_ws(' ', strategy, segment, tier, class, attrs ->> 'industry') FROM pl.accounts_judged(1, '2024-03-15T00:00:00Z', NULL) WHERE account_id = 'late'), NULL, 'accounts not known yet are not there');
SELECT is((SELECT concat_ws(' ', strategy, segment, tier, class, attrs ->> 'industry') FROM pl.accounts_judged(1, '2024-06-22T00:00:00Z', NULL) WHERE account_id = 'late'), 's2 other outside off health', 'an account at an instant');

-- ── open spans are told from the first change on ─────────────────────────────────────────────────
CREATE FUNCTION pg_temp.spans(p_id text) RETURNS text LANGUAGE sql AS $$
  SELECT string_agg(concat_ws(' ', pl.iso(valid_from), pl.iso(valid_to), owner, account_id, amount), ', ' ORDER BY valid_from) FROM open_span WHERE org_id = 1 AND deal_id = p_id
$$;
SELECT pg_temp.put('opportunity', 'told', '2024-05-01T10:00:00Z', '{"stage": "Open", "owner": "ann", "account": "hosp", "amount": 10}');
SELECT pg_temp.put('opportunity', 'told', '2024-05-20T10:00:00Z', '{"amount": 30}');
SELECT pg_temp.put('opportunity', 'told', '2024-05-10T10:00:00Z', '{"owner": "bob"}');
SELECT is(pg_temp.spans('told'), '2024-05-01T10:00:00Z 2024-05-10T10:00:00Z ann hosp 10, 2024-05-10T10:00:00Z 2024-05-20T10:00:00Z bob hosp 10, 2024-05-20T10:00:00Z bob hosp 30',
          'a change that comes late divides a stretch where a quarter of an hour begins');
SELECT pg_temp.put('opportunity', 'told', '2024-05-20T10:07:00Z', '{"amount": 31}');
SELECT is(pg_temp.spans('told'), '2024-05-01T10:00:00Z 2024-05-10T10:00:00Z ann hosp 10, 2024-05-10T10:00:00Z 2024-05-20T10:00:00Z bob hosp 10, 2024-05-20T10:00:00Z bob hosp 31',
          'an amount of the same quarter of an hour takes the place of the one before it');
SELECT pg_temp.put('opportunity', 'told', '2024-05-25T10:00:00Z', '{"created_at": "2024-05-05T10:00:00Z"}');
SELECT is(pg_temp.spans('told'), '2024-05-05T10:00:00Z 2024-05-10T10:00:00Z ann hosp 10, 2024-05-10T10:00:00Z 2024-05-20T10:00:00Z bob hosp 10, 2024-05-20T10:00:00Z bob hosp 31',
          'a date of creation that is corrected changes what was told before');
CREATE TEMP TABLE spans AS SELECT s::text AS r FROM open_span AS s;
DELETE FROM open_span WHERE org_id = 1;
SELECT pl.project_deals(1, NULL);
SELECT set_eq('SELECT s::text FROM open_span AS s', 'SELECT r FROM spans', 'all of them told anew are the same');

-- ── now and past by the same code; incremental and from scratch ──────────────────────────────────
SELECT set_eq('SELECT f::text FROM deal_fact AS f WHERE org_id = 1', 'SELECT f::text FROM pl.deal_facts(1, ''2100-01-01'', ''infinity'') AS f', 'the table is what asking at the end gives');
CREATE TEMP TABLE before AS
  SELECT f::text AS r FROM deal_fact AS f UNION ALL SELECT f::text FROM account_fit AS f UNION ALL SELECT f::text FROM account_version AS f UNION ALL SELECT f::text FROM rep_team AS f;
DELETE FROM deal_fact_of WHERE org_id = 1; DELETE FROM account_fit WHERE org_id = 1; DELETE FROM account_version WHERE org_id = 1; DELETE FROM rep_team WHERE org_id = 1;
SELECT pl.reproject(1);
SELECT set_eq('SELECT f::text FROM deal_fact AS f UNION ALL SELECT f::text FROM account_fit AS f UNION ALL SELECT f::text FROM account_version AS f UNION ALL SELECT f::text FROM rep_team AS f',
              'SELECT r FROM before', 'all of it made anew is the same');

SELECT * FROM finish();
ROLLBACK;
