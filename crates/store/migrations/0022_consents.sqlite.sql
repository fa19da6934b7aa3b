-- The consents of members to third-party applications: at most one row for each member and application. `scope` has the
-- scopes that the member agreed to, space-separated. Its twin is 0022_consents.postgres.sql.

CREATE TABLE consents (
  project_no   INTEGER NOT NULL,
  user_id      BLOB    NOT NULL,
  client_id    TEXT    NOT NULL,
  scope        TEXT    NOT NULL,
  granted_at   INTEGER NOT NULL,
  updated_at   INTEGER NOT NULL,
  last_used_at INTEGER,
  PRIMARY KEY (project_no, user_id, client_id)
) STRICT, WITHOUT ROWID;
CREATE INDEX consents_by_client ON consents (project_no, client_id);

-- What the planner has to know of it (0009).
INSERT INTO sqlite_stat1 (tbl, idx, stat) VALUES
  ('consents', 'consents', '1000000 1000000 2 1'),
  ('consents', 'consents_by_client', '1000000 1000000 100000');
ANALYZE sqlite_schema;
