-- Passkeys, and the tries that went wrong. Its twin is 0003_credentials.sqlite.sql.

-- A passkey is an identity and an authenticator in one; public_key is the COSE key as the authenticator gave it.
CREATE TABLE passkeys (
  project_no    BIGINT  NOT NULL,
  credential_id BYTEA   NOT NULL,
  id            BYTEA   NOT NULL,
  user_id       BYTEA   NOT NULL,
  public_key    BYTEA   NOT NULL,
  sign_count    BIGINT  NOT NULL,
  name          TEXT,
  created_at    BIGINT  NOT NULL,
  last_used_at  BIGINT,
  PRIMARY KEY (project_no, credential_id)
);
CREATE INDEX passkeys_by_user ON passkeys (project_no, user_id);

-- How far a bucket of tries is filled: one time (GCRA) per hash of what is counted, shared by all nodes.
CREATE TABLE tries (
  project_no BIGINT  NOT NULL,
  id         BYTEA   NOT NULL,
  full_until BIGINT  NOT NULL,
  PRIMARY KEY (project_no, id)
);
CREATE INDEX tries_by_time ON tries (full_until);
