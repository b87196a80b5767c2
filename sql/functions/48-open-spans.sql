-- Open pipeline over time: from the track of a deal to rows of open_span, for stocks at any past instant (METRICS R2, R3, R22).

CREATE FUNCTION pl.open_span(p_org int, p_deal pl.deal_state, p_from timestamptz, p_to timestamptz, p_known jsonb, p_owner text, p_account text,
                             p_rules pl.deal_rules, p_families text[], p_weights numeric[], p_backcast boolean) RETURNS open_span
LANGUAGE plpgsql STABLE AS $$
BEGIN
  RETURN ROW(p_org, p_deal.deal_id, p_from, p_to, p_owner, p_account, (p_known ->> 'amount')::numeric, p_known ->> 'currency',
             pl.probability(p_known ->> 'probability', p_rules.stages -> (p_known ->> 'stage')), p_deal.origin, p_families, p_weights,
             pl.source_date(p_known ->> 'expected_close', p_rules.zone), p_backcast)::open_span;
END $$;
COMMENT ON FUNCTION pl.open_span(int, pl.deal_state, timestamptz, timestamptz, jsonb, text, text, pl.deal_rules, text[], numeric[], boolean) IS
  'The row of open_span of a stretch in which what was known of a deal, by its track, was p_known';

CREATE FUNCTION pl.open_spans(p_org int, p_object object, p_deal pl.deal_state, p_rules pl.deal_rules, p_families jsonb, p_from timestamptz)
RETURNS open_span[]
LANGUAGE plpgsql STABLE AS $$
DECLARE
  v_track jsonb := p_object.track || '[]';  -- unpacked once, not at every look into it
  v_last int := jsonb_array_length(v_track) - 1;
  v_first_rep text;
  v_first_account text;
  v_known jsonb := '{}';
  v_lines jsonb;
  v_mix record;
  v_at timestamptz;
  v_next timestamptz;
  v_open boolean := false;
  v_taken int := -1;  -- the last entry that is in v_known
  v_begin int := 0;   -- the first entry to tell of
  v_spans open_span[] := '{}';
BEGIN
  IF p_from > '-infinity' THEN
    v_begin := v_last;
    WHILE v_begin > 0 AND (v_track -> v_begin ->> 'at')::timestamptz >= p_from LOOP
      v_begin := v_begin - 1;
    END LOOP;
    FOR j IN 0 .. v_begin - 1 LOOP
      v_known := v_known || (v_track -> j -> 'set');
    END LOOP;
    v_taken := v_begin - 1;
    v_open := (p_rules.stages -> (v_known ->> 'stage') ->> 'outcome' = 'open') IS TRUE;
    IF v_begin < 1 OR NOT v_known ?& '{owner,account}' OR NOT (p_rules.stages -> (v_track -> 0 -> 'set' ->> 'stage') ->> 'outcome' = 'open') IS TRUE THEN
      RETURN NULL;
    END IF;
  ELSE
    -- Whose deal it was and with whom is taken to have held before it was known; amounts and lines are not: a deal without a price had none.
    IF p_rules.backcast AND NOT v_track -> 0 -> 'set' ?& '{owner,account}' THEN
      SELECT d.rep, d.account INTO v_first_rep, v_first_account FROM pl.deal_at(v_track, '-infinity', true) AS d;
    END IF;
  END IF;
  FOR i IN v_begin .. v_last LOOP
    IF v_track -> i -> 'set' ? 'stage' THEN
      v_open := (p_rules.stages -> (v_track -> i -> 'set' ->> 'stage') ->> 'outcome' = 'open') IS TRUE;
    END IF;
    -- Only what may be written is worked out: most deals are closed, and came to us so.
    CONTINUE WHEN NOT v_open AND (i > 0 OR NOT p_rules.backcast);
    v_at := (v_track -> i ->> 'at')::timestamptz;
    CONTINUE WHEN NOT v_open AND p_deal.created_at >= v_at;
    v_next := CASE WHEN i < v_last THEN (v_track -> (i + 1) ->> 'at')::timestamptz ELSE 'infinity' END;
    FOR j IN v_taken + 1 .. i LOOP
      v_known := v_known || (v_track -> j -> 'set');
    END LOOP;
    v_taken := i;
    IF v_lines IS NULL OR v_lines <> coalesce(v_known -> 'lines', 'null') THEN
      v_lines := coalesce(v_known -> 'lines', 'null');
      v_mix := pl.line_mix(nullif(v_lines, 'null'), p_families);
    END IF;
    IF i = 0 AND p_deal.created_at < v_at AND p_rules.backcast THEN
      -- Created before we first heard of it: open until then, or until it was decided if it came to us decided.
      IF v_open OR p_deal.created_at < least(v_at, p_deal.closed_at) THEN
        v_spans := array_append(v_spans, pl.open_span(p_org, p_deal, p_deal.created_at,
          CASE WHEN v_open THEN v_at ELSE least(v_at, p_deal.closed_at) END,
          -- Closed when first seen: in which stage it was before nobody told, so how likely it was is not known either.
          CASE WHEN v_open THEN v_known ELSE v_known - '{stage,probability}'::text[] END,
          CASE WHEN v_known ? 'owner' THEN v_known ->> 'owner' ELSE v_first_rep END,
          CASE WHEN v_known ? 'account' THEN v_known ->> 'account' ELSE v_first_account END, p_rules, v_mix.families, v_mix.weights, true));
      END IF;
    END IF;
    IF v_open AND greatest(v_at, p_deal.created_at) < v_next THEN
      v_spans := array_append(v_spans, pl.open_span(p_org, p_deal, greatest(v_at, p_deal.created_at), v_next, v_known,
        CASE WHEN v_known ? 'owner' THEN v_known ->> 'owner' ELSE v_first_rep END,
        CASE WHEN v_known ? 'account' THEN v_known ->> 'account' ELSE v_first_account END, p_rules, v_mix.families, v_mix.weights,
        (v_first_rep IS NOT NULL AND NOT v_known ? 'owner') OR (v_first_account IS NOT NULL AND NOT v_known ? 'account')));
    END IF;
  END LOOP;
  RETURN v_spans;
END $$;
COMMENT ON FUNCTION pl.open_spans(int, object, pl.deal_state, pl.deal_rules, jsonb, timestamptz) IS
  'Stretches of time in which a live deal was open, oldest first, with what counted about it then; stages and product families (p_families: '
  '{product: family}) by their present definitions. The one derivation of open_span. p_from: -infinity, or an instant: then those that do not end before it, or '
  'null where the ones before may have changed too: while owner and account are not known, or it was not open when first seen. METRICS R2, R22';
