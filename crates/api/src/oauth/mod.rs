//! The OAuth 2.0 and OpenID Connect endpoints.

pub mod app_session_token;
pub mod authorize;
pub mod challenge;
mod client;
pub mod device_authorization;
pub mod discovery;
pub mod end_session;
pub mod introspect;
pub mod par;
pub mod revoke;
pub mod token;
pub mod user_info;

use vestibule_protocol::form::Form;

/// Parameters of requests of applications that are secrets, or as good as one. An address gets into logs and histories, so none of them
/// belongs there (RFC 6749 §2.3.1, RFC 9700 §2).
const SECRETS: [&str; 11] = [
    "actor_token",
    "client_assertion",
    "client_secret",
    "code",
    "code_verifier",
    "device_code",
    "jwt",
    "refresh_token",
    "subject_token",
    "token",
    "x_continuation",
];

/// The parameters with which a posted form goes on as a navigation or in a page. The endpoints that people's browsers come to
/// read none of the secrets.
fn without_secrets(form: &Form) -> impl Iterator<Item = (&str, &str)> {
    form.pairs().filter(|(name, _)| !SECRETS.contains(name))
}
