//! Lists and searches of users; each page comes from an index or a bounded scan.

use std::{collections::HashSet, time::Duration};

use vestibule_domain::{
    id::{ProjectNo, UserId},
    identifier::{LoginId, LoginIdKind, email},
    person_name,
    time::Timestamp,
    user::User,
};
use vestibule_store::{
    Conn, StoreError,
    user_lists::{self, DatedRange, DatedUserList, ListOrder, UserList, UserRange},
    user_names, user_search, users,
};

use super::{AdminError, ListPage};
use crate::{
    crypto::{base64url, read_base64url},
    ctx::Ctx,
    projects::Project,
};

/// Number of users scanned per page of guests. There is no index on guests, because it would cost space for every
/// guest.
const LOOK: i64 = 4_000;
/// The same for dormant guests, whose sessions must be read too.
const LOOK_CLOSELY: i64 = 1_500;
/// Largest total that is counted exactly: so many users are a few milliseconds of work.
pub const MOST_COUNTED: i64 = 10_000;
/// Minimum length of an ID prefix in a search.
const ID_DIGITS: usize = 8;

/// Maximum length of a search text, in bytes.
pub const LONGEST_SEARCH: usize = 1024;

/// A kind of user to list.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum UserFilter {
    #[default]
    All,
    Guest,
    Member,
    Promoted,
    Dormant,
    Disabled,
    /// Guests that were warned by the retention, or have expired.
    Expiring,
    /// Users with a hold.
    Held,
}

/// The order of a list. A search has its own.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum UserSort {
    /// Latest first: by creation; of promoted users, by promotion.
    #[default]
    Newest,
    /// The same, earliest first.
    Oldest,
    /// Members who have signed in, latest login first.
    LatestLogin,
    /// The same, earliest first.
    EarliestLogin,
}

impl UserSort {
    fn order(self) -> ListOrder {
        match self {
            Self::Newest | Self::LatestLogin => ListOrder::Newest,
            Self::Oldest | Self::EarliestLogin => ListOrder::Oldest,
        }
    }
}

/// A query for a list.
#[derive(Clone, Debug, Default)]
pub struct UserQuery {
    pub kind: UserFilter,
    /// For `Promoted` and `Dormant`: how many days back.
    pub days: u32,
    pub sort: UserSort,
    pub search: Option<String>,
    pub cursor: Option<String>,
    pub limit: u32,
}

/// Lists users. A page of guests may be short, even empty, though a next page exists: each page scans a bounded number
/// of users.
pub async fn list(ctx: &Ctx<'_>, query: &UserQuery) -> Result<ListPage<User>, AdminError> {
    // Before a search, too, which has one page: a wrong cursor is refused in any case.
    let after = query.cursor.as_deref().map(read_cursor).transpose()?;
    let order = query.sort.order();
    query.check_sort()?;
    let mut conn = ctx.app.store.read().await?;
    if let Some(text) = query.search_text() {
        let items = search(&mut conn, ctx.project, text, i64::from(query.limit)).await?;
        return Ok(ListPage { items, next: None });
    }
    let no = ctx.project.no;
    // Fetch one more than requested, to learn whether there is a next page.
    let wanted = i64::from(query.limit) + 1;
    if let Some((list, since)) = query.dated_list(ctx.now) {
        let items = user_lists::list_dated(&mut conn, no, list, &DatedRange { order, since, after }, wanted).await?;
        let time = |user: &User| match list {
            DatedUserList::Promoted => user.promoted_at,
            DatedUserList::SignedIn => user.last_login_at,
        };
        return Ok(ListPage::cut(items, query.limit, |user| print_cursor(time(user), user.id)));
    }
    let mut range = UserRange { order, after: after.map(|(_, id)| id), until: None };
    let (list, places) = query.listed(ctx.now);
    if let UserList::Dormant(since) = list {
        match order {
            ListOrder::Newest => {
                range.after = Some(range.after.map_or(oldest_after(since), |id| id.min(oldest_after(since))))
            }
            ListOrder::Oldest => range.until = Some(oldest_after(since)),
        }
    }
    let reached = match places {
        Some(places) => user_lists::step(&mut conn, no, order, range.after, places).await?,
        None => None,
    };
    // Where the list ends anyway is no place to go on from.
    let reached = reached.filter(|id| order == ListOrder::Newest || range.until.is_none_or(|until| *id < until));
    range.until = reached.or(range.until);
    let items = user_lists::list(&mut conn, no, list, &range, wanted).await?;
    let page = ListPage::cut(items, query.limit, |user| print_cursor(None, user.id));
    let next = page.next.or_else(|| reached.map(|id| print_cursor(None, id)));
    Ok(ListPage { items: page.items, next })
}

/// How many users a list has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct UserTotal {
    pub count: i64,
    /// Whether there are not more.
    pub is_exact: bool,
}

/// Counts the users of a list, all of its pages together; of a search, those `found` on its one page. At most [`MOST_COUNTED`] are counted, and only
/// so many users are looked at.
pub async fn count(ctx: &Ctx<'_>, query: &UserQuery, found: usize) -> Result<UserTotal, AdminError> {
    if query.search_text().is_some() {
        let is_exact = found < usize::try_from(query.limit).unwrap_or(usize::MAX);
        return Ok(UserTotal { count: i64::try_from(found).unwrap_or(i64::MAX), is_exact });
    }
    let no = ctx.project.no;
    let limit = MOST_COUNTED + 1;
    let mut conn = ctx.app.store.read().await?;
    let (count, is_cut) = if let Some((list, since)) = query.dated_list(ctx.now) {
        (user_lists::count_dated(&mut conn, no, list, since, limit).await?, false)
    } else {
        let (list, places) = query.listed(ctx.now);
        let mut range = UserRange::default();
        if let UserList::Dormant(since) = list {
            range.after = Some(oldest_after(since));
        }
        if let Some(places) = places {
            let places = if list == UserList::Guests { MOST_COUNTED } else { places };
            range.until = user_lists::step(&mut conn, no, range.order, range.after, places).await?;
        }
        (user_lists::count(&mut conn, no, list, &range, limit).await?, range.until.is_some())
    };
    Ok(UserTotal { count: count.min(MOST_COUNTED), is_exact: !is_cut && count <= MOST_COUNTED })
}

impl UserQuery {
    fn search_text(&self) -> Option<&str> {
        self.search.as_deref().map(str::trim).filter(|text| !text.is_empty())
    }

    /// The list in the order of a time, if it is one, with the earliest time.
    fn dated_list(&self, now: Timestamp) -> Option<(DatedUserList, Timestamp)> {
        match (self.kind, self.sort) {
            (UserFilter::Promoted, _) => Some((DatedUserList::Promoted, self.since(now))),
            (_, UserSort::LatestLogin | UserSort::EarliestLogin) => {
                Some((DatedUserList::SignedIn, Timestamp::from_micros(0)))
            }
            _ => None,
        }
    }

    /// The list in the order of IDs, and how many users a page looks at if no index lists them.
    fn listed(&self, now: Timestamp) -> (UserList, Option<i64>) {
        match self.kind {
            // Promoted ones are in the order of a time.
            UserFilter::All | UserFilter::Promoted => (UserList::All, None),
            UserFilter::Member => (UserList::Members, None),
            UserFilter::Disabled => (UserList::Disabled, None),
            UserFilter::Expiring => (UserList::Marked, None),
            UserFilter::Held => (UserList::Held(now), None),
            UserFilter::Guest => (UserList::Guests, Some(LOOK)),
            UserFilter::Dormant => (UserList::Dormant(self.since(now)), Some(LOOK_CLOSELY)),
        }
    }

    fn since(&self, now: Timestamp) -> Timestamp {
        now.minus(Duration::from_secs(u64::from(self.days) * 86_400))
    }

    fn check_sort(&self) -> Result<(), AdminError> {
        let is_by_login = matches!(self.sort, UserSort::LatestLogin | UserSort::EarliestLogin);
        if is_by_login && self.kind != UserFilter::Member {
            return Err(AdminError::fault("sort", "only members can be sorted by their last login"));
        }
        Ok(())
    }
}

/// Users with smaller IDs were created before this time.
fn oldest_after(since: Timestamp) -> UserId {
    UserId::lower_bound(since.as_unix_millis())
}

fn print_cursor(promoted_at: Option<Timestamp>, id: UserId) -> String {
    let mut bytes = promoted_at.map_or(0, Timestamp::as_micros).to_be_bytes().to_vec();
    bytes.extend_from_slice(id.as_bytes());
    base64url(bytes)
}

fn read_cursor(text: &str) -> Result<(Timestamp, UserId), AdminError> {
    let bytes = read_base64url(text).and_then(|bytes| <[u8; 24]>::try_from(bytes).ok());
    let bytes = bytes.ok_or_else(|| AdminError::fault("cursor", "the cursor is not valid for this list"))?;
    let (mut at, mut id) = ([0; 8], [0; 16]);
    at.copy_from_slice(&bytes[..8]);
    id.copy_from_slice(&bytes[8..]);
    Ok((Timestamp::from_micros(i64::from_be_bytes(at)), UserId::from_bytes(id)))
}

/// Finds users by ID or login ID, in full or by prefix, by the domain of an email address, and by the words of a name.
async fn search(conn: &mut Conn, project: &Project, text: &str, limit: i64) -> Result<Vec<User>, StoreError> {
    let no: ProjectNo = project.no;
    if let Ok(id) = text.parse::<UserId>() {
        return Ok(users::find(conn, no, id).await?.into_iter().collect());
    }
    // A PostgreSQL text cannot contain NUL, and no ID or login ID is that long.
    if text.contains('\0') || text.len() > LONGEST_SEARCH {
        return Ok(Vec::new());
    }
    let mut found = Vec::new();
    if let Some((first, last)) = id_range(text) {
        found.extend(user_search::search_ids(conn, no, first, last, limit).await?);
    }
    for kind in LoginIdKind::ALL {
        let parsed = LoginId::parse(kind, text, project.settings.default_country());
        // Search a complete login ID in its normal form, and a prefix as typed.
        let beginning = parsed.map_or_else(|_| begin(kind, text), |login_id| login_id.value);
        found.extend(user_search::search_login_ids(conn, no, kind.as_str(), &beginning, limit).await?);
    }
    if let Some(domain) = email::read_domain(text) {
        found.extend(user_names::search_domains(conn, no, &domain, limit).await?);
    }
    // No name has an @.
    if let Some(beginning) = person_name::beginning(text).filter(|_| !text.contains('@')) {
        found.extend(user_names::search_names(conn, no, &beginning, limit).await?);
    }
    let mut seen = HashSet::new();
    found.retain(|user| seen.insert(user.id));
    found.truncate(usize::try_from(limit).unwrap_or(usize::MAX));
    Ok(found)
}

/// A prefix of a login ID in the form it is stored in.
fn begin(kind: LoginIdKind, text: &str) -> String {
    match kind {
        LoginIdKind::Phone => text.chars().filter(|c| !matches!(c, ' ' | '-' | '.' | '(' | ')' | '/')).collect(),
        LoginIdKind::Email | LoginIdKind::Username => text.to_lowercase(),
    }
}

/// The first and the last ID with this prefix; `None` if it is too short or not part of an ID.
fn id_range(text: &str) -> Option<(UserId, UserId)> {
    let digits: String = text.chars().filter(|c| *c != '-').collect();
    let is_beginning = (ID_DIGITS..=32).contains(&digits.len()) && digits.chars().all(|c| c.is_ascii_hexdigit());
    if !is_beginning {
        return None;
    }
    let fill = |digit: char| {
        let whole: String = digits.chars().chain(std::iter::repeat(digit)).take(32).collect();
        u128::from_str_radix(&whole, 16).ok().map(|bits| UserId::from_bytes(bits.to_be_bytes()))
    };
    Some((fill('0')?, fill('f')?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_beginning_of_an_id_is_a_range() {
        let (first, last) = id_range("018f3c2e-2a54-7a").expect("a beginning");
        assert_eq!(first.to_string(), "018f3c2e-2a54-7a00-0000-000000000000");
        assert_eq!(last.to_string(), "018f3c2e-2a54-7aff-ffff-ffffffffffff");
        for text in ["018f3c2", "kim@shop.test", "018f3c2x", "", "018f3c2e2a547a0c8a671f0a6f5fd2ab0"] {
            assert!(id_range(text).is_none(), "{text}");
        }
    }

    #[test]
    fn a_beginning_of_a_number_is_compared_without_its_decoration() {
        assert_eq!(begin(LoginIdKind::Phone, "+49 (30) 90-18"), "+49309018");
        assert_eq!(begin(LoginIdKind::Email, "Kim@"), "kim@");
    }
}
