//! A project's settings: one validated document, its sections and what it means.
//! Absent members stay absent; the methods here fill in the defaults when they are read.

mod authority;
mod diff;
mod document;
mod hooks;
mod limits;
mod origin;
mod rules;
mod schema;
mod sections;
mod shape;
#[cfg(test)]
mod tests;
mod validate;

pub use self::{
    authority::Authority,
    diff::{Change, diff, removals},
    hooks::Webhook,
    limits::{CodeLimits, LimitName, LimitSetting, NotAPeriod, PerIp, PerIpAndKey, PerIpAndUser, Period, RateLimits},
    origin::{NotAnOrigin, Origin},
    schema::{ReferenceEntry, list_reference},
    sections::{
        Authentication, AuthenticatorKind, BlockingHandler, ClaimVerification, ColorScheme, Hook, Http, Identity,
        IdentityType, LoginIdKey, LoginIdSettings, Mail, NonBlockingHandler, OAuth, OnConflict, PasswordSettings,
        Project, PromotionConflict, SessionSettings, Ui, Verification, VerificationClaims,
    },
    shape::{Complaint, MAX_COMPLAINTS, MAX_LIST_ITEMS, MAX_TEXT_BYTES},
};

use serde::{Deserialize, Serialize};
use vestibule_protocol::cors::OriginMatcher;

use crate::{
    client::{Client, DEFAULT_IDLE_SECONDS, DEFAULT_LIFETIME_SECONDS, seconds},
    credential::password::Policy,
    identifier::LoginIdKind,
    limit::Quota,
    session::Lifetime,
};

/// The document of one project, as it is stored, exported and applied.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[expect(missing_docs, reason = "each section is documented once, in the settings' schema, under its own name")]
pub struct ProjectSettings {
    pub project: Project,
    #[serde(default, skip_serializing_if = "is_default")]
    pub authentication: Authentication,
    #[serde(default, skip_serializing_if = "is_default")]
    pub identity: Identity,
    #[serde(default, skip_serializing_if = "is_default")]
    pub verification: Verification,
    #[serde(default, skip_serializing_if = "is_default")]
    pub password_policy: PasswordSettings,
    #[serde(default, skip_serializing_if = "is_default")]
    pub session: SessionSettings,
    #[serde(default, skip_serializing_if = "is_default")]
    pub http: Http,
    #[serde(default, skip_serializing_if = "is_default")]
    pub ui: Ui,
    #[serde(default, skip_serializing_if = "is_default")]
    pub mail: Mail,
    #[serde(default, skip_serializing_if = "is_default")]
    pub oauth: OAuth,
    #[serde(default, skip_serializing_if = "is_default")]
    pub hook: Hook,
}

pub(crate) fn is_default<T: Default + PartialEq>(value: &T) -> bool {
    *value == T::default()
}

impl ProjectSettings {
    /// A project with nothing but its name and place: members only, no applications.
    #[must_use]
    pub fn new(id: &str, public_origin: Origin) -> Self {
        Self {
            project: Project { id: id.to_owned(), public_origin, name: None },
            authentication: Authentication::default(),
            identity: Identity::default(),
            verification: Verification::default(),
            password_policy: PasswordSettings::default(),
            session: SessionSettings::default(),
            http: Http::default(),
            ui: Ui::default(),
            mail: Mail::default(),
            oauth: OAuth::default(),
            hook: Hook::default(),
        }
    }

    /// The project's id, its name in files and on the command line.
    #[must_use]
    pub fn id(&self) -> &str {
        &self.project.id
    }

    /// The origin its end-user server is reached at; also the issuer.
    #[must_use]
    pub fn public_origin(&self) -> &Origin {
        &self.project.public_origin
    }

    /// What people see: the branding's name, else the project's name, else its id.
    #[must_use]
    pub fn display_name(&self) -> &str {
        self.ui.name.as_deref().or(self.project.name.as_deref()).unwrap_or(&self.project.id)
    }

    /// The application with this client id.
    #[must_use]
    pub fn client(&self, client_id: &str) -> Option<&Client> {
        self.oauth.clients.iter().find(|client| client.client_id == client_id)
    }

    /// Every application, in the document's order.
    #[must_use]
    pub fn clients(&self) -> &[Client] {
        &self.oauth.clients
    }

    /// The kinds of identity users of the project can have.
    #[must_use]
    pub fn identities(&self) -> &[IdentityType] {
        self.authentication.identities.as_deref().unwrap_or(&[IdentityType::LoginId])
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

    /// Whether nobody can sign up by itself, guests included; promotion goes on.
    #[must_use]
    pub fn public_signup_disabled(&self) -> bool {
        self.authentication.public_signup_disabled.unwrap_or(false)
    }

    /// Whether who joins with something else is offered a passkey, where passkeys are among the ways.
    #[must_use]
    pub fn passkey_offer_enabled(&self) -> bool {
        self.authentication.passkey_offer_enabled.unwrap_or(false)
    }

    /// The ways a member can prove who it is, in the order they are offered.
    #[must_use]
    pub fn primary_authenticators(&self) -> &[AuthenticatorKind] {
        self.authentication.primary_authenticators.as_deref().unwrap_or(&[AuthenticatorKind::Password])
    }

    /// Whether this way of proving is offered.
    #[must_use]
    pub fn offers(&self, authenticator: AuthenticatorKind) -> bool {
        self.primary_authenticators().contains(&authenticator)
    }

    /// The login IDs people can use, in the order they are offered; none when `login_id` is switched off.
    #[must_use]
    pub fn login_id_kinds(&self) -> Vec<LoginIdKind> {
        if !self.identities().contains(&IdentityType::LoginId) {
            return Vec::new();
        }
        match &self.identity.login_id.keys {
            Some(keys) => keys.iter().map(|key| key.kind).collect(),
            None => vec![LoginIdKind::Email],
        }
    }

    /// The ways a member with this kind of login ID can prove who it is.
    #[must_use]
    pub fn authenticators_for(&self, kind: LoginIdKind) -> Vec<AuthenticatorKind> {
        self.primary_authenticators().iter().copied().filter(|way| way.serves(kind)).collect()
    }

    /// The country a phone number without a prefix is taken to be of (ISO 3166-1 alpha-2).
    #[must_use]
    pub fn default_country(&self) -> Option<&str> {
        self.identity.login_id.default_country.as_deref()
    }

    /// What happens when a guest asks for a login ID that belongs to somebody.
    #[must_use]
    pub fn promotion_conflict(&self) -> PromotionConflict {
        self.identity.on_conflict.promotion.unwrap_or_default()
    }

    /// Whether an address of this kind can be verified at all.
    #[must_use]
    pub fn verification_enabled(&self, kind: LoginIdKind) -> bool {
        self.claim_verification(kind).is_some_and(|claim| claim.enabled.unwrap_or(true))
    }

    /// Whether an address of this kind must be verified before it counts.
    #[must_use]
    pub fn verification_required(&self, kind: LoginIdKind) -> bool {
        self.claim_verification(kind)
            .is_some_and(|claim| claim.enabled.unwrap_or(true) && claim.required.unwrap_or(true))
    }

    fn claim_verification(&self, kind: LoginIdKind) -> Option<&ClaimVerification> {
        match kind {
            LoginIdKind::Email => Some(&self.verification.claims.email),
            LoginIdKind::Phone => Some(&self.verification.claims.phone_number),
            LoginIdKind::Username => None,
        }
    }

    /// The limit of this name, `None` when it is switched off.
    #[must_use]
    pub fn limit(&self, name: LimitName) -> Option<Quota> {
        self.authentication.rate_limits.quota(name)
    }

    /// What a new password must be like.
    #[must_use]
    pub fn password_policy(&self) -> Policy {
        let (written, default) = (&self.password_policy, Policy::default());
        Policy {
            min_length: written.min_length.and_then(|n| usize::try_from(n).ok()).unwrap_or(default.min_length),
            min_strength: written.min_strength.and_then(|n| u8::try_from(n).ok()).unwrap_or(default.min_strength),
            refuse_breached: written.refuse_breached.unwrap_or(default.refuse_breached),
        }
    }

    /// How long a cookie session lives. Read when it is checked, so a shortened setting ends sessions at once.
    #[must_use]
    pub fn session_lifetime(&self) -> Lifetime {
        let session = &self.session;
        Lifetime {
            hard: seconds(session.lifetime_seconds.unwrap_or(DEFAULT_LIFETIME_SECONDS)),
            idle: session
                .idle_timeout_enabled
                .unwrap_or(true)
                .then(|| seconds(session.idle_timeout_seconds.unwrap_or(DEFAULT_IDLE_SECONDS))),
        }
    }

    /// Whether the session cookie ends with the browser (no `Max-Age`).
    #[must_use]
    pub fn uses_session_cookie(&self) -> bool {
        self.session.use_session_cookie.unwrap_or(false)
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

    /// Which web origins may call from a browser: our own, those of the setting, and those of the redirect URIs, where
    /// a star is no wildcard.
    #[must_use]
    pub fn allowed_origins(&self) -> OriginMatcher {
        let mut matcher = OriginMatcher::new(self.http.allowed_origins.iter().flatten().map(String::as_str));
        matcher.allow_url(self.project.public_origin.as_str());
        for uri in self.oauth.clients.iter().flat_map(|client| &client.redirect_uris) {
            matcher.allow_url(uri);
        }
        matcher
    }

    /// The languages of the pages, the fallback first when none are listed.
    #[must_use]
    pub fn languages(&self) -> Option<&[String]> {
        self.ui.languages.as_deref()
    }

    /// The language of last resort.
    #[must_use]
    pub fn fallback_language(&self) -> &str {
        self.ui.fallback_language.as_deref().unwrap_or("en")
    }

    /// Light, dark or what the person's system says.
    #[must_use]
    pub fn color_scheme(&self) -> ColorScheme {
        self.ui.color_scheme.unwrap_or_default()
    }

    /// The project's colour as `#rrggbb`, if it has one.
    #[must_use]
    pub fn accent_color(&self) -> Option<&str> {
        self.ui.accent_color.as_deref()
    }

    /// Where a page without an application behind it leads back to.
    #[must_use]
    pub fn default_client_uri(&self) -> Option<&str> {
        self.ui.default_client_uri.as_deref()
    }
}
