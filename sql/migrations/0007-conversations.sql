-- What was said in a conversation, typed beside the time it took: talk, questions, people, and whether its value messages were looked for.

ALTER TABLE activity_fact_of RENAME COLUMN epoch TO epoch_before;
ALTER TABLE activity_fact_of
  ADD COLUMN talk_s numeric,
  ADD COLUMN customer_talk_s numeric,
  ADD COLUMN questions numeric,
  ADD COLUMN participants_external numeric,
  ADD COLUMN tagged boolean NOT NULL DEFAULT false,
  -- stays the last column: what is derived has the columns of the view, and is written with the epoch behind it
  ADD COLUMN epoch int;
ALTER TABLE activity_fact_of ALTER COLUMN tagged DROP DEFAULT;
COMMENT ON COLUMN activity_fact_of.talk_s IS 'seconds the rep talked, customer_talk_s the customer; of the whole activity, not divided among accounts';
COMMENT ON COLUMN activity_fact_of.tagged IS 'value messages were looked for: some are named, or tagging_status is done';

-- Work without the customer counts only where the strategy names it.
UPDATE activity_fact_of AS f
   SET epoch = f.epoch_before, tagged = f.messages <> '{}',
       counted = f.counted AND (f.kind NOT IN ('internal', 'internal_meeting', 'internal_prep', 'prep', 'preparation', 'research', 'admin', 'travel')
                                OR EXISTS (SELECT 1 FROM strategy AS s
                                            WHERE s.org_id = f.org_id AND s.strategy_id = f.strategy
                                              AND s.body -> 'conduct' -> 'selling_time_kinds' ? f.kind));
UPDATE activity_fact_of AS f
   SET talk_s = (o.doc ->> 'talk_s')::numeric, customer_talk_s = (o.doc ->> 'customer_talk_s')::numeric,
       questions = (o.doc ->> 'questions')::numeric, participants_external = (o.doc ->> 'participants_external')::numeric
  FROM object AS o
 WHERE o.org_id = f.org_id AND o.kind = 'activity' AND o.object_id = f.activity_id
   AND o.doc ?| ARRAY['talk_s', 'customer_talk_s', 'questions', 'participants_external'];

CREATE OR REPLACE VIEW activity_fact AS
SELECT a.org_id, a.activity_id, a.rep_id, a.account_id, a.deal_id, a.kind, a.outcome, a.starts_at, a.hours, a.share, a.estimated, a.counted,
       a.messages, a.team, a.strategy, a.segment, a.tier, a.class, a.reason, a.backcast, a.talk_s, a.customer_talk_s, a.questions,
       a.participants_external, a.tagged
  FROM org_version AS v
  JOIN activity_fact_of AS a ON a.org_id = v.org_id AND a.epoch = v.epoch;

-- with the old column go its key and indexes
ALTER TABLE activity_fact_of DROP COLUMN epoch_before;
ALTER TABLE activity_fact_of ADD CONSTRAINT activity_fact_pkey PRIMARY KEY (org_id, activity_id, rep_id, account_id, epoch);
CREATE INDEX activity_fact_starts ON activity_fact_of (org_id, starts_at, epoch);
CREATE INDEX activity_fact_account ON activity_fact_of (org_id, account_id, epoch);
CREATE INDEX activity_fact_deal ON activity_fact_of (org_id, deal_id, epoch);
