//! `POST /oauth2/token` (RFC 6749 §3.2): reads the client, the grant and its parameters, in the documented order.

use axum::{
    extract::Request,
    http::{HeaderMap, HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};
use vestibule_domain::secret::Secret;
use vestibule_protocol::{
    basic::BasicCredentials,
    form::Form,
    oauth::{ErrorCode, OAuthError, TokenRequest, TokenResponse},
};

use crate::{
    flows::{
        Error,
        dpop::Presented,
        rates,
        token::{ClientProof, Tokens, anonymous, code, id_token, refresh, settings_action},
    },
    http::{body, dpop, error, json, visit::Visit},
};

/// What went wrong: in the request itself, or in the flow.
enum Refused {
    Protocol(OAuthError),
    Flow(Error),
}

impl From<OAuthError> for Refused {
    fn from(error: OAuthError) -> Self {
        Self::Protocol(error)
    }
}

impl From<Error> for Refused {
    fn from(error: Error) -> Self {
        Self::Flow(error)
    }
}

/// Exchanges a grant for tokens.
pub(crate) async fn token(visit: Visit, request: Request) -> Response {
    let dpop = match dpop::read(&visit, request.headers(), request.uri().path()) {
        Ok(dpop) => dpop,
        Err(many) => return many.into_response(),
    };
    let body = match body::read(&visit, request).await {
        Ok(body) => body,
        Err(problem) => return error::body_as_oauth(problem),
    };
    match answer(&visit, &body, &dpop).await {
        Ok(response) => {
            let mut response = json::fresh(StatusCode::OK, &response);
            response.headers_mut().insert(header::PRAGMA, HeaderValue::from_static("no-cache"));
            response
        }
        Err(Refused::Protocol(error)) => error::oauth_by_code(&error),
        Err(Refused::Flow(error)) => error::flow_as_oauth(&visit, &error),
    }
}

async fn answer(visit: &Visit, body: &body::Body, dpop: &Presented) -> Result<TokenResponse, Refused> {
    let headers = &body.headers;
    let form = body.oauth_form()?;
    let proof = read_client(&body.headers, &form)?;
    rates::charge_token_request(&visit.app, &visit.project, visit.ip, visit.now)?;
    let client = visit.project.settings.client(&proof.client_id).ok_or(Error::UnknownClient)?;
    let request = TokenRequest::parse(&form)?;
    if !client.allows_grant_type(request.grant_type().as_str()) {
        return Err(Error::GrantTypeNotAllowed.into());
    }
    let device_info = form.get("x_device_info").map_err(OAuthError::from)?;
    let confidential = client.application_type().is_confidential();
    let (app, project, now) = (&visit.app, &visit.project, visit.now);
    let tokens = match request {
        TokenRequest::AuthorizationCode(exchange) => {
            if !confidential {
                exchange.verifier()?;
            }
            let request = code::CodeRequest {
                client: &proof,
                code: exchange.code.as_str(),
                redirect_uri: exchange.redirect_uri.as_deref(),
                code_verifier: exchange.code_verifier.as_ref().map(vestibule_protocol::Credential::as_str),
                proof: dpop,
                device_info,
            };
            code::exchange(app, project, request, now).await?
        }
        TokenRequest::RefreshToken { refresh_token } => {
            let request = refresh::RefreshRequest {
                client: &proof,
                refresh_token: refresh_token.as_str(),
                device_info,
                proof: dpop,
            };
            refresh::refresh(app, project, request, now).await?
        }
        TokenRequest::Anonymous { jwt } => {
            let request = anonymous::KeyRequest { client, jwt: jwt.as_str(), device_info, proof: dpop, ip: visit.ip };
            anonymous::log_in(app, project, request, now).await?
        }
        TokenRequest::IdToken => {
            let resolution = visit.resolve(headers).await?;
            let id_token = id_token::renew(app, project, client, &resolution, now).await?;
            return Ok(TokenResponse { id_token: Some(id_token), ..TokenResponse::default() });
        }
        TokenRequest::SettingsAction(exchange) => {
            if !confidential {
                exchange.verifier()?;
            }
            settings_action::finish(app, project, &proof, &exchange, now).await?;
            return Ok(TokenResponse::default());
        }
        TokenRequest::Biometric { .. }
        | TokenRequest::App2App { .. }
        | TokenRequest::TokenExchange(_)
        | TokenRequest::ClientCredentials { .. } => {
            return Err(OAuthError::new(ErrorCode::UnsupportedGrantType, "grant type is not supported").into());
        }
    };
    Ok(print(tokens))
}

fn print(tokens: Tokens) -> TokenResponse {
    let mut response = TokenResponse::bearer(tokens.access.token, tokens.access.expires_in);
    response.refresh_token = tokens.refresh_token;
    response.id_token = tokens.id_token;
    response
}

/// The body's credentials win; Basic is consulted only when the body has neither half (protocol facts §3.1).
pub(super) fn read_client(headers: &HeaderMap, form: &Form) -> Result<ClientProof, OAuthError> {
    let basic = BasicCredentials::parse(headers.get(header::AUTHORIZATION).and_then(|value| value.to_str().ok()));
    let (id, secret) = (form.get("client_id")?, form.get("client_secret")?);
    if id.is_some() || secret.is_some() {
        return Ok(ClientProof {
            client_id: id.unwrap_or_default().to_string(),
            client_secret: secret.map(|secret| Secret::new(secret.to_string())),
        });
    }
    let basic = basic.map_err(|error| OAuthError::invalid_request(error.to_string()))?;
    Ok(match basic {
        Some(basic) => ClientProof {
            client_id: basic.client_id,
            client_secret: Some(Secret::new(basic.client_secret.into_string())),
        },
        None => ClientProof { client_id: String::new(), client_secret: None },
    })
}
