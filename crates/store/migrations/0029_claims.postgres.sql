-- The node that works on a message or delivery. NULL: no node does, or one of a release before this one, whose claim runs out by
-- its time. Its twin is 0029_claims.sqlite.sql.
ALTER TABLE outbox ADD COLUMN claimed_by BIGINT;
ALTER TABLE hook_deliveries ADD COLUMN claimed_by BIGINT;
CREATE INDEX outbox_by_claim ON outbox (claimed_by) WHERE claimed_by IS NOT NULL;
CREATE INDEX hook_deliveries_by_claim ON hook_deliveries (claimed_by) WHERE claimed_by IS NOT NULL AND state = 0;
