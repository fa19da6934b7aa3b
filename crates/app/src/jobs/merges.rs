//! Ends merges that no application answered in time, and forgets what merges did that can't be undone any more.

use std::{sync::Arc, time::Duration};

use tokio::sync::watch;
use vestibule_domain::{
    delivery::Delivery,
    event::{Event, hide_url_secrets},
    handshake::{Merge, MergeAnswer},
    id::{MergeId, ProjectNo},
    time::Timestamp,
};
use vestibule_store::{StoreError, merges, retention_holds, users};

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

/// Looks once at what is due. A merge that fails does not keep the others, which may be of other projects, from their turn.
///
/// # Errors
/// The store's first one; what was done stays done.
pub async fn sweep(app: &App) -> Result<(), StoreError> {
    // The same moment for every node: one whose clock is ahead would end merges early.
    let now = app.store_clock.read(&app.store).await?;
    let late = merges::list_late_any_project(&mut *app.store.read().await?, now, LOOK).await?;
    let mut result = Ok(());
    for (no, id) in late {
        let Some(project) = app.projects.find_by_no(no) else { continue };
        let ctx = Ctx::without_request(app, &project, now);
        result = result.and(report(id, decide(&ctx, &Actor::server(), id, Decision::TimeOut).await));
    }
    let past = merges::list_final_any_project(&mut *app.store.read().await?, now, LOOK).await?;
    for (no, id) in past {
        result = result.and(forget(app, no, id, now).await);
    }
    result
}

/// Forgets what a merge did, with the holds of its guest.
async fn forget(app: &App, no: ProjectNo, id: MergeId, now: Timestamp) -> Result<(), StoreError> {
    app.store
        .write("forget_merge", (), move |tx, ()| {
            Box::pin(async move {
                let Some(Merge { from, into, .. }) = merges::find(tx, no, id).await?.map(|row| row.merge) else {
                    return Ok(());
                };
                // In this order everywhere: the member, the guest, the merge. A deletion of the guest has its holds locked by now, and
                // wants the merge.
                users::lock(tx, no, into).await?;
                users::lock(tx, no, from).await?;
                let Some(row) = merges::lock(tx, no, id).await? else { return Ok(()) };
                if row.kept.is_some() && row.merge.undo_until.is_some_and(|last| now > last) {
                    merges::forget(tx, no, id).await?;
                    retention_holds::remove_all(tx, no, from).await?;
                }
                Ok(())
            })
        })
        .await
}

/// Notes that a webhook is about to be asked about the merge of a message; `false` when it must not be: the merge ended without a
/// move, or the time for an answer is over. A time-out of the merge waits for the answer `until` a time, so that one that was given in
/// time counts.
///
/// # Errors
/// The store's.
pub(super) async fn begin_asking(
    app: &App,
    delivery: &Delivery,
    now: Timestamp,
    until: Timestamp,
) -> Result<bool, StoreError> {
    let Some(id) = find_id(delivery) else { return Ok(true) };
    let no = delivery.project;
    app.store
        .write("begin_asking", (), move |tx, ()| {
            Box::pin(async move {
                let locked = merges::lock(tx, no, id).await?;
                let may_ask = locked.is_some_and(|row| row.merge.may_be_asked(now));
                if may_ask {
                    merges::begin_asking(tx, no, id, now, until).await?;
                }
                Ok(may_ask)
            })
        })
        .await
}

/// Carries out a webhook's answer about a merge; returns why it has no effect, for the operator, if so. The merge is that of the
/// message: a receiver decides nothing else, and only one that is named for it decides.
///
/// # Errors
/// The store's: the message is sent again.
pub(super) async fn take_answer(
    app: &App,
    project: &Arc<Project>,
    delivery: &Delivery,
    answer: Option<MergeAnswer>,
) -> Result<Option<String>, StoreError> {
    let decision = match answer {
        Some(MergeAnswer::Settled) => Decision::Settle,
        Some(MergeAnswer::Refused { reason }) => Decision::Refuse(reason),
        None => return Ok(None),
    };
    let Some(id) = find_id(delivery) else { return Ok(None) };
    let refused = if project.settings.lets_decide_merges(&delivery.url) {
        let mut actor = Actor::server();
        actor.audit_context.insert("webhook".to_string(), hide_url_secrets(&delivery.url).to_string().into());
        let ctx = Ctx::without_request(app, project, app.clock.now());
        match decide(&ctx, &actor, id, decision).await {
            Ok(_) => return Ok(None),
            Err(AdminError::Store(error)) => return Err(error),
            Err(AdminError::NotFound(_)) => {
                "the answer about the merge has no effect: its guest or member was deleted".to_string()
            }
            Err(error) => format!("the answer about the merge has no effect: {error}"),
        }
    } else {
        format!(
            "the answer about the merge has no effect: list {} in the events of this webhook, so that it may decide",
            Event::USER_MERGE_REQUESTED
        )
    };
    app.metrics.count_refused_merge_answer();
    tracing::warn!(
        merge.id = %id,
        project.no = delivery.project.0,
        hook.url = hide_url_secrets(&delivery.url),
        error = refused,
        "a webhook's answer about a merge has no effect"
    );
    Ok(Some(refused))
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
