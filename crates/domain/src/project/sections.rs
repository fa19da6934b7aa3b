//! The sections of a project's settings document.
//! The meaning, default and bounds of each key are documented in `schema`.
#![expect(missing_docs, reason = "the schema documents every key under its own name; twice would drift")]

use serde::{Deserialize, Serialize};

use super::{
    is_default, limits::RateLimits, mail_texts::MailTexts, merging::MergeSettings, origin::Origin, providers::Provider,
};
use crate::{client::Client, identifier::LoginIdKind};

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ProjectSection {
    pub id: String,
    pub public_origin: Origin,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
}

/// The kinds of identity that a project can enable.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum IdentityType {
    LoginId,
    Anonymous,
    Passkey,
}

/// The authenticators that a project can enable.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum AuthenticatorKind {
    Password,
    OobOtpEmail,
    OobOtpSms,
    Passkey,
}

impl AuthenticatorKind {
    /// The name in settings and UserInfo.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Password => "password",
            Self::OobOtpEmail => "oob_otp_email",
            Self::OobOtpSms => "oob_otp_sms",
            Self::Passkey => "passkey",
        }
    }

    /// Whether a member with this kind of login ID can use it: a code needs an address.
    #[must_use]
    pub fn serves(self, kind: LoginIdKind) -> bool {
        match self {
            Self::Password | Self::Passkey => true,
            Self::OobOtpEmail => kind == LoginIdKind::Email,
            Self::OobOtpSms => kind == LoginIdKind::Phone,
        }
    }
}

#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct AuthenticationSection {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub identities: Option<Vec<IdentityType>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub primary_authenticators: Option<Vec<AuthenticatorKind>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub public_signup_disabled: Option<bool>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub passkey_offer_enabled: Option<bool>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub recovery_preselect_days: Option<u32>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub retention_confirm_percent: Option<u32>,
    #[serde(default, skip_serializing_if = "is_default")]
    pub rate_limits: RateLimits,
}

#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct IdentitySection {
    #[serde(default, skip_serializing_if = "is_default")]
    pub login_id: LoginIdSettings,
    #[serde(default, skip_serializing_if = "is_default")]
    pub oauth: IdentityOAuth,
    #[serde(default, skip_serializing_if = "is_default")]
    pub on_conflict: OnConflict,
    #[serde(default, skip_serializing_if = "is_default")]
    pub merge: MergeSettings,
}

#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct IdentityOAuth {
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub providers: Vec<Provider>,
}

#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct LoginIdSettings {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub default_country: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub keys: Option<Vec<LoginIdKey>>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LoginIdKey {
    #[serde(rename = "type")]
    pub kind: LoginIdKind,
}

#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct OnConflict {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub promotion: Option<PromotionConflict>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub oauth: Option<ExternalConflict>,
}

/// What happens when the verified email address of an account at a provider belongs to a member.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ExternalConflict {
    /// A page says so, and the user can sign in with the member's own methods.
    #[default]
    Error,
    /// That sign-in connects the account to the member.
    LoginAndLink,
}

/// What happens when a guest enters a login ID of another user.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PromotionConflict {
    /// The guest gets an error, after proving control of the address, and can enter another login ID.
    #[default]
    Error,
    /// The guest can authenticate as that user and continue as it.
    Login,
    /// The same, and the person decides whether the guest is merged into that user.
    Merge,
}

#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Verification {
    #[serde(default, skip_serializing_if = "is_default")]
    pub claims: VerificationClaims,
}

#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct VerificationClaims {
    #[serde(default, skip_serializing_if = "is_default")]
    pub email: ClaimVerification,
    #[serde(default, skip_serializing_if = "is_default")]
    pub phone_number: ClaimVerification,
}

#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ClaimVerification {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub enabled: Option<bool>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub required: Option<bool>,
}

#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct PasswordSettings {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub min_length: Option<u32>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub min_strength: Option<u32>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub refuse_breached: Option<bool>,
}

#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct SessionSettings {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub lifetime_seconds: Option<u32>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub idle_timeout_enabled: Option<bool>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub idle_timeout_seconds: Option<u32>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub use_session_cookie: Option<bool>,
}

#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Http {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub allowed_origins: Option<Vec<String>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cookie_domain: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cookie_prefix: Option<String>,
}

/// Light, dark or the system's preference.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ColorSchemeSetting {
    #[default]
    Auto,
    Light,
    Dark,
}

#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct UiSection {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub logo_uri: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub accent_color: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub color_scheme: Option<ColorSchemeSetting>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub languages: Option<Vec<String>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fallback_language: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub default_client_uri: Option<String>,
}

#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct MailSection {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub from: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reply_to: Option<String>,
    #[serde(default, skip_serializing_if = "is_default")]
    pub texts: Box<MailTexts>,
}

#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct SmsSection {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub allowed_countries: Option<Vec<String>>,
}

#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct OAuth {
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub clients: Vec<Client>,
}

/// A blocking webhook.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct BlockingHandler {
    pub event: String,
    pub url: String,
}

/// A notification webhook.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct NonBlockingHandler {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub events: Option<Vec<String>>,
    pub url: String,
}

#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Hook {
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub blocking_handlers: Vec<BlockingHandler>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub non_blocking_handlers: Vec<NonBlockingHandler>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sync_hook_timeout_seconds: Option<u32>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sync_hook_total_timeout_seconds: Option<u32>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub delivery_timeout_seconds: Option<u32>,
}
