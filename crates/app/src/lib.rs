//! Use cases by capability, adapters for side effects, cryptography, jobs and configuration. A use case begins, loads,
//! decides, writes, queues its events and commits; it answers domain values and knows neither HTTP nor HTML.

pub mod accesses;
pub mod account;
pub mod actor;
pub mod adapters;
pub mod admin;
pub mod authorize;
pub mod breached;
pub mod caller;
pub mod candidates;
pub mod check;
pub mod client_keys;
pub mod config;
pub mod consent;
pub mod crypto;
pub mod ctx;
pub mod device_authorization;
pub mod error;
pub mod events;
pub mod files;
pub mod flow;
pub mod guests;
pub mod hosts;
pub mod identities;
pub mod jobs;
pub mod key_locks;
pub mod known_devices;
pub mod limits;
pub mod log_rate;
pub mod logos;
pub(crate) mod logout_notices;
pub mod messages;
pub mod metrics;
pub mod open;
pub mod operators;
pub mod overload;
pub mod passkeys;
pub mod passwords;
pub mod pool;
pub mod projects;
pub mod promotion;
pub mod providers;
pub mod readiness;
pub mod repeats;
pub mod retention;
pub mod security_links;
pub(crate) mod send_permit;
pub(crate) mod send_waits;
pub mod server_health;
pub mod sessions;
pub mod signing_keys;
pub(crate) mod single_use;
pub mod sms_budget;
pub mod state;
pub mod store_clock;
#[cfg(any(test, feature = "test_app"))]
pub mod test_app;
pub mod tokens;
pub mod trace;
pub mod webhooks;

/// Why the store refused or failed, and which engine it has: HTTP crates know nothing else of the store.
pub use vestibule_store::{Engine as StoreEngine, StoreError};
