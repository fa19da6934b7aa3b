//! Wire formats: OAuth 2.0, OpenID Connect, JOSE and the SDKs' JSON API.
//! Pure values, parsing and serialization; no I/O, no clock, no randomness, no cryptography.

#![warn(missing_docs)]

pub mod api;
pub mod basic;
pub mod bearer;
pub mod claims;
pub mod cors;
mod credential;
pub mod device_info;
pub mod discovery;
pub mod dpop;
mod echo;
pub mod form;
pub mod jose;
mod json;
pub mod limits;
pub mod login_hint;
pub mod oauth;
pub mod text;
pub mod ui;

pub use credential::Credential;
pub use echo::{echo, echo_names, echo_quoted};
