//! Passkeys, of the users of a project or of operators; no policy. SQL over `passkeys`; that over `operator_passkeys` is
//! in [`crate::operator_passkeys`].

use vestibule_domain::{
    id::{Id, IdentityId, ProjectNo, UserId, UserKind},
    time::Timestamp,
};

use crate::{
    column::{read_id, read_optional_time, read_time},
    db::{Column, Conn, Param, Row, Sql, StoreError, Tx},
};

/// Every statement of this file.
pub const STATEMENTS: &[&Sql] =
    &[&USERS.insert, &USERS.find, &USERS.list, &USERS.record_use, &USERS.rename, &USERS.remove];

/// A table of passkeys.
pub trait PasskeyTable: Copy + Send + Sync {
    /// The kind of ID that owners have.
    type Owner: Send;
    /// A display name, as the table stores it.
    type Name: Column + Param;
    /// The statements of the table. Where passkeys belong to a project, its number is their first parameter.
    const STATEMENTS: &'static PasskeyStatements;

    /// The number of the project that the passkeys belong to, if any.
    fn project(&self) -> Option<&i64>;
}

/// The users of a project.
impl PasskeyTable for ProjectNo {
    type Owner = UserKind;
    type Name = Option<String>;
    const STATEMENTS: &'static PasskeyStatements = USERS;

    fn project(&self) -> Option<&i64> {
        Some(&self.0)
    }
}

/// The statements of a table of passkeys.
#[derive(Debug)]
pub struct PasskeyStatements {
    pub(crate) insert: Sql,
    pub(crate) find: Sql,
    pub(crate) list: Sql,
    pub(crate) record_use: Sql,
    pub(crate) rename: Sql,
    pub(crate) remove: Sql,
}

/// A passkey as it is stored.
#[derive(Clone, Debug, PartialEq)]
pub struct Passkey<Owner, Name> {
    /// The credential ID (WebAuthn §4); unique among the passkeys of a project's users, and among those of operators.
    pub credential_id: Vec<u8>,
    /// The ID that events and forms use.
    pub id: IdentityId,
    /// The user or operator.
    pub owner: Owner,
    /// The COSE key (RFC 9052 §7) from the authenticator.
    pub public_key: Vec<u8>,
    /// The signature counter of the authenticator; many always report 0.
    pub sign_count: i64,
    /// The display name.
    pub name: Name,
    /// When it was added.
    pub created_at: Timestamp,
    /// When the owner last used it.
    pub last_used_at: Option<Timestamp>,
    /// Whether the authenticator may back it up; `None` for passkeys added before version 0.2, until their next use.
    pub backup_eligible: Option<bool>,
}

/// A passkey of a user.
pub type PasskeyRow = Passkey<UserId, Option<String>>;

/// A verified use of a passkey.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PasskeyUse {
    /// Which passkey.
    pub credential_id: Vec<u8>,
    /// The signature counter from the authenticator.
    pub sign_count: i64,
    /// Whether the authenticator may back it up.
    pub backup_eligible: bool,
}

fn read_passkey<K, Name: Column>(row: &Row<'_>) -> Result<Passkey<Id<K>, Name>, StoreError> {
    Ok(Passkey {
        credential_id: row.get(0)?,
        id: read_id(row, 1)?,
        owner: read_id(row, 2)?,
        public_key: row.get(3)?,
        sign_count: row.get(4)?,
        name: row.get(5)?,
        created_at: read_time(row, 6)?,
        last_used_at: read_optional_time(row, 7)?,
        backup_eligible: row.get::<Option<i64>>(8)?.map(|flag| flag != 0),
    })
}

/// The parameters of a statement: the project's number, if the table has one, and these.
fn scoped<'a>(table: &'a impl PasskeyTable, rest: &[&'a dyn Param]) -> Vec<&'a dyn Param> {
    table.project().map(|no| no as &dyn Param).into_iter().chain(rest.iter().copied()).collect()
}

/// Adds a passkey; `false` when its credential id is taken.
pub async fn insert<T: PasskeyTable>(
    tx: &mut Tx,
    table: T,
    row: &Passkey<Id<T::Owner>, T::Name>,
) -> Result<bool, StoreError> {
    let (last_used_at, backup) = (row.last_used_at.map(Timestamp::as_micros), row.backup_eligible.map(i64::from));
    let params: [&dyn Param; 9] = [
        &row.credential_id.as_slice(),
        &row.id.as_bytes().as_slice(),
        &row.owner.as_bytes().as_slice(),
        &row.public_key.as_slice(),
        &row.sign_count,
        &row.name,
        &row.created_at.as_micros(),
        &last_used_at,
        &backup,
    ];
    tx.execute_one(&T::STATEMENTS.insert, &scoped(&table, &params)).await
}

/// The passkey with this credential id.
pub async fn find<T: PasskeyTable>(
    conn: &mut Conn,
    table: T,
    credential_id: &[u8],
) -> Result<Option<Passkey<Id<T::Owner>, T::Name>>, StoreError> {
    conn.query_optional(&T::STATEMENTS.find, &scoped(&table, &[&credential_id]), read_passkey).await
}

/// Every passkey of an owner, oldest first.
pub async fn list<T: PasskeyTable>(
    conn: &mut Conn,
    table: T,
    owner: Id<T::Owner>,
) -> Result<Vec<Passkey<Id<T::Owner>, T::Name>>, StoreError> {
    let owner = owner.as_bytes().as_slice();
    conn.query_all(&T::STATEMENTS.list, &scoped(&table, &[&owner]), read_passkey).await
}

/// Records a use; `false` when the counter did not increase (a copy of the passkey exists), the backup eligibility
/// changed, or the passkey is gone.
pub async fn record_use<T: PasskeyTable>(
    tx: &mut Tx,
    table: T,
    used: &PasskeyUse,
    now: Timestamp,
) -> Result<bool, StoreError> {
    let PasskeyUse { credential_id, sign_count, backup_eligible } = used;
    let (credential_id, backup) = (credential_id.as_slice(), i64::from(*backup_eligible));
    let now = now.as_micros();
    tx.execute_one(&T::STATEMENTS.record_use, &scoped(&table, &[&credential_id, sign_count, &now, &backup])).await
}

/// Renames a passkey of an owner; `false` when it does not exist.
pub async fn rename<T: PasskeyTable>(
    tx: &mut Tx,
    table: T,
    owner: Id<T::Owner>,
    id: IdentityId,
    name: &T::Name,
) -> Result<bool, StoreError> {
    let (owner, id) = (owner.as_bytes().as_slice(), id.as_bytes().as_slice());
    tx.execute_one(&T::STATEMENTS.rename, &scoped(&table, &[&owner, &id, name])).await
}

/// Removes a passkey of an owner; `false` when it does not exist.
pub async fn remove<T: PasskeyTable>(
    tx: &mut Tx,
    table: T,
    owner: Id<T::Owner>,
    id: IdentityId,
) -> Result<bool, StoreError> {
    let (owner, id) = (owner.as_bytes().as_slice(), id.as_bytes().as_slice());
    tx.execute_one(&T::STATEMENTS.remove, &scoped(&table, &[&owner, &id])).await
}

const USERS: &PasskeyStatements = &PasskeyStatements {
    insert: Sql::new(
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
    ),
    find: Sql::new(
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
    ),
    list: Sql::new(
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
    ),
    record_use: Sql::new(
        "UPDATE passkeys
         SET sign_count = $3,
             last_used_at = $4,
             backup_eligible = $5
         WHERE project_no = $1 AND credential_id = $2
           AND (sign_count < $3 OR (sign_count = 0 AND $3 = 0))
           AND (backup_eligible IS NULL OR backup_eligible = $5)",
    ),
    rename: Sql::new(
        "UPDATE passkeys
         SET name = $4
         WHERE project_no = $1 AND user_id = $2 AND id = $3",
    ),
    remove: Sql::new("DELETE FROM passkeys WHERE project_no = $1 AND user_id = $2 AND id = $3"),
};
