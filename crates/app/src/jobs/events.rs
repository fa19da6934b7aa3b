//! Hands queued events on: to the event log, to the deliveries of each webhook that wants them, to the daily counts.

use std::{collections::HashMap, sync::Arc, time::Duration};

use serde_json::Value;
use tokio::sync::watch;
use vestibule_domain::{client::Client, event::LoggedEvent, id::ProjectNo, project::ProjectSettings, time::Timestamp};
use vestibule_store::{
    StoreError, Tx, counts,
    deliveries::{self, NewDelivery},
    events, job_state,
    outbox::{self, OutboxRow},
    projects,
};

use super::statistics;
use crate::{
    events::{OUTBOX_KIND, QueuedEvent, UNREADABLE_KIND},
    projects::Project,
    state::App,
    store_clock::StoreClock,
};

const PERIOD: Duration = Duration::from_secs(1);
const BATCH: i64 = 200;
/// Projects one transaction hands on events of, at most.
const PROJECTS: i64 = 20;
/// Whose row in the job state nodes queue at.
const JOB: &str = "events";
/// Every event is due: none is retried later, and what an earlier release queued has the time of its node's clock.
const ALWAYS: Timestamp = Timestamp::from_micros(i64::MAX);

/// Works until told to stop.
pub async fn run(app: Arc<App>, mut stop: watch::Receiver<bool>) {
    while crate::jobs::wait(&mut stop, PERIOD, Some(&app.events_signal)).await {
        if let Err(error) = dispatch(&app).await {
            tracing::warn!(error = %error, "events could not be processed; retrying later");
        }
    }
}

/// Hands on what is queued; answers how many events.
pub(crate) async fn dispatch(app: &App) -> Result<usize, StoreError> {
    let (mut total, mut last) = (0, ProjectNo(0));
    loop {
        if outbox::waiting_any_project(&mut *app.store.read().await?, OUTBOX_KIND, ALWAYS, ProjectNo(0), 1)
            .await?
            .is_empty()
        {
            return Ok(total);
        }
        let input = (app.projects.all(), last, app.store_clock.clone());
        let (handed_on, turn) = app
            .store
            .write("hand_on_events", input, |tx, (projects, last, clock)| {
                Box::pin(dispatch_batch(tx, projects, *last, clock))
            })
            .await?;
        last = turn;
        if handed_on == 0 {
            return Ok(total);
        }
        total += handed_on;
        app.hooks_signal.notify_one();
        app.log_grew.send_modify(|count| *count += 1);
    }
}

/// Hands on a batch: of each project its share, after the one that was served last. Answers how many, and who was last.
async fn dispatch_batch(
    tx: &mut Tx,
    projects: &[Arc<Project>],
    last: ProjectNo,
    clock: &StoreClock,
) -> Result<(usize, ProjectNo), StoreError> {
    let now = clock.now(tx).await?;
    // Written first: other nodes wait here, so that what follows is done by one at a time and in order.
    job_state::set(tx, JOB, None, now).await?;
    let mut waiting = outbox::waiting_any_project(tx, OUTBOX_KIND, ALWAYS, last, PROJECTS).await?;
    if waiting.is_empty() {
        waiting = outbox::waiting_any_project(tx, OUTBOX_KIND, ALWAYS, ProjectNo(0), PROJECTS).await?;
    }
    let share = BATCH / i64::try_from(waiting.len().max(1)).unwrap_or(BATCH);
    let (mut rows, mut set_aside_rows) = (Vec::new(), 0);
    for project in &waiting {
        let (readable, unreadable) = list_due(tx, *project, count_share(projects, *project, share)).await?;
        rows.extend(readable);
        set_aside_rows += unreadable;
    }
    // Nodes' clocks may differ; the numbers are the store's.
    rows.sort_by_key(|row| row.id);
    let find = |no: ProjectNo| projects.iter().find(|project| project.no == no).map(|project| &project.settings);
    let unloaded =
        if rows.iter().all(|row| find(row.project).is_some()) { HashMap::new() } else { read_all_settings(tx).await? };
    for row in &rows {
        let settings = match find(row.project) {
            Some(settings) => Some(settings),
            None => match unloaded.get(&row.project) {
                Some(Some(settings)) => Some(settings),
                Some(None) => {
                    set_aside(tx, row.id, "the settings of its project can't be read").await?;
                    continue;
                }
                None => None,
            },
        };
        match (serde_json::from_str::<QueuedEvent>(&row.payload), settings) {
            (Ok(event), Some(settings)) => {
                dispatch_one(tx, (row.project, settings), row, event, now).await?;
            }
            (Err(error), _) => {
                set_aside(tx, row.id, &error.to_string()).await?;
                continue;
            }
            (_, None) => tracing::warn!(outbox.id = row.id, "dropped a queued event of a project that was deleted"),
        }
        outbox::remove(tx, row.id).await?;
    }
    Ok((rows.len() + set_aside_rows, waiting.last().copied().unwrap_or(ProjectNo(0))))
}

/// What is due of a project. Rows that cannot be read are set aside, so that they hold up no other.
async fn list_due(tx: &mut Tx, no: ProjectNo, limit: i64) -> Result<(Vec<OutboxRow>, usize), StoreError> {
    match outbox::due(tx, no, OUTBOX_KIND, ALWAYS, limit).await {
        Ok(rows) => return Ok((rows, 0)),
        Err(StoreError::Decode { .. }) => {}
        Err(error) => return Err(error),
    }
    let (mut rows, mut unreadable) = (Vec::new(), 0);
    for id in outbox::due_ids(tx, no, OUTBOX_KIND, ALWAYS, limit).await? {
        match outbox::find_any_project(tx, id).await {
            Ok(row) => rows.extend(row),
            Err(StoreError::Decode { reason, .. }) => {
                set_aside(tx, id, &reason).await?;
                unreadable += 1;
            }
            Err(error) => return Err(error),
        }
    }
    Ok((rows, unreadable))
}

/// Keeps an event that cannot be handed on for an operator: the metrics and `vestibule check` count it.
async fn set_aside(tx: &mut Tx, id: i64, reason: &str) -> Result<(), StoreError> {
    tracing::error!(
        outbox.id = id,
        error = reason,
        "a queued event can't be read; it is kept aside in the outbox and no webhook receives it: run `vestibule check`"
    );
    outbox::set_aside(tx, id, UNREADABLE_KIND, reason).await.map(drop)
}

/// The number of events that are kept aside. For the metrics.
///
/// # Errors
/// When the store does not answer.
pub async fn count_unreadable(app: &App) -> Result<i64, StoreError> {
    outbox::count_any_project(&mut *app.store.read().await?, UNREADABLE_KIND).await
}

/// How many events of a project one batch hands on. An event makes a row for each webhook that may want it: the share is one of rows.
fn count_share(projects: &[Arc<Project>], no: ProjectNo, share: i64) -> i64 {
    let project = projects.iter().find(|project| project.no == no);
    let webhooks = project.map_or(0, |project| project.settings.hook.non_blocking_handlers.len());
    // Two are usual, and cost no project its share.
    let rows = i64::try_from(webhooks / 2).unwrap_or(i64::MAX).max(1);
    (share / rows).max(1)
}

/// The settings in the store, for projects that another process created and this one has not loaded yet; `None` when
/// they cannot be read.
async fn read_all_settings(tx: &mut Tx) -> Result<HashMap<ProjectNo, Option<ProjectSettings>>, StoreError> {
    let rows = projects::list_any_project(tx).await?;
    Ok(rows.iter().map(|row| (row.no, ProjectSettings::from_json(&row.settings).ok())).collect())
}

/// Hands on one event; its deliveries are due `now`, by the clock of the store.
async fn dispatch_one(
    tx: &mut Tx,
    (no, settings): (ProjectNo, &ProjectSettings),
    row: &OutboxRow,
    mut event: QueuedEvent,
    now: Timestamp,
) -> Result<(), StoreError> {
    let OutboxRow { id: seq, user_id, created_at, .. } = *row;
    event.body["seq"] = seq.into();
    let kind = event.body["type"].as_str().unwrap_or_default().to_string();
    let body = event.body.to_string();
    if let Some(client_id) = &event.logout_of {
        let client = settings.client(client_id);
        if let Some(url) = client.and_then(Client::backchannel_logout_uri) {
            let new = NewDelivery { seq, user_id, url, kind: &kind, body: &body };
            deliveries::insert(tx, no, &new, created_at).await?;
        }
    }
    if event.is_for_hooks {
        for url in settings.non_blocking_handlers_for(&kind) {
            let new = NewDelivery { seq, user_id, url, kind: &kind, body: &body };
            deliveries::insert(tx, no, &new, now).await?;
        }
    }
    if event.is_logged {
        count(tx, no, &kind, &event.body, created_at).await?;
        let client_id = event.body["context"]["client_id"].as_str().map(str::to_string);
        let row = LoggedEvent { seq, user_id, kind, client_id, body, created_at };
        events::insert(tx, no, &row).await?;
    }
    Ok(())
}

async fn count(tx: &mut Tx, no: ProjectNo, kind: &str, body: &Value, at: Timestamp) -> Result<(), StoreError> {
    for count in statistics::count_event(kind, body, at) {
        counts::add(tx, no, &count).await?;
    }
    Ok(())
}
