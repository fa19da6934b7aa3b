//! Counts guests by day and application: new ones from their users' ids, a while after the fact; what became of them from
//! the event log, in the transaction that writes it.

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use serde_json::Value;
use tokio::sync::watch;
use vestibule_domain::{
    event::Event,
    handshake::MergeState,
    id::{ProjectNo, UserId},
    time::Timestamp,
};
use vestibule_store::{
    Conn, StoreError, Tx, clock,
    counts::{self, DailyCount},
    job_state, outbox,
};

use crate::{guests::late::LATE_KIND, projects::Project, state::App};

const PERIOD: Duration = Duration::from_secs(3);
const BATCH: i64 = 500;
/// IDs are made before their rows are committed; after this long every row of its time is there, or noted as late, or of a
/// transaction that is still open.
pub(crate) const SETTLED: Duration = Duration::from_secs(60);
pub(crate) const DAY: i64 = 86_400;

/// Guests who came.
pub(crate) const GUESTS_CREATED: &str = "guests_created";
/// Guests who signed up and are not stored, by the day they came: who is stored later is taken away again. No recount finds them.
pub(crate) const NOT_STORED: &str = "guests_not_stored";
/// Guests of earlier days who were there, each once a day.
pub(crate) const RETURNED: &str = "guests_returned";
/// Guests who came back at all, by the day they came: the middle of that day's funnel.
pub(crate) const RETURNED_OF_DAY: &str = "guests_returned_of_day";
/// Those of [`GUESTS_CREATED`] who had no session when they were counted: imported, or signed out at once.
pub(crate) const WITHOUT_SESSION: &str = "guests_created_without_session";
/// Guests who were promoted or signed in to an existing account instead, by the day it happened.
pub const PROMOTED: &str = "guests_promoted";
/// The same by the day the guest came: the end of that day's funnel.
pub(crate) const PROMOTED_OF_DAY: &str = "guests_promoted_of_day";
/// Those of [`PROMOTED`] who signed in to an existing account.
pub(crate) const SIGNED_IN: &str = "guests_signed_in";
/// Those of [`PROMOTED_OF_DAY`] who signed in to an existing account.
pub(crate) const SIGNED_IN_OF_DAY: &str = "guests_signed_in_of_day";
/// Members who came without being guests before.
pub(crate) const MEMBERS_CREATED: &str = "members_created";
/// Logins of members.
pub(crate) const LOGINS: &str = "logins";
/// Merges about which an application is asked, by the day the person or operator asked for them.
pub(crate) const MERGES_REQUESTED: &str = "merges_requested";
/// Guests that became aliases, by the day it happened; also those about which no application was asked.
pub(crate) const MERGES_SETTLED: &str = "merges_settled";
/// Merges that an application refused or did not answer in time, or whose member was deleted.
pub(crate) const MERGES_REFUSED: &str = "merges_refused";
/// Those of [`MERGES_REFUSED`] without an answer.
pub(crate) const MERGES_TIMED_OUT: &str = "merges_timed_out";
/// Those of [`MERGES_SETTLED`] that were undone, by the day it happened.
pub(crate) const MERGES_UNDONE: &str = "merges_undone";
/// The same by the day the guest came: the end of that day's funnel.
pub(crate) const MERGES_SETTLED_OF_DAY: &str = "merges_settled_of_day";
pub(crate) const MERGES_REFUSED_OF_DAY: &str = "merges_refused_of_day";
pub(crate) const MERGES_UNDONE_OF_DAY: &str = "merges_undone_of_day";
/// All of them.
pub(crate) const MERGE_COUNTERS: [&str; 8] = [
    MERGES_REQUESTED,
    MERGES_SETTLED,
    MERGES_REFUSED,
    MERGES_TIMED_OUT,
    MERGES_UNDONE,
    MERGES_SETTLED_OF_DAY,
    MERGES_REFUSED_OF_DAY,
    MERGES_UNDONE_OF_DAY,
];
/// [`PROMOTED`] by how long the guest was one: the counter, the counter of those who signed in to an existing account, and the
/// upper bound in seconds.
pub(crate) const WITHIN: [(&str, &str, i64); 6] = [
    ("promoted_within_10m", "signed_in_within_10m", 600),
    ("promoted_within_1h", "signed_in_within_1h", 3_600),
    ("promoted_within_1d", "signed_in_within_1d", DAY),
    ("promoted_within_7d", "signed_in_within_7d", 7 * DAY),
    ("promoted_within_30d", "signed_in_within_30d", 30 * DAY),
    ("promoted_later", "signed_in_later", i64::MAX),
];

/// [`PROMOTED`] without [`SIGNED_IN`], and [`MEMBERS_CREATED`], by the login method with which the user became a member: the beginning
/// of the counters' names.
pub(crate) const PROMOTED_BY: &str = "guests_promoted_by:";
pub(crate) const CREATED_BY: &str = "members_created_by:";
/// The beginning of a login method that is an account at a provider; its alias follows, or its type if it had none.
pub(crate) const EXTERNAL: &str = "oauth:";

/// Works until told to stop.
pub async fn run(app: Arc<App>, mut stop: watch::Receiver<bool>) {
    while crate::jobs::wait(&mut stop, PERIOD, None).await {
        for project in app.projects.all() {
            if let Err(error) = count_guests(&app, &project).await {
                tracing::warn!(project.id = project.id, error = %error, "guests could not be counted; retrying later");
            }
        }
    }
}

/// Looks how far guests are counted, before the first one signs up: the clock may have been set back since.
///
/// # Errors
/// When the store does not answer.
pub async fn see_counted(app: &App) -> Result<(), StoreError> {
    let mut conn = app.store.read().await?;
    for project in app.projects.all() {
        app.counted_up_to.see(read_cursor(&mut conn, &name_of_cursor(project.no)).await?);
    }
    Ok(())
}

/// The day a time lies in, UTC.
pub fn day_of(at: Timestamp) -> i64 {
    at.as_seconds().div_euclid(DAY)
}

/// Counts the guests that came since the last time, each exactly once, also when several nodes do it at the same time, and
/// however late the transaction of a guest was committed (decision 84).
///
/// # Errors
/// The store failed; what was counted stays counted.
pub async fn count_guests(app: &App, project: &Project) -> Result<(), StoreError> {
    let name = name_of_cursor(project.no);
    loop {
        let no = project.no;
        // A look first: most of the time nobody came, and a write would wait for the disk.
        let mut conn = app.store.read().await?;
        let settled = app.store_clock.now(&mut conn).await?.minus(SETTLED);
        let cursor = read_cursor(&mut conn, &name).await?;
        app.counted_up_to.see(cursor);
        let found = counts::list_users_between(&mut conn, no, cursor, lower_bound(settled), 1).await?;
        if found.is_empty() && list_late(&mut conn, no, (first_id(), lower_bound(settled)), 1).await?.is_empty() {
            return Ok(());
        }
        // A transaction that is open may still add guests from the time of its start.
        let below = lower_bound(settled.minus(clock::age_of_oldest_write(&mut conn).await?));
        drop(conn);
        let now = app.clock.now();
        let counted = app
            .store
            .write("count_guests", Arc::clone(&name), move |tx, name| {
                Box::pin(async move {
                    // Another node waits here, and then reads the cursor this one leaves.
                    job_state::lock(tx, name, now).await?;
                    let cursor = read_cursor(tx, name).await?;
                    count_batch(tx, no, name, (cursor, below), now).await
                })
            })
            .await?;
        if counted == 0 {
            return Ok(());
        }
        tokio::task::yield_now().await;
    }
}

pub(crate) fn name_of_cursor(no: ProjectNo) -> Arc<str> {
    format!("guests/{}", no.0).into()
}

fn lower_bound(at: Timestamp) -> UserId {
    UserId::lower_bound(at.as_unix_millis())
}

/// An ID before all others.
fn first_id() -> UserId {
    UserId::from_bytes([0; 16])
}

/// Users with IDs in a range whose sign-up was late.
pub(crate) async fn list_late(
    conn: &mut Conn,
    no: ProjectNo,
    range: (UserId, UserId),
    limit: i64,
) -> Result<Vec<(i64, UserId)>, StoreError> {
    outbox::list_about(conn, no, LATE_KIND, range, limit).await
}

/// Counts the guests between the cursor and a bound, and those before the cursor whose sign-up was late.
async fn count_batch(
    tx: &mut Tx,
    no: ProjectNo,
    name: &str,
    (mut cursor, below): (UserId, UserId),
    now: Timestamp,
) -> Result<usize, StoreError> {
    let mut found = counts::list_users_between(tx, no, cursor, below, BATCH).await?;
    let mut looked_at = found.len();
    let is_full = i64::try_from(looked_at).is_ok_and(|count| count >= BATCH);
    let reached = found.last().map(|(last, _, _)| *last).filter(|_| is_full).unwrap_or(below).max(cursor);
    // Listed after the users: who is among them and late is in this list, too.
    let late = list_late(tx, no, (cursor, reached), i64::MAX).await?;
    found.retain(|(id, _, _)| !late.iter().any(|(_, other)| other == id));
    if reached > cursor {
        job_state::set(tx, name, Some(reached.as_bytes()), now).await?;
        cursor = reached;
    }
    for (row, id) in list_late(tx, no, (first_id(), cursor), BATCH).await? {
        found.extend(counts::find_user(tx, no, id).await?);
        outbox::remove(tx, row).await?;
        looked_at += 1;
    }
    for count in sum_guests(&found) {
        counts::add(tx, no, &count).await?;
    }
    Ok(looked_at)
}

/// The counters of these users; see [`counts::list_users_between`].
fn sum_guests(found: &[counts::FoundUser]) -> Vec<DailyCount> {
    let mut sums: BTreeMap<(i64, &str, &str), i64> = BTreeMap::new();
    for (id, client, was_guest) in found {
        if *was_guest {
            let day = day_of_id(*id);
            *sums.entry((day, client.as_deref().unwrap_or_default(), GUESTS_CREATED)).or_default() += 1;
            if client.is_none() {
                *sums.entry((day, "", WITHOUT_SESSION)).or_default() += 1;
            }
        }
    }
    let count = |((day, client, name), count): ((i64, &str, &str), i64)| DailyCount {
        day,
        client_id: client.into(),
        name: name.into(),
        count,
    };
    sums.into_iter().map(count).collect()
}

/// The day of a user's ID, UTC.
pub(crate) fn day_of_id(id: UserId) -> i64 {
    i64::try_from(id.unix_millis() / 1_000).unwrap_or(i64::MAX).div_euclid(DAY)
}

/// The lowest ID of a day, UTC.
pub(crate) fn first_of(day: i64) -> UserId {
    lower_bound(Timestamp::from_seconds(day.saturating_mul(DAY)))
}

pub(crate) async fn read_cursor(conn: &mut Conn, name: &str) -> Result<UserId, StoreError> {
    let state = job_state::get(conn, name).await?;
    let bytes = state.and_then(|(cursor, _)| cursor).and_then(|bytes| <[u8; 16]>::try_from(bytes).ok());
    Ok(bytes.map_or_else(first_id, UserId::from_bytes))
}

/// The login method with which the user of an event became a member: its account at a provider, which may have brought a login ID; or
/// else its first login ID; or else its passkey.
fn login_method_of(body: &Value) -> String {
    let identities = body["payload"]["identities"].as_array().map_or(&[][..], Vec::as_slice);
    let claim = |identity: &'_ Value, name: &str| {
        let claim = &identity["claims"][format!("https://authgear.com/claims/{name}")];
        claim.as_str().map(str::to_string)
    };
    let of_type = |kind: &str| identities.iter().find(|identity| identity["type"] == *kind);
    if let Some(external) = of_type("oauth") {
        let provider = claim(external, "oauth/provider_alias").or_else(|| claim(external, "oauth/provider_type"));
        return format!("{EXTERNAL}{}", provider.unwrap_or_default());
    }
    let key = of_type("login_id").and_then(|identity| claim(identity, "login_id/key"));
    key.unwrap_or_else(|| if of_type("passkey").is_some() { "passkey" } else { "other" }.to_string())
}

/// What one event adds to the counts. A recount reads the log through this same function.
pub(crate) fn count_event(kind: &str, body: &Value, at: Timestamp) -> Vec<DailyCount> {
    let client_id = body["context"]["client_id"].as_str().unwrap_or_default();
    let count =
        |day: i64, name: &str| DailyCount { day, client_id: client_id.to_string(), name: name.to_string(), count: 1 };
    let today = day_of(at);
    match kind {
        "user.anonymous.promoted" => {
            let (guest, user) = (&body["payload"]["anonymous_user"]["id"], &body["payload"]["user"]["id"]);
            // Another user: the guest signed in to an existing account.
            let signed_in = guest != user;
            let mut names = vec![(today, PROMOTED)];
            names.extend(signed_in.then_some((today, SIGNED_IN)));
            if let Some(guest) = guest.as_str().and_then(|id| id.parse::<UserId>().ok()) {
                let created =
                    Timestamp::from_micros(i64::try_from(guest.unix_millis()).unwrap_or(0).saturating_mul(1_000));
                let seconds = i64::try_from(at.since(created).as_secs()).unwrap_or(i64::MAX);
                let within = WITHIN.iter().find(|(_, _, bound)| seconds <= *bound).unwrap_or(&WITHIN[WITHIN.len() - 1]);
                names.extend([(day_of(created), PROMOTED_OF_DAY), (today, within.0)]);
                if signed_in {
                    names.extend([(day_of(created), SIGNED_IN_OF_DAY), (today, within.1)]);
                }
            }
            let by = (!signed_in).then(|| count(today, &format!("{PROMOTED_BY}{}", login_method_of(body))));
            names.into_iter().map(|(day, name)| count(day, name)).chain(by).collect()
        }
        "user.created" => {
            vec![count(today, MEMBERS_CREATED), count(today, &format!("{CREATED_BY}{}", login_method_of(body)))]
        }
        "user.authenticated" => vec![count(today, LOGINS)],
        _ => count_merge(kind, body)
            .into_iter()
            .map(|(name, is_of_day)| (name, if is_of_day { day_of_guest(body) } else { Some(today) }))
            .filter_map(|(name, day)| Some(count(day?, name)))
            .collect(),
    }
}

/// The counters of an event about a merge, and whether each is by the day the guest came.
fn count_merge(kind: &str, body: &Value) -> Vec<(&'static str, bool)> {
    match kind {
        // Asked once more, it is the same merge.
        Event::USER_MERGE_REQUESTED if body["payload"]["is_repeated"] == true => Vec::new(),
        Event::USER_MERGE_REQUESTED => vec![(MERGES_REQUESTED, false)],
        Event::USER_MERGED => vec![(MERGES_SETTLED, false), (MERGES_SETTLED_OF_DAY, true)],
        Event::USER_MERGE_REFUSED => {
            let mut names = vec![(MERGES_REFUSED, false), (MERGES_REFUSED_OF_DAY, true)];
            names.extend(
                (body["payload"]["cause"] == MergeState::TimedOut.as_str()).then_some((MERGES_TIMED_OUT, false)),
            );
            names
        }
        Event::USER_MERGE_UNDONE => vec![(MERGES_UNDONE, false), (MERGES_UNDONE_OF_DAY, true)],
        _ => Vec::new(),
    }
}

/// The day on which the guest of a merge came.
fn day_of_guest(body: &Value) -> Option<i64> {
    body["payload"]["from"].as_str()?.parse().ok().map(day_of_id)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn an_event_counts_by_the_method_with_which_the_user_became_a_member() {
        let claims = |names: &[(&str, &str)]| -> Value {
            names.iter().map(|(name, value)| (format!("https://authgear.com/claims/{name}"), json!(value))).collect()
        };
        let login_id = |key| json!({"type": "login_id", "claims": claims(&[("login_id/key", key)])});
        let passkey = json!({"type": "passkey", "claims": {}});
        let google = json!({"type": "oauth", "claims": claims(&[
            ("oauth/provider_type", "google"), ("oauth/provider_alias", "work"),
        ])});
        let gone = json!({"type": "oauth", "claims": claims(&[("oauth/provider_type", "google")])});
        for (identities, method) in [
            (json!([login_id("email"), passkey]), "email"),
            (json!([login_id("phone")]), "phone"),
            (json!([passkey]), "passkey"),
            (json!([login_id("email"), google]), "oauth:work"),
            (json!([gone]), "oauth:google"),
            (json!([]), "other"),
            (Value::Null, "other"),
        ] {
            let guest = "00000000-0000-7000-8000-000000000000";
            let body = |user: &str| {
                json!({"payload": {
                    "anonymous_user": {"id": guest}, "user": {"id": user}, "identities": identities,
                }})
            };
            let names = |kind, user| -> Vec<String> {
                let counted = count_event(kind, &body(user), Timestamp::from_seconds(5));
                counted.into_iter().map(|count| count.name).filter(|name| name.contains("_by:")).collect()
            };
            assert_eq!(names("user.anonymous.promoted", guest), [format!("guests_promoted_by:{method}")]);
            assert!(names("user.anonymous.promoted", "another").is_empty(), "it signed in to an existing account");
            assert_eq!(names("user.created", guest), [format!("members_created_by:{method}")]);
        }
    }
    #[test]
    fn a_merge_counts_by_what_became_of_it_and_once_however_often_it_is_asked_about() {
        // The guest came on the first day, and the merge ends on the third.
        let guest = "00000000-0000-7000-8000-000000000000";
        let names = |kind, payload: Value| -> Vec<(i64, String)> {
            let mut body = json!({"payload": payload});
            body["payload"]["from"] = json!(guest);
            let counted = count_event(kind, &body, Timestamp::from_seconds(2 * DAY));
            counted.into_iter().map(|count| (count.day, count.name)).collect()
        };
        let on = |day: i64, name: &str| (day, name.to_owned());
        assert_eq!(names("user.merge.requested", json!({})), [on(2, "merges_requested")]);
        assert_eq!(names("user.merge.requested", json!({"is_repeated": true})), []);
        assert_eq!(names("user.merged", json!({})), [on(2, "merges_settled"), on(0, "merges_settled_of_day")]);
        let refused = [on(2, "merges_refused"), on(0, "merges_refused_of_day")];
        assert_eq!(names("user.merge.refused", json!({"cause": "refused"})), refused);
        assert_eq!(
            names("user.merge.refused", json!({"cause": "timed_out"})),
            [refused.as_slice(), &[on(2, "merges_timed_out")]].concat()
        );
        assert_eq!(names("user.merge.undone", json!({})), [on(2, "merges_undone"), on(0, "merges_undone_of_day")]);
    }
}
