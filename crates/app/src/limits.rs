//! Rate limits counted in this process's memory: sign-ups and token requests per address, token requests per user.
//! The domain has the rule (GCRA); this file stores its state.

pub(crate) mod bucket;
pub mod fair;
pub(crate) mod patience;
pub mod rates;
pub(crate) mod sending;
pub mod tries;

use std::{
    collections::HashMap,
    hash::{BuildHasher, RandomState},
    sync::{Mutex, PoisonError},
    time::Duration,
};

use vestibule_domain::{
    id::{ProjectNo, UserId},
    limit::{Decision, IpKey, Quota, decide},
    project::LimitName,
    secret::TokenHash,
    time::Timestamp,
};

/// Maximum number of entries per shard; expired ones are then removed.
const SHARD_SIZE: usize = 8_192;
const SHARDS: u64 = 16;

/// A rate limit.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Counter {
    /// A configurable limit of the project.
    Setting(LimitName),
    /// Token requests per address: 120 a minute, fixed.
    TokenPerIp,
    /// Revocations per address: 120 a minute, fixed.
    RevocationPerIp,
    /// Token requests per user: 60 a minute, fixed.
    TokenPerUser,
    /// Tokens that an application gets for itself: 600 a minute, fixed.
    TokenPerApplication,
    /// Authorization codes per user who is signed in already: 60 a minute, fixed.
    CodePerUser,
    /// Settings actions begun per user: 10 a minute, fixed.
    SettingsActionPerUser,
    /// Requests to the Admin API per key: 600 a minute, fixed.
    AdminPerKey,
    /// Refused requests to the Admin API per address: 30 a minute, fixed.
    AdminRefusedPerIp,
    /// Passwords tried for an operator of the portal; counted in the store.
    OperatorSignIn,
}

/// The key of a limit.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum CounterSubject {
    Ip(IpKey),
    User(UserId),
    /// An application, by the hash of its client ID.
    Application(TokenHash),
    /// A login ID, by its hash; it need not exist.
    LoginId(TokenHash),
}

/// The limit is exceeded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Exceeded {
    /// When the next request is allowed.
    pub retry_after: Duration,
}

type CounterKey = (ProjectNo, Counter, CounterSubject);

pub struct RateCounters {
    hasher: RandomState,
    shards: Vec<Mutex<HashMap<CounterKey, Timestamp>>>,
}

impl Default for RateCounters {
    fn default() -> Self {
        Self { hasher: RandomState::new(), shards: (0..SHARDS).map(|_| Mutex::default()).collect() }
    }
}

impl RateCounters {
    /// Counts one request; refuses it above the quota.
    ///
    /// # Errors
    /// How long to wait.
    pub fn take(
        &self,
        project: ProjectNo,
        counter: Counter,
        subject: CounterSubject,
        quota: Quota,
        now: Timestamp,
    ) -> Result<(), Exceeded> {
        let key = (project, counter, subject);
        let hash = usize::try_from(self.hasher.hash_one(key) % SHARDS).unwrap_or(0);
        let mut counters = self.shards[hash].lock().unwrap_or_else(PoisonError::into_inner);
        match decide(counters.get(&key).copied(), quota, now) {
            Decision::Allowed { new_tat } => {
                if counters.len() >= SHARD_SIZE {
                    make_room(&mut counters, now);
                }
                counters.insert(key, new_tat);
                Ok(())
            }
            Decision::Denied { retry_after } => Err(Exceeded { retry_after }),
        }
    }
}

/// Removes expired entries; under a flood of addresses also half of the others: those with the most quota left.
/// Addresses that are being limited are kept longest.
fn make_room(counters: &mut HashMap<CounterKey, Timestamp>, now: Timestamp) {
    counters.retain(|_, full_again_at| *full_again_at > now);
    if counters.len() < SHARD_SIZE {
        return;
    }
    let mut times: Vec<Timestamp> = counters.values().copied().collect();
    let middle = times.len() / 2;
    let (_, median, _) = times.select_nth_unstable(middle);
    let median = *median;
    counters.retain(|_, full_again_at| *full_again_at > median);
}

#[cfg(test)]
mod tests {
    use std::net::{IpAddr, Ipv4Addr};

    use vestibule_domain::limit::ip_key;

    use super::*;

    const PROJECT: ProjectNo = ProjectNo(1);
    const QUOTA: Quota = Quota { period: Duration::from_secs(60), burst: 60 };

    fn take(limits: &RateCounters, ip: u32, now: Timestamp) -> Result<(), Exceeded> {
        let subject = CounterSubject::Ip(ip_key(IpAddr::V4(Ipv4Addr::from_bits(ip))));
        limits.take(PROJECT, Counter::TokenPerIp, subject, QUOTA, now)
    }

    #[test]
    fn a_full_quota_refuses_and_says_how_long() {
        let limits = RateCounters::default();
        let now = Timestamp::from_seconds(1_000);
        for _ in 0..60 {
            take(&limits, 1, now).expect("within the burst");
        }
        assert_eq!(take(&limits, 1, now), Err(Exceeded { retry_after: Duration::from_secs(1) }));
        take(&limits, 2, now).expect("another address has its own");
        take(&limits, 1, now.plus(Duration::from_secs(1))).expect("one has grown back");
    }

    #[test]
    fn a_flood_of_addresses_neither_grows_without_end_nor_frees_the_one_held_back() {
        let limits = RateCounters::default();
        let now = Timestamp::from_seconds(1_000);
        for _ in 0..60 {
            take(&limits, 1, now).expect("within the burst");
        }
        for ip in 2..400_000 {
            take(&limits, ip, now).expect("each address is new");
        }
        assert!(take(&limits, 1, now).is_err(), "still held back");
        let held: usize = limits.shards.iter().map(|shard| shard.lock().expect("not poisoned").len()).sum();
        assert!(held <= SHARD_SIZE * 16, "{held} entries");
    }
}
