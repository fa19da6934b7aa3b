-- What operators do to their own ways in and to each other. Its twin is 0011_operator_events.postgres.sql.

-- The id tells the time. No foreign key: the record of an operator outlives it.
CREATE TABLE operator_events (
  id          BLOB    NOT NULL PRIMARY KEY,
  operator_id BLOB,
  email       TEXT    NOT NULL,
  done_by     TEXT    NOT NULL,
  act         TEXT    NOT NULL,
  detail      TEXT    NOT NULL,
  ip          TEXT,
  created_at  INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX operator_events_by_operator ON operator_events (operator_id, id);

-- What the planner has to know of it (0009).
INSERT INTO sqlite_stat1 (tbl, idx, stat) VALUES
  ('operator_events', 'operator_events', '100000 1'),
  ('operator_events', 'operator_events_by_operator', '100000 10000 1');
ANALYZE sqlite_schema;
