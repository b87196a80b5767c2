-- The rows behind deal metrics: each deal once (or once a split), credited, judged and priced the way the question asks.

CREATE TYPE pl.deal_row AS (
  deal_id        text,
  name           text,
  outcome        text,
  at             timestamptz,
  created_at     timestamptz,
  rep            text,
  team           text,
  account_id     text,
  strategy       text,
  segment        text,
  tier           text,
  class          text,
  reason         text,
  backcast       boolean,
  amount         numeric,
  currency       text,
  money          numeric,
  credit         numeric,
  probability    numeric,
  origin         text,
  families       text[],
  weights        numeric[],
  expected_close date
);
COMMENT ON TYPE pl.deal_row IS
  'at: the decision time the row is dated and judged by. credit: the part of the deal that is the rep''s (1 but under credit=split); '
  'amount and money are that part already. money: in the question''s currency, null without amount or rate';

CREATE FUNCTION pl.cycle(p_created_at timestamptz, p_at timestamptz, p_zone text) RETURNS interval
LANGUAGE sql STABLE PARALLEL SAFE AS $$
  SELECT CASE WHEN p_at < p_created_at AND pl.local_date(p_at, p_zone) = pl.local_date(p_created_at, p_zone) THEN interval '0' ELSE p_at - p_created_at END
$$;
COMMENT ON FUNCTION pl.cycle IS
  'how long a deal took; below 0: bad dates. A close date without a time is a local midnight: closed on the day it was created took no time (METRICS.md R1, M09)';

CREATE FUNCTION pl.within(q pl.metric_query, p_rep text, p_team text, p_segment text, p_tier text, p_origin text, p_families text[])
RETURNS boolean LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
  SELECT (q.reps IS NULL OR coalesce(p_rep, '__none__') = ANY (q.reps)) AND (q.teams IS NULL OR coalesce(p_team, '__none__') = ANY (q.teams))
     AND (q.segment IS NULL OR p_segment = q.segment) AND (q.tier IS NULL OR p_tier = q.tier)
     AND (q.origin IS NULL OR coalesce(p_origin, '__none__') = q.origin)
     AND (q.product IS NULL OR q.product = ANY (CASE WHEN p_families = '{}' THEN '{unspecified}' ELSE p_families END))
$$;
COMMENT ON FUNCTION pl.within IS 'whether a row passes the filters of the question and the scope of the key';

CREATE FUNCTION pl.outcome_counted(q pl.metric_query, p_outcome text, p_lost_reason text) RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
  SELECT CASE WHEN p_outcome = 'lost' AND lower(p_lost_reason) = ANY (q.not_real) THEN 'not_real' ELSE p_outcome END
$$;
COMMENT ON FUNCTION pl.outcome_counted IS
  'outcome of a decided deal as rates count it: won, lost, or not_real, lost for a reason that says it never was one (METRICS.md M07, not_real_reasons)';

CREATE FUNCTION pl.accepted(q pl.metric_query, p_rows pl.deal_row[]) RETURNS pl.deal_row[]
LANGUAGE plpgsql STABLE SET plan_cache_mode = force_custom_plan AS $$
DECLARE
  v_stages jsonb;
  v_order  numeric;
  v_enough text[];
BEGIN
  IF q.min_stage IS NULL THEN
    RETURN p_rows;
  END IF;
  SELECT coalesce(jsonb_object_agg(s.object_id, s.doc), '{}') INTO v_stages FROM pl.object_states(q.org, 'stage', NULL, q.as_of, q.known_at) s;
  v_order := (v_stages -> q.min_stage ->> 'order')::numeric;
  v_enough := ARRAY(SELECT e.key FROM jsonb_each(v_stages) e
                    WHERE e.key = q.min_stage OR (e.value ->> 'outcome' = 'open' AND (e.value ->> 'order')::numeric >= v_order));
  RETURN ARRAY(
    SELECT (r.deal_id, r.name, CASE WHEN r.outcome = 'lost' AND NOT a.reached THEN 'not_accepted' ELSE r.outcome END, r.at, r.created_at, r.rep, r.team,
            r.account_id, r.strategy, r.segment, r.tier, r.class, r.reason, r.backcast, r.amount, r.currency, r.money, r.credit, r.probability, r.origin,
            r.families, r.weights, r.expected_close)::pl.deal_row
    FROM unnest(p_rows) r
    LEFT JOIN pl.object_states(q.org, 'opportunity', ARRAY(SELECT x.deal_id FROM unnest(p_rows) x WHERE x.outcome = 'lost'), q.as_of, q.known_at) o
           ON o.object_id = r.deal_id
    CROSS JOIN LATERAL (SELECT EXISTS (SELECT FROM jsonb_array_elements(o.track) e WHERE e -> 'set' ->> 'stage' = ANY (v_enough)) AS reached) a);
END
$$;
COMMENT ON FUNCTION pl.accepted IS
  'rows in which deals lost before they ever reached min_stage_reached (that stage, or an open one of the same or a higher order) are not_accepted: '
  'sales never took them on (METRICS.md M07)';

CREATE FUNCTION pl.closed_row(q pl.metric_query, f deal_fact) RETURNS pl.deal_row
LANGUAGE plpgsql STABLE AS $$
BEGIN
  RETURN (f.deal_id, f.name, pl.outcome_counted(q, f.outcome, f.lost_reason), f.closed_at, f.created_at, f.closed_rep, f.closed_team, f.closed_account,
          f.closed_strategy, f.closed_segment, f.closed_tier, f.closed_class, f.closed_reason, f.closed_backcast, f.amount, f.currency,
          CASE WHEN q.currency IS NOT DISTINCT FROM q.reporting THEN f.money
               ELSE pl.convert(q.org, f.amount, f.currency, q.currency, pl.local_date(f.closed_at, q.zone), q.as_of, q.known_at) END,
          1::numeric, f.probability, f.origin, f.families, f.weights, f.expected_close)::pl.deal_row;
END
$$;
COMMENT ON FUNCTION pl.closed_row IS 'a decided deal as a row: dated, judged and priced at its decision, credited to its owner then';

-- Rows closed in [p_from, p_to), by the fact table or as of the past.
CREATE FUNCTION pl.closed_deals(q pl.metric_query, p_from timestamptz, p_to timestamptz) RETURNS SETOF pl.deal_row
LANGUAGE plpgsql STABLE SET plan_cache_mode = force_custom_plan SET jit = off AS $$
DECLARE
  v_rows pl.deal_row[];
BEGIN
  IF q.plain THEN
    RETURN QUERY
    SELECT f.deal_id, f.name, pl.outcome_counted(q, f.outcome, f.lost_reason), f.closed_at, f.created_at, f.closed_rep, f.closed_team, f.closed_account, f.closed_strategy,
           f.closed_segment, f.closed_tier, f.closed_class, f.closed_reason, f.closed_backcast, f.amount, f.currency, f.money, 1::numeric,
           f.probability, f.origin, f.families, f.weights, f.expected_close
    FROM deal_fact f
    WHERE f.org_id = q.org AND f.closed_at >= p_from AND f.closed_at < p_to AND f.outcome IN ('won', 'lost')
      AND NOT (q.exclude_nonpositive AND coalesce(f.amount <= 0, false))
      AND pl.within(q, f.closed_rep, f.closed_team, f.closed_segment, f.closed_tier, f.origin, f.families);
    RETURN;
  END IF;
  v_rows := ARRAY(
    SELECT pl.closed_row(q, f)
    FROM pl.facts_between(q, 'closed', p_from, p_to) f
    WHERE NOT (q.exclude_nonpositive AND coalesce(f.amount <= 0, false)));
  RETURN QUERY
  SELECT r.* FROM unnest(pl.credited(q, pl.rejudged(q, pl.accepted(q, v_rows)))) r
  WHERE pl.within(q, r.rep, r.team, r.segment, r.tier, r.origin, r.families);
END
$$;
COMMENT ON FUNCTION pl.closed_deals IS
  'deals decided in [p_from, p_to), dated by closed_at (METRICS.md R2, R3); outcome won, lost, not_real or not_accepted: the last two count in no rate';

CREATE FUNCTION pl.facts_between(q pl.metric_query, p_end text, p_from timestamptz, p_to timestamptz) RETURNS SETOF deal_fact
LANGUAGE plpgsql STABLE AS $$
BEGIN
  IF q.as_of IS NULL AND q.known_at IS NULL THEN
    RETURN QUERY SELECT * FROM pl.facts_now(q.org, p_end, p_from, p_to);
  ELSIF q.known_at IS NULL THEN
    RETURN QUERY SELECT * FROM pl.facts_then(q.org, q.as_of, q.reporting, p_end, p_from, p_to);
  ELSE
    RETURN QUERY SELECT * FROM pl.facts_derived(q.org, q.as_of, q.known_at, NULL, p_end, p_from, p_to);
  END IF;
END
$$;
COMMENT ON FUNCTION pl.facts_between IS 'deals closed (p_end closed) or created (created) in [p_from, p_to): by the facts of now, or as known then';

CREATE FUNCTION pl.created_deals(q pl.metric_query, p_from timestamptz, p_to timestamptz) RETURNS SETOF pl.deal_row
LANGUAGE plpgsql STABLE SET plan_cache_mode = force_custom_plan SET jit = off AS $$
DECLARE
  v_rows pl.deal_row[];
  v_on   date := pl.local_date(q.upto, q.zone);
BEGIN
  v_rows := ARRAY(
    SELECT (f.deal_id, f.name, f.outcome, f.created_at, f.created_at, f.created_rep, f.created_team, f.created_account, f.created_strategy,
            f.created_segment, f.created_tier, f.created_class, f.created_reason, f.created_backcast, f.amount, f.currency,
            CASE WHEN f.closed_at IS NOT NULL AND q.currency IS NOT DISTINCT FROM q.reporting THEN f.money
                 WHEN f.currency IS NULL OR f.currency = q.currency THEN f.amount
                 ELSE pl.convert(q.org, f.amount, f.currency, q.currency,
                                 CASE WHEN f.closed_at IS NULL THEN v_on ELSE pl.local_date(f.closed_at, q.zone) END,
                                 q.as_of, q.known_at) END,
            1::numeric, f.probability, f.origin, f.families, f.weights, f.expected_close)::pl.deal_row
    FROM pl.facts_between(q, 'created', p_from, p_to) f);
  v_rows := pl.first_priced(q, v_rows);
  RETURN QUERY
  SELECT r.* FROM unnest(pl.credited(q, pl.rejudged(q, v_rows))) r
  WHERE pl.within(q, r.rep, r.team, r.segment, r.tier, r.origin, r.families);
END
$$;
COMMENT ON FUNCTION pl.created_deals IS
  'deals created in [p_from, p_to), judged at creation, with their latest amount: closed ones at the rate of closing, others at that of as_of '
  '(METRICS.md M04, R6); created_amount=first: with their first known amount';

CREATE FUNCTION pl.first_priced(q pl.metric_query, p_rows pl.deal_row[]) RETURNS pl.deal_row[]
LANGUAGE plpgsql STABLE SET plan_cache_mode = force_custom_plan AS $$
BEGIN
  IF q.created_amount <> 'first' THEN
    RETURN p_rows;
  END IF;
  -- The rate is that of the day the amount was named: what the deal was worth when it came into the pipeline.
  RETURN ARRAY(
    SELECT (r.deal_id, r.name, r.outcome, r.at, r.created_at, r.rep, r.team, r.account_id, r.strategy, r.segment, r.tier, r.class, r.reason, r.backcast,
            a.amount, a.currency,
            CASE WHEN a.currency IS NULL OR a.currency = q.currency THEN a.amount
                 ELSE pl.convert(q.org, a.amount, a.currency, q.currency, pl.local_date(greatest(a.at, r.created_at), q.zone), q.as_of, q.known_at) END,
            r.credit, r.probability, r.origin, r.families, r.weights, r.expected_close)::pl.deal_row
    FROM unnest(p_rows) r
    JOIN pl.object_states(q.org, 'opportunity', ARRAY(SELECT x.deal_id FROM unnest(p_rows) x), q.as_of, q.known_at) o ON o.object_id = r.deal_id
    LEFT JOIN LATERAL (
      SELECT (e ->> 'at')::timestamptz AS at, (e -> 'set' ->> 'amount')::numeric AS amount,
             (pl.track_at(o.track, 'currency', (e ->> 'at')::timestamptz, true)).value #>> '{}' AS currency
      FROM jsonb_array_elements(o.track) WITH ORDINALITY AS t(e, n)
      WHERE e -> 'set' ->> 'amount' IS NOT NULL
      ORDER BY n LIMIT 1) a ON true);
END
$$;
COMMENT ON FUNCTION pl.first_priced IS 'rows with the first non-null amount of their deal, converted at the rate of the day it was named (METRICS.md M04)';

CREATE FUNCTION pl.rejudged(q pl.metric_query, p_rows pl.deal_row[]) RETURNS pl.deal_row[]
LANGUAGE plpgsql STABLE SET plan_cache_mode = force_custom_plan AS $$
BEGIN
  IF q.basis IS NULL THEN
    RETURN p_rows;
  END IF;
  RETURN ARRAY(
    SELECT (r.deal_id, r.name, r.outcome, r.at, r.created_at, r.rep, r.team, r.account_id, j.strategy, j.segment, j.tier, j.class, j.reason,
            r.backcast OR j.backcast, r.amount, r.currency, r.money, r.credit, r.probability, r.origin, r.families, r.weights, r.expected_close)::pl.deal_row
    FROM unnest(p_rows) WITH ORDINALITY AS r
    JOIN pl.judge(q.org, q.as_of, q.known_at, ARRAY(SELECT x.rep FROM unnest(p_rows) x), ARRAY(SELECT x.account_id FROM unnest(p_rows) x),
                  ARRAY(SELECT x.at FROM unnest(p_rows) x), q.fit_basis) j ON j.n = r.ordinality);
END
$$;
COMMENT ON FUNCTION pl.rejudged IS 'rows judged again under fit_basis=restated:… or current (METRICS.md R3)';

CREATE FUNCTION pl.credited(q pl.metric_query, p_rows pl.deal_row[]) RETURNS pl.deal_row[]
LANGUAGE plpgsql STABLE SET plan_cache_mode = force_custom_plan AS $$
DECLARE
  v_backcast boolean := (SELECT o.backcast = 'on' FROM org o WHERE o.org_id = q.org);
BEGIN
  IF q.credit = 'at_event' THEN
    RETURN p_rows;
  END IF;
  RETURN ARRAY(
    WITH r AS MATERIALIZED (SELECT * FROM unnest(p_rows)),
    deal AS MATERIALIZED (
      SELECT o.object_id, o.doc ->> 'owner' AS owner, o.track
      FROM pl.object_states(q.org, 'opportunity', ARRAY(SELECT r.deal_id FROM r), q.as_of, q.known_at) o
    ), share AS (
      SELECT r.deal_id, deal.owner AS rep, 1::numeric AS credit
      FROM r JOIN deal ON deal.object_id = r.deal_id WHERE q.credit = 'current'
      UNION ALL
      SELECT r.deal_id, s ->> 'rep', (s ->> 'percent')::numeric / 100
      FROM r JOIN deal ON deal.object_id = r.deal_id, pl.track_at(deal.track, 'splits', r.at, v_backcast) v,
           jsonb_array_elements(v.value) s
      WHERE q.credit = 'split' AND coalesce(s ->> 'kind', 'revenue') = 'revenue'
    )
    SELECT (r.deal_id, r.name, r.outcome, r.at, r.created_at, s.rep, t.team_id, r.account_id, r.strategy, r.segment, r.tier, r.class, r.reason,
            r.backcast, r.amount * s.credit, r.currency, r.money * s.credit, s.credit, r.probability, r.origin, r.families, r.weights,
            r.expected_close)::pl.deal_row
    FROM r JOIN share s ON s.deal_id = r.deal_id
    LEFT JOIN pl.rep_teams(q.org, q.as_of, q.known_at, NULL) t
      ON t.org_id = q.org AND t.rep_id = s.rep AND r.at >= t.valid_from AND r.at < t.valid_to
    UNION ALL
    SELECT r::pl.deal_row FROM r WHERE NOT EXISTS (SELECT FROM share s WHERE s.deal_id = r.deal_id));
END
$$;
COMMENT ON FUNCTION pl.credited IS
  'rows credited to the owner of now (credit=current) or by the revenue splits in force at the decision, else to the owner then (credit=split); overlay never counts (METRICS.md R8)';
