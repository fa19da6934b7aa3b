//! Sees what other processes changed in projects, within a second.

use std::{sync::Arc, time::Duration};

use tokio::sync::{Notify, watch};
use vestibule_store::projects;

use crate::state::App;

const PERIOD: Duration = Duration::from_secs(1);

/// Reloads projects whose version moved.
pub async fn run(app: Arc<App>, mut stop: watch::Receiver<bool>) {
    let signal = Arc::new(Notify::new());
    app.store.listen_for_settings(&signal);
    while crate::jobs::wait(&mut stop, PERIOD, Some(&signal)).await {
        if let Err(error) = look(&app).await {
            tracing::warn!(error = %error, "the projects could not be checked for changes; the loaded settings stay in use");
        }
    }
}

async fn look(app: &App) -> Result<(), crate::projects::ProjectLoadError> {
    let mut stored = projects::versions_any_project(&mut *app.store.read().await?).await?;
    let mut known: Vec<_> = app.projects.all().iter().map(|project| (project.no, project.version)).collect();
    stored.sort_unstable();
    known.sort_unstable();
    if stored != known {
        app.projects.reload(&app.store, &app.master).await?;
        tracing::info!(projects = app.projects.all().len(), "projects were reloaded");
    }
    Ok(())
}
