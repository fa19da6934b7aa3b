//! `GET|POST /oauth2/userinfo` (OIDC Core §5.3).

use axum::{
    extract::Request,
    http::{HeaderValue, StatusCode, header},
    response::Response,
};
use vestibule_app::{caller::Resolution, tokens::user_info};
use vestibule_protocol::oauth::{ErrorCode, OAuthError};
use vestibule_web::{cookies, credentials::ApiCredentials, error, visit::Visit};

use crate::{Answering, json};

pub fn user_info(visit: Visit, credentials: ApiCredentials, request: Request) -> Answering {
    // Drop the request before the first await, to keep the future small.
    drop(request);
    Box::pin(answer(visit, credentials))
}

async fn answer(visit: Visit, credentials: ApiCredentials) -> Response {
    let resolution = match credentials.resolve(&visit).await {
        Ok(resolution) => resolution,
        Err(error) => return error::flow_as_oauth(&visit, &error),
    };
    match resolution {
        // Not `invalid_grant`: that code makes SDKs drop their session, and an empty bearer token proves nothing (the
        // iOS SDK sends one when a refresh failed for any reason).
        Resolution::Anonymous => {
            let body = OAuthError::new(ErrorCode::InvalidRequest, "no access token was presented");
            unauthorized(&body, "Bearer".to_string())
        }
        Resolution::Dead { cookie } => {
            let body = OAuthError::invalid_grant("invalid session");
            let challenge = "Bearer error=\"invalid_grant\", error_description=\"invalid session\"".to_string();
            let mut response = unauthorized(&body, challenge);
            if cookie {
                cookies::forget_session(response.headers_mut(), &visit.project);
            }
            response
        }
        Resolution::Live(caller) => match user_info::look_up(&visit.app, &visit.project, *caller).await {
            Ok(known) => json::fresh(StatusCode::OK, &known.describe(&known.account())),
            Err(error) => error::flow_as_oauth(&visit, &error),
        },
    }
}

fn unauthorized(body: &OAuthError, challenge: String) -> Response {
    let mut response = error::oauth(body, StatusCode::UNAUTHORIZED);
    if let Ok(challenge) = HeaderValue::from_str(&challenge) {
        response.headers_mut().insert(header::WWW_AUTHENTICATE, challenge);
    }
    response
}
