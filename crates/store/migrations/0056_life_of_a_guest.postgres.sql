-- `asking_until`: until when an answer about a merge may be on its way; a time-out waits for it. `since`: when a `sub` became an alias,
-- so that an application gets the newest. Dead letters and events that were kept aside have an index by user: they are removed with it.
-- `outbox_by_due` served nothing since 0014, and every queued event was written to it. Its twin is 0056_life_of_a_guest.sqlite.sql. The
-- release before this one leaves the columns as they are.

ALTER TABLE merges ADD COLUMN asking_until BIGINT;
DROP INDEX merges_by_change;
CREATE INDEX merges_by_change ON merges (changed_at) WHERE state > 0 AND kept IS NULL;

ALTER TABLE subjects ADD COLUMN since BIGINT NOT NULL DEFAULT 0;
CREATE INDEX subjects_by_time ON subjects (project_no, user_id, since, id) WHERE user_id IS NOT NULL;

CREATE INDEX hook_deliveries_by_dead_lane ON hook_deliveries (project_no, lane, finished_at) WHERE state = 2;
CREATE INDEX outbox_by_kept_user ON outbox (project_no, user_id) WHERE kind = 'event.unreadable';
DROP INDEX outbox_by_due;
