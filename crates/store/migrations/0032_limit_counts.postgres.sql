-- How much of the rate limits each node used in the last seconds, for the other nodes. Its twin is 0032_limit_counts.sqlite.sql.

-- Unlogged: a row is of no use after seconds, so it need not survive a crash, nor reach a standby before its commit.
CREATE UNLOGGED TABLE limit_counts (
  node       BYTEA  NOT NULL PRIMARY KEY,
  body       BYTEA  NOT NULL,
  updated_at BIGINT NOT NULL
);
