//! Removes what has expired, in small batches that never hold up a sign-up.

use std::{sync::Arc, time::Duration};

use tokio::sync::watch;
use vestibule_store::{StoreError, codes, flows, spent, tries};

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

/// Removes expired flows, codes and spent values, and counts of tries that no longer matter.
pub(crate) async fn sweep(app: &App) -> Result<u64, StoreError> {
    let now = app.clock.now();
    let mut total = 0;
    loop {
        let removed = app
            .store
            .write("clean_up", (), move |tx, ()| {
                Box::pin(async move {
                    let flows = flows::remove_expired_any_project(tx, now, BATCH).await?;
                    let codes = codes::remove_expired_any_project(tx, now, BATCH).await?;
                    let spent = spent::remove_expired_any_project(tx, now, BATCH).await?;
                    let tries = tries::remove_expired_any_project(tx, now, BATCH).await?;
                    Ok::<_, StoreError>(flows + codes + spent + tries)
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
