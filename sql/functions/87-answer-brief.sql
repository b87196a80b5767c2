-- GET /v1/reps/{id}/brief: what the metrics say of one rep, in sentences. No number is made here: each sentence is built from the row of a metric, and only
-- where its n is no small number and its interval, where it has one, supports what is said (METRICS.md M33).

CREATE TYPE pl.brief AS (place int, key text, text text, metrics text[], figures json, n numeric, ci json, quality text, withheld text);
COMMENT ON TYPE pl.brief IS 'one thing that could be said; withheld: why it is not: low_n, no_value, or interval (it does not support either statement)';

CREATE FUNCTION pl.percent(p_share numeric) RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$ SELECT round(100 * p_share) || '%' $$;
COMMENT ON FUNCTION pl.percent IS 'a fraction as people read it';

CREATE FUNCTION pl.span_text(p_ci numeric[]) RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$ SELECT format('95%% interval %s to %s', pl.percent(p_ci[1]), pl.percent(p_ci[2])) $$;

CREATE FUNCTION pl.said_of(q pl.metric_query, p_key text) RETURNS text
LANGUAGE sql STABLE AS $$
  SELECT CASE p_key WHEN 'white_space' THEN format('On %s: ', pl.local_date(q.stock_at, q.zone)) ELSE format('From %s to %s: ', q.first_on, q.end_on - 1) END
$$;
COMMENT ON FUNCTION pl.said_of IS 'the days a sentence is about: those of the period, or that on which the stock is taken';

CREATE FUNCTION pl.brief_total(p_org int, p_request jsonb, p_key text) RETURNS pl.metric_row
LANGUAGE plpgsql STABLE AS $$
DECLARE
  m pl.metric := pl.known_metric(p_key);
  q pl.metric_query := pl.resolve_query(p_org, p_request, m.groupings, m.needs);
  r pl.metric_row;
BEGIN
  SELECT x.* INTO r FROM pl.metric_rows(m.key, q, pl.facts_of(q, m.needs)) x WHERE x.total;
  RETURN r;
END
$$;
COMMENT ON FUNCTION pl.brief_total IS 'a metric''s total within the question';

CREATE FUNCTION pl.brief_reason(p_value numeric, p_n numeric, p_min_n int) RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
  SELECT CASE WHEN p_value IS NULL THEN 'no_value' WHEN coalesce(p_n, 0) < p_min_n THEN 'low_n' END
$$;

CREATE FUNCTION pl.brief_hours(q pl.metric_query, p_request jsonb, p_name text) RETURNS SETOF pl.brief
LANGUAGE plpgsql STABLE AS $$
DECLARE
  r          pl.metric_row := pl.brief_total(q.org, p_request, 'off_strategy_investment');
  v_accounts json := pl.costly_hours(q);
  v_most     text := (SELECT string_agg(format('%s (%s h)', coalesce(a ->> 'name', a ->> 'account'), trim_scale(round((a ->> 'hours')::numeric, 1))), ', ' ORDER BY n)
                      FROM json_array_elements(v_accounts) WITH ORDINALITY AS x(a, n) WHERE n <= 3);
BEGIN
  RETURN NEXT (1, 'off_strategy_hours',
    format('%s spent %s of %s hours (%s) with accounts off strategy%s%s.', p_name, trim_scale(round(r.numerator, 1)), trim_scale(round(r.denominator, 1)),
           pl.percent(r.value), CASE WHEN v_most IS NOT NULL THEN ', most with ' || v_most ELSE '' END,
           CASE WHEN (r.parts ->> 'estimated_share')::numeric > 0.5 THEN '; more than half of the hours are estimates' ELSE '' END),
    ARRAY['off_strategy_investment'],
    json_build_object('hours_off', round(r.numerator, 6), 'hours', round(r.denominator, 6), 'share', round(r.value, 6),
                      'estimated_share', r.parts -> 'estimated_share', 'accounts', v_accounts),
    r.n, NULL, r.quality ->> 'status', pl.brief_reason(r.value, r.n, q.min_n))::pl.brief;
END
$$;
COMMENT ON FUNCTION pl.brief_hours IS 'hours off strategy and the accounts they went to (M02)';

CREATE FUNCTION pl.setter_deals(q pl.metric_query, p_all pl.metric_query)
RETURNS TABLE (deal_id text, name text, segment text, account_id text, money numeric, contribution numeric)
LANGUAGE plpgsql STABLE SET plan_cache_mode = force_custom_plan SET jit = off AS $$
DECLARE
  v pl.mix_pull := pl.mix_pulls(p_all, pl.known_metric('strategy_setters'));
BEGIN
  RETURN QUERY
  SELECT d.deal_id, d.name, d.segment, d.account_id, d.money, pl.ratio(s.gap, v.whole)
  FROM pl.closed_deals(q, q.start_at, q.end_at) d
  CROSS JOIN LATERAL pl.mix_deal_parts(q, 'segment', d) k
  CROSS JOIN LATERAL pl.mix_share(v, k.keys, k.amounts) s
  WHERE d.outcome = 'won';
END
$$;
COMMENT ON FUNCTION pl.setter_deals IS
  'what each won deal of q adds to the contribution of its rep to the gap that p_all looks at (METRICS.md M31); together they are that contribution';

CREATE FUNCTION pl.setter_list(p_deals json) RETURNS text
LANGUAGE sql STABLE AS $$
  SELECT string_agg(format('%s (%s points)', coalesce(d ->> 'name', d ->> 'id'), to_char(100 * (d ->> 'contribution')::numeric, 'FM999990.0')), ', ' ORDER BY n)
  FROM json_array_elements(p_deals) WITH ORDINALITY AS x(d, n)
$$;

CREATE FUNCTION pl.brief_setters(q pl.metric_query, p_request jsonb, p_name text, p_rep text) RETURNS SETOF pl.brief
LANGUAGE plpgsql STABLE AS $$
DECLARE
  -- Among all the key may see, not alone: the gap is the company's.
  v_all  pl.metric_query := pl.resolve_query(q.org, jsonb_set(p_request, '{query}', (p_request -> 'query') - 'rep' || '{"by": "rep"}'), '{rep}', '{closed,segment}');
  f      pl.facts := pl.facts_of(v_all, '{closed}');
  r      pl.metric_row;
  v_gap  numeric;
  v_away json;
  v_back json;
BEGIN
  SELECT x.* INTO r FROM pl.metric_rows('strategy_setters', v_all, f) x WHERE x.key = p_rep AND NOT x.total;
  SELECT x.value INTO v_gap FROM pl.metric_rows('strategy_setters', v_all, f) x WHERE x.total;
  SELECT coalesce(json_agg(s.body ORDER BY s.contribution DESC, s.id COLLATE "C") FILTER (WHERE s.contribution > 0 AND s.top <= 3), '[]'),
         coalesce(json_agg(s.body ORDER BY s.contribution, s.id COLLATE "C") FILTER (WHERE s.contribution < 0 AND s.bottom <= 3), '[]')
  INTO v_away, v_back
  FROM (SELECT d.deal_id AS id, d.contribution, row_number() OVER (ORDER BY d.contribution DESC, d.deal_id COLLATE "C") AS top,
               row_number() OVER (ORDER BY d.contribution, d.deal_id COLLATE "C") AS bottom,
               json_build_object('id', d.deal_id, 'name', d.name, 'segment', d.segment, 'account', d.account_id, 'money', pl.money_text(d.money, q.currency),
                                 'contribution', round(d.contribution, 6), 'explain', '/v1/opportunities/' || pl.url_part(d.deal_id) || '/alignment') AS body
        FROM pl.setter_deals(q, v_all) d
        WHERE d.contribution IS NOT NULL) s;
  RETURN NEXT (2, 'mix_contribution',
    format('The realised mix of segments is %s away from the strategy; of that, what %s won %s %s points%s%s.', pl.percent(v_gap), p_name,
           CASE WHEN r.value > 0 THEN 'adds' WHEN r.value < 0 THEN 'takes back' ELSE 'changes that by' END, to_char(100 * abs(r.value), 'FM999990.0'),
           CASE WHEN json_array_length(v_away) > 0 THEN ', furthest away ' || pl.setter_list(v_away) ELSE '' END,
           CASE WHEN json_array_length(v_back) > 0 THEN ', furthest back ' || pl.setter_list(v_back) ELSE '' END),
    ARRAY['strategy_setters'],
    json_build_object('gap', round(v_gap, 6), 'contribution', round(r.value, 6), 'weight', r.parts -> 'weight', 'away', v_away, 'back', v_back),
    r.n, NULL, r.quality ->> 'status', pl.brief_reason(r.value, r.n, q.min_n))::pl.brief;
END
$$;
COMMENT ON FUNCTION pl.brief_setters IS 'the rep''s contribution to the gap between intended and realised mix, and the deals that moved it most, both ways (M31)';

CREATE FUNCTION pl.brief_white_space(q pl.metric_query, p_request jsonb, p_name text) RETURNS SETOF pl.brief
LANGUAGE plpgsql STABLE AS $$
DECLARE
  r          pl.metric_row := pl.brief_total(q.org, p_request, 'white_space');
  v_accounts json := (SELECT coalesce(json_agg(d.body ORDER BY d.place COLLATE "C"), '[]')
                      FROM (SELECT * FROM pl.drill_white(q, pl.known_metric('white_space')) w ORDER BY w.place COLLATE "C" LIMIT 5) d);
BEGIN
  RETURN NEXT (3, 'white_space',
    format('%s of the %s target or on-strategy accounts of %s stand without activity for %s days and without an open deal%s.', r.value, r.denominator, p_name, q.window_days,
           (SELECT ': ' || string_agg(coalesce(a ->> 'name', a ->> 'id'), ', ' ORDER BY n) || CASE WHEN r.value > 3 THEN ' first' ELSE '' END
            FROM json_array_elements(v_accounts) WITH ORDINALITY AS x(a, n) WHERE n <= 3)),
    ARRAY['white_space'], json_build_object('count', r.value, 'of', r.denominator, 'potential', r.parts -> 'potential', 'accounts', v_accounts),
    r.n, NULL, r.quality ->> 'status', pl.brief_reason(r.value, r.n, q.min_n))::pl.brief;
END
$$;
COMMENT ON FUNCTION pl.brief_white_space IS 'accounts the rep could work instead (M32)';

CREATE FUNCTION pl.brief_messages(q pl.metric_query, p_request jsonb, p_name text) RETURNS SETOF pl.brief
LANGUAGE plpgsql STABLE AS $$
DECLARE
  r pl.metric_row := pl.brief_total(q.org, p_request, 'message_adoption');
BEGIN
  RETURN QUERY
  SELECT 4, 'message:' || k.key,
         format('Of the %s value messages %s used, "%s" made up %s (%s), %s than the %s the strategy intends.', k.n, p_name, coalesce(l.label, k.key), pl.percent(k.emphasis),
                pl.span_text(w.ci), CASE WHEN k.emphasis < k.target THEN 'less' ELSE 'more' END, pl.percent(k.target)),
         ARRAY['message_adoption'],
         json_build_object('message', k.key, 'emphasis', round(k.emphasis, 6), 'target', round(k.target, 6), 'used', k.used, 'deals', k.deals, 'calls', k.calls),
         k.n, pl.written_ci(w.ci), r.quality ->> 'status',
         coalesce(pl.brief_reason(k.emphasis, k.n, q.min_n), CASE WHEN k.target BETWEEN w.ci[1] AND w.ci[2] THEN 'interval' END)
  FROM (SELECT x ->> 'key' AS key, (x ->> 'emphasis')::numeric AS emphasis, (x ->> 'emphasis_n')::numeric AS n, (x ->> 'target')::numeric AS target,
               (x #>> '{calls,numerator}')::numeric AS used, x -> 'deals' AS deals, x -> 'calls' AS calls
        FROM json_array_elements(r.parts -> 'keys') x) k
  CROSS JOIN LATERAL (SELECT pl.wilson(k.used, k.n) AS ci) w
  LEFT JOIN LATERAL (SELECT t ->> 'label' AS label FROM jsonb_array_elements(q.body -> 'messages') t WHERE t ->> 'key' = k.key LIMIT 1) l ON true
  WHERE k.target IS NOT NULL;
END
$$;
COMMENT ON FUNCTION pl.brief_messages IS 'the emphasis of each value message against the strategy''s, where the target lies outside its interval (M20)';

CREATE FUNCTION pl.brief_conduct(q pl.metric_query, p_request jsonb, p_name text) RETURNS SETOF pl.brief
LANGUAGE plpgsql STABLE AS $$
DECLARE
  r pl.metric_row := pl.brief_total(q.org, p_request, 'consultative');
BEGIN
  RETURN QUERY
  SELECT c.place, c.key,
         format(c.sentence, p_name, CASE WHEN c.value > 0.5 THEN 'mostly' ELSE 'mostly not' END, c.form ->> 'numerator', c.form ->> 'n', pl.percent(c.value), pl.span_text(c.ci),
                pl.percent((r.parts #>> '{band,0}')::numeric), pl.percent((r.parts #>> '{band,1}')::numeric)),
         ARRAY['consultative'], json_build_object('component', c.key, 'value', c.form -> 'value', 'numerator', c.form -> 'numerator'), c.n, c.form -> 'ci',
         r.quality ->> 'status',
         coalesce(pl.brief_reason(c.value, c.n, q.min_n), CASE WHEN c.ci[1] <= 0.5 AND c.ci[2] >= 0.5 THEN 'interval' END)
  FROM (SELECT s.*, (s.form ->> 'value')::numeric AS value, (s.form ->> 'n')::numeric AS n,
               ARRAY[(s.form #>> '{ci,0}')::numeric, (s.form #>> '{ci,1}')::numeric] AS ci
        FROM (VALUES
          (5, 'discovery_first', '%1$s''s discovery came %2$s before the proposal: in %3$s of %4$s deals (%5$s, %6$s).', r.forms -> 'discovery_first'),
          (6, 'in_band', '%1$s talked %2$s within the strategy''s band of %7$s to %8$s: in %3$s of %4$s conversations (%5$s, %6$s).', r.forms -> 'in_band'))
          AS s(place, key, sentence, form)) c;
END
$$;
COMMENT ON FUNCTION pl.brief_conduct IS 'discovery before the proposal and talk within the band, where the interval lies on one side of one half (M21)';

CREATE FUNCTION pl.rows_link(q pl.metric_query, p_request jsonb, p_metric text) RETURNS text
LANGUAGE sql STABLE AS $$
  SELECT '/v1/metrics/' || p_metric || '/rows?' || string_agg(pl.url_part(key) || '=' || pl.url_part(value), '&' ORDER BY key)
  FROM jsonb_each_text((p_request -> 'query') || jsonb_build_object('period', q.period))
$$;
COMMENT ON FUNCTION pl.rows_link IS 'where the rows behind a metric of this question are';

CREATE FUNCTION pl.answer_brief(p_org int, p_request jsonb) RETURNS text
LANGUAGE plpgsql STABLE SET jit = off AS $$
DECLARE
  v_id      text := p_request #>> '{path,0}';
  v_request jsonb := p_request || jsonb_build_object('query', coalesce(p_request -> 'query', '{}') || jsonb_build_object('rep', v_id));
  q         pl.metric_query := pl.resolve_query(p_org, v_request, '{}', '{}');
  v_named   pl.metric_query := q;
  v_name    text;
  v_briefs  pl.brief[];
BEGIN
  IF NOT pl.one_exists(q, 'rep', v_id, p_request -> 'who') THEN
    PERFORM pl.fail('not_found', format('There is no rep "%s".', left(v_id, 200)));
  END IF;
  v_named.grouped_by := 'rep';
  SELECT coalesce(l.label, l.key) INTO v_name FROM pl.group_labels(v_named, ARRAY[v_id]) l;
  v_briefs := ARRAY(
    SELECT b FROM (SELECT * FROM pl.brief_hours(q, v_request, v_name) UNION ALL SELECT * FROM pl.brief_setters(q, v_request, v_name, v_id)
                   UNION ALL SELECT * FROM pl.brief_white_space(q, v_request, v_name) UNION ALL SELECT * FROM pl.brief_messages(q, v_request, v_name)
                   UNION ALL SELECT * FROM pl.brief_conduct(q, v_request, v_name)) b
    ORDER BY b.place, b.key COLLATE "C");
  RETURN (SELECT row_to_json(x)::text FROM (
    SELECT 'rep' AS kind, v_id AS key, v_name AS label, pl.params_shown(q) AS params, q.currency, q.zone AS time_zone, pl.iso(q.as_of_shown) AS as_of,
           pl.iso(q.known_shown) AS known_at, q.strategies AS strategy_versions, q.backdated, q.fit_basis, q.credit,
           pl.json_lines(ARRAY(SELECT (SELECT row_to_json(s) FROM (
             SELECT b.key, pl.said_of(q, b.key) || b.text AS text, b.metrics, b.figures, trim_scale(b.n) AS n, b.ci, b.quality,
                    ARRAY(SELECT pl.rows_link(q, v_request, k) FROM unnest(b.metrics) k) AS links) s)
             FROM unnest(v_briefs) WITH ORDINALITY AS b WHERE b.withheld IS NULL ORDER BY b.ordinality)) AS sentences,
           pl.json_lines(ARRAY(SELECT json_build_object('key', b.key, 'metrics', b.metrics, 'reason', b.withheld, 'n', trim_scale(coalesce(b.n, 0)))
             FROM unnest(v_briefs) WITH ORDINALITY AS b WHERE b.withheld IS NOT NULL ORDER BY b.ordinality)) AS withheld, q.data_version) x);
END
$$;
COMMENT ON FUNCTION pl.answer_brief IS
  'what the metrics say of one rep in plain sentences, each with its metric, figures, n, interval and the links to the rows behind it; and what is withheld, and why (METRICS.md M33)';
