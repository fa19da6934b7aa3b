-- How many equal actions of an operator one row stands for: failed sign-ins are counted, not repeated. Its twin is
-- 0016_operator_event_times.postgres.sql.
ALTER TABLE operator_events ADD COLUMN times INTEGER NOT NULL DEFAULT 1;
