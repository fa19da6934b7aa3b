-- Members by their last login, for operators. No guest is in it. The release before this one needs nothing of it. Its twin is
-- 0063_last_logins.postgres.sql.

CREATE INDEX users_by_login ON users (project_no, last_login_at, id)
WHERE anonymous_since IS NULL AND last_login_at IS NOT NULL;

-- What the planner has to know of it (0009).
INSERT INTO sqlite_stat1 (tbl, idx, stat) VALUES ('users', 'users_by_login', '1100000 1100000 1 1');
ANALYZE sqlite_schema;
