//! The client secrets for providers, sealed. SQL over `provider_secrets`; no policy.

use vestibule_domain::{id::ProjectNo, time::Timestamp};

use crate::{
    column::read_time,
    db::{Conn, Sql, StoreError, Tx},
};

/// Every statement of this file.
pub const STATEMENTS: &[&Sql] = &[&PUT, &FIND, &LIST, &REMOVE];

const PUT: Sql = Sql::new(
    "INSERT INTO provider_secrets (
       project_no,
       alias,
       sealed,
       updated_at
     ) VALUES ($1, $2, $3, $4)
     ON CONFLICT (project_no, alias) DO UPDATE
     SET sealed = excluded.sealed,
         updated_at = excluded.updated_at",
);

/// Sets the secret for a provider.
pub async fn put(tx: &mut Tx, p: ProjectNo, alias: &str, sealed: &[u8], now: Timestamp) -> Result<(), StoreError> {
    tx.execute(&PUT, &[&p.0, &alias, &sealed, &now.as_micros()]).await.map(|_| ())
}

const FIND: Sql = Sql::new("SELECT sealed FROM provider_secrets WHERE project_no = $1 AND alias = $2");

/// The secret for a provider.
pub async fn find(conn: &mut Conn, p: ProjectNo, alias: &str) -> Result<Option<Vec<u8>>, StoreError> {
    conn.query_optional(&FIND, &[&p.0, &alias], |row| row.get(0)).await
}

const LIST: Sql = Sql::new(
    "SELECT
       alias,
       updated_at
     FROM provider_secrets
     WHERE project_no = $1
     ORDER BY alias",
);

/// The aliases of the providers that have a secret, and when it was set.
pub async fn list(conn: &mut Conn, p: ProjectNo) -> Result<Vec<(String, Timestamp)>, StoreError> {
    conn.query_all(&LIST, &[&p.0], |row| Ok((row.get(0)?, read_time(row, 1)?))).await
}

const REMOVE: Sql = Sql::new("DELETE FROM provider_secrets WHERE project_no = $1 AND alias = $2");

/// Removes the secret for a provider; `false` when there is none.
pub async fn remove(tx: &mut Tx, p: ProjectNo, alias: &str) -> Result<bool, StoreError> {
    tx.execute_one(&REMOVE, &[&p.0, &alias]).await
}
