//! How much of the rate limits each node used in the last seconds, sealed by the node. SQL over `limit_counts`; no policy.

use vestibule_domain::time::Timestamp;

use crate::db::{Conn, Sql, StoreError, Tx};

/// Every statement of this file.
pub const STATEMENTS: &[&Sql] = &[&PUT, &LIST_OTHERS, &REMOVE_OLD];

const PUT: Sql = Sql::new(
    "INSERT INTO limit_counts (
       node,
       body,
       updated_at
     ) VALUES ($1, $2, $3)
     ON CONFLICT (node) DO UPDATE
     SET body = excluded.body,
         updated_at = excluded.updated_at",
);

/// Replaces what a node tells.
///
/// # Errors
/// Those of the engine.
pub async fn put(tx: &mut Tx, node: &[u8], body: &[u8], now: Timestamp) -> Result<(), StoreError> {
    tx.execute(&PUT, &[&node, &body, &now.as_micros()]).await.map(drop)
}

const LIST_OTHERS: Sql = Sql::new(
    "SELECT
       node,
       body
     FROM limit_counts
     WHERE node <> $1 AND updated_at >= $2",
);

/// What the other nodes told since a time, with their names.
///
/// # Errors
/// Those of the engine.
pub async fn list_others(
    conn: &mut Conn,
    node: &[u8],
    since: Timestamp,
) -> Result<Vec<(Vec<u8>, Vec<u8>)>, StoreError> {
    conn.query_all(&LIST_OTHERS, &[&node, &since.as_micros()], |row| Ok((row.get(0)?, row.get(1)?))).await
}

const REMOVE_OLD: Sql = Sql::new("DELETE FROM limit_counts WHERE updated_at < $1");

/// Removes what was told before a time; answers how many rows.
///
/// # Errors
/// Those of the engine.
pub async fn remove_old(tx: &mut Tx, before: Timestamp) -> Result<u64, StoreError> {
    tx.execute(&REMOVE_OLD, &[&before.as_micros()]).await
}
