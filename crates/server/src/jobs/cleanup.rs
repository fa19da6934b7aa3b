//! Removes what has expired, in small batches that never hold up a sign-up.

use std::{sync::Arc, time::Duration};

use tokio::sync::watch;
use vestibule_store::{StoreError, admin_keys, codes, deliveries, events, flows, spent};

use crate::app::App;

const PERIOD: Duration = Duration::from_secs(60);
/// Rows one transaction removes at most.
const BATCH: i64 = 200;

/// Works until told to stop.
pub(crate) async fn run(app: Arc<App>, mut stop: watch::Receiver<bool>) {
    while super::wait(&mut stop, PERIOD, None).await {
        if let Err(error) = sweep(&app).await {
            tracing::warn!(error = %error, "the clean-up stopped early; it will be tried again");
        }
    }
}

/// Removes expired flows, codes and spent values.
pub(crate) async fn sweep(app: &App) -> Result<u64, StoreError> {
    let now = app.clock.now();
    let mut total = 0;
    let days = |count: u32| Duration::from_secs(u64::from(count) * 24 * 3600);
    let forget_before = now.minus(days(app.config.hooks.keep_days));
    let log_before = Some(app.config.audit.keep_days).filter(|count| *count > 0).map(|count| now.minus(days(count)));
    loop {
        let removed = app
            .store
            .write("clean_up", (), move |tx, ()| {
                Box::pin(async move {
                    let flows = flows::remove_expired_any_project(tx, now, BATCH).await?;
                    let codes = codes::remove_expired_any_project(tx, now, BATCH).await?;
                    let spent = spent::remove_expired_any_project(tx, now, BATCH).await?;
                    let answers = admin_keys::remove_expired_any_project(tx, now, BATCH).await?;
                    let delivered = deliveries::remove_done_any_project(tx, forget_before, BATCH).await?;
                    let events = match log_before {
                        Some(before) => events::remove_old_any_project(tx, before, BATCH).await?,
                        None => 0,
                    };
                    Ok::<_, StoreError>(flows + codes + spent + answers + delivered + events)
                })
            })
            .await?;
        total += removed;
        if removed == 0 {
            return Ok(total);
        }
        // Others' turn: the writer is shared.
        tokio::task::yield_now().await;
    }
}
