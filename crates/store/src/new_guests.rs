//! What several new guests consist of, written together: on PostgreSQL each kind of row in one statement. SQL over `users`, `grants`,
//! `sessions` and `device_keys`; no policy.

use vestibule_domain::{grant::Grant, id::ProjectNo, session::Session, time::Timestamp, user::User};

use crate::{
    db::{Array, Engine, Param, Sql, StoreError, Tx},
    device_keys::{self, DeviceKeyRow, device_key_columns},
    grants::{self, grant_columns},
    sessions::{self, session_columns},
    users,
};

/// Every statement of this file.
pub const STATEMENTS: &[&Sql] = &[&INSERT_USERS, &INSERT_GRANTS, &INSERT_SESSIONS, &INSERT_DEVICE_KEYS];

/// Adds a guest without further attributes, or several: their values are what comes last.
macro_rules! insert_fresh_guests {
    ($values:literal) => {
        concat!(
            "INSERT INTO users (
       project_no,
       id,
       created_at,
       updated_at,
       anonymous_since
     ) ",
            $values
        )
    };
}
pub(crate) use insert_fresh_guests;

/// `users::INSERT_FRESH_GUEST` for several.
const INSERT_USERS: Sql = Sql::both(
    users::INSERT_FRESH_GUEST.text(Engine::Sqlite),
    insert_fresh_guests!(
        "SELECT
       project_no,
       id,
       created_at,
       created_at,
       created_at
     FROM unnest(
       CAST($1 AS BIGINT[]),
       CAST($2 AS BYTEA[]),
       CAST($3 AS BIGINT[])
     ) AS added (project_no, id, created_at)"
    ),
);

/// Adds users, on PostgreSQL the plain guests in one statement.
///
/// # Errors
/// [`StoreError::Conflict`] when an id is taken.
pub async fn insert_users(tx: &mut Tx, all: &[(ProjectNo, &User)]) -> Result<(), StoreError> {
    let can_join = tx.engine() == Engine::Postgres && all.len() > 1;
    let is_plain = |user: &User| *user == User::new_guest(user.id, user.created_at);
    let (plain, others): (Vec<_>, Vec<_>) = all.iter().partition(|(_, user)| can_join && is_plain(user));
    if !plain.is_empty() {
        let projects: Array<i64> = plain.iter().map(|(p, _)| p.0).collect();
        let ids: Array<&[u8]> = plain.iter().map(|(_, user)| user.id.as_bytes().as_slice()).collect();
        let times: Array<i64> = plain.iter().map(|(_, user)| user.created_at.as_micros()).collect();
        tx.execute(&INSERT_USERS, &[&projects, &ids, &times]).await?;
    }
    for (p, user) in others {
        users::insert(tx, p, user).await?;
    }
    Ok(())
}

/// `grants::INSERT_PLAIN` for several grants, with what a new guest's grant of any application has.
const INSERT_GRANTS: Sql = Sql::both(
    grants::INSERT_PLAIN.text(Engine::Sqlite),
    concat!(
        "INSERT INTO grants (
       project_no,
       ",
        grant_columns!(""),
        "
     )
     SELECT
       begun.*,
       NULL,
       NULL,
       NULL,
       0,
       NULL
     FROM unnest(
       CAST($1 AS BIGINT[]),
       CAST($2 AS BYTEA[]),
       CAST($3 AS BYTEA[]),
       CAST($4 AS TEXT[]),
       CAST($5 AS BYTEA[]),
       CAST($6 AS TEXT[]),
       CAST($7 AS BIGINT[]),
       CAST($7 AS BIGINT[]),
       CAST($7 AS BIGINT[]),
       CAST($8 AS TEXT[]),
       CAST($9 AS TEXT[]),
       CAST($10 AS TEXT[])
     ) AS begun"
    ),
);

/// Whether [`INSERT_GRANTS`] writes all values of a grant.
fn is_begun(grant: &Grant) -> bool {
    let Grant {
        session_id, previous, has_revoked_tokens, ends_at, created_at, last_access_at, authenticated_at, ..
    } = grant;
    let is_new = session_id.is_none() && previous.is_none() && !has_revoked_tokens && ends_at.is_none();
    is_new && last_access_at == created_at && authenticated_at == created_at
}

/// Adds grants, on PostgreSQL those that just begin in one statement.
///
/// # Errors
/// [`StoreError::Conflict`] when an id is taken.
pub async fn insert_grants(tx: &mut Tx, all: &[(ProjectNo, &Grant)]) -> Result<(), StoreError> {
    let can_join = tx.engine() == Engine::Postgres && all.len() > 1;
    let (begun, others): (Vec<_>, Vec<_>) = all.iter().partition(|(_, grant)| can_join && is_begun(grant));
    if !begun.is_empty() {
        let projects: Array<i64> = begun.iter().map(|(p, _)| p.0).collect();
        let ids: Array<&[u8]> = begun.iter().map(|(_, grant)| grant.id.as_bytes().as_slice()).collect();
        let users: Array<&[u8]> = begun.iter().map(|(_, grant)| grant.user_id.as_bytes().as_slice()).collect();
        let clients: Array<&str> = begun.iter().map(|(_, grant)| grant.client_id.as_str()).collect();
        let hashes: Array<&[u8]> = begun.iter().map(|(_, grant)| grant.token_hash.0.as_slice()).collect();
        let times: Array<i64> = begun.iter().map(|(_, grant)| grant.created_at.as_micros()).collect();
        let texts = |of: fn(&Grant) -> Option<&str>| begun.iter().map(|(_, grant)| of(grant)).collect::<Array<_>>();
        let (scopes, amrs) = (texts(|grant| grant.scope.as_deref()), texts(|grant| grant.amr.as_deref()));
        let (keys, devices) = (texts(|grant| grant.dpop_jkt.as_deref()), texts(|grant| grant.device.as_deref()));
        let values: [&dyn Param; 10] =
            [&projects, &ids, &users, &clients, &hashes, &scopes, &times, &amrs, &keys, &devices];
        tx.execute(&INSERT_GRANTS, &values).await?;
    }
    for (p, grant) in others {
        grants::insert(tx, p, grant).await?;
    }
    Ok(())
}

/// `sessions::INSERT` for several.
const INSERT_SESSIONS: Sql = Sql::both(
    sessions::INSERT.text(Engine::Sqlite),
    concat!(
        "INSERT INTO sessions (
       project_no,
       ",
        session_columns!(""),
        "
     )
     SELECT *
     FROM unnest(
       CAST($1 AS BIGINT[]),
       CAST($2 AS BYTEA[]),
       CAST($3 AS BYTEA[]),
       CAST($4 AS BYTEA[]),
       CAST($5 AS BIGINT[]),
       CAST($6 AS BIGINT[]),
       CAST($7 AS BIGINT[]),
       CAST($8 AS TEXT[]),
       CAST($9 AS TEXT[])
     )"
    ),
);

/// Adds sessions, on PostgreSQL in one statement.
///
/// # Errors
/// [`StoreError::Conflict`] when an id is taken.
pub async fn insert_sessions(tx: &mut Tx, all: &[(ProjectNo, &Session)]) -> Result<(), StoreError> {
    if tx.engine() == Engine::Sqlite || all.len() < 2 {
        for (p, session) in all {
            sessions::insert(tx, *p, session).await?;
        }
        return Ok(());
    }
    let projects: Array<i64> = all.iter().map(|(p, _)| p.0).collect();
    let ids: Array<&[u8]> = all.iter().map(|(_, session)| session.id.as_bytes().as_slice()).collect();
    let users: Array<&[u8]> = all.iter().map(|(_, session)| session.user_id.as_bytes().as_slice()).collect();
    let hashes: Array<&[u8]> = all.iter().map(|(_, session)| session.secret_hash.0.as_slice()).collect();
    let times =
        |of: fn(&Session) -> Timestamp| all.iter().map(|(_, session)| of(session).as_micros()).collect::<Array<_>>();
    let (created, used) = (times(|session| session.created_at), times(|session| session.last_access_at));
    let authenticated = times(|session| session.authenticated_at);
    let amrs: Array<Option<&str>> = all.iter().map(|(_, session)| session.amr.as_deref()).collect();
    let devices: Array<Option<&str>> = all.iter().map(|(_, session)| session.device.as_deref()).collect();
    let values: [&dyn Param; 9] = [&projects, &ids, &users, &hashes, &created, &used, &authenticated, &amrs, &devices];
    tx.execute(&INSERT_SESSIONS, &values).await.map(|_| ())
}

/// `device_keys::INSERT` for several.
const INSERT_DEVICE_KEYS: Sql = Sql::both(
    device_keys::INSERT.text(Engine::Sqlite),
    concat!(
        "INSERT INTO device_keys (
       project_no,
       ",
        device_key_columns!(""),
        "
     )
     SELECT *
     FROM unnest(
       CAST($1 AS BIGINT[]),
       CAST($2 AS TEXT[]),
       CAST($3 AS BYTEA[]),
       CAST($4 AS BYTEA[]),
       CAST($5 AS TEXT[]),
       CAST($6 AS BIGINT[]),
       CAST($7 AS BIGINT[]),
       CAST($8 AS BIGINT[]),
       CAST($9 AS TEXT[])
     )
     ON CONFLICT DO NOTHING"
    ),
);

/// Adds keys; `false` when a `kid` is taken, or is among them twice. Which are added is then unknown, so the transaction must not be
/// kept.
pub async fn insert_device_keys(tx: &mut Tx, keys: &mut [(ProjectNo, &DeviceKeyRow)]) -> Result<bool, StoreError> {
    // In one order, as redeemed values.
    keys.sort_unstable_by_key(|(p, key)| (*p, key.kid.as_str()));
    if tx.engine() == Engine::Sqlite || keys.len() < 2 {
        for (p, key) in keys {
            if !device_keys::insert(tx, *p, key).await? {
                return Ok(false);
            }
        }
        return Ok(true);
    }
    let projects: Array<i64> = keys.iter().map(|(p, _)| p.0).collect();
    let kids: Array<&str> = keys.iter().map(|(_, key)| key.kid.as_str()).collect();
    let ids: Array<&[u8]> = keys.iter().map(|(_, key)| key.id.as_bytes().as_slice()).collect();
    let users: Array<&[u8]> = keys.iter().map(|(_, key)| key.user_id.as_bytes().as_slice()).collect();
    let jwks: Array<&str> = keys.iter().map(|(_, key)| key.jwk.as_str()).collect();
    let created: Array<i64> = keys.iter().map(|(_, key)| key.created_at.as_micros()).collect();
    let used: Array<i64> = keys.iter().map(|(_, key)| key.last_used_at.as_micros()).collect();
    let promoted: Array<Option<i64>> = keys.iter().map(|(_, key)| key.promoted_at.map(Timestamp::as_micros)).collect();
    let devices: Array<Option<&str>> = keys.iter().map(|(_, key)| key.device.as_deref()).collect();
    let values: [&dyn Param; 9] = [&projects, &kids, &ids, &users, &jwks, &created, &used, &promoted, &devices];
    Ok(tx.execute(&INSERT_DEVICE_KEYS, &values).await? == keys.len() as u64)
}
