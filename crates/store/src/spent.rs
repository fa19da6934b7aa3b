//! Single-use values that have been redeemed. SQL over `spent`; no policy.

use vestibule_domain::{id::ProjectNo, time::Timestamp};

use crate::db::{Conn, Sql, StoreError, Tx};

/// Every statement of this file.
pub const STATEMENTS: &[&Sql] = &[&SPEND, &FIND, &REMOVE_EXPIRED_ANY_PROJECT];

const SPEND: Sql = Sql::new(
    "INSERT INTO spent (
       project_no,
       id,
       holder,
       expires_at
     ) VALUES ($1, $2, $3, $4)
     ON CONFLICT DO NOTHING",
);

/// Redeems a value for a holder; exactly one of several concurrent callers gets `true`.
///
/// The row may be removed after `expires_at`, so the value itself must be invalid by then.
pub async fn spend(
    tx: &mut Tx,
    p: ProjectNo,
    id: &[u8],
    holder: Option<&[u8]>,
    expires_at: Timestamp,
) -> Result<bool, StoreError> {
    tx.execute_one(&SPEND, &[&p.0, &id, &holder, &expires_at.as_micros()]).await
}

const FIND: Sql = Sql::new(
    "SELECT holder
     FROM spent
     WHERE project_no = $1 AND id = $2",
);

/// `None` for an unused value, otherwise the holder it was redeemed for, if one was given.
pub async fn find(conn: &mut Conn, p: ProjectNo, id: &[u8]) -> Result<Option<Option<Vec<u8>>>, StoreError> {
    conn.query_optional(&FIND, &[&p.0, &id], |row| row.get(0)).await
}

const REMOVE_EXPIRED_ANY_PROJECT: Sql = Sql::new(
    "DELETE FROM spent
     WHERE (project_no, id) IN (
       SELECT project_no, id FROM spent WHERE expires_at < $1 ORDER BY expires_at LIMIT $2
     )",
);

/// Removes at most `limit` values that expired before `now`; returns how many.
pub async fn remove_expired_any_project(tx: &mut Tx, now: Timestamp, limit: i64) -> Result<u64, StoreError> {
    tx.execute(&REMOVE_EXPIRED_ANY_PROJECT, &[&now.as_micros(), &limit]).await
}
