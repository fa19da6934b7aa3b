//! Webhook URLs: adding, changing and removing notification and blocking webhooks, and their timeouts.

use axum::http::StatusCode;
use vestibule_app::admin::{
    AdminError,
    webhooks::{self, WebhookKind},
};
use vestibule_domain::operator::Role;

use crate::{
    PageResult, PortalError, PortalRoute, ProjectRequest, Verb,
    bound_control::{BoundControl, control},
    confirmation::{ConfirmActionPage, Hidden},
    notice::PortalNotice,
    settings_form::{self, DocumentScope, FormView, Panel, SaveResult, SettingsForm},
    settings_page::{Extra, SettingsFormPage},
};

pub(super) fn routes() -> Vec<PortalRoute> {
    const NEW: &str = "/portal/p/{project}/webhooks/{kind}/new";
    const ONE: &str = "/portal/p/{project}/webhooks/{kind}/{handler}";
    const REMOVE: &str = "/portal/p/{project}/webhooks/{kind}/{handler}/remove";
    const TIME_OUTS: &str = "/portal/p/{project}/webhooks/time-outs";
    let mut routes = settings_form::routes(TIME_OUTS, |_| time_outs(), look_at_time_outs);
    routes.extend([
        PortalRoute::project(Verb::Get, NEW, Role::Editor, show_new),
        PortalRoute::project(Verb::Post, NEW, Role::Editor, add),
        PortalRoute::project(Verb::Get, ONE, Role::Viewer, show),
        PortalRoute::project(Verb::Post, ONE, Role::Editor, change),
        PortalRoute::project(Verb::Get, REMOVE, Role::Editor, ask_remove),
        PortalRoute::project(Verb::Post, REMOVE, Role::Editor, remove),
    ]);
    routes
}

fn kind_of(request: &ProjectRequest) -> Result<WebhookKind, PortalError> {
    WebhookKind::parse(request.param("kind")).ok_or(PortalError::Missing)
}

fn describe(event: &str) -> (&str, &'static str) {
    match event {
        "*" => ("All events", "Including future events."),
        "user.created" => (event, "A guest or member was created."),
        "user.anonymous.promoted" => (event, "A guest became a member."),
        "user.anonymous.expiring" => (event, "A guest will expire unless it is used. The answer may keep it."),
        "user.anonymous.expired" => (event, "A guest expired: its sessions ended."),
        "user.anonymous.revived" => (event, "An expired guest was used again, or an operator revived it."),
        "user.merge.requested" => {
            (event, "A guest is to be merged, and waits until your server has moved its data: this webhook decides.")
        }
        "user.merged" => (event, "A guest was merged into a member."),
        "user.merge.refused" => (event, "A guest was not merged and stays a guest: move its data back."),
        "user.merge.undone" => (event, "A merge was undone: the guest is a guest again. Move its data back."),
        "user.authenticated" => (event, "A member signed in."),
        "user.signed_out" => (event, "A user signed out."),
        "user.disabled" => (event, "User disabled by an operator."),
        "user.reenabled" => (event, "User enabled by an operator."),
        "user.updated" => (event, "User attributes changed by an operator."),
        "user.deleted" => (event, "User deleted."),
        "user.consent.granted" => (event, "A member agreed to a third-party application."),
        "user.consent.revoked" => (event, "A third-party application lost its access to an account."),
        "identity.oauth.connected" => (event, "An account at a provider was connected to an existing user."),
        "identity.oauth.disconnected" => (event, "An account at a provider was removed from its user."),
        "session.revoked" => (event, "A session ended other than by the user signing out."),
        "message.sms_budget_used_up" => {
            (event, "The project sent all text messages that it may send to new numbers for now.")
        }
        "user.pre_create" => {
            ("Before a user is created", "user.pre_create, guests included. A refusal stops the sign-up.")
        }
        "user.anonymous.pre_promote" => {
            ("Before a guest becomes a member", "user.anonymous.pre_promote. After a refusal, the guest stays a guest.")
        }
        _ => (event, ""),
    }
}

/// The controls of a webhook.
pub(super) fn rows(kind: WebhookKind) -> Vec<BoundControl> {
    let of = |key: &str| format!("{}[].{key}", kind.list());
    let url = control(&of("url"), "url", "URL")
        .input("url")
        .hint("Receives a signed POST request with JSON. Must be reachable from this server.")
        .placeholder("https://shop.example/hooks");
    let events = match kind {
        WebhookKind::Notification => control(&of("events"), "events", "Events").choices(describe),
        WebhookKind::Blocking => control(&of("event"), "event", "Event").choices(describe).radio(),
    };
    vec![url, events]
}

fn build_form(request: &ProjectRequest, kind: WebhookKind, name: Option<&str>) -> SettingsForm {
    let link = name.filter(|_| request.may_edit()).map(|name| {
        (request.href(&format!("/webhooks/{}/{name}/remove", kind.as_str())), "Remove webhook".to_string())
    });
    let (title, hint) = match kind {
        WebhookKind::Notification => {
            ("Notification webhook", "Sent after an event, at least once and in order for each user.")
        }
        WebhookKind::Blocking => {
            ("Blocking webhook", "Sent before an event happens. No answer in time counts as a refusal.")
        }
    };
    let mut panel = Panel::new(title, hint, rows(kind));
    panel.view.link = link;
    let scope = match name {
        Some(name) => DocumentScope::Handler(kind, name.to_string()),
        None => DocumentScope::NewHandler(kind),
    };
    SettingsForm { scope, panels: vec![panel] }
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
            let why = webhooks::describe_problem(&request.app, request.project.no, url).await;
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

pub(super) fn time_outs() -> SettingsForm {
    let rows = vec![
        control("hook.sync_hook_timeout_seconds", "question", "Blocking webhook timeout")
            .hint("No answer in time counts as a refusal."),
        control("hook.sync_hook_total_timeout_seconds", "questions", "Total timeout per event")
            .hint("For all blocking webhooks of one event together."),
        control("hook.delivery_timeout_seconds", "delivery", "Notification timeout")
            .hint("After this time, the delivery is retried later."),
    ];
    SettingsForm { scope: DocumentScope::Project, panels: vec![Panel::new("Timeouts", "", rows)] }
}

fn look_at_time_outs(_: &ProjectRequest) -> FormView {
    FormView { lead: "Users wait while a blocking webhook runs.".into(), ..look("Webhook timeouts") }
}

#[cfg(test)]
mod tests {
    use vestibule_domain::event::{BLOCKING, NON_BLOCKING};

    use super::*;

    #[test]
    fn every_event_is_described() {
        for event in NON_BLOCKING.into_iter().chain(BLOCKING) {
            assert!(!describe(event).1.is_empty(), "{event} is not described");
        }
    }
}
