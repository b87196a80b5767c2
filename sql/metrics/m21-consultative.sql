-- M21: how consultative the selling is: components side by side, and no index of them.

CREATE FUNCTION pl.conduct_form(q pl.metric_query, p_component text, p_numerator numeric, p_denominator numeric, p_n numeric) RETURNS json
LANGUAGE sql STABLE AS $$
  SELECT json_build_object('value', round(pl.ratio(p_numerator, p_denominator), 6), 'numerator', trim_scale(round(coalesce(p_numerator, 0), 6)),
                           'denominator', trim_scale(round(coalesce(p_denominator, 0), 6)), 'n', trim_scale(coalesce(p_n, 0)),
                           'ci', CASE WHEN p_component IN ('discovery_first', 'value_case', 'multi_thread', 'in_band') AND q.credit <> 'split'
                                      THEN pl.written_ci(pl.wilson(p_numerator, p_denominator)) END)
$$;
COMMENT ON FUNCTION pl.conduct_form IS 'a component as one of the metric''s forms; shares of cases bear their Wilson interval';

CREATE FUNCTION pl.metric_consultative(q pl.metric_query, f pl.facts) RETURNS SETOF pl.metric_row
LANGUAGE plpgsql STABLE SET plan_cache_mode = force_custom_plan SET jit = off SET work_mem = '64MB' AS $$
BEGIN
  RETURN QUERY
  WITH made AS MATERIALIZED (
    SELECT c.*, CASE WHEN q.bounds IS NOT NULL THEN width_bucket(c.at, q.bounds) END AS part FROM pl.conduct_cases(q) c
  ), placed AS MATERIALIZED (
    -- The same deal or conversation, seen from several reps or accounts of one place, is one.
    SELECT p.total, coalesce(p.key, '') AS key, coalesce(p.period, 0) AS period, m.once, m.is_deal, m.credit, m.is_proposed, m.is_discovered, m.is_valued,
           m.is_threaded, m.talk, m.talked, m.ratio, m.is_banded, m.questions, m.half_hours, bool_or(m.backcast) AS backcast,
           bool_or(m.is_deal AND m.class = 'unknown') AS is_unknown
    FROM made m
    CROSS JOIN LATERAL (
      SELECT true AS total, NULL::text AS key, NULL::int AS period
      UNION ALL
      SELECT false, pl.group_key(q, m.rep, m.team, m.segment, m.tier, m.class, NULL, m.part), m.part WHERE q.grouped_by IS NOT NULL) p
    GROUP BY 1, 2, 3, m.once, m.is_deal, m.credit, m.is_proposed, m.is_discovered, m.is_valued, m.is_threaded, m.talk, m.talked, m.ratio, m.is_banded, m.questions,
             m.half_hours
  ), counted AS (
    SELECT p.total, p.key, p.period, sum(CASE WHEN p.is_unknown THEN p.credit ELSE 0 END) AS unknown, count(*) FILTER (WHERE p.backcast) AS backcast
    FROM placed p GROUP BY p.total, p.key, p.period
  ), summed AS MATERIALIZED (
    SELECT p.total, p.key, p.period, x.component, sum(x.numerator) AS numerator, sum(x.denominator) AS denominator, sum(coalesce(p.credit, 1)) AS n
    FROM placed p
    CROSS JOIN LATERAL pl.conduct_parts(p.is_deal, p.credit, p.is_proposed, p.is_discovered, p.is_valued, p.is_threaded, p.talk, p.talked, p.ratio, p.is_banded,
                                        p.questions, p.half_hours) x
    GROUP BY p.total, p.key, p.period, x.component
  )
  SELECT a.total, a.key, a.period, pl.ratio(d.numerator, d.denominator), coalesce(d.numerator, 0), coalesce(d.denominator, 0), coalesce(d.n, 0),
         pl.wilson(d.numerator, d.denominator), CASE WHEN d.n IS NULL THEN 'empty_denominator' END,
         pl.excluded(q, coalesce(c.unknown, 0), 0, 0, 0, 0), pl.quality(q, 0, 0, coalesce(c.backcast, 0)), w.forms,
         json_build_object('band', to_json(pl.talk_band(q)))
  FROM pl.answer_places(q, ARRAY(SELECT DISTINCT p.key FROM placed p WHERE NOT p.total)) a
  LEFT JOIN summed d ON d.component = 'discovery_first' AND (d.total, d.key, d.period) = (a.total, coalesce(a.key, ''), coalesce(a.period, 0))
  LEFT JOIN counted c ON (c.total, c.key, c.period) = (a.total, coalesce(a.key, ''), coalesce(a.period, 0))
  CROSS JOIN LATERAL (
    SELECT json_object_agg(n.name, pl.conduct_form(q, n.name, s.numerator, s.denominator, s.n) ORDER BY n.place) AS forms
    FROM unnest('{discovery_first,talk_ratio,talk_ratio_weighted,in_band,questions_per_30min,multi_thread,value_case}'::text[]) WITH ORDINALITY AS n(name, place)
    LEFT JOIN summed s ON s.component = n.name AND (s.total, s.key, s.period) = (a.total, coalesce(a.key, ''), coalesce(a.period, 0))) w;
END
$$;

INSERT INTO pl.metric (key, id, name, formula, unit, terms, basis, groupings, nulls, note, needs, core, drill, narrows, adds) VALUES
  ('consultative', 'M21', 'Consultative selling',
   'discovery_first: deals whose first discovery came before their first proposal / deals that reached a proposal; talk_ratio: mean of talk / (talk + customer''s talk), and weighted by time; '
   'in_band: conversations within the band; questions_per_30min; multi_thread: deals with 2 or more of the customer''s people / closed deals; value_case: deals whose value case stood before the proposal / deals that reached one',
   'fraction', 'count', 'deals closed in the period; conversations that started in it', '{rep,team,segment,class,period}', 'each form of its own: nothing in its denominator',
   'forms are components side by side, each with its own n; the value is the first, and there is no index of them. A proposal is an activity of conduct.proposal_kinds or the first entry into one of '
   'conduct.proposal_stages (default: stages named like a proposal kind). Band: conduct.talk_ratio_band, default 0.35 to 0.50. People: contacts_external, or the most in one activity. '
   'A deal first heard of after its proposal is taken with the value_case known at first. Questions: of conversations with a duration; one without is as long as the two talked.', '{}', NULL, 'conduct', '{segment,tier}',
   'numerators and denominators of each part add up to those of the form of that name');
