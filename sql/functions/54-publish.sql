-- Publishing: a draft becomes a version in force from its date on, and everything decided since is judged anew.

CREATE FUNCTION pl.overlapping_strategy(p_org int, p_strategy strategy) RETURNS text
LANGUAGE plpgsql STABLE AS $$
BEGIN
  -- The same scope from the same day on: the later one replaces the earlier. No scope beside some scope: the scoped one wins.
  RETURN (
    SELECT s.strategy_id
      FROM strategy AS s
     WHERE s.org_id = p_org AND s.status = 'published' AND s.effective_from = p_strategy.effective_from
       AND s.teams <> '{}' AND p_strategy.teams <> '{}' AND s.teams <> p_strategy.teams
       AND pl.teams_under(p_org, s.teams) && pl.teams_under(p_org, p_strategy.teams)
     ORDER BY s.publish_order
     LIMIT 1);
END $$;
COMMENT ON FUNCTION pl.overlapping_strategy(int, strategy) IS
  'A published strategy from the same day on whose teams, with those below them, partly are this one''s: nobody could tell which holds. Else null';

CREATE FUNCTION pl.strategy_publishable(p_org int, p_id text) RETURNS strategy
LANGUAGE plpgsql STABLE AS $$
DECLARE
  v_strategy strategy := pl.strategy_find(p_org, p_id, true);
  v_other text := pl.overlapping_strategy(p_org, v_strategy);
BEGIN
  IF v_other IS NOT NULL THEN
    PERFORM pl.fail('overlapping_scope', format('Strategy %s covers some of these teams from %s on, and others too.', v_other, v_strategy.effective_from),
      jsonb_build_array(jsonb_build_object('pointer', '/scope/teams', 'code', 'overlapping_scope',
                                           'message', format('take the same teams as %s, or another effective_from', v_other))));
  END IF;
  RETURN v_strategy;
END $$;
COMMENT ON FUNCTION pl.strategy_publishable(int, text) IS 'A draft that may be published; fails as not_found, strategy_published, overlapping_scope';

CREATE FUNCTION pl.rows_at_once() RETURNS int
LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$ SELECT 2000 $$;
COMMENT ON FUNCTION pl.rows_at_once() IS
  'Up to so many rows are judged within the request that asks for it: some tenths of a second in which no writer of the organisation gets on';

CREATE FUNCTION pl.is_large_publication(p_org int, p_effective_at timestamptz) RETURNS boolean
LANGUAGE plpgsql STABLE SET plan_cache_mode = force_generic_plan SET enable_seqscan = off AS $$
BEGIN
  RETURN (SELECT count(*) FROM (
            SELECT FROM deal_fact AS d WHERE d.org_id = p_org AND d.created_at >= p_effective_at
            UNION ALL
            SELECT FROM deal_fact AS d WHERE d.org_id = p_org AND d.closed_at >= p_effective_at AND d.created_at < p_effective_at
            UNION ALL
            SELECT FROM activity_fact AS a WHERE a.org_id = p_org AND a.starts_at >= p_effective_at
            UNION ALL
            SELECT FROM account_version AS v WHERE v.org_id = p_org
            LIMIT pl.rows_at_once() + 1) AS touched) > pl.rows_at_once();
END $$;
COMMENT ON FUNCTION pl.is_large_publication(int, timestamptz) IS 'Whether publishing a strategy from an instant on judges more rows than one request should';

CREATE FUNCTION pl.strategy_publish(p_org int, p_request jsonb) RETURNS text
LANGUAGE plpgsql SET jit = off AS $$
DECLARE
  v_strategy strategy;
  -- Looks at every account, so before the lock that writers wait for.
  v_linted jsonb := (pl.strategy_publishable(p_org, p_request #>> '{path,0}')).body;
  v_warnings jsonb := pl.strategy_lint(p_org, v_linted);
BEGIN
  PERFORM pl.lock_org(p_org);
  v_strategy := pl.strategy_publishable(p_org, p_request #>> '{path,0}');
  PERFORM pl.job_refuse_second(p_org);
  IF v_strategy.body <> v_linted THEN
    v_warnings := pl.strategy_lint(p_org, v_strategy.body);
  END IF;
  UPDATE strategy AS s
     SET status = 'publishing', attrs = pl.rule_attributes(s.body),
         effective_at = pl.local_midnight(s.effective_from, (SELECT o.time_zone FROM org AS o WHERE o.org_id = p_org)),
         publish_order = 1 + (SELECT coalesce(max(x.publish_order), 0) FROM strategy AS x WHERE x.org_id = p_org)
   WHERE s.org_id = p_org AND s.strategy_id = v_strategy.strategy_id
  RETURNING * INTO v_strategy;
  IF coalesce(p_request #>> '{query,async}' = 'true', false) OR pl.is_large_publication(p_org, v_strategy.effective_at) THEN
    RETURN (pl.job_json(pl.publish_queue(p_org, p_request, v_strategy)) || jsonb_build_object('warnings', v_warnings))::text;
  END IF;
  RETURN (pl.strategy_json(pl.publish_now(p_org, v_strategy, pl.actor(p_request))) || jsonb_build_object('warnings', v_warnings))::text;
END $$;
COMMENT ON FUNCTION pl.strategy_publish(int, jsonb) IS
  'POST /v1/strategies/{id}/publish: what was decided from effective_from on (which may lie in the past: backdated) is judged anew: few rows at '
  'once, and the answer is the published strategy; many, or with async=true, as a job, and the answer is that. With lint warnings. METRICS R20';

CREATE FUNCTION pl.publish_finish(p_org int, p_id text, p_actor text) RETURNS strategy
LANGUAGE plpgsql AS $$
DECLARE
  v_strategy strategy;
BEGIN
  UPDATE strategy SET status = 'published', published_at = clock_timestamp() WHERE org_id = p_org AND strategy_id = p_id
  RETURNING * INTO v_strategy;
  PERFORM pl.config_noted(p_org, p_actor, 'strategy.publish', 'strategy/' || p_id, NULL, v_strategy.body);
  RETURN v_strategy;
END $$;
COMMENT ON FUNCTION pl.publish_finish(int, text, text) IS 'From now on a strategy is in force for readers';

CREATE FUNCTION pl.publish_now(p_org int, p_strategy strategy, p_actor text) RETURNS strategy
LANGUAGE plpgsql AS $$
DECLARE
  v_strategy strategy := pl.publish_finish(p_org, p_strategy.strategy_id, p_actor);
BEGIN
  PERFORM pl.project_account_fits(p_org, NULL, p_strategy.strategy_id);
  PERFORM pl.rejudge(p_org, ARRAY(SELECT d.deal_id FROM deal_fact AS d
                                   WHERE d.org_id = p_org AND pl.decided_since(p_strategy.effective_at, d.created_at, d.closed_at)),
                     ARRAY(SELECT DISTINCT a.activity_id FROM activity_fact AS a WHERE a.org_id = p_org AND a.starts_at >= p_strategy.effective_at));
  RETURN v_strategy;
END $$;
COMMENT ON FUNCTION pl.publish_now(int, strategy, text) IS 'Publishes within this transaction: nobody sees a part of it';

CREATE FUNCTION pl.decided_since(p_effective_at timestamptz, p_created_at timestamptz, p_closed_at timestamptz) RETURNS boolean
LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$ SELECT p_created_at >= p_effective_at OR coalesce(p_closed_at >= p_effective_at, false) $$;
COMMENT ON FUNCTION pl.decided_since(timestamptz, timestamptz, timestamptz) IS
  'Whether a deal was created or closed from an instant on: whether a strategy effective then can change a verdict on it';

CREATE FUNCTION pl.rejudge(p_org int, p_deals text[], p_activities text[]) RETURNS void
LANGUAGE plpgsql AS $$
BEGIN
  IF p_deals <> '{}' THEN
    PERFORM pl.project_deals(p_org, p_deals);
  END IF;
  IF p_activities <> '{}' THEN
    PERFORM pl.project_activities(p_org, p_activities);
  END IF;
END $$;
COMMENT ON FUNCTION pl.rejudge(int, text[], text[]) IS 'Judges these deals and activities anew';

CREATE FUNCTION pl.leaves(p_value jsonb, p_pointer text DEFAULT '') RETURNS TABLE (pointer text, value jsonb)
LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE AS $$
DECLARE
  v_key text;
  v_member jsonb;
BEGIN
  IF jsonb_typeof(p_value) = 'object' THEN
    FOR v_key, v_member IN SELECT * FROM jsonb_each(p_value) LOOP
      RETURN QUERY SELECT * FROM pl.leaves(v_member, p_pointer || '/' || replace(replace(v_key, '~', '~0'), '/', '~1'));
    END LOOP;
  ELSIF jsonb_typeof(p_value) = 'array' AND p_value @? '$[*].key' THEN
    -- Things with a key are the same thing wherever they stand in the list.
    FOR v_member IN SELECT * FROM jsonb_array_elements(p_value) LOOP
      RETURN QUERY SELECT * FROM pl.leaves(v_member - 'key', p_pointer || '/' || replace(replace(v_member ->> 'key', '~', '~0'), '/', '~1'));
    END LOOP;
  ELSE
    pointer := p_pointer;
    value := p_value;
    RETURN NEXT;
  END IF;
END $$;
COMMENT ON FUNCTION pl.leaves(jsonb, text) IS 'The values at the ends of a document with their pointers; things that have a key stand under it, not under their place';

CREATE FUNCTION pl.strategy_diff(p_org int, p_request jsonb) RETURNS text
LANGUAGE plpgsql STABLE AS $$
DECLARE
  v_strategy strategy := pl.strategy_find(p_org, p_request #>> '{path,0}', false);
  v_against strategy;
  v_id text := coalesce(p_request #>> '{query,against}', pl.strategy_in_force(p_org, v_strategy.teams[1], clock_timestamp()));
BEGIN
  IF v_id IS NOT NULL THEN
    v_against := pl.strategy_find(p_org, v_id, false);
  END IF;
  RETURN jsonb_build_object('id', v_strategy.strategy_id, 'against', v_id, 'changes', (
    SELECT coalesce(jsonb_agg(jsonb_build_object('pointer', coalesce(a.pointer, b.pointer),
                                                 'change', CASE WHEN b.pointer IS NULL THEN 'added' WHEN a.pointer IS NULL THEN 'removed' ELSE 'changed' END,
                                                 'from', b.value, 'to', a.value)
                              ORDER BY coalesce(a.pointer, b.pointer) COLLATE "C"), '[]')
      FROM pl.leaves(v_strategy.body) AS a FULL JOIN pl.leaves(coalesce(v_against.body, '{}')) AS b ON a.pointer = b.pointer
     WHERE a.value IS DISTINCT FROM b.value AND coalesce(a.pointer, b.pointer) <> ''))::text;
END $$;
COMMENT ON FUNCTION pl.strategy_diff(int, jsonb) IS
  'GET /v1/strategies/{id}/diff: what differs from another version (against=; default: the one in force now)';
