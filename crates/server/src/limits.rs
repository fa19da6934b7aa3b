//! Rates counted in this process's memory: sign-ups and token requests per address, token requests per user.
//! The rule itself (GCRA) is the domain's; this file only remembers.

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

/// Entries one shard holds before it forgets those that no longer matter.
const SHARD_SIZE: usize = 8_192;
const SHARDS: u64 = 16;

/// What is counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Counter {
    /// A limit the project can set.
    Setting(LimitName),
    /// Token requests per address: 120 a minute, fixed.
    TokenPerIp,
    /// Token requests per user: 60 a minute, fixed.
    TokenPerUser,
}

/// Whom it is counted for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Who {
    /// An address, or an IPv6 network.
    Ip(IpKey),
    /// A user.
    User(UserId),
    /// A login ID, by its hash: it need not exist.
    LoginId(TokenHash),
}

/// Too many; try again after this long.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Exceeded {
    /// When the next one will be let through.
    pub retry_after: Duration,
}

type Key = (ProjectNo, Counter, Who);

/// The counters of this process.
pub struct Limits {
    hasher: RandomState,
    shards: Vec<Mutex<HashMap<Key, Timestamp>>>,
}

impl Default for Limits {
    fn default() -> Self {
        Self { hasher: RandomState::new(), shards: (0..SHARDS).map(|_| Mutex::default()).collect() }
    }
}

impl Limits {
    /// Counts one; refuses when the quota is used up.
    ///
    /// # Errors
    /// How long to wait.
    pub fn take(
        &self,
        project: ProjectNo,
        counter: Counter,
        who: Who,
        quota: Quota,
        now: Timestamp,
    ) -> Result<(), Exceeded> {
        let key = (project, counter, who);
        let hash = usize::try_from(self.hasher.hash_one(key) % SHARDS).unwrap_or(0);
        let mut counters = self.shards[hash].lock().unwrap_or_else(PoisonError::into_inner);
        match decide(counters.get(&key).copied(), quota, now) {
            Decision::Allowed { new_tat } => {
                if counters.len() >= SHARD_SIZE {
                    counters.retain(|_, full_again_at| *full_again_at > now);
                    if counters.len() >= SHARD_SIZE {
                        // Every entry still counts: a flood of addresses. Forgetting is kinder than growing without end.
                        counters.clear();
                    }
                }
                counters.insert(key, new_tat);
                Ok(())
            }
            Decision::Denied { retry_after } => Err(Exceeded { retry_after }),
        }
    }
}
