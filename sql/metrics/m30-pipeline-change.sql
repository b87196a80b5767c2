-- M30: what became of the pipeline between two instants. Every deal leaves a trail of movements; they add up from opening to closing.

-- One movement of one deal: what it brings to, or takes from (below 0), the pipeline of one place. step opening, closing: the stocks.
CREATE TYPE pl.pipeline_move AS (
  period int, deal_id text, step text, rep text, team text, segment text, tier text, class text, amount numeric, n numeric,
  unpriced boolean, no_amount boolean, backcast boolean
);

-- A deal, or under split credit a rep's part of it, at one of the two instants. state: open, won or lost. day: whose rate priced it.
CREATE TYPE pl.pipeline_unit AS (
  deal_id text, unit text, state text, rep text, team text, segment text, tier text, class text, amount numeric, currency text, money numeric, n numeric,
  due boolean, day date, backcast boolean
);

CREATE FUNCTION pl.pipeline_units(q pl.metric_query, p_rows pl.deal_row[], p_last_on date) RETURNS SETOF pl.pipeline_unit
LANGUAGE plpgsql STABLE AS $$
BEGIN
  RETURN QUERY
  SELECT d.deal_id, CASE q.credit WHEN 'split' THEN coalesce(d.rep, '') ELSE '' END, CASE WHEN d.outcome IN ('open', 'won') THEN d.outcome ELSE 'lost' END,
         d.rep, d.team, d.segment, d.tier, d.class, d.amount * x.portion, d.currency, d.money * x.portion, d.credit,
         q.due = 'any' OR coalesce(d.expected_close <= p_last_on, true), pl.local_date(d.at, q.zone), d.backcast
  FROM unnest(p_rows) d
  CROSS JOIN LATERAL (SELECT pl.counted_portion(q, d.families, d.weights) AS portion) x;
END
$$;
COMMENT ON FUNCTION pl.pipeline_units IS 'deals as the pipeline counts them; due: expected to close by the period''s last day, or without such a date';

CREATE FUNCTION pl.pipeline_left(q pl.metric_query, p_from timestamptz, p_to timestamptz, p_open text[], p_still text[]) RETURNS pl.deal_row[]
LANGUAGE plpgsql STABLE SET plan_cache_mode = force_custom_plan SET jit = off AS $$
DECLARE
  v_ids  text[];
  v_past text[];
  v_rows pl.deal_row[];
BEGIN
  v_ids := ARRAY(SELECT o FROM unnest(p_open) o UNION SELECT f.deal_id FROM pl.facts_between(q, 'created', p_from + interval '1 microsecond', p_to + interval '1 microsecond') f
                 EXCEPT SELECT s FROM unnest(p_still) s);
  v_rows := ARRAY(SELECT pl.closed_row(q, f) FROM pl.deal_facts(q.org, q.as_of, q.known_at, v_ids) f
                  WHERE f.outcome IN ('won', 'lost') AND least(f.closed_at, f.closed_transition_at) <= p_to);
  -- What is not decided as things stand, or was decided again since, is looked up as it was.
  v_past := ARRAY(SELECT i FROM unnest(v_ids) i EXCEPT SELECT r.deal_id FROM unnest(v_rows) r);
  IF v_past <> '{}' THEN
    v_rows := v_rows || ARRAY(SELECT pl.closed_row(q, f) FROM pl.derive_deal_facts(q.org, p_to, q.known_at, v_past) f WHERE f.outcome IN ('won', 'lost'));
  END IF;
  RETURN pl.credited(q, pl.rejudged(q, v_rows));
END
$$;
COMMENT ON FUNCTION pl.pipeline_left IS 'the deals that were open at p_from, or came since, and are decided at p_to: as rows of their decision';

CREATE FUNCTION pl.pipeline_moves_of(q pl.metric_query, p_period int, p_from timestamptz, p_to timestamptz, p_last_on date) RETURNS SETOF pl.pipeline_move
LANGUAGE plpgsql STABLE SET plan_cache_mode = force_custom_plan SET jit = off SET work_mem = '64MB' AS $$
DECLARE
  v_all   pl.metric_query := q;
  v_open  pl.deal_row[];
  v_still pl.deal_row[];
  v_left  pl.deal_row[];
  v_day   date := pl.local_date(p_to, q.zone);
  v_rates jsonb := CASE WHEN q.as_of IS NULL AND q.known_at IS NULL THEN pl.day_rates(q.org, q.currency, v_day) END;
BEGIN
  -- Whose a deal is, and what it is judged to be, may change in between: filters hold for each movement, not for the deal.
  v_all.reps := NULL;
  v_all.teams := NULL;
  v_all.segment := NULL;
  v_all.tier := NULL;
  v_open := ARRAY(SELECT d FROM pl.open_rows(v_all, p_from) d);
  v_still := ARRAY(SELECT d FROM pl.open_rows(v_all, p_to) d);
  v_left := pl.pipeline_left(v_all, p_from, p_to, ARRAY(SELECT DISTINCT d.deal_id FROM unnest(v_open) d), ARRAY(SELECT DISTINCT d.deal_id FROM unnest(v_still) d));
  v_all := q;
  v_all.origin := NULL;
  v_all.product := NULL;
  RETURN QUERY
  WITH a AS MATERIALIZED (
    SELECT * FROM pl.pipeline_units(q, v_open, p_last_on)
  ), e AS MATERIALIZED (
    SELECT * FROM pl.pipeline_units(q, v_still, p_last_on)
    UNION ALL
    SELECT * FROM pl.pipeline_units(q, v_left, p_last_on)
  ), both_ends AS (
    SELECT coalesce(a.deal_id, e.deal_id) AS deal_id, a.deal_id IS NOT NULL AS has_a, e.deal_id IS NOT NULL AS has_e,
           a.rep AS a_rep, a.team AS a_team, a.segment AS a_segment, a.tier AS a_tier, a.class AS a_class, a.amount AS a_amount, a.currency AS a_currency,
           coalesce(a.money, 0) AS a_money, a.n AS a_n, a.due AS a_due, a.money IS NULL AND a.amount IS NOT NULL AS a_unpriced, a.amount IS NULL AS a_none,
           a.backcast AS a_backcast,
           e.rep, e.team, e.segment, e.tier, e.class, coalesce(e.money, 0) AS money, e.n, e.due, e.state, e.day,
           e.money IS NULL AND e.amount IS NOT NULL AS unpriced, e.amount IS NULL AS none, e.backcast
    FROM a FULL JOIN e ON e.deal_id = a.deal_id AND e.unit = a.unit
  ), fated AS (
    SELECT b.*, bool_or(b.has_a) OVER d AS was, coalesce(bool_or(b.a_due) OVER d, false) AS was_due, max(b.state) OVER d AS fate,
           coalesce(bool_or(b.due) OVER d, false) AS is_due, max(b.a_segment) OVER d AS d_segment, max(b.a_tier) OVER d AS d_tier, max(b.a_class) OVER d AS d_class,
           max(b.a_currency) OVER d AS d_currency,
           -- what of the deal's opening worth is this unit's at the closing
           pl.ratio(b.n, sum(b.n) OVER d) * sum(b.a_money) OVER d AS moved, pl.ratio(b.n, sum(b.n) OVER d) * sum(b.a_amount) OVER d AS moved_amount
    FROM both_ends b WINDOW d AS (PARTITION BY b.deal_id)
  ), way AS MATERIALIZED (
    SELECT f.*,
           CASE WHEN f.was_due AND (f.fate = 'open' AND f.is_due OR f.fate = 'won') THEN 'stays'
                WHEN f.was_due AND f.fate = 'open' THEN 'goes'
                WHEN f.was_due THEN 'leaves'
                WHEN f.fate = 'open' AND f.is_due OR f.fate = 'won' OR (f.fate = 'lost' AND NOT f.was AND f.is_due) THEN 'comes' END AS way,
           (f.a_rep, f.a_team, f.a_money, f.a_n, f.has_a) IS DISTINCT FROM (f.rep, f.team, f.moved, f.n, f.has_e) AS handed_over,
           -- what the opening amount would be at the closing day's rate
           CASE WHEN f.was_due AND f.has_e THEN
             coalesce(CASE WHEN f.d_currency IS NULL OR f.d_currency = q.currency THEN f.moved_amount
                           WHEN f.day = v_day AND v_rates IS NOT NULL THEN pl.converted(v_rates, q.org, f.moved_amount, f.d_currency, q.currency, v_day)
                           ELSE pl.convert(q.org, f.moved_amount, f.d_currency, q.currency, f.day, q.as_of, q.known_at) END, 0) END AS repriced
    FROM fated f
  )
  SELECT p_period, w.deal_id, m.step, m.rep, m.team, m.segment, m.tier, m.class, m.amount, m.n, m.unpriced, m.no_amount, m.backcast
  FROM way w
  CROSS JOIN LATERAL (
    SELECT 'opening' AS step, w.a_rep AS rep, w.a_team AS team, w.a_segment AS segment, w.a_tier AS tier, w.a_class AS class, w.a_money AS amount, w.a_n AS n,
           w.a_unpriced AS unpriced, w.a_none AS no_amount, w.a_backcast AS backcast
    WHERE w.was_due AND w.has_a
    UNION ALL
    SELECT 'reassigned', w.a_rep, w.a_team, w.a_segment, w.a_tier, w.a_class, -w.a_money, -w.a_n, false, false, false
    WHERE w.has_a AND w.handed_over AND (w.way = 'stays' OR w.way = 'leaves' AND w.fate IS NOT NULL)
    UNION ALL
    SELECT 'reassigned', w.rep, w.team, w.d_segment, w.d_tier, w.d_class, w.moved, w.n, false, false, false
    WHERE w.has_e AND w.handed_over AND w.way IN ('stays', 'leaves')
    UNION ALL
    SELECT 'refit', w.rep, w.team, x.segment, x.tier, x.class, x.side * w.moved, x.side * w.n, false, false, false
    FROM (VALUES (-1, w.d_segment, w.d_tier, w.d_class), (1, w.segment, w.tier, w.class)) AS x(side, segment, tier, class)
    WHERE w.has_e AND w.way IN ('stays', 'leaves') AND (w.d_segment, w.d_tier, w.d_class) IS DISTINCT FROM (w.segment, w.tier, w.class)
    UNION ALL
    SELECT 'fx', w.rep, w.team, w.segment, w.tier, w.class, w.repriced - w.moved, w.n, false, false, false
    WHERE w.has_e AND w.way = 'stays' AND w.repriced <> w.moved
    UNION ALL
    SELECT CASE WHEN w.money > w.repriced THEN 'increased' ELSE 'decreased' END, w.rep, w.team, w.segment, w.tier, w.class, w.money - w.repriced, w.n, false,
           false, false
    WHERE w.has_e AND w.way = 'stays' AND w.money <> w.repriced
    UNION ALL
    SELECT CASE WHEN w.was THEN 'pulled_in' ELSE 'new' END, w.rep, w.team, w.segment, w.tier, w.class, w.money, w.n, false, false, false
    WHERE w.has_e AND w.way = 'comes'
    UNION ALL
    SELECT 'pushed_out', w.a_rep, w.a_team, w.a_segment, w.a_tier, w.a_class, -w.a_money, -w.a_n, false, false, false
    WHERE w.has_a AND w.way = 'goes'
    UNION ALL
    SELECT 'won', w.rep, w.team, w.segment, w.tier, w.class, -w.money, -w.n, false, false, false
    WHERE w.has_e AND w.fate = 'won' AND w.way IN ('stays', 'comes')
    UNION ALL
    SELECT 'lost', w.rep, w.team, w.segment, w.tier, w.class, -w.money, -w.n, false, false, false
    WHERE w.has_e AND w.fate = 'lost' AND w.way = 'comes'
    UNION ALL
    -- A lost deal takes out what it was worth at the opening: many sources empty the amount when they lose.
    SELECT 'lost', w.rep, w.team, w.segment, w.tier, w.class, -w.moved, -w.n, false, false, false
    WHERE w.has_e AND w.way = 'leaves'
    UNION ALL
    SELECT 'lost', w.a_rep, w.a_team, w.a_segment, w.a_tier, w.a_class, -w.a_money, -w.a_n, false, false, false
    WHERE w.has_a AND w.way = 'leaves' AND w.fate IS NULL
    UNION ALL
    SELECT 'closing', w.rep, w.team, w.segment, w.tier, w.class, w.money, w.n, w.unpriced, w.none, w.backcast
    WHERE w.has_e AND w.fate = 'open' AND w.is_due) m
  WHERE pl.within(v_all, m.rep, m.team, m.segment, m.tier, NULL, '{}');
END
$$;
COMMENT ON FUNCTION pl.pipeline_moves_of IS
  'Movements of the open pipeline from p_from to p_to. A deal that changed hands or verdict leaves one place and enters another with its opening worth; '
  'then its rate, then its amount change where it is. Deals won in between come in (new, pulled_in) before they go. Deals gone without being won count as lost';

CREATE FUNCTION pl.pipeline_moves(q pl.metric_query) RETURNS SETOF pl.pipeline_move
LANGUAGE plpgsql STABLE AS $$
DECLARE
  v_sub record;
BEGIN
  FOR v_sub IN
    SELECT s.n::int AS n, s.start_at, s.end_at FROM unnest(q.subs) WITH ORDINALITY AS s(label, start_at, end_at, n)
    UNION ALL
    SELECT NULL, q.start_at, q.end_at
    ORDER BY 1
  LOOP
    CONTINUE WHEN v_sub.start_at > q.upto;
    RETURN QUERY SELECT * FROM pl.pipeline_moves_of(q, v_sub.n, v_sub.start_at - interval '1 microsecond',
                                                    least(v_sub.end_at - interval '1 microsecond', q.upto),
                                                    pl.local_date(v_sub.end_at - interval '1 microsecond', q.zone));
  END LOOP;
END
$$;
COMMENT ON FUNCTION pl.pipeline_moves IS 'movements over the whole period (period null), and over each sub-period';

CREATE FUNCTION pl.amount_part(q pl.metric_query, p_n numeric, p_amount numeric) RETURNS json
LANGUAGE sql STABLE AS $$
  SELECT json_build_object('n', trim_scale(p_n), 'amount', pl.money_text(p_amount, q.currency))
$$;

CREATE FUNCTION pl.pipeline_steps() RETURNS TABLE (place int, step text, sign int)
LANGUAGE sql IMMUTABLE AS $$
  VALUES (0, 'opening', 1), (1, 'new', 1), (2, 'pulled_in', 1), (3, 'increased', 1), (4, 'decreased', -1), (5, 'pushed_out', -1), (6, 'won', -1), (7, 'lost', -1),
         (8, 'reassigned', 1), (9, 'refit', 1), (10, 'fx', 1), (11, 'closing', 1)
$$;
COMMENT ON FUNCTION pl.pipeline_steps IS 'the steps in the order of METRICS.md M30; sign -1: shown as what is taken out';

CREATE FUNCTION pl.metric_pipeline_change(q pl.metric_query, f pl.facts) RETURNS SETOF pl.metric_row
LANGUAGE plpgsql STABLE SET plan_cache_mode = force_custom_plan SET jit = off SET work_mem = '64MB' AS $$
BEGIN
  RETURN QUERY
  WITH move AS MATERIALIZED (
    SELECT * FROM pl.pipeline_moves(q)
  ), placed AS MATERIALIZED (
    SELECT true AS total, NULL::text AS key, NULL::int AS period, m.step, m.class, sum(m.amount) AS amount, sum(m.n) AS n,
           count(*) FILTER (WHERE m.unpriced) AS unpriced, count(*) FILTER (WHERE m.no_amount) AS no_amount, count(*) FILTER (WHERE m.rep IS NULL) AS no_owner,
           count(*) FILTER (WHERE m.backcast) AS backcast
    FROM move m WHERE m.period IS NULL GROUP BY m.step, m.class
    UNION ALL
    SELECT false, x.key, m.period, m.step, m.class, sum(m.amount), sum(m.n), count(*) FILTER (WHERE m.unpriced), count(*) FILTER (WHERE m.no_amount),
           count(*) FILTER (WHERE m.rep IS NULL), count(*) FILTER (WHERE m.backcast)
    FROM move m
    CROSS JOIN LATERAL (
      SELECT CASE q.grouped_by WHEN 'rep' THEN coalesce(m.rep, '__none__') WHEN 'team' THEN coalesce(m.team, '__none__') WHEN 'segment' THEN m.segment
                               WHEN 'tier' THEN m.tier WHEN 'period' THEN (q.subs[m.period]).label END AS key) x
    WHERE q.grouped_by IS NOT NULL AND (m.period IS NOT NULL) = (q.subs IS NOT NULL)
    GROUP BY x.key, m.period, m.step, m.class
  ), place AS MATERIALIZED (
    SELECT a.total, a.key, a.period, (CASE WHEN a.period IS NULL THEN q.start_at ELSE (q.subs[a.period]).start_at END) <= q.upto AS begun
    FROM pl.answer_places(q, ARRAY(SELECT DISTINCT p.key FROM placed p)) a
  ), running AS (
    SELECT a.total, a.key, a.period, s.place, s.step, s.sign, c.class, coalesce(p.amount, 0) AS amount, coalesce(p.n, 0) AS n, p.unpriced, p.no_amount, p.no_owner,
           p.backcast,
           sum(coalesce(p.amount, 0)) OVER (PARTITION BY a.total, a.key, a.period, c.class ORDER BY s.place) AS upto
    FROM place a
    CROSS JOIN pl.pipeline_steps() s
    CROSS JOIN unnest('{on,off,unknown}'::text[]) AS c(class)
    LEFT JOIN placed p ON p.total = a.total AND p.key IS NOT DISTINCT FROM a.key AND p.period IS NOT DISTINCT FROM a.period AND p.step = s.step
                      AND p.class = c.class
  ), rounded AS MATERIALIZED (
    -- Each step is the difference of two rounded running sums, so that what is written adds up to the cent.
    SELECT r.*, CASE WHEN r.step = 'closing' THEN pl.round_half_even(r.amount, d.digits)
                     ELSE pl.round_half_even(r.upto, d.digits) - pl.round_half_even(r.upto - r.amount, d.digits) END AS shown
    FROM running r CROSS JOIN (SELECT pl.minor_digits(q.currency) AS digits) d
  ), step AS (
    SELECT r.total, r.key, r.period, r.place, r.step, sum(r.shown) AS amount, sum(r.n) AS n, sum(r.unpriced) AS unpriced, sum(r.no_amount) AS no_amount,
           sum(r.no_owner) AS no_owner, sum(r.backcast) AS backcast, sum(r.n) FILTER (WHERE r.class = 'unknown') AS n_unknown,
           sum(r.shown) FILTER (WHERE r.class = 'unknown') AS unknown,
           json_object_agg(r.class, pl.amount_part(q, CASE WHEN r.step IN ('increased', 'decreased', 'fx') THEN r.n ELSE r.sign * r.n END, r.sign * r.shown)
                           ORDER BY r.class DESC) AS classes,
           pl.amount_part(q, sum(CASE WHEN r.step IN ('increased', 'decreased', 'fx') THEN r.n ELSE r.sign * r.n END), sum(r.sign * r.shown)) AS whole
    FROM rounded r
    GROUP BY r.total, r.key, r.period, r.place, r.step, r.sign
  ), figure AS (
    SELECT s.total, s.key, s.period, max(s.amount) FILTER (WHERE s.step = 'opening') AS opening, max(s.amount) FILTER (WHERE s.step = 'closing') AS closing,
           sum(s.n) FILTER (WHERE s.step IN ('opening', 'new', 'pulled_in')) AS n, max(s.unpriced) FILTER (WHERE s.step = 'closing') AS unpriced,
           max(s.no_amount) FILTER (WHERE s.step = 'closing') AS no_amount, max(s.no_owner) FILTER (WHERE s.step = 'closing') AS no_owner,
           max(s.backcast) FILTER (WHERE s.step = 'closing') AS backcast, max(s.n_unknown) FILTER (WHERE s.step = 'closing') AS n_unknown,
           max(s.unknown) FILTER (WHERE s.step = 'closing') AS unknown,
           json_object_agg(s.step, (SELECT json_object_agg(e.key, e.value) FROM (SELECT 'all' AS key, s.whole AS value UNION ALL SELECT * FROM json_each(s.classes)) e)
                           ORDER BY s.place) AS parts
    FROM step s GROUP BY s.total, s.key, s.period
  )
  SELECT a.total, a.key, a.period, CASE WHEN a.begun THEN g.closing - g.opening END, CASE WHEN a.begun THEN g.closing END, CASE WHEN a.begun THEN g.opening END,
         g.n, NULL::numeric[], CASE WHEN NOT a.begun THEN 'not_begun' END,
         pl.excluded(q, g.n_unknown, g.unknown, coalesce(g.unpriced, 0), coalesce(g.no_amount, 0), coalesce(g.no_owner, 0)),
         pl.quality(q, g.closing - g.unknown, g.unknown, coalesce(g.backcast, 0)), '{}'::json, g.parts
  FROM place a
  JOIN figure g ON g.total = a.total AND g.key IS NOT DISTINCT FROM a.key AND g.period IS NOT DISTINCT FROM a.period;
END
$$;

CREATE FUNCTION pl.move_place(x pl.pipeline_move, p_step int) RETURNS text[]
LANGUAGE sql IMMUTABLE AS $$
  SELECT ARRAY[x.deal_id, lpad(p_step::text, 2, '0'), coalesce(x.rep, ''), coalesce(x.team, ''), x.segment, x.tier, x.class, sign(x.amount)::text]
$$;

CREATE FUNCTION pl.drill_pipeline(q pl.metric_query, m pl.metric) RETURNS SETOF pl.drill_row
LANGUAGE plpgsql STABLE SET plan_cache_mode = force_custom_plan SET jit = off SET work_mem = '64MB' AS $$
DECLARE
  v_reps boolean := pl.shows_reps(q);
BEGIN
  RETURN QUERY
  WITH page AS MATERIALIZED (
    SELECT x.*, pl.move_place(x, s.place) AS place
    FROM pl.pipeline_moves(pl.without_groups(q)) x
    JOIN pl.pipeline_steps() s ON s.step = x.step
    WHERE x.period IS NULL AND pl.on_page(q, pl.move_place(x, s.place))
    ORDER BY pl.move_place(x, s.place) COLLATE "C"
    LIMIT q.page_limit
  )
  SELECT x.place,
         (SELECT row_to_json(y) FROM (
            SELECT x.deal_id AS id, x.step AS part, f.name, CASE WHEN v_reps THEN x.rep END AS rep, x.team, f.account_id AS account, x.segment, x.tier, x.class,
                   f.expected_close, trim_scale(x.n) AS n,
                   CASE x.step WHEN 'closing' THEN pl.exact(x.amount, q) END AS numerator, CASE x.step WHEN 'opening' THEN pl.exact(x.amount, q) END AS denominator,
                   CASE WHEN x.step NOT IN ('opening', 'closing') THEN round(x.amount, 15) END AS contribution) y)
  FROM page x
  LEFT JOIN pl.deal_facts(q.org, q.as_of, q.known_at, ARRAY(SELECT DISTINCT p.deal_id FROM page p)) f ON f.deal_id = x.deal_id;
END
$$;
COMMENT ON FUNCTION pl.drill_pipeline IS 'every movement of every deal; what is taken out is below 0, as it adds up';

INSERT INTO pl.metric (key, id, name, formula, unit, terms, basis, groupings, nulls, note, needs, core, drill, narrows, adds) VALUES
  ('pipeline_change', 'M30', 'Pipeline change',
   'opening + new + pulled_in + increased − decreased − pushed_out − won − lost + reassigned + refit + fx = closing', 'money', 'money',
   'open deals at the start and at the end of the period (at as_of when that comes first), due by its last day or without a date; due=any: all open deals, as in open_pipeline_share',
   '{rep,team,segment,tier,period}', 'period not begun: not_begun',
   'The value is closing − opening. Each part with deals and money, for all, on, off and unknown; what is written adds up to the cent. won: all that was won, also deals that '
   'came in between. lost: at the opening''s worth; deals deleted count here. reassigned: changed owner or team, 0 in the whole; refit: changed segment, tier or class; '
   'fx: another rate. n of increased, decreased and fx: deals concerned.', '{}', NULL, 'pipeline', '{segment,tier,product,origin}',
   'part closing: numerators; part opening: denominators; contributions of the others add up to the value');
