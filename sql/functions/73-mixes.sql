-- Intended against realised mix (METRICS.md section 2): what product_mix, segment_mix, strategy_setters and deliberate_emergent share.

CREATE FUNCTION pl.mix_target(q pl.metric_query, p_over text) RETURNS jsonb
LANGUAGE sql STABLE AS $$
  SELECT CASE p_over
         WHEN 'product' THEN q.body -> 'products'
         -- Nobody plans the pairs: what is planned of both is taken as planned of each alike.
         WHEN 'segment_product' THEN
           (SELECT jsonb_object_agg(concat(s.value ->> 'key', '/', p.key), (s.value #>> '{target,bookings}')::numeric * p.value::numeric)
            FROM jsonb_array_elements(q.body -> 'segments') s, jsonb_each_text(q.body -> 'products') p WHERE s.value #> '{target,bookings}' IS NOT NULL)
         ELSE (SELECT jsonb_object_agg(s ->> 'key', v) FROM jsonb_array_elements(q.body -> 'segments') s,
                      LATERAL (SELECT s -> 'target' -> CASE WHEN q.weight = 'hours' THEN 'time' ELSE 'bookings' END AS v) t WHERE v IS NOT NULL)
         END
$$;
COMMENT ON FUNCTION pl.mix_target IS 'the strategy''s target mix over products, segments or both (segment/product), {key: share}; null when it sets none';

CREATE FUNCTION pl.mix_key(p_over text, p_segment text, p_family text) RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
  SELECT CASE p_over WHEN 'product' THEN p_family WHEN 'segment' THEN p_segment ELSE concat(p_segment, '/', p_family) END
$$;

CREATE FUNCTION pl.mix_placed(q pl.metric_query, p_over text, p_segment text, p_family text) RETURNS boolean
LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
  SELECT (p_over = 'product' OR p_segment <> 'unknown') AND (p_over = 'segment' OR p_family <> 'unspecified' OR q.include_unspecified)
$$;
COMMENT ON FUNCTION pl.mix_placed IS 'whether a part of a deal has a place in the mix: its segment is known, its product named (METRICS.md R7, R23)';

CREATE TYPE pl.mix_amount AS (total boolean, key text, period int, k text, amount numeric, n numeric, placed boolean);
COMMENT ON TYPE pl.mix_amount IS 'amount of key k (segment or family) in one place of the answer; placed: k is known and counts (METRICS.md R7, R23)';

CREATE FUNCTION pl.deal_mix_amounts(q pl.metric_query, p_cells pl.deal_cell[], p_outcome text, p_over text) RETURNS SETOF pl.mix_amount
LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
  SELECT c.total, c.key, c.period, x.k, sum(CASE WHEN c.outcome = p_outcome THEN x.amount ELSE 0 END),
         sum(CASE WHEN c.outcome = p_outcome THEN c.priced ELSE 0 END),
         x.placed
  FROM unnest(p_cells) c
  CROSS JOIN LATERAL (SELECT CASE WHEN c.outcome IS NOT NULL THEN pl.mix_key(p_over, c.segment, c.family) END AS k,
                             CASE WHEN p_over = 'segment' THEN c.money ELSE c.family_money END AS amount,
                             pl.mix_placed(q, p_over, c.segment, c.family) AS placed) x
  GROUP BY c.total, c.key, c.period, x.k, x.placed
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

CREATE FUNCTION pl.weighed_amounts(q pl.metric_query, f pl.facts, p_over text) RETURNS pl.mix_amount[]
LANGUAGE plpgsql STABLE AS $$
BEGIN
  RETURN CASE
    WHEN q.weight = 'hours' AND p_over = 'segment' THEN ARRAY(SELECT a FROM pl.hour_mix_amounts(f.hours) a)
    WHEN q.weight = 'pipeline' THEN ARRAY(SELECT a FROM pl.deal_mix_amounts(q, f.open, 'open', p_over) a)
    ELSE ARRAY(SELECT a FROM pl.deal_mix_amounts(q, f.closed, 'won', p_over) a) END;
END
$$;
COMMENT ON FUNCTION pl.weighed_amounts IS 'what each key has in each place, weighed as the question says: bookings, pipeline or hours';

CREATE FUNCTION pl.mix_left_out(q pl.metric_query, f pl.facts)
RETURNS TABLE (total boolean, key text, period int, unpriced numeric, no_amount numeric, no_owner numeric, unattributed numeric, backcast numeric)
LANGUAGE plpgsql STABLE AS $$
BEGIN
  IF q.weight = 'hours' THEN
    RETURN QUERY SELECT s.total, coalesce(s.key, ''), coalesce(s.period, 0), 0::numeric, 0::numeric, s.no_rep, s.unattributed, s.backcast
                 FROM pl.hour_shares(f.hours) s;
  ELSE
    RETURN QUERY SELECT s.total, coalesce(s.key, ''), coalesce(s.period, 0), s.unpriced, s.no_amount, s.no_owner, 0::numeric, s.backcast
                 FROM pl.shares(CASE q.weight WHEN 'pipeline' THEN f.open ELSE f.closed END, CASE q.weight WHEN 'pipeline' THEN 'open' ELSE 'won' END) s;
  END IF;
END
$$;
COMMENT ON FUNCTION pl.mix_left_out IS 'what a mix leaves out in each place: deals without price or owner, hours without account';

CREATE FUNCTION pl.mix_rows(q pl.metric_query, f pl.facts, p_over text) RETURNS SETOF pl.metric_row
LANGUAGE plpgsql STABLE AS $$
DECLARE
  v_terms text := CASE q.weight WHEN 'hours' THEN 'hours' ELSE 'money' END;
BEGIN
  RETURN QUERY
  SELECT m.total, m.key, m.period, m.tv, m.tv * m.amount, m.amount, m.n, NULL::numeric[], m.reason,
         pl.excluded(q, m.unplaced_n, CASE v_terms WHEN 'money' THEN m.unplaced ELSE 0 END, s.unpriced, s.no_amount, s.no_owner, s.unattributed),
         pl.quality(q, m.amount, m.unplaced, s.backcast), '{}'::json, pl.mix_parts(m, v_terms, q.currency)
  FROM pl.mix_places(pl.mix_target(q, p_over), pl.weighed_amounts(q, f, p_over)) m
  JOIN pl.mix_left_out(q, f) s ON (s.total, s.key, s.period) = (m.total, coalesce(m.key, ''), coalesce(m.period, 0));
END
$$;
COMMENT ON FUNCTION pl.mix_rows IS 'what was won, is open or was worked on, over products or segments, against the strategy''s target: M17 and M18';
