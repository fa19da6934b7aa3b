-- What is kept of the newest tries of a delivery, for operators: JSON, bounded by the code. Its twin is 0051_delivery_tries.sqlite.sql.

ALTER TABLE hook_deliveries ADD COLUMN tries TEXT;
