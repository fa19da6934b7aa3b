-- Accounts at providers with which users sign in, and the client secrets for the providers. `provider` is the provider's key: its
-- type, and the issuer for other OpenID providers than the known ones; `profile` is what it said about its user, in JSON. A secret
-- is sealed with the master key. The release before this one ignores both. Its twin is 0037_external_accounts.postgres.sql.

CREATE TABLE external_accounts (
  project_no INTEGER NOT NULL,
  provider   TEXT    NOT NULL,
  subject    TEXT    NOT NULL,
  id         BLOB    NOT NULL,
  user_id    BLOB    NOT NULL,
  profile    TEXT,
  created_at INTEGER NOT NULL,
  updated_at INTEGER NOT NULL,
  PRIMARY KEY (project_no, provider, subject)
) STRICT, WITHOUT ROWID;
CREATE INDEX external_accounts_by_user ON external_accounts (project_no, user_id);

CREATE TABLE provider_secrets (
  project_no INTEGER NOT NULL,
  alias      TEXT    NOT NULL,
  sealed     BLOB    NOT NULL,
  updated_at INTEGER NOT NULL,
  PRIMARY KEY (project_no, alias)
) STRICT, WITHOUT ROWID;

-- What the planner has to know of them (0009).
INSERT INTO sqlite_stat1 (tbl, idx, stat) VALUES
  ('external_accounts', 'external_accounts', '1000000 1000000 500000 1'),
  ('external_accounts', 'external_accounts_by_user', '1000000 1000000 1'),
  ('provider_secrets', 'provider_secrets', '100 5 1');
ANALYZE sqlite_schema;
