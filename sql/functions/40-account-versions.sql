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

CREATE FUNCTION pl.project_some_account_versions(p_org int, p_ids text[]) RETURNS text[]
-- One probe of the key a row, as everywhere on the way of a write.
LANGUAGE plpgsql SET plan_cache_mode = force_generic_plan SET enable_seqscan = off SET enable_hashjoin = off SET enable_mergejoin = off SET jit = off AS $$
DECLARE
  v_fresh account_version[] := ARRAY(SELECT f FROM pl.derive_account_versions(p_org, NULL, NULL, p_ids) AS f);
  v_born account_version[];
  v_changed account_version[];
  v_gone account_version[];
BEGIN
  SELECT array_agg(f.row) FILTER (WHERE o.row IS NULL), array_agg(f.row) FILTER (WHERE o.row *<> f.row) INTO v_born, v_changed
    FROM (SELECT x AS row, x.account_id, x.valid_from FROM unnest(v_fresh) AS x) AS f
    LEFT JOIN LATERAL (SELECT x AS row FROM account_version AS x
                        WHERE x.org_id = p_org AND x.account_id = f.account_id AND x.valid_from = f.valid_from LIMIT 1) AS o ON true;
  v_gone := ARRAY(SELECT t.row FROM unnest(p_ids) AS i(id), LATERAL (SELECT x AS row, x.account_id, x.valid_from FROM account_version AS x
                                                                      WHERE x.org_id = p_org AND x.account_id = i.id OFFSET 0) AS t
                   WHERE (t.account_id, t.valid_from) NOT IN (SELECT f.account_id, f.valid_from FROM unnest(v_fresh) AS f));
  IF v_gone <> '{}' THEN
    DELETE FROM account_version AS v USING unnest(v_gone) AS g WHERE v.org_id = p_org AND v.account_id = g.account_id AND v.valid_from = g.valid_from;
  END IF;
  IF v_born IS NOT NULL THEN
    INSERT INTO account_version (org_id, account_id, valid_from, valid_to, attrs, backcast, times)
    SELECT b.org_id, b.account_id, b.valid_from, b.valid_to, b.attrs, b.backcast, b.times FROM unnest(v_born) AS b;
  END IF;
  IF v_changed IS NOT NULL THEN
    UPDATE account_version AS v SET valid_to = c.valid_to, attrs = c.attrs, backcast = c.backcast, times = c.times
      FROM unnest(v_changed) AS c
     WHERE v.org_id = p_org AND v.account_id = c.account_id AND v.valid_from = c.valid_from;
  END IF;
  RETURN ARRAY(SELECT DISTINCT a.account_id FROM unnest(v_gone || v_born || v_changed) AS a ORDER BY 1);
END $$;
COMMENT ON FUNCTION pl.project_some_account_versions(int, text[]) IS 'pl.project_account_versions for as many as are held in memory at once';

CREATE FUNCTION pl.project_account_versions(p_org int, p_ids text[]) RETURNS text[]
LANGUAGE plpgsql AS $$
DECLARE
  v_some text[];
  v_changed text[] := '{}';
BEGIN
  IF cardinality(p_ids) <= 1000 THEN
    RETURN CASE WHEN p_ids = '{}' THEN p_ids ELSE pl.project_some_account_versions(p_org, p_ids) END;
  END IF;
  FOR v_some IN
    SELECT array_agg(i.id ORDER BY i.n)
      FROM unnest(coalesce(p_ids, ARRAY(
             SELECT o.object_id FROM object AS o WHERE o.org_id = p_org AND o.kind = 'account'
             UNION SELECT v.account_id FROM account_version AS v WHERE v.org_id = p_org))) WITH ORDINALITY AS i(id, n)
     GROUP BY (i.n - 1) / 1000 ORDER BY (i.n - 1) / 1000
  LOOP
    v_changed := v_changed || pl.project_some_account_versions(p_org, v_some);
  END LOOP;
  RETURN v_changed;
END $$;
COMMENT ON FUNCTION pl.project_account_versions(int, text[]) IS
  'Brings account_version up to date for these accounts (null: all); returns those whose rows changed';
