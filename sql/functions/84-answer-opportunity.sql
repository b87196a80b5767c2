-- GET /v1/opportunities/{id}/alignment: why this deal counts as it does.

CREATE FUNCTION pl.verdict_shown(q pl.metric_query, p_at timestamptz, p_rep text, p_team text, p_account text, p_strategy text, p_segment text, p_tier text,
                                 p_class text, p_reason text, p_backcast boolean)
RETURNS json LANGUAGE plpgsql STABLE AS $$
BEGIN
  RETURN (
    SELECT row_to_json(x)
    FROM (SELECT pl.iso(p_at) AS at, p_rep AS rep, p_team AS team, p_account AS account, p_strategy AS strategy, p_segment AS segment, p_tier AS tier,
                 p_class AS class, p_reason AS reason, p_backcast AS backcast, f.score, f.low, f.high, f.coverage, f.breakdown
          FROM pl.fit_at(q.org, p_strategy, p_account, p_at, q.as_of, q.known_at) f) x);
END
$$;
COMMENT ON FUNCTION pl.verdict_shown IS 'one verdict on a deal with the stored breakdown it rests on';

CREATE FUNCTION pl.deal_hours(q pl.metric_query, p_deal text) RETURNS numeric
LANGUAGE plpgsql STABLE AS $$
BEGIN
  IF q.as_of IS NULL AND q.known_at IS NULL THEN
    RETURN (SELECT round(coalesce(sum(f.hours), 0), 6) FROM activity_fact f WHERE f.org_id = q.org AND f.counted AND f.deal_id = p_deal);
  END IF;
  RETURN (SELECT round(coalesce(sum(e.hours), 0), 6) FROM pl.deal_effort(q, ARRAY[p_deal]) e);
END
$$;

CREATE FUNCTION pl.answer_opportunity(p_org int, p_request jsonb) RETURNS text
LANGUAGE plpgsql STABLE SET jit = off AS $$
DECLARE
  v_id text := p_request #>> '{path,0}';
  q    pl.metric_query := pl.resolve_query(p_org, p_request, '{}', '{}');
  d    deal_fact;
  v_open pl.verdict;
  v_owner text;
  v_rep_shown boolean := (SELECT o.rep_metrics = 'on' FROM org o WHERE o.org_id = p_org);
BEGIN
  SELECT * INTO d FROM pl.deal_facts(p_org, q.as_of, q.known_at, ARRAY[v_id]);
  IF d.deal_id IS NULL OR NOT (
       (q.reps IS NULL OR d.created_rep = ANY (q.reps) OR d.closed_rep = ANY (q.reps) OR d.owner = ANY (q.reps))
       AND (q.teams IS NULL OR d.created_team = ANY (q.teams) OR d.closed_team = ANY (q.teams))) THEN
    PERFORM pl.fail('not_found', format('There is no opportunity "%s".', left(v_id, 200)));
  END IF;
  IF d.outcome = 'open' THEN
    SELECT j.team, j.strategy, j.segment, j.tier, j.class, j.reason, j.backcast INTO v_open
    FROM pl.judge(p_org, q.as_of, q.known_at, ARRAY[d.owner], ARRAY[d.account_id], ARRAY[q.upto]) j;
    d.money := CASE WHEN d.currency IS NULL OR d.currency = q.reporting THEN d.amount
                    ELSE pl.convert(p_org, d.amount, d.currency, q.reporting, pl.local_date(q.upto, q.zone), q.as_of, q.known_at) END;
  END IF;
  v_owner := CASE WHEN v_rep_shown THEN d.owner END;
  IF NOT v_rep_shown THEN
    d.created_rep := NULL;
    d.closed_rep := NULL;
  END IF;
  RETURN (SELECT row_to_json(x)::text FROM (
    SELECT d.deal_id AS id, d.name, d.stage, d.outcome, v_owner AS owner, d.account_id AS account, d.origin, pl.money_exact(d.amount, d.currency) AS amount,
           d.currency AS amount_currency, pl.money_exact(d.money, q.reporting) AS money, q.reporting AS currency, d.probability,
           pl.iso(d.created_at) AS created_at, pl.iso(d.closed_at) AS closed_at, pl.iso(d.closed_transition_at) AS closed_transition_at,
           CASE WHEN d.closed_at IS NOT NULL THEN pl.local_date(d.closed_at, q.zone) WHEN d.outcome = 'open' THEN pl.local_date(q.upto, q.zone) END AS rate_date,
           d.expected_close,
           pl.verdict_shown(q, d.created_at, d.created_rep, d.created_team, d.created_account, d.created_strategy, d.created_segment,
                            d.created_tier, d.created_class, d.created_reason, d.created_backcast) AS created,
           CASE WHEN d.closed_at IS NOT NULL THEN
             pl.verdict_shown(q, d.closed_at, d.closed_rep, d.closed_team, d.closed_account, d.closed_strategy, d.closed_segment,
                              d.closed_tier, d.closed_class, d.closed_reason, d.closed_backcast) END AS closed,
           CASE WHEN d.outcome = 'open' THEN
             pl.verdict_shown(q, q.upto, v_owner, v_open.team, d.account_id, v_open.strategy, v_open.segment,
                              v_open.tier, v_open.class, v_open.reason, v_open.backcast) END AS "open",
           (SELECT coalesce(json_agg(json_build_object('key', f, 'weight', trim_scale(w), 'money', pl.money_exact(d.money * w, q.reporting)) ORDER BY f), '[]')
            FROM unnest(d.families, d.weights) AS u(f, w)) AS families,
           pl.deal_hours(q, d.deal_id) AS hours,
           pl.counted_in(d, v_open.class) AS counted_in, pl.iso(q.as_of_shown) AS as_of, pl.iso(q.known_shown) AS known_at, q.data_version) x);
END
$$;
COMMENT ON FUNCTION pl.answer_opportunity IS 'a deal with its decision times, credit, price and verdicts (an open one is judged and priced at as_of, METRICS.md R3, R6), and the metrics it counts in';

CREATE FUNCTION pl.counted_in(d deal_fact, p_open_class text) RETURNS json
LANGUAGE sql STABLE AS $$
  SELECT json_agg(json_build_object('metric', m, 'at', t, 'class', c, 'counts_money', money) ORDER BY place)
  FROM (VALUES (1, 'pipeline_created_share', 'created_at', d.created_class, d.money IS NOT NULL, true),
               (2, 'open_pipeline_share', 'as_of', p_open_class, d.money IS NOT NULL, d.outcome = 'open'),
               (3, 'bookings_share', 'closed_at', d.closed_class, d.money IS NOT NULL, d.outcome = 'won'),
               (4, 'win_rate', 'closed_at', d.closed_class, d.money IS NOT NULL, d.outcome IN ('won', 'lost')),
               (5, 'product_mix', 'closed_at', d.closed_class, d.money IS NOT NULL AND d.families <> '{}', d.outcome = 'won'),
               (6, 'segment_mix', 'closed_at', d.closed_class, d.money IS NOT NULL AND d.closed_segment <> 'unknown', d.outcome = 'won'))
       AS x(place, m, t, c, money, counts)
  WHERE counts
$$;
COMMENT ON FUNCTION pl.counted_in IS 'the metrics a deal takes part in, when it is dated and judged for them, and whether its money counts; d.money: in the reporting currency, null when unpriced';
