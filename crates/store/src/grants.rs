//! Refresh-token grants. SQL over `grants` (and `users` in a join); no policy.

use vestibule_domain::{
    grant::{Grant, PreviousToken},
    id::{GrantId, ProjectNo, SessionId, UserId},
    secret::TokenHash,
    time::Timestamp,
    user::{Owner, User},
};

use crate::{
    column::{read_hash, read_id, read_optional_hash, read_optional_id, read_optional_time, read_project, read_time},
    db::{Array, ByKey, Conn, Engine, Param, Row, Sql, StoreError, Tx, for_each_key},
    lock_order::{hold_each, in_order},
    owners::{join_unless_active_guest, read_owner},
    users::{read_user, user_columns},
    uses::{record_all, record_use, record_uses},
};

/// Every statement of this file.
pub const STATEMENTS: &[&Sql] = &[
    &INSERT,
    &INSERT_PLAIN,
    &FIND,
    &FIND_WITH_USER,
    &FIND_MANY_WITH_USER,
    &FIND_WITH_OWNER,
    &TOUCH,
    &TOUCH_ALL,
    &RECORD_ACCESS,
    &RECORD_ACCESSES,
    &HOLD,
    &ROTATE,
    &SET_AUTHENTICATED,
    &MARK_HAS_REVOKED_TOKENS,
    &REMOVE,
    &REMOVE_OF_SESSION,
    &MOVE_TO_SESSION,
    &REMOVE_OF_CLIENT,
    &LIMIT_OF_CLIENT,
    &LIST,
    &LIST_OF_SESSION,
    &SCAN_ANY_PROJECT,
];

/// The columns of a grant in the order of [`read_grant`], each after the name of its table and a dot, or after nothing. Last come those
/// that the grant of a new guest does not have.
macro_rules! grant_columns {
    ($of:literal) => {
        concat!(
            $of,
            "id, ",
            $of,
            "user_id, ",
            $of,
            "client_id, ",
            $of,
            "token_hash, ",
            $of,
            "scope, ",
            $of,
            "created_at, ",
            $of,
            "last_access_at, ",
            $of,
            "authenticated_at, ",
            $of,
            "amr, ",
            $of,
            "dpop_jkt, ",
            $of,
            "device, ",
            $of,
            "session_id, ",
            $of,
            "previous_hash, ",
            $of,
            "rotated_at, ",
            $of,
            "has_revoked_tokens, ",
            $of,
            "ends_at"
        )
    };
}
pub(crate) use grant_columns;

/// Number of columns that [`read_grant`] reads.
const COLUMNS: usize = 16;

fn read_grant(row: &Row<'_>) -> Result<Grant, StoreError> {
    let previous = match (read_optional_hash(row, 12)?, read_optional_time(row, 13)?) {
        (Some(token_hash), Some(rotated_at)) => Some(PreviousToken { token_hash, rotated_at }),
        (None, _) | (_, None) => None,
    };
    Ok(Grant {
        id: read_id(row, 0)?,
        user_id: read_id(row, 1)?,
        client_id: row.get(2)?,
        token_hash: read_hash(row, 3)?,
        scope: row.get(4)?,
        created_at: read_time(row, 5)?,
        last_access_at: read_time(row, 6)?,
        authenticated_at: read_time(row, 7)?,
        amr: row.get(8)?,
        dpop_jkt: row.get(9)?,
        device: row.get(10)?,
        session_id: read_optional_id(row, 11)?,
        previous,
        has_revoked_tokens: row.get::<i64>(14)? != 0,
        ends_at: read_optional_time(row, 15)?,
    })
}

const INSERT: Sql = Sql::new(concat!(
    "INSERT INTO grants (
       project_no,
       ",
    grant_columns!(""),
    "
     ) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17)"
));

/// [`INSERT`] for the grant of a new web guest, whose other columns have their defaults: it binds fewer values.
pub(crate) const INSERT_PLAIN: Sql = Sql::new(
    "INSERT INTO grants (
       project_no,
       id,
       user_id,
       client_id,
       token_hash,
       created_at,
       last_access_at,
       authenticated_at
     ) VALUES ($1, $2, $3, $4, $5, $6, $6, $6)",
);

/// Whether [`INSERT_PLAIN`] writes all values of a grant.
fn is_plain(grant: &Grant) -> bool {
    let Grant {
        id: _,
        user_id: _,
        client_id: _,
        token_hash: _,
        scope: None,
        created_at,
        last_access_at,
        authenticated_at,
        amr: None,
        session_id: None,
        dpop_jkt: None,
        device: None,
        previous: None,
        has_revoked_tokens: false,
        ends_at: None,
    } = grant
    else {
        return false;
    };
    last_access_at == created_at && authenticated_at == created_at
}

/// Adds a grant.
///
/// # Errors
/// [`StoreError::Conflict`] when the id is taken.
pub async fn insert(tx: &mut Tx, p: ProjectNo, grant: &Grant) -> Result<(), StoreError> {
    if is_plain(grant) {
        let (id, user_id) = (grant.id.as_bytes().as_slice(), grant.user_id.as_bytes().as_slice());
        let (client_id, hash) = (grant.client_id.as_str(), grant.token_hash.0.as_slice());
        let created_at = grant.created_at.as_micros();
        let values: [&dyn Param; 6] = [&p.0, &id, &user_id, &client_id, &hash, &created_at];
        return tx.execute(&INSERT_PLAIN, &values).await.map(|_| ());
    }
    tx.execute(
        &INSERT,
        &[
            &p.0,
            &grant.id.as_bytes().as_slice(),
            &grant.user_id.as_bytes().as_slice(),
            &grant.client_id.as_str(),
            &grant.token_hash.0.as_slice(),
            &grant.scope.as_deref(),
            &grant.created_at.as_micros(),
            &grant.last_access_at.as_micros(),
            &grant.authenticated_at.as_micros(),
            &grant.amr.as_deref(),
            &grant.dpop_jkt.as_deref(),
            &grant.device.as_deref(),
            &grant.session_id.as_ref().map(|id| id.as_bytes().as_slice()),
            &grant.previous.as_ref().map(|previous| previous.token_hash.0.as_slice()),
            &grant.previous.as_ref().map(|previous| previous.rotated_at.as_micros()),
            &i64::from(grant.has_revoked_tokens),
            &grant.ends_at.map(Timestamp::as_micros),
        ],
    )
    .await
    .map(|_| ())
}

/// A query for whole grants, as [`read_grant`] reads them.
macro_rules! select_grants {
    ($condition:literal) => {
        Sql::new(concat!(
            "SELECT
       ",
            grant_columns!(""),
            "
     FROM grants
     ",
            $condition
        ))
    };
}

const FIND: Sql = select_grants!("WHERE project_no = $1 AND id = $2");

/// The grant with this id.
pub async fn find(conn: &mut Conn, p: ProjectNo, id: GrantId) -> Result<Option<Grant>, StoreError> {
    conn.query_optional(&FIND, &[&p.0, &id.as_bytes().as_slice()], read_grant).await
}

/// Selects a grant and its user.
macro_rules! select_with_user {
    ($condition:literal) => {
        select_with_user!("JOIN users u ON u.project_no = g.project_no AND u.id = g.user_id", $condition)
    };
    ($join:expr, $condition:literal) => {
        concat!(
            "SELECT
       ",
            grant_columns!("g."),
            ",
       ",
            user_columns!("u."),
            "
     FROM grants g
     ",
            $join,
            "
     ",
            $condition
        )
    };
}

const FIND_WITH_USER: Sql = Sql::new(select_with_user!("WHERE g.project_no = $1 AND g.id = $2"));

/// [`FIND_WITH_USER`] for several keys.
const FIND_MANY_WITH_USER: Sql = Sql::both(
    FIND_WITH_USER.text(Engine::Sqlite),
    for_each_key!(select_with_user!("WHERE g.project_no = wanted.project_no AND g.id = wanted.id")),
);

const WITH_USER: ByKey = ByKey { name: "grant_with_user", one: &FIND_WITH_USER, many: &FIND_MANY_WITH_USER };

/// The grant with this id, and its owner.
pub async fn find_with_user(conn: &mut Conn, p: ProjectNo, id: GrantId) -> Result<Option<(Grant, User)>, StoreError> {
    conn.find_by_key(&WITH_USER, p.0, *id.as_bytes(), |row| Ok((read_grant(row)?, read_user(row, COLUMNS)?))).await
}

/// [`FIND_WITH_USER`], on SQLite without the user if it is an active guest.
const FIND_WITH_OWNER: Sql = Sql::both(
    select_with_user!(join_unless_active_guest!("g."), "WHERE g.project_no = $1 AND g.id = $2"),
    FIND_WITH_USER.text(Engine::Postgres),
);

/// On PostgreSQL they go with those of [`WITH_USER`].
const WITH_OWNER: ByKey = ByKey { name: WITH_USER.name, one: &FIND_WITH_OWNER, many: &FIND_MANY_WITH_USER };

/// The grant with this id, and whose it is.
pub async fn find_with_owner(conn: &mut Conn, p: ProjectNo, id: GrantId) -> Result<Option<(Grant, Owner)>, StoreError> {
    conn.find_by_key(&WITH_OWNER, p.0, *id.as_bytes(), |row| {
        let grant = read_grant(row)?;
        let owner = read_owner(row, COLUMNS, grant.user_id)?;
        Ok((grant, owner))
    })
    .await
}

const RECORD_ACCESS: Sql = record_use!("grants");

/// Records a use; never moves the last use back.
pub async fn record_access(tx: &mut Tx, p: ProjectNo, id: GrantId, now: Timestamp) -> Result<bool, StoreError> {
    tx.execute_one(&RECORD_ACCESS, &[&p.0, &id.as_bytes().as_slice(), &now.as_micros()]).await
}

/// [`RECORD_ACCESS`] for several grants.
const RECORD_ACCESSES: Sql = record_uses!("grants", RECORD_ACCESS);

/// Records uses of different grants, in the order of their IDs; never moves a last use back.
pub async fn record_accesses(tx: &mut Tx, p: ProjectNo, uses: &mut [(GrantId, Timestamp)]) -> Result<(), StoreError> {
    record_all(tx, (&RECORD_ACCESS, &RECORD_ACCESSES), p, uses).await
}

const TOUCH: Sql = Sql::new(
    "UPDATE grants
     SET last_access_at = CASE WHEN last_access_at < $4 THEN $4 ELSE last_access_at END,
         device = COALESCE($3, device)
     WHERE project_no = $1 AND id = $2",
);

/// Records a refresh and the device name sent with it, if any; never moves the last use back. `false` when the grant is gone.
pub async fn touch(
    tx: &mut Tx,
    p: ProjectNo,
    id: GrantId,
    device: Option<&str>,
    now: Timestamp,
) -> Result<bool, StoreError> {
    tx.execute_one(&TOUCH, &[&p.0, &id.as_bytes().as_slice(), &device, &now.as_micros()]).await
}

/// [`TOUCH`] for several grants, each with its own device and time.
const TOUCH_ALL: Sql = Sql::both(
    TOUCH.text(Engine::Sqlite),
    concat!(
        hold_each!("grants", "id, device, at", "CAST($2 AS BYTEA[]), CAST($3 AS TEXT[]), CAST($4 AS BIGINT[])"),
        "UPDATE grants AS changed
     SET last_access_at = GREATEST(changed.last_access_at, held.at),
         device = COALESCE(held.device, changed.device)
     FROM held
     WHERE changed.project_no = $1 AND changed.id = ANY(CAST($2 AS BYTEA[]))
       AND changed.id = held.id"
    ),
)
.planned_anew();

/// From so many grants of a project on, [`TOUCH_ALL`] costs less than as many times [`TOUCH`].
const TOUCH_ALL_FROM: usize = 3;

/// A refresh, for [`touch_all`].
#[derive(Clone, Copy, Debug)]
pub struct Touched<'a> {
    /// The project.
    pub project: ProjectNo,
    /// The grant.
    pub id: GrantId,
    /// The device name sent with it.
    pub device: Option<&'a str>,
    /// When.
    pub at: Timestamp,
}

/// Records several refreshes as [`touch`] does, in the order of their keys; `false`, for a rollback, when a grant is gone.
pub async fn touch_all(tx: &mut Tx, touched: &mut Vec<Touched<'_>>) -> Result<bool, StoreError> {
    touched.sort_by_key(|one| (one.project, *one.id.as_bytes()));
    // Two of one grant are recorded as one after the other would be.
    touched.dedup_by(|next, kept| {
        let is_same = (next.project, next.id) == (kept.project, kept.id);
        if is_same {
            (kept.at, kept.device) = (kept.at.max(next.at), next.device.or(kept.device));
        }
        is_same
    });
    let can_join = tx.engine() == Engine::Postgres;
    for of_project in touched.chunk_by(|one, next| one.project == next.project) {
        match of_project {
            [first, ..] if can_join && of_project.len() >= TOUCH_ALL_FROM => {
                let ids: Array<&[u8]> = of_project.iter().map(|one| one.id.as_bytes().as_slice()).collect();
                let devices: Array<Option<&str>> = of_project.iter().map(|one| one.device).collect();
                let times: Array<i64> = of_project.iter().map(|one| one.at.as_micros()).collect();
                let found = tx.execute(&TOUCH_ALL, &[&first.project.0, &ids, &devices, &times]).await?;
                if found != of_project.len() as u64 {
                    return Ok(false);
                }
            }
            several => {
                for Touched { project, id, device, at } in several {
                    if !touch(tx, *project, *id, *device, *at).await? {
                        return Ok(false);
                    }
                }
            }
        }
    }
    Ok(true)
}

const HOLD: Sql = Sql::new(
    "UPDATE grants
     SET last_access_at = last_access_at
     WHERE project_no = $1 AND id = $2 AND user_id = $3
       AND ends_at IS NULL",
);

/// Locks a grant of a user, so that it does not end before the transaction does; `false` when it has ended, or is left over from a
/// promotion.
pub async fn hold(tx: &mut Tx, p: ProjectNo, id: GrantId, user: UserId) -> Result<bool, StoreError> {
    tx.execute_one(&HOLD, &[&p.0, &id.as_bytes().as_slice(), &user.as_bytes().as_slice()]).await
}

const ROTATE: Sql = Sql::new(
    "UPDATE grants
     SET previous_hash = token_hash,
         token_hash = $4,
         rotated_at = $5,
         last_access_at = $5
     WHERE project_no = $1 AND id = $2
       AND token_hash = $3",
);

/// Replaces the current token if it is still the expected one; the replaced one becomes the previous token.
pub async fn rotate(
    tx: &mut Tx,
    p: ProjectNo,
    id: GrantId,
    expected: TokenHash,
    new: TokenHash,
    now: Timestamp,
) -> Result<bool, StoreError> {
    tx.execute_one(
        &ROTATE,
        &[&p.0, &id.as_bytes().as_slice(), &expected.0.as_slice(), &new.0.as_slice(), &now.as_micros()],
    )
    .await
}

const SET_AUTHENTICATED: Sql = Sql::new(
    "UPDATE grants
     SET authenticated_at = $3,
         amr = $4
     WHERE project_no = $1 AND id = $2",
);

/// Records when and how the user authenticated.
pub async fn set_authenticated(
    tx: &mut Tx,
    p: ProjectNo,
    id: GrantId,
    at: Timestamp,
    amr: Option<&str>,
) -> Result<bool, StoreError> {
    tx.execute_one(&SET_AUTHENTICATED, &[&p.0, &id.as_bytes().as_slice(), &at.as_micros(), &amr]).await
}

const MARK_HAS_REVOKED_TOKENS: Sql = Sql::new(
    "UPDATE grants
     SET has_revoked_tokens = 1
     WHERE project_no = $1 AND id = $2",
);

/// Records that single access tokens of this grant were revoked.
pub async fn mark_has_revoked_tokens(tx: &mut Tx, p: ProjectNo, id: GrantId) -> Result<bool, StoreError> {
    tx.execute_one(&MARK_HAS_REVOKED_TOKENS, &[&p.0, &id.as_bytes().as_slice()]).await
}

const REMOVE: Sql = Sql::new("DELETE FROM grants WHERE project_no = $1 AND id = $2");

/// Removes a grant; `false` when it does not exist.
pub async fn remove(tx: &mut Tx, p: ProjectNo, id: GrantId) -> Result<bool, StoreError> {
    tx.execute_one(&REMOVE, &[&p.0, &id.as_bytes().as_slice()]).await
}

const REMOVE_OF_SESSION: Sql = in_order!("DELETE FROM grants", "grants", "project_no = $1 AND session_id = $2");

/// Removes the grants of a cookie session; returns how many.
pub async fn remove_of_session(tx: &mut Tx, p: ProjectNo, session: SessionId) -> Result<u64, StoreError> {
    tx.execute(&REMOVE_OF_SESSION, &[&p.0, &session.as_bytes().as_slice()]).await
}

const MOVE_TO_SESSION: Sql = in_order!(
    "UPDATE grants
     SET session_id = $4",
    "grants",
    "project_no = $1 AND user_id = $2
       AND session_id = $3"
);

/// Moves a user's grants from one cookie session to the session that replaces it; returns how many.
pub async fn move_to_session(
    tx: &mut Tx,
    p: ProjectNo,
    user: UserId,
    old: SessionId,
    new: SessionId,
) -> Result<u64, StoreError> {
    let (old, new) = (old.as_bytes().as_slice(), new.as_bytes().as_slice());
    tx.execute(&MOVE_TO_SESSION, &[&p.0, &user.as_bytes().as_slice(), &old, &new]).await
}

const REMOVE_OF_CLIENT: Sql = in_order!(
    "DELETE FROM grants",
    "grants",
    "project_no = $1 AND user_id = $2
       AND client_id = $3
       AND id <> $4"
);

/// Removes a user's grants of one application, optionally except one; returns how many.
pub async fn remove_of_client(
    tx: &mut Tx,
    p: ProjectNo,
    user: UserId,
    client_id: &str,
    except: Option<GrantId>,
) -> Result<u64, StoreError> {
    // No grant has an id of zeros: UUIDv7 always has its version bits set.
    let except = except.map_or([0; 16], |id| *id.as_bytes());
    tx.execute(&REMOVE_OF_CLIENT, &[&p.0, &user.as_bytes().as_slice(), &client_id, &except.as_slice()]).await
}

const LIMIT_OF_CLIENT: Sql = in_order!(
    "UPDATE grants
     SET ends_at = $4,
         session_id = NULL",
    "grants",
    "project_no = $1 AND user_id = $2
       AND client_id = $3"
);

/// Lets a user's grants of one application end at a time, and takes them out of their cookie sessions; returns how many.
pub async fn limit_of_client(
    tx: &mut Tx,
    p: ProjectNo,
    user: UserId,
    client_id: &str,
    ends_at: Timestamp,
) -> Result<u64, StoreError> {
    tx.execute(&LIMIT_OF_CLIENT, &[&p.0, &user.as_bytes().as_slice(), &client_id, &ends_at.as_micros()]).await
}

const LIST: Sql = select_grants!(
    "WHERE project_no = $1 AND user_id = $2
     ORDER BY id"
);

/// Every grant of a user, oldest first.
pub async fn list(conn: &mut Conn, p: ProjectNo, user: UserId) -> Result<Vec<Grant>, StoreError> {
    conn.query_all(&LIST, &[&p.0, &user.as_bytes().as_slice()], read_grant).await
}

const LIST_OF_SESSION: Sql = select_grants!(
    "WHERE project_no = $1 AND session_id = $2
     ORDER BY id"
);

/// Every grant of a cookie session, oldest first.
pub async fn list_of_session(conn: &mut Conn, p: ProjectNo, session: SessionId) -> Result<Vec<Grant>, StoreError> {
    conn.query_all(&LIST_OF_SESSION, &[&p.0, &session.as_bytes().as_slice()], read_grant).await
}

const SCAN_ANY_PROJECT: Sql = Sql::new(concat!(
    "SELECT
       ",
    grant_columns!("g."),
    ",
       g.project_no,
       u.anonymous_since
     FROM grants g
     LEFT JOIN users u ON u.project_no = g.project_no AND u.id = g.user_id
     WHERE (g.project_no, g.id) > ($1, $2)
     ORDER BY g.project_no, g.id
     LIMIT $3"
));

/// At most `limit` grants of all projects in key order, `after` a key, each with whether its user is anonymous. For
/// jobs that scan all grants.
pub async fn scan_any_project(
    conn: &mut Conn,
    after: Option<(ProjectNo, GrantId)>,
    limit: i64,
) -> Result<Vec<(ProjectNo, Grant, bool)>, StoreError> {
    let (p, id) = after.map_or((i64::MIN, [0; 16]), |(p, id)| (p.0, *id.as_bytes()));
    conn.query_all(&SCAN_ANY_PROJECT, &[&p, &id.as_slice(), &limit], |row| {
        Ok((read_project(row, COLUMNS)?, read_grant(row)?, read_optional_time(row, COLUMNS + 1)?.is_some()))
    })
    .await
}
