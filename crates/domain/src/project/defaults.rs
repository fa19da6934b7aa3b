//! The value that an absent key of the settings document stands for, stated once: the getters and the schema read it
//! here. Applications have theirs in `client`, passwords in `credential::password`, rate limits in `limits`, and enums
//! in their `Default`.

use super::sections::{AuthenticatorKind, IdentityType, LoginIdKey};
use crate::{client, identifier::LoginIdKind};

pub(super) const IDENTITIES: [IdentityType; 1] = [IdentityType::LoginId];
pub(super) const PRIMARY_AUTHENTICATORS: [AuthenticatorKind; 1] = [AuthenticatorKind::Password];
pub(super) const PUBLIC_SIGNUP_DISABLED: bool = false;
pub(super) const PASSKEY_OFFER_ENABLED: bool = false;
pub(super) const RECOVERY_PRESELECT_DAYS: u32 = 30;
pub(super) const LOGIN_ID_KEYS: [LoginIdKey; 1] = [LoginIdKey { kind: LoginIdKind::Email }];

pub(super) const VERIFICATION_ENABLED: bool = true;
pub(super) const VERIFICATION_REQUIRED: bool = true;

pub(super) const SESSION_LIFETIME_SECONDS: u32 = client::DEFAULT_LIFETIME_SECONDS;
pub(super) const SESSION_IDLE_TIMEOUT_ENABLED: bool = true;
pub(super) const SESSION_IDLE_TIMEOUT_SECONDS: u32 = client::DEFAULT_IDLE_SECONDS;
pub(super) const USE_SESSION_COOKIE: bool = false;

pub(super) const FALLBACK_LANGUAGE: &str = "en";

pub(super) const BLOCKING_TIMEOUT_SECONDS: u32 = 5;
pub(super) const BLOCKING_TOTAL_TIMEOUT_SECONDS: u32 = 10;
pub(super) const DELIVERY_TIMEOUT_SECONDS: u32 = 60;
