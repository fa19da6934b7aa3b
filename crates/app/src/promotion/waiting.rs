//! The deletion of a user, with the merges that wait for an answer. A user into which very many guests are merged, or wait to be, is
//! deleted in several transactions: first its guests go, in slices, then the user.

use std::sync::Arc;

use vestibule_domain::{
    event::{Context, Event},
    handshake::MergeState,
    id::UserId,
    session::SessionRef,
    time::Timestamp,
};
use vestibule_store::{
    StoreError, Tx, grants,
    merges::{self, MergeRow},
    sessions, subjects, user_deletion, users,
};

use super::merge::refuse;
use crate::{
    actor::{ActError, Permit, check_permit},
    adapters::entropy::Entropy,
    ctx::Ctx,
    events,
    projects::Project,
    state::App,
};

/// Why merges into a member that is deleted are refused, for operators.
const REASON: &str = "the member was deleted";
/// Guests that one transaction sets free or removes: a few milliseconds, so that no other write waits long.
const SLICE: i64 = 20;

/// A user to delete.
#[derive(Clone)]
pub(crate) struct Deletion {
    pub(crate) user: UserId,
    project: Arc<Project>,
    entropy: Entropy,
    /// Of the events about merges.
    context: Context,
    now: Timestamp,
}

/// Who deletes the user: checked in each transaction before the last one, which has checks of its own.
#[derive(Clone, Copy, Debug)]
pub(crate) enum DeletionRight {
    /// An operator with this permit, or a program.
    Actor(Option<Permit>),
    /// The user itself, in this session.
    Owner(SessionRef),
}

/// What became of a deletion.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum DeletionOutcome {
    Done,
    /// There is no such user any more.
    Gone,
    /// The user is a guest whose merge waits for an answer; nothing changed. The application may be moving its data, and would move it
    /// to a deleted user if the merge is refused.
    Waits,
    /// Guests came since [`Deletion::begin`], more than one transaction takes; nothing changed.
    Unfinished,
}

impl Deletion {
    /// A deletion in this context.
    pub(crate) fn new(ctx: &Ctx<'_>, user: UserId, context: Context) -> Self {
        Self { user, project: Arc::clone(ctx.project), entropy: ctx.app.entropy.clone(), context, now: ctx.now }
    }

    /// Sets guests free that wait to be merged into the user, and removes what is left of those that were, until they are few enough for
    /// [`Self::write`]; nearly always they are at once. After a crash in between, the user is there with the rest of them, and the guests
    /// that are free stay so: the next deletion goes on.
    ///
    /// # Errors
    /// [`ActError::RoleLost`] when an operator may not do it any more, or the store's.
    pub(crate) async fn begin(&self, app: &App, right: DeletionRight) -> Result<(), ActError> {
        let (no, user) = (self.project.no, self.user);
        loop {
            let mut conn = app.store.read().await?;
            if !is_full(merges::list_open_of_member(&mut conn, no, user, SLICE + 1).await?.len())
                && !is_full(subjects::list_aliases_with_rows(&mut conn, no, user, SLICE + 1).await?.len())
            {
                return Ok(());
            }
            drop(conn);
            let work = (self.clone(), right);
            let slice = app
                .store
                .write("begin_deletion", work, move |tx, (deletion, right)| Box::pin(deletion.take_slice(tx, *right)));
            // Otherwise the last transaction says why.
            if !slice.await? {
                return Ok(());
            }
            tokio::task::yield_now().await;
        }
    }

    /// Sets a slice of the guests free, or removes one; `false` when the user can't be deleted, or not by this caller.
    async fn take_slice(&self, tx: &mut Tx, right: DeletionRight) -> Result<bool, ActError> {
        let (no, user) = (self.project.no, self.user);
        if !users::lock(tx, no, user).await? || merges::find_open_of_guest(tx, no, user).await?.is_some() {
            return Ok(false);
        }
        let may_delete = match right {
            DeletionRight::Actor(permit) => check_permit(permit, tx, no).await.map(|()| true)?,
            DeletionRight::Owner(SessionRef::Session(id)) => sessions::hold(tx, no, id, user).await?,
            DeletionRight::Owner(SessionRef::Grant(id)) => grants::hold(tx, no, id, user).await?,
        };
        if !may_delete {
            return Ok(false);
        }
        let open = merges::list_open_of_member(tx, no, user, SLICE).await?;
        if open.is_empty() {
            user_deletion::remove_merged_guests(tx, no, user, SLICE).await?;
        } else {
            self.set_free(tx, open, self.now).await?;
        }
        Ok(true)
    }

    /// Deletes the user. The guests that wait to be merged into it are guests of their own again: their merges are refused, and the
    /// application gets the event.
    pub(crate) async fn write(&self, tx: &mut Tx, now: Timestamp) -> Result<DeletionOutcome, StoreError> {
        let (no, user) = (self.project.no, self.user);
        // The member first, as in every change of a merge: none of its merges changes from here on.
        if !users::lock(tx, no, user).await? {
            return Ok(DeletionOutcome::Gone);
        }
        if merges::find_open_of_guest(tx, no, user).await?.is_some() {
            return Ok(DeletionOutcome::Waits);
        }
        let open = merges::list_open_of_member(tx, no, user, SLICE + 1).await?;
        if is_full(open.len()) || is_full(subjects::list_aliases_with_rows(tx, no, user, SLICE + 1).await?.len()) {
            return Ok(DeletionOutcome::Unfinished);
        }
        self.set_free(tx, open, now).await?;
        let is_deleted = user_deletion::delete(tx, no, user).await?;
        Ok(if is_deleted { DeletionOutcome::Done } else { DeletionOutcome::Gone })
    }

    /// Refuses merges into the user, which is locked.
    async fn set_free(&self, tx: &mut Tx, open: Vec<MergeRow>, now: Timestamp) -> Result<(), StoreError> {
        let no = self.project.no;
        for mut row in open {
            let (merge_id, from, into) = (row.merge.id, row.merge.from, row.merge.into);
            users::lock(tx, no, from).await?;
            let hold = self.entropy.id(now);
            refuse(tx, no, &mut row, (MergeState::Refused, Some(REASON.to_string()), hold), now).await?;
            merges::change(tx, no, &row).await?;
            let cause = MergeState::Refused.as_str();
            let event = Event::UserMergeRefused { merge_id, from, into, cause, reason: REASON.to_string() };
            // About the member, like the request: receivers get it after that.
            let mut context = self.context.clone();
            context.client_id = row.client_id;
            let event = events::prepare_in(&self.entropy, &event, &context);
            events::queue(tx, no, into, &event, now).await?;
        }
        Ok(())
    }
}

/// Whether there are more than one transaction takes.
fn is_full(count: usize) -> bool {
    i64::try_from(count).is_ok_and(|count| count > SLICE)
}
