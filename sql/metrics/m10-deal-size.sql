-- M10: how large won deals are.

CREATE FUNCTION pl.metric_deal_size(q pl.metric_query, f pl.facts) RETURNS SETOF pl.metric_row
LANGUAGE plpgsql STABLE SET plan_cache_mode = force_custom_plan SET jit = off SET work_mem = '64MB' AS $$
BEGIN
  RETURN QUERY
  WITH deal AS (
    SELECT p.total, coalesce(p.key, '') AS key, coalesce(p.period, 0) AS period, p.class, p.money, p.credit, p.unpriced, p.backcast, p.no_owner,
           -- who shares a deal does not make it smaller
           CASE WHEN p.credit = 1 THEN p.money ELSE p.money / nullif(p.credit, 0) END AS size
    FROM pl.placed_won(q) p
  ), side AS (
    SELECT d.total, d.key, d.period, CASE WHEN grouping(d.class) = 1 THEN 'all' ELSE d.class END AS class,
           coalesce(sum(d.credit) FILTER (WHERE d.money IS NOT NULL), 0) AS n, sum(d.money) AS sum,
           max(d.size) AS largest, percentile_cont(0.5) WITHIN GROUP (ORDER BY d.size::float8) AS median,
           sum(d.credit) AS deals, coalesce(sum(d.credit) FILTER (WHERE d.unpriced), 0) AS unpriced, count(*) FILTER (WHERE d.backcast) AS backcast, count(*) FILTER (WHERE d.no_owner) AS no_owner
    FROM deal d GROUP BY GROUPING SETS ((d.total, d.key, d.period, d.class), (d.total, d.key, d.period))
  ), part AS MATERIALIZED (
    SELECT s.total, s.key, s.period, s.class, s.n, s.sum, s.deals, s.unpriced, s.backcast, s.no_owner, pl.ratio(s.sum, s.n) AS mean,
           json_build_object('n', trim_scale(s.n), 'mean', pl.money_text(pl.ratio(s.sum, s.n), q.currency), 'median', pl.money_text(s.median::numeric, q.currency),
                             'without_largest', CASE WHEN s.n > 1 AND q.credit <> 'split' THEN pl.money_text(pl.ratio(s.sum - s.largest, s.n - 1), q.currency) END) AS shown
    FROM side s
  )
  SELECT a.total, a.key, a.period, p.mean, coalesce(p.sum, 0), NULL::numeric, coalesce(p.n, 0), NULL::numeric[],
         CASE WHEN p.mean IS NULL THEN 'empty_denominator' END,
         pl.excluded(q, coalesce(u.deals, 0), coalesce(u.sum, 0), coalesce(p.unpriced, 0), coalesce(p.deals - p.n - p.unpriced, 0), coalesce(p.no_owner, 0)),
         pl.quality(q, coalesce(p.sum, 0) - coalesce(u.sum, 0), coalesce(u.sum, 0), coalesce(p.backcast, 0)), '{}'::json,
         json_build_object('all', p.shown, 'on', o.shown, 'off', x.shown)
  FROM pl.answer_places(q, ARRAY(SELECT DISTINCT y.key FROM part y WHERE NOT y.total)) a
  LEFT JOIN part p ON p.class = 'all' AND (p.total, p.key, p.period) = (a.total, coalesce(a.key, ''), coalesce(a.period, 0))
  LEFT JOIN part o ON o.class = 'on' AND (o.total, o.key, o.period) = (a.total, coalesce(a.key, ''), coalesce(a.period, 0))
  LEFT JOIN part x ON x.class = 'off' AND (x.total, x.key, x.period) = (a.total, coalesce(a.key, ''), coalesce(a.period, 0))
  LEFT JOIN part u ON u.class = 'unknown' AND (u.total, u.key, u.period) = (a.total, coalesce(a.key, ''), coalesce(a.period, 0));
END
$$;

INSERT INTO pl.metric (key, id, name, formula, unit, terms, basis, groupings, nulls, note, needs, core, drill, adds) VALUES
  ('deal_size', 'M10', 'Deal size', 'mean of won money; also the median and the mean without the largest deal, for on- and off-strategy deals', 'money', 'money',
   'deals won with closed_at in the period', '{rep,team,segment,product,tier,origin,period}', 'nothing won with a price: empty_denominator; without_largest of a single deal: null',
   'Deals without amount are in excluded.no_amount, those without a rate in excluded.unpriced. By product: the family''s part of each deal.', '{}', NULL, 'closed',
   'numerators add up to that of the number, which is divided by how many have a price');
