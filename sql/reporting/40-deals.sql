-- Deals with their two verdicts, and what was sold in them.

CREATE OR REPLACE VIEW reporting.deals WITH (security_barrier) AS
SELECT d.org_id, d.deal_id::text AS deal_id, d.name, d.stage, d.outcome, CASE WHEN g.shows_reps THEN d.owner::text END AS owner_rep_id,
       d.account_id::text AS account_id, d.origin, d.lost_reason, d.amount, d.currency, d.money, d.probability, d.expected_close,
       d.created_at, d.closed_at,
       date_trunc('month', d.created_at AT TIME ZONE g.time_zone)::date AS created_month,
       date_trunc('month', d.closed_at AT TIME ZONE g.time_zone)::date AS closed_month,
       CASE WHEN g.shows_reps THEN d.created_rep::text END AS created_rep_id, d.created_team::text AS created_team_id,
       d.created_strategy::text AS created_strategy_id, d.created_segment, d.created_tier, d.created_class, d.created_reason,
       CASE WHEN g.shows_reps THEN d.closed_rep::text END AS closed_rep_id, d.closed_team::text AS closed_team_id,
       d.closed_account::text AS closed_account_id, d.closed_strategy::text AS closed_strategy_id, d.closed_segment, d.closed_tier,
       d.closed_class, d.closed_reason, coalesce(d.closed_backcast, d.created_backcast) AS is_backcast
  FROM reporting.organisations AS g
  JOIN public.deal_fact AS d ON d.org_id = g.org_id;
COMMENT ON VIEW reporting.deals IS 'Live deals (not deleted, merged or marked as tests), judged when created and when closed';
COMMENT ON COLUMN reporting.deals.org_id IS 'Organisation';
COMMENT ON COLUMN reporting.deals.deal_id IS 'Id of the deal in its source';
COMMENT ON COLUMN reporting.deals.name IS 'What it is called';
COMMENT ON COLUMN reporting.deals.stage IS 'Stage, as the source names it';
COMMENT ON COLUMN reporting.deals.outcome IS 'open, won or lost; null: the stage is not known yet';
COMMENT ON COLUMN reporting.deals.owner_rep_id IS 'Owner of now; null where rep_metrics=off';
COMMENT ON COLUMN reporting.deals.account_id IS 'Account of now';
COMMENT ON COLUMN reporting.deals.origin IS 'How it came about: inbound, outbound, …';
COMMENT ON COLUMN reporting.deals.lost_reason IS 'Why it was lost, as the source words it';
COMMENT ON COLUMN reporting.deals.amount IS 'Amount in its own currency';
COMMENT ON COLUMN reporting.deals.currency IS 'Currency of amount';
COMMENT ON COLUMN reporting.deals.money IS 'Closed deals: amount in the reporting currency at the rate of the day it closed, not rounded; null: open, no amount, or no rate';
COMMENT ON COLUMN reporting.deals.probability IS '0 to 1: its own, else its stage''s';
COMMENT ON COLUMN reporting.deals.expected_close IS 'Day it is expected to close';
COMMENT ON COLUMN reporting.deals.created_at IS 'When it was created';
COMMENT ON COLUMN reporting.deals.closed_at IS 'When it was won or lost, as answers date it; null while open';
COMMENT ON COLUMN reporting.deals.created_month IS 'First day of the local month of created_at';
COMMENT ON COLUMN reporting.deals.closed_month IS 'First day of the local month of closed_at';
COMMENT ON COLUMN reporting.deals.created_rep_id IS 'Who is credited with its creation; null where rep_metrics=off';
COMMENT ON COLUMN reporting.deals.created_team_id IS 'Team of that rep then';
COMMENT ON COLUMN reporting.deals.created_strategy_id IS 'Strategy in force then';
COMMENT ON COLUMN reporting.deals.created_segment IS 'Segment of the account then';
COMMENT ON COLUMN reporting.deals.created_tier IS 'Tier of the account then';
COMMENT ON COLUMN reporting.deals.created_class IS 'on, off or unknown, at creation';
COMMENT ON COLUMN reporting.deals.created_reason IS 'Why unknown or excluded, or override';
COMMENT ON COLUMN reporting.deals.closed_rep_id IS 'Who is credited with its closing; null where rep_metrics=off';
COMMENT ON COLUMN reporting.deals.closed_team_id IS 'Team of that rep then';
COMMENT ON COLUMN reporting.deals.closed_account_id IS 'Account then';
COMMENT ON COLUMN reporting.deals.closed_strategy_id IS 'Strategy in force then';
COMMENT ON COLUMN reporting.deals.closed_segment IS 'Segment of the account then';
COMMENT ON COLUMN reporting.deals.closed_tier IS 'Tier of the account then';
COMMENT ON COLUMN reporting.deals.closed_class IS 'on, off or unknown, at closing';
COMMENT ON COLUMN reporting.deals.closed_reason IS 'Why unknown or excluded, or override';
COMMENT ON COLUMN reporting.deals.is_backcast IS 'The last verdict rests on a value that was first known later';

CREATE OR REPLACE VIEW reporting.deal_products WITH (security_barrier) AS
SELECT d.org_id, d.deal_id::text AS deal_id, p.family, p.weight, d.money * p.weight AS money, d.outcome,
       date_trunc('month', d.closed_at AT TIME ZONE g.time_zone)::date AS closed_month, d.closed_team::text AS closed_team_id, d.closed_class
  FROM reporting.organisations AS g
  JOIN public.deal_fact AS d ON d.org_id = g.org_id
 CROSS JOIN LATERAL unnest(CASE WHEN d.families = '{}' THEN '{unspecified}' ELSE d.families END,
                           CASE WHEN d.families = '{}' THEN '{1}' ELSE d.weights END) AS p(family, weight);
COMMENT ON VIEW reporting.deal_products IS 'Product families of live deals: a row a deal and family';
COMMENT ON COLUMN reporting.deal_products.org_id IS 'Organisation';
COMMENT ON COLUMN reporting.deal_products.deal_id IS 'Deal';
COMMENT ON COLUMN reporting.deal_products.family IS 'Product family; unspecified: the deal has no lines';
COMMENT ON COLUMN reporting.deal_products.weight IS 'Its part of the deal, 0 to 1';
COMMENT ON COLUMN reporting.deal_products.money IS 'Its part of the deal''s money';
COMMENT ON COLUMN reporting.deal_products.outcome IS 'of the deal: open, won or lost';
COMMENT ON COLUMN reporting.deal_products.closed_month IS 'First day of the local month the deal closed in';
COMMENT ON COLUMN reporting.deal_products.closed_team_id IS 'Team credited with its closing';
COMMENT ON COLUMN reporting.deal_products.closed_class IS 'on, off or unknown, at closing';
