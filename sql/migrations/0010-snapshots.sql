-- Snapshots: answers kept as they were given, to be held against what is known later.

CREATE TABLE snapshot (
  org_id        int NOT NULL,
  snapshot_id   bigint NOT NULL,
  name          text,
  form          text NOT NULL CHECK (form IN ('metric', 'alignment', 'query')),
  metric        text,
  question      jsonb NOT NULL,
  content       text NOT NULL,
  digest        bytea NOT NULL,
  data_version  bigint NOT NULL,
  config_version bigint NOT NULL,
  read_scope    text NOT NULL CHECK (read_scope IN ('all', 'team', 'self')),
  rep_id        text COLLATE "C",
  team_id       text COLLATE "C",
  actor         text NOT NULL,
  created_at    timestamptz NOT NULL,
  PRIMARY KEY (org_id, snapshot_id)
);
COMMENT ON COLUMN snapshot.question IS 'the parameters with nothing left open: asked again they mean the same, whenever that is';
COMMENT ON COLUMN snapshot.content IS 'question and figures, without labels, as one JSON text; never changed (erasure of a person leaves it alone: no name is in it)';
COMMENT ON COLUMN snapshot.digest IS 'SHA-256 of the bytes of content in UTF-8';
COMMENT ON COLUMN snapshot.read_scope IS 'of the key that made it, with rep_id and team_id: who sees at least as much may see it';
