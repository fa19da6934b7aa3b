//! Hands queued events on: to the event log, to the deliveries of each webhook that wants them, to the daily counts.

use std::{sync::Arc, time::Duration};

use serde_json::Value;
use tokio::sync::watch;
use vestibule_domain::{
    id::{ProjectNo, UserId},
    time::Timestamp,
};
use vestibule_store::{
    StoreError, Tx, counts, deliveries,
    deliveries::NewDelivery,
    events::{self, EventRow},
    job_state, outbox,
};

use super::statistics;
use crate::{
    app::App,
    events::{OUTBOX_KIND, QueuedEvent},
    projects::Project,
};

const PERIOD: Duration = Duration::from_secs(1);
const BATCH: i64 = 200;
/// Whose row in the job state nodes queue at.
const JOB: &str = "events";

/// Works until told to stop.
pub(crate) async fn run(app: Arc<App>, mut stop: watch::Receiver<bool>) {
    while super::wait(&mut stop, PERIOD, Some(&app.events_bell)).await {
        if let Err(error) = hand_on(&app).await {
            tracing::warn!(error = %error, "events could not be processed; retrying later");
        }
    }
}

/// Hands on what is queued; answers how many events.
pub(crate) async fn hand_on(app: &App) -> Result<usize, StoreError> {
    let mut total = 0;
    loop {
        let now = app.clock.now();
        if outbox::due_any_project(&mut *app.store.read().await?, OUTBOX_KIND, now, 1).await?.is_empty() {
            return Ok(total);
        }
        let input = (app.projects.all(), now);
        let handed_on = app
            .store
            .write("hand_on_events", input, |tx, (projects, now)| Box::pin(hand_on_batch(tx, projects, *now)))
            .await?;
        if handed_on == 0 {
            return Ok(total);
        }
        total += handed_on;
        app.hooks_bell.notify_one();
        app.log_grew.send_modify(|count| *count += 1);
    }
}

async fn hand_on_batch(tx: &mut Tx, projects: &[Arc<Project>], now: Timestamp) -> Result<usize, StoreError> {
    // Written first: other nodes wait here, so that what follows is done by one at a time and in order.
    job_state::set(tx, JOB, None, now).await?;
    let mut rows = outbox::due_any_project(tx, OUTBOX_KIND, now, BATCH).await?;
    // Nodes' clocks may differ; the numbers are one node's, the store's.
    rows.sort_by_key(|row| row.id);
    for row in &rows {
        let project = projects.iter().find(|project| project.no == row.project);
        match (serde_json::from_str::<QueuedEvent>(&row.payload), project) {
            (Ok(event), Some(project)) => {
                hand_on_one(tx, project, row.id, row.user_id, event, row.created_at).await?;
            }
            (Err(error), _) => {
                tracing::error!(outbox.id = row.id, error = %error, "dropped a queued event that can't be parsed");
            }
            (_, None) => tracing::warn!(outbox.id = row.id, "dropped a queued event without a project"),
        }
        outbox::remove(tx, row.id).await?;
    }
    Ok(rows.len())
}

async fn hand_on_one(
    tx: &mut Tx,
    project: &Project,
    seq: i64,
    user_id: Option<UserId>,
    mut event: QueuedEvent,
    created_at: Timestamp,
) -> Result<(), StoreError> {
    event.body["seq"] = seq.into();
    let kind = event.body["type"].as_str().unwrap_or_default().to_string();
    let body = event.body.to_string();
    if event.is_for_hooks {
        for url in project.settings.non_blocking_handlers_for(&kind) {
            let new = NewDelivery { seq, user_id, url, kind: &kind, body: &body };
            deliveries::insert(tx, project.no, &new, created_at).await?;
        }
    }
    if event.is_logged {
        count(tx, project.no, &kind, &event.body, created_at).await?;
        let client_id = event.body["context"]["client_id"].as_str().map(str::to_string);
        let row = EventRow { seq, user_id, kind, client_id, body, created_at };
        events::insert(tx, project.no, &row).await?;
    }
    Ok(())
}

async fn count(tx: &mut Tx, no: ProjectNo, kind: &str, body: &Value, at: Timestamp) -> Result<(), StoreError> {
    for count in statistics::count_event(kind, body, at) {
        counts::add(tx, no, &count).await?;
    }
    Ok(())
}
