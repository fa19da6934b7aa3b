-- What waits is in the order of its numbers, which the database gives. Its twin is 0031_due_order.sqlite.sql.

-- Rows are queued with a due time of 0 since this release, so the number is a part of the index. It serves the statements of
-- earlier releases too.
DROP INDEX outbox_by_project;
CREATE INDEX outbox_by_project ON outbox (kind, project_no, due_at, id);

-- Events are never retried, so a due time after 0 is only the clock of the node that queued them.
UPDATE outbox SET due_at = 0 WHERE kind = 'event';
