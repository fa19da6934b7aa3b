//! Ends merges that no application answered in time, and forgets what merges did that can't be undone any more.

use std::{sync::Arc, time::Duration};

use tokio::sync::watch;
use vestibule_domain::{
    delivery::Delivery,
    event::hide_url_secrets,
    handshake::{MergeAnswer, MergeState},
    id::{MergeId, ProjectNo},
};
use vestibule_store::{StoreError, merges, retention_holds};

use crate::{
    actor::Actor,
    admin::{
        AdminError,
        handshakes::{Decision, decide},
    },
    ctx::Ctx,
    projects::Project,
    state::App,
};

const PERIOD: Duration = Duration::from_secs(30);
/// Merges of each kind that one look finds.
const LOOK: i64 = 500;

/// Works until told to stop.
pub async fn run(app: Arc<App>, mut stop: watch::Receiver<bool>) {
    while crate::jobs::wait(&mut stop, PERIOD, None).await {
        if let Err(error) = sweep(&app).await {
            tracing::warn!(error = %error, "merges could not be ended; retrying later");
        }
    }
}

/// Looks once at what is due.
///
/// # Errors
/// The store's; what was done stays done.
pub async fn sweep(app: &App) -> Result<(), StoreError> {
    let now = app.clock.now();
    let late = merges::list_late_any_project(&mut *app.store.read().await?, now, LOOK).await?;
    for (no, id) in late {
        let Some(project) = app.projects.find_by_no(no) else { continue };
        let ctx = Ctx::without_request(app, &project, now);
        report(id, decide(&ctx, &Actor::server(), id, Decision::TimeOut).await)?;
    }
    let past = merges::list_final_any_project(&mut *app.store.read().await?, now, LOOK).await?;
    for (no, id) in past {
        forget(app, no, id).await?;
    }
    Ok(())
}

/// Forgets what a merge did, with the holds of its guest.
async fn forget(app: &App, no: ProjectNo, id: MergeId) -> Result<(), StoreError> {
    app.store
        .write("forget_merge", (), move |tx, ()| {
            Box::pin(async move {
                let Some(row) = merges::lock(tx, no, id).await? else { return Ok(()) };
                if row.kept.is_some() {
                    merges::forget(tx, no, id).await?;
                    retention_holds::remove_all(tx, no, row.merge.from).await?;
                }
                Ok(())
            })
        })
        .await
}

/// Notes that a webhook was asked about a merge, and carries out its answer. The merge is that of the message: a receiver decides
/// nothing else.
///
/// # Errors
/// The store's: the message is sent again.
pub(super) async fn take_answer(
    app: &App,
    project: &Arc<Project>,
    delivery: &Delivery,
    answer: Option<MergeAnswer>,
) -> Result<(), StoreError> {
    let Some(id) = find_id(delivery) else { return Ok(()) };
    let (no, now) = (project.no, app.clock.now());
    app.store
        .write("note_asked", (), move |tx, ()| {
            Box::pin(async move { merges::note_asked(tx, no, id, now).await.map(drop) })
        })
        .await?;
    let decision = match answer {
        Some(MergeAnswer::Settled) => Decision::Settle,
        Some(MergeAnswer::Refused { reason }) => Decision::Refuse(reason),
        None => return Ok(()),
    };
    let mut actor = Actor::server();
    actor.audit_context.insert("webhook".to_string(), hide_url_secrets(&delivery.url).to_string().into());
    let ctx = Ctx::without_request(app, project, now);
    report(id, decide(&ctx, &actor, id, decision).await)
}

/// Whether the merge that a message asks about has ended so that nothing may be moved: another answered, or its time is over. One that
/// is settled is told again, because the earlier answer may have been lost.
///
/// # Errors
/// The store's.
pub(super) async fn is_off(app: &App, delivery: &Delivery) -> Result<bool, StoreError> {
    let Some(id) = find_id(delivery) else { return Ok(false) };
    let found = merges::find(&mut *app.store.read().await?, delivery.project, id).await?;
    Ok(found.is_none_or(|row| !matches!(row.merge.state, MergeState::Requested | MergeState::Settled)))
}

/// The merge that a message is about.
fn find_id(delivery: &Delivery) -> Option<MergeId> {
    let body: serde_json::Value = serde_json::from_str(&delivery.body).ok()?;
    body["payload"]["merge_id"].as_str()?.parse().ok()
}

/// Passes on a failure of the store. That a merge ended in another way is for the log.
fn report<T>(id: MergeId, decided: Result<T, AdminError>) -> Result<(), StoreError> {
    match decided {
        Ok(_) => Ok(()),
        Err(AdminError::Store(error)) => Err(error),
        Err(error) => {
            tracing::warn!(merge.id = %id, error = %error, "a merge was not changed");
            Ok(())
        }
    }
}
