//! Carries out what transactions queued: mails and text messages. At least once; retried with growing pauses. Projects take turns,
//! and a mail server or carrier that does not answer gets messages rarely.

use std::{
    collections::{HashMap, VecDeque, hash_map::Entry},
    sync::Arc,
    time::Duration,
};

use tokio::{
    sync::watch,
    task::{self, JoinSet},
};
use vestibule_domain::{id::ProjectNo, time::Timestamp};
use vestibule_store::{
    Conn, StoreError,
    outbox::{self, OutboxAttempt, OutboxRow},
};

use super::claims::{ClaimKind, release_own};
use crate::{
    adapters::{mailer::MailError, sms::SmsError},
    events::UNREADABLE_KIND,
    limits::patience::{Heard, Patience},
    messages::{self, Message, MessageChannel},
    state::App,
};

const PERIOD: Duration = Duration::from_secs(1);
/// How many messages of a channel are on their way at once.
const AT_ONCE: usize = 12;
/// How many of them may be of one project, and only as many as are free, so that the next project finds a place.
const OF_ONE_PROJECT: usize = 6;
/// Projects one look asks for.
const LOOK: i64 = 32;
/// How long another process leaves a claimed row alone.
const CLAIM: Duration = Duration::from_secs(120);
/// After this many tries a text message could not be sent; no more retries: the code in it is long dead.
const TEXT_TRIES: i64 = 6;
/// A message that waited longer is not sent any more: it was queued before a stop, or under a release that had to be put back.
const TOO_OLD: Duration = Duration::from_secs(24 * 3_600);
/// Tries are at most this part of a mail's time apart: a server that defers unknown senders for minutes gets several before the end.
const LONGEST_PAUSE: u32 = 10;

/// The age of the oldest queued message; zero when none is queued. For the metrics.
///
/// # Errors
/// When the store does not answer.
pub async fn age_of_oldest(app: &App) -> Result<Duration, StoreError> {
    let queued = outbox::oldest_any_project(&mut *app.store.read().await?, UNREADABLE_KIND).await?;
    Ok(queued.map_or(Duration::ZERO, |at| app.clock.now().since(at)))
}

/// Works until told to stop. What the mail server or the carrier has not taken then is sent again after the next start.
pub async fn run(app: Arc<App>, mut stop: watch::Receiver<bool>) {
    release_own(&app, ClaimKind::Messages).await;
    let signal = Arc::clone(app.store.outbox_signal());
    // Text messages do not wait for a slow mail server, nor the other way round.
    let (mut mails, mut texts) = (Dispatch::new(MessageChannel::Mail), Dispatch::new(MessageChannel::Sms));
    loop {
        tokio::select! {
            goes_on = crate::jobs::wait(&mut stop, PERIOD, Some(&signal)) => {
                if !goes_on {
                    return;
                }
                // The bell wakes one sleeper only, and it may have rung for an event.
                app.events_signal.notify_one();
                (mails.may_wait, texts.may_wait) = (true, true);
            }
            () = mails.one_ended(&app) => {}
            () = texts.one_ended(&app) => {}
        }
        for dispatch in [&mut mails, &mut texts] {
            if let Err(error) = dispatch.begin(&app).await {
                tracing::warn!(error = %error, "the outbox could not be processed; retrying later");
            }
        }
    }
}

/// The messages of one channel that are on their way.
struct Dispatch {
    channel: MessageChannel,
    sending: JoinSet<Result<Option<Heard>, StoreError>>,
    /// Row, project and the number of [`Self::patience`] of each task.
    in_flight: HashMap<task::Id, (i64, ProjectNo, u32)>,
    /// With the mail server or carrier.
    patience: Patience,
    /// The project that had the last turn.
    last: ProjectNo,
    /// Whether something may wait that had no place.
    may_wait: bool,
}

impl Dispatch {
    fn new(channel: MessageChannel) -> Self {
        let (sending, in_flight, patience) = (JoinSet::new(), HashMap::new(), Patience::default());
        Self { channel, sending, in_flight, patience, last: ProjectNo(0), may_wait: true }
    }

    /// Returns when a message is not on its way any more.
    async fn one_ended(&mut self, app: &App) {
        let (ended, heard) = match self.sending.join_next_with_id().await {
            Some(Ok((id, Ok(heard)))) => (id, heard),
            Some(Ok((id, Err(error)))) => {
                tracing::warn!(error = %error, "the result of a message could not be stored; it will be sent again");
                (id, None)
            }
            // It panicked, which is logged, and its claim runs out.
            Some(Err(error)) => (error.id(), None),
            None => return std::future::pending().await,
        };
        let Some((_, _, number)) = self.in_flight.remove(&ended) else { return };
        if heard.is_some_and(|heard| self.patience.note(heard, number, app.clock.now())) {
            tracing::warn!(
                message.channel = self.channel.kinds()[1],
                "messages get no answer; until there is one, they are sent one at a time, and rarely"
            );
        }
    }

    fn held_by(&self, project: ProjectNo) -> usize {
        self.in_flight.values().filter(|(_, of, _)| *of == project).count()
    }

    /// Whether one more message of a project may be on its way.
    fn has_place(&self, project: ProjectNo, now: Timestamp) -> bool {
        let held = self.in_flight.len();
        let free = AT_ONCE.saturating_sub(held);
        self.held_by(project) < free.min(OF_ONE_PROJECT) && self.patience.may_begin(held, now)
    }

    /// Sends what is due and has a place, one of each project in turn.
    async fn begin(&mut self, app: &Arc<App>) -> Result<(), StoreError> {
        let now = app.clock.now();
        let held = self.in_flight.len();
        if !self.may_wait || held >= AT_ONCE || !self.patience.may_begin(held, now) {
            return Ok(());
        }
        let mut conn = app.store.read().await?;
        let now = app.store_clock.now(&mut conn).await?;
        let mut turns = self.list_waiting(&mut conn, now).await?;
        let mut due: HashMap<ProjectNo, VecDeque<OutboxRow>> = HashMap::new();
        self.may_wait = false;
        while let Some(project) = turns.pop_front() {
            if !self.has_place(project, now) {
                self.may_wait = true;
                continue;
            }
            let rows = match due.entry(project) {
                Entry::Occupied(known) => known.into_mut(),
                Entry::Vacant(unknown) => unknown.insert(self.list_due(&mut conn, project, now).await?),
            };
            let Some(row) = rows.pop_front() else { continue };
            self.last = project;
            let (id, channel, app) = (row.id, self.channel, Arc::clone(app));
            let task = self.sending.spawn(async move { send(&app, channel, row, now).await });
            self.in_flight.insert(task.id(), (id, project, self.patience.number()));
            turns.push_back(project);
        }
        Ok(())
    }

    /// The projects for which something is due, in the order of their turns.
    async fn list_waiting(&mut self, conn: &mut Conn, now: Timestamp) -> Result<VecDeque<ProjectNo>, StoreError> {
        let mut projects = Vec::new();
        for kind in self.channel.kinds() {
            projects.extend(outbox::waiting_any_project(conn, kind, now, self.last, LOOK).await?);
            if self.last > ProjectNo(0) {
                projects.extend(outbox::waiting_any_project(conn, kind, now, ProjectNo(0), LOOK).await?);
            }
        }
        projects.sort_by_key(|project| (project.0 <= self.last.0, project.0));
        projects.dedup();
        Ok(projects.into())
    }

    /// What is due for a project and not on its way yet, as much as may be on its way at once.
    async fn list_due(
        &self,
        conn: &mut Conn,
        project: ProjectNo,
        now: Timestamp,
    ) -> Result<VecDeque<OutboxRow>, StoreError> {
        let limit = i64::try_from(OF_ONE_PROJECT + self.held_by(project)).unwrap_or(i64::MAX);
        let mut due = VecDeque::new();
        for kind in self.channel.kinds() {
            due.extend(outbox::due(conn, project, kind, now, limit).await?);
        }
        due.retain(|row| !self.in_flight.values().any(|(id, ..)| *id == row.id));
        Ok(due)
    }
}

/// Why a message was not delivered.
enum Undelivered {
    Temporary(String),
    /// The same, without an answer in time.
    Silent(String),
    Permanent(String),
}

impl From<MailError> for Undelivered {
    fn from(error: MailError) -> Self {
        match error {
            MailError::Permanent(why) => Self::Permanent(why),
            MailError::Temporary(why) => Self::Temporary(why),
            MailError::Silent(why) => Self::Silent(why),
        }
    }
}

impl From<SmsError> for Undelivered {
    fn from(error: SmsError) -> Self {
        match error {
            SmsError::Permanent(why) => Self::Permanent(why),
            SmsError::Temporary(why) => Self::Temporary(why),
            SmsError::Silent(why) => Self::Silent(why),
        }
    }
}

async fn deliver(app: &App, message: &Message, row: &OutboxRow, now: Timestamp) -> Result<(), Undelivered> {
    match message {
        Message::Mail(mail) => Ok(app.mailer.send(mail, &messages::mail_id(row), now).await?),
        Message::Sms(sms) => Ok(app.sms.send(sms, now).await?),
    }
}

/// How long a message is worth sending.
fn worth_sending(message: &Message) -> Duration {
    match message {
        Message::Mail(mail) => mail.useful_seconds.map_or(TOO_OLD, Duration::from_secs).min(TOO_OLD),
        Message::Sms(_) => TOO_OLD,
    }
}

/// When to try a message again after so many tries; `None` to give up.
fn next_try(message: &Message, tries: i64, created_at: Timestamp, now: Timestamp) -> Option<Timestamp> {
    let worth = worth_sending(message);
    let (may_go_on, longest) = match message {
        Message::Mail(_) => (true, worth / LONGEST_PAUSE),
        Message::Sms(_) => (tries < TEXT_TRIES, worth),
    };
    let due = now.plus(Duration::from_secs(5 << tries.clamp(0, 12)).min(longest));
    (may_go_on && due <= created_at.plus(worth)).then_some(due)
}

/// Sends a message if it is this process's turn; whether the mail server or carrier answered, if it was asked.
async fn send(app: &App, channel: MessageChannel, row: OutboxRow, now: Timestamp) -> Result<Option<Heard>, StoreError> {
    let this = OutboxAttempt::next_of(&row);
    let node = app.store.node();
    let claimed = app
        .store
        .write("claim_outbox", (), move |tx, ()| Box::pin(outbox::claim(tx, this, now.plus(CLAIM), node)))
        .await?;
    if !claimed {
        return Ok(None);
    }
    let message = match messages::open(app, channel, &row) {
        Ok(message) => message,
        Err(unreadable) => return give_up(app, &row, &unreadable.to_string()).await.map(|()| None),
    };
    if now.since(row.created_at) > worth_sending(&message) {
        return give_up(app, &row, "it waited too long to be of use").await.map(|()| None);
    }
    match deliver(app, &message, &row, now).await {
        Ok(()) => remove(app, row.id).await.map(|()| Some(Heard::Something)),
        // The message may be at fault before anything is sent.
        Err(Undelivered::Permanent(why)) => give_up(app, &row, &why).await.map(|()| None),
        Err(Undelivered::Temporary(why)) => {
            try_later(app, &row, &message, why, now).await.map(|()| Some(Heard::Something))
        }
        Err(Undelivered::Silent(why)) => try_later(app, &row, &message, why, now).await.map(|()| Some(Heard::Nothing)),
    }
}

async fn try_later(
    app: &App,
    row: &OutboxRow,
    message: &Message,
    why: String,
    now: Timestamp,
) -> Result<(), StoreError> {
    let Some(due) = next_try(message, row.attempts + 1, row.created_at, now) else {
        return give_up(app, row, &why).await;
    };
    let (this, kept) = (OutboxAttempt::next_of(row), why.clone());
    let is_recorded =
        app.store.write("fail_outbox", kept, move |tx, why| Box::pin(outbox::fail(tx, this, due, why))).await?;
    if is_recorded {
        tracing::warn!(outbox.id = row.id, outbox.kind = row.kind, outbox.tries = row.attempts + 1, error = %why, "a message could not be sent; retrying later");
    } else {
        log_lost_claim(row);
    }
    Ok(())
}

async fn give_up(app: &App, row: &OutboxRow, why: &str) -> Result<(), StoreError> {
    let this = OutboxAttempt::next_of(row);
    if !app.store.write("give_up_outbox", (), move |tx, ()| Box::pin(outbox::give_up(tx, this))).await? {
        log_lost_claim(row);
        return Ok(());
    }
    tracing::error!(
        outbox.id = row.id,
        outbox.kind = row.kind,
        project.no = row.project.0,
        error = why,
        "a message could not be sent; no more retries"
    );
    Ok(())
}

fn log_lost_claim(row: &OutboxRow) {
    tracing::warn!(
        outbox.id = row.id,
        outbox.kind = row.kind,
        "the result of a message came after its claim was lost; it is not noted"
    );
}

/// A message that was sent is not sent again, also when its claim ran out meanwhile.
async fn remove(app: &App, id: i64) -> Result<(), StoreError> {
    app.store
        .write("finish_outbox", (), move |tx, ()| Box::pin(async move { outbox::remove(tx, id).await.map(drop) }))
        .await
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::adapters::{mailer::Mail, sms::Sms};

    fn mail(useful_seconds: Option<u64>) -> Message {
        let text = String::new;
        Message::Mail(Mail { from: None, to: text(), subject: text(), text: text(), html: text(), useful_seconds })
    }

    /// The seconds after which each try follows, when none succeeds.
    fn tries_of(message: &Message) -> Vec<u64> {
        let start = Timestamp::from_seconds(1_000_000);
        let (mut now, mut all) = (start, Vec::new());
        while let Some(due) = next_try(message, i64::try_from(all.len()).unwrap_or(i64::MAX) + 1, start, now) {
            all.push(due.since(start).as_secs());
            now = due;
        }
        all
    }

    #[test]
    fn a_mail_with_a_code_is_tried_while_the_code_lives() {
        let tries = tries_of(&mail(Some(600)));
        assert_eq!(tries, [10, 30, 70, 130, 190, 250, 310, 370, 430, 490, 550]);
    }

    #[test]
    fn other_mail_is_tried_for_a_day() {
        let tries = tries_of(&mail(None));
        assert_eq!(tries[..4], [10, 30, 70, 150]);
        assert!((14..30).contains(&tries.len()), "{tries:?}");
        assert!(tries.last().is_some_and(|last| (70_000..=86_400).contains(last)), "{tries:?}");
    }

    #[test]
    fn a_text_message_is_tried_six_times() {
        let text = Message::Sms(Sms { to: String::new(), body: String::new(), project: String::new() });
        assert_eq!(tries_of(&text), [10, 30, 70, 150, 310]);
    }
}
