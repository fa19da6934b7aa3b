//! Work that no request waits for.

pub mod accesses;
pub mod cleanup;
pub mod events;
pub mod hooks;
pub mod key_rotation;
pub mod outbox;
pub mod projects;
pub mod statistics;

use std::sync::Arc;

use tokio::{sync::watch, task::JoinSet};

use crate::state::App;

/// Starts every job; each ends soon after `stop` says so.
pub fn start(app: &Arc<App>, stop: &watch::Receiver<bool>) -> JoinSet<()> {
    let mut jobs = JoinSet::new();
    jobs.spawn(outbox::run(Arc::clone(app), stop.clone()));
    jobs.spawn(projects::run(Arc::clone(app), stop.clone()));
    jobs.spawn(cleanup::run(Arc::clone(app), stop.clone()));
    jobs.spawn(events::run(Arc::clone(app), stop.clone()));
    jobs.spawn(hooks::run(Arc::clone(app), stop.clone()));
    jobs.spawn(statistics::run(Arc::clone(app), stop.clone()));
    jobs.spawn(accesses::run(Arc::clone(app), stop.clone()));
    jobs.spawn(key_rotation::run(Arc::clone(app), stop.clone()));
    jobs
}

/// Waits for the time to pass, a bell, or the end; false at the end.
async fn wait(
    stop: &mut watch::Receiver<bool>,
    time: std::time::Duration,
    signal: Option<&tokio::sync::Notify>,
) -> bool {
    if *stop.borrow() {
        return false;
    }
    let rung = async {
        match signal {
            Some(signal) => signal.notified().await,
            None => std::future::pending().await,
        }
    };
    tokio::select! {
        () = tokio::time::sleep(time) => {}
        () = rung => {}
        _ = stop.changed() => {}
    }
    !*stop.borrow()
}
