//! How many users a settings change affects, counted up to a limit, for confirmation pages. SQL over `users` and the
//! tables of credentials; no policy.

use vestibule_domain::{id::ProjectNo, identifier::LoginIdKind};

use crate::db::{Conn, Sql, StoreError};

/// Every statement of this file.
pub const STATEMENTS: &[&Sql] = &[&USERS, &LOGIN_IDS, &PASSWORDS, &PASSKEYS, &EXTERNAL_ACCOUNTS];

const USERS: Sql = Sql::new(
    "SELECT COUNT(*)
     FROM (
       SELECT id
       FROM users
       WHERE project_no = $1
       LIMIT $2
     ) first",
);

/// The number of users of a project, at most `limit`.
pub async fn count_users(conn: &mut Conn, p: ProjectNo, limit: i64) -> Result<i64, StoreError> {
    count(conn.query_optional(&USERS, &[&p.0, &limit], |row| row.get(0)).await)
}

const LOGIN_IDS: Sql = Sql::new(
    "SELECT COUNT(*)
     FROM (
       SELECT value
       FROM login_ids
       WHERE project_no = $1 AND kind = $2
       LIMIT $3
     ) first",
);

/// The number of login IDs of a kind, at most `limit`.
pub async fn count_login_ids(conn: &mut Conn, p: ProjectNo, kind: LoginIdKind, limit: i64) -> Result<i64, StoreError> {
    count(conn.query_optional(&LOGIN_IDS, &[&p.0, &kind.as_str(), &limit], |row| row.get(0)).await)
}

const PASSWORDS: Sql = Sql::new(
    "SELECT COUNT(*)
     FROM (
       SELECT user_id
       FROM passwords
       WHERE project_no = $1
       LIMIT $2
     ) first",
);

/// The number of users with a password, at most `limit`.
pub async fn count_passwords(conn: &mut Conn, p: ProjectNo, limit: i64) -> Result<i64, StoreError> {
    count(conn.query_optional(&PASSWORDS, &[&p.0, &limit], |row| row.get(0)).await)
}

const PASSKEYS: Sql = Sql::new(
    "SELECT COUNT(*)
     FROM (
       SELECT credential_id
       FROM passkeys
       WHERE project_no = $1
       LIMIT $2
     ) first",
);

/// The number of passkeys, at most `limit`.
pub async fn count_passkeys(conn: &mut Conn, p: ProjectNo, limit: i64) -> Result<i64, StoreError> {
    count(conn.query_optional(&PASSKEYS, &[&p.0, &limit], |row| row.get(0)).await)
}

const EXTERNAL_ACCOUNTS: Sql = Sql::new(
    "SELECT COUNT(*)
     FROM (
       SELECT subject
       FROM external_accounts
       WHERE project_no = $1 AND provider = $2
       LIMIT $3
     ) first",
);

/// The number of users' accounts at a provider, at most `limit`.
pub async fn count_external_accounts(
    conn: &mut Conn,
    p: ProjectNo,
    provider: &str,
    limit: i64,
) -> Result<i64, StoreError> {
    count(conn.query_optional(&EXTERNAL_ACCOUNTS, &[&p.0, &provider, &limit], |row| row.get(0)).await)
}

fn count(found: Result<Option<i64>, StoreError>) -> Result<i64, StoreError> {
    found.map(Option::unwrap_or_default)
}
