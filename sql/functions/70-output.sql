-- Numbers as they are written out: the one place where anything is rounded (METRICS.md R6, R12).

CREATE FUNCTION pl.minor_digits(p_currency text) RETURNS int
LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
  SELECT CASE WHEN p_currency IN ('BIF', 'CLP', 'DJF', 'GNF', 'ISK', 'JPY', 'KMF', 'KRW', 'PYG', 'RWF', 'UGX', 'UYI', 'VND', 'VUV', 'XAF', 'XOF',
                                  'XPF') THEN 0
              WHEN p_currency IN ('BHD', 'IQD', 'JOD', 'KWD', 'LYD', 'OMR', 'TND') THEN 3
              WHEN p_currency IN ('CLF', 'UYW') THEN 4
              ELSE 2 END
$$;
COMMENT ON FUNCTION pl.minor_digits IS 'decimals of a currency''s minor unit (ISO 4217)';

CREATE FUNCTION pl.round_half_even(p_value numeric, p_digits int) RETURNS numeric
LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE AS $$
DECLARE
  v_rounded numeric := round(p_value, p_digits);
  v_step numeric;
BEGIN
  -- Most have no more decimals than that.
  IF scale(p_value) <= p_digits THEN
    RETURN v_rounded;
  END IF;
  v_step := 10::numeric ^ -p_digits;
  IF abs(v_rounded - p_value) * 2 = v_step AND v_rounded % (2 * v_step) <> 0 THEN
    v_rounded := v_rounded - sign(p_value) * v_step;
  END IF;
  RETURN round(v_rounded, p_digits);
END $$;
COMMENT ON FUNCTION pl.round_half_even IS 'rounded to p_digits decimals, halves to the even neighbour';

CREATE FUNCTION pl.money_text(p_amount numeric, p_currency text) RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
  SELECT pl.round_half_even(p_amount, pl.minor_digits(p_currency))::text
$$;
COMMENT ON FUNCTION pl.money_text IS 'an amount as answers carry it: a decimal string with the currency''s minor digits';

CREATE FUNCTION pl.written(p_value numeric, p_terms text, p_currency text) RETURNS json
LANGUAGE sql STABLE PARALLEL SAFE AS $$
  SELECT CASE WHEN p_value IS NULL THEN NULL
              WHEN p_terms IN ('money', 'money_per_day') THEN to_json(pl.money_text(p_value, p_currency))
              WHEN p_terms = 'count' THEN to_json(trim_scale(round(p_value, 6)))
              ELSE to_json(round(p_value, 6)) END
$$;
COMMENT ON FUNCTION pl.written IS 'a number by what it is: money a string, counts bare, everything else with 6 decimals';

CREATE FUNCTION pl.written_ci(p_ci numeric[]) RETURNS json
LANGUAGE sql STABLE PARALLEL SAFE AS $$
  SELECT CASE WHEN p_ci IS NOT NULL THEN json_build_array(round(p_ci[1], 6), round(p_ci[2], 6)) END
$$;

CREATE FUNCTION pl.excluded(q pl.metric_query, p_unknown numeric, p_unknown_amount numeric, p_unpriced numeric, p_no_amount numeric,
                            p_no_owner numeric, p_unattributed_hours numeric DEFAULT 0)
RETURNS json LANGUAGE sql STABLE PARALLEL SAFE AS $$
  SELECT json_build_object('unknown', trim_scale(p_unknown), 'unknown_amount', pl.money_text(p_unknown_amount, q.currency),
                           'unpriced', trim_scale(p_unpriced), 'no_amount', trim_scale(p_no_amount), 'no_owner', p_no_owner,
                           'unattributed_hours', round(p_unattributed_hours, 6), 'quarantined_open', q.quarantined)
$$;
COMMENT ON FUNCTION pl.excluded IS 'what a number leaves out or cannot place, counted (METRICS.md R4, R16); quarantined_open is of the whole organisation';

CREATE FUNCTION pl.with_member(p_object json, p_key text, p_value json) RETURNS json
LANGUAGE sql STABLE PARALLEL SAFE AS $$
  SELECT json_object_agg(e.key, e.value) FROM (SELECT * FROM json_each(p_object) o WHERE o.key <> p_key UNION ALL SELECT p_key, p_value) e
$$;
COMMENT ON FUNCTION pl.with_member IS 'an object with this member, in place of one of the name, at its end';

CREATE FUNCTION pl.quality(q pl.metric_query, p_known numeric, p_unknown numeric, p_backcast numeric, p_low boolean DEFAULT false)
RETURNS json LANGUAGE sql STABLE PARALLEL SAFE AS $$
  SELECT json_build_object('status', CASE WHEN p_low OR pl.ratio(p_unknown, p_known + p_unknown) > q.unknown_limit THEN 'low' ELSE 'ok' END,
                           'unknown_share', round(pl.ratio(p_unknown, p_known + p_unknown), 6), 'backcast', p_backcast)
$$;
COMMENT ON FUNCTION pl.quality IS
  'status low when more than the organisation''s limit of the population (money or hours) is of class unknown; backcast: rows resting on what was learnt later (METRICS.md R4, R22)';

CREATE FUNCTION pl.threshold_status(p_threshold jsonb, p_value numeric) RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
  SELECT CASE WHEN p_threshold ->> 'direction' = 'lower' THEN
                CASE WHEN p_value > (p_threshold ->> 'fail')::numeric THEN 'fail'
                     WHEN p_value > (p_threshold ->> 'warn')::numeric THEN 'warn' ELSE 'ok' END
              ELSE
                CASE WHEN p_value < (p_threshold ->> 'fail')::numeric THEN 'fail'
                     WHEN p_value < (p_threshold ->> 'warn')::numeric THEN 'warn' ELSE 'ok' END END
$$;

CREATE FUNCTION pl.row_status(p_threshold jsonb, p_value numeric, p_ci numeric[]) RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
  SELECT CASE WHEN p_threshold IS NULL OR p_value IS NULL THEN NULL
              WHEN p_ci IS NOT NULL AND pl.threshold_status(p_threshold, p_ci[1]) <> pl.threshold_status(p_threshold, p_ci[2]) THEN 'uncertain'
              ELSE pl.threshold_status(p_threshold, p_value) END
$$;
COMMENT ON FUNCTION pl.row_status IS 'ok, warn or fail by the strategy''s threshold; uncertain when the interval straddles it; null without threshold or value';

CREATE FUNCTION pl.threshold_for(p_body jsonb, p_metric text, p_by text) RETURNS jsonb
LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
  SELECT t FROM jsonb_array_elements(p_body -> 'thresholds') WITH ORDINALITY AS x(t, n)
  WHERE t ->> 'metric' = p_metric AND coalesce(t ->> 'by', t ->> 'group', 'total') IN (coalesce(p_by, 'total'), 'total')
  ORDER BY coalesce(t ->> 'by', t ->> 'group', 'total') <> coalesce(p_by, 'total'), n
  LIMIT 1
$$;
COMMENT ON FUNCTION pl.threshold_for IS 'the threshold of a metric for a grouping; one without grouping holds for the total and where nothing closer is said';
