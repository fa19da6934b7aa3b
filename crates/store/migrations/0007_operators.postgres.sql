-- Who works in the portal: operators, their roles, sessions and one-time links. Its twin is 0007_operators.sqlite.sql.

CREATE TABLE operators (
  id            BYTEA   NOT NULL PRIMARY KEY,
  email         TEXT    NOT NULL,
  name          TEXT    NOT NULL,
  password_hash TEXT    NOT NULL,
  created_at    BIGINT  NOT NULL
);
CREATE UNIQUE INDEX operators_by_email ON operators (email);

-- project_no 0 stands for every project, those to come included.
CREATE TABLE operator_roles (
  project_no  BIGINT  NOT NULL,
  operator_id BYTEA   NOT NULL,
  role        TEXT    NOT NULL,
  PRIMARY KEY (project_no, operator_id)
);
CREATE INDEX operator_roles_by_operator ON operator_roles (operator_id);

-- proved_at: when the operator last proved who it is, by signing in or again before something dangerous.
CREATE TABLE operator_sessions (
  token_hash     BYTEA   NOT NULL PRIMARY KEY,
  operator_id    BYTEA   NOT NULL,
  created_at     BIGINT  NOT NULL,
  last_access_at BIGINT  NOT NULL,
  proved_at      BIGINT  NOT NULL
);
CREATE INDEX operator_sessions_by_operator ON operator_sessions (operator_id);
CREATE INDEX operator_sessions_by_access ON operator_sessions (last_access_at);

-- Links that make an operator (first_run, invitation) or let one choose a new password (reset); redeemed once.
CREATE TABLE operator_links (
  token_hash BYTEA   NOT NULL PRIMARY KEY,
  purpose    TEXT    NOT NULL,
  project_no BIGINT  NOT NULL,
  role       TEXT    NOT NULL,
  email      TEXT    NOT NULL,
  created_at BIGINT  NOT NULL,
  expires_at BIGINT  NOT NULL
);
CREATE INDEX operator_links_by_project ON operator_links (project_no, purpose, email);
CREATE INDEX operator_links_by_expiry ON operator_links (expires_at);
