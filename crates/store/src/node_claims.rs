//! Which node works on a queued side effect or delivery, so that what a node that ended left behind is let go of. SQL over
//! `outbox` and `hook_deliveries`; no policy. The number of a node is [`crate::Store::node`].

use vestibule_domain::time::Timestamp;

use crate::db::{Conn, Sql, StoreError, Tx};

/// Every statement of this file.
pub const STATEMENTS: &[&Sql] =
    &[&NEXT_IN_OUTBOX, &NEXT_IN_DELIVERIES, &HAS_ENDED, &RELEASE_OUTBOX, &RELEASE_DELIVERIES];

const NEXT_IN_OUTBOX: Sql = Sql::new(
    "SELECT claimed_by
     FROM outbox
     WHERE claimed_by > $1
     ORDER BY claimed_by
     LIMIT 1",
);

const NEXT_IN_DELIVERIES: Sql = Sql::new(
    "SELECT claimed_by
     FROM hook_deliveries
     WHERE claimed_by > $1 AND state = 0
     ORDER BY claimed_by
     LIMIT 1",
);

/// The nodes that have claimed something of any project, in order. One index lookup for each.
pub async fn list_nodes_any_project(conn: &mut Conn) -> Result<Vec<i64>, StoreError> {
    let mut nodes = Vec::new();
    for next in [&NEXT_IN_OUTBOX, &NEXT_IN_DELIVERIES] {
        let mut after = i64::MIN;
        while let Some(node) = conn.query_optional(next, &[&after], |row| row.get(0)).await? {
            nodes.push(node);
            after = node;
        }
    }
    nodes.sort_unstable();
    nodes.dedup();
    Ok(nodes)
}

// PostgreSQL releases a node's lock when its session ends. A shared lock, so that nodes may ask at the same time.
const HAS_ENDED: Sql = Sql::both(
    "SELECT 1 WHERE CAST($1 AS INTEGER) IS NULL",
    "SELECT 1 WHERE pg_try_advisory_xact_lock_shared(CAST($1 AS BIGINT))",
);

/// Whether no session of a node holds its lock, as far as the database knows. Never on SQLite, which serves one process.
pub async fn has_ended(conn: &mut Conn, node: i64) -> Result<bool, StoreError> {
    Ok(conn.query_optional(&HAS_ENDED, &[&node], |_| Ok(())).await?.is_some())
}

const RELEASE_OUTBOX: Sql = Sql::new(
    "UPDATE outbox
     SET due_at = $2,
         claimed_by = NULL
     WHERE claimed_by = $1",
);

/// Makes the side effects due that a node had claimed; returns how many.
pub async fn release_outbox_any_project(tx: &mut Tx, node: i64, now: Timestamp) -> Result<u64, StoreError> {
    tx.fill_outbox();
    tx.execute(&RELEASE_OUTBOX, &[&node, &now.as_micros()]).await
}

const RELEASE_DELIVERIES: Sql = Sql::new(
    "UPDATE hook_deliveries
     SET due_at = $2,
         claimed_by = NULL
     WHERE claimed_by = $1 AND state = 0",
);

/// Makes the deliveries due that a node had claimed; returns how many.
pub async fn release_deliveries_any_project(tx: &mut Tx, node: i64, now: Timestamp) -> Result<u64, StoreError> {
    tx.execute(&RELEASE_DELIVERIES, &[&node, &now.as_micros()]).await
}
