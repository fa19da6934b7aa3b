//! Reads a page of guests and decides what is to be done about each. Nothing is written here.

use std::{collections::BTreeMap, time::Duration};

use vestibule_domain::{
    client::Client,
    id::UserId,
    retention::{Guest, GuestClass, GuestState, Rule, Step, WRITE_WINDOW, choose},
    time::Timestamp,
};
use vestibule_store::{
    Store, StoreError,
    erasure::Cutoffs,
    job_state,
    retention::{self, GuestRow},
};

use crate::{
    jobs::{
        pace::Pace,
        statistics::{DAY, day_of},
    },
    projects::Project,
    retention::plan::{AGES, ApplicationCounts, Record},
};

/// Users that one look goes past.
const LOOK: i64 = 4_000;

/// The state in which the migration left when sessions began to leave a trace.
const SINCE: &str = "retention_since";

/// Something to do about a guest.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Act {
    pub(super) id: UserId,
    pub(super) step: Step,
    /// Until when it may have been used to be taken for unused when the act is carried out.
    pub(super) cutoffs: Cutoffs,
    /// When it expires, for the warning; when it is erased, for the expiry.
    pub(super) follows_at: Timestamp,
}

/// What a look found.
pub(super) struct Page {
    /// The last user that the look went past; `None` when it came to the end of the walk.
    pub(super) end: Option<UserId>,
    /// In the order of the IDs.
    pub(super) acts: Vec<Act>,
    /// The counts of a dry run.
    pub(super) counts: BTreeMap<String, ApplicationCounts>,
}

/// Adds the counts of a page.
pub(super) fn add_counts(sums: &mut BTreeMap<String, ApplicationCounts>, counts: BTreeMap<String, ApplicationCounts>) {
    for (client_id, counts) in counts {
        let sum = sums.entry(client_id).or_default();
        for (index, number) in counts.guests.iter().enumerate() {
            sum.guests[index] += number;
            sum.due[index] += counts.due[index];
        }
    }
}

/// Reads the next page of a walk, in parts between which other requests have their turn. A guest that changes meanwhile is looked at again
/// when it is its turn.
pub(super) async fn read(
    (store, pace): (&Store, Pace),
    project: &Project,
    record: &Record,
    now: Timestamp,
) -> Result<Page, StoreError> {
    let Some(walk) = &record.walk else { return Ok(Page { end: None, acts: Vec::new(), counts: BTreeMap::new() }) };
    let since = job_state::get(&mut *store.read().await?, SINCE).await?.map(|(_, at)| day_of(at) + 1);
    // A dry run counts the others, too.
    let unseen_since = if walk.is_dry { Timestamp::from_micros(i64::MAX) } else { find_unseen_since(project, now) };
    let part = pace.rows_at_once(LOOK);
    let mut page = Page { end: Some(walk.after()), acts: Vec::new(), counts: BTreeMap::new() };
    for _ in 0..LOOK / part {
        let Some(after) = page.end else { break };
        let mut conn = store.read().await?;
        page.end = retention::find_page_end(&mut conn, project.no, after, part).await?;
        let range = (after, page.end.unwrap_or_else(|| UserId::from_bytes([u8::MAX; 16])));
        let rows = retention::scan(&mut conn, project.no, range, unseen_since).await?;
        drop(conn);
        for row in &rows {
            let judged = Judged::of(project, row, since, now);
            if walk.is_dry {
                judged.count(project, row, now, &mut page.counts);
            } else {
                page.acts.extend(judged.act(row.id, now));
            }
        }
        pace.rest(store).await?;
    }
    Ok(page)
}

/// The latest last use at which a rule could do anything.
fn find_unseen_since(project: &Project, now: Timestamp) -> Timestamp {
    let classes = [GuestClass::WithoutKey, GuestClass::WithKey, GuestClass::WithAttributes];
    let rules = project.settings.clients().iter().flat_map(|client| classes.map(|class| client.retention_rule(class)));
    let shortest = rules.flatten().map(|rule| {
        let idle = if rule.ends_with_session { Duration::ZERO } else { rule.idle.unwrap_or_default() };
        idle.saturating_sub(rule.warning)
    });
    shortest.min().map_or(Timestamp::from_micros(i64::MIN), |wait| now.minus(WRITE_WINDOW).minus(wait))
}

/// A guest and the rule for it.
struct Judged {
    guest: Guest,
    rule: Option<Rule>,
}

impl Judged {
    fn of(project: &Project, row: &GuestRow, since: Option<i64>, now: Timestamp) -> Self {
        let state = match (row.expired_at, row.warned_at) {
            (Some(at), _) => GuestState::Expired { at },
            (None, Some(at)) => GuestState::Warned { at },
            (None, None) => GuestState::Active,
        };
        let guest = Guest {
            seen_at: find_seen_at(row, since),
            has_session: row.grant_used_at.or(row.session_used_at).is_some(),
            is_held: row.held_until.is_some_and(|until| now <= until),
            state,
        };
        let class = GuestClass::of(row.has_attributes, row.key_used_at.is_some());
        let rules = find_clients(project, row).into_iter().map(|client| client.retention_rule(class));
        Self { guest, rule: choose(rules, &guest) }
    }

    fn act(&self, id: UserId, now: Timestamp) -> Option<Act> {
        let is_marked = self.guest.state != GuestState::Active;
        let Some(rule) = self.rule else {
            // The rule is gone, so what it did is taken back.
            let none = Cutoffs { seen_before: now, used_before: now };
            return is_marked.then_some(Act { id, step: Step::Revive, cutoffs: none, follows_at: now });
        };
        let step = rule.step(&self.guest, now);
        let seen_before = rule.cutoff(&self.guest, now);
        // A guest that ends with its session must still have none.
        let ends_now = rule.ends_with_session && !self.guest.has_session;
        let used_before = if ends_now { Timestamp::from_micros(i64::MIN) } else { seen_before };
        let follows_at = match step {
            Step::Warn => rule.due_at(&self.guest).unwrap_or(now).max(now.plus(rule.warning)),
            Step::Keep | Step::Expire | Step::Erase | Step::Revive => now.plus(rule.grace),
        };
        let act = Act { id, step, cutoffs: Cutoffs { seen_before, used_before }, follows_at };
        (step != Step::Keep).then_some(act)
    }

    fn count(
        &self,
        project: &Project,
        row: &GuestRow,
        now: Timestamp,
        counts: &mut BTreeMap<String, ApplicationCounts>,
    ) {
        let known = row.client_ids.iter().find(|id| project.settings.client(id).is_some());
        let counts = counts.entry(known.cloned().unwrap_or_default()).or_default();
        let days = now.since(self.guest.seen_at).as_secs() / 86_400;
        let age = AGES.iter().position(|bound| days < u64::from(*bound)).unwrap_or(AGES.len());
        let due_at = self.rule.and_then(|rule| rule.due_at(&self.guest));
        counts.guests[age] += 1;
        counts.due[age] += u64::from(due_at.is_some_and(|due_at| now > due_at) && !self.guest.is_held);
    }
}

/// The applications whose rules count for a guest: its own, or all that may have guests if they are not known.
fn find_clients<'a>(project: &'a Project, row: &GuestRow) -> Vec<&'a Client> {
    let all = || project.settings.clients().iter().filter(|client| client.application_type().allows_anonymous());
    let own: Vec<&Client> = all().filter(|client| row.client_ids.contains(&client.client_id)).collect();
    if own.is_empty() || row.left_several { all().collect() } else { own }
}

/// The latest time at which a guest may have been seen, as far as its rows say.
///
/// A guest none of whose sessions is there or left a trace is taken for present until the end of the last day on which it was
/// counted; and so is one of before sessions left a trace (`since` is the last day of that).
fn find_seen_at(row: &GuestRow, since: Option<i64>) -> Timestamp {
    let exact = [row.last_login_at, row.left_at, row.grant_used_at, row.session_used_at, row.key_used_at];
    let last = exact.into_iter().flatten().fold(row.created_at.max(row.updated_at), Timestamp::max);
    let day = day_of(row.created_at).max(row.seen_day.unwrap_or(i64::MIN));
    let has_trace = row.left_at.or(row.grant_used_at).or(row.session_used_at).is_some();
    if has_trace && since.is_none_or(|since| day > since) {
        return last;
    }
    last.max(Timestamp::from_seconds((day + 1).saturating_mul(DAY)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: i64) -> Timestamp {
        Timestamp::from_seconds(seconds)
    }

    fn row() -> GuestRow {
        GuestRow {
            id: UserId::lower_bound(0),
            created_at: at(10),
            updated_at: at(10),
            last_login_at: None,
            left_at: None,
            seen_day: None,
            has_attributes: false,
            grant_used_at: None,
            session_used_at: None,
            key_used_at: None,
            client_ids: Vec::new(),
            left_several: false,
            warned_at: None,
            expired_at: None,
            held_until: None,
        }
    }

    #[test]
    fn the_latest_trace_of_a_guest_counts_and_without_one_its_day() {
        let with_grant = GuestRow { grant_used_at: Some(at(500)), ..row() };
        // row, last day without traces, seen
        for (row, since, seen) in [
            (with_grant.clone(), None, 500),
            (GuestRow { left_at: Some(at(900)), ..with_grant.clone() }, None, 900),
            (GuestRow { session_used_at: Some(at(800)), ..row() }, None, 800),
            (GuestRow { updated_at: at(700), ..with_grant.clone() }, None, 700),
            (GuestRow { last_login_at: Some(at(600)), ..with_grant.clone() }, None, 600),
            (GuestRow { key_used_at: Some(at(650)), ..with_grant.clone() }, None, 650),
            // No session is there, and none left a trace.
            (row(), None, DAY),
            (GuestRow { seen_day: Some(4), ..row() }, None, 5 * DAY),
            // Another session may have been removed before sessions left a trace.
            (with_grant.clone(), Some(0), DAY),
            (GuestRow { seen_day: Some(1), grant_used_at: Some(at(DAY + 5)), ..row() }, Some(0), DAY + 5),
        ] {
            assert_eq!(find_seen_at(&row, since), at(seen), "{row:?}");
        }
    }

    #[test]
    fn counts_of_pages_are_added() {
        let page = |guests, due| {
            let counts = ApplicationCounts { guests: [guests, 0, 0, 0, 0, 1], due: [due, 0, 0, 0, 0, 1] };
            BTreeMap::from([("web".to_string(), counts)])
        };
        let mut sums = page(2, 1);
        add_counts(&mut sums, page(5, 3));
        assert_eq!(sums["web"].totals(), (9, 6));
    }
}
