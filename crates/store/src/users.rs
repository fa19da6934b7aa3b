//! Users. SQL over `users`; no policy. What users are found by follows their attributes. Their deletion: `user_deletion`.

use serde_json::{Map, Value};
use vestibule_domain::{
    id::{ProjectNo, UserId},
    time::Timestamp,
    user::User,
};

use crate::{
    column::{print_object, read_id, read_object, read_optional_id, read_optional_time, read_time},
    db::{Conn, Param, Row, Sql, StoreError, Tx},
    user_names,
};

pub use crate::user_deletion::delete;

/// Every statement of this file.
pub const STATEMENTS: &[&Sql] = &[
    &INSERT,
    &INSERT_FRESH_GUEST,
    &FIND,
    &TAKE_ANONYMOUS_IDENTITY,
    &YIELD_TO,
    &RELEASE,
    &RECORD_LOGIN,
    &FIND_GENERATION,
    &FIND_ENDINGS,
    &LOCK_GUEST,
    &NOTE_SESSIONS_ENDED,
    &SESSIONS_ENDED_AT,
    &LOCK_SIGNED_IN_SINCE,
    &LOCK_ACTIVE,
    &NOTE_SEEN,
    &NOTE_SEEN_FIRST,
    &NOTE_CHANGE,
    &SET_ATTRIBUTES,
    &TOUCH,
    &SET_DISABLED,
    &LOCK,
];

/// The columns of a user in the order of [`read_user`], each after the name of its table and a dot, or after nothing.
macro_rules! user_columns {
    ($of:literal) => {
        concat!(
            $of,
            "id, ",
            $of,
            "created_at, ",
            $of,
            "updated_at, ",
            $of,
            "last_login_at, ",
            $of,
            "anonymous_since, ",
            $of,
            "promoted_at, ",
            $of,
            "disabled_at, ",
            $of,
            "yielded_to, ",
            $of,
            "standard_attributes, ",
            $of,
            "custom_attributes"
        )
    };
}
pub(crate) use user_columns;

/// Reads a user from the columns that begin at `first`, in the order of `user_columns`.
pub(crate) fn read_user(row: &Row<'_>, first: usize) -> Result<User, StoreError> {
    Ok(User {
        id: read_id(row, first)?,
        created_at: read_time(row, first + 1)?,
        updated_at: read_time(row, first + 2)?,
        last_login_at: read_optional_time(row, first + 3)?,
        anonymous_since: read_optional_time(row, first + 4)?,
        promoted_at: read_optional_time(row, first + 5)?,
        disabled_at: read_optional_time(row, first + 6)?,
        yielded_to: read_optional_id(row, first + 7)?,
        standard_attributes: read_object(row, first + 8)?,
        custom_attributes: read_object(row, first + 9)?,
    })
}

const INSERT: Sql = Sql::new(concat!(
    "INSERT INTO users (
       project_no,
       ",
    user_columns!(""),
    "
     ) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)"
));

/// [`INSERT`] for a guest without further attributes: most users begin so, and it binds a quarter of the values.
pub(crate) const INSERT_FRESH_GUEST: Sql =
    Sql::new(crate::new_guests::insert_fresh_guests!("VALUES ($1, $2, $3, $3, $3)"));

/// Adds a user.
///
/// # Errors
/// [`StoreError::Conflict`] when the id is taken.
pub async fn insert(tx: &mut Tx, p: ProjectNo, user: &User) -> Result<(), StoreError> {
    if *user == User::new_guest(user.id, user.created_at) {
        let (id, created_at) = (user.id.as_bytes().as_slice(), user.created_at.as_micros());
        return tx.execute(&INSERT_FRESH_GUEST, &[&p.0, &id, &created_at]).await.map(|_| ());
    }
    tx.execute(
        &INSERT,
        &[
            &p.0,
            &user.id.as_bytes().as_slice(),
            &user.created_at.as_micros(),
            &user.updated_at.as_micros(),
            &user.last_login_at.map(Timestamp::as_micros),
            &user.anonymous_since.map(Timestamp::as_micros),
            &user.promoted_at.map(Timestamp::as_micros),
            &user.disabled_at.map(Timestamp::as_micros),
            &user.yielded_to.as_ref().map(|id| id.as_bytes().as_slice()),
            &print_object(&user.standard_attributes),
            &print_object(&user.custom_attributes),
        ],
    )
    .await?;
    user_names::add(tx, p, user.id, &user.standard_attributes).await
}

const FIND: Sql = Sql::new(concat!(
    "SELECT
       ",
    user_columns!(""),
    "
     FROM users
     WHERE project_no = $1 AND id = $2"
));

/// The user with this id.
pub async fn find(conn: &mut Conn, p: ProjectNo, id: UserId) -> Result<Option<User>, StoreError> {
    conn.query_optional(&FIND, &[&p.0, &id.as_bytes().as_slice()], |row| read_user(row, 0)).await
}

const TAKE_ANONYMOUS_IDENTITY: Sql = Sql::new(
    "UPDATE users
     SET anonymous_since = NULL,
         promoted_at = $3,
         updated_at = $3,
         last_login_at = COALESCE(CAST($4 AS BIGINT), last_login_at)
     WHERE project_no = $1 AND id = $2
       AND anonymous_since IS NOT NULL
       AND disabled_at IS NULL
       AND yielded_to IS NULL",
);

/// Takes the anonymous identity from an active guest and records the promotion, and that the person signs in with it, if so; exactly one
/// of several concurrent callers gets `true`.
pub async fn take_anonymous_identity(
    tx: &mut Tx,
    p: ProjectNo,
    id: UserId,
    (now, signs_in): (Timestamp, bool),
) -> Result<bool, StoreError> {
    let login = signs_in.then(|| now.as_micros());
    tx.execute_one(&TAKE_ANONYMOUS_IDENTITY, &[&p.0, &id.as_bytes().as_slice(), &now.as_micros(), &login]).await
}

const YIELD_TO: Sql = Sql::new(
    "UPDATE users
     SET yielded_to = $3,
         updated_at = $4
     WHERE project_no = $1 AND id = $2
       AND anonymous_since IS NOT NULL
       AND disabled_at IS NULL
       AND yielded_to IS NULL",
);

/// Records that an active guest was given up for a member; exactly one of several concurrent callers gets `true`.
pub async fn yield_to(
    tx: &mut Tx,
    p: ProjectNo,
    guest: UserId,
    member: UserId,
    now: Timestamp,
) -> Result<bool, StoreError> {
    tx.execute_one(&YIELD_TO, &[&p.0, &guest.as_bytes().as_slice(), &member.as_bytes().as_slice(), &now.as_micros()])
        .await
}

const RELEASE: Sql = Sql::new(
    "UPDATE users
     SET yielded_to = NULL,
         updated_at = $4
     WHERE project_no = $1 AND id = $2 AND yielded_to = $3",
);

/// Makes what was given up for a member a guest of its own again; `false` when it was not.
pub async fn release(
    tx: &mut Tx,
    p: ProjectNo,
    guest: UserId,
    member: UserId,
    now: Timestamp,
) -> Result<bool, StoreError> {
    tx.execute_one(&RELEASE, &[&p.0, &guest.as_bytes().as_slice(), &member.as_bytes().as_slice(), &now.as_micros()])
        .await
}

const RECORD_LOGIN: Sql = Sql::new(
    "UPDATE users
     SET last_login_at = $3
     WHERE project_no = $1 AND id = $2
     RETURNING COALESCE(credential_generation, 0), COALESCE(full_endings, 0), sessions_ended_at",
);

/// How often the sessions of a member were ended.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Endings {
    /// All, or all but one: the [credential generation](find_generation).
    pub generation: i64,
    /// All without an exception.
    pub full: i64,
}

/// What decides whether a proof still counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LoginState {
    /// How often its sessions were ended.
    pub endings: Endings,
    /// When all sessions were last ended at once.
    pub sessions_ended_at: Option<Timestamp>,
}

/// Records that the user authenticated; `None` when it does not exist. Locks the user, so that what the proof rests on stays as it
/// is until the transaction ends.
pub async fn record_login(
    tx: &mut Tx,
    p: ProjectNo,
    id: UserId,
    now: Timestamp,
) -> Result<Option<LoginState>, StoreError> {
    tx.query_optional(&RECORD_LOGIN, &[&p.0, &id.as_bytes().as_slice(), &now.as_micros()], |row| {
        let endings = Endings { generation: row.get(0)?, full: row.get(1)? };
        Ok(LoginState { endings, sessions_ended_at: read_optional_time(row, 2)? })
    })
    .await
}

const FIND_GENERATION: Sql = Sql::new(
    "SELECT COALESCE(credential_generation, 0)
     FROM users
     WHERE project_no = $1 AND id = $2",
);

/// How often the sessions of a member were all ended: browsers that became known before are no longer. 0 for a user that does
/// not exist.
pub async fn find_generation(conn: &mut Conn, p: ProjectNo, id: UserId) -> Result<i64, StoreError> {
    let found = conn.query_optional(&FIND_GENERATION, &[&p.0, &id.as_bytes().as_slice()], |row| row.get(0)).await?;
    Ok(found.unwrap_or(0))
}

const LOCK_GUEST: Sql = Sql::new(
    "UPDATE users
     SET updated_at = updated_at
     WHERE project_no = $1 AND id = $2
       AND anonymous_since IS NOT NULL
       AND disabled_at IS NULL
       AND yielded_to IS NULL",
);

/// Locks an active guest, so that its promotion and the creation of something it owns are serialized. `false` when it is no
/// longer an active guest.
pub async fn lock_guest(tx: &mut Tx, p: ProjectNo, id: UserId) -> Result<bool, StoreError> {
    tx.execute_one(&LOCK_GUEST, &[&p.0, &id.as_bytes().as_slice()]).await
}

const FIND_ENDINGS: Sql = Sql::new(
    "SELECT COALESCE(credential_generation, 0), COALESCE(full_endings, 0)
     FROM users
     WHERE project_no = $1 AND id = $2",
);

/// How often the sessions of a member were ended; never for a user that does not exist.
pub async fn find_endings(conn: &mut Conn, p: ProjectNo, id: UserId) -> Result<Endings, StoreError> {
    let values: [&dyn Param; 2] = [&p.0, &id.as_bytes().as_slice()];
    let found = conn
        .query_optional(&FIND_ENDINGS, &values, |row| Ok(Endings { generation: row.get(0)?, full: row.get(1)? }))
        .await?;
    Ok(found.unwrap_or_default())
}

const NOTE_SESSIONS_ENDED: Sql = Sql::new(
    "UPDATE users
     SET sessions_ended_at = CASE WHEN sessions_ended_at > $3 THEN sessions_ended_at ELSE $3 END,
         credential_generation = CASE
           WHEN anonymous_since IS NULL THEN COALESCE(credential_generation, 0) + 1
           ELSE credential_generation
         END,
         full_endings = COALESCE(full_endings, 0) + $4
     WHERE project_no = $1 AND id = $2",
);

/// Records that a user's sessions are ended at once, `is_full` without an exception; never moves the time back. It begins a member's
/// next credential generation; guests have none, because no browser is known for them. Locks the user, so that
/// [`lock_signed_in_since`] and [`record_login`] come before or after it.
pub async fn note_sessions_ended(
    tx: &mut Tx,
    p: ProjectNo,
    id: UserId,
    at: Timestamp,
    is_full: bool,
) -> Result<bool, StoreError> {
    let values: [&dyn Param; 4] = [&p.0, &id.as_bytes().as_slice(), &at.as_micros(), &i64::from(is_full)];
    tx.execute_one(&NOTE_SESSIONS_ENDED, &values).await
}

const SESSIONS_ENDED_AT: Sql = Sql::new("SELECT sessions_ended_at FROM users WHERE project_no = $1 AND id = $2");

/// When a user's sessions were last ended at once; `None` if never, or without such a user.
pub async fn find_sessions_ended_at(
    conn: &mut Conn,
    p: ProjectNo,
    id: UserId,
) -> Result<Option<Timestamp>, StoreError> {
    let values: [&dyn Param; 2] = [&p.0, &id.as_bytes().as_slice()];
    Ok(conn.query_optional(&SESSIONS_ENDED_AT, &values, |row| read_optional_time(row, 0)).await?.flatten())
}

const LOCK_SIGNED_IN_SINCE: Sql = Sql::new(
    "UPDATE users
     SET updated_at = updated_at
     WHERE project_no = $1 AND id = $2
       AND disabled_at IS NULL
       AND yielded_to IS NULL
       AND (sessions_ended_at IS NULL OR sessions_ended_at <= $3)",
);

/// Locks an active user for something that was earned at a time; `false` when its sessions were ended at once since then, or
/// it is no longer active.
pub async fn lock_signed_in_since(tx: &mut Tx, p: ProjectNo, id: UserId, at: Timestamp) -> Result<bool, StoreError> {
    tx.execute_one(&LOCK_SIGNED_IN_SINCE, &[&p.0, &id.as_bytes().as_slice(), &at.as_micros()]).await
}

const LOCK_ACTIVE: Sql = Sql::new(
    "UPDATE users
     SET updated_at = updated_at
     WHERE project_no = $1 AND id = $2
       AND disabled_at IS NULL
       AND yielded_to IS NULL",
);

/// Locks an active user, so that its sessions do not all end while a transaction relies on one of them; `false` when it is no longer
/// active. The session is read after it: a read before may be older than an end that was waited for.
pub async fn lock_active(tx: &mut Tx, p: ProjectNo, id: UserId) -> Result<bool, StoreError> {
    tx.execute_one(&LOCK_ACTIVE, &[&p.0, &id.as_bytes().as_slice()]).await
}

const NOTE_SEEN: Sql = Sql::new(
    "UPDATE users
     SET seen_day = $3
     WHERE project_no = $1 AND id = $2
       AND anonymous_since IS NOT NULL
       AND disabled_at IS NULL
       AND yielded_to IS NULL
       AND seen_day < $3",
);

const NOTE_SEEN_FIRST: Sql = Sql::new(
    "UPDATE users
     SET seen_day = $3
     WHERE project_no = $1 AND id = $2
       AND anonymous_since IS NOT NULL
       AND disabled_at IS NULL
       AND yielded_to IS NULL
       AND seen_day IS NULL",
);

/// Whether a guest has been seen on a day.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum GuestReturn {
    /// It returned for the first time.
    First,
    /// It had returned before, and was not yet seen on this day.
    Again,
    /// It was seen on this day already, or is not an active guest.
    Known,
}

/// Records that a guest was seen on a later day than the day of its creation (days since the epoch).
pub async fn note_seen(tx: &mut Tx, p: ProjectNo, id: UserId, day: i64) -> Result<GuestReturn, StoreError> {
    if tx.execute_one(&NOTE_SEEN, &[&p.0, &id.as_bytes().as_slice(), &day]).await? {
        return Ok(GuestReturn::Again);
    }
    let is_first = tx.execute_one(&NOTE_SEEN_FIRST, &[&p.0, &id.as_bytes().as_slice(), &day]).await?;
    Ok(if is_first { GuestReturn::First } else { GuestReturn::Known })
}

const NOTE_CHANGE: Sql = Sql::new(
    "UPDATE users
     SET updated_at = $3
     WHERE project_no = $1 AND id = $2
       AND disabled_at IS NULL
       AND yielded_to IS NULL",
);

/// Locks an active user before a change to something it owns, so that concurrent changes of one user are serialized.
/// `false` when there is no such user.
pub async fn note_change(tx: &mut Tx, p: ProjectNo, id: UserId, now: Timestamp) -> Result<bool, StoreError> {
    tx.execute_one(&NOTE_CHANGE, &[&p.0, &id.as_bytes().as_slice(), &now.as_micros()]).await
}

const SET_ATTRIBUTES: Sql = Sql::new(
    "UPDATE users
     SET standard_attributes = $3,
         custom_attributes = $4,
         updated_at = $5
     WHERE project_no = $1 AND id = $2",
);

/// Replaces both sets of attributes; `false` when there is no such user.
pub async fn set_attributes(
    tx: &mut Tx,
    p: ProjectNo,
    id: UserId,
    standard: &Map<String, Value>,
    custom: &Map<String, Value>,
    now: Timestamp,
) -> Result<bool, StoreError> {
    let (standard_text, custom_text) = (print_object(standard), print_object(custom));
    let values: [&dyn Param; 5] = [&p.0, &id.as_bytes().as_slice(), &standard_text, &custom_text, &now.as_micros()];
    let is_set = tx.execute_one(&SET_ATTRIBUTES, &values).await?;
    if is_set {
        user_names::replace(tx, p, id, standard).await?;
    }
    Ok(is_set)
}

const TOUCH: Sql = Sql::new("UPDATE users SET updated_at = $3 WHERE project_no = $1 AND id = $2");

/// Locks a user before a change, so that other transactions that change it wait; `false` when it does not exist.
pub async fn touch(tx: &mut Tx, p: ProjectNo, id: UserId, now: Timestamp) -> Result<bool, StoreError> {
    tx.execute_one(&TOUCH, &[&p.0, &id.as_bytes().as_slice(), &now.as_micros()]).await
}

const SET_DISABLED: Sql = Sql::new(
    "UPDATE users
     SET disabled_at = $3,
         updated_at = $4
     WHERE project_no = $1 AND id = $2
       AND (disabled_at IS NULL) = (CAST($3 AS BIGINT) IS NOT NULL)",
);

/// Disables a user (`Some`: since when) or enables it again (`None`); `false` when there is no such user, or it is so already.
pub async fn set_disabled(
    tx: &mut Tx,
    p: ProjectNo,
    id: UserId,
    since: Option<Timestamp>,
    now: Timestamp,
) -> Result<bool, StoreError> {
    tx.execute_one(
        &SET_DISABLED,
        &[&p.0, &id.as_bytes().as_slice(), &since.map(Timestamp::as_micros), &now.as_micros()],
    )
    .await
}

const LOCK: Sql = Sql::new("UPDATE users SET updated_at = updated_at WHERE project_no = $1 AND id = $2");

/// Locks a user without changing it; `false` when it does not exist.
pub async fn lock(tx: &mut Tx, p: ProjectNo, id: UserId) -> Result<bool, StoreError> {
    tx.execute_one(&LOCK, &[&p.0, &id.as_bytes().as_slice()]).await
}
