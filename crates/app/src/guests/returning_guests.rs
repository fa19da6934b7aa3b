//! Returning guests: each is counted once a day, in the transaction that records its use.

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
    let today = day_of(now);
    day_of(recorded) < today && day_of(created_at(user)) < today
}

fn created_at(user: UserId) -> Timestamp {
    Timestamp::from_micros(i64::try_from(user.unix_millis()).unwrap_or(0).saturating_mul(1_000))
}

/// Counts a returning guest once a day.
/// Call it last in a transaction: it locks the day's counter until the commit.
pub async fn count(tx: &mut Tx, no: ProjectNo, user: UserId, client_id: &str, at: Timestamp) -> Result<(), StoreError> {
    let today = day_of(at);
    let seen = users::note_seen(tx, no, user, today).await?;
    let count =
        |day: i64, name: &str| DailyCount { day, client_id: client_id.to_string(), name: name.to_string(), count: 1 };
    match seen {
        GuestReturn::Known => return Ok(()),
        GuestReturn::Again => {}
        GuestReturn::First => counts::add(tx, no, &count(day_of(created_at(user)), RETURNED_OF_DAY)).await?,
    }
    counts::add(tx, no, &count(today, RETURNED)).await
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
    }
}
