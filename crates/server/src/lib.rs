//! The Vestibule server: OAuth, SDK API, resolver, Admin API, command line, demo, and the binary `vestibule`.

mod admin_api;
mod anonymous;
pub mod boot;
pub mod cli;
pub mod demo;
mod dpop;
mod front;
mod health;
mod input_limits;
mod json;
mod metrics_page;
mod oauth;
pub mod reference;
mod resolver;
mod route_table;
mod router;
pub mod routes;
mod serve;
