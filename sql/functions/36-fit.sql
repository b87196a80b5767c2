-- Fit and segment of an account under a strategy document (METRICS section 1). Pure: document and attributes in, verdict out.

CREATE FUNCTION pl.criterion_match(p_criterion jsonb, p_attrs jsonb) RETURNS numeric
LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE AS $$
DECLARE
  v_case jsonb;
  v_holds boolean;
  v_unsure boolean := false;
BEGIN
  FOR i IN 0 .. jsonb_array_length(p_criterion -> 'match') - 1 LOOP
    v_case := p_criterion -> 'match' -> i;
    v_holds := pl.rule_holds(v_case, p_attrs, p_criterion ->> 'attr');
    IF v_holds THEN
      RETURN (v_case ->> 'score')::numeric;
    END IF;
    v_unsure := v_unsure OR v_holds IS NULL;
  END LOOP;
  RETURN CASE WHEN v_unsure THEN NULL ELSE 0 END;
END $$;
COMMENT ON FUNCTION pl.criterion_match(jsonb, jsonb) IS
  'Match 0..1 of a criterion: the score of its first case that surely holds, 0 when surely none does, null (unknown) otherwise';

CREATE FUNCTION pl.segment_of(p_body jsonb, p_attrs jsonb) RETURNS text
LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE AS $$
DECLARE
  v_holds boolean;
  v_unsure boolean := false;
BEGIN
  FOR i IN 0 .. coalesce(jsonb_array_length(p_body -> 'segments'), 0) - 1 LOOP
    v_holds := pl.rule_holds(p_body -> 'segments' -> i -> 'when', p_attrs);
    IF v_holds THEN
      RETURN p_body -> 'segments' -> i ->> 'key';
    END IF;
    v_unsure := v_unsure OR v_holds IS NULL;
  END LOOP;
  RETURN CASE WHEN v_unsure THEN 'unknown' ELSE 'other' END;
END $$;
COMMENT ON FUNCTION pl.segment_of(jsonb, jsonb) IS
  'First segment whose rules surely hold; none: unknown when some cannot be told for want of an attribute, else other. METRICS section 1';

CREATE FUNCTION pl.first_rule_holding(p_rules jsonb, p_attrs jsonb) RETURNS int
LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE AS $$
BEGIN
  FOR i IN 0 .. coalesce(jsonb_array_length(p_rules), 0) - 1 LOOP
    IF pl.rule_holds(p_rules -> i, p_attrs) THEN
      RETURN i;
    END IF;
  END LOOP;
  RETURN NULL;
END $$;
COMMENT ON FUNCTION pl.first_rule_holding(jsonb, jsonb) IS 'Index of the first rule of a list that surely holds, or null';

CREATE FUNCTION pl.tier_of(p_tiers jsonb, p_score numeric, p_capped boolean) RETURNS int
LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE AS $$
DECLARE
  v_best int;
  v_min numeric;
BEGIN
  FOR i IN 0 .. coalesce(jsonb_array_length(p_tiers), 0) - 1 LOOP
    v_min := (p_tiers -> i ->> 'min')::numeric;
    IF p_score >= v_min
       AND NOT (p_capped AND (p_tiers -> i ->> 'on_strategy')::boolean)
       AND (v_best IS NULL OR v_min > (p_tiers -> v_best ->> 'min')::numeric) THEN
      v_best := i;
    END IF;
  END LOOP;
  RETURN v_best;
END $$;
COMMENT ON FUNCTION pl.tier_of(jsonb, numeric, boolean) IS
  'Index of the highest tier whose min the score reaches (a score on the min belongs to the tier); capped: among the tiers that are not on strategy';

CREATE FUNCTION pl.contributions(p_weights numeric[], p_matches numeric[], p_known numeric, p_score numeric) RETURNS numeric[]
LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE AS $$
DECLARE
  v_parts numeric[] := '{}';
  v_rest numeric := p_score;
  v_largest int;
BEGIN
  FOR i IN 1 .. cardinality(p_weights) LOOP
    v_parts[i] := round(100 * p_weights[i] * p_matches[i] / p_known, 6);
    v_rest := v_rest - coalesce(v_parts[i], 0);
    IF v_parts[i] IS NOT NULL AND (v_largest IS NULL OR v_parts[i] > v_parts[v_largest]) THEN
      v_largest := i;
    END IF;
  END LOOP;
  -- What rounding left over goes to the largest part, so that the parts add up to the score exactly.
  v_parts[v_largest] := v_parts[v_largest] + v_rest;
  RETURN v_parts;
END $$;
COMMENT ON FUNCTION pl.contributions(numeric[], numeric[], numeric, numeric) IS
  'Points each criterion gives: 100·w·m/Σw over the known ones, in steps of 1e-6, adding up to the score exactly; null for unknown ones. METRICS T1';

CREATE FUNCTION pl.fit(p_body jsonb, p_attrs jsonb,
                       OUT segment text, OUT tier text, OUT class text, OUT reason text,
                       OUT score numeric, OUT low numeric, OUT high numeric, OUT coverage numeric,
                       OUT matches numeric[], OUT contributions numeric[], OUT disqualified_by int, OUT required_missed text)
LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE AS $$
DECLARE
  v_fit jsonb := p_body -> 'fit';
  v_tiers jsonb := v_fit -> 'tiers';
  v_criterion jsonb;
  v_weights numeric[] := '{}';
  v_total numeric := 0;
  v_known numeric := 0;
  v_points numeric := 0;
  v_tier int;
  v_capped int;
BEGIN
  segment := pl.segment_of(p_body, p_attrs);
  disqualified_by := pl.first_rule_holding(v_fit -> 'disqualify', p_attrs);
  matches := '{}';
  FOR i IN 1 .. coalesce(jsonb_array_length(v_fit -> 'criteria'), 0) LOOP
    v_criterion := v_fit -> 'criteria' -> (i - 1);
    v_weights[i] := (v_criterion ->> 'weight')::numeric;
    matches[i] := pl.criterion_match(v_criterion, p_attrs);
    v_total := v_total + v_weights[i];
    IF matches[i] IS NOT NULL THEN
      v_known := v_known + v_weights[i];
      v_points := v_points + v_weights[i] * matches[i];
    END IF;
    IF required_missed IS NULL AND matches[i] = 0 AND v_fit -> 'required' ? (v_criterion ->> 'key') THEN
      required_missed := v_criterion ->> 'key';
    END IF;
  END LOOP;
  low := trim_scale(round(100 * v_points / nullif(v_total, 0), 6));
  high := trim_scale(round(100 * (v_points + v_total - v_known) / nullif(v_total, 0), 6));
  coverage := trim_scale(round(v_known / nullif(v_total, 0), 6));

  IF disqualified_by IS NOT NULL THEN
    tier := 'excluded'; class := 'off'; reason := 'disqualified'; score := 0;
  ELSIF v_known = 0 OR v_known < coalesce((v_fit ->> 'min_coverage')::numeric, 0.5) * v_total THEN
    tier := 'unknown'; class := 'unknown';
    reason := CASE WHEN v_known = 0 THEN 'no_attributes' ELSE 'low_coverage' END;
  ELSE
    score := round(100 * v_points / v_known, 6);
    contributions := pl.contributions(v_weights, matches, v_known, score);
    score := trim_scale(score);
    v_tier := pl.tier_of(v_tiers, score, false);
    v_capped := CASE WHEN required_missed IS NULL THEN v_tier ELSE pl.tier_of(v_tiers, score, true) END;
    IF v_capped IS DISTINCT FROM v_tier THEN
      reason := 'required:' || required_missed;
    END IF;
    tier := coalesce(v_tiers -> v_capped ->> 'key', 'excluded');
    class := CASE WHEN (v_tiers -> v_capped ->> 'on_strategy')::boolean THEN 'on' ELSE 'off' END;
  END IF;
END $$;
COMMENT ON FUNCTION pl.fit(jsonb, jsonb) IS
  'The verdict on an account''s attributes under a strategy document: segment, tier, class (on, off, unknown), score with bounds and coverage in '
  'steps of 1e-6; and what it is made of: match and contribution of each criterion, index of the disqualifying rule, key of the required '
  'criterion that was missed. METRICS section 1, R17, T1';

CREATE FUNCTION pl.fit_breakdown(p_fit jsonb, p_attrs jsonb, p_times jsonb, p_backcast text[], p_matches numeric[],
                                 p_parts numeric[], p_disqualified int, p_missed text) RETURNS jsonb
LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE AS $$
DECLARE
  v_lines jsonb := '[]';
  v_criterion jsonb;
  v_attr text;
BEGIN
  FOR i IN 1 .. cardinality(p_matches) LOOP
    v_criterion := p_fit -> 'criteria' -> (i - 1);
    v_attr := v_criterion ->> 'attr';
    v_lines := v_lines || jsonb_build_object(
      'key', v_criterion -> 'key', 'attr', v_attr, 'weight', v_criterion -> 'weight',
      'value', p_attrs -> v_attr, 'since', p_times -> v_attr, 'backcast', v_attr = ANY (p_backcast),
      'match', p_matches[i], 'contribution', trim_scale(p_parts[i]),
      'required', coalesce(p_fit -> 'required' ? (v_criterion ->> 'key'), false));
  END LOOP;
  RETURN jsonb_build_object(
    'criteria', v_lines,
    'required_missed', p_missed,
    'disqualified_by', CASE WHEN p_disqualified IS NOT NULL THEN p_fit -> 'disqualify' -> p_disqualified END);
END $$;
COMMENT ON FUNCTION pl.fit_breakdown(jsonb, jsonb, jsonb, text[], numeric[], numeric[], int, text) IS
  'What is stored with a verdict: a criterion a line (weight, value seen and since when, match, contribution), the required criterion that '
  'failed, the disqualifying rule that held';
