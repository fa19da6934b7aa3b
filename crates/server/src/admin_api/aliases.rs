//! Requests about a user by another of its names: a guest that was merged into it, or its ID in another system. A read is redirected
//! to the user; a write is refused, because its sender may mean the guest, and names the user.

use axum::{
    extract::Request,
    http::{HeaderValue, Method, StatusCode, header},
    middleware::Next,
    response::{IntoResponse, Response},
};
use vestibule_app::admin::subjects;
use vestibule_domain::{id::UserId, subject::Subject};
use vestibule_web::route::{ADMIN_API_PREFIX, path_parameter};

use super::{access::Admin, input::PathPart, problem::Problem};

/// What precedes the ID in the paths of a user's routes.
const USERS: &str = "/users/";

/// Passes a request on unless it names its user by an alias.
pub(super) async fn resolve(admin: Admin, request: Request, next: Next) -> Response {
    let (mut parts, body) = request.into_parts();
    let named = path_parameter(&mut parts, UserId::NAME).await;
    let found = match Subject::parse(&named) {
        Ok(subject) => subjects::find_current(&admin.visit.ctx(), &subject).await,
        Err(_) => Ok(None),
    };
    let current = match found {
        Ok(Some(current)) => current,
        Ok(None) => return next.run(Request::from_parts(parts, body)).await,
        Err(error) => return Problem::from(error).into_response(),
    };
    if parts.method != Method::GET {
        let detail =
            format!("this ID is an alias of the user {current}: send the request for that user, if you mean it");
        return Problem::new(StatusCode::CONFLICT, "merged", detail).about(current).into_response();
    }
    let detail = format!("this ID is an alias of the user {current}");
    let mut response = Problem::new(StatusCode::PERMANENT_REDIRECT, "merged", detail).about(current).into_response();
    let target = parts.uri.path_and_query().map_or("", |target| target.as_str());
    let after = target.split_once(USERS).and_then(|(_, rest)| rest.find(['/', '?']).and_then(|at| rest.get(at..)));
    let location = format!("{ADMIN_API_PREFIX}{USERS}{current}{}", after.unwrap_or_default());
    if let Ok(location) = HeaderValue::from_str(&location) {
        response.headers_mut().insert(header::LOCATION, location);
    }
    response
}
