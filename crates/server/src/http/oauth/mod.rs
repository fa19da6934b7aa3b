//! The OAuth 2.0 and OpenID Connect endpoints.

pub(crate) mod app_session_token;
pub(crate) mod authorize;
pub(crate) mod challenge;
mod client;
pub(crate) mod discovery;
pub(crate) mod end_session;
pub(crate) mod introspect;
pub(crate) mod revoke;
pub(crate) mod token;
pub(crate) mod user_info;
