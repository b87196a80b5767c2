-- Deals closed or created in a span of time, as they were known at an earlier instant: read from the facts of now wherever nothing they
-- rest on has changed since, derived again only where something has.

CREATE FUNCTION pl.changed_since(p_org int, p_kind object_kind, p_at timestamptz, OUT changed text[], OUT existed text[])
LANGUAGE plpgsql STABLE
-- Its index tells all that is asked here, in the order of the objects; the log itself is many times as large.
SET plan_cache_mode = force_generic_plan SET enable_seqscan = off SET enable_bitmapscan = off SET enable_sort = off SET jit = off
AS $$
DECLARE
  -- Before that the log does not tell who existed: whoever folds what may have is told so.
  v_any boolean := coalesce(p_at < pl.kept_from(p_org), false);
BEGIN
  SELECT coalesce(array_agg(o.object_id), '{}'), coalesce(array_agg(o.object_id) FILTER (WHERE v_any OR o.first_at <= p_at), '{}')
    INTO changed, existed
    FROM (SELECT e.object_id, min(e.occurred_at) AS first_at
            FROM event AS e WHERE e.org_id = p_org AND e.kind = p_kind
           GROUP BY e.object_id HAVING max(e.occurred_at) > p_at) AS o;
END $$;
COMMENT ON FUNCTION pl.changed_since(int, object_kind, timestamptz) IS
  'Objects of a kind that have events after an instant; existed: those of them that may have been known by then';

CREATE TYPE pl.moved AS (
  stages   boolean,
  all_else boolean,
  products boolean,
  rates    boolean,
  currency text,
  reps     text[],
  accounts text[]
);
COMMENT ON TYPE pl.moved IS
  'What facts rest on that has changed since an instant. stages: what stages mean; all_else: something that may change any verdict or any '
  'price; products: families; rates: what other currencies are worth; currency: the reporting currency then';

CREATE FUNCTION pl.any_changed(p_org int, p_kind object_kind, p_at timestamptz) RETURNS boolean
LANGUAGE plpgsql STABLE SET plan_cache_mode = force_generic_plan SET enable_seqscan = off AS $$
BEGIN
  RETURN EXISTS (SELECT FROM object AS o WHERE o.org_id = p_org AND o.kind = p_kind AND o.last_at > p_at);
END $$;
COMMENT ON FUNCTION pl.any_changed(int, object_kind, timestamptz) IS 'Whether any object of a kind has changed since an instant';

CREATE FUNCTION pl.moved_since(p_org int, p_at timestamptz, p_currency text) RETURNS pl.moved
LANGUAGE plpgsql STABLE SET plan_cache_mode = force_generic_plan SET enable_seqscan = off SET jit = off AS $$
DECLARE
  v_moved pl.moved;
BEGIN
  v_moved.stages := pl.any_changed(p_org, 'stage', p_at);
  IF v_moved.stages THEN
    RETURN v_moved;
  END IF;
  v_moved.currency := p_currency;
  -- The tree of teams tells which strategy is whose, where any is for some teams only.
  v_moved.all_else := v_moved.currency IS DISTINCT FROM pl.reporting_currency(p_org)
    OR (EXISTS (SELECT FROM strategy AS s WHERE s.org_id = p_org AND s.status = 'published' AND s.teams <> '{}') AND pl.any_changed(p_org, 'team', p_at));
  v_moved.products := pl.any_changed(p_org, 'product', p_at);
  v_moved.rates := pl.any_changed(p_org, 'fx-rate', p_at);
  v_moved.reps := ARRAY(SELECT o.object_id FROM object AS o WHERE o.org_id = p_org AND o.kind = 'rep' AND o.last_at > p_at);
  -- A merged account is what its survivor is, which may have changed.
  v_moved.accounts := ARRAY(SELECT o.object_id FROM object AS o
                             WHERE o.org_id = p_org AND o.kind = 'account' AND (o.last_at > p_at OR o.merged_into IS NOT NULL));
  RETURN v_moved;
END $$;
COMMENT ON FUNCTION pl.moved_since(int, timestamptz, text) IS
  'What has changed since an instant of that on which facts rest (stages: the rest is not told then). p_currency: the reporting currency as known then';

CREATE FUNCTION pl.rests_on(p_fact deal_fact, p_moved pl.moved) RETURNS boolean
LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
  SELECT p_moved.all_else OR (p_moved.products AND p_fact.families <> '{}')
      OR (p_moved.rates AND p_fact.closed_at IS NOT NULL AND p_fact.currency <> coalesce(p_moved.currency, ''))
$$;
COMMENT ON FUNCTION pl.rests_on(deal_fact, pl.moved) IS 'Whether the fact of a deal may have been another one before what has changed, its reps and accounts aside';

CREATE FUNCTION pl.closed_by_then(p_deal object, p_closing text[], p_by_source boolean, p_from text, p_to text) RETURNS boolean
LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
  SELECT p_by_source
      OR jsonb_path_query_first(p_deal.track, '$[*].set.stage') #>> '{}' = ANY (p_closing)
      OR jsonb_path_exists(p_deal.track, '$[*] ? (exists (@.set.stage) && @.at >= $from && @.at < $to)', jsonb_build_object('from', p_from, 'to', p_to))
$$;
COMMENT ON FUNCTION pl.closed_by_then(object, text[], boolean, text, text) IS
  'Whether a deal can have been closed in a span at some time of its past: it changed its stage in it, or its source may have said when it was. '
  'p_from, p_to: the seconds the span lies in, as tracks have them. p_closing: stages of deals that are decided. METRICS R2, R17';

CREATE FUNCTION pl.maybe_closed(p_org int, p_ids text[], p_from timestamptz, p_to timestamptz) RETURNS text[]
LANGUAGE plpgsql STABLE SET plan_cache_mode = force_generic_plan SET enable_seqscan = off SET jit = off AS $$
DECLARE
  v_closing text[] := ARRAY(SELECT s.object_id FROM object AS s WHERE s.org_id = p_org AND s.kind = 'stage' AND s.doc ->> 'outcome' IN ('won', 'lost'));
  v_by_source boolean := (SELECT o.won_close_basis = 'source_date' FROM org AS o WHERE o.org_id = p_org);
  -- Fractions of seconds sort badly as text: "…:00.5Z" < "…:00Z".
  v_from text := left(pl.iso(p_from), 19);
  v_to text := left(pl.iso(p_to + interval '1 second'), 19);
BEGIN
  RETURN ARRAY(
    SELECT d.object_id
      FROM unnest(p_ids) AS i(id),
           LATERAL (SELECT o.object_id, pl.closed_by_then(o, v_closing, v_by_source, v_from, v_to) AS maybe FROM object AS o
                     WHERE o.org_id = p_org AND o.kind = 'opportunity' AND o.object_id = i.id OFFSET 0) AS d
     WHERE d.maybe);
END $$;
COMMENT ON FUNCTION pl.maybe_closed(int, text[], timestamptz, timestamptz) IS
  'Deals of these among which all are that were closed in [p_from, p_to) as known at any earlier instant; stages must not have changed since';

CREATE FUNCTION pl.facts_now(p_org int, p_end text, p_from timestamptz, p_to timestamptz) RETURNS SETOF deal_fact
LANGUAGE plpgsql STABLE SET plan_cache_mode = force_custom_plan SET jit = off AS $$
BEGIN
  IF p_end = 'closed' THEN
    RETURN QUERY SELECT * FROM deal_fact AS f WHERE f.org_id = p_org AND f.closed_at >= p_from AND f.closed_at < p_to;
  ELSE
    RETURN QUERY SELECT * FROM deal_fact AS f WHERE f.org_id = p_org AND f.created_at >= p_from AND f.created_at < p_to;
  END IF;
END $$;
COMMENT ON FUNCTION pl.facts_now(int, text, timestamptz, timestamptz) IS 'Deals closed (p_end closed) or created (created) in [p_from, p_to), as judged now';

CREATE FUNCTION pl.facts_derived(p_org int, p_as_of timestamptz, p_known_at timestamptz, p_ids text[], p_end text, p_from timestamptz, p_to timestamptz)
RETURNS SETOF deal_fact LANGUAGE plpgsql STABLE AS $$
BEGIN
  RETURN QUERY
    SELECT f.* FROM pl.derive_deal_facts(p_org, p_as_of, p_known_at, p_ids) AS f
     WHERE CASE p_end WHEN 'closed' THEN f.closed_at >= p_from AND f.closed_at < p_to ELSE f.created_at >= p_from AND f.created_at < p_to END;
END $$;
COMMENT ON FUNCTION pl.facts_derived(int, timestamptz, timestamptz, text[], text, timestamptz, timestamptz) IS
  'Deals closed or created in [p_from, p_to) by pl.derive_deal_facts, as known at (as_of, known_at). Ids null: all';

CREATE FUNCTION pl.facts_then(p_org int, p_as_of timestamptz, p_currency text, p_end text, p_from timestamptz, p_to timestamptz) RETURNS SETOF deal_fact
LANGUAGE plpgsql STABLE SET plan_cache_mode = force_custom_plan SET jit = off SET work_mem = '64MB' AS $$
DECLARE
  v_moved pl.moved := pl.moved_since(p_org, p_as_of, p_currency);
  v_changed text[];     -- deals that changed since
  v_existed text[];     -- those of them that there were
  v_facts deal_fact[];  -- of those that did not
  v_again text[];       -- deals that have to be judged again
BEGIN
  IF NOT v_moved.stages THEN
    SELECT c.changed, c.existed INTO v_changed, v_existed FROM pl.changed_since(p_org, 'opportunity', p_as_of) AS c;
    v_facts := ARRAY(SELECT f FROM pl.facts_now(p_org, p_end, p_from, p_to) AS f
                      WHERE f.created_at <= p_as_of AND f.deal_id NOT IN (SELECT c FROM unnest(v_changed) AS c));
    v_again := ARRAY(
      SELECT f.deal_id FROM unnest(v_facts) AS f
       WHERE pl.rests_on(f, v_moved)
          OR f.created_rep IN (SELECT r FROM unnest(v_moved.reps) AS r) OR f.closed_rep IN (SELECT r FROM unnest(v_moved.reps) AS r)
          OR f.created_account IN (SELECT a FROM unnest(v_moved.accounts) AS a) OR f.closed_account IN (SELECT a FROM unnest(v_moved.accounts) AS a));
    RETURN QUERY SELECT f.* FROM unnest(v_facts) AS f WHERE f.deal_id NOT IN (SELECT a FROM unnest(v_again) AS a);
    v_again := v_again || CASE p_end WHEN 'closed' THEN pl.maybe_closed(p_org, v_existed, p_from, p_to) ELSE v_existed END;
  END IF;
  IF v_again = '{}' THEN
    RETURN;
  END IF;
  -- What a stage meant decides what was closed and when: then any deal may be another one (null: all).
  RETURN QUERY
    SELECT * FROM pl.facts_derived(p_org, p_as_of, NULL, v_again, p_end, p_from, p_to);
END $$;
COMMENT ON FUNCTION pl.facts_then(int, timestamptz, text, text, timestamptz, timestamptz) IS
  'Deals closed or created in [p_from, p_to) as known at p_as_of, when the reporting currency was p_currency: those of pl.derive_deal_facts, from the facts of now where nothing they rest on has changed since';
