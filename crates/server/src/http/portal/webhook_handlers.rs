//! Webhook URLs: adding, changing and removing notification and blocking webhooks, and their timeouts.

use axum::http::StatusCode;
use vestibule_domain::{
    event::{BLOCKING, NON_BLOCKING},
    operator::Role,
};

use super::{
    PageResult, PortalError, PortalRoute, ProjectRequest, Verb,
    settings_form::{self, BoundControl, DocumentScope, FieldBinding, FormView, Panel, SaveResult, SettingsForm},
};
use crate::{
    flows::admin::{
        AdminError,
        webhooks::{self, WebhookKind},
    },
    ui::portal::{
        ConfirmActionPage, Control, ControlKind, Extra, Hidden, PanelView, Pick, PortalNotice, SettingsFormPage,
    },
};

pub(super) fn routes() -> Vec<PortalRoute> {
    const NEW: &str = "/portal/p/{project}/webhooks/{kind}/new";
    const ONE: &str = "/portal/p/{project}/webhooks/{kind}/{handler}";
    const REMOVE: &str = "/portal/p/{project}/webhooks/{kind}/{handler}/remove";
    const TIME_OUTS: &str = "/portal/p/{project}/webhooks/time-outs";
    vec![
        PortalRoute::project(Verb::Get, NEW, Role::Editor, show_new),
        PortalRoute::project(Verb::Post, NEW, Role::Editor, add),
        PortalRoute::project(Verb::Get, ONE, Role::Viewer, show),
        PortalRoute::project(Verb::Post, ONE, Role::Editor, change),
        PortalRoute::project(Verb::Get, REMOVE, Role::Editor, ask_remove),
        PortalRoute::project(Verb::Post, REMOVE, Role::Editor, remove),
        PortalRoute::project(Verb::Get, TIME_OUTS, Role::Viewer, show_time_outs),
        PortalRoute::project(Verb::Post, TIME_OUTS, Role::Editor, save_time_outs),
    ]
}

fn kind_of(request: &ProjectRequest) -> Result<WebhookKind, PortalError> {
    WebhookKind::parse(request.param("kind")).ok_or(PortalError::Missing)
}

fn describe(event: &str) -> (&str, &'static str) {
    match event {
        "*" => ("All events", "Including future events."),
        "user.created" => (event, "A guest or member was created."),
        "user.anonymous.promoted" => (event, "A guest became a member."),
        "user.authenticated" => (event, "A member signed in."),
        "user.signed_out" => (event, "A user signed out."),
        "user.disabled" => (event, "User disabled by an operator."),
        "user.reenabled" => (event, "User enabled by an operator."),
        "user.updated" => (event, "User attributes changed by an operator."),
        "user.deleted" => (event, "User deleted."),
        "session.revoked" => (event, "A session ended other than by the user signing out."),
        "user.pre_create" => {
            ("Before a user is created", "user.pre_create, guests included. A refusal stops the sign-up.")
        }
        "user.anonymous.pre_promote" => {
            ("Before a guest becomes a member", "user.anonymous.pre_promote. After a refusal, the guest stays a guest.")
        }
        _ => (event, ""),
    }
}

fn picks(events: &[&str]) -> Vec<Pick> {
    let pick = |event: &&str| {
        let (label, hint) = describe(event);
        Pick::new(*event, label, hint)
    };
    events.iter().map(pick).collect()
}

fn build_form(request: &ProjectRequest, kind: WebhookKind, name: Option<&str>) -> SettingsForm {
    let url = BoundControl {
        control: Control::new("url", "URL", ControlKind::Line("url"), "")
            .hint("Receives a signed POST request with JSON. Must be reachable from this server.")
            .placeholder("https://shop.example/hooks")
            .required(),
        binding: FieldBinding::Required { path: "url", why: "Enter a URL such as https://shop.example/hooks." },
    };
    let (rows, hint) = match kind {
        WebhookKind::Notification => {
            let events = BoundControl {
                control: Control::new("events", "Events", ControlKind::Checks(picks(&NON_BLOCKING)), ""),
                binding: FieldBinding::Words { path: "events", all: &NON_BLOCKING },
            };
            (vec![url, events], "Sent after an event, at least once and in order for each user.")
        }
        WebhookKind::Blocking => {
            let event = BoundControl {
                control: Control::new("event", "Event", ControlKind::Radio(picks(&BLOCKING)), ""),
                binding: FieldBinding::Required { path: "event", why: "Choose an option." },
            };
            (vec![url, event], "Sent before an event happens. No answer in time counts as a refusal.")
        }
    };
    let link = name.filter(|_| request.may_edit()).map(|name| {
        (request.href(&format!("/webhooks/{}/{name}/remove", kind.as_str())), "Remove webhook".to_string())
    });
    let title = match kind {
        WebhookKind::Notification => "Notification webhook",
        WebhookKind::Blocking => "Blocking webhook",
    };
    let view = PanelView { title: title.into(), hint: hint.into(), link, ..PanelView::default() };
    let scope = match name {
        Some(name) => DocumentScope::Handler(kind, name.to_string()),
        None => DocumentScope::NewHandler(kind),
    };
    SettingsForm { scope, panels: vec![Panel { view, rows, scope: None }] }
}

fn look(title: &str) -> FormView {
    FormView {
        title: title.into(),
        lead: "Every request is signed with the project's webhook secret.".into(),
        section: "webhooks",
        above: Some(("/webhooks".into(), "Webhooks".into())),
        extra: Extra::None,
    }
}

async fn show_new(request: ProjectRequest) -> PageResult {
    settings_form::show(&request, build_form(&request, kind_of(&request)?, None), look("New webhook")).await
}

async fn add(request: ProjectRequest) -> PageResult {
    let kind = kind_of(&request)?;
    let sent = build_form(&request, kind, None)
        .save(&request, &known_faults(&request).await, ("webhooks", "New webhook"))
        .await?;
    answer(&request, kind, sent, "New webhook")
}

async fn show(request: ProjectRequest) -> PageResult {
    settings_form::show(
        &request,
        build_form(&request, kind_of(&request)?, Some(request.param("handler"))),
        look("Webhook"),
    )
    .await
}

async fn change(request: ProjectRequest) -> PageResult {
    let (kind, name) = (kind_of(&request)?, request.param("handler"));
    let settings_form = build_form(&request, kind, Some(name));
    match settings_form.save(&request, &known_faults(&request).await, ("webhooks", "Webhook")).await {
        // Removed or changed by another operator: keep the input.
        Err(PortalError::Missing) => {
            let sent = build_form(&request, kind, None).start_anew(&request, DocumentScope::NewHandler(kind)).await?;
            answer(&request, kind, sent, "New webhook")
        }
        sent => answer(&request, kind, sent?, "Webhook"),
    }
}

/// Errors of the URL that validating the settings does not find.
async fn known_faults(request: &ProjectRequest) -> Vec<(String, String)> {
    match request.field("url").trim() {
        "" => Vec::new(),
        url => {
            let why = webhooks::describe_problem(&request.app, url).await;
            why.map(|why| ("url".to_string(), settings_form::sentence(&why))).into_iter().collect()
        }
    }
}

fn answer(request: &ProjectRequest, kind: WebhookKind, sent: SaveResult, title: &str) -> PageResult {
    let (settings_form, base, conflict, status) = match sent {
        SaveResult::Done(notice) => return request.done("/webhooks", notice),
        SaveResult::Ask(page) => return request.show(&*page),
        SaveResult::Back { settings_form, base } => (settings_form, base, None, StatusCode::OK),
        SaveResult::Again { settings_form, base, conflict: None } => {
            (settings_form, base, None, StatusCode::UNPROCESSABLE_ENTITY)
        }
        SaveResult::Again { settings_form, base, conflict } => (settings_form, base, conflict, StatusCode::CONFLICT),
    };
    let is_new = matches!(settings_form.scope, DocumentScope::NewHandler(_));
    let page = settings_form.page(request, base, conflict, look(title));
    let page = match is_new {
        true => SettingsFormPage { action: request.href(&format!("/webhooks/{}/new", kind.as_str())), ..page },
        false => page,
    };
    Ok(request.page(status, &page))
}

async fn ask_remove(request: ProjectRequest) -> PageResult {
    let (kind, name) = (kind_of(&request)?, request.param("handler"));
    let hooks = request.project.settings.webhooks();
    let urls: Vec<&str> =
        hooks.iter().filter(|hook| hook.is_blocking == (kind == WebhookKind::Blocking)).map(|hook| hook.url).collect();
    let names = webhooks::name_all(urls.iter().copied());
    let at = names.iter().position(|one| one == name).ok_or(PortalError::Missing)?;
    let what = match kind {
        WebhookKind::Notification => "It gets no new events. Pending deliveries are still sent.",
        WebhookKind::Blocking => "It is no longer called, so it can't refuse sign-ups or promotions.",
    };
    request.show(&ConfirmActionPage {
        title: "Remove this webhook?".into(),
        facts: vec![urls[at].to_string(), what.into()],
        section: "webhooks",
        back: ("/webhooks".into(), "Webhooks".into()),
        action: request.path().to_string(),
        controls: Vec::new(),
        hidden: Hidden::default(),
        button: "Remove webhook".into(),
        is_danger: true,
    })
}

async fn remove(request: ProjectRequest) -> PageResult {
    let which = (kind_of(&request)?, request.param("handler"));
    match webhooks::remove(&request.ctx(), &request.acting(), which).await {
        Ok(()) => request.done("/webhooks", PortalNotice::WebhookRemoved),
        Err(AdminError::NotFound(_)) => request.done("/webhooks", PortalNotice::Gone),
        Err(error) => Err(error.into()),
    }
}

fn time_outs() -> SettingsForm {
    let row = |name: &str, label: &str, hint: &str, path: &'static str, default: u32| BoundControl {
        control: Control::new(name, label, ControlKind::Number { unit: "seconds", min: 1 }, "").hint(hint),
        binding: FieldBinding::Number { path, default },
    };
    let rows = vec![
        row(
            "question",
            "Blocking webhook timeout",
            "No answer in time counts as a refusal. Default: 5 seconds.",
            "hook.sync_hook_timeout_seconds",
            5,
        ),
        row(
            "questions",
            "Total timeout per event",
            "For all blocking webhooks of one event together. Default: 10 seconds.",
            "hook.sync_hook_total_timeout_seconds",
            10,
        ),
        row(
            "delivery",
            "Notification timeout",
            "After this time, the delivery is retried later. Default: 60 seconds.",
            "hook.delivery_timeout_seconds",
            60,
        ),
    ];
    let view = PanelView { title: "Timeouts".into(), ..PanelView::default() };
    SettingsForm { scope: DocumentScope::Project, panels: vec![Panel { view, rows, scope: None }] }
}

fn look_at_time_outs(_: &ProjectRequest) -> FormView {
    FormView { lead: "Users wait while a blocking webhook runs.".into(), ..look("Webhook timeouts") }
}

async fn show_time_outs(request: ProjectRequest) -> PageResult {
    settings_form::show(&request, time_outs(), look_at_time_outs(&request)).await
}

async fn save_time_outs(request: ProjectRequest) -> PageResult {
    settings_form::save(&request, time_outs(), look_at_time_outs).await
}
