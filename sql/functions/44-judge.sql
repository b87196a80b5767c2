-- The one judge: what strategy, segment, tier and class a decision falls under, given who took it, for which account and when.
-- Deals when created, deals when closed, open deals, activities and accounts all ask here (METRICS R3, R4, R5, R10, R21).

CREATE FUNCTION pl.judge(p_org int, p_as_of timestamptz, p_known_at timestamptz,
                         p_reps text[], p_accounts text[], p_times timestamptz[], p_basis text DEFAULT 'as_judged',
                         p_also text DEFAULT NULL)
RETURNS TABLE (n int, team text, strategy text, segment text, tier text, class text, reason text, backcast boolean)
LANGUAGE plpgsql STABLE SET plan_cache_mode = force_generic_plan SET jit = off AS $$
#variable_conflict use_column
DECLARE
  v_restated text := CASE WHEN p_basis LIKE 'restated:%' THEN substr(p_basis, 10) END;
  v_fixed timestamptz := CASE WHEN p_basis = 'current' THEN coalesce(p_as_of, clock_timestamp()) END;
BEGIN
  RETURN QUERY
    WITH ask AS MATERIALIZED (
      SELECT x.n::int AS n, x.rep, x.account, x.at, coalesce(v_fixed, x.at) AS judged_at
        FROM unnest(p_reps, p_accounts, p_times) WITH ORDINALITY AS x(rep, account, at, n)
    ), force AS MATERIALIZED (
      SELECT f.team_id, f.strategy_id, f.valid_from, f.valid_to FROM pl.strategy_spans(p_org, p_as_of, p_known_at, p_also) AS f
    ), placed AS MATERIALIZED (
      SELECT a.n, a.account, a.judged_at, t.team_id AS team, coalesce(t.backcast, false) AS backcast,
             CASE WHEN t.team_id IN (SELECT team_id FROM force) THEN t.team_id ELSE '' END AS scope
        FROM ask AS a
        LEFT JOIN pl.rep_teams(p_org, p_as_of, p_known_at, ARRAY(SELECT DISTINCT rep FROM ask)) AS t
          ON t.rep_id = a.rep AND a.at >= t.valid_from AND a.at < t.valid_to
    ), ruled AS MATERIALIZED (
      SELECT p.n, p.account, p.judged_at, p.team, p.backcast, coalesce(v_restated, f.strategy_id) AS strategy
        FROM placed AS p
        LEFT JOIN force AS f ON f.team_id = p.scope AND p.judged_at >= f.valid_from AND p.judged_at < f.valid_to
    )
    SELECT r.n, r.team, r.strategy,
           coalesce(f.segment, 'unknown'), coalesce(f.tier, 'unknown'), coalesce(f.class, 'unknown'),
           CASE WHEN r.account IS NULL THEN 'no_account'
                WHEN r.strategy IS NULL THEN 'no_strategy'
                WHEN f.class IS NULL THEN 'no_account'
                ELSE f.reason END,
           r.backcast OR coalesce(f.backcast, false)
      FROM ruled AS r
      LEFT JOIN pl.fit_spans(p_org, p_as_of, p_known_at, ARRAY(SELECT DISTINCT account FROM ask WHERE account IS NOT NULL)) AS f
        ON f.account_id = r.account AND f.strategy_id = r.strategy AND r.judged_at >= f.valid_from AND r.judged_at < f.valid_to;
END $$;
COMMENT ON FUNCTION pl.judge(int, timestamptz, timestamptz, text[], text[], timestamptz[], text, text) IS
  'Verdicts for parallel arrays of decisions (n counts from 1); segment, tier and class are ''unknown'' where nothing can be told, and reason '
  'says why: no_account (none named, or not known, or deleted by then), no_strategy, no_attributes, low_coverage; known rows may bear '
  'disqualified, required:<key>, override. p_basis (R3): as_judged; restated:<strategy id>, that version with the attributes of the decision '
  'time; current, strategy and attributes in force at as_of. team is always that of the decision time. backcast: it rests on a value first known later (R22). '
  'p_also: a strategy that counts as in force though it is only being published';
