-- The event log, webhook deliveries, daily counts, keys of the Admin API. Its twin is 0004_events.sqlite.sql.

-- What happened, for the audit log. A guest's plain creation is not here: its user's row says all of it.
CREATE TABLE events (
  project_no BIGINT  NOT NULL,
  seq        BIGINT  NOT NULL,
  user_id    BYTEA,
  type       TEXT    NOT NULL,
  client_id  TEXT,
  body       TEXT    NOT NULL,
  created_at BIGINT  NOT NULL,
  PRIMARY KEY (project_no, seq)
);
CREATE INDEX events_by_user ON events (project_no, user_id, seq);
CREATE INDEX events_by_type ON events (project_no, type, seq);
CREATE INDEX events_by_time ON events (created_at);

-- One row for each event and handler. state: 0 waits, 1 was taken, 2 was given up.
CREATE TABLE hook_deliveries (
  id          BIGINT  GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  project_no  BIGINT  NOT NULL,
  seq         BIGINT  NOT NULL,
  lane        BYTEA   NOT NULL,
  url         TEXT    NOT NULL,
  type        TEXT    NOT NULL,
  body        TEXT    NOT NULL,
  state       BIGINT  NOT NULL,
  attempts    BIGINT  NOT NULL,
  created_at  BIGINT  NOT NULL,
  due_at      BIGINT  NOT NULL,
  finished_at BIGINT,
  last_status BIGINT,
  last_error  TEXT
);
CREATE INDEX hook_deliveries_by_due ON hook_deliveries (due_at) WHERE state = 0;
CREATE INDEX hook_deliveries_by_lane ON hook_deliveries (project_no, url, lane, id) WHERE state = 0;
CREATE INDEX hook_deliveries_by_state ON hook_deliveries (project_no, state, id);
CREATE INDEX hook_deliveries_by_end ON hook_deliveries (finished_at) WHERE state = 1;

-- Numbers for each day (days since the epoch, UTC) and application ('' where none is known).
CREATE TABLE daily_counts (
  project_no BIGINT  NOT NULL,
  day        BIGINT  NOT NULL,
  client_id  TEXT    NOT NULL,
  name       TEXT    NOT NULL,
  count      BIGINT  NOT NULL,
  PRIMARY KEY (project_no, day, client_id, name)
);

-- Who may call the Admin API: by a secret (its hash) or by signing with a key (its public half).
CREATE TABLE admin_keys (
  project_no   BIGINT  NOT NULL,
  id           TEXT    NOT NULL,
  name         TEXT    NOT NULL,
  secret_hash  BYTEA,
  public_jwk   TEXT,
  scopes       TEXT    NOT NULL,
  created_at   BIGINT  NOT NULL,
  last_used_at BIGINT,
  revoked_at   BIGINT,
  PRIMARY KEY (project_no, id)
);

-- Answers to writes that came with an Idempotency-Key; status is NULL while the write runs.
CREATE TABLE idempotency (
  project_no   BIGINT  NOT NULL,
  key_hash     BYTEA   NOT NULL,
  request_hash BYTEA   NOT NULL,
  status       BIGINT,
  answer       TEXT,
  started_at   BIGINT  NOT NULL,
  expires_at   BIGINT  NOT NULL,
  PRIMARY KEY (project_no, key_hash)
);
CREATE INDEX idempotency_by_expiry ON idempotency (expires_at);

-- Lists of the few among the many; none of them holds a guest, so a guest costs no more.
CREATE INDEX users_by_member ON users (project_no, id) WHERE anonymous_since IS NULL;
CREATE INDEX users_by_promotion ON users (project_no, promoted_at, id) WHERE promoted_at IS NOT NULL;
CREATE INDEX users_by_disabling ON users (project_no, id) WHERE disabled_at IS NOT NULL;

-- Searches by the beginning of a login ID, byte by byte whatever the database's collation is. SQLite's primary key does it.
CREATE INDEX login_ids_prefix ON login_ids (project_no, kind, value text_pattern_ops);
