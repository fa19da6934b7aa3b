-- The users who are no active guests, which are few of very many: who only asks whether a user is one, as the resolver does, looks here and
-- not at the users. The release before this one needs nothing of it. Its twin is 0059_standing.postgres.sql.

CREATE INDEX users_by_standing ON users (project_no, id)
WHERE anonymous_since IS NULL OR disabled_at IS NOT NULL OR yielded_to IS NOT NULL;

-- What the planner has to know of it (0009).
INSERT INTO sqlite_stat1 (tbl, idx, stat) VALUES ('users', 'users_by_standing', '1100000 1100000 1');
ANALYZE sqlite_schema;
