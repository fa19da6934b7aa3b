//! The addresses webhooks lead to: adding, changing and removing those that are told and those that are asked, and how long
//! each may take.

use axum::http::StatusCode;
use vestibule_domain::{
    event::{BLOCKING, NON_BLOCKING},
    operator::Role,
};

use super::{
    Answer, Desk, Door, Problem, Verb,
    sheet::{self, Look, Panel, Part, Place, Row, Sent, Sheet},
};
use crate::{
    flows::admin::{
        AdminError,
        webhooks::{self, HandlerKind},
    },
    ui::portal::{ConfirmActionPage, Control, ControlKind, Extra, Hidden, PanelView, Pick, PortalNotice, SheetPage},
};

pub(super) fn doors() -> Vec<Door> {
    const NEW: &str = "/portal/p/{project}/webhooks/{kind}/new";
    const ONE: &str = "/portal/p/{project}/webhooks/{kind}/{handler}";
    const REMOVE: &str = "/portal/p/{project}/webhooks/{kind}/{handler}/remove";
    const TIME_OUTS: &str = "/portal/p/{project}/webhooks/time-outs";
    vec![
        Door::desk(Verb::Get, NEW, Role::Editor, show_new),
        Door::desk(Verb::Post, NEW, Role::Editor, add),
        Door::desk(Verb::Get, ONE, Role::Viewer, show),
        Door::desk(Verb::Post, ONE, Role::Editor, change),
        Door::desk(Verb::Get, REMOVE, Role::Editor, ask_remove),
        Door::desk(Verb::Post, REMOVE, Role::Editor, remove),
        Door::desk(Verb::Get, TIME_OUTS, Role::Viewer, show_time_outs),
        Door::desk(Verb::Post, TIME_OUTS, Role::Editor, save_time_outs),
    ]
}

fn kind_of(desk: &Desk) -> Result<HandlerKind, Problem> {
    HandlerKind::parse(desk.param("kind")).ok_or(Problem::Missing)
}

fn describe(event: &str) -> (&str, &'static str) {
    match event {
        "*" => ("All events", "Those to come included."),
        "user.created" => (event, "A guest or a member came."),
        "user.anonymous.promoted" => (event, "A guest became a member."),
        "user.authenticated" => (event, "A member signed in."),
        "user.signed_out" => (event, "A user signed out."),
        "user.disabled" => (event, "An operator lets a user in no more."),
        "user.reenabled" => (event, "An operator lets a user in again."),
        "user.updated" => (event, "An operator changed a user's attributes."),
        "user.deleted" => (event, "A user is gone."),
        "session.revoked" => (event, "A session was ended by somebody else than its user."),
        "user.pre_create" => ("Before a user is made", "user.pre_create: guests included. A no refuses the sign-up."),
        "user.anonymous.pre_promote" => {
            ("Before a guest becomes a member", "user.anonymous.pre_promote. After a no the guest stays a guest.")
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

fn plan(desk: &Desk, kind: HandlerKind, name: Option<&str>) -> Sheet {
    let url = Row {
        control: Control::new("url", "Address", ControlKind::Line("url"), "")
            .hint("Gets a signed POST with JSON. It must be reachable from this server.")
            .placeholder("https://shop.example/hooks")
            .required(),
        place: Place::Required { path: "url", why: "Write an address such as https://shop.example/hooks." },
    };
    let (rows, hint) = match kind {
        HandlerKind::Told => {
            let events = Row {
                control: Control::new("events", "Events", ControlKind::Checks(picks(&NON_BLOCKING)), ""),
                place: Place::Words { path: "events", all: &NON_BLOCKING },
            };
            (vec![url, events], "Told after something happened: at least once, in order for each user.")
        }
        HandlerKind::Asked => {
            let event = Row {
                control: Control::new("event", "When it is asked", ControlKind::Radio(picks(&BLOCKING)), ""),
                place: Place::Required { path: "event", why: "Choose one." },
            };
            (vec![url, event], "Asked before something happens. Whoever does not answer in time says no.")
        }
    };
    let link = name.filter(|_| desk.may_edit()).map(|name| {
        (desk.href(&format!("/webhooks/{}/{name}/remove", kind.as_str())), "Remove this address".to_string())
    });
    let title = match kind {
        HandlerKind::Told => "An address that is told",
        HandlerKind::Asked => "An address that is asked",
    };
    let view = PanelView { title: title.into(), hint: hint.into(), link, ..PanelView::default() };
    let part = match name {
        Some(name) => Part::Handler(kind, name.to_string()),
        None => Part::NewHandler(kind),
    };
    Sheet { part, panels: vec![Panel { view, rows, part: None }] }
}

fn look(title: &str) -> Look {
    Look {
        title: title.into(),
        lead: "Every message is signed with the project's webhook secret.".into(),
        section: "webhooks",
        above: Some(("/webhooks".into(), "Webhooks".into())),
        extra: Extra::None,
    }
}

async fn show_new(desk: Desk) -> Answer {
    sheet::show(&desk, plan(&desk, kind_of(&desk)?, None), look("New webhook")).await
}

async fn add(desk: Desk) -> Answer {
    let kind = kind_of(&desk)?;
    let sent = plan(&desk, kind, None).save(&desk, &known_faults(&desk).await, ("webhooks", "New webhook")).await?;
    answer(&desk, kind, sent, "New webhook")
}

async fn show(desk: Desk) -> Answer {
    sheet::show(&desk, plan(&desk, kind_of(&desk)?, Some(desk.param("handler"))), look("Webhook")).await
}

async fn change(desk: Desk) -> Answer {
    let (kind, name) = (kind_of(&desk)?, desk.param("handler"));
    let sheet = plan(&desk, kind, Some(name));
    match sheet.save(&desk, &known_faults(&desk).await, ("webhooks", "Webhook")).await {
        // Removed, or led elsewhere by somebody else: what was typed is not lost.
        Err(Problem::Missing) => {
            let sent = plan(&desk, kind, None).start_anew(&desk, Part::NewHandler(kind)).await?;
            answer(&desk, kind, sent, "New webhook")
        }
        sent => answer(&desk, kind, sent?, "Webhook"),
    }
}

/// What is wrong with the address that the settings do not know of.
async fn known_faults(desk: &Desk) -> Vec<(String, String)> {
    match desk.field("url").trim() {
        "" => Vec::new(),
        url => {
            let why = webhooks::complain_of(&desk.app, url).await;
            why.map(|why| ("url".to_string(), sheet::sentence(&why))).into_iter().collect()
        }
    }
}

fn answer(desk: &Desk, kind: HandlerKind, sent: Sent, title: &str) -> Answer {
    let (sheet, base, conflict, status) = match sent {
        Sent::Done(notice) => return desk.done("/webhooks", notice),
        Sent::Ask(page) => return desk.show(&*page),
        Sent::Back { sheet, base } => (sheet, base, None, StatusCode::OK),
        Sent::Again { sheet, base, conflict: None } => (sheet, base, None, StatusCode::UNPROCESSABLE_ENTITY),
        Sent::Again { sheet, base, conflict } => (sheet, base, conflict, StatusCode::CONFLICT),
    };
    let is_new = matches!(sheet.part, Part::NewHandler(_));
    let page = sheet.page(desk, base, conflict, look(title));
    let page = match is_new {
        true => SheetPage { action: desk.href(&format!("/webhooks/{}/new", kind.as_str())), ..page },
        false => page,
    };
    Ok(desk.page(status, &page))
}

async fn ask_remove(desk: Desk) -> Answer {
    let (kind, name) = (kind_of(&desk)?, desk.param("handler"));
    let hooks = desk.project.settings.webhooks();
    let urls: Vec<&str> =
        hooks.iter().filter(|hook| hook.is_blocking == (kind == HandlerKind::Asked)).map(|hook| hook.url).collect();
    let names = webhooks::name_all(urls.iter().copied());
    let at = names.iter().position(|one| one == name).ok_or(Problem::Missing)?;
    let what = match kind {
        HandlerKind::Told => "It is told of nothing new. What waits for it is still tried.",
        HandlerKind::Asked => "It is asked no more: what it would have refused goes through.",
    };
    desk.show(&ConfirmActionPage {
        title: "Remove the address?".into(),
        facts: vec![urls[at].to_string(), what.into()],
        section: "webhooks",
        back: ("/webhooks".into(), "Webhooks".into()),
        action: desk.path().to_string(),
        controls: Vec::new(),
        hidden: Hidden::default(),
        button: "Remove it".into(),
        is_danger: true,
    })
}

async fn remove(desk: Desk) -> Answer {
    let which = (kind_of(&desk)?, desk.param("handler"));
    match webhooks::remove(&desk.app, &desk.project, &desk.acting(), which, desk.now).await {
        Ok(()) => desk.done("/webhooks", PortalNotice::WebhookRemoved),
        Err(AdminError::NotFound(_)) => desk.done("/webhooks", PortalNotice::Gone),
        Err(error) => Err(error.into()),
    }
}

fn time_outs() -> Sheet {
    let row = |name: &str, label: &str, hint: &str, path: &'static str, default: u32| Row {
        control: Control::new(name, label, ControlKind::Number { unit: "seconds", min: 1 }, "").hint(hint),
        place: Place::Number { path, default },
    };
    let rows = vec![
        row(
            "question",
            "One question",
            "Whoever is asked and takes longer has said no.",
            "hook.sync_hook_timeout_seconds",
            5,
        ),
        row(
            "questions",
            "All questions about one event",
            "Where several are asked, one after the other.",
            "hook.sync_hook_total_timeout_seconds",
            10,
        ),
        row(
            "delivery",
            "One delivery",
            "Whoever is told and takes longer is told again later.",
            "hook.delivery_timeout_seconds",
            60,
        ),
    ];
    let view = PanelView { title: "How long an answer may take".into(), ..PanelView::default() };
    Sheet { part: Part::Project, panels: vec![Panel { view, rows, part: None }] }
}

fn look_at_time_outs(_: &Desk) -> Look {
    Look {
        lead: "People wait while a question is asked. Empty for the default.".into(),
        ..look("Time-outs of webhooks")
    }
}

async fn show_time_outs(desk: Desk) -> Answer {
    sheet::show(&desk, time_outs(), look_at_time_outs(&desk)).await
}

async fn save_time_outs(desk: Desk) -> Answer {
    sheet::save(&desk, time_outs(), look_at_time_outs).await
}
