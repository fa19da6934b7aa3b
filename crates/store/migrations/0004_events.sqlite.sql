-- The event log, webhook deliveries, daily counts, keys of the Admin API. Its twin is 0004_events.postgres.sql.

-- What happened, for the audit log. A guest's plain creation is not here: its user's row says all of it.
CREATE TABLE events (
  project_no INTEGER NOT NULL,
  seq        INTEGER NOT NULL,
  user_id    BLOB,
  type       TEXT    NOT NULL,
  client_id  TEXT,
  body       TEXT    NOT NULL,
  created_at INTEGER NOT NULL,
  PRIMARY KEY (project_no, seq)
) STRICT, WITHOUT ROWID;
CREATE INDEX events_by_user ON events (project_no, user_id, seq);
CREATE INDEX events_by_type ON events (project_no, type, seq);
CREATE INDEX events_by_time ON events (created_at);

-- One row for each event and handler. state: 0 waits, 1 was taken, 2 was given up.
CREATE TABLE hook_deliveries (
  id          INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT,
  project_no  INTEGER NOT NULL,
  seq         INTEGER NOT NULL,
  lane        BLOB    NOT NULL,
  url         TEXT    NOT NULL,
  type        TEXT    NOT NULL,
  body        TEXT    NOT NULL,
  state       INTEGER NOT NULL,
  attempts    INTEGER NOT NULL,
  created_at  INTEGER NOT NULL,
  due_at      INTEGER NOT NULL,
  finished_at INTEGER,
  last_status INTEGER,
  last_error  TEXT
) STRICT;
CREATE INDEX hook_deliveries_by_due ON hook_deliveries (due_at) WHERE state = 0;
CREATE INDEX hook_deliveries_by_lane ON hook_deliveries (project_no, url, lane, id) WHERE state = 0;
CREATE INDEX hook_deliveries_by_state ON hook_deliveries (project_no, state, id);
CREATE INDEX hook_deliveries_by_end ON hook_deliveries (finished_at) WHERE state = 1;

-- Numbers for each day (days since the epoch, UTC) and application ('' where none is known).
CREATE TABLE daily_counts (
  project_no INTEGER NOT NULL,
  day        INTEGER NOT NULL,
  client_id  TEXT    NOT NULL,
  name       TEXT    NOT NULL,
  count      INTEGER NOT NULL,
  PRIMARY KEY (project_no, day, client_id, name)
) STRICT, WITHOUT ROWID;

-- Who may call the Admin API: by a secret (its hash) or by signing with a key (its public half).
CREATE TABLE admin_keys (
  project_no   INTEGER NOT NULL,
  id           TEXT    NOT NULL,
  name         TEXT    NOT NULL,
  secret_hash  BLOB,
  public_jwk   TEXT,
  scopes       TEXT    NOT NULL,
  created_at   INTEGER NOT NULL,
  last_used_at INTEGER,
  revoked_at   INTEGER,
  PRIMARY KEY (project_no, id)
) STRICT, WITHOUT ROWID;

-- Answers to writes that came with an Idempotency-Key; status is NULL while the write runs.
CREATE TABLE idempotency (
  project_no   INTEGER NOT NULL,
  key_hash     BLOB    NOT NULL,
  request_hash BLOB    NOT NULL,
  status       INTEGER,
  answer       TEXT,
  started_at   INTEGER NOT NULL,
  expires_at   INTEGER NOT NULL,
  PRIMARY KEY (project_no, key_hash)
) STRICT, WITHOUT ROWID;
CREATE INDEX idempotency_by_expiry ON idempotency (expires_at);

-- Lists of the few among the many; none of them holds a guest, so a guest costs no more.
CREATE INDEX users_by_member ON users (project_no, id) WHERE anonymous_since IS NULL;
CREATE INDEX users_by_promotion ON users (project_no, promoted_at, id) WHERE promoted_at IS NOT NULL;
CREATE INDEX users_by_disabling ON users (project_no, id) WHERE disabled_at IS NOT NULL;
