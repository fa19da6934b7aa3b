-- Passkeys of operators; an operator may have no password. Its twin is 0010_operator_passkeys.postgres.sql.

-- SQLite cannot take NOT NULL from a column: the table is made anew.
CREATE TABLE operators_next (
  id            BLOB    NOT NULL PRIMARY KEY,
  email         TEXT    NOT NULL,
  name          TEXT    NOT NULL,
  password_hash TEXT,
  created_at    INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
INSERT INTO operators_next (id, email, name, password_hash, created_at)
  SELECT id, email, name, password_hash, created_at FROM operators;
DROP TABLE operators;
ALTER TABLE operators_next RENAME TO operators;
CREATE UNIQUE INDEX operators_by_email ON operators (email);

CREATE TABLE operator_passkeys (
  credential_id BLOB    NOT NULL PRIMARY KEY,
  id            BLOB    NOT NULL,
  operator_id   BLOB    NOT NULL,
  public_key    BLOB    NOT NULL,
  sign_count    INTEGER NOT NULL,
  name          TEXT    NOT NULL,
  created_at    INTEGER NOT NULL,
  last_used_at  INTEGER
) STRICT, WITHOUT ROWID;
CREATE UNIQUE INDEX operator_passkeys_by_operator ON operator_passkeys (operator_id, id);
