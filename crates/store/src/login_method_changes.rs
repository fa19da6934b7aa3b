//! The latest changes of members' login IDs and passkeys, for the links that undo them. SQL over `login_method_changes`; no policy.

use vestibule_domain::{
    id::{ChangeId, IdentityId, ProjectNo, UserId},
    time::Timestamp,
};

use crate::{
    column::{read_id, read_time},
    db::{Conn, Sql, StoreError, Tx},
    lock_order::remove_first,
};

/// Every statement of this file.
pub const STATEMENTS: &[&Sql] = &[&INSERT, &LIST, &REMOVE_FROM, &REMOVE_EXPIRED_ANY_PROJECT];

/// A change of a login ID or passkey.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LoginMethodChange {
    /// Its number among the changes of the member.
    pub no: i64,
    /// The name by which a link refers to it.
    pub id: ChangeId,
    /// The login ID or passkey.
    pub identity: IdentityId,
    /// How it was before, as JSON; `None` when it did not exist.
    pub before: Option<String>,
    /// When its links expire.
    pub expires_at: Timestamp,
}

const INSERT: Sql = Sql::new(
    "INSERT INTO login_method_changes (
       project_no,
       user_id,
       no,
       id,
       identity_id,
       before,
       expires_at
     ) VALUES ($1, $2, $3, $4, $5, $6, $7)",
);

/// Adds a change.
///
/// # Errors
/// [`StoreError::Conflict`] when the member has a change with this number.
pub async fn insert(tx: &mut Tx, p: ProjectNo, user: UserId, change: &LoginMethodChange) -> Result<(), StoreError> {
    tx.execute(
        &INSERT,
        &[
            &p.0,
            &user.as_bytes().as_slice(),
            &change.no,
            &change.id.as_bytes().as_slice(),
            &change.identity.as_bytes().as_slice(),
            &change.before,
            &change.expires_at.as_micros(),
        ],
    )
    .await
    .map(|_| ())
}

const LIST: Sql = Sql::new(
    "SELECT
       no,
       id,
       identity_id,
       before,
       expires_at
     FROM login_method_changes
     WHERE project_no = $1 AND user_id = $2
     ORDER BY no",
);

/// Every change of a member that is stored, oldest first.
pub async fn list(conn: &mut Conn, p: ProjectNo, user: UserId) -> Result<Vec<LoginMethodChange>, StoreError> {
    conn.query_all(&LIST, &[&p.0, &user.as_bytes().as_slice()], |row| {
        Ok(LoginMethodChange {
            no: row.get(0)?,
            id: read_id(row, 1)?,
            identity: read_id(row, 2)?,
            before: row.get(3)?,
            expires_at: read_time(row, 4)?,
        })
    })
    .await
}

const REMOVE_FROM: Sql = Sql::new(
    "DELETE FROM login_method_changes
     WHERE project_no = $1 AND user_id = $2
       AND no >= $3",
);

/// Removes a change of a member, and all later ones.
pub async fn remove_from(tx: &mut Tx, p: ProjectNo, user: UserId, no: i64) -> Result<u64, StoreError> {
    tx.execute(&REMOVE_FROM, &[&p.0, &user.as_bytes().as_slice(), &no]).await
}

const REMOVE_EXPIRED_ANY_PROJECT: Sql =
    remove_first!("login_method_changes", "project_no, user_id, no", "expires_at < $1", "expires_at");

/// Removes at most `limit` changes whose links expired before `now`; returns how many.
pub async fn remove_expired_any_project(tx: &mut Tx, now: Timestamp, limit: i64) -> Result<u64, StoreError> {
    tx.execute(&REMOVE_EXPIRED_ANY_PROJECT, &[&now.as_micros(), &limit]).await
}
