-- The device codes of RFC 8628: at most one row for each device that waits for tokens, for minutes. `decision` is what the user decided,
-- as JSON; NULL while it is open. `user_id` is the user who decided. Its twin is 0035_device_codes.postgres.sql.

CREATE TABLE device_codes (
  project_no INTEGER NOT NULL,
  code_hash  BLOB    NOT NULL,
  user_code  TEXT    NOT NULL,
  client_id  TEXT    NOT NULL,
  scope      TEXT    NOT NULL,
  expires_at INTEGER NOT NULL,
  user_id    BLOB,
  decision   TEXT,
  PRIMARY KEY (project_no, code_hash)
) STRICT, WITHOUT ROWID;
CREATE UNIQUE INDEX device_codes_by_user_code ON device_codes (project_no, user_code);
CREATE INDEX device_codes_by_user ON device_codes (project_no, user_id);
CREATE INDEX device_codes_by_expiry ON device_codes (expires_at);

-- What the planner has to know of it (0009).
INSERT INTO sqlite_stat1 (tbl, idx, stat) VALUES
  ('device_codes', 'device_codes', '10000 10000 1'),
  ('device_codes', 'device_codes_by_user_code', '10000 10000 1'),
  ('device_codes', 'device_codes_by_user', '10000 10000 1'),
  ('device_codes', 'device_codes_by_expiry', '10000 1');
ANALYZE sqlite_schema;
