//! Reasons to keep a guest, each until a time. SQL over `retention_holds`; no policy.

use vestibule_domain::{
    id::{HoldId, ProjectNo, UserId},
    time::Timestamp,
};

use crate::{
    column::{read_id, read_project, read_time},
    db::{Conn, Param, Row, Sql, StoreError, Tx},
};

/// Every statement of this file.
pub const STATEMENTS: &[&Sql] = &[&INSERT, &LIST, &REMOVE, &REMOVE_ALL, &EXPIRED_ANY_PROJECT];

/// A stored hold.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HoldRow {
    /// Its ID.
    pub id: HoldId,
    /// Who holds.
    pub owner: String,
    /// Why.
    pub reason: String,
    /// Since when.
    pub created_at: Timestamp,
    /// The last moment at which it holds.
    pub expires_at: Timestamp,
}

const INSERT: Sql = Sql::new(
    "INSERT INTO retention_holds (
       project_no,
       user_id,
       id,
       owner,
       reason,
       created_at,
       expires_at
     ) VALUES ($1, $2, $3, $4, $5, $6, $7)",
);

/// Adds a hold to a user.
pub async fn insert(tx: &mut Tx, p: ProjectNo, user: UserId, hold: &HoldRow) -> Result<(), StoreError> {
    let params: [&dyn Param; 7] = [
        &p.0,
        &user.as_bytes().as_slice(),
        &hold.id.as_bytes().as_slice(),
        &hold.owner.as_str(),
        &hold.reason.as_str(),
        &hold.created_at.as_micros(),
        &hold.expires_at.as_micros(),
    ];
    tx.execute(&INSERT, &params).await.map(|_| ())
}

const LIST: Sql = Sql::new(
    "SELECT
       id,
       owner,
       reason,
       created_at,
       expires_at
     FROM retention_holds
     WHERE project_no = $1 AND user_id = $2
     ORDER BY id",
);

fn read_hold(row: &Row<'_>) -> Result<HoldRow, StoreError> {
    Ok(HoldRow {
        id: read_id(row, 0)?,
        owner: row.get(1)?,
        reason: row.get(2)?,
        created_at: read_time(row, 3)?,
        expires_at: read_time(row, 4)?,
    })
}

/// Every hold of a user, oldest first, also those that have expired and were not removed yet.
pub async fn list(conn: &mut Conn, p: ProjectNo, user: UserId) -> Result<Vec<HoldRow>, StoreError> {
    conn.query_all(&LIST, &[&p.0, &user.as_bytes().as_slice()], read_hold).await
}

const REMOVE: Sql = Sql::new("DELETE FROM retention_holds WHERE project_no = $1 AND user_id = $2 AND id = $3");

/// Removes a hold of a user; `false` when it does not exist.
pub async fn remove(tx: &mut Tx, p: ProjectNo, user: UserId, id: HoldId) -> Result<bool, StoreError> {
    tx.execute_one(&REMOVE, &[&p.0, &user.as_bytes().as_slice(), &id.as_bytes().as_slice()]).await
}

const REMOVE_ALL: Sql = Sql::new("DELETE FROM retention_holds WHERE project_no = $1 AND user_id = $2");

/// Removes every hold of a user; returns how many.
pub async fn remove_all(tx: &mut Tx, p: ProjectNo, user: UserId) -> Result<u64, StoreError> {
    tx.execute(&REMOVE_ALL, &[&p.0, &user.as_bytes().as_slice()]).await
}

const EXPIRED_ANY_PROJECT: Sql = Sql::new(
    "SELECT project_no, user_id, id
     FROM retention_holds
     WHERE expires_at < $1
     ORDER BY expires_at
     LIMIT $2",
);

/// Removes at most `limit` holds that expired before `now`; returns how many. One statement would read every hold of their projects on
/// SQLite.
pub async fn remove_expired_any_project(tx: &mut Tx, now: Timestamp, limit: i64) -> Result<u64, StoreError> {
    let read = |row: &Row<'_>| Ok((read_project(row, 0)?, read_id(row, 1)?, read_id(row, 2)?));
    let mut expired: Vec<(ProjectNo, UserId, HoldId)> =
        tx.query_all(&EXPIRED_ANY_PROJECT, &[&now.as_micros(), &limit], read).await?;
    // In this order on every node, so that two clean-ups at once do not wait for each other.
    expired.sort_unstable_by_key(|(p, user, id)| (p.0, *user.as_bytes(), *id.as_bytes()));
    let mut removed = 0;
    for (p, user, id) in expired {
        removed += u64::from(remove(tx, p, user, id).await?);
    }
    Ok(removed)
}
