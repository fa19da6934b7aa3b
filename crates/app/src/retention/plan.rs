//! Where the retention of a project's guests stands: the dry run of its rules, its confirmation, and the walk through the guests.
//! One JSON document in the state of the job.

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use serde::{Deserialize, Serialize};
use vestibule_domain::{
    client::Client,
    event::{Event, OperatorAction},
    id::{ProjectNo, UserId},
    project::ProjectSettings,
    retention::RetentionSettings,
    time::Timestamp,
};
use vestibule_store::{StoreError, job_state};

use crate::{
    actor::{ActError, Actor},
    admin::{AdminError, Clash},
    crypto::{hex, sha256},
    ctx::Ctx,
};

/// The time between the beginnings of two walks.
const CYCLE: Duration = Duration::from_secs(3_600);

/// Upper bounds of the ages for which guests are counted, in days since they were last seen; the last group has none.
pub const AGES: [u32; 5] = [7, 30, 90, 180, 365];

/// Numbers of guests by age, as bounded by [`AGES`].
pub type AgeCounts = [u64; AGES.len() + 1];

/// The guests of an application in a dry run.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ApplicationCounts {
    /// All of them.
    pub guests: AgeCounts,
    /// Those that would expire.
    pub due: AgeCounts,
}

impl ApplicationCounts {
    /// How many guests there are, and how many would expire.
    #[must_use]
    pub fn totals(&self) -> (u64, u64) {
        (self.guests.iter().sum(), self.due.iter().sum())
    }

    fn exceeds(&self, percent: u32) -> bool {
        let (guests, due) = self.totals();
        due.saturating_mul(100) > guests.saturating_mul(percent.into())
    }
}

/// What a walk through the guests did.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Done {
    pub warned: u64,
    pub expired: u64,
    pub erased: u64,
    pub revived: u64,
}

impl Done {
    /// Adds what a transaction did.
    pub(crate) fn add(&mut self, other: Self) {
        self.warned += other.warned;
        self.expired += other.expired;
        self.erased += other.erased;
        self.revived += other.revived;
    }
}

/// The result of a dry run.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Plan {
    /// Identifies the rules.
    pub rules: String,
    pub made_at: Timestamp,
    /// By client ID; guests whose application is unknown under an empty one.
    pub applications: BTreeMap<String, ApplicationCounts>,
    /// Whether an operator must confirm it before anything is done.
    pub needs_confirmation: bool,
    pub confirmed_at: Option<Timestamp>,
}

impl Plan {
    /// Whether it waits for an operator.
    #[must_use]
    pub fn is_waiting(&self) -> bool {
        self.needs_confirmation && self.confirmed_at.is_none()
    }
}

/// A walk through the guests of a project.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Walk {
    pub(crate) rules: String,
    /// Whether it only counts.
    pub(crate) is_dry: bool,
    pub(crate) began_at: Timestamp,
    /// The last guest that was looked at.
    pub(crate) after: Option<String>,
    #[serde(default)]
    pub(crate) applications: BTreeMap<String, ApplicationCounts>,
    #[serde(default)]
    pub(crate) done: Done,
}

impl Walk {
    pub(crate) fn after(&self) -> UserId {
        let after = self.after.as_deref().and_then(|id| id.parse().ok());
        after.unwrap_or_else(|| UserId::from_bytes([0; 16]))
    }
}

/// The last walk that came to its end.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Finished {
    pub rules: String,
    pub began_at: Timestamp,
    pub ended_at: Timestamp,
    pub done: Done,
}

/// Everything that is kept between runs.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Record {
    pub(crate) plan: Option<Plan>,
    pub(crate) walk: Option<Walk>,
    pub(crate) last: Option<Finished>,
}

impl Record {
    /// Reads a stored record. One that cannot be read begins anew, with a dry run.
    pub(crate) fn read(stored: Option<&[u8]>) -> Self {
        stored.and_then(|bytes| serde_json::from_slice(bytes).ok()).unwrap_or_default()
    }

    pub(crate) fn print(&self) -> Vec<u8> {
        serde_json::to_vec(self).expect("a record is plain JSON")
    }

    /// Goes on with a walk, or begins one; `None` while there is nothing to do.
    pub(crate) fn begin(mut self, rules: &Rules, now: Timestamp) -> Option<Self> {
        if self.walk.as_ref().is_some_and(|walk| walk.rules == rules.name) {
            return Some(self);
        }
        let known = self.plan.as_ref().filter(|plan| plan.rules == rules.name);
        let is_dry = known.is_none();
        if known.is_some_and(Plan::is_waiting) {
            return None;
        }
        if let Some(last) = self.last.as_ref().filter(|last| !is_dry && last.rules == rules.name)
            && (rules.are_empty || now < last.began_at.plus(CYCLE))
        {
            return None;
        }
        let name = rules.name.clone();
        self.walk = Some(Walk {
            rules: name,
            is_dry,
            began_at: now,
            after: None,
            applications: BTreeMap::new(),
            done: Done::default(),
        });
        Some(self)
    }

    /// Ends the walk: a dry one becomes the plan.
    pub(crate) fn finish(&mut self, percent: u32, now: Timestamp) {
        let Some(walk) = self.walk.take() else { return };
        if walk.is_dry {
            let needs_confirmation = walk.applications.values().any(|counts| counts.exceeds(percent));
            self.plan = Some(Plan {
                rules: walk.rules,
                made_at: now,
                applications: walk.applications,
                needs_confirmation,
                confirmed_at: None,
            });
        } else {
            self.last = Some(Finished { rules: walk.rules, began_at: walk.began_at, ended_at: now, done: walk.done });
        }
    }
}

/// The rules of a project.
#[derive(Clone, Debug)]
pub(crate) struct Rules {
    /// Identifies them: other rules begin with a dry run of their own.
    pub(crate) name: String,
    /// Whether no application has one.
    pub(crate) are_empty: bool,
}

impl Rules {
    pub(crate) fn of(settings: &ProjectSettings) -> Self {
        let set: Vec<(&str, &RetentionSettings)> = settings
            .clients()
            .iter()
            .filter(|client| has_rules(client))
            .map(|client| (client.client_id.as_str(), &client.guest_retention))
            .collect();
        // Applications without rules count, too: they keep their guests.
        let with_guests = settings.clients().iter().filter(|client| client.application_type().allows_anonymous());
        let all: Vec<&str> = with_guests.map(|client| client.client_id.as_str()).collect();
        let text = serde_json::to_vec(&(&set, all)).expect("settings are plain JSON");
        Self { name: hex(&sha256(&text).0[..16]), are_empty: set.is_empty() }
    }
}

fn has_rules(client: &Client) -> bool {
    client.application_type().allows_anonymous() && client.guest_retention != RetentionSettings::default()
}

/// The name of the job's state.
pub(crate) fn name_of_record(no: ProjectNo) -> Arc<str> {
    format!("retention/{}", no.0).into()
}

/// What an operator sees.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Overview {
    /// Whether an application has a rule.
    pub is_on: bool,
    /// The dry run of the rules of now; `None` while it has not ended.
    pub plan: Option<Plan>,
    /// The last walk that came to its end, under whatever rules.
    pub last: Option<Finished>,
    /// Whether a walk is under way.
    pub is_running: bool,
}

/// Where the retention of the project's guests stands.
///
/// # Errors
/// The store's.
pub async fn overview(ctx: &Ctx<'_>) -> Result<Overview, StoreError> {
    let rules = Rules::of(&ctx.project.settings);
    let stored = job_state::get(&mut *ctx.app.store.read().await?, &name_of_record(ctx.project.no)).await?;
    let record = Record::read(stored.and_then(|(cursor, _)| cursor).as_deref());
    Ok(Overview {
        is_on: !rules.are_empty,
        plan: record.plan.filter(|plan| plan.rules == rules.name),
        last: record.last,
        is_running: record.walk.is_some(),
    })
}

/// Confirms the plan of these rules, so that they are carried out.
///
/// # Errors
/// [`Clash::PlanChanged`] when there is no such plan, or no longer.
pub async fn confirm(ctx: &Ctx<'_>, actor: &Actor, rules: &str) -> Result<(), AdminError> {
    let (no, now) = (ctx.project.no, ctx.now);
    if Rules::of(&ctx.project.settings).name != rules {
        return Err(AdminError::Conflict(Clash::PlanChanged));
    }
    let acted = Event::OperatorActed { action: OperatorAction::RetentionConfirmed, target: rules.to_string() };
    let input = (name_of_record(no), rules.to_string(), actor.prepare(ctx, &acted, None));
    let confirmed = ctx.app.store.write("confirm_retention", input, move |tx, (name, rules, entry)| {
        Box::pin(async move {
            job_state::lock(tx, name, now).await?;
            let stored = job_state::get(tx, name).await?.and_then(|(cursor, _)| cursor);
            let mut record = Record::read(stored.as_deref());
            let Some(plan) = record.plan.as_mut().filter(|plan| plan.rules == *rules) else { return Ok(false) };
            if plan.is_waiting() {
                plan.confirmed_at = Some(now);
                job_state::set(tx, name, Some(&record.print()), now).await?;
                entry.write(tx, no, now).await?;
            }
            Ok::<_, ActError>(true)
        })
    });
    if confirmed.await? { Ok(()) } else { Err(AdminError::Conflict(Clash::PlanChanged)) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rules(name: &str) -> Rules {
        Rules { name: name.to_string(), are_empty: false }
    }

    fn at(seconds: i64) -> Timestamp {
        Timestamp::from_seconds(seconds)
    }

    /// A record after a dry run that found so many guests, and so many of them due.
    fn planned(guests: u64, due: u64) -> Record {
        let mut record = Record::default().begin(&rules("a"), at(0)).expect("a dry run");
        let walk = record.walk.as_mut().expect("a walk");
        assert!(walk.is_dry);
        let counts = ApplicationCounts { guests: [guests, 0, 0, 0, 0, 0], due: [due, 0, 0, 0, 0, 0] };
        walk.applications.insert("web".into(), counts);
        record.finish(20, at(1));
        Record::read(Some(&record.print()))
    }

    #[test]
    fn nothing_is_done_before_a_dry_run() {
        let next = planned(100, 20).begin(&rules("a"), at(2)).expect("a run");
        assert!(next.walk.is_some_and(|walk| !walk.is_dry));
    }

    #[test]
    fn a_rule_that_ends_many_guests_waits_for_an_operator() {
        let mut record = planned(100, 21);
        assert_eq!(record.clone().begin(&rules("a"), at(2)), None);
        record.plan.as_mut().expect("a plan").confirmed_at = Some(at(3));
        assert!(record.begin(&rules("a"), at(4)).is_some());
    }

    #[test]
    fn other_rules_begin_with_a_dry_run_of_their_own() {
        let next = planned(100, 0).begin(&rules("b"), at(2)).expect("a run");
        assert!(next.walk.is_some_and(|walk| walk.is_dry && walk.rules == "b"));
        // Also in the middle of a walk.
        let middle = planned(100, 0).begin(&rules("a"), at(2)).and_then(|record| record.begin(&rules("b"), at(3)));
        assert!(middle.and_then(|record| record.walk).is_some_and(|walk| walk.is_dry));
    }

    #[test]
    fn a_walk_begins_once_an_hour_and_once_without_rules() {
        let mut record = planned(100, 0).begin(&rules("a"), at(2)).expect("a run");
        record.finish(20, at(10));
        assert_eq!(record.clone().begin(&rules("a"), at(3_601)), None);
        assert!(record.clone().begin(&rules("a"), at(3_602)).is_some());
        assert_eq!(record.begin(&Rules { are_empty: true, ..rules("a") }, at(9_000)), None);
    }

    #[test]
    fn a_record_that_cannot_be_read_begins_anew() {
        assert_eq!(Record::read(Some(b"{\"plan\": 3")), Record::default());
        assert_eq!(Record::read(None), Record::default());
    }
}
