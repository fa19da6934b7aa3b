//! The exchange of a provider's ID token for tokens, which native applications send (RFC 8693 §2.1). Other exchanges are not served.

use serde::Deserialize;

use super::token::require;
use super::{OAuthError, ScopeSet};
use crate::form::Form;
use crate::{Credential, json};

const ID_TOKEN_TYPE: &str = "urn:ietf:params:oauth:token-type:id_token";
/// The `issued_token_type` of the answer (RFC 8693 §3).
pub const ACCESS_TOKEN_TYPE: &str = "urn:ietf:params:oauth:token-type:access_token";

/// What the application wants of the account at the provider.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ProviderAction {
    /// Signing in its owner, or signing up a new member.
    Login,
    /// Promoting the guest who calls.
    Promote,
    /// Connecting it to the member who calls.
    Link,
}

/// A name that the provider said beside the ID token, unsigned.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
pub struct ProviderName {
    /// The given name.
    #[serde(default)]
    pub given_name: Option<String>,
    /// The family name.
    #[serde(default)]
    pub family_name: Option<String>,
}

/// What proves the account at the provider.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ProviderVoucher {
    /// An ID token of the provider.
    IdToken {
        /// The provider in the settings.
        alias: String,
        /// The provider's ID token.
        id_token: Credential,
        /// The nonce that this server issued, before any hash, if the ID token was asked for with one.
        nonce: Option<Credential>,
    },
    /// The continuation in an earlier answer.
    Continuation(Credential),
}

/// A well-formed exchange.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ProviderTokenRequest {
    /// What is wanted.
    pub action: ProviderAction,
    /// What proves the account at the provider.
    pub voucher: ProviderVoucher,
    /// The scopes wanted, if not the default ones.
    pub scope: Option<ScopeSet>,
    /// The name that the provider said beside the ID token.
    pub name: ProviderName,
}

impl ProviderTokenRequest {
    /// Parses the parameters of the grant.
    ///
    /// # Errors
    /// `invalid_request` naming the parameter that is missing or not served, or `invalid_scope`.
    pub(super) fn parse(form: &Form) -> Result<Self, OAuthError> {
        for name in ["actor_token", "actor_token_type", "audience", "resource"] {
            if form.get_all(name).next().is_some() {
                return Err(OAuthError::invalid_request(format!("{name} is not supported")));
            }
        }
        check_type(form.get("requested_token_type")?, ACCESS_TOKEN_TYPE, "requested_token_type not supported")?;
        let action = match form.get("x_action")? {
            None | Some("login") => ProviderAction::Login,
            Some("promote") => ProviderAction::Promote,
            Some("link") => ProviderAction::Link,
            Some(_) => return Err(OAuthError::invalid_request("x_action must be login, promote or link")),
        };
        let voucher = read_voucher(form, action)?;
        let name = match form.get("x_provider_profile")? {
            None => ProviderName::default(),
            Some(text) => read_name(text).ok_or_else(|| {
                OAuthError::invalid_request("x_provider_profile must be a JSON object with given_name and family_name")
            })?,
        };
        let scope = form.get("scope")?.map(ScopeSet::parse).transpose()?;
        Ok(Self { action, voucher, scope, name })
    }
}

fn check_type(sent: Option<&str>, served: &str, otherwise: &'static str) -> Result<(), OAuthError> {
    if sent.is_none_or(|sent| sent == served) { Ok(()) } else { Err(OAuthError::invalid_request(otherwise)) }
}

fn read_voucher(form: &Form, action: ProviderAction) -> Result<ProviderVoucher, OAuthError> {
    if let Some(continuation) = form.get("x_continuation")? {
        if form.get("subject_token")?.is_some() {
            return Err(OAuthError::invalid_request("send subject_token or x_continuation, not both"));
        }
        if action != ProviderAction::Login {
            return Err(OAuthError::invalid_request("x_continuation is for x_action=login, or for a page"));
        }
        return Ok(ProviderVoucher::Continuation(continuation.into()));
    }
    let id_token = require(form, "subject_token", "subject_token is required")?;
    let kind = form.get("subject_token_type")?;
    let kind = kind.ok_or_else(|| OAuthError::invalid_request("subject_token_type is required"))?;
    check_type(Some(kind), ID_TOKEN_TYPE, "subject_token_type not supported")?;
    let alias = form.get("x_oauth_provider_alias")?;
    let alias = alias.ok_or_else(|| OAuthError::invalid_request("x_oauth_provider_alias is required"))?.to_owned();
    let nonce = form.get("nonce")?.map(Into::into);
    Ok(ProviderVoucher::IdToken { alias, id_token, nonce })
}

fn read_name(text: &str) -> Option<ProviderName> {
    let object = json::parse_object(text.as_bytes())?;
    serde_json::from_value(object.into()).ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::oauth::{ErrorCode, TokenRequest};

    const GOOD: [(&str, &str); 6] = [
        ("grant_type", "urn:ietf:params:oauth:grant-type:token-exchange"),
        ("subject_token_type", ID_TOKEN_TYPE),
        ("subject_token", "a.b.c"),
        ("x_oauth_provider_alias", "apple"),
        ("nonce", "n"),
        ("x_action", "promote"),
    ];

    /// The good request, with these values instead or besides; an empty one is left out.
    fn parse(changes: &[(&str, &str)]) -> Result<ProviderTokenRequest, OAuthError> {
        let kept = GOOD.iter().filter(|(name, _)| changes.iter().all(|(other, _)| other != name));
        let pairs = kept.chain(changes.iter().filter(|(_, value)| !value.is_empty()));
        let request = TokenRequest::parse(&Form::from_pairs(pairs.copied()))?;
        let TokenRequest::TokenExchange(request) = request else { panic!("another grant: {:?}", request.grant_type()) };
        Ok(*request)
    }

    #[test]
    fn a_request_names_its_action_provider_and_proof() {
        let id_token = |alias: &str, nonce: Option<&str>| {
            let (alias, nonce) = (alias.to_owned(), nonce.map(Into::into));
            ProviderVoucher::IdToken { alias, id_token: "a.b.c".into(), nonce }
        };
        let read = parse(&[]).unwrap();
        assert_eq!(
            (read.action, &read.voucher, &read.scope),
            (ProviderAction::Promote, &id_token("apple", Some("n")), &None)
        );
        assert_eq!(parse(&[("nonce", "")]).unwrap().voucher, id_token("apple", None), "settings decide");
        for (word, action) in
            [("login", ProviderAction::Login), ("", ProviderAction::Login), ("link", ProviderAction::Link)]
        {
            assert_eq!(parse(&[("x_action", word)]).unwrap().action, action);
        }
        let named = parse(&[("x_provider_profile", r#"{"given_name":"Kim","family_name":null,"email":"x"}"#)]).unwrap();
        assert_eq!(named.name, ProviderName { given_name: Some("Kim".into()), family_name: None });
        let continued = parse(&[("x_continuation", "c"), ("subject_token", ""), ("x_action", "login")]).unwrap();
        assert_eq!(continued.voucher, ProviderVoucher::Continuation("c".into()));
        assert!(parse(&[("requested_token_type", ACCESS_TOKEN_TYPE), ("scope", "openid")]).is_ok());
    }

    #[test]
    fn what_is_missing_or_not_served_has_its_answer() {
        let pre_authenticated = "urn:authgear:params:oauth:token-type:pre-authenticated-url-token";
        let refresh = "urn:ietf:params:oauth:token-type:refresh_token";
        for (change, description) in [
            (("subject_token", ""), "subject_token is required"),
            (("subject_token_type", ""), "subject_token_type is required"),
            (("subject_token_type", ACCESS_TOKEN_TYPE), "subject_token_type not supported"),
            (("requested_token_type", pre_authenticated), "requested_token_type not supported"),
            (("requested_token_type", refresh), "requested_token_type not supported"),
            (("x_oauth_provider_alias", ""), "x_oauth_provider_alias is required"),
            (("x_action", "sign_up"), "x_action must be login, promote or link"),
            (("actor_token", "a"), "actor_token is not supported"),
            (("audience", "https://a.example"), "audience is not supported"),
            (("resource", "https://a.example"), "resource is not supported"),
            (("x_continuation", "c"), "send subject_token or x_continuation, not both"),
            (("x_provider_profile", "[]"), "x_provider_profile must be a JSON object with given_name and family_name"),
            (
                ("x_provider_profile", r#"{"given_name":1}"#),
                "x_provider_profile must be a JSON object with given_name and family_name",
            ),
        ] {
            assert_eq!(parse(&[change]), Err(OAuthError::invalid_request(description)), "{change:?}");
        }
        let continued = parse(&[("x_continuation", "c"), ("subject_token", "")]);
        assert_eq!(continued, Err(OAuthError::invalid_request("x_continuation is for x_action=login, or for a page")));
        assert_eq!(parse(&[("scope", "\"")]).unwrap_err().code, ErrorCode::InvalidScope);
        let long = "x".repeat(16 * 1024 + 1);
        assert_eq!(
            parse(&[("subject_token", &long)]),
            Err(OAuthError::invalid_request("subject_token is longer than 16384 bytes"))
        );
    }
}
