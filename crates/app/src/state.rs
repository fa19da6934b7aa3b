//! The state shared by all requests and jobs.

use std::sync::Arc;

use tokio::sync::{Notify, watch};
use vestibule_store::Store;

use crate::{
    adapters::{clock::Clock, entropy::Entropy, mailer::Mailer, sms::SmsSender, webhook::WebhookClient},
    breached::Breached,
    client_keys::ClientKeys,
    config::Config,
    crypto::seal::MasterKey,
    guests::{late::CountedUpTo, new_guest::SignUps, not_stored::NotStored},
    jobs::Supervision,
    key_locks::KeyLocks,
    limits::{RateCounters, fair::Shares},
    log_rate::{OncePerMinuteEach, ProxyWarnings},
    logos::HeldLogos,
    metrics::Metrics,
    overload::{Overload, OverloadWarnings},
    passwords::Hasher,
    pool::WorkerPool,
    projects::Projects,
    providers::Providers,
    readiness::Readiness,
    store_clock::{ClockOffset, StoreClock},
    tokens::{anonymous::KeySignIns, refresh::Refreshes},
    webhooks::calls::BlockingCalls,
};

/// The adapters for side effects, chosen by `main` or by a test.
pub struct Adapters {
    pub clock: Clock,
    pub entropy: Entropy,
    pub mailer: Mailer,
    pub sms: SmsSender,
}

/// The state shared by all requests and jobs.
pub struct App {
    pub config: Config,
    pub store: Store,
    /// The projects, in memory.
    pub projects: Projects,
    /// Seals keys at rest.
    pub master: MasterKey,
    pub clock: Clock,
    /// Orders and times what is queued.
    pub store_clock: StoreClock,
    /// How far `clock` is from the store's.
    pub clock_offset: ClockOffset,
    pub(crate) counted_up_to: CountedUpTo,
    /// Sign-ups that wait for the store together.
    pub(crate) sign_ups: SignUps,
    /// The same of refreshes.
    pub(crate) refreshes: Refreshes,
    /// The sign-ins with a device key that wait for the store.
    pub(crate) key_sign_ins: KeySignIns,
    /// Guests of this process who signed up and are not stored.
    pub(crate) not_stored: NotStored,
    pub entropy: Entropy,
    pub mailer: Mailer,
    pub sms: SmsSender,
    /// Rate limits of this process.
    pub limits: RateCounters,
    pub metrics: Metrics,
    /// What projects share.
    pub shares: Shares,
    /// Password hashing.
    pub hasher: Hasher,
    /// CPU-bound work other than password hashing.
    pub pool: WorkerPool,
    /// Passwords known from breaches.
    pub breached: Arc<Breached>,
    /// Rung when the outbox may hold events to hand on.
    pub events_signal: Notify,
    /// Notified when webhook deliveries may be due.
    pub hooks_signal: Notify,
    /// Counts additions to the event log that this process knows of; event streams wait for changes.
    pub log_grew: watch::Sender<u64>,
    /// True once the server stops: endless responses must end.
    pub stopping: watch::Sender<bool>,
    /// The last proof that a write can succeed.
    pub readiness: Readiness,
    /// Whether the background jobs work.
    pub supervision: Supervision,
    pub webhooks: WebhookClient,
    /// The idempotency keys that requests work under.
    pub key_locks: KeyLocks,
    /// Requests that wait for blocking webhooks.
    pub blocking_calls: BlockingCalls,
    /// The keys with which applications authenticate.
    pub client_keys: ClientKeys,
    /// The providers of external accounts.
    pub providers: Providers,
    /// Contents of logos.
    pub(crate) held_logos: HeldLogos,
    /// Rate of warnings about reverse proxies.
    pub misdirected: ProxyWarnings,
    /// Rate of warnings about blocking webhooks.
    pub hook_warnings: OncePerMinuteEach,
    /// Rate of warnings about refused requests.
    pub overload_warnings: OverloadWarnings,
}

impl App {
    /// Counts a request that is refused because something is full or the store does not answer, and logs it.
    pub fn report_overload(&self, overload: Overload, request_id: &str, detail: &str) {
        self.metrics.count_refused_request(overload);
        self.overload_warnings.log(overload, request_id, detail);
    }
}
