-- Deals and hours on and off strategy, added up by month, team, rep and segment: what shares are made of.

CREATE OR REPLACE VIEW reporting.alignment_months WITH (security_barrier) AS
WITH part AS (
  SELECT d.org_id, d.closed_month AS month, d.closed_team_id AS team_id, d.closed_rep_id AS rep_id, d.closed_segment AS segment,
         d.closed_class AS class, d.outcome AS what, 1::numeric AS n, d.money, 0::numeric AS hours,
         d.outcome = 'won' AND d.money IS NULL AS is_unpriced
    FROM reporting.deals AS d WHERE d.outcome IN ('won', 'lost') AND d.closed_month IS NOT NULL
  UNION ALL
  SELECT d.org_id, d.created_month, d.created_team_id, d.created_rep_id, d.created_segment, d.created_class, 'created', 1, NULL, 0, false
    FROM reporting.deals AS d
  UNION ALL
  SELECT a.org_id, a.month, a.team_id, a.rep_id, a.segment, CASE WHEN a.account_id IS NULL THEN 'unattributed' ELSE a.class END, 'hours', 0, NULL, a.hours, false
    FROM reporting.activities AS a WHERE a.is_counted
)
SELECT p.org_id, p.month,
       (extract(year FROM p.month)::int - (extract(month FROM p.month) < o.fiscal_year_start)::int
        + (o.fiscal_year_start > 1 AND o.fy_name = 'end')::int) AS fiscal_year,
       ((extract(month FROM p.month)::int - o.fiscal_year_start + 12) % 12) / 3 + 1 AS fiscal_quarter,
       p.team_id, p.rep_id, p.segment,
       count(*) FILTER (WHERE p.what = 'won' AND p.class = 'on') AS won_deals_on,
       count(*) FILTER (WHERE p.what = 'won' AND p.class = 'off') AS won_deals_off,
       count(*) FILTER (WHERE p.what = 'won' AND p.class = 'unknown') AS won_deals_unknown,
       coalesce(sum(p.money) FILTER (WHERE p.what = 'won' AND p.class = 'on'), 0) AS won_money_on,
       coalesce(sum(p.money) FILTER (WHERE p.what = 'won' AND p.class = 'off'), 0) AS won_money_off,
       coalesce(sum(p.money) FILTER (WHERE p.what = 'won' AND p.class = 'unknown'), 0) AS won_money_unknown,
       count(*) FILTER (WHERE p.is_unpriced) AS won_deals_unpriced,
       count(*) FILTER (WHERE p.what = 'lost' AND p.class = 'on') AS lost_deals_on,
       count(*) FILTER (WHERE p.what = 'lost' AND p.class = 'off') AS lost_deals_off,
       count(*) FILTER (WHERE p.what = 'lost' AND p.class = 'unknown') AS lost_deals_unknown,
       count(*) FILTER (WHERE p.what = 'created' AND p.class = 'on') AS created_deals_on,
       count(*) FILTER (WHERE p.what = 'created' AND p.class = 'off') AS created_deals_off,
       count(*) FILTER (WHERE p.what = 'created' AND p.class = 'unknown') AS created_deals_unknown,
       coalesce(sum(p.hours) FILTER (WHERE p.class = 'on'), 0) AS hours_on,
       coalesce(sum(p.hours) FILTER (WHERE p.class = 'off'), 0) AS hours_off,
       coalesce(sum(p.hours) FILTER (WHERE p.class = 'unknown'), 0) AS hours_unknown,
       coalesce(sum(p.hours) FILTER (WHERE p.class = 'unattributed'), 0) AS hours_unattributed
  FROM part AS p
  JOIN public.org AS o ON o.org_id = p.org_id
 GROUP BY p.org_id, p.month, 3, 4, p.team_id, p.rep_id, p.segment;
COMMENT ON VIEW reporting.alignment_months IS 'Sums a month, team, rep and segment; where rep_metrics=off a month, team and segment. Add up first, divide then';
COMMENT ON COLUMN reporting.alignment_months.org_id IS 'Organisation';
COMMENT ON COLUMN reporting.alignment_months.month IS 'First day of the local month: of closing for won and lost, of creation for created, of the activity for hours';
COMMENT ON COLUMN reporting.alignment_months.fiscal_year IS 'Fiscal year the month is in, as FY2026 of the API';
COMMENT ON COLUMN reporting.alignment_months.fiscal_quarter IS 'Fiscal quarter, 1 to 4';
COMMENT ON COLUMN reporting.alignment_months.team_id IS 'Team credited; null: none';
COMMENT ON COLUMN reporting.alignment_months.rep_id IS 'Rep credited; null: none, or rep_metrics=off';
COMMENT ON COLUMN reporting.alignment_months.segment IS 'Segment of the account then; other, or unknown';
COMMENT ON COLUMN reporting.alignment_months.won_deals_on IS 'Deals won on strategy';
COMMENT ON COLUMN reporting.alignment_months.won_deals_off IS 'Deals won off strategy';
COMMENT ON COLUMN reporting.alignment_months.won_deals_unknown IS 'Deals won of which it is not known';
COMMENT ON COLUMN reporting.alignment_months.won_money_on IS 'Their money in the reporting currency: on strategy';
COMMENT ON COLUMN reporting.alignment_months.won_money_off IS 'off strategy';
COMMENT ON COLUMN reporting.alignment_months.won_money_unknown IS 'unknown';
COMMENT ON COLUMN reporting.alignment_months.won_deals_unpriced IS 'Deals won whose money is not known (no amount, no rate)';
COMMENT ON COLUMN reporting.alignment_months.lost_deals_on IS 'Deals lost on strategy; duplicates and tests among them, which rates leave out';
COMMENT ON COLUMN reporting.alignment_months.lost_deals_off IS 'off strategy';
COMMENT ON COLUMN reporting.alignment_months.lost_deals_unknown IS 'unknown';
COMMENT ON COLUMN reporting.alignment_months.created_deals_on IS 'Deals created on strategy';
COMMENT ON COLUMN reporting.alignment_months.created_deals_off IS 'off strategy';
COMMENT ON COLUMN reporting.alignment_months.created_deals_unknown IS 'unknown';
COMMENT ON COLUMN reporting.alignment_months.hours_on IS 'Selling time in hours: on strategy';
COMMENT ON COLUMN reporting.alignment_months.hours_off IS 'off strategy';
COMMENT ON COLUMN reporting.alignment_months.hours_unknown IS 'unknown';
COMMENT ON COLUMN reporting.alignment_months.hours_unattributed IS 'linked to no account';
