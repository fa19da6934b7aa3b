//! Counts again with which login methods users of past days became members, and what became of merges, from the event log, and corrects the
//! days whose numbers differ. Only days of which the log has every event: those of which it has as many promotions and new members as were
//! counted, and for merges also only those since which no event is removed.

use std::{
    collections::{BTreeMap, HashMap},
    time::Duration,
};

use serde_json::Value;
use vestibule_domain::{event::Event, id::ProjectNo};
use vestibule_store::{
    Conn, StoreError,
    counts::{self, DailyCount},
    events::{self, EventSelection},
};

use super::recount::Recount;
use crate::{
    ctx::Ctx,
    jobs::statistics::{
        CREATED_BY, DAY, MEMBERS_CREATED, MERGE_COUNTERS, PROMOTED, PROMOTED_BY, SIGNED_IN, count_event, day_of,
    },
};

/// Rows one look reads.
const PAGE: i64 = 1_000;
/// The events from which the counters are made.
const KINDS: [&str; 6] = [
    "user.anonymous.promoted",
    "user.created",
    Event::USER_MERGE_REQUESTED,
    Event::USER_MERGED,
    Event::USER_MERGE_REFUSED,
    Event::USER_MERGE_UNDONE,
];

/// What was wrong on a day.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RecountedKind {
    LoginMethods,
    Merges,
}

/// Counters by application and name.
type Counters = BTreeMap<(String, String), i64>;

/// Counts the login methods and the merges again; `report` gets each day whose numbers were wrong.
///
/// # Errors
/// The store failed. What was reported before stays corrected.
pub async fn recount_methods(
    ctx: &Ctx<'_>,
    wanted: Recount,
    mut report: impl FnMut(i64, RecountedKind),
) -> Result<usize, StoreError> {
    let no = ctx.project.no;
    let mut found = read_log(ctx, wanted).await?;
    // What is counted and not in the log at all.
    for count in counts::list(&mut *ctx.app.store.read().await?, no, wanted.from, wanted.to).await? {
        if is_of_merge(&count.name) {
            found.entry(count.day).or_default();
        }
    }
    // What became of a guest is in events of later days: the log has them all if it goes back to that day.
    let keep = u64::from(ctx.app.config.audit.keep_days) * DAY.unsigned_abs();
    let kept_since = if keep == 0 { i64::MIN } else { day_of(ctx.now.minus(Duration::from_secs(keep))) };
    let mut corrected = 0;
    for (day, found) in found {
        let before = read_counters(&mut *ctx.app.store.read().await?, no, day).await?;
        let mut changes = changes_to(&before, &found, day);
        if day <= kept_since {
            changes.retain(|change| !is_of_merge(&change.name));
        }
        if changes.is_empty() || !is_whole(&before, &found) {
            continue;
        }
        let are_merges_wrong = changes.iter().any(|change| is_of_merge(&change.name));
        let are_methods_wrong = changes.iter().any(|change| is_by_method(&change.name));
        if !wanted.is_dry {
            let input = (before, changes);
            let written = ctx.app.store.write("recount_login_methods", input, move |tx, (before, changes)| {
                Box::pin(async move {
                    // Of a day that goes on, the next recount finds the rest.
                    if read_counters(tx, no, day).await? != *before {
                        return Ok::<_, StoreError>(false);
                    }
                    for change in changes {
                        counts::add(tx, no, change).await?;
                    }
                    Ok(true)
                })
            });
            if !written.await? {
                continue;
            }
        }
        corrected += 1;
        if are_methods_wrong {
            report(day, RecountedKind::LoginMethods);
        }
        if are_merges_wrong {
            report(day, RecountedKind::Merges);
        }
    }
    Ok(corrected)
}

/// What the events of the log add to the counters of each wanted day.
async fn read_log(ctx: &Ctx<'_>, wanted: Recount) -> Result<BTreeMap<i64, Counters>, StoreError> {
    let mut days: BTreeMap<i64, Counters> = BTreeMap::new();
    // An earlier release did not note which questions were repeated: the first one of a merge counts.
    let mut requests: HashMap<String, Vec<DailyCount>> = HashMap::new();
    let mut conn = ctx.app.store.read().await?;
    for kind in KINDS {
        let (selection, mut range) = (EventSelection::OfType(kind.to_owned()), 0..i64::MAX);
        loop {
            let page = events::list_page(&mut conn, ctx.project.no, &selection, &range, PAGE).await?;
            let Some(last) = page.last() else { break };
            range.end = last.seq;
            for event in &page {
                let body: Value = serde_json::from_str(&event.body).unwrap_or_default();
                let counted = count_event(kind, &body, event.created_at);
                if kind != Event::USER_MERGE_REQUESTED {
                    add(&mut days, wanted, counted);
                } else if !counted.is_empty() {
                    let merge_id = body["payload"]["merge_id"].as_str().unwrap_or_default();
                    // The log is read from its end.
                    requests.insert(merge_id.to_owned(), counted);
                }
            }
        }
    }
    requests.into_values().for_each(|counted| add(&mut days, wanted, counted));
    Ok(days)
}

fn add(days: &mut BTreeMap<i64, Counters>, wanted: Recount, counted: Vec<DailyCount>) {
    let is_wanted = |count: &DailyCount| (wanted.from..=wanted.to).contains(&count.day) && is_concerned(&count.name);
    for count in counted.into_iter().filter(is_wanted) {
        *days.entry(count.day).or_default().entry((count.client_id, count.name)).or_default() += count.count;
    }
}

async fn read_counters(conn: &mut Conn, no: ProjectNo, day: i64) -> Result<Counters, StoreError> {
    let all = counts::list(conn, no, day, day).await?;
    let concerned = all.into_iter().filter(|count| is_concerned(&count.name) && count.count != 0);
    Ok(concerned.map(|count| ((count.client_id, count.name), count.count)).collect())
}

fn is_by_method(name: &str) -> bool {
    name.starts_with(PROMOTED_BY) || name.starts_with(CREATED_BY)
}

fn is_of_merge(name: &str) -> bool {
    MERGE_COUNTERS.contains(&name)
}

/// Whether it is corrected; the others say whether the log is whole.
fn is_corrected(name: &str) -> bool {
    is_by_method(name) || is_of_merge(name)
}

fn is_concerned(name: &str) -> bool {
    is_corrected(name) || [PROMOTED, SIGNED_IN, MEMBERS_CREATED].contains(&name)
}

/// Whether the log has every event that was counted.
fn is_whole(before: &Counters, found: &Counters) -> bool {
    let totals = |counters: &Counters| -> Counters {
        let all = counters.iter().filter(|((_, name), count)| !is_corrected(name) && **count != 0);
        all.map(|(key, count)| (key.clone(), *count)).collect()
    };
    totals(before) == totals(found)
}

/// What makes the counters those that were found.
fn changes_to(before: &Counters, found: &Counters, day: i64) -> Vec<DailyCount> {
    let keys = before.keys().chain(found.keys().filter(|key| !before.contains_key(*key)));
    let read = |counters: &Counters, key| counters.get(key).copied().unwrap_or_default();
    keys.filter(|(_, name)| is_corrected(name))
        .map(|key| DailyCount {
            day,
            client_id: key.0.clone(),
            name: key.1.clone(),
            count: read(found, key) - read(before, key),
        })
        .filter(|change| change.count != 0)
        .collect()
}
