//! Webhooks: tests, the signing secret, and deliveries. `webhook_handlers.rs` edits the URLs.

use vestibule_domain::{operator::Role, time::Timestamp};
use vestibule_protocol::form::Form;
use vestibule_store::deliveries::{Delivery, DeliveryState};

use super::{Answer, Desk, Door, Problem, Verb};
use crate::{
    flows::admin::{
        AdminError, Clash,
        deliveries::{self, Trial},
        settings,
        webhooks::{self as handlers, HandlerKind},
    },
    ui::portal::{
        DeliveryLine, Moment, PortalNotice, TrialLine, WebhookLine, WebhookSecretPage, WebhooksPage, describe_seconds,
    },
};

const LIMIT: u32 = 50;

pub(super) fn doors() -> Vec<Door> {
    vec![
        Door::desk(Verb::Get, "/portal/p/{project}/webhooks", Role::Viewer, show),
        Door::desk(Verb::Post, "/portal/p/{project}/webhooks/test", Role::Editor, try_out),
        Door::desk(Verb::Post, "/portal/p/{project}/webhooks/replay", Role::Editor, replay),
        Door::desk(Verb::Get, "/portal/p/{project}/webhooks/secret", Role::Owner, show_secret),
        Door::desk(Verb::Post, "/portal/p/{project}/webhooks/secret", Role::Owner, make_secret).dangerous(),
    ]
}

fn state_of(desk: &Desk) -> (DeliveryState, &'static str) {
    match desk.field("state") {
        "dead" => (DeliveryState::Dead, "dead"),
        "taken" => (DeliveryState::Taken, "taken"),
        _ => (DeliveryState::Waiting, "waiting"),
    }
}

async fn show(desk: Desk) -> Answer {
    let page = page(&desk, None).await?;
    desk.show(&page)
}

async fn page(desk: &Desk, trial: Option<TrialLine>) -> Result<WebhooksPage, Problem> {
    let (state, word) = state_of(desk);
    let cursor = Some(desk.field("cursor")).filter(|cursor| !cursor.is_empty());
    let found = deliveries::list(&desk.app, &desk.project, state, cursor, LIMIT).await?;
    let hooks = desk.project.settings.webhooks();
    let lines = [HandlerKind::Asked, HandlerKind::Told].into_iter().flat_map(|kind| {
        let of_kind: Vec<_> = hooks.iter().filter(|hook| hook.is_blocking == (kind == HandlerKind::Asked)).collect();
        let names = handlers::name_all(of_kind.iter().map(|hook| hook.url));
        of_kind.into_iter().zip(names).map(move |(hook, name)| WebhookLine {
            url: hook.url.to_string(),
            events: hook.events.iter().map(|event| (*event).to_string()).collect(),
            is_blocking: hook.is_blocking,
            path: format!("/webhooks/{}/{name}", kind.as_str()),
        })
    });
    let settings = &desk.project.settings;
    let patience = [settings.blocking_timeout(), settings.blocking_total_timeout(), settings.delivery_timeout()];
    Ok(WebhooksPage {
        webhooks: lines.collect(),
        patience: patience.map(|time| describe_seconds(time.as_secs())),
        has_secret: has_secret(desk),
        trial,
        state: word,
        deliveries: found.items.iter().map(line_of).collect(),
        next: found.next.map(|cursor| Form::from_pairs([("state", word), ("cursor", &cursor)]).print()),
    })
}

fn has_secret(desk: &Desk) -> bool {
    desk.project.keys.webhook_secrets(desk.now).is_some()
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

async fn try_out(desk: Desk) -> Answer {
    let url = desk.field("url");
    let trial = match deliveries::try_out(&desk.app, &desk.project, &desk.acting(), url, desk.now).await {
        Ok(trial) => trial,
        Err(AdminError::NotFound(_)) => return desk.done("/webhooks", PortalNotice::Gone),
        Err(error) => return Err(error.into()),
    };
    let Trial { status, error } = trial;
    let is_good = error.is_none();
    let outcome = error.or(status.map(|status| format!("status {status}"))).unwrap_or_default();
    let page = page(&desk, Some(TrialLine { url: url.to_string(), is_good, outcome })).await?;
    desk.show(&page)
}

async fn replay(desk: Desk) -> Answer {
    let back = format!("/webhooks?state={}", state_of(&desk).1);
    let Ok(id) = desk.field("delivery").parse() else { return desk.done(&back, PortalNotice::Gone) };
    match deliveries::replay(&desk.app, &desk.project, &desk.acting(), id, desk.now).await {
        Ok(_) => desk.done(&back, PortalNotice::DeliveryReplayed),
        Err(AdminError::NotFound(_)) => desk.done(&back, PortalNotice::Gone),
        Err(AdminError::Conflict(Clash::StillWaiting)) => desk.done(&back, PortalNotice::Unchanged),
        Err(error) => Err(error.into()),
    }
}

async fn show_secret(desk: Desk) -> Answer {
    desk.show(&WebhookSecretPage { has_secret: has_secret(&desk), secret: None })
}

async fn make_secret(desk: Desk) -> Answer {
    let has_secret = has_secret(&desk);
    let secret = settings::rotate_webhook_secret(&desk.app, &desk.project, &desk.acting(), desk.now).await?;
    desk.show(&WebhookSecretPage { has_secret, secret: Some(secret) })
}
