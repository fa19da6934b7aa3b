-- Passkeys, and the tries that went wrong. Its twin is 0003_credentials.postgres.sql.

-- A passkey is an identity and an authenticator in one; public_key is the COSE key as the authenticator gave it.
CREATE TABLE passkeys (
  project_no    INTEGER NOT NULL,
  credential_id BLOB    NOT NULL,
  id            BLOB    NOT NULL,
  user_id       BLOB    NOT NULL,
  public_key    BLOB    NOT NULL,
  sign_count    INTEGER NOT NULL,
  name          TEXT,
  created_at    INTEGER NOT NULL,
  last_used_at  INTEGER,
  PRIMARY KEY (project_no, credential_id)
) STRICT, WITHOUT ROWID;
CREATE INDEX passkeys_by_user ON passkeys (project_no, user_id);

-- How far a bucket of tries is filled: one time (GCRA) per hash of what is counted, shared by all nodes.
CREATE TABLE tries (
  project_no INTEGER NOT NULL,
  id         BLOB    NOT NULL,
  full_until INTEGER NOT NULL,
  PRIMARY KEY (project_no, id)
) STRICT, WITHOUT ROWID;
CREATE INDEX tries_by_time ON tries (full_until);
