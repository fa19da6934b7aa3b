-- When a grant of a guest ends because the guest was promoted and the application is about to receive new tokens. NULL for
-- every other grant. The release before this one ignores it. Its twin is 0018_promotion.sqlite.sql.
ALTER TABLE grants ADD COLUMN ends_at BIGINT;
