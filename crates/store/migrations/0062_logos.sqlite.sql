-- Uploaded logos, and an index for the list of users with a hold. Its twin is 0062_logos.postgres.sql. The release before this one
-- ignores both.

-- The image of a project, as it is served: at most one, bounded by the code.
CREATE TABLE logos (
  project_no INTEGER NOT NULL PRIMARY KEY,
  hash       BLOB    NOT NULL,
  format     TEXT    NOT NULL,
  width      INTEGER NOT NULL,
  height     INTEGER NOT NULL,
  content    BLOB    NOT NULL,
  created_at INTEGER NOT NULL
) STRICT;

-- With the expiry, so that the list of held users is read from the index alone, and in its order.
CREATE INDEX retention_holds_by_user ON retention_holds (project_no, user_id, expires_at);

-- What the planner has to know of them (0009).
INSERT INTO sqlite_stat1 (tbl, idx, stat) VALUES
  ('logos', NULL, '1000'),
  ('retention_holds', 'retention_holds_by_user', '100000 100000 2 1');
ANALYZE sqlite_schema;
