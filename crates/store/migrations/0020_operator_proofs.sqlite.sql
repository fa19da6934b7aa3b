-- When an operator proved its address by a mailed code or link; NULL while it has not. Who made a link (NULL: the command line,
-- or a release before this one), and whether it was only mailed, so that using it proves the address. Its twin is
-- 0020_operator_proofs.postgres.sql.
ALTER TABLE operators ADD COLUMN email_proved_at INTEGER;
ALTER TABLE operator_links ADD COLUMN made_by BLOB;
ALTER TABLE operator_links ADD COLUMN is_mailed INTEGER NOT NULL DEFAULT 0;
