-- A redeemed challenge begins with the time at which it ends, so it is found and removed by its key alone: it has no `expires_at`, and
-- no place in the index. All other values keep both. Its twin is 0058_dated_challenges.sqlite.sql. The keys are as before, so what was
-- redeemed stays redeemed, and the release before this one sees it as well. That release does not remove rows without `expires_at`.

ALTER TABLE spent ALTER COLUMN expires_at DROP NOT NULL;
DROP INDEX spent_by_expiry;
CREATE INDEX spent_by_expiry ON spent (expires_at) WHERE expires_at IS NOT NULL;
