//! What the store knows of a guest that may not be stored. SQL over `grants`, `users`, `subjects` and `spent`; no policy.

use vestibule_domain::{
    id::{GrantId, ProjectNo, UserId},
    user::User,
};

use crate::{
    db::{Conn, Param, Sql, StoreError, Tx},
    new_guests::insert_fresh_guests,
    subjects, users,
};

/// Every statement of this file.
pub const STATEMENTS: &[&Sql] = &[&TRACE, &INSERT_IF_ABSENT];

const TRACE: Sql = Sql::new(
    "SELECT
       CASE
         WHEN EXISTS (SELECT 1 FROM grants WHERE project_no = $1 AND id = $2) THEN CAST(2 AS BIGINT)
         WHEN EXISTS (SELECT 1 FROM users WHERE project_no = $1 AND id = $3) THEN CAST(1 AS BIGINT)
         WHEN EXISTS (SELECT 1 FROM subjects WHERE project_no = $1 AND id = $3) THEN CAST(1 AS BIGINT)
         WHEN EXISTS (SELECT 1 FROM spent WHERE project_no = $1 AND id = $4) THEN CAST(1 AS BIGINT)
         ELSE CAST(0 AS BIGINT)
       END",
);

/// What there is of a guest.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Trace {
    /// It was neither stored nor revoked.
    Nothing,
    /// Its grant is there.
    Stored,
    /// Its grant has ended: the guest was stored once or revoked, or its ID is in use or was.
    Ended,
}

/// What there is of the guest with these IDs, and with this key of the record that it was stored or revoked. It is one statement,
/// because the guest may be stored between two.
pub async fn find_trace(
    conn: &mut Conn,
    p: ProjectNo,
    (grant, user): (GrantId, UserId),
    record: &[u8; 16],
) -> Result<Trace, StoreError> {
    let values: [&dyn Param; 4] = [&p.0, &grant.as_bytes().as_slice(), &user.as_bytes().as_slice(), &record.as_slice()];
    let found = conn.query_optional(&TRACE, &values, |row| row.get::<i64>(0)).await?;
    Ok(match found {
        Some(0) => Trace::Nothing,
        Some(2) => Trace::Stored,
        Some(_) | None => Trace::Ended,
    })
}

const INSERT_IF_ABSENT: Sql = Sql::new(insert_fresh_guests!("VALUES ($1, $2, $3, $3, $3) ON CONFLICT DO NOTHING"));

/// Adds a guest without further attributes; `false` when its ID is taken.
pub async fn insert_if_absent(tx: &mut Tx, p: ProjectNo, guest: &User) -> Result<bool, StoreError> {
    let (id, created_at) = (guest.id.as_bytes().as_slice(), guest.created_at.as_micros());
    tx.execute_one(&INSERT_IF_ABSENT, &[&p.0, &id, &created_at]).await
}

/// Makes a tombstone of an ID that no user has, so that no guest is stored with it.
pub async fn bury_if_absent(tx: &mut Tx, p: ProjectNo, id: UserId) -> Result<(), StoreError> {
    if users::find(tx, p, id).await?.is_none() {
        subjects::bury(tx, p, id).await?;
    }
    Ok(())
}
