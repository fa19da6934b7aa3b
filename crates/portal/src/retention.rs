//! The retention of guests: what the rules of the applications would do, what was done, and the confirmation of rules that end many
//! guests. The controls of the rules are on the page of each application.

use askama::Template;
use vestibule_app::{
    admin::{AdminError, Clash},
    retention::{self, AGES, Done, Overview, Plan, plan},
};
use vestibule_domain::operator::Role;
use vestibule_web::{chart::print_number, count::count_of, template::finish};

use crate::{
    PageResult, PortalRoute, ProjectRequest, Verb,
    bound_control::{BoundControl, control},
    frame::{PortalContext, PortalPage},
    moment::Moment,
    notice::PortalNotice,
    settings_form::Panel,
};

const PATH: &str = "/portal/p/{project}/retention";

pub(super) fn routes() -> Vec<PortalRoute> {
    vec![
        PortalRoute::project(Verb::Get, PATH, Role::Viewer, show),
        PortalRoute::project(Verb::Post, PATH, Role::Editor, confirm).requires_reauthentication(),
    ]
}

async fn show(request: ProjectRequest) -> PageResult {
    let overview = retention::overview(&request.ctx()).await?;
    let name = |client_id: &str| match request.project.settings.client(client_id) {
        Some(client) => client.display_name().to_string(),
        None if client_id.is_empty() => "Unknown application".to_string(),
        None => client_id.to_string(),
    };
    request.show(&RetentionPage {
        action: request.href("/retention"),
        applications_href: request.href("/applications"),
        may_confirm: request.may_edit(),
        ..RetentionPage::of(&overview, name)
    })
}

async fn confirm(request: ProjectRequest) -> PageResult {
    match plan::confirm(&request.ctx(), &request.acting(), request.field("rules")).await {
        Ok(()) => request.done("/retention", PortalNotice::RetentionConfirmed),
        Err(AdminError::Conflict(Clash::PlanChanged)) => request.done("/retention", PortalNotice::Gone),
        Err(error) => Err(error.into()),
    }
}

/// The controls of the rules of an application, for its page.
pub(super) fn panels() -> Vec<Panel> {
    let hint = "Deletes unused guests. Without a time, they are never deleted. New rules begin with a dry run: see Guest retention.";
    vec![
        Panel::new("Retention of guests without a device key", hint, rows("without_key", "without a device key")),
        Panel::new(
            "Retention of guests with a device key",
            "They can return with their key.",
            rows("with_key", "with a device key"),
        ),
        Panel::new(
            "Retention of guests with attributes",
            "With or without a device key.",
            rows("with_attributes", "with attributes"),
        ),
    ]
}

fn rows(class: &str, owner: &str) -> Vec<BoundControl> {
    let own = |key: &str, label: &str| {
        let path = format!("oauth.clients[].guest_retention.{class}.{key}");
        control(&path, &format!("retain_{class}_{key}"), label).of(owner)
    };
    let mut rows = vec![
        own("idle_seconds", "Expire after idling for")
            .hint("At least one day. Sessions end, and the guest is deleted after the grace period.")
            .placeholder("never"),
    ];
    if class == "without_key" {
        rows.push(
            own("ends_with_session", "Expire when the session ends")
                .hint("Such a guest can't return without its session."),
        );
    }
    rows.extend([
        own("warning_seconds", "Warn your server before")
            .hint("Sends the event user.anonymous.expiring this long before. Shorter than the idle time.")
            .placeholder("no warning"),
        own("grace_seconds", "Grace period")
            .hint("In this time the device key or an operator revives the guest. 0 deletes it at once."),
    ]);
    rows
}

/// Guests of an application by age.
#[derive(Clone, Debug)]
pub(crate) struct ApplicationLine {
    pub name: String,
    /// How many of them would expire: "2 of 3 (66 %)".
    pub share: String,
    /// Guests, and those that would expire, by age.
    pub ages: Vec<(String, String)>,
}

#[derive(Clone, Debug)]
pub(crate) struct RetentionPage {
    pub is_on: bool,
    pub is_running: bool,
    /// The rules that were tried; empty without a plan.
    pub rules: String,
    pub made_at: Option<Moment>,
    pub is_waiting: bool,
    /// How many guests would expire at once: "1 guest expires".
    pub due: String,
    pub lines: Vec<ApplicationLine>,
    /// The end of the last run, and what it did.
    pub last: Option<(Moment, Vec<(&'static str, String)>)>,
    pub action: String,
    pub applications_href: String,
    pub may_confirm: bool,
}

fn number(count: u64) -> String {
    print_number(i64::try_from(count).unwrap_or(i64::MAX))
}

/// The groups of ages in words.
fn age_names() -> Vec<String> {
    let mut below = 0;
    let mut names = Vec::new();
    for bound in AGES {
        names.push(if below == 0 { format!("under {bound} days") } else { format!("{below} to {bound} days") });
        below = bound;
    }
    names.push(format!("{below} days and more"));
    names
}

fn list_lines(plan: &Plan, name: impl Fn(&str) -> String) -> Vec<ApplicationLine> {
    let line = |(client_id, counts): (&String, &retention::ApplicationCounts)| {
        let (guests, due) = counts.totals();
        let cells = counts.guests.iter().zip(&counts.due).map(|(guests, due)| match due {
            0 => number(*guests),
            due => format!("{} ({} expire)", number(*guests), number(*due)),
        });
        ApplicationLine {
            name: name(client_id),
            share: format!(
                "{} of {} ({} %)",
                number(due),
                number(guests),
                (due * 100).checked_div(guests).unwrap_or(0)
            ),
            ages: age_names().into_iter().zip(cells).collect(),
        }
    };
    plan.applications.iter().map(line).collect()
}

fn list_done(done: Done) -> Vec<(&'static str, String)> {
    vec![
        ("Warned", number(done.warned)),
        ("Expired", number(done.expired)),
        ("Deleted", number(done.erased)),
        ("Revived by use", number(done.revived)),
    ]
}

impl RetentionPage {
    fn of(overview: &Overview, name: impl Fn(&str) -> String) -> Self {
        let plan = overview.plan.as_ref();
        let due: u64 = plan.into_iter().flat_map(|plan| plan.applications.values()).map(|one| one.totals().1).sum();
        Self {
            is_on: overview.is_on,
            is_running: overview.is_running,
            rules: plan.map(|plan| plan.rules.clone()).unwrap_or_default(),
            made_at: plan.map(|plan| Moment::new(plan.made_at.to_rfc3339())),
            is_waiting: plan.is_some_and(Plan::is_waiting),
            due: count_of(i64::try_from(due).unwrap_or(i64::MAX), "guest expires", "guests expire"),
            lines: plan.map(|plan| list_lines(plan, name)).unwrap_or_default(),
            last: overview.last.as_ref().map(|last| (Moment::new(last.ended_at.to_rfc3339()), list_done(last.done))),
            action: String::new(),
            applications_href: String::new(),
            may_confirm: false,
        }
    }

    #[cfg(test)]
    pub(crate) fn samples() -> Vec<(&'static str, Self)> {
        use std::collections::BTreeMap;

        use vestibule_app::retention::{ApplicationCounts, plan::Finished};
        use vestibule_domain::time::Timestamp;

        let at = Timestamp::from_seconds(1_893_456_000);
        let counts = ApplicationCounts { guests: [900, 80, 40, 20, 10, 190], due: [0, 0, 0, 0, 5, 190] };
        let plan = Plan {
            rules: "0f343b09".into(),
            made_at: at,
            applications: BTreeMap::from([("web".into(), counts), (String::new(), ApplicationCounts::default())]),
            needs_confirmation: true,
            confirmed_at: None,
        };
        let done = Done { warned: 3, expired: 1_240, erased: 12, revived: 1 };
        let last = Finished { rules: "0f343b09".into(), began_at: at, ended_at: at, done };
        let name = |id: &str| if id.is_empty() { "Unknown application".to_string() } else { "Corner Shop".to_string() };
        let of = |overview: Overview| Self {
            action: "/portal/p/shop/retention".into(),
            applications_href: "/portal/p/shop/applications".into(),
            may_confirm: true,
            ..Self::of(&overview, name)
        };
        let off = Overview { is_on: false, plan: None, last: None, is_running: false };
        let waiting = Overview { is_on: true, plan: Some(plan.clone()), ..off.clone() };
        let agreed = Plan { confirmed_at: Some(at), ..plan };
        let done = Overview { plan: Some(agreed), last: Some(last), is_running: true, ..waiting.clone() };
        let first = Overview { is_on: true, is_running: true, ..off.clone() };
        vec![("off", of(off)), ("first", of(first)), ("waiting", of(waiting)), ("done", of(done))]
    }
}

impl PortalPage for RetentionPage {
    fn title(&self) -> String {
        "Guest retention".into()
    }

    fn section(&self) -> Option<&'static str> {
        Some("retention")
    }

    fn body(&self, ctx: &PortalContext) -> String {
        finish(RetentionBody { ctx, page: self }.render())
    }
}

#[derive(Template)]
#[template(path = "portal/retention.html")]
struct RetentionBody<'a> {
    ctx: &'a PortalContext,
    page: &'a RetentionPage,
}
