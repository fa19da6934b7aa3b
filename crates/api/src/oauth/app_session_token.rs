//! `POST /oauth2/app_session_token`

use axum::{
    extract::Request,
    response::{IntoResponse, Response},
};
use vestibule_app::{error::Error, tokens::app_session};
use vestibule_protocol::api::{ApiError, AppSessionTokenRequest, AppSessionTokenResponse};
use vestibule_web::{credentials::NoCredential, error, visit::Visit};

use crate::{anonymous, dpop};

/// Issues the token with which an app opens its account page.
pub async fn issue(visit: Visit, _: NoCredential, request: Request) -> Response {
    let path = request.uri().path().to_string();
    let (headers, AppSessionTokenRequest { refresh_token }) = match anonymous::read(&visit, request).await {
        Ok(read) => read,
        Err(response) => return response,
    };
    let proof = match dpop::read(&visit, &headers, &path) {
        Ok(proof) => proof,
        Err(many) => return many.into_response(),
    };
    match app_session::issue(&visit.ctx(), &refresh_token, &proof).await {
        Ok(issued) => anonymous::success(AppSessionTokenResponse {
            app_session_token: issued.token,
            expire_at: issued.expires_at.to_rfc3339(),
        }),
        // `InvalidGrant` makes every SDK drop its session, so it is returned only for an invalid refresh token.
        Err(Error::InvalidRefreshToken) => error::api(&ApiError::invalid_grant("invalid refresh token")),
        Err(error) => error::flow_as_api(&visit, &error),
    }
}
