-- M22: one number for the whole, made of the parts beside it.

CREATE FUNCTION pl.alignment_index(p_values numeric[], p_weights numeric[]) RETURNS numeric[]
LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
  SELECT ARRAY[CASE WHEN pl.ratio(coalesce(sum(w) FILTER (WHERE a IS NOT NULL), 0), sum(w)) >= 0.6
                    THEN 100 * pl.ratio(sum(w * a), sum(w) FILTER (WHERE a IS NOT NULL)) END,
               coalesce(pl.ratio(coalesce(sum(w) FILTER (WHERE a IS NOT NULL), 0), sum(w)), 0)]
  FROM unnest(p_values, p_weights) AS x(a, w)
$$;
COMMENT ON FUNCTION pl.alignment_index IS '[index 0–100, coverage]: the weighted mean of the parts that are there; null below coverage 0.6 (METRICS.md T8)';

CREATE FUNCTION pl.metric_alignment_index(q pl.metric_query, f pl.facts) RETURNS SETOF pl.metric_row
LANGUAGE plpgsql STABLE AS $$
DECLARE
  v_weights jsonb := '{"bookings": 0.25, "pipeline": 0.20, "time": 0.25, "product": 0.15, "message": 0.15}'::jsonb || coalesce(q.body -> 'index_weights', '{}');
BEGIN
  RETURN QUERY
  WITH part AS MATERIALIZED (
    -- The values of M05, M03, M12 and M17 without the prose around them.
    SELECT 1 AS place, s.total, s.key, s.period, CASE WHEN s.money_on + s.money_off > 0 THEN pl.ratio(s.money_on, s.money_on + s.money_off) END AS value,
           s.priced_on + s.priced_off AS n, s.n_unknown AS unknown
    FROM pl.shares(f.closed, 'won') s
    UNION ALL
    SELECT 2, s.total, s.key, s.period, CASE WHEN s.money_on + s.money_off > 0 THEN pl.ratio(s.money_on, s.money_on + s.money_off) END,
           s.priced_on + s.priced_off, s.n_unknown
    FROM pl.shares(f.open, 'open') s
    UNION ALL
    SELECT 3, s.total, s.key, s.period, pl.ratio(s.h_on, s.h_on + s.h_off), s.n, s.n_unknown FROM pl.hour_shares(f.hours) s
    UNION ALL
    SELECT 4, m.total, m.key, m.period, 1 - m.tv, m.n, 0
    FROM pl.mix_places(pl.mix_target(q, 'product'), ARRAY(SELECT a FROM pl.deal_mix_amounts(q, f.closed, 'won', 'product') a)) m
    UNION ALL
    SELECT 5, r.total, r.key, r.period, r.value, r.n, 0 FROM pl.metric_message_adoption(q, f) r
  ), place AS (
    SELECT DISTINCT p.total, p.key, p.period FROM part p
  ), whole AS (
    SELECT a.total, a.key, a.period, array_agg(p.value ORDER BY w.place) AS values, array_agg((v_weights ->> w.name)::numeric ORDER BY w.place) AS weights,
           min(p.n) FILTER (WHERE p.value IS NOT NULL AND (v_weights ->> w.name)::numeric > 0) AS n,
           json_object_agg(w.name, json_build_object('value', round(p.value, 6), 'weight', (v_weights ->> w.name)::numeric,
                                                     'n', trim_scale(coalesce(p.n, 0))) ORDER BY w.place) AS parts,
           sum(p.unknown) AS unknown
    FROM place a
    CROSS JOIN (VALUES (1, 'bookings'), (2, 'pipeline'), (3, 'time'), (4, 'product'), (5, 'message')) AS w(place, name)
    LEFT JOIN part p ON p.place = w.place AND (p.total, coalesce(p.key, ''), coalesce(p.period, 0)) = (a.total, coalesce(a.key, ''), coalesce(a.period, 0))
    GROUP BY a.total, a.key, a.period
  )
  SELECT w.total, w.key, w.period, i.index[1], NULL::numeric, NULL::numeric, coalesce(w.n, 0), NULL::numeric[],
         CASE WHEN i.index[1] IS NULL THEN 'low_coverage' END, pl.excluded(q, coalesce(w.unknown, 0), 0, 0, 0, 0), pl.quality(q, 0, 0, 0), '{}'::json,
         (SELECT json_object_agg(e.key, e.value) FROM (SELECT 'coverage' AS key, to_json(round(i.index[2], 6)) AS value
                                                       UNION ALL SELECT * FROM json_each(w.parts)) e)
  FROM whole w
  CROSS JOIN LATERAL (SELECT pl.alignment_index(w.values, w.weights) AS index) i;
END
$$;

CREATE FUNCTION pl.drill_index(q pl.metric_query, m pl.metric) RETURNS SETOF pl.drill_row
LANGUAGE plpgsql STABLE AS $$
DECLARE
  v_part record;
BEGIN
  q.weight := 'bookings';
  FOR v_part IN SELECT p.part, i AS metric FROM (VALUES ('bookings', 'bookings_share'), ('message', 'message_adoption'), ('pipeline', 'open_pipeline_share'),
                                                         ('product', 'product_mix'), ('time', 'selling_time_share')) AS p(part, key)
                JOIN pl.metric i ON i.key = p.key ORDER BY p.part LOOP
    RETURN QUERY SELECT * FROM pl.drill_as_part(ARRAY(SELECT r FROM pl.drill_rows(pl.page_of_part(q, v_part.part), v_part.metric) r), v_part.part);
  END LOOP;
END
$$;
COMMENT ON FUNCTION pl.drill_index IS 'the rows behind each part of the index';

INSERT INTO pl.metric (key, id, name, formula, unit, terms, basis, groupings, nulls, note, needs, core, drill, narrows, adds) VALUES
  ('alignment_index', 'M22', 'Alignment index', '100 · Σ w·a / Σ w over the parts available: bookings M05, pipeline M03, time M12, product 1 − M17, message M20', 'index',
   'number', 'the period; pipeline at its end', '{rep,team,segment,period}',
   'parts of less than 60% of the weight available (parts.coverage): low_coverage',
   'Weights are the strategy''s index_weights. n is the smallest n of the parts used. A summary for looking, not to be used for pay.',
   '{closed,open,hours,family}', 6, 'index', '{tier}',
   'by part, as those of the part''s own metric; product: 1 − Σ numerators / Σ denominators');
