-- What SQLite's planner has to know of the tables that grow. Its twin is 0009_planner.postgres.sql.

-- Without numbers it takes a project for ten rows, and walks through all of it rather than use an index by user. These are made up, and
-- the same on every machine: rows, then rows alike in the first column, in the first two, and so on (sqlite.org/fileformat2.html#stat1tab).
ANALYZE sqlite_schema;
DELETE FROM sqlite_stat1;
INSERT INTO sqlite_stat1 (tbl, idx, stat) VALUES
  ('users', 'users', '10000000 10000000 1'),
  ('users', 'users_by_member', '1000000 1000000 1'),
  ('users', 'users_by_promotion', '1000000 1000000 1 1'),
  ('users', 'users_by_disabling', '10000 10000 1'),
  ('login_ids', 'login_ids', '1000000 1000000 500000 1'),
  ('login_ids', 'login_ids_by_user', '1000000 1000000 2'),
  ('passwords', 'passwords', '1000000 1000000 1'),
  ('passkeys', 'passkeys', '1000000 1000000 1'),
  ('passkeys', 'passkeys_by_user', '1000000 1000000 2'),
  ('device_keys', 'device_keys', '5000000 5000000 1'),
  ('device_keys', 'device_keys_by_user', '5000000 5000000 1'),
  ('sessions', 'sessions', '5000000 5000000 1'),
  ('sessions', 'sessions_by_user', '5000000 5000000 2'),
  ('grants', 'grants', '10000000 10000000 1'),
  ('grants', 'grants_by_user', '10000000 10000000 2'),
  ('grants', 'grants_by_session', '100000 100000 2'),
  ('flows', 'flows', '100000 100000 1'),
  ('flows', 'flows_by_expiry', '100000 2'),
  ('authorization_codes', 'authorization_codes', '100000 100000 1'),
  ('authorization_codes', 'authorization_codes_by_expiry', '100000 2'),
  ('spent', 'spent', '1000000 1000000 1'),
  ('spent', 'spent_by_expiry', '1000000 2'),
  ('tries', 'tries', '100000 100000 1'),
  ('tries', 'tries_by_time', '100000 2'),
  ('events', 'events', '10000000 10000000 1'),
  ('events', 'events_by_user', '10000000 10000000 10 1'),
  ('events', 'events_by_type', '10000000 10000000 1000000 1'),
  ('events', 'events_by_time', '10000000 2'),
  ('outbox', 'outbox_by_due', '1000 500 2'),
  ('hook_deliveries', 'hook_deliveries_by_due', '1000 2'),
  ('hook_deliveries', 'hook_deliveries_by_lane', '1000 1000 500 5 1'),
  ('hook_deliveries', 'hook_deliveries_by_state', '1000000 1000000 300000 1'),
  ('hook_deliveries', 'hook_deliveries_by_end', '1000000 2'),
  ('daily_counts', 'daily_counts', '100000 100000 100 10 1'),
  ('idempotency', 'idempotency', '10000 10000 1'),
  ('idempotency', 'idempotency_by_expiry', '10000 2');
ANALYZE sqlite_schema;
