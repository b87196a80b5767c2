-- Activities: who spent what time on which account, and the verdict at its start (METRICS R9, R22).

CREATE FUNCTION pl.named_ids(p_one jsonb, p_many jsonb) RETURNS text[]
LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE AS $$
BEGIN
  IF jsonb_typeof(p_many) IS DISTINCT FROM 'array' OR p_many = '[]' THEN
    RETURN CASE WHEN p_one #>> '{}' <> '' THEN ARRAY[p_one #>> '{}'] ELSE '{}' END;
  END IF;
  RETURN ARRAY(SELECT DISTINCT id COLLATE "C"
                 FROM (SELECT p_one #>> '{}' AS id UNION ALL SELECT jsonb_array_elements_text(p_many)) AS named
                WHERE id <> ''
                ORDER BY 1);
END $$;
COMMENT ON FUNCTION pl.named_ids(jsonb, jsonb) IS 'Ids an activity names, by its single attribute (rep, account), its list (reps, accounts) or both; each once';

CREATE FUNCTION pl.is_internal(p_kind text) RETURNS boolean
LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
  SELECT p_kind IN ('internal', 'internal_meeting', 'internal_prep', 'prep', 'preparation', 'research', 'admin', 'travel')
$$;
COMMENT ON FUNCTION pl.is_internal(text) IS
  'Kinds of work without the customer: selling time only where conduct.selling_time_kinds names them, and never a conversation. METRICS R9';

CREATE FUNCTION pl.activity_states(p_org int, p_as_of timestamptz, p_known_at timestamptz, p_ids text[])
RETURNS TABLE (activity_id text, reps text[], accounts text[], deal_id text, kind text, outcome text, starts_at timestamptz,
               duration_s numeric, messages text[], backcast boolean, talk_s numeric, customer_talk_s numeric, questions numeric,
               participants_external numeric, tagging_done boolean)
LANGUAGE plpgsql STABLE SET plan_cache_mode = force_generic_plan SET jit = off AS $$
#variable_conflict use_column
DECLARE
  v_zone text;
  v_backcast boolean;
BEGIN
  SELECT o.time_zone, o.backcast = 'on' INTO v_zone, v_backcast FROM org AS o WHERE o.org_id = p_org;
  RETURN QUERY
    WITH activity AS MATERIALIZED (
      SELECT a.object_id, a.doc, pl.source_instant(a.doc ->> 'starts_at', v_zone) AS starts_at,
             pl.named_ids(a.doc -> 'rep', a.doc -> 'reps') AS reps, pl.named_ids(a.doc -> 'account', a.doc -> 'accounts') AS accounts,
             a.deleted_at IS NULL AND a.merged_into IS NULL AND a.doc ?& '{starts_at,kind}' AS live
        FROM pl.object_states(p_org, 'activity', p_ids, p_as_of, p_known_at) AS a
    ), through AS MATERIALIZED (
      -- linked to an opportunity only: to the account it had at that time
      SELECT a.object_id, t.value #>> '{}' AS account, t.is_backcast
        FROM activity AS a
        JOIN pl.object_states(p_org, 'opportunity', ARRAY(SELECT DISTINCT doc ->> 'opportunity' FROM activity
                                                           WHERE accounts = '{}' AND doc ? 'opportunity'), p_as_of, p_known_at) AS d
          ON d.object_id = a.doc ->> 'opportunity'
       CROSS JOIN LATERAL pl.track_at(d.track, 'account', a.starts_at, v_backcast) AS t
       WHERE a.live AND a.accounts = '{}' AND t.value IS NOT NULL
    )
    SELECT a.object_id, CASE WHEN a.reps = '{}' THEN '{""}' ELSE a.reps END,
           CASE WHEN a.accounts <> '{}' THEN a.accounts ELSE ARRAY[coalesce(t.account, '')] END,
           a.doc ->> 'opportunity', a.doc ->> 'kind', a.doc ->> 'outcome', a.starts_at, (a.doc ->> 'duration_s')::numeric,
           ARRAY(SELECT m FROM jsonb_array_elements_text(CASE WHEN jsonb_typeof(a.doc -> 'messages') = 'array'
                                                              THEN a.doc -> 'messages' ELSE '[]' END) AS m),
           coalesce(t.is_backcast, false), (a.doc ->> 'talk_s')::numeric, (a.doc ->> 'customer_talk_s')::numeric, (a.doc ->> 'questions')::numeric,
           (a.doc ->> 'participants_external')::numeric, coalesce(a.doc ->> 'tagging_status' = 'done', false)
      FROM activity AS a LEFT JOIN through AS t ON t.object_id = a.object_id
     WHERE a.live;
END $$;
COMMENT ON FUNCTION pl.activity_states(int, timestamptz, timestamptz, text[]) IS
  'Live activities as known at (as_of, known_at), typed, once their time and kind are known; reps and accounts are never empty: "" stands for none named. Ids null: all. METRICS R9';

CREATE FUNCTION pl.equal_part(p_whole numeric, p_parts int, p_place bigint) RETURNS numeric
LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
  SELECT trim_scale(CASE WHEN p_place < p_parts THEN p_whole / p_parts ELSE p_whole - (p_parts - 1) * (p_whole / p_parts) END)
$$;
COMMENT ON FUNCTION pl.equal_part(numeric, int, bigint) IS
  'One of p_parts equal parts of a whole; what the division leaves goes to the last, so that three thirds are one';

CREATE FUNCTION pl.derive_activity_facts(p_org int, p_as_of timestamptz, p_known_at timestamptz, p_ids text[], p_also text DEFAULT NULL)
RETURNS SETOF activity_fact LANGUAGE plpgsql STABLE SET plan_cache_mode = force_generic_plan SET jit = off AS $$
#variable_conflict use_column
BEGIN
  RETURN QUERY
    WITH part AS MATERIALIZED (
      SELECT (row_number() OVER ())::int AS n, a.activity_id, r.rep, c.account, a.deal_id, a.kind, a.outcome, a.starts_at,
             a.duration_s, a.messages, a.backcast, cardinality(a.accounts) AS accounts, c.place,
             a.talk_s, a.customer_talk_s, a.questions, a.participants_external, a.tagging_done
        FROM pl.activity_states(p_org, p_as_of, p_known_at, p_ids) AS a
       CROSS JOIN LATERAL unnest(a.reps) AS r(rep)
       CROSS JOIN LATERAL unnest(a.accounts) WITH ORDINALITY AS c(account, place)
    ), verdict AS MATERIALIZED (
      SELECT v.n, v.team, v.strategy, v.segment, v.tier, v.class, v.reason, v.backcast,
             s.body -> 'activity_minutes' AS minutes, s.body -> 'conduct' -> 'unknown_outcome_kinds' AS taken_as_held,
             s.body -> 'conduct' -> 'selling_time_kinds' AS selling
        FROM pl.judge(p_org, p_as_of, p_known_at, ARRAY(SELECT rep FROM part ORDER BY n),
                      ARRAY(SELECT nullif(account, '') FROM part ORDER BY n), ARRAY(SELECT starts_at FROM part ORDER BY n),
                      p_also => p_also) AS v
        LEFT JOIN strategy AS s ON s.org_id = p_org AND s.strategy_id = v.strategy
    )
    SELECT p_org, p.activity_id, p.rep, p.account, p.deal_id, p.kind, p.outcome, p.starts_at,
           pl.equal_part(coalesce(p.duration_s / 3600, (v.minutes ->> p.kind)::numeric / 60, 0), p.accounts, p.place),
           pl.equal_part(1, p.accounts, p.place),
           p.duration_s IS NULL,
           (p.outcome IS NOT DISTINCT FROM 'held'
             OR (coalesce(p.outcome, 'unknown') = 'unknown' AND coalesce(v.taken_as_held ? p.kind, false)))
             AND (NOT pl.is_internal(p.kind) OR coalesce(v.selling ? p.kind, false)),
           p.messages, v.team, v.strategy, v.segment, v.tier, v.class,
           CASE WHEN p.account = '' THEN 'unattributed' ELSE v.reason END,
           v.backcast OR p.backcast, p.talk_s, p.customer_talk_s, p.questions, p.participants_external, p.tagging_done OR p.messages <> '{}'
      FROM part AS p JOIN verdict AS v ON v.n = p.n;
END $$;
COMMENT ON FUNCTION pl.derive_activity_facts(int, timestamptz, timestamptz, text[], text) IS
  'Activities judged from state as known at (as_of, known_at); nulls: now. A row a rep (each in full) and account (divided equally); hours from '
  'the duration, else from the strategy''s activity_minutes (estimated; 0 where it names none); counted: held, or of unknown outcome and of a kind '
  'that the strategy''s conduct.unknown_outcome_kinds takes as held, and no internal work that conduct.selling_time_kinds does not name. The one '
  'derivation of activity_fact. Ids null: all. p_also: as in pl.judge. METRICS R9';

CREATE FUNCTION pl.activity_facts(p_org int, p_as_of timestamptz, p_known_at timestamptz, p_ids text[] DEFAULT NULL)
RETURNS SETOF activity_fact LANGUAGE plpgsql STABLE AS $$
BEGIN
  IF p_as_of IS NOT NULL OR p_known_at IS NOT NULL THEN
    RETURN QUERY SELECT * FROM pl.derive_activity_facts(p_org, p_as_of, p_known_at, p_ids);
  ELSIF p_ids IS NULL THEN
    RETURN QUERY SELECT * FROM activity_fact WHERE org_id = p_org;
  ELSE
    RETURN QUERY SELECT t.* FROM unnest(p_ids) AS i(id), LATERAL (SELECT * FROM activity_fact AS x WHERE x.org_id = p_org AND x.activity_id = i.id OFFSET 0) AS t;
  END IF;
END $$;
COMMENT ON FUNCTION pl.activity_facts(int, timestamptz, timestamptz, text[]) IS
  'Activities judged: now (nulls: the table), or as known at (as_of, known_at) by the same derivation. Ids null: all';

CREATE FUNCTION pl.project_activities(p_org int, p_ids text[]) RETURNS void
LANGUAGE plpgsql AS $$
DECLARE
  v_kept record;
BEGIN
  FOR v_kept IN SELECT * FROM pl.epochs_kept(p_org) LOOP
    PERFORM pl.project_activities_in(p_org, v_kept.epoch, v_kept.also, p_ids);
  END LOOP;
END $$;
COMMENT ON FUNCTION pl.project_activities(int, text[]) IS 'Brings activity_fact up to date for these activities (null: all), in every epoch that is kept';

CREATE FUNCTION pl.project_activities_in(p_org int, p_epoch int, p_also text, p_ids text[]) RETURNS void
LANGUAGE plpgsql SET plan_cache_mode = force_generic_plan SET jit = off AS $$
BEGIN
  WITH fresh AS MATERIALIZED (
    SELECT * FROM pl.derive_activity_facts(p_org, NULL, NULL, p_ids, p_also)
  ), old AS MATERIALIZED (
    SELECT x.activity_id, x.rep_id, x.account_id
     FROM unnest(coalesce(p_ids, ARRAY(SELECT DISTINCT a.activity_id FROM activity_fact_of AS a WHERE a.org_id = p_org AND a.epoch = p_epoch))) AS i(id),
          LATERAL (SELECT y.activity_id, y.rep_id, y.account_id FROM activity_fact_of AS y
                    WHERE y.org_id = p_org AND y.epoch = p_epoch AND y.activity_id = i.id OFFSET 0) AS x
    WHERE (x.activity_id, x.rep_id, x.account_id) NOT IN (SELECT f.activity_id, f.rep_id, f.account_id FROM fresh AS f)
  ), gone AS (
    DELETE FROM activity_fact_of AS t
     USING old
     WHERE t.org_id = p_org AND t.epoch = p_epoch AND t.activity_id = old.activity_id AND t.rep_id = old.rep_id AND t.account_id = old.account_id
  )
  INSERT INTO activity_fact_of AS t
  SELECT f.*, p_epoch FROM fresh AS f ORDER BY f.activity_id, f.rep_id, f.account_id
  ON CONFLICT (org_id, activity_id, rep_id, account_id, epoch) DO UPDATE SET
    deal_id = excluded.deal_id, kind = excluded.kind, outcome = excluded.outcome, starts_at = excluded.starts_at, hours = excluded.hours,
    share = excluded.share, estimated = excluded.estimated, counted = excluded.counted, messages = excluded.messages,
    team = excluded.team, strategy = excluded.strategy, segment = excluded.segment, tier = excluded.tier, class = excluded.class,
    reason = excluded.reason, backcast = excluded.backcast, talk_s = excluded.talk_s, customer_talk_s = excluded.customer_talk_s,
    questions = excluded.questions, participants_external = excluded.participants_external, tagged = excluded.tagged
  WHERE t *<> excluded;
END $$;
COMMENT ON FUNCTION pl.project_activities_in(int, int, text, text[]) IS
  'Brings the facts of these activities (null: all) up to date in one epoch. p_also: the strategy that is in force only there, or null';
