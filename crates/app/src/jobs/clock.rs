//! Compares the clock of this process with the database's, at the start and every minute: tokens, codes and challenges of one
//! node are judged by the clocks of the others.

use std::{sync::Arc, time::Duration};

use tokio::sync::watch;
use vestibule_store::Engine;

use crate::state::App;

const PERIOD: Duration = Duration::from_secs(60);
/// The period while the clock is so wrong that the process is not ready.
const SHORT_PERIOD: Duration = Duration::from_secs(5);
/// A larger offset is a warning.
const TOLERATED: Duration = Duration::from_secs(1);
/// With a larger offset the process is not ready.
pub(crate) const UNUSABLE: Duration = Duration::from_secs(60);

/// Works until told to stop.
pub async fn run(app: Arc<App>, mut stop: watch::Receiver<bool>) {
    // An embedded store has the clock of this machine.
    while app.store.engine() == Engine::Postgres {
        let period = if app.clock_offset.at_least() > UNUSABLE { SHORT_PERIOD } else { PERIOD };
        if !crate::jobs::wait(&mut stop, period, None).await {
            return;
        }
        compare(&app).await;
    }
    drop(stop.wait_for(|is_over| *is_over).await);
}

/// Compares the clocks once, and warns when they differ.
pub async fn compare(app: &App) {
    if app.store.engine() == Engine::Sqlite {
        return;
    }
    if let Err(error) = app.clock_offset.measure(&app.clock, &app.store_clock, &app.store).await {
        tracing::warn!(error = %error, "the database's clock could not be read; retrying later");
        return;
    }
    let (least, micros) = (app.clock_offset.at_least(), app.clock_offset.micros_ahead().unwrap_or(0));
    let seconds = micros as f64 / 1e6;
    if least > UNUSABLE {
        tracing::error!(
            clock.ahead_seconds = seconds,
            "the clock of this machine is more than a minute off the database's: codes and tokens of other nodes expire too early or too late, so the process is not ready; set the clock (NTP)"
        );
    } else if least > TOLERATED {
        tracing::warn!(
            clock.ahead_seconds = seconds,
            "the clock of this machine is more than a second off the database's; synchronize both (NTP)"
        );
    }
}
