//! Time as a value: microseconds since the Unix epoch, always a parameter, never read here.

use std::{fmt, time::Duration};

/// A point in time: microseconds since the Unix epoch (UTC).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize, serde::Deserialize)]
#[serde(transparent)]
pub struct Timestamp(i64);

impl Timestamp {
    /// From microseconds since the epoch, as stored.
    #[must_use]
    pub const fn from_micros(micros: i64) -> Self {
        Self(micros)
    }
    /// From whole seconds since the epoch, as in JWTs.
    #[must_use]
    pub const fn from_seconds(seconds: i64) -> Self {
        Self(seconds.saturating_mul(1_000_000))
    }
    /// Microseconds since the epoch, to store.
    #[must_use]
    pub const fn as_micros(self) -> i64 {
        self.0
    }
    /// Whole seconds since the epoch, rounded down, for JWTs.
    #[must_use]
    pub const fn as_seconds(self) -> i64 {
        self.0.div_euclid(1_000_000)
    }
    /// Whole milliseconds since the epoch, never negative, for UUIDv7.
    #[must_use]
    pub fn as_unix_millis(self) -> u64 {
        u64::try_from(self.0.div_euclid(1_000)).unwrap_or(0)
    }
    /// This time plus a duration; saturates instead of overflowing.
    #[must_use]
    pub fn plus(self, duration: Duration) -> Self {
        Self(self.0.saturating_add(i64::try_from(duration.as_micros()).unwrap_or(i64::MAX)))
    }
    /// This time minus a duration; saturates instead of overflowing.
    #[must_use]
    pub fn minus(self, duration: Duration) -> Self {
        Self(self.0.saturating_sub(i64::try_from(duration.as_micros()).unwrap_or(i64::MAX)))
    }
    /// The time since `earlier`; zero if it is later.
    #[must_use]
    pub fn since(self, earlier: Self) -> Duration {
        Duration::from_micros(u64::try_from(self.0.saturating_sub(earlier.0)).unwrap_or(0))
    }
    /// Reads RFC 3339, with any offset; `None` for anything else.
    #[must_use]
    pub fn parse_rfc3339(text: &str) -> Option<Self> {
        let time: jiff::Timestamp = Some(text).filter(|text| text.len() <= 40)?.parse().ok()?;
        Some(Self(time.as_microsecond()))
    }
    /// RFC 3339 in UTC with exactly three fraction digits.
    ///
    /// The iOS SDK rejects timestamps without a fraction, so the digits are always printed.
    #[must_use]
    pub fn to_rfc3339(self) -> String {
        let millis = self.0.div_euclid(1_000);
        let time = jiff::Timestamp::from_millisecond(millis).unwrap_or(if millis < 0 {
            jiff::Timestamp::MIN
        } else {
            jiff::Timestamp::MAX
        });
        format!("{time:.3}")
    }
}

impl fmt::Display for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.to_rfc3339())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whole_seconds_still_print_three_fraction_digits() {
        assert_eq!(Timestamp::from_seconds(1_893_456_000).to_rfc3339(), "2030-01-01T00:00:00.000Z");
        assert_eq!(Timestamp::from_micros(1_893_456_000_123_999).to_rfc3339(), "2030-01-01T00:00:00.123Z");
    }

    #[test]
    fn times_are_read_with_any_offset() {
        let read = |text| Timestamp::parse_rfc3339(text).map(Timestamp::as_seconds);
        assert_eq!(read("2030-01-01T00:00:00Z"), Some(1_893_456_000));
        assert_eq!(read("2030-01-01T02:00:00.5+02:00"), Some(1_893_456_000));
        for text in ["", "2030-01-01", "2030-01-01T00:00:00", "1893456000", "2030-13-01T00:00:00Z"] {
            assert_eq!(read(text), None, "{text}");
        }
    }

    #[test]
    fn arithmetic_saturates() {
        assert_eq!(Timestamp::from_micros(i64::MAX).plus(Duration::from_secs(1)).as_micros(), i64::MAX);
        assert_eq!(Timestamp::from_micros(5).since(Timestamp::from_micros(9)), Duration::ZERO);
    }
}
