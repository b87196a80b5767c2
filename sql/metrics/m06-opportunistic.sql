-- M06: how much of the off-strategy business was opportunistic (came easily), and how much of the budget for that is used.

CREATE FUNCTION pl.unfiltered(q pl.metric_query) RETURNS pl.metric_query
LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE AS $$
BEGIN
  q.reps := NULL;
  q.teams := NULL;
  q.segment := NULL;
  q.tier := NULL;
  q.origin := NULL;
  q.product := NULL;
  RETURN q;
END
$$;
COMMENT ON FUNCTION pl.unfiltered IS 'the same question about the whole organisation';

CREATE FUNCTION pl.deal_effort(q pl.metric_query, p_deals text[]) RETURNS TABLE (deal_id text, hours numeric)
LANGUAGE plpgsql STABLE SET plan_cache_mode = force_custom_plan SET jit = off SET work_mem = '64MB' AS $$
BEGIN
  IF q.as_of IS NULL AND q.known_at IS NULL THEN
    RETURN QUERY SELECT f.deal_id, sum(f.hours) FROM activity_fact f
                 WHERE f.org_id = q.org AND f.counted AND f.deal_id = ANY (p_deals) GROUP BY f.deal_id;
  ELSE
    RETURN QUERY SELECT f.deal_id, sum(f.hours) FROM pl.activity_facts(q.org, q.as_of, q.known_at) f
                 WHERE f.org_id = q.org AND f.counted AND f.deal_id = ANY (p_deals) GROUP BY f.deal_id;
  END IF;
END
$$;
COMMENT ON FUNCTION pl.deal_effort IS 'counted hours spent on each of these deals; deals without activities have no row';

CREATE FUNCTION pl.latest_wins(q pl.metric_query, p_from timestamptz, p_to timestamptz, p_limit int) RETURNS TABLE (deal_id text, money numeric)
LANGUAGE plpgsql STABLE SET plan_cache_mode = force_custom_plan SET jit = off AS $$
DECLARE
  v_all pl.metric_query := pl.unfiltered(q);
BEGIN
  -- What a win costs is not a matter of who is credited.
  v_all.credit := 'at_event';
  IF q.plain THEN
    RETURN QUERY
    SELECT f.deal_id, f.money FROM deal_fact f
    WHERE f.org_id = q.org AND f.closed_at >= p_from AND f.closed_at < p_to AND f.outcome = 'won' AND f.closed_class = 'on' AND f.money IS NOT NULL
    ORDER BY f.closed_at DESC, f.deal_id
    LIMIT p_limit;
  ELSE
    RETURN QUERY
    SELECT d.deal_id, d.money FROM pl.closed_deals(v_all, p_from, p_to) d
    WHERE d.outcome = 'won' AND d.class = 'on' AND d.money IS NOT NULL
    ORDER BY d.at DESC, d.deal_id COLLATE "C"
    LIMIT p_limit;
  END IF;
END
$$;
COMMENT ON FUNCTION pl.latest_wins IS 'on-strategy wins with a price in [p_from, p_to), the latest first, of the whole organisation';

CREATE FUNCTION pl.usual_effort(q pl.metric_query) RETURNS numeric
LANGUAGE plpgsql STABLE SET plan_cache_mode = force_custom_plan SET jit = off AS $$
DECLARE
  v_deals  text[];
  v_money  numeric[];
  v_median float8;
  v_n      bigint;
BEGIN
  IF NOT EXISTS (SELECT FROM activity_fact a WHERE a.org_id = q.org AND a.deal_id IS NOT NULL) THEN
    RETURN NULL;
  END IF;
  -- What a win costs is not a matter of the group that is looked at; and five thousand wins tell the median as well as all.
  SELECT array_agg(w.deal_id), array_agg(w.money) INTO v_deals, v_money
  FROM pl.latest_wins(q, q.stock_at - interval '365 days', q.stock_at + interval '1 microsecond', 5000) w;
  SELECT percentile_cont(0.5) WITHIN GROUP (ORDER BY (e.hours / greatest(w.money, 0.01))::float8), count(*) INTO v_median, v_n
  FROM unnest(v_deals, v_money) AS w(deal_id, money)
  JOIN pl.deal_effort(q, v_deals) e ON e.deal_id = w.deal_id;
  RETURN CASE WHEN v_n >= q.min_n THEN v_median::numeric END;
END
$$;
COMMENT ON FUNCTION pl.usual_effort IS
  'median hours per unit of money of on-strategy wins in the 365 days up to the period''s end (the latest 5,000 of them); null below min_n wins (METRICS.md M06)';

-- The off-strategy wins of the question, each with the kind it is of.
CREATE TYPE pl.off_win AS (total boolean, key text, period int, deal_id text, money numeric, credit numeric, hours numeric, kind text);

CREATE FUNCTION pl.off_wins(q pl.metric_query, p_usual numeric) RETURNS SETOF pl.off_win
LANGUAGE plpgsql STABLE SET plan_cache_mode = force_custom_plan SET jit = off SET work_mem = '64MB' AS $$
DECLARE
  v_easy text[] := ARRAY(SELECT jsonb_array_elements_text(CASE WHEN jsonb_typeof(q.body #> '{opportunistic,easy_origins}') = 'array'
                                                               THEN q.body #> '{opportunistic,easy_origins}' ELSE '[]' END));
BEGIN
  RETURN QUERY
  WITH off AS MATERIALIZED (
    SELECT * FROM pl.placed_won(q, 'off') p WHERE p.money IS NOT NULL
  ), effort AS MATERIALIZED (
    SELECT * FROM pl.deal_effort(q, ARRAY(SELECT DISTINCT p.deal_id FROM off p WHERE p.total))
  )
  SELECT p.total, p.key, p.period, p.deal_id, p.money, p.credit, e.hours,
         CASE WHEN p.origin = ANY (v_easy) OR e.hours / greatest(p.whole, 0.01) <= p_usual THEN 'opportunistic'
              WHEN e.hours IS NULL THEN 'unclassified'
              ELSE 'misdirected' END
  FROM off p
  LEFT JOIN effort e ON e.deal_id = p.deal_id;
END
$$;
COMMENT ON FUNCTION pl.off_wins IS
  'off-strategy wins with a price: opportunistic (easy origin, or hours per money at most p_usual), unclassified (nothing is known to tell by), else misdirected (METRICS.md M06)';

CREATE FUNCTION pl.off_part(q pl.metric_query, p_n numeric, p_money numeric, p_whole numeric) RETURNS json
LANGUAGE sql STABLE AS $$
  SELECT json_build_object('n', trim_scale(coalesce(p_n, 0)), 'amount', pl.money_text(coalesce(p_money, 0), q.currency),
                           'share', CASE WHEN p_whole > 0 THEN round(pl.ratio(coalesce(p_money, 0), p_whole), 6) END)
$$;
COMMENT ON FUNCTION pl.off_part IS 'one kind of off-strategy win: deals, money, and its share of all money won on and off strategy';

CREATE FUNCTION pl.metric_opportunistic(q pl.metric_query, f pl.facts) RETURNS SETOF pl.metric_row
LANGUAGE plpgsql STABLE SET plan_cache_mode = force_custom_plan SET jit = off SET work_mem = '64MB' AS $$
DECLARE
  v_limit  numeric := (q.body #>> '{opportunistic,limit}')::numeric;
  v_usual  numeric := pl.usual_effort(q);
BEGIN
  RETURN QUERY
  WITH sorted AS (
    SELECT o.total, coalesce(o.key, '') AS key, coalesce(o.period, 0) AS period, o.money, o.credit, o.kind FROM pl.off_wins(q, v_usual) o
  ), split AS MATERIALIZED (
    SELECT s.total, s.key, s.period,
           coalesce(sum(s.money) FILTER (WHERE s.kind = 'opportunistic'), 0) AS easy, coalesce(sum(s.credit) FILTER (WHERE s.kind = 'opportunistic'), 0) AS easy_n,
           coalesce(sum(s.money) FILTER (WHERE s.kind = 'misdirected'), 0) AS hard, coalesce(sum(s.credit) FILTER (WHERE s.kind = 'misdirected'), 0) AS hard_n,
           coalesce(sum(s.money) FILTER (WHERE s.kind = 'unclassified'), 0) AS rest, coalesce(sum(s.credit) FILTER (WHERE s.kind = 'unclassified'), 0) AS rest_n
    FROM sorted s GROUP BY s.total, s.key, s.period
  )
  SELECT w.total, w.key, w.period, u.used, coalesce(x.easy, 0), w.money_on + w.money_off, w.priced_on + w.priced_off, NULL::numeric[],
         pl.money_reason(w.money_on + w.money_off, w.priced_on + w.priced_off),
         pl.excluded(q, w.n_unknown, w.money_unknown, w.unpriced, w.no_amount, w.no_owner),
         pl.quality(q, w.money_on + w.money_off, w.money_unknown, w.backcast), '{}'::json,
         json_build_object(
           'opportunistic', pl.off_part(q, x.easy_n, x.easy, w.money_on + w.money_off), 'misdirected', pl.off_part(q, x.hard_n, x.hard, w.money_on + w.money_off),
           'unclassified', pl.off_part(q, x.rest_n, x.rest, w.money_on + w.money_off),
           'budget', json_build_object('limit', v_limit, 'used', round(u.used, 6), 'remaining', round(v_limit - u.used, 6),
             'status', CASE WHEN u.used > v_limit THEN 'over' WHEN u.used >= 0.8 * v_limit THEN 'near' WHEN u.used IS NOT NULL AND v_limit IS NOT NULL THEN 'ok' END),
           'effort_rule', CASE WHEN v_usual IS NULL THEN 'unavailable' ELSE 'median' END, 'usual_hours_per_money', round(v_usual, 12))
  FROM pl.shares(f.closed, 'won') w
  LEFT JOIN split x ON (x.total, x.key, x.period) = (w.total, coalesce(w.key, ''), coalesce(w.period, 0))
  CROSS JOIN LATERAL (SELECT CASE WHEN w.money_on + w.money_off > 0 THEN pl.ratio(coalesce(x.easy, 0), w.money_on + w.money_off) END AS used) u;
END
$$;

CREATE FUNCTION pl.drill_opportunistic(q pl.metric_query, m pl.metric) RETURNS SETOF pl.drill_row
LANGUAGE plpgsql STABLE SET plan_cache_mode = force_custom_plan SET jit = off SET work_mem = '64MB' AS $$
DECLARE
  v_reps  boolean := pl.shows_reps(q);
  v_alone pl.metric_query := pl.without_groups(q);
BEGIN
  RETURN QUERY
  WITH off AS MATERIALIZED (
    SELECT o.deal_id, max(o.kind) AS kind, max(o.hours) AS hours FROM pl.off_wins(v_alone, pl.usual_effort(v_alone)) o GROUP BY o.deal_id
  )
  SELECT pl.deal_place(d), pl.deal_line(q, d, v_reps, coalesce(o.kind, d.class), pl.exact(CASE WHEN o.kind = 'opportunistic' THEN x.counts END, q),
                                        pl.exact(CASE WHEN d.class <> 'unknown' THEN x.counts END, q), NULL, o.hours)
  FROM pl.closed_deals(v_alone, q.start_at, q.end_at) d
  LEFT JOIN off o ON o.deal_id = d.deal_id
  CROSS JOIN LATERAL (SELECT d.money * pl.counted_portion(q, d.families, d.weights) AS counts) x
  WHERE d.outcome = 'won';
END
$$;
COMMENT ON FUNCTION pl.drill_opportunistic IS 'won deals; part: on, or what kind of off-strategy win it is, with the hours it took';

INSERT INTO pl.metric (key, id, name, formula, unit, terms, basis, groupings, nulls, note, needs, core, drill, narrows) VALUES
  ('opportunistic', 'M06', 'Opportunistic share',
   'won money off strategy that came easily / won money (on + off): origin among the strategy''s easy_origins, or hours per money at most the usual of on-strategy wins',
   'fraction', 'money', 'deals won with closed_at in the period', '{rep,team,segment,period}', 'as bookings_share',
   'Every off-strategy win is opportunistic, misdirected, or unclassified (no activity known and no easy origin); the three add up to off. '
   'budget: against the strategy''s opportunistic.limit, near from 80% of it. The usual is the median of the latest 5,000 at most. With fewer than min_n on-strategy wins that have activities in '
   'the last 365 days the effort rule is unavailable.', '{closed}', 5, 'opportunistic', '{segment,tier,product,origin}');
