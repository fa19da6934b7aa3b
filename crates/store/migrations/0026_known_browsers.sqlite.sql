-- How often the sessions of a member or operator were all ended: by a new password, a recovery, or "end all sessions". Entries of
-- the cookie that makes a browser known are made for one such generation. NULL is 0. The release before this one ignores it. Its
-- twin is 0026_known_browsers.postgres.sql.
ALTER TABLE users ADD COLUMN credential_generation INTEGER;
ALTER TABLE operators ADD COLUMN credential_generation INTEGER;
