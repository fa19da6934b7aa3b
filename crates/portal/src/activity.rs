//! The operators' audit log: all of it for owners of all projects, the own part for everyone.

use askama::Template;
use vestibule_app::operators::audit;
use vestibule_domain::{
    id::EventId,
    operator::{OperatorAct, OperatorEvent, Role},
};
use vestibule_web::template::finish;

use crate::{
    OperatorRequest, PageResult, PortalError, PortalRoute, Verb,
    frame::{PortalContext, PortalPage},
    moment::Moment,
};

const LIMIT: usize = 50;
/// Number of events on the operator's own page.
const OWN: i64 = 8;

pub(super) fn routes() -> Vec<PortalRoute> {
    vec![PortalRoute::operator(Verb::Get, "/portal/activity", Some(Role::Owner), show)]
}

async fn show(request: OperatorRequest) -> PageResult {
    let before = match request.field("before") {
        "" => None,
        text => {
            let id = text.parse::<EventId>();
            Some(id.map_err(|_| PortalError::Unreadable("There is no such page.".into()))?)
        }
    };
    let page = audit::list(&request.app, before, LIMIT).await?;
    request.show(&ActivityPage {
        lines: page.events.into_iter().map(|event| line(event, false)).collect(),
        next: page.next.map(|id| format!("before={id}")),
        is_later: before.is_some(),
        keep_days: request.app.config.audit.keep_days,
    })
}

/// The latest events about or by the signed-in operator.
pub(super) async fn list_own(request: &OperatorRequest) -> Result<Vec<ActivityLine>, PortalError> {
    let events = audit::list_own(&request.app, &request.signed_in, OWN).await?;
    Ok(events.into_iter().map(|event| line(event, true)).collect())
}

fn line(event: OperatorEvent, is_own: bool) -> ActivityLine {
    let act = OperatorAct::parse(&event.act);
    ActivityLine {
        what: act.map_or(event.act, |act| describe(act).to_string()),
        is_failure: matches!(act, Some(OperatorAct::SignInFailed | OperatorAct::ProofFailed)),
        by: (event.done_by != event.email).then_some(event.done_by),
        whom: if is_own { String::new() } else { event.email },
        detail: match act {
            Some(
                OperatorAct::SignedIn
                | OperatorAct::SignInFailed
                | OperatorAct::ProofFailed
                | OperatorAct::Joined
                | OperatorAct::FirstRunLinkUsed
                | OperatorAct::LinkUsed,
            ) => {
                format!("with a {}", event.detail)
            }
            Some(
                OperatorAct::SignedOut
                | OperatorAct::PasswordChanged
                | OperatorAct::PasswordRemoved
                | OperatorAct::PasskeyAdded
                | OperatorAct::PasskeyRenamed
                | OperatorAct::PasskeyRemoved
                | OperatorAct::RoleAccepted
                | OperatorAct::AddressProved
                | OperatorAct::LinkMade
                | OperatorAct::Invited
                | OperatorAct::InvitationRevoked
                | OperatorAct::RoleChanged
                | OperatorAct::RoleTaken
                | OperatorAct::Removed
                | OperatorAct::ProjectDeleted,
            )
            | None => event.detail,
        },
        times: event.times,
        ip: event.ip,
        at: Moment::new(event.created_at.to_rfc3339()),
    }
}

fn describe(act: OperatorAct) -> &'static str {
    match act {
        OperatorAct::SignedIn => "Signed in",
        OperatorAct::SignedOut => "Signed out",
        OperatorAct::SignInFailed => "Sign-in attempt",
        OperatorAct::ProofFailed => "Identity check",
        OperatorAct::PasswordChanged => "Password set",
        OperatorAct::PasswordRemoved => "Password removed",
        OperatorAct::PasskeyAdded => "Passkey added",
        OperatorAct::PasskeyRenamed => "Passkey renamed",
        OperatorAct::PasskeyRemoved => "Passkey removed",
        OperatorAct::LinkMade => "Recovery link created",
        OperatorAct::LinkUsed => "Recovery link used",
        OperatorAct::Invited => "Invited",
        OperatorAct::InvitationRevoked => "Invitation revoked",
        OperatorAct::Joined => "Joined",
        OperatorAct::RoleAccepted => "Role accepted",
        OperatorAct::AddressProved => "Email address confirmed",
        OperatorAct::FirstRunLinkUsed => "First-run link used",
        OperatorAct::RoleChanged => "Role changed",
        OperatorAct::RoleTaken => "Role removed",
        OperatorAct::Removed => "Removed",
        OperatorAct::ProjectDeleted => "Project deleted",
    }
}

/// An event of the log.
#[derive(Clone, Debug)]
pub(crate) struct ActivityLine {
    pub what: String,
    /// The credential, project or role; may be empty.
    pub detail: String,
    pub is_failure: bool,
    /// How often within the hour after `at`; once is not shown.
    pub times: i64,
    /// Whom it is about; may be empty.
    pub whom: String,
    /// The actor, if it is another operator.
    pub by: Option<String>,
    pub ip: Option<String>,
    pub at: Moment,
}

impl ActivityLine {
    /// One of each kind.
    #[cfg(test)]
    pub(super) fn samples() -> Vec<Self> {
        let plain = Self {
            what: "Signed in".into(),
            detail: "with a password".into(),
            is_failure: false,
            times: 1,
            whom: "kim@shop.example".into(),
            by: None,
            ip: Some("203.0.113.9".into()),
            at: Moment::new("2030-05-01T08:00:00.000Z"),
        };
        let failed = Self { what: "Wrong password or passkey".into(), is_failure: true, times: 7, ..plain.clone() };
        let other = Self {
            what: "Role changed".into(),
            detail: "editor of <shop>".into(),
            by: Some("olga@house.example".into()),
            ip: None,
            ..plain.clone()
        };
        vec![plain, failed, other]
    }
}

/// The log, newest first.
#[derive(Clone, Debug)]
pub(crate) struct ActivityPage {
    pub lines: Vec<ActivityLine>,
    pub next: Option<String>,
    pub is_later: bool,
    /// How many days events are kept; 0 for unlimited.
    pub keep_days: u32,
}

impl ActivityPage {
    #[cfg(test)]
    pub(crate) fn samples() -> Vec<(&'static str, Self)> {
        let some =
            Self { lines: ActivityLine::samples(), next: Some("before=0190".into()), is_later: true, keep_days: 365 };
        let none = Self { lines: Vec::new(), next: None, is_later: false, keep_days: 0 };
        vec![("some", some), ("none", none)]
    }
}

impl PortalPage for ActivityPage {
    fn title(&self) -> String {
        "Operator activity".into()
    }

    fn above(&self) -> Option<(String, String)> {
        Some(("/portal".into(), "Projects".into()))
    }

    fn body(&self, _: &PortalContext) -> String {
        finish(ActivityBody { page: self }.render())
    }
}

#[derive(Template)]
#[template(path = "portal/activity.html")]
struct ActivityBody<'a> {
    page: &'a ActivityPage,
}
