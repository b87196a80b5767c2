-- M01: of the clients there are, the part that fits the strategy; by count and by their revenue.

CREATE FUNCTION pl.client_revenue(q pl.metric_query, p_at timestamptz) RETURNS TABLE (account_id text, money numeric)
LANGUAGE plpgsql STABLE SET plan_cache_mode = force_custom_plan SET jit = off AS $$
DECLARE
  v_all pl.metric_query := q;
BEGIN
  v_all.reps := NULL;
  v_all.teams := NULL;
  v_all.segment := NULL;
  v_all.tier := NULL;
  v_all.origin := NULL;
  v_all.product := NULL;
  v_all.credit := 'at_event';
  RETURN QUERY
  SELECT d.account_id, sum(d.money)
  FROM pl.closed_deals(v_all, p_at - interval '365 days', p_at + interval '1 microsecond') d
  WHERE d.outcome = 'won' AND d.money IS NOT NULL
  GROUP BY d.account_id;
END
$$;
COMMENT ON FUNCTION pl.client_revenue IS 'won money of each account in the 365 days up to the instant the stock is taken, whoever won it';

CREATE FUNCTION pl.clients(q pl.metric_query, p_at timestamptz)
RETURNS TABLE (key text, class text, no_owner boolean, backcast boolean, money numeric)
LANGUAGE plpgsql STABLE SET plan_cache_mode = force_custom_plan SET jit = off AS $$
DECLARE
  v_as_of timestamptz := CASE WHEN q.as_of IS NOT NULL OR p_at < q.upto THEN p_at END;
BEGIN
  RETURN QUERY
  SELECT CASE q.grouped_by WHEN 'rep' THEN coalesce(a.owner, '__none__') WHEN 'team' THEN coalesce(a.team, '__none__') WHEN 'segment' THEN a.segment
                   WHEN 'tier' THEN a.tier END,
         a.class, a.owner IS NULL, a.backcast, r.money
  FROM pl.accounts_judged(q.org, v_as_of, q.known_at, q.fit_basis) a
  LEFT JOIN pl.client_revenue(q, p_at) r ON r.account_id = a.account_id
  WHERE a.status = 'customer' AND pl.within(q, a.owner, a.team, a.segment, a.tier, NULL, '{}');
END
$$;
COMMENT ON FUNCTION pl.clients IS 'accounts that are clients at an instant, judged then, with their revenue of the year before';

CREATE FUNCTION pl.metric_client_share_on_strategy(q pl.metric_query, f pl.facts) RETURNS SETOF pl.metric_row
LANGUAGE plpgsql STABLE SET plan_cache_mode = force_custom_plan SET jit = off AS $$
BEGIN
  RETURN QUERY
  WITH placed AS MATERIALIZED (
    SELECT true AS total, NULL::text AS key, NULL::int AS period, c.class, c.no_owner, c.backcast, c.money
    FROM pl.clients(q, q.stock_at) c
    UNION ALL
    SELECT false, CASE WHEN q.grouped_by = 'period' THEN (q.subs[i.period]).label ELSE c.key END, i.period, c.class, c.no_owner, c.backcast, c.money
    FROM pl.stock_instants(q) i, pl.clients(q, i.at) c
    WHERE q.grouped_by IS NOT NULL
  ), summed AS (
    SELECT p.total, p.key, p.period, count(*) FILTER (WHERE p.class = 'on') AS n_on, count(*) FILTER (WHERE p.class = 'off') AS n_off,
           count(*) FILTER (WHERE p.class = 'unknown') AS n_unknown, coalesce(sum(p.money) FILTER (WHERE p.class = 'on'), 0) AS on_money,
           coalesce(sum(p.money) FILTER (WHERE p.class = 'off'), 0) AS off_money,
           coalesce(sum(p.money) FILTER (WHERE p.class = 'unknown'), 0) AS unknown_money,
           count(p.money) FILTER (WHERE p.class <> 'unknown') AS with_money, count(*) FILTER (WHERE p.no_owner) AS no_owner,
           count(*) FILTER (WHERE p.backcast) AS backcast
    FROM placed p GROUP BY p.total, p.key, p.period
  )
  SELECT a.total, a.key, a.period, pl.ratio(x.n_on, x.n), x.n_on, x.n, x.n, pl.wilson(x.n_on, x.n),
         CASE WHEN x.n = 0 THEN 'empty_denominator' END,
         pl.excluded(q, x.n_unknown, coalesce(s.unknown_money, 0), 0, 0, coalesce(s.no_owner, 0)),
         pl.quality(q, x.n, x.n_unknown, coalesce(s.backcast, 0)),
         json_build_object('count', pl.count_form(q, x.n_on, x.n),
                           'revenue', pl.money_form(q, coalesce(s.on_money, 0), coalesce(s.off_money, 0), coalesce(s.with_money, 0))),
         json_build_object('on', json_build_object('n', x.n_on, 'amount', pl.money_text(coalesce(s.on_money, 0), q.currency)),
                           'off', json_build_object('n', x.n - x.n_on, 'amount', pl.money_text(coalesce(s.off_money, 0), q.currency)),
                           'unknown', json_build_object('n', x.n_unknown, 'amount', pl.money_text(coalesce(s.unknown_money, 0), q.currency)))
  FROM pl.answer_places(q, ARRAY(SELECT DISTINCT p.key FROM placed p)) a
  LEFT JOIN summed s ON (s.total, coalesce(s.key, ''), coalesce(s.period, 0)) = (a.total, coalesce(a.key, ''), coalesce(a.period, 0))
  CROSS JOIN LATERAL (SELECT coalesce(s.n_on, 0)::numeric AS n_on, coalesce(s.n_on + s.n_off, 0)::numeric AS n,
                             coalesce(s.n_unknown, 0)::numeric AS n_unknown) x;
END
$$;

INSERT INTO pl.metric (key, id, name, formula, unit, terms, basis, groupings, nulls, note, needs, core, drill) VALUES
  ('client_share_on_strategy', 'M01', 'Clients on strategy', 'clients that fit / (fit + do not fit); revenue: the same by money won in 365 days', 'fraction', 'count',
   'accounts with status customer at the end of the period (at as_of when given), judged then', '{rep,team,segment,tier,period}', 'no clients: empty_denominator',
   'rep: the account''s owner. Clients without revenue count in the count form only.', '{}', NULL, NULL);
