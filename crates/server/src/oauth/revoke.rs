//! `POST /oauth2/revoke` (RFC 7009): 200 with an empty body for any token (§2.2). The SDKs send no client credentials;
//! if a client does, they must be valid.

use axum::{
    extract::Request,
    http::{StatusCode, header},
    response::{IntoResponse, Response},
};
use vestibule_web::{body, credentials::ClientCredentials, error, visit::Visit};

use super::client::{self, ClientRefused};
use crate::dpop;

pub(crate) async fn revoke(visit: Visit, credentials: ClientCredentials, request: Request) -> Response {
    // Revocation needs no proof, but two proofs are an error on every endpoint (RFC 9449 §4.3).
    if let Err(many) = dpop::refuse_many(request.headers()) {
        return many.into_response();
    }
    let body = match body::read_form(&visit, request).await {
        Ok(body) => body,
        Err(problem) => return error::body_as_oauth(problem),
    };
    let form = match body.oauth_form() {
        Ok(form) => form,
        Err(error) => return error::oauth_by_code(&error),
    };
    let token = match form.get("token") {
        Ok(token) => token.unwrap_or_default(),
        Err(repeated) => return error::oauth_by_code(&repeated.into()),
    };
    let presented = match client::read(&visit.project, &credentials, &form) {
        Ok(presented) => presented,
        Err(refused) => return refused.answer(&visit, None),
    };
    if let Err(problem) = vestibule_app::tokens::revoke::check_client(&visit.ctx(), &presented.proof).await {
        return ClientRefused::Flow(problem).answer(&visit, Some(&presented));
    }
    match vestibule_app::tokens::revoke::revoke(&visit.ctx(), token).await {
        Ok(()) => (StatusCode::OK, [(header::CACHE_CONTROL, "no-store")]).into_response(),
        Err(error) => error::flow_as_oauth(&visit, &error),
    }
}
