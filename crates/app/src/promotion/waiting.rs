//! The deletion of a user, with the merges that wait for an answer: inside the transaction.

use std::sync::Arc;

use vestibule_domain::{
    event::{Context, Event},
    handshake::MergeState,
    id::UserId,
    time::Timestamp,
};
use vestibule_store::{StoreError, Tx, merges, users};

use super::merge::refuse;
use crate::{adapters::entropy::Entropy, ctx::Ctx, events, projects::Project};

/// Why merges into a member that is deleted are refused, for operators.
const REASON: &str = "the member was deleted";

/// A user to delete.
pub(crate) struct Deletion {
    pub(crate) user: UserId,
    project: Arc<Project>,
    entropy: Entropy,
    /// Of the events about merges.
    context: Context,
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
}

impl Deletion {
    /// A deletion in this context.
    pub(crate) fn new(ctx: &Ctx<'_>, user: UserId, context: Context) -> Self {
        Self { user, project: Arc::clone(ctx.project), entropy: ctx.app.entropy.clone(), context }
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
        for mut row in merges::list_open_of_member(tx, no, user).await? {
            let (merge_id, from, into) = (row.merge.id, row.merge.from, row.merge.into);
            users::lock(tx, no, from).await?;
            let hold = self.entropy.id(now);
            refuse(tx, no, &mut row, (MergeState::Refused, Some(REASON.to_string()), hold), now).await?;
            let cause = MergeState::Refused.as_str();
            let event = Event::UserMergeRefused { merge_id, from, into, cause, reason: REASON.to_string() };
            // About the member, like the request: receivers get it after that.
            let event = events::prepare_in(&self.entropy, &event, &self.context);
            events::queue(tx, no, into, &event, now).await?;
        }
        let is_deleted = users::delete(tx, no, user).await?;
        Ok(if is_deleted { DeletionOutcome::Done } else { DeletionOutcome::Gone })
    }
}
