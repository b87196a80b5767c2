-- Which published strategy is in force for which team when.

CREATE FUNCTION pl.strategies_counted(p_org int, p_also text)
RETURNS TABLE (strategy_id text, teams text[], effective_at timestamptz, publish_order int)
LANGUAGE plpgsql STABLE AS $$
#variable_conflict use_column
BEGIN
  RETURN QUERY SELECT s.strategy_id, s.teams, s.effective_at, s.publish_order FROM strategy AS s WHERE s.org_id = p_org AND s.status = 'published';
  IF p_also IS NOT NULL THEN
    RETURN QUERY
      SELECT s.strategy_id, s.teams, pl.local_midnight(s.effective_from, o.time_zone), coalesce(s.publish_order, 2147483647)
        FROM strategy AS s JOIN org AS o ON o.org_id = s.org_id
       WHERE s.org_id = p_org AND s.strategy_id = p_also AND s.status <> 'published';
  END IF;
END $$;
COMMENT ON FUNCTION pl.strategies_counted(int, text) IS
  'Published strategies, and p_also (null: none), a draft or one being published, as if it had been published last';

CREATE FUNCTION pl.strategy_spans(p_org int, p_as_of timestamptz, p_known_at timestamptz, p_also text DEFAULT NULL)
RETURNS TABLE (team_id text, strategy_id text, valid_from timestamptz, valid_to timestamptz)
LANGUAGE plpgsql STABLE AS $$
#variable_conflict use_column
BEGIN
  IF NOT EXISTS (SELECT 1 FROM strategy AS s
                  WHERE s.org_id = p_org AND (s.status = 'published' OR s.strategy_id = p_also) AND s.teams <> '{}') THEN
    RETURN QUERY
      SELECT ''::text, s.strategy_id, s.effective_at,
             lead(s.effective_at, 1, 'infinity') OVER (ORDER BY s.effective_at, s.publish_order)
        FROM pl.strategies_counted(p_org, p_also) AS s;
    RETURN;
  END IF;
  RETURN QUERY
    WITH published AS MATERIALIZED (
      SELECT s.strategy_id, s.teams, s.effective_at, s.publish_order FROM pl.strategies_counted(p_org, p_also) AS s
    ), member AS (
      -- a team, and the strategies that name it or one of its ancestors
      SELECT t.team_id, p.strategy_id, p.effective_at, p.publish_order
        FROM pl.team_paths(p_org, p_as_of, p_known_at) AS t JOIN published AS p ON p.teams && t.path
      UNION
      SELECT named.team_id, p.strategy_id, p.effective_at, p.publish_order
        FROM published AS p CROSS JOIN unnest(p.teams) AS named(team_id)
    ), scoped AS MATERIALIZED (
      SELECT team_id, strategy_id, effective_at AS valid_from,
             lead(effective_at, 1, 'infinity') OVER (PARTITION BY team_id ORDER BY effective_at, publish_order) AS valid_to
        FROM member
    ), general AS MATERIALIZED (
      SELECT strategy_id, effective_at AS valid_from,
             lead(effective_at, 1, 'infinity') OVER (ORDER BY effective_at, publish_order) AS valid_to
        FROM published WHERE teams = '{}'
    ), start AS (
      SELECT team_id, min(valid_from) AS at FROM scoped GROUP BY team_id
    )
    SELECT ''::text, strategy_id, valid_from, valid_to FROM general WHERE valid_from < valid_to
    UNION ALL
    SELECT team_id, strategy_id, valid_from, valid_to FROM scoped WHERE valid_from < valid_to
    UNION ALL
    SELECT s.team_id, g.strategy_id, g.valid_from, least(g.valid_to, s.at)
      FROM start AS s JOIN general AS g ON g.valid_from < least(g.valid_to, s.at);
END $$;
COMMENT ON FUNCTION pl.strategy_spans(int, timestamptz, timestamptz, text) IS
  'Strategies in force over time, half-open: for team '''' (everyone no scoped strategy covers) and for each team that a scope covers, itself or '
  'through an ancestor. A scoped strategy wins over an unscoped one; among equals the one effective last, then published last. p_also: one not published yet that is taken as if it were, from its date on';

CREATE FUNCTION pl.strategy_in_force(p_org int, p_team text, p_at timestamptz, p_as_of timestamptz DEFAULT NULL, p_known_at timestamptz DEFAULT NULL)
RETURNS text
LANGUAGE plpgsql STABLE AS $$
BEGIN
  RETURN (
    SELECT s.strategy_id
      FROM pl.strategy_spans(p_org, p_as_of, p_known_at) AS s
     WHERE s.team_id IN (p_team, '') AND p_at >= s.valid_from AND p_at < s.valid_to
     ORDER BY s.team_id DESC
     LIMIT 1);
END $$;
COMMENT ON FUNCTION pl.strategy_in_force(int, text, timestamptz, timestamptz, timestamptz) IS
  'The strategy in force for a team (null: no team) at an instant, by the tree of teams as known at (as_of, known_at), or null';
