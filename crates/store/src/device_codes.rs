//! Device codes (RFC 8628), by their hash and by their user code. SQL over `device_codes`; no policy.

use vestibule_domain::{
    id::{ProjectNo, UserId},
    secret::TokenHash,
    time::Timestamp,
};

use crate::{
    column::{read_hash, read_time},
    db::{Conn, Row, Sql, StoreError, Tx},
    lock_order::remove_first,
};

/// Every statement of this file.
pub const STATEMENTS: &[&Sql] = &[&INSERT, &FIND, &FIND_BY_USER_CODE, &DECIDE, &TAKE, &REMOVE_EXPIRED_ANY_PROJECT];

/// A device that waits for tokens.
#[derive(Clone, Debug, PartialEq)]
pub struct DeviceCodeRow {
    /// The hash of its device code.
    pub code_hash: TokenHash,
    /// The code that a person enters.
    pub user_code: String,
    /// The application.
    pub client_id: String,
    /// The requested scope.
    pub scope: String,
    /// When both codes expire.
    pub expires_at: Timestamp,
    /// What the user decided, as JSON; `None` while it is open.
    pub decision: Option<String>,
}

fn read_row(row: &Row<'_>) -> Result<DeviceCodeRow, StoreError> {
    Ok(DeviceCodeRow {
        code_hash: read_hash(row, 0)?,
        user_code: row.get(1)?,
        client_id: row.get(2)?,
        scope: row.get(3)?,
        expires_at: read_time(row, 4)?,
        decision: row.get(5)?,
    })
}

const INSERT: Sql = Sql::new(
    "INSERT INTO device_codes (
       project_no,
       code_hash,
       user_code,
       client_id,
       scope,
       expires_at
     ) VALUES ($1, $2, $3, $4, $5, $6)
     ON CONFLICT DO NOTHING",
);

/// Adds a device code that is not decided; `false` when the user code is in use.
pub async fn insert(tx: &mut Tx, p: ProjectNo, row: &DeviceCodeRow) -> Result<bool, StoreError> {
    tx.execute_one(
        &INSERT,
        &[
            &p.0,
            &row.code_hash.0.as_slice(),
            &row.user_code.as_str(),
            &row.client_id.as_str(),
            &row.scope.as_str(),
            &row.expires_at.as_micros(),
        ],
    )
    .await
}

const FIND: Sql = Sql::new(
    "SELECT
       code_hash,
       user_code,
       client_id,
       scope,
       expires_at,
       decision
     FROM device_codes
     WHERE project_no = $1 AND code_hash = $2",
);

/// A device code, expired or not.
pub async fn find(conn: &mut Conn, p: ProjectNo, code: TokenHash) -> Result<Option<DeviceCodeRow>, StoreError> {
    conn.query_optional(&FIND, &[&p.0, &code.0.as_slice()], read_row).await
}

const FIND_BY_USER_CODE: Sql = Sql::new(
    "SELECT
       code_hash,
       user_code,
       client_id,
       scope,
       expires_at,
       decision
     FROM device_codes
     WHERE project_no = $1 AND user_code = $2",
);

/// The device code with this user code, expired or not.
pub async fn find_by_user_code(
    conn: &mut Conn,
    p: ProjectNo,
    user_code: &str,
) -> Result<Option<DeviceCodeRow>, StoreError> {
    conn.query_optional(&FIND_BY_USER_CODE, &[&p.0, &user_code], read_row).await
}

const DECIDE: Sql = Sql::new(
    "UPDATE device_codes
     SET decision = $3,
         user_id = $4
     WHERE project_no = $1 AND code_hash = $2
       AND decision IS NULL AND expires_at >= $5",
);

/// Records what a user decided; `false` when that was done before, or the code has expired.
pub async fn decide(
    tx: &mut Tx,
    p: ProjectNo,
    code: TokenHash,
    (decision, user): (&str, UserId),
    now: Timestamp,
) -> Result<bool, StoreError> {
    let user = user.as_bytes().as_slice();
    tx.execute_one(&DECIDE, &[&p.0, &code.0.as_slice(), &decision, &user, &now.as_micros()]).await
}

const TAKE: Sql = Sql::new(
    "DELETE FROM device_codes
     WHERE project_no = $1 AND code_hash = $2
       AND decision IS NOT NULL",
);

/// Removes a decided device code; of several concurrent callers, one gets `true`.
pub async fn take(tx: &mut Tx, p: ProjectNo, code: TokenHash) -> Result<bool, StoreError> {
    tx.execute_one(&TAKE, &[&p.0, &code.0.as_slice()]).await
}

const REMOVE_EXPIRED_ANY_PROJECT: Sql =
    remove_first!("device_codes", "project_no, code_hash", "expires_at < $1", "expires_at");

/// Removes at most `limit` device codes that expired before a time; returns how many.
pub async fn remove_expired_any_project(tx: &mut Tx, before: Timestamp, limit: i64) -> Result<u64, StoreError> {
    tx.execute(&REMOVE_EXPIRED_ANY_PROJECT, &[&before.as_micros(), &limit]).await
}
