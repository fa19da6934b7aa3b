//! What every request and job shares.

use std::sync::Arc;

use tokio::sync::{Notify, watch};
use vestibule_store::Store;

use crate::{
    breached::Breached,
    config::Config,
    crypto::seal::MasterKey,
    fair::Shares,
    http::misdirected::Warnings,
    limits::Limits,
    metrics::Metrics,
    passwords::Hasher,
    pool::Pool,
    ports::{clock::Clock, entropy::Entropy, mailer::Mailer, sms::SmsSender, webhook::WebhookClient},
    projects::Projects,
    ui::Ui,
};

/// The doors to the outside, chosen by `main` or by a test.
pub struct Ports {
    /// The time.
    pub clock: Clock,
    /// Randomness.
    pub entropy: Entropy,
    /// Outgoing mail.
    pub mailer: Mailer,
    /// Outgoing text messages.
    pub sms: SmsSender,
}

/// What every request and job shares.
pub struct App {
    /// The server's configuration.
    pub config: Config,
    /// The store.
    pub store: Store,
    /// The projects, in memory.
    pub projects: Projects,
    /// What seals keys at rest.
    pub master: MasterKey,
    /// The time.
    pub clock: Clock,
    /// Randomness.
    pub entropy: Entropy,
    /// Outgoing mail.
    pub mailer: Mailer,
    /// Outgoing text messages.
    pub sms: SmsSender,
    /// Rates of this process.
    pub limits: Limits,
    /// What is counted for operators.
    pub metrics: Metrics,
    /// What projects share.
    pub(crate) shares: Shares,
    /// Password hashing.
    pub hasher: Hasher,
    /// Other work that takes the processor long.
    pub pool: Pool,
    /// Passwords nobody should take.
    pub breached: Arc<Breached>,
    /// Pages: texts, templates, assets.
    pub ui: Ui,
    /// Rung when something was put into the outbox.
    pub outbox_bell: Arc<Notify>,
    /// Rung when the outbox may hold events to hand on.
    pub(crate) events_bell: Notify,
    /// Rung when events may wait for webhooks.
    pub(crate) hooks_bell: Notify,
    /// Counts the times the event log grew, as far as this process knows: streams wait for it to move.
    pub(crate) log_grew: watch::Sender<u64>,
    /// True once the server stops: what would never end by itself must end now.
    pub(crate) stopping: watch::Sender<bool>,
    /// Outgoing webhooks.
    pub(crate) webhooks: WebhookClient,
    /// Warnings about reverse proxies.
    pub(crate) misdirected: Warnings,
}
