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

CREATE FUNCTION pl.family(p_product jsonb) RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$ SELECT coalesce(p_product ->> 'family', 'unspecified') $$;
COMMENT ON FUNCTION pl.family(jsonb) IS 'Family of a product by its document; null: a product that is not known';

CREATE FUNCTION pl.families(p_org int, p_as_of timestamptz, p_known_at timestamptz, p_products text[]) RETURNS jsonb
LANGUAGE plpgsql STABLE AS $$
BEGIN
  IF p_products = '{}' THEN
    RETURN '{}';
  END IF;
  RETURN (SELECT coalesce(jsonb_object_agg(p.object_id, pl.family(p.doc)), '{}') FROM pl.object_states(p_org, 'product', p_products, p_as_of, p_known_at) AS p);
END $$;
COMMENT ON FUNCTION pl.families(int, timestamptz, timestamptz, text[]) IS 'Families of products as known at (as_of, known_at), {product: family}; products that are not known are left out';

CREATE FUNCTION pl.line_mix(p_lines jsonb, p_families jsonb, OUT families text[], OUT weights numeric[])
LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE AS $$
BEGIN
  families := '{}';
  weights := '{}';
  IF p_lines IS NULL OR jsonb_array_length(p_lines) = 0 THEN
    RETURN;
  ELSIF jsonb_array_length(p_lines) = 1 THEN
    families := ARRAY[coalesce(p_families ->> (p_lines -> 0 ->> 'product'), pl.family(NULL))];
    weights := '{1}';
    RETURN;
  END IF;
  SELECT array_agg(part.family ORDER BY part.family),
         CASE WHEN count(*) = 1 THEN '{1}' ELSE pl.line_shares(array_agg(part.amount ORDER BY part.family), array_agg(part.lines ORDER BY part.family)) END
    INTO families, weights
    FROM (SELECT coalesce(p_families ->> (l ->> 'product'), pl.family(NULL)) COLLATE "C" AS family, count(*)::numeric AS lines,
                 sum(coalesce((l ->> 'amount')::numeric, (l ->> 'quantity')::numeric * (l ->> 'unit_price')::numeric, 0)) AS amount
            FROM jsonb_array_elements(p_lines) AS l GROUP BY 1) AS part;
END $$;
COMMENT ON FUNCTION pl.line_mix(jsonb, jsonb) IS
  'Product families of a deal by its lines, with weights that add up to 1: in proportion to line amounts (else quantity × unit price), equal when '
  'those add up to 0; unspecified where the product has no known family (p_families: {product: family}). No lines: both empty. METRICS R7';

CREATE FUNCTION pl.line_mixes(p_org int, p_as_of timestamptz, p_known_at timestamptz, p_deals text[], p_lines jsonb[])
RETURNS TABLE (deal_id text, families text[], weights numeric[])
LANGUAGE plpgsql STABLE AS $$
DECLARE
  v_families jsonb := pl.families(p_org, p_as_of, p_known_at, ARRAY(
    SELECT DISTINCT l ->> 'product' FROM unnest(p_lines) AS d(lines), jsonb_array_elements(d.lines) AS l WHERE l ? 'product'));
BEGIN
  RETURN QUERY
    SELECT d.deal_id, m.families, m.weights
      FROM unnest(p_deals, p_lines) AS d(deal_id, lines), pl.line_mix(d.lines, v_families) AS m;
END $$;
COMMENT ON FUNCTION pl.line_mixes(int, timestamptz, timestamptz, text[], jsonb[]) IS
  'pl.line_mix of deals (parallel arrays), families as known at (as_of, known_at)';

CREATE TYPE pl.deal_rules AS (
  zone           text,
  won_by_source  boolean,
  backcast       boolean,
  currency       text,
  stages         jsonb
);
COMMENT ON TYPE pl.deal_rules IS 'What the reading of deals rests on: the organisation''s settings, its reporting currency, and its stages, {id: document}';

CREATE FUNCTION pl.deal_rules(p_org int, p_as_of timestamptz, p_known_at timestamptz) RETURNS pl.deal_rules
LANGUAGE plpgsql STABLE AS $$
DECLARE
  v_rules pl.deal_rules;
BEGIN
  SELECT o.time_zone, o.won_close_basis = 'source_date', o.backcast = 'on', coalesce(o.reporting_currency, v.first_currency),
         (SELECT coalesce(jsonb_object_agg(s.object_id, s.doc), '{}') FROM object AS s WHERE s.org_id = p_org AND s.kind = 'stage')
    INTO v_rules
    FROM org AS o JOIN org_version AS v ON v.org_id = o.org_id
   WHERE o.org_id = p_org;
  IF p_as_of IS NOT NULL OR p_known_at IS NOT NULL THEN
    v_rules.currency := NULL; -- told by what these rules are for
    SELECT coalesce(jsonb_object_agg(s.object_id, s.doc), '{}') INTO v_rules.stages FROM pl.object_states(p_org, 'stage', NULL, p_as_of, p_known_at) AS s;
  END IF;
  RETURN v_rules;
END $$;
COMMENT ON FUNCTION pl.deal_rules(int, timestamptz, timestamptz) IS 'The rules by which deals are read, as known at (as_of, known_at)';

CREATE TYPE pl.deal_state AS (
  deal_id               text,
  name                  text,
  stage                 text,
  outcome               text,
  owner                 text,
  account_id            text,
  amount                numeric,
  currency              text,
  probability           numeric,
  origin                text,
  created_at            timestamptz,
  closed_at             timestamptz,
  closed_transition_at  timestamptz,
  expected_close        date,
  lines                 jsonb,
  created_rep           text,
  created_account       text,
  created_look          timestamptz,
  created_backcast      boolean,
  closed_rep            text,
  closed_account        text,
  closed_look           timestamptz,
  closed_backcast       boolean,
  lost_reason           text
);
COMMENT ON TYPE pl.deal_state IS
  'A live deal, typed, with its decision times, and the owner and account that count at each; *_look: the instant at which attributes count as known';

CREATE FUNCTION pl.probability(p_own text, p_stage jsonb) RETURNS numeric
LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE AS $$
DECLARE
  v_chance numeric := coalesce(p_own, p_stage ->> 'probability');
BEGIN
  RETURN CASE WHEN v_chance IS NOT NULL THEN least(greatest(v_chance, 0), 1) END;
END $$;
COMMENT ON FUNCTION pl.probability(text, jsonb) IS 'A deal''s own probability, else its stage''s (by its document), held to 0..1; null: neither is known. METRICS M03';

CREATE FUNCTION pl.deal_state(p_deal object, p_rules pl.deal_rules) RETURNS pl.deal_state
LANGUAGE plpgsql STABLE AS $$
DECLARE
  v_doc jsonb := p_deal.doc;
  v_track jsonb := p_deal.track || '[]';  -- unpacked once, not at every look into it
  v_stage jsonb := p_rules.stages -> (v_doc ->> 'stage');
  v_outcome text := v_stage ->> 'outcome';
  v_created_at timestamptz;
  v_created_look timestamptz;
  v_created record;
  v_closed record;
  v_since int;            -- place in the track: since when, without a break, its stages have had this outcome
  v_always boolean;       -- it had it when first seen
  v_transition timestamptz;
  v_source_close text;
  v_closed_at timestamptz;
  v_closed_look timestamptz;
BEGIN
  IF p_deal.deleted_at IS NOT NULL OR p_deal.merged_into IS NOT NULL
     OR (p_deal.gone AND v_doc -> 'attributes' -> 'is_test' IN ('true', '"true"')) THEN
    RETURN NULL;
  END IF;
  v_created_at := coalesce(pl.source_instant(v_doc ->> 'created_at', p_rules.zone), p_deal.first_at);
  v_created_look := coalesce(pl.knowledge_time(v_doc ->> 'created_at', p_deal.first_at, p_rules.zone), v_created_at);
  v_created := pl.deal_at(v_track, v_created_look, p_rules.backcast);
  IF v_outcome IN ('won', 'lost') THEN
    -- The last transition; reopening breaks it (R2).
    FOR i IN REVERSE jsonb_array_length(v_track) - 1 .. 0 LOOP
      IF v_track -> i -> 'set' ? 'stage' THEN
        v_always := p_rules.stages -> (v_track -> i -> 'set' ->> 'stage') ->> 'outcome' IS NOT DISTINCT FROM v_outcome;
        EXIT WHEN NOT v_always;
        v_since := i;
      END IF;
    END LOOP;
    v_transition := (v_track -> v_since ->> 'at')::timestamptz;
    -- Closed already when first seen: the source's date serves, whatever the outcome (R17).
    IF (v_always AND v_since IS NOT NULL) OR (v_outcome = 'won' AND p_rules.won_by_source) THEN
      v_source_close := v_doc ->> 'closed_at';
    END IF;
    v_closed_at := coalesce(pl.source_instant(v_source_close, p_rules.zone), v_transition);
    v_closed_look := coalesce(pl.knowledge_time(v_source_close, p_deal.first_at, p_rules.zone), v_closed_at);
  END IF;
  IF v_closed_at IS NOT NULL THEN
    v_closed := pl.deal_at(v_track, v_closed_look, p_rules.backcast);
  ELSE
    SELECT NULL::text AS rep, NULL::text AS account, false AS is_backcast INTO v_closed;
  END IF;
  RETURN ROW(p_deal.object_id, v_doc ->> 'name', v_doc ->> 'stage', v_outcome, v_doc ->> 'owner', v_doc ->> 'account',
             (v_doc ->> 'amount')::numeric, v_doc ->> 'currency', pl.probability(v_doc ->> 'probability', v_stage), v_doc ->> 'origin',
             v_created_at, v_closed_at, v_transition, pl.source_date(v_doc ->> 'expected_close', p_rules.zone),
             CASE WHEN jsonb_array_length(v_doc -> 'lines') > 0 THEN v_doc -> 'lines' END,
             v_created.rep, v_created.account, v_created_look, v_created.is_backcast,
             v_closed.rep, v_closed.account, v_closed_look, v_closed.is_backcast,
             CASE WHEN v_outcome = 'lost' THEN v_doc ->> 'lost_reason' END)::pl.deal_state;
END $$;
COMMENT ON FUNCTION pl.deal_state(object, pl.deal_rules) IS
  'A deal''s state, typed, with its decision times; null when it is not live (deleted, merged, or marked is_test). METRICS R2, R17, R22';

CREATE FUNCTION pl.deal_states(p_org int, p_as_of timestamptz, p_known_at timestamptz, p_ids text[]) RETURNS SETOF pl.deal_state
LANGUAGE plpgsql STABLE AS $$
DECLARE
  v_rules pl.deal_rules := pl.deal_rules(p_org, p_as_of, p_known_at);
BEGIN
  RETURN QUERY
    SELECT (d.state).*
      FROM (SELECT pl.deal_state(o, v_rules) AS state
              FROM pl.object_states(p_org, 'opportunity', p_ids, p_as_of, p_known_at) AS o
            OFFSET 0) AS d
     WHERE (d.state).deal_id IS NOT NULL AND (p_as_of IS NULL OR (d.state).created_at <= p_as_of);
END $$;
COMMENT ON FUNCTION pl.deal_states(int, timestamptz, timestamptz, text[]) IS
  'Live deals as known at (as_of, known_at). Ids null: all. Deals created after as_of do not exist';

CREATE FUNCTION pl.deal_fact(p_org int, p_deal pl.deal_state, p_created pl.verdict, p_closed pl.verdict,
                             p_money numeric, p_families text[], p_weights numeric[]) RETURNS deal_fact
LANGUAGE plpgsql IMMUTABLE AS $$
BEGIN
  RETURN ROW(p_org, p_deal.deal_id, p_deal.name, p_deal.stage, p_deal.outcome, p_deal.owner, p_deal.account_id, p_deal.amount, p_deal.currency,
             p_deal.probability, p_deal.origin, p_deal.created_at, p_deal.closed_at, p_deal.closed_transition_at, p_deal.expected_close,
             p_money, p_families, p_weights,
             p_deal.created_rep, p_created.team, p_created.strategy, p_created.segment, p_created.tier, p_created.class, p_created.reason,
             p_created.backcast OR p_deal.created_backcast,
             p_deal.closed_rep, p_closed.team, p_deal.closed_account, p_closed.strategy, p_closed.segment, p_closed.tier, p_closed.class, p_closed.reason,
             CASE WHEN p_deal.closed_at IS NOT NULL THEN p_closed.backcast OR p_deal.closed_backcast END,
             p_deal.created_account, p_deal.lost_reason, p_deal.created_look, p_deal.closed_look, p_deal.created_backcast, p_deal.closed_backcast)::deal_fact;
END $$;
COMMENT ON FUNCTION pl.deal_fact(int, pl.deal_state, pl.verdict, pl.verdict, numeric, text[], numeric[]) IS
  'The row of deal_fact a deal has, given its verdicts when created and when closed (null while open), its money and its product families';

CREATE FUNCTION pl.closed_money(p_org int, p_deal pl.deal_state, p_zone text, p_currency text, p_as_of timestamptz, p_known_at timestamptz) RETURNS numeric
LANGUAGE plpgsql STABLE AS $$
BEGIN
  IF p_deal.closed_at IS NULL THEN
    RETURN NULL;
  ELSIF p_deal.currency IS NULL OR p_deal.currency = p_currency THEN
    RETURN p_deal.amount;
  END IF;
  RETURN pl.convert(p_org, p_deal.amount, p_deal.currency, p_currency, pl.local_date(p_deal.closed_at, p_zone), p_as_of, p_known_at);
END $$;
COMMENT ON FUNCTION pl.closed_money(int, pl.deal_state, text, text, timestamptz, timestamptz) IS
  'A closed deal''s amount in p_currency at the rate of its closing day; null while open or unpriced. METRICS R6';

CREATE FUNCTION pl.derive_deal_facts(p_org int, p_as_of timestamptz, p_known_at timestamptz, p_ids text[], p_also text DEFAULT NULL)
RETURNS SETOF deal_fact LANGUAGE plpgsql STABLE SET plan_cache_mode = force_generic_plan SET jit = off AS $$
#variable_conflict use_column
DECLARE
  v_zone text := (SELECT o.time_zone FROM org AS o WHERE o.org_id = p_org);
  v_currency text := pl.reporting_currency(p_org, p_as_of, p_known_at);
BEGIN
  RETURN QUERY
    WITH d AS MATERIALIZED (
      SELECT s AS state, s.deal_id, s.lines, s.created_rep, s.created_account, s.created_look, s.closed_at, s.closed_rep, s.closed_account, s.closed_look
        FROM pl.deal_states(p_org, p_as_of, p_known_at, p_ids) AS s
    ), ask AS MATERIALIZED (
      SELECT (row_number() OVER ())::int AS n, deal_id, closing, rep, account, at
        FROM (SELECT deal_id, false AS closing, created_rep AS rep, created_account AS account, created_look AS at FROM d
              UNION ALL
              SELECT deal_id, true, closed_rep, closed_account, closed_look FROM d WHERE closed_at IS NOT NULL) AS both_ends
    ), verdict AS MATERIALIZED (
      SELECT a.deal_id, a.closing, ROW(v.team, v.strategy, v.segment, v.tier, v.class, v.reason, v.backcast)::pl.verdict AS verdict
        FROM pl.judge(p_org, p_as_of, p_known_at, ARRAY(SELECT rep FROM ask ORDER BY n), ARRAY(SELECT account FROM ask ORDER BY n),
                      ARRAY(SELECT at FROM ask ORDER BY n), p_also => p_also) AS v
        JOIN ask AS a ON a.n = v.n
    )
    SELECT (f.fact).*
      FROM (SELECT pl.deal_fact(p_org, d.state, c.verdict, w.verdict, pl.closed_money(p_org, d.state, v_zone, v_currency, p_as_of, p_known_at),
                                coalesce(m.families, '{}'), coalesce(m.weights, '{}')) AS fact
              FROM d
              LEFT JOIN verdict AS c ON c.deal_id = d.deal_id AND NOT c.closing
              LEFT JOIN verdict AS w ON w.deal_id = d.deal_id AND w.closing
              LEFT JOIN pl.line_mixes(p_org, p_as_of, p_known_at, ARRAY(SELECT deal_id FROM d WHERE lines IS NOT NULL ORDER BY deal_id),
                                      ARRAY(SELECT lines FROM d WHERE lines IS NOT NULL ORDER BY deal_id)) AS m ON m.deal_id = d.deal_id
            OFFSET 0) AS f;
END $$;
COMMENT ON FUNCTION pl.derive_deal_facts(int, timestamptz, timestamptz, text[], text) IS
  'Deals judged from state as known at (as_of, known_at); nulls: now. Ids null: all. p_also: as in pl.judge';

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
