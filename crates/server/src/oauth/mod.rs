//! The OAuth 2.0 and OpenID Connect endpoints.

pub(crate) mod app_session_token;
pub(crate) mod authorize;
pub(crate) mod challenge;
mod client;
pub(crate) mod device_authorization;
pub(crate) mod discovery;
pub(crate) mod end_session;
pub(crate) mod introspect;
pub(crate) mod par;
pub(crate) mod revoke;
pub(crate) mod token;
pub(crate) mod user_info;

use vestibule_protocol::form::Form;

/// Parameters of the token endpoint that are secrets, or as good as one.
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
/// read none of the secrets, and none of these belongs in an address (RFC 6749 §2.3.1).
fn without_secrets(form: &Form) -> impl Iterator<Item = (&str, &str)> {
    form.pairs().filter(|(name, _)| !SECRETS.contains(name))
}
