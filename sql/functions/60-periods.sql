-- Periods (METRICS.md R1): every period is a half-open range of local dates, [first_on, end_on), whose bounds become
-- instants at the organisation's local midnights. Pure functions of their arguments: "today" comes from the caller.

CREATE TYPE pl.period AS (label text, first_on date, end_on date, fiscal boolean);
CREATE TYPE pl.sub_period AS (label text, start_at timestamptz, end_at timestamptz);

CREATE FUNCTION pl.fiscal_year_first(p_year int, p_start_month int, p_fy_name text) RETURNS date
LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
  SELECT make_date(CASE WHEN p_start_month > 1 AND p_fy_name = 'end' THEN p_year - 1 ELSE p_year END, p_start_month, 1)
$$;
COMMENT ON FUNCTION pl.fiscal_year_first IS
  'first day of fiscal year p_year, which is named by the calendar year it ends in (fy_name end) or starts in (METRICS.md R1)';

CREATE FUNCTION pl.fiscal_year_of(p_day date, p_start_month int, p_fy_name text) RETURNS int
LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
  SELECT extract(year FROM p_day)::int
         - CASE WHEN extract(month FROM p_day) < p_start_month THEN 1 ELSE 0 END
         + CASE WHEN p_start_month > 1 AND p_fy_name = 'end' THEN 1 ELSE 0 END
$$;
COMMENT ON FUNCTION pl.fiscal_year_of IS 'name of the fiscal year a local day lies in (inverse of fiscal_year_first)';

CREATE FUNCTION pl.fiscal_quarter(p_year int, p_quarter int, p_start_month int, p_fy_name text) RETURNS pl.period
LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
  SELECT format('FQ%s-%s', p_quarter, p_year),
         (f + make_interval(months => 3 * (p_quarter - 1)))::date,
         (f + make_interval(months => 3 * p_quarter))::date, true
  FROM (SELECT pl.fiscal_year_first(p_year, p_start_month, p_fy_name) AS f) x
$$;

CREATE FUNCTION pl.fiscal_quarter_of(p_day date, p_start_month int, p_fy_name text) RETURNS pl.period
LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
  SELECT (pl.fiscal_quarter(pl.fiscal_year_of(p_day, p_start_month, p_fy_name),
          ((extract(month FROM p_day)::int - p_start_month + 12) % 12) / 3 + 1, p_start_month, p_fy_name)).*
$$;

CREATE FUNCTION pl.period_forms() RETURNS text LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
  SELECT '2026, 2026-03, 2026-Q1, 2026-03-31, FY2026, FQ2-2026, 2026-01-01..2026-03-31 (both days included), last_90d, '
         'this_month, this_quarter, this_year, this_fq, this_fy, last_month, last_quarter, last_year, last_fq, last_fy'
$$;
COMMENT ON FUNCTION pl.period_forms IS 'the accepted forms of period=, for error messages';

CREATE FUNCTION pl.day_or_null(p_text text) RETURNS date
LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE AS $$
BEGIN
  IF p_text !~ '^(19|20|21)\d\d-\d\d-\d\d$' THEN
    RETURN NULL;
  END IF;
  RETURN make_date(substr(p_text, 1, 4)::int, substr(p_text, 6, 2)::int, substr(p_text, 9, 2)::int);
EXCEPTION WHEN datetime_field_overflow THEN
  RETURN NULL;
END
$$;
COMMENT ON FUNCTION pl.day_or_null IS 'YYYY-MM-DD of a real day between 1900 and 2199, else null';

-- this_… and last_… : the named stretch of calendar or fiscal time around, or just before the one around, p_today.
CREATE FUNCTION pl.period_relative(p_which text, p_what text, p_today date, p_start_month int, p_fy_name text)
RETURNS pl.period LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE AS $$
DECLARE
  v_first date;
  v_step  interval := CASE p_what WHEN 'month' THEN '1 month' WHEN 'quarter' THEN '3 months' WHEN 'fq' THEN '3 months'
                      ELSE '1 year' END;
BEGIN
  v_first := CASE p_what
    WHEN 'fq' THEN (pl.fiscal_quarter_of(p_today, p_start_month, p_fy_name)).first_on
    WHEN 'fy' THEN pl.fiscal_year_first(pl.fiscal_year_of(p_today, p_start_month, p_fy_name), p_start_month, p_fy_name)
    ELSE date_trunc(p_what, p_today::timestamp)::date END;
  IF p_which = 'last' THEN
    v_first := (v_first - v_step)::date;
  END IF;
  RETURN (CASE p_what
    WHEN 'fq' THEN (pl.fiscal_quarter_of(v_first, p_start_month, p_fy_name)).label
    WHEN 'fy' THEN 'FY' || pl.fiscal_year_of(v_first, p_start_month, p_fy_name)
    WHEN 'month' THEN to_char(v_first, 'YYYY-MM')
    WHEN 'quarter' THEN to_char(v_first, 'YYYY-"Q"Q')
    ELSE to_char(v_first, 'YYYY') END, v_first, (v_first + v_step)::date, p_what IN ('fq', 'fy'))::pl.period;
END
$$;

CREATE FUNCTION pl.period_parse(p_text text, p_today date, p_start_month int, p_fy_name text) RETURNS pl.period
LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE AS $$
DECLARE
  m       text[];
  v_first date;
  v_last  date;
  v_fy    date;
BEGIN
  m := regexp_match(p_text, '^((?:19|20|21)\d\d)(?:-(?:(0[1-9]|1[0-2])|Q([1-4])))?$');
  IF m IS NOT NULL THEN
    v_first := make_date(m[1]::int, coalesce(m[2]::int, m[3]::int * 3 - 2, 1), 1);
    RETURN (p_text, v_first, (v_first + CASE WHEN m[2] IS NOT NULL THEN interval '1 month'
                                             WHEN m[3] IS NOT NULL THEN interval '3 months'
                                             ELSE interval '1 year' END)::date, false)::pl.period;
  END IF;
  m := regexp_match(p_text, '^FY((?:19|20|21)\d\d)$');
  IF m IS NOT NULL THEN
    v_fy := pl.fiscal_year_first(m[1]::int, p_start_month, p_fy_name);
    RETURN (p_text, v_fy, (v_fy + interval '1 year')::date, true)::pl.period;
  END IF;
  m := regexp_match(p_text, '^FQ([1-4])-((?:19|20|21)\d\d)$');
  IF m IS NOT NULL THEN
    RETURN pl.fiscal_quarter(m[2]::int, m[1]::int, p_start_month, p_fy_name);
  END IF;
  m := regexp_match(p_text, '^(\S{10})(?:\.\.(\S{10}))?$');
  IF m IS NOT NULL AND p_text LIKE '____-__-__%' THEN
    v_first := pl.day_or_null(m[1]);
    v_last := pl.day_or_null(coalesce(m[2], m[1]));
    RETURN CASE WHEN v_first <= v_last THEN (p_text, v_first, v_last + 1, false)::pl.period END;
  END IF;
  m := regexp_match(p_text, '^last_([1-9]\d{0,3})d$');
  IF m IS NOT NULL THEN
    RETURN (p_text, p_today + 1 - m[1]::int, p_today + 1, false)::pl.period;
  END IF;
  m := regexp_match(p_text, '^(this|last)_(month|quarter|year|fq|fy)$');
  RETURN CASE WHEN m IS NOT NULL THEN pl.period_relative(m[1], m[2], p_today, p_start_month, p_fy_name) END;
END
$$;
COMMENT ON FUNCTION pl.period_parse IS
  'period= as a range of local dates, end exclusive (METRICS.md R1); last_Nd are the N days up to and including today; null when it is not understood';

CREATE FUNCTION pl.period_before(p_first_on date, p_end_on date) RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
  SELECT CASE WHEN extract(day FROM p_first_on) = 1 AND extract(day FROM p_end_on) = 1
              THEN format('%s..%s', (p_first_on - age(p_end_on::timestamp, p_first_on::timestamp))::date, p_first_on - 1)
              ELSE format('%s..%s', p_first_on - (p_end_on - p_first_on), p_first_on - 1) END
$$;
COMMENT ON FUNCTION pl.period_before IS
  'the stretch of the same length just before, as a period: whole months (quarters, years) go by calendar, everything else by days';

CREATE FUNCTION pl.sub_periods(p_period pl.period, p_granularity text, p_zone text, p_start_month int, p_fy_name text)
RETURNS pl.sub_period[] LANGUAGE plpgsql STABLE PARALLEL SAFE AS $$
DECLARE
  v_subs  pl.sub_period[] := '{}';
  v_first date;
  v_next  date;
  v_label text;
  v_part  pl.period;
BEGIN
  v_first := p_period.first_on;
  WHILE v_first < p_period.end_on LOOP
    IF p_period.fiscal AND p_granularity = 'quarter' THEN
      v_part := pl.fiscal_quarter_of(v_first, p_start_month, p_fy_name);
    ELSIF p_period.fiscal AND p_granularity = 'year' THEN
      v_part := pl.period_relative('this', 'fy', v_first, p_start_month, p_fy_name);
    ELSE
      v_next := date_trunc(p_granularity, v_first::timestamp)::date;
      v_label := to_char(v_next, CASE p_granularity WHEN 'week' THEN 'IYYY-"W"IW' WHEN 'month' THEN 'YYYY-MM'
                                   WHEN 'quarter' THEN 'YYYY-"Q"Q' ELSE 'YYYY' END);
      v_part := (v_label, v_next, (v_next + CASE p_granularity WHEN 'quarter' THEN interval '3 months'
                                            ELSE ('1 ' || p_granularity)::interval END)::date, false);
    END IF;
    v_next := least(v_part.end_on, p_period.end_on);
    v_subs := v_subs || (v_part.label, pl.local_midnight(v_first, p_zone), pl.local_midnight(v_next, p_zone))::pl.sub_period;
    v_first := v_next;
  END LOOP;
  RETURN v_subs;
END
$$;
COMMENT ON FUNCTION pl.sub_periods IS
  'the period cut into weeks (ISO), months, quarters or years, the first and last clipped to it; fiscal ones when the period was named fiscally';
