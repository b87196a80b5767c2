-- Where selling time went.

CREATE OR REPLACE VIEW reporting.activities WITH (security_barrier) AS
SELECT a.org_id, a.activity_id::text AS activity_id, CASE WHEN g.shows_reps THEN nullif(a.rep_id, '')::text END AS rep_id,
       nullif(a.account_id, '')::text AS account_id, a.deal_id::text AS deal_id, a.kind, a.outcome, a.starts_at,
       date_trunc('month', a.starts_at AT TIME ZONE g.time_zone)::date AS month, a.hours, a.estimated AS is_estimated, a.counted AS is_counted,
       a.messages, a.team::text AS team_id, a.strategy::text AS strategy_id, a.segment, a.tier, a.class, a.reason
  FROM reporting.organisations AS g
  JOIN public.activity_fact AS a ON a.org_id = g.org_id;
COMMENT ON VIEW reporting.activities IS 'Activities, judged: a row an activity, rep and account it was spent on';
COMMENT ON COLUMN reporting.activities.org_id IS 'Organisation';
COMMENT ON COLUMN reporting.activities.activity_id IS 'Id of the activity in its source';
COMMENT ON COLUMN reporting.activities.rep_id IS 'Whose time it was; null: nobody named, or rep_metrics=off';
COMMENT ON COLUMN reporting.activities.account_id IS 'Account it was spent on; null: none';
COMMENT ON COLUMN reporting.activities.deal_id IS 'Deal it was spent on; null: none';
COMMENT ON COLUMN reporting.activities.kind IS 'meeting, call, email, …';
COMMENT ON COLUMN reporting.activities.outcome IS 'As the source words it: held, …';
COMMENT ON COLUMN reporting.activities.starts_at IS 'When it began';
COMMENT ON COLUMN reporting.activities.month IS 'First day of its local month';
COMMENT ON COLUMN reporting.activities.hours IS 'Hours of this rep for this account';
COMMENT ON COLUMN reporting.activities.is_estimated IS 'True: the strategy''s minutes of its kind, as no duration was given';
COMMENT ON COLUMN reporting.activities.is_counted IS 'True: it counts as selling time';
COMMENT ON COLUMN reporting.activities.messages IS 'Value messages told in it';
COMMENT ON COLUMN reporting.activities.team_id IS 'Team of the rep then';
COMMENT ON COLUMN reporting.activities.strategy_id IS 'Strategy in force then';
COMMENT ON COLUMN reporting.activities.segment IS 'Segment of the account then';
COMMENT ON COLUMN reporting.activities.tier IS 'Tier of the account then';
COMMENT ON COLUMN reporting.activities.class IS 'on, off or unknown';
COMMENT ON COLUMN reporting.activities.reason IS 'Why unknown or excluded, or override';
