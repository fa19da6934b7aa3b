//! Accounts at providers, with which users sign in. SQL over `external_accounts`; no policy.

use serde_json::{Map, Value};
use vestibule_domain::{
    id::{IdentityId, ProjectNo, UserId},
    identity::ExternalAccount,
    time::Timestamp,
};

use crate::{
    column::{print_object, read_id, read_object, read_time},
    db::{Conn, Row, Sql, StoreError, Tx},
};

/// Every statement of this file.
pub const STATEMENTS: &[&Sql] = &[&INSERT, &FIND, &LIST, &RECORD_USE, &REMOVE];

fn read_account(row: &Row<'_>) -> Result<ExternalAccount, StoreError> {
    Ok(ExternalAccount {
        id: read_id(row, 0)?,
        user_id: read_id(row, 1)?,
        provider: row.get(2)?,
        subject: row.get(3)?,
        profile: read_object(row, 4)?,
        created_at: read_time(row, 5)?,
        updated_at: read_time(row, 6)?,
    })
}

const INSERT: Sql = Sql::new(
    "INSERT INTO external_accounts (
       project_no,
       provider,
       subject,
       id,
       user_id,
       profile,
       created_at,
       updated_at
     ) VALUES ($1, $2, $3, $4, $5, $6, $7, $8)
     ON CONFLICT DO NOTHING",
);

/// Adds an account; `false` when it belongs to a user already.
pub async fn insert(tx: &mut Tx, p: ProjectNo, account: &ExternalAccount) -> Result<bool, StoreError> {
    tx.execute_one(
        &INSERT,
        &[
            &p.0,
            &account.provider.as_str(),
            &account.subject.as_str(),
            &account.id.as_bytes().as_slice(),
            &account.user_id.as_bytes().as_slice(),
            &print_object(&account.profile),
            &account.created_at.as_micros(),
            &account.updated_at.as_micros(),
        ],
    )
    .await
}

const FIND: Sql = Sql::new(
    "SELECT
       id,
       user_id,
       provider,
       subject,
       profile,
       created_at,
       updated_at
     FROM external_accounts
     WHERE project_no = $1 AND provider = $2 AND subject = $3",
);

/// The account with this ID at a provider.
pub async fn find(
    conn: &mut Conn,
    p: ProjectNo,
    provider: &str,
    subject: &str,
) -> Result<Option<ExternalAccount>, StoreError> {
    conn.query_optional(&FIND, &[&p.0, &provider, &subject], read_account).await
}

const LIST: Sql = Sql::new(
    "SELECT
       id,
       user_id,
       provider,
       subject,
       profile,
       created_at,
       updated_at
     FROM external_accounts
     WHERE project_no = $1 AND user_id = $2
     ORDER BY id",
);

/// Every account of a user, oldest first.
pub async fn list(conn: &mut Conn, p: ProjectNo, user: UserId) -> Result<Vec<ExternalAccount>, StoreError> {
    conn.query_all(&LIST, &[&p.0, &user.as_bytes().as_slice()], read_account).await
}

const RECORD_USE: Sql = Sql::new(
    "UPDATE external_accounts
     SET profile = $5,
         updated_at = $6
     WHERE project_no = $1 AND provider = $2 AND subject = $3 AND user_id = $4",
);

/// Records a sign-in with an account of a user, and what the provider said; `false` when it is no account of that user.
pub async fn record_use(
    tx: &mut Tx,
    p: ProjectNo,
    (provider, subject): (&str, &str),
    user: UserId,
    profile: &Map<String, Value>,
    now: Timestamp,
) -> Result<bool, StoreError> {
    let (user, profile) = (user.as_bytes().as_slice(), print_object(profile));
    tx.execute_one(&RECORD_USE, &[&p.0, &provider, &subject, &user, &profile, &now.as_micros()]).await
}

const REMOVE: Sql = Sql::new("DELETE FROM external_accounts WHERE project_no = $1 AND user_id = $2 AND id = $3");

/// Removes an account of a user; `false` when it does not exist.
pub async fn remove(tx: &mut Tx, p: ProjectNo, user: UserId, id: IdentityId) -> Result<bool, StoreError> {
    tx.execute_one(&REMOVE, &[&p.0, &user.as_bytes().as_slice(), &id.as_bytes().as_slice()]).await
}
