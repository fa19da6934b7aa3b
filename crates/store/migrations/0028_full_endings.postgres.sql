-- How often all sessions of a user ended without an exception: by a recovery, the link of a security mail, or an operator. A recovery
-- that was begun before is worth nothing then. A member who signs out everywhere else is not counted: a thief with a session could
-- keep the owner from recovering. NULL is 0. The release before this one ignores it. Its twin is 0028_full_endings.sqlite.sql.
ALTER TABLE users ADD COLUMN full_endings BIGINT;
