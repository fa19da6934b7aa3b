//! `POST /oauth2/introspect` (RFC 7662). Called by backends, never by scripts in a browser: no CORS.

use axum::{
    Json,
    extract::Request,
    http::{HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};
use serde_json::json;
use vestibule_protocol::oauth::{ErrorCode, OAuthError};

use super::token::read_client;
use crate::{
    flows::{Error, introspect},
    http::{body, error, visit::Visit},
};

/// Says what a token is worth.
pub(crate) async fn introspect(visit: Visit, request: Request) -> Response {
    let headers = request.headers().clone();
    let body = match body::read(&visit, request).await {
        Ok(body) => body,
        Err(problem) => return error::body_as_oauth(problem),
    };
    let parsed = body.oauth_form().and_then(|form| {
        let proof = read_client(&headers, &form)?;
        let token = form.get("token")?.unwrap_or_default().to_string();
        if token.is_empty() {
            return Err(OAuthError::invalid_request("token is required"));
        }
        Ok((proof, token))
    });
    let (proof, token) = match parsed {
        Ok(parsed) => parsed,
        Err(problem) => return error::oauth_by_code(&problem),
    };
    match introspect::introspect(&visit.app, &visit.project, &proof, &token, visit.now).await {
        Ok(answer) => {
            let body = answer.map_or_else(|| Json(json!({"active": false})), |answer| Json(answer.into()));
            ([(header::CACHE_CONTROL, "no-store")], body).into_response()
        }
        // RFC 7662 §2.3 wants 401 with a challenge here, where the token endpoint says 400.
        Err(
            error @ (Error::UnknownClient
            | Error::ClientSecretMissing
            | Error::ClientSecretWrong
            | Error::IntrospectionNotAllowed),
        ) => {
            error::log(&visit, &error);
            let why = "introspection needs the credentials of a confidential application";
            let mut response = error::oauth(&OAuthError::new(ErrorCode::InvalidClient, why), StatusCode::UNAUTHORIZED);
            let challenge = HeaderValue::from_static("Basic realm=\"introspection\"");
            response.headers_mut().insert(header::WWW_AUTHENTICATE, challenge);
            response
        }
        Err(error) => error::flow_as_oauth(&visit, &error),
    }
}
