//! Guests whose sign-up is committed long after their ID was made: the count of new guests may be past the ID by then, so they are
//! noted for it (decision 84).

use std::{
    sync::atomic::{AtomicI64, Ordering::Relaxed},
    time::Duration,
};

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

/// How far new guests are counted, in any project, as far as this process has seen: every few seconds. An ID from before that is made
/// by a clock that stepped back.
#[derive(Debug, Default)]
pub(crate) struct CountedUpTo(AtomicI64);

impl CountedUpTo {
    pub(crate) fn see(&self, cursor: UserId) {
        self.0.fetch_max(made_at(cursor).as_micros(), Relaxed);
    }
}

/// Finds out within a transaction whether it is late.
#[derive(Clone, Debug)]
pub(crate) struct LateSignUp {
    clock: Clock,
    /// Microseconds that the clock is ahead of the store's.
    ahead: i64,
    counted_up_to: Timestamp,
}

/// The time in an ID.
fn made_at(id: UserId) -> Timestamp {
    Timestamp::from_micros(i64::try_from(id.unix_millis()).unwrap_or(i64::MAX).saturating_mul(1_000))
}

impl LateSignUp {
    pub(crate) fn of(app: &App) -> Self {
        Self {
            clock: app.clock.clone(),
            ahead: app.clock_offset.micros_ahead().unwrap_or(0),
            counted_up_to: Timestamp::from_micros(app.counted_up_to.0.load(Relaxed)),
        }
    }

    /// Notes the guest if its ID is old. Call it after a statement of the transaction: the count then waits for it. It runs again
    /// when the transaction does.
    pub(crate) async fn note(&self, tx: &mut Tx, no: ProjectNo, guest: UserId) -> Result<(), StoreError> {
        let now = self.clock.now();
        let store_now = Timestamp::from_micros(now.as_micros().saturating_sub(self.ahead));
        let made_at = made_at(guest);
        let is_late = store_now.since(made_at) > LATE || made_at < self.counted_up_to.plus(LATE);
        if !is_late {
            return Ok(());
        }
        outbox::push(tx, no, LATE_KIND, Some(guest), "", now).await
    }
}
