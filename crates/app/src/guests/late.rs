//! Guests whose sign-up is committed long after their ID was made: the count of new guests may be past the ID by then, so they are
//! noted for it (decision 84).

use std::time::Duration;

use vestibule_domain::{
    id::{ProjectNo, UserId},
    time::Timestamp,
};
use vestibule_store::{StoreError, Tx, outbox};

use crate::{adapters::clock::Clock, state::App};

/// The outbox kind of such guests.
pub(crate) const LATE_KIND: &str = "guest.late";
/// An ID of this age is late: much less than the count waits, so that clocks of nodes may differ.
const LATE: Duration = Duration::from_secs(10);

/// Finds out within a transaction whether it is late.
#[derive(Clone, Debug)]
pub(crate) struct LateSignUp {
    clock: Clock,
    /// Microseconds that the clock is ahead of the store's.
    ahead: i64,
}

impl LateSignUp {
    pub(crate) fn of(app: &App) -> Self {
        Self { clock: app.clock.clone(), ahead: app.clock_offset.micros_ahead().unwrap_or(0) }
    }

    /// Notes the guest if its ID is old. Call it after a statement of the transaction: the count then waits for it. It runs again
    /// when the transaction does.
    pub(crate) async fn note(&self, tx: &mut Tx, no: ProjectNo, guest: UserId) -> Result<(), StoreError> {
        let now = self.clock.now();
        let store_now = Timestamp::from_micros(now.as_micros().saturating_sub(self.ahead));
        let made_at = i64::try_from(guest.unix_millis()).unwrap_or(i64::MAX).saturating_mul(1_000);
        if store_now.since(Timestamp::from_micros(made_at)) <= LATE {
            return Ok(());
        }
        outbox::push(tx, no, LATE_KIND, Some(guest), "", now).await
    }
}
