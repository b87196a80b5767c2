-- The facts of a question, each kind read once.

CREATE FUNCTION pl.without_groups(q pl.metric_query) RETURNS pl.metric_query
LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE AS $$
BEGIN
  q.grouped_by := NULL;
  q.subs := NULL;
  q.bounds := NULL;
  RETURN q;
END
$$;

CREATE FUNCTION pl.deal_facts_of(q pl.metric_query, p_kind text) RETURNS pl.deal_cell[]
LANGUAGE plpgsql STABLE AS $$
BEGIN
  RETURN CASE p_kind WHEN 'closed' THEN ARRAY(SELECT c FROM pl.closed_sums(q) c)
                     WHEN 'open' THEN ARRAY(SELECT c FROM pl.open_sums(q) c)
                     ELSE ARRAY(SELECT c FROM pl.created_sums(q) c) END;
END
$$;

CREATE FUNCTION pl.whole_of(q pl.metric_query, p_kind text, p_groups pl.deal_cell[]) RETURNS pl.deal_cell[]
LANGUAGE plpgsql STABLE AS $$
BEGIN
  -- What does not add up is read again for the total: a deal of two families counts in both but once in the whole, and a stock at
  -- the end of the period is not the sum of the stocks before.
  IF (q.grouped_by = 'product' AND q.product IS NULL) OR (p_kind = 'open' AND q.subs IS NOT NULL) THEN
    RETURN pl.deal_facts_of(pl.without_groups(q), p_kind);
  END IF;
  RETURN p_groups;
END
$$;

CREATE FUNCTION pl.facts_of(q pl.metric_query, p_needs text[]) RETURNS pl.facts
LANGUAGE plpgsql STABLE AS $$
DECLARE
  f         pl.facts;
  v_closed  pl.deal_cell[];
  v_open    pl.deal_cell[];
  v_created pl.deal_cell[];
  v_hours   pl.hour_cell[];
BEGIN
  v_closed := CASE WHEN 'closed' = ANY (p_needs) THEN pl.deal_facts_of(q, 'closed') END;
  v_open := CASE WHEN 'open' = ANY (p_needs) THEN pl.deal_facts_of(q, 'open') END;
  v_created := CASE WHEN 'created' = ANY (p_needs) THEN pl.deal_facts_of(q, 'created') END;
  v_hours := CASE WHEN 'hours' = ANY (p_needs) THEN ARRAY(SELECT c FROM pl.hour_sums(q) c) END;
  -- A group that shows up in one kind of facts gets its row in all of them.
  q.groups := ARRAY(SELECT DISTINCT x.key FROM (SELECT unnest(q.groups) AS key UNION SELECT c.key FROM unnest(v_closed) c
                    UNION SELECT c.key FROM unnest(v_open) c UNION SELECT c.key FROM unnest(v_created) c
                    UNION SELECT c.key FROM unnest(v_hours) c) x WHERE x.key IS NOT NULL ORDER BY 1);
  f.closed := CASE WHEN v_closed IS NOT NULL THEN pl.with_totals(q, v_closed, pl.whole_of(q, 'closed', v_closed)) END;
  f.open := CASE WHEN v_open IS NOT NULL THEN pl.with_totals(q, v_open, pl.whole_of(q, 'open', v_open)) END;
  f.created := CASE WHEN v_created IS NOT NULL THEN pl.with_totals(q, v_created, pl.whole_of(q, 'created', v_created)) END;
  f.hours := CASE WHEN v_hours IS NOT NULL THEN pl.hours_with_totals(q, v_hours) END;
  RETURN f;
END
$$;
COMMENT ON FUNCTION pl.facts_of IS 'reads the facts that a question''s metrics need, each once, with totals and with a blank wherever nothing happened';
