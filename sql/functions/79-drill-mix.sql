-- The rows behind mixes. The gap between two mixes is a sum over keys; each row has its part of it, exactly as a group has in M31:
-- TV = ½ Σ_k sign(q_k − p_k) (q_k − p_k), and q_k is the sum of what the rows brought to k.

CREATE FUNCTION pl.mix_over(q pl.metric_query, m pl.metric) RETURNS text
LANGUAGE sql IMMUTABLE AS $$ SELECT CASE m.key WHEN 'product_mix' THEN 'product' WHEN 'segment_mix' THEN 'segment' ELSE q.over END $$;
COMMENT ON FUNCTION pl.mix_over IS 'the keys whose mix a metric looks at';

-- Which way each key of the whole pulls, and the whole. pull: sign(q_k − p_k); drag: Σ_k pull · p_k.
CREATE TYPE pl.mix_pull AS (keys text[], pulls numeric[], drag numeric, whole numeric);

CREATE FUNCTION pl.mix_pulls(q pl.metric_query, m pl.metric) RETURNS pl.mix_pull
LANGUAGE plpgsql STABLE AS $$
DECLARE
  v_alone pl.metric_query := pl.without_groups(q);
  v_over  text := pl.mix_over(q, m);
  v       pl.mix_pull;
BEGIN
  SELECT array_agg(u.k), array_agg(CASE WHEN u.amount < 0 THEN NULL ELSE sign(u.actual - coalesce(u.target, 0)) END),
         coalesce(sum(sign(u.actual - coalesce(u.target, 0)) * u.target), 0), max(p.amount)
  INTO v.keys, v.pulls, v.drag, v.whole
  FROM pl.mix_places(pl.mix_target(q, v_over),
                     pl.weighed_amounts(v_alone, pl.facts_of(v_alone, pl.metric_needs(m, jsonb_build_object('weight', q.weight, 'over', q.over))), v_over)) p
  CROSS JOIN LATERAL unnest(p.keys, p.target, p.actual, p.amounts) AS u(k, target, actual, amount)
  WHERE p.total AND p.reason IS NULL;
  RETURN v;
END
$$;
COMMENT ON FUNCTION pl.mix_pulls IS 'the whole mix that rows are measured against; a key below 0 in the whole has pull null: it counts as 0, for every row';

CREATE FUNCTION pl.mix_share(v pl.mix_pull, p_keys text[], p_amounts numeric[], OUT own numeric, OUT gap numeric)
LANGUAGE plpgsql IMMUTABLE AS $$
BEGIN
  SELECT coalesce(sum(a.amount), 0), coalesce(sum(a.amount * v.pulls[a.place]), 0) INTO own, gap
  FROM (SELECT x.amount, array_position(v.keys, x.k) AS place FROM unnest(p_keys, p_amounts) AS x(k, amount)) a
  WHERE v.pulls[a.place] IS NOT NULL;
  gap := (gap - own * v.drag) / 2;
END
$$;
COMMENT ON FUNCTION pl.mix_share IS 'what one row has of the whole (own) and of the gap, both in the unit of the amounts: Σ gap = TV · whole';

CREATE FUNCTION pl.mix_deal_parts(q pl.metric_query, p_over text, d pl.deal_row, OUT keys text[], OUT amounts numeric[])
LANGUAGE plpgsql IMMUTABLE AS $$
BEGIN
  SELECT array_agg(pl.mix_key(p_over, d.segment, f.family)), array_agg(d.money * f.weight) INTO keys, amounts
  FROM unnest(CASE WHEN d.families = '{}' THEN '{unspecified}' ELSE d.families END, CASE WHEN d.families = '{}' THEN '{1}' ELSE d.weights END)
       AS f(family, weight)
  WHERE pl.mix_placed(q, p_over, d.segment, f.family) AND (q.product IS NULL OR f.family = q.product);
END
$$;
COMMENT ON FUNCTION pl.mix_deal_parts IS 'what a deal brings to which keys; nothing where its segment or product is unknown';

CREATE FUNCTION pl.drill_mix(q pl.metric_query, m pl.metric) RETURNS SETOF pl.drill_row
LANGUAGE plpgsql STABLE SET plan_cache_mode = force_custom_plan SET jit = off SET work_mem = '64MB' AS $$
DECLARE
  v_reps boolean := pl.shows_reps(q);
  v_over text := pl.mix_over(q, m);
  v      pl.mix_pull;
BEGIN
  IF NOT 'weight' = ANY (m.needs) THEN
    q.weight := 'bookings';
  END IF;
  v := pl.mix_pulls(q, m);
  IF q.weight = 'hours' AND v_over = 'segment' THEN
    RETURN QUERY
    SELECT pl.hour_place(r::pl.hour_row), pl.hour_line(r::pl.hour_row, v_reps, NULL, to_json(trim_scale(round(s.gap, 15))), to_json(trim_scale(s.own)), s.gap / v.whole)
    FROM (SELECT h.* FROM pl.hour_rows(q, q.start_at, q.end_at) h
          WHERE pl.on_page(q, pl.hour_place(h)) ORDER BY pl.hour_place(h) COLLATE "C" LIMIT q.page_limit) r
    CROSS JOIN LATERAL pl.mix_share(v, CASE WHEN r.segment <> 'unknown' AND r.account_id IS NOT NULL THEN ARRAY[r.segment] ELSE '{}' END, ARRAY[r.hours]) s;
    RETURN;
  END IF;
  RETURN QUERY
  SELECT pl.deal_place(d::pl.deal_row), pl.deal_line(q, d::pl.deal_row, v_reps, NULL, pl.exact(round(CASE m.key WHEN 'deliberate_emergent' THEN s.own - s.gap ELSE s.gap END, 15), q),
                                        pl.exact(s.own, q), CASE m.key WHEN 'deliberate_emergent' THEN s.own - s.gap ELSE s.gap END / v.whole)
  FROM (SELECT u.*
        FROM (SELECT c.* FROM pl.closed_deals(q, q.start_at, q.end_at) c WHERE q.weight <> 'pipeline' AND c.outcome = 'won'
              UNION ALL
              SELECT o.* FROM pl.open_named(q) o WHERE q.weight = 'pipeline') u
        WHERE pl.on_page(q, ARRAY[u.deal_id, coalesce(u.rep, '')])
        ORDER BY ARRAY[u.deal_id, coalesce(u.rep, '')] COLLATE "C" LIMIT q.page_limit) d
  CROSS JOIN LATERAL pl.mix_deal_parts(q, v_over, d::pl.deal_row) k
  CROSS JOIN LATERAL pl.mix_share(v, k.keys, k.amounts) s;
END
$$;
COMMENT ON FUNCTION pl.drill_mix IS
  'rows behind a mix with what each has of the whole (denominator) and of the number (numerator, contribution); their sums are those of the number exactly';
