-- Uploaded logos, and an index for the list of users with a hold. Its twin is 0062_logos.sqlite.sql. The release before this one
-- ignores both.

-- The image of a project, as it is served: at most one, bounded by the code.
CREATE TABLE logos (
  project_no BIGINT NOT NULL PRIMARY KEY,
  hash       BYTEA  NOT NULL,
  format     TEXT   NOT NULL,
  width      BIGINT NOT NULL,
  height     BIGINT NOT NULL,
  content    BYTEA  NOT NULL,
  created_at BIGINT NOT NULL
);
-- Images are compressed already.
ALTER TABLE logos ALTER COLUMN content SET STORAGE EXTERNAL;

-- With the expiry, so that the list of held users is read from the index alone, and in its order.
CREATE INDEX retention_holds_by_user ON retention_holds (project_no, user_id, expires_at);
