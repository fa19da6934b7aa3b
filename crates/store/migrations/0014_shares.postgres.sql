-- Whose turn it is among the projects for which something waits. Its twin is 0014_shares.sqlite.sql.

-- outbox_by_due and hook_deliveries_by_due stay: the release before this one still asks by them.
CREATE INDEX outbox_by_project ON outbox (kind, project_no, due_at);
CREATE INDEX hook_deliveries_by_receiver ON hook_deliveries (project_no, url, due_at) WHERE state = 0;
