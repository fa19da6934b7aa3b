-- Guests who come back. Its twin is 0006_seen.sqlite.sql.

-- The last day (days since the epoch, UTC) after the one it came on that a guest was counted as there; NULL until it came back.
ALTER TABLE users ADD COLUMN seen_day BIGINT;
