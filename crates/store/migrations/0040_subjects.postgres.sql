-- The subject ledger: what a `sub` means that no user has any more. With a `user_id` it is another name of that user: an alias, whose
-- guest was merged into the user, or in `foreign_subjects` an ID that the user had in another system. Without one it is a tombstone.
-- A `sub` in here is never given to a user again. The release before this one ignores both tables. Its twin is
-- 0040_subjects.sqlite.sql.

CREATE TABLE subjects (
  project_no BIGINT NOT NULL,
  id         BYTEA  NOT NULL,
  user_id    BYTEA,
  PRIMARY KEY (project_no, id)
);
CREATE INDEX subjects_by_user ON subjects (project_no, user_id) WHERE user_id IS NOT NULL;

CREATE TABLE foreign_subjects (
  project_no BIGINT NOT NULL,
  id         TEXT   NOT NULL,
  user_id    BYTEA,
  PRIMARY KEY (project_no, id)
);
CREATE INDEX foreign_subjects_by_user ON foreign_subjects (project_no, user_id) WHERE user_id IS NOT NULL;
