-- The subject ledger: what a `sub` means that no user has any more. With a `user_id` it is another name of that user: an alias, whose
-- guest was merged into the user, or in `foreign_subjects` an ID that the user had in another system. Without one it is a tombstone.
-- A `sub` in here is never given to a user again. The release before this one ignores both tables. Its twin is
-- 0040_subjects.postgres.sql.

CREATE TABLE subjects (
  project_no INTEGER NOT NULL,
  id         BLOB    NOT NULL,
  user_id    BLOB,
  PRIMARY KEY (project_no, id)
) STRICT, WITHOUT ROWID;
CREATE INDEX subjects_by_user ON subjects (project_no, user_id) WHERE user_id IS NOT NULL;

CREATE TABLE foreign_subjects (
  project_no INTEGER NOT NULL,
  id         TEXT    NOT NULL,
  user_id    BLOB,
  PRIMARY KEY (project_no, id)
) STRICT, WITHOUT ROWID;
CREATE INDEX foreign_subjects_by_user ON foreign_subjects (project_no, user_id) WHERE user_id IS NOT NULL;

-- What the planner has to know of them (0009).
INSERT INTO sqlite_stat1 (tbl, idx, stat) VALUES
  ('subjects', 'subjects', '1000000 1000000 1'),
  ('subjects', 'subjects_by_user', '500000 500000 2'),
  ('foreign_subjects', 'foreign_subjects', '1000000 1000000 1'),
  ('foreign_subjects', 'foreign_subjects_by_user', '1000000 1000000 1');
ANALYZE sqlite_schema;
