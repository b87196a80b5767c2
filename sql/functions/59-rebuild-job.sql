-- The rebuild: every object folded from the log, then every projection from the objects. Each step keeps what is as it should be, so
-- nobody sees a difference unless something was wrong, and then each row is right from its step on.

CREATE FUNCTION pl.rebuild_begin(p_org int) RETURNS job
LANGUAGE plpgsql STABLE AS $$
DECLARE
  v_job job;
BEGIN
  v_job.org_id := p_org;
  v_job.kind := 'rebuild';
  v_job.object := 'log';
  v_job.phase := 'objects';
  v_job.done := 0;
  v_job.total := (SELECT count(*) + count(*) FILTER (WHERE o.kind IN ('account', 'opportunity', 'activity')) FROM object AS o WHERE o.org_id = p_org);
  v_job.result := jsonb_build_object('objects', (SELECT count(*) FROM object AS o WHERE o.org_id = p_org),
                                     'events', (SELECT count(*) FROM event AS e WHERE e.org_id = p_org), 'changed', 0);
  RETURN v_job;
END $$;
COMMENT ON FUNCTION pl.rebuild_begin(int) IS 'A rebuild before its first step';

CREATE FUNCTION pl.rebuild_queue(p_org int) RETURNS bigint
LANGUAGE plpgsql AS $$
DECLARE
  v_begin job;
  v_job job;
BEGIN
  PERFORM pl.lock_org(p_org);
  SELECT * INTO v_job FROM job AS j WHERE j.org_id = p_org AND j.kind = 'rebuild' AND j.status IN ('queued', 'running');
  IF FOUND THEN
    RETURN v_job.job_id;
  END IF;
  PERFORM pl.job_refuse_second(p_org);
  v_begin := pl.rebuild_begin(p_org);
  v_job := pl.job_create(p_org, '{}', v_begin.kind, v_begin.object, v_begin.phase, NULL, v_begin.total);
  UPDATE job SET result = v_begin.result WHERE org_id = p_org AND job_id = v_job.job_id;
  RETURN v_job.job_id;
END $$;
COMMENT ON FUNCTION pl.rebuild_queue(int) IS 'Queues a rebuild as a job, unless one is there that is not finished; its number. Fails as job_running while a job of another kind is not finished';

CREATE FUNCTION pl.rebuild(p_org int) RETURNS TABLE (objects bigint, events bigint, changed bigint)
LANGUAGE plpgsql AS $$
DECLARE
  v_job job;
BEGIN
  PERFORM pl.lock_org(p_org);
  v_job := pl.rebuild_begin(p_org);
  v_job.chunk := 10000;
  WHILE v_job.phase <> 'done' LOOP
    v_job := pl.rebuild_step(v_job);
  END LOOP;
  RETURN QUERY SELECT (v_job.result ->> 'objects')::bigint, (v_job.result ->> 'events')::bigint, (v_job.result ->> 'changed')::bigint;
END $$;
COMMENT ON FUNCTION pl.rebuild IS
  'A whole rebuild in one transaction, its steps one after the other. changed: states that were not what the log says (0 unless the data was tampered with)';

CREATE FUNCTION pl.rebuild_step(p_job job) RETURNS job
LANGUAGE plpgsql SET jit = off AS $$
DECLARE
  v_org int := p_job.org_id;
  v_ids text[];
BEGIN
  CASE p_job.phase
    WHEN 'objects' THEN
      RETURN pl.rebuild_objects(p_job);
    WHEN 'shared' THEN
      PERFORM pl.project_rates(v_org, NULL);
      PERFORM pl.project_rep_teams(v_org, NULL);
      RETURN pl.job_advance(p_job, NULL, 0, 'accounts');
    WHEN 'accounts' THEN
      v_ids := pl.rebuild_ids(p_job, 'account');
      PERFORM pl.project_account_versions(v_org, v_ids);
      PERFORM pl.project_account_fits(v_org, v_ids);
      RETURN pl.job_advance(p_job, v_ids[cardinality(v_ids)], cardinality(v_ids), 'deals');
    WHEN 'deals' THEN
      v_ids := pl.rebuild_ids(p_job, 'opportunity');
      PERFORM pl.project_deals(v_org, v_ids);
      RETURN pl.job_advance(p_job, v_ids[cardinality(v_ids)], cardinality(v_ids), 'currency');
    WHEN 'currency' THEN
      PERFORM pl.project_reporting_currency(v_org);
      RETURN pl.job_advance(p_job, NULL, 0, 'activities');
    WHEN 'activities' THEN
      v_ids := pl.rebuild_ids(p_job, 'activity');
      PERFORM pl.project_activities(v_org, v_ids);
      RETURN pl.job_advance(p_job, v_ids[cardinality(v_ids)], cardinality(v_ids), 'done');
    WHEN 'undo' THEN
      p_job.phase := 'failed';
      RETURN p_job;
  END CASE;
END $$;
COMMENT ON FUNCTION pl.rebuild_step(job) IS 'objects → shared (rates, memberships) → accounts → deals → currency → activities → done; in the order in which they rest on each other';

CREATE FUNCTION pl.rebuild_ids(p_job job, p_kind object_kind) RETURNS text[]
LANGUAGE plpgsql STABLE SET plan_cache_mode = force_generic_plan SET enable_seqscan = off AS $$
DECLARE
  v_after text := coalesce(p_job.position, '');
BEGIN
  -- Also what only a projection knows, which then goes.
  RETURN ARRAY(
    SELECT id COLLATE "C" FROM (
      (SELECT o.object_id AS id FROM object AS o
        WHERE o.org_id = p_job.org_id AND o.kind = p_kind AND o.object_id > v_after ORDER BY o.object_id LIMIT p_job.chunk)
      UNION
      (SELECT v.account_id FROM account_version AS v
        WHERE p_kind = 'account' AND v.org_id = p_job.org_id AND v.account_id > v_after ORDER BY v.account_id LIMIT p_job.chunk)
      UNION
      (SELECT d.deal_id FROM deal_fact_of AS d
        WHERE p_kind = 'opportunity' AND d.org_id = p_job.org_id AND d.deal_id > v_after ORDER BY d.deal_id LIMIT p_job.chunk)
      UNION
      (SELECT s.deal_id FROM open_span AS s
        WHERE p_kind = 'opportunity' AND s.org_id = p_job.org_id AND s.deal_id > v_after ORDER BY s.deal_id LIMIT p_job.chunk)
      UNION
      (SELECT a.activity_id FROM activity_fact_of AS a
        WHERE p_kind = 'activity' AND a.org_id = p_job.org_id AND a.activity_id > v_after ORDER BY a.activity_id LIMIT p_job.chunk)) AS x
     ORDER BY 1 LIMIT p_job.chunk);
END $$;
COMMENT ON FUNCTION pl.rebuild_ids(job, object_kind) IS 'The next ids of a kind after the job''s position, of the objects and of what was derived from them; empty: none are left';

CREATE FUNCTION pl.rebuild_objects(p_job job) RETURNS job
LANGUAGE plpgsql AS $$
DECLARE
  v_kind object_kind := coalesce(split_part(p_job.position, '/', 1), 'rep');
  v_id text := coalesce(substr(p_job.position, strpos(p_job.position, '/') + 1), '');
  v_kinds object_kind[];
  v_ids text[];
  v_last int;
  v_changed bigint;
BEGIN
  SELECT coalesce(array_agg(x.kind ORDER BY x.kind, x.object_id), '{}'), coalesce(array_agg(x.object_id ORDER BY x.kind, x.object_id), '{}')
    INTO v_kinds, v_ids
    FROM (SELECT DISTINCT e.kind, e.object_id FROM event AS e
           WHERE e.org_id = p_job.org_id AND (e.kind, e.object_id) > (v_kind, v_id)
           ORDER BY e.kind, e.object_id LIMIT p_job.chunk) AS x;
  v_last := cardinality(v_ids);
  DELETE FROM object AS o
   WHERE o.org_id = p_job.org_id AND (o.kind, o.object_id) > (v_kind, v_id)
     AND (v_last = 0 OR (o.kind, o.object_id) <= (v_kinds[v_last], v_ids[v_last]))
     AND NOT EXISTS (SELECT FROM event AS e WHERE e.org_id = o.org_id AND e.kind = o.kind AND e.object_id = o.object_id);
  GET DIAGNOSTICS v_changed = ROW_COUNT;
  v_changed := v_changed + pl.keep_folded(p_job.org_id, v_kinds, v_ids);
  IF v_last = 0 THEN
    p_job.result := p_job.result || jsonb_build_object('objects', (SELECT count(*) FROM object AS o WHERE o.org_id = p_job.org_id));
  END IF;
  p_job.result := p_job.result || jsonb_build_object('changed', (p_job.result ->> 'changed')::bigint + v_changed);
  RETURN pl.job_advance(p_job, v_kinds[v_last] || '/' || v_ids[v_last], v_last, 'shared');
END $$;
COMMENT ON FUNCTION pl.rebuild_objects(job) IS
  'Folds the next objects of the log, and takes away those between them that the log does not know. The position is kind/id';
