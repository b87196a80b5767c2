-- Deals: typed state, decision times, credit (METRICS R2, R5–R8, R13, R17, R22), and the two verdicts, at creation and at closing.

CREATE FUNCTION pl.line_shares(p_amounts numeric[], p_lines numeric[]) RETURNS numeric[]
LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE AS $$
DECLARE
  v_amounts numeric[] := p_amounts;
  v_total numeric := (SELECT sum(a) FROM unnest(p_amounts) AS a);
  v_rest numeric := 1;
  v_shares numeric[] := '{}';
BEGIN
  IF v_total = 0 THEN
    v_amounts := p_lines;
    v_total := (SELECT sum(a) FROM unnest(p_lines) AS a);
  END IF;
  FOR i IN 1 .. cardinality(v_amounts) - 1 LOOP
    v_shares[i] := trim_scale(v_amounts[i] / v_total);
    v_rest := v_rest - v_shares[i];
  END LOOP;
  RETURN v_shares || v_rest;
END $$;
COMMENT ON FUNCTION pl.line_shares(numeric[], numeric[]) IS
  'Parts of 1 in proportion to amounts, or to numbers of lines when the amounts add up to 0; what the divisions leave goes to the last. METRICS R7';

CREATE FUNCTION pl.line_mixes(p_org int, p_as_of timestamptz, p_known_at timestamptz, p_deals text[], p_lines jsonb[])
RETURNS TABLE (deal_id text, families text[], weights numeric[])
LANGUAGE plpgsql STABLE SET plan_cache_mode = force_generic_plan SET jit = off AS $$
#variable_conflict use_column
BEGIN
  IF p_deals = '{}' THEN
    RETURN;
  END IF;
  RETURN QUERY
    WITH line AS MATERIALIZED (
      SELECT d.deal_id, l.line ->> 'product' AS product,
             coalesce((l.line ->> 'amount')::numeric, (l.line ->> 'quantity')::numeric * (l.line ->> 'unit_price')::numeric, 0) AS amount
        FROM unnest(p_deals, p_lines) AS d(deal_id, lines)
       CROSS JOIN LATERAL jsonb_array_elements(d.lines) AS l(line)
    ), part AS (
      SELECT l.deal_id, coalesce(p.doc ->> 'family', 'unspecified') COLLATE "C" AS family, sum(l.amount) AS amount, count(*) AS lines
        FROM line AS l
        LEFT JOIN pl.object_states(p_org, 'product', ARRAY(SELECT DISTINCT product FROM line WHERE product IS NOT NULL),
                                   p_as_of, p_known_at) AS p ON p.object_id = l.product
       GROUP BY 1, 2
    )
    SELECT deal_id, array_agg(family::text ORDER BY family),
           CASE WHEN count(*) = 1 THEN '{1}' ELSE pl.line_shares(array_agg(amount ORDER BY family), array_agg(lines::numeric ORDER BY family)) END
      FROM part GROUP BY deal_id;
END $$;
COMMENT ON FUNCTION pl.line_mixes(int, timestamptz, timestamptz, text[], jsonb[]) IS
  'Product families of deals by their lines, with weights that add up to 1: in proportion to line amounts (else quantity × unit price), equal '
  'when those add up to 0; unspecified where the product has no known family. Deals without lines give no row. METRICS R7';

CREATE FUNCTION pl.deal_states(p_org int, p_as_of timestamptz, p_known_at timestamptz, p_ids text[])
RETURNS TABLE (deal_id text, name text, stage text, outcome text, owner text, account_id text, amount numeric, currency text,
               probability numeric, origin text, created_at timestamptz, closed_at timestamptz, closed_transition_at timestamptz,
               expected_close date, lines jsonb,
               created_rep text, created_account text, created_look timestamptz, created_backcast boolean,
               closed_rep text, closed_account text, closed_look timestamptz, closed_backcast boolean, lost_reason text)
LANGUAGE plpgsql STABLE SET plan_cache_mode = force_generic_plan SET jit = off AS $$
#variable_conflict use_column
DECLARE
  v_zone text;
  v_by_source boolean;
  v_backcast boolean;
  v_stages jsonb := (SELECT coalesce(jsonb_object_agg(s.object_id, s.doc), '{}') FROM pl.object_states(p_org, 'stage', NULL, p_as_of, p_known_at) AS s);
BEGIN
  SELECT o.time_zone, o.won_close_basis = 'source_date', o.backcast = 'on' INTO v_zone, v_by_source, v_backcast
    FROM org AS o WHERE o.org_id = p_org;
  RETURN QUERY
    WITH deal AS MATERIALIZED (
      SELECT d.object_id, d.doc, d.track, d.first_at, v_stages -> (d.doc ->> 'stage') ->> 'outcome' AS outcome,
             coalesce(pl.source_instant(d.doc ->> 'created_at', v_zone), d.first_at) AS created_at,
             d.deleted_at IS NULL AND d.merged_into IS NULL
               AND coalesce(d.doc -> 'attributes' -> 'is_test' NOT IN ('true', '"true"'), true) AS live
        FROM pl.object_states(p_org, 'opportunity', p_ids, p_as_of, p_known_at) AS d
    ), dated AS MATERIALIZED (
      SELECT d.object_id, d.doc, d.track, d.first_at, d.outcome, d.created_at, (d.track -> r.since ->> 'at')::timestamptz AS transition_at,
             CASE WHEN r.since = r.earliest OR (d.outcome = 'won' AND v_by_source) THEN d.doc ->> 'closed_at' END AS source_close
        FROM deal AS d
       CROSS JOIN LATERAL (
         -- A closed deal's decision: since when, without a break, its stages have had this outcome (R2: the last transition;
         -- reopening breaks it). since = earliest: it was closed already when first seen (R17).
         SELECT min(t.n) AS earliest, min(t.n) FILTER (WHERE t.n > coalesce(t.broken, -1)) AS since
           FROM (SELECT e.n::int - 1 AS n, max(e.n::int - 1) FILTER (WHERE v_stages -> (e.entry -> 'set' ->> 'stage') ->> 'outcome'
                                                                           IS DISTINCT FROM d.outcome) OVER () AS broken
                   FROM jsonb_array_elements(d.track) WITH ORDINALITY AS e(entry, n)
                  WHERE d.outcome IN ('won', 'lost') AND e.entry -> 'set' ? 'stage') AS t) AS r
       WHERE d.live AND (p_as_of IS NULL OR d.created_at <= p_as_of)
    ), timed AS MATERIALIZED (
      SELECT d.object_id, d.doc, d.track, d.outcome, d.created_at, d.transition_at,
             coalesce(d.doc ->> 'probability', v_stages -> (d.doc ->> 'stage') ->> 'probability')::numeric AS chance,
             coalesce(pl.source_instant(d.source_close, v_zone), d.transition_at) AS closed_at,
             coalesce(pl.knowledge_time(d.doc ->> 'created_at', d.first_at, v_zone), d.created_at) AS created_look,
             coalesce(pl.knowledge_time(d.source_close, d.first_at, v_zone), pl.source_instant(d.source_close, v_zone), d.transition_at) AS closed_look
        FROM dated AS d
    )
    SELECT t.object_id, t.doc ->> 'name', t.doc ->> 'stage', t.outcome, t.doc ->> 'owner', t.doc ->> 'account',
           (t.doc ->> 'amount')::numeric, t.doc ->> 'currency',
           CASE WHEN t.chance IS NOT NULL THEN least(greatest(t.chance, 0), 1) END, t.doc ->> 'origin',
           t.created_at, t.closed_at, t.transition_at, pl.source_date(t.doc ->> 'expected_close', v_zone),
           CASE WHEN jsonb_array_length(t.doc -> 'lines') > 0 THEN t.doc -> 'lines' END,
           t.track -> coalesce(h.owner_created, h.owner_first) -> 'set' ->> 'owner',
           t.track -> coalesce(h.account_created, h.account_first) -> 'set' ->> 'account',
           t.created_look,
           (h.owner_created IS NULL AND h.owner_first IS NOT NULL) OR (h.account_created IS NULL AND h.account_first IS NOT NULL),
           CASE WHEN t.closed_at IS NOT NULL THEN t.track -> coalesce(h.owner_closed, h.owner_first) -> 'set' ->> 'owner' END,
           CASE WHEN t.closed_at IS NOT NULL THEN t.track -> coalesce(h.account_closed, h.account_first) -> 'set' ->> 'account' END,
           t.closed_look,
           t.closed_at IS NOT NULL AND ((h.owner_closed IS NULL AND h.owner_first IS NOT NULL)
                                        OR (h.account_closed IS NULL AND h.account_first IS NOT NULL)),
           CASE WHEN t.outcome = 'lost' THEN t.doc ->> 'lost_reason' END
      FROM timed AS t
     CROSS JOIN LATERAL (
       -- Places in the track: the last change at or before each decision, else, back-cast, the first known value.
       SELECT max(e.n) FILTER (WHERE e.has_owner AND e.at <= t.created_look) AS owner_created,
              max(e.n) FILTER (WHERE e.has_owner AND e.at <= t.closed_look) AS owner_closed,
              min(e.n) FILTER (WHERE e.owner IS NOT NULL AND v_backcast) AS owner_first,
              max(e.n) FILTER (WHERE e.has_account AND e.at <= t.created_look) AS account_created,
              max(e.n) FILTER (WHERE e.has_account AND e.at <= t.closed_look) AS account_closed,
              min(e.n) FILTER (WHERE e.account IS NOT NULL AND v_backcast) AS account_first
         FROM (SELECT x.n::int - 1 AS n, (x.entry ->> 'at')::timestamptz AS at,
                      x.entry -> 'set' ? 'owner' AS has_owner, x.entry -> 'set' ->> 'owner' AS owner,
                      x.entry -> 'set' ? 'account' AS has_account, x.entry -> 'set' ->> 'account' AS account
                 FROM jsonb_array_elements(t.track) WITH ORDINALITY AS x(entry, n)
               OFFSET 0) AS e) AS h;
END $$;
COMMENT ON FUNCTION pl.deal_states(int, timestamptz, timestamptz, text[]) IS
  'Live deals (not deleted, merged or marked is_test) as known at (as_of, known_at): typed state, decision times (R2, R17), and owner and account '
  'at them with *_look, the instant at which attributes count as known. Ids null: all. Deals created after as_of do not exist';

CREATE FUNCTION pl.derive_deal_facts(p_org int, p_as_of timestamptz, p_known_at timestamptz, p_ids text[], p_also text DEFAULT NULL)
RETURNS SETOF deal_fact LANGUAGE plpgsql STABLE SET plan_cache_mode = force_generic_plan SET jit = off AS $$
#variable_conflict use_column
DECLARE
  v_zone text := (SELECT o.time_zone FROM org AS o WHERE o.org_id = p_org);
  v_currency text := pl.reporting_currency(p_org, p_as_of, p_known_at);
BEGIN
  RETURN QUERY
    WITH d AS MATERIALIZED (
      SELECT * FROM pl.deal_states(p_org, p_as_of, p_known_at, p_ids)
    ), ask AS MATERIALIZED (
      SELECT (row_number() OVER ())::int AS n, deal_id, closing, rep, account, at
        FROM (SELECT deal_id, false AS closing, created_rep AS rep, created_account AS account, created_look AS at FROM d
              UNION ALL
              SELECT deal_id, true, closed_rep, closed_account, closed_look FROM d WHERE closed_at IS NOT NULL) AS both_ends
    ), verdict AS MATERIALIZED (
      SELECT a.deal_id, a.closing, v.team, v.strategy, v.segment, v.tier, v.class, v.reason, v.backcast
        FROM pl.judge(p_org, p_as_of, p_known_at, ARRAY(SELECT rep FROM ask ORDER BY n), ARRAY(SELECT account FROM ask ORDER BY n),
                      ARRAY(SELECT at FROM ask ORDER BY n), p_also => p_also) AS v
        JOIN ask AS a ON a.n = v.n
    )
    SELECT p_org, d.deal_id, d.name, d.stage, d.outcome, d.owner, d.account_id, d.amount, d.currency, d.probability, d.origin,
           d.created_at, d.closed_at, d.closed_transition_at, d.expected_close,
           CASE WHEN d.closed_at IS NULL THEN NULL
                WHEN d.currency IS NULL OR d.currency = v_currency THEN d.amount
                ELSE pl.convert(p_org, d.amount, d.currency, v_currency, pl.local_date(d.closed_at, v_zone), p_as_of, p_known_at) END,
           coalesce(m.families, '{}'), coalesce(m.weights, '{}'),
           d.created_rep, c.team, c.strategy, c.segment, c.tier, c.class, c.reason, c.backcast OR d.created_backcast,
           d.closed_rep, w.team, d.closed_account, w.strategy, w.segment, w.tier, w.class, w.reason,
           CASE WHEN d.closed_at IS NOT NULL THEN w.backcast OR d.closed_backcast END,
           d.created_account, d.lost_reason, d.created_look, d.closed_look, d.created_backcast, d.closed_backcast
      FROM d
      LEFT JOIN verdict AS c ON c.deal_id = d.deal_id AND NOT c.closing
      LEFT JOIN verdict AS w ON w.deal_id = d.deal_id AND w.closing
      LEFT JOIN pl.line_mixes(p_org, p_as_of, p_known_at, ARRAY(SELECT deal_id FROM d WHERE lines IS NOT NULL ORDER BY deal_id),
                              ARRAY(SELECT lines FROM d WHERE lines IS NOT NULL ORDER BY deal_id)) AS m ON m.deal_id = d.deal_id;
END $$;
COMMENT ON FUNCTION pl.derive_deal_facts(int, timestamptz, timestamptz, text[], text) IS
  'Deals judged from state as known at (as_of, known_at); nulls: now. The one derivation of deal_fact. '
  'Ids null: all. p_also: as in pl.judge';

CREATE FUNCTION pl.deal_facts(p_org int, p_as_of timestamptz, p_known_at timestamptz, p_ids text[] DEFAULT NULL)
RETURNS SETOF deal_fact LANGUAGE plpgsql STABLE AS $$
BEGIN
  IF p_as_of IS NOT NULL OR p_known_at IS NOT NULL THEN
    RETURN QUERY SELECT * FROM pl.derive_deal_facts(p_org, p_as_of, p_known_at, p_ids);
  ELSIF p_ids IS NULL THEN
    RETURN QUERY SELECT * FROM deal_fact WHERE org_id = p_org;
  ELSE
    RETURN QUERY SELECT t.* FROM unnest(p_ids) AS i(id), LATERAL (SELECT * FROM deal_fact AS x WHERE x.org_id = p_org AND x.deal_id = i.id OFFSET 0) AS t;
  END IF;
END $$;
COMMENT ON FUNCTION pl.deal_facts(int, timestamptz, timestamptz, text[]) IS
  'Deals judged: now (nulls: the table), or as known at (as_of, known_at) by the same derivation. Ids null: all';

CREATE FUNCTION pl.project_deals(p_org int, p_ids text[]) RETURNS void
LANGUAGE plpgsql AS $$
DECLARE
  v_kept record;
BEGIN
  FOR v_kept IN SELECT * FROM pl.epochs_kept(p_org) LOOP
    PERFORM pl.project_deals_in(p_org, v_kept.epoch, v_kept.also, p_ids);
  END LOOP;
END $$;
COMMENT ON FUNCTION pl.project_deals(int, text[]) IS 'Brings deal_fact up to date for these deals (null: all), in every epoch that is kept';

CREATE FUNCTION pl.project_deals_in(p_org int, p_epoch int, p_also text, p_ids text[]) RETURNS void
LANGUAGE plpgsql SET plan_cache_mode = force_generic_plan SET jit = off AS $$
BEGIN
  WITH fresh AS MATERIALIZED (
    SELECT * FROM pl.derive_deal_facts(p_org, NULL, NULL, p_ids, p_also)
  ), gone AS (
    DELETE FROM deal_fact_of AS t
     USING unnest(coalesce(p_ids, ARRAY(SELECT x.deal_id FROM deal_fact_of AS x WHERE x.org_id = p_org AND x.epoch = p_epoch))) AS i(id)
     WHERE t.org_id = p_org AND t.epoch = p_epoch AND t.deal_id = i.id AND i.id COLLATE "C" NOT IN (SELECT f.deal_id FROM fresh AS f)
  )
  INSERT INTO deal_fact_of AS t (org_id, deal_id, name, stage, outcome, owner, account_id, amount, currency, probability, origin, created_at, closed_at,
    closed_transition_at, expected_close, money, families, weights, created_rep, created_team, created_strategy, created_segment, created_tier,
    created_class, created_reason, created_backcast, closed_rep, closed_team, closed_account, closed_strategy, closed_segment, closed_tier,
    closed_class, closed_reason, closed_backcast, created_account, lost_reason, created_look, closed_look, created_assumed, closed_assumed, epoch)
  SELECT f.*, p_epoch FROM fresh AS f ORDER BY f.deal_id
  ON CONFLICT (org_id, deal_id, epoch) DO UPDATE SET
    name = excluded.name, stage = excluded.stage, outcome = excluded.outcome, owner = excluded.owner, account_id = excluded.account_id,
    amount = excluded.amount, currency = excluded.currency, probability = excluded.probability, origin = excluded.origin,
    created_at = excluded.created_at, closed_at = excluded.closed_at, closed_transition_at = excluded.closed_transition_at,
    expected_close = excluded.expected_close, money = excluded.money, families = excluded.families, weights = excluded.weights,
    created_rep = excluded.created_rep, created_team = excluded.created_team, created_strategy = excluded.created_strategy,
    created_segment = excluded.created_segment, created_tier = excluded.created_tier, created_class = excluded.created_class,
    created_reason = excluded.created_reason, created_backcast = excluded.created_backcast,
    closed_rep = excluded.closed_rep, closed_team = excluded.closed_team, closed_account = excluded.closed_account,
    closed_strategy = excluded.closed_strategy, closed_segment = excluded.closed_segment, closed_tier = excluded.closed_tier,
    closed_class = excluded.closed_class, closed_reason = excluded.closed_reason, closed_backcast = excluded.closed_backcast,
    created_account = excluded.created_account, lost_reason = excluded.lost_reason, created_look = excluded.created_look,
    closed_look = excluded.closed_look, created_assumed = excluded.created_assumed, closed_assumed = excluded.closed_assumed
  WHERE t *<> excluded;
END $$;
COMMENT ON FUNCTION pl.project_deals_in(int, int, text, text[]) IS
  'Brings the facts of these deals (null: all) up to date in one epoch. p_also: the strategy that is in force only there, or null';
