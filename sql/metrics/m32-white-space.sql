-- M32: whom to sell to instead: accounts that fit or were chosen, and that nobody is working.

CREATE TYPE pl.white_row AS (
  account_id text, name text, status text, owner text, team text, segment text, tier text, class text, reason text, backcast boolean, is_target boolean,
  potential numeric, score numeric, last_at timestamptz, is_white boolean
);

CREATE FUNCTION pl.contacts(q pl.metric_query, p_to timestamptz) RETURNS TABLE (account_id text, last_at timestamptz)
LANGUAGE plpgsql STABLE SET plan_cache_mode = force_custom_plan SET jit = off SET work_mem = '64MB' AS $$
BEGIN
  RETURN QUERY
  SELECT coalesce(m.survivor, x.account_id), max(x.last_at)
  FROM (SELECT f.account_id, max(f.starts_at) AS last_at FROM activity_fact f
        WHERE q.as_of IS NULL AND q.known_at IS NULL AND f.org_id = q.org AND f.starts_at < p_to AND f.counted AND NOT pl.is_internal(f.kind)
          AND f.account_id <> ''
        GROUP BY f.account_id
        UNION ALL
        SELECT f.account_id, max(f.starts_at) FROM pl.activity_facts(q.org, q.as_of, q.known_at) f
        WHERE (q.as_of IS NOT NULL OR q.known_at IS NOT NULL) AND f.starts_at < p_to AND f.counted AND NOT pl.is_internal(f.kind) AND f.account_id <> ''
        GROUP BY f.account_id) x
  LEFT JOIN pl.merged_accounts(q, p_to) m ON m.account_id = x.account_id
  GROUP BY 1;
END
$$;
COMMENT ON FUNCTION pl.contacts IS 'when anybody last had a counted activity with each account before p_to, internal work apart';

CREATE FUNCTION pl.accounts_with_open_deals(q pl.metric_query, p_at timestamptz) RETURNS SETOF text
LANGUAGE plpgsql STABLE SET plan_cache_mode = force_custom_plan SET jit = off AS $$
BEGIN
  RETURN QUERY
  SELECT DISTINCT coalesce(m.survivor, x.account_id)
  FROM (SELECT s.account_id FROM open_span s
        WHERE q.as_of IS NULL AND q.known_at IS NULL AND s.org_id = q.org AND s.valid_to > p_at AND s.valid_from <= p_at
        UNION ALL
        SELECT s.account_id FROM pl.open_states(q.org, p_at, q.known_at) s WHERE q.as_of IS NOT NULL OR q.known_at IS NOT NULL) x
  LEFT JOIN pl.merged_accounts(q, p_at) m ON m.account_id = x.account_id
  WHERE x.account_id IS NOT NULL;
END
$$;
COMMENT ON FUNCTION pl.accounts_with_open_deals IS 'accounts with a deal open at an instant';

CREATE FUNCTION pl.account_scores(q pl.metric_query, p_accounts text[], p_strategies text[], p_at timestamptz) RETURNS TABLE (account_id text, score numeric)
LANGUAGE plpgsql STABLE SET plan_cache_mode = force_custom_plan SET jit = off AS $$
DECLARE
  v_at timestamptz := CASE WHEN q.fit_basis = 'current' THEN q.upto ELSE p_at END;
BEGIN
  IF q.as_of IS NULL AND q.known_at IS NULL THEN
    RETURN QUERY
    SELECT f.account_id, f.score FROM unnest(p_accounts, p_strategies) AS x(account, strategy)
    JOIN account_fit f ON f.org_id = q.org AND f.strategy_id = x.strategy AND f.account_id = x.account AND f.valid_from <= v_at AND f.valid_to > v_at;
  ELSE
    RETURN QUERY
    SELECT f.account_id, f.score FROM unnest(p_accounts, p_strategies) AS x(account, strategy)
    JOIN pl.derive_account_fits(q.org, q.as_of, q.known_at, p_accounts) f
      ON f.strategy_id = x.strategy AND f.account_id = x.account AND f.valid_from <= v_at AND f.valid_to > v_at;
  END IF;
END
$$;
COMMENT ON FUNCTION pl.account_scores IS 'the fit scores of accounts by these strategies (parallel arrays) at an instant';

CREATE FUNCTION pl.white_rows(q pl.metric_query, p_at timestamptz) RETURNS SETOF pl.white_row
LANGUAGE plpgsql STABLE SET plan_cache_mode = force_custom_plan SET jit = off SET work_mem = '64MB' AS $$
DECLARE
  v_from timestamptz := pl.day_start(q, p_at, q.window_days);
  v_attr text := q.body ->> 'potential_attr';
BEGIN
  RETURN QUERY
  WITH account AS MATERIALIZED (
    SELECT * FROM pl.account_rows(q, p_at) a WHERE a.is_target OR a.class = 'on'
  ), busy AS MATERIALIZED (
    SELECT o AS account_id FROM pl.accounts_with_open_deals(q, p_at) o
  )
  SELECT a.account_id, a.name, a.status, a.owner, a.team, a.segment, a.tier, a.class, a.reason, a.backcast, a.is_target,
         CASE WHEN v_attr IS NOT NULL THEN pl.as_number(a.attrs -> v_attr) END, s.score, c.last_at,
         (c.last_at IS NULL OR c.last_at < v_from) AND NOT EXISTS (SELECT FROM busy b WHERE b.account_id = a.account_id)
  FROM account a
  LEFT JOIN pl.contacts(q, p_at + interval '1 microsecond') c ON c.account_id = a.account_id
  LEFT JOIN pl.account_scores(q, ARRAY(SELECT x.account_id FROM account x ORDER BY 1), ARRAY(SELECT x.strategy FROM account x ORDER BY x.account_id), p_at) s
    ON s.account_id = a.account_id;
END
$$;
COMMENT ON FUNCTION pl.white_rows IS
  'target or on-strategy accounts at an instant; is_white: without a counted activity in the window before and without an open deal (METRICS.md M32)';

CREATE FUNCTION pl.metric_white_space(q pl.metric_query, f pl.facts) RETURNS SETOF pl.metric_row
LANGUAGE plpgsql STABLE SET plan_cache_mode = force_custom_plan SET jit = off AS $$
BEGIN
  RETURN QUERY
  WITH placed AS MATERIALIZED (
    SELECT true AS total, NULL::text AS key, NULL::int AS period, w.* FROM pl.white_rows(q, q.stock_at) w
    UNION ALL
    SELECT false, pl.group_key(q, w.owner, w.team, w.segment, w.tier, w.class, NULL, i.period), i.period, w.*
    FROM pl.stock_instants(q) i, pl.white_rows(q, i.at) w
    WHERE q.grouped_by IS NOT NULL
  ), summed AS (
    SELECT p.total, p.key, p.period, count(*) AS n, count(*) FILTER (WHERE p.is_white) AS white, count(*) FILTER (WHERE p.is_white AND p.is_target) AS targets,
           count(*) FILTER (WHERE p.is_white AND p.class = 'on') AS n_on, sum(p.potential) FILTER (WHERE p.is_white) AS potential,
           count(*) FILTER (WHERE p.owner IS NULL) AS no_owner, count(*) FILTER (WHERE p.backcast) AS backcast
    FROM placed p GROUP BY p.total, p.key, p.period
  )
  SELECT a.total, a.key, a.period, CASE WHEN x.n > 0 THEN x.white END, x.white, x.n, x.n, NULL::numeric[], CASE WHEN x.n = 0 THEN 'empty_denominator' END,
         pl.excluded(q, 0, 0, 0, 0, coalesce(s.no_owner, 0)), pl.quality(q, x.n, 0, coalesce(s.backcast, 0)),
         json_build_object('count', json_build_object('value', CASE WHEN x.n > 0 THEN x.white END, 'n', x.n),
                           'share', json_build_object('value', round(pl.ratio(x.white, x.n), 6), 'numerator', x.white, 'denominator', x.n, 'n', x.n)),
         json_build_object('targets', coalesce(s.targets, 0), 'on', coalesce(s.n_on, 0), 'potential', trim_scale(s.potential), 'window_days', q.window_days)
  FROM pl.answer_places(q, ARRAY(SELECT DISTINCT p.key FROM placed p)) a
  LEFT JOIN summed s ON (s.total, coalesce(s.key, ''), coalesce(s.period, 0)) = (a.total, coalesce(a.key, ''), coalesce(a.period, 0))
  CROSS JOIN LATERAL (SELECT coalesce(s.white, 0)::numeric AS white, coalesce(s.n, 0)::numeric AS n) x;
END
$$;

INSERT INTO pl.metric (key, id, name, formula, unit, terms, basis, groupings, nulls, note, needs, core, drill, narrows, adds) VALUES
  ('white_space', 'M32', 'White space', 'target or on-strategy accounts without a counted activity in window_days (default 90) and without an open deal; share: / all such accounts',
   'count', 'count', 'accounts at the end of the period (at as_of when given), judged then', '{rep,team,segment,period}',
   'no target or on-strategy account: empty_denominator',
   'rep: the account''s owner; anybody''s activity counts. The rows are the accounts, largest potential first (the attribute that the strategy''s potential_attr names), else highest score. '
   'parts: how many of them are targets and how many fit (an account may be both), and their potential together.', '{}', NULL, 'white', '{segment,tier}',
   'numerators add up to the value');
