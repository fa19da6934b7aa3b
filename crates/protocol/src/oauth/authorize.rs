//! The authorization request (RFC 6749 §4.1.1, OIDC Core §3.1.2.1, and the SDKs' `x_` parameters).
//! Parsed in two stages, because an error may be redirected only once the target is known.

use super::parameters::{check_lengths, check_lengths_of};
use super::{CodeChallenge, ErrorCode, OAuthError, Prompt, PromptSet, ResponseMode, ResponseType, ScopeSet};
use crate::Credential;
use crate::form::Form;
use crate::jose::Thumbprint;
use crate::limits::ACR_VALUES;
use crate::login_hint::LoginHint;
use crate::ui::{ColorScheme, UiLocales};

/// An authorization request: the target of the response, and the rest of the parameters.
#[derive(Debug, Clone)]
pub struct AuthorizeRequest {
    /// The client's ID.
    pub client_id: String,
    /// Absent: the client's only registered URI.
    pub redirect_uri: Option<String>,
    /// The response mode; the default if the value is unknown (then `details` is an error).
    pub response_mode: ResponseMode,
    /// Echoed in every response; absent if it is repeated or too long (then `details` is an error).
    pub state: Option<String>,
    /// The rest, or an error to send to the redirect URI once that is validated.
    pub details: Result<AuthorizeDetails, OAuthError>,
}

impl AuthorizeRequest {
    /// Parses a request.
    ///
    /// # Errors
    /// An error that must not be redirected: the client or the redirect URI is missing, ambiguous or too long.
    pub fn parse(form: &Form) -> Result<Self, OAuthError> {
        check_lengths_of(form, |name| matches!(name, "client_id" | "redirect_uri"))?;
        let client_id = form
            .get("client_id")?
            .ok_or_else(|| OAuthError::new(ErrorCode::UnauthorizedClient, "invalid client ID"))?;
        let redirect_uri = form.get("redirect_uri")?;
        let response_mode = read_response_mode(form);
        let state = check_lengths_of(form, |name| name == "state").and_then(|()| Ok(form.get("state")?));
        let details = response_mode
            .clone()
            .and_then(|_| state.clone())
            .and_then(|_| check_lengths(form))
            .and_then(|()| AuthorizeDetails::parse(form));
        Ok(Self {
            client_id: client_id.to_owned(),
            redirect_uri: redirect_uri.map(str::to_owned),
            response_mode: response_mode.unwrap_or_default(),
            state: state.ok().flatten().map(str::to_owned),
            details,
        })
    }
}

fn read_response_mode(form: &Form) -> Result<ResponseMode, OAuthError> {
    match form.get("response_mode")? {
        // The default of what is never granted here (OAuth 2.0 Multiple Response Types §5): clients that ask for tokens read the fragment.
        None if asks_for_tokens(form) => Ok(ResponseMode::Fragment),
        None => Ok(ResponseMode::default()),
        Some(text) => {
            ResponseMode::parse(text).ok_or_else(|| OAuthError::invalid_request("response_mode is not supported"))
        }
    }
}

/// The requested parameters; the caller decides whether the client may have them.
#[derive(Debug, Clone)]
pub struct AuthorizeDetails {
    /// The requested response type.
    pub response_type: ResponseType,
    /// The requested scopes; never empty.
    pub scope: ScopeSet,
    /// The S256 challenge, mandatory for public clients that request a code.
    pub code_challenge: Option<CodeChallenge>,
    /// `none` is never combined with another value or with `max_age`.
    pub prompt: PromptSet,
    /// The user or guest to continue with.
    pub login_hint: Option<LoginHint>,
    /// Whether no session cookie may be set or used.
    pub suppress_session_cookie: bool,
    /// Whether single sign-on is requested (`x_sso_enabled=true`).
    pub sso_enabled: bool,
    /// `ios` or `android`; a hint for the hosted pages.
    pub platform: Option<String>,
    /// The user's preferred languages.
    pub ui_locales: UiLocales,
    /// Light or dark pages.
    pub color_scheme: Option<ColorScheme>,
    /// Passed to custom pages and hooks only.
    pub x_state: Option<String>,
    /// The thumbprint of the DPoP key to bind the code to (RFC 9449 §10).
    pub dpop_jkt: Option<Thumbprint>,
    /// The return target of a WeChat sign-in.
    pub wechat_redirect_uri: Option<String>,
    /// The page to show first.
    pub page: Option<String>,
    /// The external provider to redirect to at once.
    pub oauth_provider_alias: Option<String>,
    /// The flow group to choose from.
    pub authentication_flow_group: Option<String>,
    /// The user that should be signed in.
    pub id_token_hint: Option<Credential>,
    /// The oldest authentication accepted, in seconds.
    pub max_age: Option<u64>,
    /// Copied into the ID token.
    pub nonce: Option<String>,
    /// Requested authentication contexts, in order (OIDC Core §3.1.2.1).
    pub acr_values: Vec<String>,
    /// The settings action to run.
    pub settings_action: Option<String>,
    /// Its parameters.
    pub settings_action_query: Option<String>,
}

impl AuthorizeDetails {
    fn parse(form: &Form) -> Result<Self, OAuthError> {
        refuse_request_objects(form)?;
        let text = |name: &str| form.get(name).map(|value| value.map(str::to_owned));
        let response_type = read_response_type(form)?;
        let scope = ScopeSet::parse(form.get("scope")?.unwrap_or_default())?;
        if scope.is_empty() {
            return Err(OAuthError::invalid_request("scope is required"));
        }
        let prompt = PromptSet::parse(form.get("prompt")?.unwrap_or_default())?;
        let max_age = read_max_age(form)?;
        if prompt.contains(Prompt::None) && max_age.is_some() {
            return Err(OAuthError::invalid_request("max_age must not be used with prompt none"));
        }
        let login_hint = form
            .get("login_hint")?
            .map(LoginHint::parse)
            .transpose()
            .map_err(|error| OAuthError::invalid_request(format!("invalid login_hint: {error}")))?;
        let (suppress_session_cookie, sso_enabled) = read_sso(form)?;
        Ok(Self {
            response_type,
            scope,
            code_challenge: read_code_challenge(form)?,
            prompt,
            login_hint,
            suppress_session_cookie,
            sso_enabled,
            platform: text("x_platform")?,
            ui_locales: UiLocales::parse(form.get("ui_locales")?.unwrap_or_default()),
            color_scheme: form.get("x_color_scheme")?.and_then(ColorScheme::parse),
            x_state: text("x_state")?,
            dpop_jkt: read_dpop_jkt(form)?,
            wechat_redirect_uri: text("x_wechat_redirect_uri")?,
            page: text("x_page")?,
            oauth_provider_alias: text("x_oauth_provider_alias")?,
            authentication_flow_group: text("x_authentication_flow_group")?,
            id_token_hint: form.get("id_token_hint")?.map(Credential::from),
            max_age,
            nonce: text("nonce")?,
            acr_values: form
                .get("acr_values")?
                .unwrap_or_default()
                .split_whitespace()
                .take(ACR_VALUES)
                .map(str::to_owned)
                .collect(),
            settings_action: text("x_settings_action")?,
            settings_action_query: text("x_settings_action_query")?,
        })
    }
}

/// Rejects parameters that would change the request, which must not be ignored silently (OIDC Core §6 and §7.2.1).
fn refuse_request_objects(form: &Form) -> Result<(), OAuthError> {
    for (name, code) in [
        ("request", ErrorCode::RequestNotSupported),
        ("request_uri", ErrorCode::RequestUriNotSupported),
        ("registration", ErrorCode::RegistrationNotSupported),
    ] {
        if form.get(name)?.is_some() {
            return Err(OAuthError::new(code, format!("{name} is not supported")));
        }
    }
    Ok(())
}

fn read_response_type(form: &Form) -> Result<ResponseType, OAuthError> {
    let text = form.get("response_type")?.ok_or_else(|| OAuthError::invalid_request("response_type is required"))?;
    ResponseType::parse(text).ok_or_else(|| {
        if is_of_sdks(text) {
            OAuthError::new(ErrorCode::UnauthorizedClient, "response type is not allowed for this client")
        } else {
            OAuthError::new(ErrorCode::UnsupportedResponseType, "response type is not supported")
        }
    })
}

/// Whether it has a response type that only the SDKs know: they expect another error.
fn is_of_sdks(response_type: &str) -> bool {
    response_type.contains("urn:authgear:")
}

/// Whether tokens are to come from the authorization endpoint: the implicit and the hybrid flow.
fn asks_for_tokens(form: &Form) -> bool {
    let text = form.get("response_type").ok().flatten().unwrap_or_default();
    !is_of_sdks(text) && text.split(' ').any(|word| matches!(word, "token" | "id_token"))
}

fn read_code_challenge(form: &Form) -> Result<Option<CodeChallenge>, OAuthError> {
    let method = form.get("code_challenge_method")?;
    let Some(challenge) = form.get("code_challenge")? else {
        return match method {
            None => Ok(None),
            Some(_) => Err(OAuthError::invalid_request("PKCE code challenge is required")),
        };
    };
    // An absent method means `plain` (RFC 7636 §4.3), which is not supported.
    if method != Some("S256") {
        return Err(OAuthError::invalid_request("only 'S256' PKCE transform is supported"));
    }
    CodeChallenge::parse(challenge).map(Some).map_err(|error| OAuthError::invalid_request(error.to_string()))
}

fn read_max_age(form: &Form) -> Result<Option<u64>, OAuthError> {
    form.get("max_age")?
        .map(|text| {
            let digits = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
            text.parse()
                .ok()
                .filter(|_| digits)
                .ok_or_else(|| OAuthError::invalid_request("max_age must be a number of seconds"))
        })
        .transpose()
}

/// `x_sso_enabled`, if present, takes precedence over `x_suppress_idp_session_cookie`.
fn read_sso(form: &Form) -> Result<(bool, bool), OAuthError> {
    let suppress = form.get("x_suppress_idp_session_cookie")? == Some("true");
    Ok(match form.get("x_sso_enabled")? {
        Some(value) => (value != "true", value == "true"),
        None => (suppress, false),
    })
}

fn read_dpop_jkt(form: &Form) -> Result<Option<Thumbprint>, OAuthError> {
    form.get("dpop_jkt")?
        .map(|text| {
            Thumbprint::parse(text)
                .ok_or_else(|| OAuthError::invalid_request("dpop_jkt must be a SHA-256 JWK thumbprint"))
        })
        .transpose()
}

#[cfg(test)]
mod tests {
    use super::*;

    const CHALLENGE: &str = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM";

    fn parse(extra: &[(&str, &str)]) -> AuthorizeRequest {
        let mut pairs = vec![("client_id", "shop"), ("redirect_uri", "https://shop.example/cb")];
        for (name, value) in [("response_type", "code"), ("scope", "openid")] {
            if !extra.iter().any(|(n, _)| *n == name) {
                pairs.push((name, value));
            }
        }
        pairs.extend_from_slice(extra);
        AuthorizeRequest::parse(&Form::from_pairs(pairs)).unwrap()
    }

    fn code_of(extra: &[(&str, &str)]) -> ErrorCode {
        parse(extra).details.unwrap_err().code
    }

    #[test]
    fn a_promotion_request_of_the_web_sdk_is_read() {
        let request = parse(&[
            ("prompt", "login"),
            ("state", "s"),
            ("code_challenge", CHALLENGE),
            ("code_challenge_method", "S256"),
            ("login_hint", "https://authgear.com/login_hint?type=anonymous&promotion_code=PC"),
            ("x_suppress_idp_session_cookie", "true"),
            ("x_sso_enabled", "false"),
            ("ui_locales", "zh-Hant-HK en"),
        ]);
        assert_eq!(request.state.as_deref(), Some("s"));
        let details = request.details.unwrap();
        assert!(details.prompt.contains(Prompt::Login));
        assert!(details.suppress_session_cookie && !details.sso_enabled);
        assert_eq!(details.code_challenge.unwrap().to_string(), CHALLENGE);
        assert!(details.login_hint.is_some());
    }

    #[test]
    fn a_request_without_a_client_or_with_two_redirect_uris_is_not_redirected() {
        let form = Form::parse_query("redirect_uri=https://a.example").unwrap();
        assert_eq!(AuthorizeRequest::parse(&form).unwrap_err().code, ErrorCode::UnauthorizedClient);
        let form = Form::parse_query("client_id=a&redirect_uri=b&redirect_uri=c").unwrap();
        assert_eq!(AuthorizeRequest::parse(&form).unwrap_err().code, ErrorCode::InvalidRequest);
    }

    #[test]
    fn every_other_fault_is_redirected_with_the_state() {
        use ErrorCode::*;
        for (extra, code) in [
            (vec![("response_type", "")], InvalidRequest),
            (vec![("response_type", "token")], UnsupportedResponseType),
            (vec![("scope", "")], InvalidRequest),
            (vec![("scope", "a\"")], InvalidScope),
            (vec![("prompt", "none login")], InvalidRequest),
            (vec![("prompt", "none"), ("max_age", "5")], InvalidRequest),
            (vec![("max_age", "-1")], InvalidRequest),
            (vec![("max_age", "+1")], InvalidRequest),
            (vec![("code_challenge", CHALLENGE)], InvalidRequest),
            (vec![("code_challenge", CHALLENGE), ("code_challenge_method", "plain")], InvalidRequest),
            (vec![("code_challenge", "short"), ("code_challenge_method", "S256")], InvalidRequest),
            (vec![("code_challenge_method", "S256")], InvalidRequest),
            (vec![("login_hint", "https://authgear.com/login_hint?type=guest")], InvalidRequest),
            (vec![("response_mode", "web_message")], InvalidRequest),
            (vec![("response_mode", "cookie")], InvalidRequest),
            (vec![("dpop_jkt", "short")], InvalidRequest),
            (vec![("request", "jwt")], RequestNotSupported),
            (vec![("request_uri", "urn:x")], RequestUriNotSupported),
            (vec![("nonce", "a"), ("nonce", "b")], InvalidRequest),
        ] {
            let mut with_state = extra.clone();
            with_state.push(("state", "s"));
            let request = parse(&with_state);
            assert_eq!(request.state.as_deref(), Some("s"), "{extra:?}");
            assert_eq!(request.details.unwrap_err().code, code, "{extra:?}");
        }
        assert_eq!(code_of(&[("state", "a"), ("state", "b")]), InvalidRequest);
    }

    #[test]
    fn a_parameter_that_is_too_long_is_an_error_with_the_state() {
        for (name, most, code) in [
            ("nonce", 4_096, ErrorCode::InvalidRequest),
            ("x_state", 4_096, ErrorCode::InvalidRequest),
            ("ui_locales", 4_096, ErrorCode::InvalidRequest),
            ("login_hint", 16_384, ErrorCode::InvalidRequest),
            ("scope", 4_096, ErrorCode::InvalidScope),
        ] {
            let request = parse(&[(name, &"x".repeat(most + 1)), ("state", "s")]);
            assert_eq!(request.state.as_deref(), Some("s"), "{name}");
            let error = request.details.unwrap_err();
            assert_eq!(
                (error.code, error.description()),
                (code, format!("{name} is longer than {most} bytes").as_str())
            );
        }
        let state = "🦀".repeat(1_024);
        let request = parse(&[("state", &state)]);
        assert!(request.details.is_ok());
        assert_eq!(request.state, Some(state.clone()));
        let request = parse(&[("state", &format!("{state}x"))]);
        assert_eq!(request.state, None, "it is not repeated");
        assert_eq!(request.details.unwrap_err().description(), "state is longer than 4096 bytes");
    }

    #[test]
    fn what_decides_where_the_answer_goes_is_refused_at_once_when_it_is_too_long() {
        for (name, most) in [("client_id", 256), ("redirect_uri", 4_096)] {
            let mut pairs = vec![("client_id", "shop".to_owned()), ("redirect_uri", "https://shop.example".to_owned())];
            pairs.retain(|(other, _)| *other != name);
            pairs.push((name, "x".repeat(most + 1)));
            let error = AuthorizeRequest::parse(&Form::from_pairs(pairs)).unwrap_err();
            assert_eq!(error, OAuthError::invalid_request(format!("{name} is longer than {most} bytes")));
        }
    }

    #[test]
    fn x_sso_enabled_decides_over_the_older_parameter() {
        for (extra, expected) in [
            (vec![], (false, false)),
            (vec![("x_suppress_idp_session_cookie", "true")], (true, false)),
            (vec![("x_suppress_idp_session_cookie", "1")], (false, false)),
            (vec![("x_sso_enabled", "true")], (false, true)),
            (vec![("x_sso_enabled", "false")], (true, false)),
            (vec![("x_suppress_idp_session_cookie", "true"), ("x_sso_enabled", "true")], (false, true)),
        ] {
            let details = parse(&extra).details.unwrap();
            assert_eq!((details.suppress_session_cookie, details.sso_enabled), expected, "{extra:?}");
        }
    }
}
