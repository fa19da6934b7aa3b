//! Passkeys of operators. SQL over `operator_passkeys`; no policy. Operators belong to no project.

use vestibule_domain::{
    id::{IdentityId, OperatorId},
    time::Timestamp,
};

use crate::{
    column::{read_id, read_optional_time, read_time},
    db::{Conn, Row, Sql, StoreError, Tx},
    passkeys::PasskeyUse,
};

/// Every statement of this file.
pub const STATEMENTS: &[&Sql] = &[&INSERT, &FIND, &LIST, &RECORD_USE, &RENAME, &REMOVE, &REMOVE_OF_OPERATOR];

/// A passkey as it is stored.
#[derive(Clone, Debug, PartialEq)]
pub struct OperatorPasskey {
    /// The credential ID (WebAuthn §4); unique.
    pub credential_id: Vec<u8>,
    /// The ID that forms use.
    pub id: IdentityId,
    /// The owner.
    pub operator_id: OperatorId,
    /// The COSE key (RFC 9052 §7) from the authenticator.
    pub public_key: Vec<u8>,
    /// The signature counter of the authenticator; many always report 0.
    pub sign_count: i64,
    /// The display name.
    pub name: String,
    /// When it was added.
    pub created_at: Timestamp,
    /// When it was last used.
    pub last_used_at: Option<Timestamp>,
    /// Whether the authenticator may back it up; `None` for passkeys added before version 0.2, until their next use.
    pub backup_eligible: Option<bool>,
}

fn read_passkey(row: &Row<'_>) -> Result<OperatorPasskey, StoreError> {
    Ok(OperatorPasskey {
        credential_id: row.get(0)?,
        id: read_id(row, 1)?,
        operator_id: read_id(row, 2)?,
        public_key: row.get(3)?,
        sign_count: row.get(4)?,
        name: row.get(5)?,
        created_at: read_time(row, 6)?,
        last_used_at: read_optional_time(row, 7)?,
        backup_eligible: row.get::<Option<i64>>(8)?.map(|flag| flag != 0),
    })
}

const INSERT: Sql = Sql::new(
    "INSERT INTO operator_passkeys (
       credential_id,
       id,
       operator_id,
       public_key,
       sign_count,
       name,
       created_at,
       last_used_at,
       backup_eligible
     ) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)
     ON CONFLICT DO NOTHING",
);

/// Adds a passkey; `false` when its credential id is taken.
pub async fn insert(tx: &mut Tx, row: &OperatorPasskey) -> Result<bool, StoreError> {
    tx.execute_one(
        &INSERT,
        &[
            &row.credential_id.as_slice(),
            &row.id.as_bytes().as_slice(),
            &row.operator_id.as_bytes().as_slice(),
            &row.public_key.as_slice(),
            &row.sign_count,
            &row.name.as_str(),
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
       operator_id,
       public_key,
       sign_count,
       name,
       created_at,
       last_used_at,
       backup_eligible
     FROM operator_passkeys
     WHERE credential_id = $1",
);

/// The passkey with this credential id.
pub async fn find(conn: &mut Conn, credential_id: &[u8]) -> Result<Option<OperatorPasskey>, StoreError> {
    conn.query_optional(&FIND, &[&credential_id], read_passkey).await
}

const LIST: Sql = Sql::new(
    "SELECT
       credential_id,
       id,
       operator_id,
       public_key,
       sign_count,
       name,
       created_at,
       last_used_at,
       backup_eligible
     FROM operator_passkeys
     WHERE operator_id = $1
     ORDER BY id",
);

/// Every passkey of an operator, oldest first.
pub async fn list(conn: &mut Conn, operator: OperatorId) -> Result<Vec<OperatorPasskey>, StoreError> {
    conn.query_all(&LIST, &[&operator.as_bytes().as_slice()], read_passkey).await
}

const RECORD_USE: Sql = Sql::new(
    "UPDATE operator_passkeys
     SET sign_count = $2,
         last_used_at = $3,
         backup_eligible = $4
     WHERE credential_id = $1
       AND (sign_count < $2 OR (sign_count = 0 AND $2 = 0))
       AND (backup_eligible IS NULL OR backup_eligible = $4)",
);

/// Records a use; `false` when the counter did not increase (a copy of the passkey exists), the backup eligibility
/// changed, or the passkey is gone.
pub async fn record_use(tx: &mut Tx, used: &PasskeyUse, now: Timestamp) -> Result<bool, StoreError> {
    let PasskeyUse { credential_id, sign_count, backup_eligible } = used;
    let backup = i64::from(*backup_eligible);
    tx.execute_one(&RECORD_USE, &[&credential_id.as_slice(), sign_count, &now.as_micros(), &backup]).await
}

const RENAME: Sql = Sql::new(
    "UPDATE operator_passkeys
     SET name = $3
     WHERE operator_id = $1 AND id = $2",
);

/// Renames a passkey of an operator; `false` when it does not exist.
pub async fn rename(tx: &mut Tx, operator: OperatorId, id: IdentityId, name: &str) -> Result<bool, StoreError> {
    tx.execute_one(&RENAME, &[&operator.as_bytes().as_slice(), &id.as_bytes().as_slice(), &name]).await
}

const REMOVE: Sql = Sql::new("DELETE FROM operator_passkeys WHERE operator_id = $1 AND id = $2");

/// Removes a passkey of an operator; `false` when it does not exist.
pub async fn remove(tx: &mut Tx, operator: OperatorId, id: IdentityId) -> Result<bool, StoreError> {
    tx.execute_one(&REMOVE, &[&operator.as_bytes().as_slice(), &id.as_bytes().as_slice()]).await
}

const REMOVE_OF_OPERATOR: Sql = Sql::new("DELETE FROM operator_passkeys WHERE operator_id = $1");

/// Removes every passkey of an operator.
pub async fn remove_of_operator(tx: &mut Tx, operator: OperatorId) -> Result<u64, StoreError> {
    tx.execute(&REMOVE_OF_OPERATOR, &[&operator.as_bytes().as_slice()]).await
}
