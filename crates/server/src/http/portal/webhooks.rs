//! Webhooks: tests, the signing secret, and deliveries. `webhook_handlers.rs` edits the URLs.

use vestibule_domain::{operator::Role, time::Timestamp};
use vestibule_protocol::form::Form;
use vestibule_store::deliveries::{Delivery, DeliveryState};

use super::{PageResult, PortalError, PortalRoute, ProjectRequest, Verb};
use crate::{
    flows::admin::{
        AdminError, Clash,
        deliveries::{self, WebhookTest},
        settings,
        webhooks::{self as handlers, WebhookKind},
    },
    ui::portal::{
        DeliveryLine, Moment, PortalNotice, TestResultLine, WebhookLine, WebhookSecretPage, WebhooksPage,
        describe_seconds,
    },
};

const LIMIT: u32 = 50;

pub(super) fn routes() -> Vec<PortalRoute> {
    vec![
        PortalRoute::project(Verb::Get, "/portal/p/{project}/webhooks", Role::Viewer, show),
        PortalRoute::project(Verb::Post, "/portal/p/{project}/webhooks/test", Role::Editor, try_out),
        PortalRoute::project(Verb::Post, "/portal/p/{project}/webhooks/replay", Role::Editor, replay),
        PortalRoute::project(Verb::Get, "/portal/p/{project}/webhooks/secret", Role::Owner, show_secret),
        PortalRoute::project(Verb::Post, "/portal/p/{project}/webhooks/secret", Role::Owner, make_secret)
            .requires_reauthentication(),
    ]
}

fn state_of(request: &ProjectRequest) -> (DeliveryState, &'static str) {
    match request.field("state") {
        "dead" => (DeliveryState::Dead, "dead"),
        "taken" => (DeliveryState::Taken, "taken"),
        _ => (DeliveryState::Waiting, "waiting"),
    }
}

async fn show(request: ProjectRequest) -> PageResult {
    let page = page(&request, None).await?;
    request.show(&page)
}

async fn page(request: &ProjectRequest, test_result: Option<TestResultLine>) -> Result<WebhooksPage, PortalError> {
    let (state, word) = state_of(request);
    let cursor = Some(request.field("cursor")).filter(|cursor| !cursor.is_empty());
    let found = deliveries::list(&request.ctx(), state, cursor, LIMIT).await?;
    let hooks = request.project.settings.webhooks();
    let lines = [WebhookKind::Blocking, WebhookKind::Notification].into_iter().flat_map(|kind| {
        let of_kind: Vec<_> = hooks.iter().filter(|hook| hook.is_blocking == (kind == WebhookKind::Blocking)).collect();
        let names = handlers::name_all(of_kind.iter().map(|hook| hook.url));
        of_kind.into_iter().zip(names).map(move |(hook, name)| WebhookLine {
            url: hook.url.to_string(),
            events: hook.events.iter().map(|event| (*event).to_string()).collect(),
            is_blocking: hook.is_blocking,
            path: format!("/webhooks/{}/{name}", kind.as_str()),
        })
    });
    let settings = &request.project.settings;
    let timeouts = [settings.blocking_timeout(), settings.blocking_total_timeout(), settings.delivery_timeout()];
    Ok(WebhooksPage {
        webhooks: lines.collect(),
        timeouts: timeouts.map(|time| describe_seconds(time.as_secs())),
        has_secret: has_secret(request),
        test_result,
        state: word,
        deliveries: found.items.iter().map(line_of).collect(),
        next: found.next.map(|cursor| Form::from_pairs([("state", word), ("cursor", &cursor)]).print()),
    })
}

fn has_secret(request: &ProjectRequest) -> bool {
    request.project.keys.webhook_secrets(request.now).is_some()
}

fn line_of(delivery: &Delivery) -> DeliveryLine {
    let next = match delivery.state {
        DeliveryState::Waiting => Some(delivery.due_at),
        DeliveryState::Taken | DeliveryState::Dead => delivery.finished_at,
    };
    let status = delivery.last_status.map(|status| format!("status {status}"));
    DeliveryLine {
        id: delivery.id,
        kind: delivery.kind.clone(),
        url: delivery.url.clone(),
        attempts: delivery.attempts,
        created_at: Moment::new(delivery.created_at.to_rfc3339()),
        next_at: next.map(Timestamp::to_rfc3339).map(Moment::new),
        outcome: delivery.last_error.clone().or(status).unwrap_or_default(),
    }
}

async fn try_out(request: ProjectRequest) -> PageResult {
    let url = request.field("url");
    let test_result = match deliveries::try_out(&request.ctx(), &request.acting(), url).await {
        Ok(test_result) => test_result,
        Err(AdminError::NotFound(_)) => return request.done("/webhooks", PortalNotice::Gone),
        Err(error) => return Err(error.into()),
    };
    let WebhookTest { status, error } = test_result;
    let is_good = error.is_none();
    let outcome = error.or(status.map(|status| format!("status {status}"))).unwrap_or_default();
    let page = page(&request, Some(TestResultLine { url: url.to_string(), is_good, outcome })).await?;
    request.show(&page)
}

async fn replay(request: ProjectRequest) -> PageResult {
    let back = format!("/webhooks?state={}", state_of(&request).1);
    let Ok(id) = request.field("delivery").parse() else { return request.done(&back, PortalNotice::Gone) };
    match deliveries::replay(&request.ctx(), &request.acting(), id).await {
        Ok(_) => request.done(&back, PortalNotice::DeliveryReplayed),
        Err(AdminError::NotFound(_)) => request.done(&back, PortalNotice::Gone),
        Err(AdminError::Conflict(Clash::StillWaiting)) => request.done(&back, PortalNotice::Unchanged),
        Err(error) => Err(error.into()),
    }
}

async fn show_secret(request: ProjectRequest) -> PageResult {
    request.show(&WebhookSecretPage { has_secret: has_secret(&request), secret: None })
}

async fn make_secret(request: ProjectRequest) -> PageResult {
    let has_secret = has_secret(&request);
    let secret = settings::rotate_webhook_secret(&request.ctx(), &request.acting()).await?;
    request.show(&WebhookSecretPage { has_secret, secret: Some(secret) })
}
