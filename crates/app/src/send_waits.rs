//! The growing wait between text messages with codes: each further one to a number, and from a network address, waits twice
//! as long as the one before. A code that is entered, and time, shorten it. The known browsers of an account have a wait of
//! their own, which the requests of strangers do not lengthen. All nodes share it.

use std::{net::IpAddr, time::Duration};

use vestibule_domain::{
    credential::otp::{LONGEST_COOL_DOWN, cool_down},
    id::ProjectNo,
    limit::Quota,
    project::LimitName,
    time::Timestamp,
};
use vestibule_store::{Conn, StoreError, Tx, tries};

use crate::{
    ctx::Ctx,
    error::RateLimit,
    known_devices::KnownDevice,
    limits::{
        Counter,
        bucket::{address_bytes, bucket_key},
    },
};

/// Time in which one message is forgotten.
const FORGOTTEN_AFTER: Duration = Duration::from_secs(3_600);
/// Messages to a number before the first wait.
const TO_NUMBER: u32 = 1;
/// Messages from a network address before the first wait: people share addresses, and most enter their code, after which it
/// no longer counts.
const FROM_ADDRESS: u32 = 10;
/// Messages that are remembered beyond those: the longest wait is reached before.
const BEYOND: u32 = 10;

/// Whose messages a wait is about.
#[derive(Clone, Copy)]
pub(super) enum Waiting<'a> {
    /// A number, asked for in browsers that are not known for its account.
    Number(&'a str),
    /// A number, asked for by the account that has proved it, in its known browsers and sessions.
    OwnNumber(KnownDevice, &'a str),
    Address(IpAddr),
}

/// The wait of one number or network address.
#[derive(Clone, Copy)]
pub(super) struct Wait {
    counter: Counter,
    /// The key of the time until which no message may be sent.
    until: [u8; 32],
    /// The key of the number of messages.
    sent: [u8; 32],
    /// Messages before the first wait.
    free: u32,
}

impl Wait {
    /// The wait, unless the project has turned off the limit that it belongs to.
    pub(super) fn of(ctx: &Ctx<'_>, waiting: Waiting<'_>) -> Option<Self> {
        let (name, free) = match waiting {
            Waiting::Number(_) | Waiting::OwnNumber(..) => (LimitName::CodeSendPerUser, TO_NUMBER),
            Waiting::Address(_) => (LimitName::CodeSendPerIp, FROM_ADDRESS),
        };
        ctx.project.settings.limit(name)?;
        let key = |until_or_sent: &str| {
            let what = until_or_sent.as_bytes();
            match waiting {
                Waiting::Number(number) => bucket_key("sms to number", &[what, number.as_bytes()]),
                Waiting::OwnNumber(device, number) => {
                    bucket_key("sms to own number", &[what, &device.account, number.as_bytes()])
                }
                Waiting::Address(ip) => bucket_key("sms from address", &[what, &address_bytes(ip)]),
            }
        };
        Some(Self { counter: Counter::Setting(name), until: key("until"), sent: key("sent"), free })
    }

    /// The quota that counts messages: each is forgotten after a while.
    fn remembered(&self) -> Quota {
        let burst = self.free + BEYOND;
        Quota { period: FORGOTTEN_AFTER.saturating_mul(burst), burst }
    }

    /// How long the next message has to wait.
    ///
    /// # Errors
    /// The store's.
    pub(super) async fn rest(
        &self,
        conn: &mut Conn,
        no: ProjectNo,
        now: Timestamp,
    ) -> Result<Option<RateLimit>, StoreError> {
        let until = tries::find(conn, no, &self.until).await?;
        let left = until.map_or(Duration::ZERO, |until| until.since(now));
        // A longer one is from before the clock was set back.
        let is_waiting = !left.is_zero() && left <= LONGEST_COOL_DOWN;
        Ok(is_waiting.then_some(RateLimit { counter: self.counter, retry_after: left }))
    }

    /// Counts a message; `None` when another one began the wait first.
    ///
    /// # Errors
    /// The store's.
    pub(super) async fn add(&self, tx: &mut Tx, no: ProjectNo, now: Timestamp) -> Result<Option<()>, StoreError> {
        // A full count stays full: the longest wait applies.
        tries::add(tx, no, &self.sent, self.remembered(), now).await?;
        let sent = count(tries::find(tx, no, &self.sent).await?, now);
        let wait = sent.checked_sub(self.free).map_or(Duration::ZERO, |beyond| cool_down(beyond + 1));
        if wait.is_zero() {
            return Ok(Some(()));
        }
        let is_first = tries::hold(tx, no, &self.until, (now, now.plus(wait)), now.plus(LONGEST_COOL_DOWN)).await?;
        Ok(is_first.then_some(()))
    }

    /// What was refused, for a caller that found another one first.
    pub(super) fn refusal(&self) -> RateLimit {
        RateLimit { counter: self.counter, retry_after: cool_down(1) }
    }

    /// The code of a message was entered: the number need not wait any more, and the address has one message less.
    ///
    /// # Errors
    /// The store's.
    pub(super) async fn answered(&self, tx: &mut Tx, no: ProjectNo, now: Timestamp) -> Result<(), StoreError> {
        if self.free > TO_NUMBER {
            return tries::give_back(tx, no, &self.sent, self.remembered(), now).await;
        }
        tries::remove(tx, no, &self.sent).await?;
        tries::remove(tx, no, &self.until).await
    }
}

/// How many messages are remembered.
fn count(full_until: Option<Timestamp>, now: Timestamp) -> u32 {
    let left = full_until.map_or(Duration::ZERO, |until| until.since(now));
    u32::try_from(left.as_micros().div_ceil(FORGOTTEN_AFTER.as_micros())).unwrap_or(u32::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn messages_are_forgotten_one_after_the_other() {
        let now = Timestamp::from_seconds(1_000_000);
        for (seconds, expected) in [(0, 0), (1, 1), (3_600, 1), (3_601, 2), (36_000, 10)] {
            assert_eq!(count(Some(now.plus(Duration::from_secs(seconds))), now), expected, "{seconds}");
        }
        assert_eq!((count(None, now), count(Some(now.minus(FORGOTTEN_AFTER)), now)), (0, 0));
    }
}
