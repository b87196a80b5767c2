-- M26: what is missing, doubtful or late in the data that all other numbers rest on.

-- One thing found on one object; issue looked_at: an object of the population, whether or not anything is wrong with it.
CREATE TYPE pl.finding AS (
  period int, issue text, reason text, kind text, id text, rep text, team text, source text, at timestamptz, n numeric, money numeric, hours numeric, pair text
);

CREATE FUNCTION pl.deal_findings(q pl.metric_query, p_period int, p_from timestamptz, p_to timestamptz, p_at timestamptz) RETURNS SETOF pl.finding
LANGUAGE plpgsql STABLE SET plan_cache_mode = force_custom_plan SET jit = off SET work_mem = '64MB' AS $$
DECLARE
  v_all pl.metric_query := pl.unfiltered(q);
BEGIN
  RETURN QUERY
  WITH open AS MATERIALIZED (
    SELECT d.* FROM pl.open_rows(q, p_at) d
  ), closed AS MATERIALIZED (
    SELECT d.* FROM pl.closed_deals(q, p_from, p_to) d
  ), deal AS MATERIALIZED (
    -- Open at the end although decided in the period, by a close date that its source gave: once.
    SELECT c.* FROM closed c
    UNION ALL
    -- Whoever is asked about: it is decided for everybody.
    SELECT o.* FROM open o WHERE o.deal_id NOT IN (SELECT c.deal_id FROM pl.closed_deals(v_all, p_from, p_to) c)
  ), merged AS MATERIALIZED (
    SELECT * FROM pl.merged_accounts(q, p_at)
  ), touched AS MATERIALIZED (
    SELECT DISTINCT h.deal_id, coalesce(m.survivor, h.account_id) AS account_id
    FROM pl.hour_rows(v_all, p_at - make_interval(days => q.window_days), p_at + interval '1 microsecond') h
    LEFT JOIN merged m ON m.account_id = h.account_id
  ), idle AS (
    SELECT DISTINCT o.deal_id FROM open o
    JOIN pl.deal_facts(q.org, q.as_of, q.known_at) f ON f.deal_id = o.deal_id AND f.created_at < p_at - make_interval(days => q.window_days)
    LEFT JOIN merged m ON m.account_id = o.account_id
    WHERE o.deal_id NOT IN (SELECT t.deal_id FROM touched t WHERE t.deal_id IS NOT NULL)
      AND coalesce(m.survivor, o.account_id, '') NOT IN (SELECT t.account_id FROM touched t WHERE t.account_id IS NOT NULL)
  )
  SELECT p_period, i.issue, i.reason, 'opportunity', d.deal_id, d.rep, d.team, NULL::text, d.at, d.credit, d.money, NULL::numeric,
         CASE i.issue WHEN 'unpriced' THEN concat(d.currency, '-', q.currency) END
  FROM deal d
  LEFT JOIN idle x ON x.deal_id = d.deal_id
  CROSS JOIN LATERAL (
    SELECT 'looked_at' AS issue, NULL::text AS reason
    UNION ALL SELECT 'unknown', d.reason WHERE d.class = 'unknown'
    UNION ALL SELECT 'no_amount', NULL WHERE d.amount IS NULL
    UNION ALL SELECT 'unpriced', NULL WHERE d.amount IS NOT NULL AND d.money IS NULL
    UNION ALL SELECT 'no_owner', NULL WHERE d.rep IS NULL
    UNION ALL SELECT 'stale_expected_close', NULL WHERE d.outcome = 'open' AND d.expected_close < pl.local_date(p_at, q.zone)
    UNION ALL SELECT 'stale_no_activity', NULL WHERE d.outcome = 'open' AND x.deal_id IS NOT NULL) i;
END
$$;
COMMENT ON FUNCTION pl.deal_findings IS
  'deals decided in [p_from, p_to) or open at p_at, and what is wrong with them. Stale: open with an expected close before that day, or for longer than window_days '
  'without a counted activity on it or with its account';

CREATE FUNCTION pl.hour_findings(q pl.metric_query, p_period int, p_from timestamptz, p_to timestamptz) RETURNS SETOF pl.finding
LANGUAGE plpgsql STABLE SET plan_cache_mode = force_custom_plan SET jit = off SET work_mem = '64MB' AS $$
BEGIN
  RETURN QUERY
  SELECT p_period, i.issue, NULL::text, 'activity', h.activity_id, h.rep, h.team, NULL::text, h.starts_at, h.share, NULL::numeric, h.hours, NULL::text
  FROM pl.hour_rows(q, p_from, p_to) h
  CROSS JOIN LATERAL (
    SELECT 'looked_at' AS issue
    UNION ALL SELECT 'unattributed_hours' WHERE h.account_id IS NULL
    UNION ALL SELECT 'estimated_hours' WHERE h.estimated) i;
END
$$;
COMMENT ON FUNCTION pl.hour_findings IS 'counted activities that started in [p_from, p_to), and what is wrong with their hours';

CREATE FUNCTION pl.delivery_findings(q pl.metric_query, p_period int, p_from timestamptz, p_to timestamptz) RETURNS SETOF pl.finding
LANGUAGE plpgsql STABLE SET plan_cache_mode = force_custom_plan SET jit = off SET work_mem = '64MB' AS $$
DECLARE
  v_now boolean := q.as_of IS NULL AND q.known_at IS NULL;
BEGIN
  RETURN QUERY
  WITH late AS (
    SELECT 'late_events' AS issue, NULL::text AS reason, e.kind, e.object_id, e.event_id AS id, e.source, e.received_at AS at
    FROM event e
    WHERE e.org_id = q.org AND e.received_at >= p_from AND e.received_at < p_to AND e.received_at - e.occurred_at > interval '24 hours'
      AND (q.as_of IS NULL OR e.occurred_at <= q.as_of) AND (q.known_at IS NULL OR e.received_at <= q.known_at)
    UNION ALL
    SELECT 'quarantine_open', x.reason, x.kind, x.object_id, x.quarantine_id::text, x.source, x.received_at
    FROM quarantine x
    WHERE x.org_id = q.org AND x.status = 'open' AND x.received_at < p_to AND (q.known_at IS NULL OR x.received_at <= q.known_at)
  ), past AS MATERIALIZED (
    SELECT o.kind, o.object_id, o.doc
    FROM unnest('{opportunity,account,activity}'::object_kind[]) AS k, pl.object_states(q.org, k, NULL, q.as_of, q.known_at) o
    WHERE NOT v_now
  )
  SELECT p_period, l.issue, l.reason, CASE l.issue WHEN 'late_events' THEN 'event' ELSE 'quarantine' END, l.id, w.rep, t.team_id, l.source, l.at, 1::numeric,
         NULL::numeric, NULL::numeric, NULL::text
  FROM late l
  LEFT JOIN object o ON v_now AND o.org_id = q.org AND o.kind = l.kind AND o.object_id = l.object_id
  LEFT JOIN past x ON x.kind = l.kind AND x.object_id = l.object_id
  CROSS JOIN LATERAL (SELECT coalesce(o.doc, x.doc) AS doc) d
  CROSS JOIN LATERAL (SELECT CASE l.kind WHEN 'opportunity' THEN d.doc ->> 'owner' WHEN 'account' THEN d.doc ->> 'owner' WHEN 'activity' THEN coalesce(d.doc ->> 'rep', d.doc #>> '{reps,0}')
                                         WHEN 'rep' THEN l.object_id END AS rep) w
  LEFT JOIN pl.rep_teams(q.org, q.as_of, q.known_at, NULL) t ON t.org_id = q.org AND t.rep_id = w.rep AND l.at >= t.valid_from AND l.at < t.valid_to
  WHERE pl.within(q, w.rep, t.team_id, NULL, NULL, NULL, '{}');
END
$$;
COMMENT ON FUNCTION pl.delivery_findings IS
  'events received in [p_from, p_to) more than 24 hours after they occurred, and what waits in quarantine; of the rep whose object it is about';

CREATE FUNCTION pl.with_source(q pl.metric_query, f pl.finding) RETURNS text
LANGUAGE plpgsql STABLE AS $$
BEGIN
  RETURN coalesce(f.source, (SELECT e.source FROM event e WHERE e.org_id = q.org AND e.kind = f.kind::object_kind AND e.object_id = f.id
                               AND (q.as_of IS NULL OR e.occurred_at <= q.as_of) AND (q.known_at IS NULL OR e.received_at <= q.known_at)
                             ORDER BY e.occurred_at, e.source_seq, e.event_id LIMIT 1));
END
$$;
COMMENT ON FUNCTION pl.with_source IS 'where an object comes from: the source of its first event';

CREATE FUNCTION pl.findings(q pl.metric_query) RETURNS SETOF pl.finding
LANGUAGE plpgsql STABLE AS $$
DECLARE
  v_sub record;
  v_at  timestamptz;
BEGIN
  FOR v_sub IN
    SELECT s.n::int AS n, s.start_at, s.end_at FROM unnest(q.subs) WITH ORDINALITY AS s(label, start_at, end_at, n)
    UNION ALL
    SELECT NULL, q.start_at, q.end_at
    ORDER BY 1
  LOOP
    CONTINUE WHEN v_sub.start_at > q.upto;
    v_at := CASE WHEN v_sub.n IS NULL THEN q.stock_at ELSE least(v_sub.end_at - interval '1 microsecond', q.upto) END;
    RETURN QUERY SELECT * FROM pl.deal_findings(q, v_sub.n, v_sub.start_at, v_sub.end_at, v_at);
    RETURN QUERY SELECT * FROM pl.hour_findings(q, v_sub.n, v_sub.start_at, v_sub.end_at);
    RETURN QUERY SELECT * FROM pl.delivery_findings(q, v_sub.n, v_sub.start_at, v_sub.end_at);
  END LOOP;
END
$$;
COMMENT ON FUNCTION pl.findings IS 'what was looked at and what was found, in the whole period (period null) and in each sub-period';

CREATE TYPE pl.placed_finding AS (
  total boolean, key text, period int, issue text, reason text, kind text, id text, n numeric, money numeric, hours numeric, pair text
);

CREATE FUNCTION pl.placed_findings(q pl.metric_query) RETURNS SETOF pl.placed_finding
LANGUAGE plpgsql STABLE SET plan_cache_mode = force_custom_plan SET jit = off SET work_mem = '64MB' AS $$
BEGIN
  RETURN QUERY
  SELECT t.total,
         CASE WHEN NOT t.total THEN
           CASE q.grouped_by WHEN 'rep' THEN coalesce(f.rep, '__none__') WHEN 'team' THEN coalesce(f.team, '__none__')
                             WHEN 'source' THEN coalesce(pl.with_source(q, f::pl.finding), '__none__') WHEN 'period' THEN (q.subs[f.period]).label END END,
         f.period, f.issue, f.reason, f.kind, f.id, f.n, f.money, f.hours, f.pair
  FROM pl.findings(q) f
  CROSS JOIN (VALUES (true), (false)) AS t(total)
  WHERE CASE WHEN t.total THEN f.period IS NULL ELSE q.grouped_by IS NOT NULL AND (f.period IS NOT NULL) = (q.subs IS NOT NULL) END;
END
$$;
COMMENT ON FUNCTION pl.placed_findings IS 'findings in the places of the answer they belong to';

CREATE FUNCTION pl.issue_part(q pl.metric_query, p_issue text, p_n numeric, p_money numeric, p_hours numeric) RETURNS json
LANGUAGE sql STABLE AS $$
  SELECT CASE WHEN p_issue IN ('unattributed_hours', 'estimated_hours')
              THEN json_build_object('n', trim_scale(round(coalesce(p_n, 0), 6)), 'hours', round(coalesce(p_hours, 0), 6))
              WHEN p_issue IN ('unknown', 'no_owner', 'stale_no_activity', 'stale_expected_close')
              THEN json_build_object('n', trim_scale(coalesce(p_n, 0)), 'amount', pl.money_text(coalesce(p_money, 0), q.currency))
              ELSE json_build_object('n', trim_scale(coalesce(p_n, 0))) END
$$;

CREATE FUNCTION pl.metric_data_quality(q pl.metric_query, f pl.facts) RETURNS SETOF pl.metric_row
LANGUAGE plpgsql STABLE SET plan_cache_mode = force_custom_plan SET jit = off SET work_mem = '64MB' AS $$
BEGIN
  RETURN QUERY
  WITH found AS MATERIALIZED (
    SELECT p.total, coalesce(p.key, '') AS key, coalesce(p.period, 0) AS period, p.issue, p.reason, p.kind, p.id, p.n, p.money, p.hours, p.pair
    FROM pl.placed_findings(q) p
  ), issue AS MATERIALIZED (
    SELECT p.total, p.key, p.period, p.issue, sum(p.n) AS n, sum(p.money) AS money, sum(p.hours) AS hours, array_agg(DISTINCT p.pair ORDER BY p.pair) AS pairs
    FROM found p WHERE p.issue <> 'looked_at' GROUP BY p.total, p.key, p.period, p.issue
  ), why AS MATERIALIZED (
    SELECT p.total, p.key, p.period, p.reason, sum(p.n) AS n, sum(p.money) AS money
    FROM found p WHERE p.issue = 'unknown' GROUP BY p.total, p.key, p.period, p.reason
  ), objects AS MATERIALIZED (
    SELECT p.total, p.key, p.period, count(DISTINCT p.id) FILTER (WHERE p.kind = 'opportunity') AS deals,
           count(DISTINCT p.id) FILTER (WHERE p.kind = 'activity') AS activities,
           count(DISTINCT (p.kind, p.id)) FILTER (WHERE p.issue <> 'looked_at' AND p.kind IN ('opportunity', 'activity')) AS affected
    FROM found p GROUP BY p.total, p.key, p.period
  ), place AS MATERIALIZED (
    SELECT a.total, coalesce(a.key, '') AS key, coalesce(a.period, 0) AS period, a.key AS own_key, a.period AS own_period
    FROM pl.answer_places(q, ARRAY(SELECT DISTINCT z.key FROM found z WHERE NOT z.total)) a
  ), issues AS MATERIALIZED (
    SELECT p.total, p.key, p.period, coalesce(sum(i.n), 0) AS n, json_object_agg(x.issue, pl.issue_part(q, x.issue, i.n, i.money, i.hours) ORDER BY x.place) AS shown,
           (array_agg(to_json(i.pairs)) FILTER (WHERE x.issue = 'unpriced' AND i.pairs IS NOT NULL))[1] AS pairs
    FROM place p
    CROSS JOIN unnest('{unpriced,no_amount,no_owner,unattributed_hours,estimated_hours,stale_no_activity,stale_expected_close,quarantine_open,late_events}'::text[])
         WITH ORDINALITY AS x(issue, place)
    LEFT JOIN issue i ON i.issue = x.issue AND (i.total, i.key, i.period) = (p.total, p.key, p.period)
    GROUP BY p.total, p.key, p.period
  ), reasons AS MATERIALIZED (
    SELECT x.total, x.key, x.period, coalesce(sum(w.n), 0) AS n, json_object_agg(x.reason, pl.issue_part(q, 'unknown', w.n, w.money, NULL) ORDER BY x.reason) AS shown
    FROM (SELECT p.total, p.key, p.period, unnest('{no_account,no_attributes,no_strategy,low_coverage}'::text[]) AS reason FROM place p
          UNION
          SELECT y.total, y.key, y.period, coalesce(y.reason, 'other') FROM why y) x
    LEFT JOIN why w ON coalesce(w.reason, 'other') = x.reason AND (w.total, w.key, w.period) = (x.total, x.key, x.period)
    GROUP BY x.total, x.key, x.period
  )
  SELECT p.total, p.own_key, p.own_period, i.n + r.n, i.n + r.n, x.looked_at, x.looked_at, NULL::numeric[], NULL::text,
         pl.excluded(q, 0, 0, 0, 0, 0), pl.quality(q, 0, 0, 0),
         json_build_object('count', json_build_object('value', trim_scale(round(i.n + r.n, 6))),
                           'fraction', json_build_object('value', round(pl.ratio(coalesce(o.affected, 0), x.looked_at), 6), 'numerator', coalesce(o.affected, 0),
                                                         'denominator', x.looked_at)),
         (SELECT json_object_agg(e.key, e.value)
          FROM (SELECT 'looked_at' AS key, json_build_object('deals', coalesce(o.deals, 0), 'activities', coalesce(o.activities, 0)) AS value
                UNION ALL SELECT 'unknown', r.shown
                UNION ALL SELECT * FROM json_each(i.shown)
                UNION ALL SELECT 'fx_pairs_missing', json_build_object('n', coalesce(json_array_length(i.pairs), 0), 'pairs', coalesce(i.pairs, '[]'))) e)
  FROM place p
  JOIN issues i ON (i.total, i.key, i.period) = (p.total, p.key, p.period)
  JOIN reasons r ON (r.total, r.key, r.period) = (p.total, p.key, p.period)
  LEFT JOIN objects o ON (o.total, o.key, o.period) = (p.total, p.key, p.period)
  CROSS JOIN LATERAL (SELECT (coalesce(o.deals, 0) + coalesce(o.activities, 0))::numeric AS looked_at) x;
END
$$;

CREATE FUNCTION pl.drill_findings(q pl.metric_query, m pl.metric) RETURNS SETOF pl.drill_row
LANGUAGE plpgsql STABLE SET plan_cache_mode = force_custom_plan SET jit = off SET work_mem = '64MB' AS $$
DECLARE
  v_reps boolean := pl.shows_reps(q);
BEGIN
  RETURN QUERY
  WITH found AS (
    SELECT y::pl.finding AS f,
           ARRAY[y.issue, y.kind, y.id, coalesce(y.rep, ''),
                 lpad((row_number() OVER (PARTITION BY y.issue, y.kind, y.id, y.rep ORDER BY y.source, y.at, y.hours, y.money))::text, 6, '0')] AS place
    FROM pl.findings(pl.without_groups(q)) y WHERE y.issue <> 'looked_at'
  )
  SELECT p.place,
         (SELECT row_to_json(x) FROM (
            SELECT (p.f).id, (p.f).issue AS part, (p.f).kind, (p.f).reason, pl.iso((p.f).at) AS at, CASE WHEN v_reps THEN (p.f).rep END AS rep, (p.f).team,
                   pl.with_source(q, p.f) AS source, pl.money_exact((p.f).money, q.currency) AS money, trim_scale((p.f).hours) AS hours,
                   trim_scale((p.f).n) AS numerator, NULL::numeric AS denominator) x)
  FROM (SELECT o.* FROM found o WHERE pl.on_page(q, o.place) ORDER BY o.place COLLATE "C" LIMIT q.page_limit) p;
END
$$;
COMMENT ON FUNCTION pl.drill_findings IS 'everything that was found, one row an object and issue';

INSERT INTO pl.metric (key, id, name, formula, unit, terms, basis, groupings, nulls, note, needs, core, drill, narrows, adds) VALUES
  ('data_quality', 'M26', 'Data quality', 'findings, one an object and issue; form fraction: deals and activities with any / those looked at', 'count', 'count',
   'deals decided in the period or open at its end, counted activities of the period, events received in it, quarantine open at its end',
   '{source,rep,team,period}', 'never null; the fraction of nothing is',
   'unknown by reason; unpriced (no rate) and the pairs of currencies that are missing; no_amount; no_owner; hours linked to no account, and estimated ones; open deals without a counted '
   'activity on them or with their account for window_days (default 90), and with an expected close in the past; quarantine; events received more than 24 hours after they occurred. '
   'By source: of the object''s first event. Late events and quarantine belong to the rep whose object they are about (of an activity of several, the first); '
   'the hours of several reps are a finding each.', '{}', NULL, 'findings', '{segment,tier,product,origin}',
   'numerators add up to the value; part is the issue');
