-- Groups: which keys get a row, and what people call them.

CREATE FUNCTION pl.listed_groups(q pl.metric_query) RETURNS text[]
LANGUAGE plpgsql STABLE AS $$
BEGIN
  RETURN CASE q.grouped_by
    WHEN 'rep' THEN ARRAY(SELECT r.object_id FROM pl.reps_listed(q) r ORDER BY 1)
    WHEN 'team' THEN ARRAY(SELECT DISTINCT r.team_id FROM pl.reps_listed(q) r WHERE r.team_id IS NOT NULL ORDER BY 1)
    WHEN 'segment' THEN ARRAY(SELECT s ->> 'key' FROM jsonb_array_elements(q.body -> 'segments') s
                              WHERE q.segment IS NULL OR s ->> 'key' = q.segment ORDER BY 1)
    WHEN 'tier' THEN ARRAY(SELECT t ->> 'key' FROM jsonb_array_elements(q.body -> 'fit' -> 'tiers') t
                           WHERE q.tier IS NULL OR t ->> 'key' = q.tier ORDER BY 1)
    WHEN 'product' THEN ARRAY(SELECT p FROM jsonb_object_keys(q.body -> 'products') p WHERE q.product IS NULL OR p = q.product ORDER BY 1)
    WHEN 'class' THEN '{on,off}'::text[]
    ELSE '{}' END;
END
$$;
COMMENT ON FUNCTION pl.listed_groups IS
  'Keys that get a row even when nothing happened: reps at work, their teams, segments, tiers and products of the strategy. Others get one when something did';

CREATE FUNCTION pl.reps_listed(q pl.metric_query) RETURNS TABLE (object_id text, team_id text)
LANGUAGE plpgsql STABLE AS $$
DECLARE
  v_teams jsonb := (SELECT jsonb_object_agg(t.rep_id, t.team_id) FROM pl.rep_teams(q.org, q.as_of, q.known_at, NULL) t
                    WHERE t.org_id = q.org AND q.stock_at >= t.valid_from AND q.stock_at < t.valid_to);
BEGIN
  RETURN QUERY
  SELECT r.object_id, v_teams ->> r.object_id
  FROM pl.object_states(q.org, 'rep', NULL, q.as_of, q.known_at) r
  WHERE r.org_id = q.org AND r.deleted_at IS NULL
    AND (r.doc ->> 'active_to' IS NULL OR left(r.doc ->> 'active_to', 10) >= q.first_on::text)
    AND (r.doc ->> 'active_from' IS NULL OR left(r.doc ->> 'active_from', 10) < q.end_on::text)
    AND (q.reps IS NULL OR r.object_id = ANY (q.reps))
    AND (q.teams IS NULL OR v_teams ->> r.object_id = ANY (q.teams));
END
$$;
COMMENT ON FUNCTION pl.reps_listed IS 'reps within the question who were at work at some time of the period, with the team they were in last';

CREATE FUNCTION pl.names(q pl.metric_query, p_kind object_kind, p_ids text[]) RETURNS jsonb
LANGUAGE plpgsql STABLE AS $$
BEGIN
  RETURN (SELECT coalesce(jsonb_object_agg(o.object_id, o.doc ->> 'name'), '{}')
          FROM pl.object_states(q.org, p_kind, ARRAY(SELECT DISTINCT i FROM unnest(p_ids) AS i WHERE i IS NOT NULL), q.as_of, q.known_at) o);
END
$$;
COMMENT ON FUNCTION pl.names IS '{id: name} of objects as the question''s as_of and known_at know them: a past answer says nothing that was learnt later';

CREATE FUNCTION pl.group_labels(q pl.metric_query, p_keys text[]) RETURNS TABLE (key text, label text)
LANGUAGE plpgsql STABLE AS $$
DECLARE
  v_names jsonb := CASE WHEN q.grouped_by IN ('rep', 'team') THEN pl.names(q, q.grouped_by::object_kind, p_keys) END;
BEGIN
  RETURN QUERY
  SELECT k, CASE k WHEN '__none__' THEN 'No ' || coalesce(q.grouped_by, 'group') ELSE
    CASE q.grouped_by
      WHEN 'rep' THEN v_names ->> k
      WHEN 'team' THEN v_names ->> k
      WHEN 'segment' THEN coalesce((SELECT s ->> 'label' FROM jsonb_array_elements(q.body -> 'segments') s WHERE s ->> 'key' = k LIMIT 1),
                                   CASE WHEN k IN ('other', 'unknown') THEN initcap(k) END)
      WHEN 'class' THEN CASE k WHEN 'on' THEN 'On strategy' WHEN 'off' THEN 'Off strategy' ELSE initcap(k) END
    END END
  FROM unnest(p_keys) AS k;
END
$$;
COMMENT ON FUNCTION pl.group_labels IS 'what the keys of a grouping are called, as of the question; null where the key is all there is';

CREATE FUNCTION pl.group_key(q pl.metric_query, p_rep text, p_team text, p_segment text, p_tier text, p_class text, p_kind text, p_period int)
RETURNS text LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
  SELECT CASE q.grouped_by WHEN 'rep' THEN coalesce(p_rep, '__none__') WHEN 'team' THEN coalesce(p_team, '__none__') WHEN 'segment' THEN p_segment
                           WHEN 'tier' THEN p_tier WHEN 'class' THEN p_class WHEN 'kind' THEN p_kind WHEN 'period' THEN (q.subs[p_period]).label END
$$;
COMMENT ON FUNCTION pl.group_key IS 'the group a row is in, by what the question groups by; null without a grouping';
