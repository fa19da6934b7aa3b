-- Whether a passkey may be backed up (WebAuthn Level 3 §6.1, flag BE): it never changes. NULL for passkeys made before this
-- migration, until their next use. Its twin is 0015_passkey_backup.postgres.sql.
ALTER TABLE passkeys ADD COLUMN backup_eligible INTEGER;
ALTER TABLE operator_passkeys ADD COLUMN backup_eligible INTEGER;
