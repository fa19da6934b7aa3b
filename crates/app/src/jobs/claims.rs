//! Lets go of messages and deliveries that were claimed by a process that ended. On SQLite, where one process serves, those are
//! all claims at the start; on PostgreSQL, those of nodes whose session at the database is gone.

use std::{collections::BTreeSet, sync::Arc, time::Duration};

use tokio::sync::watch;
use vestibule_store::{Engine, StoreError, node_claims};

use crate::state::App;

/// Pause between two looks. A node whose lock is missing at two of them has ended; one that reconnects has its lock again after
/// about a second.
const PERIOD: Duration = Duration::from_secs(3);

/// What can be claimed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum ClaimKind {
    Messages,
    Deliveries,
}

/// Lets go of what this node claimed before the job began that works on it.
pub(super) async fn release_own(app: &App, kind: ClaimKind) {
    let Some(node) = app.store.node() else { return };
    let now = app.clock.now();
    let released = app.store.write("release_own_claims", (), move |tx, ()| {
        Box::pin(async move {
            match kind {
                ClaimKind::Messages => node_claims::release_outbox_any_project(tx, node, now).await,
                ClaimKind::Deliveries => node_claims::release_deliveries_any_project(tx, node, now).await,
            }
        })
    });
    match released.await {
        Ok(0) => {}
        Ok(count) => tracing::info!(claims = count, "what an ended process had begun to send is sent again"),
        Err(error) => {
            tracing::warn!(error = %error, "earlier claims could not be released; they run out by themselves")
        }
    }
}

/// Releases the claims of nodes that ended, on PostgreSQL.
pub async fn run(app: Arc<App>, mut stop: watch::Receiver<bool>) {
    if app.store.engine() == Engine::Sqlite {
        stop.wait_for(|stops| *stops).await.ok();
        return;
    }
    let mut missing = BTreeSet::new();
    while crate::jobs::wait(&mut stop, PERIOD, None).await {
        missing = match look(&app, &missing).await {
            Ok(missing) => missing,
            Err(error) => {
                tracing::warn!(error = %error, "the claims of other nodes could not be read; retrying later");
                BTreeSet::new()
            }
        };
    }
}

/// Releases the claims of nodes that were missing at the last look, too; returns those that are missing now.
async fn look(app: &App, missing_before: &BTreeSet<i64>) -> Result<BTreeSet<i64>, StoreError> {
    let mut missing = BTreeSet::new();
    let mut conn = app.store.read().await?;
    for node in node_claims::list_nodes_any_project(&mut conn).await? {
        // This process has not ended, though the session that says so to others may be gone for a while.
        if !app.store.is_this_node(node) && node_claims::has_ended(&mut conn, node).await? {
            missing.insert(node);
        }
    }
    drop(conn);
    for node in missing.intersection(missing_before) {
        release_ended(app, *node).await?;
    }
    Ok(missing)
}

async fn release_ended(app: &App, node: i64) -> Result<(), StoreError> {
    let now = app.clock.now();
    let released = app.store.write("release_claims", (), move |tx, ()| {
        Box::pin(async move {
            if !node_claims::has_ended(tx, node).await? {
                return Ok(0);
            }
            let messages = node_claims::release_outbox_any_project(tx, node, now).await?;
            Ok::<_, StoreError>(messages + node_claims::release_deliveries_any_project(tx, node, now).await?)
        })
    });
    let count = released.await?;
    if count > 0 {
        tracing::info!(claims = count, "what a node that ended had begun to send is sent again");
        app.hooks_signal.notify_one();
    }
    Ok(())
}
