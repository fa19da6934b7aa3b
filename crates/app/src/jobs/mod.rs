//! Work that no request waits for.

pub mod accesses;
pub mod claims;
pub mod cleanup;
pub mod clock;
pub mod events;
pub mod hooks;
pub mod key_rotation;
pub mod limits;
pub mod merges;
pub mod names;
pub mod not_stored;
pub mod outbox;
pub(crate) mod pace;
pub mod projects;
pub mod retention;
pub mod statistics;
mod supervision;

use std::sync::Arc;

use tokio::{sync::watch, task::JoinSet};

pub use self::supervision::Supervision;
use crate::state::App;

/// Starts every job; each ends soon after `stop` says so, and starts again when it ends before.
pub fn start(app: &Arc<App>, stop: &watch::Receiver<bool>) -> JoinSet<()> {
    let mut jobs = JoinSet::new();
    keep(&mut jobs, (app, stop), "outbox", outbox::run);
    keep(&mut jobs, (app, stop), "claims", claims::run);
    keep(&mut jobs, (app, stop), "projects", projects::run);
    keep(&mut jobs, (app, stop), "cleanup", cleanup::run);
    keep(&mut jobs, (app, stop), "retention", retention::run);
    keep(&mut jobs, (app, stop), "merges", merges::run);
    keep(&mut jobs, (app, stop), "names", names::run);
    keep(&mut jobs, (app, stop), "events", events::run);
    keep(&mut jobs, (app, stop), "hooks", hooks::run);
    keep(&mut jobs, (app, stop), "statistics", statistics::run);
    keep(&mut jobs, (app, stop), "accesses", accesses::run);
    keep(&mut jobs, (app, stop), "not_stored", not_stored::run);
    keep(&mut jobs, (app, stop), "key_rotation", key_rotation::run);
    keep(&mut jobs, (app, stop), "clock", clock::run);
    keep(&mut jobs, (app, stop), "limits", limits::run);
    jobs
}

fn keep<F: Future<Output = ()> + Send + 'static>(
    jobs: &mut JoinSet<()>,
    (app, stop): (&Arc<App>, &watch::Receiver<bool>),
    name: &'static str,
    run: fn(Arc<App>, watch::Receiver<bool>) -> F,
) {
    let (app, stop) = (Arc::clone(app), stop.clone());
    jobs.spawn(async move {
        let start = || run(Arc::clone(&app), stop.clone());
        app.supervision.keep(&app.metrics, name, stop.clone(), start).await;
    });
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
