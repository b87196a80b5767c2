-- Erasure of a person (SPEC 9.4): name and address leave the log, the state, the audit log and every other table; figures stay.
--
-- One mark, "(erased 3)", takes the place of the name wherever it stood, so that a rule that compares it with the name still holds, and
-- a record that must have a name has one. An address (email) is taken out of the person's records, and marked elsewhere. A name of a
-- single word is a word of the language too: it is only erased where it is known to be the person's.

CREATE FUNCTION pl.erased_mark(p_number int) RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$ SELECT format('(erased %s)', p_number) $$;
COMMENT ON FUNCTION pl.erased_mark(int) IS 'What stands where the name of an erased person stood';

CREATE FUNCTION pl.erased_patch(p_patch jsonb, p_mark text) RETURNS jsonb
LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
  SELECT (p_patch - 'email') || CASE WHEN p_patch ->> 'name' IS NULL THEN '{}' ELSE jsonb_build_object('name', p_mark) END
         || CASE WHEN p_patch -> 'email' = 'null' THEN '{"email": null}'::jsonb ELSE '{}' END
$$;
COMMENT ON FUNCTION pl.erased_patch(jsonb, text) IS 'A patch of the person''s own record without name and address';

CREATE FUNCTION pl.erased_items(p_org int, p_items pl.ingest_item[]) RETURNS pl.ingest_item[]
LANGUAGE plpgsql STABLE AS $$
DECLARE
  v_items pl.ingest_item[] := p_items;
  v_item pl.ingest_item;
  v_number int;
BEGIN
  IF NOT EXISTS (SELECT FROM erasure AS e WHERE e.org_id = p_org) THEN
    RETURN v_items;
  END IF;
  FOR n IN 1 .. coalesce(cardinality(v_items), 0) LOOP
    v_item := v_items[n];
    IF v_item.kind = 'rep' THEN
      SELECT e.erasure_id INTO v_number FROM erasure AS e WHERE e.org_id = p_org AND e.kind = 'rep' AND e.object_id = v_item.object_id;
      IF FOUND THEN
        v_item.patch := pl.erased_patch(v_item.patch, pl.erased_mark(v_number));
        v_items[n] := v_item;
      END IF;
    END IF;
  END LOOP;
  RETURN v_items;
END $$;
COMMENT ON FUNCTION pl.erased_items(int, pl.ingest_item[]) IS
  'Events on their way in, those about erased persons without name and address. Their event ids are made before, so that the same content is the same event';

CREATE FUNCTION pl.words_of(p_events event[]) RETURNS text[]
LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE AS $$
BEGIN
  RETURN ARRAY(
    SELECT DISTINCT w.word COLLATE "C"
      FROM unnest(p_events) AS e
     CROSS JOIN LATERAL (SELECT CASE e.operation WHEN 'base' THEN e.patch -> 'doc' ELSE e.patch END AS record) AS r
     CROSS JOIN LATERAL (SELECT r.record ->> 'name' AS word UNION ALL SELECT r.record ->> 'email'
                         UNION ALL SELECT jsonb_array_elements_text(e.patch -> 'words') WHERE e.operation = 'base') AS w
     WHERE w.word IS NOT NULL ORDER BY 1);
END $$;
COMMENT ON FUNCTION pl.words_of(event[]) IS 'Names and addresses in events of a person''s own record; a base knows those of the events it stands for';

CREATE FUNCTION pl.person_words(p_org int, p_ids text[], OUT words text[])
LANGUAGE plpgsql STABLE AS $$
BEGIN
  words := ARRAY(
    SELECT DISTINCT w.word
      FROM (SELECT unnest(pl.words_of(ARRAY(SELECT e FROM event AS e WHERE e.org_id = p_org AND e.kind = 'rep' AND e.object_id = ANY (p_ids)))) AS word
            UNION ALL
            SELECT x.word
              FROM quarantine AS q
             CROSS JOIN LATERAL (VALUES (q.payload::jsonb #>> '{patch,name}'), (q.payload::jsonb #>> '{patch,email}')) AS x(word)
             WHERE q.org_id = p_org AND q.kind = 'rep' AND q.object_id = ANY (p_ids) AND q.form = 'event') AS w
     WHERE w.word !~ '^[(]erased [0-9]+[)]$' AND btrim(w.word) <> '');
END $$;
COMMENT ON FUNCTION pl.person_words(int, text[]) IS 'All names and addresses these records ever had';

CREATE FUNCTION pl.person_pattern(p_words text[]) RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
  SELECT '(?<![[:alnum:]])(' || string_agg(regexp_replace(btrim(w), '([^[:alnum:][:space:]])', '\\\1', 'g'), '|' ORDER BY length(w) DESC, w) || ')(?![[:alnum:]])'
    FROM unnest(p_words) AS w
   WHERE w LIKE '%@%' OR btrim(w) ~ '\s'
$$;
COMMENT ON FUNCTION pl.person_pattern(text[]) IS 'A regular expression for addresses, and names of several words, as whole words; null: there are none';

CREATE FUNCTION pl.person_filter(p_words text[]) RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
  SELECT string_agg(DISTINCT regexp_replace(f.form, '([^[:alnum:][:space:]])', '\\\1', 'g'), '|')
    FROM (SELECT btrim(w) AS word FROM unnest(p_words) AS w WHERE w LIKE '%@%' OR btrim(w) ~ '\s') AS x
    CROSS JOIN LATERAL (VALUES (x.word), (substr(to_json(x.word)::text, 2, length(to_json(x.word)::text) - 2))) AS f(form)
$$;
COMMENT ON FUNCTION pl.person_filter(text[]) IS
  'A regular expression for the same words anywhere in the text of a document, where a quote is written \" and the end of a line may stand before a name '
  'as \n: it finds all that pl.person_pattern finds in the document''s texts, and more; null: there are none';

CREATE FUNCTION pl.person_pieces(p_words text[]) RETURNS TABLE (pattern text, filter text)
LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
  SELECT pl.person_pattern(piece.words), pl.person_filter(piece.words)
    FROM (VALUES (0)) AS always(part)
    LEFT JOIN (SELECT x.part, array_agg(x.word) AS words
                 FROM (SELECT w AS word, (row_number() OVER (ORDER BY length(w) DESC, w) - 1) / 50 AS part FROM unnest(p_words) AS w) AS x
                GROUP BY x.part) AS piece ON true
   ORDER BY piece.part
$$;
COMMENT ON FUNCTION pl.person_pieces(text[]) IS
  'Patterns and filters for all words, 50 words each, the longest first: what a pattern takes grows with the square of its length, and a source may have '
  'sent any number of names. One row of nulls when there are none';

CREATE FUNCTION pl.scrubbed(p_value jsonb, p_pattern text, p_mark text) RETURNS jsonb
LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE AS $$
BEGIN
  RETURN CASE jsonb_typeof(p_value)
    WHEN 'string' THEN to_jsonb(regexp_replace(p_value #>> '{}', p_pattern, p_mark, 'gi'))
    WHEN 'array' THEN (SELECT coalesce(jsonb_agg(pl.scrubbed(e, p_pattern, p_mark) ORDER BY n), '[]') FROM jsonb_array_elements(p_value) WITH ORDINALITY AS t(e, n))
    WHEN 'object' THEN (SELECT coalesce(jsonb_object_agg(key, pl.scrubbed(value, p_pattern, p_mark)), '{}') FROM jsonb_each(p_value))
    ELSE p_value END;
END $$;
COMMENT ON FUNCTION pl.scrubbed(jsonb, text, text) IS 'A document with the mark in place of what the pattern finds in its texts; members keep their names';

CREATE FUNCTION pl.scrubbed_text(p_text text, p_pattern text, p_mark text) RETURNS text
LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE AS $$
DECLARE
  v_before jsonb;
  v_after jsonb;
BEGIN
  -- In JSON a name may be written with escapes. What does not hold it stays as it was written.
  IF p_text ~ '^\s*[[{]' THEN
    v_before := p_text::jsonb;
    v_after := pl.scrubbed(v_before, p_pattern, p_mark);
    RETURN CASE WHEN v_after = v_before THEN p_text ELSE v_after::text END;
  END IF;
  RETURN regexp_replace(p_text, p_pattern, p_mark, 'gi');
EXCEPTION WHEN data_exception THEN
  RETURN regexp_replace(p_text, p_pattern, p_mark, 'gi');
END $$;
COMMENT ON FUNCTION pl.scrubbed_text(text, text, text) IS 'A text, or a document kept as text, with the mark in place of what the pattern finds';

CREATE FUNCTION pl.scrubbed_patch(p_patch jsonb, p_pattern text, p_mark text) RETURNS jsonb
LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
  SELECT jsonb_object_agg(key, CASE WHEN key IN ('name', 'label', 'lost_reason', 'attributes') THEN pl.scrubbed(value, p_pattern, p_mark) ELSE value END)
    FROM jsonb_each(p_patch)
$$;
COMMENT ON FUNCTION pl.scrubbed_patch(jsonb, text, text) IS 'A patch of any record with the mark in its free texts; references and words of the model stay what they are';

CREATE FUNCTION pl.scrubbed_track(p_track jsonb, p_pattern text, p_mark text) RETURNS jsonb
LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
  SELECT coalesce(jsonb_agg(e.entry || jsonb_build_object('set', (
           SELECT jsonb_object_agg(key, CASE WHEN key IN ('name', 'label', 'lost_reason') OR key LIKE 'attributes.%' THEN pl.scrubbed(value, p_pattern, p_mark) ELSE value END)
             FROM jsonb_each(e.entry -> 'set'))) ORDER BY e.n), '[]')
    FROM jsonb_array_elements(p_track) WITH ORDINALITY AS e(entry, n)
$$;
COMMENT ON FUNCTION pl.scrubbed_track(jsonb, text, text) IS 'A track with the mark in the same texts as pl.scrubbed_patch';

CREATE FUNCTION pl.erased_event(p_event event, p_mark text) RETURNS jsonb
LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE AS $$
BEGIN
  IF p_event.operation = 'base' THEN
    RETURN p_event.patch - 'words' || jsonb_build_object('doc', pl.erased_patch(p_event.patch -> 'doc', p_mark));
  END IF;
  RETURN pl.erased_patch(p_event.patch, p_mark);
END $$;
COMMENT ON FUNCTION pl.erased_event(event, text) IS 'The patch of an event of the person''s own record without name and address';

CREATE FUNCTION pl.scrubbed_event(p_event event, p_pattern text, p_mark text) RETURNS jsonb
LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE AS $$
BEGIN
  IF p_event.operation = 'base' THEN
    RETURN p_event.patch || jsonb_build_object('doc', coalesce(pl.scrubbed_patch(p_event.patch -> 'doc', p_pattern, p_mark), '{}'),
                                               'track', pl.scrubbed_track(p_event.patch -> 'track', p_pattern, p_mark));
  END IF;
  RETURN pl.scrubbed_patch(p_event.patch, p_pattern, p_mark);
END $$;
COMMENT ON FUNCTION pl.scrubbed_event(event, text, text) IS 'The patch of an event of any record with the mark in its free texts';

CREATE FUNCTION pl.erase_events(p_org int, p_ids text[], p_pattern text, p_filter text, p_mark text, OUT kinds object_kind[], OUT ids text[], OUT changed bigint)
LANGUAGE plpgsql AS $$
BEGIN
  WITH own AS (
    UPDATE event AS e SET patch = pl.erased_event(e, p_mark)
     WHERE e.org_id = p_org AND e.kind = 'rep' AND e.object_id = ANY (p_ids) AND e.patch IS DISTINCT FROM pl.erased_event(e, p_mark)
    RETURNING e.source, e.event_id, e.kind, e.object_id
  ), others AS (
    UPDATE event AS e SET patch = pl.scrubbed_event(e, p_pattern, p_mark)
     WHERE e.org_id = p_org AND e.patch::text ~* p_filter AND NOT (e.kind = 'rep' AND e.object_id = ANY (p_ids))
       AND e.patch IS DISTINCT FROM pl.scrubbed_event(e, p_pattern, p_mark)
    RETURNING e.source, e.event_id, e.kind, e.object_id
  ), both_of AS (
    SELECT * FROM own UNION ALL SELECT * FROM others
  ), noted AS (
    INSERT INTO erased_event (org_id, source, event_id) SELECT p_org, b.source, b.event_id FROM both_of AS b ON CONFLICT DO NOTHING
  )
  SELECT array_agg(o.kind), array_agg(o.object_id), coalesce(sum(o.n), 0) INTO kinds, ids, changed
    FROM (SELECT b.kind, b.object_id, count(*) AS n FROM both_of AS b GROUP BY b.kind, b.object_id ORDER BY 1, 2) AS o;
END $$;
COMMENT ON FUNCTION pl.erase_events(int, text[], text, text, text) IS 'Takes a person out of the log; the objects whose events changed, and how many events did';

CREATE FUNCTION pl.erase_quarantine(p_org int, p_ids text[], p_mark text) RETURNS bigint
LANGUAGE plpgsql AS $$
DECLARE
  v_changed bigint;
BEGIN
  UPDATE quarantine AS q
     SET payload = CASE q.form WHEN 'event' THEN jsonb_set(q.payload::jsonb, '{patch}', pl.erased_patch(q.payload::jsonb -> 'patch', p_mark))::text ELSE '' END,
         headers = NULL, message = CASE q.form WHEN 'event' THEN q.message ELSE 'What came was erased with the person.' END,
         status = CASE WHEN q.form = 'delivery' AND q.status = 'open' THEN 'discarded' ELSE q.status END,
         closed_at = CASE WHEN q.form = 'delivery' AND q.status = 'open' THEN clock_timestamp() ELSE q.closed_at END
   WHERE q.org_id = p_org AND q.kind = 'rep' AND q.object_id = ANY (p_ids) AND q.payload <> '';
  GET DIAGNOSTICS v_changed = ROW_COUNT;
  RETURN v_changed;
END $$;
COMMENT ON FUNCTION pl.erase_quarantine(int, text[], text) IS
  'Takes a person''s name and address out of refused events about it; deliveries about it, whose form only their sender knows, are emptied and discarded';

CREATE FUNCTION pl.scrub_tables(p_org int, p_pattern text, p_filter text, p_mark text) RETURNS jsonb
LANGUAGE plpgsql AS $$
DECLARE
  r record;
  v_rows bigint;
  v_counts jsonb := '{}';
BEGIN
  -- Every text of every table, also of those made after this was written. Keys are ids and stay; the log and what is derived from it
  -- are dealt with by themselves (but for verdicts, which quote the strategy's rules); what proves who a source is was never anybody's name.
  FOR r IN
    SELECT c.relname, array_agg(a.attname::text ORDER BY a.attnum) AS names,
           string_agg(format(CASE WHEN a.atttypid = 'jsonb'::regtype THEN '%1$I = pl.scrubbed(%1$I, $2, $3)' ELSE '%1$I = pl.scrubbed_text(%1$I, $2, $3)' END,
                             a.attname), ', ' ORDER BY a.attnum) AS sets,
           -- Senders of documents that are kept as text write any letter as an escape.
           string_agg(format(CASE WHEN a.atttypid = 'jsonb'::regtype THEN '%1$I::text ~* $4 AND %1$I IS DISTINCT FROM pl.scrubbed(%1$I, $2, $3)'
                                  ELSE '(%1$I ~* $4 OR %1$I LIKE ''%%\\%%'') AND %1$I IS DISTINCT FROM pl.scrubbed_text(%1$I, $2, $3)' END,
                             a.attname), ' OR ' ORDER BY a.attnum) AS conditions
      FROM pg_class AS c
      JOIN pg_namespace AS n ON n.oid = c.relnamespace AND n.nspname = 'public'
      JOIN pg_attribute AS a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped AND a.atttypid IN ('text'::regtype, 'jsonb'::regtype)
     WHERE c.relkind IN ('r', 'p') AND NOT c.relispartition
       AND c.relname <> ALL ('{event,object,account_version,deal_fact_of,activity_fact_of,open_span,rep_team,fx_rate,source_secret,alert_endpoint_secret}')
       AND EXISTS (SELECT FROM pg_attribute AS o WHERE o.attrelid = c.oid AND o.attname = 'org_id')
       AND NOT EXISTS (SELECT FROM pg_index AS i WHERE i.indrelid = c.oid AND i.indisprimary AND a.attnum = ANY (i.indkey))
     GROUP BY c.relname
     ORDER BY c.relname
  LOOP
    EXECUTE format('UPDATE public.%I SET %s WHERE org_id = $1 AND (%s)', r.relname, r.sets, r.conditions) USING p_org, p_pattern, p_mark, p_filter;
    GET DIAGNOSTICS v_rows = ROW_COUNT;
    IF v_rows > 0 THEN
      v_counts := v_counts || jsonb_build_object(r.relname, v_rows);
    END IF;
  END LOOP;
  RETURN v_counts;
END $$;
COMMENT ON FUNCTION pl.scrub_tables(int, text, text, text) IS 'Puts the mark in place of what the pattern finds in all texts of an organisation but the log; the rows changed in each table';

CREATE FUNCTION pl.person_records(p_org int, p_id text) RETURNS text[]
LANGUAGE plpgsql STABLE AS $$
BEGIN
  RETURN ARRAY(
    WITH RECURSIVE person(id) AS (
      SELECT o.object_id FROM object AS o WHERE o.org_id = p_org AND o.kind = 'rep' AND o.object_id = p_id
      UNION
      SELECT o.object_id FROM person AS p JOIN object AS o ON o.org_id = p_org AND o.kind = 'rep' AND o.merged_into = p.id
    )
    SELECT p.id FROM person AS p ORDER BY p.id);
END $$;
COMMENT ON FUNCTION pl.person_records(int, text) IS 'A rep and those merged into it, which are the same person; none when there is no such rep';

CREATE FUNCTION pl.person_erase(p_org int, p_request jsonb) RETURNS text
LANGUAGE plpgsql SET jit = off AS $$
DECLARE
  v_id text := p_request #>> '{body,id}';
  v_now timestamptz := clock_timestamp();
  v_ids text[];
  v_number int;
  v_mark text;
  v_words text[];
  v_piece record;
  v_log record;
  v_kinds object_kind[];
  v_objects text[];
  v_events bigint := 0;
  v_counts jsonb;
BEGIN
  PERFORM pl.lock_org(p_org);
  v_ids := pl.person_records(p_org, v_id);
  IF v_ids = '{}' THEN
    PERFORM pl.fail('not_found', format('There is no rep "%s".', left(v_id, 64)));
  END IF;
  v_number := coalesce((SELECT e.erasure_id FROM erasure AS e WHERE e.org_id = p_org AND e.kind = 'rep' AND e.object_id = v_id),
                       (SELECT 1 + coalesce(max(e.erasure_id), 0) FROM erasure AS e WHERE e.org_id = p_org));
  v_mark := pl.erased_mark(v_number);
  INSERT INTO erasure (org_id, kind, object_id, erasure_id, erased_at) SELECT p_org, 'rep', i, v_number, v_now FROM unnest(v_ids) AS i ON CONFLICT DO NOTHING;
  v_words := pl.person_words(p_org, v_ids);
  v_counts := jsonb_build_object('quarantine', pl.erase_quarantine(p_org, v_ids, v_mark));
  FOR v_piece IN SELECT p.pattern, p.filter FROM pl.person_pieces(v_words) AS p LOOP
    IF v_piece.pattern IS NOT NULL THEN
      v_counts := pl.counts_added(v_counts, pl.scrub_tables(p_org, v_piece.pattern, v_piece.filter, v_mark));
    END IF;
    SELECT * INTO v_log FROM pl.erase_events(p_org, v_ids, v_piece.pattern, v_piece.filter, v_mark);
    v_kinds := v_kinds || v_log.kinds;
    v_objects := v_objects || v_log.ids;
    v_events := v_events + v_log.changed;
  END LOOP;
  -- Only now, by strategies that are done.
  SELECT array_agg(o.kind), array_agg(o.id) INTO v_kinds, v_objects
    FROM (SELECT DISTINCT x.kind, x.id FROM unnest(v_kinds, v_objects) AS x(kind, id) ORDER BY 1, 2) AS o;
  IF v_objects IS NOT NULL THEN
    PERFORM pl.keep_folded(p_org, v_kinds, v_objects);
    PERFORM pl.project(p_org, v_kinds, v_objects);
  END IF;
  v_counts := jsonb_build_object('event', v_events, 'object', coalesce(cardinality(v_objects), 0)) || v_counts;
  PERFORM pl.config_changed(p_org, p_request, 'person.erase', 'rep/' || v_id, NULL, jsonb_build_object('mark', v_mark, 'records', v_ids, 'rows', v_counts));
  RETURN jsonb_build_object('kind', 'rep', 'id', v_id, 'records', v_ids, 'mark', v_mark, 'erased_at', pl.iso(v_now), 'rows', v_counts)::text;
END $$;
COMMENT ON FUNCTION pl.person_erase(int, jsonb) IS
  'POST /v1/erasures: takes name and address of a rep out of everything kept (SPEC 9.4). Ids, credit and figures stay; writers wait meanwhile. Again: '
  'takes out what has come since. Fails as not_found';

CREATE FUNCTION pl.counts_added(p_a jsonb, p_b jsonb) RETURNS jsonb
LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
  SELECT jsonb_object_agg(key, coalesce((p_a ->> key)::bigint, 0) + coalesce((p_b ->> key)::bigint, 0)) FROM jsonb_object_keys(p_a || p_b) AS key
$$;
COMMENT ON FUNCTION pl.counts_added(jsonb, jsonb) IS 'Counts by name, added up';
