//! The JSON that the Admin API prints of users, sessions, keys, applications and imports. Doc comments of these types are in the API's
//! description; what they mean to its code stands in plain comments.

use schemars::JsonSchema;
use serde::Serialize;
use serde_json::{Map, Value};
use vestibule_app::{
    admin::{
        ListPage,
        applications::SecretInfo,
        device_keys::DeviceKey,
        keys::{AdminKeyInfo, AdminKeyKind, AdminScope},
        transfer::{ImportedLine, LineOutcome},
        user_lists::UserTotal,
    },
    consent::ThirdPartyAccess,
    identities::LoadedUser,
    providers::secrets::ProviderInfo,
    sessions::ListedSession,
};
use vestibule_domain::{
    client::Client,
    identity::{Authenticator, Identity},
    project::ProjectSettings,
    session::SessionRef,
    user::User,
};

use super::schemas::{ApplicationSchema, IdText, ScopeWord, SettingsSchema, TimeText};

// The settings and their version.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "Project")]
pub(crate) struct ProjectView {
    #[schemars(with = "SettingsSchema")]
    pub(super) settings: ProjectSettings,
    pub(super) version: i64,
}

#[derive(Debug, Serialize, JsonSchema)]
#[schemars(inline)]
pub(crate) struct WebhookSecretView {
    /// The key of `x-authgear-body-signature`.
    pub(super) secret: String,
    /// The same key for libraries that verify Standard Webhooks.
    pub(super) standard_webhooks_secret: String,
}

#[derive(Debug, Serialize, JsonSchema)]
#[serde(transparent)]
#[schemars(inline)]
pub(crate) struct ApplicationView(#[schemars(with = "ApplicationSchema")] pub(super) Client);

#[derive(Debug, Serialize, JsonSchema)]
#[schemars(inline)]
pub(crate) struct ProvidersView {
    providers: Vec<ProviderView>,
}

impl ProvidersView {
    pub(super) fn of(all: Vec<ProviderInfo>) -> Self {
        let print = |info: ProviderInfo| ProviderView {
            name: info.provider.display_name().to_string(),
            kind: info.provider.kind.as_str(),
            client_id: info.provider.client_id,
            alias: info.provider.alias,
            redirect_uri: info.callback,
            secret_set_at: info.secret_set_at.map(TimeText::from),
        };
        Self { providers: all.into_iter().map(print).collect() }
    }
}

#[derive(Debug, Serialize, JsonSchema)]
#[schemars(inline)]
struct ProviderView {
    alias: String,
    #[serde(rename = "type")]
    kind: &'static str,
    name: String,
    client_id: String,
    /// To be registered at the provider.
    redirect_uri: String,
    /// When the client secret was set; null without one.
    secret_set_at: Option<TimeText>,
}

#[derive(Debug, Serialize, JsonSchema)]
#[schemars(inline)]
pub(crate) struct ApplicationsView {
    applications: Vec<ApplicationView>,
}

impl ApplicationsView {
    pub(super) fn of(all: Vec<Client>) -> Self {
        Self { applications: all.into_iter().map(ApplicationView).collect() }
    }
}

// A client secret in a list: by a name that reveals nothing of it.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(inline)]
pub(super) struct SecretView {
    id: String,
    created_at: TimeText,
}

#[derive(Debug, Serialize, JsonSchema)]
#[schemars(inline)]
pub(crate) struct SecretsView {
    secrets: Vec<SecretView>,
}

impl SecretsView {
    pub(super) fn of(all: Vec<SecretInfo>) -> Self {
        let secrets = all.into_iter().map(|secret| SecretView { id: secret.id, created_at: secret.created_at.into() });
        Self { secrets: secrets.collect() }
    }
}

#[derive(Debug, Serialize, JsonSchema)]
#[schemars(inline)]
pub(crate) struct NewSecretView {
    id: String,
    created_at: TimeText,
    secret: String,
}

impl NewSecretView {
    pub(super) fn of(made: SecretInfo, secret: String) -> Self {
        Self { id: made.id, created_at: made.created_at.into(), secret }
    }
}

#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "User")]
pub(crate) struct UserView {
    id: IdText,
    created_at: TimeText,
    updated_at: TimeText,
    /// When it last signed in. Of a guest that signs in with a device key to the hour: a sign-in within an hour of the recorded one is
    /// not recorded.
    last_login_at: Option<TimeText>,
    promoted_at: Option<TimeText>,
    is_anonymous: bool,
    is_disabled: bool,
    /// The member that this guest signed in to.
    yielded_to: Option<IdText>,
    standard_attributes: Map<String, Value>,
    custom_attributes: Map<String, Value>,
}

impl UserView {
    fn of(user: User) -> Self {
        Self {
            id: user.id.into(),
            created_at: user.created_at.into(),
            updated_at: user.updated_at.into(),
            last_login_at: user.last_login_at.map(TimeText::from),
            promoted_at: user.promoted_at.map(TimeText::from),
            is_anonymous: user.is_anonymous(),
            is_disabled: user.disabled_at.is_some(),
            yielded_to: user.yielded_to.map(IdText::from),
            standard_attributes: user.standard_attributes,
            custom_attributes: user.custom_attributes,
        }
    }
}

#[derive(Debug, Serialize, JsonSchema)]
#[schemars(inline)]
pub(crate) struct UsersPage {
    users: Vec<UserView>,
    next_cursor: Option<String>,
    /// Only when asked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    total: Option<TotalView>,
}

impl UsersPage {
    pub(crate) fn of(page: ListPage<User>, total: Option<UserTotal>) -> Self {
        let total = total.map(|UserTotal { count, is_exact }| TotalView { count, is_exact });
        Self { users: page.items.into_iter().map(UserView::of).collect(), next_cursor: page.next, total }
    }
}

#[derive(Debug, Serialize, JsonSchema)]
#[schemars(inline)]
struct TotalView {
    /// The number of users, at most 10,000.
    count: i64,
    /// false: there are more, or may be more. Of guests the newest 10,000 users are looked at, of dormant guests the newest 1,500 that are old enough.
    is_exact: bool,
}

// A user with its identities and authenticators.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "UserDetail")]
pub(crate) struct UserDetailView {
    #[serde(flatten)]
    user: UserView,
    identities: Vec<IdentityView>,
    authenticators: Vec<AuthenticatorView>,
    /// Only in the response of GET: the IDs of guests that were merged into this member, and its IDs in other systems; the first 100 of each.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    merged_from: Vec<String>,
}

impl UserDetailView {
    pub(crate) fn of(loaded: LoadedUser) -> Self {
        Self {
            user: UserView::of(loaded.user),
            identities: loaded.identities.iter().map(IdentityView::of).collect(),
            authenticators: loaded.authenticators.iter().map(AuthenticatorView::of).collect(),
            merged_from: Vec::new(),
        }
    }

    /// The same, with the user's other names.
    pub(crate) fn merged_from(self, merged_from: Vec<String>) -> Self {
        Self { merged_from, ..self }
    }
}

#[derive(Debug, Serialize, JsonSchema)]
#[schemars(inline)]
struct IdentityView {
    id: String,
    #[serde(rename = "type")]
    kind: &'static str,
    created_at: TimeText,
    updated_at: TimeText,
    claims: Map<String, Value>,
}

impl IdentityView {
    fn of(identity: &Identity) -> Self {
        Self {
            id: identity.id.to_string(),
            kind: identity.type_name(),
            created_at: identity.created_at.into(),
            updated_at: identity.updated_at.into(),
            claims: identity.claims(),
        }
    }
}

#[derive(Debug, Serialize, JsonSchema)]
#[schemars(inline)]
struct AuthenticatorView {
    #[serde(rename = "type")]
    name: &'static str,
    kind: AuthenticatorUse,
    created_at: TimeText,
    updated_at: TimeText,
}

// Every authenticator stands alone: there is no second factor yet.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
#[schemars(inline)]
enum AuthenticatorUse {
    Primary,
}

impl AuthenticatorView {
    fn of(authenticator: &Authenticator) -> Self {
        Self {
            name: authenticator.kind.as_str(),
            kind: AuthenticatorUse::Primary,
            created_at: authenticator.created_at.into(),
            updated_at: authenticator.updated_at.into(),
        }
    }
}

#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
#[schemars(inline)]
enum SessionName {
    Cookie,
    RefreshToken,
}

// A session or grant in a list.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "Session")]
pub(super) struct SessionView {
    id: String,
    #[serde(rename = "type")]
    kind: SessionName,
    client_id: Option<String>,
    display_name: Option<String>,
    created_at: TimeText,
    last_accessed_at: TimeText,
}

impl SessionView {
    fn of(session: ListedSession) -> Self {
        Self {
            id: session.id.plain_id(),
            kind: match session.id {
                SessionRef::Session(_) => SessionName::Cookie,
                SessionRef::Grant(_) => SessionName::RefreshToken,
            },
            client_id: session.client_id,
            display_name: session.device,
            created_at: session.created_at.into(),
            last_accessed_at: session.last_access_at.into(),
        }
    }
}

#[derive(Debug, Serialize, JsonSchema)]
#[schemars(inline)]
pub(crate) struct SessionsView {
    sessions: Vec<SessionView>,
}

impl SessionsView {
    pub(crate) fn of(all: Vec<ListedSession>) -> Self {
        Self { sessions: all.into_iter().map(SessionView::of).collect() }
    }
}

#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "Consent")]
pub(super) struct ConsentView {
    client_id: String,
    /// The scopes that the member agreed to, separated by spaces.
    scope: String,
    granted_at: TimeText,
    last_used_at: Option<TimeText>,
}

impl ConsentView {
    fn of(access: ThirdPartyAccess) -> Self {
        Self {
            client_id: access.client_id,
            scope: access.scope,
            granted_at: access.granted_at.into(),
            last_used_at: access.last_used_at.map(TimeText::from),
        }
    }
}

#[derive(Debug, Serialize, JsonSchema)]
#[schemars(inline)]
pub(crate) struct ConsentsView {
    consents: Vec<ConsentView>,
}

impl ConsentsView {
    pub(super) fn of(all: Vec<ThirdPartyAccess>) -> Self {
        Self { consents: all.into_iter().map(ConsentView::of).collect() }
    }
}

#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "DeviceKey")]
pub(super) struct DeviceKeyView {
    id: IdText,
    /// Chosen by the device.
    key_id: String,
    device: Option<String>,
    created_at: TimeText,
    last_used_at: TimeText,
    /// The key is no longer accepted since then.
    promoted_at: Option<TimeText>,
}

impl DeviceKeyView {
    fn of(key: DeviceKey) -> Self {
        Self {
            id: key.id.into(),
            key_id: key.key_id,
            device: key.device,
            created_at: key.created_at.into(),
            last_used_at: key.last_used_at.into(),
            promoted_at: key.promoted_at.map(TimeText::from),
        }
    }
}

#[derive(Debug, Serialize, JsonSchema)]
#[schemars(inline)]
pub(crate) struct DeviceKeysView {
    device_keys: Vec<DeviceKeyView>,
}

impl DeviceKeysView {
    pub(crate) fn of(all: Vec<DeviceKey>) -> Self {
        Self { device_keys: all.into_iter().map(DeviceKeyView::of).collect() }
    }
}

#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
#[schemars(inline)]
enum KeyKind {
    ApiKey,
    Jwt,
}

// An Admin API key in a list.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "Key")]
pub(super) struct KeyView {
    id: String,
    name: String,
    #[serde(rename = "type")]
    kind: KeyKind,
    #[schemars(with = "Vec<ScopeWord>")]
    scopes: Vec<AdminScope>,
    created_at: TimeText,
    last_used_at: Option<TimeText>,
    revoked_at: Option<TimeText>,
}

impl KeyView {
    fn of(key: AdminKeyInfo) -> Self {
        Self {
            id: key.id,
            name: key.name,
            kind: match key.kind {
                AdminKeyKind::ApiKey => KeyKind::ApiKey,
                AdminKeyKind::Jwt => KeyKind::Jwt,
            },
            scopes: key.scopes,
            created_at: key.created_at.into(),
            last_used_at: key.last_used_at.map(TimeText::from),
            revoked_at: key.revoked_at.map(TimeText::from),
        }
    }
}

#[derive(Debug, Serialize, JsonSchema)]
#[schemars(inline)]
pub(crate) struct KeysView {
    keys: Vec<KeyView>,
}

impl KeysView {
    pub(super) fn of(all: Vec<AdminKeyInfo>) -> Self {
        Self { keys: all.into_iter().map(KeyView::of).collect() }
    }
}

#[derive(Debug, Serialize, JsonSchema)]
#[schemars(inline)]
pub(crate) struct NewKeyView {
    key: KeyView,
    api_key: Option<String>,
}

impl NewKeyView {
    /// `text` is the API key, which can't be read again.
    pub(super) fn of(key: AdminKeyInfo, text: Option<String>) -> Self {
        Self { key: KeyView::of(key), api_key: text }
    }
}

#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
#[schemars(inline)]
enum LineResult {
    Created,
    Exists,
    Refused,
}

// The result of one line of an import.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "LineOutcome")]
pub(super) struct LineView {
    line: usize,
    id: Option<String>,
    outcome: LineResult,
    reason: Option<String>,
}

impl LineView {
    fn of(imported: ImportedLine) -> Self {
        let (outcome, reason) = match imported.outcome {
            LineOutcome::Created => (LineResult::Created, None),
            LineOutcome::Exists => (LineResult::Exists, None),
            LineOutcome::Refused(reason) => (LineResult::Refused, Some(reason)),
        };
        Self { line: imported.line, id: imported.id.map(|id| id.to_string()), outcome, reason }
    }
}

#[derive(Debug, Serialize, JsonSchema)]
#[schemars(inline)]
pub(crate) struct ImportView {
    lines: Vec<LineView>,
}

impl ImportView {
    pub(super) fn of(all: Vec<ImportedLine>) -> Self {
        Self { lines: all.into_iter().map(LineView::of).collect() }
    }
}
