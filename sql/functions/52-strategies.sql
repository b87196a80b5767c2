-- Strategies: drafts that can be changed, published versions that cannot. The document itself is checked by handlers/strategy_check.c.

CREATE FUNCTION pl.strategy_json(p_strategy strategy) RETURNS jsonb
LANGUAGE plpgsql STABLE AS $$
BEGIN
  RETURN p_strategy.body || jsonb_build_object(
    'id', p_strategy.strategy_id, 'number', p_strategy.number, 'status', p_strategy.status,
    'effective_at', pl.iso(p_strategy.effective_at), 'backdated', coalesce(p_strategy.effective_at < p_strategy.published_at, false),
    'created_at', pl.iso(p_strategy.created_at), 'updated_at', pl.iso(p_strategy.updated_at), 'published_at', pl.iso(p_strategy.published_at));
END $$;
COMMENT ON FUNCTION pl.strategy_json(strategy) IS
  'A strategy as the API shows it: its document with id, status and times beside it. Posting that again is allowed: those members are left out';

CREATE FUNCTION pl.strategy_body(p_document jsonb) RETURNS jsonb
LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
  SELECT p_document - '{id,number,status,effective_at,backdated,created_at,updated_at,published_at,warnings}'::text[]
$$;
COMMENT ON FUNCTION pl.strategy_body(jsonb) IS 'The document proper, without what only the service sets';

CREATE FUNCTION pl.strategy_teams(p_body jsonb) RETURNS text[]
LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE AS $$
BEGIN
  RETURN pl.named_ids(NULL, p_body -> 'scope' -> 'teams');
END $$;
COMMENT ON FUNCTION pl.strategy_teams(jsonb) IS 'Teams in the scope of a document, sorted; empty: everybody';

CREATE FUNCTION pl.strategy_find(p_org int, p_id text, p_draft boolean) RETURNS strategy
LANGUAGE plpgsql STABLE AS $$
DECLARE
  v_strategy strategy;
BEGIN
  SELECT * INTO v_strategy FROM strategy WHERE org_id = p_org AND strategy_id = p_id;
  IF NOT FOUND THEN
    PERFORM pl.fail('not_found', format('There is no strategy %s.', left(p_id, 64)));
  END IF;
  IF p_draft AND v_strategy.status = 'published' THEN
    PERFORM pl.fail('strategy_published', format('Strategy %s was published at %s. Post its document again to change it as a new draft.',
                                                 p_id, pl.iso(v_strategy.published_at)));
  ELSIF p_draft AND v_strategy.status = 'publishing' THEN
    PERFORM pl.job_refuse_second(p_org);
  END IF;
  RETURN v_strategy;
END $$;
COMMENT ON FUNCTION pl.strategy_find(int, text, boolean) IS 'A strategy; fails when there is none, and, when a draft is wanted, when it is published';

CREATE FUNCTION pl.strategy_create(p_org int, p_request jsonb) RETURNS TABLE (body text, id text)
LANGUAGE plpgsql AS $$
#variable_conflict use_column
DECLARE
  v_now timestamptz := clock_timestamp();
  v_body jsonb := pl.strategy_body(p_request -> 'body');
  v_strategy strategy;
  v_number int;
BEGIN
  PERFORM pl.lock_org(p_org);
  -- The log of configuration remembers deleted drafts too: a number is never given twice.
  SELECT 1 + count(*) INTO v_number FROM audit WHERE org_id = p_org AND action = 'strategy.create';
  INSERT INTO strategy (org_id, strategy_id, number, status, name, effective_from, teams, body, created_at, updated_at)
  VALUES (p_org, 's' || v_number, v_number, 'draft', v_body ->> 'name', (v_body ->> 'effective_from')::date,
          pl.strategy_teams(v_body), v_body, v_now, v_now)
  RETURNING * INTO v_strategy;
  PERFORM pl.config_changed(p_org, p_request, 'strategy.create', 'strategy/' || v_strategy.strategy_id, NULL, v_body);
  RETURN QUERY SELECT pl.strategy_json(v_strategy)::text, v_strategy.strategy_id::text;
END $$;
COMMENT ON FUNCTION pl.strategy_create(int, jsonb) IS 'POST /v1/strategies: a draft; its document and its id';

CREATE FUNCTION pl.strategy_replace(p_org int, p_request jsonb) RETURNS text
LANGUAGE plpgsql AS $$
DECLARE
  v_body jsonb := pl.strategy_body(p_request -> 'body');
  v_before strategy;
  v_strategy strategy;
BEGIN
  PERFORM pl.lock_org(p_org);
  v_before := pl.strategy_find(p_org, p_request #>> '{path,0}', true);
  UPDATE strategy
     SET name = v_body ->> 'name', effective_from = (v_body ->> 'effective_from')::date, teams = pl.strategy_teams(v_body),
         body = v_body, updated_at = clock_timestamp()
   WHERE org_id = p_org AND strategy_id = v_before.strategy_id
  RETURNING * INTO v_strategy;
  PERFORM pl.config_changed(p_org, p_request, 'strategy.update', 'strategy/' || v_strategy.strategy_id, v_before.body, v_body);
  RETURN pl.strategy_json(v_strategy)::text;
END $$;
COMMENT ON FUNCTION pl.strategy_replace(int, jsonb) IS 'PUT /v1/strategies/{id}: the whole document of a draft anew';

CREATE FUNCTION pl.strategy_delete(p_org int, p_request jsonb) RETURNS text
LANGUAGE plpgsql AS $$
DECLARE
  v_strategy strategy;
BEGIN
  PERFORM pl.lock_org(p_org);
  v_strategy := pl.strategy_find(p_org, p_request #>> '{path,0}', true);
  DELETE FROM strategy WHERE org_id = p_org AND strategy_id = v_strategy.strategy_id;
  PERFORM pl.config_changed(p_org, p_request, 'strategy.delete', 'strategy/' || v_strategy.strategy_id, v_strategy.body, NULL);
  RETURN jsonb_build_object('id', v_strategy.strategy_id, 'deleted', true)::text;
END $$;
COMMENT ON FUNCTION pl.strategy_delete(int, jsonb) IS 'DELETE /v1/strategies/{id}: a draft only';

CREATE FUNCTION pl.strategy_get(p_org int, p_request jsonb) RETURNS text
LANGUAGE plpgsql STABLE AS $$
BEGIN
  RETURN pl.strategy_json(pl.strategy_find(p_org, p_request #>> '{path,0}', false))::text;
END $$;
COMMENT ON FUNCTION pl.strategy_get(int, jsonb) IS 'GET /v1/strategies/{id}';

CREATE FUNCTION pl.strategy_list(p_org int, p_request jsonb) RETURNS TABLE (body text, next text)
LANGUAGE plpgsql STABLE AS $$
DECLARE
  v_query jsonb := p_request -> 'query';
  v_limit int := pl.page_limit(p_request);
  v_zone text := (SELECT o.time_zone FROM org AS o WHERE o.org_id = p_org);
  v_at timestamptz := pl.source_instant(v_query ->> 'effective_at', v_zone);
  v_after int := 0;
  v_rows jsonb;
BEGIN
  IF v_query ? 'cursor' THEN
    IF pl.cursor_decode(v_query ->> 'cursor') !~ '^[0-9]{1,9}$' THEN
      PERFORM pl.fail_cursor();
    END IF;
    v_after := pl.cursor_decode(v_query ->> 'cursor')::int;
  END IF;
  SELECT coalesce(jsonb_agg(pl.strategy_json(s) ORDER BY s.number), '[]') INTO v_rows
    FROM (SELECT *
            FROM strategy AS s
           WHERE s.org_id = p_org AND s.number > v_after
             AND (NOT v_query ? 'status' OR s.status = v_query ->> 'status')
             AND (v_at IS NULL OR s.strategy_id IN (SELECT f.strategy_id FROM pl.strategy_spans(p_org, NULL, NULL) AS f
                                                     WHERE v_at >= f.valid_from AND v_at < f.valid_to))
           ORDER BY s.number
           LIMIT v_limit + 1) AS s;
  IF jsonb_array_length(v_rows) > v_limit THEN
    v_rows := v_rows - v_limit;
    next := pl.cursor_encode(v_rows -> -1 ->> 'number');
  END IF;
  body := jsonb_build_object('data', v_rows, 'next', next)::text;
  RETURN NEXT;
END $$;
COMMENT ON FUNCTION pl.strategy_list(int, jsonb) IS
  'GET /v1/strategies: all, by number; with effective_at those in force for somebody then (a day: at its local midnight)';
