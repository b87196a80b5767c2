-- Why a deal was lost, typed: rates leave out what never was a deal (METRICS M07, not_real_reasons).

ALTER TABLE deal_fact_of ADD COLUMN lost_reason text;
COMMENT ON COLUMN deal_fact_of.lost_reason IS 'of a lost deal, as its source words it; null otherwise';

CREATE OR REPLACE VIEW deal_fact AS
SELECT d.org_id, d.deal_id, d.name, d.stage, d.outcome, d.owner, d.account_id, d.amount, d.currency, d.probability, d.origin, d.created_at,
       d.closed_at, d.closed_transition_at, d.expected_close, d.money, d.families, d.weights, d.created_rep, d.created_team, d.created_strategy,
       d.created_segment, d.created_tier, d.created_class, d.created_reason, d.created_backcast, d.closed_rep, d.closed_team, d.closed_account,
       d.closed_strategy, d.closed_segment, d.closed_tier, d.closed_class, d.closed_reason, d.closed_backcast, d.created_account, d.lost_reason
  FROM org_version AS v
  JOIN deal_fact_of AS d ON d.org_id = v.org_id AND d.epoch = v.epoch;

UPDATE deal_fact_of AS d
   SET lost_reason = o.doc ->> 'lost_reason'
  FROM object AS o
 WHERE o.org_id = d.org_id AND o.kind = 'opportunity' AND o.object_id = d.deal_id AND d.outcome = 'lost' AND o.doc ? 'lost_reason';

-- Which events came late is asked by when they were received. The log only grows at its end, so a small index tells the pages.
CREATE INDEX event_received ON event USING brin (received_at);
