-- Retention of the log (settings: retention_days). What an object's events up to some day come to takes their place as one event.
ALTER TYPE event_operation ADD VALUE 'base';
COMMENT ON COLUMN event.patch IS
  'attributes set (null clears; "attributes" merges one level deep); merge: {"merged_into": id}; base: the state that the events before it and itself came to, {"doc", "track", "first_at", "deleted_at", "merged_into"}, and of a rep all names and addresses it had, "words"';

CREATE TABLE log_retention (
  org_id     int PRIMARY KEY,
  kept_from  timestamptz NOT NULL,
  position   text COLLATE "C",
  removed    bigint NOT NULL DEFAULT 0
);
COMMENT ON TABLE log_retention IS 'How far the log of an organisation has been shortened; no row: never';
COMMENT ON COLUMN log_retention.kept_from IS 'questions about what was known before then cannot be answered any more';
COMMENT ON COLUMN log_retention.position IS 'kind/id of the last object done in the pass that is under way; null: none is';
COMMENT ON COLUMN log_retention.removed IS 'events taken out of the log in this pass, or the last one';
