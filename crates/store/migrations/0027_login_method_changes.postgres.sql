-- The latest changes of members' login IDs and passkeys that a link in a security mail can undo. A row says how one of them was
-- before: `before` is JSON, NULL for one that did not exist. `no` numbers the changes of a member in their order; a link names its
-- change by `id`. Its twin is 0027_login_method_changes.sqlite.sql.

CREATE TABLE login_method_changes (
  project_no  BIGINT NOT NULL,
  user_id     BYTEA  NOT NULL,
  no          BIGINT NOT NULL,
  id          BYTEA  NOT NULL,
  identity_id BYTEA  NOT NULL,
  before      TEXT,
  expires_at  BIGINT NOT NULL,
  PRIMARY KEY (project_no, user_id, no)
);
CREATE INDEX login_method_changes_by_expiry ON login_method_changes (expires_at);
