-- Events that a stranger can cause again and again: told at once, then counted and told once a window.
-- Its twin is 0012_repeats.postgres.sql.

CREATE TABLE repeats (
  project_no INTEGER NOT NULL,
  id         BLOB    NOT NULL,
  untold     INTEGER NOT NULL,
  payload    TEXT    NOT NULL,
  user_id    BLOB,
  tell_at    INTEGER NOT NULL,
  PRIMARY KEY (project_no, id)
) STRICT, WITHOUT ROWID;
CREATE INDEX repeats_by_time ON repeats (tell_at);

-- What the planner has to know of it (0009).
INSERT INTO sqlite_stat1 (tbl, idx, stat) VALUES
  ('repeats', 'repeats', '100000 100000 1'),
  ('repeats', 'repeats_by_time', '100000 2');
ANALYZE sqlite_schema;
