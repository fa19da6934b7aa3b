//! Cursors of background jobs. SQL over `job_state`; no policy.

use vestibule_domain::time::Timestamp;

use crate::{
    column::read_time,
    db::{Conn, Sql, StoreError, Tx},
};

/// Every statement of this file.
pub const STATEMENTS: &[&Sql] = &[&GET, &LOCK, &SET];

const GET: Sql = Sql::new(
    "SELECT
       cursor,
       updated_at
     FROM job_state
     WHERE name = $1",
);

/// The stored cursor of a job and when it was stored; `None` before the first.
pub async fn get(conn: &mut Conn, name: &str) -> Result<Option<(Option<Vec<u8>>, Timestamp)>, StoreError> {
    conn.query_optional(&GET, &[&name], |row| Ok((row.get(0)?, read_time(row, 1)?))).await
}

const LOCK: Sql = Sql::new(
    "INSERT INTO job_state (
       name,
       updated_at
     ) VALUES ($1, $2)
     ON CONFLICT (name) DO UPDATE
     SET updated_at = excluded.updated_at",
);

/// Keeps other nodes from a job's cursor until the transaction ends. What is read afterwards is what the node before left, so
/// the cursor must be read after this, and not before.
pub async fn lock(tx: &mut Tx, name: &str, now: Timestamp) -> Result<(), StoreError> {
    tx.execute(&LOCK, &[&name, &now.as_micros()]).await.map(|_| ())
}

const SET: Sql = Sql::new(
    "INSERT INTO job_state (
       name,
       cursor,
       updated_at
     ) VALUES ($1, $2, $3)
     ON CONFLICT (name) DO UPDATE
     SET cursor = excluded.cursor,
         updated_at = excluded.updated_at",
);

/// Stores a job's cursor for its next run.
pub async fn set(tx: &mut Tx, name: &str, cursor: Option<&[u8]>, now: Timestamp) -> Result<(), StoreError> {
    tx.execute(&SET, &[&name, &cursor, &now.as_micros()]).await.map(|_| ())
}
