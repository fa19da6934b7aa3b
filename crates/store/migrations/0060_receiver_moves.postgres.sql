-- Where receivers of webhooks and of notices of ended sessions moved to, so that what waits for one goes to its new URL. Its twin is
-- 0060_receiver_moves.sqlite.sql. The release before this one ignores it, and sends what waits to the old URL.

CREATE TABLE receiver_moves (
  project_no BIGINT NOT NULL,
  old_url    TEXT   NOT NULL,
  kind       BIGINT NOT NULL,
  new_url    TEXT,
  moved_at   BIGINT NOT NULL,
  PRIMARY KEY (project_no, old_url, kind)
);
CREATE INDEX receiver_moves_by_time ON receiver_moves (moved_at);
