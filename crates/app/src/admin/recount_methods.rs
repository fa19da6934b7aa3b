//! Counts again with which login methods users of past days became members, from the event log, and corrects the days whose numbers
//! differ. Only days of which the log has every event: those of which it has as many promotions and new members as were counted.

use std::collections::BTreeMap;

use serde_json::Value;
use vestibule_domain::id::ProjectNo;
use vestibule_store::{
    Conn, StoreError,
    counts::{self, DailyCount},
    events::{self, EventSelection},
};

use super::recount::Recount;
use crate::{
    ctx::Ctx,
    jobs::statistics::{CREATED_BY, MEMBERS_CREATED, PROMOTED, PROMOTED_BY, SIGNED_IN, count_event},
};

/// Rows one look reads.
const PAGE: i64 = 1_000;
/// The events that are counted by login method.
const KINDS: [&str; 2] = ["user.anonymous.promoted", "user.created"];

/// Counters by application and name.
type Counters = BTreeMap<(String, String), i64>;

/// Counts the login methods again; `report` gets each day whose numbers were wrong.
///
/// # Errors
/// The store failed. What was reported before stays corrected.
pub async fn recount_methods(ctx: &Ctx<'_>, wanted: Recount, mut report: impl FnMut(i64)) -> Result<usize, StoreError> {
    let no = ctx.project.no;
    let found = read_log(ctx, wanted).await?;
    let mut corrected = 0;
    for (day, found) in found {
        let before = read_counters(&mut *ctx.app.store.read().await?, no, day).await?;
        let changes = changes_to(&before, &found, day);
        if changes.is_empty() || !is_whole(&before, &found) {
            continue;
        }
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
        report(day);
    }
    Ok(corrected)
}

/// What the events of the log add to the counters of each wanted day.
async fn read_log(ctx: &Ctx<'_>, wanted: Recount) -> Result<BTreeMap<i64, Counters>, StoreError> {
    let mut days: BTreeMap<i64, Counters> = BTreeMap::new();
    let mut conn = ctx.app.store.read().await?;
    for kind in KINDS {
        let (selection, mut range) = (EventSelection::OfType(kind.to_owned()), 0..i64::MAX);
        loop {
            let page = events::list_page(&mut conn, ctx.project.no, &selection, &range, PAGE).await?;
            let Some(last) = page.last() else { break };
            range.end = last.seq;
            for event in &page {
                let body: Value = serde_json::from_str(&event.body).unwrap_or_default();
                for count in count_event(kind, &body, event.created_at) {
                    let is_wanted = (wanted.from..=wanted.to).contains(&count.day);
                    if is_wanted && is_concerned(&count.name) {
                        *days.entry(count.day).or_default().entry((count.client_id, count.name)).or_default() +=
                            count.count;
                    }
                }
            }
        }
    }
    Ok(days)
}

async fn read_counters(conn: &mut Conn, no: ProjectNo, day: i64) -> Result<Counters, StoreError> {
    let all = counts::list(conn, no, day, day).await?;
    let concerned = all.into_iter().filter(|count| is_concerned(&count.name) && count.count != 0);
    Ok(concerned.map(|count| ((count.client_id, count.name), count.count)).collect())
}

fn is_by_method(name: &str) -> bool {
    name.starts_with(PROMOTED_BY) || name.starts_with(CREATED_BY)
}

fn is_concerned(name: &str) -> bool {
    is_by_method(name) || [PROMOTED, SIGNED_IN, MEMBERS_CREATED].contains(&name)
}

/// Whether the log has every event that was counted.
fn is_whole(before: &Counters, found: &Counters) -> bool {
    let totals = |counters: &Counters| -> Counters {
        let all = counters.iter().filter(|((_, name), count)| !is_by_method(name) && **count != 0);
        all.map(|(key, count)| (key.clone(), *count)).collect()
    };
    totals(before) == totals(found)
}

/// What makes the counters by login method those that were found.
fn changes_to(before: &Counters, found: &Counters, day: i64) -> Vec<DailyCount> {
    let keys = before.keys().chain(found.keys().filter(|key| !before.contains_key(*key)));
    let read = |counters: &Counters, key| counters.get(key).copied().unwrap_or_default();
    keys.filter(|(_, name)| is_by_method(name))
        .map(|key| DailyCount {
            day,
            client_id: key.0.clone(),
            name: key.1.clone(),
            count: read(found, key) - read(before, key),
        })
        .filter(|change| change.count != 0)
        .collect()
}
