-- M23: how much of the realised strategy was deliberate, how much of the intended was not realised, how much emerged.

CREATE FUNCTION pl.money_targets(q pl.metric_query) RETURNS jsonb
LANGUAGE plpgsql STABLE AS $$
DECLARE
  v_targets  jsonb := q.body -> 'money_targets' -> (q.over || 's');
  v_currency text := q.body #>> '{money_targets,currency}';
  v_on       date := pl.local_date(least(q.end_at - interval '1 microsecond', q.upto), q.zone);
BEGIN
  RETURN (SELECT jsonb_object_agg(t.key, pl.convert(q.org, t.value::numeric, v_currency, q.currency, v_on, q.as_of, q.known_at))
          FROM jsonb_each_text(v_targets) t);
END
$$;
COMMENT ON FUNCTION pl.money_targets IS
  'what the strategy wants sold of each segment or product, in the currency of the answer at the rate of the period''s last day; null: it says nothing';

CREATE FUNCTION pl.target_part(q pl.metric_query, p_first_on date, p_end_on date) RETURNS numeric
LANGUAGE plpgsql STABLE AS $$
DECLARE
  v_per   text := coalesce(q.body #>> '{money_targets,per}', 'year');
  v_start int;
  v_name  text;
  v_part  numeric := 0;
  v_day   date := p_first_on;
  v_span  pl.period;
BEGIN
  IF NOT q.prorate THEN
    RETURN 1;
  END IF;
  SELECT o.fiscal_year_start, o.fy_name INTO v_start, v_name FROM org o WHERE o.org_id = q.org;
  WHILE v_day < p_end_on LOOP
    v_span := pl.period_relative('this', CASE v_per WHEN 'year' THEN 'fy' WHEN 'quarter' THEN 'fq' ELSE 'month' END, v_day, v_start, v_name);
    v_part := v_part + pl.ratio(least(v_span.end_on, p_end_on) - v_day, v_span.end_on - v_span.first_on);
    v_day := v_span.end_on;
  END LOOP;
  RETURN v_part;
END
$$;
COMMENT ON FUNCTION pl.target_part IS
  'how many of the spans that money targets are set for (fiscal year or quarter, month) a stretch of days is, by days; 1 without prorate (METRICS.md M23)';

CREATE FUNCTION pl.deliberate_money(q pl.metric_query, m pl.mix_place, p_targets jsonb) RETURNS json
LANGUAGE plpgsql STABLE AS $$
DECLARE
  v_first date := CASE WHEN m.period IS NULL THEN q.first_on ELSE pl.local_date((q.subs[m.period]).start_at, q.zone) END;
  v_end   date := CASE WHEN m.period IS NULL THEN q.end_on ELSE pl.local_date((q.subs[m.period]).end_at, q.zone) END;
  v_part  numeric;
BEGIN
  -- Targets are set for the whole: a team or rep alone has none.
  IF p_targets IS NULL OR NOT (m.total OR q.grouped_by = 'period') THEN
    RETURN NULL;
  END IF;
  v_part := pl.target_part(q, v_first, v_end);
  RETURN (
    WITH k AS (
      SELECT coalesce(a.k, t.key) AS key, t.value::numeric * v_part AS target, greatest(coalesce(a.x, 0), 0) AS actual, t.key IS NULL AS unplanned
      FROM (SELECT u.k, u.x FROM unnest(m.keys, m.amounts) AS u(k, x) WHERE u.x IS NOT NULL) a
      FULL JOIN jsonb_each_text(p_targets) t ON t.key = a.k
      WHERE t.key IS NOT NULL OR a.x <> 0
    )
    SELECT json_build_object(
      'target', pl.money_text(sum(k.target), q.currency), 'actual', pl.money_text(sum(k.actual), q.currency),
      'realised', pl.money_text(sum(least(coalesce(k.target, 0), k.actual)), q.currency),
      'unrealised', pl.money_text(sum(greatest(coalesce(k.target, 0) - k.actual, 0)), q.currency),
      'emergent', pl.money_text(sum(greatest(k.actual - coalesce(k.target, 0), 0)), q.currency), 'prorated', q.prorate,
      'keys', json_agg(json_build_object('key', k.key, 'target', pl.money_text(k.target, q.currency), 'actual', pl.money_text(k.actual, q.currency),
                'realised', pl.money_text(least(coalesce(k.target, 0), k.actual), q.currency),
                'unrealised', pl.money_text(greatest(coalesce(k.target, 0) - k.actual, 0), q.currency),
                'emergent', pl.money_text(greatest(k.actual - coalesce(k.target, 0), 0), q.currency), 'unplanned', k.unplanned)
                ORDER BY k.key COLLATE "C"))
    FROM k);
END
$$;
COMMENT ON FUNCTION pl.deliberate_money IS
  'the same in money: realised Σ min(T, A), unrealised Σ max(T − A, 0), emergent Σ max(A − T, 0); null without money targets (METRICS.md M23)';

CREATE FUNCTION pl.metric_deliberate_emergent(q pl.metric_query, f pl.facts) RETURNS SETOF pl.metric_row
LANGUAGE plpgsql STABLE AS $$
DECLARE
  v_targets jsonb;
BEGIN
  q.weight := 'bookings';
  v_targets := pl.money_targets(q);
  RETURN QUERY
  SELECT m.total, m.key, m.period, 1 - m.tv, (1 - m.tv) * m.amount, m.amount, m.n, NULL::numeric[], m.reason,
         pl.excluded(q, m.unplaced_n, m.unplaced, s.unpriced, s.no_amount, s.no_owner), pl.quality(q, m.amount, m.unplaced, s.backcast), '{}'::json,
         json_build_object('deliberate', round(1 - m.tv, 6), 'unrealised', round(m.tv, 6), 'emergent', round(m.tv, 6), 'keys', coalesce(k.keys, '[]'),
                           'money', pl.deliberate_money(q, m::pl.mix_place, v_targets))
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

INSERT INTO pl.metric (key, id, name, formula, unit, terms, basis, groupings, nulls, note, needs, core, drill, narrows, overs) VALUES
  ('deliberate_emergent', 'M23', 'Deliberate and emergent strategy', 'deliberate = Σ min(target, actual); unrealised = Σ max(target − actual, 0); emergent = Σ max(actual − target, 0)',
   'fraction', 'money', 'deals won with closed_at in the period; over=segment (default), product, or segment_product: the pairs, whose target is the product of both',
   '{rep,team,period}', 'as segment_mix and product_mix; parts.money without money targets, and for single reps and teams: null',
   'The value is the deliberate share; parts.keys says it by key. Keys without a target are unplanned. parts.money: the same against the strategy''s '
   'money_targets, taken as they stand, with prorate=true in proportion to the days of the period.',
   '{closed,over}', NULL, 'mix', '{segment,tier,product,origin}', '{segment,product,segment_product}');
