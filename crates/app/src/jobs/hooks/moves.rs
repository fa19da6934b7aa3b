//! What waits for a receiver that moved or was removed: it goes to the new URL, or fails (decision 104).

use vestibule_domain::{
    event::hide_url_secrets,
    id::ProjectNo,
    project::{ReceiverKind, ReceiverMove},
};
use vestibule_store::{StoreError, receiver_moves};

use super::receivers::Address;
use crate::{logout_notices, state::App};

/// Deliveries one transaction moves.
const BATCH: i64 = 200;
/// Transactions of one look at a URL.
const BATCHES: usize = 5;

/// Has what waits at a URL follow its receivers; whether there was something.
pub(super) async fn follow(app: &App, (project, url): &Address) -> Result<bool, StoreError> {
    let Some(current) = app.projects.find_by_no(*project) else { return Ok(false) };
    let mut conn = app.store.read().await?;
    let mut waiting = Vec::new();
    for one in receiver_moves::list_of_url(&mut conn, *project, url).await? {
        // What comes first with the settings of before would be sent by them, or not at all: the next look has the new ones.
        if !one.is_known_to(&current.settings) {
            continue;
        }
        // Nearly always what was there has moved already.
        if receiver_moves::has_waiting(&mut conn, *project, &one, logout_notices::KIND).await? {
            waiting.push(one);
        }
    }
    drop(conn);
    let no = *project;
    for one in &waiting {
        let mut total = 0;
        for _ in 0..BATCHES {
            let input = (one.clone(), app.store_clock.clone());
            let moved = app.store.write("move_deliveries", input, move |tx, (one, clock)| {
                Box::pin(async move {
                    let now = clock.now(tx).await?;
                    let of = (one, logout_notices::KIND, why_given_up(one.kind));
                    receiver_moves::carry_out(tx, no, of, BATCH, now).await
                })
            });
            match moved.await? {
                0 => break,
                count => total += count,
            }
            tokio::task::yield_now().await;
        }
        report(app, *project, one, total);
    }
    Ok(!waiting.is_empty())
}

fn why_given_up(kind: ReceiverKind) -> &'static str {
    match kind {
        ReceiverKind::Webhook => "its webhook was removed",
        ReceiverKind::Logout => "the application no longer wants notices of sessions that end",
    }
}

fn report(app: &App, project: ProjectNo, one: &ReceiverMove, total: u64) {
    // Another node was faster.
    if total == 0 {
        return;
    }
    let project = app.projects.find_by_no(project).map(|project| project.id.clone());
    let old = hide_url_secrets(&one.old);
    match &one.new {
        Some(new) => tracing::info!(
            project.id = project,
            hook.url = old,
            hook.new_url = hide_url_secrets(new),
            deliveries = total,
            "what waited for a receiver goes to its new URL"
        ),
        None => tracing::warn!(
            project.id = project,
            hook.url = old,
            deliveries = total,
            reason = why_given_up(one.kind),
            "what waited for a receiver failed for good, because it was removed; it can be resent"
        ),
    }
}
