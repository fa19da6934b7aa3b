//! Carries out what a look decided, in one transaction with the place where the walk stands. Every guest is looked at again there: one
//! that was used or held meanwhile stays.

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use vestibule_domain::{
    event::{Context, DeletionReason, Event, TriggeredBy, UserModel},
    id::UserId,
    identity::UserAccount,
    retention::Step,
    time::Timestamp,
};
use vestibule_store::{
    StoreError, Tx,
    erasure::{self, Cutoffs},
    job_state, retention,
};

use super::look::Act;
use crate::{
    adapters::{clock::Stopwatch, entropy::Entropy},
    events::{self, QueuedEvent},
    logout_notices::LogoutNotices,
    projects::Project,
    retention::{
        Done,
        plan::{Record, name_of_record},
    },
    state::App,
};

/// What one transaction does.
pub(super) struct Batch {
    pub(super) project: Arc<Project>,
    pub(super) entropy: Entropy,
    pub(super) notices: LogoutNotices,
    /// The stored record on which the look was based.
    pub(super) before: Option<Vec<u8>>,
    pub(super) record: Record,
    pub(super) acts: Vec<Act>,
    /// How far the walk has come afterwards; `None` at its end.
    pub(super) reached: Option<UserId>,
    /// Whether it is the last one of its page.
    pub(super) is_last: bool,
    pub(super) now: Timestamp,
}

/// What became of a transaction.
pub(super) enum Outcome {
    Done {
        /// The record as it is stored now.
        written: Vec<u8>,
        record: Box<Record>,
        took: Duration,
    },
    /// Another node went on with the walk, or a guest was used at the same moment: nothing was done.
    Overtaken,
}

/// Why a transaction is rolled back.
enum Refused {
    Store(StoreError),
    /// A guest was used at the same moment.
    InUse,
}

impl From<StoreError> for Refused {
    fn from(error: StoreError) -> Self {
        Self::Store(error)
    }
}

impl Batch {
    pub(super) async fn write(self, app: &App) -> Result<Outcome, StoreError> {
        match app.store.write("retain_guests", self, |tx, batch| Box::pin(batch.carry_out(tx))).await {
            Ok(outcome) => Ok(outcome),
            Err(Refused::InUse) => Ok(Outcome::Overtaken),
            Err(Refused::Store(error)) => Err(error),
        }
    }

    async fn carry_out(&self, tx: &mut Tx) -> Result<Outcome, Refused> {
        let watch = Stopwatch::start();
        let (no, now) = (self.project.no, self.now);
        let name = name_of_record(no);
        // Another node waits here, and then finds that the walk has gone on.
        job_state::lock(tx, &name, now).await?;
        if job_state::get(tx, &name).await?.and_then(|(cursor, _)| cursor) != self.before {
            return Ok(Outcome::Overtaken);
        }
        let mut done = Done::default();
        for ((step, cutoffs), acts) in self.group() {
            done.add(self.take(tx, step, cutoffs, &acts).await?);
        }
        let mut record = self.record.clone();
        if let Some(walk) = &mut record.walk {
            if !walk.is_dry {
                let end = self.reached.unwrap_or_else(|| UserId::from_bytes([u8::MAX; 16]));
                retention::remove_stray_marks(tx, no, (walk.after(), end)).await?;
            }
            walk.done.add(done);
            walk.after = self.reached.map(|id| id.to_string());
        }
        if self.is_last && self.reached.is_none() {
            record.finish(self.project.settings.retention_confirm_percent(), now);
            super::report(tx, self, &record).await?;
        }
        let written = record.print();
        job_state::set(tx, &name, Some(&written), now).await?;
        Ok(Outcome::Done { written, record: Box::new(record), took: watch.elapsed() })
    }

    /// The acts of one kind together, which one set of statements carries out.
    fn group(&self) -> BTreeMap<(Step, Cutoffs), Vec<Act>> {
        let mut groups: BTreeMap<(Step, Cutoffs), Vec<Act>> = BTreeMap::new();
        for act in &self.acts {
            groups.entry((act.step, act.cutoffs)).or_default().push(*act);
        }
        groups
    }

    async fn take(&self, tx: &mut Tx, step: Step, cutoffs: Cutoffs, acts: &[Act]) -> Result<Done, Refused> {
        let ids: Vec<UserId> = acts.iter().map(|act| act.id).collect();
        let mut done = Done::default();
        match step {
            Step::Keep => {}
            Step::Warn => {
                let warned = retention::mark_warned(tx, self.project.no, &ids, self.now).await?;
                let tell = |user, follows_at| Event::UserAnonymousExpiring { user, expires_at: follows_at };
                self.tell(tx, (&warned, acts), (Event::USER_ANONYMOUS_EXPIRING, tell)).await?;
                done.warned = count(&warned);
            }
            Step::Expire => {
                let expired = self.expire(tx, &ids, cutoffs).await?;
                let tell = |user, follows_at| Event::UserAnonymousExpired { user, erased_after: follows_at };
                self.tell(tx, (&expired, acts), (Event::USER_ANONYMOUS_EXPIRED, tell)).await?;
                done.expired = count(&expired);
            }
            Step::Erase => done.erased = self.erase(tx, &ids, cutoffs).await?,
            Step::Revive => {
                let unmarked = retention::unmark(tx, self.project.no, &ids).await?;
                let revived: Vec<UserId> =
                    unmarked.into_iter().filter(|(_, expired)| *expired).map(|(id, _)| id).collect();
                let tell = |user, _| Event::UserAnonymousRevived { user };
                self.tell(tx, (&revived, acts), (Event::USER_ANONYMOUS_REVIVED, tell)).await?;
                done.revived = count(&revived);
            }
        }
        Ok(done)
    }

    /// Ends the sessions of guests and begins their grace period.
    async fn expire(&self, tx: &mut Tx, ids: &[UserId], cutoffs: Cutoffs) -> Result<Vec<UserId>, StoreError> {
        let (no, now) = (self.project.no, self.now);
        let unused = erasure::lock_unused(tx, no, ids, cutoffs, now).await?;
        for id in &unused {
            let ended = self.notices.find_of_user(tx, *id).await?;
            self.notices.queue(tx, &ended, now).await?;
        }
        erasure::end_sessions(tx, no, &unused, cutoffs.used_before).await?;
        retention::mark_expired(tx, no, &unused, now).await?;
        Ok(unused)
    }

    async fn erase(&self, tx: &mut Tx, ids: &[UserId], cutoffs: Cutoffs) -> Result<u64, Refused> {
        let (no, now) = (self.project.no, self.now);
        let unused = erasure::lock_unused(tx, no, ids, cutoffs, now).await?;
        for id in &unused {
            let ended = self.notices.find_of_user(tx, *id).await?;
            self.notices.queue(tx, &ended, now).await?;
        }
        self.leave_behind(tx, &unused).await?;
        if erasure::erase(tx, no, &unused, cutoffs.used_before).await? < unused.len() {
            return Err(Refused::InUse);
        }
        Ok(count(&unused))
    }

    /// What guests leave behind that are about to be erased: an event for each, if a webhook wants it, and a tombstone of those that
    /// something remembers. Called before they are erased.
    async fn leave_behind(&self, tx: &mut Tx, ids: &[UserId]) -> Result<(), StoreError> {
        let is_notified = |kind: &str| !self.project.settings.non_blocking_handlers_for(kind).is_empty();
        let is_each_known = is_notified(Event::USER_DELETED) || is_notified("user.created");
        erasure::leave_tombstones(tx, self.project.no, ids, is_each_known).await?;
        let tell = |user, _| Event::UserDeleted { user, reason: DeletionReason::Retention };
        self.tell(tx, (ids, &[]), (Event::USER_DELETED, tell)).await
    }

    /// Queues an event about each of these guests, if a webhook wants it. The event log has one entry for a whole walk: a guest should
    /// not cost more rows when it goes than when it came.
    async fn tell(
        &self,
        tx: &mut Tx,
        (ids, acts): (&[UserId], &[Act]),
        (kind, event): (&str, impl Fn(UserModel, Timestamp) -> Event + Send + Sync),
    ) -> Result<(), StoreError> {
        if ids.is_empty() || self.project.settings.non_blocking_handlers_for(kind).is_empty() {
            return Ok(());
        }
        let times: BTreeMap<UserId, Timestamp> = acts.iter().map(|act| (act.id, act.follows_at)).collect();
        for user in retention::list_users(tx, self.project.no, ids).await? {
            let mut context = Context::new(&self.project.id, TriggeredBy::System, self.now);
            context.user_id = Some(user.id);
            let at = times.get(&user.id).copied().unwrap_or(self.now);
            let event = event(UserModel::copy(&UserAccount::of_guest(&user)), at);
            let event = events::prepare_in(&self.entropy, &event, &context);
            let event = QueuedEvent { is_logged: false, ..event };
            events::queue(tx, self.project.no, user.id, &event, self.now).await?;
        }
        Ok(())
    }
}

fn count(ids: &[UserId]) -> u64 {
    u64::try_from(ids.len()).unwrap_or(u64::MAX)
}
