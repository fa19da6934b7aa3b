//! Merging a guest into a member, inside the transaction. The guest ends as one that is given up; when the merge settles, its `sub`
//! becomes an alias of the member's, and its attributes go to the member by the project's rules. Nothing of it gives access to the
//! member. Until it settles the guest keeps what it has, so a refusal loses nothing.

use std::time::Duration;

use serde_json::Map;
use vestibule_domain::{
    event::{Event, UserModel},
    handshake::{Merge, MergeState},
    id::{HoldId, MergeId, ProjectNo, UserId},
    identity::UserAccount,
    merge::{MergeRecord, merge_attributes},
    project::MergeRule,
    subject::{Meaning, Subject},
    time::Timestamp,
    user::User,
};
use vestibule_store::{
    StoreError, Tx, device_keys,
    merges::{self, MergeRow},
    retention_holds::{self, HoldRow},
    subjects, users,
};

use super::change::{PromotionError, give_up};
use crate::{ctx::Ctx, identities::LoadedUser, projects::Project, sessions::Ending};

/// How long no rule of retention expires a guest that was not merged after all, or not any more: its sessions have ended, so it
/// would look abandoned at once.
const KEPT: Duration = Duration::from_secs(30 * 86_400);

/// A merge to be written.
pub struct GuestMerge {
    pub id: MergeId,
    pub guest: UserId,
    /// What ends with it: all sessions and grants of the guest.
    pub ending: Ending,
    pub rules: Vec<MergeRule>,
    /// The application in which the person agreed; `None` for a merge by an operator.
    pub client_id: Option<String>,
    /// The last moment for the application's answer; `None`: the merge settles at once.
    pub answer_by: Option<Timestamp>,
    /// How long it can be undone.
    pub undo: Option<Duration>,
}

impl GuestMerge {
    /// A merge by the project's settings.
    ///
    /// # Errors
    /// The store's, which has the clock for the answer.
    pub(crate) async fn plan(
        ctx: &Ctx<'_>,
        guest: UserId,
        ending: Ending,
        client_id: Option<String>,
    ) -> Result<Self, StoreError> {
        let settings = ctx.project.settings.merging();
        let answer_by = match settings.answer_time() {
            // By the clock that ends it: a node whose own is behind would leave less time.
            Some(time) => Some(ctx.app.store_clock.read(&ctx.app.store).await?.plus(time)),
            None => None,
        };
        Ok(Self {
            id: ctx.app.entropy.id(ctx.now),
            guest,
            ending,
            rules: settings.attributes.clone(),
            client_id,
            answer_by,
            undo: settings.undo_time(),
        })
    }

    /// The event of the merge: that it is requested, or done.
    pub(crate) fn describe(&self, project: &Project, guest: &User, member: &LoadedUser) -> Event {
        match self.answer_by {
            Some(answer_by) => {
                let (merge_id, from, into) = (self.id, guest.id, member.user.id);
                Event::UserMergeRequested { merge_id, from, into, answer_by, is_repeated: false }
            }
            None => describe(project, self.id, guest, member),
        }
    }
}

/// The event of a merge that settles: the guest as it was, and the member as it will be.
pub(crate) fn describe(project: &Project, merge_id: MergeId, guest: &User, member: &LoadedUser) -> Event {
    let user = merge_attributes(project.settings.merge_rules(), member.user.clone(), guest);
    let merged = LoadedUser { user, ..member.clone() };
    Event::UserMerged {
        merge_id,
        anonymous_user: UserModel::copy(&UserAccount::of_guest(guest)),
        user: UserModel::copy(&merged.account()),
    }
}

/// Merges a guest into a member that the caller has locked, or lets it wait for the application's answer; of several merges at once,
/// one succeeds.
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
    let mut row = MergeRow {
        merge: Merge {
            id: merge.id,
            from: merge.guest,
            into: member,
            state: MergeState::Requested,
            requested_at: now,
            answer_by: merge.answer_by,
            asking_until: None,
            changed_at: now,
            undo_until: None,
        },
        client_id: merge.client_id.clone(),
        asked: 0,
        asked_at: None,
        reason: None,
        kept: None,
    };
    if merge.answer_by.is_none() {
        settle(tx, no, &mut row, (&merge.rules, merge.undo), now).await?;
    }
    Ok(merges::insert(tx, no, &row).await?)
}

/// Makes the guest an alias of the member; the caller has locked both. The row says so afterwards, and the caller writes it.
///
/// # Errors
/// [`PromotionError::UserGone`] when one of them does not exist any more.
pub(crate) async fn settle(
    tx: &mut Tx,
    no: ProjectNo,
    row: &mut MergeRow,
    (rules, undo): (&[MergeRule], Option<Duration>),
    now: Timestamp,
) -> Result<(), PromotionError> {
    let (guest, member) = find_both(tx, no, &row.merge).await?;
    let merged = merge_attributes(rules, member.clone(), &guest);
    if merged != member {
        set_attributes(tx, no, &merged, now).await?;
    }
    // The guest's own go: what is left of its row only remembers the merge.
    users::set_attributes(tx, no, guest.id, &Map::new(), &Map::new(), now).await?;
    if !subjects::record(tx, no, &Subject::Id(guest.id), Meaning::Alias { of: member.id }, now).await? {
        return Err(PromotionError::AlreadyPromoted);
    }
    if undo.is_some() {
        let record = MergeRecord::of(&guest, &member, &merged);
        row.kept = Some(serde_json::to_string(&record).expect("attributes are plain JSON"));
    } else {
        // Members need no reason to be kept.
        retention_holds::remove_all(tx, no, guest.id).await?;
    }
    row.merge = Merge {
        state: MergeState::Settled,
        changed_at: now,
        undo_until: undo.map(|time| now.plus(time)),
        ..row.merge.clone()
    };
    Ok(())
}

/// Leaves the guest a guest of its own: with its attributes and device keys, and kept from retention for a while under this ID. Its
/// sessions stay ended. The row says so afterwards, and the caller writes it.
pub(crate) async fn refuse(
    tx: &mut Tx,
    no: ProjectNo,
    row: &mut MergeRow,
    (state, reason, hold): (MergeState, Option<String>, HoldId),
    now: Timestamp,
) -> Result<(), StoreError> {
    free(tx, no, &row.merge, hold, now).await?;
    row.reason = reason;
    row.merge = Merge { state, changed_at: now, ..row.merge.clone() };
    Ok(())
}

/// Takes a merge back: the guest gets its `sub`, its device keys and its attributes, and nothing of the member's. The member loses
/// what it got and did not change since. The row says so afterwards, and the caller writes it.
///
/// # Errors
/// [`PromotionError::UserGone`] when one of them does not exist any more, or it is not known what the merge did.
pub(crate) async fn undo(
    tx: &mut Tx,
    no: ProjectNo,
    row: &mut MergeRow,
    hold: HoldId,
    now: Timestamp,
) -> Result<(), PromotionError> {
    let (guest, member) = find_both(tx, no, &row.merge).await?;
    let record = row.kept.as_deref().and_then(|kept| serde_json::from_str::<MergeRecord>(kept).ok());
    let record = record.ok_or(PromotionError::UserGone)?;
    if !subjects::forget_alias(tx, no, guest.id, member.id).await? {
        return Err(PromotionError::UserGone);
    }
    let (freed, left) = record.undo(guest, member.clone());
    set_attributes(tx, no, &freed, now).await?;
    if left != member {
        set_attributes(tx, no, &left, now).await?;
    }
    free(tx, no, &row.merge, hold, now).await?;
    row.kept = None;
    row.merge = Merge { state: MergeState::Undone, changed_at: now, undo_until: None, ..row.merge.clone() };
    Ok(())
}

async fn free(tx: &mut Tx, no: ProjectNo, merge: &Merge, hold: HoldId, now: Timestamp) -> Result<(), StoreError> {
    users::release(tx, no, merge.from, merge.into, now).await?;
    device_keys::unmark_promoted(tx, no, merge.from, merge.requested_at).await?;
    let hold = HoldRow {
        id: hold,
        owner: "vestibule".to_string(),
        reason: format!("the merge {} left it a guest of its own", merge.id),
        created_at: now,
        expires_at: now.plus(KEPT),
    };
    retention_holds::insert(tx, no, merge.from, &hold).await
}

/// Both as they are stored; locked by the caller, so they stay so until they are written.
async fn find_both(tx: &mut Tx, no: ProjectNo, merge: &Merge) -> Result<(User, User), PromotionError> {
    let (guest, member) = (users::find(tx, no, merge.from).await?, users::find(tx, no, merge.into).await?);
    guest.zip(member).ok_or(PromotionError::UserGone)
}

async fn set_attributes(tx: &mut Tx, no: ProjectNo, user: &User, now: Timestamp) -> Result<(), StoreError> {
    let User { id, standard_attributes, custom_attributes, .. } = user;
    users::set_attributes(tx, no, *id, standard_attributes, custom_attributes, now).await.map(drop)
}
