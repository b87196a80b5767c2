-- Preview: what publishing a strategy would move, told from the same spans and facts that publishing judges by. Writes nothing.

CREATE TYPE pl.preview_group AS (
  population  text,
  was_class   text,
  class       text,
  was_tier    text,
  tier        text,
  was_segment text,
  segment     text,
  n           bigint,
  money       numeric,
  sample      text[]
);
COMMENT ON TYPE pl.preview_group IS
  'Accounts, won deals or open deals that the document would govern, alike in the verdict of today (was_*) and in the document''s; sample: the first ten ids of those that move';

CREATE FUNCTION pl.preview_groups(q pl.metric_query, p_strategy strategy, p_at timestamptz) RETURNS SETOF pl.preview_group
LANGUAGE plpgsql STABLE SET plan_cache_mode = force_custom_plan SET jit = off SET work_mem = '64MB' AS $$
DECLARE
  v_teams text[] := ARRAY(SELECT DISTINCT s.team_id FROM pl.strategy_spans(q.org, NULL, NULL) AS s);
  v_teams_then text[] := ARRAY(SELECT DISTINCT s.team_id FROM pl.strategy_spans(q.org, NULL, NULL, p_strategy.strategy_id) AS s);
BEGIN
  RETURN QUERY
  WITH force AS MATERIALIZED (
    SELECT s.team_id, s.strategy_id FROM pl.strategy_spans(q.org, NULL, NULL) AS s WHERE p_at >= s.valid_from AND p_at < s.valid_to
  ), governed AS MATERIALIZED (
    -- whom the document governs, and when: not where a narrower or a later one holds
    SELECT s.team_id, s.valid_from, s.valid_to
      FROM pl.strategy_spans(q.org, NULL, NULL, p_strategy.strategy_id) AS s WHERE s.strategy_id = p_strategy.strategy_id
  ), fit AS MATERIALIZED (
    SELECT f.* FROM pl.document_spans(q.org, p_strategy.body) AS f
  ), revenue AS MATERIALIZED (
    SELECT d.closed_account AS account_id, sum(d.money) AS money
      FROM deal_fact AS d
     WHERE d.org_id = q.org AND d.outcome = 'won' AND d.closed_at > p_at - interval '365 days' AND d.closed_at <= p_at
     GROUP BY d.closed_account
  ), row AS (
  SELECT 'accounts' AS population, a.account_id AS id, r.money, coalesce(w.class, 'unknown') AS was_class, coalesce(f.class, 'unknown') AS class,
         coalesce(w.tier, 'unknown') AS was_tier, coalesce(f.tier, 'unknown') AS tier,
         coalesce(w.segment, 'unknown') AS was_segment, coalesce(f.segment, 'unknown') AS segment
    FROM pl.accounts_placed(q.org, p_at) AS a
    JOIN governed AS g ON g.team_id = CASE WHEN a.team = ANY (v_teams_then) THEN a.team ELSE '' END AND p_at >= g.valid_from AND p_at < g.valid_to
    LEFT JOIN force AS s ON s.team_id = CASE WHEN a.team = ANY (v_teams) THEN a.team ELSE '' END
    LEFT JOIN account_fit AS w ON w.org_id = q.org AND w.strategy_id = s.strategy_id AND w.account_id = a.account_id
                              AND p_at >= w.valid_from AND p_at < w.valid_to
    LEFT JOIN fit AS f ON f.account_id = a.account_id AND p_at >= f.valid_from AND p_at < f.valid_to
    LEFT JOIN revenue AS r ON r.account_id = a.account_id
   WHERE pl.within(q, a.owner, a.team, NULL, NULL, NULL, '{}')
  UNION ALL
  SELECT 'bookings', d.deal_id, d.money, d.closed_class, coalesce(f.class, 'unknown'), d.closed_tier, coalesce(f.tier, 'unknown'),
         d.closed_segment, coalesce(f.segment, 'unknown')
    FROM deal_fact AS d
    JOIN governed AS g ON g.team_id = CASE WHEN d.closed_team = ANY (v_teams_then) THEN d.closed_team ELSE '' END
                      AND d.closed_look >= g.valid_from AND d.closed_look < g.valid_to
    LEFT JOIN fit AS f ON f.account_id = d.closed_account AND d.closed_look >= f.valid_from AND d.closed_look < f.valid_to
   WHERE d.org_id = q.org AND d.outcome = 'won' AND pl.within(q, d.closed_rep, d.closed_team, NULL, NULL, NULL, '{}')
  UNION ALL
  SELECT 'pipeline', d.deal_id, d.money, d.class, coalesce(f.class, 'unknown'), d.tier, coalesce(f.tier, 'unknown'),
         d.segment, coalesce(f.segment, 'unknown')
    FROM pl.open_then(q, p_at) AS d
    JOIN governed AS g ON g.team_id = CASE WHEN d.team = ANY (v_teams_then) THEN d.team ELSE '' END AND p_at >= g.valid_from AND p_at < g.valid_to
    LEFT JOIN fit AS f ON f.account_id = d.account_id AND p_at >= f.valid_from AND p_at < f.valid_to
  ), alike AS (
    SELECT r.population, r.was_class, r.class, r.was_tier, r.tier, r.was_segment, r.segment, count(*) AS n, sum(r.money) AS money,
           array_agg(r.id) FILTER (WHERE (r.was_class, r.was_tier, r.was_segment) <> (r.class, r.tier, r.segment)) AS ids
      FROM row AS r GROUP BY 1, 2, 3, 4, 5, 6, 7
  )
  SELECT a.population, a.was_class, a.class, a.was_tier, a.tier, a.was_segment, a.segment, a.n, a.money,
         ARRAY(SELECT id FROM unnest(a.ids) AS id ORDER BY id COLLATE "C" LIMIT 10)
    FROM alike AS a;
END $$;
COMMENT ON FUNCTION pl.preview_groups(pl.metric_query, strategy, timestamptz) IS
  'What the document would govern if it were published now, of what the key may see: accounts at p_at (money: won in the 365 days before), won '
  'deals decided under it, deals open at p_at. Verdicts as pl.judge would give them with the document in force, which a test holds it to';

CREATE FUNCTION pl.preview_json(q pl.metric_query, p_rows jsonb, p_moves jsonb) RETURNS jsonb
LANGUAGE plpgsql IMMUTABLE AS $$
BEGIN
  RETURN jsonb_build_object(
    'n', coalesce(p_rows -> 'n', '0'), 'money', pl.money_text(coalesce((p_rows ->> 'money')::numeric, 0), q.reporting),
    'classes', coalesce(p_rows -> 'classes', '{"on": 0, "off": 0, "unknown": 0}'),
    'moves', jsonb_build_object('class', coalesce(p_moves -> 'class', '[]'), 'tier', coalesce(p_moves -> 'tier', '[]'),
                                'segment', coalesce(p_moves -> 'segment', '[]')));
END $$;
COMMENT ON FUNCTION pl.preview_json(pl.metric_query, jsonb, jsonb) IS 'One population of a preview as it is shown';

CREATE FUNCTION pl.strategy_preview(p_org int, p_request jsonb) RETURNS text
LANGUAGE plpgsql STABLE SET jit = off SET work_mem = '64MB' AS $$
DECLARE
  v_strategy strategy := pl.strategy_find(p_org, p_request #>> '{path,0}', false);
  q pl.metric_query := pl.resolve_query(p_org, jsonb_build_object('query', '{}'::jsonb, 'who', p_request -> 'who'), '{}', '{}');
  v_at timestamptz := greatest(clock_timestamp(), pl.local_midnight(v_strategy.effective_from, q.zone));
  v_against text[];
  v_rows jsonb;
  v_moves jsonb;
BEGIN
  v_against := ARRAY(SELECT DISTINCT s.strategy_id FROM pl.strategy_spans(p_org, NULL, NULL) AS s WHERE v_at >= s.valid_from AND v_at < s.valid_to ORDER BY 1);
  WITH alike AS MATERIALIZED (
    SELECT * FROM pl.preview_groups(q, v_strategy, v_at)
  ), kind AS (
    SELECT a.population, jsonb_build_object('n', sum(a.n), 'money', sum(a.money), 'classes',
             jsonb_build_object('on', coalesce(sum(a.n) FILTER (WHERE a.class = 'on'), 0), 'off', coalesce(sum(a.n) FILTER (WHERE a.class = 'off'), 0),
                                'unknown', coalesce(sum(a.n) FILTER (WHERE a.class = 'unknown'), 0))) AS sums
      FROM alike AS a GROUP BY a.population
  ), part AS (
    SELECT a.population, m.what, m.was, m.now, a.n, a.money, a.sample
      FROM alike AS a
     CROSS JOIN LATERAL (VALUES ('class', a.was_class, a.class), ('tier', a.was_tier, a.tier), ('segment', a.was_segment, a.segment)) AS m(what, was, now)
     WHERE m.was <> m.now
  ), move AS (
    SELECT p.population, p.what, p.was, p.now, sum(p.n) AS n, sum(p.money) AS money,
           ARRAY(SELECT s.id FROM part AS o CROSS JOIN LATERAL unnest(o.sample) AS s(id)
                  WHERE (o.population, o.what, o.was, o.now) = (p.population, p.what, p.was, p.now) ORDER BY s.id COLLATE "C" LIMIT 10) AS sample
      FROM part AS p GROUP BY p.population, p.what, p.was, p.now
  ), moved AS (
    SELECT m.population, m.what, jsonb_agg(jsonb_build_object('from', m.was, 'to', m.now, 'n', m.n, 'money', pl.money_text(coalesce(m.money, 0), q.reporting),
                                                              'sample', to_jsonb(m.sample)) ORDER BY m.n DESC, m.was, m.now) AS list
      FROM move AS m GROUP BY m.population, m.what
  )
  SELECT (SELECT jsonb_object_agg(k.population, k.sums) FROM kind AS k),
         (SELECT jsonb_object_agg(x.population, x.lists)
            FROM (SELECT m.population, jsonb_object_agg(m.what, m.list) AS lists FROM moved AS m GROUP BY m.population) AS x)
    INTO v_rows, v_moves;
  RETURN jsonb_build_object(
    'id', v_strategy.strategy_id, 'status', v_strategy.status, 'against', to_jsonb(v_against), 'at', pl.iso(v_at), 'currency', q.reporting,
    'accounts', coalesce(v_rows #> '{accounts,n}', '0'), 'classes', coalesce(v_rows #> '{accounts,classes}', '{"on": 0, "off": 0, "unknown": 0}'),
    'tiers', coalesce(v_moves #> '{accounts,tier}', '[]'), 'segments', coalesce(v_moves #> '{accounts,segment}', '[]'),
    'bookings', pl.preview_json(q, v_rows -> 'bookings', v_moves -> 'bookings'),
    'pipeline', pl.preview_json(q, v_rows -> 'pipeline', v_moves -> 'pipeline'),
    -- the lint counts all accounts: it is told to whoever sees them all
    'warnings', CASE WHEN coalesce(p_request #>> '{who,scope}', 'all') = 'all' THEN pl.strategy_lint(p_org, v_strategy.body) ELSE '[]' END)::text;
END $$;
COMMENT ON FUNCTION pl.strategy_preview(int, jsonb) IS
  'POST /v1/strategies/{id}/preview: which accounts, won deals and open deals would move between tiers, segments and classes, with counts, money '
  'and ids, of what the key may see; and, to a key that sees everything, the lint. At now, or when the document comes into force if that is later. Writes nothing';
