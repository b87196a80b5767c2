-- From the parameters of a request to a question with nothing left open. Every problem is collected; all are told at once.

CREATE FUNCTION pl.problem(p_pointer text, p_code text, p_message text) RETURNS jsonb
LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
  SELECT jsonb_build_array(jsonb_build_object('pointer', p_pointer, 'code', p_code, 'message', p_message))
$$;

CREATE FUNCTION pl.one_of(p_pointer text, p_value text, p_allowed text[]) RETURNS jsonb
LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
  SELECT CASE WHEN p_value IS NULL OR p_value = ANY (p_allowed) THEN '[]'
              WHEN p_allowed = '{}' THEN pl.problem(p_pointer, 'not_applicable', format('"%s" has no place here: leave it out', left(p_value, 60))) ELSE
    pl.problem(p_pointer, 'not_one_of', format('"%s" is not known; did you mean "%s"? Allowed: %s', left(p_value, 60),
               pl.nearest(p_value, p_allowed), array_to_string(p_allowed, ', '))) END
$$;
COMMENT ON FUNCTION pl.one_of IS 'problems (none or one) of a parameter that takes one of some words; names the nearest and all of them';

CREATE FUNCTION pl.whole_number(p_pointer text, p_value text, p_min int, p_max int) RETURNS jsonb
LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
  SELECT CASE WHEN p_value IS NULL OR (p_value ~ '^\d{1,9}$' AND p_value::int BETWEEN p_min AND p_max) THEN '[]' ELSE
    pl.problem(p_pointer, 'out_of_range', format('a whole number from %s to %s', p_min, p_max)) END
$$;

CREATE FUNCTION pl.team_and_below(p_org int, p_team text, p_as_of timestamptz, p_known_at timestamptz) RETURNS text[]
LANGUAGE plpgsql STABLE AS $$
BEGIN
  RETURN (SELECT array_agg(DISTINCT t ORDER BY t)
          FROM (SELECT p_team AS t
                UNION ALL
                SELECT p.team_id FROM pl.team_paths(p_org, p_as_of, p_known_at) p WHERE p_team = ANY (p.path)) x);
END
$$;
COMMENT ON FUNCTION pl.team_and_below IS 'a team and all teams below it (METRICS.md R10: parent teams include children)';

CREATE FUNCTION pl.intersection(p_a text[], p_b text[]) RETURNS text[]
LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
  SELECT CASE WHEN p_a IS NULL THEN p_b WHEN p_b IS NULL THEN p_a
              ELSE ARRAY(SELECT a FROM unnest(p_a) AS a WHERE a = ANY (p_b) ORDER BY a) END
$$;
COMMENT ON FUNCTION pl.intersection IS 'elements of both; null stands for everything';

CREATE FUNCTION pl.last_instant(p_text text, p_zone text) RETURNS timestamptz
LANGUAGE sql STABLE PARALLEL SAFE AS $$
  SELECT CASE WHEN length(p_text) = 10 THEN pl.local_midnight(p_text::date + 1, p_zone) - interval '1 microsecond'
              ELSE p_text::timestamptz END
$$;
COMMENT ON FUNCTION pl.last_instant IS 'a time as it is; a bare day stands for all of it: its last instant';

CREATE FUNCTION pl.at_period(q pl.metric_query, p_period pl.period) RETURNS pl.metric_query
LANGUAGE plpgsql STABLE AS $$
DECLARE
  o org;
BEGIN
  SELECT * INTO o FROM org WHERE org_id = q.org;
  q.period := p_period.label;
  q.first_on := p_period.first_on;
  q.end_on := p_period.end_on;
  q.start_at := pl.local_midnight(q.first_on, q.zone);
  q.end_at := pl.local_midnight(q.end_on, q.zone);
  -- A snapshot of a question without as_of is asked as of its moment, and yet stands where that question stands.
  q.stock_at := CASE WHEN q.as_of IS NULL OR q.stands THEN least(q.end_at - interval '1 microsecond', q.upto) ELSE q.as_of END;
  IF q.granularity IS NOT NULL AND q.errors = '[]' THEN
    IF (q.end_on - q.first_on) / (CASE q.granularity WHEN 'week' THEN 7 WHEN 'month' THEN 28 ELSE 90 END) > 1200 THEN
      q.errors := q.errors || pl.problem('granularity', 'out_of_range', 'the period has more than 1200 parts of this length; take longer ones');
    ELSE
      q.subs := pl.sub_periods(p_period, q.granularity, q.zone, o.fiscal_year_start, o.fy_name);
      q.bounds := ARRAY(SELECT s.start_at FROM unnest(q.subs) WITH ORDINALITY AS s(label, start_at, end_at, n) ORDER BY s.n);
    END IF;
  END IF;
  RETURN q;
END
$$;
COMMENT ON FUNCTION pl.at_period IS 'the question with its bounds, sub-periods and stock instant set for this period';

CREATE FUNCTION pl.other_period(q pl.metric_query, p_period pl.period) RETURNS pl.metric_query
LANGUAGE plpgsql STABLE AS $$
BEGIN
  q := pl.resolve_strategy(pl.at_period(q, p_period));
  q.groups := pl.listed_groups(q);
  RETURN q;
END
$$;
COMMENT ON FUNCTION pl.other_period IS 'the same question, already resolved, about another period: with the strategy, targets and groups of that one';

CREATE FUNCTION pl.resolve_time(q pl.metric_query, p_params jsonb) RETURNS pl.metric_query
LANGUAGE plpgsql STABLE AS $$
DECLARE
  o        org;
  v_today  date;
  v_text   text := coalesce(p_params ->> 'period', 'this_fq');
  v_to     text := p_params ->> 'compare_to';
  v_period pl.period;
  v_not_kept jsonb;
BEGIN
  SELECT * INTO o FROM org WHERE org_id = q.org;
  q.zone := o.time_zone;
  v_today := (clock_timestamp() AT TIME ZONE q.zone)::date;
  q.known_shown := pl.local_midnight(v_today + 1, q.zone);
  q.as_of_shown := q.known_shown;
  q.as_of := pl.last_instant(p_params ->> 'as_of', q.zone);
  q.stands := p_params ->> 'stands' = 'period';
  q.known_at := pl.last_instant(p_params ->> 'known_at', q.zone);
  v_not_kept := pl.not_kept(q.org, p_params, q.as_of, q.known_at);
  IF v_not_kept <> '[]' THEN
    -- Refused when all problems are found; until then nobody need look there.
    q.errors := q.errors || v_not_kept;
    q.as_of := NULL;
    q.known_at := NULL;
  END IF;
  IF q.as_of IS NOT NULL THEN
    q.as_of_shown := q.as_of;
    v_today := pl.local_date(q.as_of, q.zone);
  END IF;
  q.known_shown := coalesce(q.known_at, q.known_shown);
  q.upto := coalesce(q.as_of, q.as_of_shown - interval '1 microsecond');
  v_period := pl.period_parse(v_text, v_today, o.fiscal_year_start, o.fy_name);
  IF v_period IS NULL THEN
    q.errors := q.errors || pl.problem('period', 'invalid_period',
                                   format('"%s" is not a period. Accepted: %s', left(v_text, 60), pl.period_forms()));
    v_period := pl.period_parse('this_month', v_today, o.fiscal_year_start, o.fy_name);
  END IF;
  IF v_to IS NOT NULL THEN
    q.compare := pl.period_parse(CASE v_to WHEN 'previous' THEN pl.period_before(v_period.first_on, v_period.end_on) ELSE v_to END,
                                 v_today, o.fiscal_year_start, o.fy_name);
    IF q.compare IS NULL THEN
      q.errors := q.errors || pl.problem('compare_to', 'invalid_period',
                                     format('"%s" is not a period. Accepted: previous, %s', left(v_to, 60), pl.period_forms()));
    ELSIF q.granularity IS NOT NULL THEN
      q.errors := q.errors || pl.problem('compare_to', 'not_applicable', 'single periods are compared: leave out granularity and by=period');
    END IF;
  END IF;
  RETURN pl.at_period(q, v_period);
END
$$;
COMMENT ON FUNCTION pl.resolve_time IS
  'period, compare_to, granularity, as_of and known_at. Without as_of the answer stands at the end of the current local day, so that it is a function of data and day';

CREATE FUNCTION pl.resolve_whose(q pl.metric_query, p_params jsonb, p_who jsonb) RETURNS pl.metric_query
LANGUAGE plpgsql STABLE AS $$
DECLARE
  v_rep_metrics text;
BEGIN
  SELECT rep_metrics INTO v_rep_metrics FROM org WHERE org_id = q.org;
  IF v_rep_metrics = 'off' AND (q.grouped_by = 'rep' OR p_params ? 'rep' OR p_params ->> 'over' = 'rep' OR p_who ->> 'scope' = 'self') THEN
    PERFORM pl.fail('forbidden', 'This organisation serves no figures of single reps (setting rep_metrics=off); ask by=team.');
  END IF;
  IF p_params ? 'rep' THEN
    q.reps := ARRAY[p_params ->> 'rep'];
  END IF;
  IF p_params ? 'team' THEN
    q.team := p_params ->> 'team';
    q.teams := pl.team_and_below(q.org, q.team, q.as_of, q.known_at);
  END IF;
  CASE coalesce(p_who ->> 'scope', 'all')
    WHEN 'self' THEN
      q.reps := pl.intersection(q.reps, ARRAY[coalesce(p_who ->> 'rep', '')]);
    WHEN 'team' THEN
      q.team := coalesce(q.team, p_who ->> 'team');
      q.teams := pl.intersection(q.teams, pl.team_and_below(q.org, coalesce(p_who ->> 'team', ''), q.as_of, q.known_at));
    ELSE
      NULL;
  END CASE;
  RETURN q;
END
$$;
COMMENT ON FUNCTION pl.resolve_whose IS 'rep= and team= (with the teams below) within what the key may see';

CREATE FUNCTION pl.team_asked(q pl.metric_query, p_at timestamptz) RETURNS text
LANGUAGE plpgsql STABLE AS $$
BEGIN
  IF q.team IS NOT NULL OR cardinality(q.reps) IS DISTINCT FROM 1 THEN
    RETURN q.team;
  END IF;
  RETURN (SELECT t.team_id FROM pl.rep_teams(q.org, q.as_of, q.known_at, q.reps) t WHERE t.valid_from <= p_at AND t.valid_to > p_at);
END
$$;
COMMENT ON FUNCTION pl.team_asked IS 'whose strategy a question is about: the team it names, or that of the one rep it is about at that time; null: everybody''s';

CREATE FUNCTION pl.resolve_fit_basis(q pl.metric_query, p_text text) RETURNS pl.metric_query
LANGUAGE plpgsql STABLE AS $$
DECLARE
  v_known text[];
BEGIN
  q.fit_basis := coalesce(p_text, 'as_judged');
  v_known := ARRAY(SELECT strategy_id FROM strategy WHERE org_id = q.org AND status = 'published' ORDER BY number);
  IF q.fit_basis = 'current' THEN
    q.basis := pl.strategy_in_force(q.org, pl.team_asked(q, q.upto), q.upto, q.as_of, q.known_at);
  ELSIF q.fit_basis LIKE 'restated:%' AND substr(q.fit_basis, 10) = ANY (v_known) THEN
    q.basis := substr(q.fit_basis, 10);
  ELSIF q.fit_basis <> 'as_judged' THEN
    q.errors := q.errors || pl.problem('fit_basis', 'not_one_of', format('"%s" is not known. Allowed: as_judged, current%s', left(p_text, 60),
              (SELECT string_agg(', restated:' || v, '') FROM unnest(v_known) v)));
  END IF;
  RETURN q;
END
$$;
COMMENT ON FUNCTION pl.resolve_fit_basis IS 'fit_basis= as_judged, current, or restated:<a published strategy> (METRICS.md R3)';

CREATE FUNCTION pl.resolve_strategy(q pl.metric_query) RETURNS pl.metric_query
LANGUAGE plpgsql STABLE AS $$
DECLARE
  v_at timestamptz := least(q.end_at - interval '1 microsecond', q.upto);
BEGIN
  q.strategy := coalesce(q.basis, pl.strategy_in_force(q.org, pl.team_asked(q, v_at), v_at, q.as_of, q.known_at));
  SELECT body INTO q.body FROM strategy WHERE org_id = q.org AND strategy_id = q.strategy;
  SELECT coalesce(array_agg(s.strategy_id ORDER BY s.number), '{}'), coalesce(bool_or(s.effective_at < s.published_at), false)
  INTO q.strategies, q.backdated
  FROM strategy s
  WHERE s.org_id = q.org AND s.status = 'published'
    AND CASE WHEN q.basis IS NOT NULL THEN s.strategy_id = q.basis
             ELSE s.strategy_id IN (SELECT x.strategy_id FROM pl.strategy_spans(q.org, q.as_of, q.known_at) x
                                    WHERE x.valid_from < q.end_at AND x.valid_to > q.start_at) END;
  RETURN q;
END
$$;
COMMENT ON FUNCTION pl.resolve_strategy IS
  'the strategy whose targets, labels and thresholds hold: the one in force at the end of the period, or the one asked for; and all that were in force in it';

CREATE FUNCTION pl.refuse_question(p_request jsonb, p_errors jsonb) RETURNS void
LANGUAGE plpgsql STABLE AS $$
DECLARE
  v_first jsonb := p_errors -> 0;
BEGIN
  IF jsonb_typeof(p_request -> 'body') = 'object' THEN
    PERFORM pl.fail('validation_failed', format('The question cannot be answered: %s', v_first ->> 'message'),
                    (SELECT jsonb_agg(e || jsonb_build_object('pointer', '/' || (e ->> 'pointer')) ORDER BY n)
                     FROM jsonb_array_elements(p_errors) WITH ORDINALITY AS x(e, n)));
  END IF;
  PERFORM pl.fail('invalid_parameter', concat(v_first ->> 'pointer', ': ', v_first ->> 'message'), p_errors);
END
$$;
COMMENT ON FUNCTION pl.refuse_question IS 'Ends the statement naming everything that is wrong with a question: asked by parameters, or in a body';

-- p_groupings: what by= may be. p_problems: what was found wrong before; everything is told at once.
CREATE FUNCTION pl.resolve_query(p_org int, p_request jsonb, p_groupings text[], p_needs text[], p_problems jsonb DEFAULT '[]') RETURNS pl.metric_query
LANGUAGE plpgsql STABLE AS $$
DECLARE
  q        pl.metric_query;
  v_params jsonb := coalesce(p_request -> 'query', '{}');
BEGIN
  q.org := p_org;
  q.granularity := v_params ->> 'granularity';
  q.grouped_by := coalesce(v_params ->> 'by', CASE WHEN q.granularity IS NOT NULL AND 'period' = ANY (p_groupings) THEN 'period' END);
  q.errors := pl.one_of('by', q.grouped_by, p_groupings) || pl.option_problems(v_params)
    || pl.stage_problems(p_org, v_params ->> 'min_stage_reached');
  IF q.granularity IS NOT NULL AND 'period' <> ALL (p_groupings) THEN
    q.errors := q.errors || pl.problem('granularity', 'not_applicable', 'this has no sub-periods: leave it out');
  END IF;
  IF q.errors = '[]' AND q.grouped_by = 'period' THEN
    q.granularity := coalesce(q.granularity, 'month');
  END IF;
  q := pl.resolve_time(q, v_params);
  q.reporting := pl.reporting_currency(p_org, q.as_of, q.known_at);
  q.currency := coalesce(upper(v_params ->> 'currency'), q.reporting);
  q := pl.resolve_whose(q, v_params, p_request -> 'who');
  q := pl.resolve_fit_basis(q, v_params ->> 'fit_basis');
  q.errors := p_problems || q.errors;
  IF q.errors <> '[]' THEN
    PERFORM pl.refuse_question(p_request, q.errors);
  END IF;
  q.credit := coalesce(v_params ->> 'credit', 'at_event');
  q.segment := v_params ->> 'segment';
  q.product := v_params ->> 'product';
  q.tier := v_params ->> 'tier';
  q.origin := v_params ->> 'origin';
  q.filters := (SELECT coalesce(jsonb_object_agg(key, value), '{}') FROM jsonb_each(v_params)
                WHERE key IN ('team', 'rep', 'segment', 'product', 'tier', 'origin'));
  q := pl.resolve_options(q, v_params, p_needs);
  q.plain := q.as_of IS NULL AND q.known_at IS NULL AND q.credit = 'at_event' AND q.basis IS NULL AND q.min_stage IS NULL
             AND q.currency IS NOT DISTINCT FROM q.reporting;
  q := pl.resolve_coverage(pl.resolve_not_real(pl.resolve_strategy(q), v_params), v_params, p_needs);
  q.groups := pl.listed_groups(q);
  RETURN q;
END
$$;
COMMENT ON FUNCTION pl.resolve_query IS
  'The parameters of a request ({"query", "who"}) as a resolved question; fails naming everything that is wrong (pl.refuse_question)';
