//! Maximum length of each OAuth parameter, checked before any is parsed. Parameters that no endpoint reads are bounded
//! by the form's limits, and `x_device_info` by [`crate::device_info`].

use super::OAuthError;
use crate::form::Form;
use crate::limits::{JWS_BYTES, REDIRECT_URI_BYTES, SCOPE_BYTES};

/// Values that applications choose freely and get back.
const FREE_TEXT: usize = 4 * 1024;
/// Keywords, names and numbers.
const WORD: usize = 256;

/// Maximum bytes of each parameter, decoded.
pub const PARAMETERS: &[(&str, usize)] = &[
    ("acr_values", FREE_TEXT),
    ("actor_token", JWS_BYTES),
    ("actor_token_type", WORD),
    ("audience", REDIRECT_URI_BYTES),
    ("client_assertion", JWS_BYTES),
    ("client_assertion_type", WORD),
    ("client_id", WORD),
    ("client_secret", WORD),
    ("code", FREE_TEXT),
    ("code_challenge", WORD),
    ("code_challenge_method", WORD),
    ("code_verifier", WORD),
    ("device_code", FREE_TEXT),
    ("dpop_jkt", WORD),
    ("grant_type", WORD),
    ("id_token_hint", JWS_BYTES),
    ("jwt", JWS_BYTES),
    ("login_hint", JWS_BYTES),
    ("max_age", WORD),
    ("nonce", FREE_TEXT),
    ("post_logout_redirect_uri", REDIRECT_URI_BYTES),
    ("prompt", WORD),
    ("redirect_uri", REDIRECT_URI_BYTES),
    ("refresh_token", JWS_BYTES),
    ("requested_token_type", WORD),
    ("resource", REDIRECT_URI_BYTES),
    ("response_mode", WORD),
    ("response_type", WORD),
    ("scope", SCOPE_BYTES),
    ("state", FREE_TEXT),
    ("subject_token", JWS_BYTES),
    ("subject_token_type", WORD),
    ("token", JWS_BYTES),
    ("token_type_hint", WORD),
    ("ui_locales", FREE_TEXT),
    ("x_action", WORD),
    ("x_authentication_flow_group", WORD),
    ("x_color_scheme", WORD),
    ("x_continuation", JWS_BYTES),
    ("x_end_session_ref", FREE_TEXT),
    ("x_oauth_provider_alias", WORD),
    ("x_page", WORD),
    ("x_platform", WORD),
    ("x_pre_authenticated_url_token", JWS_BYTES),
    ("x_provider_profile", FREE_TEXT),
    ("x_settings_action", WORD),
    ("x_settings_action_query", FREE_TEXT),
    ("x_sso_enabled", WORD),
    ("x_state", FREE_TEXT),
    ("x_suppress_idp_session_cookie", WORD),
    ("x_wechat_redirect_uri", REDIRECT_URI_BYTES),
];

/// Maximum bytes of a parameter; `None` if no endpoint reads it.
fn longest(name: &str) -> Option<usize> {
    let place = PARAMETERS.binary_search_by(|(known, _)| (*known).cmp(name)).ok()?;
    PARAMETERS.get(place).map(|(_, most)| *most)
}

/// Rejects a form with a parameter that is too long.
///
/// # Errors
/// `invalid_request` naming the parameter and its limit; `invalid_scope` for the scopes.
pub fn check_lengths(form: &Form) -> Result<(), OAuthError> {
    form.pairs().try_for_each(|(name, value)| check_length(name, value))
}

/// As [`check_lengths`], for some parameters only.
pub(super) fn check_lengths_of(form: &Form, wanted: impl Fn(&str) -> bool) -> Result<(), OAuthError> {
    form.pairs().filter(|(name, _)| wanted(name)).try_for_each(|(name, value)| check_length(name, value))
}

fn check_length(name: &str, value: &str) -> Result<(), OAuthError> {
    match longest(name).filter(|most| value.len() > *most) {
        None => Ok(()),
        Some(most) => {
            let code = if name == "scope" { super::ErrorCode::InvalidScope } else { super::ErrorCode::InvalidRequest };
            Err(OAuthError::new(code, format!("{name} is longer than {most} bytes")))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_is_in_order_so_that_it_can_be_searched() {
        assert!(PARAMETERS.is_sorted_by(|(a, _), (b, _)| a < b));
    }

    #[test]
    fn each_parameter_has_its_length() {
        for (name, most) in PARAMETERS {
            let form = |length: usize| Form::from_pairs([(*name, "x".repeat(length))]);
            assert_eq!(check_lengths(&form(*most)), Ok(()), "{name}");
            let error = check_lengths(&form(most + 1)).unwrap_err();
            assert_eq!(error.description(), format!("{name} is longer than {most} bytes"));
        }
        assert_eq!(check_lengths(&Form::from_pairs([("utm_campaign", "x".repeat(60_000))])), Ok(()));
    }

    #[test]
    fn every_parameter_that_is_read_has_a_length() {
        for source in [
            include_str!("authorize.rs"),
            include_str!("device.rs"),
            include_str!("token.rs"),
            include_str!("token_exchange.rs"),
        ] {
            let code = source.split("#[cfg(test)]").next().unwrap();
            for call in ["form.get(\"", "form.get_all(\"", "text(\"", "require(form, \"", "read_type(\""] {
                for (name, _) in code.split(call).skip(1).filter_map(|rest| rest.split_once('"')) {
                    assert!(longest(name).is_some(), "{name} has no length");
                }
            }
        }
    }
}
