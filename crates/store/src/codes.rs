//! Authorization codes, by their hash. SQL over `authorization_codes`; no policy.

use vestibule_domain::{id::ProjectNo, secret::TokenHash, time::Timestamp};

use crate::{
    column::read_time,
    db::{Conn, Sql, StoreError, Tx},
    lock_order::remove_first,
};

/// Every statement of this file.
pub const STATEMENTS: &[&Sql] = &[&INSERT, &TAKE, &FIND, &REMOVE_EXPIRED_ANY_PROJECT];

const INSERT: Sql = Sql::new(
    "INSERT INTO authorization_codes (
       project_no,
       code_hash,
       payload,
       expires_at
     ) VALUES ($1, $2, $3, $4)",
);

/// Stores a code's hash with its payload.
///
/// # Errors
/// [`StoreError::Conflict`] when the hash exists.
pub async fn insert(
    tx: &mut Tx,
    p: ProjectNo,
    code: TokenHash,
    payload: &str,
    expires_at: Timestamp,
) -> Result<(), StoreError> {
    tx.execute(&INSERT, &[&p.0, &code.0.as_slice(), &payload, &expires_at.as_micros()]).await.map(|_| ())
}

const TAKE: Sql = Sql::new(
    "DELETE FROM authorization_codes
     WHERE project_no = $1 AND code_hash = $2
     RETURNING
       payload,
       expires_at",
);

/// Removes a code, expired or not, and returns its payload and expiry; of several concurrent callers, one gets them.
pub async fn take(tx: &mut Tx, p: ProjectNo, code: TokenHash) -> Result<Option<(String, Timestamp)>, StoreError> {
    tx.query_optional(&TAKE, &[&p.0, &code.0.as_slice()], |row| Ok((row.get(0)?, read_time(row, 1)?))).await
}

const FIND: Sql = Sql::new(
    "SELECT
       payload,
       expires_at
     FROM authorization_codes
     WHERE project_no = $1 AND code_hash = $2",
);

/// The payload and expiry of a code, which stays redeemable.
pub async fn find(conn: &mut Conn, p: ProjectNo, code: TokenHash) -> Result<Option<(String, Timestamp)>, StoreError> {
    conn.query_optional(&FIND, &[&p.0, &code.0.as_slice()], |row| Ok((row.get(0)?, read_time(row, 1)?))).await
}

const REMOVE_EXPIRED_ANY_PROJECT: Sql =
    remove_first!("authorization_codes", "project_no, code_hash", "expires_at < $1", "expires_at");

/// Removes at most `limit` codes that expired before `now`; returns how many.
pub async fn remove_expired_any_project(tx: &mut Tx, now: Timestamp, limit: i64) -> Result<u64, StoreError> {
    tx.execute(&REMOVE_EXPIRED_ANY_PROJECT, &[&now.as_micros(), &limit]).await
}
