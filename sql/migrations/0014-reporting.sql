-- Who may read the views of schema reporting (sql/reporting), by role of PostgreSQL: a role sees the organisations named here, and without
-- a row none. A role cannot give itself more: it has no right on this table, and session_user is who logged in, whatever it sets later.

CREATE TABLE reporting_reader (
  org_id     int NOT NULL,
  role_name  text NOT NULL,
  PRIMARY KEY (org_id, role_name)
);
CREATE INDEX reporting_reader_role ON reporting_reader (role_name);
