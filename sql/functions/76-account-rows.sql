-- Accounts as a stock: those there are at an instant, judged there and then (METRICS R3: M01, M16, M32).

CREATE TYPE pl.account_row AS (
  account_id text,
  name       text,
  status     text,
  owner      text,
  team       text,
  strategy   text,
  segment    text,
  tier       text,
  class      text,
  reason     text,
  backcast   boolean,
  is_target  boolean,
  attrs      jsonb
);

CREATE FUNCTION pl.accounts_then(q pl.metric_query, p_at timestamptz)
RETURNS TABLE (account_id text, doc jsonb, attrs jsonb, backcast boolean)
LANGUAGE plpgsql STABLE SET plan_cache_mode = force_custom_plan SET jit = off SET work_mem = '64MB' AS $$
DECLARE
  v_backcast boolean := (SELECT o.backcast = 'on' FROM org o WHERE o.org_id = q.org);
BEGIN
  RETURN QUERY
  SELECT v.account_id,
         -- Flat attributes let an own attribute of the same name win; whose account it is never follows from one of those.
         CASE WHEN o.doc -> 'attributes' ?| '{name,owner,status,is_target}' THEN
           (SELECT jsonb_object_agg(k, (pl.track_at(o.track, k, p_at, v_backcast)).value) FROM unnest('{name,owner,status,is_target}'::text[]) k)
           ELSE v.attrs END,
         v.attrs, v.backcast && '{owner,status,is_target}'
  FROM account_version v
  JOIN object o ON o.org_id = v.org_id AND o.kind = 'account' AND o.object_id = v.account_id
  WHERE v.org_id = q.org AND v.valid_from <= p_at AND v.valid_to > p_at AND (o.deleted_at IS NULL OR o.deleted_at > p_at);
END
$$;
COMMENT ON FUNCTION pl.accounts_then IS
  'accounts at an instant as known now: what was first known later is taken to have held before (METRICS.md R22); deleted and merged ones are out from then on (R13)';

CREATE FUNCTION pl.account_rows(q pl.metric_query, p_at timestamptz) RETURNS SETOF pl.account_row
LANGUAGE plpgsql STABLE SET plan_cache_mode = force_custom_plan SET jit = off SET work_mem = '64MB' AS $$
BEGIN
  IF q.as_of IS NOT NULL OR q.known_at IS NOT NULL THEN
    RETURN QUERY
    SELECT a.account_id, a.name, a.status, a.owner, a.team, a.strategy, a.segment, a.tier, a.class, a.reason, a.backcast, a.is_target, a.attrs
    FROM pl.accounts_judged(q.org, p_at, q.known_at, q.fit_basis) a
    WHERE pl.within(q, a.owner, a.team, a.segment, a.tier, NULL, '{}');
    RETURN;
  END IF;
  RETURN QUERY
  WITH a AS MATERIALIZED (
    SELECT (row_number() OVER ())::int AS n, t.* FROM pl.accounts_then(q, p_at) t
  )
  SELECT a.account_id, a.doc ->> 'name', a.doc ->> 'status', a.doc ->> 'owner', v.team, v.strategy, v.segment, v.tier, v.class, v.reason,
         a.backcast OR v.backcast, coalesce(a.doc ->> 'is_target' = 'true', false), a.attrs
  FROM a
  JOIN pl.judge(q.org, NULL, NULL, ARRAY(SELECT x.doc ->> 'owner' FROM a x ORDER BY x.n), ARRAY(SELECT x.account_id FROM a x ORDER BY x.n),
                ARRAY(SELECT p_at FROM a x ORDER BY x.n), q.fit_basis) v ON v.n = a.n
  WHERE pl.within(q, a.doc ->> 'owner', v.team, v.segment, v.tier, NULL, '{}');
END
$$;
COMMENT ON FUNCTION pl.account_rows IS
  'accounts there are at an instant within the question, with owner, team and verdict then: as known now, or, asked as_of or known_at, as it was known then';

CREATE FUNCTION pl.merged_accounts(q pl.metric_query, p_at timestamptz) RETURNS TABLE (account_id text, survivor text)
LANGUAGE plpgsql STABLE SET plan_cache_mode = force_custom_plan AS $$
DECLARE
  v_now boolean := q.as_of IS NULL AND q.known_at IS NULL;
BEGIN
  RETURN QUERY
  WITH RECURSIVE merged AS MATERIALIZED (
    SELECT o.object_id, o.merged_into FROM object o
    WHERE v_now AND o.org_id = q.org AND o.kind = 'account' AND o.merged_into IS NOT NULL AND o.deleted_at <= p_at
    UNION ALL
    SELECT o.object_id, o.merged_into FROM pl.object_states(q.org, 'account', NULL, q.as_of, q.known_at) o
    WHERE NOT v_now AND o.merged_into IS NOT NULL AND o.deleted_at <= p_at
  ), walk AS (
    SELECT m.object_id, m.merged_into, 1 AS depth FROM merged m
    UNION ALL
    SELECT w.object_id, m.merged_into, w.depth + 1 FROM walk w JOIN merged m ON m.object_id = w.merged_into WHERE w.depth < 8
  )
  SELECT DISTINCT ON (w.object_id) w.object_id, w.merged_into FROM walk w ORDER BY w.object_id, w.depth DESC;
END
$$;
COMMENT ON FUNCTION pl.merged_accounts IS 'accounts merged by then and the account each ended in: what is on record for the one is the other''s';

CREATE FUNCTION pl.day_start(q pl.metric_query, p_at timestamptz, p_days int) RETURNS timestamptz
LANGUAGE sql STABLE AS $$
  SELECT pl.local_midnight(pl.local_date(p_at, q.zone) + 1 - p_days, q.zone)
$$;
COMMENT ON FUNCTION pl.day_start IS 'when the last p_days local days up to and including that of the instant began: the start of a trailing window (METRICS.md R1)';

CREATE FUNCTION pl.descending(p_value numeric) RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
  -- '~' comes after every digit: what has no value goes last.
  SELECT coalesce(to_char(1e24 - round(least(greatest(p_value, -9e23), 9e23), 6), 'FM0000000000000000000000000.000000'), '~')
$$;
COMMENT ON FUNCTION pl.descending IS 'a text that sorts the larger number first, for places of rows';
