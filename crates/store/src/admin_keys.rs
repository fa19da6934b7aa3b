//! Admin API keys and idempotency records. SQL over `admin_keys` and `idempotency`; no policy.

use vestibule_domain::{id::ProjectNo, secret::TokenHash, time::Timestamp};

use crate::{
    column::{read_hash, read_optional_hash, read_optional_time, read_time},
    db::{Conn, Row, Sql, StoreError, Tx},
    lock_order::remove_first,
};

/// Every statement of this file.
pub const STATEMENTS: &[&Sql] =
    &[&INSERT, &FIND, &LIST, &REVOKE, &RECORD_USE, &KEEP_ANSWER, &FIND_ANSWER, &REMOVE_EXPIRED_ANY_PROJECT];

/// A stored key: an API key or the public half of a signing key.
#[derive(Clone, Debug, PartialEq)]
pub struct AdminKeyRow {
    /// Its id: the first half of an API key, the `kid` of a signing key.
    pub id: String,
    /// The display name.
    pub name: String,
    /// The hash of an API key's secret half.
    pub secret_hash: Option<TokenHash>,
    /// The public half of a signing key, a JWK.
    pub public_jwk: Option<String>,
    /// Scopes, separated by spaces.
    pub scopes: String,
    /// When it was created.
    pub created_at: Timestamp,
    /// When it was last used, to about an hour.
    pub last_used_at: Option<Timestamp>,
    /// When it was revoked; the key is refused from then on.
    pub revoked_at: Option<Timestamp>,
}

fn read_key(row: &Row<'_>) -> Result<AdminKeyRow, StoreError> {
    Ok(AdminKeyRow {
        id: row.get(0)?,
        name: row.get(1)?,
        secret_hash: read_optional_hash(row, 2)?,
        public_jwk: row.get(3)?,
        scopes: row.get(4)?,
        created_at: read_time(row, 5)?,
        last_used_at: read_optional_time(row, 6)?,
        revoked_at: read_optional_time(row, 7)?,
    })
}

const INSERT: Sql = Sql::new(
    "INSERT INTO admin_keys (
       project_no,
       id,
       name,
       secret_hash,
       public_jwk,
       scopes,
       created_at
     ) VALUES ($1, $2, $3, $4, $5, $6, $7)
     ON CONFLICT DO NOTHING",
);

/// Adds a key; `false` when its id is taken.
pub async fn insert(tx: &mut Tx, p: ProjectNo, key: &AdminKeyRow) -> Result<bool, StoreError> {
    let hash = key.secret_hash.as_ref().map(|hash| hash.0.as_slice());
    tx.execute_one(
        &INSERT,
        &[
            &p.0,
            &key.id.as_str(),
            &key.name.as_str(),
            &hash,
            &key.public_jwk.as_deref(),
            &key.scopes.as_str(),
            &key.created_at.as_micros(),
        ],
    )
    .await
}

const FIND: Sql = Sql::new(
    "SELECT
       id,
       name,
       secret_hash,
       public_jwk,
       scopes,
       created_at,
       last_used_at,
       revoked_at
     FROM admin_keys
     WHERE project_no = $1 AND id = $2",
);

/// The key with this id.
pub async fn find(conn: &mut Conn, p: ProjectNo, id: &str) -> Result<Option<AdminKeyRow>, StoreError> {
    conn.query_optional(&FIND, &[&p.0, &id], read_key).await
}

const LIST: Sql = Sql::new(
    "SELECT
       id,
       name,
       secret_hash,
       public_jwk,
       scopes,
       created_at,
       last_used_at,
       revoked_at
     FROM admin_keys
     WHERE project_no = $1
     ORDER BY created_at, id",
);

/// Every key of a project, oldest first.
pub async fn list(conn: &mut Conn, p: ProjectNo) -> Result<Vec<AdminKeyRow>, StoreError> {
    conn.query_all(&LIST, &[&p.0], read_key).await
}

const REVOKE: Sql = Sql::new(
    "UPDATE admin_keys
     SET revoked_at = $3
     WHERE project_no = $1 AND id = $2
       AND revoked_at IS NULL",
);

/// Revokes a key; `false` when it was revoked or does not exist.
pub async fn revoke(tx: &mut Tx, p: ProjectNo, id: &str, now: Timestamp) -> Result<bool, StoreError> {
    tx.execute_one(&REVOKE, &[&p.0, &id, &now.as_micros()]).await
}

const RECORD_USE: Sql = Sql::new("UPDATE admin_keys SET last_used_at = $3 WHERE project_no = $1 AND id = $2");

/// Records a use.
pub async fn record_use(tx: &mut Tx, p: ProjectNo, id: &str, now: Timestamp) -> Result<bool, StoreError> {
    tx.execute_one(&RECORD_USE, &[&p.0, &id, &now.as_micros()]).await
}

/// The record of one request with an `Idempotency-Key`.
#[derive(Clone, Debug, PartialEq)]
pub struct AnswerRow {
    /// The hash of the request, to tell a repeat from another request under the same key.
    pub request_hash: TokenHash,
    /// The HTTP status of the response; `None` while a node of an earlier release runs the request.
    pub status: Option<i64>,
    /// The response body.
    pub answer: Option<String>,
    /// When it was written, or when that node began.
    pub started_at: Timestamp,
}

/// The answer to a write, to keep with it.
#[derive(Clone, Copy, Debug)]
pub struct NewAnswer<'a> {
    /// The hash of the idempotency key.
    pub key: TokenHash,
    /// The hash of the request.
    pub request: TokenHash,
    /// The HTTP status of the response.
    pub status: i64,
    /// The response body.
    pub answer: &'a str,
    /// The time of the write.
    pub now: Timestamp,
    /// When it may be removed.
    pub expires_at: Timestamp,
    /// A request that a node of an earlier release began before this time, and did not finish, is treated as lost.
    pub lost_before: Timestamp,
}

const KEEP_ANSWER: Sql = Sql::new(
    "INSERT INTO idempotency (
       project_no,
       key_hash,
       request_hash,
       status,
       answer,
       started_at,
       expires_at
     ) VALUES ($1, $2, $3, $4, $5, $6, $7)
     ON CONFLICT (project_no, key_hash) DO UPDATE
     SET request_hash = excluded.request_hash,
         status = excluded.status,
         answer = excluded.answer,
         started_at = excluded.started_at,
         expires_at = excluded.expires_at
     WHERE idempotency.status IS NULL
       AND idempotency.started_at < $8",
);

/// Keeps the answer to a write, in the transaction of the write; `false` when the key has one already: the transaction
/// must be rolled back, because the write was done by another request. Of several concurrent ones, exactly one gets
/// `true`.
pub async fn keep_answer(tx: &mut Tx, p: ProjectNo, new: &NewAnswer<'_>) -> Result<bool, StoreError> {
    let NewAnswer { key, request, status, answer, now, expires_at, lost_before } = new;
    tx.execute_one(
        &KEEP_ANSWER,
        &[
            &p.0,
            &key.0.as_slice(),
            &request.0.as_slice(),
            status,
            answer,
            &now.as_micros(),
            &expires_at.as_micros(),
            &lost_before.as_micros(),
        ],
    )
    .await
}

const FIND_ANSWER: Sql = Sql::new(
    "SELECT
       request_hash,
       status,
       answer,
       started_at
     FROM idempotency
     WHERE project_no = $1 AND key_hash = $2",
);

/// The record under this key.
pub async fn find_answer(conn: &mut Conn, p: ProjectNo, key: TokenHash) -> Result<Option<AnswerRow>, StoreError> {
    conn.query_optional(&FIND_ANSWER, &[&p.0, &key.0.as_slice()], |row| {
        Ok(AnswerRow {
            request_hash: read_hash(row, 0)?,
            status: row.get(1)?,
            answer: row.get(2)?,
            started_at: read_time(row, 3)?,
        })
    })
    .await
}

const REMOVE_EXPIRED_ANY_PROJECT: Sql =
    remove_first!("idempotency", "project_no, key_hash", "expires_at < $1", "expires_at");

/// Removes at most `limit` expired records; returns how many.
pub async fn remove_expired_any_project(tx: &mut Tx, now: Timestamp, limit: i64) -> Result<u64, StoreError> {
    tx.execute(&REMOVE_EXPIRED_ANY_PROJECT, &[&now.as_micros(), &limit]).await
}
