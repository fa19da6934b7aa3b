//! Login IDs and passwords. SQL over `login_ids` and `passwords`; no policy.

use vestibule_domain::{
    id::{ProjectNo, UserId},
    identity::OwnedLoginId,
    time::Timestamp,
};

use crate::{
    column::{read_id, read_optional_time, read_time},
    db::{Conn, Row, Sql, StoreError, Tx},
    users::Endings,
};

/// Every statement of this file.
pub const STATEMENTS: &[&Sql] = &[
    &INSERT_LOGIN_ID,
    &FIND_LOGIN_ID,
    &FIND_LOGIN_ID_AND_ENDINGS,
    &LIST_LOGIN_IDS,
    &REMOVE_LOGIN_ID,
    &VERIFY_LOGIN_ID,
    &SET_PASSWORD,
    &FIND_PASSWORD,
    &REMOVE_PASSWORD,
];

fn read_login_id(row: &Row<'_>) -> Result<OwnedLoginId, StoreError> {
    Ok(OwnedLoginId {
        id: read_id(row, 0)?,
        user_id: read_id(row, 1)?,
        kind: row.get(2)?,
        value: row.get(3)?,
        original: row.get(4)?,
        verified_at: read_optional_time(row, 5)?,
        created_at: read_time(row, 6)?,
        updated_at: read_time(row, 7)?,
    })
}

const INSERT_LOGIN_ID: Sql = Sql::new(
    "INSERT INTO login_ids (
       project_no,
       kind,
       value,
       id,
       user_id,
       original,
       verified_at,
       created_at,
       updated_at
     ) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)
     ON CONFLICT DO NOTHING",
);

/// Adds a login ID; `false` when another identity has this value.
pub async fn insert_login_id(tx: &mut Tx, p: ProjectNo, row: &OwnedLoginId) -> Result<bool, StoreError> {
    tx.execute_one(
        &INSERT_LOGIN_ID,
        &[
            &p.0,
            &row.kind.as_str(),
            &row.value.as_str(),
            &row.id.as_bytes().as_slice(),
            &row.user_id.as_bytes().as_slice(),
            &row.original.as_str(),
            &row.verified_at.map(Timestamp::as_micros),
            &row.created_at.as_micros(),
            &row.updated_at.as_micros(),
        ],
    )
    .await
}

const FIND_LOGIN_ID: Sql = Sql::new(
    "SELECT
       id,
       user_id,
       kind,
       value,
       original,
       verified_at,
       created_at,
       updated_at
     FROM login_ids
     WHERE project_no = $1 AND kind = $2 AND value = $3",
);

/// The login ID with this normalized value.
pub async fn find_login_id(
    conn: &mut Conn,
    p: ProjectNo,
    kind: &str,
    value: &str,
) -> Result<Option<OwnedLoginId>, StoreError> {
    conn.query_optional(&FIND_LOGIN_ID, &[&p.0, &kind, &value], read_login_id).await
}

const FIND_LOGIN_ID_AND_ENDINGS: Sql = Sql::new(
    "SELECT
       id,
       user_id,
       kind,
       value,
       original,
       verified_at,
       created_at,
       updated_at,
       COALESCE((
         SELECT u.credential_generation
         FROM users u
         WHERE u.project_no = login_ids.project_no AND u.id = login_ids.user_id
       ), 0),
       COALESCE((
         SELECT u.full_endings
         FROM users u
         WHERE u.project_no = login_ids.project_no AND u.id = login_ids.user_id
       ), 0)
     FROM login_ids
     WHERE project_no = $1 AND kind = $2 AND value = $3",
);

/// The same with how often its user's sessions were ended, for a sign-in.
pub async fn find_login_id_and_endings(
    conn: &mut Conn,
    p: ProjectNo,
    kind: &str,
    value: &str,
) -> Result<Option<(OwnedLoginId, Endings)>, StoreError> {
    conn.query_optional(&FIND_LOGIN_ID_AND_ENDINGS, &[&p.0, &kind, &value], |row| {
        Ok((read_login_id(row)?, Endings { generation: row.get(8)?, full: row.get(9)? }))
    })
    .await
}

const LIST_LOGIN_IDS: Sql = Sql::new(
    "SELECT
       id,
       user_id,
       kind,
       value,
       original,
       verified_at,
       created_at,
       updated_at
     FROM login_ids
     WHERE project_no = $1 AND user_id = $2
     ORDER BY id",
);

/// Every login ID of a user, oldest first.
pub async fn list_login_ids(conn: &mut Conn, p: ProjectNo, user: UserId) -> Result<Vec<OwnedLoginId>, StoreError> {
    conn.query_all(&LIST_LOGIN_IDS, &[&p.0, &user.as_bytes().as_slice()], read_login_id).await
}

const REMOVE_LOGIN_ID: Sql = Sql::new("DELETE FROM login_ids WHERE project_no = $1 AND kind = $2 AND value = $3");

/// Removes a login ID; `false` when it does not exist.
pub async fn remove_login_id(tx: &mut Tx, p: ProjectNo, kind: &str, value: &str) -> Result<bool, StoreError> {
    tx.execute_one(&REMOVE_LOGIN_ID, &[&p.0, &kind, &value]).await
}

const VERIFY_LOGIN_ID: Sql = Sql::new(
    "UPDATE login_ids
     SET verified_at = $4,
         updated_at = $4
     WHERE project_no = $1 AND kind = $2 AND value = $3
       AND verified_at IS NULL",
);

/// Marks the login ID as verified; `false` when it already was, or does not exist.
pub async fn verify_login_id(
    tx: &mut Tx,
    p: ProjectNo,
    kind: &str,
    value: &str,
    now: Timestamp,
) -> Result<bool, StoreError> {
    tx.execute_one(&VERIFY_LOGIN_ID, &[&p.0, &kind, &value, &now.as_micros()]).await
}

/// A stored password.
#[derive(Clone, PartialEq, Eq)]
pub struct PasswordRow {
    /// The hash in PHC string format.
    pub hash: String,
    /// When the user first got a password.
    pub created_at: Timestamp,
    /// When it last changed.
    pub updated_at: Timestamp,
}

const SET_PASSWORD: Sql = Sql::new(
    "INSERT INTO passwords (
       project_no,
       user_id,
       hash,
       created_at,
       updated_at
     ) VALUES ($1, $2, $3, $4, $4)
     ON CONFLICT (project_no, user_id) DO UPDATE
     SET hash = excluded.hash,
         updated_at = excluded.updated_at",
);

/// Sets or replaces a user's password.
pub async fn set_password(
    tx: &mut Tx,
    p: ProjectNo,
    user: UserId,
    hash: &str,
    now: Timestamp,
) -> Result<(), StoreError> {
    tx.execute(&SET_PASSWORD, &[&p.0, &user.as_bytes().as_slice(), &hash, &now.as_micros()]).await.map(|_| ())
}

const FIND_PASSWORD: Sql = Sql::new(
    "SELECT
       hash,
       created_at,
       updated_at
     FROM passwords
     WHERE project_no = $1 AND user_id = $2",
);

/// The password of a user.
pub async fn find_password(conn: &mut Conn, p: ProjectNo, user: UserId) -> Result<Option<PasswordRow>, StoreError> {
    conn.query_optional(&FIND_PASSWORD, &[&p.0, &user.as_bytes().as_slice()], |row| {
        Ok(PasswordRow { hash: row.get(0)?, created_at: read_time(row, 1)?, updated_at: read_time(row, 2)? })
    })
    .await
}

const REMOVE_PASSWORD: Sql = Sql::new("DELETE FROM passwords WHERE project_no = $1 AND user_id = $2");

/// Removes the password of a user; `false` when it had none.
pub async fn remove_password(tx: &mut Tx, p: ProjectNo, user: UserId) -> Result<bool, StoreError> {
    tx.execute_one(&REMOVE_PASSWORD, &[&p.0, &user.as_bytes().as_slice()]).await
}
