-- Judged facts by epoch. Readers see those of the organisation's current epoch, through views; what judges everything anew fills
-- the next epoch beside it, however long that takes, and then becomes current by one UPDATE of one row.

ALTER TABLE org_version ADD COLUMN epoch int NOT NULL DEFAULT 0;
ALTER TABLE org_version ADD COLUMN next_epoch int;
ALTER TABLE org_version ADD COLUMN next_strategy text COLLATE "C";
COMMENT ON COLUMN org_version.epoch IS 'the epoch whose facts are read';
COMMENT ON COLUMN org_version.next_epoch IS 'the epoch a job is filling, which every writer then keeps up to date too; null: none';
COMMENT ON COLUMN org_version.next_strategy IS 'the strategy that is in force in next_epoch, though not published yet';

-- epoch stands last in every key: a plan that looks it up only after the row (it restricts nothing while there is one epoch) still reads
-- the range it should, and the two versions of a row stand side by side.
ALTER TABLE deal_fact RENAME TO deal_fact_of;
ALTER TABLE deal_fact_of ADD COLUMN epoch int NOT NULL DEFAULT 0;
ALTER TABLE deal_fact_of ALTER COLUMN epoch DROP DEFAULT;
ALTER TABLE deal_fact_of DROP CONSTRAINT deal_fact_pkey;
ALTER TABLE deal_fact_of ADD CONSTRAINT deal_fact_pkey PRIMARY KEY (org_id, deal_id, epoch);
DROP INDEX deal_fact_closed, deal_fact_transition, deal_fact_created, deal_fact_account, deal_fact_created_account, deal_fact_closed_account;
CREATE INDEX deal_fact_closed ON deal_fact_of (org_id, closed_at, epoch) WHERE closed_at IS NOT NULL;
-- null while open: the deals open now, and those that were at an instant
CREATE INDEX deal_fact_transition ON deal_fact_of (org_id, closed_transition_at, epoch);
-- ties in time are decided by id without a sort (METRICS R19)
CREATE INDEX deal_fact_created ON deal_fact_of (org_id, created_at, deal_id, epoch);
CREATE INDEX deal_fact_account ON deal_fact_of (org_id, account_id, epoch);
-- Few deals ever change their account, so these stay tiny and plain writes do not touch them.
CREATE INDEX deal_fact_created_account ON deal_fact_of (org_id, created_account, epoch) WHERE created_account IS DISTINCT FROM account_id;
CREATE INDEX deal_fact_closed_account ON deal_fact_of (org_id, closed_account, epoch) WHERE closed_account IS DISTINCT FROM account_id;

ALTER TABLE activity_fact RENAME TO activity_fact_of;
ALTER TABLE activity_fact_of ADD COLUMN epoch int NOT NULL DEFAULT 0;
ALTER TABLE activity_fact_of ALTER COLUMN epoch DROP DEFAULT;
ALTER TABLE activity_fact_of DROP CONSTRAINT activity_fact_pkey;
ALTER TABLE activity_fact_of ADD CONSTRAINT activity_fact_pkey PRIMARY KEY (org_id, activity_id, rep_id, account_id, epoch);
DROP INDEX activity_fact_starts, activity_fact_account, activity_fact_deal;
CREATE INDEX activity_fact_starts ON activity_fact_of (org_id, starts_at, epoch);
CREATE INDEX activity_fact_account ON activity_fact_of (org_id, account_id, epoch);
CREATE INDEX activity_fact_deal ON activity_fact_of (org_id, deal_id, epoch);

-- epoch stays the last column of the tables: what is derived has the columns of the view, and is written with the epoch behind it.
CREATE VIEW deal_fact AS
SELECT d.org_id, d.deal_id, d.name, d.stage, d.outcome, d.owner, d.account_id, d.amount, d.currency, d.probability, d.origin, d.created_at,
       d.closed_at, d.closed_transition_at, d.expected_close, d.money, d.families, d.weights, d.created_rep, d.created_team, d.created_strategy,
       d.created_segment, d.created_tier, d.created_class, d.created_reason, d.created_backcast, d.closed_rep, d.closed_team, d.closed_account,
       d.closed_strategy, d.closed_segment, d.closed_tier, d.closed_class, d.closed_reason, d.closed_backcast, d.created_account
  FROM org_version AS v
  JOIN deal_fact_of AS d ON d.org_id = v.org_id AND d.epoch = v.epoch;
COMMENT ON VIEW deal_fact IS 'One row a live deal (not deleted, merged, or marked is_test), typed and judged as known now: of the current epoch';

CREATE VIEW activity_fact AS
SELECT a.org_id, a.activity_id, a.rep_id, a.account_id, a.deal_id, a.kind, a.outcome, a.starts_at, a.hours, a.share, a.estimated, a.counted,
       a.messages, a.team, a.strategy, a.segment, a.tier, a.class, a.reason, a.backcast
  FROM org_version AS v
  JOIN activity_fact_of AS a ON a.org_id = v.org_id AND a.epoch = v.epoch;
COMMENT ON VIEW activity_fact IS 'One row an activity, rep and account it was spent on, judged: of the current epoch';

ALTER TABLE strategy DROP CONSTRAINT strategy_status_check;
ALTER TABLE strategy ADD CONSTRAINT strategy_status_check CHECK (status IN ('draft', 'publishing', 'published'));
COMMENT ON COLUMN strategy.status IS 'publishing: cannot be changed any more, and a job is judging by it; in force for readers only when published';

-- ── jobs ─────────────────────────────────────────────────────────────────────────────────────────
CREATE TABLE job (
  org_id       int NOT NULL,
  job_id       bigint NOT NULL,
  kind         text NOT NULL,
  object       text NOT NULL,
  status       text NOT NULL CHECK (status IN ('queued', 'running', 'done', 'failed')),
  phase        text NOT NULL,
  params       jsonb,
  position     text COLLATE "C",
  chunk        int NOT NULL,
  done         bigint NOT NULL DEFAULT 0,
  total        bigint NOT NULL DEFAULT 0,
  failures     int NOT NULL DEFAULT 0,
  error        text,
  result       jsonb,
  actor        text NOT NULL,
  created_at   timestamptz NOT NULL,
  started_at   timestamptz,
  finished_at  timestamptz,
  PRIMARY KEY (org_id, job_id)
) WITH (fillfactor = 50);
CREATE UNIQUE INDEX job_unfinished ON job (org_id) WHERE status IN ('queued', 'running');
COMMENT ON TABLE job IS 'Work too long for one request, done in steps of a transaction each by whichever instance comes first; one at a time an organisation';
COMMENT ON COLUMN job.position IS 'the last id of the phase that is done: where the next step goes on, after whatever crash';
COMMENT ON COLUMN job.chunk IS 'rows of the next step; follows how long the last one took';
COMMENT ON COLUMN job.failures IS 'steps that failed one after another at the same place';
