-- Open pipeline over time: from the tracks of deals to table open_span, for stocks at any past instant (METRICS R2, R3, R22).

CREATE FUNCTION pl.first_known(p_track jsonb) RETURNS jsonb
LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE AS $$
DECLARE
  v_known jsonb := '{}';
BEGIN
  FOR i IN REVERSE jsonb_array_length(p_track) - 1 .. 0 LOOP
    v_known := v_known || pl.without_nulls(p_track -> i -> 'set');
  END LOOP;
  RETURN v_known;
END $$;
COMMENT ON FUNCTION pl.first_known(jsonb) IS 'The first known value of each tracked attribute: what is taken to have held before it was known. METRICS R22';

CREATE FUNCTION pl.open_stretches(p_track jsonb, p_outcomes jsonb, p_created_at timestamptz, p_closed_at timestamptz, p_backcast boolean)
RETURNS TABLE (valid_from timestamptz, valid_to timestamptz, state jsonb, backcast boolean)
LANGUAGE plpgsql IMMUTABLE AS $$
DECLARE
  v_last  int := jsonb_array_length(p_track) - 1;
  -- Whose deal it was and with whom is taken to have held before it was known; amounts and lines are not: a deal without a price had none.
  v_first jsonb := CASE WHEN p_backcast THEN pl.picked(pl.first_known(p_track), '{owner,account}') ELSE '{}' END;
  v_known jsonb := '{}';
  v_at    timestamptz;
BEGIN
  IF v_last < 0 THEN
    RETURN;
  END IF;
  v_at := (p_track -> 0 ->> 'at')::timestamptz;
  IF p_created_at < v_at AND p_backcast THEN
    -- Created before we first heard of it: open until then, or until it was decided if it came to us decided.
    valid_from := p_created_at;
    state := pl.without_nulls(v_first || (p_track -> 0 -> 'set'));
    IF p_outcomes ->> (state ->> 'stage') IS DISTINCT FROM 'open' THEN
      -- In which stage it was then nobody told: how likely it was is not known either.
      state := state - '{stage,probability}'::text[];
    END IF;
    valid_to := CASE WHEN state ? 'stage' THEN v_at ELSE least(v_at, p_closed_at) END;
    backcast := true;
    IF valid_from < valid_to THEN
      RETURN NEXT;
    END IF;
  END IF;
  FOR i IN 0 .. v_last LOOP
    v_known := v_known || (p_track -> i -> 'set');
    valid_from := greatest((p_track -> i ->> 'at')::timestamptz, p_created_at);
    valid_to := CASE WHEN i < v_last THEN (p_track -> (i + 1) ->> 'at')::timestamptz ELSE 'infinity' END;
    state := pl.without_nulls(v_first || v_known);
    backcast := (state ? 'owner' AND NOT v_known ? 'owner') OR (state ? 'account' AND NOT v_known ? 'account');
    IF valid_from < valid_to AND p_outcomes ->> (state ->> 'stage') = 'open' THEN
      RETURN NEXT;
    END IF;
  END LOOP;
END $$;
COMMENT ON FUNCTION pl.open_stretches(jsonb, jsonb, timestamptz, timestamptz, boolean) IS
  'Stretches of time in which a deal was open, with its attributes then, from its track; p_outcomes {stage: outcome}. METRICS R2, R22';

CREATE FUNCTION pl.derive_open_spans(p_org int, p_ids text[]) RETURNS SETOF open_span
LANGUAGE plpgsql STABLE SET plan_cache_mode = force_generic_plan SET jit = off AS $$
#variable_conflict use_column
DECLARE
  v_zone text;
  v_backcast boolean;
  v_outcomes jsonb;
  v_probabilities jsonb;
BEGIN
  SELECT o.time_zone, o.backcast = 'on' INTO v_zone, v_backcast FROM org AS o WHERE o.org_id = p_org;
  SELECT coalesce(jsonb_object_agg(s.object_id, s.doc ->> 'outcome'), '{}'), coalesce(jsonb_object_agg(s.object_id, s.doc -> 'probability'), '{}')
    INTO v_outcomes, v_probabilities
    FROM pl.object_states(p_org, 'stage', NULL, NULL, NULL) AS s;
  RETURN QUERY
    WITH deal AS MATERIALIZED (
      SELECT f.deal_id, f.created_at, f.closed_at, f.origin FROM pl.deal_facts(p_org, NULL, NULL, p_ids) AS f
    ), span AS MATERIALIZED (
      SELECT (row_number() OVER ())::text AS n, d.deal_id, d.origin, s.valid_from, s.valid_to, s.state, s.backcast,
             coalesce((s.state ->> 'probability')::numeric, (v_probabilities ->> (s.state ->> 'stage'))::numeric) AS chance
        FROM deal AS d
        JOIN pl.object_states(p_org, 'opportunity', p_ids, NULL, NULL) AS o ON o.object_id = d.deal_id
       CROSS JOIN LATERAL pl.open_stretches(o.track, v_outcomes, d.created_at, d.closed_at, v_backcast) AS s
    )
    SELECT p_org, s.deal_id, s.valid_from, s.valid_to, s.state ->> 'owner', s.state ->> 'account', (s.state ->> 'amount')::numeric,
           s.state ->> 'currency',
           CASE WHEN s.chance IS NOT NULL THEN least(greatest(s.chance, 0), 1) END,
           s.origin, coalesce(m.families, '{}'), coalesce(m.weights, '{}'), pl.source_date(s.state ->> 'expected_close', v_zone), s.backcast
      FROM span AS s
      LEFT JOIN pl.line_mixes(p_org, NULL, NULL, ARRAY(SELECT n FROM span WHERE jsonb_array_length(state -> 'lines') > 0 ORDER BY n),
                              ARRAY(SELECT state -> 'lines' FROM span WHERE jsonb_array_length(state -> 'lines') > 0 ORDER BY n)) AS m
             ON m.deal_id = s.n;
END $$;
COMMENT ON FUNCTION pl.derive_open_spans(int, text[]) IS
  'Open stretches of deals as known now, from deal_fact and tracks; stages and product families by their present definitions. Ids null: all';

CREATE FUNCTION pl.project_open_spans(p_org int, p_ids text[]) RETURNS void
LANGUAGE plpgsql SET plan_cache_mode = force_generic_plan SET jit = off AS $$
BEGIN
  WITH fresh AS MATERIALIZED (
    SELECT * FROM pl.derive_open_spans(p_org, p_ids)
  ), old AS MATERIALIZED (
    SELECT x.deal_id, x.valid_from
     FROM unnest(coalesce(p_ids, ARRAY(SELECT DISTINCT a.deal_id FROM open_span AS a WHERE a.org_id = p_org))) AS i(id),
          LATERAL (SELECT y.deal_id, y.valid_from FROM open_span AS y WHERE y.org_id = p_org AND y.deal_id = i.id OFFSET 0) AS x
    WHERE (x.deal_id, x.valid_from) NOT IN (SELECT f.deal_id, f.valid_from FROM fresh AS f)
  ), gone AS (
    DELETE FROM open_span AS t
     USING old
     WHERE t.org_id = p_org AND t.deal_id = old.deal_id AND t.valid_from = old.valid_from
  )
  INSERT INTO open_span AS t
  SELECT f.* FROM fresh AS f ORDER BY f.deal_id, f.valid_from
  ON CONFLICT (org_id, deal_id, valid_from) DO UPDATE SET
    valid_to = excluded.valid_to, owner = excluded.owner, account_id = excluded.account_id, amount = excluded.amount,
    currency = excluded.currency, probability = excluded.probability, origin = excluded.origin, families = excluded.families,
    weights = excluded.weights, expected_close = excluded.expected_close, backcast = excluded.backcast
  WHERE t *<> excluded;
END $$;
COMMENT ON FUNCTION pl.project_open_spans(int, text[]) IS 'Brings open_span up to date for these deals (null: all); deal_fact must be';
