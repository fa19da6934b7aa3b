//! The house: HTTP faces, flows, jobs, mail and configuration behind the binary `vestibule`.

mod accesses;
pub mod app;
pub mod boot;
pub mod breached;
pub mod cli;
pub mod config;
pub mod crypto;
pub mod demo;
mod events;
pub mod flows;
pub(crate) mod http;
pub(crate) mod jobs;
pub mod limits;
pub mod metrics;
mod passkeys;
pub mod passwords;
pub mod portal;
pub mod ports;
pub mod projects;
pub mod reference;
pub mod repeats;
mod trace;
pub mod ui;
