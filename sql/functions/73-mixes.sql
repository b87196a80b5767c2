-- Intended against realised mix (METRICS.md section 2): what product_mix, segment_mix, strategy_setters and deliberate_emergent share.

CREATE FUNCTION pl.mix_target(q pl.metric_query, p_over text) RETURNS jsonb
LANGUAGE sql STABLE AS $$
  SELECT CASE p_over WHEN 'product' THEN q.body -> 'products'
         ELSE (SELECT jsonb_object_agg(s ->> 'key', v) FROM jsonb_array_elements(q.body -> 'segments') s,
                      LATERAL (SELECT s -> 'target' -> CASE WHEN q.weight = 'hours' THEN 'time' ELSE 'bookings' END AS v) t WHERE v IS NOT NULL)
         END
$$;
COMMENT ON FUNCTION pl.mix_target IS 'the strategy''s target mix over products or segments, {key: share}; null when it sets none';

CREATE TYPE pl.mix_amount AS (total boolean, key text, period int, k text, amount numeric, n numeric, placed boolean);
COMMENT ON TYPE pl.mix_amount IS 'amount of key k (segment or family) in one place of the answer; placed: k is known and counts (METRICS.md R7, R23)';

CREATE FUNCTION pl.deal_mix_amounts(q pl.metric_query, p_cells pl.deal_cell[], p_outcome text, p_over text) RETURNS SETOF pl.mix_amount
LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
  SELECT c.total, c.key, c.period, x.k, sum(CASE WHEN c.outcome = p_outcome THEN x.amount ELSE 0 END),
         sum(CASE WHEN c.outcome = p_outcome THEN c.priced ELSE 0 END),
         x.k <> 'unknown' AND (x.k <> 'unspecified' OR p_over = 'segment' OR q.include_unspecified)
  FROM unnest(p_cells) c
  CROSS JOIN LATERAL (SELECT CASE WHEN p_over = 'product' THEN c.family ELSE c.segment END AS k,
                             CASE WHEN p_over = 'product' THEN c.family_money ELSE c.money END AS amount) x
  GROUP BY c.total, c.key, c.period, x.k
$$;
COMMENT ON FUNCTION pl.deal_mix_amounts IS 'money of each key in each place (k null: a blank place)';

CREATE FUNCTION pl.hour_mix_amounts(p_cells pl.hour_cell[]) RETURNS SETOF pl.mix_amount
LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
  SELECT c.total, c.key, c.period, c.segment, sum(c.hours), sum(c.n), c.segment <> 'unknown' AND bool_and(c.linked)
  FROM unnest(p_cells) c
  GROUP BY c.total, c.key, c.period, c.segment
$$;
COMMENT ON FUNCTION pl.hour_mix_amounts IS 'hours of each segment in each place (k null: a blank place)';

CREATE TYPE pl.mix_place AS (
  total boolean, key text, period int, keys text[], target numeric[], actual numeric[], amounts numeric[],
  amount numeric, n numeric, unplaced numeric, unplaced_n numeric, negative boolean, reason text, tv numeric, jsd numeric
);
COMMENT ON TYPE pl.mix_place IS
  'target and realised mix of one place over the same sorted keys, both adding up to 1; target null: unplanned. amount: the whole, negative keys '
  'taken as 0. tv, jsd: how far they are apart; null where reason says why';

CREATE FUNCTION pl.mix_places(p_target jsonb, p_amounts pl.mix_amount[]) RETURNS SETOF pl.mix_place
LANGUAGE plpgsql IMMUTABLE AS $$
DECLARE
  v_planned numeric := (SELECT sum(value::numeric) FROM jsonb_each_text(p_target));
BEGIN
  RETURN QUERY
  WITH a AS MATERIALIZED (SELECT * FROM unnest(p_amounts)),
  place AS MATERIALIZED (
    SELECT a.total, a.key, a.period, coalesce(sum(greatest(a.amount, 0)) FILTER (WHERE a.placed), 0) AS amount,
           coalesce(sum(a.n) FILTER (WHERE a.placed), 0) AS n, coalesce(sum(a.amount) FILTER (WHERE NOT a.placed), 0) AS unplaced,
           coalesce(sum(a.n) FILTER (WHERE NOT a.placed), 0) AS unplaced_n, coalesce(bool_or(a.placed AND a.amount < 0), false) AS negative
    FROM a GROUP BY a.total, a.key, a.period
  ), entry AS (
    SELECT a.total, a.key, a.period, a.k, NULL::numeric AS target, a.amount FROM a WHERE a.placed AND a.amount <> 0
    UNION ALL
    SELECT p.total, p.key, p.period, t.key, pl.ratio(t.value::numeric, v_planned), 0 FROM place p, jsonb_each_text(p_target) t
  ), merged AS (
    SELECT e.total, coalesce(e.key, '') AS key, coalesce(e.period, 0) AS period, e.k, max(e.target) AS target, sum(e.amount) AS amount
    FROM entry e GROUP BY e.total, 2, 3, e.k
  ), listed AS MATERIALIZED (
    SELECT m.total, m.key, m.period, array_agg(m.k ORDER BY m.k COLLATE "C") AS keys, array_agg(m.target ORDER BY m.k COLLATE "C") AS target,
           array_agg(m.amount ORDER BY m.k COLLATE "C") AS amounts,
           array_agg(pl.ratio(greatest(m.amount, 0), p.amount) ORDER BY m.k COLLATE "C") AS shares
    FROM merged m JOIN place p ON (p.total, coalesce(p.key, ''), coalesce(p.period, 0)) = (m.total, m.key, m.period)
    GROUP BY m.total, m.key, m.period
  )
  SELECT x.*, CASE WHEN x.reason IS NULL THEN pl.total_variation(x.target, x.actual) END,
         CASE WHEN x.reason IS NULL THEN pl.jensen_shannon(x.target, x.actual) END
  FROM (SELECT p.total, p.key, p.period, coalesce(l.keys, '{}') AS keys, l.target, l.shares AS actual, l.amounts, p.amount, p.n, p.unplaced,
               p.unplaced_n, p.negative, CASE WHEN coalesce(v_planned, 0) <= 0 THEN 'no_target' WHEN p.amount = 0 THEN 'empty_denominator' END AS reason
        FROM place p
        LEFT JOIN listed l ON (l.total, l.key, l.period) = (p.total, coalesce(p.key, ''), coalesce(p.period, 0))
        OFFSET 0) x;
END
$$;
COMMENT ON FUNCTION pl.mix_places IS 'amounts by key held against a target mix, one row a place of the answer';

CREATE FUNCTION pl.mix_parts(m pl.mix_place, p_terms text, p_currency text) RETURNS json
LANGUAGE sql STABLE AS $$
  SELECT json_build_object(
    'realised', 1 - round(m.tv, 6), 'sqrt_jsd', round(sqrt(m.jsd), 6), 'jsd', round(m.jsd, 6),
    'negative_set_to_zero', m.negative,
    'keys', coalesce((SELECT json_agg(json_build_object(
               'key', k, 'target', round(t, 6), 'actual', round(a, 6), 'gap', round(a - coalesce(t, 0), 6),
               'amount', pl.written(x, p_terms, p_currency), 'unplanned', t IS NULL) ORDER BY k COLLATE "C")
             FROM unnest(m.keys, m.target, m.actual, m.amounts) AS u(k, t, a, x)), '[]'))
$$;
COMMENT ON FUNCTION pl.mix_parts IS 'the parts of a mix metric: how much of the intention was realised, and each key''s target, share, gap and amount';

CREATE FUNCTION pl.mix_rows(q pl.metric_query, p_cells pl.deal_cell[], p_over text) RETURNS SETOF pl.metric_row
LANGUAGE plpgsql STABLE AS $$
BEGIN
  RETURN QUERY
  SELECT m.total, m.key, m.period, m.tv, m.tv * m.amount, m.amount, m.n, NULL::numeric[], m.reason,
         pl.excluded(q, m.unplaced_n, m.unplaced, s.unpriced, s.no_amount, s.no_owner), pl.quality(q, m.amount, m.unplaced, s.backcast),
         '{}'::json, pl.mix_parts(m, 'money', q.currency)
  FROM pl.mix_places(pl.mix_target(q, p_over), ARRAY(SELECT a FROM pl.deal_mix_amounts(q, p_cells, 'won', p_over) a)) m
  JOIN pl.shares(p_cells, 'won') s ON (s.total, coalesce(s.key, ''), coalesce(s.period, 0)) = (m.total, coalesce(m.key, ''), coalesce(m.period, 0));
END
$$;
COMMENT ON FUNCTION pl.mix_rows IS 'won money over products or segments against the strategy''s target: M17 and M18';
