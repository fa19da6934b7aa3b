//! Admin API keys and idempotency records. SQL over `admin_keys` and `idempotency`; no policy.

use vestibule_domain::{id::ProjectNo, secret::TokenHash, time::Timestamp};

use crate::{
    column::{read_hash, read_optional_hash, read_optional_time, read_time},
    db::{Conn, Row, Sql, StoreError, Tx},
};

/// Every statement of this file.
pub const STATEMENTS: &[&Sql] = &[
    &INSERT,
    &FIND,
    &LIST,
    &REVOKE,
    &RECORD_USE,
    &BEGIN_ANSWER,
    &FIND_ANSWER,
    &TAKE_OVER_ANSWER,
    &FINISH_ANSWER,
    &DROP_ANSWER,
    &REMOVE_EXPIRED_ANY_PROJECT,
];

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
    /// The HTTP status of the response; `None` while the request runs.
    pub status: Option<i64>,
    /// The response body.
    pub answer: Option<String>,
    /// When it began.
    pub started_at: Timestamp,
}

const BEGIN_ANSWER: Sql = Sql::new(
    "INSERT INTO idempotency (
       project_no,
       key_hash,
       request_hash,
       started_at,
       expires_at
     ) VALUES ($1, $2, $3, $4, $5)
     ON CONFLICT DO NOTHING",
);

/// Begins a write under an idempotency key; exactly one of several concurrent callers gets `true`.
pub async fn begin_answer(
    tx: &mut Tx,
    p: ProjectNo,
    key: TokenHash,
    request: TokenHash,
    now: Timestamp,
    expires_at: Timestamp,
) -> Result<bool, StoreError> {
    let (key, request) = (key.0.as_slice(), request.0.as_slice());
    tx.execute_one(&BEGIN_ANSWER, &[&p.0, &key, &request, &now.as_micros(), &expires_at.as_micros()]).await
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

const TAKE_OVER_ANSWER: Sql = Sql::new(
    "UPDATE idempotency
     SET started_at = $3
     WHERE project_no = $1 AND key_hash = $2
       AND status IS NULL
       AND started_at = $4",
);

/// Takes over a write whose first caller never finished; exactly one of several concurrent callers gets `true`.
pub async fn take_over_answer(
    tx: &mut Tx,
    p: ProjectNo,
    key: TokenHash,
    now: Timestamp,
    started_at: Timestamp,
) -> Result<bool, StoreError> {
    tx.execute_one(&TAKE_OVER_ANSWER, &[&p.0, &key.0.as_slice(), &now.as_micros(), &started_at.as_micros()]).await
}

const FINISH_ANSWER: Sql = Sql::new(
    "UPDATE idempotency
     SET status = $3,
         answer = $4
     WHERE project_no = $1 AND key_hash = $2",
);

/// Stores the response.
pub async fn finish_answer(
    tx: &mut Tx,
    p: ProjectNo,
    key: TokenHash,
    status: i64,
    answer: &str,
) -> Result<bool, StoreError> {
    tx.execute_one(&FINISH_ANSWER, &[&p.0, &key.0.as_slice(), &status, &answer]).await
}

const DROP_ANSWER: Sql = Sql::new("DELETE FROM idempotency WHERE project_no = $1 AND key_hash = $2");

/// Removes the record of a write that failed through no fault of the client, so that the client may retry.
pub async fn drop_answer(tx: &mut Tx, p: ProjectNo, key: TokenHash) -> Result<bool, StoreError> {
    tx.execute_one(&DROP_ANSWER, &[&p.0, &key.0.as_slice()]).await
}

const REMOVE_EXPIRED_ANY_PROJECT: Sql = Sql::new(
    "DELETE FROM idempotency
     WHERE (project_no, key_hash) IN (
       SELECT project_no, key_hash FROM idempotency WHERE expires_at < $1 ORDER BY expires_at LIMIT $2
     )",
);

/// Removes at most `limit` expired records; returns how many.
pub async fn remove_expired_any_project(tx: &mut Tx, now: Timestamp, limit: i64) -> Result<u64, StoreError> {
    tx.execute(&REMOVE_EXPIRED_ANY_PROJECT, &[&now.as_micros(), &limit]).await
}
