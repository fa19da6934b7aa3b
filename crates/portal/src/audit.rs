//! The audit log by filter and page, and as an export.

use askama::Template;
use vestibule_app::{
    admin::audit::{self, AuditLine, Filter},
    error::Error,
};
use vestibule_domain::{event, id::UserId, operator::Role, time::Timestamp};
use vestibule_protocol::form::Form;
use vestibule_web::{
    export::{self, Format},
    template::finish,
};

use crate::{
    PageResult, PortalError, PortalRoute, ProjectRequest, Verb, event_words,
    frame::{PortalContext, PortalPage},
    moment::Moment,
};

const LIMIT: u32 = 50;

pub(super) fn routes() -> Vec<PortalRoute> {
    vec![
        PortalRoute::project(Verb::Get, "/portal/p/{project}/events", Role::Viewer, show),
        PortalRoute::project(Verb::Get, "/portal/p/{project}/events/export", Role::Viewer, take_away),
    ]
}

/// Parses the filter; the error is a sentence for the operator.
fn read_filter(request: &ProjectRequest) -> Result<Filter, String> {
    let day = |name: &str| match request.field(name).trim() {
        "" => Ok(None),
        text => read_day(text).map(Some).ok_or_else(|| "Enter a date such as 2030-05-31.".to_string()),
    };
    let user = match request.field("user").trim() {
        "" => None,
        text => Some(text.parse::<UserId>().map_err(|_| "This is not a user ID.".to_string())?),
    };
    let begin = |day: i64| Timestamp::from_seconds(day.saturating_mul(86_400));
    Ok(Filter {
        user,
        kind: Some(request.field("type").to_string()).filter(|kind| !kind.is_empty()),
        from: day("from")?.map(begin),
        to: day("to")?.map(|day| begin(day + 1)),
    })
}

/// The number of a day `YYYY-MM-DD` in UTC.
fn read_day(text: &str) -> Option<i64> {
    let date: jiff::civil::Date = Some(text).filter(|text| text.len() == 10)?.parse().ok()?;
    Some(date.to_zoned(jiff::tz::TimeZone::UTC).ok()?.timestamp().as_second().div_euclid(86_400))
}

fn print_filter<'a>(request: &'a ProjectRequest, more: Option<(&'a str, &'a str)>) -> String {
    let names = ["type", "user", "from", "to"];
    let given = names.into_iter().map(|name| (name, request.field(name).trim())).filter(|(_, value)| !value.is_empty());
    Form::from_pairs(given.chain(more)).print()
}

async fn show(request: ProjectRequest) -> PageResult {
    let cursor = Some(request.field("cursor")).filter(|cursor| !cursor.is_empty());
    let (filter, problem) = match read_filter(&request) {
        Ok(filter) => (Some(filter), None),
        Err(problem) => (None, Some(problem)),
    };
    let page = match &filter {
        Some(filter) => Some(audit::list_lines(&request.ctx(), filter, cursor, LIMIT).await?),
        None => None,
    };
    let is_wrong = problem.is_some();
    let (events, next) = page.map_or_else(Default::default, |page| (page.items, page.next));
    let shown = AuditPage {
        kind: request.field("type").to_string(),
        kinds: event::LOGGED.to_vec(),
        user: request.field("user").trim().to_string(),
        from: request.field("from").to_string(),
        to: request.field("to").to_string(),
        problem,
        filter: print_filter(&request, None),
        next: next.map(|cursor| print_filter(&request, Some(("cursor", &cursor)))),
        is_later: cursor.is_some(),
        events: events.into_iter().map(|line| event_line(&request, line)).collect(),
    };
    if is_wrong { request.show_again(&shown) } else { request.show(&shown) }
}

fn event_line(request: &ProjectRequest, line: AuditLine) -> EventLine {
    let settings = &request.project.settings;
    let at = Moment::new(line.at.to_rfc3339());
    let application = line.client_id.as_deref().map(|id| settings.client_name(id).to_string());
    let by = event_words::describe_actor(&line.by).to_string();
    let facts = line.facts;
    let reason = facts.reason.as_deref().map(|reason| event_words::describe_reason(reason).to_string());
    let ip = facts.ip.clone();
    let details = [
        ("When", Some(at.whole())),
        ("By", Some(by.clone())),
        ("Application", application.clone().zip(line.client_id).map(|(name, id)| format!("{name} ({id})"))),
        ("Login ID", facts.login_id),
        ("Reason", reason),
        ("Device", facts.device),
        ("IP address", ip),
    ];
    let changes = facts.changes.into_iter().map(|change| {
        let show = |value: Option<String>| value.unwrap_or_else(|| "nothing".to_string());
        (change.key, show(change.from), show(change.to))
    });
    EventLine {
        at,
        kind: line.kind,
        is_sign_in_instead: line.is_sign_in_instead,
        user_id: line.user.map(|id| id.to_string()),
        by,
        application: application.unwrap_or_default(),
        details: details.into_iter().filter_map(|(label, value)| Some((label, value?))).collect(),
        other: facts.other,
        changes: changes.collect(),
        omitted: facts.omitted,
        body: line.body,
    }
}

async fn take_away(request: ProjectRequest) -> PageResult {
    let filter = read_filter(&request).map_err(PortalError::Unreadable)?;
    let format = Format::parse(request.field("format"));
    let format = format.ok_or_else(|| PortalError::Unreadable("Choose CSV or JSON Lines.".to_string()))?;
    let reader = request.signed_in.operator.id.to_string();
    let place = request.app.shares.transfers.take_for(request.project.no, &reader).map_err(Error::from)?;
    Ok(export::send(request.app.clone(), request.project.clone(), (&filter, format), place).await?)
}

/// An event.
#[derive(Clone, Debug)]
pub(crate) struct EventLine {
    pub at: Moment,
    pub kind: String,
    /// Whether the guest signed in to an existing member instead of becoming one.
    pub is_sign_in_instead: bool,
    pub user_id: Option<String>,
    /// The actor in words: an operator's address, a command, a user, a program, the server.
    pub by: String,
    /// The application's name; empty for none.
    pub application: String,
    /// What it says, each with its label.
    pub details: Vec<(&'static str, String)>,
    /// The other user of a merge, or of a sign-in to an existing member.
    pub other: Option<String>,
    /// The settings that it changed: key, value before and after.
    pub changes: Vec<(String, String, String)>,
    /// Further settings that it changed.
    pub omitted: u64,
    pub body: String,
}

impl EventLine {
    /// What happened, in words; the event's name if it has none.
    fn what(&self) -> &str {
        if self.is_sign_in_instead {
            return event_words::SIGNED_IN_INSTEAD;
        }
        event_words::describe(&self.kind).unwrap_or(&self.kind)
    }

    fn short_user(&self) -> &str {
        let id = self.user_id.as_deref().unwrap_or_default();
        id.get(..13).unwrap_or(id)
    }

    #[cfg(test)]
    fn sample() -> Self {
        Self {
            at: Moment::new("2030-05-01T08:00:00.000Z"),
            kind: "user.anonymous.promoted".into(),
            is_sign_in_instead: false,
            user_id: Some("018f3c2e-2a54-7a0c-8a67-1f0a6f5fd2ab".into()),
            by: "kim@shop.example".into(),
            application: "Shop".into(),
            details: vec![("By", "kim@shop.example".into()), ("Device", "<b>Chrome</b> on Linux".into())],
            other: Some("018f3c2e-2a54-7a0c-8a67-1f0a6f5fd2ac".into()),
            changes: vec![("ui.name".into(), "nothing".into(), "\"<i>Shop</i>\"".into())],
            omitted: 2,
            body: "{\n  \"type\": \"<b>\"\n}".into(),
        }
    }
}

#[derive(Clone, Debug)]
pub(crate) struct AuditPage {
    /// The event name to filter by; empty for all.
    pub kind: String,
    pub kinds: Vec<&'static str>,
    pub user: String,
    /// The first day, `YYYY-MM-DD`.
    pub from: String,
    pub to: String,
    pub problem: Option<String>,
    pub events: Vec<EventLine>,
    /// The filter as a query, for the export.
    pub filter: String,
    pub next: Option<String>,
    pub is_later: bool,
}

impl AuditPage {
    #[cfg(test)]
    pub(crate) fn samples() -> Vec<(&'static str, Self)> {
        let some = Self {
            kind: "user.deleted".into(),
            kinds: vec!["user.created", "user.deleted"],
            user: String::new(),
            from: "2030-05-01".into(),
            to: String::new(),
            problem: None,
            events: vec![
                EventLine::sample(),
                EventLine { user_id: None, other: None, changes: Vec::new(), omitted: 0, ..EventLine::sample() },
            ],
            filter: "type=user.deleted&from=2030-05-01".into(),
            next: Some("cursor=7".into()),
            is_later: true,
        };
        let none = Self {
            kind: String::new(),
            from: String::new(),
            events: Vec::new(),
            filter: String::new(),
            next: None,
            is_later: false,
            ..some.clone()
        };
        let wrong =
            Self { problem: Some("Enter a date such as 2030-05-31.".into()), from: "May".into(), ..none.clone() };
        vec![("some", some), ("none", none), ("wrong", wrong)]
    }

    /// The events to choose from, by their words.
    fn choices(&self) -> Vec<(&'static str, &'static str, bool)> {
        let choice = |kind: &&'static str| (*kind, event_words::describe(kind).unwrap_or(kind), **kind == self.kind);
        let mut choices: Vec<_> = self.kinds.iter().map(choice).collect();
        choices.sort_by_key(|(_, what, _)| *what);
        choices
    }

    fn is_filtered(&self) -> bool {
        !self.filter.is_empty()
    }
}

impl PortalPage for AuditPage {
    fn title(&self) -> String {
        "Audit log".into()
    }

    fn section(&self) -> Option<&'static str> {
        Some("events")
    }

    fn problems(&self) -> Vec<(String, String)> {
        self.problem.iter().map(|problem| ("from".to_string(), problem.clone())).collect()
    }

    fn body(&self, ctx: &PortalContext) -> String {
        finish(AuditBody { ctx, page: self }.render())
    }
}

#[derive(Template)]
#[template(path = "portal/audit.html")]
struct AuditBody<'a> {
    ctx: &'a PortalContext,
    page: &'a AuditPage,
}
