//! Rate limits as a pure function (GCRA): the only state is one timestamp per key, kept by the caller.

use std::{
    fmt,
    net::{IpAddr, Ipv4Addr},
    time::Duration,
};

use crate::time::Timestamp;

/// A quota: `burst` at once, then one more every `period / burst`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Quota {
    /// The refill period of a whole burst.
    pub period: Duration,
    /// The maximum at once; at least one.
    pub burst: u32,
}

/// The decision on one request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Decision {
    /// Allowed; the caller stores the new timestamp for this key.
    Allowed {
        /// The theoretical arrival time to pass in next time; the key may be removed after it.
        new_tat: Timestamp,
    },
    /// Denied; the state is unchanged.
    Denied {
        /// When one more will be allowed (`Retry-After`).
        retry_after: Duration,
    },
}

impl Quota {
    /// The refill time of one unit, rounded up so that the rate is never exceeded.
    #[must_use]
    pub fn interval(&self) -> Duration {
        let micros = self.period.as_micros().div_ceil(u128::from(self.burst.max(1)));
        Duration::from_micros(u64::try_from(micros).unwrap_or(u64::MAX))
    }

    /// The refill time of a whole bucket: how far ahead of the clock a full bucket is.
    #[must_use]
    pub fn capacity(&self) -> Duration {
        self.interval().saturating_mul(self.burst.max(1))
    }

    /// How far ahead of the clock a bucket may be before it is treated as invalid: filled before the clock was set
    /// back, or under a larger quota. Up to that limit the bucket is simply full, because the request that filled it
    /// may have had a later time: on another node, or because it arrived later and was counted first.
    #[must_use]
    pub fn refill_time(&self) -> Duration {
        let capacity = self.capacity();
        capacity.saturating_add(capacity.max(LAG))
    }
}

/// How much earlier than another request's time a request's time may be: clocks of nodes differ, and a slow body is
/// read after the time was taken.
const LAG: Duration = Duration::from_secs(300);

/// Decides by the generic cell rate algorithm whether one more is allowed at `now`.
///
/// `state` is the `new_tat` of the last allowed one, `None` for a new key. In any interval `w` at most `burst + w /
/// interval` are allowed, in whatever order their times come. A state beyond the quota's [refill time](Quota::refill_time) is
/// a bucket with room for one, so that a clock set back does not block a key until the clock has caught up.
///
/// ```
/// use std::time::Duration;
/// use vestibule_domain::{
///     limit::{Decision, Quota, decide},
///     time::Timestamp,
/// };
///
/// // Two at once, then one more every thirty seconds.
/// let quota = Quota { period: Duration::from_secs(60), burst: 2 };
/// let now = Timestamp::from_seconds(1_000);
/// let Decision::Allowed { new_tat } = decide(None, quota, now) else { panic!("the first one") };
/// let Decision::Allowed { new_tat } = decide(Some(new_tat), quota, now) else { panic!("the second one") };
///
/// let third = decide(Some(new_tat), quota, now);
/// assert_eq!(third, Decision::Denied { retry_after: Duration::from_secs(30) });
///
/// let later = now.plus(Duration::from_secs(30));
/// assert!(matches!(decide(Some(new_tat), quota, later), Decision::Allowed { .. }));
/// ```
#[must_use]
pub fn decide(state: Option<Timestamp>, quota: Quota, now: Timestamp) -> Decision {
    let full = now.plus(quota.capacity());
    let tat = match state {
        // A denial is not stored, so a bucket treated as full each time would never drain: allow one.
        Some(tat) if tat > now.plus(quota.refill_time()) => full.minus(quota.interval()),
        Some(tat) => tat.max(now),
        None => now,
    };
    let new_tat = tat.plus(quota.interval());
    if new_tat > full { Decision::Denied { retry_after: new_tat.since(full) } } else { Decision::Allowed { new_tat } }
}

/// The key of a per-IP limit: an IPv4 address, or the /64 network of one IPv6 customer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum IpKey {
    /// One IPv4 address.
    V4(Ipv4Addr),
    /// The upper 64 bits of an IPv6 address.
    V6Network(u64),
}

/// The key of an address; an IPv4 address mapped into IPv6 is an IPv4 key.
#[must_use]
pub fn ip_key(address: IpAddr) -> IpKey {
    match address.to_canonical() {
        IpAddr::V4(v4) => IpKey::V4(v4),
        IpAddr::V6(v6) => {
            let [a, b, c, d, ..] = v6.segments();
            IpKey::V6Network(u64::from(a) << 48 | u64::from(b) << 32 | u64::from(c) << 16 | u64::from(d))
        }
    }
}

impl fmt::Display for IpKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::V4(address) => address.fmt(f),
            Self::V6Network(network) => {
                write!(f, "{}/64", std::net::Ipv6Addr::from_bits(u128::from(*network) << 64))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const MINUTE_OF_60: Quota = Quota { period: Duration::from_secs(60), burst: 60 };

    #[test]
    fn a_burst_goes_at_once_and_then_one_per_interval() {
        let mut now = Timestamp::from_seconds(1_000);
        let mut state = None;
        for _ in 0..60 {
            match decide(state, MINUTE_OF_60, now) {
                Decision::Allowed { new_tat } => state = Some(new_tat),
                Decision::Denied { .. } => panic!("the burst is not used up"),
            }
        }
        assert_eq!(decide(state, MINUTE_OF_60, now), Decision::Denied { retry_after: Duration::from_secs(1) });
        now = now.plus(Duration::from_secs(1));
        assert!(matches!(decide(state, MINUTE_OF_60, now), Decision::Allowed { .. }));
    }

    #[test]
    fn a_clock_that_steps_back_keeps_the_quota() {
        let far = Timestamp::from_seconds(1_000_000);
        let now = Timestamp::from_seconds(1_000);
        let full = now.plus(Duration::from_secs(60));
        assert_eq!(decide(Some(far), MINUTE_OF_60, now), Decision::Allowed { new_tat: full });
        assert_eq!(decide(Some(full), MINUTE_OF_60, now), Decision::Denied { retry_after: Duration::from_secs(1) });
    }

    /// Holding requests back and releasing them in reverse order, or using the node whose clock is behind, gains
    /// nothing.
    #[test]
    fn a_full_bucket_is_full_for_those_who_came_before_it_was_filled() {
        let now = Timestamp::from_seconds(1_000);
        let full = now.plus(Duration::from_secs(60));
        for lag in [1, 30, 60, 299] {
            let late = decide(Some(full), MINUTE_OF_60, now.minus(Duration::from_secs(lag)));
            assert_eq!(late, Decision::Denied { retry_after: Duration::from_secs(lag + 1) }, "{lag} s");
        }
    }

    #[test]
    fn a_quota_that_shrank_lets_one_through_and_is_full() {
        let hour = Quota { period: Duration::from_secs(3_600), burst: 60 };
        let now = Timestamp::from_seconds(10_000);
        let filled = now.plus(hour.capacity());
        let full = now.plus(Duration::from_secs(60));
        assert_eq!(decide(Some(filled), MINUTE_OF_60, now), Decision::Allowed { new_tat: full });
    }

    #[test]
    fn an_ipv6_customer_counts_once_and_a_mapped_address_as_ipv4() {
        let key = |text: &str| ip_key(text.parse().unwrap());
        assert_eq!(key("2001:db8:1:2::1"), key("2001:db8:1:2:ffff::9"));
        assert_ne!(key("2001:db8:1:2::1"), key("2001:db8:1:3::1"));
        assert_eq!(key("::ffff:203.0.113.9"), key("203.0.113.9"));
        assert_eq!(key("2001:db8:1:2::1").to_string(), "2001:db8:1:2::/64");
        assert_eq!(key("203.0.113.9").to_string(), "203.0.113.9");
    }

    proptest! {
        #[test]
        fn no_window_ever_sees_more_than_the_quota(
            period in 1u64..200_000,
            burst in 1u32..40,
            gaps in prop::collection::vec(0u64..20_000, 1..200),
        ) {
            let quota = Quota { period: Duration::from_micros(period), burst };
            let mut now = Timestamp::from_seconds(1);
            let (mut state, mut allowed) = (None, Vec::new());
            for gap in gaps {
                now = now.plus(Duration::from_micros(gap));
                if let Decision::Allowed { new_tat } = decide(state, quota, now) {
                    state = Some(new_tat);
                    allowed.push(now);
                }
            }
            for (first, start) in allowed.iter().enumerate() {
                for (last, end) in allowed.iter().enumerate().skip(first) {
                    let ceiling = u128::from(burst) + end.since(*start).as_micros() / quota.interval().as_micros();
                    prop_assert!(((last - first + 1) as u128) <= ceiling);
                }
            }
        }

        #[test]
        fn requests_counted_out_of_order_get_no_more_than_the_quota(
            period in 1u64..200_000,
            burst in 1u32..40,
            steps in prop::collection::vec((0u64..20_000, 0u64..1_000_000), 1..200),
        ) {
            let quota = Quota { period: Duration::from_micros(period), burst };
            let mut clock = Timestamp::from_seconds(1_000);
            let (mut state, mut allowed) = (None, Vec::new());
            for (gap, lag) in steps {
                clock = clock.plus(Duration::from_micros(gap));
                let now = clock.minus(Duration::from_micros(lag));
                if let Decision::Allowed { new_tat } = decide(state, quota, now) {
                    state = Some(new_tat);
                    allowed.push(now);
                }
            }
            for (first, start) in allowed.iter().enumerate() {
                for (last, end) in allowed.iter().enumerate().skip(first) {
                    let stretch = if end > start { end.since(*start) } else { Duration::ZERO };
                    let ceiling = u128::from(burst) + stretch.as_micros() / quota.interval().as_micros();
                    prop_assert!(((last - first + 1) as u128) <= ceiling);
                }
            }
        }

        #[test]
        fn a_request_after_retry_after_is_allowed(burst in 1u32..40, spent in 0u32..80) {
            let quota = Quota { period: Duration::from_secs(60), burst };
            let now = Timestamp::from_seconds(50);
            let mut state = None;
            for _ in 0..spent {
                if let Decision::Allowed { new_tat } = decide(state, quota, now) { state = Some(new_tat); }
            }
            if let Decision::Denied { retry_after } = decide(state, quota, now) {
                let is_allowed = matches!(decide(state, quota, now.plus(retry_after)), Decision::Allowed { .. });
                prop_assert!(is_allowed);
            }
        }
    }
}
