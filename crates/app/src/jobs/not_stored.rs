//! Writes down every ten seconds how many guests signed up and are not stored (decision 95).

use std::{sync::Arc, time::Duration};

use tokio::sync::watch;
use vestibule_store::{
    StoreError,
    counts::{self, DailyCount},
};

use crate::{jobs::statistics::NOT_STORED, state::App};

const PERIOD: Duration = Duration::from_secs(10);

/// Works until told to stop.
pub async fn run(app: Arc<App>, mut stop: watch::Receiver<bool>) {
    while crate::jobs::wait(&mut stop, PERIOD, None).await {
        if let Err(error) = flush(&app).await {
            tracing::warn!(error = %error, "the number of guests that are not stored could not be written; retrying later");
        }
    }
}

/// Writes down what this process counted since the last time.
///
/// # Errors
/// The store failed; what was not written is kept.
pub async fn flush(app: &App) -> Result<(), StoreError> {
    let mut result = Ok(());
    for (no, changes) in app.not_stored.collect() {
        // It was deleted meanwhile, with its counters.
        if app.projects.find_by_no(no).is_none() {
            continue;
        }
        let changes = Arc::new(changes);
        let written = app.store.write("count_guests_not_stored", Arc::clone(&changes), move |tx, changes| {
            Box::pin(async move {
                for (day, client_id, count) in changes.iter() {
                    let (client_id, name) = (client_id.clone(), NOT_STORED.to_owned());
                    counts::add(tx, no, &DailyCount { day: *day, client_id, name, count: *count }).await?;
                }
                Ok::<_, StoreError>(())
            })
        });
        if let Err(error) = written.await {
            app.not_stored.put_back(no, &changes);
            result = Err(error);
        }
    }
    result
}
