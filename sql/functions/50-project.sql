-- Projection: from touched objects to exactly the rows that depend on them. Called by ingest in its transaction, by one writer of the
-- organisation at a time. Every step compares before it writes, so that what did not change is not written.

CREATE FUNCTION pl.project_rates(p_org int, p_ids text[]) RETURNS void
LANGUAGE plpgsql AS $$
BEGIN
  WITH fresh AS MATERIALIZED (
    -- ids are FROM-TO-YYYY-MM-DD
    SELECT substr(o.object_id, 1, 3) AS base, substr(o.object_id, 5, 3) AS quote, substr(o.object_id, 9, 10)::date AS on_date,
           (o.doc ->> 'rate')::numeric AS rate
      FROM pl.object_states(p_org, 'fx-rate', p_ids, NULL, NULL) AS o
     WHERE o.deleted_at IS NULL AND o.merged_into IS NULL AND o.doc ? 'rate'
  ), gone AS (
    DELETE FROM fx_rate AS t
     WHERE t.org_id = p_org
       AND (p_ids IS NULL OR (t.base, t.quote, t.on_date) IN (SELECT substr(id, 1, 3), substr(id, 5, 3), substr(id, 9, 10)::date FROM unnest(p_ids) AS id))
       AND (t.base, t.quote, t.on_date) NOT IN (SELECT f.base, f.quote, f.on_date FROM fresh AS f)
  )
  INSERT INTO fx_rate AS t (org_id, base, quote, on_date, rate)
  SELECT p_org, f.base, f.quote, f.on_date, f.rate FROM fresh AS f ORDER BY f.base, f.quote, f.on_date
  ON CONFLICT (org_id, base, quote, on_date) DO UPDATE SET rate = excluded.rate WHERE t *<> excluded;
END $$;
COMMENT ON FUNCTION pl.project_rates(int, text[]) IS 'Brings fx_rate up to date for these rates (null: all)';

CREATE FUNCTION pl.reprice(p_org int, p_currencies text[]) RETURNS void
LANGUAGE plpgsql AS $$
DECLARE
  v_currency text := pl.reporting_currency(p_org);
  v_zone text := (SELECT o.time_zone FROM org AS o WHERE o.org_id = p_org);
BEGIN
  WITH priced AS MATERIALIZED (
    SELECT d.epoch, d.deal_id, CASE WHEN d.currency IS NULL OR d.currency = v_currency THEN d.amount
                                    ELSE pl.convert(p_org, d.amount, d.currency, v_currency, pl.local_date(d.closed_at, v_zone)) END AS money
      FROM pl.epochs_kept(p_org) AS k
      JOIN deal_fact_of AS d ON d.org_id = p_org AND d.epoch = k.epoch
     WHERE d.closed_at IS NOT NULL AND (p_currencies IS NULL OR d.currency = ANY (p_currencies))
  )
  UPDATE deal_fact_of AS d
     SET money = p.money
    FROM priced AS p
   WHERE d.org_id = p_org AND d.epoch = p.epoch AND d.deal_id = p.deal_id AND d.money IS DISTINCT FROM p.money;
END $$;
COMMENT ON FUNCTION pl.reprice(int, text[]) IS 'Converts closed deals in these currencies (null: all) anew into the reporting currency. METRICS R6';

CREATE FUNCTION pl.project_reporting_currency(p_org int) RETURNS void
LANGUAGE plpgsql AS $$
DECLARE
  v_now record;
BEGIN
  SELECT o.reporting_currency AS chosen, v.first_currency AS before,
         CASE WHEN o.reporting_currency IS NULL THEN (
           -- Of the table, not the view: through a join the order of the index would be lost, and every write would sort all deals.
           SELECT d.currency FROM deal_fact_of AS d
            WHERE d.org_id = p_org AND d.epoch = v.epoch AND d.amount IS NOT NULL AND d.currency IS NOT NULL
            ORDER BY d.created_at, d.deal_id LIMIT 1) END AS first
    INTO v_now
    FROM org AS o JOIN org_version AS v ON v.org_id = o.org_id WHERE o.org_id = p_org;
  IF v_now.chosen IS NULL AND v_now.first IS DISTINCT FROM v_now.before THEN
    UPDATE org_version SET first_currency = v_now.first WHERE org_id = p_org;
    PERFORM pl.reprice(p_org, NULL);
  END IF;
END $$;
COMMENT ON FUNCTION pl.project_reporting_currency(int) IS
  'Keeps org_version.first_currency, the currency of the earliest priced deal, where the organisation has set none; reprices when it moves. METRICS R19';

CREATE FUNCTION pl.deals_of_accounts(p_org int, p_accounts text[]) RETURNS text[]
LANGUAGE plpgsql STABLE SET plan_cache_mode = force_generic_plan SET jit = off SET enable_seqscan = off AS $$
BEGIN
  RETURN ARRAY(
    SELECT deal_id FROM deal_fact WHERE org_id = p_org AND account_id = ANY (p_accounts)
    UNION
    SELECT deal_id FROM deal_fact WHERE org_id = p_org AND created_account IS DISTINCT FROM account_id AND created_account = ANY (p_accounts)
    UNION
    SELECT deal_id FROM deal_fact WHERE org_id = p_org AND closed_account IS DISTINCT FROM account_id AND closed_account = ANY (p_accounts));
END $$;
COMMENT ON FUNCTION pl.deals_of_accounts(int, text[]) IS 'Deals that are, or were when created or closed, with one of these accounts';

CREATE FUNCTION pl.activities_of_accounts(p_org int, p_accounts text[]) RETURNS text[]
LANGUAGE plpgsql STABLE SET plan_cache_mode = force_generic_plan SET jit = off SET enable_seqscan = off AS $$
BEGIN
  RETURN ARRAY(SELECT DISTINCT activity_id FROM activity_fact WHERE org_id = p_org AND account_id = ANY (p_accounts));
END $$;
COMMENT ON FUNCTION pl.activities_of_accounts(int, text[]) IS 'Activities spent on one of these accounts';

CREATE FUNCTION pl.activities_led_astray(p_org int, p_deals text[]) RETURNS text[]
LANGUAGE plpgsql STABLE SET plan_cache_mode = force_generic_plan SET jit = off SET enable_seqscan = off AS $$
DECLARE
  v_backcast boolean := (SELECT o.backcast = 'on' FROM org AS o WHERE o.org_id = p_org);
  v_deals text[] := ARRAY(SELECT t.deal_id FROM unnest(p_deals) AS t(deal_id)
                           WHERE EXISTS (SELECT FROM activity_fact_of AS x WHERE x.org_id = p_org AND x.deal_id = t.deal_id));
BEGIN
  -- Most deals have none.
  IF v_deals = '{}' THEN
    RETURN '{}';
  END IF;
  RETURN ARRAY(
    SELECT DISTINCT f.activity_id
      FROM unnest(v_deals) AS touched(deal_id)
      JOIN object AS d ON d.org_id = p_org AND d.kind = 'opportunity' AND d.object_id = touched.deal_id
     CROSS JOIN LATERAL (SELECT count(*) AS changes, min((e ->> 'at')::timestamptz) AS known_at
                           FROM jsonb_array_elements(d.track) AS e WHERE e -> 'set' ? 'account') AS a
     CROSS JOIN pl.epochs_kept(p_org) AS k
      JOIN activity_fact_of AS f ON f.org_id = p_org AND f.epoch = k.epoch AND f.deal_id = d.object_id
     -- Most deals have one account all their life: then the track need not be read for each activity.
     CROSS JOIN LATERAL (
       SELECT d.doc ->> 'account' AS account, f.starts_at < a.known_at AS is_backcast
        WHERE a.changes = 1 AND (v_backcast OR f.starts_at >= a.known_at)
       UNION ALL
       SELECT t.value #>> '{}', t.is_backcast FROM pl.track_at(d.track, 'account', f.starts_at, v_backcast) AS t
        WHERE NOT (a.changes = 1 AND (v_backcast OR f.starts_at >= a.known_at))) AS t
     WHERE (f.account_id IS DISTINCT FROM coalesce(t.account, '') OR (t.is_backcast AND NOT f.backcast)
            OR (f.backcast AND NOT t.is_backcast AND NOT pl.verdict_is_backcast(p_org, f.rep_id, f.account_id, f.strategy, f.starts_at)))
       AND EXISTS (SELECT 1 FROM object AS x
                    WHERE x.org_id = p_org AND x.kind = 'activity' AND x.object_id = f.activity_id
                      AND pl.named_ids(x.doc -> 'account', x.doc -> 'accounts') = '{}'));
END $$;
COMMENT ON FUNCTION pl.activities_led_astray(int, text[]) IS
  'Activities that reach their account through one of these opportunities and no longer stand on the account it had at their time';

CREATE FUNCTION pl.verdict_is_backcast(p_org int, p_rep text, p_account text, p_strategy text, p_at timestamptz) RETURNS boolean
LANGUAGE plpgsql STABLE SET plan_cache_mode = force_generic_plan SET enable_seqscan = off AS $$
BEGIN
  RETURN EXISTS (SELECT 1 FROM rep_team AS t
                  WHERE t.org_id = p_org AND t.rep_id = p_rep AND t.backcast AND p_at >= t.valid_from AND p_at < t.valid_to)
      OR EXISTS (SELECT 1 FROM account_fit AS f
                  WHERE f.org_id = p_org AND f.strategy_id = p_strategy AND f.account_id = p_account AND f.backcast
                    AND p_at >= f.valid_from AND p_at < f.valid_to);
END $$;
COMMENT ON FUNCTION pl.verdict_is_backcast(int, text, text, text, timestamptz) IS 'Whether the team or the account''s attributes behind an activity''s verdict are back-cast, apart from the deal it went through';

CREATE FUNCTION pl.deals_by_stage_or_product(p_org int, p_stages text[], p_products text[]) RETURNS text[]
LANGUAGE plpgsql STABLE AS $$
BEGIN
  RETURN ARRAY(
    SELECT o.object_id
      FROM object AS o
     WHERE o.org_id = p_org AND o.kind = 'opportunity'
       AND (EXISTS (SELECT 1 FROM jsonb_array_elements(o.track) AS e WHERE e -> 'set' ->> 'stage' = ANY (p_stages))
            OR EXISTS (SELECT 1 FROM jsonb_array_elements(o.track) AS e
                         CROSS JOIN LATERAL jsonb_array_elements(CASE WHEN jsonb_typeof(e -> 'set' -> 'lines') = 'array' THEN e -> 'set' -> 'lines' ELSE '[]' END) AS l
                        WHERE l ->> 'product' = ANY (p_products))));
END $$;
COMMENT ON FUNCTION pl.deals_by_stage_or_product(int, text[], text[]) IS
  'Opportunities that are or ever were in one of these stages, or have or ever had a line with one of these products (a scan: stages and products change rarely)';

CREATE FUNCTION pl.teams_under(p_org int, p_teams text[]) RETURNS text[]
LANGUAGE plpgsql STABLE AS $$
BEGIN
  RETURN ARRAY(SELECT unnest(p_teams) UNION SELECT t.team_id FROM pl.team_paths(p_org, NULL, NULL) AS t WHERE t.path && p_teams);
END $$;
COMMENT ON FUNCTION pl.teams_under(int, text[]) IS 'These teams and all below them';

CREATE FUNCTION pl.project(p_org int, p_kinds object_kind[], p_ids text[], p_moved text[] DEFAULT NULL, p_since timestamptz[] DEFAULT NULL) RETURNS void
LANGUAGE plpgsql
-- Plans are made once a session, maybe while the tables are empty: they must not rest on their size.
SET plan_cache_mode = force_generic_plan SET enable_seqscan = off SET jit = off AS $$
DECLARE
  v_deals text[] := '{}';
  v_since timestamptz[] := '{}';   -- as p_since, of v_deals
  v_others text[] := '{}';         -- deals that depend on what was touched
  v_activities text[] := '{}';
  v_reps text[] := '{}';
  v_teams text[] := '{}';
  v_accounts text[];
  v_some text[];
BEGIN
  -- Most writes are of one kind, on which nothing else depends.
  IF 'opportunity' = ALL (p_kinds) THEN
    v_deals := p_ids;
    v_since := p_since;
  ELSE
    SELECT coalesce(array_agg(t.id), '{}'), coalesce(array_agg(t.since), '{}') INTO v_deals, v_since
      FROM unnest(p_kinds, p_ids, p_since) AS t(kind, id, since) WHERE t.kind = 'opportunity';
    v_activities := ARRAY(SELECT id FROM unnest(p_kinds, p_ids) AS t(kind, id) WHERE kind = 'activity');
  END IF;
  IF 'fx-rate' = ANY (p_kinds) THEN
    v_some := ARRAY(SELECT id FROM unnest(p_kinds, p_ids) AS t(kind, id) WHERE kind = 'fx-rate');
    PERFORM pl.project_rates(p_org, v_some);
    PERFORM pl.reprice(p_org, ARRAY(SELECT substr(id, 1, 3) FROM unnest(v_some) AS id UNION SELECT substr(id, 5, 3) FROM unnest(v_some) AS id));
  END IF;
  IF 'rep' = ANY (p_kinds) THEN
    v_reps := pl.project_rep_teams(p_org, ARRAY(SELECT id FROM unnest(p_kinds, p_ids) AS t(kind, id) WHERE kind = 'rep'));
  END IF;
  IF 'team' = ANY (p_kinds) AND EXISTS (SELECT 1 FROM strategy AS s WHERE s.org_id = p_org AND s.status <> 'draft' AND s.teams <> '{}') THEN
    v_teams := pl.teams_under(p_org, ARRAY(SELECT id FROM unnest(p_kinds, p_ids) AS t(kind, id) WHERE kind = 'team'));
  END IF;
  IF cardinality(v_reps) > 0 OR cardinality(v_teams) > 0 THEN
    v_others := v_others || ARRAY(
      SELECT d.deal_id FROM deal_fact AS d
       WHERE d.org_id = p_org AND (d.created_rep = ANY (v_reps) OR d.closed_rep = ANY (v_reps)
                                   OR d.created_team = ANY (v_teams) OR d.closed_team = ANY (v_teams)));
    v_activities := v_activities || ARRAY(
      SELECT DISTINCT a.activity_id FROM activity_fact AS a
       WHERE a.org_id = p_org AND (a.rep_id = ANY (v_reps) OR a.team = ANY (v_teams)));
  END IF;
  IF 'stage' = ANY (p_kinds) OR 'product' = ANY (p_kinds) THEN
    v_others := v_others || pl.deals_by_stage_or_product(p_org,
      ARRAY(SELECT id FROM unnest(p_kinds, p_ids) AS t(kind, id) WHERE kind = 'stage'),
      ARRAY(SELECT id FROM unnest(p_kinds, p_ids) AS t(kind, id) WHERE kind = 'product'));
  END IF;
  IF 'account' = ANY (p_kinds) THEN
    v_accounts := pl.project_accounts(p_org, ARRAY(SELECT id FROM unnest(p_kinds, p_ids) AS t(kind, id) WHERE kind = 'account'));
    IF cardinality(v_accounts) > 0 THEN
      v_others := v_others || pl.deals_of_accounts(p_org, v_accounts);
      v_activities := v_activities || pl.activities_of_accounts(p_org, v_accounts);
    END IF;
  END IF;
  IF v_others <> '{}' THEN
    SELECT array_agg(t.id ORDER BY t.id), array_agg(t.since ORDER BY t.id) INTO v_deals, v_since
      FROM (SELECT d.id COLLATE "C" AS id, min(d.since) AS since
              FROM (SELECT u.id, coalesce(u.since, '-infinity') AS since FROM unnest(v_deals, v_since) AS u(id, since)
                    UNION ALL
                    SELECT o.id, '-infinity' FROM unnest(v_others) AS o(id)) AS d
             GROUP BY 1) AS t;
  END IF;
  IF cardinality(v_deals) > 0 THEN
    PERFORM pl.project_deals(p_org, v_deals, v_since);
    IF p_moved IS DISTINCT FROM '{}' THEN
      v_activities := v_activities || pl.activities_led_astray(p_org, coalesce(p_moved, v_deals));
    END IF;
    PERFORM pl.project_reporting_currency(p_org);
  END IF;
  IF cardinality(v_activities) > 0 THEN
    PERFORM pl.project_activities(p_org, ARRAY(SELECT DISTINCT id COLLATE "C" FROM unnest(v_activities) AS id ORDER BY 1));
  END IF;
END $$;
COMMENT ON FUNCTION pl.project(int, object_kind[], text[], text[], timestamptz[]) IS
  'Brings every projection up to date after events on these objects (parallel arrays, each object once): what was touched, and what depends on it. '
  'p_moved: the opportunities among them whose account may have changed, at some time (null: any). p_since: an element an object, the earliest '
  'time at which what was told changed its past (null, or -infinity: any). '
  'The result equals pl.reproject, whatever came in whatever order';

CREATE FUNCTION pl.project_accounts(p_org int, p_ids text[]) RETURNS text[]
LANGUAGE plpgsql AS $$
DECLARE
  v_ids text[] := p_ids;
  v_more text[];
BEGIN
  -- Accounts merged into a touched one, directly or over others, continue as it.
  FOR depth IN 1 .. 8 LOOP
    v_more := ARRAY(SELECT o.object_id FROM object AS o
                     WHERE o.org_id = p_org AND o.kind = 'account' AND o.merged_into = ANY (v_ids) AND o.object_id <> ALL (v_ids));
    EXIT WHEN v_more = '{}';
    v_ids := v_ids || v_more;
  END LOOP;
  v_ids := pl.project_account_versions(p_org, v_ids);
  IF v_ids = '{}' THEN
    RETURN v_ids;
  END IF;
  RETURN pl.project_account_fits(p_org, v_ids);
END $$;
COMMENT ON FUNCTION pl.project_accounts(int, text[]) IS
  'Brings versions and verdicts of these accounts up to date, and of those merged into them; returns the accounts whose verdicts changed';

CREATE FUNCTION pl.reproject(p_org int) RETURNS void
LANGUAGE plpgsql SET jit = off AS $$
BEGIN
  PERFORM pl.project_rates(p_org, NULL);
  PERFORM pl.project_rep_teams(p_org, NULL);
  PERFORM pl.project_account_versions(p_org, NULL);
  PERFORM pl.project_account_fits(p_org, NULL);
  PERFORM pl.project_deals(p_org, NULL);
  PERFORM pl.project_reporting_currency(p_org);
  PERFORM pl.reprice(p_org, NULL);
  PERFORM pl.project_activities(p_org, NULL);
END $$;
COMMENT ON FUNCTION pl.reproject(int) IS 'Derives every projection of an organisation from its objects, strategies and settings at once; writes only what differs. pl.rebuild_step does so in pieces';
