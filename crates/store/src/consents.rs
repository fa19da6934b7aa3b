//! Consents of members to third-party applications. SQL over `consents`; no policy.

use vestibule_domain::{
    consent::Consent,
    id::{ProjectNo, UserId},
    time::Timestamp,
};

use crate::{
    column::{read_id, read_optional_time, read_time},
    db::{Conn, Param, Row, Sql, StoreError, Tx},
};

/// Every statement of this file.
pub const STATEMENTS: &[&Sql] = &[&PUT, &FIND, &LIST, &RECORD_USE, &REMOVE, &REMOVE_OF_CLIENT];

fn read_consent(row: &Row<'_>) -> Result<Consent, StoreError> {
    Ok(Consent {
        user_id: read_id(row, 0)?,
        client_id: row.get(1)?,
        scope: row.get(2)?,
        granted_at: read_time(row, 3)?,
        updated_at: read_time(row, 4)?,
        last_used_at: read_optional_time(row, 5)?,
    })
}

const PUT: Sql = Sql::new(
    "INSERT INTO consents (
       project_no,
       user_id,
       client_id,
       scope,
       granted_at,
       updated_at,
       last_used_at
     ) VALUES ($1, $2, $3, $4, $5, $6, $7)
     ON CONFLICT (project_no, user_id, client_id) DO UPDATE
     SET scope = excluded.scope,
         updated_at = excluded.updated_at",
);

/// Stores a consent; of an existing one, replaces the scopes and when the user last agreed.
pub async fn put(tx: &mut Tx, p: ProjectNo, consent: &Consent) -> Result<(), StoreError> {
    tx.execute(
        &PUT,
        &[
            &p.0,
            &consent.user_id.as_bytes().as_slice(),
            &consent.client_id.as_str(),
            &consent.scope.as_str(),
            &consent.granted_at.as_micros(),
            &consent.updated_at.as_micros(),
            &consent.last_used_at.map(Timestamp::as_micros),
        ],
    )
    .await
    .map(|_| ())
}

const FIND: Sql = Sql::new(
    "SELECT
       user_id,
       client_id,
       scope,
       granted_at,
       updated_at,
       last_used_at
     FROM consents
     WHERE project_no = $1 AND user_id = $2
       AND client_id = $3",
);

/// The consent of a user to an application.
pub async fn find(conn: &mut Conn, p: ProjectNo, user: UserId, client_id: &str) -> Result<Option<Consent>, StoreError> {
    conn.query_optional(&FIND, &[&p.0, &user.as_bytes().as_slice(), &client_id], read_consent).await
}

const LIST: Sql = Sql::new(
    "SELECT
       user_id,
       client_id,
       scope,
       granted_at,
       updated_at,
       last_used_at
     FROM consents
     WHERE project_no = $1 AND user_id = $2
     ORDER BY client_id",
);

/// Every consent of a user, by application.
pub async fn list(conn: &mut Conn, p: ProjectNo, user: UserId) -> Result<Vec<Consent>, StoreError> {
    conn.query_all(&LIST, &[&p.0, &user.as_bytes().as_slice()], read_consent).await
}

const RECORD_USE: Sql = Sql::new(
    "UPDATE consents
     SET last_used_at = $4
     WHERE project_no = $1 AND user_id = $2
       AND client_id = $3
     RETURNING scope",
);

/// Records that the application gets tokens and returns the scopes; `None` without a consent. The row is locked, so
/// that a concurrent revocation sees the new grant.
pub async fn record_use(
    tx: &mut Tx,
    p: ProjectNo,
    user: UserId,
    client_id: &str,
    now: Timestamp,
) -> Result<Option<String>, StoreError> {
    let values: [&dyn Param; 4] = [&p.0, &user.as_bytes().as_slice(), &client_id, &now.as_micros()];
    tx.query_optional(&RECORD_USE, &values, |row| row.get(0)).await
}

const REMOVE: Sql = Sql::new(
    "DELETE FROM consents
     WHERE project_no = $1 AND user_id = $2
       AND client_id = $3",
);

/// Removes the consent of a user to an application; `false` when there is none.
pub async fn remove(tx: &mut Tx, p: ProjectNo, user: UserId, client_id: &str) -> Result<bool, StoreError> {
    tx.execute_one(&REMOVE, &[&p.0, &user.as_bytes().as_slice(), &client_id]).await
}

const REMOVE_OF_CLIENT: Sql = Sql::new("DELETE FROM consents WHERE project_no = $1 AND client_id = $2");

/// Removes every user's consent to an application; returns how many.
pub async fn remove_of_client(tx: &mut Tx, p: ProjectNo, client_id: &str) -> Result<u64, StoreError> {
    tx.execute(&REMOVE_OF_CLIENT, &[&p.0, &client_id]).await
}
