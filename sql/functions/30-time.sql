-- Local time: days, midnights and source dates in the organisation's time zone (METRICS R1).

CREATE FUNCTION pl.local_midnight(p_day date, p_zone text) RETURNS timestamptz
LANGUAGE plpgsql STABLE PARALLEL SAFE AS $$
DECLARE
  v_start timestamptz := p_day::timestamp AT TIME ZONE p_zone;
BEGIN
  -- Where clocks go back over midnight, 00:00 happens twice and PostgreSQL takes the second: the day starts at the first.
  IF ((v_start - interval '1 hour') AT TIME ZONE p_zone)::date = p_day THEN
    RETURN v_start - interval '1 hour';
  END IF;
  RETURN v_start;
END $$;
COMMENT ON FUNCTION pl.local_midnight(date, text) IS
  'First instant of a local day. Where midnight is skipped by daylight saving time it is the first instant after the gap. METRICS R1';

CREATE FUNCTION pl.local_date(p_at timestamptz, p_zone text) RETURNS date
LANGUAGE sql STABLE PARALLEL SAFE AS $$ SELECT (p_at AT TIME ZONE p_zone)::date $$;
COMMENT ON FUNCTION pl.local_date(timestamptz, text) IS 'The local day an instant falls on. METRICS R1';

CREATE FUNCTION pl.source_instant(p_text text, p_zone text) RETURNS timestamptz
LANGUAGE plpgsql STABLE STRICT PARALLEL SAFE AS $$
BEGIN
  IF length(p_text) = 10 THEN
    RETURN pl.local_midnight(p_text::date, p_zone);
  END IF;
  RETURN p_text::timestamptz;
END $$;
COMMENT ON FUNCTION pl.source_instant(text, text) IS
  'A source''s date or date-time as an instant: a date is its local midnight, so that comparing with local midnights compares local dates. METRICS R1';

CREATE FUNCTION pl.source_date(p_text text, p_zone text) RETURNS date
LANGUAGE plpgsql STABLE STRICT PARALLEL SAFE AS $$
BEGIN
  IF length(p_text) = 10 THEN
    RETURN p_text::date;
  END IF;
  RETURN (p_text::timestamptz AT TIME ZONE p_zone)::date;
END $$;
COMMENT ON FUNCTION pl.source_date(text, text) IS 'A source''s date or date-time as a local date. METRICS R1';

CREATE FUNCTION pl.knowledge_time(p_source text, p_first_at timestamptz, p_zone text) RETURNS timestamptz
LANGUAGE plpgsql STABLE STRICT PARALLEL SAFE AS $$
BEGIN
  IF length(p_source) = 10 AND (p_first_at AT TIME ZONE p_zone)::date = p_source::date THEN
    RETURN p_first_at;
  END IF;
  RETURN NULL;
END $$;
COMMENT ON FUNCTION pl.knowledge_time(text, timestamptz, text) IS
  'Owner, account and attributes of a decision are looked up at its time (null here), except that a decision dated by a mere date is looked up '
  'when the deal was first seen, if that was on that very local day: what is known on the day is known on the day, not back-cast';
