//! Signing and MAC keys of a project, sealed. SQL over `project_keys`; no policy and no cryptography.

use vestibule_domain::{id::ProjectNo, time::Timestamp};

use crate::{
    column::{read_optional_time, read_time},
    db::{Conn, Sql, StoreError, Tx},
};

/// Every statement of this file.
pub const STATEMENTS: &[&Sql] = &[&INSERT, &LIST, &RETIRE, &REMOVE];

/// A key as it is stored.
#[derive(Clone, PartialEq, Eq)]
pub struct KeyRow {
    /// Its id in the key set.
    pub kid: String,
    /// Its purpose.
    pub purpose: String,
    /// The key, sealed with the master key.
    pub sealed: Vec<u8>,
    /// When it was created.
    pub created_at: Timestamp,
    /// When it retires or retired: it then only verifies.
    pub retired_at: Option<Timestamp>,
}

const INSERT: Sql = Sql::new(
    "INSERT INTO project_keys (
       project_no,
       kid,
       purpose,
       sealed,
       created_at,
       retired_at
     ) VALUES ($1, $2, $3, $4, $5, $6)",
);

/// Adds a key.
///
/// # Errors
/// [`StoreError::Conflict`] when its `kid` is taken.
pub async fn insert(tx: &mut Tx, p: ProjectNo, key: &KeyRow) -> Result<(), StoreError> {
    tx.execute(
        &INSERT,
        &[
            &p.0,
            &key.kid.as_str(),
            &key.purpose.as_str(),
            &key.sealed.as_slice(),
            &key.created_at.as_micros(),
            &key.retired_at.map(Timestamp::as_micros),
        ],
    )
    .await
    .map(|_| ())
}

const LIST: Sql = Sql::new(
    "SELECT
       kid,
       purpose,
       sealed,
       created_at,
       retired_at
     FROM project_keys
     WHERE project_no = $1
     ORDER BY created_at, kid",
);

/// Every key of a project, oldest first.
pub async fn list(conn: &mut Conn, p: ProjectNo) -> Result<Vec<KeyRow>, StoreError> {
    conn.query_all(&LIST, &[&p.0], |row| {
        Ok(KeyRow {
            kid: row.get(0)?,
            purpose: row.get(1)?,
            sealed: row.get(2)?,
            created_at: read_time(row, 3)?,
            retired_at: read_optional_time(row, 4)?,
        })
    })
    .await
}

const RETIRE: Sql = Sql::new(
    "UPDATE project_keys
     SET retired_at = $3
     WHERE project_no = $1 AND kid = $2
       AND (retired_at IS NULL OR retired_at > $3)",
);

/// Sets the time at which a key retires, which may lie in the future; `false` when it already retires by then or does
/// not exist.
pub async fn retire(tx: &mut Tx, p: ProjectNo, kid: &str, at: Timestamp) -> Result<bool, StoreError> {
    tx.execute_one(&RETIRE, &[&p.0, &kid, &at.as_micros()]).await
}

const REMOVE: Sql = Sql::new("DELETE FROM project_keys WHERE project_no = $1 AND kid = $2");

/// Removes a key; `false` when it does not exist.
pub async fn remove(tx: &mut Tx, p: ProjectNo, kid: &str) -> Result<bool, StoreError> {
    tx.execute_one(&REMOVE, &[&p.0, &kid]).await
}
