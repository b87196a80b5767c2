-- Metrics of activities, accounts and decisions, and the rows behind them.
BEGIN;
SELECT plan(114);

\ir history/conduct.sql

CREATE FUNCTION pg_temp.behind(p_what text, p_query jsonb DEFAULT '{}', p_who jsonb DEFAULT '{"scope": "all"}') RETURNS SETOF jsonb LANGUAGE sql AS $$
  SELECT r FROM pl.answer_metric_rows(1, jsonb_build_object('path', jsonb_build_array(p_what), 'query', '{"period": "2026-Q1"}'::jsonb || p_query,
                                                            'format', 'json', 'who', p_who)) a, jsonb_array_elements(a.body::jsonb -> 'data') r
$$;

-- ── time: M12, M02, M13, M15 ─────────────────────────────────────────────────────────────────────
SELECT is(pg_temp.total('selling_time_share') -> 'numerator', '6.500000', 'on: 5.5 hours with A1, preparing it counted as the strategy says, travelling not; 1 with A3');
SELECT is(pg_temp.total('selling_time_share') -> 'denominator', '10.100000', 'off: 3.6 hours with B1, an email of unknown outcome taken as held');
SELECT is(pg_temp.total('selling_time_share') #> '{parts,estimated_share}', '0.059406', 'half an hour of a call and six minutes of an email are estimates');
SELECT is(pg_temp.row('selling_time_share', '{"by": "kind"}', 'prep') -> 'numerator', '1.000000', 'by kind');
SELECT is(pg_temp.row('selling_time_share', '{"by": "kind"}', 'email') #>> '{quality,status}', 'low', 'a row of estimates is of low quality');
SELECT is(pg_temp.total('off_strategy_investment') -> 'value', '0.356436', 'the other side of it');
SELECT is(pg_temp.total('off_strategy_investment') #>> '{forms,cost}', '100.00', 'an hour of X off strategy');
SELECT is(pg_temp.total('off_strategy_investment') #> '{parts,unattributed_share}', '0.000000', 'nothing unattributed');
SELECT is(pg_temp.total('meeting_share') -> 'numerator', '1', 'one meeting, on');
SELECT is(pg_temp.total('focus_gap') -> 'value', '-0.125666', '6.5/10.1 − 1000/1300: money is ahead of time');
SELECT is(pg_temp.row('focus_gap', '{"by": "segment"}', 'b') -> 'value', '0.125666', 'of a segment: its part of the time − its part of the money');
SELECT is(pg_temp.row('focus_gap', '{"by": "segment"}', 'b') #> '{parts,money}', '0.230769', '300 of 1300');
SELECT is((SELECT sum((r ->> 'value')::numeric) FROM jsonb_array_elements(pg_temp.ask('focus_gap', '{"by": "segment"}') -> 'rows') r), 0.000000, 'over all segments they are 0');
SELECT is(pg_temp.row('focus_gap', '{"by": "rep"}', 'y') -> 'value', '0.000000', 'Y: all time and all money off');
SELECT is(pg_temp.row('focus_gap', '{"by": "segment", "period": "2026-01"}', 'a') -> 'value', 'null', 'no money, no gap');

-- ── effort: M14 ──────────────────────────────────────────────────────────────────────────────────
SELECT is(pg_temp.total('effort_per_win') -> 'value', '5.050000', '10.1 hours, the lost deal''s too, for 2 wins');
SELECT is(pg_temp.total('effort_per_win') -> 'n', '2', 'n: wins');
SELECT is(pg_temp.total('effort_per_win') #> '{forms,cost_of_sale}', '{"value": 0.576923, "numerator": "750.00", "denominator": "1300.00", "n": 2}', '7.5 hours of X for 1300 won');
SELECT is(pg_temp.total('effort_per_win') #> '{excluded,no_cost_rate}', '2.600000', 'what Y''s hours cost nobody knows');
SELECT is(pg_temp.total('effort_per_win') #> '{parts,off}',
          '{"hours": 3.600000, "wins": 1, "hours_per_win": 3.600000, "cost": "100.00", "won": "300.00", "cost_of_sale": 0.333333}', 'by class');
SELECT is(pg_temp.row('effort_per_win', '{"by": "tier"}', 'core') -> 'value', '6.500000', 'by tier');
SELECT is(pg_temp.row('effort_per_win', '{"by": "rep"}', 'x') -> 'value', '7.500000', 'X: 7.5 hours for one');
SELECT is(pg_temp.row('effort_per_win', '{"by": "rep"}', 'x') -> 'low_n', 'true', 'of which nothing follows');
SELECT is(pg_temp.row('effort_per_win', '{"by": "segment"}', 'a') -> 'value', '6.500000', 'by segment');
SELECT is(pg_temp.total('effort_per_win', '{"period": "2026-02"}') -> 'value', 'null', 'February: no win');
SELECT is(pg_temp.total('effort_per_win', '{"period": "2026-02"}') -> 'numerator', '5.600000', 'but the hours are shown');
SELECT is(pg_temp.total('effort_per_win', '{"period": "2026-02"}') ->> 'reason', 'empty_denominator', 'with the reason');
SELECT is(pg_temp.total('cost_of_sale') -> 'value', '0.576923', 'cost of sale has a key of its own');
SELECT is(pg_temp.total('cost_of_sale', '{"rep": "y"}') ->> 'reason', 'no_cost_rate', 'without any rate there is none');

-- ── clients: M01 ─────────────────────────────────────────────────────────────────────────────────
SELECT is(pg_temp.total('client_share_on_strategy') #> '{forms,revenue,value}', '0.769231', 'clients by what was won: 1000 of 1300');
SELECT is(pg_temp.total('client_share_on_strategy', '{"revenue_basis": "attribute"}') #> '{forms,revenue,value}', '0.250000', 'by what they say they bring: 1000 of 4000');
SELECT is(pg_temp.ask('client_share_on_strategy', '{"revenue_basis": "attribute"}') #>> '{params,revenue_basis}', 'attribute', 'and the answer says which');
SELECT throws_like($$SELECT pg_temp.ask('client_share_on_strategy', '{"revenue_basis": "atribute"}')$$, '%did you mean "attribute"%', 'a misspelt basis is told the nearest');
SELECT is(pg_temp.row('client_share_on_strategy', '{"by": "tier"}', 'core') -> 'value', '1.000000', 'by tier');
SELECT is(pg_temp.total('client_share_on_strategy', '{"period": "2025-03"}') -> 'value', '0.500000', 'before they were heard of: as they were first known');
SELECT is(pg_temp.total('client_share_on_strategy', '{"period": "2025-03"}') #> '{quality,backcast}', '2', 'which is said');
SELECT is(pg_temp.total('client_share_on_strategy', '{"as_of": "2025-03-31"}') -> 'value', 'null', 'asked as of then: nobody knew of them');

-- ── coverage: M16 ────────────────────────────────────────────────────────────────────────────────
SELECT is(pg_temp.total('target_coverage') -> 'value', '0.333333', 'A1 of A1, B1 and N1');
SELECT is(pg_temp.total('target_coverage') -> 'parts', '{"green": 1, "yellow": 1, "red": 1, "k": 2, "window_days": 60, "grace_days": 20}', 'states, by the strategy''s rule');
SELECT is(pg_temp.total('target_coverage') #> '{excluded,grace}', '1', 'A3 changed hands eleven days ago');
SELECT is(pg_temp.row('target_coverage', '{"by": "rep"}', 'x') -> 'value', '0.500000', 'X: A1 but not N1');
SELECT is(pg_temp.row('target_coverage', '{"by": "rep"}', 'y') -> 'value', '0.000000', 'Y: what X did at B1 is not Y''s');
SELECT is(pg_temp.total('target_coverage', '{"grace_days": "0"}') -> 'value', '0.250000', 'without grace A3 is Y''s, who did nothing there');
SELECT is(pg_temp.total('target_coverage', '{"k": "1"}') -> 'value', '0.666667', 'one activity is enough when asked so');
SELECT is(pg_temp.total('target_coverage', '{"k": "1", "window_days": "30"}') -> 'value', '0.000000', 'since 2 March: nothing');
SELECT is(pg_temp.total('target_coverage', '{"k": "1", "window_days": "31"}') -> 'value', '0.333333', 'since the 1st: A1''s meeting');
SELECT is(pg_temp.row('target_coverage', '{"by": "period", "granularity": "month"}', '2026-02') #> '{parts,green}', '1', 'at the end of February: A3, then X''s');
SELECT is(pg_temp.row('target_coverage', '{"by": "segment"}', 'unknown') -> 'value', '0.000000', 'targets that cannot be placed are targets');
SELECT throws_like($$SELECT pg_temp.ask('target_coverage', '{"k": "0"}')$$, '%k: a whole number from 1 to 1000%', 'k has bounds');
SELECT is(pg_temp.total('target_coverage', '{}', '{"scope": "self", "rep": "y"}') -> 'denominator', '1', 'a key of Y sees Y''s targets');

SELECT is(pg_temp.put('account', 'a1', '2026-02-20T00:00:00Z', '{"attributes": {"owner": "somebody", "is_target": "no"}}'), 'accepted', 'own attributes of the same names');
SELECT is(pg_temp.total('target_coverage') #> '{parts,green}', '1', '… do not say whose it is');
SELECT is(ARRAY(SELECT concat_ws(' ', s.owner, s.is_target) FROM pl.ownership('[{"at": "2026-01-02T00:00:00Z", "set": {"name": "x"}}, {"at": "2026-01-03T00:00:00Z", "set": {"owner": "x", "attributes.owner": "z"}},
  {"at": "2026-01-04T00:00:00Z", "set": {"is_target": true}}, {"at": "2026-01-05T00:00:00Z", "set": {"owner": null}}]', true) s), '{"x t","x t","x t",t}', 'ownership over time');

-- ── messages: M20 ────────────────────────────────────────────────────────────────────────────────
SELECT is(pg_temp.total('message_adoption') -> 'value', '0.875000', '0.75 · 2/2 + 0.25 · 1/2 deals');
SELECT is(pg_temp.total('message_adoption') #> '{forms,calls,value}', '0.437500', '0.75 · 2/4 + 0.25 · 1/4 conversations: one looked at without any stays in');
SELECT is(pg_temp.total('message_adoption') #> '{excluded,untagged}', '7', 'those not looked at are counted apart');
SELECT is(pg_temp.total('message_adoption') #> '{parts,emphasis_tv}', '0.250000', 'emphasis .5 .25 and .25 of no message of ours, against .75 .25 0');
SELECT is(pg_temp.total('message_adoption') #> '{parts,keys,2,deals}', '{"value": 1.000000, "numerator": 2, "denominator": 2, "n": 2, "ci": [0.342380, 1.000000]}', 'each message with its interval');
SELECT is(pg_temp.total('message_adoption') #> '{parts,keys,0,unplanned}', 'true', 'tags that are none of the strategy''s are said to be');
SELECT is(pg_temp.row('message_adoption', '{"by": "rep"}', 'y') -> 'value', '0.750000', 'Y used one of the two');
SELECT is(pg_temp.row('message_adoption', '{"by": "class"}', 'on') -> 'value', '1.000000', 'on strategy both were used');
SELECT is(pg_temp.row('message_adoption', '{"by": "class"}', 'off') ->> 'label', 'Off strategy', 'classes have names');
SELECT is(pg_temp.total('message_adoption', '{"period": "2026-01"}') -> 'value', '0.000000', 'January: looked at, nothing heard: a true zero');
SELECT is(pg_temp.total('message_adoption', '{"tier": "outside"}') -> 'denominator', '1', 'narrowed to a tier');

-- ── conduct: M21 ─────────────────────────────────────────────────────────────────────────────────
SELECT is(pg_temp.total('consultative') #> '{forms,discovery_first}', '{"value": 0.333333, "numerator": 1, "denominator": 3, "n": 3, "ci": [0.061492, 0.792340]}', 'd1; d2 discovered late, d3 never');
SELECT is(pg_temp.total('consultative') -> 'value', '0.333333', 'it is the first form');
SELECT is(pg_temp.total('consultative') #> '{forms,talk_ratio,value}', '0.416667', 'mean of 1/3 and 1/2');
SELECT is(pg_temp.total('consultative') #> '{forms,talk_ratio_weighted,value}', '0.444444', 'by time: 4800 of 10800 seconds');
SELECT is(pg_temp.total('consultative') #> '{forms,in_band,value}', '0.500000', 'one of two within the band, its edge included');
SELECT is(pg_temp.total('consultative') #> '{forms,questions_per_30min,value}', '1.666667', '10 questions in 3 hours');
SELECT is(pg_temp.total('consultative') #> '{forms,multi_thread,value}', '0.666667', 'd1 by its meeting, d3 by its contacts');
SELECT is(pg_temp.total('consultative') #> '{forms,value_case,value}', '0.333333', 'd1; d2''s came after the proposal');
SELECT is(pg_temp.row('consultative', '{"by": "rep"}', 'y') #> '{forms,talk_ratio,value}', 'null', 'no talk data: null');
SELECT is(pg_temp.row('consultative', '{"by": "class"}', 'on') #> '{forms,value_case,value}', '1.000000', 'on strategy');
SELECT is(pg_temp.row('consultative', '{"by": "segment"}', 'b') #> '{forms,multi_thread,n}', '2', 'each component its own n');
SELECT is(pg_temp.total('consultative', '{"as_of": "2026-03-11"}') #> '{forms,value_case}', '{"value": 1.000000, "numerator": 1, "denominator": 1, "n": 1, "ci": [0.206549, 1.000000]}', 'as of 11 March only d1 was closed');
SELECT is(pg_temp.put('opportunity', 'd9', '2026-03-20T10:00:00Z', '{"owner": "x", "account": "a1", "stage": "won", "value_case": true, "created_at": "2026-01-01T00:00:00Z", "closed_at": "2026-03-18T00:00:00Z"}'), 'accepted', 'a deal is heard of when it is over');
SELECT is(pg_temp.put('activity', 'v99', '2026-02-01T10:00:00Z', '{"kind": "proposal", "starts_at": "2026-02-01T10:00:00Z", "rep": "x", "account": "a1", "opportunity": "d9", "outcome": "held"}'), 'accepted', '… with its proposal');
SELECT is(pg_temp.total('consultative') #> '{forms,value_case,numerator}', '2', 'its value case is that of the first sight');
UPDATE strategy SET body = jsonb_set(body, '{conduct,proposal_stages}', '["talk"]') WHERE org_id = 1;
SELECT is(pg_temp.total('consultative') #> '{forms,discovery_first,numerator}', '0', 'the strategy may name the stages: talking comes before discovery');
UPDATE strategy SET body = body #- '{conduct,proposal_stages}' WHERE org_id = 1;

-- ── decisions: M28 ───────────────────────────────────────────────────────────────────────────────
SELECT is(pg_temp.total('decision_stream') -> 'value', '0.600000', 'd1, d5 and d9 on, d2 and d3 off');
SELECT is(pg_temp.total('decision_stream') #> '{excluded,unknown}', '1', 'd7 cannot be told');
SELECT is(pg_temp.total('decision_stream') #> '{excluded,imported}', '1', 'd6 was backfilled');
SELECT is(pg_temp.total('decision_stream', '{"include_imported": "true"}') -> 'value', '0.666667', 'unless it is asked for');
SELECT is(pg_temp.total('decision_stream') -> 'ci', '[0.230724, 0.882379]', 'with the interval of 3 of 5');
SELECT is(pg_temp.row('decision_stream', '{"by": "rep"}', 'y') #> '{parts,off_run}', '{"longest": 2, "current": 2}', 'Y decided twice in a row against it; what cannot be told breaks no run');
SELECT is(pg_temp.row('decision_stream', '{"by": "rep"}', 'x') #> '{parts,off_run}', '{"longest": 0, "current": 0}', 'X never');
SELECT is(pg_temp.row('decision_stream', '{"by": "team"}', 't1') #> '{parts,off_run,longest}', '2', 'of a team: the longest of anyone');
SELECT is(pl.decision_runs('{off,off,on,off,unknown,off,off}'), '{3,3}', 'runs');
SELECT is(pl.decision_runs('{off,off,on,unknown}'), '{2,0}', '… and ended ones');
SELECT is(ARRAY(SELECT r ->> 'id' FROM pg_temp.behind('decision_stream') r), '{d7,d6,d5,d3,d2,d1,d9}', 'the rows come newest first');
SELECT is((SELECT r ->> 'explain' FROM pg_temp.behind('decision_stream', '{"rep": "y", "limit": "1"}') r), '/v1/opportunities/d7/alignment', 'each with its explanation');

-- ── white space: M32 ─────────────────────────────────────────────────────────────────────────────
SELECT is(pg_temp.total('white_space') -> 'value', '2', 'A2 and N1: nobody was there, nothing is open');
SELECT is(pg_temp.total('white_space') #> '{forms,share,value}', '0.333333', 'of six that fit or are targets');
SELECT is(ARRAY(SELECT r ->> 'id' FROM pg_temp.behind('white_space') r), '{a2,n1}', 'the rows are the accounts, largest potential first');
SELECT is(ARRAY(SELECT r ->> 'id' FROM pg_temp.behind('white_space', '{"window_days": "20"}') r), '{a2,a3,b1,n1}', 'in 20 days; A1 and A4 have open deals; then by score');
SELECT is(pg_temp.row('white_space', '{"by": "rep"}', 'x') -> 'value', '1', 'X has one');
SELECT is(pg_temp.row('white_space', '{"by": "segment"}', 'b') -> 'value', '0', 'none in Beta: a true zero');
SELECT is(pg_temp.total('white_space') #> '{parts,potential}', '900', 'their potential');
SELECT is(pg_temp.total('white_space', '{"as_of": "2026-02-09"}') -> 'value', '4', 'as of then A3, A2, A4 and N1');
SELECT is(pg_temp.total('white_space', '{}', '{"scope": "self", "rep": "x"}') -> 'denominator', '3', 'X''s key sees X''s accounts');

-- ── rows behind the numbers ──────────────────────────────────────────────────────────────────────
SELECT is((SELECT (round(sum((r ->> 'numerator')::numeric), 6), round(sum((r ->> 'denominator')::numeric), 6))::text FROM pg_temp.behind(key, query) r),
          (SELECT (round((t ->> 'numerator')::numeric, 6), round((t ->> 'denominator')::numeric, 6))::text FROM pg_temp.total(key, query) t)::text, format('rows of %s %s add up to it', key, query))
FROM (VALUES ('off_strategy_investment', '{}'::jsonb), ('meeting_share', '{}'), ('client_share_on_strategy', '{}'), ('target_coverage', '{}'), ('message_adoption', '{"rep": "y"}'),
             ('decision_stream', '{"include_imported": "true"}')) AS v(key, query);
SELECT is((SELECT sum((r ->> 'numerator')::numeric) FROM pg_temp.behind('effort_per_win') r), 10.1, 'activities make the hours of effort');
SELECT is((SELECT sum((r ->> 'denominator')::numeric) FROM pg_temp.behind('effort_per_win') r), 3::numeric, 'won deals the wins');
SELECT is((SELECT sum((r ->> 'numerator')::numeric) FROM pg_temp.behind('cost_of_sale') r), 750.00, 'or their cost');
SELECT is((SELECT round(sum((r ->> 'contribution')::numeric), 6) FROM pg_temp.behind('focus_gap') r), -0.125666, 'contributions add up to the focus gap');
SELECT is((SELECT jsonb_object_agg(c, s) FROM (SELECT r ->> 'part' AS c, trim_scale(round(sum((r ->> 'numerator')::numeric), 6)) AS s FROM pg_temp.behind('consultative', '{"period": "2026-Q1"}') r GROUP BY 1) x),
          (SELECT jsonb_object_agg(key, value -> 'numerator') FROM jsonb_each(pg_temp.total('consultative') -> 'forms')), 'rows of each component add up to it');
SELECT is((SELECT jsonb_object_agg(r ->> 'id', r ->> 'state') FROM pg_temp.behind('target_coverage') r), '{"a1": "green", "a3": "grace", "b1": "yellow", "n1": "red"}', 'target accounts with their state');

SELECT * FROM finish();
ROLLBACK;
