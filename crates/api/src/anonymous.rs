//! The JSON API of web guests: sign-up and promotion code.

use axum::{
    extract::Request,
    http::{HeaderMap, StatusCode},
    response::Response,
};
use serde::Serialize;
use vestibule_app::{error::Error, guests::sign_up_anonymous, pool, promotion::code};
use vestibule_protocol::{
    Credential,
    api::{
        AnonymousSignUpRequest, ApiError, ApiResult, Empty, PromotionCodeRequest, PromotionCodeResponse, RequestBody,
        SIGN_UP_KEY, is_sign_up_key, parse_json,
    },
    oauth::TokenResponse,
};
use vestibule_web::{
    body::{self, ReceivedBody},
    cookies,
    credentials::SessionCookie,
    error,
    visit::Visit,
};

use crate::{Answering, json};

const IDEMPOTENCY_KEY: &str = "idempotency-key";

/// `POST /api/anonymous_user/signup`
pub fn sign_up(visit: Visit, cookie: SessionCookie, request: Request) -> Answering {
    Box::pin(answer_sign_up(visit, cookie, request))
}

async fn answer_sign_up(visit: Visit, cookie: SessionCookie, request: Request) -> Response {
    let (headers, parsed) = match read::<AnonymousSignUpRequest>(&visit, request).await {
        Ok(read) => read,
        Err(response) => return response,
    };
    match parsed {
        AnonymousSignUpRequest::RefreshToken { client_id, refresh_token, idempotency_key } => {
            let key = match find_key(&headers, idempotency_key.as_ref()) {
                Ok(key) => key,
                Err(problem) => return error::api(&problem),
            };
            let refresh_token = refresh_token.as_ref().map(Credential::as_str);
            let signed_up = sign_up_anonymous::with_refresh_token(&visit.ctx(), &client_id, refresh_token, key).await;
            match signed_up {
                Ok(tokens) => {
                    let mut result = TokenResponse::bearer(tokens.access.token, tokens.access.expires_in);
                    result.refresh_token = tokens.refresh_token;
                    success(result)
                }
                Err(error) => error::flow_as_api(&visit, &error),
            }
        }
        AnonymousSignUpRequest::Cookie { idempotency_key, .. } => {
            let key = match find_key(&headers, idempotency_key.as_ref()) {
                Ok(key) => key,
                Err(problem) => return error::api(&problem),
            };
            let resolution = match cookie.resolve(&visit).await {
                Ok(resolution) => resolution,
                Err(error) => return error::flow_as_api(&visit, &error),
            };
            let device = vestibule_web::user_agent::device_name(&headers);
            let signed_up = sign_up_anonymous::with_cookie(&visit.ctx(), resolution.live(), device, key).await;
            match signed_up {
                Ok(cookie) => {
                    let mut response = success(Empty {});
                    if let Some(cookie) = cookie {
                        cookies::set_session(response.headers_mut(), &visit.project, &cookie);
                    }
                    response
                }
                Err(error) => error::flow_as_api(&visit, &error),
            }
        }
    }
}

/// The idempotency key of a sign-up, from the header or the body.
fn find_key<'r>(headers: &'r HeaderMap, in_body: Option<&'r Credential>) -> Result<Option<&'r str>, ApiError> {
    let in_body = in_body.map(Credential::as_str);
    let Some(value) = headers.get(IDEMPOTENCY_KEY) else { return Ok(in_body) };
    let key = value.to_str().ok().filter(|key| is_sign_up_key(key));
    let key = key.ok_or_else(|| ApiError::invalid(format!("Idempotency-Key: {SIGN_UP_KEY}")))?;
    if in_body.is_some_and(|other| other != key) {
        return Err(ApiError::invalid("the Idempotency-Key header and idempotency_key in the body differ: send one"));
    }
    Ok(Some(key))
}

/// `POST /api/anonymous_user/promotion_code`
pub async fn promotion_code(visit: Visit, cookie: SessionCookie, request: Request) -> Response {
    let (_, parsed) = match read::<PromotionCodeRequest>(&visit, request).await {
        Ok(read) => read,
        Err(response) => return response,
    };
    let issued = match parsed {
        PromotionCodeRequest::RefreshToken { refresh_token } => {
            let token = refresh_token.map(Credential::into_string).unwrap_or_default();
            code::for_refresh_token(&visit.ctx(), &token).await
        }
        PromotionCodeRequest::Cookie => match cookie.resolve(&visit).await {
            Ok(resolution) => code::for_session(&visit.ctx(), resolution.live()),
            Err(error) => Err(error),
        },
    };
    match issued {
        Ok(issued) => {
            success(PromotionCodeResponse { promotion_code: issued.code, expire_at: issued.expires_at.to_rfc3339() })
        }
        // Not `InvalidGrant`: a failure here must not make the SDK drop its session.
        Err(Error::InvalidRefreshToken) => error::api(&ApiError::forbidden("invalid refresh token")),
        Err(error) => error::flow_as_api(&visit, &error),
    }
}

/// Reads a JSON body, or builds the error response.
pub(crate) async fn read<T: RequestBody + Send + 'static>(
    visit: &Visit,
    request: Request,
) -> Result<(HeaderMap, T), Response> {
    let ReceivedBody { bytes, headers, content_type, .. } =
        body::read(visit, request).await.map_err(error::body_as_api)?;
    let parsed = if bytes.len() > body::PARSED_AT_ONCE {
        let (no, turns) = (visit.project.no, pool::turns_for(bytes.len()));
        let parsing = visit.app.pool.run(no, turns, move || parse_json::<T>(content_type.as_deref(), &bytes)).await;
        parsing.map_err(|error| error::flow_as_api(visit, &Error::from(error)))?
    } else {
        parse_json::<T>(content_type.as_deref(), &bytes)
    };
    Ok((headers, parsed.map_err(|e| error::api(&e))?))
}

/// A success response of the JSON API.
pub(crate) fn success<T: Serialize>(result: T) -> Response {
    json::fresh(StatusCode::OK, &ApiResult::new(result))
}
