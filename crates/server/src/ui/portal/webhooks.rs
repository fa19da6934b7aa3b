//! Webhooks: configuration, deliveries, tests and the signing secret.

use askama::Template;

use super::{
    frame::{PortalContext, PortalPage},
    moment::Moment,
};
use crate::ui::template::finish;

#[derive(Clone, Debug)]
pub struct WebhookLine {
    pub url: String,
    pub events: Vec<String>,
    pub is_blocking: bool,
    pub path: String,
}

/// A delivery of an event to a webhook.
#[derive(Clone, Debug)]
pub struct DeliveryLine {
    pub id: i64,
    pub kind: String,
    pub url: String,
    pub attempts: i64,
    pub created_at: Moment,
    /// The time of the next attempt, or of the final result.
    pub next_at: Option<Moment>,
    /// The result of the last attempt.
    pub outcome: String,
}

impl DeliveryLine {
    fn tries(&self) -> String {
        match self.attempts {
            0 => "not tried yet".into(),
            1 => "tried once".into(),
            times => format!("tried {times} times"),
        }
    }
}

/// The result of a webhook test.
#[derive(Clone, Debug)]
pub struct TestResultLine {
    pub url: String,
    pub is_good: bool,
    pub outcome: String,
}

#[derive(Clone, Debug)]
pub struct WebhooksPage {
    pub webhooks: Vec<WebhookLine>,
    /// The timeouts of one blocking webhook, of all for one event, and of a delivery, in words.
    pub timeouts: [String; 3],
    pub has_secret: bool,
    pub test_result: Option<TestResultLine>,
    /// `waiting`, `dead` or `taken`.
    pub state: &'static str,
    pub deliveries: Vec<DeliveryLine>,
    pub next: Option<String>,
}

/// The states of deliveries and their labels.
const STATES: [(&str, &str); 3] = [("waiting", "Pending"), ("dead", "Failed"), ("taken", "Delivered")];

impl WebhooksPage {
    pub fn samples() -> Vec<(&'static str, Self)> {
        let url = "https://shop.example/hook?a=1&b=<2>".to_string();
        let some = Self {
            webhooks: vec![
                WebhookLine {
                    url: url.clone(),
                    events: vec!["*".into()],
                    is_blocking: false,
                    path: "/webhooks/notification/00-0".into(),
                },
                WebhookLine {
                    url: url.clone(),
                    events: vec!["user.pre_create".into()],
                    is_blocking: true,
                    path: "/webhooks/blocking/00-0".into(),
                },
            ],
            timeouts: ["5 seconds".into(), "10 seconds".into(), "1 minute".into()],
            has_secret: true,
            test_result: Some(TestResultLine {
                url: url.clone(),
                is_good: false,
                outcome: "no answer within 10 seconds".into(),
            }),
            state: "dead",
            deliveries: vec![DeliveryLine {
                id: 7,
                kind: "user.created".into(),
                url,
                attempts: 30,
                created_at: Moment::new("2030-05-01T08:00:00.000Z"),
                next_at: Some(Moment::new("2030-05-04T08:00:00.000Z")),
                outcome: "the receiver answered with status 500".into(),
            }],
            next: Some("state=dead&cursor=7".into()),
        };
        let none = Self {
            webhooks: Vec::new(),
            timeouts: some.timeouts.clone(),
            has_secret: false,
            test_result: None,
            state: "waiting",
            deliveries: Vec::new(),
            next: None,
        };
        let good = Self {
            test_result: Some(TestResultLine {
                url: "https://shop.example".into(),
                is_good: true,
                outcome: "status 200".into(),
            }),
            state: "waiting",
            ..some.clone()
        };
        vec![("some", some), ("none", none), ("good", good)]
    }
}

impl WebhooksPage {
    fn states(&self) -> [(&'static str, &'static str, bool); 3] {
        STATES.map(|(state, name)| (state, name, state == self.state))
    }
}

impl PortalPage for WebhooksPage {
    fn title(&self) -> String {
        "Webhooks".into()
    }

    fn section(&self) -> Option<&'static str> {
        Some("webhooks")
    }

    fn body(&self, ctx: &PortalContext) -> String {
        finish(WebhooksBody { ctx, page: self }.render())
    }

    fn may_be_stored(&self) -> bool {
        true
    }
}

#[derive(Template)]
#[template(path = "portal/webhooks.html")]
struct WebhooksBody<'a> {
    ctx: &'a PortalContext,
    page: &'a WebhooksPage,
}

/// Creates a webhook secret, and shows it once.
#[derive(Clone, Debug)]
pub struct WebhookSecretPage {
    pub has_secret: bool,
    /// The new secret, after it was created.
    pub secret: Option<String>,
}

impl WebhookSecretPage {
    pub fn samples() -> Vec<(&'static str, Self)> {
        let ask = Self { has_secret: true, secret: None };
        let first = Self { has_secret: false, ..ask.clone() };
        let made = Self { secret: Some("00112233".into()), ..ask.clone() };
        vec![("ask", ask), ("first", first), ("made", made)]
    }
}

impl PortalPage for WebhookSecretPage {
    fn title(&self) -> String {
        "Webhook secret".into()
    }

    fn section(&self) -> Option<&'static str> {
        Some("webhooks")
    }

    fn above(&self) -> Option<(String, String)> {
        Some(("/webhooks".into(), "Webhooks".into()))
    }

    fn body(&self, ctx: &PortalContext) -> String {
        finish(SecretBody { ctx, page: self }.render())
    }
}

#[derive(Template)]
#[template(path = "portal/webhook_secret.html")]
struct SecretBody<'a> {
    ctx: &'a PortalContext,
    page: &'a WebhookSecretPage,
}
