//! Delivers events to webhooks: at least once, for each receiver and user one after the other, again and again for days. Receivers
//! and projects have their own shares of the lanes, and a receiver that does not answer gets requests rarely.

mod attempt;
mod look;
mod moves;
mod noting;
mod receivers;
mod taken;

use std::{
    collections::{HashMap, VecDeque, hash_map::Entry},
    pin::pin,
    sync::Arc,
    time::Duration,
};

use tokio::{
    sync::watch,
    task::{self, JoinSet},
};
use vestibule_domain::{
    delivery::{Delivery, DeliveryState, DeliveryTry},
    event::{Event, hide_url_secrets},
    id::ProjectNo,
    time::Timestamp,
};
use vestibule_store::{
    Conn, StoreError,
    deliveries::{self, DeliveryClaim},
    delivery_lanes::{self, Lane, WaitingHandler},
    projects,
};

use self::{
    attempt::{Attempt, AttemptOutcome, send},
    look::{find_due, list_in_turns},
    noting::keep_trying,
    receivers::{Address, ReceiverOutcome, Receivers},
};
use super::{
    claims::{ClaimKind, release_own},
    merges,
};
use crate::state::App;

const PERIOD: Duration = Duration::from_secs(1);
/// Receivers one look asks for.
const LOOK: usize = 1_000;
/// Deliveries a lane sends before others of its receiver have their turn.
const IN_A_ROW: usize = 16;
/// Deliveries one transaction gives up.
const BATCH: i64 = 200;
/// How long after its time-out another node leaves a claimed delivery alone.
const CLAIM_MARGIN: Duration = Duration::from_secs(60);
/// Seconds until the next try, by the number of tries so far; the last one repeats.
const PAUSES: [u64; 9] = [5, 15, 60, 300, 900, 1_800, 3_600, 7_200, 14_400];

/// Works until it is to stop; what is on its way then is sent again after the next start.
pub async fn run(app: Arc<App>, mut stop: watch::Receiver<bool>) {
    release_own(&app, ClaimKind::Deliveries).await;
    let mut dispatch = HookDispatch::new();
    loop {
        let mut wait = pin!(crate::jobs::wait(&mut stop, PERIOD, Some(&app.hooks_signal)));
        let goes_on = loop {
            tokio::select! {
                goes_on = &mut wait => break goes_on,
                () = dispatch.one_ended(&app) => dispatch.try_begin(&app).await,
            }
        };
        if !goes_on {
            return;
        }
        dispatch.may_wait = true;
        dispatch.try_begin(&app).await;
    }
}

/// The lanes that are worked on.
struct HookDispatch {
    lanes: JoinSet<LaneEnd>,
    /// Whose lane each task works on.
    working: HashMap<task::Id, (Address, Vec<u8>)>,
    receivers: Receivers,
    /// Gives up what waited too long for receivers that are silent.
    sweeping: JoinSet<()>,
    /// The project that had the last turn.
    last: ProjectNo,
    /// Where the next look for receivers begins: one look does not find more than so many.
    looked_to: Address,
    /// Whether something may wait that had no lane.
    may_wait: bool,
}

/// How work on a lane ended.
struct LaneEnd {
    heard: ReceiverOutcome,
    /// Whether more waits in it.
    has_more: bool,
}

impl HookDispatch {
    fn new() -> Self {
        Self {
            lanes: JoinSet::new(),
            working: HashMap::new(),
            receivers: Receivers::default(),
            sweeping: JoinSet::new(),
            last: ProjectNo(0),
            looked_to: (ProjectNo(0), String::new()),
            may_wait: true,
        }
    }

    /// Returns when a lane ended.
    async fn one_ended(&mut self, app: &Arc<App>) {
        let (id, end) = match self.lanes.join_next_with_id().await {
            Some(Ok((id, end))) => (id, end),
            // It panicked, which is logged, and its claim runs out.
            Some(Err(error)) => (error.id(), LaneEnd { heard: ReceiverOutcome::NotTried, has_more: false }),
            None => return std::future::pending().await,
        };
        self.may_wait |= end.has_more;
        let Some((address, lane)) = self.working.remove(&id) else { return };
        if self.receivers.end(&address, &lane, end.heard, app.clock.now()) {
            tracing::warn!(
                project.no = address.0.0,
                hook.url = hide_url_secrets(&address.1),
                "a webhook's receiver does not answer; it gets one request at a time, and rarely, until it does"
            );
            while self.sweeping.try_join_next().is_some() {}
            self.sweeping.spawn(give_up_old(Arc::clone(app), address));
        }
    }

    async fn try_begin(&mut self, app: &Arc<App>) {
        if let Err(error) = self.begin(app).await {
            tracing::warn!(error = %error, "pending webhook deliveries could not be read; retrying later");
        }
    }

    /// Begins as many lanes as there is room for: one for each receiver in turn.
    async fn begin(&mut self, app: &Arc<App>) -> Result<(), StoreError> {
        if !self.may_wait || self.receivers.is_full() {
            return Ok(());
        }
        // Rests are in the memory of this process, and by its clock; what is due is by the store's.
        let now = app.clock.now();
        let due_at = app.store_clock.read(&app.store).await?;
        self.may_wait = false;
        let found = self.list_waiting(&mut *app.store.read().await?, due_at).await?;
        let found = self.follow_moves(app, found).await?;
        let awake = found.into_iter().filter(|address| !self.receivers.rests(address, now));
        let mut turns = list_in_turns(awake, self.last);
        let mut due: HashMap<Address, VecDeque<Vec<u8>>> = HashMap::new();
        while let Some(address) = turns.pop_front() {
            if !self.receivers.may_begin(&address, now) {
                self.may_wait = true;
                continue;
            }
            let lanes = match due.entry(address.clone()) {
                Entry::Occupied(known) => known.into_mut(),
                Entry::Vacant(unknown) => {
                    let found = find_due(app, &address, due_at).await?;
                    self.may_wait |= found.may_be_more;
                    let is_free = |lane: &Vec<u8>| !self.receivers.is_busy(&address, lane);
                    let (free, busy): (Vec<_>, Vec<_>) = found.lanes.into_iter().partition(is_free);
                    // Something came for a lane whose work ends just now.
                    self.may_wait |= !busy.is_empty();
                    unknown.insert(free.into())
                }
            };
            let Some(lane) = lanes.pop_front() else { continue };
            self.last = address.0;
            self.receivers.begin(&address, &lane);
            let task = self.lanes.spawn(work_lane(Arc::clone(app), address.clone(), lane.clone()));
            self.working.insert(task.id(), (address.clone(), lane));
            turns.push_back(address);
        }
        Ok(())
    }

    /// The receivers something is due for, or that have moved.
    async fn list_waiting(&mut self, conn: &mut Conn, due_at: Timestamp) -> Result<Vec<WaitingHandler>, StoreError> {
        let (project, url) = &self.looked_to;
        let limit = i64::try_from(LOOK).unwrap_or(i64::MAX);
        let found = delivery_lanes::waiting_any_project(conn, due_at, (*project, url), limit).await?;
        let start = (ProjectNo(0), String::new());
        // The rest is for the next look.
        let last = found.last().filter(|_| found.len() >= LOOK).map(|last| (last.project, last.url.clone()));
        let next = last.unwrap_or_else(|| start.clone());
        self.may_wait |= next != start || self.looked_to != start;
        self.looked_to = next;
        Ok(found)
    }

    /// Has what waits for receivers that moved follow them; the receivers that are left. To where it moved is seen at the next look.
    async fn follow_moves(&mut self, app: &App, found: Vec<WaitingHandler>) -> Result<Vec<Address>, StoreError> {
        let mut left = Vec::new();
        for WaitingHandler { project, url, has_moved } in found {
            let address = (project, url);
            if has_moved && moves::follow(app, &address).await? {
                self.may_wait = true;
                app.hooks_signal.notify_one();
            } else {
                left.push(address);
            }
        }
        Ok(left)
    }
}

/// Delivers one after the other until the lane is empty, one is not taken, or it is the turn of others.
async fn work_lane(app: Arc<App>, (project, url): Address, lane: Vec<u8>) -> LaneEnd {
    let lane = Lane { project, url, lane };
    let mut heard = ReceiverOutcome::NotTried;
    for _ in 0..IN_A_ROW {
        match work_one(&app, &lane, &mut heard).await {
            Ok(true) => {}
            Ok(false) => return LaneEnd { heard, has_more: false },
            Err(error) => {
                tracing::warn!(error = %error, "the result of a webhook delivery could not be stored; it will be sent again");
                return LaneEnd { heard, has_more: false };
            }
        }
    }
    LaneEnd { heard, has_more: true }
}

/// Delivers the first of a lane, if it is due; whether it was taken.
async fn work_one(app: &App, lane: &Lane, heard: &mut ReceiverOutcome) -> Result<bool, StoreError> {
    let Some(project) = app.projects.find_by_no(lane.project) else { return Ok(false) };
    let mut conn = app.store.read().await?;
    let next = delivery_lanes::next_in_lane(&mut conn, lane).await?;
    let now = app.store_clock.now(&mut conn).await?;
    let is_question = next.as_ref().is_some_and(|next| next.kind == Event::USER_MERGE_REQUESTED);
    // Whose answer counts is for the settings to say, and those of this node may be a moment older than the webhook: it, or another node,
    // asks when it knows the new ones.
    if is_question && projects::find_version(&mut conn, lane.project).await? != Some(project.version) {
        return Ok(false);
    }
    drop(conn);
    // When it is not due, another node works on it, or it waits for its next try.
    let Some(delivery) = next.filter(|next| next.due_at <= now) else { return Ok(false) };
    let this = DeliveryClaim::next_of(&delivery);
    let timeout = project.settings.delivery_timeout();
    let until = now.plus(timeout + CLAIM_MARGIN);
    let node = app.store.node();
    let claimed =
        app.store.write("claim_delivery", (), move |tx, ()| Box::pin(deliveries::claim(tx, this, until, node))).await?;
    if !claimed {
        return Ok(false);
    }
    // Others only hear of the merge: a time-out does not wait for them, and they hear of it also after its end.
    let decides = is_question && project.settings.lets_decide_merges(&delivery.url);
    let outcome = match Attempt::prepare(&project, &delivery, now) {
        Err(outcome) => outcome,
        // Its receiver would move what stays.
        Ok(_) if decides && !merges::begin_asking(app, &delivery, now, until).await? => AttemptOutcome {
            error: Some(
                "the merge has ended, or its time for an answer, so the receiver is not asked about it".to_string(),
            ),
            is_final: true,
            ..AttemptOutcome::default()
        },
        Ok(attempt) => {
            let mut outcome = send(app, attempt, &delivery, timeout, heard).await;
            if is_question {
                // Before the delivery is finished: after a crash in between, it is sent again, and its answer changes nothing.
                let decision = outcome.decision.take();
                let take = || merges::take_answer(app, &project, &delivery, decision.clone());
                outcome.remark = keep_trying(take).await?;
            }
            outcome
        }
    };
    let tries = delivery.tries_with(outcome.note(now));
    // A receiver that answered is not asked again because the store was busy for a moment.
    match keep_trying(|| write_down(app, lane, &delivery, (&outcome, &tries))).await? {
        Some(DeliveryState::Taken) => Ok(true),
        Some(DeliveryState::Waiting) => Ok(false),
        Some(DeliveryState::Dead) => give_up_lane(app, lane).await.map(|()| false),
        None => {
            tracing::warn!(
                project.no = delivery.project.0,
                hook.url = hide_url_secrets(&delivery.url),
                event.seq = delivery.seq,
                "the result of a webhook delivery came after its claim was lost; it is not noted"
            );
            Ok(false)
        }
    }
}

/// Notes what became of a try, with the tries to keep; where the delivery stands now. `None`, and nothing is noted, when the try lost its
/// claim.
async fn write_down(
    app: &App,
    lane: &Lane,
    delivery: &Delivery,
    (outcome, tries): (&AttemptOutcome, &[DeliveryTry]),
) -> Result<Option<DeliveryState>, StoreError> {
    let now = app.store_clock.read(&app.store).await?;
    let this = DeliveryClaim::next_of(delivery);
    let Some(error) = &outcome.error else {
        let is_noted = taken::finish(app, lane, delivery, (tries.to_vec(), outcome.body.clone()), now).await?;
        return Ok(is_noted.then_some(DeliveryState::Taken));
    };
    let due = next_try(delivery.attempts, now);
    let is_dead = outcome.is_final || due > delivery.created_at.plus(retry_for(app));
    let is_noted = app
        .store
        .write("fail_delivery", tries.to_vec(), move |tx, tries| {
            Box::pin(async move {
                if is_dead {
                    deliveries::finish(tx, this, DeliveryState::Dead, tries, now).await
                } else {
                    deliveries::postpone(tx, this, due, tries).await
                }
            })
        })
        .await?;
    if !is_noted {
        return Ok(None);
    }
    if is_dead {
        tracing::error!(
            project.no = delivery.project.0,
            hook.url = hide_url_secrets(&delivery.url),
            event.seq = delivery.seq,
            error = error,
            "a webhook delivery failed for good; it can be resent"
        );
    } else {
        tracing::warn!(
            project.no = delivery.project.0,
            hook.url = hide_url_secrets(&delivery.url),
            event.seq = delivery.seq,
            error = error,
            "a webhook delivery failed; retrying later"
        );
    }
    Ok(Some(if is_dead { DeliveryState::Dead } else { DeliveryState::Waiting }))
}

/// How long an event is sent again.
fn retry_for(app: &App) -> Duration {
    Duration::from_secs(u64::from(app.config.hooks.retry_hours) * 3600)
}

/// Fails the deliveries that waited too long behind one that failed for good: each would be tried once more, and fail too.
async fn give_up_lane(app: &App, lane: &Lane) -> Result<(), StoreError> {
    let now = app.store_clock.read(&app.store).await?;
    let before = now.minus(retry_for(app));
    let given_up = || {
        app.store.write("give_up_lane", lane.clone(), move |tx, lane| {
            Box::pin(delivery_lanes::give_up_lane(tx, lane, "the delivery before it failed", before, BATCH, now))
        })
    };
    let mut total = 0;
    loop {
        match given_up().await? {
            0 => break,
            count => total += count,
        }
    }
    app.store
        .write("wake_lane", lane.clone(), move |tx, lane| Box::pin(delivery_lanes::wake_next(tx, lane, now)))
        .await?;
    log_given_up(&(lane.project, lane.url.clone()), total);
    Ok(())
}

/// Gives up what waited too long for a receiver that does not answer, though it was not tried as often as it would have been.
async fn give_up_old(app: Arc<App>, (project, url): Address) {
    let now = match app.store_clock.read(&app.store).await {
        Ok(now) => now,
        Err(error) => {
            tracing::warn!(error = %error, "old webhook deliveries could not be failed; retrying later");
            return;
        }
    };
    let before = now.minus(retry_for(&app));
    let mut total = 0;
    loop {
        let given_up = app.store.write("give_up_deliveries", url.clone(), move |tx, url| {
            let error = "the receiver did not answer";
            Box::pin(delivery_lanes::give_up(tx, project, (url, error), before, BATCH, now))
        });
        match given_up.await {
            Ok(0) => break,
            Ok(count) => total += count,
            Err(error) => {
                tracing::warn!(error = %error, "old webhook deliveries could not be failed; retrying later");
                return;
            }
        }
    }
    log_given_up(&(project, url), total);
}

fn log_given_up((project, url): &Address, total: u64) {
    if total > 0 {
        tracing::error!(
            project.no = project.0,
            hook.url = hide_url_secrets(url),
            deliveries = total,
            "webhook deliveries failed for good, because their receiver does not accept them; they can be resent"
        );
    }
}

/// When to try again after so many tries before this one.
fn next_try(attempts: i64, now: Timestamp) -> Timestamp {
    let index = usize::try_from(attempts).unwrap_or(0).min(PAUSES.len() - 1);
    now.plus(Duration::from_secs(PAUSES[index]))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_grow_to_four_hours_and_go_on_for_days() {
        let mut now = Timestamp::from_seconds(0);
        let mut tries = 0;
        while now < Timestamp::from_seconds(72 * 3600) {
            now = next_try(tries, now);
            tries += 1;
        }
        assert_eq!(next_try(0, Timestamp::from_seconds(0)), Timestamp::from_seconds(5));
        assert_eq!(next_try(99, Timestamp::from_seconds(0)), Timestamp::from_seconds(14_400));
        assert!((20..40).contains(&tries), "{tries}");
    }
}
