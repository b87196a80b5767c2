-- M19: on how few clients the business hangs.

CREATE FUNCTION pl.placed_book(q pl.metric_query) RETURNS SETOF pl.placed_deal
LANGUAGE plpgsql STABLE AS $$
BEGIN
  IF q.weight = 'pipeline' THEN
    RETURN QUERY SELECT * FROM pl.placed_open(q);
  ELSE
    RETURN QUERY SELECT * FROM pl.placed_won(q);
  END IF;
END
$$;
COMMENT ON FUNCTION pl.placed_book IS 'the deals whose concentration is asked for: won, or open with weight=pipeline';

CREATE FUNCTION pl.metric_concentration(q pl.metric_query, f pl.facts) RETURNS SETOF pl.metric_row
LANGUAGE plpgsql STABLE SET plan_cache_mode = force_custom_plan SET jit = off SET work_mem = '64MB' AS $$
BEGIN
  RETURN QUERY
  WITH deal AS (
    SELECT p.total, coalesce(p.key, '') AS key, coalesce(p.period, 0) AS period, p.account_id, p.money, p.credit, p.unpriced, p.no_owner, p.backcast FROM pl.placed_book(q) p
  ), client AS MATERIALIZED (
    SELECT d.total, d.key, d.period, d.account_id, greatest(sum(d.money), 0) AS money, max(d.money) AS largest, sum(d.credit) AS n
    FROM deal d WHERE d.account_id IS NOT NULL AND d.money IS NOT NULL GROUP BY d.total, d.key, d.period, d.account_id
  ), book AS MATERIALIZED (
    SELECT c.total, c.key, c.period, sum(c.money) AS money, max(c.money) AS top, max(c.largest) AS largest, sum(c.n) AS n, count(*) AS clients,
           pl.ratio(sum(c.money * c.money), sum(c.money) ^ 2) AS hhi, (array_agg(c.account_id ORDER BY c.largest DESC, c.account_id))[1] AS holder
    FROM client c GROUP BY c.total, c.key, c.period
  ), lighter AS MATERIALIZED (
    -- the same book had its largest deal not been
    SELECT b.total, b.key, b.period, max(x.money) AS top, sum(x.money) AS money, pl.ratio(sum(x.money * x.money), sum(x.money) ^ 2) AS hhi
    FROM book b
    JOIN client c ON (c.total, c.key, c.period) = (b.total, b.key, b.period)
    CROSS JOIN LATERAL (SELECT CASE WHEN c.account_id = b.holder THEN greatest(c.money - b.largest, 0) ELSE c.money END AS money) x
    WHERE b.n > 1 AND q.credit <> 'split'
    GROUP BY b.total, b.key, b.period
  ), left_out AS MATERIALIZED (
    SELECT d.total, d.key, d.period, coalesce(sum(d.credit) FILTER (WHERE d.account_id IS NULL), 0) AS unknown,
           coalesce(sum(d.money) FILTER (WHERE d.account_id IS NULL), 0) AS unknown_money, coalesce(sum(d.credit) FILTER (WHERE d.unpriced), 0) AS unpriced,
           coalesce(sum(d.credit) FILTER (WHERE d.money IS NULL AND NOT d.unpriced), 0) AS no_amount,
           count(*) FILTER (WHERE d.no_owner) AS no_owner, count(*) FILTER (WHERE d.backcast) AS backcast
    FROM deal d GROUP BY d.total, d.key, d.period
  )
  SELECT a.total, a.key, a.period, b.hhi, NULL::numeric, coalesce(b.money, 0), coalesce(b.n, 0), NULL::numeric[],
         CASE WHEN b.hhi IS NULL THEN 'empty_denominator' END,
         pl.excluded(q, coalesce(o.unknown, 0), coalesce(o.unknown_money, 0), coalesce(o.unpriced, 0), coalesce(o.no_amount, 0), coalesce(o.no_owner, 0)),
         pl.quality(q, coalesce(b.money, 0), coalesce(o.unknown_money, 0), coalesce(o.backcast, 0)), '{}'::json,
         json_build_object('clients', coalesce(b.clients, 0), 'effective_clients', round(pl.ratio(1, b.hhi), 6),
                           'normalised', CASE WHEN b.clients > 1 THEN round((b.hhi - 1.0 / b.clients) / (1 - 1.0 / b.clients), 6) END,
                           'top_share', round(pl.ratio(b.top, b.money), 6), 'largest_deal_share', CASE WHEN q.credit <> 'split' THEN round(pl.ratio(b.largest, b.money), 6) END,
                           'without_largest', round(w.hhi, 6), 'top_share_without_largest', round(pl.ratio(w.top, w.money), 6))
  FROM pl.answer_places(q, ARRAY(SELECT DISTINCT x.key FROM left_out x WHERE NOT x.total)) a
  LEFT JOIN book b ON (b.total, b.key, b.period) = (a.total, coalesce(a.key, ''), coalesce(a.period, 0))
  LEFT JOIN left_out o ON (o.total, o.key, o.period) = (a.total, coalesce(a.key, ''), coalesce(a.period, 0))
  LEFT JOIN lighter w ON (w.total, w.key, w.period) = (b.total, b.key, b.period);
END
$$;

CREATE FUNCTION pl.drill_concentration(q pl.metric_query, m pl.metric) RETURNS SETOF pl.drill_row
LANGUAGE plpgsql STABLE SET plan_cache_mode = force_custom_plan SET jit = off SET work_mem = '64MB' AS $$
DECLARE
  v_reps boolean := pl.shows_reps(q);
BEGIN
  RETURN QUERY
  WITH deal AS MATERIALIZED (
    SELECT c::pl.deal_row AS d, c.account_id, c.money * pl.counted_portion(q, c.families, c.weights) AS counts
    FROM (SELECT w.* FROM pl.closed_deals(q, q.start_at, q.end_at) w WHERE q.weight <> 'pipeline' AND w.outcome = 'won'
          UNION ALL
          SELECT o.* FROM pl.open_named(q) o WHERE q.weight = 'pipeline') c
  ), client AS MATERIALIZED (
    SELECT x.account_id, greatest(sum(x.counts), 0) AS money FROM deal x WHERE x.account_id IS NOT NULL AND x.counts IS NOT NULL GROUP BY x.account_id
  ), book AS (
    SELECT sum(c.money) AS money FROM client c
  )
  SELECT pl.deal_place(x.d), pl.deal_line(q, x.d, v_reps, NULL, NULL, pl.exact(CASE WHEN c.money > 0 THEN x.counts END, q),
                                          CASE WHEN c.money > 0 THEN pl.ratio(c.money * x.counts, b.money ^ 2) END)
  FROM deal x CROSS JOIN book b LEFT JOIN client c ON c.account_id = x.account_id;
END
$$;
COMMENT ON FUNCTION pl.drill_concentration IS 'deals behind the concentration; each contributes its own share times that of its client, and the sum is the index';

INSERT INTO pl.metric (key, id, name, formula, unit, terms, basis, groupings, nulls, note, needs, core, drill, narrows, adds) VALUES
  ('concentration', 'M19', 'Concentration', 'Herfindahl index Σ share² of won money over clients; effective number of clients = 1 / it', 'fraction', 'money',
   'deals won with closed_at in the period, by the account then; weight=pipeline: deals open at its end', '{rep,team,segment,tier,origin,product,period}', 'nothing won: empty_denominator',
   '1 is a single client, 1/n is n equal ones; normalised goes from 0 to 1 whatever their number. Clients below 0 count as 0. Deals without '
   'account are in excluded.unknown. Bands made for markets (0.15, 0.25) say nothing about a book of business. without_largest, top_share_without_largest: the same had the largest deal not been.', '{}', NULL, 'concentration', '{segment,tier,product,origin}',
   'contributions add up to the value, denominators to its denominator');
