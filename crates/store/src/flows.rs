//! The state of hosted flows. SQL over `flows`; no policy.

use vestibule_domain::{
    id::{FlowId, ProjectNo},
    time::Timestamp,
};

use crate::{
    column::{read_id, read_time},
    db::{Conn, Sql, StoreError, Tx},
    lock_order::remove_first,
};

/// Every statement of this file.
pub const STATEMENTS: &[&Sql] = &[&INSERT, &FIND, &UPDATE, &REMOVE, &REMOVE_EXPIRED_ANY_PROJECT];

/// A stored flow.
#[derive(Clone, Debug, PartialEq)]
pub struct FlowRow {
    /// Its id.
    pub id: FlowId,
    /// Its state, JSON.
    pub state: String,
    /// Incremented by every change, to detect concurrent requests.
    pub version: i64,
    /// When it began.
    pub created_at: Timestamp,
    /// When it expires.
    pub expires_at: Timestamp,
}

const INSERT: Sql = Sql::new(
    "INSERT INTO flows (
       project_no,
       id,
       state,
       version,
       created_at,
       expires_at
     ) VALUES ($1, $2, $3, $4, $5, $6)
     ON CONFLICT DO NOTHING",
);

/// Adds a flow; `false` when its id exists already.
pub async fn insert(tx: &mut Tx, p: ProjectNo, flow: &FlowRow) -> Result<bool, StoreError> {
    tx.execute_one(
        &INSERT,
        &[
            &p.0,
            &flow.id.as_bytes().as_slice(),
            &flow.state.as_str(),
            &flow.version,
            &flow.created_at.as_micros(),
            &flow.expires_at.as_micros(),
        ],
    )
    .await
}

const FIND: Sql = Sql::new(
    "SELECT
       id,
       state,
       version,
       created_at,
       expires_at
     FROM flows
     WHERE project_no = $1 AND id = $2",
);

/// The flow with this id, expired or not.
pub async fn find(conn: &mut Conn, p: ProjectNo, id: FlowId) -> Result<Option<FlowRow>, StoreError> {
    conn.query_optional(&FIND, &[&p.0, &id.as_bytes().as_slice()], |row| {
        Ok(FlowRow {
            id: read_id(row, 0)?,
            state: row.get(1)?,
            version: row.get(2)?,
            created_at: read_time(row, 3)?,
            expires_at: read_time(row, 4)?,
        })
    })
    .await
}

const UPDATE: Sql = Sql::new(
    "UPDATE flows
     SET state = $4,
         version = version + 1,
         expires_at = $5
     WHERE project_no = $1 AND id = $2
       AND version = $3",
);

/// Updates a flow if it still has the expected version; `false` when another request changed it first.
pub async fn update(
    tx: &mut Tx,
    p: ProjectNo,
    id: FlowId,
    expected_version: i64,
    state: &str,
    expires_at: Timestamp,
) -> Result<bool, StoreError> {
    tx.execute_one(&UPDATE, &[&p.0, &id.as_bytes().as_slice(), &expected_version, &state, &expires_at.as_micros()])
        .await
}

const REMOVE: Sql = Sql::new("DELETE FROM flows WHERE project_no = $1 AND id = $2");

/// Ends a flow; exactly one of several concurrent callers gets `true`.
pub async fn remove(tx: &mut Tx, p: ProjectNo, id: FlowId) -> Result<bool, StoreError> {
    tx.execute_one(&REMOVE, &[&p.0, &id.as_bytes().as_slice()]).await
}

const REMOVE_EXPIRED_ANY_PROJECT: Sql = remove_first!("flows", "project_no, id", "expires_at < $1", "expires_at");

/// Removes at most `limit` flows that expired before `now`; returns how many.
pub async fn remove_expired_any_project(tx: &mut Tx, now: Timestamp, limit: i64) -> Result<u64, StoreError> {
    tx.execute(&REMOVE_EXPIRED_ANY_PROJECT, &[&now.as_micros(), &limit]).await
}
