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
use vestibule_web::{credentials::ClientCredentials, error, visit::Visit};

use super::client::{self, Parameters};

const CHALLENGE: &str = "Basic realm=\"introspection\"";

pub async fn introspect(visit: Visit, credentials: ClientCredentials, request: Request) -> Response {
    let mut received =
        match client::receive(&visit, &credentials, request, Parameters::OfBodyAndQuery, Some(CHALLENGE)).await {
            Ok(received) => received,
            Err(response) => return response,
        };
    let token = match received.form.get("token").map(Option::unwrap_or_default) {
        Ok("") => return error::oauth_by_code(&OAuthError::invalid_request("token is required")),
        Ok(token) => token,
        Err(repeated) => return error::oauth_by_code(&repeated.into()),
    };
    let introspected = match received.client.prove(&visit, "/oauth2/introspect").await {
        Ok(proof) => introspect::introspect(&visit.ctx(), proof, token).await,
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
            error::challenge_basic(answer, CHALLENGE)
        }
        Err(error) => error::flow_as_oauth(&visit, &error),
    }
}
