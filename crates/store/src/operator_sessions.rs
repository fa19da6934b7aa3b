//! Portal sessions of operators. SQL over `operator_sessions`; no policy.

use vestibule_domain::{id::OperatorId, secret::TokenHash, time::Timestamp};

use crate::{
    column::{read_id, read_time},
    db::{Conn, Sql, StoreError, Tx},
    lock_order::remove_first,
    operators,
};

/// Every statement of this file.
pub const STATEMENTS: &[&Sql] =
    &[&INSERT, &FIND, &TOUCH, &PROVE, &REMOVE, &REMOVE_OF_OPERATOR, &REMOVE_OTHERS, &REMOVE_UNUSED];

/// A session as it is stored.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct OperatorSession {
    /// SHA-256 of the cookie's value.
    pub token: TokenHash,
    /// The operator.
    pub operator_id: OperatorId,
    /// When it began.
    pub created_at: Timestamp,
    /// Its last recorded use.
    pub last_access_at: Timestamp,
    /// When the operator last authenticated.
    pub proved_at: Timestamp,
}

const INSERT: Sql = Sql::new(
    "INSERT INTO operator_sessions (
       token_hash,
       operator_id,
       created_at,
       last_access_at,
       proved_at
     ) VALUES ($1, $2, $3, $3, $3)",
);

/// Adds a session for an operator who has just authenticated.
pub async fn insert(tx: &mut Tx, token: TokenHash, id: OperatorId, now: Timestamp) -> Result<(), StoreError> {
    tx.execute(&INSERT, &[&token.0.as_slice(), &id.as_bytes().as_slice(), &now.as_micros()]).await.map(drop)
}

const FIND: Sql = Sql::new(
    "SELECT
       operator_id,
       created_at,
       last_access_at,
       proved_at
     FROM operator_sessions
     WHERE token_hash = $1",
);

/// The session with this cookie.
pub async fn find(conn: &mut Conn, token: TokenHash) -> Result<Option<OperatorSession>, StoreError> {
    conn.query_optional(&FIND, &[&token.0.as_slice()], |row| {
        Ok(OperatorSession {
            token,
            operator_id: read_id(row, 0)?,
            created_at: read_time(row, 1)?,
            last_access_at: read_time(row, 2)?,
            proved_at: read_time(row, 3)?,
        })
    })
    .await
}

const TOUCH: Sql = Sql::new("UPDATE operator_sessions SET last_access_at = $2 WHERE token_hash = $1");

/// Records a use.
pub async fn touch(tx: &mut Tx, token: TokenHash, now: Timestamp) -> Result<bool, StoreError> {
    tx.execute_one(&TOUCH, &[&token.0.as_slice(), &now.as_micros()]).await
}

const PROVE: Sql = Sql::new("UPDATE operator_sessions SET proved_at = $2 WHERE token_hash = $1");

/// Records that the operator authenticated again.
pub async fn prove(tx: &mut Tx, token: TokenHash, now: Timestamp) -> Result<bool, StoreError> {
    tx.execute_one(&PROVE, &[&token.0.as_slice(), &now.as_micros()]).await
}

const REMOVE: Sql = Sql::new("DELETE FROM operator_sessions WHERE token_hash = $1");

/// Removes a session.
pub async fn remove(tx: &mut Tx, token: TokenHash) -> Result<bool, StoreError> {
    tx.execute_one(&REMOVE, &[&token.0.as_slice()]).await
}

const REMOVE_OF_OPERATOR: Sql = Sql::new("DELETE FROM operator_sessions WHERE operator_id = $1");

/// Removes every session of an operator, and begins its next credential generation, which is returned: no browser is known
/// for it any more.
pub async fn remove_of_operator(tx: &mut Tx, id: OperatorId) -> Result<i64, StoreError> {
    tx.execute(&REMOVE_OF_OPERATOR, &[&id.as_bytes().as_slice()]).await?;
    operators::raise_generation(tx, id).await
}

const REMOVE_OTHERS: Sql = Sql::new("DELETE FROM operator_sessions WHERE operator_id = $1 AND token_hash <> $2");

/// Removes every session of an operator except one; otherwise as [`remove_of_operator`].
pub async fn remove_others(tx: &mut Tx, id: OperatorId, kept: TokenHash) -> Result<i64, StoreError> {
    tx.execute(&REMOVE_OTHERS, &[&id.as_bytes().as_slice(), &kept.0.as_slice()]).await?;
    operators::raise_generation(tx, id).await
}

const REMOVE_UNUSED: Sql = remove_first!("operator_sessions", "token_hash", "last_access_at < $1", "last_access_at");

/// Removes at most `limit` sessions unused since a time.
pub async fn remove_unused(tx: &mut Tx, since: Timestamp, limit: i64) -> Result<u64, StoreError> {
    tx.execute(&REMOVE_UNUSED, &[&since.as_micros(), &limit]).await
}
