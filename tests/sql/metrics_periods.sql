-- Periods (METRICS.md R1): what is understood, where it begins and ends, and in whose midnights.
BEGIN;
SELECT plan(58);

CREATE FUNCTION pg_temp.period(p_text text, p_start int DEFAULT 1, p_name text DEFAULT 'end', p_today date DEFAULT '2026-11-23') RETURNS text
LANGUAGE sql AS $$
  SELECT format('%s %s %s', p.label, p.first_on, p.end_on) FROM pl.period_parse(p_text, p_today, p_start, p_name) p WHERE p.label IS NOT NULL
$$;

SELECT is(pg_temp.period(t), t || ' ' || first_on || ' ' || end_on, t)
FROM (VALUES ('2026', '2026-01-01', '2027-01-01'), ('2026-03', '2026-03-01', '2026-04-01'), ('2026-12', '2026-12-01', '2027-01-01'),
             ('2024-02', '2024-02-01', '2024-03-01'), ('2026-Q1', '2026-01-01', '2026-04-01'), ('2026-Q4', '2026-10-01', '2027-01-01'),
             ('FY2026', '2026-01-01', '2027-01-01'), ('FQ2-2026', '2026-04-01', '2026-07-01'),
             ('2026-01-01..2026-03-31', '2026-01-01', '2026-04-01'), ('2026-03-05', '2026-03-05', '2026-03-06'),
             ('2026-03-05..2026-03-05', '2026-03-05', '2026-03-06'), ('2024-02-29', '2024-02-29', '2024-03-01'),
             ('last_90d', '2026-08-26', '2026-11-24'), ('last_1d', '2026-11-23', '2026-11-24')) AS v(t, first_on, end_on);

-- relative ones are named by what they are
SELECT is(pg_temp.period(t), shown, t)
FROM (VALUES ('this_month', '2026-11 2026-11-01 2026-12-01'), ('last_month', '2026-10 2026-10-01 2026-11-01'),
             ('this_quarter', '2026-Q4 2026-10-01 2027-01-01'), ('last_quarter', '2026-Q3 2026-07-01 2026-10-01'),
             ('this_year', '2026 2026-01-01 2027-01-01'), ('last_year', '2025 2025-01-01 2026-01-01'),
             ('this_fq', 'FQ4-2026 2026-10-01 2027-01-01'), ('last_fy', 'FY2025 2025-01-01 2026-01-01')) AS v(t, shown);

-- fiscal years that begin in April, named by their end or their start
SELECT is(pg_temp.period('FY2026', 4), 'FY2026 2025-04-01 2026-04-01', 'FY2026 ends in 2026');
SELECT is(pg_temp.period('FY2026', 4, 'start'), 'FY2026 2026-04-01 2027-04-01', 'FY2026 begins in 2026');
SELECT is(pg_temp.period('FQ1-2026', 4), 'FQ1-2026 2025-04-01 2025-07-01', 'its first quarter');
SELECT is(pg_temp.period('FQ4-2026', 4), 'FQ4-2026 2026-01-01 2026-04-01', 'its last');
SELECT is(pg_temp.period('FQ4-2026', 2, 'start'), 'FQ4-2026 2026-11-01 2027-02-01', 'quarters that are not calendar quarters');
SELECT is(pg_temp.period('this_fq', 4), 'FQ3-2027 2026-10-01 2027-01-01', 'this quarter of it');
SELECT is(pg_temp.period('this_fy', 4), 'FY2027 2026-04-01 2027-04-01', 'this year of it');
SELECT is(pg_temp.period('last_fq', 4, 'start', '2026-04-01'), 'FQ4-2025 2026-01-01 2026-04-01', 'the quarter before the first day of a year');

-- not understood
SELECT is(pg_temp.period(t), NULL, 'not a period: ' || t)
FROM unnest('{2017-Q5,2026-13,2026-00,2026-02-30,2025-02-29,2026-03-31..2026-03-01,2026-1,26,last_0d,last_90,banana,FQ5-2026,FQ2,..,2026-01-01..,0000}'::text[]) t;

-- sub-periods are clipped to the period and take local midnights, of summer and winter
SELECT is((SELECT string_agg(s.label || ' ' || pl.iso(s.start_at) || ' ' || pl.iso(s.end_at), ', ')
           FROM unnest(pl.sub_periods(pl.period_parse('2026-03-15..2026-04-30', '2026-11-23', 1, 'end'), 'month', 'Europe/Paris', 1, 'end')) s),
          '2026-03 2026-03-14T23:00:00Z 2026-03-31T22:00:00Z, 2026-04 2026-03-31T22:00:00Z 2026-04-30T22:00:00Z', 'months over the change of clocks');
SELECT is((SELECT array_agg(s.label) FROM unnest(pl.sub_periods(pl.period_parse('FY2026', '2026-11-23', 4, 'end'), 'quarter', 'UTC', 4, 'end')) s),
          '{FQ1-2026,FQ2-2026,FQ3-2026,FQ4-2026}', 'a fiscal year is cut into fiscal quarters');
SELECT is((SELECT array_agg(s.label) FROM unnest(pl.sub_periods(pl.period_parse('2026', '2026-11-23', 4, 'end'), 'quarter', 'UTC', 4, 'end')) s),
          '{2026-Q1,2026-Q2,2026-Q3,2026-Q4}', 'a calendar year into calendar quarters');
SELECT is((SELECT array_agg(s.label) FROM unnest(pl.sub_periods(pl.period_parse('2026-01', '2026-11-23', 1, 'end'), 'week', 'UTC', 1, 'end')) s),
          '{2026-W01,2026-W02,2026-W03,2026-W04,2026-W05}', 'weeks are those of ISO 8601');
SELECT ok((SELECT bool_and(a.end_at = b.start_at)
           FROM unnest(pl.sub_periods(pl.period_parse('2026', '2026-11-23', 1, 'end'), 'week', 'America/Sao_Paulo', 1, 'end')) WITH ORDINALITY a
           JOIN unnest(pl.sub_periods(pl.period_parse('2026', '2026-11-23', 1, 'end'), 'week', 'America/Sao_Paulo', 1, 'end')) WITH ORDINALITY b
             ON b.ordinality = a.ordinality + 1), 'sub-periods leave no gap');

-- asked: the whole chain, in the organisation's zone
UPDATE org SET time_zone = 'America/New_York' WHERE org_id = 1;
SELECT is((SELECT format('%s %s', pl.iso(q.start_at), pl.iso(q.end_at)) FROM pl.resolve_query(1, '{"query": {"period": "2026-03"}}', '{}', '{}') q),
          '2026-03-01T05:00:00Z 2026-04-01T04:00:00Z', 'a period is local midnights');

-- compare_to=previous
SELECT is(pl.period_before('2017-04-01', '2017-07-01'), '2017-01-01..2017-03-31', 'before a quarter: the quarter before, however many days it has');
SELECT is(pl.period_before('2024-03-01', '2024-04-01'), '2024-02-01..2024-02-29', 'before a March: the February, leap day and all');
SELECT is(pl.period_before('2025-04-01', '2026-04-01'), '2024-04-01..2025-03-31', 'before a fiscal year: the fiscal year before');
SELECT is(pl.period_before('2026-01-01', '2026-02-01'), '2025-12-01..2025-12-31', 'before a January: the December');
SELECT is(pl.period_before('2026-03-15', '2026-04-01'), '2026-02-26..2026-03-14', 'before some days: as many days');
SELECT is(pl.period_before('2026-01-01', '2026-01-08'), '2025-12-25..2025-12-31', 'a first of the month alone makes no month');

SELECT * FROM finish();
ROLLBACK;
