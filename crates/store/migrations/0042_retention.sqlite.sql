-- The retention of guests. Its twin is 0042_retention.postgres.sql. The release before this one ignores all of it.

-- When a session of a guest was removed, with its last use and its application: what is known of a guest without sessions.
ALTER TABLE users ADD COLUMN left_at INTEGER;
ALTER TABLE users ADD COLUMN left_client TEXT;

-- Where a guest stands: warned, or expired and in its grace period. No row: neither.
CREATE TABLE retention_marks (
  project_no INTEGER NOT NULL,
  user_id    BLOB    NOT NULL,
  warned_at  INTEGER,
  expired_at INTEGER,
  PRIMARY KEY (project_no, user_id)
) STRICT, WITHOUT ROWID;

-- Reasons to keep a guest, each until a time.
CREATE TABLE retention_holds (
  project_no INTEGER NOT NULL,
  user_id    BLOB    NOT NULL,
  id         BLOB    NOT NULL,
  owner      TEXT    NOT NULL,
  reason     TEXT    NOT NULL,
  created_at INTEGER NOT NULL,
  expires_at INTEGER NOT NULL,
  PRIMARY KEY (project_no, user_id, id)
) STRICT, WITHOUT ROWID;
CREATE INDEX retention_holds_by_expiry ON retention_holds (expires_at);

-- Sessions that were removed before left no trace: until a day after this time, guests are taken for present all day.
INSERT INTO job_state (name, updated_at)
SELECT 'retention_since', CAST(strftime('%s', 'now') AS INTEGER) * 1000000
WHERE EXISTS (SELECT 1 FROM users);

-- What the planner has to know of them (0009).
INSERT INTO sqlite_stat1 (tbl, idx, stat) VALUES
  ('retention_marks', 'retention_marks', '1000000 1000000 1'),
  ('retention_holds', 'retention_holds', '100000 100000 2 1'),
  ('retention_holds', 'retention_holds_by_expiry', '100000 2');
ANALYZE sqlite_schema;
