//! The persistence layer, and the only crate that uses a SQL driver. `db` abstracts over the engines; every other
//! module is one aggregate: its SQL and nothing else.
//!
//! Reads take a [`Conn`], writes a [`Tx`]; the project comes second. All of them return the database's error as
//! [`StoreError`], so only functions with further errors have a section for them.

#![warn(missing_docs)]

pub mod admin_keys;
pub mod checks;
pub mod client_secrets;
pub mod client_starts;
pub mod clock;
pub mod codes;
mod column;
pub mod consents;
pub mod counts;
pub mod credentials;
mod db;
pub mod deliveries;
pub mod delivery_lanes;
pub mod device_codes;
pub mod device_keys;
pub mod ended;
pub mod erasure;
pub mod events;
pub mod external_accounts;
pub mod flows;
pub mod grants;
mod id_set;
pub mod job_state;
pub mod keys;
pub mod limit_counts;
mod lock_order;
pub mod login_method_changes;
pub mod logos;
pub mod merges;
pub mod new_guests;
pub mod node_claims;
pub mod operator_events;
pub mod operator_links;
pub mod operator_passkeys;
pub mod operator_sessions;
pub mod operators;
pub mod outbox;
mod owners;
pub mod passkeys;
pub mod projects;
pub mod provider_secrets;
pub mod reach;
pub mod receiver_moves;
pub mod repeats;
pub mod retention;
pub mod retention_holds;
pub mod sessions;
pub mod spent;
pub mod subjects;
pub mod tries;
pub mod unstored_guests;
pub mod user_credentials;
pub mod user_deletion;
pub mod user_lists;
pub mod user_names;
pub mod user_search;
pub mod users;
mod uses;

pub use db::{
    BackupStep, BackupSummary, BoxFuture, Claim, Column, Conn, Engine, GROUP_CLASSES, GroupWork, GroupedWrite,
    Integrity, Location, Param, Pooler, Reader, ReportBackup, Row, Sql, Store, StoreError, StoreStats, TransferStep,
    Tx, WriteStats, back_up_sqlite, check_backup, check_integrity, restore_sqlite, transfer_to_postgres,
};

/// Every statement by aggregate: one test prepares all of them on both engines.
pub const STATEMENTS: &[(&str, &[&Sql])] = &[
    ("admin_keys", admin_keys::STATEMENTS),
    ("client_secrets", client_secrets::STATEMENTS),
    ("client_starts", client_starts::STATEMENTS),
    ("clock", clock::STATEMENTS),
    ("codes", codes::STATEMENTS),
    ("consents", consents::STATEMENTS),
    ("counts", counts::STATEMENTS),
    ("credentials", credentials::STATEMENTS),
    ("deliveries", deliveries::STATEMENTS),
    ("delivery_lanes", delivery_lanes::STATEMENTS),
    ("device_codes", device_codes::STATEMENTS),
    ("device_keys", device_keys::STATEMENTS),
    ("ended", ended::STATEMENTS),
    ("erasure", erasure::STATEMENTS),
    ("events", events::STATEMENTS),
    ("external_accounts", external_accounts::STATEMENTS),
    ("flows", flows::STATEMENTS),
    ("grants", grants::STATEMENTS),
    ("job_state", job_state::STATEMENTS),
    ("keys", keys::STATEMENTS),
    ("limit_counts", limit_counts::STATEMENTS),
    ("login_method_changes", login_method_changes::STATEMENTS),
    ("logos", logos::STATEMENTS),
    ("merges", merges::STATEMENTS),
    ("new_guests", new_guests::STATEMENTS),
    ("node_claims", node_claims::STATEMENTS),
    ("operator_events", operator_events::STATEMENTS),
    ("operator_links", operator_links::STATEMENTS),
    ("operator_passkeys", operator_passkeys::STATEMENTS),
    ("operator_sessions", operator_sessions::STATEMENTS),
    ("operators", operators::STATEMENTS),
    ("outbox", outbox::STATEMENTS),
    ("passkeys", passkeys::STATEMENTS),
    ("projects", projects::STATEMENTS),
    ("provider_secrets", provider_secrets::STATEMENTS),
    ("reach", reach::STATEMENTS),
    ("receiver_moves", receiver_moves::STATEMENTS),
    ("repeats", repeats::STATEMENTS),
    ("retention", retention::STATEMENTS),
    ("retention_holds", retention_holds::STATEMENTS),
    ("sessions", sessions::STATEMENTS),
    ("spent", spent::STATEMENTS),
    ("subjects", subjects::STATEMENTS),
    ("user_credentials", user_credentials::STATEMENTS),
    ("user_deletion", user_deletion::STATEMENTS),
    ("tries", tries::STATEMENTS),
    ("unstored_guests", unstored_guests::STATEMENTS),
    ("user_lists", user_lists::STATEMENTS),
    ("user_names", user_names::STATEMENTS),
    ("user_search", user_search::STATEMENTS),
    ("users", users::STATEMENTS),
];
