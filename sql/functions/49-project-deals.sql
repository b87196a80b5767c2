-- The facts and open spans of some deals, brought up to date: what they should be is worked out from rows at hand and compared with what
-- stands there; only what differs is written.

CREATE FUNCTION pl.families_seen(p_org int, p_deals object[]) RETURNS jsonb
LANGUAGE plpgsql STABLE
SET plan_cache_mode = force_generic_plan SET enable_seqscan = off AS $$
BEGIN
  RETURN (
    SELECT coalesce(jsonb_object_agg(p.id, pl.family(o.doc)), '{}')
      FROM (SELECT DISTINCT line #>> '{}' AS id
              FROM unnest(p_deals) AS d, jsonb_path_query(d.track, '$[*].set.lines[*].product') AS line) AS p
      JOIN LATERAL (SELECT x.doc FROM object AS x WHERE x.org_id = p_org AND x.kind = 'product' AND x.object_id = p.id LIMIT 1) AS o ON true);
END $$;
COMMENT ON FUNCTION pl.families_seen(int, object[]) IS 'Families of all products these deals have or had lines with, {product: family}; products that are not known are left out';

CREATE TYPE pl.fact_changes AS (born deal_fact[], changed deal_fact[], gone text[], steady boolean[]);
COMMENT ON TYPE pl.fact_changes IS
  'Facts to be written and to be taken away. steady: an element a deal, whether what its open spans rest on besides its track is as it was';

CREATE FUNCTION pl.fact_changes(p_org int, p_epoch int, p_also text, p_ids text[], p_deals pl.deal_state[], p_rules pl.deal_rules, p_families jsonb)
RETURNS pl.fact_changes
LANGUAGE plpgsql STABLE
SET plan_cache_mode = force_generic_plan SET enable_seqscan = off AS $$
DECLARE
  v_zone text := p_rules.zone;
  v_currency text := p_rules.currency;
  v_count int := cardinality(p_ids);
  v_verdicts pl.verdict[];
  v_born deal_fact[] := '{}';
  v_changed deal_fact[] := '{}';
  v_gone text[] := '{}';
  v_steady boolean[] := array_fill(false, ARRAY[cardinality(p_ids)]);
  v_old record;
  v_deal pl.deal_state;
  v_mix record;
  v_row deal_fact;
BEGIN
  v_verdicts := ARRAY(
    SELECT ROW(v.team, v.strategy, v.segment, v.tier, v.class, v.reason, v.backcast)::pl.verdict
      FROM (SELECT array_agg(d.created_rep) || array_agg(d.closed_rep) AS reps, array_agg(d.created_account) || array_agg(d.closed_account) AS accounts,
                   array_agg(d.created_look) || array_agg(d.closed_look) AS times
              FROM unnest(p_deals) AS d) AS ask,
           pl.judge_few(p_org, ask.reps, ask.accounts, ask.times, NULL, p_also) AS v
     ORDER BY v.n);
  FOR v_old IN
    SELECT i.n, i.id, f.fact
      FROM unnest(p_ids) WITH ORDINALITY AS i(id, n)
      LEFT JOIN LATERAL (
        SELECT ROW(
          x.org_id, x.deal_id, x.name, x.stage, x.outcome, x.owner, x.account_id, x.amount, x.currency, x.probability, x.origin, x.created_at,
          x.closed_at, x.closed_transition_at, x.expected_close, x.money, x.families, x.weights, x.created_rep, x.created_team,
          x.created_strategy, x.created_segment, x.created_tier, x.created_class, x.created_reason, x.created_backcast, x.closed_rep,
          x.closed_team, x.closed_account, x.closed_strategy, x.closed_segment, x.closed_tier, x.closed_class, x.closed_reason,
          x.closed_backcast, x.created_account, x.lost_reason, x.created_look, x.closed_look, x.created_assumed, x.closed_assumed)::deal_fact AS fact
          FROM deal_fact_of AS x WHERE x.org_id = p_org AND x.deal_id = i.id AND x.epoch = p_epoch LIMIT 1) AS f ON true
  LOOP
    v_deal := p_deals[v_old.n];
    IF v_deal.deal_id IS NULL THEN
      v_gone := array_append(v_gone, v_old.id);
      CONTINUE;
    END IF;
    v_mix := pl.line_mix(v_deal.lines, p_families);
    v_row := pl.deal_fact(p_org, v_deal, v_verdicts[v_old.n], CASE WHEN v_deal.closed_at IS NOT NULL THEN v_verdicts[v_count + v_old.n] END,
                          pl.closed_money(p_org, v_deal, v_zone, v_currency, NULL, NULL), v_mix.families, v_mix.weights);
    v_steady[v_old.n] := ((v_old.fact).created_at = v_deal.created_at AND (v_old.fact).origin IS NOT DISTINCT FROM v_deal.origin) IS TRUE;
    IF (v_old.fact).deal_id IS NULL THEN
      v_born := array_append(v_born, v_row);
    ELSIF v_old.fact *<> v_row THEN
      v_changed := array_append(v_changed, v_row);
    END IF;
  END LOOP;
  RETURN ROW(v_born, v_changed, v_gone, v_steady)::pl.fact_changes;
END $$;
COMMENT ON FUNCTION pl.fact_changes(int, int, text, text[], pl.deal_state[], pl.deal_rules, jsonb) IS
  'What has to become of the facts of deals in one epoch. p_deals: as they are now, an element an id, null where a deal is not known, or not live; p_rules: '
  'by which they were read; p_families: as in pl.families_seen. p_also: the strategy that is in force only there, or null';

CREATE TYPE pl.span_changes AS (born open_span[], changed open_span[], gone open_span[]);

CREATE FUNCTION pl.span_changes(p_org int, p_ids text[], p_objects object[], p_deals pl.deal_state[], p_rules pl.deal_rules, p_families jsonb,
                                p_steady boolean[], p_since timestamptz[]) RETURNS pl.span_changes
LANGUAGE plpgsql STABLE
SET plan_cache_mode = force_generic_plan SET enable_seqscan = off AS $$
DECLARE
  r record;
  v_deal pl.deal_state;
  v_old open_span[];
  v_spans open_span[];
  v_at int;
  v_born open_span[] := '{}';
  v_changed open_span[] := '{}';
  v_gone open_span[] := '{}';
BEGIN
  FOR r IN
    SELECT i.n, i.id, i.at, ARRAY(SELECT x FROM open_span AS x WHERE x.org_id = p_org AND x.deal_id = i.id AND x.valid_to >= i.at ORDER BY x.valid_from) AS spans
      -- A change joins an entry of the track of the same quarter of an hour (pl.same_entry): none before that is another.
      FROM (SELECT u.n, u.id, CASE WHEN u.steady AND isfinite(u.since) THEN date_bin('15 minutes', u.since, '2000-01-01Z') ELSE '-infinity' END AS at
              FROM unnest(p_ids, p_steady, p_since) WITH ORDINALITY AS u(id, steady, since, n)) AS i
  LOOP
    v_deal := p_deals[r.n];
    v_old := r.spans;
    v_spans := '{}';
    IF v_deal.deal_id IS NOT NULL THEN
      v_spans := pl.open_spans(p_org, p_objects[r.n], v_deal, p_rules, p_families, r.at);
      IF v_spans IS NULL THEN
        v_spans := pl.open_spans(p_org, p_objects[r.n], v_deal, p_rules, p_families, '-infinity');
        v_old := ARRAY(SELECT x FROM open_span AS x WHERE x.org_id = p_org AND x.deal_id = r.id ORDER BY x.valid_from);
      END IF;
    END IF;
    v_at := 1; -- in v_old; both are in order of time
    FOR i IN 1 .. cardinality(v_spans) LOOP
      WHILE (v_old[v_at]).valid_from < (v_spans[i]).valid_from LOOP
        v_gone := array_append(v_gone, v_old[v_at]);
        v_at := v_at + 1;
      END LOOP;
      IF (v_old[v_at]).valid_from = (v_spans[i]).valid_from THEN
        IF v_old[v_at] *<> v_spans[i] THEN
          v_changed := array_append(v_changed, v_spans[i]);
        END IF;
        v_at := v_at + 1;
      ELSE
        v_born := array_append(v_born, v_spans[i]);
      END IF;
    END LOOP;
    IF v_at <= cardinality(v_old) THEN
      v_gone := v_gone || v_old[v_at:];
    END IF;
  END LOOP;
  RETURN ROW(v_born, v_changed, v_gone)::pl.span_changes;
END $$;
COMMENT ON FUNCTION pl.span_changes(int, text[], object[], pl.deal_state[], pl.deal_rules, jsonb, boolean[], timestamptz[]) IS
  'What has to become of the open spans of deals: p_objects as stored, the rest as in pl.fact_changes. p_steady: as in pl.fact_changes; p_since: as in pl.project';

CREATE FUNCTION pl.keep_facts(p_org int, p_epoch int, p_changes pl.fact_changes) RETURNS void
LANGUAGE plpgsql
SET plan_cache_mode = force_generic_plan SET enable_seqscan = off SET enable_hashjoin = off SET enable_mergejoin = off AS $$
BEGIN
  IF cardinality(p_changes.gone) > 0 THEN
    DELETE FROM deal_fact_of AS t USING unnest(p_changes.gone) AS i(id) WHERE t.org_id = p_org AND t.epoch = p_epoch AND t.deal_id = i.id;
  END IF;
  IF cardinality(p_changes.born) > 0 THEN
    INSERT INTO deal_fact_of (
      org_id, deal_id, name, stage, outcome, owner, account_id, amount, currency, probability, origin, created_at, closed_at,
      closed_transition_at, expected_close, money, families, weights, created_rep, created_team, created_strategy, created_segment, created_tier,
      created_class, created_reason, created_backcast, closed_rep, closed_team, closed_account, closed_strategy, closed_segment, closed_tier,
      closed_class, closed_reason, closed_backcast, created_account, lost_reason, created_look, closed_look, created_assumed, closed_assumed,
      epoch)
    SELECT f.*, p_epoch FROM unnest(p_changes.born) AS f;
  END IF;
  IF cardinality(p_changes.changed) > 0 THEN
    UPDATE deal_fact_of AS t SET
      name = f.name, stage = f.stage, outcome = f.outcome, owner = f.owner, account_id = f.account_id, amount = f.amount, currency = f.currency,
      probability = f.probability, origin = f.origin, created_at = f.created_at, closed_at = f.closed_at, closed_transition_at =
      f.closed_transition_at, expected_close = f.expected_close, money = f.money, families = f.families, weights = f.weights, created_rep =
      f.created_rep, created_team = f.created_team, created_strategy = f.created_strategy, created_segment = f.created_segment, created_tier =
      f.created_tier, created_class = f.created_class, created_reason = f.created_reason, created_backcast = f.created_backcast, closed_rep =
      f.closed_rep, closed_team = f.closed_team, closed_account = f.closed_account, closed_strategy = f.closed_strategy, closed_segment =
      f.closed_segment, closed_tier = f.closed_tier, closed_class = f.closed_class, closed_reason = f.closed_reason, closed_backcast =
      f.closed_backcast, created_account = f.created_account, lost_reason = f.lost_reason, created_look = f.created_look, closed_look =
      f.closed_look, created_assumed = f.created_assumed, closed_assumed = f.closed_assumed
      FROM unnest(p_changes.changed) AS f
     WHERE t.org_id = p_org AND t.deal_id = f.deal_id AND t.epoch = p_epoch;
  END IF;
END $$;
COMMENT ON FUNCTION pl.keep_facts(int, int, pl.fact_changes) IS 'Writes changes of facts of one epoch. The organisation is locked';

CREATE FUNCTION pl.keep_spans(p_org int, p_changes pl.span_changes) RETURNS void
LANGUAGE plpgsql
SET plan_cache_mode = force_generic_plan SET enable_seqscan = off SET enable_hashjoin = off SET enable_mergejoin = off AS $$
BEGIN
  IF cardinality(p_changes.gone) > 0 THEN
    DELETE FROM open_span AS t USING unnest(p_changes.gone) AS s WHERE t.org_id = p_org AND t.deal_id = s.deal_id AND t.valid_from = s.valid_from;
  END IF;
  IF cardinality(p_changes.born) > 0 THEN
    INSERT INTO open_span (org_id, deal_id, valid_from, valid_to, owner, account_id, amount, currency, probability, origin, families, weights,
                           expected_close, backcast)
    SELECT s.* FROM unnest(p_changes.born) AS s;
  END IF;
  IF cardinality(p_changes.changed) > 0 THEN
    UPDATE open_span AS t SET
      valid_to = s.valid_to, owner = s.owner, account_id = s.account_id, amount = s.amount, currency = s.currency, probability = s.probability,
      origin = s.origin, families = s.families, weights = s.weights, expected_close = s.expected_close, backcast = s.backcast
      FROM unnest(p_changes.changed) AS s
     WHERE t.org_id = p_org AND t.deal_id = s.deal_id AND t.valid_from = s.valid_from;
  END IF;
END $$;
COMMENT ON FUNCTION pl.keep_spans(int, pl.span_changes) IS 'Writes changes of open spans. The organisation is locked';

CREATE FUNCTION pl.project_some_deals(p_org int, p_ids text[], p_since timestamptz[]) RETURNS void
LANGUAGE plpgsql
SET plan_cache_mode = force_generic_plan SET enable_seqscan = off AS $$
DECLARE
  v_rules pl.deal_rules := pl.deal_rules(p_org, NULL, NULL);
  v_objects object[];
  v_deals pl.deal_state[];
  v_families jsonb;
  v_kept record;
  v_changes pl.fact_changes;
  v_steady boolean[];
BEGIN
  SELECT array_agg(d.state), array_agg(pl.deal_state(d.state, v_rules)) INTO v_objects, v_deals
    FROM (SELECT o.state
            FROM unnest(p_ids) WITH ORDINALITY AS i(id, n)
            LEFT JOIN LATERAL (SELECT x AS state FROM object AS x
                                WHERE x.org_id = p_org AND x.kind = 'opportunity' AND x.object_id = i.id LIMIT 1) AS o ON true
           ORDER BY i.n) AS d;
  v_families := pl.families_seen(p_org, v_objects);
  FOR v_kept IN SELECT k.epoch, k.also FROM pl.epochs_kept(p_org) AS k LOOP
    v_changes := pl.fact_changes(p_org, v_kept.epoch, v_kept.also, p_ids, v_deals, v_rules, v_families);
    v_steady := coalesce(v_steady, v_changes.steady);  -- of the current epoch, which comes first
    PERFORM pl.keep_facts(p_org, v_kept.epoch, v_changes);
  END LOOP;
  PERFORM pl.keep_spans(p_org, pl.span_changes(p_org, p_ids, v_objects, v_deals, v_rules, v_families, v_steady, p_since));
END $$;
COMMENT ON FUNCTION pl.project_some_deals(int, text[], timestamptz[]) IS 'pl.project_deals for as many as are held in memory at once';

CREATE FUNCTION pl.project_deals(p_org int, p_ids text[], p_since timestamptz[] DEFAULT NULL) RETURNS void
LANGUAGE plpgsql AS $$
DECLARE
  v_some record;
BEGIN
  IF cardinality(p_ids) <= 1000 THEN
    IF p_ids <> '{}' THEN
      PERFORM pl.project_some_deals(p_org, p_ids, p_since);
    END IF;
    RETURN;
  END IF;
  FOR v_some IN
    SELECT array_agg(i.id ORDER BY i.n) AS ids, array_agg(i.since ORDER BY i.n) AS since
      FROM unnest(coalesce(p_ids, ARRAY(
             SELECT o.object_id FROM object AS o WHERE o.org_id = p_org AND o.kind = 'opportunity'
             UNION SELECT f.deal_id FROM deal_fact_of AS f WHERE f.org_id = p_org
             UNION SELECT s.deal_id FROM open_span AS s WHERE s.org_id = p_org)), p_since) WITH ORDINALITY AS i(id, since, n)
     GROUP BY (i.n - 1) / 1000 ORDER BY (i.n - 1) / 1000
  LOOP
    PERFORM pl.project_some_deals(p_org, v_some.ids, v_some.since);
  END LOOP;
END $$;
COMMENT ON FUNCTION pl.project_deals(int, text[], timestamptz[]) IS
  'Brings the facts of these deals (null: all) up to date, in every epoch that is kept, and their open spans. p_since: as in pl.project. The organisation is locked';
