-- What users are found by besides IDs and the beginnings of login IDs: the phrases of their names, and the domains of their email
-- addresses. Its twin is 0057_user_names.postgres.sql. The release before this one ignores all of it: a job looks at its users again
-- a day later.

CREATE TABLE user_names (
  project_no INTEGER NOT NULL,
  phrase     TEXT    NOT NULL,
  user_id    BLOB    NOT NULL,
  PRIMARY KEY (project_no, phrase, user_id)
) STRICT, WITHOUT ROWID;
CREATE INDEX user_names_by_user ON user_names (project_no, user_id);

CREATE INDEX login_ids_by_domain ON login_ids (project_no, substr(value, instr(value, '@') + 1), user_id) WHERE kind = 'email';

-- The names of users who are there already: the job begins where there are any.
INSERT INTO job_state (name, updated_at)
SELECT 'user_names', CAST(strftime('%s', 'now') AS INTEGER) * 1000000
WHERE EXISTS (SELECT 1 FROM users);

-- What the planner has to know of them (0009).
INSERT INTO sqlite_stat1 (tbl, idx, stat) VALUES
  ('user_names', 'user_names', '2000000 2000000 2 1'),
  ('user_names', 'user_names_by_user', '2000000 2000000 3'),
  ('login_ids', 'login_ids_by_domain', '1000000 1000000 100 1');
ANALYZE sqlite_schema;
