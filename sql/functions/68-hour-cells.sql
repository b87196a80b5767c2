-- Activities as rows and summed to cells: where the selling time went (METRICS.md R9).

CREATE TYPE pl.hour_row AS (
  activity_id text,
  rep         text,
  account_id  text,
  deal_id     text,
  kind        text,
  starts_at   timestamptz,
  hours       numeric,
  share       numeric,
  estimated   boolean,
  messages    text[],
  team        text,
  segment     text,
  tier        text,
  class       text,
  reason      text,
  backcast    boolean,
  talk_s          numeric,
  customer_talk_s numeric,
  questions       numeric,
  tagged          boolean
);
COMMENT ON TYPE pl.hour_row IS 'a counted activity of one rep with one account; hours are divided among its accounts (share), what was said is not';

CREATE FUNCTION pl.hour_rows(q pl.metric_query, p_from timestamptz, p_to timestamptz) RETURNS SETOF pl.hour_row
LANGUAGE plpgsql STABLE SET plan_cache_mode = force_custom_plan SET jit = off SET work_mem = '64MB' AS $$
DECLARE
  v_rows pl.hour_row[];
BEGIN
  IF q.as_of IS NULL AND q.known_at IS NULL AND q.basis IS NULL THEN
    RETURN QUERY
    SELECT f.activity_id, nullif(f.rep_id, ''), nullif(f.account_id, ''), f.deal_id, f.kind, f.starts_at, f.hours, f.share, f.estimated,
           f.messages, f.team, f.segment, f.tier, f.class, f.reason, f.backcast, f.talk_s, f.customer_talk_s, f.questions, f.tagged
    FROM activity_fact f
    WHERE f.org_id = q.org AND f.starts_at >= p_from AND f.starts_at < p_to AND f.counted
      AND pl.within(q, f.rep_id, f.team, f.segment, f.tier, NULL, '{}');
    RETURN;
  END IF;
  v_rows := ARRAY(
    SELECT (f.activity_id, nullif(f.rep_id, ''), nullif(f.account_id, ''), f.deal_id, f.kind, f.starts_at, f.hours, f.share, f.estimated,
            f.messages, f.team, f.segment, f.tier, f.class, f.reason, f.backcast, f.talk_s, f.customer_talk_s, f.questions, f.tagged)::pl.hour_row
    FROM pl.activity_facts(q.org, q.as_of, q.known_at) f
    WHERE f.org_id = q.org AND f.starts_at >= p_from AND f.starts_at < p_to AND f.counted AND (q.as_of IS NULL OR f.starts_at <= q.as_of));
  RETURN QUERY
  SELECT r.* FROM unnest(pl.hours_rejudged(q, v_rows)) r WHERE pl.within(q, r.rep, r.team, r.segment, r.tier, NULL, '{}');
END
$$;
COMMENT ON FUNCTION pl.hour_rows IS 'counted activities that started in [p_from, p_to), one row a rep and account';

CREATE FUNCTION pl.hours_rejudged(q pl.metric_query, p_rows pl.hour_row[]) RETURNS pl.hour_row[]
LANGUAGE plpgsql STABLE SET plan_cache_mode = force_custom_plan AS $$
BEGIN
  IF q.basis IS NULL THEN
    RETURN p_rows;
  END IF;
  RETURN ARRAY(
    SELECT (r.activity_id, r.rep, r.account_id, r.deal_id, r.kind, r.starts_at, r.hours, r.share, r.estimated, r.messages, r.team,
            j.segment, j.tier, j.class, j.reason, r.backcast OR j.backcast, r.talk_s, r.customer_talk_s, r.questions, r.tagged)::pl.hour_row
    FROM unnest(p_rows) WITH ORDINALITY AS r
    JOIN pl.judge(q.org, q.as_of, q.known_at, ARRAY(SELECT x.rep FROM unnest(p_rows) x), ARRAY(SELECT x.account_id FROM unnest(p_rows) x),
                  ARRAY(SELECT x.starts_at FROM unnest(p_rows) x), q.fit_basis) j ON j.n = r.ordinality);
END
$$;
COMMENT ON FUNCTION pl.hours_rejudged IS 'activities judged again under fit_basis=restated:… or current (METRICS.md R3)';

CREATE FUNCTION pl.cost_rates(q pl.metric_query) RETURNS TABLE (rep text, valid_from timestamptz, valid_to timestamptz, rate numeric, currency text)
LANGUAGE plpgsql STABLE AS $$
BEGIN
  RETURN QUERY
  WITH point AS (
    SELECT r.object_id, r.track, (e ->> 'at')::timestamptz AS at, row_number() OVER (PARTITION BY r.object_id ORDER BY n) AS place
    FROM pl.object_states(q.org, 'rep', NULL, q.as_of, q.known_at) r, jsonb_array_elements(r.track) WITH ORDINALITY AS t(e, n)
    WHERE r.org_id = q.org AND (e -> 'set' ? 'cost_per_hour' OR e -> 'set' ? 'cost_currency')
  )
  SELECT p.object_id, CASE WHEN p.place = 1 THEN '-infinity' ELSE p.at END,
         lead(p.at, 1, 'infinity') OVER (PARTITION BY p.object_id ORDER BY p.at),
         ((pl.track_at(p.track, 'cost_per_hour', p.at, true)).value #>> '{}')::numeric,
         (pl.track_at(p.track, 'cost_currency', p.at, true)).value #>> '{}'
  FROM point p;
END
$$;
COMMENT ON FUNCTION pl.cost_rates IS 'what an hour of a rep costs over time; the first known rate held before it too (METRICS.md R22)';

CREATE FUNCTION pl.hour_sums(q pl.metric_query) RETURNS SETOF pl.hour_cell
LANGUAGE plpgsql STABLE SET plan_cache_mode = force_custom_plan SET jit = off SET work_mem = '64MB' AS $$
DECLARE
  v_direct boolean := q.as_of IS NULL AND q.known_at IS NULL AND q.basis IS NULL AND NOT q.with_cost;
BEGIN
  RETURN QUERY
  WITH rate AS MATERIALIZED (
    SELECT c.* FROM pl.cost_rates(q) c WHERE q.with_cost
  ), activity AS (
    -- The common question reads the fact table straight, an index range of starts_at.
    SELECT nullif(f.rep_id, '') AS rep, f.team, f.segment, f.tier, f.kind, f.class, f.account_id <> '' AS linked, f.starts_at, f.share, f.hours,
           f.estimated, f.backcast, NULL::numeric AS cost
    FROM activity_fact f
    WHERE v_direct AND f.org_id = q.org AND f.starts_at >= q.start_at AND f.starts_at < q.end_at AND f.counted
      AND pl.within(q, f.rep_id, f.team, f.segment, f.tier, NULL, '{}')
    UNION ALL
    SELECT r.rep, r.team, r.segment, r.tier, r.kind, r.class, r.account_id IS NOT NULL, r.starts_at, r.share, r.hours, r.estimated, r.backcast,
           CASE WHEN q.with_cost THEN pl.convert(q.org, r.hours * c.rate, c.currency, q.currency, pl.local_date(r.starts_at, q.zone),
                                                 q.as_of, q.known_at) END
    FROM pl.hour_rows(q, q.start_at, q.end_at) r
    LEFT JOIN rate c ON q.with_cost AND c.rep = r.rep AND r.starts_at >= c.valid_from AND r.starts_at < c.valid_to
    WHERE NOT v_direct
  )
  SELECT false,
         CASE q.grouped_by WHEN 'rep' THEN coalesce(a.rep, '__none__') WHEN 'team' THEN coalesce(a.team, '__none__') WHEN 'segment' THEN a.segment
                           WHEN 'tier' THEN a.tier WHEN 'kind' THEN a.kind END,
         CASE WHEN q.bounds IS NOT NULL THEN width_bucket(a.starts_at, q.bounds) END,
         a.class, CASE WHEN q.with_segment THEN a.segment END, CASE WHEN q.with_kind THEN a.kind END, a.linked, sum(a.share), sum(a.hours),
         coalesce(sum(a.hours) FILTER (WHERE a.estimated), 0), coalesce(sum(a.cost), 0),
         CASE WHEN q.with_cost THEN coalesce(sum(a.hours) FILTER (WHERE a.cost IS NULL), 0) ELSE 0 END,
         (count(*) FILTER (WHERE a.rep IS NULL))::numeric, (count(*) FILTER (WHERE a.backcast))::numeric
  FROM activity a
  GROUP BY 2, 3, a.class, 5, 6, a.linked;
END
$$;
COMMENT ON FUNCTION pl.hour_sums IS 'counted activities of the period summed to cells of groups (no totals yet)';

CREATE FUNCTION pl.hours_with_totals(q pl.metric_query, p_groups pl.hour_cell[]) RETURNS pl.hour_cell[]
LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE AS $$
BEGIN
  RETURN ARRAY(SELECT (p.total, p.key, p.period, NULL, NULL, NULL, NULL, 0, 0, 0, 0, 0, 0, 0)::pl.hour_cell FROM pl.blank_places(q, q.groups) p)
    || CASE WHEN q.grouped_by IS NULL THEN '{}' WHEN q.grouped_by <> 'period' THEN p_groups ELSE
         ARRAY(SELECT (false, (q.subs[c.period]).label, c.period, c.class, c.segment, c.kind, c.linked, c.n, c.hours, c.estimated, c.cost,
                       c.no_cost_hours, c.no_rep, c.backcast)::pl.hour_cell FROM unnest(p_groups) c) END
    || ARRAY(SELECT (true, NULL, NULL, c.class, c.segment, c.kind, c.linked, sum(c.n), sum(c.hours), sum(c.estimated), sum(c.cost),
                     sum(c.no_cost_hours), sum(c.no_rep), sum(c.backcast))::pl.hour_cell
             FROM unnest(p_groups) c GROUP BY c.class, c.segment, c.kind, c.linked);
END
$$;
COMMENT ON FUNCTION pl.hours_with_totals IS 'cells of groups, the same summed to the total, and blanks for groups without anything';
