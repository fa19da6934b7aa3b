-- How much of the rate limits each node used in the last seconds, for the other nodes. An embedded store has one process and no rows
-- here. Its twin is 0032_limit_counts.postgres.sql.

CREATE TABLE limit_counts (
  node       BLOB    NOT NULL PRIMARY KEY,
  body       BLOB    NOT NULL,
  updated_at INTEGER NOT NULL
) STRICT;
