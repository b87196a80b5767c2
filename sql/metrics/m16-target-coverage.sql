-- M16: are the accounts that were chosen as targets worked, by the one whose they are.

CREATE TYPE pl.target_row AS (
  account_id text, name text, owner text, team text, segment text, tier text, class text, backcast boolean,
  activities bigint, last_at timestamptz, gained_at timestamptz, state text
);
COMMENT ON TYPE pl.target_row IS 'activities: qualifying ones of the owner in the window. state: green, yellow or red, or grace: gained so lately that it is not asked for';

CREATE FUNCTION pl.qualifying(q pl.metric_query, p_from timestamptz, p_to timestamptz) RETURNS TABLE (account_id text, rep text, starts_at timestamptz)
LANGUAGE plpgsql STABLE SET plan_cache_mode = force_custom_plan SET jit = off AS $$
DECLARE
  v_all   pl.metric_query := pl.unfiltered(q);
  v_kinds text[] := (SELECT array_agg(k) FROM jsonb_array_elements_text(nullif(q.body #> '{target_coverage,kinds}', 'null')) k);
BEGIN
  v_all.basis := NULL;
  RETURN QUERY
  SELECT coalesce(m.survivor, r.account_id), r.rep, r.starts_at
  FROM pl.hour_rows(v_all, p_from, p_to) r
  LEFT JOIN pl.merged_accounts(q, p_to) m ON m.account_id = r.account_id
  WHERE r.account_id IS NOT NULL AND CASE WHEN v_kinds IS NULL THEN NOT pl.is_internal(r.kind) ELSE r.kind = ANY (v_kinds) END;
END
$$;
COMMENT ON FUNCTION pl.qualifying IS 'counted activities with accounts in [p_from, p_to) of the strategy''s target_coverage.kinds, by default of all kinds that involve the customer';

CREATE FUNCTION pl.ownership(p_track jsonb, p_backcast boolean) RETURNS TABLE (valid_from timestamptz, valid_to timestamptz, owner text, is_target boolean)
LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE AS $$
DECLARE
  v_set jsonb;
BEGIN
  valid_from := '-infinity';
  owner := (pl.track_at(p_track, 'owner', '-infinity', p_backcast)).value #>> '{}';
  is_target := coalesce((pl.track_at(p_track, 'is_target', '-infinity', p_backcast)).value = 'true', false);
  FOR v_set, valid_to IN SELECT e -> 'set', (e ->> 'at')::timestamptz FROM jsonb_array_elements(p_track) WITH ORDINALITY AS x(e, n)
                         WHERE e -> 'set' ?| '{owner,is_target}' ORDER BY n LOOP
    RETURN NEXT;
    valid_from := valid_to;
    IF v_set ? 'owner' THEN
      owner := v_set ->> 'owner';
    END IF;
    IF v_set ? 'is_target' THEN
      is_target := coalesce(v_set -> 'is_target' = 'true', false);
    END IF;
  END LOOP;
  valid_to := 'infinity';
  RETURN NEXT;
END
$$;
COMMENT ON FUNCTION pl.ownership IS 'whose an account was when, and whether a target, from its track, half-open; before it was known, as first known (METRICS.md R22)';

CREATE FUNCTION pl.target_rows(q pl.metric_query, p_at timestamptz) RETURNS SETOF pl.target_row
LANGUAGE plpgsql STABLE SET plan_cache_mode = force_custom_plan SET jit = off SET work_mem = '64MB' AS $$
DECLARE
  v_from  timestamptz := pl.day_start(q, p_at, q.window_days);
  v_grace timestamptz := pl.day_start(q, p_at, q.grace_days);
  v_past  timestamptz := CASE WHEN q.as_of IS NOT NULL OR q.known_at IS NOT NULL THEN p_at END;
  v_backcast boolean := (SELECT o.backcast = 'on' FROM org o WHERE o.org_id = q.org);
BEGIN
  RETURN QUERY
  WITH target AS MATERIALIZED (
    SELECT * FROM pl.account_rows(q, p_at) a WHERE a.is_target
  ), owned AS MATERIALIZED (
    SELECT o.object_id AS account_id, s.*
    FROM pl.object_states(q.org, 'account', ARRAY(SELECT t.account_id FROM target t), v_past, q.known_at) o
    CROSS JOIN LATERAL pl.ownership(o.track, v_backcast) s
  ), gained AS (
    -- the end of the last stretch in which it was another's, or no target
    SELECT t.account_id, max(o.valid_to) AS at
    FROM target t JOIN owned o ON o.account_id = t.account_id AND o.valid_to <= p_at AND (o.owner IS DISTINCT FROM t.owner OR NOT o.is_target)
    GROUP BY t.account_id
  ), worked AS (
    SELECT t.account_id, count(*) AS n, max(x.starts_at) AS last_at
    FROM target t
    JOIN pl.qualifying(q, v_from, p_at + interval '1 microsecond') x ON x.account_id = t.account_id AND x.rep = t.owner
    JOIN owned o ON o.account_id = t.account_id AND o.owner = x.rep AND x.starts_at >= o.valid_from AND x.starts_at < o.valid_to
    GROUP BY t.account_id
  )
  SELECT t.account_id, t.name, t.owner, t.team, t.segment, t.tier, t.class, t.backcast, coalesce(w.n, 0), w.last_at, g.at,
         CASE WHEN g.at >= v_grace THEN 'grace' WHEN w.n >= q.min_activities THEN 'green' WHEN w.n >= 1 THEN 'yellow' ELSE 'red' END
  FROM target t
  LEFT JOIN gained g ON g.account_id = t.account_id
  LEFT JOIN worked w ON w.account_id = t.account_id;
END
$$;
COMMENT ON FUNCTION pl.target_rows IS
  'target accounts at an instant with what their owner, while it was theirs, did there in the window before (METRICS.md M16)';

CREATE FUNCTION pl.metric_target_coverage(q pl.metric_query, f pl.facts) RETURNS SETOF pl.metric_row
LANGUAGE plpgsql STABLE SET plan_cache_mode = force_custom_plan SET jit = off AS $$
BEGIN
  RETURN QUERY
  WITH placed AS MATERIALIZED (
    SELECT true AS total, NULL::text AS key, NULL::int AS period, t.* FROM pl.target_rows(q, q.stock_at) t
    UNION ALL
    SELECT false, pl.group_key(q, t.owner, t.team, t.segment, t.tier, t.class, NULL, i.period), i.period, t.*
    FROM pl.stock_instants(q) i, pl.target_rows(q, i.at) t
    WHERE q.grouped_by IS NOT NULL
  ), summed AS (
    SELECT p.total, p.key, p.period, count(*) FILTER (WHERE p.owner IS NOT NULL AND p.state = 'green') AS green,
           count(*) FILTER (WHERE p.owner IS NOT NULL AND p.state = 'yellow') AS yellow, count(*) FILTER (WHERE p.owner IS NOT NULL AND p.state = 'red') AS red,
           count(*) FILTER (WHERE p.owner IS NOT NULL AND p.state = 'grace') AS grace, count(*) FILTER (WHERE p.owner IS NULL) AS no_owner,
           count(*) FILTER (WHERE p.backcast) AS backcast
    FROM placed p GROUP BY p.total, p.key, p.period
  )
  SELECT a.total, a.key, a.period, pl.ratio(x.green, x.n), x.green, x.n, x.n, NULL::numeric[], CASE WHEN x.n = 0 THEN 'empty_denominator' END,
         pl.with_member(pl.excluded(q, 0, 0, 0, 0, coalesce(s.no_owner, 0)), 'grace', to_json(coalesce(s.grace, 0))),
         pl.quality(q, x.n, 0, coalesce(s.backcast, 0)), '{}'::json,
         json_build_object('green', coalesce(s.green, 0), 'yellow', coalesce(s.yellow, 0), 'red', coalesce(s.red, 0), 'k', q.min_activities,
                           'window_days', q.window_days, 'grace_days', q.grace_days)
  FROM pl.answer_places(q, ARRAY(SELECT DISTINCT p.key FROM placed p)) a
  LEFT JOIN summed s ON (s.total, coalesce(s.key, ''), coalesce(s.period, 0)) = (a.total, coalesce(a.key, ''), coalesce(a.period, 0))
  CROSS JOIN LATERAL (SELECT coalesce(s.green, 0)::numeric AS green, coalesce(s.green + s.yellow + s.red, 0)::numeric AS n) x;
END
$$;

INSERT INTO pl.metric (key, id, name, formula, unit, terms, basis, groupings, nulls, note, needs, core, drill, narrows) VALUES
  ('target_coverage', 'M16', 'Target accounts covered', 'target accounts with at least k qualifying activities in the window / target accounts assigned at its end', 'fraction', 'count',
   'accounts with is_target and an owner at the end of the period (at as_of when given); activities in the window_days up to then', '{rep,team,segment,period}',
   'no target account assigned: empty_denominator',
   'An activity counts for an account when its owner of the end did it, and while being the owner. k, window_days, grace_days: asked for, else the strategy''s '
   'target_coverage (min_activities, window_days, grace_days), else 3, 90 and 30; kinds: the strategy''s, else all but internal work. Accounts gained within grace_days are in '
   'excluded.grace, those of nobody in excluded.no_owner. parts: green (k or more), yellow (at least 1), red (none).', '{coverage}', NULL, 'targets', '{segment,tier}');
