-- Local days and money: midnights around daylight saving, source dates, exchange rates (T9), the reporting currency (R19).
BEGIN;
SELECT plan(37);

-- ── midnights ────────────────────────────────────────────────────────────────────────────────────
SELECT is(pl.local_midnight('2026-07-01', 'Europe/Paris'), '2026-06-30T22:00:00Z'::timestamptz, 'summer');
SELECT is(pl.local_midnight('2026-01-01', 'Europe/Paris'), '2025-12-31T23:00:00Z'::timestamptz, 'winter');
SELECT is(pl.local_midnight('2026-03-30', 'Europe/Paris') - pl.local_midnight('2026-03-29', 'Europe/Paris'), interval '23 hours', 'the day clocks go forward has 23 hours');
SELECT is(pl.local_midnight('2026-10-26', 'Europe/Paris') - pl.local_midnight('2026-10-25', 'Europe/Paris'), interval '25 hours', 'the day they go back has 25');
SELECT is(pl.local_midnight('2018-11-04', 'America/Sao_Paulo'), '2018-11-04T03:00:00Z'::timestamptz, 'midnight that is skipped: the first instant of the day');
SELECT is(pl.local_midnight('2026-11-01', 'America/Havana'), '2026-11-01T04:00:00Z'::timestamptz, 'midnight that comes twice: the first one');
SELECT is(pl.local_date('2026-11-01T04:30:00Z', 'America/Havana'), '2026-11-01'::date, '… from which on it is that day');
SELECT is(pl.local_date('2026-11-01T03:59:59Z', 'America/Havana'), '2026-10-31'::date, '… and not before');
SELECT is(pl.source_instant('2026-02-01', 'Asia/Tokyo'), '2026-01-31T15:00:00Z'::timestamptz, 'a source date is its local midnight');
SELECT is(pl.source_instant('2026-02-01T00:30:00+01:00', 'Asia/Tokyo'), '2026-01-31T23:30:00Z'::timestamptz, 'a source time is what it is');
SELECT is(pl.source_instant(NULL, 'UTC'), NULL, 'nothing stays nothing');
SELECT is(pl.source_date('2026-01-31T23:30:00Z', 'Europe/Paris'), '2026-02-01'::date, 'a time as a local date');

-- ── rates ────────────────────────────────────────────────────────────────────────────────────────
CREATE FUNCTION pg_temp.put(p_kind text, p_id text, p_at text, p_patch jsonb, p_operation text DEFAULT 'patch', p_received timestamptz DEFAULT NULL) RETURNS void
LANGUAGE plpgsql AS $$
DECLARE v_outcome text;
BEGIN
  SELECT outcome || coalesce(': ' || message, '') INTO v_outcome
    FROM pl.ingest(1, 'test', ARRAY[p_kind], ARRAY[p_id], ARRAY[p_operation], ARRAY['f'], ARRAY['f'], ARRAY[p_at], ARRAY[NULL::text], ARRAY[p_patch::text], p_received);
  IF v_outcome LIKE 'rejected%' THEN RAISE EXCEPTION '%', v_outcome; END IF;
END $$;
CREATE FUNCTION pg_temp.money(p_id text) RETURNS numeric LANGUAGE sql AS $$ SELECT money FROM deal_fact WHERE org_id = 1 AND deal_id = p_id $$;

SELECT pg_temp.put('fx-rate', 'EUR-USD-2026-01-01', '2026-01-01T00:00:00Z', '{"rate": "1.10"}');
SELECT pg_temp.put('fx-rate', 'EUR-USD-2026-02-01', '2026-02-01T00:00:00Z', '{"rate": "1.20"}');
SELECT is(pl.convert(1, 100, 'EUR', 'USD', '2026-01-31'), 110.00, 'the rate of the day or the nearest before it');
SELECT is(pl.convert(1, 100, 'EUR', 'USD', '2026-02-01'), 120.00, 'from its day on');
SELECT is(pl.convert(1, 100, 'EUR', 'USD', '2025-12-31'), NULL, 'never a later one');
SELECT is(pl.convert(1, 120, 'USD', 'EUR', '2026-03-01'), 100::numeric, 'the inverse, when only that is quoted');
SELECT is(pl.convert(1, 5, 'USD', 'USD', '2020-01-01'), 5::numeric, 'the same currency needs no rate');
SELECT is(pl.convert(1, 5, NULL, 'USD', '2020-01-01'), 5::numeric, 'an amount without currency is in the one asked for');
SELECT is(pl.convert(1, NULL, 'EUR', 'USD', '2026-03-01'), NULL, 'no amount');
SELECT is(pl.convert(1, 5, 'GBP', 'USD', '2026-03-01'), NULL, 'no rate: unpriced');

-- ── T9 ───────────────────────────────────────────────────────────────────────────────────────────
UPDATE org SET time_zone = 'Europe/Paris', reporting_currency = 'USD' WHERE org_id = 1;
SELECT pg_temp.put('stage', 'Won', '2025-01-01T00:00:00Z', '{"label": "Won", "outcome": "won"}');
SELECT pg_temp.put('opportunity', 't9a', '2026-01-31T22:30:00Z', '{"stage": "Won", "amount": "100", "currency": "EUR"}');
SELECT pg_temp.put('opportunity', 't9b', '2026-01-31T23:30:00Z', '{"stage": "Won", "amount": "100", "currency": "EUR"}');
SELECT pg_temp.put('opportunity', 't9c', '2026-01-31T23:30:00Z', '{"stage": "Won", "amount": "100", "currency": "GBP"}');
SELECT is(pg_temp.money('t9a'), 110.00, 'T9: won 31 January 23:30 in Paris');
SELECT is(pg_temp.money('t9b'), 120.00, 'T9: won 1 February in Paris, 31 January in UTC');
SELECT is((outcome, money)::text, '(won,)', 'T9: without a rate it counts, unpriced') FROM deal_fact WHERE org_id = 1 AND deal_id = 't9c';
SELECT pg_temp.put('fx-rate', 'GBP-USD-2026-01-15', '2026-03-01T00:00:00Z', '{"rate": 1.3}');
SELECT is(pg_temp.money('t9c'), 130.0, 'a rate that arrives later prices it');
SELECT is(pl.convert(1, 130, 'GBP', 'EUR', '2026-01-31'), 130 * 1.3 / 1.10, 'two rates over the reporting currency');
SELECT pg_temp.put('fx-rate', 'GBP-USD-2026-01-15', '2026-03-02T00:00:00Z', '{"rate": 1.4}');
SELECT is(pg_temp.money('t9c'), 140.0, 'a corrected rate reprices');
SELECT is((SELECT money FROM pl.deal_facts(1, '2026-03-01T12:00:00Z', NULL) WHERE deal_id = 't9c'), 130.0, 'but not what was known before the correction');
SELECT is((SELECT money FROM pl.deal_facts(1, '2026-02-20T12:00:00Z', NULL) WHERE deal_id = 't9c'), NULL, 'nor before there was a rate');
SELECT pg_temp.put('fx-rate', 'GBP-USD-2026-01-15', '2026-03-03T00:00:00Z', '{}', 'delete');
SELECT is(pg_temp.money('t9c'), NULL, 'a deleted rate is gone');
SELECT is(count(*), 0::bigint, '… from the table as well') FROM fx_rate WHERE org_id = 1 AND base = 'GBP';

-- ── the reporting currency (R19) ─────────────────────────────────────────────────────────────────
SELECT is(pl.reporting_currency(1), 'USD', 'a setting wins');
UPDATE org SET reporting_currency = NULL, time_zone = 'UTC' WHERE org_id = 1;
SELECT pl.reproject(1);
SELECT is(pl.reporting_currency(1), 'EUR', 'else the earliest priced deal''s');
SELECT is(pg_temp.money('t9a'), 100::numeric, '… and money follows');
SELECT pg_temp.put('opportunity', 'early', '2026-04-01T00:00:00Z', '{"stage": "Won", "amount": 7, "currency": "USD", "created_at": "2025-06-01", "closed_at": "2026-03-31"}');
SELECT is(pl.reporting_currency(1), 'USD', 'a deal created earlier that arrives later takes over');
SELECT is(pg_temp.money('t9a'), 110.00, '… and everything is repriced');
SELECT pg_temp.put('opportunity', 'early', '2026-04-02T00:00:00Z', '{}', 'delete');
SELECT is(pl.reporting_currency(1), 'EUR', 'deleted, it counts no more');
SELECT is(pl.reporting_currency(1, '2026-04-01T12:00:00Z', NULL), 'USD', '… but did before');

SELECT * FROM finish();
ROLLBACK;
