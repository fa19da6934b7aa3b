//! Since when applications have their ID and type. SQL over `client_starts`; no policy.

use vestibule_domain::{id::ProjectNo, time::Timestamp};

use crate::{
    column::read_time,
    db::{Conn, Sql, StoreError, Tx},
};

/// Every statement of this file.
pub const STATEMENTS: &[&Sql] = &[&PUT, &LIST, &REMOVE];

const PUT: Sql = Sql::new(
    "INSERT INTO client_starts (
       project_no,
       client_id,
       started_at
     ) VALUES ($1, $2, $3)
     ON CONFLICT (project_no, client_id) DO UPDATE
     SET started_at = excluded.started_at",
);

/// Records that an application starts again.
pub async fn put(tx: &mut Tx, p: ProjectNo, client_id: &str, at: Timestamp) -> Result<(), StoreError> {
    tx.execute(&PUT, &[&p.0, &client_id, &at.as_micros()]).await.map(|_| ())
}

const LIST: Sql = Sql::new(
    "SELECT
       client_id,
       started_at
     FROM client_starts
     WHERE project_no = $1
     ORDER BY client_id",
);

/// Every application that started anew, and when.
pub async fn list(conn: &mut Conn, p: ProjectNo) -> Result<Vec<(String, Timestamp)>, StoreError> {
    conn.query_all(&LIST, &[&p.0], |row| Ok((row.get(0)?, read_time(row, 1)?))).await
}

const REMOVE: Sql = Sql::new("DELETE FROM client_starts WHERE project_no = $1 AND client_id = $2");

/// Forgets an application that was removed; `false` when it is not there.
pub async fn remove(tx: &mut Tx, p: ProjectNo, client_id: &str) -> Result<bool, StoreError> {
    tx.execute_one(&REMOVE, &[&p.0, &client_id]).await
}
