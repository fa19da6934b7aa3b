//! What must be true of a whole store, for `vestibule check`. SQL over all tables; no policy. These statements read
//! whole tables, so no server runs them.

use vestibule_domain::time::Timestamp;

use crate::{
    db::{Conn, Sql, StoreError},
    spent,
};

/// One question to a store.
#[derive(Debug)]
pub struct Check {
    /// What the rows are that it counts.
    pub what: &'static str,
    sql: &'static Sql,
}

/// Rows that answer a question.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Found {
    /// How many there are.
    pub count: u64,
    /// The user ID of one of them, in hexadecimal digits.
    pub example: Option<String>,
}

/// Counts rows that belong to users; the inner statement selects `user_id`.
macro_rules! of_users {
    ($what:literal, $rows:expr) => {
        Check {
            what: $what,
            sql: &Sql::both(
                concat!("SELECT COUNT(*), MIN(lower(hex(x.user_id))) FROM (", $rows, ") AS x"),
                concat!("SELECT COUNT(*), MIN(encode(x.user_id, 'hex')) FROM (", $rows, ") AS x"),
            ),
        }
    };
}

/// Counts other rows.
macro_rules! of_others {
    ($what:literal, $rows:expr) => {
        Check { what: $what, sql: &Sql::new(concat!("SELECT COUNT(*), CAST(NULL AS TEXT) FROM (", $rows, ") AS x")) }
    };
}

/// Rows of a table without their user.
macro_rules! without_user {
    ($what:literal, $table:literal) => {
        of_users!(
            $what,
            concat!(
                "SELECT t.user_id FROM ",
                $table,
                " t WHERE NOT EXISTS (SELECT 1 FROM users u WHERE u.project_no = t.project_no AND u.id = t.user_id)"
            )
        )
    };
}

/// Rows that a sound store does not have.
pub const PROBLEMS: &[Check] = &[
    without_user!("login IDs without a user", "login_ids"),
    without_user!("passwords without a user", "passwords"),
    without_user!("passkeys without a user", "passkeys"),
    without_user!("device keys without a user", "device_keys"),
    without_user!("sessions without a user", "sessions"),
    without_user!("grants without a user", "grants"),
    without_user!("consents without a user", "consents"),
    without_user!("changes of login methods without a user", "login_method_changes"),
    without_user!("external accounts without a user", "external_accounts"),
    without_user!("names without a user", "user_names"),
    of_users!(
        "other names of users that do not exist",
        "SELECT s.user_id FROM subjects s
         WHERE s.user_id IS NOT NULL
           AND NOT EXISTS (SELECT 1 FROM users u WHERE u.project_no = s.project_no AND u.id = s.user_id)
         UNION ALL
         SELECT f.user_id FROM foreign_subjects f
         WHERE f.user_id IS NOT NULL
           AND NOT EXISTS (SELECT 1 FROM users u WHERE u.project_no = f.project_no AND u.id = f.user_id)"
    ),
    of_users!(
        "users with the ID of another or a deleted user",
        "SELECT u.id AS user_id FROM users u, subjects s
         WHERE s.project_no = u.project_no AND s.id = u.id
           AND (s.user_id IS NULL OR u.yielded_to IS NULL OR u.yielded_to <> s.user_id)"
    ),
    of_users!(
        "open merges whose guest does not wait for their member",
        "SELECT m.guest_id AS user_id FROM merges m
         WHERE m.state = 0
           AND NOT EXISTS (
             SELECT 1 FROM users u WHERE u.project_no = m.project_no AND u.id = m.guest_id AND u.yielded_to = m.member_id
           )"
    ),
    of_users!(
        "promoted users without a login method",
        "SELECT u.id AS user_id FROM users u
         WHERE u.promoted_at IS NOT NULL AND u.anonymous_since IS NULL AND u.yielded_to IS NULL
           AND NOT EXISTS (SELECT 1 FROM login_ids l WHERE l.project_no = u.project_no AND l.user_id = u.id)
           AND NOT EXISTS (SELECT 1 FROM passkeys p WHERE p.project_no = u.project_no AND p.user_id = u.id)
           AND NOT EXISTS (SELECT 1 FROM external_accounts e WHERE e.project_no = u.project_no AND e.user_id = u.id)"
    ),
    of_users!(
        "guests with a login method of a member",
        "SELECT u.id AS user_id FROM users u
         WHERE u.anonymous_since IS NOT NULL
           AND (EXISTS (SELECT 1 FROM login_ids l WHERE l.project_no = u.project_no AND l.user_id = u.id)
             OR EXISTS (SELECT 1 FROM passwords p WHERE p.project_no = u.project_no AND p.user_id = u.id)
             OR EXISTS (SELECT 1 FROM passkeys k WHERE k.project_no = u.project_no AND k.user_id = u.id)
             OR EXISTS (SELECT 1 FROM external_accounts e WHERE e.project_no = u.project_no AND e.user_id = u.id))"
    ),
    of_users!(
        "guests that are marked as promoted",
        "SELECT u.id AS user_id FROM users u WHERE u.anonymous_since IS NOT NULL AND u.promoted_at IS NOT NULL"
    ),
    of_users!(
        "login IDs with two owners",
        "SELECT l.user_id FROM login_ids l
         WHERE EXISTS (SELECT 1 FROM login_ids other
           WHERE other.project_no = l.project_no AND other.kind = l.kind AND other.value = l.value
             AND other.user_id < l.user_id)"
    ),
    of_users!(
        "IDs or token hashes of a wrong length",
        "SELECT u.id AS user_id FROM users u WHERE length(u.id) <> 16
         UNION ALL
         SELECT s.user_id FROM sessions s WHERE length(s.id) <> 16 OR length(s.secret_hash) <> 32
         UNION ALL
         SELECT g.user_id FROM grants g WHERE length(g.id) <> 16 OR length(g.token_hash) <> 32"
    ),
    of_users!(
        "users of a project that does not exist",
        "SELECT u.id AS user_id FROM users u WHERE NOT EXISTS (SELECT 1 FROM projects p WHERE p.no = u.project_no)"
    ),
    of_others!(
        "keys of a project that does not exist",
        "SELECT k.kid FROM project_keys k WHERE NOT EXISTS (SELECT 1 FROM projects p WHERE p.no = k.project_no)"
    ),
    of_others!(
        "projects without a signing key",
        "SELECT p.no FROM projects p WHERE NOT EXISTS (SELECT 1 FROM project_keys k WHERE k.project_no = p.no)"
    ),
    of_others!(
        "roles, sessions or passkeys of an operator that does not exist",
        "SELECT r.operator_id FROM operator_roles r WHERE NOT EXISTS (SELECT 1 FROM operators o WHERE o.id = r.operator_id)
         UNION ALL
         SELECT s.operator_id FROM operator_sessions s
         WHERE NOT EXISTS (SELECT 1 FROM operators o WHERE o.id = s.operator_id)
         UNION ALL
         SELECT k.operator_id FROM operator_passkeys k
         WHERE NOT EXISTS (SELECT 1 FROM operators o WHERE o.id = k.operator_id)"
    ),
    of_others!(
        "webhook deliveries in a state that does not exist",
        "SELECT d.id FROM hook_deliveries d WHERE d.state NOT IN (0, 1, 2)"
    ),
];

/// What is stored, for the report.
pub const AMOUNTS: &[Check] = &[
    of_others!("projects", "SELECT no FROM projects"),
    of_others!("guests", "SELECT id FROM users WHERE anonymous_since IS NOT NULL"),
    of_others!("members", "SELECT id FROM users WHERE anonymous_since IS NULL"),
    of_others!("queued events and messages", "SELECT id FROM outbox"),
    of_others!("webhook deliveries that wait", "SELECT id FROM hook_deliveries WHERE state = 0"),
    of_others!("webhook deliveries that were given up", "SELECT id FROM hook_deliveries WHERE state = 2"),
];

const EXPIRED: Sql = Sql::new(
    "SELECT
       (SELECT COUNT(*) FROM flows WHERE expires_at < $1)
       + (SELECT COUNT(*) FROM authorization_codes WHERE expires_at < $1)
       + (SELECT COUNT(*) FROM device_codes WHERE expires_at < $1)
       + (SELECT COUNT(*) FROM login_method_changes WHERE expires_at < $1)
       + (SELECT COUNT(*) FROM tries WHERE full_until < $1)
       + (SELECT COUNT(*) FROM retention_holds WHERE expires_at < $1)
       + (SELECT COUNT(*) FROM idempotency WHERE expires_at < $1)
       + (SELECT COUNT(*) FROM operator_links WHERE expires_at < $1)",
);

const SCHEMA: Sql = Sql::new("SELECT COALESCE(MAX(version), 0) FROM migrations");

/// Every statement of this file that takes no [`Check`].
pub const STATEMENTS: &[&Sql] = &[&EXPIRED, &SCHEMA];

/// Counts the rows that a check asks for.
pub async fn run(conn: &mut Conn, check: &Check) -> Result<Found, StoreError> {
    let found = conn
        .query_optional(check.sql, &[], |row| {
            Ok(Found { count: u64::try_from(row.get::<i64>(0)?).unwrap_or(0), example: row.get(1)? })
        })
        .await?;
    Ok(found.unwrap_or(Found { count: 0, example: None }))
}

/// Rows that ended before a time and wait for the clean-up.
pub async fn count_expired(conn: &mut Conn, before: Timestamp) -> Result<i64, StoreError> {
    let found: Option<i64> = conn.query_optional(&EXPIRED, &[&before.as_micros()], |row| row.get(0)).await?;
    Ok(found.unwrap_or(0) + spent::count_expired_any_project(conn, before).await?)
}

/// The number of the newest schema migration.
pub async fn schema(conn: &mut Conn) -> Result<i64, StoreError> {
    Ok(conn.query_optional(&SCHEMA, &[], |row| row.get(0)).await?.unwrap_or(0))
}
