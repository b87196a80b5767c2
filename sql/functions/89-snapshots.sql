-- Snapshots: an answer with its resolved question, kept under a digest; and what has changed since (SPEC 5).
--
-- What is kept is the content: question, rows and total, without labels (they are names, and are shown as they are today) and without what
-- waits in quarantine, which is no figure. A snapshot of "now" is asked as of its moment, standing where the question would stand without
-- as_of; asked again, it can differ only by what became known later.

CREATE FUNCTION pl.content_of(p_value jsonb) RETURNS jsonb
LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE AS $$
BEGIN
  RETURN CASE jsonb_typeof(p_value)
    WHEN 'array' THEN (SELECT coalesce(jsonb_agg(pl.content_of(e) ORDER BY n), '[]') FROM jsonb_array_elements(p_value) WITH ORDINALITY AS t(e, n))
    WHEN 'object' THEN (SELECT coalesce(jsonb_object_agg(key, pl.content_of(value)), '{}') FROM jsonb_each(p_value)
                         WHERE key NOT IN ('label', 'name', 'quarantined_open', 'data_version', 'as_of', 'known_at'))
    ELSE p_value END;
END $$;
COMMENT ON FUNCTION pl.content_of(jsonb) IS 'The part of an answer that is figures: without labels, versions, the instants it stands at and what waits in quarantine';

CREATE FUNCTION pl.snapshot_request(p_form text, p_metric text, p_question jsonb, p_who jsonb) RETURNS jsonb
LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
  SELECT jsonb_build_object('path', jsonb_build_array(p_metric), 'format', 'json', 'who', p_who, 'query', p_question,
                            'body', CASE WHEN p_form = 'query' THEN p_question END)
$$;

CREATE FUNCTION pl.snapshot_answer(p_org int, p_form text, p_metric text, p_question jsonb, p_who jsonb) RETURNS jsonb
LANGUAGE plpgsql STABLE SET jit = off AS $$
DECLARE
  v_request jsonb := pl.snapshot_request(p_form, p_metric, p_question, p_who);
  v_code text;
  v_detail jsonb;
  v_message text;
  v_raised text;
BEGIN
  IF p_form = 'metric' THEN
    RETURN pl.answer_metric(p_org, v_request);
  ELSIF p_form = 'alignment' THEN
    RETURN pl.answer_alignment(p_org, v_request);
  END IF;
  RETURN pl.answer_query(p_org, v_request, '[]');
EXCEPTION WHEN SQLSTATE 'PL000' THEN
  GET STACKED DIAGNOSTICS v_message = MESSAGE_TEXT, v_raised = PG_EXCEPTION_DETAIL;
  v_detail := v_raised;
  v_code := CASE v_detail ->> 'code' WHEN 'invalid_parameter' THEN 'validation_failed' ELSE v_detail ->> 'code' END;
  -- A parameter of the question is a member of the body here.
  PERFORM pl.fail(v_code, v_message, (
    SELECT coalesce(jsonb_agg(e || jsonb_build_object('pointer', '/question/' || ltrim(e ->> 'pointer', '/')) ORDER BY n), '[]')
      FROM jsonb_array_elements(v_detail -> 'errors') WITH ORDINALITY AS t(e, n)));
END $$;
COMMENT ON FUNCTION pl.snapshot_answer(int, text, text, jsonb, jsonb) IS 'The answer to a question of this form as JSON; what is wrong with the question is told by pointers into the body';

CREATE FUNCTION pl.snapshot_content(p_form text, p_metric text, p_question jsonb, p_answer jsonb) RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
  SELECT jsonb_build_object('of', p_form, 'metric', p_metric, 'question', p_question,
                            'answer', pl.content_of(CASE p_form WHEN 'query' THEN p_answer -> 'data'
                                                                ELSE jsonb_build_object('rows', p_answer -> 'rows', 'total', p_answer -> 'total') END))::text
$$;
COMMENT ON FUNCTION pl.snapshot_content(text, text, jsonb, jsonb) IS 'The bytes a snapshot is known by';

CREATE FUNCTION pl.snapshot_digest(p_content text) RETURNS bytea
LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$ SELECT sha256(convert_to(p_content, 'UTF8')) $$;
COMMENT ON FUNCTION pl.snapshot_digest(text) IS 'SHA-256 of the content in UTF-8';

CREATE FUNCTION pl.snapshot_seen(p_org int, p_snapshot snapshot, p_who jsonb) RETURNS boolean
LANGUAGE plpgsql STABLE AS $$
BEGIN
  RETURN CASE p_who ->> 'scope'
    WHEN 'all' THEN true
    WHEN 'team' THEN CASE p_snapshot.read_scope
      WHEN 'team' THEN p_snapshot.team_id = ANY (pl.teams_below(p_org, p_who ->> 'team'))
      WHEN 'self' THEN p_snapshot.rep_id = ANY (pl.reps_seen(p_org, p_who))
      ELSE false END
    ELSE p_snapshot.read_scope = 'self' AND p_snapshot.rep_id = p_who ->> 'rep' END;
END $$;
COMMENT ON FUNCTION pl.snapshot_seen(int, snapshot, jsonb) IS
  'Whether a key sees at least what the key saw that made the snapshot: all; the same team or one above it; the rep itself';

CREATE FUNCTION pl.snapshot_head(p_snapshot snapshot) RETURNS jsonb
LANGUAGE sql STABLE AS $$
  SELECT jsonb_build_object('id', 'p' || p_snapshot.snapshot_id, 'name', p_snapshot.name, 'of', p_snapshot.form, 'metric', p_snapshot.metric,
                            'question', p_snapshot.question, 'sha256', encode(p_snapshot.digest, 'hex'), 'data_version', p_snapshot.data_version,
                            'actor', p_snapshot.actor, 'scope', p_snapshot.read_scope, 'created_at', pl.iso(p_snapshot.created_at))
$$;
COMMENT ON FUNCTION pl.snapshot_head(snapshot) IS 'A snapshot as lists show it';

CREATE FUNCTION pl.snapshot_labels(p_org int, p_snapshot snapshot, p_who jsonb) RETURNS jsonb
LANGUAGE plpgsql STABLE AS $$
DECLARE
  q pl.metric_query;
  v_rows jsonb := p_snapshot.content::jsonb -> 'answer';
  v_keys text[] := ARRAY(SELECT DISTINCT k #>> '{}' FROM jsonb_path_query(v_rows, '$.**.rows[*].key') AS k ORDER BY 1);
BEGIN
  -- The setting of the organisation holds for old figures too: figures of single reps are refused here when they are switched off.
  q.org := p_org;
  q.grouped_by := p_snapshot.question ->> 'by';
  q := pl.resolve_whose(q, p_snapshot.question, p_who);
  SELECT body INTO q.body FROM strategy AS s WHERE s.org_id = p_org AND s.strategy_id = pl.strategy_in_force(p_org, NULL, p_snapshot.created_at);
  RETURN (SELECT coalesce(jsonb_object_agg(l.key, coalesce(l.label, l.key)), '{}') FROM pl.group_labels(q, v_keys) AS l);
END $$;
COMMENT ON FUNCTION pl.snapshot_labels(int, snapshot, jsonb) IS 'What the keys of a snapshot''s rows are called today; fails as forbidden where its figures must not be shown any more';

CREATE FUNCTION pl.snapshot_json(p_org int, p_snapshot snapshot, p_who jsonb) RETURNS text
LANGUAGE sql STABLE AS $$
  SELECT (pl.snapshot_head(p_snapshot) || jsonb_build_object('labels', pl.snapshot_labels(p_org, p_snapshot, p_who),
                                                             'answer', p_snapshot.content::jsonb -> 'answer', 'content', p_snapshot.content))::text
$$;
COMMENT ON FUNCTION pl.snapshot_json(int, snapshot, jsonb) IS 'A snapshot with its answer, the same as the bytes that the digest is of, and what its keys are called today';

CREATE FUNCTION pl.snapshot_find(p_org int, p_request jsonb) RETURNS snapshot
LANGUAGE plpgsql STABLE AS $$
DECLARE
  v_id text := p_request #>> '{path,0}';
  v_snapshot snapshot;
BEGIN
  IF v_id ~ '^p[0-9]{1,18}$' THEN
    SELECT * INTO v_snapshot FROM snapshot AS s WHERE s.org_id = p_org AND s.snapshot_id = substr(v_id, 2)::bigint;
  END IF;
  IF v_snapshot.snapshot_id IS NULL OR NOT pl.snapshot_seen(p_org, v_snapshot, p_request -> 'who') THEN
    PERFORM pl.fail('not_found', format('There is no snapshot "%s".', left(v_id, 64)));
  END IF;
  RETURN v_snapshot;
END $$;
COMMENT ON FUNCTION pl.snapshot_find(int, jsonb) IS 'The snapshot a request names; fails as not_found when there is none or its key may not see it';

CREATE FUNCTION pl.snapshot_create(p_org int, p_request jsonb) RETURNS TABLE (body text, id text)
LANGUAGE plpgsql SET jit = off AS $$
DECLARE
  v_now timestamptz := clock_timestamp();
  v_body jsonb := p_request -> 'body';
  v_who jsonb := p_request -> 'who';
  v_question jsonb := jsonb_strip_nulls(coalesce(nullif(v_body -> 'question', 'null'), '{}'));
  v_answer jsonb;
  v_params jsonb;
  v_content text;
  v_snapshot snapshot;
BEGIN
  PERFORM pl.lock_org(p_org);
  IF NOT v_question ? 'as_of' THEN
    v_question := v_question || jsonb_build_object('as_of', pl.iso(v_now), 'stands', 'period');
  END IF;
  v_answer := pl.snapshot_answer(p_org, v_body ->> 'of', v_body ->> 'metric', v_question, v_who);
  -- What the question left open is what it was taken for.
  v_params := coalesce(v_answer -> 'params', v_answer #> '{data,0,params}');
  v_question := v_question || jsonb_strip_nulls(jsonb_build_object('period', v_params -> 'period', 'currency', v_params -> 'currency', 'min_n', v_params -> 'min_n'));
  v_content := pl.snapshot_content(v_body ->> 'of', v_body ->> 'metric', v_question, v_answer);
  INSERT INTO snapshot (org_id, snapshot_id, name, form, metric, question, content, digest, data_version, config_version, read_scope, rep_id, team_id,
                        actor, created_at)
  SELECT p_org, 1 + coalesce((SELECT max(s.snapshot_id) FROM snapshot AS s WHERE s.org_id = p_org), 0), v_body ->> 'name', v_body ->> 'of', v_body ->> 'metric',
         v_question, v_content, pl.snapshot_digest(v_content), v.data_version, v.config_version, v_who ->> 'scope',
         CASE WHEN v_who ->> 'scope' = 'self' THEN v_who ->> 'rep' END, CASE WHEN v_who ->> 'scope' = 'team' THEN v_who ->> 'team' END, pl.actor(p_request), v_now
    FROM org_version AS v WHERE v.org_id = p_org
  RETURNING * INTO v_snapshot;
  PERFORM pl.config_changed(p_org, p_request, 'snapshot.create', 'snapshot/p' || v_snapshot.snapshot_id, NULL,
                            jsonb_build_object('sha256', encode(v_snapshot.digest, 'hex'), 'name', v_snapshot.name));
  body := pl.snapshot_json(p_org, v_snapshot, v_who);
  id := 'p' || v_snapshot.snapshot_id;
  RETURN NEXT;
END $$;
COMMENT ON FUNCTION pl.snapshot_create(int, jsonb) IS 'POST /v1/snapshots: asks, keeps, and shows what was kept; and its id';

CREATE FUNCTION pl.snapshot_get(p_org int, p_request jsonb) RETURNS text
LANGUAGE plpgsql STABLE AS $$
BEGIN
  RETURN pl.snapshot_json(p_org, pl.snapshot_find(p_org, p_request), p_request -> 'who');
END $$;
COMMENT ON FUNCTION pl.snapshot_get(int, jsonb) IS 'GET /v1/snapshots/{id}';

CREATE FUNCTION pl.snapshot_list(p_org int, p_request jsonb) RETURNS TABLE (body text, next text)
LANGUAGE plpgsql STABLE AS $$
DECLARE
  v_query jsonb := p_request -> 'query';
  v_limit int := pl.page_limit(p_request);
  v_before bigint := coalesce(pl.number_cursor(p_request), 9223372036854775807);
  v_rows snapshot[];
BEGIN
  v_rows := ARRAY(SELECT s FROM snapshot AS s
                   WHERE s.org_id = p_org AND s.snapshot_id < v_before AND (NOT v_query ? 'of' OR s.form = v_query ->> 'of')
                     AND pl.snapshot_seen(p_org, s, p_request -> 'who')
                   ORDER BY s.snapshot_id DESC LIMIT v_limit + 1);
  IF cardinality(v_rows) > v_limit THEN
    next := pl.cursor_encode(v_rows[v_limit].snapshot_id::text);
  END IF;
  body := jsonb_build_object('next', next, 'data', (SELECT coalesce(jsonb_agg(pl.snapshot_head(s) ORDER BY s.snapshot_id DESC), '[]')
                                                      FROM unnest(v_rows[1:v_limit]) AS s))::text;
  RETURN NEXT;
END $$;
COMMENT ON FUNCTION pl.snapshot_list(int, jsonb) IS 'GET /v1/snapshots: the newest first, those the key may see';

CREATE FUNCTION pl.document_leaves(p_value jsonb, p_path text) RETURNS TABLE (path text, leaf jsonb)
LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE AS $$
BEGIN
  CASE
    WHEN jsonb_typeof(p_value) = 'object' AND p_value <> '{}' THEN
      RETURN QUERY SELECT l.* FROM jsonb_each(p_value) AS e, pl.document_leaves(e.value, concat_ws('.', p_path, e.key)) AS l;
    WHEN jsonb_typeof(p_value) = 'array' AND p_value @? '$[*] ? (@.type() == "object")' THEN
      RETURN QUERY SELECT l.* FROM jsonb_array_elements(p_value) WITH ORDINALITY AS e(value, n),
                          pl.document_leaves(e.value, concat_ws('.', p_path, coalesce(e.value ->> 'key', (e.n - 1)::text))) AS l;
    ELSE
      RETURN QUERY SELECT p_path, p_value;
  END CASE;
END $$;
COMMENT ON FUNCTION pl.document_leaves(jsonb, text) IS 'The leaves of a document by their paths; lists of keyed things go by their keys';

CREATE FUNCTION pl.snapshot_rows(p_content jsonb) RETURNS TABLE (metric text, key text, period text, body jsonb)
LANGUAGE plpgsql IMMUTABLE AS $$
BEGIN
  RETURN QUERY
  SELECT coalesce(a.value ->> 'metric', p_content ->> 'metric'), coalesce(r.value ->> 'key', 'total'), r.value ->> 'period', r.value - 'key' - 'period'
    FROM jsonb_array_elements(CASE WHEN p_content ->> 'of' = 'query' THEN p_content -> 'answer' ELSE jsonb_build_array(p_content -> 'answer') END) AS a
    CROSS JOIN LATERAL (SELECT x AS value FROM jsonb_array_elements(a.value -> 'rows') AS x UNION ALL SELECT a.value -> 'total') AS r;
END $$;
COMMENT ON FUNCTION pl.snapshot_rows(jsonb) IS 'The rows of a content and its totals (key total), one by one';

CREATE FUNCTION pl.snapshot_changes(p_before jsonb, p_after jsonb) RETURNS jsonb
LANGUAGE plpgsql STABLE AS $$
BEGIN
  RETURN (
    WITH changed AS (
      SELECT coalesce(b.metric, a.metric) AS metric, coalesce(b.key, a.key) AS key, coalesce(b.period, a.period) AS period,
             CASE WHEN b.body IS NULL THEN 'appeared' WHEN a.body IS NULL THEN 'gone' ELSE 'changed' END AS what, b.body AS before, a.body AS after
        FROM pl.snapshot_rows(p_before) AS b
        FULL JOIN pl.snapshot_rows(p_after) AS a
          ON a.key = b.key AND coalesce(a.metric, '') = coalesce(b.metric, '') AND coalesce(a.period, '') = coalesce(b.period, '')
       WHERE a.body IS DISTINCT FROM b.body
    )
    SELECT coalesce(jsonb_agg(jsonb_strip_nulls(jsonb_build_object('metric', c.metric, 'key', c.key, 'period', c.period)) || jsonb_build_object('what', c.what, 'fields', (
             SELECT coalesce(jsonb_agg(jsonb_build_object('path', coalesce(x.path, y.path), 'before', x.leaf, 'after', y.leaf) ORDER BY coalesce(x.path, y.path) COLLATE "C"), '[]')
               FROM pl.document_leaves(c.before, NULL) AS x FULL JOIN pl.document_leaves(c.after, NULL) AS y ON y.path = x.path
              WHERE x.leaf IS DISTINCT FROM y.leaf)) ORDER BY c.key = 'total' DESC, c.metric, c.key COLLATE "C", c.period), '[]')
      FROM changed AS c);
END $$;
COMMENT ON FUNCTION pl.snapshot_changes(jsonb, jsonb) IS 'What differs between two contents, a row each, the total first: which fields, from what to what';

CREATE FUNCTION pl.snapshot_drift(p_org int, p_request jsonb) RETURNS text
LANGUAGE plpgsql STABLE SET jit = off AS $$
DECLARE
  v_snapshot snapshot := pl.snapshot_find(p_org, p_request);
  v_who jsonb := jsonb_build_object('scope', v_snapshot.read_scope, 'rep', v_snapshot.rep_id, 'team', v_snapshot.team_id);
  v_before jsonb := v_snapshot.content::jsonb;
  v_content text;
BEGIN
  v_content := pl.snapshot_content(v_snapshot.form, v_snapshot.metric, v_snapshot.question,
                                   pl.snapshot_answer(p_org, v_snapshot.form, v_snapshot.metric, v_snapshot.question - 'known_at', v_who));
  RETURN jsonb_build_object('snapshot', pl.snapshot_head(v_snapshot), 'drifted', v_content <> v_snapshot.content,
                            'sha256_then', encode(v_snapshot.digest, 'hex'), 'sha256_now', encode(pl.snapshot_digest(v_content), 'hex'),
                            'intact', pl.snapshot_digest(v_snapshot.content) = v_snapshot.digest,
                            'data_version', (SELECT v.data_version FROM org_version AS v WHERE v.org_id = p_org),
                            'rows', pl.snapshot_changes(v_before, v_content::jsonb))::text;
END $$;
COMMENT ON FUNCTION pl.snapshot_drift(int, jsonb) IS
  'GET /v1/snapshots/{id}/drift: the question asked again, as of the same instant and within the same scope with what is known today; which rows '
  'differ, and whether what is kept is still what the digest was made of';
