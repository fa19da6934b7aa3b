//! `POST /oauth2/par` (RFC 9126 §2): takes an authorization request from the application itself, and gives a reference for the browser.

use axum::{extract::Request, http::StatusCode, response::Response};
use serde::Serialize;
use vestibule_app::authorize::pushed::{self, PushedRequest};
use vestibule_web::{credentials::ClientCredentials, error, visit::Visit};

use super::client::{self, ClientRefused, Parameters};
use crate::json;

#[derive(Serialize)]
struct PushedResponse {
    request_uri: String,
    expires_in: u64,
}

pub async fn push(visit: Visit, credentials: ClientCredentials, request: Request) -> Response {
    let mut received = match client::receive(&visit, &credentials, request, Parameters::OfBody, None).await {
        Ok(received) => received,
        Err(response) => return response,
    };
    let pushed = match received.client.prove(&visit, "/oauth2/par").await {
        Ok(proof) => pushed::push(&visit.ctx(), proof, &received.form).await,
        Err(refused) => Err(refused),
    };
    match pushed {
        Ok(Ok(PushedRequest { request_uri, expires_in })) => {
            json::fresh(StatusCode::CREATED, &PushedResponse { request_uri, expires_in })
        }
        Ok(Err(refused)) => error::oauth_by_code(&refused),
        Err(refused) => ClientRefused::from(refused).answer(&visit, Some(&received.client)),
    }
}
