-- The one judge: what strategy, segment, tier and class a decision falls under, given who took it, for which account and when.
-- Deals when created, deals when closed, open deals, activities and accounts all ask here (METRICS R3, R4, R5, R10, R21).

CREATE TYPE pl.verdict AS (
  team      text,
  strategy  text,
  segment   text,
  tier      text,
  class     text,
  reason    text,
  backcast  boolean
);

CREATE FUNCTION pl.verdict(p_account text, p_team text, p_strategy text, p_segment text, p_tier text, p_class text, p_reason text, p_backcast boolean)
RETURNS pl.verdict LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
  SELECT ROW(p_team, p_strategy, coalesce(p_segment, 'unknown'), coalesce(p_tier, 'unknown'), coalesce(p_class, 'unknown'),
             CASE WHEN p_account IS NULL THEN 'no_account'
                  WHEN p_strategy IS NULL THEN 'no_strategy'
                  WHEN p_class IS NULL THEN 'no_account'
                  ELSE p_reason END,
             p_backcast)::pl.verdict
$$;
COMMENT ON FUNCTION pl.verdict(text, text, text, text, text, text, text, boolean) IS
  'The verdict on a decision: the account''s own (segment to reason) where there is one, else unknown, and why';

CREATE FUNCTION pl.judge_few(p_org int, p_reps text[], p_accounts text[], p_times timestamptz[], p_fixed timestamptz, p_also text)
RETURNS TABLE (n int, team text, strategy text, segment text, tier text, class text, reason text, backcast boolean)
LANGUAGE plpgsql STABLE SET plan_cache_mode = force_generic_plan SET enable_seqscan = off SET jit = off AS $$
#variable_conflict use_column
DECLARE
  v_teams text[];
  v_strategies text[];
  v_starts timestamptz[];
  v_ends timestamptz[];
BEGIN
  SELECT coalesce(array_agg(f.team_id), '{}'), array_agg(f.strategy_id), array_agg(f.valid_from), array_agg(f.valid_to)
    INTO v_teams, v_strategies, v_starts, v_ends FROM pl.strategy_spans(p_org, NULL, NULL, p_also) AS f;
  RETURN QUERY
    SELECT v.n, (v.verdict).*
      FROM (SELECT a.n::int AS n,
                   pl.verdict(a.account, t.team_id, s.strategy, f.segment, f.tier, f.class, f.reason,
                              coalesce(t.backcast, false) OR coalesce(f.backcast, false)) AS verdict
              FROM unnest(p_reps, p_accounts, p_times) WITH ORDINALITY AS a(rep, account, at, n)
              LEFT JOIN LATERAL (SELECT x.team_id, x.backcast FROM rep_team AS x
                                  WHERE x.org_id = p_org AND x.rep_id = a.rep AND x.valid_from <= a.at AND x.valid_to > a.at LIMIT 1) AS t ON true
              LEFT JOIN LATERAL (SELECT u.strategy FROM unnest(v_teams, v_strategies, v_starts, v_ends) AS u(team, strategy, starts, ends)
                                  WHERE u.team = CASE WHEN t.team_id = ANY (v_teams) THEN t.team_id ELSE '' END
                                    AND u.starts <= coalesce(p_fixed, a.at) AND u.ends > coalesce(p_fixed, a.at) LIMIT 1) AS s ON true
              LEFT JOIN LATERAL (SELECT x.segment, x.tier, x.class, x.reason, x.backcast FROM account_fit AS x
                                  WHERE x.org_id = p_org AND x.strategy_id = s.strategy AND x.account_id = a.account
                                    AND x.valid_from <= coalesce(p_fixed, a.at) AND x.valid_to > coalesce(p_fixed, a.at) LIMIT 1) AS f ON true
            OFFSET 0) AS v;
END $$;
COMMENT ON FUNCTION pl.judge_few(int, text[], text[], timestamptz[], timestamptz, text) IS
  'What pl.judge says as known now, for few decisions: by probes of the keys, where pl.judge joins whole tables. p_fixed: the instant whose '
  'strategy and attributes count; null: each decision''s own';

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
  IF p_as_of IS NULL AND p_known_at IS NULL AND v_restated IS NULL AND cardinality(p_reps) <= 4000 THEN
    RETURN QUERY SELECT * FROM pl.judge_few(p_org, p_reps, p_accounts, p_times, v_fixed, p_also);
    RETURN;
  END IF;
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
    SELECT v.n, (v.verdict).*
      FROM (SELECT r.n, pl.verdict(r.account, r.team, r.strategy, f.segment, f.tier, f.class, f.reason, r.backcast OR coalesce(f.backcast, false)) AS verdict
              FROM ruled AS r
              LEFT JOIN pl.fit_spans(p_org, p_as_of, p_known_at, ARRAY(SELECT DISTINCT account FROM ask WHERE account IS NOT NULL)) AS f
                ON f.account_id = r.account AND f.strategy_id = r.strategy AND r.judged_at >= f.valid_from AND r.judged_at < f.valid_to
            OFFSET 0) AS v;
END $$;
COMMENT ON FUNCTION pl.judge(int, timestamptz, timestamptz, text[], text[], timestamptz[], text, text) IS
  'Verdicts for parallel arrays of decisions (n counts from 1); segment, tier and class are ''unknown'' where nothing can be told, and reason '
  'says why: no_account (none named, or not known, or deleted by then), no_strategy, no_attributes, low_coverage; known rows may bear '
  'disqualified, required:<key>, override. p_basis (R3): as_judged; restated:<strategy id>, that version with the attributes of the decision '
  'time; current, strategy and attributes in force at as_of. team is always that of the decision time. backcast: it rests on a value first known later (R22). '
  'p_also: a strategy that counts as in force though it is only being published';
