//! The request context: project (by host), time, client address and request ID.

use std::{net::IpAddr, sync::Arc};

use axum::{
    extract::FromRequestParts,
    http::{StatusCode, request::Parts},
};
use vestibule_app::{
    ctx::{Ctx, RequestId},
    projects::Project,
    state::App,
};
use vestibule_domain::time::Timestamp;

/// One request: project, time and client address.
#[derive(Clone)]
pub struct Visit {
    pub app: Arc<App>,
    pub project: Arc<Project>,
    pub now: Timestamp,
    pub ip: IpAddr,
    pub request_id: RequestId,
    /// Whether what it does is recorded as a use: not for HEAD, OPTIONS and prefetches.
    pub is_use: bool,
}

impl Visit {
    /// The context for use cases.
    pub fn ctx(&self) -> Ctx<'_> {
        Ctx {
            app: &self.app,
            project: &self.project,
            now: self.now,
            ip: Some(self.ip),
            request_id: Some(self.request_id),
            is_use: self.is_use,
        }
    }
}

impl<S: Sync> FromRequestParts<S> for Visit {
    type Rejection = StatusCode;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, StatusCode> {
        // `entry::enter` adds it on every route.
        parts.extensions.get::<Self>().cloned().ok_or(StatusCode::INTERNAL_SERVER_ERROR)
    }
}
