-- Each version of each account judged by each published strategy, with manual overrides (METRICS section 1, SPEC 4).

CREATE FUNCTION pl.picked(p_from jsonb, p_keys text[]) RETURNS jsonb
LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE AS $$
BEGIN
  RETURN (SELECT coalesce(jsonb_object_agg(k, p_from -> k), '{}') FROM unnest(p_keys) AS k WHERE p_from ? k);
END $$;
COMMENT ON FUNCTION pl.picked(jsonb, text[]) IS 'The named members of an object';

CREATE FUNCTION pl.account_versions(p_org int, p_as_of timestamptz, p_known_at timestamptz, p_ids text[])
RETURNS SETOF account_version LANGUAGE plpgsql STABLE AS $$
BEGIN
  IF p_as_of IS NOT NULL OR p_known_at IS NOT NULL THEN
    RETURN QUERY SELECT * FROM pl.derive_account_versions(p_org, p_as_of, p_known_at, p_ids);
  ELSIF p_ids IS NULL THEN
    RETURN QUERY SELECT * FROM account_version WHERE org_id = p_org;
  ELSE
    RETURN QUERY SELECT t.* FROM unnest(p_ids) AS i(id), LATERAL (SELECT * FROM account_version AS x WHERE x.org_id = p_org AND x.account_id = i.id OFFSET 0) AS t;
  END IF;
END $$;
COMMENT ON FUNCTION pl.account_versions(int, timestamptz, timestamptz, text[]) IS 'Account versions now (the table) or as known at (as_of, known_at)';

CREATE FUNCTION pl.computed_account_fits(p_org int, p_as_of timestamptz, p_known_at timestamptz, p_ids text[], p_strategy text)
RETURNS SETOF account_fit LANGUAGE plpgsql STABLE AS $$
#variable_conflict use_column
BEGIN
  RETURN QUERY
    WITH s AS MATERIALIZED (
      SELECT strategy_id, body, CASE WHEN status = 'draft' THEN pl.rule_attributes(body) ELSE attrs END AS attrs
        FROM strategy
       WHERE org_id = p_org AND CASE WHEN p_strategy IS NULL THEN status <> 'draft' ELSE strategy_id = p_strategy END
    ), seen AS (
      -- what a strategy sees of each version: only the attributes its rules read
      SELECT s.strategy_id, v.account_id, v.valid_from, v.valid_to,
             pl.picked(v.attrs, s.attrs) AS attrs, pl.picked(v.times, s.attrs) AS times,
             ARRAY(SELECT b FROM unnest(v.backcast) AS b WHERE b = ANY (s.attrs) ORDER BY b COLLATE "C") AS backcast
        FROM s CROSS JOIN pl.account_versions(p_org, p_as_of, p_known_at, p_ids) AS v
    ), step AS (
      SELECT seen.*, CASE WHEN (attrs, times, backcast) IS NOT DISTINCT FROM
                               (lag(attrs) OVER w, lag(times) OVER w, lag(backcast) OVER w) THEN 0 ELSE 1 END AS begins
        FROM seen WINDOW w AS (PARTITION BY strategy_id, account_id ORDER BY valid_from)
    ), run AS (
      SELECT step.*, sum(begins) OVER (PARTITION BY strategy_id, account_id ORDER BY valid_from) AS run FROM step
    ), span AS MATERIALIZED (
      SELECT strategy_id, account_id, min(valid_from) AS valid_from, max(valid_to) AS valid_to,
             (array_agg(attrs))[1] AS attrs, (array_agg(times))[1] AS times, min(backcast) AS backcast
        FROM run GROUP BY strategy_id, account_id, run
    ), verdict AS MATERIALIZED (
      -- each set of values is judged once, however often it occurs
      SELECT s.strategy_id, s.body -> 'fit' AS fit, seen.attrs, f.*
        FROM (SELECT DISTINCT strategy_id, attrs FROM span) AS seen
        JOIN s ON s.strategy_id = seen.strategy_id
       CROSS JOIN LATERAL pl.fit(s.body, seen.attrs) AS f
    )
    SELECT p_org, span.strategy_id, span.account_id, span.valid_from, span.valid_to, v.segment, v.tier, v.class, v.reason,
           v.score, v.low, v.high, v.coverage, cardinality(span.backcast) > 0,
           pl.fit_breakdown(v.fit, span.attrs, span.times, span.backcast, v.matches, v.contributions, v.disqualified_by, v.required_missed)
      FROM span JOIN verdict AS v ON v.strategy_id = span.strategy_id AND v.attrs = span.attrs;
END $$;
COMMENT ON FUNCTION pl.computed_account_fits(int, timestamptz, timestamptz, text[], text) IS
  'Verdicts on accounts over time before manual overrides; a row a span in which nothing the strategy reads changed';

CREATE FUNCTION pl.overridden(p_fit account_fit, p_tiers jsonb) RETURNS SETOF account_fit
LANGUAGE plpgsql STABLE AS $$
DECLARE
  v_override record;
  v_piece account_fit := p_fit;
BEGIN
  FOR v_override IN
    SELECT *
      FROM (SELECT o.tier, o.set_at AS starts,
                   least(coalesce(o.until, 'infinity'), lead(o.set_at, 1, 'infinity') OVER (ORDER BY o.set_at)) AS ends,
                   jsonb_build_object('tier', o.tier, 'reason', o.reason, 'set_at', pl.iso(o.set_at), 'until', pl.iso(o.until),
                                      'actor', o.actor) AS detail
              FROM fit_override AS o
             WHERE o.org_id = p_fit.org_id AND o.account_id = p_fit.account_id) AS span
     -- a tier this strategy does not have overrides nothing in it
     WHERE greatest(starts, p_fit.valid_from) < least(ends, p_fit.valid_to) AND (tier = 'excluded' OR p_tiers ? tier)
     ORDER BY starts
  LOOP
    IF v_piece.valid_from < v_override.starts THEN
      v_piece.valid_to := v_override.starts;
      RETURN NEXT v_piece;
    END IF;
    v_piece.valid_from := greatest(v_override.starts, p_fit.valid_from);
    v_piece.valid_to := least(v_override.ends, p_fit.valid_to);
    v_piece.tier := v_override.tier;
    v_piece.class := CASE WHEN (p_tiers -> v_override.tier)::boolean THEN 'on' ELSE 'off' END;
    v_piece.reason := 'override';
    v_piece.breakdown := p_fit.breakdown || jsonb_build_object('override', v_override.detail,
      'computed', jsonb_build_object('tier', p_fit.tier, 'class', p_fit.class, 'reason', p_fit.reason));
    RETURN NEXT v_piece;
    v_piece := p_fit;
    v_piece.valid_from := least(v_override.ends, p_fit.valid_to);
  END LOOP;
  IF v_piece.valid_from < p_fit.valid_to THEN
    RETURN NEXT v_piece;
  END IF;
END $$;
COMMENT ON FUNCTION pl.overridden(account_fit, jsonb) IS
  'A verdict cut into the spans in which manual overrides hold and those in which none does; score, bounds and criteria stay as computed. '
  'An override holds from when it was set until it expires or the next one is set. p_tiers: tier key → on_strategy';

CREATE FUNCTION pl.derive_account_fits(p_org int, p_as_of timestamptz, p_known_at timestamptz, p_ids text[], p_strategy text DEFAULT NULL)
RETURNS SETOF account_fit LANGUAGE plpgsql STABLE AS $$
#variable_conflict use_column
DECLARE
  v_overridden text[] := ARRAY(SELECT DISTINCT o.account_id FROM fit_override AS o
                                WHERE o.org_id = p_org AND (p_ids IS NULL OR o.account_id = ANY (p_ids)));
BEGIN
  IF v_overridden = '{}' THEN
    RETURN QUERY SELECT * FROM pl.computed_account_fits(p_org, p_as_of, p_known_at, p_ids, p_strategy);
    RETURN;
  END IF;
  RETURN QUERY
    WITH fit AS MATERIALIZED (
      SELECT f AS verdict, f.account_id, f.strategy_id FROM pl.computed_account_fits(p_org, p_as_of, p_known_at, p_ids, p_strategy) AS f
    )
    SELECT (verdict).* FROM fit WHERE account_id <> ALL (v_overridden)
    UNION ALL
    SELECT o.*
      FROM fit
      JOIN (SELECT s.strategy_id, (SELECT jsonb_object_agg(t ->> 'key', t -> 'on_strategy')
                                     FROM jsonb_array_elements(s.body -> 'fit' -> 'tiers') AS t) AS tiers
              FROM strategy AS s WHERE s.org_id = p_org) AS s ON s.strategy_id = fit.strategy_id
     CROSS JOIN LATERAL pl.overridden(fit.verdict, s.tiers) AS o
     WHERE fit.account_id = ANY (v_overridden);
END $$;
COMMENT ON FUNCTION pl.derive_account_fits(int, timestamptz, timestamptz, text[], text) IS
  'Verdicts on accounts over time as known at (as_of, known_at), by every strategy that is or is being published, or by one (a draft too), manual overrides included. Ids null: all';

CREATE FUNCTION pl.fit_at(p_org int, p_strategy text, p_account text, p_at timestamptz, p_as_of timestamptz, p_known_at timestamptz) RETURNS account_fit
LANGUAGE plpgsql STABLE AS $$
DECLARE
  v_fit account_fit;
BEGIN
  IF p_as_of IS NULL AND p_known_at IS NULL THEN
    SELECT * INTO v_fit FROM account_fit AS f
     WHERE f.org_id = p_org AND f.strategy_id = p_strategy AND f.account_id = p_account AND p_at >= f.valid_from AND p_at < f.valid_to;
  ELSIF p_strategy IS NOT NULL THEN
    SELECT * INTO v_fit FROM pl.derive_account_fits(p_org, p_as_of, p_known_at, ARRAY[p_account], p_strategy) AS f
     WHERE p_at >= f.valid_from AND p_at < f.valid_to;
  END IF;
  RETURN v_fit;
END $$;
COMMENT ON FUNCTION pl.fit_at(int, text, text, timestamptz, timestamptz, timestamptz) IS
  'The verdict of a strategy on an account at an instant, with its breakdown: the stored one, or, asked as_of or known_at, the one that was known then. Null: none';

CREATE FUNCTION pl.fit_spans(p_org int, p_as_of timestamptz, p_known_at timestamptz, p_ids text[])
RETURNS TABLE (strategy_id text, account_id text, valid_from timestamptz, valid_to timestamptz,
               segment text, tier text, class text, reason text, backcast boolean)
LANGUAGE plpgsql STABLE AS $$
#variable_conflict use_column
DECLARE
  v_moved text[];
BEGIN
  -- Ids are looked up one by one: "= ANY (array)" may be planned as a filter that walks the array for every row of the table.
  IF p_as_of IS NULL AND p_known_at IS NULL THEN
    IF p_ids IS NULL THEN
      RETURN QUERY
        SELECT f.strategy_id, f.account_id, f.valid_from, f.valid_to, f.segment, f.tier, f.class, f.reason, f.backcast
          FROM account_fit AS f WHERE f.org_id = p_org;
    ELSE
      RETURN QUERY
        SELECT f.strategy_id, f.account_id, f.valid_from, f.valid_to, f.segment, f.tier, f.class, f.reason, f.backcast
          FROM strategy AS s
         CROSS JOIN unnest(p_ids) AS i(id)
         CROSS JOIN LATERAL (SELECT * FROM account_fit AS x
                              WHERE x.org_id = p_org AND x.strategy_id = s.strategy_id AND x.account_id = i.id OFFSET 0) AS f
         WHERE s.org_id = p_org AND s.status <> 'draft';
    END IF;
    RETURN;
  END IF;
  -- What has not changed since (as_of, known_at) is in the table; only the rest is derived again.
  v_moved := ARRAY(
    SELECT o.object_id
      FROM object AS o
     WHERE o.org_id = p_org AND o.kind = 'account' AND (p_ids IS NULL OR o.object_id IN (SELECT i FROM unnest(p_ids) AS i))
       AND (o.last_at > p_as_of OR o.last_received > p_known_at OR o.merged_into IS NOT NULL)
     ORDER BY o.object_id);
  IF p_ids IS NULL THEN
    RETURN QUERY
      SELECT f.strategy_id, f.account_id, f.valid_from, f.valid_to, f.segment, f.tier, f.class, f.reason, f.backcast
        FROM account_fit AS f
       WHERE f.org_id = p_org AND f.account_id NOT IN (SELECT m FROM unnest(v_moved) AS m);
  ELSE
    RETURN QUERY
      SELECT f.strategy_id, f.account_id, f.valid_from, f.valid_to, f.segment, f.tier, f.class, f.reason, f.backcast
        FROM strategy AS s
       CROSS JOIN unnest(p_ids) AS i(id)
       CROSS JOIN LATERAL (SELECT * FROM account_fit AS x
                            WHERE x.org_id = p_org AND x.strategy_id = s.strategy_id AND x.account_id = i.id OFFSET 0) AS f
       WHERE i.id COLLATE "C" NOT IN (SELECT m FROM unnest(v_moved) AS m) AND s.org_id = p_org AND s.status <> 'draft';
  END IF;
  IF v_moved <> '{}' THEN
    RETURN QUERY
      SELECT f.strategy_id, f.account_id, f.valid_from, f.valid_to, f.segment, f.tier, f.class, f.reason, f.backcast
        FROM pl.derive_account_fits(p_org, p_as_of, p_known_at, v_moved) AS f;
  END IF;
END $$;
COMMENT ON FUNCTION pl.fit_spans(int, timestamptz, timestamptz, text[]) IS
  'Verdicts on accounts over time without their breakdown, now or as known at (as_of, known_at). Ids null: all';

CREATE FUNCTION pl.project_account_fits(p_org int, p_ids text[], p_strategy text DEFAULT NULL) RETURNS text[]
LANGUAGE plpgsql AS $$
DECLARE
  v_changed text[];
BEGIN
  WITH fresh AS MATERIALIZED (
    SELECT * FROM pl.derive_account_fits(p_org, NULL, NULL, p_ids, p_strategy)
  ), old AS MATERIALIZED (
    SELECT x.strategy_id, x.account_id, x.valid_from
     FROM strategy AS s
    CROSS JOIN unnest(coalesce(p_ids, ARRAY(SELECT DISTINCT a.account_id FROM account_fit AS a WHERE a.org_id = p_org))) AS i(id)
    CROSS JOIN LATERAL (SELECT y.strategy_id, y.account_id, y.valid_from FROM account_fit AS y
                         WHERE y.org_id = p_org AND y.strategy_id = s.strategy_id AND y.account_id = i.id OFFSET 0) AS x
    WHERE s.org_id = p_org AND s.status <> 'draft' AND (p_strategy IS NULL OR s.strategy_id = p_strategy)
      AND (x.strategy_id, x.account_id, x.valid_from) NOT IN (SELECT f.strategy_id, f.account_id, f.valid_from FROM fresh AS f)
  ), gone AS (
    DELETE FROM account_fit AS t
     USING old
     WHERE t.org_id = p_org AND t.strategy_id = old.strategy_id AND t.account_id = old.account_id AND t.valid_from = old.valid_from
    RETURNING t.account_id
  ), put AS (
    INSERT INTO account_fit AS t (org_id, strategy_id, account_id, valid_from, valid_to, segment, tier, class, reason,
                                  score, low, high, coverage, backcast, breakdown)
    SELECT f.org_id, f.strategy_id, f.account_id, f.valid_from, f.valid_to, f.segment, f.tier, f.class, f.reason,
           f.score, f.low, f.high, f.coverage, f.backcast, f.breakdown
      FROM fresh AS f
     ORDER BY f.strategy_id, f.account_id, f.valid_from
    ON CONFLICT (org_id, strategy_id, account_id, valid_from) DO UPDATE
       SET valid_to = excluded.valid_to, segment = excluded.segment, tier = excluded.tier, class = excluded.class,
           reason = excluded.reason, score = excluded.score, low = excluded.low, high = excluded.high,
           coverage = excluded.coverage, backcast = excluded.backcast, breakdown = excluded.breakdown
     WHERE t *<> excluded
    RETURNING t.account_id
  )
  SELECT coalesce(array_agg(DISTINCT c.account_id ORDER BY c.account_id), '{}') INTO v_changed
    FROM (SELECT account_id FROM gone UNION ALL SELECT account_id FROM put) AS c;
  RETURN v_changed;
END $$;
COMMENT ON FUNCTION pl.project_account_fits(int, text[], text) IS
  'Brings account_fit up to date for these accounts (null: all) and one strategy (null: all); returns the accounts whose rows changed';
