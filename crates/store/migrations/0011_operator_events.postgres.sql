-- What operators do to their own ways in and to each other. Its twin is 0011_operator_events.sqlite.sql.

-- The id tells the time. No foreign key: the record of an operator outlives it.
CREATE TABLE operator_events (
  id          BYTEA   NOT NULL PRIMARY KEY,
  operator_id BYTEA,
  email       TEXT    NOT NULL,
  done_by     TEXT    NOT NULL,
  act         TEXT    NOT NULL,
  detail      TEXT    NOT NULL,
  ip          TEXT,
  created_at  BIGINT  NOT NULL
);
CREATE INDEX operator_events_by_operator ON operator_events (operator_id, id);
