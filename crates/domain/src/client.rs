//! Applications (OAuth clients): what each type may do, and the lifetimes of its tokens.
//! Values and rules only; `project` defines and validates their settings.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::{
    project::is_default,
    redirect_uri,
    retention::{GuestClass, RetentionSettings, Rule},
    session::Lifetime,
};

/// Lifetime of an access token: 30 minutes.
pub(crate) const DEFAULT_ACCESS_TOKEN_SECONDS: u32 = 1_800;
/// Lifetime of a refresh token and of a cookie session: 52 weeks.
pub(crate) const DEFAULT_LIFETIME_SECONDS: u32 = 31_449_600;
/// Idle timeout of a refresh token and of a cookie session: 30 days.
pub(crate) const DEFAULT_IDLE_SECONDS: u32 = 2_592_000;
pub(crate) const DEFAULT_IDLE_TIMEOUT_ENABLED: bool = true;
pub(crate) const DEFAULT_ROTATION_ENABLED: bool = false;
pub(crate) const DEFAULT_ROTATION_GRACE_SECONDS: u32 = 30;
/// Sessions of a user at the same time; 0 for any number.
pub(crate) const DEFAULT_CONCURRENT_SESSIONS: u32 = 0;
pub(crate) const DEFAULT_DPOP_DISABLED: bool = false;
pub(crate) const DEFAULT_JWT_ACCESS_TOKENS: bool = false;
pub(crate) const DEFAULT_LOGOUT_NAMES_SESSION: bool = true;
pub(crate) const DEFAULT_DEVICE_AUTHORIZATION: bool = false;
pub(crate) const DEFAULT_REQUIRES_PUSHED_REQUESTS: bool = false;
pub(crate) const DEFAULT_GUEST_STORED_ON_USE: bool = false;

/// Minimum lifetime of an access token.
pub const MIN_ACCESS_TOKEN_SECONDS: u32 = 300;
/// Maximum lifetime of a machine's access token, which has no refresh token to revoke.
pub const MAX_M2M_ACCESS_TOKEN_SECONDS: u32 = 2_419_200;

/// The scope that gives an application full access to the account.
pub const FULL_ACCESS_SCOPE: &str = "https://authgear.com/scopes/full-access";
/// The scopes of a guest, unless the application sets others.
pub const GUEST_SCOPES: [&str; 3] = ["openid", "offline_access", FULL_ACCESS_SCOPE];
/// The scopes that `anonymous_scopes` may contain.
pub const GRANTABLE_GUEST_SCOPES: [&str; 5] =
    ["openid", "offline_access", "profile", FULL_ACCESS_SCOPE, "https://authgear.com/scopes/full-userinfo"];

/// The grant by which an application gets tokens for itself.
const CLIENT_CREDENTIALS: &str = "client_credentials";
/// The grant type of devices (RFC 8628 §3.4), for applications that turn it on.
pub const DEVICE_CODE_GRANT: &str = "urn:ietf:params:oauth:grant-type:device_code";

/// The grant type with which applications exchange the ID token of a provider (RFC 8693 §2.1).
pub const TOKEN_EXCHANGE_GRANT: &str = "urn:ietf:params:oauth:grant-type:token-exchange";

/// The values of `grant_type` for applications with users; the last one only for those of the operator with a secret.
const GRANT_TYPES: [&str; 6] = [
    "authorization_code",
    "refresh_token",
    "urn:authgear:params:oauth:grant-type:anonymous-request",
    "urn:authgear:params:oauth:grant-type:id-token",
    "urn:authgear:params:oauth:grant-type:settings-action",
    CLIENT_CREDENTIALS,
];

/// The type of an application (`x_application_type`), which decides what it may do.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ApplicationType {
    /// A single-page application in the browser.
    Spa,
    /// A web application rendered on its server, using cookies.
    TraditionalWebapp,
    /// A mobile or desktop application.
    Native,
    /// A first-party OIDC client with a secret.
    Confidential,
    /// A third-party OIDC client.
    ThirdPartyApp,
    /// A machine that acts for itself.
    M2m,
    /// Not specified: treated as a first-party public client.
    #[default]
    #[serde(rename = "")]
    Unspecified,
}

impl ApplicationType {
    /// Every type, in the order forms offer them; the unspecified one last.
    pub const ALL: [Self; 7] = [
        Self::Spa,
        Self::TraditionalWebapp,
        Self::Native,
        Self::Confidential,
        Self::ThirdPartyApp,
        Self::M2m,
        Self::Unspecified,
    ];

    /// The name in files and in the API.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Spa => "spa",
            Self::TraditionalWebapp => "traditional_webapp",
            Self::Native => "native",
            Self::Confidential => "confidential",
            Self::ThirdPartyApp => "third_party_app",
            Self::M2m => "m2m",
            Self::Unspecified => "",
        }
    }

    /// Whether the application must authenticate with a secret.
    #[must_use]
    pub fn is_confidential(self) -> bool {
        match self {
            Self::Confidential | Self::ThirdPartyApp | Self::M2m => true,
            Self::Spa | Self::TraditionalWebapp | Self::Native | Self::Unspecified => false,
        }
    }

    /// Whether the application is first-party: no consent screen, all attributes.
    #[must_use]
    pub fn is_first_party(self) -> bool {
        self != Self::ThirdPartyApp
    }

    /// Whether the application may hold the full-access scope.
    #[must_use]
    pub fn has_full_access(self) -> bool {
        match self {
            Self::Spa | Self::TraditionalWebapp | Self::Native | Self::Unspecified => true,
            Self::Confidential | Self::ThirdPartyApp | Self::M2m => false,
        }
    }

    /// Whether the application may have guests. This takes full access, because a guest cannot be asked for consent.
    #[must_use]
    pub fn allows_anonymous(self) -> bool {
        self.has_full_access()
    }

    /// Whether standard attributes are put into the ID token: only for clients that keep it on a server.
    #[must_use]
    pub fn has_attributes_in_id_token(self) -> bool {
        match self {
            Self::Confidential | Self::ThirdPartyApp => true,
            Self::Spa | Self::TraditionalWebapp | Self::Native | Self::M2m | Self::Unspecified => false,
        }
    }

    /// Whether it may get notices of sessions that end: it signs in users, and has a server that can be called.
    #[must_use]
    pub fn has_backchannel_logout(self) -> bool {
        self.is_confidential() && self.has_users()
    }

    /// Whether users sign in through it.
    #[must_use]
    pub fn has_users(self) -> bool {
        self != Self::M2m
    }

    /// Whether it may listen on any port of a loopback address, which the operating system assigns (RFC 8252 §7.3).
    fn has_any_loopback_port(self) -> bool {
        match self {
            Self::Native | Self::Unspecified => true,
            Self::Spa | Self::TraditionalWebapp | Self::Confidential | Self::ThirdPartyApp | Self::M2m => false,
        }
    }

    /// Whether it may get tokens for itself, without a user.
    #[must_use]
    pub fn has_own_tokens(self) -> bool {
        match self {
            Self::Confidential | Self::M2m => true,
            Self::Spa | Self::TraditionalWebapp | Self::Native | Self::ThirdPartyApp | Self::Unspecified => false,
        }
    }

    /// Whether it may exchange a provider's ID token for tokens. No page asks for consent, so it must be first-party; and what it holds
    /// of the user opens the whole account, as the ID token does.
    #[must_use]
    pub fn exchanges_provider_tokens(self) -> bool {
        self.has_full_access()
    }

    /// The signature algorithm of ID tokens that a new application begins with; one without the setting has RS256.
    ///
    /// The SDKs of browsers and devices read ID tokens without verifying them. Libraries of servers verify them, and some accept only
    /// RS256 by default.
    #[must_use]
    pub fn first_id_token_algorithm(self) -> TokenSigningAlgorithm {
        match self {
            Self::Spa | Self::Native => TokenSigningAlgorithm::Es256,
            Self::TraditionalWebapp | Self::Confidential | Self::ThirdPartyApp | Self::M2m | Self::Unspecified => {
                TokenSigningAlgorithm::Rs256
            }
        }
    }

    /// The values of `grant_type` it may use at the token endpoint.
    #[must_use]
    pub fn grant_types(self) -> &'static [&'static str] {
        let of_users = GRANT_TYPES.len() - 1;
        let from = if self.has_users() { 0 } else { of_users };
        let to = if self.has_own_tokens() { GRANT_TYPES.len() } else { of_users };
        &GRANT_TYPES[from..to]
    }

    /// Whether an application that changes between these types keeps its grants and secrets: it stays first-party or third-party,
    /// with or without a secret, with or without users.
    #[must_use]
    pub fn is_same_kind(self, other: Self) -> bool {
        let kind = |one: Self| (one.is_first_party(), one.is_confidential(), one.has_users());
        kind(self) == kind(other)
    }

    fn is_unspecified(&self) -> bool {
        *self == Self::Unspecified
    }
}

/// The signing algorithm of an application's tokens.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum TokenSigningAlgorithm {
    /// RSASSA-PKCS1-v1_5 with SHA-256; supported by every client.
    #[default]
    #[serde(rename = "RS256")]
    Rs256,
    /// ECDSA on P-256 with SHA-256; shorter and faster to sign.
    #[serde(rename = "ES256")]
    Es256,
}

impl TokenSigningAlgorithm {
    /// The JOSE name (RFC 7518 §3.1).
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Rs256 => "RS256",
            Self::Es256 => "ES256",
        }
    }
}

/// When a guest of an application is stored.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum GuestCreation {
    /// With its sign-up.
    #[default]
    Eager,
    /// With the first thing worth keeping. Until then, its tokens say all that its rows would.
    Lazy,
}

/// An application as stored in its project's settings; an absent member means the default.
///
/// Read the members through the methods, which apply the defaults.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[expect(missing_docs, reason = "each member is documented once, in project::schema, under its own name")]
pub struct Client {
    pub client_id: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    #[serde(default, skip_serializing_if = "ApplicationType::is_unspecified")]
    pub x_application_type: ApplicationType,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub redirect_uris: Vec<String>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub post_logout_redirect_uris: Vec<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub client_uri: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub access_token_lifetime_seconds: Option<u32>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub refresh_token_lifetime_seconds: Option<u32>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub refresh_token_idle_timeout_enabled: Option<bool>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub refresh_token_idle_timeout_seconds: Option<u32>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub refresh_token_rotation_enabled: Option<bool>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub refresh_token_rotation_grace_seconds: Option<u32>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub x_max_concurrent_session: Option<u32>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub x_dpop_disabled: Option<bool>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub issue_jwt_access_token: Option<bool>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub device_authorization_enabled: Option<bool>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub previous_subs_enabled: Option<bool>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub require_pushed_authorization_requests: Option<bool>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub access_token_signed_response_alg: Option<TokenSigningAlgorithm>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub id_token_signed_response_alg: Option<TokenSigningAlgorithm>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub anonymous_access_token_lifetime_seconds: Option<u32>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub anonymous_refresh_token_lifetime_seconds: Option<u32>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub anonymous_refresh_token_idle_timeout_seconds: Option<u32>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub anonymous_scopes: Option<Vec<String>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub guest_creation: Option<GuestCreation>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub guest_stored_on_use: Option<bool>,
    #[serde(default, skip_serializing_if = "is_default")]
    pub guest_retention: RetentionSettings,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub resources: Vec<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub jwks: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub jwks_uri: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub backchannel_logout_uri: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub backchannel_logout_session_required: Option<bool>,
}

impl Client {
    /// The name shown to users: the name, or the client ID when there is none.
    #[must_use]
    pub fn display_name(&self) -> &str {
        self.name.as_deref().filter(|name| !name.is_empty()).unwrap_or(&self.client_id)
    }

    /// The application's type.
    #[must_use]
    pub fn application_type(&self) -> ApplicationType {
        self.x_application_type
    }

    /// Whether it belongs to another company: it needs the consent of its users.
    #[must_use]
    pub fn is_third_party(&self) -> bool {
        !self.x_application_type.is_first_party()
    }

    /// The lifetime of an access token, for a guest or a member.
    #[must_use]
    pub fn access_token_lifetime(&self, is_anonymous: bool) -> Duration {
        seconds(self.access_seconds(is_anonymous))
    }

    /// The lifetime of a grant, for a guest or a member. It is evaluated at each use, so a shorter setting ends
    /// existing grants at once.
    #[must_use]
    pub fn grant_lifetime(&self, is_anonymous: bool) -> Lifetime {
        let idle = self.refresh_token_idle_timeout_enabled.unwrap_or(DEFAULT_IDLE_TIMEOUT_ENABLED).then(|| {
            let own = self.anonymous_refresh_token_idle_timeout_seconds.filter(|_| is_anonymous);
            seconds(own.or(self.refresh_token_idle_timeout_seconds).unwrap_or(DEFAULT_IDLE_SECONDS))
        });
        Lifetime { hard: seconds(self.refresh_seconds(is_anonymous)), idle }
    }

    /// The rule by which its guests of a class expire; `None` keeps them forever.
    #[must_use]
    pub fn retention_rule(&self, class: GuestClass) -> Option<Rule> {
        self.guest_retention.rule(class).filter(|_| self.x_application_type.allows_anonymous())
    }

    /// The scopes granted to a guest of this application.
    #[must_use]
    pub fn scopes_for_guest(&self) -> Vec<&str> {
        match &self.anonymous_scopes {
            Some(scopes) => scopes.iter().map(String::as_str).collect(),
            None => GUEST_SCOPES.to_vec(),
        }
    }

    /// Whether guests get the default scopes, so that their grants need not store them.
    #[must_use]
    pub fn has_default_guest_scopes(&self) -> bool {
        self.anonymous_scopes.is_none()
    }

    /// When its guests are stored.
    #[must_use]
    pub fn guest_creation(&self) -> GuestCreation {
        self.guest_creation.unwrap_or_default()
    }

    /// Whether the first use of a guest's access token stores the guest: always, where guests are stored at once.
    #[must_use]
    pub fn stores_guest_on_use(&self) -> bool {
        match self.guest_creation() {
            GuestCreation::Eager => true,
            GuestCreation::Lazy => self.guest_stored_on_use.unwrap_or(DEFAULT_GUEST_STORED_ON_USE),
        }
    }

    /// The URI to redirect to when a request names this one; `None` if it is not registered.
    #[must_use]
    pub fn find_redirect_uri(&self, uri: &str) -> Option<String> {
        redirect_uri::find(&self.redirect_uris, uri, self.x_application_type.has_any_loopback_port())
    }

    /// Whether an exchange names the redirect URI of its code.
    #[must_use]
    pub fn is_redirect_uri_of_code(of_code: &str, sent: &str) -> bool {
        redirect_uri::is_of_code(of_code, sent)
    }

    /// The registered target after sign-out that a request names.
    #[must_use]
    pub fn find_post_logout_redirect_uri(&self, uri: &str) -> Option<String> {
        redirect_uri::find(&self.post_logout_redirect_uris, uri, self.x_application_type.has_any_loopback_port())
    }

    /// The only redirect URI, used when a request names none (RFC 6749 §3.1.2.3).
    #[must_use]
    pub fn only_redirect_uri(&self) -> Option<&str> {
        match self.redirect_uris.as_slice() {
            [only] => Some(only),
            _ => None,
        }
    }

    /// The values of `grant_type` it may use.
    #[must_use]
    pub fn grant_types(&self) -> &'static [&'static str] {
        self.x_application_type.grant_types()
    }

    /// Whether it may use this `grant_type`.
    #[must_use]
    pub fn allows_grant_type(&self, grant_type: &str) -> bool {
        match grant_type {
            DEVICE_CODE_GRANT => self.allows_devices(),
            TOKEN_EXCHANGE_GRANT => self.application_type().exchanges_provider_tokens(),
            _ => self.grant_types().contains(&grant_type),
        }
    }

    /// Whether its ID tokens and UserInfo name the earlier IDs of users.
    #[must_use]
    pub fn gets_previous_subs(&self) -> bool {
        self.x_application_type.has_users() && self.previous_subs_enabled.unwrap_or_default()
    }

    /// Whether devices without a browser may ask for its tokens.
    #[must_use]
    pub fn allows_devices(&self) -> bool {
        self.x_application_type.has_users() && self.device_authorization_enabled.unwrap_or(DEFAULT_DEVICE_AUTHORIZATION)
    }

    /// Whether it must push its authorization requests (RFC 9126 §6).
    #[must_use]
    pub fn requires_pushed_requests(&self) -> bool {
        self.require_pushed_authorization_requests.unwrap_or(DEFAULT_REQUIRES_PUSHED_REQUESTS)
    }

    /// The URL for notices of its users' sessions that ended.
    #[must_use]
    pub fn backchannel_logout_uri(&self) -> Option<&str> {
        self.backchannel_logout_uri.as_deref().filter(|_| self.x_application_type.has_backchannel_logout())
    }

    /// Whether such a notice names the session, and not only the user.
    #[must_use]
    pub fn names_session_in_logout(&self) -> bool {
        self.backchannel_logout_session_required.unwrap_or(DEFAULT_LOGOUT_NAMES_SESSION)
    }

    /// The keys with which it authenticates instead of a secret: a JWK set, as JSON text.
    #[must_use]
    pub fn jwks(&self) -> Option<&str> {
        self.jwks.as_deref().filter(|_| self.x_application_type.is_confidential())
    }

    /// The URL of those keys.
    #[must_use]
    pub fn jwks_uri(&self) -> Option<&str> {
        self.jwks_uri.as_deref().filter(|_| self.x_application_type.is_confidential())
    }

    /// The lifetime of a token for the application itself: such a token has no grant to end.
    #[must_use]
    pub fn own_token_lifetime(&self) -> Duration {
        seconds(self.access_seconds(false).min(MAX_M2M_ACCESS_TOKEN_SECONDS))
    }

    /// The APIs that it gets tokens for itself for.
    pub fn resources(&self) -> impl Iterator<Item = Resource<'_>> {
        // An application that became public keeps the key in its document at most, not the right.
        let entries = if self.x_application_type.has_own_tokens() { self.resources.as_slice() } else { &[] };
        entries.iter().map(|entry| Resource::read(entry))
    }

    /// Whether each refresh issues a new refresh token.
    #[must_use]
    pub fn rotates_refresh_tokens(&self) -> bool {
        self.refresh_token_rotation_enabled.unwrap_or(DEFAULT_ROTATION_ENABLED)
    }

    /// How long the previous refresh token remains valid after a rotation.
    #[must_use]
    pub fn rotation_grace(&self) -> Duration {
        seconds(self.refresh_token_rotation_grace_seconds.unwrap_or(DEFAULT_ROTATION_GRACE_SECONDS))
    }

    /// Whether a new grant ends the user's earlier grants of this application.
    #[must_use]
    pub fn allows_one_session_only(&self) -> bool {
        self.x_max_concurrent_session.unwrap_or(DEFAULT_CONCURRENT_SESSIONS) == 1
    }

    /// Whether invalid DPoP proofs are only logged.
    #[must_use]
    pub fn is_dpop_disabled(&self) -> bool {
        self.x_dpop_disabled.unwrap_or(DEFAULT_DPOP_DISABLED)
    }

    /// Whether access tokens are JWTs (RFC 9068); always for machines.
    #[must_use]
    pub fn issues_jwt_access_tokens(&self) -> bool {
        self.x_application_type == ApplicationType::M2m
            || self.issue_jwt_access_token.unwrap_or(DEFAULT_JWT_ACCESS_TOKENS)
    }

    /// The signing algorithm of its JWT access tokens.
    #[must_use]
    pub fn access_token_algorithm(&self) -> TokenSigningAlgorithm {
        self.access_token_signed_response_alg.unwrap_or_default()
    }

    /// The signing algorithm of its ID tokens.
    #[must_use]
    pub fn id_token_algorithm(&self) -> TokenSigningAlgorithm {
        self.id_token_signed_response_alg.unwrap_or_default()
    }

    pub(crate) fn access_seconds(&self, is_anonymous: bool) -> u32 {
        let own = self.anonymous_access_token_lifetime_seconds.filter(|_| is_anonymous);
        own.or(self.access_token_lifetime_seconds).unwrap_or(DEFAULT_ACCESS_TOKEN_SECONDS)
    }

    pub(crate) fn refresh_seconds(&self, is_anonymous: bool) -> u32 {
        let own = self.anonymous_refresh_token_lifetime_seconds.filter(|_| is_anonymous);
        own.or(self.refresh_token_lifetime_seconds)
            .unwrap_or_else(|| default_refresh_seconds(self.access_seconds(is_anonymous)))
    }

    /// The lifetime of a member's refresh token when the key is absent: at least the access token's.
    #[must_use]
    pub fn default_refresh_token_seconds(&self) -> u32 {
        default_refresh_seconds(self.access_seconds(false))
    }
}

/// An API that an application gets tokens for itself for, with the scopes that it may request there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Resource<'a> {
    /// Its URI (RFC 8707 §2), the audience of the tokens.
    pub uri: &'a str,
    scopes: &'a str,
}

impl<'a> Resource<'a> {
    /// Reads an entry of `resources`: the URI, then the scopes, separated by spaces.
    #[must_use]
    pub fn read(entry: &'a str) -> Self {
        let (uri, scopes) = entry.split_once(' ').unwrap_or((entry, ""));
        Self { uri, scopes }
    }

    /// The scopes, in the order written.
    pub fn scopes(self) -> impl Iterator<Item = &'a str> {
        self.scopes.split(' ').filter(|scope| !scope.is_empty())
    }
}

/// Only the default is extended to a long access token; an explicit value that is too short is rejected.
fn default_refresh_seconds(access: u32) -> u32 {
    DEFAULT_LIFETIME_SECONDS.max(access)
}

pub(crate) fn seconds(count: u32) -> Duration {
    Duration::from_secs(u64::from(count))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_application_type_may_do_what_the_table_says() {
        // confidential, first party, anonymous, attributes in the ID token, authorization_code
        let table = [
            (ApplicationType::Spa, false, true, true, false, true),
            (ApplicationType::TraditionalWebapp, false, true, true, false, true),
            (ApplicationType::Native, false, true, true, false, true),
            (ApplicationType::Unspecified, false, true, true, false, true),
            (ApplicationType::Confidential, true, true, false, true, true),
            (ApplicationType::ThirdPartyApp, true, false, false, true, true),
            (ApplicationType::M2m, true, true, false, false, false),
        ];
        for (kind, confidential, first_party, anonymous, attributes, code) in table {
            let client = Client { x_application_type: kind, ..Client::default() };
            assert_eq!(kind.is_confidential(), confidential, "{kind:?}");
            assert_eq!(kind.is_first_party(), first_party, "{kind:?}");
            assert_eq!(kind.allows_anonymous(), anonymous, "{kind:?}");
            assert_eq!(kind.has_attributes_in_id_token(), attributes, "{kind:?}");
            assert_eq!(client.allows_grant_type("authorization_code"), code, "{kind:?}");
            assert_eq!(client.allows_grant_type("client_credentials"), confidential && first_party, "{kind:?}");
            let of_users = client.grant_types().iter().filter(|one| **one != "client_credentials").count();
            assert_eq!(of_users, if code { 5 } else { 0 }, "{kind:?}");
            assert!(!client.allows_grant_type(DEVICE_CODE_GRANT), "{kind:?}: it is turned on for each application");
            let client = Client { device_authorization_enabled: Some(true), ..client };
            assert_eq!(client.allows_grant_type(DEVICE_CODE_GRANT), code, "{kind:?}");
        }
    }

    #[test]
    fn an_application_keeps_its_access_among_public_types_only() {
        for one in ApplicationType::ALL {
            for other in ApplicationType::ALL {
                let expected = one == other || (one.has_full_access() && other.has_full_access());
                assert_eq!(one.is_same_kind(other), expected, "{one:?} and {other:?}");
            }
        }
    }

    #[test]
    fn the_word_of_a_type_is_what_the_document_holds() {
        for kind in ApplicationType::ALL {
            assert_eq!(serde_json::to_value(kind).unwrap(), kind.as_str());
        }
    }

    #[test]
    fn an_empty_client_has_the_defaults_of_the_day() {
        let client = Client::default();
        for is_anonymous in [true, false] {
            assert_eq!(client.access_token_lifetime(is_anonymous), Duration::from_secs(1_800));
            let lifetime = client.grant_lifetime(is_anonymous);
            assert_eq!(lifetime.hard, Duration::from_secs(31_449_600));
            assert_eq!(lifetime.idle, Some(Duration::from_secs(2_592_000)));
        }
        assert_eq!(client.rotation_grace(), Duration::from_secs(30));
        assert_eq!(client.scopes_for_guest(), ["openid", "offline_access", FULL_ACCESS_SCOPE]);
        assert!(!client.rotates_refresh_tokens() && !client.issues_jwt_access_tokens() && !client.is_dpop_disabled());
        assert_eq!(client.guest_creation(), GuestCreation::Eager);
    }

    #[test]
    fn a_use_stores_a_guest_unless_the_application_says_that_it_need_not() {
        for (creation, on_use, expected) in [
            (None, None, true),
            (None, Some(false), true),
            (Some(GuestCreation::Eager), Some(false), true),
            (Some(GuestCreation::Lazy), None, false),
            (Some(GuestCreation::Lazy), Some(false), false),
            (Some(GuestCreation::Lazy), Some(true), true),
        ] {
            let client = Client { guest_creation: creation, guest_stored_on_use: on_use, ..Client::default() };
            assert_eq!(client.stores_guest_on_use(), expected, "{creation:?} {on_use:?}");
        }
    }

    #[test]
    fn guests_follow_their_own_lifetimes_where_they_are_written() {
        let client = Client {
            access_token_lifetime_seconds: Some(3_600),
            refresh_token_lifetime_seconds: Some(100_000),
            refresh_token_idle_timeout_seconds: Some(50_000),
            anonymous_access_token_lifetime_seconds: Some(300),
            anonymous_refresh_token_idle_timeout_seconds: Some(7),
            ..Client::default()
        };
        assert_eq!(client.access_token_lifetime(true), Duration::from_secs(300));
        assert_eq!(client.access_token_lifetime(false), Duration::from_secs(3_600));
        assert_eq!(client.grant_lifetime(true).hard, Duration::from_secs(100_000));
        assert_eq!(client.grant_lifetime(true).idle, Some(Duration::from_secs(7)));
        assert_eq!(client.grant_lifetime(false).idle, Some(Duration::from_secs(50_000)));
        let never_idle = Client { refresh_token_idle_timeout_enabled: Some(false), ..client };
        assert_eq!(never_idle.grant_lifetime(true).idle, None);
    }

    #[test]
    fn an_unwritten_refresh_lifetime_is_never_shorter_than_the_access_token() {
        let client = Client { access_token_lifetime_seconds: Some(40_000_000), ..Client::default() };
        assert_eq!(client.grant_lifetime(false).hard, Duration::from_secs(40_000_000));
    }

    #[test]
    fn only_first_party_applications_with_a_secret_have_resources() {
        for kind in ApplicationType::ALL {
            let entries = ["https://orders.example read write", "urn:stock"].map(str::to_owned);
            let client = Client {
                x_application_type: kind,
                resources: entries.to_vec(),
                access_token_lifetime_seconds: Some(3_000_000),
                ..Client::default()
            };
            let found: Vec<_> = client.resources().map(|one| (one.uri, one.scopes().collect::<Vec<_>>())).collect();
            let expected = [("https://orders.example", vec!["read", "write"]), ("urn:stock", vec![])];
            let has_own = matches!(kind, ApplicationType::Confidential | ApplicationType::M2m);
            assert_eq!(found, if has_own { expected.to_vec() } else { Vec::new() }, "{kind:?}");
            assert_eq!(client.own_token_lifetime(), Duration::from_secs(2_419_200));
        }
    }

    #[test]
    fn only_native_applications_listen_on_any_loopback_port() {
        for kind in ApplicationType::ALL {
            let client = Client {
                x_application_type: kind,
                redirect_uris: vec!["http://127.0.0.1/cb".into()],
                post_logout_redirect_uris: vec!["http://[::1]/out".into()],
                ..Client::default()
            };
            let is_native = matches!(kind, ApplicationType::Native | ApplicationType::Unspecified);
            assert_eq!(client.find_redirect_uri("http://127.0.0.1:51004/cb").is_some(), is_native, "{kind:?}");
            assert_eq!(client.find_post_logout_redirect_uri("http://[::1]:51004/out").is_some(), is_native, "{kind:?}");
            assert_eq!(client.find_post_logout_redirect_uri("http://127.0.0.1/cb"), None, "{kind:?}");
        }
    }
}
