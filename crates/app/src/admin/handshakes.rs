//! The handshakes of merges: who decides them, and how. Every way leads through [`decide`]: the Admin API, the portal, the answer of a
//! webhook and the end of the time for it.

use std::{sync::Arc, time::Duration};

use vestibule_domain::{
    event::{Event, IdentityModel, UserModel},
    handshake::{MergeState, MergeStep, StepRefused, StepTaken},
    id::{MergeId, UserId},
    identity::UserAccount,
    project::DEFAULT_ANSWER_SECONDS,
    time::Timestamp,
};
pub use vestibule_store::merges::MergeRow;
use vestibule_store::{merges, users};

use super::{AdminError, Clash, ListPage, Thing, idempotency::Achieved, users::UpdateRefused};
use crate::{
    actor::{Actor, AuditEntry},
    ctx::Ctx,
    events::{self, QueuedEvent},
    identities::LoadedUser,
    projects::Project,
    promotion::merge,
};

/// Merges of one user that are listed at most.
pub const MOST_OF_USER: i64 = 200;

/// What becomes of a merge.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Decision {
    /// The application has moved its data.
    Settle,
    /// The application will not move its data, with its reason; empty without one.
    Refuse(String),
    /// The time for an answer is over.
    TimeOut,
    /// The merge is taken back.
    Undo,
}

impl Decision {
    fn step(&self, project: &Project) -> MergeStep {
        match self {
            Self::Settle => MergeStep::Settle,
            Self::Refuse(_) => MergeStep::Refuse,
            Self::TimeOut => MergeStep::TimeOut(project.settings.merging().on_timeout.unwrap_or_default()),
            Self::Undo => MergeStep::Undo,
        }
    }

    fn reason(&self) -> Option<String> {
        match self {
            Self::Refuse(reason) => Some(reason.clone()).filter(|reason| !reason.is_empty()),
            Self::Settle | Self::TimeOut | Self::Undo => None,
        }
    }
}

impl From<StepRefused> for AdminError {
    fn from(refused: StepRefused) -> Self {
        Self::Conflict(match refused {
            StepRefused::Ended(state) => Clash::MergeEnded(state),
            StepRefused::TooEarly => Clash::MergeEnded(MergeState::Requested),
            StepRefused::TooLate | StepRefused::NotSettled => Clash::MergeNotUndoable,
        })
    }
}

/// A merge of the project.
///
/// # Errors
/// [`Thing::Merge`] is not there, or the store's.
pub async fn find(ctx: &Ctx<'_>, id: MergeId) -> Result<MergeRow, AdminError> {
    let found = merges::find(&mut *ctx.app.store.read().await?, ctx.project.no, id).await?;
    found.ok_or(AdminError::NotFound(Thing::Merge))
}

/// The merge after which a page begins.
///
/// # Errors
/// An unreadable cursor.
pub fn read_cursor(cursor: Option<&str>) -> Result<Option<MergeId>, AdminError> {
    let read =
        |text: &str| text.parse().map_err(|_| AdminError::fault("cursor", "the cursor is not valid for this list"));
    cursor.map(read).transpose()
}

/// The merges of the project, in a state or in any, newest first.
///
/// # Errors
/// An unreadable cursor, or the store's.
pub async fn list(
    ctx: &Ctx<'_>,
    state: Option<MergeState>,
    cursor: Option<&str>,
    limit: u32,
) -> Result<ListPage<MergeRow>, AdminError> {
    let after = read_cursor(cursor)?;
    let mut conn = ctx.app.store.read().await?;
    let rows = merges::list(&mut conn, ctx.project.no, state, after, i64::from(limit) + 1).await?;
    Ok(ListPage::cut(rows, limit, |row| row.merge.id.to_string()))
}

/// The merges of a guest and those into a member, newest first, at most [`MOST_OF_USER`] of each.
///
/// # Errors
/// The store's.
pub async fn list_of_user(ctx: &Ctx<'_>, user: UserId) -> Result<Vec<MergeRow>, AdminError> {
    let (mut conn, no) = (ctx.app.store.read().await?, ctx.project.no);
    let mut rows = merges::list_of_guest(&mut conn, no, user, MOST_OF_USER).await?;
    rows.extend(merges::list_of_member(&mut conn, no, user, MOST_OF_USER).await?);
    rows.sort_by_key(|row| std::cmp::Reverse(row.merge.id));
    Ok(rows)
}

/// Carries out a decision. Asked for once more, it changes nothing and answers the merge as it is.
///
/// # Errors
/// [`Thing::Merge`] is not there, it ended in another way, it can't be undone, or the store's.
pub async fn decide(ctx: &Ctx<'_>, actor: &Actor, id: MergeId, decision: Decision) -> Result<MergeRow, AdminError> {
    let (no, now) = (ctx.project.no, ctx.now);
    let row = find(ctx, id).await?;
    let step = decision.step(ctx.project);
    let StepTaken::Becomes(state) = row.merge.step(step, now)? else { return Ok(row) };
    let (from, into) = (row.merge.from, row.merge.into);
    let written = Written {
        id,
        users: (from, into),
        step,
        state,
        reason: decision.reason(),
        project: Arc::clone(ctx.project),
        hold: ctx.app.entropy.id(now),
        promoted: None,
        entry: None,
    };
    let written = written.describe(ctx, actor, &row).await?;
    let decided = ctx.app.store.write("decide_merge", written, move |tx, written| {
        Box::pin(async move {
            // In this order everywhere: the member, the guest, the merge.
            if !users::touch(tx, no, into, now).await? || !users::touch(tx, no, from, now).await? {
                return Err(UpdateRefused(AdminError::NotFound(Thing::Merge)));
            }
            let found = merges::lock(tx, no, written.id).await?;
            let mut row = found.ok_or(UpdateRefused(AdminError::NotFound(Thing::Merge)))?;
            let taken = row.merge.step(written.step, now).map_err(|refused| UpdateRefused(refused.into()))?;
            if taken == StepTaken::Already {
                return Ok(row);
            }
            let (settings, reason) = (written.project.settings.merging(), written.reason.clone());
            match written.state {
                MergeState::Requested => {}
                MergeState::Settled => {
                    let rules = (settings.attributes.as_slice(), settings.undo_time());
                    merge::settle(tx, no, &mut row, rules, now).await?;
                }
                state @ (MergeState::Refused | MergeState::TimedOut) => {
                    merge::refuse(tx, no, &mut row, (state, reason, written.hold), now).await?;
                }
                MergeState::Undone => merge::undo(tx, no, &mut row, written.hold, now).await?,
            }
            merges::change(tx, no, &row).await?;
            if let Some(promoted) = &written.promoted {
                events::queue(tx, no, into, promoted, now).await?;
            }
            if let Some(entry) = &written.entry {
                entry.write_answering(tx, no, now, &Achieved::MergeChanged(&row)).await?;
            }
            Ok(row)
        })
    });
    decided.await.map_err(|refused| refused.0)
}

/// The input of the transaction of a decision.
struct Written {
    id: MergeId,
    /// The guest and the member.
    users: (UserId, UserId),
    step: MergeStep,
    /// The state that the step leads to.
    state: MergeState,
    reason: Option<String>,
    project: Arc<Project>,
    /// The ID of the hold on a guest that stays one.
    hold: vestibule_domain::id::HoldId,
    /// For a merge that a person agreed to: its guest was given up for the member.
    promoted: Option<QueuedEvent>,
    entry: Option<AuditEntry>,
}

impl Written {
    /// The same with its events.
    async fn describe(self, ctx: &Ctx<'_>, actor: &Actor, row: &MergeRow) -> Result<Self, AdminError> {
        let ((from, into), merge_id) = (self.users, self.id);
        let mut promoted = None;
        let event = match self.state {
            MergeState::Requested => return Ok(self),
            MergeState::Settled => {
                let mut conn = ctx.app.store.read().await?;
                let guest = users::find(&mut conn, ctx.project.no, from).await?;
                let member = users::find(&mut conn, ctx.project.no, into).await?;
                let (guest, member) = guest.zip(member).ok_or(AdminError::NotFound(Thing::Merge))?;
                let member = LoadedUser::load(&mut conn, ctx.project, member).await?;
                drop(conn);
                if let Some(client_id) = &row.client_id {
                    let event = Event::UserAnonymousPromoted {
                        anonymous_user: UserModel::copy(&UserAccount::of_guest(&guest)),
                        user: UserModel::copy(&member.account()),
                        identities: IdentityModel::copy_all(&member.account()),
                    };
                    let mut context = actor.context(&ctx.project.id, Some(into), ctx.now);
                    context.client_id = Some(client_id.clone());
                    promoted = Some(events::prepare_in(&ctx.app.entropy, &event, &context));
                }
                merge::describe(ctx.project, merge_id, &guest, &member)
            }
            MergeState::Refused | MergeState::TimedOut => Event::UserMergeRefused {
                merge_id,
                from,
                into,
                cause: self.state.as_str(),
                reason: self.reason.clone().unwrap_or_default(),
            },
            MergeState::Undone => Event::UserMergeUndone { merge_id, from, into },
        };
        // Counted for the application in which the person agreed, also if another caller decides.
        let entry = Some(actor.prepare_in(ctx, &event, (into, row.client_id.as_deref())));
        Ok(Self { promoted, entry, ..self })
    }
}

/// Asks the application once more about a merge that waits, and gives it as much time as for the first answer.
///
/// # Errors
/// [`Thing::Merge`] is not there, it has ended, or the store's.
pub async fn ask_again(ctx: &Ctx<'_>, actor: &Actor, id: MergeId) -> Result<MergeRow, AdminError> {
    let (no, now) = (ctx.project.no, ctx.now);
    let row = find(ctx, id).await?;
    // By the clock that ends it.
    let answer_by = ctx.app.store_clock.read(&ctx.app.store).await?.plus(answer_time(ctx.project));
    let (from, into) = (row.merge.from, row.merge.into);
    let event = Event::UserMergeRequested { merge_id: id, from, into, answer_by, is_repeated: true };
    let entry = actor.prepare_in(ctx, &event, (into, row.client_id.as_deref()));
    let asked = ctx.app.store.write("ask_about_merge", entry, move |tx, entry| {
        Box::pin(async move {
            let found = merges::lock(tx, no, id).await?;
            let mut row = found.ok_or(UpdateRefused(AdminError::NotFound(Thing::Merge)))?;
            if row.merge.state != MergeState::Requested {
                return Err(UpdateRefused(AdminError::Conflict(Clash::MergeEnded(row.merge.state))));
            }
            merges::prolong(tx, no, id, answer_by).await?;
            row.merge.answer_by = Some(answer_by);
            entry.write_answering(tx, no, now, &Achieved::MergeChanged(&row)).await?;
            Ok(row)
        })
    });
    asked.await.map_err(|refused| refused.0)
}

/// The time for an answer, also when the project does not ask for new ones any more.
fn answer_time(project: &Project) -> Duration {
    project.settings.merging().answer_time().unwrap_or(Duration::from_secs(DEFAULT_ANSWER_SECONDS.into()))
}

/// How old a merge is.
pub fn age(row: &MergeRow, now: Timestamp) -> Duration {
    now.since(row.merge.requested_at)
}
