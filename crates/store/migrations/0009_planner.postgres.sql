-- What the planner has to know of the tables that grow. Its twin is 0009_planner.sqlite.sql.

-- Nothing to do here: PostgreSQL counts by itself (autovacuum).
SELECT 1;
