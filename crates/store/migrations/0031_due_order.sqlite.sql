-- What waits is in the order of its numbers, which the database gives. Its twin is 0031_due_order.postgres.sql.

-- Rows are queued with a due time of 0 since this release. Every index of SQLite ends with the number, so outbox_by_project stays.
-- Events are never retried, so a due time after 0 is only the clock of the process that queued them.
UPDATE outbox SET due_at = 0 WHERE kind = 'event';
