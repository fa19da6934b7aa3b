-- Accounts at providers with which users sign in, and the client secrets for the providers. `provider` is the provider's key: its
-- type, and the issuer for other OpenID providers than the known ones; `profile` is what it said about its user, in JSON. A secret
-- is sealed with the master key. The release before this one ignores both. Its twin is 0037_external_accounts.sqlite.sql.

CREATE TABLE external_accounts (
  project_no BIGINT NOT NULL,
  provider   TEXT   NOT NULL,
  subject    TEXT   NOT NULL,
  id         BYTEA  NOT NULL,
  user_id    BYTEA  NOT NULL,
  profile    TEXT,
  created_at BIGINT NOT NULL,
  updated_at BIGINT NOT NULL,
  PRIMARY KEY (project_no, provider, subject)
);
CREATE INDEX external_accounts_by_user ON external_accounts (project_no, user_id);

CREATE TABLE provider_secrets (
  project_no BIGINT NOT NULL,
  alias      TEXT   NOT NULL,
  sealed     BYTEA  NOT NULL,
  updated_at BIGINT NOT NULL,
  PRIMARY KEY (project_no, alias)
);
