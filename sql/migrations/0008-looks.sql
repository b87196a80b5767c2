-- What a deal's two verdicts rest on besides the strategy, kept with them: so they can be made anew without the deal's history.

ALTER TABLE deal_fact_of ADD COLUMN created_look timestamptz;
ALTER TABLE deal_fact_of ADD COLUMN closed_look timestamptz;
ALTER TABLE deal_fact_of ADD COLUMN created_assumed boolean;
ALTER TABLE deal_fact_of ADD COLUMN closed_assumed boolean;
COMMENT ON COLUMN deal_fact_of.created_look IS 'when owner, account and attributes count as known for the decision at created_at; closed_look: at closed_at';
COMMENT ON COLUMN deal_fact_of.created_assumed IS 'owner or account at created_at were first known later (METRICS R22); closed_assumed: at closed_at';
-- Of the rows there are: what holds for nearly all of them; a rebuild says it exactly.
UPDATE deal_fact_of SET created_look = created_at, closed_look = closed_at, created_assumed = false, closed_assumed = false;

CREATE OR REPLACE VIEW deal_fact AS
SELECT d.org_id, d.deal_id, d.name, d.stage, d.outcome, d.owner, d.account_id, d.amount, d.currency, d.probability, d.origin, d.created_at,
       d.closed_at, d.closed_transition_at, d.expected_close, d.money, d.families, d.weights, d.created_rep, d.created_team, d.created_strategy,
       d.created_segment, d.created_tier, d.created_class, d.created_reason, d.created_backcast, d.closed_rep, d.closed_team, d.closed_account,
       d.closed_strategy, d.closed_segment, d.closed_tier, d.closed_class, d.closed_reason, d.closed_backcast, d.created_account, d.lost_reason,
       d.created_look, d.closed_look, d.created_assumed, d.closed_assumed
  FROM org_version AS v
  JOIN deal_fact_of AS d ON d.org_id = v.org_id AND d.epoch = v.epoch;
