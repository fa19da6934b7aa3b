//! The device keys of guests. SQL over `device_keys`; no policy.

use std::time::Duration;

use vestibule_domain::{
    id::{IdentityId, ProjectNo, UserId},
    time::Timestamp,
    user::User,
};

use crate::{
    column::{read_id, read_optional_time, read_time},
    db::{Conn, Row, Sql, StoreError, Tx},
    users::{read_user, user_columns},
};

/// Every statement of this file.
pub const STATEMENTS: &[&Sql] =
    &[&INSERT, &FIND, &FIND_WITH_USER, &LIST, &LAST_USE, &RECORD_USE, &MARK_PROMOTED, &UNMARK_PROMOTED, &REMOVE];

/// A stored public key of a device.
#[derive(Clone, Debug, PartialEq)]
pub struct DeviceKeyRow {
    /// The key's ID, chosen by the device; unique in the project.
    pub kid: String,
    /// The identity's id.
    pub id: IdentityId,
    /// The owner.
    pub user_id: UserId,
    /// The public key as JSON (RFC 7517).
    pub jwk: String,
    /// When it was registered.
    pub created_at: Timestamp,
    /// When it last signed a valid proof, to the hour.
    pub last_used_at: Timestamp,
    /// When its owner was promoted; from then on the key is not accepted.
    pub promoted_at: Option<Timestamp>,
    /// The device's display name.
    pub device: Option<String>,
}

/// The columns of a key in the order of [`read_key`], each after the name of its table and a dot, or after nothing.
macro_rules! device_key_columns {
    ($of:literal) => {
        concat!(
            $of,
            "kid, ",
            $of,
            "id, ",
            $of,
            "user_id, ",
            $of,
            "jwk, ",
            $of,
            "created_at, ",
            $of,
            "last_used_at, ",
            $of,
            "promoted_at, ",
            $of,
            "device"
        )
    };
}
pub(crate) use device_key_columns;

fn read_key(row: &Row<'_>) -> Result<DeviceKeyRow, StoreError> {
    Ok(DeviceKeyRow {
        kid: row.get(0)?,
        id: read_id(row, 1)?,
        user_id: read_id(row, 2)?,
        jwk: row.get(3)?,
        created_at: read_time(row, 4)?,
        last_used_at: read_time(row, 5)?,
        promoted_at: read_optional_time(row, 6)?,
        device: row.get(7)?,
    })
}

pub(crate) const INSERT: Sql = Sql::new(concat!(
    "INSERT INTO device_keys (
       project_no,
       ",
    device_key_columns!(""),
    "
     ) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)
     ON CONFLICT DO NOTHING"
));

/// Adds a key; `false` when its `kid` is taken.
pub async fn insert(tx: &mut Tx, p: ProjectNo, key: &DeviceKeyRow) -> Result<bool, StoreError> {
    tx.execute_one(
        &INSERT,
        &[
            &p.0,
            &key.kid.as_str(),
            &key.id.as_bytes().as_slice(),
            &key.user_id.as_bytes().as_slice(),
            &key.jwk.as_str(),
            &key.created_at.as_micros(),
            &key.last_used_at.as_micros(),
            &key.promoted_at.map(Timestamp::as_micros),
            &key.device.as_deref(),
        ],
    )
    .await
}

const FIND: Sql = Sql::new(concat!(
    "SELECT
       ",
    device_key_columns!(""),
    "
     FROM device_keys
     WHERE project_no = $1 AND kid = $2"
));

/// The key with this `kid`.
pub async fn find(conn: &mut Conn, p: ProjectNo, kid: &str) -> Result<Option<DeviceKeyRow>, StoreError> {
    conn.query_optional(&FIND, &[&p.0, &kid], read_key).await
}

const FIND_WITH_USER: Sql = Sql::new(concat!(
    "SELECT
       ",
    device_key_columns!("k."),
    ",
       ",
    user_columns!("u."),
    "
     FROM device_keys k
     JOIN users u ON u.project_no = k.project_no AND u.id = k.user_id
     WHERE k.project_no = $1 AND k.kid = $2"
));

/// Number of columns of [`FIND_WITH_USER`] that belong to the key.
const COLUMNS: usize = 8;

/// The key with this `kid`, and its owner.
pub async fn find_with_user(
    conn: &mut Conn,
    p: ProjectNo,
    kid: &str,
) -> Result<Option<(DeviceKeyRow, User)>, StoreError> {
    conn.query_optional(&FIND_WITH_USER, &[&p.0, &kid], |row| Ok((read_key(row)?, read_user(row, COLUMNS)?))).await
}

const LIST: Sql = Sql::new(concat!(
    "SELECT
       ",
    device_key_columns!(""),
    "
     FROM device_keys
     WHERE project_no = $1 AND user_id = $2
     ORDER BY id"
));

/// Every key of a user, oldest first.
pub async fn list(conn: &mut Conn, p: ProjectNo, user: UserId) -> Result<Vec<DeviceKeyRow>, StoreError> {
    conn.query_all(&LIST, &[&p.0, &user.as_bytes().as_slice()], read_key).await
}

/// Precision of the last use: a device that signs in more often writes no row of its key.
const USE_PRECISION: Duration = Duration::from_secs(3_600);

const LAST_USE: Sql = Sql::both(
    "SELECT last_used_at
     FROM device_keys
     WHERE project_no = $1 AND kid = $2
       AND user_id = $3
       AND promoted_at IS NULL",
    // Lock the row until the commit, so that a promotion or removal cannot happen in between.
    "SELECT last_used_at
     FROM device_keys
     WHERE project_no = $1 AND kid = $2
       AND user_id = $3
       AND promoted_at IS NULL
     FOR NO KEY UPDATE",
);

const RECORD_USE: Sql = Sql::new(
    "UPDATE device_keys
     SET last_used_at = $3
     WHERE project_no = $1 AND kid = $2",
);

/// Records a use of a user's key, to the hour; `false` when the key no longer belongs to the user.
pub async fn record_use(
    tx: &mut Tx,
    p: ProjectNo,
    kid: &str,
    user: UserId,
    now: Timestamp,
) -> Result<bool, StoreError> {
    let last =
        tx.query_optional(&LAST_USE, &[&p.0, &kid, &user.as_bytes().as_slice()], |row| read_time(row, 0)).await?;
    let Some(last) = last else { return Ok(false) };
    if now.since(last) < USE_PRECISION {
        return Ok(true);
    }
    tx.execute_one(&RECORD_USE, &[&p.0, &kid, &now.as_micros()]).await
}

const MARK_PROMOTED: Sql = Sql::new(
    "UPDATE device_keys
     SET promoted_at = $3
     WHERE project_no = $1 AND user_id = $2
       AND promoted_at IS NULL",
);

/// Marks every key of a user as promoted; returns how many.
pub async fn mark_promoted(tx: &mut Tx, p: ProjectNo, user: UserId, now: Timestamp) -> Result<u64, StoreError> {
    tx.execute(&MARK_PROMOTED, &[&p.0, &user.as_bytes().as_slice(), &now.as_micros()]).await
}

const UNMARK_PROMOTED: Sql = Sql::new(
    "UPDATE device_keys
     SET promoted_at = NULL
     WHERE project_no = $1 AND user_id = $2 AND promoted_at = $3",
);

/// Takes back what [`mark_promoted`] did at a time; returns for how many keys.
pub async fn unmark_promoted(tx: &mut Tx, p: ProjectNo, user: UserId, at: Timestamp) -> Result<u64, StoreError> {
    tx.execute(&UNMARK_PROMOTED, &[&p.0, &user.as_bytes().as_slice(), &at.as_micros()]).await
}

const REMOVE: Sql = Sql::new("DELETE FROM device_keys WHERE project_no = $1 AND kid = $2 AND user_id = $3");

/// Removes a key of a user; `false` when it does not exist.
pub async fn remove(tx: &mut Tx, p: ProjectNo, kid: &str, user: UserId) -> Result<bool, StoreError> {
    tx.execute_one(&REMOVE, &[&p.0, &kid, &user.as_bytes().as_slice()]).await
}
