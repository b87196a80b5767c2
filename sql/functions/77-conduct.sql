-- How deals were sold: what happened on them before the proposal, and who was talked to (METRICS M21). Read for the deals in question only.

CREATE FUNCTION pl.conduct_words(q pl.metric_query, p_member text, p_default text[]) RETURNS text[]
LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE AS $$
BEGIN
  RETURN CASE WHEN jsonb_typeof(q.body -> 'conduct' -> p_member) = 'array'
              THEN ARRAY(SELECT jsonb_array_elements_text(q.body -> 'conduct' -> p_member)) ELSE p_default END;
END
$$;
COMMENT ON FUNCTION pl.conduct_words IS 'a list of the strategy''s conduct, or what holds when it names none';

CREATE FUNCTION pl.proposal_stages(q pl.metric_query) RETURNS text[]
LANGUAGE plpgsql STABLE AS $$
DECLARE
  v_kinds text[] := ARRAY(SELECT lower(k) FROM unnest(pl.conduct_words(q, 'proposal_kinds', '{proposal}')) k);
BEGIN
  IF q.body -> 'conduct' ? 'proposal_stages' THEN
    RETURN pl.conduct_words(q, 'proposal_stages', '{}');
  END IF;
  RETURN ARRAY(SELECT s.object_id FROM pl.object_states(q.org, 'stage', NULL, q.as_of, q.known_at) s
               WHERE lower(s.object_id) = ANY (v_kinds) OR lower(s.doc ->> 'label') = ANY (v_kinds));
END
$$;
COMMENT ON FUNCTION pl.proposal_stages IS 'stages in which a deal has a proposal: the strategy''s conduct.proposal_stages, else those whose id or label is one of its proposal_kinds';

CREATE FUNCTION pl.value_cases(q pl.metric_query, p_deals text[], p_times timestamptz[]) RETURNS TABLE (deal_id text, is_set boolean)
LANGUAGE plpgsql STABLE SET plan_cache_mode = force_generic_plan SET jit = off SET enable_seqscan = off AS $$
BEGIN
  -- Asked so rarely that the log is read, instead of following this attribute through every write.
  RETURN QUERY
  SELECT x.id, coalesce(e.patch -> 'value_case' = 'true', false)
  FROM unnest(p_deals, p_times) AS x(id, at)
  LEFT JOIN LATERAL (
    SELECT v.patch FROM event v
    WHERE v.org_id = q.org AND v.kind = 'opportunity' AND v.object_id = x.id AND v.occurred_at <= x.at AND v.operation = 'patch'
      AND (v.patch ? 'value_case' OR v.is_full) AND (q.known_at IS NULL OR v.received_at <= q.known_at) AND (q.as_of IS NULL OR v.occurred_at <= q.as_of)
    ORDER BY v.occurred_at DESC, v.source_seq DESC, v.event_id DESC, v.source DESC
    LIMIT 1) e ON true;
END
$$;
COMMENT ON FUNCTION pl.value_cases IS 'whether the value case of each deal had been worked out at an instant (parallel arrays): the last word of the log then';

CREATE FUNCTION pl.conduct_activities(q pl.metric_query, p_deals text[])
RETURNS TABLE (deal_id text, kind text, starts_at timestamptz, participants numeric)
LANGUAGE plpgsql STABLE SET plan_cache_mode = force_custom_plan SET jit = off AS $$
BEGIN
  IF q.as_of IS NULL AND q.known_at IS NULL THEN
    RETURN QUERY SELECT f.deal_id, f.kind, f.starts_at, f.participants_external FROM activity_fact f
                 WHERE f.org_id = q.org AND f.counted AND f.deal_id = ANY (p_deals);
  ELSE
    RETURN QUERY SELECT f.deal_id, f.kind, f.starts_at, f.participants_external FROM pl.activity_facts(q.org, q.as_of, q.known_at) f
                 WHERE f.counted AND f.deal_id = ANY (p_deals);
  END IF;
END
$$;
COMMENT ON FUNCTION pl.conduct_activities IS 'counted activities on these deals, whenever and whoever';

CREATE FUNCTION pl.deal_conduct(q pl.metric_query, p_deals text[])
RETURNS TABLE (deal_id text, discovery_at timestamptz, proposal_at timestamptz, participants numeric, has_value_case boolean)
LANGUAGE plpgsql STABLE SET plan_cache_mode = force_custom_plan SET jit = off SET work_mem = '64MB' AS $$
DECLARE
  v_discovery text[] := pl.conduct_words(q, 'discovery_kinds', '{discovery}');
  v_proposal  text[] := pl.conduct_words(q, 'proposal_kinds', '{proposal}');
  v_stages    text[] := pl.proposal_stages(q);
BEGIN
  RETURN QUERY
  WITH deal AS MATERIALIZED (
    SELECT o.object_id, o.first_at, (o.doc ->> 'contacts_external')::numeric AS contacts,
           (SELECT min((e ->> 'at')::timestamptz) FROM jsonb_array_elements(o.track) e WHERE e -> 'set' ->> 'stage' = ANY (v_stages)) AS staged_at
    FROM pl.object_states(q.org, 'opportunity', p_deals, q.as_of, q.known_at) o
  ), done AS MATERIALIZED (
    SELECT a.deal_id, min(a.starts_at) FILTER (WHERE a.kind = ANY (v_discovery)) AS discovery_at,
           min(a.starts_at) FILTER (WHERE a.kind = ANY (v_proposal)) AS proposed_at, max(a.participants) AS participants
    FROM pl.conduct_activities(q, p_deals) a GROUP BY a.deal_id
  ), way AS MATERIALIZED (
    SELECT d.object_id, d.first_at, n.discovery_at, least(d.staged_at, n.proposed_at) AS proposal_at, greatest(d.contacts, n.participants) AS participants
    FROM deal d LEFT JOIN done n ON n.deal_id = d.object_id
  )
  SELECT w.object_id, w.discovery_at, w.proposal_at, w.participants, v.is_set
  FROM way w
  -- What is set with the proposal did not stand before it. A deal first heard of after its proposal: what was known of it at first.
  LEFT JOIN pl.value_cases(q, ARRAY(SELECT x.object_id FROM way x WHERE x.proposal_at IS NOT NULL ORDER BY x.object_id),
                           ARRAY(SELECT greatest(x.proposal_at - interval '1 microsecond', x.first_at) FROM way x WHERE x.proposal_at IS NOT NULL ORDER BY x.object_id)) v
    ON v.deal_id = w.object_id;
END
$$;
COMMENT ON FUNCTION pl.deal_conduct IS
  'of each deal: its first discovery, its first proposal (activity or stage, whichever came first), the most people of the customer''s side known '
  '(contacts_external, or of one activity), and whether its value case stood before the proposal; null: never happened, not known, no proposal';

CREATE TYPE pl.conduct_case AS (
  id text, once text, kind text, name text, rep text, team text, account_id text, segment text, tier text, class text, at timestamptz, backcast boolean,
  is_deal boolean, credit numeric, is_proposed boolean, is_discovered boolean, is_valued boolean, is_threaded boolean,
  talk numeric, talked numeric, ratio numeric, is_banded boolean, questions numeric, half_hours numeric
);
COMMENT ON TYPE pl.conduct_case IS
  'a closed deal (credit and what was done on it) or a conversation (talk, the time both talked, their ratio, whether it is in the band, questions and half hours; null: '
  'not known). once: cases of one place with the same are one thing seen from several reps or accounts';

CREATE FUNCTION pl.conduct_deals(q pl.metric_query) RETURNS SETOF pl.conduct_case
LANGUAGE plpgsql STABLE SET plan_cache_mode = force_custom_plan SET jit = off SET work_mem = '64MB' AS $$
BEGIN
  RETURN QUERY
  WITH deal AS MATERIALIZED (
    SELECT * FROM pl.closed_deals(q, q.start_at, q.end_at)
  ), way AS MATERIALIZED (
    SELECT * FROM pl.deal_conduct(q, ARRAY(SELECT DISTINCT d.deal_id FROM deal d))
  )
  SELECT d.deal_id, d.deal_id || ' ' || coalesce(d.rep, ''), 'deal', d.name, d.rep, d.team, d.account_id, d.segment, d.tier, d.class, d.at, d.backcast,
         true, d.credit, w.proposal_at IS NOT NULL, coalesce(w.discovery_at < w.proposal_at, false), coalesce(w.has_value_case, false),
         coalesce(w.participants >= 2, false), NULL::numeric, NULL::numeric, NULL::numeric, NULL::boolean, NULL::numeric, NULL::numeric
  FROM deal d
  JOIN way w ON w.deal_id = d.deal_id
  WHERE d.outcome IN ('won', 'lost');
END
$$;
COMMENT ON FUNCTION pl.conduct_deals IS 'deals closed in the period, with how they were sold';

CREATE FUNCTION pl.conduct_talks(q pl.metric_query) RETURNS SETOF pl.conduct_case
LANGUAGE plpgsql STABLE SET plan_cache_mode = force_custom_plan SET jit = off SET work_mem = '64MB' AS $$
DECLARE
  v_band numeric[] := pl.talk_band(q);
BEGIN
  RETURN QUERY
  SELECT r.activity_id, r.activity_id, r.kind, NULL::text, r.rep, r.team, r.account_id, r.segment, r.tier, r.class, r.starts_at, r.backcast,
         false, NULL::numeric, NULL::boolean, NULL::boolean, NULL::boolean, NULL::boolean,
         CASE WHEN t.talked > 0 THEN r.talk_s END, t.talked, t.ratio, t.ratio BETWEEN v_band[1] AND v_band[2], CASE WHEN h.half_hours > 0 THEN r.questions END,
         CASE WHEN r.questions IS NOT NULL THEN h.half_hours END
  FROM pl.hour_rows(q, q.start_at, q.end_at) r
  CROSS JOIN LATERAL (SELECT nullif(r.talk_s + r.customer_talk_s, 0) AS talked, pl.ratio(r.talk_s, r.talk_s + r.customer_talk_s) AS ratio) t
  CROSS JOIN LATERAL (
    SELECT nullif(coalesce(CASE WHEN NOT r.estimated THEN round(r.hours / r.share, 12) * 2 END, round(t.talked / 1800, 12)), 0) AS half_hours) h
  WHERE NOT pl.is_internal(r.kind) AND (t.talked IS NOT NULL OR r.questions IS NOT NULL);
END
$$;
COMMENT ON FUNCTION pl.conduct_talks IS
  'conversations of the period of which talk or questions are known; one without a duration is as long as the two talked';

CREATE FUNCTION pl.talk_band(q pl.metric_query) RETURNS numeric[]
LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
  SELECT ARRAY[coalesce((q.body #>> '{conduct,talk_ratio_band,0}')::numeric, 0.35), coalesce((q.body #>> '{conduct,talk_ratio_band,1}')::numeric, 0.50)]
$$;
COMMENT ON FUNCTION pl.talk_band IS 'the band a talk ratio should be in, its edges included';

CREATE FUNCTION pl.conduct_cases(q pl.metric_query) RETURNS SETOF pl.conduct_case
LANGUAGE plpgsql STABLE AS $$
BEGIN
  RETURN QUERY SELECT * FROM pl.conduct_deals(q);
  RETURN QUERY SELECT * FROM pl.conduct_talks(q);
END
$$;

CREATE FUNCTION pl.conduct_parts(p_is_deal boolean, p_credit numeric, p_proposed boolean, p_discovered boolean, p_valued boolean, p_threaded boolean, p_talk numeric,
                                 p_talked numeric, p_ratio numeric, p_banded boolean, p_questions numeric, p_half_hours numeric)
RETURNS TABLE (component text, numerator numeric, denominator numeric)
LANGUAGE sql IMMUTABLE PARALLEL SAFE ROWS 4 AS $$
  SELECT v.component, v.numerator, v.denominator
  FROM (VALUES ('discovery_first', CASE WHEN p_discovered THEN p_credit ELSE 0 END, CASE WHEN p_is_deal AND p_proposed THEN p_credit END),
               ('value_case', CASE WHEN p_valued THEN p_credit ELSE 0 END, CASE WHEN p_is_deal AND p_proposed THEN p_credit END),
               ('multi_thread', CASE WHEN p_threaded THEN p_credit ELSE 0 END, CASE WHEN p_is_deal THEN p_credit END),
               ('talk_ratio', p_ratio, CASE WHEN p_talked IS NOT NULL THEN 1 END),
               ('talk_ratio_weighted', p_talk, p_talked),
               ('in_band', CASE WHEN p_banded THEN 1 ELSE 0 END, CASE WHEN p_talked IS NOT NULL THEN 1 END),
               ('questions_per_30min', p_questions, p_half_hours)) AS v(component, numerator, denominator)
  WHERE v.denominator IS NOT NULL
$$;
COMMENT ON FUNCTION pl.conduct_parts IS 'what a deal or a conversation adds to which components (METRICS.md M21)';
