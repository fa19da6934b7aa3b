//! Cookie sessions. SQL over `sessions` (and `users` in a join); no policy.

use vestibule_domain::{
    id::{ProjectNo, SessionId, UserId},
    session::Session,
    time::Timestamp,
    user::{Owner, User},
};

use crate::{
    column::{read_hash, read_id, read_project, read_time},
    db::{ByKey, Conn, Engine, Row, Sql, StoreError, Tx, for_each_key},
    owners::{join_unless_active_guest, read_owner},
    users::{read_user, user_columns},
    uses::{record_all, record_use, record_uses},
};

/// Every statement of this file.
pub const STATEMENTS: &[&Sql] = &[
    &INSERT,
    &FIND,
    &FIND_WITH_USER,
    &FIND_MANY_WITH_USER,
    &FIND_WITH_OWNER,
    &TOUCH,
    &TOUCH_ALL,
    &HOLD,
    &SET_AUTHENTICATED,
    &REMOVE,
    &LIST,
    &SCAN_ANY_PROJECT,
];

/// The columns of a session in the order of [`read_session`], each after the name of its table and a dot, or after nothing.
macro_rules! session_columns {
    ($of:literal) => {
        concat!(
            $of,
            "id, ",
            $of,
            "user_id, ",
            $of,
            "secret_hash, ",
            $of,
            "created_at, ",
            $of,
            "last_access_at, ",
            $of,
            "authenticated_at, ",
            $of,
            "amr, ",
            $of,
            "device"
        )
    };
}
pub(crate) use session_columns;

/// Number of columns that [`read_session`] reads.
const COLUMNS: usize = 8;

fn read_session(row: &Row<'_>) -> Result<Session, StoreError> {
    Ok(Session {
        id: read_id(row, 0)?,
        user_id: read_id(row, 1)?,
        secret_hash: read_hash(row, 2)?,
        created_at: read_time(row, 3)?,
        last_access_at: read_time(row, 4)?,
        authenticated_at: read_time(row, 5)?,
        amr: row.get(6)?,
        device: row.get(7)?,
    })
}

pub(crate) const INSERT: Sql = Sql::new(concat!(
    "INSERT INTO sessions (
       project_no,
       ",
    session_columns!(""),
    "
     ) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)"
));

/// Adds a session.
///
/// # Errors
/// [`StoreError::Conflict`] when the id is taken.
pub async fn insert(tx: &mut Tx, p: ProjectNo, session: &Session) -> Result<(), StoreError> {
    tx.execute(
        &INSERT,
        &[
            &p.0,
            &session.id.as_bytes().as_slice(),
            &session.user_id.as_bytes().as_slice(),
            &session.secret_hash.0.as_slice(),
            &session.created_at.as_micros(),
            &session.last_access_at.as_micros(),
            &session.authenticated_at.as_micros(),
            &session.amr.as_deref(),
            &session.device.as_deref(),
        ],
    )
    .await
    .map(|_| ())
}

const FIND: Sql = Sql::new(concat!(
    "SELECT
       ",
    session_columns!(""),
    "
     FROM sessions
     WHERE project_no = $1 AND id = $2"
));

/// The session with this id.
pub async fn find(conn: &mut Conn, p: ProjectNo, id: SessionId) -> Result<Option<Session>, StoreError> {
    conn.query_optional(&FIND, &[&p.0, &id.as_bytes().as_slice()], read_session).await
}

/// Selects a session and its user.
macro_rules! select_with_user {
    ($condition:literal) => {
        select_with_user!("JOIN users u ON u.project_no = s.project_no AND u.id = s.user_id", $condition)
    };
    ($join:expr, $condition:literal) => {
        concat!(
            "SELECT
       ",
            session_columns!("s."),
            ",
       ",
            user_columns!("u."),
            "
     FROM sessions s
     ",
            $join,
            "
     ",
            $condition
        )
    };
}

const FIND_WITH_USER: Sql = Sql::new(select_with_user!("WHERE s.project_no = $1 AND s.id = $2"));

/// [`FIND_WITH_USER`] for several keys.
const FIND_MANY_WITH_USER: Sql = Sql::both(
    FIND_WITH_USER.text(Engine::Sqlite),
    for_each_key!(select_with_user!("WHERE s.project_no = wanted.project_no AND s.id = wanted.id")),
);

const WITH_USER: ByKey = ByKey { name: "session_with_user", one: &FIND_WITH_USER, many: &FIND_MANY_WITH_USER };

/// The session with this id, and its owner.
pub async fn find_with_user(
    conn: &mut Conn,
    p: ProjectNo,
    id: SessionId,
) -> Result<Option<(Session, User)>, StoreError> {
    conn.find_by_key(&WITH_USER, p.0, *id.as_bytes(), |row| Ok((read_session(row)?, read_user(row, COLUMNS)?))).await
}

/// [`FIND_WITH_USER`], on SQLite without the user if it is an active guest.
const FIND_WITH_OWNER: Sql = Sql::both(
    select_with_user!(join_unless_active_guest!("s."), "WHERE s.project_no = $1 AND s.id = $2"),
    FIND_WITH_USER.text(Engine::Postgres),
);

/// On PostgreSQL they go with those of [`WITH_USER`].
const WITH_OWNER: ByKey = ByKey { name: WITH_USER.name, one: &FIND_WITH_OWNER, many: &FIND_MANY_WITH_USER };

/// The session with this id, and whose it is.
pub async fn find_with_owner(
    conn: &mut Conn,
    p: ProjectNo,
    id: SessionId,
) -> Result<Option<(Session, Owner)>, StoreError> {
    conn.find_by_key(&WITH_OWNER, p.0, *id.as_bytes(), |row| {
        let session = read_session(row)?;
        let owner = read_owner(row, COLUMNS, session.user_id)?;
        Ok((session, owner))
    })
    .await
}

const TOUCH: Sql = record_use!("sessions");

/// Records a use; never moves the last use back.
pub async fn touch(tx: &mut Tx, p: ProjectNo, id: SessionId, now: Timestamp) -> Result<bool, StoreError> {
    tx.execute_one(&TOUCH, &[&p.0, &id.as_bytes().as_slice(), &now.as_micros()]).await
}

/// [`TOUCH`] for several sessions.
const TOUCH_ALL: Sql = record_uses!("sessions", TOUCH);

/// Records uses of different sessions, in the order of their IDs; never moves a last use back.
pub async fn touch_all(tx: &mut Tx, p: ProjectNo, uses: &mut [(SessionId, Timestamp)]) -> Result<(), StoreError> {
    record_all(tx, (&TOUCH, &TOUCH_ALL), p, uses).await
}

const HOLD: Sql = Sql::new(
    "UPDATE sessions
     SET last_access_at = last_access_at
     WHERE project_no = $1 AND id = $2 AND user_id = $3",
);

/// Locks a session of a user, so that it does not end before the transaction does; `false` when it has ended.
pub async fn hold(tx: &mut Tx, p: ProjectNo, id: SessionId, user: UserId) -> Result<bool, StoreError> {
    tx.execute_one(&HOLD, &[&p.0, &id.as_bytes().as_slice(), &user.as_bytes().as_slice()]).await
}

const SET_AUTHENTICATED: Sql = Sql::new(
    "UPDATE sessions
     SET authenticated_at = $3,
         amr = $4
     WHERE project_no = $1 AND id = $2",
);

/// Records when and how the user authenticated.
pub async fn set_authenticated(
    tx: &mut Tx,
    p: ProjectNo,
    id: SessionId,
    at: Timestamp,
    amr: Option<&str>,
) -> Result<bool, StoreError> {
    tx.execute_one(&SET_AUTHENTICATED, &[&p.0, &id.as_bytes().as_slice(), &at.as_micros(), &amr]).await
}

const REMOVE: Sql = Sql::new("DELETE FROM sessions WHERE project_no = $1 AND id = $2");

/// Removes a session; `false` when it does not exist. Its grants are removed by `grants::remove_of_session`.
pub async fn remove(tx: &mut Tx, p: ProjectNo, id: SessionId) -> Result<bool, StoreError> {
    tx.execute_one(&REMOVE, &[&p.0, &id.as_bytes().as_slice()]).await
}

const LIST: Sql = Sql::new(concat!(
    "SELECT
       ",
    session_columns!(""),
    "
     FROM sessions
     WHERE project_no = $1 AND user_id = $2
     ORDER BY id"
));

/// Every session of a user, oldest first.
pub async fn list(conn: &mut Conn, p: ProjectNo, user: UserId) -> Result<Vec<Session>, StoreError> {
    conn.query_all(&LIST, &[&p.0, &user.as_bytes().as_slice()], read_session).await
}

const SCAN_ANY_PROJECT: Sql = Sql::new(concat!(
    "SELECT
       ",
    session_columns!(""),
    ",
       project_no
     FROM sessions
     WHERE (project_no, id) > ($1, $2)
     ORDER BY project_no, id
     LIMIT $3"
));

/// At most `limit` sessions of all projects in key order, `after` a key. For jobs that scan all sessions.
pub async fn scan_any_project(
    conn: &mut Conn,
    after: Option<(ProjectNo, SessionId)>,
    limit: i64,
) -> Result<Vec<(ProjectNo, Session)>, StoreError> {
    let (p, id) = after.map_or((i64::MIN, [0; 16]), |(p, id)| (p.0, *id.as_bytes()));
    conn.query_all(&SCAN_ANY_PROJECT, &[&p, &id.as_slice(), &limit], |row| {
        Ok((read_project(row, COLUMNS)?, read_session(row)?))
    })
    .await
}
