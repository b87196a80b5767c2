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
  backcast    boolean
);

CREATE FUNCTION pl.hour_rows(q pl.metric_query, p_from timestamptz, p_to timestamptz) RETURNS SETOF pl.hour_row
LANGUAGE plpgsql STABLE SET plan_cache_mode = force_custom_plan SET jit = off SET work_mem = '64MB' AS $$
DECLARE
  v_rows pl.hour_row[];
BEGIN
  IF q.as_of IS NULL AND q.known_at IS NULL AND q.basis IS NULL THEN
    RETURN QUERY
    SELECT f.activity_id, nullif(f.rep_id, ''), nullif(f.account_id, ''), f.deal_id, f.kind, f.starts_at, f.hours, f.share, f.estimated,
           f.messages, f.team, f.segment, f.tier, f.class, f.reason, f.backcast
    FROM activity_fact f
    WHERE f.org_id = q.org AND f.starts_at >= p_from AND f.starts_at < p_to AND f.counted
      AND pl.within(q, f.rep_id, f.team, f.segment, f.tier, NULL, '{}');
    RETURN;
  END IF;
  v_rows := ARRAY(
    SELECT (f.activity_id, nullif(f.rep_id, ''), nullif(f.account_id, ''), f.deal_id, f.kind, f.starts_at, f.hours, f.share, f.estimated,
            f.messages, f.team, f.segment, f.tier, f.class, f.reason, f.backcast)::pl.hour_row
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
            j.segment, j.tier, j.class, j.reason, j.backcast)::pl.hour_row
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
BEGIN
  RETURN QUERY
  WITH rate AS MATERIALIZED (
    SELECT c.* FROM pl.cost_rates(q) c WHERE q.with_cost
  ), keyed AS (
    SELECT CASE q.grouped_by WHEN 'rep' THEN coalesce(r.rep, '__none__') WHEN 'team' THEN coalesce(r.team, '__none__') WHEN 'segment' THEN r.segment
                     WHEN 'tier' THEN r.tier WHEN 'kind' THEN r.kind END AS key,
           CASE WHEN q.bounds IS NOT NULL THEN width_bucket(r.starts_at, q.bounds) END AS period,
           r.class, CASE WHEN q.with_segment THEN r.segment END AS segment, CASE WHEN q.with_kind THEN r.kind END AS kind,
           r.account_id IS NOT NULL AS linked, r.share, r.hours, r.estimated, r.rep IS NULL AS no_rep, r.backcast,
           CASE WHEN q.with_cost THEN pl.convert(q.org, r.hours * c.rate, c.currency, q.currency, pl.local_date(r.starts_at, q.zone),
                                                 q.as_of, q.known_at) END AS cost
    FROM pl.hour_rows(q, q.start_at, q.end_at) r
    LEFT JOIN rate c ON q.with_cost AND c.rep = r.rep AND r.starts_at >= c.valid_from AND r.starts_at < c.valid_to
  )
  SELECT false, k.key, k.period, k.class, k.segment, k.kind, k.linked, sum(k.share), sum(k.hours),
         coalesce(sum(k.hours) FILTER (WHERE k.estimated), 0), coalesce(sum(k.cost), 0), coalesce(sum(k.hours) FILTER (WHERE k.cost IS NULL), 0),
         (count(*) FILTER (WHERE k.no_rep))::numeric, (count(*) FILTER (WHERE k.backcast))::numeric
  FROM keyed k
  GROUP BY k.key, k.period, k.class, k.segment, k.kind, k.linked;
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
