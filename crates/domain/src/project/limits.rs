//! The rate limits of a project: names, format and defaults.

use std::{fmt, str::FromStr, time::Duration};

use jiff::{
    Span, SpanRelativeTo, SpanRound, Unit,
    fmt::{
        StdFmtWrite,
        friendly::{Designator, Spacing, SpanParser, SpanPrinter},
    },
};
use serde::{Deserialize, Serialize};

use super::is_default;
use crate::limit::Quota;

/// Whether a limit is applied by default.
pub(super) const DEFAULT_LIMIT_ENABLED: bool = true;

/// A configurable rate limit.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum LimitName {
    /// New guests per address.
    SignupAnonymousPerIp,
    /// New members per address.
    SignupPerIp,
    /// Checks whether a login ID exists, per address.
    AccountEnumerationPerIp,
    /// Password attempts per address.
    PasswordPerIp,
    /// Password attempts per account.
    PasswordPerUser,
    /// Codes sent at the request of one address.
    CodeSendPerIp,
    /// Codes sent to one account or address.
    CodeSendPerUser,
    /// Code attempts per address.
    CodeTryPerIp,
    /// Code attempts per account.
    CodeTryPerUser,
    /// Passkey attempts per address.
    PasskeyPerIp,
    /// Requests signed with the wrong device key, per address.
    DeviceKeyPerIp,
    /// Requests signed with the wrong device key, per key ID.
    DeviceKeyPerKey,
    /// Text messages of the project, to all numbers.
    SmsPerProject,
}

impl LimitName {
    /// Every limit.
    pub const ALL: [Self; 13] = [
        Self::SignupAnonymousPerIp,
        Self::SignupPerIp,
        Self::AccountEnumerationPerIp,
        Self::PasswordPerIp,
        Self::PasswordPerUser,
        Self::CodeSendPerIp,
        Self::CodeSendPerUser,
        Self::CodeTryPerIp,
        Self::CodeTryPerUser,
        Self::PasskeyPerIp,
        Self::DeviceKeyPerIp,
        Self::DeviceKeyPerKey,
        Self::SmsPerProject,
    ];

    /// Its group and name under `authentication.rate_limits`.
    #[must_use]
    pub fn key(self) -> (&'static str, &'static str) {
        match self {
            Self::SignupAnonymousPerIp => ("signup_anonymous", "per_ip"),
            Self::SignupPerIp => ("signup", "per_ip"),
            Self::AccountEnumerationPerIp => ("account_enumeration", "per_ip"),
            Self::PasswordPerIp => ("password", "per_ip"),
            Self::PasswordPerUser => ("password", "per_user"),
            Self::CodeSendPerIp => ("oob_otp", "trigger_per_ip"),
            Self::CodeSendPerUser => ("oob_otp", "trigger_per_user"),
            Self::CodeTryPerIp => ("oob_otp", "validate_per_ip"),
            Self::CodeTryPerUser => ("oob_otp", "validate_per_user"),
            Self::PasskeyPerIp => ("passkey", "per_ip"),
            Self::DeviceKeyPerIp => ("device_key", "per_ip"),
            Self::DeviceKeyPerKey => ("device_key", "per_key"),
            Self::SmsPerProject => ("sms", "per_project"),
        }
    }

    /// Its path in the settings document.
    #[must_use]
    pub fn path(self) -> String {
        let (group, limit) = self.key();
        format!("authentication.rate_limits.{group}.{limit}")
    }

    /// The name in error bodies (`authentication.signup_anonymous.per_ip`).
    #[must_use]
    pub fn error_name(self) -> String {
        let (group, limit) = self.key();
        format!("authentication.{group}.{limit}")
    }

    /// The group's name in error bodies (`authentication.signup_anonymous`).
    #[must_use]
    pub fn error_group(self) -> String {
        format!("authentication.{}", self.key().0)
    }

    /// The bucket's name in error bodies (`SignupAnonymousPerIP`).
    #[must_use]
    pub fn bucket_name(self) -> &'static str {
        match self {
            Self::SignupAnonymousPerIp => "SignupAnonymousPerIP",
            Self::SignupPerIp => "SignupPerIP",
            Self::AccountEnumerationPerIp => "AccountEnumerationPerIP",
            Self::PasswordPerIp => "VerifyPasswordPerIP",
            Self::PasswordPerUser => "VerifyPasswordPerUser",
            Self::CodeSendPerIp => "OOBOTPTriggerPerIP",
            Self::CodeSendPerUser => "OOBOTPTriggerPerUser",
            Self::CodeTryPerIp => "OOBOTPValidatePerIP",
            Self::CodeTryPerUser => "OOBOTPValidatePerUser",
            Self::PasskeyPerIp => "VerifyPasskeyPerIP",
            Self::DeviceKeyPerIp => "VerifyDeviceKeyPerIP",
            Self::DeviceKeyPerKey => "VerifyDeviceKeyPerKey",
            Self::SmsPerProject => "SMSPerProject",
        }
    }

    /// The default quota. Users behind one address share it, accounts do not.
    #[must_use]
    pub fn default_quota(self) -> Quota {
        let (burst, minutes) = match self {
            // A classroom behind one address: thirty users who save their progress in the same minute are normal.
            Self::SignupAnonymousPerIp
            | Self::PasswordPerIp
            | Self::CodeSendPerIp
            | Self::CodeTryPerIp
            | Self::PasskeyPerIp
            | Self::DeviceKeyPerIp => (60, 1),
            Self::SignupPerIp | Self::AccountEnumerationPerIp | Self::PasswordPerUser | Self::DeviceKeyPerKey => {
                (10, 1)
            }
            Self::CodeSendPerUser => (10, 60),
            Self::CodeTryPerUser => (20, 10),
            // More than an application of some size needs, and a small part of what fraud would send.
            Self::SmsPerProject => (300, 60),
        };
        Quota { period: Duration::from_secs(minutes * 60), burst }
    }
}

/// A limit in the settings.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct LimitSetting {
    /// Whether it is applied.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub enabled: Option<bool>,
    /// The refill period of a whole burst.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub period: Option<Period>,
    /// The maximum at once.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub burst: Option<u32>,
}

/// A group with one limit, per address.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct PerIp {
    /// Per network address of the caller.
    #[serde(default, skip_serializing_if = "is_default")]
    pub per_ip: LimitSetting,
}

/// A group with limits per address and per account.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct PerIpAndUser {
    /// Per network address of the caller.
    #[serde(default, skip_serializing_if = "is_default")]
    pub per_ip: LimitSetting,
    /// Per account.
    #[serde(default, skip_serializing_if = "is_default")]
    pub per_user: LimitSetting,
}

/// A group with limits per address and per device key.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct PerIpAndKey {
    /// Per network address of the caller.
    #[serde(default, skip_serializing_if = "is_default")]
    pub per_ip: LimitSetting,
    /// Per key ID.
    #[serde(default, skip_serializing_if = "is_default")]
    pub per_key: LimitSetting,
}

/// A group with one limit, of the project as a whole.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct PerProject {
    /// Of the project as a whole.
    #[serde(default, skip_serializing_if = "is_default")]
    pub per_project: LimitSetting,
}

/// The limits of one-time codes.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct CodeLimits {
    /// Sends, per network address of the caller.
    #[serde(default, skip_serializing_if = "is_default")]
    pub trigger_per_ip: LimitSetting,
    /// Sends, per account or recipient.
    #[serde(default, skip_serializing_if = "is_default")]
    pub trigger_per_user: LimitSetting,
    /// Attempts, per network address of the caller.
    #[serde(default, skip_serializing_if = "is_default")]
    pub validate_per_ip: LimitSetting,
    /// Attempts, per account.
    #[serde(default, skip_serializing_if = "is_default")]
    pub validate_per_user: LimitSetting,
}

/// `authentication.rate_limits`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct RateLimits {
    /// New guests.
    #[serde(default, skip_serializing_if = "is_default")]
    pub signup_anonymous: PerIp,
    /// New members.
    #[serde(default, skip_serializing_if = "is_default")]
    pub signup: PerIp,
    /// Checks whether a login ID exists.
    #[serde(default, skip_serializing_if = "is_default")]
    pub account_enumeration: PerIp,
    /// Password attempts.
    #[serde(default, skip_serializing_if = "is_default")]
    pub password: PerIpAndUser,
    /// One-time codes by mail and SMS.
    #[serde(default, skip_serializing_if = "is_default")]
    pub oob_otp: CodeLimits,
    /// Passkey attempts.
    #[serde(default, skip_serializing_if = "is_default")]
    pub passkey: PerIp,
    /// Requests signed with the wrong device key.
    #[serde(default, skip_serializing_if = "is_default")]
    pub device_key: PerIpAndKey,
    /// Text messages.
    #[serde(default, skip_serializing_if = "is_default")]
    pub sms: PerProject,
}

impl RateLimits {
    /// The quota of this limit with defaults applied; `None` when it is off.
    #[must_use]
    pub fn quota(&self, name: LimitName) -> Option<Quota> {
        let setting = self.setting(name);
        let default = name.default_quota();
        setting.enabled.unwrap_or(DEFAULT_LIMIT_ENABLED).then(|| Quota {
            period: setting.period.map_or(default.period, |period| period.0),
            burst: setting.burst.unwrap_or(default.burst),
        })
    }

    fn setting(&self, name: LimitName) -> &LimitSetting {
        match name {
            LimitName::SignupAnonymousPerIp => &self.signup_anonymous.per_ip,
            LimitName::SignupPerIp => &self.signup.per_ip,
            LimitName::AccountEnumerationPerIp => &self.account_enumeration.per_ip,
            LimitName::PasswordPerIp => &self.password.per_ip,
            LimitName::PasswordPerUser => &self.password.per_user,
            LimitName::CodeSendPerIp => &self.oob_otp.trigger_per_ip,
            LimitName::CodeSendPerUser => &self.oob_otp.trigger_per_user,
            LimitName::CodeTryPerIp => &self.oob_otp.validate_per_ip,
            LimitName::CodeTryPerUser => &self.oob_otp.validate_per_user,
            LimitName::PasskeyPerIp => &self.passkey.per_ip,
            LimitName::DeviceKeyPerIp => &self.device_key.per_ip,
            LimitName::DeviceKeyPerKey => &self.device_key.per_key,
            LimitName::SmsPerProject => &self.sms.per_project,
        }
    }
}

/// A duration as in settings: `30s`, `1m`, `2h`, `1h30m`; at most 366 days.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Period(pub Duration);

/// The text is not a valid duration.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error("write a duration such as \"30s\", \"1m\" or \"1h30m\", longer than nothing and at most 366 days")]
pub struct NotAPeriod;

const LONGEST_PERIOD_SECONDS: u64 = 366 * 86_400;

impl FromStr for Period {
    type Err = NotAPeriod;

    /// Of the library's friendly format: whole numbers of `d`, `h`, `m` and `s`, the largest unit first.
    fn from_str(text: &str) -> Result<Self, NotAPeriod> {
        // The library also reads words, spaces, signs, fractions, and `ms`.
        let is_plain = text.bytes().all(|byte| byte.is_ascii_digit() || b"dhms".contains(&byte));
        let span = is_plain.then(|| SpanParser::new().parse_span(text).ok()).flatten().ok_or(NotAPeriod)?;
        let length = span.to_duration(SpanRelativeTo::days_are_24_hours()).map_err(|_| NotAPeriod)?;
        let length = Duration::try_from(length).map_err(|_| NotAPeriod)?;
        let is_in_range = (1..=LONGEST_PERIOD_SECONDS).contains(&length.as_secs());
        if is_in_range && span.get_milliseconds() == 0 { Ok(Self(length)) } else { Err(NotAPeriod) }
    }
}

impl fmt::Display for Period {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let seconds = i64::try_from(self.0.as_secs()).map_err(|_| fmt::Error)?;
        let units = SpanRound::new().largest(Unit::Day).days_are_24_hours();
        let span = Span::new().try_seconds(seconds).and_then(|span| span.round(units)).map_err(|_| fmt::Error)?;
        let printer = SpanPrinter::new().designator(Designator::Compact).spacing(Spacing::None);
        printer.print_span(&span, StdFmtWrite(f)).map_err(|_| fmt::Error)
    }
}

impl TryFrom<String> for Period {
    type Error = NotAPeriod;

    fn try_from(text: String) -> Result<Self, NotAPeriod> {
        text.parse()
    }
}

impl From<Period> for String {
    fn from(period: Period) -> Self {
        period.to_string()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_period_reads_as_people_write_it() {
        for (text, seconds, printed) in [
            ("1m", 60, "1m"),
            ("30s", 30, "30s"),
            ("90s", 90, "1m30s"),
            ("1h30m", 5_400, "1h30m"),
            ("2d", 172_800, "2d"),
            ("25h", 90_000, "1d1h"),
            ("1d2h3m4s", 93_784, "1d2h3m4s"),
            ("366d", 31_622_400, "366d"),
        ] {
            let period: Period = text.parse().unwrap();
            assert_eq!(period.0, Duration::from_secs(seconds));
            assert_eq!(period.to_string(), printed);
        }
        for text in [
            "",
            "1",
            "m",
            "0s",
            "-1s",
            "1.5h",
            "1 m",
            "367d",
            "366d1s",
            "99999999999999999999s",
            "1x",
            "١m",
            "5000ms",
            "1m1h",
            "1h1h",
            "1mo",
            "PT1H",
        ] {
            assert_eq!(text.parse::<Period>(), Err(NotAPeriod), "{text}");
        }
    }

    #[test]
    fn a_switched_off_limit_is_none_and_a_partial_one_keeps_the_other_default() {
        let mut limits = RateLimits::default();
        limits.signup.per_ip.enabled = Some(false);
        limits.signup_anonymous.per_ip.burst = Some(5);
        assert_eq!(limits.quota(LimitName::SignupPerIp), None);
        assert_eq!(
            limits.quota(LimitName::SignupAnonymousPerIp),
            Some(Quota { period: Duration::from_secs(60), burst: 5 })
        );
    }

    #[test]
    fn the_names_of_a_limit_in_errors_are_those_clients_know() {
        let name = LimitName::SignupAnonymousPerIp;
        assert_eq!(name.error_name(), "authentication.signup_anonymous.per_ip");
        assert_eq!(name.error_group(), "authentication.signup_anonymous");
        assert_eq!(name.bucket_name(), "SignupAnonymousPerIP");
    }
}
