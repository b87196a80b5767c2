-- Sessions: what a browser holds instead of an API key, for some hours. Not configuration: no audit, no version changes.

CREATE TABLE session (
  org_id      int NOT NULL,
  session_id  text COLLATE "C" NOT NULL,
  digest      bytea NOT NULL,
  key_id      text COLLATE "C" NOT NULL,
  created_at  timestamptz NOT NULL,
  expires_at  timestamptz NOT NULL,
  PRIMARY KEY (org_id, session_id)
);
CREATE INDEX session_expiry ON session (org_id, expires_at);
COMMENT ON COLUMN session.digest IS 'SHA-256 of the secret part of the token, which only the browser has';
COMMENT ON COLUMN session.key_id IS 'the key it was begun with: it may what that may, and ends with it';
