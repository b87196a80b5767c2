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

-- Facts as they were read: of the groups, and of the whole where that is no sum of groups. What was not needed is null.
CREATE TYPE pl.facts_read AS (
  closed pl.deal_cell[], closed_whole pl.deal_cell[], open pl.deal_cell[], open_whole pl.deal_cell[], created pl.deal_cell[], created_whole pl.deal_cell[],
  hours pl.hour_cell[]
);

CREATE FUNCTION pl.read_facts(q pl.metric_query, p_needs text[]) RETURNS pl.facts_read
LANGUAGE plpgsql STABLE AS $$
DECLARE
  r pl.facts_read;
BEGIN
  IF 'closed' = ANY (p_needs) THEN
    r.closed := pl.deal_facts_of(q, 'closed');
    r.closed_whole := pl.whole_of(q, 'closed', r.closed);
  END IF;
  IF 'open' = ANY (p_needs) THEN
    r.open := pl.deal_facts_of(q, 'open');
    r.open_whole := pl.whole_of(q, 'open', r.open);
  END IF;
  IF 'created' = ANY (p_needs) THEN
    r.created := pl.deal_facts_of(q, 'created');
    r.created_whole := pl.whole_of(q, 'created', r.created);
  END IF;
  IF 'hours' = ANY (p_needs) THEN
    r.hours := ARRAY(SELECT c FROM pl.hour_sums(q) c);
  END IF;
  RETURN r;
END
$$;
COMMENT ON FUNCTION pl.read_facts IS 'reads the facts that a question''s metrics need, each once';

CREATE FUNCTION pl.place_facts(q pl.metric_query, r pl.facts_read, p_needs text[]) RETURNS pl.facts
LANGUAGE plpgsql STABLE AS $$
DECLARE
  f pl.facts;
BEGIN
  r.closed := CASE WHEN 'closed' = ANY (p_needs) THEN r.closed END;
  r.open := CASE WHEN 'open' = ANY (p_needs) THEN r.open END;
  r.created := CASE WHEN 'created' = ANY (p_needs) THEN r.created END;
  r.hours := CASE WHEN 'hours' = ANY (p_needs) THEN r.hours END;
  -- A group that shows up in one kind of facts gets its row in all of them.
  q.groups := ARRAY(SELECT DISTINCT x.key FROM (SELECT unnest(q.groups) AS key UNION SELECT c.key FROM unnest(r.closed) c
                    UNION SELECT c.key FROM unnest(r.open) c UNION SELECT c.key FROM unnest(r.created) c
                    UNION SELECT c.key FROM unnest(r.hours) c) x WHERE x.key IS NOT NULL ORDER BY 1);
  f.closed := CASE WHEN r.closed IS NOT NULL THEN pl.with_totals(q, r.closed, r.closed_whole) END;
  f.open := CASE WHEN r.open IS NOT NULL THEN pl.with_totals(q, r.open, r.open_whole) END;
  f.created := CASE WHEN r.created IS NOT NULL THEN pl.with_totals(q, r.created, r.created_whole) END;
  f.hours := CASE WHEN r.hours IS NOT NULL THEN pl.hours_with_totals(q, r.hours) END;
  RETURN f;
END
$$;
COMMENT ON FUNCTION pl.place_facts IS 'the facts of one metric among those read: with totals, and with a blank wherever nothing happened';

CREATE FUNCTION pl.facts_of(q pl.metric_query, p_needs text[]) RETURNS pl.facts
LANGUAGE plpgsql STABLE AS $$
BEGIN
  RETURN pl.place_facts(q, pl.read_facts(q, p_needs), p_needs);
END
$$;
COMMENT ON FUNCTION pl.facts_of IS 'the facts that a question''s metrics need, each read once, with totals and with a blank wherever nothing happened';
