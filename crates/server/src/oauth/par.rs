//! `POST /oauth2/par` (RFC 9126 §2): takes an authorization request from the application itself, and gives a reference for the browser.

use axum::{extract::Request, http::StatusCode, response::Response};
use serde::Serialize;
use vestibule_app::authorize::pushed::{self, PushedRequest};
use vestibule_web::{body, credentials::ClientCredentials, error, visit::Visit};

use super::client::{self, ClientRefused};
use crate::json;

#[derive(Serialize)]
struct PushedResponse {
    request_uri: String,
    expires_in: u64,
}

pub(crate) async fn push(visit: Visit, credentials: ClientCredentials, request: Request) -> Response {
    let body = match body::read_form(&visit, request).await {
        Ok(body) => body,
        Err(problem) => return error::body_as_oauth(problem),
    };
    // Only the body: what is in the address may have been changed on the way.
    let form = match body.own_form() {
        Ok(form) => form,
        Err(problem) => return error::oauth_by_code(&problem),
    };
    let mut presented = match client::read(&visit.project, &credentials, &form) {
        Ok(presented) => presented,
        Err(refused) => return refused.answer(&visit, None),
    };
    if let Err(refused) = presented.prove(&visit, "/oauth2/par").await {
        return ClientRefused::from(refused).answer(&visit, Some(&presented));
    }
    match pushed::push(&visit.ctx(), &presented.proof, &form).await {
        Ok(Ok(PushedRequest { request_uri, expires_in })) => {
            json::fresh(StatusCode::CREATED, &PushedResponse { request_uri, expires_in })
        }
        Ok(Err(refused)) => error::oauth_by_code(&refused),
        Err(refused) => ClientRefused::from(refused).answer(&visit, Some(&presented)),
    }
}
