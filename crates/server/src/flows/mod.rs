//! Use cases, one per file: begin, load, decide, write, enqueue, commit. No HTTP here.

pub(crate) mod account;
pub mod actor;
pub mod admin;
pub(crate) mod app_session;
pub(crate) mod authorize;
pub(crate) mod caller;
pub(crate) mod candidates;
pub(crate) mod challenge;
pub(crate) mod ctx;
pub(crate) mod device_key;
pub(crate) mod dpop;
pub(crate) mod end_session;
pub(crate) mod error;
pub(crate) mod hooks;
pub(crate) mod introspect;
pub(crate) mod issue;
pub(crate) mod keys;
pub(crate) mod new_password;
pub(crate) mod operators;
pub(crate) mod page_flow;
pub mod projects;
pub(crate) mod promotion;
pub(crate) mod rates;
pub(crate) mod returning_guests;
pub(crate) mod revoke;
pub(crate) mod sessions;
pub(crate) mod settings;
pub(crate) mod sign_up_anonymous;
pub(crate) mod token;
pub(crate) mod tries;
pub(crate) mod user_info;
pub(crate) mod veto;

pub(crate) use error::Error;
