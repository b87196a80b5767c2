-- Explain: the stored verdict on an account, read back; and the manual override of it (SPEC 4, 5).

CREATE FUNCTION pl.account_explain(p_org int, p_request jsonb) RETURNS text
LANGUAGE plpgsql STABLE AS $$
DECLARE
  v_query jsonb := p_request -> 'query';
  v_account object := pl.object_find(p_org, 'account', p_request);
  v_zone text := (SELECT o.time_zone FROM org AS o WHERE o.org_id = p_org);
  v_at timestamptz;
  v_as_of timestamptz := pl.last_instant(v_query ->> 'as_of', v_zone);
  v_known_at timestamptz := pl.last_instant(v_query ->> 'known_at', v_zone);
  v_owner text;
  v_team text;
  v_strategy strategy;
  v_fit account_fit;
  v_answer jsonb;
  v_problems jsonb;
BEGIN
  IF v_account.object_id IS NULL THEN
    RETURN NULL;
  END IF;
  v_problems := pl.not_kept(p_org, v_query, v_as_of, v_known_at);
  IF v_problems <> '[]' THEN
    PERFORM pl.fail('invalid_parameter', v_problems #>> '{0,message}', v_problems);
  END IF;
  v_at := coalesce(v_as_of, pl.local_midnight(pl.local_date(clock_timestamp(), v_zone) + 1, v_zone) - interval '1 microsecond');
  IF v_as_of IS NOT NULL OR v_known_at IS NOT NULL THEN
    SELECT * INTO v_account FROM pl.object_states(p_org, 'account', ARRAY[v_account.object_id::text], v_as_of, v_known_at);
    IF NOT FOUND THEN
      RETURN NULL;
    END IF;
  END IF;
  v_owner := (pl.track_at(v_account.track, 'owner', v_at, (SELECT o.backcast = 'on' FROM org AS o WHERE o.org_id = p_org))).value #>> '{}';
  SELECT t.team_id INTO v_team FROM pl.rep_teams(p_org, v_as_of, v_known_at, ARRAY[v_owner]) AS t WHERE v_at >= t.valid_from AND v_at < t.valid_to;
  IF v_query ? 'strategy' THEN
    v_strategy := pl.strategy_find(p_org, v_query ->> 'strategy', false);
  ELSE
    SELECT * INTO v_strategy FROM strategy AS s WHERE s.org_id = p_org AND s.strategy_id = pl.strategy_in_force(p_org, v_team, v_at, v_as_of, v_known_at);
  END IF;
  IF v_strategy.status = 'published' THEN
    v_fit := pl.fit_at(p_org, v_strategy.strategy_id, v_account.object_id, v_at, v_as_of, v_known_at);
  END IF;
  v_answer := jsonb_build_object('account', v_account.object_id, 'name', v_account.doc ->> 'name', 'as_of', pl.iso(v_at), 'team', v_team,
    'strategy', v_strategy.strategy_id, 'strategy_name', v_strategy.name,
    'data_version', (SELECT v.data_version FROM org_version AS v WHERE v.org_id = p_org));
  IF v_fit.account_id IS NULL THEN
    RETURN (v_answer || jsonb_build_object('segment', 'unknown', 'tier', 'unknown', 'class', 'unknown', 'score', NULL,
              'reason', CASE WHEN v_strategy.strategy_id IS NULL THEN 'no_strategy' WHEN v_strategy.status <> 'published' THEN 'not_published'
                             ELSE 'no_account' END))::text;
  END IF;
  RETURN (v_answer || jsonb_build_object('segment', v_fit.segment, 'tier', v_fit.tier, 'class', v_fit.class, 'reason', v_fit.reason,
      'score', v_fit.score, 'low', v_fit.low, 'high', v_fit.high, 'coverage', v_fit.coverage, 'backcast', v_fit.backcast,
      'valid_from', CASE WHEN isfinite(v_fit.valid_from) THEN pl.iso(v_fit.valid_from) END,
      'valid_to', CASE WHEN isfinite(v_fit.valid_to) THEN pl.iso(v_fit.valid_to) END,
      'min_coverage', coalesce(v_strategy.body -> 'fit' -> 'min_coverage', '0.5'), 'tiers', v_strategy.body -> 'fit' -> 'tiers', 'override', NULL,
      'computed', jsonb_build_object('tier', v_fit.tier, 'class', v_fit.class, 'reason', v_fit.reason)) -- an overridden verdict's breakdown has its own
    || v_fit.breakdown)::text;
END $$;
COMMENT ON FUNCTION pl.account_explain(int, jsonb) IS
  'GET /v1/accounts/{id}/fit: the stored verdict at as_of by the strategy in force for the owner''s team (or strategy=), with its breakdown, whose '
  'contributions add up to the score; read back, never computed again';

CREATE FUNCTION pl.override_problems(p_org int, p_tier text, p_until timestamptz) RETURNS jsonb
LANGUAGE plpgsql STABLE AS $$
DECLARE
  v_tiers text[] := ARRAY(SELECT DISTINCT (t ->> 'key') COLLATE "C"
                            FROM strategy AS s CROSS JOIN LATERAL jsonb_array_elements(s.body -> 'fit' -> 'tiers') AS t
                           WHERE s.org_id = p_org AND s.status = 'published' UNION SELECT 'excluded' ORDER BY 1);
  v_problems jsonb := '[]';
BEGIN
  IF p_tier <> ALL (v_tiers) THEN
    v_problems := v_problems || jsonb_build_object('pointer', '/tier', 'code', 'not_one_of',
      'message', format('no published strategy has this tier; known: %s', array_to_string(v_tiers, ', ')));
  END IF;
  IF p_until <= clock_timestamp() THEN
    v_problems := v_problems || jsonb_build_object('pointer', '/until', 'code', 'out_of_range', 'message', 'must lie in the future');
  END IF;
  RETURN v_problems;
END $$;
COMMENT ON FUNCTION pl.override_problems(int, text, timestamptz) IS 'What speaks against an override: a tier no published strategy has, an end that has passed';

CREATE FUNCTION pl.override_json(p_override fit_override) RETURNS jsonb
LANGUAGE plpgsql STABLE AS $$
BEGIN
  RETURN jsonb_build_object('account', p_override.account_id, 'tier', p_override.tier, 'reason', p_override.reason,
                            'set_at', pl.iso(p_override.set_at), 'until', pl.iso(p_override.until), 'actor', p_override.actor);
END $$;

CREATE FUNCTION pl.override_applied(p_org int, p_account text) RETURNS void
LANGUAGE plpgsql AS $$
BEGIN
  PERFORM pl.project_account_fits(p_org, ARRAY[p_account]);
  PERFORM pl.rejudge(p_org, pl.deals_of_accounts(p_org, ARRAY[p_account]), pl.activities_of_accounts(p_org, ARRAY[p_account]));
END $$;
COMMENT ON FUNCTION pl.override_applied(int, text) IS 'Judges an account, and what was decided about it, anew after its override changed';

CREATE FUNCTION pl.override_in_force(p_org int, p_account text, p_at timestamptz) RETURNS fit_override
LANGUAGE plpgsql STABLE AS $$
DECLARE
  v_override fit_override;
BEGIN
  SELECT * INTO v_override FROM fit_override AS f WHERE f.org_id = p_org AND f.account_id = p_account ORDER BY f.set_at DESC LIMIT 1;
  IF v_override.until <= p_at THEN
    RETURN NULL;
  END IF;
  RETURN v_override;
END $$;
COMMENT ON FUNCTION pl.override_in_force(int, text, timestamptz) IS 'The override that holds at an instant no earlier than the last one was set; null: none';

CREATE FUNCTION pl.override_put(p_org int, p_request jsonb) RETURNS text
LANGUAGE plpgsql AS $$
DECLARE
  v_body jsonb := p_request -> 'body';
  v_account text;
  v_until timestamptz := pl.source_instant(v_body ->> 'until', (SELECT o.time_zone FROM org AS o WHERE o.org_id = p_org));
  v_problems jsonb := pl.override_problems(p_org, v_body ->> 'tier', v_until);
  v_override fit_override;
  v_before fit_override;
BEGIN
  PERFORM pl.lock_org(p_org);
  SELECT o.object_id INTO v_account FROM object AS o
   WHERE o.org_id = p_org AND o.kind = 'account' AND o.object_id = p_request #>> '{path,0}' AND o.deleted_at IS NULL;
  IF NOT FOUND THEN
    RETURN NULL;
  END IF;
  IF v_problems <> '[]' THEN
    PERFORM pl.fail('validation_failed', 'The override cannot be accepted.', v_problems);
  END IF;
  v_before := pl.override_in_force(p_org, v_account, clock_timestamp());
  INSERT INTO fit_override (org_id, account_id, set_at, tier, reason, until, actor)
  VALUES (p_org, v_account, clock_timestamp(), v_body ->> 'tier', v_body ->> 'reason', v_until, pl.actor(p_request))
  RETURNING * INTO v_override;
  PERFORM pl.config_changed(p_org, p_request, 'fit_override.set', 'account/' || v_account,
                            CASE WHEN v_before.account_id IS NOT NULL THEN pl.override_json(v_before) END, pl.override_json(v_override));
  PERFORM pl.override_applied(p_org, v_account);
  RETURN pl.override_json(v_override)::text;
END $$;
COMMENT ON FUNCTION pl.override_put(int, jsonb) IS
  'PUT /v1/accounts/{id}/fit-override: sets the tier by hand from now until its end (a date: its local midnight); decisions before now keep their verdict';

CREATE FUNCTION pl.override_delete(p_org int, p_request jsonb) RETURNS text
LANGUAGE plpgsql AS $$
DECLARE
  v_now timestamptz := clock_timestamp();
  v_override fit_override;
BEGIN
  PERFORM pl.lock_org(p_org);
  v_override := pl.override_in_force(p_org, p_request #>> '{path,0}', v_now);
  IF v_override.account_id IS NULL THEN
    RETURN NULL;
  END IF;
  UPDATE fit_override SET until = v_now
   WHERE org_id = p_org AND account_id = v_override.account_id AND set_at = v_override.set_at;
  PERFORM pl.config_changed(p_org, p_request, 'fit_override.end', 'account/' || v_override.account_id, pl.override_json(v_override), NULL);
  v_override.until := v_now;
  PERFORM pl.override_applied(p_org, v_override.account_id);
  RETURN pl.override_json(v_override)::text;
END $$;
COMMENT ON FUNCTION pl.override_delete(int, jsonb) IS 'DELETE /v1/accounts/{id}/fit-override: ends it now; decisions taken under it keep their verdict';
