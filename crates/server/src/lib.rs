//! The Vestibule server: Admin API, routers, command line, demo, and the binary `vestibule`.

mod admin_api;
pub mod boot;
pub mod cli;
pub mod demo;
mod health;
mod input_limits;
mod metrics_page;
pub mod reference;
mod route_table;
mod router;
pub mod routes;
