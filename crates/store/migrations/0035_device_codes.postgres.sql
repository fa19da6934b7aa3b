-- The device codes of RFC 8628: at most one row for each device that waits for tokens, for minutes. `decision` is what the user decided,
-- as JSON; NULL while it is open. `user_id` is the user who decided. Its twin is 0035_device_codes.sqlite.sql.

CREATE TABLE device_codes (
  project_no BIGINT NOT NULL,
  code_hash  BYTEA  NOT NULL,
  user_code  TEXT   NOT NULL,
  client_id  TEXT   NOT NULL,
  scope      TEXT   NOT NULL,
  expires_at BIGINT NOT NULL,
  user_id    BYTEA,
  decision   TEXT,
  PRIMARY KEY (project_no, code_hash)
);
CREATE UNIQUE INDEX device_codes_by_user_code ON device_codes (project_no, user_code);
CREATE INDEX device_codes_by_user ON device_codes (project_no, user_id);
CREATE INDEX device_codes_by_expiry ON device_codes (expires_at);
