-- M01: of the clients there are, the part that fits the strategy; by count and by their revenue.

CREATE FUNCTION pl.client_revenue(q pl.metric_query, p_at timestamptz) RETURNS TABLE (account_id text, money numeric)
LANGUAGE plpgsql STABLE SET plan_cache_mode = force_custom_plan SET jit = off AS $$
DECLARE
  v_all pl.metric_query := pl.unfiltered(q);
BEGIN
  v_all.credit := 'at_event';
  RETURN QUERY
  SELECT coalesce(m.survivor, d.account_id), sum(d.money)
  FROM pl.closed_deals(v_all, p_at - interval '365 days', p_at + interval '1 microsecond') d
  LEFT JOIN pl.merged_accounts(q, p_at) m ON m.account_id = d.account_id
  WHERE d.outcome = 'won' AND d.money IS NOT NULL
  GROUP BY 1;
END
$$;
COMMENT ON FUNCTION pl.client_revenue IS 'won money of each account in the 365 days up to the instant the stock is taken, whoever won it';

CREATE TYPE pl.client AS (
  account_id text, name text, owner text, team text, segment text, tier text, class text, reason text, backcast boolean, money numeric, unpriced boolean
);

CREATE FUNCTION pl.clients(q pl.metric_query, p_at timestamptz) RETURNS SETOF pl.client
LANGUAGE plpgsql STABLE SET plan_cache_mode = force_custom_plan SET jit = off AS $$
DECLARE
  v_day date := pl.local_date(p_at, q.zone);
BEGIN
  IF q.revenue_basis = 'attribute' THEN
    RETURN QUERY
    SELECT a.account_id, a.name, a.owner, a.team, a.segment, a.tier, a.class, a.reason, a.backcast, r.money, r.amount IS NOT NULL AND r.money IS NULL
    FROM pl.account_rows(q, p_at) a
    CROSS JOIN LATERAL (SELECT pl.as_number(a.attrs -> 'annual_revenue_from_account') AS amount) x
    CROSS JOIN LATERAL (SELECT x.amount, pl.convert(q.org, x.amount, q.reporting, q.currency, v_day, q.as_of, q.known_at) AS money) r
    WHERE a.status = 'customer';
    RETURN;
  END IF;
  RETURN QUERY
  SELECT a.account_id, a.name, a.owner, a.team, a.segment, a.tier, a.class, a.reason, a.backcast, r.money, false
  FROM pl.account_rows(q, p_at) a
  LEFT JOIN pl.client_revenue(q, p_at) r ON r.account_id = a.account_id
  WHERE a.status = 'customer';
END
$$;
COMMENT ON FUNCTION pl.clients IS
  'accounts that are clients at an instant, judged then, with their revenue: won money of the year before, or (revenue_basis=attribute) their '
  'annual_revenue_from_account, which is in the reporting currency';

CREATE FUNCTION pl.metric_client_share_on_strategy(q pl.metric_query, f pl.facts) RETURNS SETOF pl.metric_row
LANGUAGE plpgsql STABLE SET plan_cache_mode = force_custom_plan SET jit = off AS $$
BEGIN
  RETURN QUERY
  WITH placed AS MATERIALIZED (
    SELECT true AS total, NULL::text AS key, NULL::int AS period, c.* FROM pl.clients(q, q.stock_at) c
    UNION ALL
    SELECT false, pl.group_key(q, c.owner, c.team, c.segment, c.tier, c.class, NULL, i.period), i.period, c.*
    FROM pl.stock_instants(q) i, pl.clients(q, i.at) c
    WHERE q.grouped_by IS NOT NULL
  ), summed AS (
    SELECT p.total, p.key, p.period, count(*) FILTER (WHERE p.class = 'on') AS n_on, count(*) FILTER (WHERE p.class = 'off') AS n_off,
           count(*) FILTER (WHERE p.class = 'unknown') AS n_unknown, coalesce(sum(p.money) FILTER (WHERE p.class = 'on'), 0) AS on_money,
           coalesce(sum(p.money) FILTER (WHERE p.class = 'off'), 0) AS off_money,
           coalesce(sum(p.money) FILTER (WHERE p.class = 'unknown'), 0) AS unknown_money,
           count(p.money) FILTER (WHERE p.class <> 'unknown') AS with_money, count(*) FILTER (WHERE p.unpriced) AS unpriced,
           count(*) FILTER (WHERE p.money IS NULL AND NOT p.unpriced) AS without, count(*) FILTER (WHERE p.owner IS NULL) AS no_owner,
           count(*) FILTER (WHERE p.backcast) AS backcast
    FROM placed p GROUP BY p.total, p.key, p.period
  )
  SELECT a.total, a.key, a.period, pl.ratio(x.n_on, x.n), x.n_on, x.n, x.n, pl.wilson(x.n_on, x.n),
         CASE WHEN x.n = 0 THEN 'empty_denominator' END,
         pl.excluded(q, x.n_unknown, coalesce(s.unknown_money, 0), coalesce(s.unpriced, 0), coalesce(s.without, 0), coalesce(s.no_owner, 0)),
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

INSERT INTO pl.metric (key, id, name, formula, unit, terms, basis, groupings, nulls, note, needs, core, drill, narrows) VALUES
  ('client_share_on_strategy', 'M01', 'Clients on strategy', 'clients that fit / (fit + do not fit); revenue: the same by money won in 365 days', 'fraction', 'count',
   'accounts with status customer at the end of the period (at as_of when given), judged then', '{rep,team,segment,tier,period}', 'no clients: empty_denominator',
   'rep: the account''s owner. Clients without revenue count in the count form only (excluded.no_amount). revenue_basis=attribute: their attribute '
   'annual_revenue_from_account, in the reporting currency, instead of won money.', '{}', NULL, 'clients', '{segment,tier}');
