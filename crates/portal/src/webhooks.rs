//! Webhooks: tests, the signing secret, and deliveries. `webhook_handlers.rs` edits the URLs.

use askama::Template;
use vestibule_app::admin::{
    AdminError, Clash,
    deliveries::{self, WebhookTest},
    settings::{self, NewWebhookSecret},
    webhooks::{self as handlers, WebhookKind},
};
use vestibule_domain::{
    delivery::{Delivery, DeliveryState},
    operator::Role,
    time::Timestamp,
};
use vestibule_protocol::form::Form;
use vestibule_web::template::finish;

use crate::{
    PageResult, PortalError, PortalRoute, ProjectRequest, Verb,
    control::describe_seconds,
    delivery::{self, TrialView},
    frame::{PortalContext, PortalPage},
    moment::Moment,
    notice::PortalNotice,
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
        trial: None,
        state: word,
        unreadable: deliveries::count_unreadable(&request.ctx()).await?,
        deliveries: found.items.iter().map(DeliveryLine::of).collect(),
        next: found.next.map(|cursor| Form::from_pairs([("state", word), ("cursor", &cursor)]).print()),
    })
}

fn has_secret(request: &ProjectRequest) -> bool {
    request.project.keys.webhook_secrets(request.now).is_some()
}

async fn try_out(request: ProjectRequest) -> PageResult {
    let url = request.field("url");
    let trial = match deliveries::try_out(&request.ctx(), &request.acting(), url).await {
        Ok(trial) => trial,
        Err(AdminError::NotFound(_)) => return request.done("/webhooks", PortalNotice::Gone),
        Err(error) => return Err(error.into()),
    };
    let view = TrialView::of(&trial);
    let WebhookTest { status, error } = trial.result;
    let is_good = error.is_none();
    let outcome = error.or(status.map(|status| format!("status {status}"))).unwrap_or_default();
    let page = page(&request, Some(TestResultLine { url: url.to_string(), is_good, outcome })).await?;
    let page = WebhooksPage { trial: Some(view), ..page };
    request.show(&page)
}

async fn replay(request: ProjectRequest) -> PageResult {
    let list = format!("/webhooks?state={}", state_of(&request).1);
    let Ok(id) = request.field("delivery").parse() else { return request.done(&list, PortalNotice::Gone) };
    let back = if request.field("view") == "delivery" { delivery::path_of(id) } else { list.clone() };
    match deliveries::replay(&request.ctx(), &request.acting(), id).await {
        Ok(_) => request.done(&back, PortalNotice::DeliveryReplayed),
        Err(AdminError::NotFound(_)) => request.done(&list, PortalNotice::Gone),
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

#[derive(Clone, Debug)]
pub(crate) struct WebhookLine {
    pub url: String,
    pub events: Vec<String>,
    pub is_blocking: bool,
    pub path: String,
}

/// A delivery of an event to a webhook.
#[derive(Clone, Debug)]
pub(crate) struct DeliveryLine {
    pub id: i64,
    pub kind: String,
    pub url: String,
    pub attempts: i64,
    pub created_at: Moment,
    /// The time of the next attempt, or of the final result.
    pub next_at: Option<Moment>,
    /// How long the last attempt took.
    pub took: Option<String>,
    /// The result of the last attempt.
    pub outcome: String,
}

impl DeliveryLine {
    pub(super) fn of(delivery: &Delivery) -> Self {
        let next = match delivery.state {
            DeliveryState::Waiting => Some(delivery.due_at),
            DeliveryState::Taken | DeliveryState::Dead => delivery.finished_at,
        };
        let status = delivery.last_status.map(|status| format!("status {status}"));
        Self {
            id: delivery.id,
            kind: delivery.kind.clone(),
            url: delivery.url.clone(),
            attempts: delivery.attempts,
            created_at: Moment::new(delivery.created_at.to_rfc3339()),
            next_at: next.map(Timestamp::to_rfc3339).map(Moment::new),
            took: delivery.tries.last().map(|one| delivery::print_millis(one.took_ms)),
            outcome: delivery.last_error.clone().or(status).unwrap_or_default(),
        }
    }

    pub(super) fn tries(&self) -> String {
        match self.attempts {
            0 => "not tried yet".into(),
            1 => "tried once".into(),
            times => format!("tried {times} times"),
        }
    }
}

/// The result of a webhook test.
#[derive(Clone, Debug)]
pub(crate) struct TestResultLine {
    pub url: String,
    pub is_good: bool,
    pub outcome: String,
}

#[derive(Clone, Debug)]
pub(crate) struct WebhooksPage {
    pub webhooks: Vec<WebhookLine>,
    /// The timeouts of one blocking webhook, of all for one event, and of a delivery, in words.
    pub timeouts: [String; 3],
    pub has_secret: bool,
    pub test_result: Option<TestResultLine>,
    /// What the test sent, and what was answered.
    pub trial: Option<TrialView>,
    /// Events that could not be read and are kept aside.
    pub unreadable: i64,
    /// `waiting`, `dead` or `taken`.
    pub state: &'static str,
    pub deliveries: Vec<DeliveryLine>,
    pub next: Option<String>,
}

/// The states of deliveries and their labels.
const STATES: [(&str, &str); 3] = [("waiting", "Pending"), ("dead", "Failed"), ("taken", "Delivered")];

impl WebhooksPage {
    #[cfg(test)]
    pub(crate) fn samples() -> Vec<(&'static str, Self)> {
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
            trial: Some(TrialView { answer: None, ..TrialView::sample() }),
            unreadable: 2,
            state: "dead",
            deliveries: vec![DeliveryLine {
                id: 7,
                kind: "user.created".into(),
                url,
                attempts: 30,
                created_at: Moment::new("2030-05-01T08:00:00.000Z"),
                next_at: Some(Moment::new("2030-05-04T08:00:00.000Z")),
                took: Some("12 ms".into()),
                outcome: "the receiver answered with status 500".into(),
            }],
            next: Some("state=dead&cursor=7".into()),
        };
        let none = Self {
            webhooks: Vec::new(),
            timeouts: some.timeouts.clone(),
            has_secret: false,
            test_result: None,
            trial: None,
            unreadable: 0,
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
            trial: Some(TrialView::sample()),
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
pub(crate) struct WebhookSecretPage {
    pub has_secret: bool,
    /// The new secret, after it was created.
    pub secret: Option<NewWebhookSecret>,
}

impl WebhookSecretPage {
    #[cfg(test)]
    pub(crate) fn samples() -> Vec<(&'static str, Self)> {
        let ask = Self { has_secret: true, secret: None };
        let first = Self { has_secret: false, ..ask.clone() };
        let secret = NewWebhookSecret { plain: "00112233".into(), standard: "whsec_MDAxMTIyMzM=".into() };
        let made = Self { secret: Some(secret), ..ask.clone() };
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
