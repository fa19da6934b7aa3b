-- What ends codes and grants that cannot be found one by one. Both are ignored by the release before this one. Its twin is
-- 0025_ended_access.postgres.sql.

-- When all other sessions of a user were last ended at once. An authorization code without a session that was issued before is
-- worth nothing. NULL: never.
ALTER TABLE users ADD COLUMN sessions_ended_at INTEGER;

-- Since when an application has its ID and its kind of type. Grants and codes of before belong to an earlier one. No row: always.
CREATE TABLE client_starts (
  project_no INTEGER NOT NULL,
  client_id  TEXT    NOT NULL,
  started_at INTEGER NOT NULL,
  PRIMARY KEY (project_no, client_id)
) STRICT, WITHOUT ROWID;
