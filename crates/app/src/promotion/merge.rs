//! Merging a guest into a member, inside the transaction: the guest ends as one that is given up, its `sub` becomes an alias of the
//! member's, and its attributes go to the member by the project's rules. Nothing of it gives access to the member.

use serde_json::Map;
use vestibule_domain::{
    event::{Event, UserModel},
    id::{ProjectNo, UserId},
    identity::UserAccount,
    merge::merge_attributes,
    project::MergeRule,
    subject::{Meaning, Subject},
    time::Timestamp,
    user::User,
};
use vestibule_store::{Tx, subjects, users};

use super::change::{PromotionError, give_up};
use crate::{identities::LoadedUser, projects::Project, sessions::Ending};

/// A merge to be written.
pub struct GuestMerge {
    pub guest: UserId,
    /// What ends with it: all sessions and grants of the guest.
    pub ending: Ending,
    pub rules: Vec<MergeRule>,
}

/// The event of a merge: the guest as it was, and the member as it will be.
pub(crate) fn describe(project: &Project, guest: &User, member: &LoadedUser) -> Event {
    let user = merge_attributes(project.settings.merge_rules(), member.user.clone(), guest);
    let merged = LoadedUser { user, ..member.clone() };
    Event::UserMerged {
        anonymous_user: UserModel::copy(&UserAccount::of_guest(guest)),
        user: UserModel::copy(&merged.account()),
    }
}

/// Merges a guest into a member that the caller has locked; of several merges at once, one succeeds.
///
/// # Errors
/// [`PromotionError::AlreadyPromoted`] when the guest was promoted, given up or merged before.
pub(crate) async fn merge(
    tx: &mut Tx,
    no: ProjectNo,
    merge: &GuestMerge,
    member: UserId,
    now: Timestamp,
) -> Result<(), PromotionError> {
    give_up(tx, no, merge.guest, member, Some(&merge.ending), now).await?;
    // Both are locked, so what is read here stays until it is written.
    let (Some(guest), Some(member)) = (users::find(tx, no, merge.guest).await?, users::find(tx, no, member).await?)
    else {
        return Err(PromotionError::UserGone);
    };
    let merged = merge_attributes(&merge.rules, member.clone(), &guest);
    if merged != member {
        let User { standard_attributes, custom_attributes, .. } = merged;
        users::set_attributes(tx, no, member.id, &standard_attributes, &custom_attributes, now).await?;
    }
    // The guest's own go: what is left of its row only remembers the merge.
    users::set_attributes(tx, no, guest.id, &Map::new(), &Map::new(), now).await?;
    let is_new = subjects::record(tx, no, &Subject::Id(guest.id), Meaning::Alias { of: member.id }).await?;
    if is_new { Ok(()) } else { Err(PromotionError::AlreadyPromoted) }
}
