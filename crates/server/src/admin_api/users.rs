//! Users and their sessions.

use axum::{
    extract::{Path, Request},
    http::{StatusCode, Uri},
    response::Response,
};
use serde::Deserialize;
use serde_json::json;
use vestibule_app::admin::{
    AdminError, Thing, device_keys, sessions,
    user_lists::{self, UserFilter, UserQuery},
    users::{self, AttributeChange, NewUser},
};

use super::{
    access::Admin,
    bodies::{AttributesBody, NewUserBody, PromotionBody},
    problem::Problem,
    read::{check_limit, json, nothing, read_checked, read_json, read_query, read_user_id},
    views::{DeviceKeyView, SessionView, UserDetailView, UserView},
};

type UsersResult = Result<Response, Problem>;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ListQuery {
    kind: Option<UserFilter>,
    days: Option<u32>,
    q: Option<String>,
    cursor: Option<String>,
    limit: Option<u32>,
}

/// `GET /users`
pub(crate) async fn list(admin: Admin, uri: Uri) -> UsersResult {
    let query: ListQuery = read_query(&uri)?;
    let days = query.days.unwrap_or(30);
    if !(1..=3650).contains(&days) {
        return Err(Problem::unreadable("days: write a number from 1 to 3650"));
    }
    let query = UserQuery {
        kind: query.kind.unwrap_or_default(),
        days,
        search: query.q,
        cursor: query.cursor,
        limit: check_limit(query.limit, 200)?,
    };
    let visit = &admin.visit;
    let page = user_lists::list(&visit.ctx(), &query).await?;
    let items: Vec<UserView<'_>> = page.items.iter().map(UserView::of).collect();
    Ok(json(StatusCode::OK, &json!({"users": items, "next_cursor": page.next})))
}

/// `POST /users`
pub(crate) async fn create(admin: Admin, request: Request) -> UsersResult {
    let visit = &admin.visit;
    let new = read_checked::<NewUserBody, NewUser>(visit, request, NewUser::check_size).await?;
    let user = users::create(&visit.ctx(), &admin.operator(), &new).await?;
    Ok(json(StatusCode::CREATED, &UserDetailView::of(&user)))
}

/// `GET /users/{user_id}`
pub(crate) async fn get(admin: Admin, Path(id): Path<String>) -> UsersResult {
    let id = read_user_id(&id)?;
    let user = users::get(&admin.visit.ctx(), id).await?;
    Ok(json(StatusCode::OK, &UserDetailView::of(&user)))
}

/// `PATCH /users/{user_id}`
pub(crate) async fn patch(admin: Admin, Path(id): Path<String>, request: Request) -> UsersResult {
    let id = read_user_id(&id)?;
    let visit = &admin.visit;
    let change = read_checked::<AttributesBody, AttributeChange>(visit, request, AttributeChange::check_size).await?;
    let user = users::change_attributes(&visit.ctx(), &admin.operator(), id, change).await?;
    Ok(json(StatusCode::OK, &UserDetailView::of(&user)))
}

/// `DELETE /users/{user_id}`
pub(crate) async fn delete(admin: Admin, Path(id): Path<String>) -> UsersResult {
    let id = read_user_id(&id)?;
    let visit = &admin.visit;
    users::delete(&visit.ctx(), &admin.operator(), id).await?;
    Ok(nothing())
}

/// `POST /users/{user_id}/promote`
pub(crate) async fn promote(admin: Admin, Path(id): Path<String>, request: Request) -> UsersResult {
    let id = read_user_id(&id)?;
    let visit = &admin.visit;
    let promotion: PromotionBody = read_json(visit, request).await?;
    let user = users::promote(&visit.ctx(), &admin.operator(), id, &promotion.into()).await?;
    Ok(json(StatusCode::OK, &UserDetailView::of(&user)))
}

/// `POST /users/{user_id}/disable`
pub(crate) async fn disable(admin: Admin, Path(id): Path<String>) -> UsersResult {
    set_disabled(&admin, &id, true).await
}

/// `POST /users/{user_id}/enable`
pub(crate) async fn enable(admin: Admin, Path(id): Path<String>) -> UsersResult {
    set_disabled(&admin, &id, false).await
}

async fn set_disabled(admin: &Admin, id: &str, disabled: bool) -> UsersResult {
    let id = read_user_id(id)?;
    let visit = &admin.visit;
    let user = users::set_disabled(&visit.ctx(), &admin.operator(), id, disabled).await?;
    Ok(json(StatusCode::OK, &UserDetailView::of(&user)))
}

/// `GET /users/{user_id}/sessions`
pub(crate) async fn list_sessions(admin: Admin, Path(id): Path<String>) -> UsersResult {
    let id = read_user_id(&id)?;
    let all = sessions::list(&admin.visit.ctx(), id).await?;
    let all: Vec<SessionView> = all.into_iter().map(SessionView::of).collect();
    Ok(json(StatusCode::OK, &json!({"sessions": all})))
}

/// `DELETE /users/{user_id}/sessions`
pub(crate) async fn revoke_all_sessions(admin: Admin, Path(id): Path<String>) -> UsersResult {
    revoke(&admin, &id, None).await
}

/// `DELETE /users/{user_id}/sessions/{session_id}`
pub(crate) async fn revoke_session(admin: Admin, Path((id, session)): Path<(String, String)>) -> UsersResult {
    revoke(&admin, &id, Some(&session)).await
}

async fn revoke(admin: &Admin, id: &str, only: Option<&str>) -> UsersResult {
    let id = read_user_id(id)?;
    let visit = &admin.visit;
    sessions::revoke(&visit.ctx(), &admin.operator(), id, only).await?;
    Ok(nothing())
}

/// `GET /users/{user_id}/device-keys`
pub(crate) async fn list_keys(admin: Admin, Path(id): Path<String>) -> UsersResult {
    let id = read_user_id(&id)?;
    let all = device_keys::list(&admin.visit.ctx(), id).await?;
    let all: Vec<DeviceKeyView> = all.into_iter().map(DeviceKeyView::of).collect();
    Ok(json(StatusCode::OK, &json!({"device_keys": all})))
}

/// `DELETE /users/{user_id}/device-keys/{device_key_id}`
pub(crate) async fn revoke_key(admin: Admin, Path((id, key)): Path<(String, String)>) -> UsersResult {
    let id = read_user_id(&id)?;
    let key = key.parse().map_err(|_| Problem::from(AdminError::NotFound(Thing::DeviceKey)))?;
    let visit = &admin.visit;
    device_keys::revoke(&visit.ctx(), &admin.operator(), id, key).await?;
    Ok(nothing())
}
