//! The answers that are kept under idempotency keys: what the handlers print, made where a write keeps it.

use serde::Serialize;
use vestibule_app::admin::idempotency::{Achieved, KeptAnswer};

use super::{
    event_views::{DeliveryView, WebhookTestView},
    handshakes::MergeView,
    retention_views::HoldView,
    views::{ApplicationView, NewKeyView, NewSecretView, ProjectView, UserDetailView, WebhookSecretView},
};

fn with_body<V: Serialize>(status: u16, view: &V) -> KeptAnswer {
    let body = serde_json::to_string(view).expect("an answer is plain JSON");
    KeptAnswer { status, version: None, body }
}

/// Prints the answer to a write.
pub(super) fn print(achieved: &Achieved<'_>) -> KeptAnswer {
    match *achieved {
        Achieved::Nothing => KeptAnswer { status: 204, version: None, body: String::new() },
        Achieved::UserCreated(user) => with_body(201, &UserDetailView::of(user.clone())),
        Achieved::UserChanged(user) => with_body(200, &UserDetailView::of(user.clone())),
        Achieved::HoldCreated(hold) => with_body(201, &HoldView::of(hold.clone())),
        Achieved::MergeChanged(merge) => with_body(200, &MergeView::of(merge.clone())),
        Achieved::Settings(settings, version) => {
            let answer = with_body(200, &ProjectView { settings: settings.clone(), version });
            KeptAnswer { version: Some(format!("\"{version}\"")), ..answer }
        }
        Achieved::ApplicationCreated(client) => with_body(201, &ApplicationView(client.clone())),
        Achieved::ApplicationReplaced(client) => with_body(200, &ApplicationView(client.clone())),
        Achieved::SecretCreated(info, text) => with_body(201, &NewSecretView::of(info.clone(), text.to_string())),
        Achieved::WebhookSecretCreated(secret) => {
            let view =
                WebhookSecretView { secret: secret.plain.clone(), standard_webhooks_secret: secret.standard.clone() };
            with_body(201, &view)
        }
        Achieved::KeyCreated(key, text) => with_body(201, &NewKeyView::of(key.clone(), text.map(str::to_string))),
        Achieved::DeliveryReplayed(delivery) => with_body(200, &DeliveryView::of(delivery.clone())),
        Achieved::WebhookTested(test) => with_body(200, &WebhookTestView::of(test.clone())),
    }
}
