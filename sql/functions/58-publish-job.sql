-- Publishing as a job. Accounts are judged by the strategy first, then every deal and activity gets its row in the next epoch: copied, with the
-- verdicts on what was decided from the strategy's date on made anew. Writers keep both epochs meanwhile. One UPDATE makes the next epoch the current
-- one, and then the rows of the old one go. Every step begins where the job's position says and may be cut off anywhere.

CREATE FUNCTION pl.publish_queue(p_org int, p_request jsonb, p_strategy strategy) RETURNS job
LANGUAGE plpgsql AS $$
DECLARE
  v_total bigint;
BEGIN
  UPDATE org_version SET next_epoch = epoch + 1, next_strategy = p_strategy.strategy_id WHERE org_id = p_org;
  SELECT (SELECT count(DISTINCT v.account_id) FROM account_version AS v WHERE v.org_id = p_org)
         + (SELECT count(*) FROM deal_fact AS d WHERE d.org_id = p_org) + (SELECT count(*) FROM activity_fact AS a WHERE a.org_id = p_org)
    INTO v_total;
  RETURN pl.job_create(p_org, p_request, 'publish', 'strategy/' || p_strategy.strategy_id, 'accounts', NULL, v_total);
END $$;
COMMENT ON FUNCTION pl.publish_queue(int, jsonb, strategy) IS 'Begins the next epoch, in which the strategy is in force, and queues the job that fills it';

CREATE FUNCTION pl.publish_step(p_job job) RETURNS job
LANGUAGE plpgsql AS $$
DECLARE
  v_version org_version;
  v_strategy strategy;
BEGIN
  SELECT * INTO v_version FROM org_version AS v WHERE v.org_id = p_job.org_id;
  SELECT * INTO v_strategy FROM strategy AS s WHERE s.org_id = p_job.org_id AND 'strategy/' || s.strategy_id = p_job.object;
  CASE p_job.phase
    WHEN 'accounts' THEN RETURN pl.publish_accounts(p_job, v_strategy);
    WHEN 'deals' THEN RETURN pl.publish_deals(p_job, v_version, v_strategy);
    WHEN 'activities' THEN RETURN pl.publish_activities(p_job, v_version, v_strategy);
    WHEN 'switch' THEN RETURN pl.publish_switch(p_job, v_strategy);
    WHEN 'old_deals' THEN RETURN pl.sweep_deals(p_job, v_version.epoch - 1, 'old_activities');
    WHEN 'old_activities' THEN RETURN pl.sweep_activities(p_job, v_version.epoch - 1, 'done');
    WHEN 'undo' THEN RETURN pl.publish_undo(p_job);
    WHEN 'undo_deals' THEN RETURN pl.sweep_deals(p_job, v_version.epoch + 1, 'undo_activities');
    WHEN 'undo_activities' THEN RETURN pl.sweep_activities(p_job, v_version.epoch + 1, 'failed');
  END CASE;
END $$;
COMMENT ON FUNCTION pl.publish_step(job) IS
  'accounts → deals → activities → switch → old_deals → old_activities → done; after five failures undo → undo_deals → undo_activities → '
  'failed, and the strategy is a draft again';

CREATE FUNCTION pl.job_advance(p_job job, p_last text, p_rows int, p_next text) RETURNS job
LANGUAGE plpgsql IMMUTABLE AS $$
BEGIN
  p_job.done := p_job.done + p_rows;
  p_job.position := p_last;
  IF p_last IS NULL THEN
    p_job.phase := p_next;
  END IF;
  RETURN p_job;
END $$;
COMMENT ON FUNCTION pl.job_advance(job, text, int, text) IS 'The job after a step that ended with id p_last; null: there was nothing left, so p_next begins';

CREATE FUNCTION pl.publish_accounts(p_job job, p_strategy strategy) RETURNS job
LANGUAGE plpgsql AS $$
DECLARE
  v_ids text[] := ARRAY(SELECT DISTINCT v.account_id FROM account_version AS v
                         WHERE v.org_id = p_job.org_id AND v.account_id > coalesce(p_job.position, '') ORDER BY v.account_id LIMIT p_job.chunk);
BEGIN
  IF v_ids <> '{}' THEN
    PERFORM pl.project_account_fits(p_job.org_id, v_ids, p_strategy.strategy_id);
  END IF;
  RETURN pl.job_advance(p_job, v_ids[cardinality(v_ids)], cardinality(v_ids), 'deals');
END $$;
COMMENT ON FUNCTION pl.publish_accounts(job, strategy) IS 'Judges the next accounts by the strategy; nobody reads these verdicts before the switch';

CREATE FUNCTION pl.publish_deals(p_job job, p_version org_version, p_strategy strategy) RETURNS job
LANGUAGE plpgsql AS $$
DECLARE
  v_after text := coalesce(p_job.position, '');
  -- Of the table, not the view: through a join the order of its key would be lost, and every step would sort all that is left.
  v_ids text[] := ARRAY(SELECT d.deal_id FROM deal_fact_of AS d
                         WHERE d.org_id = p_job.org_id AND d.epoch = p_version.epoch AND d.deal_id > v_after ORDER BY d.deal_id LIMIT p_job.chunk);
  v_last text := v_ids[cardinality(v_ids)];
BEGIN
  -- What writers put there meanwhile was judged before all accounts were.
  DELETE FROM deal_fact_of WHERE org_id = p_job.org_id AND epoch = p_version.next_epoch AND deal_id > v_after AND deal_id <= v_last;
  INSERT INTO deal_fact_of (org_id, deal_id, name, stage, outcome, owner, account_id, amount, currency, probability, origin, created_at, closed_at,
    closed_transition_at, expected_close, money, families, weights, created_rep, created_team, created_strategy, created_segment, created_tier,
    created_class, created_reason, created_backcast, closed_rep, closed_team, closed_account, closed_strategy, closed_segment, closed_tier,
    closed_class, closed_reason, closed_backcast, created_account, lost_reason, created_look, closed_look, created_assumed, closed_assumed, epoch)
  SELECT d.*, p_version.next_epoch
    FROM pl.deals_judged_again(p_job.org_id, v_after, v_last, p_strategy.strategy_id, p_strategy.effective_at) AS d;
  RETURN pl.job_advance(p_job, v_last, cardinality(v_ids), 'activities');
END $$;
COMMENT ON FUNCTION pl.publish_deals(job, org_version, strategy) IS 'Gives the next deals their rows in the next epoch';

CREATE FUNCTION pl.deals_judged_again(p_org int, p_after text, p_last text, p_also text, p_since timestamptz) RETURNS SETOF deal_fact
LANGUAGE plpgsql STABLE SET plan_cache_mode = force_generic_plan SET jit = off AS $$
#variable_conflict use_column
BEGIN
  RETURN QUERY
    WITH d AS MATERIALIZED (
      SELECT * FROM deal_fact AS f WHERE f.org_id = p_org AND f.deal_id > p_after AND f.deal_id <= p_last
    ), ask AS MATERIALIZED (
      SELECT (row_number() OVER ())::int AS n, deal_id, closing, rep, account, at
        FROM (SELECT deal_id, false AS closing, created_rep AS rep, created_account AS account, created_look AS at FROM d
              UNION ALL
              SELECT deal_id, true, closed_rep, closed_account, closed_look FROM d WHERE closed_at IS NOT NULL) AS both_ends
       WHERE at >= p_since
    ), verdict AS MATERIALIZED (
      SELECT a.deal_id, a.closing, v.team, v.strategy, v.segment, v.tier, v.class, v.reason, v.backcast
        FROM pl.judge(p_org, NULL, NULL, ARRAY(SELECT rep FROM ask ORDER BY n), ARRAY(SELECT account FROM ask ORDER BY n),
                      ARRAY(SELECT at FROM ask ORDER BY n), p_also => p_also) AS v
        JOIN ask AS a ON a.n = v.n
    )
    SELECT d.org_id, d.deal_id, d.name, d.stage, d.outcome, d.owner, d.account_id, d.amount, d.currency, d.probability, d.origin, d.created_at,
           d.closed_at, d.closed_transition_at, d.expected_close, d.money, d.families, d.weights, d.created_rep,
           CASE WHEN c.closing IS NULL THEN d.created_team ELSE c.team END, CASE WHEN c.closing IS NULL THEN d.created_strategy ELSE c.strategy END,
           coalesce(c.segment, d.created_segment), coalesce(c.tier, d.created_tier), coalesce(c.class, d.created_class),
           CASE WHEN c.closing IS NULL THEN d.created_reason ELSE c.reason END, coalesce(c.backcast OR d.created_assumed, d.created_backcast),
           d.closed_rep, CASE WHEN w.closing IS NULL THEN d.closed_team ELSE w.team END, d.closed_account,
           CASE WHEN w.closing IS NULL THEN d.closed_strategy ELSE w.strategy END,
           coalesce(w.segment, d.closed_segment), coalesce(w.tier, d.closed_tier), coalesce(w.class, d.closed_class),
           CASE WHEN w.closing IS NULL THEN d.closed_reason ELSE w.reason END, coalesce(w.backcast OR d.closed_assumed, d.closed_backcast),
           d.created_account, d.lost_reason, d.created_look, d.closed_look, d.created_assumed, d.closed_assumed
      FROM d
      LEFT JOIN verdict AS c ON c.deal_id = d.deal_id AND NOT c.closing
      LEFT JOIN verdict AS w ON w.deal_id = d.deal_id AND w.closing;
END $$;
COMMENT ON FUNCTION pl.deals_judged_again(int, text, text, text, timestamptz) IS
  'The facts of the deals with ids in (p_after, p_last], with the verdicts on decisions from p_since on made anew: what a strategy in force from '
  'then (p_also) can change. Everything else about a deal, who decided for which account when, does not depend on strategies and is taken as it stands';

CREATE FUNCTION pl.publish_activities(p_job job, p_version org_version, p_strategy strategy) RETURNS job
LANGUAGE plpgsql AS $$
DECLARE
  v_ids text[] := ARRAY(SELECT a.activity_id FROM activity_fact_of AS a
                         WHERE a.org_id = p_job.org_id AND a.epoch = p_version.epoch AND a.activity_id > coalesce(p_job.position, '')
                         ORDER BY a.activity_id LIMIT p_job.chunk);
  v_last text := v_ids[cardinality(v_ids)];
BEGIN
  INSERT INTO activity_fact_of
  SELECT a.*, p_version.next_epoch
    FROM activity_fact AS a
   WHERE a.org_id = p_job.org_id AND a.activity_id > coalesce(p_job.position, '') AND a.activity_id <= v_last
     AND a.starts_at < p_strategy.effective_at
  ON CONFLICT (org_id, activity_id, rep_id, account_id, epoch) DO NOTHING;
  PERFORM pl.project_activities_in(p_job.org_id, p_version.next_epoch, p_strategy.strategy_id, j.ids)
    FROM (SELECT array_agg(DISTINCT a.activity_id ORDER BY a.activity_id) AS ids
            FROM activity_fact AS a
           WHERE a.org_id = p_job.org_id AND a.activity_id > coalesce(p_job.position, '') AND a.activity_id <= v_last
             AND a.starts_at >= p_strategy.effective_at) AS j
   WHERE j.ids IS NOT NULL;
  RETURN pl.job_advance(p_job, v_last, cardinality(v_ids), 'switch');
END $$;
COMMENT ON FUNCTION pl.publish_activities(job, org_version, strategy) IS
  'Gives the next activities their rows in the next epoch: copied when they began before the strategy''s date, else judged, as their minutes depend on it too';

CREATE FUNCTION pl.publish_switch(p_job job, p_strategy strategy) RETURNS job
LANGUAGE plpgsql AS $$
DECLARE
  v_strategy strategy;
BEGIN
  UPDATE org_version SET epoch = next_epoch, next_epoch = NULL, next_strategy = NULL WHERE org_id = p_job.org_id;
  v_strategy := pl.publish_finish(p_job.org_id, p_strategy.strategy_id, p_job.actor);
  p_job.result := jsonb_build_object('strategy', v_strategy.strategy_id, 'effective_at', pl.iso(v_strategy.effective_at),
                                     'backdated', v_strategy.effective_at < v_strategy.published_at, 'published_at', pl.iso(v_strategy.published_at));
  p_job.done := p_job.total;
  p_job.phase := 'old_deals';
  RETURN p_job;
END $$;
COMMENT ON FUNCTION pl.publish_switch(job, strategy) IS 'The one moment at which the answers change: the next epoch is the current one, and the strategy is published';

CREATE FUNCTION pl.publish_undo(p_job job) RETURNS job
LANGUAGE plpgsql AS $$
BEGIN
  UPDATE org_version SET next_epoch = NULL, next_strategy = NULL WHERE org_id = p_job.org_id;
  UPDATE strategy SET status = 'draft', effective_at = NULL, publish_order = NULL
   WHERE org_id = p_job.org_id AND 'strategy/' || strategy_id = p_job.object;
  DELETE FROM account_fit WHERE org_id = p_job.org_id AND 'strategy/' || strategy_id = p_job.object;
  p_job.phase := 'undo_deals';
  p_job.position := NULL;
  RETURN p_job;
END $$;
COMMENT ON FUNCTION pl.publish_undo(job) IS 'Gives up: nobody has seen anything of it, and the strategy is a draft again';

CREATE FUNCTION pl.sweep_deals(p_job job, p_epoch int, p_next text) RETURNS job
LANGUAGE plpgsql AS $$
DECLARE
  v_ids text[] := ARRAY(SELECT d.deal_id FROM deal_fact_of AS d
                         WHERE d.org_id = p_job.org_id AND d.epoch = p_epoch AND d.deal_id > coalesce(p_job.position, '')
                         ORDER BY d.deal_id LIMIT p_job.chunk);
  v_last text := v_ids[cardinality(v_ids)];
BEGIN
  DELETE FROM deal_fact_of
   WHERE org_id = p_job.org_id AND epoch = p_epoch AND deal_id > coalesce(p_job.position, '') AND deal_id <= v_last;
  RETURN pl.job_advance(p_job, v_last, 0, p_next);
END $$;
COMMENT ON FUNCTION pl.sweep_deals(job, int, text) IS 'Deletes the next deals of an epoch that nobody reads; when none are left, phase p_next begins';

CREATE FUNCTION pl.sweep_activities(p_job job, p_epoch int, p_next text) RETURNS job
LANGUAGE plpgsql AS $$
DECLARE
  v_ids text[] := ARRAY(SELECT a.activity_id FROM activity_fact_of AS a
                         WHERE a.org_id = p_job.org_id AND a.epoch = p_epoch AND a.activity_id > coalesce(p_job.position, '')
                         ORDER BY a.activity_id LIMIT p_job.chunk);
  v_last text := v_ids[cardinality(v_ids)];
BEGIN
  DELETE FROM activity_fact_of
   WHERE org_id = p_job.org_id AND epoch = p_epoch AND activity_id > coalesce(p_job.position, '') AND activity_id <= v_last;
  RETURN pl.job_advance(p_job, v_last, 0, p_next);
END $$;
COMMENT ON FUNCTION pl.sweep_activities(job, int, text) IS 'Deletes the next activities of an epoch that nobody reads; when none are left, phase p_next begins';

CREATE FUNCTION pl.job_outcome(p_org int, p_request jsonb, p_job text) RETURNS TABLE (answer text, finished text)
LANGUAGE plpgsql STABLE AS $$
DECLARE
  v_job job;
  v_strategy strategy;
BEGIN
  SELECT * INTO v_job FROM job AS j WHERE j.org_id = p_org AND j.job_id = substr(p_job, 2)::bigint;
  finished := CASE WHEN v_job.status IN ('done', 'failed') THEN pl.job_json(v_job)::text END;
  IF v_job.status = 'done' AND v_job.kind = 'settings' THEN
    answer := pl.settings_get(p_org, p_request);
  ELSIF v_job.status = 'done' THEN
    SELECT * INTO v_strategy FROM strategy AS s WHERE s.org_id = p_org AND 'strategy/' || s.strategy_id = v_job.object;
    answer := (pl.strategy_json(v_strategy) || jsonb_build_object('warnings', pl.strategy_lint(p_org, v_strategy.body)))::text;
  END IF;
  RETURN NEXT;
END $$;
COMMENT ON FUNCTION pl.job_outcome(int, jsonb, text) IS
  'What the request behind a job would have been answered had it been small, the published strategy or the settings, once it is done; and the '
  'job, once it is finished, done or failed';
