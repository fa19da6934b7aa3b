-- A redeemed challenge begins with the time at which it ends, so it is found and removed by its key alone: it has no `expires_at`, and
-- no place in the index. All other values keep both. Its twin is 0058_dated_challenges.postgres.sql. The keys are as before, so what was
-- redeemed stays redeemed, and the release before this one sees it as well. That release does not remove rows without `expires_at`.

CREATE TABLE spent_anew (
  project_no INTEGER NOT NULL,
  id         BLOB    NOT NULL,
  holder     BLOB,
  expires_at INTEGER,
  PRIMARY KEY (project_no, id)
) STRICT, WITHOUT ROWID;
INSERT INTO spent_anew (project_no, id, holder, expires_at)
SELECT project_no, id, holder, expires_at
FROM spent;
DROP TABLE spent;
ALTER TABLE spent_anew RENAME TO spent;
CREATE INDEX spent_by_expiry ON spent (expires_at) WHERE expires_at IS NOT NULL;

-- What the planner has to know of them (0009).
DELETE FROM sqlite_stat1 WHERE tbl IN ('spent', 'spent_anew');
INSERT INTO sqlite_stat1 (tbl, idx, stat) VALUES
  ('spent', 'spent', '1000000 1000000 1'),
  ('spent', 'spent_by_expiry', '1000000 2');
ANALYZE sqlite_schema;
