//! The Vestibule server: HTTP APIs and pages, use cases, jobs, adapters and configuration of the binary `vestibule`.

mod accesses;
pub mod adapters;
pub mod app;
pub mod boot;
pub mod breached;
pub mod cli;
pub mod config;
pub mod crypto;
pub mod demo;
mod events;
mod fair;
mod files;
pub mod flows;
pub mod hosts;
pub(crate) mod http;
pub(crate) mod jobs;
pub mod limits;
mod log_rate;
mod messages;
pub mod metrics;
pub mod open;
mod overload;
mod passkeys;
pub mod passwords;
pub mod pool;
pub mod portal;
pub mod projects;
pub mod reference;
pub mod repeats;
pub mod routes;
#[cfg(test)]
mod test_app;
mod trace;
pub mod ui;
