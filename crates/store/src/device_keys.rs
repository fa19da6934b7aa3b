//! The device keys of guests. SQL over `device_keys`; no policy.

use std::time::Duration;

use vestibule_domain::{
    id::{IdentityId, ProjectNo, UserId},
    time::Timestamp,
    user::User,
};

use crate::{
    column::{read_id, read_optional_time, read_time},
    db::{Array, Conn, Engine, Param, Row, Sql, StoreError, Tx},
    users::{self, read_user, user_columns},
};

/// Every statement of this file.
pub const STATEMENTS: &[&Sql] = &[
    &INSERT,
    &FIND,
    &FIND_WITH_USER,
    &LIST,
    &LAST_SIGN_IN,
    &LAST_SIGN_INS,
    &RECORD_USE,
    &MARK_PROMOTED,
    &UNMARK_PROMOTED,
    &REMOVE,
];

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

/// Precision of the last use of a key and of its guest's last sign-in: a device that signs in more often writes neither row.
const USE_PRECISION: Duration = Duration::from_secs(3_600);

/// The statement, with the user, the key and what ends it.
macro_rules! last_sign_in {
    ($user:literal, $kid:literal, $end:literal) => {
        concat!(
            "SELECT u.last_login_at, u.seen_day, k.last_used_at
     FROM users u
     JOIN device_keys k ON k.project_no = u.project_no AND k.kid = ",
            $kid,
            "
     WHERE u.project_no = $1 AND u.id = ",
            $user,
            "
       AND u.anonymous_since IS NOT NULL
       AND u.disabled_at IS NULL
       AND u.yielded_to IS NULL
       AND k.user_id = u.id
       AND k.promoted_at IS NULL",
            $end
        )
    };
}

// The rows stay locked until the commit, first the user, as in a promotion: neither that nor a removal can happen in between.
const LAST_SIGN_IN: Sql = Sql::both(
    last_sign_in!("$2", "$3", ""),
    last_sign_in!(
        "$2",
        "$3",
        "
     FOR NO KEY UPDATE"
    ),
);

/// [`LAST_SIGN_IN`] for several: each is locked by its place in the arrays.
const LAST_SIGN_INS: Sql = Sql::both(
    LAST_SIGN_IN.text(Engine::Sqlite),
    concat!(
        "SELECT found.*, wanted.number
     FROM unnest(
       CAST($2 AS BYTEA[]),
       CAST($3 AS TEXT[])
     ) WITH ORDINALITY AS wanted (id, kid, number)
     CROSS JOIN LATERAL (
       ",
        last_sign_in!(
            "wanted.id",
            "wanted.kid",
            "
       FOR NO KEY UPDATE"
        ),
        "
     ) AS found"
    ),
);

const RECORD_USE: Sql = Sql::new(
    "UPDATE device_keys
     SET last_used_at = $3
     WHERE project_no = $1 AND kid = $2",
);

/// What was known of a guest before it signed in with a key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SignedIn {
    /// The last day on which it was counted after that of its creation, in days since the epoch.
    pub seen_day: Option<i64>,
}

/// Records that a guest signed in with its key, to the hour; `None` when it is no longer an active guest, or the key no longer belongs
/// to it. It may keep a sign-in that is less than an hour old, and then changes nothing.
pub async fn record_sign_in(
    tx: &mut Tx,
    p: ProjectNo,
    kid: &str,
    user: UserId,
    now: Timestamp,
) -> Result<Option<SignedIn>, StoreError> {
    let sign_in = SignIn { project: p, kid, user, at: now };
    let values: [&dyn Param; 3] = [&p.0, &user.as_bytes().as_slice(), &kid];
    let found = tx.query_optional(&LAST_SIGN_IN, &values, read_last).await?;
    match found {
        Some(last) => sign_in.record(tx, last).await.map(Some),
        None => Ok(None),
    }
}

/// A sign-in with a key, for [`record_sign_ins`].
#[derive(Clone, Copy, Debug)]
pub struct SignIn<'a> {
    /// The project.
    pub project: ProjectNo,
    /// The key.
    pub kid: &'a str,
    /// The guest.
    pub user: UserId,
    /// When.
    pub at: Timestamp,
}

/// What a guest and its key say of their last sign-in.
struct LastSignIn {
    last_login_at: Option<Timestamp>,
    seen_day: Option<i64>,
    last_used_at: Timestamp,
}

fn read_last(row: &Row<'_>) -> Result<LastSignIn, StoreError> {
    Ok(LastSignIn {
        last_login_at: read_optional_time(row, 0)?,
        seen_day: row.get(1)?,
        last_used_at: read_time(row, 2)?,
    })
}

impl SignIn<'_> {
    /// Writes what is due.
    async fn record(&self, tx: &mut Tx, last: LastSignIn) -> Result<SignedIn, StoreError> {
        let is_due = |last: Timestamp| self.at.since(last) >= USE_PRECISION;
        if last.last_login_at.is_none_or(is_due) {
            users::record_login(tx, self.project, self.user, self.at).await?;
        }
        if is_due(last.last_used_at) {
            tx.execute(&RECORD_USE, &[&self.project.0, &self.kid, &self.at.as_micros()]).await?;
        }
        Ok(SignedIn { seen_day: last.seen_day })
    }
}

/// Records several sign-ins as [`record_sign_in`] does, and returns what was known of each; `None`, for a rollback, when one of them is
/// refused. Users are locked in the order of their IDs.
pub async fn record_sign_ins(tx: &mut Tx, all: &[SignIn<'_>]) -> Result<Option<Vec<SignedIn>>, StoreError> {
    let mut places: Vec<usize> = (0..all.len()).collect();
    places.sort_by_key(|place| (all[*place].project, *all[*place].user.as_bytes()));
    let mut known = vec![None; all.len()];
    for of_project in places.chunk_by(|one, next| all[*one].project == all[*next].project) {
        let found = lock_last(tx, all, of_project).await?;
        if found.len() != of_project.len() {
            return Ok(None);
        }
        for (place, last) in found {
            known[place] = Some(all[place].record(tx, last).await?);
        }
    }
    Ok(known.into_iter().collect())
}

/// The last sign-ins of those at some places, all of one project.
async fn lock_last(tx: &mut Tx, all: &[SignIn<'_>], places: &[usize]) -> Result<Vec<(usize, LastSignIn)>, StoreError> {
    let Some(project) = places.first().map(|place| all[*place].project) else { return Ok(Vec::new()) };
    if tx.engine() == Engine::Postgres && places.len() > 1 {
        let users: Array<&[u8]> = places.iter().map(|place| all[*place].user.as_bytes().as_slice()).collect();
        let kids: Array<&str> = places.iter().map(|place| all[*place].kid).collect();
        return tx
            .query_all(&LAST_SIGN_INS, &[&project.0, &users, &kids], |row| {
                let number = usize::try_from(row.get::<i64>(3)?).unwrap_or(0);
                // The engine numbers from 1.
                let place = places.get(number.wrapping_sub(1)).copied().ok_or(StoreError::Ignored("sign-ins"))?;
                Ok((place, read_last(row)?))
            })
            .await;
    }
    let mut found = Vec::new();
    for place in places {
        let values: [&dyn Param; 3] = [&project.0, &all[*place].user.as_bytes().as_slice(), &all[*place].kid];
        if let Some(last) = tx.query_optional(&LAST_SIGN_IN, &values, read_last).await? {
            found.push((*place, last));
        }
    }
    Ok(found)
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
