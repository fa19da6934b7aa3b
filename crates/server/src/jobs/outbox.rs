//! Carries out what transactions queued: mails and text messages. At least once; retried with growing pauses.

use std::{sync::Arc, time::Duration};

use tokio::{sync::watch, task::JoinSet};
use vestibule_domain::time::Timestamp;
use vestibule_store::{
    StoreError,
    outbox::{self, OutboxRow},
};

use crate::{
    app::App,
    ports::{
        mailer::{Mail, MailError},
        sms::{Sms, SmsError},
    },
};

const PERIOD: Duration = Duration::from_secs(1);
const BATCH: i64 = 50;
/// How many messages of a kind are on their way at once.
const AT_ONCE: usize = 8;
/// How long another process leaves a claimed row alone.
const CLAIM: Duration = Duration::from_secs(120);
/// After this many tries a message is given up: the code in it is long dead.
const MESSAGE_TRIES: i64 = 6;

/// Works until told to stop.
pub(crate) async fn run(app: Arc<App>, mut stop: watch::Receiver<bool>) {
    let bell = Arc::clone(&app.outbox_bell);
    while super::wait(&mut stop, PERIOD, Some(&bell)).await {
        // The bell wakes one sleeper only, and it may have rung for an event.
        app.events_bell.notify_one();
        // A mail server that says nothing must not hold up the end: what it has not taken is sent again after the next start.
        let worked_off = tokio::select! {
            worked_off = work_off(&app) => worked_off,
            () = super::told_to_stop(&mut stop) => return,
        };
        if let Err(error) = worked_off {
            tracing::warn!(error = %error, "the outbox could not be worked off; it will be tried again");
        }
    }
}

/// Sends what is due.
async fn work_off(app: &Arc<App>) -> Result<(), StoreError> {
    // Text messages do not wait for a slow mail server, nor the other way round.
    tokio::try_join!(work_off_kind(app, Kind::Mail), work_off_kind(app, Kind::Sms)).map(drop)
}

/// What waits in the outbox for this job; events wait there for another one.
#[derive(Clone, Copy)]
enum Kind {
    Mail,
    Sms,
}

impl Kind {
    fn as_str(self) -> &'static str {
        match self {
            Self::Mail => "mail",
            Self::Sms => "sms",
        }
    }
}

/// Why a message was not delivered.
enum Undelivered {
    Temporary(String),
    Permanent(String),
}

impl From<MailError> for Undelivered {
    fn from(error: MailError) -> Self {
        match error {
            MailError::Permanent(why) => Self::Permanent(why),
            MailError::Temporary(why) => Self::Temporary(why),
        }
    }
}

impl From<SmsError> for Undelivered {
    fn from(error: SmsError) -> Self {
        match error {
            SmsError::Permanent(why) => Self::Permanent(why),
            SmsError::Temporary(why) => Self::Temporary(why),
        }
    }
}

async fn deliver(app: &App, kind: Kind, payload: &str, now: Timestamp) -> Result<(), Undelivered> {
    let unreadable = |_| Undelivered::Permanent("the queued message cannot be read".into());
    match kind {
        Kind::Mail => {
            let mail: Mail = serde_json::from_str(payload).map_err(unreadable)?;
            Ok(app.mailer.send(&mail, now).await?)
        }
        Kind::Sms => {
            let sms: Sms = serde_json::from_str(payload).map_err(unreadable)?;
            Ok(app.sms.send(&sms, now).await?)
        }
    }
}

async fn work_off_kind(app: &Arc<App>, kind: Kind) -> Result<(), StoreError> {
    loop {
        let now = app.clock.now();
        let due = outbox::due_any_project(&mut *app.store.read().await?, kind.as_str(), now, BATCH).await?;
        let full = due.len() >= usize::try_from(BATCH).unwrap_or(usize::MAX);
        let mut sending = JoinSet::new();
        for row in due {
            if sending.len() >= AT_ONCE {
                finish_one(&mut sending).await?;
            }
            let app = Arc::clone(app);
            sending.spawn(async move { send(&app, kind, row, now).await });
        }
        while !sending.is_empty() {
            finish_one(&mut sending).await?;
        }
        if !full {
            return Ok(());
        }
    }
}

async fn finish_one(sending: &mut JoinSet<Result<(), StoreError>>) -> Result<(), StoreError> {
    match sending.join_next().await {
        Some(Ok(sent)) => sent,
        // It panicked, which is logged, and its claim runs out.
        Some(Err(_)) | None => Ok(()),
    }
}

async fn send(app: &App, kind: Kind, row: OutboxRow, now: Timestamp) -> Result<(), StoreError> {
    let (id, attempts) = (row.id, row.attempts);
    let claimed = app
        .store
        .write("claim_outbox", (), move |tx, ()| Box::pin(outbox::claim(tx, id, now.plus(CLAIM), attempts)))
        .await?;
    if !claimed {
        return Ok(());
    }
    let outcome = deliver(app, kind, &row.payload, now).await;
    let tries = attempts + 1;
    match outcome {
        Ok(()) => remove(app, id).await,
        Err(Undelivered::Temporary(why)) if tries < MESSAGE_TRIES => {
            tracing::warn!(outbox.id = id, outbox.kind = kind.as_str(), outbox.tries = tries, error = %why, "a message was not taken; it will be tried again");
            let due = now.plus(Duration::from_secs(5 << tries.clamp(0, 6)));
            app.store
                .write("fail_outbox", why, move |tx, why| {
                    Box::pin(async move { outbox::fail(tx, id, due, why).await.map(drop) })
                })
                .await
        }
        Err(Undelivered::Temporary(why) | Undelivered::Permanent(why)) => {
            tracing::error!(
                outbox.id = id,
                outbox.kind = kind.as_str(),
                project.no = row.project.0,
                error = %why,
                "a message is given up"
            );
            remove(app, id).await
        }
    }
}

async fn remove(app: &App, id: i64) -> Result<(), StoreError> {
    app.store
        .write("finish_outbox", (), move |tx, ()| Box::pin(async move { outbox::remove(tx, id).await.map(drop) }))
        .await
}
