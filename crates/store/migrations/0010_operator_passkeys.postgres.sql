-- Passkeys of operators; an operator may have no password. Its twin is 0010_operator_passkeys.sqlite.sql.

ALTER TABLE operators ALTER COLUMN password_hash DROP NOT NULL;

CREATE TABLE operator_passkeys (
  credential_id BYTEA   NOT NULL PRIMARY KEY,
  id            BYTEA   NOT NULL,
  operator_id   BYTEA   NOT NULL,
  public_key    BYTEA   NOT NULL,
  sign_count    BIGINT  NOT NULL,
  name          TEXT    NOT NULL,
  created_at    BIGINT  NOT NULL,
  last_used_at  BIGINT
);
CREATE UNIQUE INDEX operator_passkeys_by_operator ON operator_passkeys (operator_id, id);
