-- Money: exchange rates, conversion, the reporting currency (METRICS R6, R19). Exact numeric throughout; nothing is rounded here.

CREATE FUNCTION pl.fx_pair(p_org int, p_base text, p_quote text, p_on date, p_as_of timestamptz, p_known_at timestamptz)
RETURNS numeric LANGUAGE plpgsql STABLE AS $$
DECLARE
  v_rate numeric;
  v_object object;
  v_state object;
BEGIN
  IF p_as_of IS NULL AND p_known_at IS NULL THEN
    SELECT rate INTO v_rate
      FROM fx_rate
     WHERE org_id = p_org AND base = p_base AND quote = p_quote AND on_date <= p_on
     ORDER BY on_date DESC
     LIMIT 1;
    RETURN v_rate;
  END IF;
  -- The ids of rates are FROM-TO-YYYY-MM-DD: their order is the order of their days.
  FOR v_object IN
    SELECT *
      FROM object
     WHERE org_id = p_org AND kind = 'fx-rate'
       AND object_id BETWEEN p_base || '-' || p_quote || '-' AND p_base || '-' || p_quote || '-' || p_on::text
     ORDER BY object_id DESC
  LOOP
    SELECT * INTO v_state FROM pl.object_states(p_org, 'fx-rate', ARRAY[v_object.object_id], p_as_of, p_known_at);
    IF FOUND AND v_state.deleted_at IS NULL AND v_state.doc ? 'rate' THEN
      RETURN (v_state.doc ->> 'rate')::numeric;
    END IF;
  END LOOP;
  RETURN NULL;
END $$;
COMMENT ON FUNCTION pl.fx_pair(int, text, text, date, timestamptz, timestamptz) IS
  'Rate of a pair as quoted on a local day or the nearest one before it; null when there is none. Never a later one. METRICS R6';

CREATE FUNCTION pl.fx_leg(p_org int, p_amount numeric, p_from text, p_to text, p_on date, p_as_of timestamptz, p_known_at timestamptz)
RETURNS numeric LANGUAGE plpgsql STABLE AS $$
DECLARE
  v_rate numeric := pl.fx_pair(p_org, p_from, p_to, p_on, p_as_of, p_known_at);
BEGIN
  IF v_rate IS NOT NULL THEN
    RETURN p_amount * v_rate;
  END IF;
  RETURN p_amount / pl.fx_pair(p_org, p_to, p_from, p_on, p_as_of, p_known_at);
END $$;
COMMENT ON FUNCTION pl.fx_leg(int, numeric, text, text, date, timestamptz, timestamptz) IS
  'An amount converted by the quoted pair, or by the opposite pair when only that is quoted; null without either. METRICS R6';

CREATE FUNCTION pl.convert(p_org int, p_amount numeric, p_from text, p_to text, p_on date,
                           p_as_of timestamptz DEFAULT NULL, p_known_at timestamptz DEFAULT NULL)
RETURNS numeric LANGUAGE plpgsql STABLE AS $$
DECLARE
  v_result numeric;
  v_via text;
BEGIN
  -- An amount without a currency is in the currency that is asked for: sources with a single currency do not name it.
  IF p_amount IS NULL OR p_from IS NULL OR p_from = p_to THEN
    RETURN p_amount;
  END IF;
  v_result := pl.fx_leg(p_org, p_amount, p_from, p_to, p_on, p_as_of, p_known_at);
  IF v_result IS NOT NULL THEN
    RETURN v_result;
  END IF;
  v_via := pl.reporting_currency(p_org, p_as_of, p_known_at);
  IF v_via = p_from OR v_via = p_to THEN
    RETURN NULL;
  END IF;
  RETURN pl.fx_leg(p_org, pl.fx_leg(p_org, p_amount, p_from, v_via, p_on, p_as_of, p_known_at), v_via, p_to, p_on, p_as_of, p_known_at);
END $$;
COMMENT ON FUNCTION pl.convert(int, numeric, text, text, date, timestamptz, timestamptz) IS
  'An amount in another currency at the rate of a local day: the pair itself, else its inverse, else both over the reporting currency; '
  'null (unpriced) when none is quoted on or before the day. Not rounded. METRICS R6, T9';

CREATE FUNCTION pl.day_rates(p_org int, p_to text, p_on date) RETURNS jsonb
LANGUAGE plpgsql STABLE AS $$
BEGIN
  RETURN (SELECT coalesce(jsonb_object_agg(k.currency, f.rate), '{}')
            FROM (SELECT base AS currency FROM fx_rate WHERE org_id = p_org AND on_date <= p_on
                  UNION
                  SELECT quote FROM fx_rate WHERE org_id = p_org AND on_date <= p_on) AS k
            LEFT JOIN LATERAL (SELECT x.rate FROM fx_rate AS x
                                WHERE x.org_id = p_org AND x.base = k.currency AND x.quote = p_to AND x.on_date <= p_on
                                ORDER BY x.on_date DESC LIMIT 1) AS f ON true);
END $$;
COMMENT ON FUNCTION pl.day_rates(int, text, date) IS
  'Every currency that anything is quoted for by a local day, with its rate straight into p_to, or null when it takes a way round: what pl.convert would '
  'look up one by one for many amounts of one day. METRICS R6';

CREATE FUNCTION pl.converted(p_rates jsonb, p_org int, p_amount numeric, p_from text, p_to text, p_on date) RETURNS numeric
LANGUAGE plpgsql STABLE AS $$
BEGIN
  IF p_amount IS NULL OR p_from IS NULL OR p_from = p_to THEN
    RETURN p_amount;
  ELSIF NOT p_rates ? p_from THEN
    RETURN NULL;
  END IF;
  RETURN coalesce(p_amount * (p_rates ->> p_from)::numeric, pl.convert(p_org, p_amount, p_from, p_to, p_on));
END $$;
COMMENT ON FUNCTION pl.converted(jsonb, int, numeric, text, text, date) IS 'pl.convert as known now, by the rates of the day (pl.day_rates) where they will do';

CREATE FUNCTION pl.first_currency_then(p_org int, p_as_of timestamptz, p_known_at timestamptz) RETURNS text
LANGUAGE plpgsql STABLE SET plan_cache_mode = force_generic_plan SET enable_seqscan = off SET jit = off AS $$
DECLARE
  v_changed text[];
  v_existed text[];
  v_first deal_fact_of;
  v_ids text[];  -- deals that may have been first; null: any
BEGIN
  IF p_known_at IS NULL THEN
    SELECT c.changed, c.existed INTO v_changed, v_existed FROM pl.changed_since(p_org, 'opportunity', p_as_of) AS c;
    -- Of the deals that have not changed since, the first; walked in the order of creation (of the table: a join would lose its order).
    SELECT f.* INTO v_first
      FROM deal_fact_of AS f
     WHERE f.org_id = p_org AND f.epoch = (SELECT v.epoch FROM org_version AS v WHERE v.org_id = p_org)
       AND f.created_at <= p_as_of AND f.amount IS NOT NULL AND f.currency IS NOT NULL
       AND f.deal_id NOT IN (SELECT c FROM unnest(v_changed) AS c)
     ORDER BY f.created_at, f.deal_id LIMIT 1;
    -- Of the others, those that are created before it today, and those that may have been before something else than a patch of other attributes.
    v_ids := ARRAY(
      SELECT c.id
        FROM unnest(v_existed) AS c(id)
        LEFT JOIN LATERAL (SELECT x.created_at FROM deal_fact AS x WHERE x.org_id = p_org AND x.deal_id = c.id OFFSET 0) AS f ON true
       WHERE (f.created_at IS NULL OR f.created_at <= coalesce(v_first.created_at, 'infinity')
              OR EXISTS (SELECT FROM event AS e
                          WHERE e.org_id = p_org AND e.kind = 'opportunity' AND e.object_id = c.id AND e.occurred_at > p_as_of
                            AND (e.operation <> 'patch' OR e.is_full OR e.patch ? 'created_at' OR e.patch -> 'attributes' ? 'is_test'))));
  END IF;
  RETURN (
    SELECT d.currency
      FROM (SELECT s.created_at, s.deal_id, s.currency
              FROM pl.deal_states(p_org, p_as_of, p_known_at, v_ids) AS s WHERE s.amount IS NOT NULL AND s.currency IS NOT NULL
            UNION ALL
            SELECT v_first.created_at, v_first.deal_id, v_first.currency WHERE v_first.deal_id IS NOT NULL) AS d
     ORDER BY d.created_at, d.deal_id COLLATE "C" LIMIT 1);
END $$;
COMMENT ON FUNCTION pl.first_currency_then(int, timestamptz, timestamptz) IS
  'Currency of the earliest deal with a price (by created_at, then id) as known at (as_of, known_at); null: there was none. METRICS R19';

CREATE FUNCTION pl.reporting_currency(p_org int, p_as_of timestamptz DEFAULT NULL, p_known_at timestamptz DEFAULT NULL)
RETURNS text LANGUAGE plpgsql STABLE AS $$
DECLARE
  v_currency text;
BEGIN
  SELECT coalesce(o.reporting_currency, CASE WHEN p_as_of IS NULL AND p_known_at IS NULL THEN v.first_currency END)
    INTO v_currency
    FROM org o JOIN org_version v ON v.org_id = o.org_id
   WHERE o.org_id = p_org;
  IF v_currency IS NULL AND (p_as_of IS NOT NULL OR p_known_at IS NOT NULL) THEN
    v_currency := pl.first_currency_then(p_org, p_as_of, p_known_at);
  END IF;
  RETURN v_currency;
END $$;
COMMENT ON FUNCTION pl.reporting_currency(int, timestamptz, timestamptz) IS
  'The organisation''s currency, else that of the earliest deal with a price (by created_at, then id), so that the order of arrival '
  'does not matter; null while there is none. METRICS R19';
