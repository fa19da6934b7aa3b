//! Where a user stands by the rules of retention, on its page: its holds, and the revival of an expired guest.

use vestibule_app::{
    admin::{AdminError, Clash, Thing, user_details::RetentionMark},
    retention::{
        holds::{self, HOLDS, Hold, NewHold},
        revival,
    },
};
use vestibule_domain::{operator::Role, time::Timestamp, user::User};

use crate::{
    PageResult, PortalRoute, ProjectRequest, Verb,
    moment::Moment,
    notice::PortalNotice,
    user_form::UserFormPage,
    users::{head_of, id_of, load_user, messages_at, path_of},
};

const HOLD_FORM: &str = "/portal/p/{project}/users/{user_id}/holds";
const LIFT: &str = "/portal/p/{project}/users/{user_id}/holds/lift";
const REVIVE: &str = "/portal/p/{project}/users/{user_id}/revive";

pub(super) fn routes() -> Vec<PortalRoute> {
    let role = Role::Editor;
    vec![
        PortalRoute::project(Verb::Get, HOLD_FORM, role, show_form),
        PortalRoute::project(Verb::Post, HOLD_FORM, role, place),
        PortalRoute::project(Verb::Post, LIFT, role, lift),
        PortalRoute::project(Verb::Post, REVIVE, role, revive),
    ]
}

async fn show_form(request: ProjectRequest) -> PageResult {
    let (_, loaded) = load_user(&request).await?;
    request.show(&UserFormPage::hold(head_of(&loaded), ["", "", ""], [None, None, None]))
}

/// The last moment of a day in UTC.
fn end_of(day: &str) -> Option<Timestamp> {
    Timestamp::parse_rfc3339(&format!("{day}T23:59:59Z"))
}

async fn place(request: ProjectRequest) -> PageResult {
    let (id, loaded) = load_user(&request).await?;
    let values = ["owner", "reason", "until"].map(|name| request.field(name).trim());
    let [owner, reason, until] = values;
    let new = NewHold { owner: owner.to_string(), reason: reason.to_string(), expires_at: end_of(until) };
    let errors = match holds::create(&request.ctx(), &request.acting(), id, new).await {
        Ok(_) => return request.done(&path_of(id), PortalNotice::HoldPlaced),
        Err(AdminError::Conflict(Clash::TooManyHolds)) => {
            [Some(format!("This user has {HOLDS} holds. Lift one first.")), None, None]
        }
        Err(AdminError::Invalid(faults)) => {
            let [owner, reason, _] = ["owner", "reason", "expires_at"].map(|path| messages_at(&faults, path));
            let is_wrong = faults.iter().any(|fault| fault.path == "expires_at");
            [owner, reason, is_wrong.then(|| "Choose a day from today on, within ten years.".to_string())]
        }
        Err(error) => return Err(error.into()),
    };
    request.show_again(&UserFormPage::hold(head_of(&loaded), values, errors))
}

async fn lift(request: ProjectRequest) -> PageResult {
    let id = id_of(&request)?;
    let Ok(hold) = request.field("hold").parse() else { return request.done(&path_of(id), PortalNotice::Gone) };
    match holds::remove(&request.ctx(), &request.acting(), id, hold).await {
        Ok(()) => request.done(&path_of(id), PortalNotice::HoldLifted),
        Err(AdminError::NotFound(Thing::Hold)) => request.done(&path_of(id), PortalNotice::Gone),
        Err(error) => Err(error.into()),
    }
}

async fn revive(request: ProjectRequest) -> PageResult {
    let id = id_of(&request)?;
    match revival::revive(&request.ctx(), &request.acting(), id).await {
        Ok(()) => request.done(&path_of(id), PortalNotice::GuestRevived),
        Err(AdminError::Conflict(Clash::NotExpired)) => request.done(&path_of(id), PortalNotice::Unchanged),
        Err(error) => Err(error.into()),
    }
}

/// A hold.
#[derive(Clone, Debug)]
pub(crate) struct HoldLine {
    pub id: String,
    pub owner: String,
    pub reason: String,
    pub expires_at: Moment,
}

/// The section of a user's page.
#[derive(Clone, Debug, Default)]
pub(crate) struct RetentionLines {
    /// Whether there is anything to say: rules apply to guests only.
    pub is_shown: bool,
    pub warned_at: Option<Moment>,
    pub expired_at: Option<Moment>,
    pub holds: Vec<HoldLine>,
}

impl RetentionLines {
    pub(crate) fn of(user: &User, mark: RetentionMark, holds: Vec<Hold>) -> Self {
        let moment = |at: Timestamp| Moment::new(at.to_rfc3339());
        let is_guest = user.is_anonymous() && user.yielded_to.is_none();
        Self {
            is_shown: is_guest || !holds.is_empty(),
            warned_at: mark.warned_at.filter(|_| is_guest).map(moment),
            expired_at: mark.expired_at.filter(|_| is_guest).map(moment),
            holds: holds
                .into_iter()
                .map(|hold| HoldLine {
                    id: hold.id.to_string(),
                    owner: hold.owner,
                    reason: hold.reason,
                    expires_at: moment(hold.expires_at),
                })
                .collect(),
        }
    }

    /// A guest that nothing was done to, and an expired one with a hold.
    #[cfg(test)]
    pub(crate) fn samples() -> (Self, Self) {
        let at = Moment::new("2030-05-01T08:00:00.000Z");
        let hold = HoldLine {
            id: "018f3c2e-2a54-7a0c-8a67-1f0a6f5fd2af".into(),
            owner: "orders <1>".into(),
            reason: "Order 4711 is open".into(),
            expires_at: at.clone(),
        };
        let none = Self { is_shown: true, ..Self::default() };
        let expired = Self { warned_at: Some(at.clone()), expired_at: Some(at), holds: vec![hold], ..none.clone() };
        (none, expired)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_hold_lasts_until_the_end_of_its_day() {
        let end = end_of("2031-01-31").expect("a day");
        assert_eq!(Some(end), Timestamp::parse_rfc3339("2031-01-31T23:59:59Z"));
        for wrong in ["", "31.01.2031", "2031-02-30", "2031-01-31T12:00:00Z", "tomorrow"] {
            assert_eq!(end_of(wrong), None, "{wrong}");
        }
    }
}
