-- Account versions: what was known of each account when, as typed rows.

CREATE FUNCTION pl.derive_account_versions(p_org int, p_as_of timestamptz, p_known_at timestamptz, p_ids text[], p_depth int DEFAULT 0)
RETURNS SETOF account_version LANGUAGE plpgsql STABLE AS $$
#variable_conflict use_column
DECLARE
  v_backcast boolean := (SELECT o.backcast = 'on' FROM org o WHERE o.org_id = p_org);
  v_merged text[] := '{}';
  v_survivors text[] := '{}';
  v_ends timestamptz[] := '{}';
  v_account object;
BEGIN
  FOR v_account IN SELECT * FROM pl.object_states(p_org, 'account', p_ids, p_as_of, p_known_at) LOOP
    RETURN QUERY
      SELECT p_org, v_account.object_id, t.valid_from, least(t.valid_to, v_account.deleted_at), t.attrs, t.backcast, t.times
        FROM pl.account_timeline(v_account.track, v_backcast) AS t
       WHERE t.valid_from < coalesce(v_account.deleted_at, 'infinity');
    IF v_account.merged_into IS NOT NULL AND v_account.deleted_at IS NOT NULL THEN
      v_merged := v_merged || v_account.object_id;
      v_survivors := v_survivors || v_account.merged_into;
      v_ends := v_ends || v_account.deleted_at;
    END IF;
  END LOOP;
  -- From the merge on, what still refers to the merged account means the survivor. The depth stops merges that run in a circle.
  IF cardinality(v_merged) > 0 AND p_depth < 8 THEN
    RETURN QUERY
      SELECT p_org, m.account_id, greatest(v.valid_from, m.ended), v.valid_to, v.attrs, v.backcast, v.times
        FROM unnest(v_merged, v_survivors, v_ends) AS m(account_id, survivor, ended)
        JOIN pl.derive_account_versions(p_org, p_as_of, p_known_at,
               ARRAY(SELECT DISTINCT s FROM unnest(v_survivors) AS s), p_depth + 1) AS v
          ON v.account_id = m.survivor AND v.valid_to > m.ended;
  END IF;
END $$;
COMMENT ON FUNCTION pl.derive_account_versions(int, timestamptz, timestamptz, text[], int) IS
  'Versions of accounts as known at (as_of, known_at), to their deletion; a merged account continues as its survivor. Ids null: all';

CREATE FUNCTION pl.project_account_versions(p_org int, p_ids text[]) RETURNS text[]
-- One probe of the key a row, as everywhere on the way of a write.
LANGUAGE plpgsql SET plan_cache_mode = force_generic_plan SET enable_seqscan = off SET enable_hashjoin = off SET enable_mergejoin = off SET jit = off AS $$
DECLARE
  v_changed text[];
BEGIN
  WITH fresh AS MATERIALIZED (
    SELECT f AS row, f.account_id, f.valid_from FROM pl.derive_account_versions(p_org, NULL, NULL, p_ids) AS f
  ), met AS MATERIALIZED (
    SELECT f.row, o.row AS old
      FROM fresh AS f
      LEFT JOIN LATERAL (SELECT x AS row FROM account_version AS x
                          WHERE x.org_id = p_org AND x.account_id = f.account_id AND x.valid_from = f.valid_from LIMIT 1) AS o ON true
  ), old AS MATERIALIZED (
    SELECT x.account_id, x.valid_from
     FROM unnest(coalesce(p_ids, ARRAY(SELECT DISTINCT a.account_id FROM account_version AS a WHERE a.org_id = p_org))) AS i(id),
          LATERAL (SELECT y.account_id, y.valid_from FROM account_version AS y WHERE y.org_id = p_org AND y.account_id = i.id OFFSET 0) AS x
    WHERE (x.account_id, x.valid_from) NOT IN (SELECT f.account_id, f.valid_from FROM fresh AS f)
  ), gone AS (
    DELETE FROM account_version AS v
     USING old
     WHERE v.org_id = p_org AND v.account_id = old.account_id AND v.valid_from = old.valid_from
    RETURNING v.account_id
  ), born AS (
    INSERT INTO account_version AS v (org_id, account_id, valid_from, valid_to, attrs, backcast, times)
    SELECT (m.row).org_id, (m.row).account_id, (m.row).valid_from, (m.row).valid_to, (m.row).attrs, (m.row).backcast, (m.row).times
      FROM met AS m WHERE m.old IS NULL
    RETURNING v.account_id
  ), changed AS (
    UPDATE account_version AS v
       SET valid_to = (m.row).valid_to, attrs = (m.row).attrs, backcast = (m.row).backcast, times = (m.row).times
      FROM met AS m
     WHERE v.org_id = p_org AND v.account_id = (m.row).account_id AND v.valid_from = (m.row).valid_from AND m.old *<> m.row
    RETURNING v.account_id
  )
  SELECT coalesce(array_agg(DISTINCT c.account_id ORDER BY c.account_id), '{}') INTO v_changed
    FROM (SELECT account_id FROM gone UNION ALL SELECT account_id FROM born UNION ALL SELECT account_id FROM changed) AS c;
  RETURN v_changed;
END $$;
COMMENT ON FUNCTION pl.project_account_versions(int, text[]) IS
  'Brings account_version up to date for these accounts (null: all); returns those whose rows changed';
