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
    user_lists::{self, UserListKind},
    user_names, users,
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

/// A query for a list.
#[derive(Clone, Debug, Default)]
pub struct UserQuery {
    pub kind: UserFilter,
    /// For `Promoted` and `Dormant`: how many days back.
    pub days: u32,
    pub search: Option<String>,
    pub cursor: Option<String>,
    pub limit: u32,
}

/// Lists users. A page of guests may be short, even empty, though a next page exists: each page scans a bounded number
/// of users.
pub async fn list(ctx: &Ctx<'_>, query: &UserQuery) -> Result<ListPage<User>, AdminError> {
    // Before a search, too, which has one page: a wrong cursor is refused in any case.
    let after = query.cursor.as_deref().map(read_cursor).transpose()?;
    let mut conn = ctx.app.store.read().await?;
    if let Some(text) = query.search.as_deref().map(str::trim).filter(|text| !text.is_empty()) {
        let items = search(&mut conn, ctx.project, text, i64::from(query.limit)).await?;
        return Ok(ListPage { items, next: None });
    }
    let (below, no) = (after.map(|(_, id)| id), ctx.project.no);
    let since = ctx.now.minus(Duration::from_secs(u64::from(query.days) * 86_400));
    // Fetch one more than requested, to learn whether there is a next page.
    let wanted = i64::from(query.limit) + 1;
    let (items, floor) = match query.kind {
        UserFilter::All => (users::list_page(&mut conn, no, below, wanted).await?, None),
        UserFilter::Member => (user_lists::list_kind(&mut conn, no, UserListKind::Members, below, wanted).await?, None),
        UserFilter::Disabled => {
            (user_lists::list_kind(&mut conn, no, UserListKind::Disabled, below, wanted).await?, None)
        }
        UserFilter::Expiring => (user_lists::list_marked(&mut conn, no, below, wanted).await?, None),
        UserFilter::Held => (user_lists::list_held(&mut conn, no, ctx.now, below, wanted).await?, None),
        UserFilter::Promoted => (user_lists::list_promoted(&mut conn, no, since, after, wanted).await?, None),
        UserFilter::Guest => {
            let floor = user_lists::step_down(&mut conn, no, below, LOOK).await?;
            (user_lists::list_guests(&mut conn, no, below, floor, wanted).await?, floor)
        }
        UserFilter::Dormant => {
            let young = UserId::lower_bound(since.as_unix_millis());
            let below = Some(below.map_or(young, |id| id.min(young)));
            let floor = user_lists::step_down(&mut conn, no, below, LOOK_CLOSELY).await?;
            (user_lists::list_dormant(&mut conn, no, since, below, floor, wanted).await?, floor)
        }
    };
    let page = ListPage::cut(items, query.limit, |user| print_cursor(user.promoted_at, user.id));
    let next = page.next.or_else(|| floor.map(|id| print_cursor(None, id)));
    Ok(ListPage { items: page.items, next })
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
        found.extend(user_lists::search_ids(conn, no, first, last, limit).await?);
    }
    for kind in LoginIdKind::ALL {
        let parsed = LoginId::parse(kind, text, project.settings.default_country());
        // Search a complete login ID in its normal form, and a prefix as typed.
        let beginning = parsed.map_or_else(|_| begin(kind, text), |login_id| login_id.value);
        found.extend(user_lists::search_login_ids(conn, no, kind.as_str(), &beginning, limit).await?);
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
