//! Carries out what transactions queued: mail for now. At least once; retried with growing pauses.

use std::{sync::Arc, time::Duration};

use tokio::sync::watch;
use vestibule_domain::time::Timestamp;
use vestibule_store::{
    StoreError,
    outbox::{self, OutboxRow},
};

use crate::{
    app::App,
    ports::mailer::{Mail, MailError},
};

const PERIOD: Duration = Duration::from_secs(1);
const BATCH: i64 = 50;
/// How long another process leaves a claimed row alone.
const CLAIM: Duration = Duration::from_secs(120);
/// After this many tries a mail is given up: the code in it is long dead.
const MAIL_TRIES: i64 = 6;

/// Works until told to stop.
pub(crate) async fn run(app: Arc<App>, mut stop: watch::Receiver<bool>) {
    let bell = Arc::clone(&app.outbox_bell);
    while super::wait(&mut stop, PERIOD, Some(&bell)).await {
        // The bell wakes one sleeper only, and it may have rung for an event.
        app.events_bell.notify_one();
        if let Err(error) = work_off(&app).await {
            tracing::warn!(error = %error, "the outbox could not be worked off; it will be tried again");
        }
    }
}

/// Sends what is due.
pub(crate) async fn work_off(app: &App) -> Result<(), StoreError> {
    loop {
        let now = app.clock.now();
        let due = outbox::due_any_project(&mut *app.store.read().await?, "mail", now, BATCH).await?;
        let full = due.len() >= usize::try_from(BATCH).unwrap_or(usize::MAX);
        for row in due {
            send(app, row, now).await?;
        }
        if !full {
            return Ok(());
        }
    }
}

async fn send(app: &App, row: OutboxRow, now: Timestamp) -> Result<(), StoreError> {
    let (id, attempts) = (row.id, row.attempts);
    let claimed = app
        .store
        .write("claim_outbox", (), move |tx, ()| Box::pin(outbox::claim(tx, id, now.plus(CLAIM), attempts)))
        .await?;
    if !claimed {
        return Ok(());
    }
    let outcome = match serde_json::from_str::<Mail>(&row.payload) {
        Ok(mail) => app.mailer.send(&mail, now).await,
        Err(_) => Err(MailError::Permanent("the queued mail cannot be read".into())),
    };
    let tries = attempts + 1;
    match outcome {
        Ok(()) => remove(app, id).await,
        Err(MailError::Temporary(why)) if tries < MAIL_TRIES => {
            tracing::warn!(outbox.id = id, outbox.tries = tries, error = %why, "a mail was not taken; it will be tried again");
            let due = now.plus(Duration::from_secs(5 << tries.clamp(0, 6)));
            app.store
                .write("fail_outbox", why, move |tx, why| {
                    Box::pin(async move { outbox::fail(tx, id, due, why).await.map(drop) })
                })
                .await
        }
        Err(error) => {
            tracing::error!(outbox.id = id, project.no = row.project.0, error = %error, "a mail is given up");
            remove(app, id).await
        }
    }
}

async fn remove(app: &App, id: i64) -> Result<(), StoreError> {
    app.store
        .write("finish_outbox", (), move |tx, ()| Box::pin(async move { outbox::remove(tx, id).await.map(drop) }))
        .await
}
