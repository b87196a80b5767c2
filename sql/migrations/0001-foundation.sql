-- The foundation: organisations, the event log, the projections that follow from it, strategies, keys.
--
-- Rules kept by every table here (they let one schema run on a single PostgreSQL and, sharded by org_id, on a cluster):
-- primary and unique keys start with org_id, nothing crosses organisations, no triggers, no foreign keys.
-- Data lives in schema public and is only ever migrated forward; code lives in schema pl and is replaced whole.

CREATE TYPE object_kind AS ENUM ('rep', 'team', 'account', 'product', 'stage', 'opportunity', 'activity', 'fx-rate');
CREATE TYPE event_operation AS ENUM ('patch', 'delete', 'restore', 'merge');

-- ── organisations ────────────────────────────────────────────────────────────────────────────────
CREATE TABLE org (
  org_id              int PRIMARY KEY,
  slug                text NOT NULL,
  name                text NOT NULL,
  reporting_currency  text CHECK (reporting_currency ~ '^[A-Z]{3}$'),
  time_zone           text NOT NULL DEFAULT 'UTC',
  fiscal_year_start   int  NOT NULL DEFAULT 1 CHECK (fiscal_year_start BETWEEN 1 AND 12),
  fy_name             text NOT NULL DEFAULT 'end' CHECK (fy_name IN ('start', 'end')),
  won_close_basis     text NOT NULL DEFAULT 'source_date' CHECK (won_close_basis IN ('source_date', 'transition')),
  rep_metrics         text NOT NULL DEFAULT 'on' CHECK (rep_metrics IN ('on', 'off')),
  backcast            text NOT NULL DEFAULT 'on' CHECK (backcast IN ('on', 'off')),
  min_n               int  NOT NULL DEFAULT 5 CHECK (min_n >= 1),
  unknown_limit       numeric NOT NULL DEFAULT 0.25 CHECK (unknown_limit BETWEEN 0 AND 1),
  retention_days      int CHECK (retention_days > 0),
  created_at          timestamptz NOT NULL
);
COMMENT ON COLUMN org.reporting_currency IS 'ISO 4217; null: the currency of the earliest priced deal (org_version.first_currency)';
COMMENT ON COLUMN org.unknown_limit IS 'share of the population money of class unknown above which an answer''s quality is "low"';

-- One row an organisation, locked by every writer of that organisation: it orders events and versions answers.
CREATE TABLE org_version (
  org_id          int PRIMARY KEY,
  data_version    bigint NOT NULL DEFAULT 0,
  config_version  bigint NOT NULL DEFAULT 0,
  first_currency  text
) WITH (fillfactor = 50);
COMMENT ON COLUMN org_version.data_version IS 'sequence of the newest accepted event';
COMMENT ON COLUMN org_version.config_version IS 'bumped by every change that is not an event but changes answers: settings, strategies, overrides';

-- ── truth ────────────────────────────────────────────────────────────────────────────────────────
CREATE TABLE event (
  org_id       int NOT NULL,
  source       text COLLATE "C" NOT NULL,
  event_id     text COLLATE "C" NOT NULL,
  seq          bigint NOT NULL,
  kind         object_kind NOT NULL,
  object_id    text COLLATE "C" NOT NULL,
  occurred_at  timestamptz NOT NULL,
  source_seq   bigint NOT NULL DEFAULT 0,
  received_at  timestamptz NOT NULL,
  operation    event_operation NOT NULL,
  is_full      boolean NOT NULL DEFAULT false,
  patch        jsonb NOT NULL,
  PRIMARY KEY (org_id, source, event_id)
);
CREATE INDEX event_object ON event (org_id, kind, object_id, occurred_at);
COMMENT ON TABLE event IS 'Append-only. Everything else is derived from it.';
COMMENT ON COLUMN event.occurred_at IS 'the source''s clock; events of an object fold in the order (occurred_at, source_seq, event_id)';
COMMENT ON COLUMN event.received_at IS 'our clock, one value a batch';
COMMENT ON COLUMN event.is_full IS 'a full record (PUT): attributes it does not name are cleared; it also revives a deleted object';
COMMENT ON COLUMN event.patch IS 'attributes set (null clears; "attributes" merges one level deep); merge: {"merged_into": id}';

-- Current state: the fold of an object's events.
CREATE TABLE object (
  org_id         int NOT NULL,
  kind           object_kind NOT NULL,
  object_id      text COLLATE "C" NOT NULL,
  doc            jsonb NOT NULL,
  track          jsonb NOT NULL DEFAULT '[]',
  first_at       timestamptz NOT NULL,
  last_at        timestamptz NOT NULL,
  last_seq       bigint NOT NULL,
  last_event     text COLLATE "C" NOT NULL,
  last_received  timestamptz NOT NULL,
  deleted_at     timestamptz,
  merged_into    text COLLATE "C",
  PRIMARY KEY (org_id, kind, object_id)
) WITH (fillfactor = 85);
COMMENT ON COLUMN object.track IS 'effective changes of the attributes whose past matters to judging (pl.tracked(kind)), oldest first: [{"at": time, "set": {attribute: value|null, …}}, …]';
COMMENT ON COLUMN object.last_at IS '(last_at, last_seq, last_event) is the order key of the newest event folded in; an event below it is stale';
COMMENT ON COLUMN object.last_received IS 'newest received_at among the object''s events: when it is ≤ K and last_at ≤ T, this row is the state at (T, K)';

-- Refused for the moment, kept for a person to look at.
CREATE TABLE quarantine (
  org_id         int NOT NULL,
  quarantine_id  bigint NOT NULL,
  source         text NOT NULL,
  received_at    timestamptz NOT NULL,
  reason         text NOT NULL,
  pointer        text,
  message        text NOT NULL,
  kind           object_kind,
  object_id      text,
  event_id       text,
  occurred_at    timestamptz,
  payload        text NOT NULL,
  status         text NOT NULL DEFAULT 'open' CHECK (status IN ('open', 'replayed', 'discarded')),
  PRIMARY KEY (org_id, quarantine_id)
);

-- ── projections that judging needs typed and indexed ─────────────────────────────────────────────
CREATE TABLE fx_rate (
  org_id   int NOT NULL,
  base     text NOT NULL,
  quote    text NOT NULL,
  on_date  date NOT NULL,
  rate     numeric NOT NULL CHECK (rate > 0),
  PRIMARY KEY (org_id, base, quote, on_date)
);
COMMENT ON TABLE fx_rate IS '1 unit of base = rate units of quote, from on_date until the next row of the pair';

CREATE TABLE rep_team (
  org_id      int NOT NULL,
  rep_id      text COLLATE "C" NOT NULL,
  valid_from  timestamptz NOT NULL,
  valid_to    timestamptz NOT NULL,
  team_id     text COLLATE "C",
  backcast    boolean NOT NULL,
  PRIMARY KEY (org_id, rep_id, valid_from)
);
COMMENT ON TABLE rep_team IS 'dated membership, half-open [valid_from, valid_to), without gaps from -infinity to infinity';

CREATE TABLE account_version (
  org_id      int NOT NULL,
  account_id  text COLLATE "C" NOT NULL,
  valid_from  timestamptz NOT NULL,
  valid_to    timestamptz NOT NULL,
  attrs       jsonb NOT NULL,
  backcast    text[] NOT NULL DEFAULT '{}',
  PRIMARY KEY (org_id, account_id, valid_from)
);
COMMENT ON TABLE account_version IS 'an account''s attributes over time, half-open, from -infinity to infinity (or to its deletion)';
COMMENT ON COLUMN account_version.attrs IS 'flat: attributes.* and the top-level ones (status, owner, is_target, parent, name) in one object; absent = unknown';
COMMENT ON COLUMN account_version.backcast IS 'attributes whose value here is their first later known one';

CREATE TABLE account_fit (
  org_id       int NOT NULL,
  strategy_id  text COLLATE "C" NOT NULL,
  account_id   text COLLATE "C" NOT NULL,
  valid_from   timestamptz NOT NULL,
  valid_to     timestamptz NOT NULL,
  segment      text NOT NULL,
  tier         text NOT NULL,
  class        text NOT NULL CHECK (class IN ('on', 'off', 'unknown')),
  reason       text,
  score        numeric,
  low          numeric,
  high         numeric,
  coverage     numeric,
  backcast     boolean NOT NULL,
  breakdown    jsonb NOT NULL,
  PRIMARY KEY (org_id, strategy_id, account_id, valid_from)
);
COMMENT ON TABLE account_fit IS 'each version of each account judged by each published strategy; the stored breakdown is what explain reads back';
COMMENT ON COLUMN account_fit.tier IS 'a tier key of the strategy, or excluded (disqualified; counts as off), or unknown';

-- One row a live deal (not deleted, merged, or marked is_test), typed and judged as known now.
CREATE TABLE deal_fact (
  org_id              int NOT NULL,
  deal_id             text COLLATE "C" NOT NULL,
  name                text,
  stage               text,
  outcome             text CHECK (outcome IN ('open', 'won', 'lost')),
  owner               text COLLATE "C",
  account_id          text COLLATE "C",
  amount              numeric,
  currency            text,
  probability         numeric,
  origin              text,
  created_at          timestamptz NOT NULL,
  closed_at           timestamptz,
  closed_transition_at timestamptz,
  expected_close      date,
  money               numeric,
  families            text[],
  weights             numeric[],
  created_rep         text COLLATE "C",
  created_team        text COLLATE "C",
  created_strategy    text COLLATE "C",
  created_segment     text,
  created_tier        text,
  created_class       text,
  created_reason      text,
  created_backcast    boolean,
  closed_rep          text COLLATE "C",
  closed_team         text COLLATE "C",
  closed_account      text COLLATE "C",
  closed_strategy     text COLLATE "C",
  closed_segment      text,
  closed_tier         text,
  closed_class        text,
  closed_reason       text,
  closed_backcast     boolean,
  PRIMARY KEY (org_id, deal_id)
) WITH (fillfactor = 85);
CREATE INDEX deal_fact_closed ON deal_fact (org_id, closed_at) WHERE closed_at IS NOT NULL;
-- null while open: the deals open now, and those that were at an instant
CREATE INDEX deal_fact_transition ON deal_fact (org_id, closed_transition_at);
CREATE INDEX deal_fact_created ON deal_fact (org_id, created_at);
CREATE INDEX deal_fact_account ON deal_fact (org_id, account_id);
COMMENT ON COLUMN deal_fact.outcome IS 'of the stage in force; null while the stage itself is not known';
COMMENT ON COLUMN deal_fact.probability IS '0..1: the deal''s own, else its stage''s, else null';
COMMENT ON COLUMN deal_fact.closed_at IS 'decision time of a closed deal: won by the source''s close date (won_close_basis), lost by the last transition; null while open';
COMMENT ON COLUMN deal_fact.money IS 'closed deals: amount in the reporting currency at the rate of closed_at''s local date; null: no amount or no rate (unpriced)';
COMMENT ON COLUMN deal_fact.families IS 'product families of the live lines with their part of the amount (weights, total 1); empty: no lines (unspecified)';
COMMENT ON COLUMN deal_fact.created_class IS 'judged with the strategy and the account''s attributes in force at created_at; closed_*: at closed_at. on | off | unknown';

-- One row an activity, rep and account it was spent on.
CREATE TABLE activity_fact (
  org_id       int NOT NULL,
  activity_id  text COLLATE "C" NOT NULL,
  rep_id       text COLLATE "C" NOT NULL,
  account_id   text COLLATE "C" NOT NULL,
  deal_id      text COLLATE "C",
  kind         text NOT NULL,
  outcome      text,
  starts_at    timestamptz NOT NULL,
  hours        numeric NOT NULL,
  share        numeric NOT NULL,
  estimated    boolean NOT NULL,
  counted      boolean NOT NULL,
  messages     text[] NOT NULL DEFAULT '{}',
  team         text COLLATE "C",
  strategy     text COLLATE "C",
  segment      text NOT NULL,
  tier         text NOT NULL,
  class        text NOT NULL,
  reason       text,
  backcast     boolean NOT NULL,
  PRIMARY KEY (org_id, activity_id, rep_id, account_id)
) WITH (fillfactor = 85);
CREATE INDEX activity_fact_starts ON activity_fact (org_id, starts_at);
CREATE INDEX activity_fact_account ON activity_fact (org_id, account_id);
CREATE INDEX activity_fact_deal ON activity_fact (org_id, deal_id);
COMMENT ON COLUMN activity_fact.rep_id IS 'empty string: no rep named';
COMMENT ON COLUMN activity_fact.account_id IS 'empty string: linked to no account (unattributed)';
COMMENT ON COLUMN activity_fact.hours IS 'duration of the activity in hours times share; the strategy''s minutes of its kind when no duration is given (estimated)';
COMMENT ON COLUMN activity_fact.share IS '1 / number of accounts the activity is linked to';
COMMENT ON COLUMN activity_fact.counted IS 'held, or a kind counted without a known outcome';

-- ── strategy, configuration, access ──────────────────────────────────────────────────────────────
CREATE TABLE strategy (
  org_id          int NOT NULL,
  strategy_id     text COLLATE "C" NOT NULL,
  number          int NOT NULL,
  status          text NOT NULL CHECK (status IN ('draft', 'published')),
  name            text NOT NULL,
  effective_from  date NOT NULL,
  effective_at    timestamptz,
  teams           text[] NOT NULL DEFAULT '{}',
  attrs           text[] NOT NULL DEFAULT '{}',
  body            jsonb NOT NULL,
  publish_order   int,
  created_at      timestamptz NOT NULL,
  updated_at      timestamptz NOT NULL,
  published_at    timestamptz,
  PRIMARY KEY (org_id, strategy_id)
);
COMMENT ON COLUMN strategy.strategy_id IS '''s'' and a number counted up per organisation, so that equal histories have equal ids';
COMMENT ON COLUMN strategy.effective_at IS 'local midnight of effective_from; set on publish';
COMMENT ON COLUMN strategy.teams IS 'scope; empty: the whole organisation';
COMMENT ON COLUMN strategy.attrs IS 'account attributes its rules read; set on publish';

CREATE TABLE fit_override (
  org_id      int NOT NULL,
  account_id  text COLLATE "C" NOT NULL,
  set_at      timestamptz NOT NULL,
  tier        text NOT NULL,
  reason      text NOT NULL,
  until       timestamptz,
  actor       text NOT NULL,
  PRIMARY KEY (org_id, account_id, set_at)
);

CREATE TABLE api_key (
  org_id      int NOT NULL,
  key_id      text COLLATE "C" NOT NULL,
  digest      bytea NOT NULL,
  label       text NOT NULL DEFAULT '',
  scopes      text[] NOT NULL,
  read_scope  text CHECK (read_scope IN ('all', 'team', 'self')),
  source      text,
  rep_id      text,
  team_id     text,
  created_at  timestamptz NOT NULL,
  expires_at  timestamptz,
  revoked_at  timestamptz,
  last_used_at timestamptz,
  PRIMARY KEY (org_id, key_id)
);
COMMENT ON COLUMN api_key.digest IS 'SHA-256 of the secret part; the key itself is shown once and not stored';
COMMENT ON COLUMN api_key.scopes IS 'of ingest, read, strategy, admin';

CREATE TABLE audit (
  org_id    int NOT NULL,
  audit_id  bigint NOT NULL,
  at        timestamptz NOT NULL,
  actor     text NOT NULL,
  action    text NOT NULL,
  object    text NOT NULL,
  before    jsonb,
  after     jsonb,
  PRIMARY KEY (org_id, audit_id)
);

INSERT INTO org (org_id, slug, name, created_at) VALUES (1, 'default', 'Default organisation', now());
INSERT INTO org_version (org_id) VALUES (1);
