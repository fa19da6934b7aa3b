//! Passkeys. SQL over `passkeys`; no policy.

use vestibule_domain::{
    id::{IdentityId, ProjectNo, UserId},
    time::Timestamp,
};

use crate::{
    column::{read_id, read_optional_time, read_time},
    db::{Conn, Row, Sql, StoreError, Tx},
};

/// Every statement of this file.
pub const STATEMENTS: &[&Sql] = &[&INSERT, &FIND, &LIST, &RECORD_USE, &RENAME, &REMOVE];

/// A passkey as it is stored.
#[derive(Clone, Debug, PartialEq)]
pub struct PasskeyRow {
    /// The credential ID (WebAuthn §4); unique in the project.
    pub credential_id: Vec<u8>,
    /// The identity's id.
    pub id: IdentityId,
    /// The owner.
    pub user_id: UserId,
    /// The COSE key (RFC 9052 §7) from the authenticator.
    pub public_key: Vec<u8>,
    /// The signature counter of the authenticator; many always report 0.
    pub sign_count: i64,
    /// The display name.
    pub name: Option<String>,
    /// When it was added.
    pub created_at: Timestamp,
    /// When the owner last signed in with it.
    pub last_used_at: Option<Timestamp>,
    /// Whether the authenticator may back it up; `None` for passkeys added before version 0.2, until their next use.
    pub backup_eligible: Option<bool>,
}

/// A verified use of a passkey, by a user or an operator.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PasskeyUse {
    /// Which passkey.
    pub credential_id: Vec<u8>,
    /// The signature counter from the authenticator.
    pub sign_count: i64,
    /// Whether the authenticator may back it up.
    pub backup_eligible: bool,
}

fn read_passkey(row: &Row<'_>) -> Result<PasskeyRow, StoreError> {
    Ok(PasskeyRow {
        credential_id: row.get(0)?,
        id: read_id(row, 1)?,
        user_id: read_id(row, 2)?,
        public_key: row.get(3)?,
        sign_count: row.get(4)?,
        name: row.get(5)?,
        created_at: read_time(row, 6)?,
        last_used_at: read_optional_time(row, 7)?,
        backup_eligible: row.get::<Option<i64>>(8)?.map(|flag| flag != 0),
    })
}

const INSERT: Sql = Sql::new(
    "INSERT INTO passkeys (
       project_no,
       credential_id,
       id,
       user_id,
       public_key,
       sign_count,
       name,
       created_at,
       last_used_at,
       backup_eligible
     ) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)
     ON CONFLICT DO NOTHING",
);

/// Adds a passkey; `false` when its credential id is taken.
pub async fn insert(tx: &mut Tx, p: ProjectNo, row: &PasskeyRow) -> Result<bool, StoreError> {
    tx.execute_one(
        &INSERT,
        &[
            &p.0,
            &row.credential_id.as_slice(),
            &row.id.as_bytes().as_slice(),
            &row.user_id.as_bytes().as_slice(),
            &row.public_key.as_slice(),
            &row.sign_count,
            &row.name.as_deref(),
            &row.created_at.as_micros(),
            &row.last_used_at.map(Timestamp::as_micros),
            &row.backup_eligible.map(i64::from),
        ],
    )
    .await
}

const FIND: Sql = Sql::new(
    "SELECT
       credential_id,
       id,
       user_id,
       public_key,
       sign_count,
       name,
       created_at,
       last_used_at,
       backup_eligible
     FROM passkeys
     WHERE project_no = $1 AND credential_id = $2",
);

/// The passkey with this credential id.
pub async fn find(conn: &mut Conn, p: ProjectNo, credential_id: &[u8]) -> Result<Option<PasskeyRow>, StoreError> {
    conn.query_optional(&FIND, &[&p.0, &credential_id], read_passkey).await
}

const LIST: Sql = Sql::new(
    "SELECT
       credential_id,
       id,
       user_id,
       public_key,
       sign_count,
       name,
       created_at,
       last_used_at,
       backup_eligible
     FROM passkeys
     WHERE project_no = $1 AND user_id = $2
     ORDER BY id",
);

/// Every passkey of a user, oldest first.
pub async fn list(conn: &mut Conn, p: ProjectNo, user: UserId) -> Result<Vec<PasskeyRow>, StoreError> {
    conn.query_all(&LIST, &[&p.0, &user.as_bytes().as_slice()], read_passkey).await
}

const RECORD_USE: Sql = Sql::new(
    "UPDATE passkeys
     SET sign_count = $3,
         last_used_at = $4,
         backup_eligible = $5
     WHERE project_no = $1 AND credential_id = $2
       AND (sign_count < $3 OR (sign_count = 0 AND $3 = 0))
       AND (backup_eligible IS NULL OR backup_eligible = $5)",
);

/// Records a use; `false` when the counter did not increase (a copy of the passkey exists), the backup eligibility
/// changed, or the passkey is gone.
pub async fn record_use(tx: &mut Tx, p: ProjectNo, used: &PasskeyUse, now: Timestamp) -> Result<bool, StoreError> {
    let PasskeyUse { credential_id, sign_count, backup_eligible } = used;
    let backup = i64::from(*backup_eligible);
    tx.execute_one(&RECORD_USE, &[&p.0, &credential_id.as_slice(), sign_count, &now.as_micros(), &backup]).await
}

const RENAME: Sql = Sql::new(
    "UPDATE passkeys
     SET name = $4
     WHERE project_no = $1 AND user_id = $2 AND id = $3",
);

/// Renames a passkey of a user; `false` when it does not exist.
pub async fn rename(
    tx: &mut Tx,
    p: ProjectNo,
    user: UserId,
    id: IdentityId,
    name: Option<&str>,
) -> Result<bool, StoreError> {
    tx.execute_one(&RENAME, &[&p.0, &user.as_bytes().as_slice(), &id.as_bytes().as_slice(), &name]).await
}

const REMOVE: Sql = Sql::new("DELETE FROM passkeys WHERE project_no = $1 AND user_id = $2 AND id = $3");

/// Removes a passkey of a user; `false` when it does not exist.
pub async fn remove(tx: &mut Tx, p: ProjectNo, user: UserId, id: IdentityId) -> Result<bool, StoreError> {
    tx.execute_one(&REMOVE, &[&p.0, &user.as_bytes().as_slice(), &id.as_bytes().as_slice()]).await
}
