-- Row scopes: what a key may see. "who" is {"scope": all|team|self, "rep": id|null, "team": id|null, "key": id}.

CREATE FUNCTION pl.teams_below(p_org int, p_team text) RETURNS text[]
LANGUAGE plpgsql STABLE AS $$
BEGIN
  RETURN ARRAY(
    WITH RECURSIVE tree(id) AS (
      SELECT p_team COLLATE "C" WHERE p_team IS NOT NULL
      UNION
      SELECT o.object_id FROM tree AS t
        JOIN object AS o ON o.org_id = p_org AND o.kind = 'team' AND o.doc ->> 'parent' = t.id AND o.deleted_at IS NULL
    )
    SELECT t.id FROM tree AS t ORDER BY t.id);
END $$;
COMMENT ON FUNCTION pl.teams_below IS 'A team and all teams below it, as the tree is now';

CREATE FUNCTION pl.reps_seen(p_org int, p_who jsonb) RETURNS text[]
LANGUAGE plpgsql STABLE AS $$
DECLARE
  v_teams text[];
BEGIN
  CASE p_who ->> 'scope'
    WHEN 'all' THEN
      RETURN NULL;
    WHEN 'self' THEN
      RETURN array_remove(ARRAY[p_who ->> 'rep'], NULL);
    WHEN 'team' THEN
      v_teams := pl.teams_below(p_org, p_who ->> 'team');
      RETURN ARRAY(SELECT o.object_id FROM object AS o
                    WHERE o.org_id = p_org AND o.kind = 'rep'
                      AND (o.doc ->> 'team' = ANY (v_teams) OR o.object_id = p_who ->> 'rep')
                    ORDER BY o.object_id);
  END CASE;
END $$;
COMMENT ON FUNCTION pl.reps_seen IS 'Reps whose rows a key may see: null for all of them';

CREATE FUNCTION pl.teams_seen(p_org int, p_who jsonb) RETURNS text[]
LANGUAGE plpgsql STABLE AS $$
BEGIN
  IF p_who ->> 'scope' = 'self' THEN
    RETURN ARRAY(SELECT o.doc ->> 'team' FROM object AS o
                  WHERE o.org_id = p_org AND o.kind = 'rep' AND o.object_id = p_who ->> 'rep' AND o.doc ? 'team');
  END IF;
  RETURN pl.teams_below(p_org, p_who ->> 'team');
END $$;
COMMENT ON FUNCTION pl.teams_seen IS 'Teams that a key bound to a team or a rep may see';

CREATE FUNCTION pl.seen(p_org int, p_kind object_kind, p_id text, p_doc jsonb, p_reps text[], p_teams text[]) RETURNS boolean
LANGUAGE plpgsql STABLE AS $$
BEGIN
  IF p_reps IS NULL THEN
    RETURN true;
  END IF;
  CASE p_kind
    WHEN 'rep' THEN
      RETURN p_id = ANY (p_reps);
    WHEN 'team' THEN
      RETURN p_id = ANY (p_teams);
    WHEN 'opportunity' THEN
      RETURN coalesce(p_doc ->> 'owner' = ANY (p_reps), false);
    WHEN 'activity' THEN
      -- By text: an id may have been sent as a number.
      RETURN coalesce(p_doc ->> 'rep' = ANY (p_reps), false)
          OR EXISTS (SELECT FROM jsonb_path_query(p_doc, '$.reps[*]') AS r WHERE r #>> '{}' = ANY (p_reps));
    WHEN 'account' THEN
      RETURN coalesce(p_doc ->> 'owner' = ANY (p_reps), false)
          OR EXISTS (SELECT FROM deal_fact AS d
                      WHERE d.org_id = p_org AND d.account_id = p_id AND d.owner = ANY (p_reps))
          OR EXISTS (SELECT FROM activity_fact AS a
                      WHERE a.org_id = p_org AND a.account_id = p_id AND a.rep_id = ANY (p_reps));
    ELSE
      RETURN true;
  END CASE;
END $$;
COMMENT ON FUNCTION pl.seen IS
  'Whether a key that may see p_reps (null: all) and p_teams may see this object: deals by owner, activities by their reps, accounts by owner or a deal or activity of a rep; products, stages and rates are open';
