-- The users who are no active guests, as on SQLite, where the resolver looks here and not at the users. PostgreSQL reads the user by its key;
-- the index is here so that both engines have the same. The release before this one needs nothing of it. Its twin is
-- 0059_standing.sqlite.sql.

CREATE INDEX users_by_standing ON users (project_no, id)
WHERE anonymous_since IS NULL OR disabled_at IS NOT NULL OR yielded_to IS NOT NULL;
