//! Counts the guests of past days again, from the users that are there and the log of those who were deleted, and corrects the
//! days whose numbers differ. The servers go on meanwhile.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use serde_json::Value;
use vestibule_domain::{
    event::LoggedEvent,
    id::{ProjectNo, UserId},
    time::Timestamp,
};
use vestibule_store::{
    Conn, StoreError,
    counts::{self, DailyCount},
    events::{self, EventSelection},
    job_state, projects,
};

use crate::{
    ctx::Ctx,
    jobs::statistics::{
        GUESTS_CREATED, SETTLED, WITHOUT_SESSION, day_of, day_of_id, first_of, list_late, name_of_cursor, read_cursor,
    },
};

/// Rows one look reads.
const PAGE: i64 = 1_000;
/// How often a day is counted again that changes meanwhile.
const TRIES: usize = 5;

/// Which days, both included (days since the epoch), and whether wrong ones are corrected.
#[derive(Clone, Copy, Debug)]
pub struct Recount {
    pub from: i64,
    pub to: i64,
    pub is_dry: bool,
}

/// What became of a day.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RecountedDay {
    pub day: i64,
    /// The guests of the day by the statistics so far.
    pub counted: i64,
    /// The guests of the day that were found.
    pub found: i64,
}

/// Why days cannot be counted again.
#[derive(Debug, thiserror::Error)]
pub enum RecountError {
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error("the numbers of {0} changed while they were counted; run the command again")]
    Busy(String),
}

/// Counts days again that are counted already; `report` gets each of them, when it is done.
///
/// # Errors
/// The store failed, or a day changed again and again. What was reported before stays corrected.
pub async fn recount(
    ctx: &Ctx<'_>,
    wanted: Recount,
    mut report: impl FnMut(RecountedDay),
) -> Result<usize, RecountError> {
    let no = ctx.project.no;
    let mut conn = ctx.app.store.read().await?;
    // Guests that were imported into a new project are older than it, and not counted.
    let row = projects::find_by_id_any_project(&mut conn, &ctx.project.id).await?;
    let from = wanted.from.max(row.map_or(i64::MIN, |row| day_of(row.created_at)));
    let to = wanted.to.min(day_of_id(read_cursor(&mut conn, &name_of_cursor(no)).await?));
    let deleted = list_deleted(&mut conn, no).await?;
    drop(conn);
    let mut corrected = 0;
    for day in list_days(ctx, from, to).await? {
        let done = recount_day(ctx, day, &deleted, wanted.is_dry).await?;
        corrected += usize::from(done.counted != done.found);
        report(done);
    }
    Ok(corrected)
}

/// The days of a range for which there is a number or a user.
async fn list_days(ctx: &Ctx<'_>, from: i64, to: i64) -> Result<BTreeSet<i64>, StoreError> {
    let no = ctx.project.no;
    let mut conn = ctx.app.store.read().await?;
    let known = counts::list(&mut conn, no, from, to).await?;
    let mut days: BTreeSet<i64> =
        known.iter().filter(|count| count.name == GUESTS_CREATED).map(|count| count.day).collect();
    let (mut after, below) = (first_of(from), first_of(to.saturating_add(1)));
    while let Some((id, _, _)) = counts::list_users_between(&mut conn, no, after, below, 1).await?.pop() {
        let day = day_of_id(id);
        days.insert(day);
        after = first_of(day.saturating_add(1));
    }
    Ok(days)
}

/// The ID after this one.
fn after(id: UserId) -> UserId {
    UserId::from_bytes(u128::from_be_bytes(*id.as_bytes()).saturating_add(1).to_be_bytes())
}

/// Guests who were counted and then deleted, as far as the log goes back: their number by the day they came.
async fn list_deleted(conn: &mut Conn, no: ProjectNo) -> Result<HashMap<i64, i64>, StoreError> {
    let (mut days, mut range) = (HashMap::new(), 0..i64::MAX);
    loop {
        let wanted = EventSelection::OfType("user.deleted".to_owned());
        let page = events::list_page(conn, no, &wanted, &range, PAGE).await?;
        let Some(last) = page.last() else { return Ok(days) };
        range.end = last.seq;
        for event in &page {
            if let Some(id) = deleted_guest(conn, no, event).await? {
                *days.entry(day_of_id(id)).or_default() += 1;
            }
        }
    }
}

/// The guest that an event of a deletion is about: a user who was one to the end, or before a promotion.
async fn deleted_guest(conn: &mut Conn, no: ProjectNo, event: &LoggedEvent) -> Result<Option<UserId>, StoreError> {
    let Some(id) = event.user_id else { return Ok(None) };
    let made_at = Timestamp::from_micros(i64::try_from(id.unix_millis()).unwrap_or(0).saturating_mul(1_000));
    // Deleted before it was counted.
    if event.created_at.since(made_at) < SETTLED {
        return Ok(None);
    }
    let body: Value = serde_json::from_str(&event.body).unwrap_or_default();
    if body["payload"]["user"]["is_anonymous"] == true {
        return Ok(Some(id));
    }
    let promoted = EventSelection::OfUser(id, Some("user.anonymous.promoted".to_owned()));
    let promoted = events::list_page(conn, no, &promoted, &(0..i64::MAX), 1).await?;
    Ok((!promoted.is_empty()).then_some(id))
}

/// The counters of a day that are made from users.
async fn read_counts(conn: &mut Conn, no: ProjectNo, day: i64) -> Result<Vec<DailyCount>, StoreError> {
    let mut all = counts::list(conn, no, day, day).await?;
    all.retain(|count| [GUESTS_CREATED, WITHOUT_SESSION].contains(&count.name.as_str()));
    Ok(all)
}

async fn recount_day(
    ctx: &Ctx<'_>,
    day: i64,
    deleted: &HashMap<i64, i64>,
    is_dry: bool,
) -> Result<RecountedDay, RecountError> {
    let (no, name) = (ctx.project.no, name_of_cursor(ctx.project.no));
    for _ in 0..TRIES {
        let mut conn = ctx.app.store.read().await?;
        let cursor = read_cursor(&mut conn, &name).await?;
        let before = Numbers::of(&read_counts(&mut conn, no, day).await?);
        if read_cursor(&mut conn, &name).await? != cursor {
            continue;
        }
        let mut found = Numbers::default();
        let below = first_of(day.saturating_add(1)).min(after(cursor));
        let is_past = day < day_of_id(cursor);
        find_guests(&mut conn, no, (first_of(day), below), &mut found).await?;
        drop(conn);
        found.unknown += deleted.get(&day).copied().unwrap_or(0);
        let done = RecountedDay { day, counted: before.total(), found: found.total() };
        if is_dry || done.counted == done.found {
            return Ok(done);
        }
        let changes = before.changes_to(&found.settled(&before), day);
        let input = (name.clone(), changes, before);
        let now = ctx.app.clock.now();
        let written = ctx
            .app
            .store
            .write("recount_guests", input, move |tx, (name, changes, before)| {
                Box::pin(async move {
                    // Nodes that count wait here.
                    job_state::lock(tx, name, now).await?;
                    // The newest day grows meanwhile; a change that is added is right for it, too.
                    if is_past && Numbers::of(&read_counts(tx, no, day).await?) != *before {
                        return Ok(false);
                    }
                    for change in changes {
                        counts::add(tx, no, change).await?;
                    }
                    Ok::<_, StoreError>(true)
                })
            })
            .await?;
        if written {
            return Ok(done);
        }
    }
    Err(RecountError::Busy(super::statistics::print_day(day)))
}

/// Adds the guests with IDs in a range that are there, without those that are still to be counted as late ones.
async fn find_guests(
    conn: &mut Conn,
    no: ProjectNo,
    (mut first, below): (UserId, UserId),
    numbers: &mut Numbers,
) -> Result<(), StoreError> {
    loop {
        let page = counts::list_users_between(conn, no, first, below, PAGE).await?;
        let Some((last, _, _)) = page.last() else { return Ok(()) };
        let last = *last;
        // After the page, as the count does it.
        let late = list_late(conn, no, (first, last), i64::MAX).await?;
        for (id, client, was_guest) in page {
            if !was_guest || late.iter().any(|(_, other)| *other == id) {
                continue;
            }
            match client {
                Some(client) => *numbers.by_client.entry(client).or_default() += 1,
                None => numbers.unknown += 1,
            }
        }
        first = last;
    }
}

/// The guests of one day.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct Numbers {
    /// By application; empty for none.
    by_client: BTreeMap<String, i64>,
    /// Found without a session or grant now, so that the application is not known any more.
    unknown: i64,
    /// Counted without a session; they are among those without an application.
    without_session: i64,
}

impl Numbers {
    fn of(counts: &[DailyCount]) -> Self {
        let mut numbers = Self::default();
        for count in counts {
            match count.name.as_str() {
                GUESTS_CREATED => *numbers.by_client.entry(count.client_id.clone()).or_default() += count.count,
                _ => numbers.without_session += count.count,
            }
        }
        numbers
    }

    fn total(&self) -> i64 {
        self.by_client.values().sum::<i64>() + self.unknown
    }

    /// Gives those whose application is not known any more to the applications that had more before, in their proportion.
    fn settled(&self, before: &Self) -> Self {
        let mut settled = Self { unknown: 0, ..self.clone() };
        let more = |(client, count): (&String, &i64)| {
            let lacks = count - self.by_client.get(client).copied().unwrap_or(0);
            (lacks > 0).then(|| (client.clone(), lacks))
        };
        let lacking: Vec<(String, i64)> = before.by_client.iter().filter_map(more).collect();
        let (mut left, mut weight) = (self.unknown, lacking.iter().map(|(_, lacks)| lacks).sum::<i64>());
        for (client, lacks) in lacking {
            // Of what is left, so that rounding gives away exactly all.
            let part = if lacks == weight { left } else { scale(left, lacks, weight) };
            *settled.by_client.entry(client).or_default() += part;
            left -= part;
            weight -= lacks;
        }
        if left > 0 {
            *settled.by_client.entry(String::new()).or_default() += left;
        }
        let without_client = settled.by_client.get("").copied().unwrap_or(0);
        let expected = match before.total() {
            0 => self.unknown,
            total => scale(before.without_session, settled.total(), total),
        };
        settled.without_session = expected.min(without_client);
        settled
    }

    /// What to add to these counters to have those.
    fn changes_to(&self, other: &Self, day: i64) -> Vec<DailyCount> {
        let clients: BTreeSet<&String> = self.by_client.keys().chain(other.by_client.keys()).collect();
        let of = |numbers: &Self, client: &String| numbers.by_client.get(client).copied().unwrap_or(0);
        let mut changes: Vec<DailyCount> = clients
            .into_iter()
            .map(|client| DailyCount {
                day,
                client_id: client.clone(),
                name: GUESTS_CREATED.to_owned(),
                count: of(other, client) - of(self, client),
            })
            .collect();
        changes.push(DailyCount {
            day,
            client_id: String::new(),
            name: WITHOUT_SESSION.to_owned(),
            count: other.without_session - self.without_session,
        });
        changes.retain(|change| change.count != 0);
        changes
    }
}

/// `count × part / whole`, rounded.
fn scale(count: i64, part: i64, whole: i64) -> i64 {
    let product = i128::from(count) * i128::from(part) + i128::from(whole) / 2;
    i64::try_from(product / i128::from(whole).max(1)).unwrap_or(count)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn numbers(by_client: &[(&str, i64)], unknown: i64, without_session: i64) -> Numbers {
        let by_client = by_client.iter().map(|(client, count)| ((*client).to_owned(), *count)).collect();
        Numbers { by_client, unknown, without_session }
    }

    #[test]
    fn guests_of_unknown_applications_are_divided_as_the_numbers_before_were() {
        // Counted twice; of the thousand guests of web, eight hundred have lost their sessions meanwhile.
        let before = numbers(&[("", 200), ("app", 600), ("web", 2_000)], 0, 100);
        let found = numbers(&[("", 90), ("app", 300), ("web", 200)], 810, 0);
        let settled = found.settled(&before);
        assert_eq!(settled.total(), found.total());
        assert_eq!(settled.without_session, 50);
        // Of what was counted before, 300 are missing of app, 1800 of web and 110 of no application.
        assert_eq!(settled, numbers(&[("", 130), ("app", 410), ("web", 860)], 0, 50));
        let changes = before.changes_to(&settled, 7);
        let mut after = before.clone();
        for change in &changes {
            assert_eq!(change.day, 7);
            match change.name.as_str() {
                GUESTS_CREATED => *after.by_client.entry(change.client_id.clone()).or_default() += change.count,
                _ => after.without_session += change.count,
            }
        }
        assert_eq!(after, settled);
    }

    #[test]
    fn nothing_counted_before_leaves_them_without_an_application() {
        let settled = numbers(&[("web", 3)], 2, 0).settled(&Numbers::default());
        assert_eq!(settled, numbers(&[("", 2), ("web", 3)], 0, 2));
    }

    #[test]
    fn known_applications_are_taken_as_they_are_found() {
        let settled = numbers(&[("web", 3)], 0, 0).settled(&numbers(&[("web", 6)], 0, 0));
        assert_eq!(settled, numbers(&[("web", 3)], 0, 0));
        assert_eq!(scale(5, 1, 2), 3);
    }
}
