-- The consents of members to third-party applications: at most one row for each member and application. `scope` has the
-- scopes that the member agreed to, space-separated. Its twin is 0022_consents.sqlite.sql.

CREATE TABLE consents (
  project_no   BIGINT NOT NULL,
  user_id      BYTEA  NOT NULL,
  client_id    TEXT   NOT NULL,
  scope        TEXT   NOT NULL,
  granted_at   BIGINT NOT NULL,
  updated_at   BIGINT NOT NULL,
  last_used_at BIGINT,
  PRIMARY KEY (project_no, user_id, client_id)
);
CREATE INDEX consents_by_client ON consents (project_no, client_id);
