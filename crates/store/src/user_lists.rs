//! Lists of users, for operators. SQL over `users`; no policy.

use vestibule_domain::{
    id::{ProjectNo, UserId},
    time::Timestamp,
    user::User,
};

use crate::{
    column::read_id,
    db::{Conn, Param, Sql, StoreError},
    users::{read_user, user_columns},
};

/// Every statement of this file.
pub const STATEMENTS: &[&Sql] = &[
    &ALL.newest,
    &ALL.oldest,
    &ALL.count,
    &GUESTS.newest,
    &GUESTS.oldest,
    &GUESTS.count,
    &MEMBERS.newest,
    &MEMBERS.oldest,
    &MEMBERS.count,
    &DISABLED.newest,
    &DISABLED.oldest,
    &DISABLED.count,
    &DORMANT.newest,
    &DORMANT.oldest,
    &DORMANT.count,
    &MARKED.newest,
    &MARKED.oldest,
    &MARKED.count,
    &HELD.newest,
    &HELD.oldest,
    &HELD.count,
    &PROMOTED.newest,
    &PROMOTED.oldest,
    &PROMOTED.count,
    &SIGNED_IN.newest,
    &SIGNED_IN.oldest,
    &SIGNED_IN.count,
    &STEP.newest,
    &STEP.oldest,
];

/// Users in the order of their IDs, which is that of their creation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum UserList {
    /// Every user.
    All,
    /// Guests that have not ended. No index lists them, so the caller bounds the range.
    Guests,
    /// Members, whether they began as guests or not.
    Members,
    /// Disabled users.
    Disabled,
    /// Guests not seen since a time. No index lists them; the caller asks only for users created before that time: later ones were seen since.
    Dormant(Timestamp),
    /// Guests that were warned or have expired.
    Marked,
    /// Users with a hold that has not expired at a time; without guests that are merged or wait for it.
    Held(Timestamp),
}

/// Users in the order of a time, with those of the same time in the order of their IDs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DatedUserList {
    /// By their promotion.
    Promoted,
    /// Members, by their last login.
    SignedIn,
}

/// The direction of a list.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum ListOrder {
    /// The latest one first.
    #[default]
    Newest,
    /// The earliest one first.
    Oldest,
}

/// A part of a list, in its direction.
#[derive(Clone, Copy, Debug, Default)]
pub struct UserRange {
    /// The direction.
    pub order: ListOrder,
    /// The user before the first one.
    pub after: Option<UserId>,
    /// The last user that may be listed.
    pub until: Option<UserId>,
}

impl UserRange {
    /// The bounds as a statement wants them: the lower and the higher.
    fn bounds(&self) -> ([u8; 16], [u8; 16]) {
        let (low, high) = match self.order {
            ListOrder::Newest => (self.until, self.after),
            ListOrder::Oldest => (self.after, self.until),
        };
        (low.map_or([0; 16], |id| *id.as_bytes()), high.map_or([u8::MAX; 16], |id| *id.as_bytes()))
    }
}

/// The statements of a list.
struct Listing {
    newest: Sql,
    oldest: Sql,
    count: Sql,
}

impl Listing {
    const fn of(&self, order: ListOrder) -> &Sql {
        match order {
            ListOrder::Newest => &self.newest,
            ListOrder::Oldest => &self.oldest,
        }
    }
}

/// The statements of a list in the order of an ID: project, lower and higher bound, what the list needs, and how many.
macro_rules! listing {
    ($columns:literal, $from:literal, $project:literal, $id:literal, $and:literal, $limit:literal) => {
        Listing {
            newest: Sql::new(concat!(
                "SELECT
       ",
                user_columns!($columns),
                "
     ",
                $from,
                "
     WHERE ",
                $project,
                " = $1 AND ",
                $id,
                " >= $2 AND ",
                $id,
                " < $3",
                $and,
                "
     ORDER BY ",
                $id,
                " DESC
     LIMIT ",
                $limit
            )),
            oldest: Sql::new(concat!(
                "SELECT
       ",
                user_columns!($columns),
                "
     ",
                $from,
                "
     WHERE ",
                $project,
                " = $1 AND ",
                $id,
                " > $2 AND ",
                $id,
                " <= $3",
                $and,
                "
     ORDER BY ",
                $id,
                "
     LIMIT ",
                $limit
            )),
            count: Sql::new(concat!(
                "SELECT COUNT(*)
     FROM (
       SELECT 1
       ",
                $from,
                "
       WHERE ",
                $project,
                " = $1 AND ",
                $id,
                " >= $2 AND ",
                $id,
                " < $3",
                $and,
                "
       LIMIT ",
                $limit,
                "
     ) first"
            )),
        }
    };
}

const ALL: Listing = listing!("", "FROM users", "project_no", "id", "", "$4");

const GUESTS: Listing = listing!(
    "",
    "FROM users",
    "project_no",
    "id",
    "
       AND anonymous_since IS NOT NULL
       AND yielded_to IS NULL",
    "$4"
);

const MEMBERS: Listing = listing!(
    "",
    "FROM users",
    "project_no",
    "id",
    "
       AND anonymous_since IS NULL",
    "$4"
);

const DISABLED: Listing = listing!(
    "",
    "FROM users",
    "project_no",
    "id",
    "
       AND disabled_at IS NOT NULL",
    "$4"
);

const DORMANT: Listing = listing!(
    "u.",
    "FROM users u",
    "u.project_no",
    "u.id",
    "
       AND u.anonymous_since IS NOT NULL
       AND u.yielded_to IS NULL
       AND NOT EXISTS (
         SELECT 1 FROM grants g WHERE g.project_no = u.project_no AND g.user_id = u.id AND g.last_access_at >= $4
       )
       AND NOT EXISTS (
         SELECT 1 FROM sessions s WHERE s.project_no = u.project_no AND s.user_id = u.id AND s.last_access_at >= $4
       )",
    "$5"
);

const MARKED: Listing = listing!(
    "u.",
    "FROM retention_marks m
     JOIN users u ON u.project_no = m.project_no AND u.id = m.user_id",
    "m.project_no",
    "m.user_id",
    "
       AND u.anonymous_since IS NOT NULL
       AND u.yielded_to IS NULL",
    "$4"
);

/// The IDs of users with a hold. Whether one is neither merged nor waits for it is a subquery of its own: as a join, or in another form,
/// PostgreSQL expects hardly a user to be left, and reads and sorts every hold of the project.
macro_rules! held {
    ($bounds:literal, $order:literal) => {
        concat!(
            "SELECT DISTINCT h.user_id
         FROM retention_holds h
         WHERE h.project_no = $1 AND ",
            $bounds,
            "
           AND h.expires_at >= $4
           AND (SELECT g.yielded_to IS NULL FROM users g WHERE g.project_no = h.project_no AND g.id = h.user_id)
         ORDER BY h.user_id",
            $order,
            "
         LIMIT $5"
        )
    };
}

/// The users with these IDs. For PostgreSQL they are an array: beside a subquery it would read all users of the project, because it does not
/// know how few there are.
macro_rules! held_users {
    ($bounds:literal, $order:literal) => {
        Sql::both(
            concat!(
                "SELECT
       ",
                user_columns!(""),
                "
     FROM users
     WHERE project_no = $1
       AND id IN (
         ",
                held!($bounds, $order),
                "
       )
     ORDER BY id",
                $order
            ),
            concat!(
                "SELECT
       ",
                user_columns!(""),
                "
     FROM users
     WHERE project_no = $1
       AND id = ANY(ARRAY(
         ",
                held!($bounds, $order),
                "
       ))
     ORDER BY id",
                $order
            ),
        )
    };
}

const HELD: Listing = Listing {
    newest: held_users!("h.user_id >= $2 AND h.user_id < $3", " DESC"),
    oldest: held_users!("h.user_id > $2 AND h.user_id <= $3", ""),
    count: Sql::new(concat!(
        "SELECT COUNT(*)
     FROM (
         ",
        held!("h.user_id >= $2 AND h.user_id < $3", " DESC"),
        "
     ) first"
    )),
};

impl UserList {
    /// The statements, and the time that they need.
    const fn listing(self) -> (&'static Listing, Option<Timestamp>) {
        match self {
            Self::All => (&ALL, None),
            Self::Guests => (&GUESTS, None),
            Self::Members => (&MEMBERS, None),
            Self::Disabled => (&DISABLED, None),
            Self::Dormant(since) => (&DORMANT, Some(since)),
            Self::Marked => (&MARKED, None),
            Self::Held(now) => (&HELD, Some(now)),
        }
    }
}

/// At most `limit` users of a list, in the direction of the range.
pub async fn list(
    conn: &mut Conn,
    p: ProjectNo,
    list: UserList,
    range: &UserRange,
    limit: i64,
) -> Result<Vec<User>, StoreError> {
    let (listing, time) = list.listing();
    let (low, high) = range.bounds();
    let sql = listing.of(range.order);
    match time.map(Timestamp::as_micros) {
        None => {
            let params: [&dyn Param; 4] = [&p.0, &low.as_slice(), &high.as_slice(), &limit];
            conn.query_all(sql, &params, |row| read_user(row, 0)).await
        }
        Some(time) => {
            let params: [&dyn Param; 5] = [&p.0, &low.as_slice(), &high.as_slice(), &time, &limit];
            conn.query_all(sql, &params, |row| read_user(row, 0)).await
        }
    }
}

/// At most `limit` users of a project, newest first, `after` the last one of the previous page.
pub async fn list_newest(
    conn: &mut Conn,
    p: ProjectNo,
    after: Option<UserId>,
    limit: i64,
) -> Result<Vec<User>, StoreError> {
    list(conn, p, UserList::All, &UserRange { after, ..UserRange::default() }, limit).await
}

/// How many users of a list a range has, whose direction does not matter: at most `limit`.
pub async fn count(
    conn: &mut Conn,
    p: ProjectNo,
    list: UserList,
    range: &UserRange,
    limit: i64,
) -> Result<i64, StoreError> {
    let (listing, time) = list.listing();
    let (low, high) = range.bounds();
    let found = match time.map(Timestamp::as_micros) {
        None => {
            let params: [&dyn Param; 4] = [&p.0, &low.as_slice(), &high.as_slice(), &limit];
            conn.query_optional(&listing.count, &params, |row| row.get(0)).await?
        }
        Some(time) => {
            let params: [&dyn Param; 5] = [&p.0, &low.as_slice(), &high.as_slice(), &time, &limit];
            conn.query_optional(&listing.count, &params, |row| row.get(0)).await?
        }
    };
    Ok(found.unwrap_or(0))
}

/// The statements of a list in the order of a time: project, the earliest time, time and ID of the user before the first one, and how many.
macro_rules! dated {
    ($at:literal, $and:literal) => {
        Listing {
            newest: Sql::new(concat!(
                "SELECT
       ",
                user_columns!(""),
                "
     FROM users
     WHERE project_no = $1
       AND ",
                $at,
                " >= $2
       AND (",
                $at,
                ", id) < ($3, $4)",
                $and,
                "
     ORDER BY ",
                $at,
                " DESC, id DESC
     LIMIT $5"
            )),
            oldest: Sql::new(concat!(
                "SELECT
       ",
                user_columns!(""),
                "
     FROM users
     WHERE project_no = $1
       AND ",
                $at,
                " >= $2
       AND (",
                $at,
                ", id) > ($3, $4)",
                $and,
                "
     ORDER BY ",
                $at,
                ", id
     LIMIT $5"
            )),
            count: Sql::new(concat!(
                "SELECT COUNT(*)
     FROM (
       SELECT 1
       FROM users
       WHERE project_no = $1
       AND ",
                $at,
                " >= $2",
                $and,
                "
       LIMIT $3
     ) first"
            )),
        }
    };
}

const PROMOTED: Listing = dated!("promoted_at", "");

const SIGNED_IN: Listing = dated!(
    "last_login_at",
    "
       AND anonymous_since IS NULL"
);

impl DatedUserList {
    const fn listing(self) -> &'static Listing {
        match self {
            Self::Promoted => &PROMOTED,
            Self::SignedIn => &SIGNED_IN,
        }
    }
}

/// A part of a list in the order of a time, in its direction.
#[derive(Clone, Copy, Debug)]
pub struct DatedRange {
    /// The direction.
    pub order: ListOrder,
    /// The earliest time.
    pub since: Timestamp,
    /// Time and ID of the user before the first one.
    pub after: Option<(Timestamp, UserId)>,
}

/// At most `limit` users of a list, in the direction of the range.
pub async fn list_dated(
    conn: &mut Conn,
    p: ProjectNo,
    list: DatedUserList,
    range: &DatedRange,
    limit: i64,
) -> Result<Vec<User>, StoreError> {
    let DatedRange { order, since, after } = *range;
    let start = match order {
        ListOrder::Newest => (i64::MAX, [u8::MAX; 16]),
        ListOrder::Oldest => (i64::MIN, [0; 16]),
    };
    let (at, id) = after.map_or(start, |(at, id)| (at.as_micros(), *id.as_bytes()));
    let params: [&dyn Param; 5] = [&p.0, &since.as_micros(), &at, &id.as_slice(), &limit];
    conn.query_all(list.listing().of(order), &params, |row| read_user(row, 0)).await
}

/// How many users of a list have a time that is not before `since`: at most `limit`.
pub async fn count_dated(
    conn: &mut Conn,
    p: ProjectNo,
    list: DatedUserList,
    since: Timestamp,
    limit: i64,
) -> Result<i64, StoreError> {
    let found =
        conn.query_optional(&list.listing().count, &[&p.0, &since.as_micros(), &limit], |row| row.get(0)).await?;
    Ok(found.unwrap_or(0))
}

/// The statements of a step, in both directions.
struct Step {
    newest: Sql,
    oldest: Sql,
}

const STEP: Step = Step {
    newest: Sql::new(
        "SELECT id
     FROM users
     WHERE project_no = $1 AND id < $2
     ORDER BY id DESC
     LIMIT 1
     OFFSET $3",
    ),
    oldest: Sql::new(
        "SELECT id
     FROM users
     WHERE project_no = $1 AND id > $2
     ORDER BY id
     LIMIT 1
     OFFSET $3",
    ),
};

/// The user that many places after this one, or after the first: bounds how far a list without an index scans.
pub async fn step(
    conn: &mut Conn,
    p: ProjectNo,
    order: ListOrder,
    after: Option<UserId>,
    count: i64,
) -> Result<Option<UserId>, StoreError> {
    let (low, high) = UserRange { order, after, until: None }.bounds();
    let (sql, bound) = match order {
        ListOrder::Newest => (&STEP.newest, high),
        ListOrder::Oldest => (&STEP.oldest, low),
    };
    conn.query_optional(sql, &[&p.0, &bound.as_slice(), &count], |row| read_id(row, 0)).await
}
