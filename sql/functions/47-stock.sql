-- Stock at an instant: open deals and live accounts, judged there and then (METRICS R3: M01–M03, M16).

CREATE FUNCTION pl.maybe_open(p_org int, p_as_of timestamptz) RETURNS text[]
LANGUAGE plpgsql STABLE SET plan_cache_mode = force_generic_plan SET jit = off SET enable_seqscan = off AS $$
BEGIN
  -- A stage that changed since may have meant another outcome then: any deal may have been open.
  IF pl.any_changed(p_org, 'stage', p_as_of) THEN
    RETURN NULL;
  END IF;
  RETURN ARRAY(
    SELECT d.deal_id FROM deal_fact AS d WHERE d.org_id = p_org AND d.closed_transition_at IS NULL
    UNION ALL
    SELECT d.deal_id FROM deal_fact AS d WHERE d.org_id = p_org AND d.closed_transition_at > p_as_of
    UNION ALL
    -- gone from the facts since: deleted, merged, or marked as tests
    SELECT o.object_id FROM object AS o
     WHERE o.org_id = p_org AND o.kind = 'opportunity' AND o.gone);
END $$;
COMMENT ON FUNCTION pl.maybe_open(int, timestamptz) IS
  'Deals among which all that were open at an instant are, told from the facts as they are now: a deal closed for good by then is not. Null: any may have been';

CREATE FUNCTION pl.open_states(p_org int, p_as_of timestamptz, p_known_at timestamptz)
RETURNS TABLE (deal_id text, name text, owner text, account_id text, amount numeric, currency text, probability numeric, origin text,
               families text[], weights numeric[], created_at timestamptz, expected_close date)
LANGUAGE plpgsql STABLE SET plan_cache_mode = force_generic_plan SET jit = off AS $$
#variable_conflict use_column
DECLARE
  v_open text[];    -- deals that may have been open; null: any
  v_changed text[];
  v_existed text[];
  v_ids text[];     -- deals whose states are told from the log; null: all
BEGIN
  IF p_as_of IS NULL AND p_known_at IS NULL THEN
    RETURN QUERY
      SELECT f.deal_id, f.name, f.owner, f.account_id, f.amount, f.currency, f.probability, f.origin, f.families, f.weights, f.created_at, f.expected_close
        FROM deal_fact AS f WHERE f.org_id = p_org AND f.closed_transition_at IS NULL AND f.outcome = 'open';
    RETURN;
  END IF;
  IF p_known_at IS NULL THEN
    v_open := pl.maybe_open(p_org, p_as_of);
  END IF;
  -- A deal that has not changed since is what its fact says, as long as no product has got another family.
  IF v_open IS NOT NULL AND NOT pl.any_changed(p_org, 'product', p_as_of) THEN
    SELECT c.changed, c.existed INTO v_changed, v_existed FROM pl.changed_since(p_org, 'opportunity', p_as_of) AS c;
    RETURN QUERY
      SELECT f.deal_id, f.name, f.owner, f.account_id, f.amount, f.currency, f.probability, f.origin, f.families, f.weights, f.created_at, f.expected_close
        FROM deal_fact AS f
       WHERE f.org_id = p_org AND f.closed_transition_at IS NULL AND f.outcome = 'open' AND f.created_at <= p_as_of
         AND f.deal_id NOT IN (SELECT c FROM unnest(v_changed) AS c);
    v_ids := ARRAY(SELECT o FROM unnest(v_open) AS o WHERE o IN (SELECT e FROM unnest(v_existed) AS e));
  ELSE
    v_ids := v_open;
  END IF;
  RETURN QUERY
    WITH d AS MATERIALIZED (
      SELECT * FROM pl.deal_states(p_org, p_as_of, p_known_at, v_ids) AS s WHERE s.outcome = 'open'
    )
    SELECT d.deal_id, d.name, d.owner, d.account_id, d.amount, d.currency, d.probability, d.origin,
           coalesce(m.families, '{}'), coalesce(m.weights, '{}'), d.created_at, d.expected_close
      FROM d
      LEFT JOIN pl.line_mixes(p_org, p_as_of, p_known_at, ARRAY(SELECT deal_id FROM d WHERE lines IS NOT NULL ORDER BY deal_id),
                              ARRAY(SELECT lines FROM d WHERE lines IS NOT NULL ORDER BY deal_id)) AS m ON m.deal_id = d.deal_id;
END $$;
COMMENT ON FUNCTION pl.open_states(int, timestamptz, timestamptz) IS
  'Deals open at (as_of, known_at), typed, not judged; nulls: now, from the facts';

CREATE FUNCTION pl.open_deals(p_org int, p_as_of timestamptz, p_known_at timestamptz, p_basis text DEFAULT 'as_judged', p_currency text DEFAULT NULL)
RETURNS TABLE (deal_id text, name text, rep text, team text, account_id text, strategy text, segment text, tier text, class text,
               reason text, backcast boolean, amount numeric, currency text, probability numeric, money numeric, origin text,
               families text[], weights numeric[], created_at timestamptz, expected_close date)
LANGUAGE plpgsql STABLE SET plan_cache_mode = force_generic_plan SET jit = off AS $$
#variable_conflict use_column
DECLARE
  v_at timestamptz := coalesce(p_as_of, clock_timestamp());
  v_day date := (SELECT pl.local_date(v_at, o.time_zone) FROM org AS o WHERE o.org_id = p_org);
  v_currency text := coalesce(p_currency, pl.reporting_currency(p_org, p_as_of, p_known_at));
BEGIN
  RETURN QUERY
    WITH d AS MATERIALIZED (
      SELECT (row_number() OVER ())::int AS n, s.* FROM pl.open_states(p_org, p_as_of, p_known_at) AS s
    )
    SELECT d.deal_id, d.name, d.owner, v.team, d.account_id, v.strategy, v.segment, v.tier, v.class, v.reason, v.backcast,
           d.amount, d.currency, d.probability,
           CASE WHEN d.currency IS NULL OR d.currency = v_currency THEN d.amount
                ELSE pl.convert(p_org, d.amount, d.currency, v_currency, v_day, p_as_of, p_known_at) END,
           d.origin, d.families, d.weights, d.created_at, d.expected_close
      FROM d
      JOIN pl.judge(p_org, p_as_of, p_known_at, ARRAY(SELECT owner FROM d ORDER BY n), ARRAY(SELECT account_id FROM d ORDER BY n),
                    ARRAY(SELECT v_at FROM d ORDER BY n), p_basis) AS v ON v.n = d.n;
END $$;
COMMENT ON FUNCTION pl.open_deals(int, timestamptz, timestamptz, text, text) IS
  'Deals open at as_of (null: now), judged at as_of with the owner and account they have then; money: amount in p_currency (null: the reporting '
  'currency) at the rate of as_of''s local day, null when unpriced (R6). as_of is inclusive: for the end of a day pass its last microsecond';

CREATE FUNCTION pl.accounts_judged(p_org int, p_as_of timestamptz, p_known_at timestamptz, p_basis text DEFAULT 'as_judged')
RETURNS TABLE (account_id text, name text, status text, owner text, team text, strategy text, segment text, tier text, class text,
               reason text, backcast boolean, is_target boolean, attrs jsonb)
LANGUAGE plpgsql STABLE SET plan_cache_mode = force_generic_plan SET jit = off AS $$
#variable_conflict use_column
DECLARE
  v_at timestamptz := coalesce(p_as_of, clock_timestamp());
BEGIN
  RETURN QUERY
    WITH a AS MATERIALIZED (
      SELECT (row_number() OVER ())::int AS n, o.object_id, o.doc
        FROM pl.object_states(p_org, 'account', NULL, p_as_of, p_known_at) AS o
       WHERE (o.deleted_at IS NULL AND o.merged_into IS NULL) IS TRUE
    )
    SELECT a.object_id, a.doc ->> 'name', a.doc ->> 'status', a.doc ->> 'owner', v.team, v.strategy, v.segment, v.tier, v.class,
           v.reason, v.backcast, coalesce((a.doc ->> 'is_target')::boolean, false),
           (a.doc - 'attributes') || coalesce(a.doc -> 'attributes', '{}')
      FROM a
      JOIN pl.judge(p_org, p_as_of, p_known_at, ARRAY(SELECT doc ->> 'owner' FROM a ORDER BY n), ARRAY(SELECT object_id FROM a ORDER BY n),
                    ARRAY(SELECT v_at FROM a ORDER BY n), p_basis) AS v ON v.n = a.n;
END $$;
COMMENT ON FUNCTION pl.accounts_judged(int, timestamptz, timestamptz, text) IS
  'Live accounts at as_of (null: now) with the verdict there and then; team: of the owner; attrs: flat, as rules see them';
