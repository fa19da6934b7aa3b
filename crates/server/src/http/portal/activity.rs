//! The operators' audit log: all of it for owners of all projects, the own part for everyone.

use vestibule_domain::{
    id::EventId,
    operator::{Act, Role},
};
use vestibule_store::operator_events::OperatorEvent;

use super::{Answer, Door, Hall, Problem, Verb};
use crate::{
    flows::operators::trace,
    ui::portal::{ActivityLine, ActivityPage, Moment},
};

const LIMIT: usize = 50;
/// Number of events on the operator's own page.
const OWN: i64 = 8;

pub(super) fn doors() -> Vec<Door> {
    vec![Door::hall(Verb::Get, "/portal/activity", Some(Role::Owner), show)]
}

async fn show(hall: Hall) -> Answer {
    let before = match hall.field("before") {
        "" => None,
        text => {
            let id = text.parse::<EventId>();
            Some(id.map_err(|_| Problem::Unreadable("There is no such page.".into()))?)
        }
    };
    let page = trace::list(&hall.app, before, LIMIT).await?;
    hall.show(&ActivityPage {
        lines: page.events.into_iter().map(|event| line(event, false)).collect(),
        next: page.next.map(|id| format!("before={id}")),
        is_later: before.is_some(),
        keep_days: hall.app.config.audit.keep_days,
    })
}

/// The latest events about or by the signed-in operator.
pub(super) async fn list_own(hall: &Hall) -> Result<Vec<ActivityLine>, Problem> {
    let events = trace::list_own(&hall.app, &hall.who, OWN).await?;
    Ok(events.into_iter().map(|event| line(event, true)).collect())
}

fn line(event: OperatorEvent, is_own: bool) -> ActivityLine {
    let act = Act::parse(&event.act);
    ActivityLine {
        what: act.map_or(event.act, |act| describe(act).to_string()),
        is_failure: matches!(act, Some(Act::SignInFailed | Act::ProofFailed)),
        by: (event.done_by != event.email).then_some(event.done_by),
        whom: if is_own { String::new() } else { event.email },
        detail: match act {
            Some(Act::SignedIn | Act::SignInFailed | Act::ProofFailed | Act::Joined | Act::LinkUsed) => {
                format!("with a {}", event.detail)
            }
            Some(
                Act::PasswordChanged
                | Act::PasswordRemoved
                | Act::PasskeyAdded
                | Act::PasskeyRenamed
                | Act::PasskeyRemoved
                | Act::LinkMade
                | Act::Invited
                | Act::InvitationRevoked
                | Act::RoleChanged
                | Act::RoleTaken
                | Act::Removed,
            )
            | None => event.detail,
        },
        times: event.times,
        ip: event.ip,
        at: Moment::new(event.created_at.to_rfc3339()),
    }
}

fn describe(act: Act) -> &'static str {
    match act {
        Act::SignedIn => "Signed in",
        Act::SignInFailed => "Sign-in attempt",
        Act::ProofFailed => "Identity check",
        Act::PasswordChanged => "Password set",
        Act::PasswordRemoved => "Password removed",
        Act::PasskeyAdded => "Passkey added",
        Act::PasskeyRenamed => "Passkey renamed",
        Act::PasskeyRemoved => "Passkey removed",
        Act::LinkMade => "Recovery link created",
        Act::LinkUsed => "Recovery link used",
        Act::Invited => "Invited",
        Act::InvitationRevoked => "Invitation revoked",
        Act::Joined => "Joined",
        Act::RoleChanged => "Role changed",
        Act::RoleTaken => "Role removed",
        Act::Removed => "Removed",
    }
}
