//! A user's history as one timeline: when it was a guest, promotion, sign-ins, devices, merges, and what operators did.

use askama::Template;
use vestibule_app::admin::{
    audit::AuditLine,
    history::{self, HistoryEntry, Milestone},
};
use vestibule_domain::operator::Role;
use vestibule_protocol::form::Form;
use vestibule_web::template::finish;

use crate::{
    PageResult, PortalRoute, ProjectRequest, Verb, event_words,
    frame::{PortalContext, PortalPage},
    moment::Moment,
    user::UserHead,
    users::{head_of, load, name_of},
};

const LIMIT: u32 = 50;

pub(super) fn routes() -> Vec<PortalRoute> {
    vec![PortalRoute::project(Verb::Get, "/portal/p/{project}/users/{user_id}/history", Role::Viewer, show)]
}

async fn show(request: ProjectRequest) -> PageResult {
    let (_, details) = load(&request).await?;
    let cursor = Some(request.field("cursor")).filter(|cursor| !cursor.is_empty());
    let page = history::list(&request.ctx(), &details, cursor, LIMIT).await?;
    request.show(&HistoryPage {
        head: head_of(&details.loaded),
        lines: page.items.iter().map(|entry| HistoryLine::of(&request, entry)).collect(),
        next: page.next.map(|cursor| Form::from_pairs([("cursor", &cursor)]).print()),
        is_later: cursor.is_some(),
    })
}

/// One entry in words.
#[derive(Clone, Debug)]
pub(crate) struct HistoryLine {
    pub at: Moment,
    pub what: String,
    /// A login ID, an application, a device, a reason.
    pub details: Vec<String>,
    /// Who did it, unless the user did.
    pub by: Option<String>,
    /// The other user of a merge or of a sign-in to an existing member.
    pub other: Option<String>,
    /// The event as JSON; `None` for what only the user's rows say.
    pub body: Option<String>,
}

impl HistoryLine {
    pub(super) fn of(request: &ProjectRequest, entry: &HistoryEntry) -> Self {
        let application = |id: &str| {
            let client = request.project.settings.client(id);
            client.map_or_else(|| id.to_string(), |client| client.display_name().to_string())
        };
        let at = Moment::new(entry.at().to_rfc3339());
        match entry {
            HistoryEntry::Event(line) => Self::of_event(at, line, application),
            HistoryEntry::Milestone(_, milestone) => {
                let (what, details) = describe(milestone, application);
                Self { at, what, details, by: None, other: None, body: None }
            }
        }
    }

    fn of_event(at: Moment, line: &AuditLine, application: impl Fn(&str) -> String) -> Self {
        let what = match line.is_sign_in_instead {
            true => event_words::SIGNED_IN_INSTEAD,
            false => event_words::describe(&line.kind).unwrap_or(&line.kind),
        };
        let facts = &line.facts;
        let reason = facts.reason.as_deref().map(|reason| event_words::describe_reason(reason).to_string());
        let details = [
            facts.login_id.clone(),
            line.client_id.as_deref().map(application),
            facts.device.clone(),
            facts.ip.as_ref().map(|ip| format!("from {ip}")),
            reason,
        ];
        let by = match line.by.as_str() {
            "user" | "" => None,
            other => Some(event_words::describe_actor(other).to_string()),
        };
        Self {
            at,
            what: what.to_string(),
            details: details.into_iter().flatten().collect(),
            by,
            other: facts.other.clone(),
            body: Some(line.body.clone()),
        }
    }

    #[cfg(test)]
    pub(super) fn samples() -> Vec<Self> {
        let at = Moment::new("2030-05-01T08:00:00.000Z");
        let began = Self {
            at: at.clone(),
            what: "Guest since then".into(),
            details: Vec::new(),
            by: None,
            other: None,
            body: None,
        };
        let promoted = Self {
            what: "Guest promoted".into(),
            details: vec!["kim@shop.example".into(), "Shop <Web>".into(), "Chrome · Linux".into()],
            by: Some("kim@shop.example".into()),
            body: Some("{\n  \"type\": \"<b>\"\n}".into()),
            ..began.clone()
        };
        let merged = Self {
            what: "Guest merged into a member".into(),
            by: None,
            other: Some("018f3c2e-2a54-7a0c-8a67-1f0a6f5fd2ac".into()),
            ..promoted.clone()
        };
        vec![merged, promoted, began]
    }
}

fn describe(milestone: &Milestone, application: impl Fn(&str) -> String) -> (String, Vec<String>) {
    let (what, details) = match milestone {
        Milestone::GuestSince => ("Guest since then", Vec::new()),
        Milestone::MemberCreated => ("User created", Vec::new()),
        Milestone::Promoted => ("Guest promoted", Vec::new()),
        Milestone::Disabled => ("User disabled", Vec::new()),
        Milestone::DeviceKeyAdded { device } => ("Device key added", device.iter().cloned().collect()),
        Milestone::LoginIdAdded { kind, value } => {
            return (format!("{} added", name_of(*kind)), vec![value.clone()]);
        }
        Milestone::PasskeyAdded => ("Passkey added", Vec::new()),
        Milestone::ExternalAccountAdded { provider } => ("External account connected", vec![provider.clone()]),
        Milestone::SessionBegan { client_id, device } => {
            let place = client_id.as_deref().map_or_else(|| "Cookie session".to_string(), application);
            ("Open session began", [Some(place), device.clone()].into_iter().flatten().collect())
        }
    };
    (what.to_string(), details)
}

#[derive(Clone, Debug)]
pub(crate) struct HistoryPage {
    pub head: UserHead,
    pub lines: Vec<HistoryLine>,
    pub next: Option<String>,
    pub is_later: bool,
}

impl HistoryPage {
    #[cfg(test)]
    pub(crate) fn samples() -> Vec<(&'static str, Self)> {
        let head = UserHead::sample(false);
        let some = Self { head, lines: HistoryLine::samples(), next: Some("cursor=7.12".into()), is_later: true };
        let none = Self { lines: Vec::new(), next: None, is_later: true, ..some.clone() };
        vec![("some", some), ("none", none)]
    }
}

impl PortalPage for HistoryPage {
    fn title(&self) -> String {
        "History".into()
    }

    fn section(&self) -> Option<&'static str> {
        Some("users")
    }

    fn above(&self) -> Option<(String, String)> {
        self.head.above()
    }

    fn body(&self, ctx: &PortalContext) -> String {
        finish(HistoryBody { ctx, page: self }.render())
    }
}

#[derive(Template)]
#[template(path = "portal/history.html")]
struct HistoryBody<'a> {
    ctx: &'a PortalContext,
    page: &'a HistoryPage,
}
