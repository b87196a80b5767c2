-- Options of single metrics: what may be asked, what holds when it is not, and what a metric has no use for.

CREATE FUNCTION pl.option_words(p_option text) RETURNS text[]
LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
  SELECT CASE p_option
    WHEN 'granularity' THEN '{week,month,quarter,year}'::text[]
    WHEN 'credit' THEN '{at_event,current,split}'
    WHEN 'over' THEN '{segment,product,segment_product,tier,rep,team,origin}'
    WHEN 'weight' THEN '{bookings,pipeline,hours}'
    WHEN 'rank' THEN '{shrunk,wilson_low}'
    WHEN 'created_amount' THEN '{latest,first}'
    WHEN 'decided' THEN '{won,all}'
    WHEN 'due' THEN '{period,any}'
    WHEN 'revenue_basis' THEN '{won,attribute}' END
$$;
COMMENT ON FUNCTION pl.option_words IS 'the words a parameter takes, whatever the metric';

CREATE FUNCTION pl.option_problems(p_params jsonb) RETURNS jsonb
LANGUAGE plpgsql STABLE AS $$
DECLARE
  v_problems jsonb := pl.whole_number('min_n', p_params ->> 'min_n', 1, 1000000) || pl.whole_number('window_days', p_params ->> 'window_days', 1, 3660)
                      || pl.whole_number('rolling', p_params ->> 'rolling', 1, 100) || pl.whole_number('k', p_params ->> 'k', 1, 1000)
                      || pl.whole_number('grace_days', p_params ->> 'grace_days', 0, 3660);
  v_option   text;
BEGIN
  FOREACH v_option IN ARRAY '{granularity,credit,over,weight,rank,created_amount,decided,due,revenue_basis}'::text[] LOOP
    v_problems := v_problems || pl.one_of(v_option, p_params ->> v_option, pl.option_words(v_option));
  END LOOP;
  RETURN v_problems;
END
$$;
COMMENT ON FUNCTION pl.option_problems IS 'what is wrong with the options of a question, whatever the metric';

CREATE FUNCTION pl.stage_problems(p_org int, p_stage text) RETURNS jsonb
LANGUAGE plpgsql STABLE AS $$
DECLARE
  v_stages text[];
BEGIN
  IF p_stage IS NULL THEN
    RETURN '[]';
  END IF;
  v_stages := ARRAY(SELECT s.object_id FROM object s WHERE s.org_id = p_org AND s.kind = 'stage' ORDER BY s.object_id);
  RETURN pl.one_of('min_stage_reached', p_stage, v_stages);
END
$$;
COMMENT ON FUNCTION pl.stage_problems IS 'what is wrong with min_stage_reached: that there is no such stage';

CREATE FUNCTION pl.resolve_options(q pl.metric_query, p_params jsonb, p_needs text[]) RETURNS pl.metric_query
LANGUAGE plpgsql STABLE AS $$
BEGIN
  SELECT coalesce((p_params ->> 'min_n')::int, o.min_n), o.unknown_limit INTO q.min_n, q.unknown_limit FROM org o WHERE o.org_id = q.org;
  q.include_unspecified := coalesce((p_params ->> 'include_unspecified')::boolean, false);
  q.exclude_nonpositive := coalesce((p_params ->> 'exclude_nonpositive')::boolean, false);
  q.include_low_n := coalesce((p_params ->> 'include_low_n')::boolean, false);
  q.prorate := coalesce((p_params ->> 'prorate')::boolean, false);
  q.over := coalesce(p_params ->> 'over', 'segment');
  q.weight := coalesce(p_params ->> 'weight', 'bookings');
  q.rank := coalesce(p_params ->> 'rank', 'shrunk');
  q.metric := coalesce(p_params ->> 'metric', 'win_rate');
  q.created_amount := coalesce(p_params ->> 'created_amount', 'latest');
  q.decided := coalesce(p_params ->> 'decided', 'won');
  q.due := coalesce(p_params ->> 'due', 'period');
  q.rolling := coalesce((p_params ->> 'rolling')::int, 3);
  q.window_given := (p_params ->> 'window_days')::int;
  q.window_days := coalesce(q.window_given, 90);
  q.min_stage := p_params ->> 'min_stage_reached';
  q.revenue_basis := coalesce(p_params ->> 'revenue_basis', 'won');
  q.include_imported := coalesce((p_params ->> 'include_imported')::boolean, false);
  q.with_segment := 'segment' = ANY (p_needs);
  q.with_family := 'family' = ANY (p_needs) OR q.grouped_by = 'product' OR q.product IS NOT NULL;
  q.with_kind := 'kind' = ANY (p_needs);
  q.with_cost := 'cost' = ANY (p_needs);
  SELECT count(*) INTO q.quarantined FROM quarantine x WHERE x.org_id = q.org AND x.status = 'open';
  SELECT v.data_version INTO q.data_version FROM org_version v WHERE v.org_id = q.org;
  RETURN q;
END
$$;
COMMENT ON FUNCTION pl.resolve_options IS 'thresholds of small numbers, options of single metrics, and what is counted once a question';

CREATE FUNCTION pl.resolve_not_real(q pl.metric_query, p_params jsonb) RETURNS pl.metric_query
LANGUAGE plpgsql STABLE AS $$
BEGIN
  q.not_real := CASE WHEN p_params ? 'not_real_reasons' THEN string_to_array(lower(p_params ->> 'not_real_reasons'), ',')
                     WHEN jsonb_typeof(q.body #> '{conduct,not_real_reasons}') = 'array'
                     THEN ARRAY(SELECT lower(r) FROM jsonb_array_elements_text(q.body #> '{conduct,not_real_reasons}') r)
                     ELSE '{duplicate,test}' END;
  RETURN q;
END
$$;
COMMENT ON FUNCTION pl.resolve_not_real IS
  'lost reasons that say a deal never was one: as asked for, else the strategy''s conduct.not_real_reasons, else duplicate and test (METRICS.md M07)';

CREATE FUNCTION pl.resolve_coverage(q pl.metric_query, p_params jsonb, p_needs text[]) RETURNS pl.metric_query
LANGUAGE plpgsql STABLE AS $$
DECLARE
  v_rule jsonb := coalesce(q.body -> 'target_coverage', '{}');
BEGIN
  IF 'coverage' = ANY (p_needs) THEN
    q.min_activities := coalesce((p_params ->> 'k')::int, ceil((v_rule ->> 'min_activities')::numeric)::int, 3);
    q.grace_days := coalesce((p_params ->> 'grace_days')::int, ceil((v_rule ->> 'grace_days')::numeric)::int, 30);
    q.window_days := coalesce(q.window_given, ceil((v_rule ->> 'window_days')::numeric)::int, 90);
  END IF;
  RETURN q;
END
$$;
COMMENT ON FUNCTION pl.resolve_coverage IS
  'what covers a target account: as asked for, else the strategy''s target_coverage, else 3 activities in 90 days and 30 days of grace (METRICS.md M16)';

CREATE FUNCTION pl.metric_needs(m pl.metric, p_params jsonb) RETURNS text[]
LANGUAGE plpgsql STABLE AS $$
DECLARE
  v_over text := coalesce(p_params ->> 'over', m.overs[1], 'segment');
BEGIN
  RETURN ARRAY(
    SELECT DISTINCT n
    FROM unnest(m.needs) AS named(word)
    CROSS JOIN LATERAL unnest(
      CASE named.word
        WHEN 'weight' THEN ARRAY[CASE p_params ->> 'weight' WHEN 'hours' THEN 'hours' WHEN 'pipeline' THEN 'open' ELSE 'closed' END]
        WHEN 'over' THEN CASE v_over WHEN 'product' THEN '{family}'::text[] WHEN 'segment_product' THEN '{segment,family}' ELSE '{segment}' END
        WHEN 'metric' THEN (SELECT pl.metric_needs(i, p_params) FROM pl.metric i WHERE i.key = coalesce(p_params ->> 'metric', 'win_rate')
                                                                                 AND NOT 'metric' = ANY (i.needs))
        ELSE ARRAY[named.word] END) AS n
    ORDER BY n);
END
$$;
COMMENT ON FUNCTION pl.metric_needs IS
  'the facts a metric reads for this question: what it is weighed by, whose mix it looks at, and which metric it looks at are parameters';

CREATE FUNCTION pl.narrowed_by(m pl.metric) RETURNS text[]
LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
  SELECT m.groupings || coalesce(m.narrows, CASE WHEN m.drill IN ('closed', 'open', 'created') THEN '{segment,tier,product,origin}'::text[] END)
$$;
COMMENT ON FUNCTION pl.narrowed_by IS 'the filters that the rows of a metric take, beside rep and team';

CREATE FUNCTION pl.is_rate(m pl.metric) RETURNS boolean
LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
  SELECT m.unit = 'fraction' AND NOT 'metric' = ANY (m.needs) AND (m.terms = 'count' OR m.drill IN ('closed', 'open', 'created') AND m.overs IS NULL)
$$;

CREATE FUNCTION pl.inner_metrics(m pl.metric) RETURNS text[]
LANGUAGE plpgsql STABLE AS $$
BEGIN
  RETURN CASE
    WHEN NOT 'metric' = ANY (m.needs) THEN NULL
    WHEN m.key = 'change_decomposition' THEN '{win_rate,bookings_share}'
    ELSE ARRAY(SELECT i.key FROM pl.metric i
               WHERE CASE m.key WHEN 'leaderboard' THEN pl.is_rate(i) ELSE NOT 'metric' = ANY (i.needs) AND 'period' = ANY (i.groupings) END
               ORDER BY i.key) END;
END
$$;
COMMENT ON FUNCTION pl.inner_metrics IS 'what metric= may be for a metric that looks at others; null: it looks at none';

CREATE FUNCTION pl.groupings_of(m pl.metric, p_params jsonb) RETURNS text[]
LANGUAGE plpgsql STABLE AS $$
BEGIN
  RETURN coalesce((SELECT i.groupings FROM pl.metric i WHERE m.key = 'trend' AND i.key = coalesce(p_params ->> 'metric', 'win_rate')), m.groupings);
END
$$;
COMMENT ON FUNCTION pl.groupings_of IS 'what by= may be: of a trend, what it may be for the metric it looks at';

-- What this metric cannot do with this question, as problems. A filter on something its rows do not have (hours have no product) is
-- refused rather than ignored.
CREATE FUNCTION pl.metric_problems(m pl.metric, p_params jsonb) RETURNS jsonb
LANGUAGE plpgsql STABLE AS $$
DECLARE
  v_problems jsonb := '[]';
  v_wrong    text;
  v_inner    text[] := pl.inner_metrics(m);
  v_takes    text[] := pl.narrowed_by(m);
  i          pl.metric;
BEGIN
  IF v_inner IS NOT NULL THEN
    v_problems := pl.one_of('metric', p_params ->> 'metric', v_inner);
    SELECT * INTO i FROM pl.metric x WHERE x.key = coalesce(p_params ->> 'metric', 'win_rate') AND x.key = ANY (v_inner);
    v_takes := v_takes || pl.narrowed_by(i);
    IF i.key IS NOT NULL AND m.key <> 'trend' AND p_params ->> 'by' = ANY (m.groupings) THEN
      v_problems := v_problems || pl.one_of('by', p_params ->> 'by', i.groupings);
    END IF;
  END IF;
  FOR v_wrong IN SELECT key FROM jsonb_object_keys(p_params) AS f(key)
                 WHERE key IN ('product', 'origin', 'tier', 'segment') AND key <> ALL (v_takes) ORDER BY key LOOP
    v_problems := v_problems || pl.problem(v_wrong, 'not_applicable', format('%s cannot be narrowed by %s; it takes rep, team%s', m.key, v_wrong,
                    (SELECT string_agg(DISTINCT ', ' || t, '') FROM unnest(v_takes) t WHERE t NOT IN ('rep', 'team', 'period', 'kind', 'source'))));
  END LOOP;
  IF m.overs IS NOT NULL AND p_params ->> 'over' = ANY (pl.option_words('over')) THEN
    v_problems := v_problems || pl.one_of('over', p_params ->> 'over', m.overs);
  END IF;
  IF p_params ->> 'weight' = 'hours' AND 'weight' = ANY (m.needs)
     AND ('family' = ANY (m.needs) OR 'over' = ANY (m.needs) AND p_params ->> 'over' IN ('product', 'segment_product')) THEN
    v_problems := v_problems || pl.problem(CASE WHEN 'over' = ANY (m.needs) THEN 'over' ELSE 'weight' END, 'not_one_of',
                                           'hours have no product: weight=hours goes over segments only');
  END IF;
  RETURN v_problems;
END
$$;
COMMENT ON FUNCTION pl.metric_problems IS 'problems of a question that are a matter of the metric: filters, over, weight and metric';
