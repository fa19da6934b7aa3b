//! `POST /oauth2/revoke` (RFC 7009): 200 with an empty body for any token (§2.2). Applications with a secret authenticate
//! with it; the SDKs send no client credentials.

use axum::{
    extract::Request,
    http::{StatusCode, header},
    response::{IntoResponse, Response},
};
use vestibule_app::{error::Error, limits::rates, tokens::revoke};
use vestibule_web::{credentials::ClientCredentials, error, visit::Visit};

use super::client::{self, Parameters, PresentedClient};
use crate::dpop;

pub async fn revoke(visit: Visit, credentials: ClientCredentials, request: Request) -> Response {
    // Revocation needs no proof, but two proofs are an error on every endpoint (RFC 9449 §4.3).
    if let Err(many) = dpop::refuse_many(request.headers()) {
        return many.into_response();
    }
    if let Err(error) = rates::charge_revocation(&visit.ctx()) {
        return error::flow_as_oauth(&visit, &error);
    }
    let mut received =
        match client::receive(&visit, &credentials, request, Parameters::OfBodyAndQuery, Some(client::CHALLENGE)).await
        {
            Ok(received) => received,
            Err(response) => return response,
        };
    let token = match received.form.get("token") {
        Ok(token) => token.unwrap_or_default(),
        Err(repeated) => return error::oauth_by_code(&repeated.into()),
    };
    match revoke_as(&visit, &mut received.client, token).await {
        Ok(()) => (StatusCode::OK, [(header::CACHE_CONTROL, "no-store")]).into_response(),
        // With a challenge for credentials in the body, too (RFC 7009 §2.2.1, RFC 6749 §5.2).
        Err(error) if error::is_about_the_client(&error) => {
            error::challenge_basic(error::flow_as_oauth(&visit, &error), client::CHALLENGE)
        }
        Err(error) => error::flow_as_oauth(&visit, &error),
    }
}

async fn revoke_as(visit: &Visit, presented: &mut PresentedClient, token: &str) -> Result<(), Error> {
    let proof = presented.prove(visit, "/oauth2/revoke").await?;
    let ctx = visit.ctx();
    let requester = revoke::authenticate(&ctx, proof).await?;
    revoke::revoke(&ctx, requester, token).await
}
