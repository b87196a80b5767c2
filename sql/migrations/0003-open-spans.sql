-- The open pipeline over time, so that what was open at any instant is an index range instead of a replay of the log.

CREATE TABLE open_span (
  org_id          int NOT NULL,
  deal_id         text COLLATE "C" NOT NULL,
  valid_from      timestamptz NOT NULL,
  valid_to        timestamptz NOT NULL,
  owner           text COLLATE "C",
  account_id      text COLLATE "C",
  amount          numeric,
  currency        text,
  probability     numeric,
  origin          text,
  families        text[] NOT NULL,
  weights         numeric[] NOT NULL,
  expected_close  date,
  backcast        boolean NOT NULL,
  PRIMARY KEY (org_id, deal_id, valid_from)
) WITH (fillfactor = 85);
CREATE INDEX open_span_to ON open_span (org_id, valid_to, valid_from);
COMMENT ON TABLE open_span IS 'One row a stretch of time, half-open, in which a live deal was open and nothing that counts about it changed';
COMMENT ON COLUMN open_span.valid_to IS 'infinity: still open, and so';
COMMENT ON COLUMN open_span.probability IS '0..1: the deal''s own, else its stage''s, else null';
COMMENT ON COLUMN open_span.families IS 'as in deal_fact, by the lines of that time; empty: no lines';
COMMENT ON COLUMN open_span.backcast IS 'owner or account were first known later (METRICS R22)';
