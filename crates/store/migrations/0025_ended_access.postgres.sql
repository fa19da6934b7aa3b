-- What ends codes and grants that cannot be found one by one. Both are ignored by the release before this one. Its twin is
-- 0025_ended_access.sqlite.sql.

-- When all other sessions of a user were last ended at once. An authorization code without a session that was issued before is
-- worth nothing. NULL: never.
ALTER TABLE users ADD COLUMN sessions_ended_at BIGINT;

-- Since when an application has its ID and its kind of type. Grants and codes of before belong to an earlier one. No row: always.
CREATE TABLE client_starts (
  project_no BIGINT NOT NULL,
  client_id  TEXT   NOT NULL,
  started_at BIGINT NOT NULL,
  PRIMARY KEY (project_no, client_id)
);
