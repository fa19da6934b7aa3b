-- What users are found by besides IDs and the beginnings of login IDs: the phrases of their names, and the domains of their email
-- addresses. Its twin is 0057_user_names.sqlite.sql. The release before this one ignores all of it: a job looks at its users again
-- a day later.

-- Phrases are compared byte by byte, as on SQLite, whatever the database's collation.
CREATE TABLE user_names (
  project_no BIGINT NOT NULL,
  phrase     TEXT COLLATE "C" NOT NULL,
  user_id    BYTEA  NOT NULL,
  PRIMARY KEY (project_no, phrase, user_id)
);
CREATE INDEX user_names_by_user ON user_names (project_no, user_id);

CREATE INDEX login_ids_by_domain ON login_ids (project_no, split_part(value, '@', 2) text_pattern_ops, user_id) WHERE kind = 'email';

-- The names of users who are there already: the job begins where there are any.
INSERT INTO job_state (name, updated_at)
SELECT 'user_names', CAST(EXTRACT(EPOCH FROM now()) * 1000000 AS BIGINT)
WHERE EXISTS (SELECT 1 FROM users);
