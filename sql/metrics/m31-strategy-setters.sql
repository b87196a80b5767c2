-- M31: who sets your strategy. The gap between intended and realised mix, divided exactly among those who cause it.

CREATE FUNCTION pl.metric_strategy_setters(q pl.metric_query, f pl.facts) RETURNS SETOF pl.metric_row
LANGUAGE plpgsql STABLE AS $$
DECLARE
  v_target  jsonb := pl.mix_target(q, q.over);
  v_amounts pl.mix_amount[] := pl.weighed_amounts(q, f, q.over);
  v_terms   text := CASE q.weight WHEN 'hours' THEN 'hours' ELSE 'money' END;
BEGIN
  RETURN QUERY
  WITH place AS MATERIALIZED (
    SELECT p.*, coalesce(p.period, 0) AS part FROM pl.mix_places(v_target, v_amounts) p
  ), whole AS MATERIALIZED (
    -- What the groups of a sub-period are measured against: the mix of the sub-period, else of the whole.
    SELECT coalesce(w.period, 0) AS part, w.amount, u.k, coalesce(u.target, 0) AS target, u.k_amount
    FROM pl.mix_places(v_target, pl.setters_wholes(q, v_amounts)) w
    CROSS JOIN LATERAL unnest(w.keys, w.target, w.amounts) AS u(k, target, k_amount)
    WHERE w.amount > 0
  ), own AS MATERIALIZED (
    -- A key below 0 in the whole counts as 0 there, so for everyone.
    SELECT a.key, coalesce(a.period, 0) AS part, a.k, CASE WHEN w.k_amount < 0 THEN 0 ELSE a.amount END AS amount
    FROM unnest(v_amounts) a JOIN whole w ON w.part = coalesce(a.period, 0) AND w.k = a.k
    WHERE NOT a.total AND a.placed
  ), sized AS MATERIALIZED (
    SELECT p.key, p.part, coalesce(sum(o.amount), 0) AS amount
    FROM place p LEFT JOIN own o ON o.key = p.key AND o.part = p.part
    WHERE NOT p.total GROUP BY p.key, p.part
  ), pull AS (
    -- contribution of group r by key k: ½ sign(q_k − p_k) · w_r · (q_rk − p_k)
    SELECT z.key, z.part, w.k, z.amount AS own_amount, w.amount AS whole_amount,
           sign(pl.ratio(greatest(w.k_amount, 0), w.amount) - w.target) / 2
             * (pl.ratio(coalesce(o.amount, 0), w.amount) - pl.ratio(z.amount, w.amount) * w.target) AS contribution
    FROM sized z
    JOIN whole w ON w.part = z.part
    LEFT JOIN own o ON o.key = z.key AND o.part = z.part AND o.k = w.k
  ), setter AS (
    SELECT u.key, u.part, sum(u.contribution) AS contribution, max(u.own_amount) AS own_amount, max(u.whole_amount) AS whole_amount,
           json_agg(json_build_object('key', u.k, 'contribution', round(u.contribution, 6)) ORDER BY u.k COLLATE "C") AS keys
    FROM pull u GROUP BY u.key, u.part
  )
  SELECT p.total, p.key, p.period,
         CASE WHEN p.reason IS NOT NULL THEN NULL WHEN p.total THEN p.tv ELSE s.contribution END,
         CASE WHEN NOT p.total THEN coalesce(s.own_amount, 0) ELSE p.tv * p.amount END,
         CASE WHEN p.total THEN p.amount ELSE coalesce(s.whole_amount, 0) END, p.n, NULL::numeric[], p.reason,
         pl.excluded(q, p.unplaced_n, CASE v_terms WHEN 'money' THEN p.unplaced ELSE 0 END, x.unpriced, x.no_amount, x.no_owner, x.unattributed),
         pl.quality(q, p.amount, p.unplaced, x.backcast), '{}'::json,
         CASE WHEN p.total THEN pl.setters_parts((p.total, p.key, p.period, p.keys, p.target, p.actual, p.amounts, p.amount, p.n, p.unplaced,
                                                  p.unplaced_n, p.negative, p.reason, p.tv, p.jsd)::pl.mix_place, v_terms, q.currency)
              ELSE json_build_object('keys', coalesce(s.keys, '[]'), 'weight', round(pl.ratio(s.own_amount, s.whole_amount), 6)) END
  FROM place p
  JOIN pl.mix_left_out(q, f) x ON (x.total, x.key, x.period) = (p.total, coalesce(p.key, ''), p.part)
  LEFT JOIN setter s ON NOT p.total AND s.key = p.key AND s.part = p.part;
END
$$;

CREATE FUNCTION pl.setters_wholes(q pl.metric_query, p_amounts pl.mix_amount[]) RETURNS pl.mix_amount[]
LANGUAGE plpgsql IMMUTABLE AS $$
BEGIN
  IF q.subs IS NULL THEN
    RETURN ARRAY(SELECT a FROM unnest(p_amounts) a WHERE a.total);
  END IF;
  RETURN ARRAY(SELECT (true, NULL, a.period, a.k, sum(a.amount), sum(a.n), a.placed)::pl.mix_amount
               FROM unnest(p_amounts) a WHERE NOT a.total GROUP BY a.period, a.k, a.placed);
END
$$;
COMMENT ON FUNCTION pl.setters_wholes IS 'the mix a group''s contribution is measured against: the company''s, in the same sub-period when there are any';

CREATE FUNCTION pl.setters_parts(m pl.mix_place, p_terms text, p_currency text) RETURNS json
LANGUAGE sql STABLE AS $$
  SELECT json_object_agg(e.key, CASE e.key WHEN 'keys' THEN
           (SELECT coalesce(json_agg(pl.with_member(k, 'contribution', to_json(round(abs(a - coalesce(t, 0)) / 2, 6))) ORDER BY n), '[]')
            FROM json_array_elements(e.value) WITH ORDINALITY AS o(k, n)
            JOIN unnest(m.keys, m.target, m.actual) AS u(key, t, a) ON u.key = k ->> 'key') ELSE e.value END)
  FROM (SELECT p.key, p.value FROM json_each(pl.mix_parts(m, p_terms, p_currency)) p
        UNION ALL SELECT 'weight', to_json(CASE WHEN m.amount > 0 THEN round(1::numeric, 6) END)) e
$$;
COMMENT ON FUNCTION pl.setters_parts IS
  'the parts of the whole: its mix, and what all groups together contribute at each key, ½ |q_k − p_k|, which add up to the total variation (METRICS.md M31)';

INSERT INTO pl.metric (key, id, name, formula, unit, terms, basis, groupings, nulls, note, needs, core, drill, narrows, overs, adds) VALUES
  ('strategy_setters', 'M31', 'Who sets your strategy',
   'contribution of group r = ½ Σ_k sign(q_k − p_k) · w_r · (q_rk − p_k); the contributions add up to the total variation of the whole exactly',
   'fraction', 'money',
   'weight=bookings: deals won in the period; pipeline: open deals; hours: counted activities. over=segment (default) or product',
   '{rep,team,segment,period}', 'as product_mix; a group without anything of its own: empty_denominator',
   'Positive pulls the company away from its strategy, negative pulls it back. parts.weight is the group''s part of the whole. '
   'numerator: the group''s amount, denominator: the whole''s.', '{weight,over}', NULL, 'mix', '{segment,tier,product,origin}', '{segment,product}',
   'contributions add up to the gap of the whole; those of one rep''s or team''s rows to its own contribution');
