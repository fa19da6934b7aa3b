-- Members by their last login, for operators. No guest is in it. The release before this one needs nothing of it. Its twin is
-- 0063_last_logins.sqlite.sql.

CREATE INDEX users_by_login ON users (project_no, last_login_at, id)
WHERE anonymous_since IS NULL AND last_login_at IS NOT NULL;
