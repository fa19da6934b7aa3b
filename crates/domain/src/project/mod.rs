//! A project's settings: one validated document and its sections.
//! Absent members stay absent; the methods here apply the defaults when they are read.

mod authority;
mod defaults;
mod diff;
mod document;
mod hooks;
mod json_schema;
mod limits;
mod mail_texts;
mod merging;
mod origin;
mod provider_type;
mod providers;
mod receivers;
mod rules;
mod schema;
mod sections;
mod setting;
mod shape;
#[cfg(test)]
mod tests;
mod validate;
mod warnings;

pub use self::{
    authority::Authority,
    diff::{diff, removals},
    hooks::Webhook,
    json_schema::json_schema,
    limits::{
        CodeLimits, LimitName, LimitSetting, NotAPeriod, PerIp, PerIpAndKey, PerIpAndUser, PerProject, Period,
        RateLimits,
    },
    mail_texts::{
        LanguageTexts, MAIL_LANGUAGES, MailPart, MailText, MailTextKind, MailTexts, Placeholder, TextPiece, read_pieces,
    },
    merging::{AttributeRule, DEFAULT_ANSWER_SECONDS, MAX_MERGE_RULES, MergeRule, MergeSettings, MergeTimeout},
    origin::{NotAnOrigin, Origin},
    provider_type::{FreshProof, ProviderProof, ProviderType},
    providers::{
        MAX_NATIVE_CLIENT_IDS, MAX_PROVIDERS, NativeNonce, Provider, ProviderClaims, ProviderEmail,
        TokenEndpointAuthMethod, is_tenant_id, type_of_account_key,
    },
    receivers::{ReceiverChanges, ReceiverKind, ReceiverMove},
    sections::{
        AuthenticationSection, AuthenticatorKind, BlockingHandler, ClaimVerification, ColorSchemeSetting,
        ExternalConflict, Hook, Http, IdentityOAuth, IdentitySection, IdentityType, LoginIdKey, LoginIdSettings,
        MailSection, NonBlockingHandler, OAuth, OnConflict, PasswordSettings, ProjectSection, PromotionConflict,
        SessionSettings, SmsSection, UiSection, Verification, VerificationClaims,
    },
    setting::{SettingKey, SettingKind},
    shape::{DocumentProblem, MAX_LIST_ITEMS, MAX_PROBLEMS, MAX_TEXT_BYTES, ProblemKind},
    warnings::{SettingsWarning, client_warnings},
};

use std::time::Duration;

use serde::{Deserialize, Serialize};
use vestibule_protocol::cors::OriginMatcher;

use crate::{
    client::{Client, seconds},
    credential::password::Policy,
    identifier::LoginIdKind,
    limit::Quota,
    retention::DEFAULT_CONFIRM_ABOVE_PERCENT,
    session::Lifetime,
};

/// The settings document of one project, as stored, exported and applied.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[expect(missing_docs, reason = "each section is documented once, in the settings' schema, under its own name")]
pub struct ProjectSettings {
    pub project: ProjectSection,
    #[serde(default, skip_serializing_if = "is_default")]
    pub authentication: AuthenticationSection,
    #[serde(default, skip_serializing_if = "is_default")]
    pub identity: IdentitySection,
    #[serde(default, skip_serializing_if = "is_default")]
    pub verification: Verification,
    #[serde(default, skip_serializing_if = "is_default")]
    pub password_policy: PasswordSettings,
    #[serde(default, skip_serializing_if = "is_default")]
    pub session: SessionSettings,
    #[serde(default, skip_serializing_if = "is_default")]
    pub http: Http,
    #[serde(default, skip_serializing_if = "is_default")]
    pub ui: UiSection,
    #[serde(default, skip_serializing_if = "is_default")]
    pub mail: MailSection,
    #[serde(default, skip_serializing_if = "is_default")]
    pub sms: SmsSection,
    #[serde(default, skip_serializing_if = "is_default")]
    pub oauth: OAuth,
    #[serde(default, skip_serializing_if = "is_default")]
    pub hook: Hook,
}

pub(crate) fn is_default<T: Default + PartialEq>(value: &T) -> bool {
    *value == T::default()
}

impl ProjectSettings {
    /// A project with only an ID and an origin: members only, no applications.
    #[must_use]
    pub fn new(id: &str, public_origin: Origin) -> Self {
        Self {
            project: ProjectSection { id: id.to_owned(), public_origin, name: None },
            authentication: AuthenticationSection::default(),
            identity: IdentitySection::default(),
            verification: Verification::default(),
            password_policy: PasswordSettings::default(),
            session: SessionSettings::default(),
            http: Http::default(),
            ui: UiSection::default(),
            mail: MailSection::default(),
            sms: SmsSection::default(),
            oauth: OAuth::default(),
            hook: Hook::default(),
        }
    }

    /// The project's ID, its name in files and on the command line.
    #[must_use]
    pub fn id(&self) -> &str {
        &self.project.id
    }

    /// The public origin; also the issuer.
    #[must_use]
    pub fn public_origin(&self) -> &Origin {
        &self.project.public_origin
    }

    /// The name shown to users: the branding's name, else the project's name, else that of its only application, else its ID.
    #[must_use]
    pub fn display_name(&self) -> &str {
        let only = match self.clients() {
            [client] => client.name.as_deref().filter(|name| !name.is_empty()),
            _ => None,
        };
        self.ui.name.as_deref().or(self.project.name.as_deref()).or(only).unwrap_or(&self.project.id)
    }

    /// The application with this client ID.
    #[must_use]
    pub fn client(&self, client_id: &str) -> Option<&Client> {
        self.oauth.clients.iter().find(|client| client.client_id == client_id)
    }

    /// The name of an application; of one that was removed, its ID.
    #[must_use]
    pub fn client_name<'a>(&'a self, client_id: &'a str) -> &'a str {
        self.client(client_id).map_or(client_id, Client::display_name)
    }

    /// Every application, in the document's order.
    #[must_use]
    pub fn clients(&self) -> &[Client] {
        &self.oauth.clients
    }

    /// The enabled kinds of identity.
    #[must_use]
    pub fn identities(&self) -> &[IdentityType] {
        self.authentication.identities.as_deref().unwrap_or(&defaults::IDENTITIES)
    }

    /// Whether visitors can become guests.
    #[must_use]
    pub fn anonymous_enabled(&self) -> bool {
        self.identities().contains(&IdentityType::Anonymous)
    }

    /// Whether a passkey alone makes a member, without any login ID.
    #[must_use]
    pub fn passkey_identity_enabled(&self) -> bool {
        self.identities().contains(&IdentityType::Passkey)
    }

    /// Whether sign-up is closed, for guests too; promotion still works.
    #[must_use]
    pub fn public_signup_disabled(&self) -> bool {
        self.authentication.public_signup_disabled.unwrap_or(defaults::PUBLIC_SIGNUP_DISABLED)
    }

    /// Whether a new member is offered a passkey, where passkeys are enabled.
    #[must_use]
    pub fn passkey_offer_enabled(&self) -> bool {
        self.authentication.passkey_offer_enabled.unwrap_or(defaults::PASSKEY_OFFER_ENABLED)
    }

    /// The share of an application's guests, in percent, above which new rules for their retention must be confirmed.
    #[must_use]
    pub fn retention_confirm_percent(&self) -> u32 {
        self.authentication.retention_confirm_percent.unwrap_or(DEFAULT_CONFIRM_ABOVE_PERCENT)
    }

    /// How old a sign-in method must be not to be preselected for removal when a member recovers its password.
    #[must_use]
    pub fn recovery_preselect_age(&self) -> Duration {
        let days = self.authentication.recovery_preselect_days.unwrap_or(defaults::RECOVERY_PRESELECT_DAYS);
        Duration::from_secs(u64::from(days) * 24 * 3600)
    }

    /// The enabled authenticators, in the order they are offered.
    #[must_use]
    pub fn primary_authenticators(&self) -> &[AuthenticatorKind] {
        self.authentication.primary_authenticators.as_deref().unwrap_or(&defaults::PRIMARY_AUTHENTICATORS)
    }

    /// Whether this authenticator is enabled.
    #[must_use]
    pub fn offers(&self, authenticator: AuthenticatorKind) -> bool {
        self.primary_authenticators().contains(&authenticator)
    }

    /// The enabled kinds of login ID, in the order they are offered; none when `login_id` is off.
    #[must_use]
    pub fn login_id_kinds(&self) -> Vec<LoginIdKind> {
        if !self.identities().contains(&IdentityType::LoginId) {
            return Vec::new();
        }
        let keys = self.identity.login_id.keys.as_deref().unwrap_or(&defaults::LOGIN_ID_KEYS);
        keys.iter().map(|key| key.kind).collect()
    }

    /// The authenticators of a member with this kind of login ID.
    #[must_use]
    pub fn authenticators_for(&self, kind: LoginIdKind) -> Vec<AuthenticatorKind> {
        self.primary_authenticators().iter().copied().filter(|authenticator| authenticator.serves(kind)).collect()
    }

    /// The country of a phone number without prefix (ISO 3166-1 alpha-2).
    #[must_use]
    pub fn default_country(&self) -> Option<&str> {
        self.identity.login_id.default_country.as_deref()
    }

    /// Whether codes are sent by SMS to numbers of this country; `None` is a number of no country. Without a list, the
    /// project's own country is the one of numbers without prefix; a project without that one has none of its own.
    #[must_use]
    pub fn allows_sms_to(&self, country: Option<&str>) -> bool {
        match (&self.sms.allowed_countries, self.default_country()) {
            (Some(allowed), _) => {
                allowed.iter().any(|one| one == rules::EVERY_COUNTRY || Some(one.as_str()) == country)
            }
            (None, Some(own)) => country == Some(own),
            (None, None) => true,
        }
    }

    /// What happens when a guest enters a login ID of another user.
    #[must_use]
    pub fn promotion_conflict(&self) -> PromotionConflict {
        self.identity.on_conflict.promotion.unwrap_or_default()
    }

    /// What becomes of attributes that a guest and the member into which it is merged both may have.
    #[must_use]
    pub fn merge_rules(&self) -> &[MergeRule] {
        &self.identity.merge.attributes
    }

    /// How merges are settled and undone.
    #[must_use]
    pub fn merging(&self) -> &MergeSettings {
        &self.identity.merge
    }

    /// What happens when the verified email address of an account at a provider belongs to a member.
    #[must_use]
    pub fn external_conflict(&self) -> ExternalConflict {
        self.identity.on_conflict.oauth.unwrap_or_default()
    }

    /// The providers of external accounts, in the order in which they are offered.
    #[must_use]
    pub fn providers(&self) -> &[Provider] {
        &self.identity.oauth.providers
    }

    /// The provider with this alias.
    #[must_use]
    pub fn provider(&self, alias: &str) -> Option<&Provider> {
        self.providers().iter().find(|provider| provider.alias == alias)
    }

    /// Whether applications may exchange ID tokens of a provider for tokens.
    #[must_use]
    pub fn has_native_sign_in(&self) -> bool {
        self.providers().iter().any(Provider::has_native_sign_in)
    }

    /// The first provider of the accounts with this key.
    #[must_use]
    pub fn provider_of_account(&self, key: &str) -> Option<&Provider> {
        self.providers().iter().find(|provider| provider.account_key() == key)
    }

    /// Whether a login ID of this kind can be verified.
    #[must_use]
    pub fn verification_enabled(&self, kind: LoginIdKind) -> bool {
        self.claim_verification(kind).is_some_and(|claim| claim.enabled.unwrap_or(defaults::VERIFICATION_ENABLED))
    }

    /// Whether a login ID of this kind must be verified before it is used.
    #[must_use]
    pub fn verification_required(&self, kind: LoginIdKind) -> bool {
        self.verification_enabled(kind)
            && self
                .claim_verification(kind)
                .is_some_and(|claim| claim.required.unwrap_or(defaults::VERIFICATION_REQUIRED))
    }

    fn claim_verification(&self, kind: LoginIdKind) -> Option<&ClaimVerification> {
        match kind {
            LoginIdKind::Email => Some(&self.verification.claims.email),
            LoginIdKind::Phone => Some(&self.verification.claims.phone_number),
            LoginIdKind::Username => None,
        }
    }

    /// The quota of this limit; `None` when it is off.
    #[must_use]
    pub fn limit(&self, name: LimitName) -> Option<Quota> {
        self.authentication.rate_limits.quota(name)
    }

    /// The policy for new passwords.
    #[must_use]
    pub fn password_policy(&self) -> Policy {
        let (written, default) = (&self.password_policy, Policy::default());
        Policy {
            min_length: written.min_length.and_then(|n| usize::try_from(n).ok()).unwrap_or(default.min_length),
            min_strength: written.min_strength.and_then(|n| u8::try_from(n).ok()).unwrap_or(default.min_strength),
            refuse_breached: written.refuse_breached.unwrap_or(default.refuse_breached),
        }
    }

    /// The shortest time without use after which a rule of an application warns of a guest or ends it.
    #[must_use]
    pub fn shortest_guest_idle(&self) -> Option<Duration> {
        self.clients().iter().filter_map(|client| client.guest_retention.shortest_idle()).min()
    }

    /// The lifetime of a cookie session. It is evaluated at each use, so a shorter setting ends sessions at once.
    #[must_use]
    pub fn session_lifetime(&self) -> Lifetime {
        let session = &self.session;
        Lifetime {
            hard: seconds(session.lifetime_seconds.unwrap_or(defaults::SESSION_LIFETIME_SECONDS)),
            idle: session
                .idle_timeout_enabled
                .unwrap_or(defaults::SESSION_IDLE_TIMEOUT_ENABLED)
                .then(|| seconds(session.idle_timeout_seconds.unwrap_or(defaults::SESSION_IDLE_TIMEOUT_SECONDS))),
        }
    }

    /// Whether the session cookie ends with the browser (no `Max-Age`).
    #[must_use]
    pub fn uses_session_cookie(&self) -> bool {
        self.session.use_session_cookie.unwrap_or(defaults::USE_SESSION_COOKIE)
    }

    /// A cookie's name on the wire: the project's prefix and the suffix.
    #[must_use]
    pub fn cookie_name(&self, suffix: &str) -> String {
        format!("{}{suffix}", self.http.cookie_prefix.as_deref().unwrap_or_default())
    }

    /// The `Domain` attribute of shared cookies; `None` makes them host-only.
    #[must_use]
    pub fn cookie_domain(&self) -> Option<&str> {
        self.http.cookie_domain.as_deref()
    }

    /// The web origins that may call from a browser with the user's cookies: the project's own, those of the setting, and
    /// those of the redirect URIs of first-party applications, in which a star is not a wildcard.
    #[must_use]
    pub fn allowed_origins(&self) -> OriginMatcher {
        let mut matcher = OriginMatcher::new(self.http.allowed_origins.iter().flatten().map(String::as_str));
        matcher.allow_url(self.project.public_origin.as_str());
        self.allow_redirect_uris(&mut matcher, true);
        matcher
    }

    /// The web origins of third-party applications' redirect URIs. They may call, but never with the user's cookies.
    #[must_use]
    pub fn third_party_origins(&self) -> OriginMatcher {
        let mut matcher = OriginMatcher::default();
        self.allow_redirect_uris(&mut matcher, false);
        matcher
    }

    fn allow_redirect_uris(&self, matcher: &mut OriginMatcher, first_party: bool) {
        let clients =
            self.oauth.clients.iter().filter(|client| client.application_type().is_first_party() == first_party);
        for uri in clients.flat_map(|client| &client.redirect_uris) {
            matcher.allow_url(uri);
        }
    }

    /// The languages of the pages, the fallback first when none are listed.
    #[must_use]
    pub fn languages(&self) -> Option<&[String]> {
        self.ui.languages.as_deref()
    }

    /// The fallback language.
    #[must_use]
    pub fn fallback_language(&self) -> &str {
        self.ui.fallback_language.as_deref().unwrap_or(defaults::FALLBACK_LANGUAGE)
    }

    /// Light, dark or the system's preference.
    #[must_use]
    pub fn color_scheme(&self) -> ColorSchemeSetting {
        self.ui.color_scheme.unwrap_or_default()
    }

    /// The project's color as `#rrggbb`, if set.
    #[must_use]
    pub fn accent_color(&self) -> Option<&str> {
        self.ui.accent_color.as_deref()
    }

    /// Where pages that no application started link back to.
    #[must_use]
    pub fn default_client_uri(&self) -> Option<&str> {
        self.ui.default_client_uri.as_deref()
    }
}
