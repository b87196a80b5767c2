-- Who belonged to which team when, and the tree of teams (METRICS R10).

CREATE FUNCTION pl.team_timeline(p_track jsonb, p_zone text, p_backcast boolean)
RETURNS TABLE (valid_from timestamptz, valid_to timestamptz, team_id text, backcast boolean)
LANGUAGE plpgsql STABLE PARALLEL SAFE AS $$
DECLARE
  v_starts timestamptz[] := '{}';
  v_teams text[] := '{}';
  v_set jsonb;
  v_start timestamptz;
  v_team text;
BEGIN
  FOR i IN 0 .. jsonb_array_length(p_track) - 1 LOOP
    v_set := p_track -> i -> 'set';
    CONTINUE WHEN NOT v_set ?| ARRAY['team', 'team_from'];
    v_start := coalesce(pl.source_instant(v_set ->> 'team_from', p_zone), (p_track -> i ->> 'at')::timestamptz);
    IF v_set ? 'team' THEN
      v_team := v_set ->> 'team';
    ELSIF cardinality(v_starts) > 0 AND v_set ->> 'team_from' IS NOT NULL THEN
      -- Only the date: it corrects since when the present team holds.
      v_starts := v_starts[:cardinality(v_starts) - 1];
      v_teams := v_teams[:cardinality(v_teams) - 1];
    ELSE
      CONTINUE;
    END IF;
    -- A membership ends all that would begin later.
    WHILE cardinality(v_starts) > 0 AND v_starts[cardinality(v_starts)] >= v_start LOOP
      v_starts := v_starts[:cardinality(v_starts) - 1];
      v_teams := v_teams[:cardinality(v_teams) - 1];
    END LOOP;
    v_starts := v_starts || v_start;
    v_teams := v_teams || v_team;
  END LOOP;
  IF cardinality(v_starts) = 0 THEN
    RETURN;
  END IF;
  valid_from := '-infinity';
  valid_to := v_starts[1];
  team_id := CASE WHEN p_backcast THEN (SELECT t FROM unnest(v_teams) WITH ORDINALITY AS x(t, n) WHERE t IS NOT NULL ORDER BY n LIMIT 1) END;
  backcast := team_id IS NOT NULL;
  RETURN NEXT;
  FOR i IN 1 .. cardinality(v_starts) LOOP
    valid_from := v_starts[i];
    valid_to := coalesce(v_starts[i + 1], 'infinity');
    team_id := v_teams[i];
    backcast := false;
    RETURN NEXT;
  END LOOP;
END $$;
COMMENT ON FUNCTION pl.team_timeline(jsonb, text, boolean) IS
  'Dated membership from a rep''s track: a team holds from the local midnight of its team_from, else from when it was set; before the first, '
  'the first team is back-cast. METRICS R10, R22';

CREATE FUNCTION pl.derive_rep_teams(p_org int, p_as_of timestamptz, p_known_at timestamptz, p_ids text[])
RETURNS SETOF rep_team LANGUAGE plpgsql STABLE AS $$
#variable_conflict use_column
BEGIN
  RETURN QUERY
    SELECT p_org, r.object_id, t.valid_from, t.valid_to, t.team_id, t.backcast
      FROM org AS o
     CROSS JOIN pl.object_states(p_org, 'rep', p_ids, p_as_of, p_known_at) AS r
     CROSS JOIN pl.team_timeline(r.track, o.time_zone, o.backcast = 'on') AS t
     WHERE o.org_id = p_org;
END $$;
COMMENT ON FUNCTION pl.derive_rep_teams(int, timestamptz, timestamptz, text[]) IS
  'Memberships of reps as known at (as_of, known_at), deleted reps included: their deals keep their team. Ids null: all';

CREATE FUNCTION pl.rep_teams(p_org int, p_as_of timestamptz, p_known_at timestamptz, p_ids text[])
RETURNS SETOF rep_team LANGUAGE plpgsql STABLE AS $$
BEGIN
  IF p_as_of IS NOT NULL OR p_known_at IS NOT NULL THEN
    RETURN QUERY SELECT * FROM pl.derive_rep_teams(p_org, p_as_of, p_known_at, p_ids);
  ELSIF p_ids IS NULL THEN
    RETURN QUERY SELECT * FROM rep_team WHERE org_id = p_org;
  ELSE
    RETURN QUERY SELECT t.* FROM unnest(p_ids) AS i(id), LATERAL (SELECT * FROM rep_team AS x WHERE x.org_id = p_org AND x.rep_id = i.id OFFSET 0) AS t;
  END IF;
END $$;
COMMENT ON FUNCTION pl.rep_teams(int, timestamptz, timestamptz, text[]) IS 'Memberships now (the table) or as known at (as_of, known_at)';

CREATE FUNCTION pl.project_rep_teams(p_org int, p_ids text[]) RETURNS text[]
LANGUAGE plpgsql AS $$
DECLARE
  v_changed text[];
BEGIN
  WITH fresh AS MATERIALIZED (
    SELECT * FROM pl.derive_rep_teams(p_org, NULL, NULL, p_ids)
  ), old AS MATERIALIZED (
    SELECT x.rep_id, x.valid_from
     FROM unnest(coalesce(p_ids, ARRAY(SELECT DISTINCT a.rep_id FROM rep_team AS a WHERE a.org_id = p_org))) AS i(id),
          LATERAL (SELECT y.rep_id, y.valid_from FROM rep_team AS y WHERE y.org_id = p_org AND y.rep_id = i.id OFFSET 0) AS x
    WHERE (x.rep_id, x.valid_from) NOT IN (SELECT f.rep_id, f.valid_from FROM fresh AS f)
  ), gone AS (
    DELETE FROM rep_team AS t
     USING old
     WHERE t.org_id = p_org AND t.rep_id = old.rep_id AND t.valid_from = old.valid_from
    RETURNING t.rep_id
  ), put AS (
    INSERT INTO rep_team AS t (org_id, rep_id, valid_from, valid_to, team_id, backcast)
    SELECT f.org_id, f.rep_id, f.valid_from, f.valid_to, f.team_id, f.backcast
      FROM fresh AS f
     ORDER BY f.rep_id, f.valid_from
    ON CONFLICT (org_id, rep_id, valid_from) DO UPDATE
       SET valid_to = excluded.valid_to, team_id = excluded.team_id, backcast = excluded.backcast
     WHERE t *<> excluded
    RETURNING t.rep_id
  )
  SELECT coalesce(array_agg(DISTINCT c.rep_id ORDER BY c.rep_id), '{}') INTO v_changed
    FROM (SELECT rep_id FROM gone UNION ALL SELECT rep_id FROM put) AS c;
  RETURN v_changed;
END $$;
COMMENT ON FUNCTION pl.project_rep_teams(int, text[]) IS 'Brings rep_team up to date for these reps (null: all); returns those whose rows changed';

CREATE FUNCTION pl.team_paths(p_org int, p_as_of timestamptz, p_known_at timestamptz)
RETURNS TABLE (team_id text, path text[]) LANGUAGE plpgsql STABLE AS $$
#variable_conflict use_column
BEGIN
  RETURN QUERY
    WITH RECURSIVE team AS MATERIALIZED (
      SELECT t.object_id AS id, t.doc ->> 'parent' AS parent FROM pl.object_states(p_org, 'team', NULL, p_as_of, p_known_at) AS t
    ), climb AS (
      SELECT id, ARRAY[id] AS path, parent FROM team
      UNION ALL
      SELECT c.id, c.path || c.parent, t.parent
        FROM climb AS c LEFT JOIN team AS t ON t.id = c.parent
       WHERE c.parent IS NOT NULL AND c.parent <> ALL (c.path) AND cardinality(c.path) < 64
    )
    SELECT DISTINCT ON (id) id, path FROM climb ORDER BY id, cardinality(path) DESC;
END $$;
COMMENT ON FUNCTION pl.team_paths(int, timestamptz, timestamptz) IS
  'Each team with itself and its ancestors, nearest first; a parent that is not known yet counts, a circle is cut. METRICS R10';
