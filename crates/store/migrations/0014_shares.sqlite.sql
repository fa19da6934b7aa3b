-- Whose turn it is among the projects for which something waits. Its twin is 0014_shares.postgres.sql.

-- outbox_by_due and hook_deliveries_by_due stay: the release before this one still asks by them.
CREATE INDEX outbox_by_project ON outbox (kind, project_no, due_at);
CREATE INDEX hook_deliveries_by_receiver ON hook_deliveries (project_no, url, due_at) WHERE state = 0;

-- What the planner has to know of them (0009).
INSERT INTO sqlite_stat1 (tbl, idx, stat) VALUES
  ('outbox', 'outbox_by_project', '1000 500 100 2'),
  ('hook_deliveries', 'hook_deliveries_by_receiver', '1000 500 100 2');
ANALYZE sqlite_schema;
