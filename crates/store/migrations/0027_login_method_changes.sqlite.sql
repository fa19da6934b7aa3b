-- The latest changes of members' login IDs and passkeys that a link in a security mail can undo. A row says how one of them was
-- before: `before` is JSON, NULL for one that did not exist. `no` numbers the changes of a member in their order; a link names its
-- change by `id`. Its twin is 0027_login_method_changes.postgres.sql.

CREATE TABLE login_method_changes (
  project_no  INTEGER NOT NULL,
  user_id     BLOB    NOT NULL,
  no          INTEGER NOT NULL,
  id          BLOB    NOT NULL,
  identity_id BLOB    NOT NULL,
  before      TEXT,
  expires_at  INTEGER NOT NULL,
  PRIMARY KEY (project_no, user_id, no)
) STRICT, WITHOUT ROWID;
CREATE INDEX login_method_changes_by_expiry ON login_method_changes (expires_at);

-- What the planner has to know of it (0009).
INSERT INTO sqlite_stat1 (tbl, idx, stat) VALUES
  ('login_method_changes', 'login_method_changes', '100000 100000 2 1'),
  ('login_method_changes', 'login_method_changes_by_expiry', '100000 2');
ANALYZE sqlite_schema;
