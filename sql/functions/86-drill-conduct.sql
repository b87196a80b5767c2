-- Rows behind the metrics made of activities, accounts and decisions. Every kind is a function pl.drill_<kind>(question, metric); numerators and
-- denominators add up to those of the number, or, where it says so, values to the value.

CREATE FUNCTION pl.costed_hours(q pl.metric_query) RETURNS TABLE (activity pl.hour_row, cost numeric)
LANGUAGE plpgsql STABLE SET plan_cache_mode = force_custom_plan SET jit = off SET work_mem = '64MB' AS $$
BEGIN
  RETURN QUERY
  WITH rate AS MATERIALIZED (SELECT * FROM pl.cost_rates(q) c WHERE q.with_cost)
  SELECT r, CASE WHEN NOT q.with_cost THEN NULL WHEN c.currency = q.currency THEN r.hours * c.rate
                 ELSE pl.convert(q.org, r.hours * c.rate, c.currency, q.currency, pl.local_date(r.starts_at, q.zone), q.as_of, q.known_at) END
  FROM pl.hour_rows(q, q.start_at, q.end_at) r
  LEFT JOIN rate c ON q.with_cost AND c.rep = r.rep AND r.starts_at >= c.valid_from AND r.starts_at < c.valid_to;
END
$$;
COMMENT ON FUNCTION pl.costed_hours IS 'counted activities of the period, with what they cost where the question is of cost; null without a rate';

CREATE FUNCTION pl.drill_investment(q pl.metric_query, m pl.metric) RETURNS SETOF pl.drill_row
LANGUAGE plpgsql STABLE SET plan_cache_mode = force_custom_plan SET jit = off SET work_mem = '64MB' AS $$
DECLARE
  v_reps boolean := pl.shows_reps(q);
BEGIN
  RETURN QUERY
  SELECT pl.hour_place(h.activity),
         pl.hour_line(h.activity, v_reps, NULL, to_json(pl.known_size(h.activity, 'off', (h.activity).hours)), to_json(pl.known_size(h.activity, NULL, (h.activity).hours)),
                      NULL, pl.money_exact(h.cost, q.currency))
  FROM pl.costed_hours(q) h;
END
$$;
COMMENT ON FUNCTION pl.drill_investment IS 'activities behind off-strategy hours, with what they cost';

CREATE FUNCTION pl.drill_meetings(q pl.metric_query, m pl.metric) RETURNS SETOF pl.drill_row
LANGUAGE plpgsql STABLE SET plan_cache_mode = force_custom_plan SET jit = off SET work_mem = '64MB' AS $$
DECLARE
  v_reps boolean := pl.shows_reps(q);
BEGIN
  RETURN QUERY
  SELECT pl.hour_place(r), pl.hour_line(r, v_reps, NULL, to_json(pl.known_size(r, 'on', r.share)), to_json(pl.known_size(r, NULL, r.share)))
  FROM pl.hour_rows(q, q.start_at, q.end_at) r
  WHERE r.kind = 'meeting';
END
$$;
COMMENT ON FUNCTION pl.drill_meetings IS 'the meetings held; one with several accounts is a part of one with each';

CREATE FUNCTION pl.drill_clients(q pl.metric_query, m pl.metric) RETURNS SETOF pl.drill_row
LANGUAGE plpgsql STABLE AS $$
DECLARE
  v_reps boolean := pl.shows_reps(q);
BEGIN
  RETURN QUERY
  SELECT ARRAY[c.account_id],
         (SELECT row_to_json(x) FROM (
            SELECT c.account_id AS id, c.name, CASE WHEN v_reps THEN c.owner END AS rep, c.team, c.segment, c.tier, c.class, c.reason, pl.money_exact(c.money, q.currency) AS money,
                   CASE WHEN c.class = 'on' THEN 1 ELSE 0 END AS numerator, CASE WHEN c.class <> 'unknown' THEN 1 ELSE 0 END AS denominator) x)
  FROM pl.clients(q, q.stock_at) c;
END
$$;
COMMENT ON FUNCTION pl.drill_clients IS 'clients with what they brought; the money of those on strategy, and of those of known class, are the revenue form';

CREATE FUNCTION pl.drill_effort(q pl.metric_query, m pl.metric) RETURNS SETOF pl.drill_row
LANGUAGE plpgsql STABLE SET plan_cache_mode = force_custom_plan SET jit = off SET work_mem = '64MB' AS $$
DECLARE
  v_reps boolean := pl.shows_reps(q);
  v_cost boolean := m.key = 'cost_of_sale';
BEGIN
  RETURN QUERY
  SELECT ARRAY['effort'] || pl.hour_place(h.activity),
         pl.hour_line(h.activity, v_reps, 'effort', CASE WHEN v_cost THEN pl.exact(pl.known_size(h.activity, NULL, coalesce(h.cost, 0)), q)
                                                         ELSE to_json(pl.known_size(h.activity, NULL, (h.activity).hours)) END,
                      to_json(0), NULL, pl.money_exact(h.cost, q.currency))
  FROM pl.costed_hours(q) h
  UNION ALL
  SELECT ARRAY['wins'] || pl.deal_place(d),
         pl.deal_line(q, d, v_reps, 'wins', to_json(0),
                      CASE WHEN v_cost THEN pl.exact(CASE WHEN d.class <> 'unknown' THEN d.money END, q)
                           ELSE to_json(trim_scale(CASE WHEN d.class <> 'unknown' THEN d.credit ELSE 0 END)) END)
  FROM pl.closed_deals(q, q.start_at, q.end_at) d
  WHERE d.outcome = 'won';
END
$$;
COMMENT ON FUNCTION pl.drill_effort IS 'activities (their hours, or cost, make the numerator) and won deals (the denominator) behind what a win takes';

CREATE FUNCTION pl.drill_focus(q pl.metric_query, m pl.metric) RETURNS SETOF pl.drill_row
LANGUAGE plpgsql STABLE SET plan_cache_mode = force_custom_plan SET jit = off SET work_mem = '64MB' AS $$
DECLARE
  v_reps  boolean := pl.shows_reps(q);
  v_hours numeric;
  v_money numeric;
BEGIN
  SELECT sum(pl.known_size(r, NULL, r.hours)) INTO v_hours FROM pl.hour_rows(q, q.start_at, q.end_at) r;
  SELECT sum(d.money) INTO v_money FROM pl.closed_deals(q, q.start_at, q.end_at) d WHERE d.outcome = 'won' AND d.class <> 'unknown';
  RETURN QUERY
  SELECT ARRAY['time'] || pl.hour_place(r), pl.hour_line(r, v_reps, 'time', NULL, NULL, pl.ratio(pl.known_size(r, 'on', r.hours), v_hours))
  FROM pl.hour_rows(q, q.start_at, q.end_at) r
  UNION ALL
  SELECT ARRAY['money'] || pl.deal_place(d),
         pl.deal_line(q, d, v_reps, 'money', NULL, NULL, CASE WHEN v_money > 0 THEN -pl.ratio(CASE WHEN d.class = 'on' THEN coalesce(d.money, 0) ELSE 0 END, v_money) END)
  FROM pl.closed_deals(q, q.start_at, q.end_at) d
  WHERE d.outcome = 'won';
END
$$;
COMMENT ON FUNCTION pl.drill_focus IS 'what each activity adds to, and each won deal takes from, the focus gap: their contributions add up to it';

CREATE FUNCTION pl.drill_targets(q pl.metric_query, m pl.metric) RETURNS SETOF pl.drill_row
LANGUAGE plpgsql STABLE AS $$
DECLARE
  v_reps boolean := pl.shows_reps(q);
BEGIN
  RETURN QUERY
  SELECT ARRAY[t.account_id],
         (SELECT row_to_json(x) FROM (
            SELECT t.account_id AS id, t.name, CASE WHEN v_reps THEN t.owner END AS rep, t.team, t.segment, t.tier, t.class, t.state, t.activities,
                   pl.iso(t.last_at) AS last_activity_at, pl.iso(t.gained_at) AS gained_at,
                   CASE WHEN t.state = 'green' AND t.owner IS NOT NULL THEN 1 ELSE 0 END AS numerator,
                   CASE WHEN t.state <> 'grace' AND t.owner IS NOT NULL THEN 1 ELSE 0 END AS denominator) x)
  FROM pl.target_rows(q, q.stock_at) t;
END
$$;
COMMENT ON FUNCTION pl.drill_targets IS 'target accounts with their state: green, yellow, red, or grace (gained so lately that they do not count)';

CREATE FUNCTION pl.drill_messages(q pl.metric_query, m pl.metric) RETURNS SETOF pl.drill_row
LANGUAGE plpgsql STABLE SET plan_cache_mode = force_custom_plan SET jit = off SET work_mem = '64MB' AS $$
DECLARE
  v_weights jsonb := (SELECT jsonb_object_agg(h.theme, h.weight) FROM pl.message_themes(q) h);
BEGIN
  RETURN QUERY
  WITH talk AS MATERIALIZED (
    SELECT t.activity_id, t.deal_id, t.messages FROM pl.placed_talks(pl.without_groups(q)) t WHERE t.total AND t.tagged AND t.deal_id IS NOT NULL
  ), deal AS (
    SELECT t.deal_id, array_agg(t.activity_id ORDER BY t.activity_id COLLATE "C") AS conversations FROM talk t GROUP BY t.deal_id
  ), said AS (
    SELECT t.deal_id, array_agg(DISTINCT x.theme ORDER BY x.theme) AS messages FROM talk t CROSS JOIN LATERAL unnest(t.messages) AS x(theme) GROUP BY t.deal_id
  )
  SELECT ARRAY[d.deal_id],
         (SELECT row_to_json(x) FROM (
            SELECT d.deal_id AS id,
                   -- a conversation shows whose deal it was on only to those who may see the deal
                   CASE WHEN (q.reps IS NULL OR f.owner = ANY (q.reps)) AND (q.teams IS NULL OR coalesce(f.closed_team, f.created_team) = ANY (q.teams)) THEN f.name END AS name,
                   coalesce(s.messages, '{}') AS messages, d.conversations,
                   trim_scale(round((SELECT coalesce(sum((v_weights ->> y.theme)::numeric), 0) FROM unnest(s.messages) AS y(theme)), 12)) AS numerator,
                   CASE WHEN v_weights IS NOT NULL THEN 1 ELSE 0 END AS denominator) x)
  FROM deal d
  LEFT JOIN said s ON s.deal_id = d.deal_id
  LEFT JOIN pl.deal_facts(q.org, q.as_of, q.known_at, ARRAY(SELECT x.deal_id FROM deal x)) f ON f.deal_id = d.deal_id;
END
$$;
COMMENT ON FUNCTION pl.drill_messages IS 'deals with a conversation that was looked at for messages, and the messages heard on each; numerator: the weight of those of the strategy';

CREATE FUNCTION pl.drill_conduct(q pl.metric_query, m pl.metric) RETURNS SETOF pl.drill_row
LANGUAGE plpgsql STABLE SET plan_cache_mode = force_custom_plan SET jit = off SET work_mem = '64MB' AS $$
DECLARE
  v_reps boolean := pl.shows_reps(q);
BEGIN
  RETURN QUERY
  SELECT ARRAY[p.component, c.once],
         (SELECT row_to_json(x) FROM (
            SELECT p.component AS part, c.id, c.kind, c.name, pl.iso(c.at) AS at, CASE WHEN v_reps THEN c.rep END AS rep, c.team, c.account_id AS account, c.segment,
                   c.tier, c.class, trim_scale(round(p.numerator, 12)) AS numerator, trim_scale(round(p.denominator, 12)) AS denominator) x)
  FROM (SELECT DISTINCT ON (a.once) a.* FROM pl.conduct_cases(q) a ORDER BY a.once, a.rep, a.account_id) c
  CROSS JOIN LATERAL pl.conduct_parts(c.is_deal, c.credit, c.is_proposed, c.is_discovered, c.is_valued, c.is_threaded, c.talk, c.talked, c.ratio, c.is_banded, c.questions,
                                      c.half_hours) p;
END
$$;
COMMENT ON FUNCTION pl.drill_conduct IS 'what each deal and conversation adds to each component; numerators and denominators add up to those of the component''s form';

CREATE FUNCTION pl.drill_decisions(q pl.metric_query, m pl.metric) RETURNS SETOF pl.drill_row
LANGUAGE plpgsql STABLE SET plan_cache_mode = force_custom_plan SET jit = off SET work_mem = '64MB' AS $$
DECLARE
  v_reps boolean := pl.shows_reps(q);
BEGIN
  RETURN QUERY
  SELECT ARRAY[pl.descending(extract(epoch FROM d.at)), d.deal_id, coalesce(d.rep, '')],
         (SELECT row_to_json(x) FROM (
            SELECT d.deal_id AS id, d.name, pl.iso(d.at) AS at, CASE WHEN v_reps THEN d.rep END AS rep, d.team, d.account_id AS account, d.segment, d.tier, d.class,
                   d.reason, d.origin, d.strategy, d.imported, trim_scale(d.credit) AS credit, '/v1/opportunities/' || pl.url_part(d.deal_id) || '/alignment' AS explain,
                   trim_scale(CASE WHEN d.class = 'on' AND NOT d.imported THEN d.credit ELSE 0 END) AS numerator,
                   trim_scale(CASE WHEN d.class <> 'unknown' AND NOT d.imported THEN d.credit ELSE 0 END) AS denominator) x)
  FROM pl.decisions(q) d;
END
$$;
COMMENT ON FUNCTION pl.drill_decisions IS 'the opportunities opened, newest first, each with the link that explains why it counts as it does';

CREATE FUNCTION pl.drill_white(q pl.metric_query, m pl.metric) RETURNS SETOF pl.drill_row
LANGUAGE plpgsql STABLE AS $$
DECLARE
  v_reps boolean := pl.shows_reps(q);
BEGIN
  RETURN QUERY
  SELECT ARRAY[pl.descending(w.potential), pl.descending(w.score), w.account_id],
         (SELECT row_to_json(x) FROM (
            SELECT w.account_id AS id, w.name, w.status, CASE WHEN v_reps THEN w.owner END AS rep, w.team, w.segment, w.tier, w.class, w.reason, w.is_target,
                   trim_scale(w.potential) AS potential, round(w.score, 6) AS score, pl.iso(w.last_at) AS last_activity_at, 1 AS numerator, NULL::json AS denominator) x)
  FROM pl.white_rows(q, q.stock_at) w
  WHERE w.is_white;
END
$$;
COMMENT ON FUNCTION pl.drill_white IS 'the accounts of the white space, largest potential first, then highest score; each adds 1 to the count';

CREATE FUNCTION pl.url_part(p_text text) RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
  SELECT coalesce(string_agg(CASE WHEN c ~ '^[A-Za-z0-9._~-]$' THEN c
                                  ELSE (SELECT string_agg('%' || upper(lpad(to_hex(get_byte(b.bytes, i)), 2, '0')), '' ORDER BY i)
                                        FROM (SELECT convert_to(c, 'UTF8') AS bytes) b, generate_series(0, length(b.bytes) - 1) AS i) END, '' ORDER BY n), '')
  FROM regexp_split_to_table(p_text, '') WITH ORDINALITY AS t(c, n)
$$;
COMMENT ON FUNCTION pl.url_part IS 'a text as one part of a URL: percent-encoded but for letters, digits and -._~ (RFC 3986)';
