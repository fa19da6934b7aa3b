//! Hashes of the secrets of confidential applications. SQL over `client_secrets`; no policy.

use vestibule_domain::{id::ProjectNo, secret::TokenHash, time::Timestamp};

use crate::{
    column::{read_hash, read_time},
    db::{Conn, Sql, StoreError, Tx},
};

/// Every statement of this file.
pub const STATEMENTS: &[&Sql] = &[&INSERT, &LIST, &REMOVE, &REMOVE_OF_CLIENT];

const INSERT: Sql = Sql::new(
    "INSERT INTO client_secrets (
       project_no,
       client_id,
       secret_hash,
       created_at
     ) VALUES ($1, $2, $3, $4)
     ON CONFLICT DO NOTHING",
);

/// Adds a secret; `false` when the application has it already.
pub async fn insert(
    tx: &mut Tx,
    p: ProjectNo,
    client_id: &str,
    secret: TokenHash,
    now: Timestamp,
) -> Result<bool, StoreError> {
    tx.execute_one(&INSERT, &[&p.0, &client_id, &secret.0.as_slice(), &now.as_micros()]).await
}

const LIST: Sql = Sql::new(
    "SELECT
       secret_hash,
       created_at
     FROM client_secrets
     WHERE project_no = $1 AND client_id = $2
     ORDER BY created_at, secret_hash",
);

/// Every secret of an application and when it was made, oldest first.
pub async fn list(conn: &mut Conn, p: ProjectNo, client_id: &str) -> Result<Vec<(TokenHash, Timestamp)>, StoreError> {
    conn.query_all(&LIST, &[&p.0, &client_id], |row| Ok((read_hash(row, 0)?, read_time(row, 1)?))).await
}

const REMOVE: Sql =
    Sql::new("DELETE FROM client_secrets WHERE project_no = $1 AND client_id = $2 AND secret_hash = $3");

/// Removes a secret; `false` when it does not exist.
pub async fn remove(tx: &mut Tx, p: ProjectNo, client_id: &str, secret: TokenHash) -> Result<bool, StoreError> {
    tx.execute_one(&REMOVE, &[&p.0, &client_id, &secret.0.as_slice()]).await
}

const REMOVE_OF_CLIENT: Sql = Sql::new("DELETE FROM client_secrets WHERE project_no = $1 AND client_id = $2");

/// Removes every secret of an application; returns how many.
pub async fn remove_of_client(tx: &mut Tx, p: ProjectNo, client_id: &str) -> Result<u64, StoreError> {
    tx.execute(&REMOVE_OF_CLIENT, &[&p.0, &client_id]).await
}
