-- Events that a stranger can cause again and again: told at once, then counted and told once a window.
-- Its twin is 0012_repeats.sqlite.sql.

CREATE TABLE repeats (
  project_no BIGINT  NOT NULL,
  id         BYTEA   NOT NULL,
  untold     BIGINT  NOT NULL,
  payload    TEXT    NOT NULL,
  user_id    BYTEA,
  tell_at    BIGINT  NOT NULL,
  PRIMARY KEY (project_no, id)
);
CREATE INDEX repeats_by_time ON repeats (tell_at);
