//! Writes down uses of sessions and grants whose window is over, many in one transaction.

use std::{sync::Arc, time::Duration};

use tokio::sync::watch;
use vestibule_domain::{id::ProjectNo, time::Timestamp};
use vestibule_store::{StoreError, grants, sessions};

use crate::{accesses::Target, app::App, projects::Project};

const PERIOD: Duration = Duration::from_secs(5);
/// Uses one transaction writes at most.
const BATCH: usize = 500;

/// Works until told to stop.
pub(crate) async fn run(app: Arc<App>, mut stop: watch::Receiver<bool>) {
    while super::wait(&mut stop, PERIOD, None).await {
        if let Err(error) = flush_due(&app).await {
            tracing::warn!(error = %error, "uses of sessions could not be written down; it will be tried again");
        }
    }
}

/// Writes down what is due; answers how many uses.
pub(crate) async fn flush_due(app: &App) -> Result<usize, StoreError> {
    let now = app.clock.now();
    flush(app, |project| project.accesses.list_due(now, BATCH)).await
}

/// Writes down everything, before the process ends.
pub(crate) async fn flush_all(app: &App) -> Result<usize, StoreError> {
    flush(app, |project| project.accesses.list_all(BATCH)).await
}

async fn flush(app: &App, list: impl Fn(&Project) -> Vec<(Target, Timestamp)>) -> Result<usize, StoreError> {
    let mut total = 0;
    for project in app.projects.all() {
        loop {
            let uses = list(&project);
            if uses.is_empty() {
                break;
            }
            total += uses.len();
            let written = write(app, project.no, uses).await?;
            for (target, at) in written {
                project.accesses.settle(target, at);
            }
        }
    }
    Ok(total)
}

async fn write(
    app: &App,
    no: ProjectNo,
    uses: Vec<(Target, Timestamp)>,
) -> Result<Vec<(Target, Timestamp)>, StoreError> {
    let shared: Arc<[_]> = uses.into();
    let input = Arc::clone(&shared);
    app.store
        .write("touch_many", input, move |tx, uses| {
            Box::pin(async move {
                for (target, at) in uses.iter() {
                    match target {
                        Target::Grant(id) => grants::record_access(tx, no, *id, *at).await?,
                        Target::Session(id) => sessions::touch(tx, no, *id, *at).await?,
                    };
                }
                Ok::<_, StoreError>(())
            })
        })
        .await?;
    Ok(shared.to_vec())
}
