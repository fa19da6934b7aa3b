-- The retention of guests. Its twin is 0042_retention.sqlite.sql. The release before this one ignores all of it.

-- When a session of a guest was removed, with its last use and its application: what is known of a guest without sessions.
ALTER TABLE users ADD COLUMN left_at BIGINT;
ALTER TABLE users ADD COLUMN left_client TEXT;

-- Where a guest stands: warned, or expired and in its grace period. No row: neither.
CREATE TABLE retention_marks (
  project_no BIGINT NOT NULL,
  user_id    BYTEA  NOT NULL,
  warned_at  BIGINT,
  expired_at BIGINT,
  PRIMARY KEY (project_no, user_id)
);

-- Reasons to keep a guest, each until a time.
CREATE TABLE retention_holds (
  project_no BIGINT NOT NULL,
  user_id    BYTEA  NOT NULL,
  id         BYTEA  NOT NULL,
  owner      TEXT   NOT NULL,
  reason     TEXT   NOT NULL,
  created_at BIGINT NOT NULL,
  expires_at BIGINT NOT NULL,
  PRIMARY KEY (project_no, user_id, id)
);
CREATE INDEX retention_holds_by_expiry ON retention_holds (expires_at);

-- Sessions that were removed before left no trace: until a day after this time, guests are taken for present all day.
INSERT INTO job_state (name, updated_at)
SELECT 'retention_since', CAST(EXTRACT(EPOCH FROM now()) * 1000000 AS BIGINT)
WHERE EXISTS (SELECT 1 FROM users);
