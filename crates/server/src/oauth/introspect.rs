//! `POST /oauth2/introspect` (RFC 7662). For backends, not for scripts in a browser: no CORS.

use axum::{
    Json,
    extract::Request,
    http::header,
    response::{IntoResponse, Response},
};
use serde_json::json;
use vestibule_app::{error::Error, tokens::introspect};
use vestibule_protocol::oauth::{ErrorCode, OAuthError};
use vestibule_web::{body, credentials::ClientCredentials, error, visit::Visit};

use super::client;

pub(crate) async fn introspect(visit: Visit, credentials: ClientCredentials, request: Request) -> Response {
    let body = match body::read_form(&visit, request).await {
        Ok(body) => body,
        Err(problem) => return error::body_as_oauth(problem),
    };
    let form = match body.oauth_form() {
        Ok(form) => form,
        Err(problem) => return error::oauth_by_code(&problem),
    };
    let mut presented = match client::read(&visit.project, &credentials, &form) {
        Ok(presented) => presented,
        Err(refused) => return refused.answer(&visit, None),
    };
    let token = match form.get("token").map(Option::unwrap_or_default) {
        Ok("") => return error::oauth_by_code(&OAuthError::invalid_request("token is required")),
        Ok(token) => token,
        Err(repeated) => return error::oauth_by_code(&repeated.into()),
    };
    let introspected = match presented.prove(&visit, "/oauth2/introspect").await {
        Ok(()) => introspect::introspect(&visit.ctx(), &presented.proof, token).await,
        Err(error) => Err(error),
    };
    match introspected {
        Ok(answer) => {
            let body = answer.map_or_else(|| Json(json!({"active": false})), |answer| Json(answer.into()));
            ([(header::CACHE_CONTROL, "no-store")], body).into_response()
        }
        // RFC 7662 §2.3 requires 401 with a challenge here, where the token endpoint returns 400.
        Err(
            error @ (Error::UnknownClient
            | Error::ClientSecretMissing
            | Error::ClientSecretWrong
            | Error::ClientAssertionRefused(_)
            | Error::IntrospectionNotAllowed),
        ) => {
            error::log(&visit, &error);
            let why = "introspection needs the credentials of a confidential application";
            let answer = error::oauth_by_code(&OAuthError::new(ErrorCode::InvalidClient, why));
            error::challenge_basic(answer, "Basic realm=\"introspection\"")
        }
        Err(error) => error::flow_as_oauth(&visit, &error),
    }
}
