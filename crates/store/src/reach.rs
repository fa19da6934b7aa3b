//! How many users something reaches, counted up to a bound: for questions asked before it is done. SQL over `users` and the
//! tables of credentials; no policy.

use vestibule_domain::{id::ProjectNo, identifier::LoginIdKind};

use crate::db::{Conn, Sql, StoreError};

/// Every statement of this file.
pub const STATEMENTS: &[&Sql] = &[&USERS, &LOGIN_IDS, &PASSWORDS, &PASSKEYS];

const USERS: Sql = Sql::new(
    "SELECT COUNT(*)
     FROM (
       SELECT id
       FROM users
       WHERE project_no = $1
       LIMIT $2
     ) first",
);

/// How many users a project has, `limit` at most.
///
/// # Errors
/// Those of the engine.
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

/// How many login IDs of a kind there are, `limit` at most.
///
/// # Errors
/// Those of the engine.
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

/// How many users have a password, `limit` at most.
///
/// # Errors
/// Those of the engine.
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

/// How many passkeys there are, `limit` at most.
///
/// # Errors
/// Those of the engine.
pub async fn count_passkeys(conn: &mut Conn, p: ProjectNo, limit: i64) -> Result<i64, StoreError> {
    count(conn.query_optional(&PASSKEYS, &[&p.0, &limit], |row| row.get(0)).await)
}

fn count(found: Result<Option<i64>, StoreError>) -> Result<i64, StoreError> {
    found.map(Option::unwrap_or_default)
}
