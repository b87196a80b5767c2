-- Stock at an instant: open deals and live accounts, judged there and then (METRICS R3: M01–M03, M16).

CREATE FUNCTION pl.open_deals(p_org int, p_as_of timestamptz, p_known_at timestamptz, p_basis text DEFAULT 'as_judged')
RETURNS TABLE (deal_id text, name text, rep text, team text, account_id text, strategy text, segment text, tier text, class text,
               reason text, backcast boolean, amount numeric, currency text, probability numeric, money numeric, origin text,
               families text[], weights numeric[], created_at timestamptz, expected_close date)
LANGUAGE plpgsql STABLE SET plan_cache_mode = force_generic_plan SET jit = off AS $$
#variable_conflict use_column
DECLARE
  v_at timestamptz := coalesce(p_as_of, clock_timestamp());
  v_day date := (SELECT pl.local_date(v_at, o.time_zone) FROM org AS o WHERE o.org_id = p_org);
  v_currency text := pl.reporting_currency(p_org, p_as_of, p_known_at);
BEGIN
  RETURN QUERY
    WITH d AS MATERIALIZED (
      SELECT (row_number() OVER ())::int AS n, s.*
        FROM pl.deal_states(p_org, p_as_of, p_known_at, NULL) AS s
       WHERE s.outcome = 'open'
    )
    SELECT d.deal_id, d.name, d.owner, v.team, d.account_id, v.strategy, v.segment, v.tier, v.class, v.reason, v.backcast,
           d.amount, d.currency, d.probability,
           CASE WHEN d.currency IS NULL OR d.currency = v_currency THEN d.amount
                ELSE pl.convert(p_org, d.amount, d.currency, v_currency, v_day, p_as_of, p_known_at) END,
           d.origin, coalesce(m.families, '{}'), coalesce(m.weights, '{}'), d.created_at, d.expected_close
      FROM d
      JOIN pl.judge(p_org, p_as_of, p_known_at, ARRAY(SELECT owner FROM d ORDER BY n), ARRAY(SELECT account_id FROM d ORDER BY n),
                    ARRAY(SELECT v_at FROM d ORDER BY n), p_basis) AS v ON v.n = d.n
      LEFT JOIN pl.line_mixes(p_org, p_as_of, p_known_at, ARRAY(SELECT deal_id FROM d WHERE lines IS NOT NULL ORDER BY n),
                              ARRAY(SELECT lines FROM d WHERE lines IS NOT NULL ORDER BY n)) AS m ON m.deal_id = d.deal_id;
END $$;
COMMENT ON FUNCTION pl.open_deals(int, timestamptz, timestamptz, text) IS
  'Deals open at as_of (null: now), judged at as_of with the owner and account they have then; money: amount in the reporting currency at the rate '
  'of as_of''s local day, null when unpriced (R6). as_of is inclusive: for the end of a day pass its last microsecond';

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
