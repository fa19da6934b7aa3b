//! Downloads what is stored about a member or guest.

use axum::{
    extract::Request,
    http::{HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};
use vestibule_app::account::export::export;
use vestibule_web::{credentials::AccountCookies, visit::Visit};

use super::{AccountRequest, AllowedUsers};

/// `GET /settings/export`
pub async fn download(visit: Visit, cookies: AccountCookies, request: Request) -> Response {
    let request = match AccountRequest::open_for(AllowedUsers::GuestsToo, visit, cookies, request).await {
        Ok(request) => request,
        Err(response) => return response,
    };
    // A guest has no authenticator; its session is the only proof.
    let guest = request.caller.user.is_anonymous();
    if let Some(response) = request.ask_to_prove().filter(|_| !guest) {
        return response;
    }
    let data = match export(&request.visit.ctx(), &request.caller).await {
        Ok(data) => data,
        Err(error) => return request.fail(&error),
    };
    let headers = [
        (header::CONTENT_TYPE, HeaderValue::from_static("application/json")),
        (header::CONTENT_DISPOSITION, HeaderValue::from_static("attachment; filename=\"account.json\"")),
        (header::CACHE_CONTROL, HeaderValue::from_static("no-store")),
        (header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff")),
    ];
    (StatusCode::OK, headers, format!("{data:#}\n")).into_response()
}
