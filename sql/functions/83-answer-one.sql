-- GET /v1/reps/{id}/alignment, /v1/teams/{id}/alignment, /v1/segments/{key}/alignment: everything about one.

CREATE FUNCTION pl.costly_deals(q pl.metric_query) RETURNS json
LANGUAGE plpgsql STABLE SET plan_cache_mode = force_custom_plan AS $$
DECLARE
  v_reps boolean := (SELECT o.rep_metrics = 'on' FROM org o WHERE o.org_id = q.org);
BEGIN
  RETURN (
    SELECT coalesce(json_agg(row_to_json(x) ORDER BY x.money::numeric DESC, x.id COLLATE "C"), '[]')
    FROM (SELECT d.deal_id AS id, d.name, d.outcome, CASE WHEN v_reps THEN d.rep END AS rep, d.account_id AS account, d.segment, d.tier, d.reason,
                 pl.iso(d.at) AS at, pl.money_text(d.money, q.currency) AS money
          FROM (SELECT * FROM pl.closed_deals(q, q.start_at, q.end_at) c WHERE c.outcome = 'won'
                UNION ALL
                SELECT * FROM pl.open_named(q)) d
          WHERE d.class = 'off' AND d.money IS NOT NULL
          ORDER BY d.money DESC, d.deal_id COLLATE "C"
          LIMIT 10) x);
END
$$;
COMMENT ON FUNCTION pl.costly_deals IS 'the largest off-strategy deals, won in the period or open at its end';

CREATE FUNCTION pl.costly_hours(q pl.metric_query) RETURNS json
LANGUAGE plpgsql STABLE SET plan_cache_mode = force_custom_plan AS $$
BEGIN
  RETURN (
    SELECT coalesce(json_agg(row_to_json(y) ORDER BY y.hours DESC, y.account COLLATE "C"), '[]')
    FROM (SELECT x.account, pl.names(q, 'account', ARRAY[x.account]) ->> x.account AS name, x.segment, x.tier, x.hours, x.activities
          FROM (SELECT r.account_id AS account, max(r.segment) AS segment, max(r.tier) AS tier, round(sum(r.hours), 6) AS hours, count(*) AS activities
                FROM pl.hour_rows(q, q.start_at, q.end_at) r
                WHERE r.class = 'off' AND r.account_id IS NOT NULL
                GROUP BY r.account_id
                ORDER BY sum(r.hours) DESC, r.account_id COLLATE "C"
                LIMIT 10) x) y);
END
$$;
COMMENT ON FUNCTION pl.costly_hours IS 'the off-strategy accounts that took most selling time in the period';

CREATE FUNCTION pl.one_exists(q pl.metric_query, p_kind text, p_id text, p_who jsonb) RETURNS boolean
LANGUAGE plpgsql STABLE AS $$
BEGIN
  RETURN CASE p_kind
    WHEN 'rep' THEN
      EXISTS (SELECT FROM pl.object_states(q.org, 'rep', ARRAY[p_id], q.as_of, q.known_at)) AND p_id = ANY (q.reps)
      AND (coalesce(p_who ->> 'scope', 'all') <> 'team' OR EXISTS (
             SELECT FROM pl.rep_teams(q.org, q.as_of, q.known_at, ARRAY[p_id]) t
             WHERE t.team_id = ANY (q.teams) AND t.valid_to > q.start_at AND t.valid_from < q.end_at))
    WHEN 'team' THEN
      EXISTS (SELECT FROM pl.object_states(q.org, 'team', ARRAY[p_id], q.as_of, q.known_at)) AND p_id = ANY (q.teams)
      AND (coalesce(p_who ->> 'scope', 'all') <> 'self' OR p_id = ANY (pl.teams_seen(q.org, p_who)))
    ELSE
      p_id IN ('other', 'unknown') OR EXISTS (SELECT FROM jsonb_array_elements(q.body -> 'segments') s WHERE s ->> 'key' = p_id) END;
END
$$;
COMMENT ON FUNCTION pl.one_exists IS 'whether there is, as of the question, such a rep, team or segment, and the key may see it';

CREATE FUNCTION pl.answer_one(p_org int, p_request jsonb, p_kind text) RETURNS text
LANGUAGE plpgsql STABLE SET jit = off AS $$
DECLARE
  v_id      text := p_request #>> '{path,0}';
  v_request jsonb := p_request || jsonb_build_object('query', coalesce(p_request -> 'query', '{}')
                       || jsonb_build_object(p_kind, v_id, 'by', 'period', 'granularity', coalesce(p_request #>> '{query,granularity}', 'month')));
  q         pl.metric_query := pl.resolve_query(p_org, v_request, '{period}',
                                                pl.core_needs());
  v_named   pl.metric_query := q;
  v_rows    pl.alignment_row[];
BEGIN
  IF NOT pl.one_exists(q, p_kind, v_id, p_request -> 'who') THEN
    PERFORM pl.fail('not_found', format('There is no %s "%s".', p_kind, left(v_id, 200)));
  END IF;
  v_rows := ARRAY(SELECT r FROM pl.alignment_rows(q) r);
  v_named.grouped_by := p_kind;
  RETURN (SELECT row_to_json(x)::text FROM (
    SELECT p_kind AS kind, l.key, coalesce(l.label, l.key) AS label, pl.params_shown(q) AS params, q.currency, q.zone AS time_zone,
           pl.iso(q.as_of_shown) AS as_of, pl.iso(q.known_shown) AS known_at, q.strategies AS strategy_versions, q.backdated, q.fit_basis,
           q.credit, (SELECT r.body -> 'metrics' FROM unnest(v_rows) r WHERE r.total) AS metrics,
           pl.json_lines(ARRAY(SELECT r.body FROM unnest(v_rows) WITH ORDINALITY AS r WHERE NOT r.total ORDER BY r.ordinality)) AS trend,
           pl.costly_deals(pl.without_groups(q)) AS off_strategy_deals, pl.costly_hours(pl.without_groups(q)) AS off_strategy_hours, q.data_version
    FROM pl.group_labels(v_named, ARRAY[v_id]) l) x);
END
$$;
COMMENT ON FUNCTION pl.answer_one IS
  'the core metrics of one rep, team (with the teams below) or segment, their trend by sub-period, and the off-strategy deals and hours that cost most (SPEC 5)';
