-- Where receivers of webhooks and of notices of ended sessions moved to, so that what waits for one goes to its new URL. Its twin is
-- 0060_receiver_moves.postgres.sql. The release before this one ignores it, and sends what waits to the old URL.

CREATE TABLE receiver_moves (
  project_no INTEGER NOT NULL,
  old_url    TEXT    NOT NULL,
  kind       INTEGER NOT NULL,
  new_url    TEXT,
  moved_at   INTEGER NOT NULL,
  PRIMARY KEY (project_no, old_url, kind)
) STRICT, WITHOUT ROWID;
CREATE INDEX receiver_moves_by_time ON receiver_moves (moved_at);

-- What the planner has to know of them (0009).
INSERT INTO sqlite_stat1 (tbl, idx, stat) VALUES
  ('receiver_moves', 'receiver_moves', '1000 10 1 1'),
  ('receiver_moves', 'receiver_moves_by_time', '1000 1');
ANALYZE sqlite_schema;
