//! Replaces signing keys that grew old and removes those that nothing depends on any more.

use std::{sync::Arc, time::Duration};

use tokio::sync::watch;

use crate::{actor::Actor, ctx::Ctx, signing_keys, state::App};

const PERIOD: Duration = Duration::from_secs(60);
const DAY: Duration = Duration::from_secs(24 * 3_600);

/// Works until told to stop.
pub async fn run(app: Arc<App>, mut stop: watch::Receiver<bool>) {
    while crate::jobs::wait(&mut stop, PERIOD, None).await {
        check(&app).await;
    }
}

/// Looks at the keys of every project; what fails for one is tried again and stops no other.
pub async fn check(app: &App) {
    let now = app.clock.now();
    let age = DAY * app.config.keys.rotate_after_days;
    let mut changed = false;
    for project in app.projects.all() {
        let ctx = Ctx::without_request(app, &project, now);
        let newest = project.keys.newest_signing();
        if !age.is_zero() && now.since(newest) >= age {
            match signing_keys::rotate(&ctx, &Actor::server(), Some(newest), signing_keys::PUBLISH_AHEAD).await {
                Ok(true) => {
                    changed = true;
                    tracing::info!(project.id = project.id, "new signing keys are published; they sign in 24 hours");
                }
                // Another node was faster.
                Ok(false) => changed = true,
                Err(error) => {
                    tracing::error!(project.id = project.id, error = %error, "signing keys could not be rotated");
                }
            }
        }
        match signing_keys::remove_spent(&ctx).await {
            Ok(0) => {}
            Ok(removed) => {
                changed = true;
                tracing::info!(project.id = project.id, keys = removed, "retired signing keys were removed");
            }
            Err(error) => {
                tracing::error!(project.id = project.id, error = %error, "retired signing keys could not be removed");
            }
        }
    }
    if changed && let Err(error) = app.projects.reload(&app.store, &app.master).await {
        tracing::error!(error = %error, "the projects could not be reloaded; retrying later");
    }
}
