-- M25: win rates side by side, without small numbers leading or trailing by luck.

CREATE FUNCTION pl.metric_leaderboard(q pl.metric_query, f pl.facts) RETURNS SETOF pl.metric_row
LANGUAGE plpgsql STABLE AS $$
DECLARE
  v_k numeric[];
  v_n numeric[];
  v_strength numeric;
  v_prior numeric;
BEGIN
  SELECT array_agg(r.numerator), array_agg(r.denominator), pl.ratio(sum(r.numerator), sum(r.denominator)) INTO v_k, v_n, v_prior
  FROM pl.metric_win_rate(q, f) r WHERE NOT r.total;
  v_strength := pl.shrinkage_strength(v_k, v_n);
  RETURN QUERY
  WITH rate AS MATERIALIZED (
    SELECT r.*, CASE WHEN r.denominator > 0 THEN pl.shrunk(r.numerator, r.denominator, v_prior, v_strength) END AS shrunk,
           NOT r.total AND r.denominator > 0 AND (r.denominator >= q.min_n OR q.include_low_n) AS ranked
    FROM pl.metric_win_rate(q, f) r
  ), placed AS (
    SELECT r.*, CASE WHEN r.ranked THEN
                  rank() OVER (PARTITION BY r.ranked, r.period ORDER BY round(CASE q.rank WHEN 'wilson_low' THEN r.ci[1] ELSE r.shrunk END, 12) DESC) END AS place
    FROM rate r
  )
  SELECT p.total, p.key, p.period, CASE WHEN p.total THEN p.value WHEN q.rank = 'wilson_low' THEN p.ci[1] ELSE p.shrunk END, p.numerator, p.denominator, p.n, p.ci,
         p.reason, p.excluded, p.quality, '{}'::json,
         json_build_object('rank', p.place, 'raw', round(p.value, 6), 'shrunk', round(CASE WHEN NOT p.total THEN p.shrunk END, 6),
                           'wilson_low', round(p.ci[1], 6), 'wilson_high', round(p.ci[2], 6), 'prior', round(v_prior, 6), 'strength', round(v_strength, 6))
  FROM placed p;
END
$$;

INSERT INTO pl.metric (key, id, name, formula, unit, terms, basis, groupings, nulls, note, needs, core, drill) VALUES
  ('leaderboard', 'M25', 'Leaderboard of win rates', 'shrunk = (won + M · p₀) / (n + M), p₀ the pooled rate, M by moments over the groups; rank=wilson_low: the lower bound instead',
   'fraction', 'count', 'as win_rate', '{rep,team,period}', 'as win_rate',
   'parts.rank: 1 is best, ties share a rank; rows below min_n have none unless include_low_n=true. parts give raw rate, bounds, p₀ (prior) and M (strength).',
   '{closed}', NULL, 'closed');
