-- Alerts: changes of status that are certain, and their delivery to those who want to be told.

CREATE TABLE alert_round (
  org_id          int NOT NULL,
  at              timestamptz,
  data_version    bigint,
  config_version  bigint,
  on_date         date,
  failed          text,
  PRIMARY KEY (org_id)
);
COMMENT ON TABLE alert_round IS 'The last evaluation of an organisation. Who holds the row evaluates; the others pass by';
COMMENT ON COLUMN alert_round.on_date IS 'the organisation''s local day then: with the versions it says what the figures depended on';
COMMENT ON COLUMN alert_round.failed IS 'why the last evaluation failed; null: it did not';

CREATE TABLE alert_state (
  org_id       int NOT NULL,
  period       text COLLATE "C" NOT NULL,
  strategy_id  text COLLATE "C" NOT NULL,
  team_id      text COLLATE "C" NOT NULL,
  metric       text COLLATE "C" NOT NULL,
  grouped_by   text COLLATE "C" NOT NULL,
  key          text COLLATE "C" NOT NULL,
  first_on     date NOT NULL,
  end_on       date NOT NULL,
  status       text CHECK (status IN ('ok', 'warn', 'fail')),
  settled      text CHECK (settled IN ('ok', 'warn', 'fail')),
  settled_at   timestamptz,
  candidate    text CHECK (candidate IN ('ok', 'warn', 'fail')),
  held         int NOT NULL,
  about_team   text COLLATE "C",
  figure       jsonb NOT NULL,
  PRIMARY KEY (org_id, period, strategy_id, team_id, metric, grouped_by, key)
);
COMMENT ON COLUMN alert_state.team_id IS 'the team whose strategy it is; empty: everybody''s';
COMMENT ON COLUMN alert_state.grouped_by IS 'total: the whole, whose key is total';
COMMENT ON COLUMN alert_state.status IS 'of the last evaluation, if it is certain; null: uncertain, or nothing to judge';
COMMENT ON COLUMN alert_state.settled IS 'what was told last, or needs not be told; null: nothing certain yet';
COMMENT ON COLUMN alert_state.settled_at IS 'since when; of what was taken over from an earlier period or strategy, since then';
COMMENT ON COLUMN alert_state.candidate IS 'another status that the last evaluations were certain of, held times in a row: the one of them nearest to the settled one';
COMMENT ON COLUMN alert_state.about_team IS 'the team the figure is about: the team itself, or the rep''s, or that whose strategy it is; null: the whole organisation';
COMMENT ON COLUMN alert_state.figure IS 'value, interval, n, unit and threshold of the last evaluation; no names';

CREATE TABLE alert (
  org_id       int NOT NULL,
  alert_id     bigint NOT NULL,
  at           timestamptz NOT NULL,
  period       text COLLATE "C" NOT NULL,
  first_on     date NOT NULL,
  end_on       date NOT NULL,
  strategy_id  text COLLATE "C" NOT NULL,
  team_id      text COLLATE "C" NOT NULL,
  metric       text COLLATE "C" NOT NULL,
  grouped_by   text COLLATE "C" NOT NULL,
  key          text COLLATE "C" NOT NULL,
  from_status  text CHECK (from_status IN ('ok', 'warn', 'fail')),
  to_status    text NOT NULL CHECK (to_status IN ('ok', 'warn', 'fail')),
  about_team   text COLLATE "C",
  figure       jsonb NOT NULL,
  PRIMARY KEY (org_id, alert_id)
);
COMMENT ON TABLE alert IS 'Changes of status. Ids, no names: those are looked up when an alert is shown or sent, so that an erased person is in none';
COMMENT ON COLUMN alert.from_status IS 'null: the first certain one';

CREATE TABLE alert_endpoint (
  org_id           int NOT NULL,
  endpoint_id      bigint NOT NULL,
  name             text NOT NULL,
  url_shown        text NOT NULL,
  format           text NOT NULL CHECK (format IN ('standard', 'slack')),
  filter           jsonb NOT NULL,
  enabled          boolean NOT NULL,
  disabled_reason  text,
  created_at       timestamptz NOT NULL,
  updated_at       timestamptz NOT NULL,
  PRIMARY KEY (org_id, endpoint_id)
);
COMMENT ON COLUMN alert_endpoint.url_shown IS 'scheme and host only: whoever knows the whole address of a chat''s webhook can write to it';
COMMENT ON COLUMN alert_endpoint.disabled_reason IS 'why the service itself disabled it; null: it did not';

CREATE TABLE alert_endpoint_secret (
  org_id       int NOT NULL,
  endpoint_id  bigint NOT NULL,
  number       int NOT NULL,
  kept         text NOT NULL,
  not_before   timestamptz NOT NULL,
  not_after    timestamptz,
  PRIMARY KEY (org_id, endpoint_id, number)
);
COMMENT ON TABLE alert_endpoint_secret IS 'What is signed with, and where it is sent. No answer, log or audit row ever shows kept';
COMMENT ON COLUMN alert_endpoint_secret.number IS '0: the address; from 1: secrets, counted up and never given twice';

CREATE TABLE alert_delivery (
  org_id        int NOT NULL,
  delivery_id   bigint NOT NULL,
  endpoint_id   bigint NOT NULL,
  alert_id      bigint,
  message_id    text COLLATE "C" NOT NULL,
  state         text NOT NULL CHECK (state IN ('pending', 'delivered', 'dead')),
  attempts      int NOT NULL,
  tries         int NOT NULL,
  next_at       timestamptz,
  leased_until  timestamptz,
  last_at       timestamptz,
  last_status   int,
  last_error    text,
  created_at    timestamptz NOT NULL,
  delivered_at  timestamptz,
  PRIMARY KEY (org_id, delivery_id)
);
COMMENT ON COLUMN alert_delivery.alert_id IS 'null: a test';
COMMENT ON COLUMN alert_delivery.message_id IS 'webhook-id: the same on every attempt';
COMMENT ON COLUMN alert_delivery.attempts IS 'begun, all of them: tells which attempt an outcome is of';
COMMENT ON COLUMN alert_delivery.tries IS 'attempts of the present round through the schedule; a retry by hand begins a new one';
COMMENT ON COLUMN alert_delivery.leased_until IS 'somebody is sending it; when that has passed, the sender is taken for dead';
CREATE INDEX alert_delivery_due ON alert_delivery (org_id, next_at) WHERE state = 'pending';
CREATE INDEX alert_delivery_open ON alert_delivery (org_id, endpoint_id, next_at) WHERE state <> 'delivered';
