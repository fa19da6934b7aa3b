//! The project's settings and applications.

use axum::{
    extract::{Path, Request},
    http::{HeaderMap, HeaderValue, StatusCode, header},
    response::Response,
};
use serde_json::{Value, json};
use vestibule_app::admin::{
    applications,
    settings::{self, Versioned},
};

use super::{
    access::Admin,
    problem::Problem,
    read::{json, nothing, read_json},
    views::SecretView,
};

type ProjectResult = Result<Response, Problem>;

fn print(current: &Versioned) -> Response {
    let mut response = json(StatusCode::OK, &json!({"version": current.version, "settings": current.settings}));
    if let Ok(tag) = HeaderValue::from_str(&format!("\"{}\"", current.version)) {
        response.headers_mut().insert(header::ETAG, tag);
    }
    response
}

/// `GET /project`
pub(crate) async fn get(admin: Admin) -> ProjectResult {
    Ok(print(&settings::get(&admin.visit.ctx()).await?))
}

/// `PUT /project`, with the version that was read in `If-Match`.
pub(crate) async fn put(admin: Admin, headers: HeaderMap, request: Request) -> ProjectResult {
    let Some(expected) = headers.get(header::IF_MATCH) else {
        return Err(Problem::new(
            StatusCode::PRECONDITION_REQUIRED,
            "version_missing",
            "send the version you read in If-Match, so that no change is lost",
        ));
    };
    // Proxies that compress responses mark the tag as weak; the version is the same.
    let tag = expected.to_str().unwrap_or_default();
    let expected = tag.strip_prefix("W/").unwrap_or(tag).trim_matches('"').parse::<i64>().ok();
    let expected = expected.ok_or_else(|| Problem::unreadable("If-Match: write the ETag of GET /project"))?;
    let visit = &admin.visit;
    let document: Value = read_json(visit, request).await?;
    let changed = settings::replace(&visit.ctx(), &admin.operator(), document, expected).await?;
    Ok(print(&changed))
}

/// `POST /project/webhook-secret`
pub(crate) async fn rotate_webhook_secret(admin: Admin) -> ProjectResult {
    let visit = &admin.visit;
    let secret = settings::rotate_webhook_secret(&visit.ctx(), &admin.operator()).await?;
    Ok(json(StatusCode::CREATED, &json!({"secret": secret})))
}

/// `GET /applications`
pub(crate) async fn list_applications(admin: Admin) -> ProjectResult {
    let all = applications::list(&admin.visit.ctx()).await?;
    Ok(json(StatusCode::OK, &json!({"applications": all})))
}

/// `POST /applications`
pub(crate) async fn create_application(admin: Admin, request: Request) -> ProjectResult {
    let visit = &admin.visit;
    let client: Value = read_json(visit, request).await?;
    let client = applications::create(&visit.ctx(), &admin.operator(), &client).await?;
    Ok(json(StatusCode::CREATED, &client))
}

/// `GET /applications/{client_id}`
pub(crate) async fn get_application(admin: Admin, Path(client_id): Path<String>) -> ProjectResult {
    Ok(json(StatusCode::OK, &applications::get(&admin.visit.ctx(), &client_id).await?))
}

/// `PUT /applications/{client_id}`
pub(crate) async fn put_application(admin: Admin, Path(client_id): Path<String>, request: Request) -> ProjectResult {
    let visit = &admin.visit;
    let client: Value = read_json(visit, request).await?;
    let operator = admin.operator();
    let client = applications::replace(&visit.ctx(), &operator, &client_id, &client).await?;
    Ok(json(StatusCode::OK, &client))
}

/// `DELETE /applications/{client_id}`
pub(crate) async fn delete_application(admin: Admin, Path(client_id): Path<String>) -> ProjectResult {
    let visit = &admin.visit;
    applications::delete(&visit.ctx(), &admin.operator(), &client_id).await?;
    Ok(nothing())
}

/// `GET /applications/{client_id}/secrets`
pub(crate) async fn list_secrets(admin: Admin, Path(client_id): Path<String>) -> ProjectResult {
    let all = applications::list_secrets(&admin.visit.ctx(), &client_id).await?;
    let all: Vec<SecretView> = all.into_iter().map(SecretView::of).collect();
    Ok(json(StatusCode::OK, &json!({"secrets": all})))
}

/// `POST /applications/{client_id}/secrets`
pub(crate) async fn create_secret(admin: Admin, Path(client_id): Path<String>) -> ProjectResult {
    let visit = &admin.visit;
    let (made, secret) = applications::create_secret(&visit.ctx(), &admin.operator(), &client_id).await?;
    let answer = json!({"id": made.id, "created_at": made.created_at.to_rfc3339(), "secret": secret});
    Ok(json(StatusCode::CREATED, &answer))
}

/// `DELETE /applications/{client_id}/secrets/{secret_id}`
pub(crate) async fn delete_secret(admin: Admin, Path((client_id, secret_id)): Path<(String, String)>) -> ProjectResult {
    let visit = &admin.visit;
    applications::delete_secret(&visit.ctx(), &admin.operator(), &client_id, &secret_id).await?;
    Ok(nothing())
}
