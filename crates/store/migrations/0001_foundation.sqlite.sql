-- Projects, keys, users, credentials, sessions, grants, flows, outbox. Its twin is 0001_foundation.postgres.sql.
-- Times are microseconds since the epoch, ids are UUIDv7 in 16 bytes, hashes are SHA-256.

-- A number is never given out twice: caches and keys in flight may still hold one of a deleted project.
CREATE TABLE projects (
  no            INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT,
  id            TEXT    NOT NULL UNIQUE,
  public_origin TEXT    NOT NULL UNIQUE,
  settings      TEXT    NOT NULL,
  version       INTEGER NOT NULL,
  created_at    INTEGER NOT NULL,
  updated_at    INTEGER NOT NULL
) STRICT;

-- Signing keys (RS256, ES256) and the MAC key of self-contained tokens, sealed with the operator's key.
CREATE TABLE project_keys (
  project_no INTEGER NOT NULL,
  kid        TEXT    NOT NULL,
  purpose    TEXT    NOT NULL,
  sealed     BLOB    NOT NULL,
  created_at INTEGER NOT NULL,
  retired_at INTEGER,
  PRIMARY KEY (project_no, kid)
) STRICT, WITHOUT ROWID;

CREATE TABLE client_secrets (
  project_no  INTEGER NOT NULL,
  client_id   TEXT    NOT NULL,
  secret_hash BLOB    NOT NULL,
  created_at  INTEGER NOT NULL,
  PRIMARY KEY (project_no, client_id, secret_hash)
) STRICT, WITHOUT ROWID;

CREATE TABLE users (
  project_no          INTEGER NOT NULL,
  id                  BLOB    NOT NULL,
  created_at          INTEGER NOT NULL,
  updated_at          INTEGER NOT NULL,
  last_login_at       INTEGER,
  anonymous_since     INTEGER,
  promoted_at         INTEGER,
  disabled_at         INTEGER,
  yielded_to          BLOB,
  standard_attributes TEXT,
  custom_attributes   TEXT,
  PRIMARY KEY (project_no, id)
) STRICT, WITHOUT ROWID;

CREATE TABLE login_ids (
  project_no  INTEGER NOT NULL,
  kind        TEXT    NOT NULL,
  value       TEXT    NOT NULL,
  id          BLOB    NOT NULL,
  user_id     BLOB    NOT NULL,
  original    TEXT    NOT NULL,
  verified_at INTEGER,
  created_at  INTEGER NOT NULL,
  updated_at  INTEGER NOT NULL,
  PRIMARY KEY (project_no, kind, value)
) STRICT, WITHOUT ROWID;
CREATE INDEX login_ids_by_user ON login_ids (project_no, user_id);

CREATE TABLE passwords (
  project_no INTEGER NOT NULL,
  user_id    BLOB    NOT NULL,
  hash       TEXT    NOT NULL,
  created_at INTEGER NOT NULL,
  updated_at INTEGER NOT NULL,
  PRIMARY KEY (project_no, user_id)
) STRICT, WITHOUT ROWID;

-- The key pairs of guests on devices. A key stays after promotion (promoted_at set) so that its owner gets a clear answer.
CREATE TABLE device_keys (
  project_no   INTEGER NOT NULL,
  kid          TEXT    NOT NULL,
  id           BLOB    NOT NULL,
  user_id      BLOB    NOT NULL,
  jwk          TEXT    NOT NULL,
  created_at   INTEGER NOT NULL,
  last_used_at INTEGER NOT NULL,
  promoted_at  INTEGER,
  device       TEXT,
  PRIMARY KEY (project_no, kid)
) STRICT, WITHOUT ROWID;
CREATE INDEX device_keys_by_user ON device_keys (project_no, user_id);

CREATE TABLE sessions (
  project_no       INTEGER NOT NULL,
  id               BLOB    NOT NULL,
  user_id          BLOB    NOT NULL,
  secret_hash      BLOB    NOT NULL,
  created_at       INTEGER NOT NULL,
  last_access_at   INTEGER NOT NULL,
  authenticated_at INTEGER NOT NULL,
  amr              TEXT,
  device           TEXT,
  PRIMARY KEY (project_no, id)
) STRICT, WITHOUT ROWID;
CREATE INDEX sessions_by_user ON sessions (project_no, user_id);

CREATE TABLE grants (
  project_no         INTEGER NOT NULL,
  id                 BLOB    NOT NULL,
  user_id            BLOB    NOT NULL,
  client_id          TEXT    NOT NULL,
  token_hash         BLOB    NOT NULL,
  scope              TEXT,
  created_at         INTEGER NOT NULL,
  last_access_at     INTEGER NOT NULL,
  authenticated_at   INTEGER NOT NULL,
  amr                TEXT,
  session_id         BLOB,
  dpop_jkt           TEXT,
  device             TEXT,
  previous_hash      BLOB,
  rotated_at         INTEGER,
  has_revoked_tokens INTEGER NOT NULL DEFAULT 0,
  PRIMARY KEY (project_no, id)
) STRICT, WITHOUT ROWID;
CREATE INDEX grants_by_user ON grants (project_no, user_id);
CREATE INDEX grants_by_session ON grants (project_no, session_id) WHERE session_id IS NOT NULL;

-- Page flows (promotion, sign-up, login): the state of a person's way through the pages, as one JSON document.
CREATE TABLE flows (
  project_no INTEGER NOT NULL,
  id         BLOB    NOT NULL,
  state      TEXT    NOT NULL,
  version    INTEGER NOT NULL,
  created_at INTEGER NOT NULL,
  expires_at INTEGER NOT NULL,
  PRIMARY KEY (project_no, id)
) STRICT, WITHOUT ROWID;
CREATE INDEX flows_by_expiry ON flows (expires_at);

CREATE TABLE authorization_codes (
  project_no INTEGER NOT NULL,
  code_hash  BLOB    NOT NULL,
  payload    TEXT    NOT NULL,
  expires_at INTEGER NOT NULL,
  PRIMARY KEY (project_no, code_hash)
) STRICT, WITHOUT ROWID;
CREATE INDEX authorization_codes_by_expiry ON authorization_codes (expires_at);

-- Single-use values that were used: challenges, promotion codes, DPoP proofs, revoked access tokens.
-- A value is spent by whoever inserts its row; holder says what it was spent for.
CREATE TABLE spent (
  project_no INTEGER NOT NULL,
  id         BLOB    NOT NULL,
  holder     BLOB,
  expires_at INTEGER NOT NULL,
  PRIMARY KEY (project_no, id)
) STRICT, WITHOUT ROWID;
CREATE INDEX spent_by_expiry ON spent (expires_at);

-- Side effects to carry out after the commit that queued them: mail, events.
CREATE TABLE outbox (
  id         INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT,
  project_no INTEGER NOT NULL,
  kind       TEXT    NOT NULL,
  user_id    BLOB,
  payload    TEXT    NOT NULL,
  created_at INTEGER NOT NULL,
  due_at     INTEGER NOT NULL,
  attempts   INTEGER NOT NULL DEFAULT 0,
  last_error TEXT
) STRICT;
CREATE INDEX outbox_by_due ON outbox (kind, due_at);

-- What a background job must remember between runs.
CREATE TABLE job_state (
  name       TEXT    NOT NULL PRIMARY KEY,
  cursor     BLOB,
  updated_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
