//! Rate limits counted in this process's memory: sign-ups and token requests per address, token requests per user.
//! The domain has the rule (GCRA); this file stores its state. `jobs/limits` shares it with other nodes.

pub(crate) mod bucket;
pub mod fair;
pub(crate) mod patience;
pub mod rates;
pub(crate) mod sending;
pub(crate) mod shares;
pub mod tries;

use std::{
    cmp::Reverse,
    collections::HashMap,
    hash::{BuildHasher, RandomState},
    sync::{Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use vestibule_domain::{
    id::{ProjectNo, UserId},
    limit::{Decision, IpKey, Quota, decide},
    project::LimitName,
    secret::TokenHash,
    time::Timestamp,
};

use self::shares::Share;

/// Maximum number of entries per shard; expired ones are then removed.
const SHARD_SIZE: usize = 8_192;
const SHARDS: u64 = 16;

/// A rate limit.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Counter {
    /// A configurable limit of the project.
    Setting(LimitName),
    /// Token requests per address, without those whose user or key is known.
    TokenPerIp,
    /// Revocations per address.
    RevocationPerIp,
    /// Token requests per user.
    TokenPerUser,
    /// Tokens that an application gets for itself.
    TokenPerApplication,
    /// Token requests per known device key.
    TokenPerKey,
    /// Authorization codes per user who is signed in already.
    CodePerUser,
    /// Devices that begin an authorization, per address.
    DevicePerIp,
    /// The same of a project.
    DevicePerProject,
    /// Requests of one device for its tokens: one in four seconds, fixed.
    DevicePoll,
    /// Requests of devices for their tokens, per address.
    DevicePollPerIp,
    /// User codes of devices that are entered, opened or decided about, per address.
    UserCodePerIp,
    /// Pushed authorization requests per address.
    PushedPerIp,
    /// Settings actions begun per user.
    SettingsActionPerUser,
    /// Changes of login methods per user on the account page: 30 an hour, fixed.
    LoginMethodChangePerUser,
    /// Sign-ins with providers begun per address: 30 a minute, fixed.
    ProviderPerIp,
    /// Requests to the Admin API per key.
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
    /// A login ID, device key or API key, by its hash; it need not exist.
    LoginId(TokenHash),
    /// A device, by the hash of its code and of who asks; neither need exist.
    Device(TokenHash),
    /// The whole project.
    Project,
}

/// The limit is exceeded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Exceeded {
    /// When the next request is allowed.
    pub retry_after: Duration,
}

type CounterKey = (ProjectNo, Counter, CounterSubject);

/// How full a quota is.
#[derive(Clone, Copy, Debug)]
struct Fill {
    full_again_at: Timestamp,
    /// The refill time of the whole quota.
    capacity: Duration,
    /// The refill time of what other nodes have not been told of.
    unshared: Duration,
}

type Shard = HashMap<CounterKey, Fill>;

pub struct RateCounters {
    hasher: RandomState,
    shards: Vec<Mutex<Shard>>,
    /// Whether there may be other nodes.
    is_shared: bool,
}

impl Default for RateCounters {
    fn default() -> Self {
        Self::new(false)
    }
}

impl RateCounters {
    pub(crate) fn new(is_shared: bool) -> Self {
        Self { hasher: RandomState::new(), shards: (0..SHARDS).map(|_| Mutex::default()).collect(), is_shared }
    }

    fn shard(&self, key: &CounterKey) -> MutexGuard<'_, Shard> {
        let place = usize::try_from(self.hasher.hash_one(key) % SHARDS).unwrap_or(0);
        self.shards[place].lock().unwrap_or_else(PoisonError::into_inner)
    }

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
        let (mut counters, fill, full_again_at) = self.judge(&key, quota, now)?;
        if counters.len() >= SHARD_SIZE {
            make_room(&mut counters, now);
        }
        let unshared = match self.is_shared {
            true => fill.map_or(Duration::ZERO, |fill| fill.unshared).saturating_add(quota.interval()),
            false => Duration::ZERO,
        };
        counters.insert(key, Fill { full_again_at, capacity: quota.capacity(), unshared });
        Ok(())
    }

    /// Whether [`Self::take`] would refuse a request; counts nothing.
    ///
    /// # Errors
    /// How long to wait.
    pub fn check(
        &self,
        project: ProjectNo,
        counter: Counter,
        subject: CounterSubject,
        quota: Quota,
        now: Timestamp,
    ) -> Result<(), Exceeded> {
        self.judge(&(project, counter, subject), quota, now).map(|_| ())
    }

    /// The shard of a key, what was used of its quota, and when it is full again after one more request.
    fn judge(
        &self,
        key: &CounterKey,
        quota: Quota,
        now: Timestamp,
    ) -> Result<(MutexGuard<'_, Shard>, Option<Fill>, Timestamp), Exceeded> {
        let counters = self.shard(key);
        let fill = counters.get(key).copied();
        match decide(fill.map(|fill| fill.full_again_at), quota, now) {
            Decision::Allowed { new_tat } => Ok((counters, fill, new_tat)),
            Decision::Denied { retry_after } => Err(Exceeded { retry_after }),
        }
    }

    /// What other nodes have not been told of, of at most so many keys: those that have used most of their quota. The
    /// others stay for the next time.
    pub(crate) fn collect_unshared(&self, now: Timestamp, limit: usize) -> Vec<Share> {
        let mut all: Vec<(u128, Share)> = Vec::new();
        for shard in &self.shards {
            let counters = shard.lock().unwrap_or_else(PoisonError::into_inner);
            all.extend(counters.iter().filter(|(_, fill)| !fill.unshared.is_zero()).map(|(key, fill)| {
                let part = fill.full_again_at.since(now).as_micros().saturating_mul(1_000);
                let share = Share { key: *key, used: fill.unshared, capacity: fill.capacity };
                (part / fill.capacity.as_micros().max(1), share)
            }));
        }
        if all.len() > limit {
            all.select_nth_unstable_by_key(limit, |(part, _)| Reverse(*part));
            all.truncate(limit);
        }
        let shares: Vec<Share> = all.into_iter().map(|(_, share)| share).collect();
        for share in &shares {
            if let Some(fill) = self.shard(&share.key).get_mut(&share.key) {
                fill.unshared = fill.unshared.saturating_sub(share.used);
            }
        }
        shares
    }

    /// Counts what another node told. A quota that is more than used up is full: what was too much is not paid back.
    pub(crate) fn add_shared(&self, shares: &[Share], now: Timestamp) {
        for share in shares {
            let mut counters = self.shard(&share.key);
            if counters.len() >= SHARD_SIZE {
                make_room(&mut counters, now);
            }
            let empty = Fill { full_again_at: now, capacity: share.capacity, unshared: Duration::ZERO };
            let fill = counters.entry(share.key).or_insert(empty);
            let full = now.plus(share.capacity).max(fill.full_again_at);
            fill.full_again_at = fill.full_again_at.max(now).plus(share.used).min(full);
        }
    }
}

/// Removes expired entries; under a flood of addresses also half of the others: those with the most quota left.
/// Addresses that are being limited are kept longest.
fn make_room(counters: &mut Shard, now: Timestamp) {
    counters.retain(|_, fill| fill.full_again_at > now);
    if counters.len() < SHARD_SIZE {
        return;
    }
    let mut times: Vec<Timestamp> = counters.values().map(|fill| fill.full_again_at).collect();
    let middle = times.len() / 2;
    let (_, median, _) = times.select_nth_unstable(middle);
    let median = *median;
    counters.retain(|_, fill| fill.full_again_at > median);
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

    /// The refill time of what is shared of a key.
    fn used(shares: &[Share], ip: u32) -> Option<Duration> {
        let subject = CounterSubject::Ip(ip_key(IpAddr::V4(Ipv4Addr::from_bits(ip))));
        shares.iter().find(|share| share.key.2 == subject).map(|share| share.used)
    }

    #[test]
    fn what_one_node_counts_the_others_count_too_and_none_twice() {
        let (here, there) = (RateCounters::new(true), RateCounters::new(true));
        let now = Timestamp::from_seconds(1_000);
        for _ in 0..40 {
            take(&here, 1, now).expect("within the burst");
            if take(&there, 1, now).is_ok() {
                take(&there, 2, now).expect("another address");
            }
        }
        // Eighty were allowed at both within the second; each hears of the other's.
        let (of_here, of_there) = (here.collect_unshared(now, 9), there.collect_unshared(now, 9));
        assert_eq!(used(&of_here, 1), Some(Duration::from_secs(40)));
        here.add_shared(&of_there, now);
        there.add_shared(&of_here, now);
        for limits in [&here, &there] {
            assert_eq!(
                take(limits, 1, now),
                Err(Exceeded { retry_after: Duration::from_secs(1) }),
                "it is full, not more"
            );
            assert!(limits.collect_unshared(now, 9).is_empty(), "what was heard or refused is not told");
        }
        for _ in 0..20 {
            take(&here, 2, now).expect("forty of sixty were used there");
        }
        assert!(take(&here, 2, now).is_err());
    }

    #[test]
    fn the_fullest_are_shared_first_and_the_others_later() {
        let limits = RateCounters::new(true);
        let now = Timestamp::from_seconds(1_000);
        for ip in 1..=5 {
            for _ in 0..ip {
                take(&limits, ip, now).expect("within the burst");
            }
        }
        let first = limits.collect_unshared(now, 2);
        assert_eq!((used(&first, 4), used(&first, 5)), (Some(Duration::from_secs(4)), Some(Duration::from_secs(5))));
        assert_eq!(limits.collect_unshared(now, 9).len(), 3);
    }

    #[test]
    fn a_single_process_shares_nothing() {
        let limits = RateCounters::default();
        let now = Timestamp::from_seconds(1_000);
        take(&limits, 1, now).expect("within the burst");
        assert!(limits.collect_unshared(now, 9).is_empty());
    }
}
