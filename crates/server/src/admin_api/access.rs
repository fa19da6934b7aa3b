//! Authenticates requests by key, applies the rate limits, and passes the key's scopes to the handlers.

use std::time::Duration;

use axum::{
    extract::{FromRequestParts, Request},
    http::{StatusCode, request::Parts},
    middleware::Next,
    response::{IntoResponse, Response},
};
use vestibule_app::{
    actor::Actor,
    admin::{
        idempotency::Once,
        keys::{AdminScope, KeyHolder, authenticate},
    },
    crypto::sha256,
    limits::{Counter, CounterSubject},
};
use vestibule_domain::{
    event::TriggeredBy,
    limit::{Quota, ip_key},
};
use vestibule_web::{
    credentials::{AdminKey, Brought},
    visit::Visit,
};

use super::problem::Problem;

const MINUTE: Duration = Duration::from_secs(60);
const REFUSED_PER_IP: Quota = Quota { period: MINUTE, burst: 30 };

/// A request with a valid key.
#[derive(Clone)]
pub(crate) struct Admin {
    pub(crate) visit: Visit,
    pub(crate) holder: KeyHolder,
    /// Of a write with an idempotency key.
    pub(crate) once: Option<Once>,
}

impl<S: Sync> FromRequestParts<S> for Admin {
    type Rejection = StatusCode;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, StatusCode> {
        // `admit` adds it on every route.
        parts.extensions.get::<Self>().cloned().ok_or(StatusCode::INTERNAL_SERVER_ERROR)
    }
}

impl Admin {
    /// Refuses the request unless the key has this scope.
    pub(crate) fn require(&self, scope: AdminScope) -> Result<(), Problem> {
        if self.holder.scopes.contains(&scope) {
            return Ok(());
        }
        let detail = format!("this key lacks the scope {}", scope.as_str());
        Err(Problem::new(StatusCode::FORBIDDEN, "scope_missing", detail))
    }

    /// Who acts, for the flows.
    pub(crate) fn operator(&self) -> Actor {
        let mut audit_context = self.holder.audit_context.clone();
        audit_context.insert("admin_key_id".to_string(), self.holder.key_id.as_str().into());
        let (by, ip) = (TriggeredBy::AdminApi, Some(self.visit.ip));
        Actor { by, ip, audit_context, permit: None, once: self.once.clone() }
    }
}

/// Admits a request with a valid key, or returns an error response.
pub(crate) async fn admit(visit: Visit, mut request: Request, next: Next) -> Response {
    let key = AdminKey::keep(request.extensions_mut().remove::<Brought>().unwrap_or_default());
    match find_holder(&visit, key.token()).await {
        Ok(holder) => {
            request.extensions_mut().insert(Admin { visit, holder, once: None });
            next.run(request).await
        }
        Err(problem) => problem.into_response(),
    }
}

async fn find_holder(visit: &Visit, token: Option<String>) -> Result<KeyHolder, Problem> {
    let Visit { app, project, now, ip, .. } = visit;
    // Only a presented key counts as an attempt; without one nothing is guessed.
    let token = token.ok_or_else(Problem::unauthorized)?;
    let Some(holder) = authenticate(&visit.ctx(), &token).await? else {
        let subject = CounterSubject::Ip(ip_key(*ip));
        let taken = app.limits.take(project.no, Counter::AdminRefusedPerIp, subject, REFUSED_PER_IP, *now);
        return Err(taken.err().map_or_else(Problem::unauthorized, |over| Problem::too_many(over.retry_after)));
    };
    let quota = Quota { period: MINUTE, burst: app.config.admin_api.requests_per_minute };
    let subject = CounterSubject::LoginId(sha256(holder.key_id.as_bytes()));
    app.limits
        .take(project.no, Counter::AdminPerKey, subject, quota, *now)
        .map_err(|over| Problem::too_many(over.retry_after))?;
    Ok(holder)
}
