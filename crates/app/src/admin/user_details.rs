//! Users for the portal: lists with names, and the details of one.

use std::collections::HashMap;

use vestibule_domain::{id::UserId, person_name, time::Timestamp, user::User};
use vestibule_store::{Conn, StoreError, credentials, retention, user_search};

use super::{
    AdminError, ListPage,
    audit::{self, AuditLine, Filter},
    device_keys::{self, DeviceKey},
    sessions,
    user_lists::{UserFilter, UserQuery, UserSort},
    users,
};
use crate::{
    ctx::Ctx,
    identities::LoadedUser,
    projects::Project,
    retention::holds::{self, Hold},
    sessions::ListedSession,
};

/// Number of events shown with a user.
const LATEST: u32 = 20;

/// A user with what it is known by.
#[derive(Debug)]
pub struct NamedUser {
    pub user: User,
    pub login_id: Option<String>,
    /// The name in its attributes.
    pub person: Option<String>,
}

/// A list of users with their names.
pub async fn list(ctx: &Ctx<'_>, query: &UserQuery) -> Result<ListPage<NamedUser>, AdminError> {
    let page = crate::admin::user_lists::list(ctx, query).await?;
    let is_in_order = query.search.as_deref().is_none_or(str::is_empty)
        && matches!(query.sort, UserSort::Newest | UserSort::Oldest)
        && !matches!(query.kind, UserFilter::Promoted | UserFilter::Disabled | UserFilter::Expiring | UserFilter::Held);
    let mut conn = ctx.app.store.read().await?;
    let mut names = find_names(&mut conn, ctx.project, &page.items, is_in_order).await?;
    let items = page.items.into_iter().map(|user| {
        let person = person_name::display(&user.standard_attributes);
        NamedUser { login_id: names.remove(&user.id), person, user }
    });
    Ok(ListPage { items: items.collect(), next: page.next })
}

/// One login ID of each user: an email address, or else a phone number, or else a username.
async fn find_names(
    conn: &mut Conn,
    project: &Project,
    users: &[User],
    is_in_order: bool,
) -> Result<HashMap<UserId, String>, StoreError> {
    let no = project.no;
    let mut all = Vec::new();
    let members = || users.iter().filter(|user| !user.is_anonymous());
    if members().next().is_none() {
        return Ok(HashMap::new());
    }
    if let (true, Some(newest), Some(oldest)) = (is_in_order, users.first(), users.last()) {
        // The users of a page are adjacent in the index of login IDs too.
        let (first, last) = (oldest.id.min(newest.id), oldest.id.max(newest.id));
        all = user_search::list_login_ids_between(conn, no, first, last).await?;
    } else {
        for user in members() {
            let owned = credentials::list_login_ids(conn, no, user.id).await?;
            all.extend(owned.into_iter().map(|row| (row.user_id, row.kind, row.value)));
        }
    }
    all.sort_by(|a, b| a.1.cmp(&b.1));
    let mut names = HashMap::new();
    for (user, _, value) in all {
        names.entry(user).or_insert(value);
    }
    Ok(names)
}

/// What the retention did to a guest.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct RetentionMark {
    /// When its application was warned.
    pub warned_at: Option<Timestamp>,
    /// When it expired.
    pub expired_at: Option<Timestamp>,
}

/// The details of one user.
pub struct UserDetails {
    pub loaded: LoadedUser,
    pub keys: Vec<DeviceKey>,
    pub sessions: Vec<ListedSession>,
    /// Where a guest stands by the rules of its application.
    pub mark: RetentionMark,
    /// Oldest first.
    pub holds: Vec<Hold>,
    /// Newest first.
    pub events: Vec<AuditLine>,
}

pub async fn load(ctx: &Ctx<'_>, id: UserId) -> Result<UserDetails, AdminError> {
    let filter = Filter { user: Some(id), ..Filter::default() };
    Ok(UserDetails {
        loaded: users::get(ctx, id).await?,
        keys: device_keys::list(ctx, id).await?,
        sessions: sessions::list(ctx, id).await?,
        mark: find_mark(ctx, id).await?,
        holds: holds::list(ctx, id).await?,
        events: audit::list_lines(ctx, &filter, None, LATEST).await?.items,
    })
}

async fn find_mark(ctx: &Ctx<'_>, id: UserId) -> Result<RetentionMark, StoreError> {
    let mark = retention::find_mark(&mut *ctx.app.store.read().await?, ctx.project.no, id).await?;
    Ok(mark.map(|(warned_at, expired_at)| RetentionMark { warned_at, expired_at }).unwrap_or_default())
}
