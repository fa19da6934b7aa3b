//! The retention of guests: its plan and its confirmation, holds, and the revival of expired guests.

use vestibule_app::{
    admin::{AdminError, Thing},
    retention::{self, holds, plan, revival},
};
use vestibule_domain::id::{HoldId, UserId};

use super::{
    access::Admin,
    answer::{Created, Good, NoContent},
    bodies::{ConfirmationBody, NewHoldBody},
    input::{InPath, Json, PathPart},
    operation::{Operation, Tag},
    problem::Problem,
    retention_views::{HoldView, HoldsView, RetentionView},
};

pub(super) const GET: Operation = Operation::new(
    Tag::Project,
    "getRetention",
    "Read where the retention of guests stands",
    "The dry run of the rules, and the last run.",
);

/// `GET /retention`
pub(crate) async fn get(admin: Admin) -> Result<Good<RetentionView>, Problem> {
    let overview = retention::overview(&admin.visit.ctx()).await?;
    Ok(Good::print(&RetentionView::of(overview)))
}

pub(super) const CONFIRM: Operation = Operation::new(
    Tag::Project,
    "confirmRetention",
    "Confirm the rules for the retention of guests",
    "Success.",
)
.note(
    "Rules that would expire a large share of the guests do nothing before. Name the rules of the plan that you read.",
);

/// `POST /retention/confirm`
pub(crate) async fn confirm(admin: Admin, Json(body): Json<ConfirmationBody>) -> Result<NoContent, Problem> {
    plan::confirm(&admin.visit.ctx(), &admin.operator(), &body.rules).await?;
    Ok(NoContent)
}

pub(super) const LIST_HOLDS: Operation =
    Operation::new(Tag::Users, "listHolds", "List a user's holds", "Every hold that has not expired, oldest first.");

/// `GET /users/{user_id}/holds`
pub(crate) async fn list_holds(admin: Admin, InPath(id): InPath<UserId>) -> Result<Good<HoldsView>, Problem> {
    let all = holds::list(&admin.visit.ctx(), id).await?;
    Ok(Good::print(&HoldsView::of(all)))
}

pub(super) const CREATE_HOLD: Operation =
    Operation::new(Tag::Users, "createHold", "Keep a guest until a time", "The hold.")
        .note("No rule warns, expires or erases a guest while one of its holds lasts. A user has at most 100 holds. Deletion on request ignores them.");

/// `POST /users/{user_id}/holds`
pub(crate) async fn create_hold(
    admin: Admin,
    InPath(id): InPath<UserId>,
    Json(new): Json<NewHoldBody>,
) -> Result<Created<HoldView>, Problem> {
    let visit = &admin.visit;
    let hold = holds::create(&visit.ctx(), &admin.operator(), id, new).await?;
    Ok(Created::print(&HoldView::of(hold)))
}

impl PathPart for HoldId {
    const NAME: &'static str = "hold_id";
    const MEANING: &'static str = "The hold ID from the list.";

    fn parse(text: &str) -> Result<Self, Problem> {
        text.parse().map_err(|_| AdminError::NotFound(Thing::Hold).into())
    }
}

pub(super) const REMOVE_HOLD: Operation = Operation::new(Tag::Users, "removeHold", "Remove a hold", "Success.");

/// `DELETE /users/{user_id}/holds/{hold_id}`
pub(crate) async fn remove_hold(
    admin: Admin,
    InPath(id): InPath<UserId>,
    InPath(hold): InPath<HoldId>,
) -> Result<NoContent, Problem> {
    let visit = &admin.visit;
    holds::remove(&visit.ctx(), &admin.operator(), id, hold).await?;
    Ok(NoContent)
}

pub(super) const REVIVE: Operation =
    Operation::new(Tag::Users, "reviveGuest", "Revive an expired guest in its grace period", "Success.")
        .note("It is treated as seen now. Its sessions stay ended; it signs in with its device key.");

/// `POST /users/{user_id}/revive`
pub(crate) async fn revive(admin: Admin, InPath(id): InPath<UserId>) -> Result<NoContent, Problem> {
    let visit = &admin.visit;
    revival::revive(&visit.ctx(), &admin.operator(), id).await?;
    Ok(NoContent)
}
