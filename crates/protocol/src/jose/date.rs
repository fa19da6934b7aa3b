//! Times in claims (RFC 7519 §2 and §4.1), compared with a given time.

use serde::{Serialize, Serializer};
use serde_json::{Map, Value};
use thiserror::Error;

use super::JoseError;

/// Allowed clock skew of a device, in seconds.
pub const SKEW_SECONDS: i64 = 300;

/// The last second of the year 9999; larger numbers are rejected.
const MAX_SECONDS: i64 = 253_402_300_799;

/// Whole Unix seconds, parsed from any JSON number: Flutter sends floats, on Android with an exponent.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct NumericDate(i64);

impl NumericDate {
    /// A date from Unix seconds.
    pub const fn from_seconds(seconds: i64) -> Self {
        Self(seconds)
    }

    /// Parses a JSON number and drops the fraction; `None` for anything else and for numbers out of range.
    pub fn from_json(value: &Value) -> Option<Self> {
        let number = value.as_f64()?.trunc();
        // Within these bounds an f64 represents every whole number exactly, so the cast is lossless.
        (0.0..=MAX_SECONDS as f64).contains(&number).then_some(Self(number as i64))
    }

    /// The Unix seconds.
    pub const fn seconds(self) -> i64 {
        self.0
    }
}

impl Serialize for NumericDate {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_i64(self.0)
    }
}

/// Why the times of claims are invalid; the texts tell a developer in which direction a clock is off.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum TimeError {
    /// `exp` has passed.
    #[error("expired, or the clock of the sender is late")]
    Expired,
    /// `iat` is in the future.
    #[error("issued in the future, so the clock of the sender is early")]
    IssuedInFuture,
    /// `nbf` is in the future.
    #[error("not valid yet, or the clock of the sender is early")]
    NotYetValid,
    /// `exp` is too far in the future.
    #[error("valid for too long, or the clock of the sender is early")]
    TooLong,
}

/// The three time claims, each checked only when present.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize)]
pub struct ClaimTimes {
    /// When it was issued.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub iat: Option<NumericDate>,
    /// When it expires.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub exp: Option<NumericDate>,
    /// The time before which it is not valid.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub nbf: Option<NumericDate>,
}

impl ClaimTimes {
    /// Reads the time claims of a payload.
    ///
    /// # Errors
    /// [`JoseError::Claim`] if one is present and not a time.
    pub(crate) fn read(payload: &Map<String, Value>) -> Result<Self, JoseError> {
        let date = |name: &'static str| {
            payload.get(name).map(|value| NumericDate::from_json(value).ok_or(JoseError::Claim(name))).transpose()
        };
        Ok(Self { iat: date("iat")?, exp: date("exp")?, nbf: date("nbf")? })
    }

    /// Compares the claims present with `now_seconds`, allowing clocks to differ by `skew_seconds`.
    ///
    /// # Errors
    /// [`TimeError`].
    pub fn check(&self, now_seconds: i64, skew_seconds: i64) -> Result<(), TimeError> {
        let earliest = now_seconds.saturating_sub(skew_seconds);
        let latest = now_seconds.saturating_add(skew_seconds);
        if self.exp.is_some_and(|exp| exp.seconds() <= earliest) {
            return Err(TimeError::Expired);
        }
        if self.iat.is_some_and(|iat| iat.seconds() > latest) {
            return Err(TimeError::IssuedInFuture);
        }
        if self.nbf.is_some_and(|nbf| nbf.seconds() > latest) {
            return Err(TimeError::NotYetValid);
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn integers_floats_and_exponents_are_read_and_truncated() {
        for (text, seconds) in [
            ("1795000000", 1_795_000_000),
            ("1795000000.999", 1_795_000_000),
            ("1.795E9", 1_795_000_000),
            ("1.795000060123E9", 1_795_000_060),
            ("0", 0),
            ("-0.0", 0),
            ("-0.5", 0),
            ("253402300799", MAX_SECONDS),
        ] {
            let value: Value = serde_json::from_str(text).unwrap();
            assert_eq!(NumericDate::from_json(&value), Some(NumericDate(seconds)), "{text}");
        }
    }

    #[test]
    fn what_is_not_a_time_is_refused() {
        for text in ["-1", "253402300800", "1e300", "18446744073709551615", "\"1\"", "null", "true", "[]", "{}"] {
            let value: Value = serde_json::from_str(text).unwrap();
            assert_eq!(NumericDate::from_json(&value), None, "{text}");
        }
        for text in ["NaN", "Infinity", "1e999"] {
            assert!(serde_json::from_str::<Value>(text).is_err(), "{text}");
        }
    }

    #[test]
    fn each_time_is_checked_with_skew_and_only_when_present() {
        let now = 1_000_000;
        let date = |seconds| Some(NumericDate(seconds));
        let times = ClaimTimes::default();
        for (times, expected) in [
            (times, Ok(())),
            (ClaimTimes { exp: date(now), ..times }, Ok(())),
            (ClaimTimes { exp: date(now - 299), ..times }, Ok(())),
            (ClaimTimes { exp: date(now - 300), ..times }, Err(TimeError::Expired)),
            (ClaimTimes { iat: date(now + 300), ..times }, Ok(())),
            (ClaimTimes { iat: date(now + 301), ..times }, Err(TimeError::IssuedInFuture)),
            (ClaimTimes { iat: date(0), ..times }, Ok(())),
            (ClaimTimes { nbf: date(now + 300), ..times }, Ok(())),
            (ClaimTimes { nbf: date(now + 301), ..times }, Err(TimeError::NotYetValid)),
        ] {
            assert_eq!(times.check(now, SKEW_SECONDS), expected, "{times:?}");
        }
        assert_eq!(times.check(i64::MIN, i64::MAX), Ok(()));
        assert_eq!(times.check(i64::MAX, i64::MAX), Ok(()));
    }
}
