-- M23: how much of the realised strategy was deliberate, how much of the intended was not realised, how much emerged.

CREATE FUNCTION pl.metric_deliberate_emergent(q pl.metric_query, f pl.facts) RETURNS SETOF pl.metric_row
LANGUAGE plpgsql STABLE AS $$
BEGIN
  RETURN QUERY
  SELECT m.total, m.key, m.period, 1 - m.tv, (1 - m.tv) * m.amount, m.amount, m.n, NULL::numeric[], m.reason,
         pl.excluded(q, m.unplaced_n, m.unplaced, s.unpriced, s.no_amount, s.no_owner), pl.quality(q, m.amount, m.unplaced, s.backcast), '{}'::json,
         json_build_object('deliberate', round(1 - m.tv, 6), 'unrealised', round(m.tv, 6), 'emergent', round(m.tv, 6), 'keys', coalesce(k.keys, '[]'))
  FROM pl.mix_places(pl.mix_target(q, q.over), ARRAY(SELECT a FROM pl.deal_mix_amounts(q, f.closed, 'won', q.over) a)) m
  JOIN pl.shares(f.closed, 'won') s ON (s.total, coalesce(s.key, ''), coalesce(s.period, 0)) = (m.total, coalesce(m.key, ''), coalesce(m.period, 0))
  CROSS JOIN LATERAL (
    SELECT json_agg(json_build_object('key', u.k, 'deliberate', round(least(u.t, u.a), 6), 'unrealised', round(greatest(u.t - u.a, 0), 6),
                                      'emergent', round(greatest(u.a - u.t, 0), 6), 'amount', pl.money_text(u.x, q.currency), 'unplanned', u.unplanned)
                    ORDER BY u.k COLLATE "C") AS keys
    FROM (SELECT y.k, coalesce(y.t, 0) AS t, coalesce(y.a, 0) AS a, y.x, y.t IS NULL AS unplanned
          FROM unnest(m.keys, m.target, m.actual, m.amounts) AS y(k, t, a, x)) u) k;
END
$$;

INSERT INTO pl.metric (key, id, name, formula, unit, terms, basis, groupings, nulls, note, needs, core, drill) VALUES
  ('deliberate_emergent', 'M23', 'Deliberate and emergent strategy', 'deliberate = Σ min(target, actual); unrealised = Σ max(target − actual, 0); emergent = Σ max(actual − target, 0)',
   'fraction', 'money', 'deals won with closed_at in the period, over=segment (default) or product', '{rep,team,period}',
   'as segment_mix and product_mix', 'The value is the deliberate share; parts.keys says it by key. Keys without a target are unplanned.',
   '{closed,segment,family}', NULL, 'closed');
