//! Returning guests: each is counted once a day, in the transaction that records its use.

use std::collections::BTreeMap;

use vestibule_domain::{
    id::{ProjectNo, UserId},
    time::Timestamp,
};
use vestibule_store::{
    StoreError, Tx,
    counts::{self, DailyCount},
    users::{self, GuestReturn},
};

use crate::jobs::statistics::{RETURNED, RETURNED_OF_DAY, day_of};

/// Whether a use may be the guest's first on a day after the day of its creation; `recorded` is the previous use.
/// Costs nothing: most uses are on the same day as the previous one.
pub(crate) fn is_new_day(user: UserId, recorded: Timestamp, now: Timestamp) -> bool {
    may_be_new_day(recorded, now) && day_of(created_at(user)) < day_of(now)
}

/// [`is_new_day`], as far as it follows from the uses alone.
pub(crate) fn may_be_new_day(recorded: Timestamp, now: Timestamp) -> bool {
    day_of(recorded) < day_of(now)
}

/// Whether a use is the guest's first on a day after the day of its creation; it was last counted on `seen_day`, as far as is known.
pub(crate) fn is_uncounted(user: UserId, seen_day: Option<i64>, now: Timestamp) -> bool {
    let today = day_of(now);
    seen_day.is_none_or(|day| day < today) && day_of(created_at(user)) < today
}

fn created_at(user: UserId) -> Timestamp {
    Timestamp::from_micros(i64::try_from(user.unix_millis()).unwrap_or(0).saturating_mul(1_000))
}

/// A guest that was seen on a day after the day of its creation.
pub(crate) struct Seen {
    pub user: UserId,
    /// The application; empty for a cookie session, which belongs to none.
    pub client_id: String,
    pub at: Timestamp,
}

/// Counts a returning guest once a day.
/// Call it last in a transaction: it locks the day's counter until the commit.
pub async fn count(tx: &mut Tx, no: ProjectNo, user: UserId, client_id: &str, at: Timestamp) -> Result<(), StoreError> {
    count_all(tx, no, vec![Seen { user, client_id: client_id.to_string(), at }]).await
}

/// Counts returning guests, each once a day. Call it last in a transaction, as [`count`].
///
/// The users come in the order of their IDs, and the counters in the order of their days after all users, as those of one guest
/// do: transactions on PostgreSQL never wait for each other in a circle.
pub(crate) async fn count_all(tx: &mut Tx, no: ProjectNo, mut seen: Vec<Seen>) -> Result<(), StoreError> {
    seen.sort_unstable_by_key(|one| (one.user, one.at));
    let mut counts = BTreeMap::new();
    for Seen { user, client_id, at } in seen {
        let today = day_of(at);
        let first_day = match users::note_seen(tx, no, user, today).await? {
            GuestReturn::Known => continue,
            GuestReturn::Again => None,
            GuestReturn::First => Some(day_of(created_at(user))),
        };
        if let Some(day) = first_day {
            *counts.entry((day, client_id.clone(), RETURNED_OF_DAY)).or_insert(0) += 1;
        }
        *counts.entry((today, client_id, RETURNED)).or_insert(0) += 1;
    }
    for ((day, client_id, name), count) in counts {
        counts::add(tx, no, &DailyCount { day, client_id, name: name.to_string(), count }).await?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_day_is_new_when_neither_the_last_use_nor_the_coming_lies_in_it() {
        const DAY: i64 = 86_400;
        let user = |seconds: i64| UserId::lower_bound(Timestamp::from_seconds(seconds).as_unix_millis());
        let at = Timestamp::from_seconds;
        for (created, recorded, now, expected) in [
            (10, 10, 20, false),
            (10, 10, DAY - 1, false),
            (10, 10, DAY, true),
            (10, DAY, DAY + 5, false),
            (10, DAY - 1, DAY, true),
            (DAY, DAY, DAY + 1, false),
            // A clock that was set back, and an import from a server whose clock is ahead.
            (3 * DAY, 10, DAY, false),
            (10, 3 * DAY, DAY, false),
        ] {
            assert_eq!(is_new_day(user(created), at(recorded), at(now)), expected, "{created} {recorded} {now}");
        }
        for (created, seen_day, now, expected) in [
            (10, None, DAY - 1, false),
            (10, None, DAY, true),
            (10, Some(1), DAY, false),
            (10, Some(1), 2 * DAY, true),
            (10, Some(3), 2 * DAY, false),
        ] {
            assert_eq!(is_uncounted(user(created), seen_day, at(now)), expected, "{created} {seen_day:?} {now}");
        }
    }
}
