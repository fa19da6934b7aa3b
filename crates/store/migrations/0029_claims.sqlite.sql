-- The node that works on a message or delivery. NULL: no node does, or one of a release before this one, whose claim runs out by
-- its time. Its twin is 0029_claims.postgres.sql.
ALTER TABLE outbox ADD COLUMN claimed_by INTEGER;
ALTER TABLE hook_deliveries ADD COLUMN claimed_by INTEGER;
CREATE INDEX outbox_by_claim ON outbox (claimed_by) WHERE claimed_by IS NOT NULL;
CREATE INDEX hook_deliveries_by_claim ON hook_deliveries (claimed_by) WHERE claimed_by IS NOT NULL AND state = 0;

-- What the planner has to know of them (0009).
INSERT INTO sqlite_stat1 (tbl, idx, stat) VALUES
  ('outbox', 'outbox_by_claim', '10 5'),
  ('hook_deliveries', 'hook_deliveries_by_claim', '10 5');
ANALYZE sqlite_schema;
