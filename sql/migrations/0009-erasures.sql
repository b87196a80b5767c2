-- Erasure of persons: who was erased, so that nothing brings them back.

CREATE TABLE erasure (
  org_id      int NOT NULL,
  kind        object_kind NOT NULL,
  object_id   text COLLATE "C" NOT NULL,
  erasure_id  int NOT NULL,
  erased_at   timestamptz NOT NULL,
  PRIMARY KEY (org_id, kind, object_id)
);
COMMENT ON TABLE erasure IS 'Persons whose name and address are erased: what comes about them later is stored without';
COMMENT ON COLUMN erasure.erasure_id IS 'counted up per organisation; the same for a person and the records merged into it. "(erased 3)" stands where the name stood';

CREATE TABLE erased_event (
  org_id    int NOT NULL,
  source    text COLLATE "C" NOT NULL,
  event_id  text COLLATE "C" NOT NULL,
  PRIMARY KEY (org_id, source, event_id)
);
COMMENT ON TABLE erased_event IS 'Events out of which an erasure took something: the original sent again differs from the log and is a duplicate all the same';
