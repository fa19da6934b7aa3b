//! The JSON of the retention of guests: its plan, what was done, and holds. Doc comments of these types are in the API's description.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::Serialize;
use vestibule_app::retention::{
    AGES, AgeCounts, ApplicationCounts, Overview, Plan,
    holds::Hold,
    plan::{Done, Finished},
};

use super::schemas::{IdText, TimeText};

#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "Hold")]
pub(crate) struct HoldView {
    id: IdText,
    owner: String,
    reason: String,
    created_at: TimeText,
    expires_at: TimeText,
}

impl HoldView {
    pub(super) fn of(hold: Hold) -> Self {
        Self {
            id: hold.id.into(),
            owner: hold.owner,
            reason: hold.reason,
            created_at: hold.created_at.into(),
            expires_at: hold.expires_at.into(),
        }
    }
}

#[derive(Debug, Serialize, JsonSchema)]
#[schemars(inline)]
pub(crate) struct HoldsView {
    holds: Vec<HoldView>,
}

impl HoldsView {
    pub(crate) fn of(all: Vec<Hold>) -> Self {
        Self { holds: all.into_iter().map(HoldView::of).collect() }
    }
}

// Guests that were last seen within a number of days.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(inline)]
struct AgeView {
    /// Seen less than this many days ago, and not in the group before; null: longer ago than in all others.
    below_days: Option<u32>,
    guests: u64,
    /// Those that would expire.
    due: u64,
}

#[derive(Debug, Serialize, JsonSchema)]
#[schemars(inline)]
struct ApplicationCountsView {
    /// Empty for guests whose application is not known.
    client_id: String,
    guests: u64,
    /// Guests that would expire.
    due: u64,
    ages: Vec<AgeView>,
}

impl ApplicationCountsView {
    fn of(client_id: String, counts: &ApplicationCounts) -> Self {
        let (guests, due) = counts.totals();
        Self { client_id, guests, due, ages: list_ages(&counts.guests, &counts.due) }
    }
}

fn list_ages(guests: &AgeCounts, due: &AgeCounts) -> Vec<AgeView> {
    let bounds = AGES.iter().copied().map(Some).chain([None]);
    let counts = guests.iter().zip(due);
    bounds.zip(counts).map(|(below_days, (guests, due))| AgeView { below_days, guests: *guests, due: *due }).collect()
}

#[derive(Debug, Serialize, JsonSchema)]
#[schemars(inline)]
struct PlanView {
    /// Identifies the rules that were tried.
    rules: String,
    made_at: TimeText,
    /// Whether nothing is done until an operator confirms it.
    is_waiting: bool,
    confirmed_at: Option<TimeText>,
    applications: Vec<ApplicationCountsView>,
}

impl PlanView {
    fn of(plan: Plan) -> Self {
        let is_waiting = plan.is_waiting();
        let print = |applications: BTreeMap<String, ApplicationCounts>| {
            applications.into_iter().map(|(id, counts)| ApplicationCountsView::of(id, &counts)).collect()
        };
        Self {
            rules: plan.rules,
            made_at: plan.made_at.into(),
            is_waiting,
            confirmed_at: plan.confirmed_at.map(TimeText::from),
            applications: print(plan.applications),
        }
    }
}

#[derive(Debug, Serialize, JsonSchema)]
#[schemars(inline)]
struct RunView {
    began_at: TimeText,
    ended_at: TimeText,
    warned: u64,
    expired: u64,
    erased: u64,
    revived: u64,
}

impl RunView {
    fn of(finished: &Finished) -> Self {
        let Done { warned, expired, erased, revived } = finished.done;
        Self {
            began_at: finished.began_at.into(),
            ended_at: finished.ended_at.into(),
            warned,
            expired,
            erased,
            revived,
        }
    }
}

#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "Retention")]
pub(crate) struct RetentionView {
    /// Whether an application has a rule.
    is_on: bool,
    /// What the rules of now would do at first; null until their dry run has ended.
    plan: Option<PlanView>,
    /// The last run that came to its end.
    last_run: Option<RunView>,
    /// Whether a run is under way.
    is_running: bool,
}

impl RetentionView {
    pub(super) fn of(overview: Overview) -> Self {
        Self {
            is_on: overview.is_on,
            plan: overview.plan.map(PlanView::of),
            last_run: overview.last.as_ref().map(RunView::of),
            is_running: overview.is_running,
        }
    }
}
