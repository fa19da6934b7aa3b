//! The subject ledger for operators: whom a `sub` names now, and the other names of a user.

use vestibule_domain::{
    id::{ProjectNo, UserId},
    subject::{Meaning, Subject},
};
use vestibule_store::{Conn, StoreError, Tx, subjects, users};

use crate::ctx::Ctx;

/// Maximum number of other names that are listed of a user, of each kind.
const MOST: i64 = 100;

/// The user that a `sub` is an alias of; `None` when it is no alias.
pub async fn find_current(ctx: &Ctx<'_>, subject: &Subject) -> Result<Option<UserId>, StoreError> {
    let meaning = subjects::find(&mut *ctx.app.store.read().await?, ctx.project.no, subject).await?;
    Ok(meaning.and_then(Meaning::current))
}

/// The other names of a user: the IDs of guests that were merged into it, then its IDs in other systems.
pub async fn list_previous(ctx: &Ctx<'_>, user: UserId) -> Result<Vec<String>, StoreError> {
    list_names(&mut *ctx.app.store.read().await?, ctx.project.no, user).await
}

pub(super) async fn list_names(conn: &mut Conn, no: ProjectNo, user: UserId) -> Result<Vec<String>, StoreError> {
    let aliases = subjects::list_aliases(conn, no, user, MOST).await?;
    let foreign = subjects::list_foreign(conn, no, user, MOST).await?;
    Ok(aliases.iter().map(UserId::to_string).chain(foreign).collect())
}

/// Records the other names of a new user. Returns why it can't have its `sub` or one of them: they mean another user or a deleted
/// one.
pub(super) async fn claim(
    tx: &mut Tx,
    no: ProjectNo,
    (user, yielded_to): (UserId, Option<UserId>),
    names: &[String],
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
        let is_new = subjects::record(tx, no, &subject, own).await?;
        if !is_new && subjects::find(tx, no, &subject).await? != Some(own) {
            return Ok(Some("one of previous_subs belongs to another user, or to one that was deleted"));
        }
    }
    Ok(None)
}
