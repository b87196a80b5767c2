-- Sources: the systems that send deliveries to /v1/webhooks; what of a delivery could not become an event; what a source says has to
-- be fetched again.

CREATE TABLE source (
  org_id      int NOT NULL,
  source      text COLLATE "C" NOT NULL,
  preset      text,
  enabled     boolean NOT NULL,
  url         text,
  override    jsonb NOT NULL,
  version     bigint NOT NULL,
  created_at  timestamptz NOT NULL,
  updated_at  timestamptz NOT NULL,
  last_delivery_at timestamptz,
  PRIMARY KEY (org_id, source)
);
COMMENT ON COLUMN source.source IS 'its name: in the path of its deliveries, and the source of the events made of them';
COMMENT ON COLUMN source.preset IS 'null: override is the whole document. Presets stand in the binary, so that mending one mends every source made of it';
COMMENT ON COLUMN source.url IS 'the address that the sender calls; null: the service''s public address and the path';
COMMENT ON COLUMN source.override IS 'merge patch to the preset''s document';
COMMENT ON COLUMN source.last_delivery_at IS 'of the last delivery that was verified, to within a minute';
COMMENT ON COLUMN source.version IS 'counts changes of this row and of its secrets, so that servers notice them';

CREATE TABLE source_secret (
  org_id      int NOT NULL,
  source      text COLLATE "C" NOT NULL,
  number      int NOT NULL,
  kept        text NOT NULL,
  not_before  timestamptz NOT NULL,
  not_after   timestamptz,
  created_at  timestamptz NOT NULL,
  PRIMARY KEY (org_id, source, number)
);
COMMENT ON TABLE source_secret IS 'What proves a delivery to be the source''s. No answer, log or audit row ever shows kept';
COMMENT ON COLUMN source_secret.number IS 'counted up per source and never given twice';

ALTER TABLE quarantine
  ADD COLUMN form text NOT NULL DEFAULT 'event' CHECK (form IN ('event', 'delivery')),
  ADD COLUMN encoding text NOT NULL DEFAULT 'text' CHECK (encoding IN ('text', 'base64')),
  ADD COLUMN headers jsonb,
  ADD COLUMN digest bytea,
  ADD COLUMN times int NOT NULL DEFAULT 1,
  ADD COLUMN last_received_at timestamptz,
  ADD COLUMN closed_at timestamptz;
COMMENT ON COLUMN quarantine.form IS 'event: payload is an event as pl.ingest was given it; delivery: as the source sent it, cut down to the one item';
COMMENT ON COLUMN quarantine.encoding IS 'base64: what came is not text';
COMMENT ON COLUMN quarantine.headers IS 'deliveries: the headers that came with it and that a mapping may read; never those that prove who sent it';
COMMENT ON COLUMN quarantine.digest IS 'SHA-256 of form, payload and headers: the same again, while open, counts in times';
CREATE UNIQUE INDEX quarantine_open ON quarantine (org_id, source, digest) WHERE status = 'open';
CREATE INDEX quarantine_waiting ON quarantine (org_id, quarantine_id) WHERE status = 'open';

CREATE TABLE resync (
  org_id            int NOT NULL,
  resync_id         bigint NOT NULL,
  source            text COLLATE "C" NOT NULL,
  kind              object_kind NOT NULL,
  object_id         text COLLATE "C" NOT NULL,
  reason            text NOT NULL,
  times             int NOT NULL DEFAULT 1,
  received_at       timestamptz NOT NULL,
  last_received_at  timestamptz NOT NULL,
  done_at           timestamptz,
  PRIMARY KEY (org_id, resync_id)
);
COMMENT ON TABLE resync IS 'Objects of which a source said that it changed them without saying how: they have to be sent whole';
COMMENT ON COLUMN resync.object_id IS 'empty: all objects of this kind';
CREATE UNIQUE INDEX resync_open ON resync (org_id, source, kind, object_id) WHERE done_at IS NULL;
