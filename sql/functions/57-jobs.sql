-- Jobs: work too long for one request. A job is a row; whoever comes first does its next step, a short transaction that leaves behind
-- how far it got. What a step of each kind does stands elsewhere (58-publish-job.sql).

CREATE FUNCTION pl.job_json(p_job job) RETURNS jsonb
LANGUAGE plpgsql STABLE AS $$
BEGIN
  RETURN jsonb_build_object(
    'id', 'j' || p_job.job_id, 'kind', p_job.kind, 'object', p_job.object, 'status', p_job.status, 'phase', p_job.phase,
    'progress', jsonb_build_object('done', least(p_job.done, p_job.total), 'total', p_job.total), 'error', p_job.error, 'result', p_job.result,
    'actor', p_job.actor, 'created_at', pl.iso(p_job.created_at), 'started_at', pl.iso(p_job.started_at), 'finished_at', pl.iso(p_job.finished_at));
END $$;
COMMENT ON FUNCTION pl.job_json(job) IS 'A job as the API shows it; progress counts rows looked at';

CREATE FUNCTION pl.job_get(p_org int, p_request jsonb) RETURNS text
LANGUAGE plpgsql STABLE AS $$
DECLARE
  v_id text := p_request #>> '{path,0}';
BEGIN
  IF v_id !~ '^j[0-9]{1,18}$' THEN
    RETURN NULL;
  END IF;
  RETURN (SELECT pl.job_json(j)::text FROM job AS j WHERE j.org_id = p_org AND j.job_id = substr(v_id, 2)::bigint);
END $$;
COMMENT ON FUNCTION pl.job_get(int, jsonb) IS 'GET /v1/jobs/{id}: one row by its key, cheap enough to be asked every second; null: no such job';

CREATE FUNCTION pl.job_list(p_org int, p_request jsonb) RETURNS TABLE (body text, next text)
LANGUAGE plpgsql STABLE AS $$
DECLARE
  v_query jsonb := p_request -> 'query';
  v_limit int := pl.page_limit(p_request);
  v_before bigint := coalesce(pl.number_cursor(p_request), 9223372036854775807);
  v_rows job[];
BEGIN
  v_rows := ARRAY(SELECT j FROM job AS j
                   WHERE j.org_id = p_org AND j.job_id < v_before
                     AND (NOT v_query ? 'status' OR j.status = v_query ->> 'status')
                     AND (NOT v_query ? 'kind' OR j.kind = v_query ->> 'kind')
                     AND (NOT v_query ? 'object' OR j.object = v_query ->> 'object')
                   ORDER BY j.job_id DESC
                   LIMIT v_limit + 1);
  IF cardinality(v_rows) > v_limit THEN
    next := pl.cursor_encode(v_rows[v_limit].job_id::text);
  END IF;
  body := jsonb_build_object('next', next, 'data', (SELECT coalesce(jsonb_agg(pl.job_json(j) ORDER BY j.job_id DESC), '[]')
                                                      FROM unnest(v_rows[1:v_limit]) AS j))::text;
  RETURN NEXT;
END $$;
COMMENT ON FUNCTION pl.job_list(int, jsonb) IS 'GET /v1/jobs: the newest first, by keyset';

CREATE FUNCTION pl.job_refuse_second(p_org int) RETURNS void
LANGUAGE plpgsql STABLE AS $$
DECLARE
  v_job job;
BEGIN
  SELECT * INTO v_job FROM job AS j WHERE j.org_id = p_org AND j.status IN ('queued', 'running');
  IF FOUND THEN
    PERFORM pl.fail('job_running', format('Job j%s (%s %s) is not finished. Ask GET /v1/jobs/j%s, and try again when it is.',
                                          v_job.job_id, v_job.kind, v_job.object, v_job.job_id));
  END IF;
END $$;
COMMENT ON FUNCTION pl.job_refuse_second(int) IS
  'Fails (job_running) while a job of the organisation is not finished: what it judges by must not change under it';

CREATE FUNCTION pl.job_create(p_org int, p_request jsonb, p_kind text, p_object text, p_phase text, p_params jsonb, p_total bigint) RETURNS job
LANGUAGE plpgsql AS $$
DECLARE
  v_job job;
BEGIN
  INSERT INTO job (org_id, job_id, kind, object, status, phase, params, chunk, total, actor, created_at)
  SELECT p_org, 1 + coalesce(max(j.job_id), 0), p_kind, p_object, 'queued', p_phase, p_params, 500, p_total, pl.actor(p_request), clock_timestamp()
    FROM job AS j WHERE j.org_id = p_org
  RETURNING * INTO v_job;
  RETURN v_job;
END $$;
COMMENT ON FUNCTION pl.job_create(int, jsonb, text, text, text, jsonb, bigint) IS
  'Queues a job that begins with p_phase. The caller holds the organisation''s lock and has asked pl.job_refuse_second';

CREATE FUNCTION pl.orgs_with_jobs() RETURNS SETOF int
LANGUAGE plpgsql STABLE AS $$
BEGIN
  RETURN QUERY SELECT j.org_id FROM job AS j WHERE j.status IN ('queued', 'running');
END $$;
COMMENT ON FUNCTION pl.orgs_with_jobs IS 'Organisations with a job to do';

CREATE FUNCTION pl.job_step(p_org int) RETURNS TABLE (state text, said text)
LANGUAGE plpgsql SET jit = off AS $$
DECLARE
  v_job job;
  v_start timestamptz;
  v_ms numeric;
  v_code text;
  v_message text;
BEGIN
  -- Whoever holds the row works; when it dies, so does its transaction, and the next one goes on where the row says.
  SELECT * INTO v_job FROM job AS j WHERE j.org_id = p_org AND j.status IN ('queued', 'running') FOR UPDATE SKIP LOCKED;
  IF NOT FOUND THEN
    state := 'none';
    RETURN NEXT;
    RETURN;
  END IF;
  said := CASE WHEN v_job.status = 'queued' THEN 'begins' END;
  v_job.status := 'running';
  v_job.started_at := coalesce(v_job.started_at, clock_timestamp());
  -- What nobody reads any more is deleted without holding up writers.
  IF v_job.phase !~ '^(old|undo)_' THEN
    PERFORM pl.lock_org(p_org);
  END IF;
  v_start := clock_timestamp();
  BEGIN
    v_job := pl.job_step_of(v_job);
    v_job.failures := 0;
    v_job.error := CASE WHEN v_job.phase LIKE 'undo%' OR v_job.phase = 'failed' THEN v_job.error END;
  EXCEPTION WHEN OTHERS THEN
    GET STACKED DIAGNOSTICS v_code = RETURNED_SQLSTATE, v_message = MESSAGE_TEXT;
    v_job.failures := v_job.failures + 1;
    v_job.error := format('%s (%s)', v_message, v_code);
    said := format('phase %s failed: %s', v_job.phase, v_job.error);
    v_job.chunk := greatest(v_job.chunk / 4, 1);
    IF v_job.failures >= 5 AND v_job.phase NOT LIKE 'undo%' THEN
      v_job.phase := 'undo';
      v_job.position := NULL;
    END IF;
  END;
  v_ms := extract(epoch FROM clock_timestamp() - v_start) * 1000;
  IF v_job.failures = 0 THEN
    -- Writers wait for a step as for any other writer: a tenth of a second, whatever a row costs.
    v_job.chunk := least(greatest(v_job.chunk * least(greatest(100 / greatest(v_ms, 1), 0.5), 2), 50), 20000)::int;
  END IF;
  IF v_job.phase IN ('done', 'failed') THEN
    v_job.status := v_job.phase;
    v_job.finished_at := clock_timestamp();
    said := v_job.status;
  END IF;
  UPDATE job AS j
     SET status = v_job.status, phase = v_job.phase, position = v_job.position, chunk = v_job.chunk, done = v_job.done, total = v_job.total,
         failures = v_job.failures, error = v_job.error, result = v_job.result, started_at = v_job.started_at, finished_at = v_job.finished_at
   WHERE j.org_id = p_org AND j.job_id = v_job.job_id;
  state := CASE WHEN v_job.failures > 0 THEN 'later' ELSE 'more' END;
  said := format('job j%s, %s of %s: ', v_job.job_id, v_job.kind, v_job.object) || said;
  RETURN NEXT;
END $$;
COMMENT ON FUNCTION pl.job_step(int) IS
  'The next step of the organisation''s job, whole or not at all: more (there may be another at once), later (it failed; after five failures the '
  'job is undone), none (nothing to do, or somebody else is at it). said: a '
  'sentence for the log where it begins, fails or ends, else null';

CREATE FUNCTION pl.job_step_of(p_job job) RETURNS job
LANGUAGE plpgsql AS $$
BEGIN
  CASE p_job.kind
    WHEN 'publish' THEN RETURN pl.publish_step(p_job);
    WHEN 'settings' THEN RETURN pl.settings_step(p_job);
    WHEN 'rebuild' THEN RETURN pl.rebuild_step(p_job);
  END CASE;
END $$;
COMMENT ON FUNCTION pl.job_step_of(job) IS 'One step of a job, whose caller holds the organisation''s lock; returns the job as it stands after it. Phase done or failed: it was the last one';
