//! The subject ledger for operators: whom a `sub` names now, and the other names of a user.

use vestibule_domain::{
    id::{ProjectNo, UserId},
    subject::{Meaning, Subject},
    time::Timestamp,
};
use vestibule_store::{Conn, StoreError, Tx, subjects, users};

use super::{AdminError, ListPage, Thing};
use crate::{
    crypto::{base64url, read_base64url},
    ctx::Ctx,
};

/// Maximum number of other names that are listed with a user, of each kind.
const MOST: i64 = 100;

/// The user that a `sub` is an alias of; `None` when it is no alias.
pub async fn find_current(ctx: &Ctx<'_>, subject: &Subject) -> Result<Option<UserId>, StoreError> {
    let meaning = subjects::find(&mut *ctx.app.store.read().await?, ctx.project.no, subject).await?;
    Ok(meaning.and_then(Meaning::current))
}

/// The other names of a user: the IDs of guests that were merged into it, then its IDs in other systems; the first of each.
pub async fn list_previous(ctx: &Ctx<'_>, user: UserId) -> Result<Vec<String>, StoreError> {
    list_names(&mut *ctx.app.store.read().await?, ctx.project.no, user, MOST).await
}

/// At most `limit` other names of a user, of each kind.
pub(crate) async fn list_names(
    conn: &mut Conn,
    no: ProjectNo,
    user: UserId,
    limit: i64,
) -> Result<Vec<String>, StoreError> {
    let aliases = subjects::list_aliases(conn, no, user, None, limit).await?;
    let foreign = subjects::list_foreign(conn, no, user, None, limit).await?;
    Ok(aliases.iter().map(UserId::to_string).chain(foreign).collect())
}

/// At most `limit` other names of a user, of each kind; the guests that were merged last first.
pub(crate) async fn list_newest_names(
    conn: &mut Conn,
    no: ProjectNo,
    user: UserId,
    limit: i64,
) -> Result<Vec<String>, StoreError> {
    let aliases = subjects::list_newest_aliases(conn, no, user, limit).await?;
    let foreign = subjects::list_foreign(conn, no, user, None, limit).await?;
    Ok(aliases.iter().map(UserId::to_string).chain(foreign).collect())
}

/// A page of all other names of a user, in the order of [`list_previous`].
///
/// # Errors
/// [`Thing::User`] is not there, an unreadable cursor, or the store's.
pub async fn list_page(
    ctx: &Ctx<'_>,
    user: UserId,
    cursor: Option<&str>,
    limit: u32,
) -> Result<ListPage<String>, AdminError> {
    let read = |text: &str| {
        let name = read_base64url(text).and_then(|bytes| String::from_utf8(bytes).ok());
        let subject = name.and_then(|name| Subject::parse(&name).ok());
        subject.ok_or_else(|| AdminError::fault("cursor", "the cursor is not valid for this list"))
    };
    let after = cursor.map(read).transpose()?;
    let (mut conn, no) = (ctx.app.store.read().await?, ctx.project.no);
    users::find(&mut conn, no, user).await?.ok_or(AdminError::NotFound(Thing::User))?;
    let most = i64::from(limit) + 1;
    let mut names = Vec::new();
    let foreign = match &after {
        Some(Subject::Foreign(id)) => Some(id.as_str()),
        Some(Subject::Id(_)) | None => {
            let after = match after {
                Some(Subject::Id(id)) => Some(id),
                Some(Subject::Foreign(_)) | None => None,
            };
            let aliases = subjects::list_aliases(&mut conn, no, user, after, most).await?;
            names.extend(aliases.iter().map(UserId::to_string));
            None
        }
    };
    let missing = most - i64::try_from(names.len()).unwrap_or(most);
    if missing > 0 {
        names.extend(subjects::list_foreign(&mut conn, no, user, foreign, missing).await?);
    }
    Ok(ListPage::cut(names, limit, |name| base64url(name)))
}

/// Records the other names of a new user. Returns why it can't have its `sub` or one of them: they mean another user or a deleted
/// one.
pub(super) async fn claim(
    tx: &mut Tx,
    no: ProjectNo,
    (user, yielded_to): (UserId, Option<UserId>),
    names: &[String],
    now: Timestamp,
) -> Result<Option<&'static str>, StoreError> {
    match subjects::find(tx, no, &Subject::Id(user)).await? {
        None => {}
        // What is left of a guest that was merged.
        Some(Meaning::Alias { of }) if yielded_to == Some(of) => {}
        Some(Meaning::Alias { .. }) => return Ok(Some("the ID is another name of an existing user")),
        Some(Meaning::Tombstone) => {
            return Ok(Some("the ID belonged to a user that was deleted; IDs are never reused"));
        }
    }
    let own = Meaning::Alias { of: user };
    // All of them can be read: the line was checked.
    for subject in names.iter().filter_map(|text| Subject::parse(text).ok()) {
        if let Subject::Id(id) = &subject
            && users::find(tx, no, *id).await?.is_some_and(|other| other.yielded_to != Some(user))
        {
            return Ok(Some("one of previous_subs is the ID of another user"));
        }
        let is_new = subjects::record(tx, no, &subject, own, now).await?;
        if !is_new && subjects::find(tx, no, &subject).await? != Some(own) {
            return Ok(Some("one of previous_subs belongs to another user, or to one that was deleted"));
        }
    }
    Ok(None)
}
