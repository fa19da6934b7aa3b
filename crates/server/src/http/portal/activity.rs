//! The operators' audit log: all of it for owners of all projects, the own part for everyone.

use vestibule_domain::{
    id::EventId,
    operator::{OperatorAct, Role},
};
use vestibule_store::operator_events::OperatorEvent;

use super::{OperatorRequest, PageResult, PortalError, PortalRoute, Verb};
use crate::{
    flows::operators::audit,
    ui::portal::{ActivityLine, ActivityPage, Moment},
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
        OperatorAct::FirstRunLinkUsed => "First-run link used",
        OperatorAct::RoleChanged => "Role changed",
        OperatorAct::RoleTaken => "Role removed",
        OperatorAct::Removed => "Removed",
        OperatorAct::ProjectDeleted => "Project deleted",
    }
}
